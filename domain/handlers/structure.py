"""The archive's structure: fonds, series, classification systems, classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from domain.handlers.metadata import ClassReference, class_key
from domain.handlers.work import Work
from domain.ledger.identity import new_id
from domain.model import classification, fonds, record, series
from domain.model.errors import NotFound


@dataclass(frozen=True, slots=True)
class CreateFonds:
    """Create a fonds with its creator (organisation number and name)."""

    ACTION: ClassVar[str] = "fonds.create"
    unit: UUID
    title: str
    creator_id: str
    creator_name: str


@dataclass(frozen=True, slots=True)
class CreateSeries:
    """Create a series in a fonds under a code."""

    ACTION: ClassVar[str] = "series.create"
    unit: UUID
    fonds: UUID
    code: str
    title: str


@dataclass(frozen=True, slots=True)
class CreateSystem:
    """Create a classification system under a code; personal: its classes are persons."""

    ACTION: ClassVar[str] = "classification-system.create"
    unit: UUID
    code: str
    title: str
    system_type: str | None = None
    personal: bool = False


@dataclass(frozen=True, slots=True)
class CreateClass:
    """Create a class in a classification system."""

    ACTION: ClassVar[str] = "class.create"
    unit: UUID
    system: UUID
    class_id: str
    title: str
    parent: UUID | None = None


@dataclass(frozen=True, slots=True)
class FinaliseSeries:
    """Close a series: nothing may be added to it after that (2.3.6)."""

    ACTION: ClassVar[str] = "series.finalise"
    unit: UUID


def create_fonds(work: Work, command: CreateFonds) -> UUID:
    """A new fonds with title and creator."""
    work.permit(command.ACTION, command.unit)
    work.create(command.unit, fonds.evolve)
    work.record(command.unit, fonds.create(None))
    work.record(command.unit, record.titled(command.title))
    work.record(command.unit, fonds.CreatorAdded(command.creator_id, fonds.CreatorBody(command.creator_name)))
    return command.unit


def create_series(work: Work, command: CreateSeries) -> UUID:
    """A new series in an existing fonds."""
    work.permit(command.ACTION, command.unit)
    work.require(command.fonds, fonds.evolve, "fonds", fonds.Fonds)
    work.create(command.unit, series.evolve)
    work.record(command.unit, series.create(None, command.fonds, command.code, start_date=work.today))
    work.record(command.unit, record.titled(command.title))
    return command.unit


def create_system(work: Work, command: CreateSystem) -> UUID:
    """A new classification system."""
    work.permit(command.ACTION, command.unit)
    work.create(command.unit, classification.evolve_system)
    work.record(command.unit, classification.create_system(None, command.code, command.system_type, command.personal))
    work.record(command.unit, record.titled(command.title))
    return command.unit


def create_class(work: Work, command: CreateClass) -> UUID:
    """A new class in an existing system."""
    work.permit(command.ACTION, command.unit)
    system = work.require(command.system, classification.evolve_system, "classification system", classification.System)
    work.create(command.unit, classification.evolve)
    key = class_key(work, ClassReference(system.code, command.class_id))
    work.record(command.unit, classification.create_class(None, system, command.class_id, key, command.parent))
    work.record(command.unit, record.titled(command.title))
    return command.unit


def finalise_series(work: Work, command: FinaliseSeries) -> None:
    """Close a series."""
    work.permit(command.ACTION, command.unit)
    state = work.require(command.unit, series.evolve, "series", series.Series)
    work.record(command.unit, *series.finalise(state, work.today))


def series_by_code(work: Work, code: str) -> UUID:
    """The series that messages call `code`; NotFound where there is none."""
    found = work.ledger.reader.claim("series-code", code)
    if found is None:
        raise NotFound("series", code[:100])
    return found


def ensure_structure(work: Work, municipality: str, organisation: str) -> UUID:
    """The first fonds and series (code SAK) of a new installation, made where they are missing; returns the series."""
    found = work.ledger.reader.claim("series-code", "SAK")
    if found is not None:
        return found
    unit = create_fonds(work, CreateFonds(new_id(), f"{municipality} arkiv", organisation, municipality))
    return create_series(work, CreateSeries(new_id(), unit, "SAK", "Sakarkiv"))
