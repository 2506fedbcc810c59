"""What REST and the forms may say of the organisation and the rights tables, as commands."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field

from api.bodies import Body, Code, Day, Line
from domain.handlers import organisation
from domain.handlers.organisation import ChangeUnit, CreateUnit, ProposeCells, ProposeManager
from domain.handlers.work import Work
from domain.model.organisation import AccessCodeSet, AccessGroupSet, CellText

Name = Annotated[Line, Field(min_length=1, max_length=200)]
Text = Annotated[str, Field(max_length=200)]


class NewUnit(Body):
    """An administrative unit (M305). code: its short name in other systems."""

    name: Name
    parent: UUID | None = None
    code: Code | None = None
    first_day: Day | None = None


class UnitChange(Body):
    """Another name, code, place or end of a unit; what is left out stays."""

    name: Name | None = None
    code: Code | None = None
    parent: UUID | None = None
    last_day: Day | None = None


class ManagerChange(Body):
    """Who is manager of a unit from a day on, or in it of one person. manager left out: nobody is any more."""

    unit: UUID
    first_day: Day
    manager: UUID | None = None
    person: UUID | None = None
    last_day: Day | None = None


class CellChange(Body):
    """A cell of a rights table. cell: its id, `table:action:type:from:to:role`; scope, condition: as the table writes them."""

    cell: Text
    scope: Text
    condition: Text = ""


class CellsChange(Body):
    """Other cells from a day on, with the reason."""

    cells: Annotated[list[CellChange], Field(min_length=1, max_length=500)]
    first_day: Day
    reason: Annotated[str, Field(max_length=4_000)] = ""


class GroupChange(Body):
    """An access group and its name; last_day: nobody new after it."""

    group: Code
    name: Name
    last_day: Day | None = None


class CodeChange(Body):
    """The legal basis of an access code (M500) from a day on."""

    code: Code
    basis: Annotated[Line, Field(min_length=1)]
    first_day: Day
    last_day: Day | None = None


def create_unit(work: Work, fresh: UUID, body: NewUnit) -> UUID:
    """A new unit."""
    return organisation.create_unit(work, CreateUnit(fresh, body.name, body.parent, body.code, body.first_day))


def change_unit(work: Work, unit: UUID, body: UnitChange) -> None:
    """Change a unit."""
    organisation.change_unit(work, ChangeUnit(unit, body.name, body.code, body.parent, body.last_day))


def propose_manager(work: Work, fresh: UUID, body: ManagerChange) -> UUID:
    """Propose who is whose manager."""
    manager, person = (str(one) if one is not None else None for one in (body.manager, body.person))
    return organisation.propose_manager(work, ProposeManager(fresh, body.unit, manager, body.first_day, person, body.last_day))


def propose_cells(work: Work, fresh: UUID, body: CellsChange) -> UUID:
    """Propose other cells."""
    cells = tuple(CellText(one.cell, one.scope, one.condition) for one in body.cells)
    return organisation.propose_cells(work, ProposeCells(fresh, cells, body.first_day, body.reason))


def set_group(work: Work, body: GroupChange) -> None:
    """Set an access group."""
    organisation.set_groups(work, [AccessGroupSet(body.group, body.name, body.last_day)])


def set_code(work: Work, body: CodeChange) -> None:
    """Set the legal basis of an access code."""
    organisation.set_codes(work, [AccessCodeSet(body.code, body.basis, body.first_day, body.last_day)])
