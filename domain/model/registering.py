"""What may happen to a registry entry: the rules over the facts of `registry_entry.py`."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

from domain.model import codes
from domain.model.errors import Refused
from domain.model.ids import ENTRY_NUMBER, JOURNAL_NUMBER, ClaimKey, Number, NumberedKey, journal_series
from domain.model.record import Named, limited
from domain.model.registry_entry import (
    ENTRY,
    DocumentLinked,
    EntryArchived,
    EntryAssigned,
    EntryDated,
    EntryDiscarded,
    EntryJournalled,
    EntryNumbered,
    EntryRegistered,
    EntryStatusChanged,
    EntryTypeChanged,
    PartyRecorded,
    PartyRemoved,
    RegistryEntry,
    SignedOff,
    SignOffRemoved,
    later_dates,
)

FINISHED = frozenset({"E", "J", "A", "U"})
COPY_RECIPIENTS = frozenset({"EK", "IK"})


@dataclass(frozen=True, slots=True)
class RegisterEntry:
    """Register an entry in a case (`case`, `entry_number`, `entry_key`), or straight in a series.

    today: local date of the act; number_at_receipt: KS Fiks Arkiv numbers in any status, others at the first one but R.
    """

    today: date
    status: str
    kind: str = ENTRY
    entry_type: str | None = None
    case: UUID | None = None
    series: UUID | None = None
    entry_number: int | None = None
    entry_key: ClaimKey | None = None
    number_at_receipt: bool = False
    dates: EntryDated = field(default_factory=EntryDated)
    journal_date: date | None = None
    attachments: int | None = None
    records_unit: str | None = None
    medium: str | None = "E"
    created_at: datetime | None = None
    created_by: str | None = None
    archived_at: datetime | None = None
    archived_by: str | None = None
    content: str | None = None


def register(state: RegistryEntry | None, command: RegisterEntry) -> tuple[EntryRegistered | EntryNumbered, ...]:
    """The entry, and its serial number where it gets one now (practice R23; CONTRACT: KS at receipt)."""
    if state is not None:
        raise Refused("exists", params={"what": "registry entry"})
    codes.require(codes.ENTRY_STATUS, command.status, "journalstatus", "M053")
    if command.kind == ENTRY or command.entry_type is not None:
        codes.require(codes.ENTRY_TYPE, command.entry_type or "", "journalposttype", "M082")
    if command.medium is not None:
        codes.require(codes.MEDIUM, command.medium, "dokumentmedium", "M300")
    dates = command.dates
    registered = EntryRegistered(
        command.kind,
        command.status,
        command.entry_type,
        command.case,
        command.series,
        command.entry_number,
        dates.document_date,
        dates.received_at,
        dates.sent_at,
        dates.due_date,
        dates.assessed_date,
        dates.sign_off_date,
        command.attachments,
        command.records_unit,
        command.medium,
        command.created_at,
        command.created_by,
        command.archived_at,
        command.archived_by,
        command.content,
        ((ENTRY_NUMBER, command.entry_key),) if command.entry_key is not None else (),
    )
    if command.kind == ENTRY and (command.number_at_receipt or command.status != "R"):
        return registered, _numbered(command.today, command.journal_date)
    return (registered,)


def _numbered(today: date, journal_date: date | None = None) -> EntryNumbered:
    number = Number(journal_series(today.year))
    key = NumberedKey(f"{today.year}/", number)
    return EntryNumbered(today.year, number, journal_date or today, ((JOURNAL_NUMBER, key),))


def change_status(
    state: RegistryEntry, status: str, today: date, at: datetime
) -> tuple[EntryNumbered | EntryStatusChanged | EntryJournalled | EntryArchived, ...]:
    """Another legal status; the serial number comes with the first one but R. Nothing where it already holds."""
    codes.require(codes.ENTRY_STATUS, status, "journalstatus", "M053")
    _alive(state)
    if status == state.status:
        return ()
    if status in ("R", "M", "S") and state.had & FINISHED:
        raise Refused("entry.not_back", "3.2.19", {"from": state.status, "to": status})
    number = (_numbered(today),) if state.kind == ENTRY and not state.numbered and status != "R" else ()
    match status:
        case "J":
            return (*number, EntryJournalled(state.status))
        case "A":
            return (*number, EntryArchived(at, state.status))
        case _:
            return (*number, EntryStatusChanged(status, state.status))


def set_dates(state: RegistryEntry, dates: EntryDated) -> tuple[EntryDated, ...]:
    """Set dates; nothing where they already hold."""
    _alive(state)
    return () if later_dates(state.dates, dates) == state.dates else (dates,)


def change_type(state: RegistryEntry, entry_type: str) -> tuple[EntryTypeChanged, ...]:
    """Another legal type (M082)."""
    _alive(state)
    codes.require(codes.ENTRY_TYPE, entry_type, "journalposttype", "M082")
    return () if entry_type == state.entry_type else (EntryTypeChanged(entry_type),)


def record_party(state: RegistryEntry, party: PartyRecorded) -> tuple[PartyRecorded, ...]:
    """Record or replace a correspondence party with legal codes and bounded texts."""
    _alive(state)
    codes.require(codes.PARTY_TYPE, party.party_type, "korrespondanseparttype", "M087")
    body = party.body
    assert body is not None
    if not body.name.strip():
        raise Refused("text.missing", "M400", {"element": "korrespondansepartNavn"})
    limited(body.name, 1_000, "korrespondansepartNavn")
    return () if state.parties.get(party.party) == party else (party,)


def remove_party(state: RegistryEntry, party: UUID) -> PartyRemoved:
    """Take a party off the entry."""
    _alive(state)
    if party not in state.parties:
        raise Refused("party.unknown", "2.6.3", {"party": str(party)})
    return PartyRemoved(party)


def assign(state: RegistryEntry, handler: Named, parties: tuple[UUID, ...]) -> EntryAssigned:
    """Another handler for these parties; none: for an entry whose parties name nobody. Refused `party.unknown`."""
    _alive(state)
    for party in parties:
        if party not in state.parties:
            raise Refused("party.unknown", "2.6.3", {"party": str(party)})
    return EntryAssigned(handler, parties)


def sign_off(state: RegistryEntry, fact: SignedOff) -> tuple[SignOffRemoved | SignedOff, ...]:
    """Sign the entry off for one party or all; an earlier sign-off for the same party is replaced.

    Refused: an unknown party (3.4.6), a copy recipient (3.4.9).
    """
    _alive(state)
    codes.require(codes.SIGN_OFF_METHOD, fact.method, "avskrivningsmaate", "M619")
    if fact.party is not None:
        party = state.parties.get(fact.party)
        if party is None:
            raise Refused("party.unknown", "3.4.6", {"party": str(fact.party)})
        if party.party_type in COPY_RECIPIENTS:
            raise Refused("party.copy_recipient", "3.4.9", {"party": party.party_type})
    earlier = [one for one in state.sign_offs.values() if one.party == fact.party]
    if any((one.signed_off_on, one.method, one.by, one.answered_by) == _said(fact) for one in earlier):
        return ()
    return (*(SignOffRemoved(one.sign_off) for one in earlier), fact)


def _said(fact: SignedOff) -> tuple[date, str, Named, UUID | None]:
    return fact.signed_off_on, fact.method, fact.by, fact.answered_by


def undo_sign_off(state: RegistryEntry, party: UUID | None) -> tuple[SignOffRemoved, ...]:
    """Take back the sign-offs of one party (None: every sign-off)."""
    _alive(state)
    found = [one for one in state.sign_offs.values() if party is None or one.party in (None, party)]
    if not found:
        raise Refused("sign_off.unknown", "3.4.7", {"entry": str(state.id)})
    return tuple(SignOffRemoved(one.sign_off) for one in found)


def link_document(state: RegistryEntry, link: DocumentLinked) -> DocumentLinked:
    """Link a document to the entry; an entry that is or was archived takes none (2.6.7)."""
    _alive(state)
    codes.require(codes.ASSOCIATION, link.association, "tilknyttetRegistreringSom", "M217")
    if "A" in state.had:
        raise Refused("entry.archived", "2.6.7", {"status": state.status})
    if link.document in state.documents:
        raise Refused("exists", params={"what": "document link"})
    return link


def discard(state: RegistryEntry) -> tuple[EntryDiscarded, ...]:
    """Delete an entry that is not, and never was, E, J, A or U (3.2.19)."""
    if state.discarded:
        return ()
    if state.had & FINISHED:
        raise Refused("entry.finished", "3.2.19", {"status": state.status, "had": " ".join(sorted(state.had & FINISHED))})
    return (EntryDiscarded(state.status),)


def _alive(state: RegistryEntry) -> None:
    if state.discarded:
        raise Refused("entry.discarded", "3.2.19", {"entry": str(state.id)})
