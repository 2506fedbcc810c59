"""The rights tables as delivered, read once from the program's own files, and as a municipality has changed them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import cache
from importlib import resources

from domain.model.matrix import Cell, CellChange, Matrix, MatrixError, Place, gather, parse, scope
from domain.model.organisation import CellText, Organisation

NAMES = ("administration", "case", "document", "meeting")


@cache
def delivered() -> Matrix:
    """All cells as delivered."""
    folder = resources.files("domain.model").joinpath("matrices")
    return gather(parse(name, folder.joinpath(f"{name}.tsv").read_text("utf-8").splitlines(keepends=True)) for name in NAMES)


@cache
def administrative() -> frozenset[str]:
    """The actions that concern no case, entry or document."""
    return frozenset(place.action for place in delivered().cells if place.table == "administration")


def changed(organisation: Organisation, positions: Iterable[tuple[str, ...]]) -> Matrix:
    """The cells with the municipality's own changes. positions: of each change's proposal and confirmation, in their order."""
    changes = tuple(
        CellChange(cell_of(text, rests_on), first_day)
        for (proposed, first_day), rests_on in zip(organisation.cells, positions, strict=True)
        for text in proposed.cells
    )
    return Matrix(delivered().cells, changes, delivered().actions)


def cell_of(text: CellText, rests_on: tuple[str, ...] = ()) -> Cell:
    """A cell from its text. Raises MatrixError where no table has such a place, or the scope is none."""
    found = delivered().cells.get(place_of(text.cell))
    if found is None:
        raise MatrixError(f"no table has a cell {text.cell!r}")
    mode, reaches = scope(text.scope)
    return Cell(found.place, mode, reaches, text.condition, found.source, rests_on)


def place_of(cell: str) -> Place:
    """The place of a cell id. Raises MatrixError."""
    parts = cell.split(":")
    if len(parts) != len(Place._fields):
        raise MatrixError(f"{cell!r} is no cell")
    return Place(*parts)


def in_force(organisation: Organisation, positions: Iterable[tuple[str, ...]], day: date) -> Matrix:
    """The tables of a local day."""
    return changed(organisation, positions).on(day) if organisation.cells else delivered()
