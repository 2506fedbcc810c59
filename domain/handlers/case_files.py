"""Commands on case files."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar
from uuid import UUID

from domain.handlers import colleagues
from domain.handlers.metadata import Metadata, describe
from domain.handlers.standing import Organised, Standing
from domain.handlers.work import Work
from domain.model import case_file, series
from domain.model.access import Subject
from domain.model.case_file import CaseFile, CreateCaseFile
from domain.model.errors import Refused
from domain.model.record import Named

READ = "case-file.read"


@dataclass(frozen=True, slots=True)
class CreateCase:
    """Create a case file with its metadata. `details.today` is set from the act."""

    ACTION: ClassVar[str] = "case-file.create"
    unit: UUID
    metadata: Metadata
    details: CreateCaseFile


@dataclass(frozen=True, slots=True)
class ChangeCaseStatus:
    """Set the status (M052) of a case file."""

    ACTION: ClassVar[str] = "case-file.change-status"
    unit: UUID
    status: str


@dataclass(frozen=True, slots=True)
class AssignCase:
    """Set case responsible (M306) or administrative unit (M305) of a case file."""

    ACTION: ClassVar[str] = "case-file.assign"
    TO_UNIT: ClassVar[str] = "case-file.assign-unit"
    unit: UUID
    case_responsible: Named | None = None
    administrative_unit: Named | None = None


@dataclass(frozen=True, slots=True)
class DiscardCase:
    """Delete a case file that holds nothing finished (3.2.12)."""

    ACTION: ClassVar[str] = "case-file.discard"
    unit: UUID


def create(work: Work, command: CreateCase) -> UUID:
    """A new case file in an open series (2.3.6), numbered by the writer."""
    described = partial(_begun, work, command.details)
    work.permit(command.ACTION, subject=described, to_status=command.details.status)
    if command.metadata.title is None:
        raise Refused("text.missing", "M020", {"element": "tittel"})
    details = replace(command.details, today=work.today)
    if details.series is not None:
        series.require_open(work.require(details.series, series.evolve, "series", series.Series))
    if details.parent is not None:
        case_file.require_open(load(work, details.parent))
    work.create(command.unit, case_file.evolve, described)
    work.record(command.unit, case_file.create(None, details))
    describe(work, command.unit, command.metadata)
    return command.unit


def _begun(work: Work, details: CreateCaseFile, known: Standing, organised: Organised) -> Subject:
    """The case that is not there yet, as the gate asks for it."""
    owner, units = known.who(details.case_responsible), known.units(organised, details.administrative_unit)
    return Subject("case", units=units, owner=owner, authors=frozenset({work.context.actor.id}))


def load(work: Work, unit: UUID) -> CaseFile:
    """The case file; NotFound where there is none."""
    state = work.require(unit, case_file.evolve, "case file", CaseFile)
    assert isinstance(state, CaseFile)
    return state


def change_status(work: Work, command: ChangeCaseStatus) -> None:
    """Another status; nothing where it already holds."""
    work.permit(READ, command.unit)
    if load(work, command.unit).status != command.status:
        work.permit(command.ACTION, command.unit, to_status=command.status)
    work.record(command.unit, *case_file.change_status(load(work, command.unit), command.status))


def assign(work: Work, command: AssignCase) -> None:
    """Another responsible person, or unit: who hands over an own case may give it to a colleague or back to the manager."""
    if command.administrative_unit is not None:
        work.permit(command.TO_UNIT, command.unit)
    if command.case_responsible is not None or command.administrative_unit is None:
        colleagues.require(work, work.permit(command.ACTION, command.unit), command.case_responsible)
    work.record(command.unit, *case_file.assign(load(work, command.unit), command.case_responsible, command.administrative_unit))


def discard(work: Work, command: DiscardCase) -> None:
    """Delete a case without finished entries."""
    work.permit(command.ACTION, command.unit)
    work.record(command.unit, *case_file.discard(load(work, command.unit)))
