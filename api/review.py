"""The yearly review of rights: what each manager has looked at, and what is left. Nothing lapses where nobody looks (R12)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from api import errors, people
from api.bodies import Body
from api.errors import Explanation
from api.requests import Caller, digest_of
from api.writes import Done, perform
from domain.handlers import rights
from domain.handlers.work import Work
from domain.model.errors import DagbokError
from projections import view
from projections.people.read import Row

YEAR_DAYS = 365
AT_ONCE = 200


class ReviewRow(Body):
    """Somebody's rights in a unit; unit left out: those of no unit."""

    person: UUID
    unit: UUID | None = None


class NewReviews(Body):
    """Rights that are still right, each decided by itself."""

    rows: Annotated[list[ReviewRow], Field(min_length=1, max_length=AT_ONCE)]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one manager has come. manager None: rights without a responsible one; oldest: the look that is longest ago."""

    manager: str | None
    done: int
    total: int
    oldest: date

    @property
    def left(self) -> int:
        """How many wait."""
        return self.total - self.done


@dataclass(frozen=True, slots=True)
class Campaign:
    """One reader's review. rows: a person and unit each, with `seen` and `due`, the longest unseen first: those of the reader's
    staff; others: of other managers' staff, where the reader may review those; managers: everybody's progress, for whoever reads
    all rights."""

    rows: tuple[Row, ...]
    others: tuple[Row, ...]
    managers: tuple[Progress, ...]

    @property
    def due(self) -> tuple[Row, ...]:
        """Those of the own staff that nobody has looked at for a year."""
        return tuple(row for row in self.rows if row["due"])

    @property
    def mark(self) -> str:
        """What comes back when all that is due is said to be right at once: of another list than was shown it is refused."""
        return digest_of(sorted(f"{row['person']}:{row['unit']}:{row['orders']}" for row in self.due))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one row."""

    person: UUID
    unit: UUID | None
    done: Done | None
    refused: Explanation | None = None


def campaign(me: Caller) -> Campaign:
    """The review as the caller sees it; never the caller's own rights. The caller has passed the gate."""
    everybody = people.may(me, people.Query.READ_RIGHTS)
    mine, day = people.selves(me), people.today(me)
    found = [row for row in _rows(people.running(me), day) if str(row["person"]) not in mine]
    rows = sorted(found, key=lambda row: (row["seen"], row["name"]))
    own = tuple(row for row in rows if row["manager"] in mine)
    others = tuple(row for row in rows if everybody and row["due"] and row["manager"] not in mine)
    return Campaign(own, others, _progress(rows) if everybody else ())


def still_right(me: Caller, rows: Iterable[tuple[UUID, UUID | None]], key: str | None) -> list[Outcome]:
    """Say of each row that it is still right. Each is a command of its own: what one is refused for holds up no other."""
    return [_reviewed(me, person, unit, key) for person, unit in rows]


def _reviewed(me: Caller, person: UUID, unit: UUID | None, key: str | None) -> Outcome:
    def handle(work: Work) -> UUID:
        return rights.review(work, rights.Review(person, unit))

    own = f"{key}:{digest_of(person, unit)}" if key else None
    try:
        return Outcome(person, unit, perform(me, (person,), handle, key=own, given=(person,)))
    except DagbokError as problem:
        return Outcome(person, unit, None, errors.explain(problem, me.texts))


def _rows(running: Iterable[Row], day: date) -> Iterable[Row]:
    """One row for each person and unit; an order's own day counts as a look."""
    found: dict[tuple[UUID, UUID | None], Row] = {}
    for row in running:
        seen = row["reviewed_on"] or row["ordered_on"]
        one = found.setdefault(
            (row["person"], row["unit"]), {**row, "seen": seen, "roles": [], "codes": [], "groups": [], "orders": []}
        )
        for name in ("roles", "codes", "groups"):
            one[name] = list(dict.fromkeys([*one[name], *(row[name] or ())]))
        one["orders"] = [*one["orders"], str(row["id"])]
        one["seen"] = min(one["seen"], seen)
        one["due"] = (day - one["seen"]).days >= YEAR_DAYS
    return found.values()


def _progress(rows: Iterable[Row]) -> tuple[Progress, ...]:
    """By manager, who has most left first."""
    of: dict[str | None, list[Row]] = {}
    for row in rows:
        of.setdefault(row["manager"], []).append(row)
    told = [
        Progress(manager, sum(not row["due"] for row in some), len(some), min(row["seen"] for row in some))
        for manager, some in of.items()
    ]
    return tuple(sorted(told, key=lambda one: (-one.left, one.manager or "")))


def as_json(row: Row) -> Mapping[str, Any]:
    """A row for a machine."""
    names = ("person", "name", "unit", "unit_name", "roles", "codes", "groups", "manager", "seen", "due", "orders")
    return {name: view.plain(row[name]) for name in names}
