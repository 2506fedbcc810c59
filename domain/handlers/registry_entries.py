"""Commands on registry entries. Each change that the case must know stands in the case's stream too."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar
from uuid import UUID

from domain.handlers import case_files
from domain.handlers.metadata import Metadata, describe
from domain.handlers.standing import Organised, Standing
from domain.handlers.work import Work
from domain.ledger.identity import new_id
from domain.model import case_file, registering, registry_entry, series
from domain.model.access import Subject
from domain.model.errors import Refused
from domain.model.record import ContactBody, Named
from domain.model.registering import RegisterEntry
from domain.model.registry_entry import EntryDated, PartyRecorded, RegistryEntry, SignedOff

ADD_TO_CASE = "case-file.add-entry"
READ = "registry-entry.read"


@dataclass(frozen=True, slots=True)
class Party:
    """A correspondence party as given (M087, M400)."""

    party_type: str
    contact: ContactBody
    responsible: bool | None = None
    dispatch_method: str | None = None
    administrative_unit: Named | None = None
    case_handler: Named | None = None
    screened: bool | None = None
    is_person: bool | None = None


@dataclass(frozen=True, slots=True)
class Register:
    """Register an entry with its metadata and parties. `details.today`, numbers and keys are set from the act."""

    ACTION: ClassVar[str] = "registry-entry.register"
    unit: UUID
    metadata: Metadata
    details: RegisterEntry
    parties: tuple[Party, ...] = ()


@dataclass(frozen=True, slots=True)
class ChangeEntryStatus:
    """Set the status (M053) of an entry."""

    ACTION: ClassVar[str] = "registry-entry.change-status"
    unit: UUID
    status: str


@dataclass(frozen=True, slots=True)
class SetDates:
    """Set dates of an entry."""

    ACTION: ClassVar[str] = "registry-entry.set-dates"
    unit: UUID
    dates: EntryDated


@dataclass(frozen=True, slots=True)
class SignOffEntry:
    """Sign an entry off for one party, or for all where `fact.party` is None."""

    ACTION: ClassVar[str] = "registry-entry.sign-off"
    unit: UUID
    fact: SignedOff


@dataclass(frozen=True, slots=True)
class UndoSignOff:
    """Take the sign-off of one party back, or every one where `party` is None."""

    ACTION: ClassVar[str] = "registry-entry.undo-sign-off"
    unit: UUID
    party: UUID | None = None


@dataclass(frozen=True, slots=True)
class DiscardEntry:
    """Delete an entry that was never finished (3.2.19)."""

    ACTION: ClassVar[str] = "registry-entry.discard"
    unit: UUID


def register(work: Work, command: Register) -> UUID:
    """A new entry in an open case (2.5.5) or, without a case, in an open series (2.3.6)."""
    details = replace(command.details, today=work.today)
    case = details.case
    described = partial(_begun, work, command)
    if case is not None:
        work.permit(ADD_TO_CASE, case)
    work.permit(command.ACTION, subject=described, to_status=details.status)
    if command.metadata.title is None:
        raise Refused("text.missing", "M020", {"element": "tittel"})
    if case is not None:
        parent = case_files.load(work, case)
        if parent.series is not None:
            series.require_open(work.require(parent.series, series.evolve, "series", series.Series))
        added, noted = case_file.add_entry(parent, command.unit, details.status)
        details = replace(details, entry_number=added.entry_number, entry_key=parent.entry_key(added.entry_number))
        work.record(case, added, noted)
    elif details.series is not None:
        series.require_open(work.require(details.series, series.evolve, "series", series.Series))
    work.create(command.unit, registry_entry.evolve, described)
    work.record(command.unit, *registering.register(None, details))
    describe(work, command.unit, command.metadata)
    for party in command.parties:
        record_party(work, command.unit, party)
    return command.unit


def _begun(work: Work, command: Register, known: Standing, organised: Organised) -> Subject:
    """The entry that is not there yet, as the gate asks for it."""
    actor, details = work.context.actor.id, command.details
    case = known.subject(details.case, organised, work.fresh) if details.case is not None else None
    named = {known.who(party.case_handler) for party in command.parties} - {None}
    return replace(
        case or Subject("document"),
        table="document",
        type=details.entry_type or "*",
        status="-",
        handlers=frozenset(one for one in named if one) or frozenset({actor}),
        authors=frozenset({actor}),
    )


def load(work: Work, unit: UUID) -> RegistryEntry:
    """The entry; NotFound where there is none."""
    state = work.require(unit, registry_entry.evolve, "registry entry", RegistryEntry)
    assert isinstance(state, RegistryEntry)
    return state


def record_party(work: Work, unit: UUID, party: Party, party_id: UUID | None = None) -> UUID:
    """Record a party on an entry of this command, or replace the one with `party_id`."""
    party_id = party_id or new_id()
    fact = PartyRecorded(
        party_id,
        party.party_type,
        party.contact,
        party.responsible,
        party.dispatch_method,
        party.administrative_unit,
        party.case_handler,
        party.screened,
        party.is_person,
    )
    work.record(unit, *registering.record_party(load(work, unit), fact))
    return party_id


def change_status(work: Work, command: ChangeEntryStatus) -> None:
    """Another status, told to the case; nothing where it already holds."""
    work.permit(READ, command.unit)
    state = load(work, command.unit)
    if state.status != command.status:
        work.permit(command.ACTION, command.unit, to_status=command.status)
    facts = registering.change_status(state, command.status, work.today, work.at)
    work.record(command.unit, *facts)
    if facts and state.case is not None:
        work.record(state.case, case_file.note_status(case_files.load(work, state.case), command.unit, command.status))


def set_dates(work: Work, command: SetDates) -> None:
    """Set dates; nothing where they already hold."""
    work.permit(command.ACTION, command.unit)
    work.record(command.unit, *registering.set_dates(load(work, command.unit), command.dates))


def sign_off(work: Work, command: SignOffEntry) -> None:
    """Sign off, for a party that the entry has."""
    work.permit(command.ACTION, command.unit)
    work.record(command.unit, *registering.sign_off(load(work, command.unit), command.fact))


def undo_sign_off(work: Work, command: UndoSignOff) -> None:
    """Take a sign-off back."""
    work.permit(command.ACTION, command.unit)
    work.record(command.unit, *registering.undo_sign_off(load(work, command.unit), command.party))


def discard(work: Work, command: DiscardEntry) -> None:
    """Delete an unfinished entry; its number stays used."""
    work.permit(command.ACTION, command.unit)
    work.record(command.unit, *registering.discard(load(work, command.unit)))
