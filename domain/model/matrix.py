"""The rights tables: which role may do what, in which status, on which records (Noark 5: 4.5.1, 4.5.7, 4.5.8).

Four tables of cells, one line a cell: action, type, from_status, to_status, role, scope, condition, source. A municipality
changes a cell by one person's order and another's confirmation, from a date; `Matrix.on` gives the tables of a day.

Scope: letters of which one must hold, each alone, or limited as `/uncoded` or `/public`:
`*` any record, `e` of the right's own unit, `E` of it or of a unit below, `o` owned by the person, `h` handled, `a` written,
`p` put to the person by name (approver, manager), `n` named to the person, `m` of the right's own organ, `i` ids only.
Before them stands at most one word that makes it less than a yes: `2` takes two people, `propose`, `ask`. A cell `-` says no.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

HEADER = ("action", "type", "from_status", "to_status", "role", "scope", "condition", "source")
ANY, NONE = "*", "-"
LETTERS = frozenset("*eEohapnmi")
MODES = frozenset({"2", "propose", "ask"})
LIMITS = frozenset({"", "uncoded", "public"})
ROLES = (
    "archivist", "head-of-records", "unit-manager", "committee-secretary", "caseworker", "system-administrator",
    "user-administrator", "auditor", "checker", "signer", "elected", "service",
)  # fmt: skip


class MatrixError(ValueError):
    """A rights table is not of its form: the line, and what is wrong with it."""


class Reach(NamedTuple):
    """One letter of a scope, and the records it is limited to: all (""), `uncoded` or `public`."""

    letter: str
    limit: str


class Place(NamedTuple):
    """Where a cell stands; joined by `:` it is the cell's id. type: `*` any; from_status, to_status: `-` where there is none."""

    table: str
    action: str
    type: str
    from_status: str
    to_status: str
    role: str


@dataclass(frozen=True, slots=True)
class Cell:
    """One answer of a table. mode: "", `2`, `propose`, `ask`; rests_on: the position of the change that set it, if any."""

    place: Place
    mode: str
    reaches: tuple[Reach, ...]
    condition: str = ""
    source: str = ""
    rests_on: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CellChange:
    """A cell as decided by two people, from a local day on. rests_on: positions of proposal and confirmation."""

    cell: Cell
    first_day: date


@dataclass(frozen=True, slots=True)
class Matrix:
    """All cells by place, as delivered, and the changes a municipality has decided, in order of decision."""

    cells: Mapping[Place, Cell]
    changes: tuple[CellChange, ...] = ()
    actions: frozenset[str] = field(default=frozenset())

    def on(self, day: date) -> Matrix:
        """The tables as they are in force on a local day."""
        due = {change.cell.place: change.cell for change in self.changes if change.first_day <= day}
        return self if not due else Matrix({**self.cells, **due}, (), self.actions)

    def find(self, wanted: Place) -> Cell | None:
        """The cell that answers; one for the record's own type before one for any type."""
        for place in (wanted, wanted._replace(type=ANY)):
            cell = self.cells.get(place)
            if cell is not None:
                return cell
        return None


def parse(table: str, lines: Iterable[str]) -> Iterator[Cell]:
    """The cells of one table: `case`, `document`, `meeting` or `administration`. Raises MatrixError."""
    for number, line in enumerate(lines, 1):
        values = tuple(line.rstrip("\n").split("\t"))
        if number == 1:
            if values != HEADER:
                raise MatrixError(f"line 1: the columns are {', '.join(HEADER)}")
        elif len(values) != len(HEADER) or not all(values[:6]):
            raise MatrixError(f"line {number}: a cell has eight columns, and the first six are not empty")
        else:
            yield _cell(number, table, values)


def gather(tables: Iterable[Iterable[Cell]]) -> Matrix:
    """One matrix of several tables. Raises MatrixError where two cells stand in one place."""
    cells: dict[Place, Cell] = {}
    for table in tables:
        for cell in table:
            if cells.setdefault(cell.place, cell) is not cell:
                raise MatrixError(f"two cells stand at {':'.join(cell.place)}")
    return Matrix(cells, (), frozenset(place.action for place in cells))


def scope(text: str) -> tuple[str, tuple[Reach, ...]]:
    """(mode, reaches) of a scope as written. Raises MatrixError."""
    words = text.split(" ")
    mode = words.pop(0) if words[0] in MODES else ""
    if words == [NONE] and not mode:
        return "", ()
    reaches = tuple(Reach(letter, limit) for letter, _, limit in (word.partition("/") for word in words))
    if not reaches or any(one.letter not in LETTERS or one.limit not in LIMITS for one in reaches):
        raise MatrixError(f"{text!r} is no scope")
    return mode, reaches


def written(cell: Cell) -> str:
    """A cell's scope as it stands in the table: the inverse of `scope`."""
    words = [f"{one.letter}/{one.limit}" if one.limit else one.letter for one in cell.reaches] or [NONE]
    return " ".join([cell.mode, *words] if cell.mode else words)


def _cell(number: int, table: str, values: tuple[str, ...]) -> Cell:
    place = Place(table, *values[:5])
    if place.role not in ROLES:
        raise MatrixError(f"line {number}: {place.role!r} is no role")
    try:
        mode, reaches = scope(values[5])
    except MatrixError as problem:
        raise MatrixError(f"line {number}: {problem}") from problem
    return Cell(place, mode, reaches, values[6], values[7])
