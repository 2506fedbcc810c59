"""Registry entry (journalpost), and the record note and plain record that share its stream shape: the facts and the state.

What may happen to an entry stands in `registering.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime
from uuid import UUID

from domain.model.ids import Claim, Number
from domain.model.record import (
    Classified,
    ContactBody,
    Declassified,
    ExternalKeySet,
    Named,
    Shared,
)

ENTRY = "registry-entry"
NOTE = "record-note"
RECORD = "record"


@dataclass(frozen=True, slots=True)
class EntryRegistered:
    """An entry was registered. kind: registry-entry, record-note or record; entry_type M082; status M053.

    entry_number M015 within the case; created/archived_*: as claimed by the source; content: HMAC of what came with an external
    key.
    """

    kind: str
    status: str
    entry_type: str | None = None
    case: UUID | None = None
    series: UUID | None = None
    entry_number: int | None = None
    document_date: date | None = None
    received_at: datetime | None = None
    sent_at: datetime | None = None
    due_date: date | None = None
    assessed_date: date | None = None
    sign_off_date: date | None = None
    attachments: int | None = None
    records_unit: str | None = None
    medium: str | None = None
    created_at: datetime | None = None
    created_by: str | None = None
    archived_at: datetime | None = None
    archived_by: str | None = None
    content: str | None = None
    claims: tuple[Claim, ...] = ()


@dataclass(frozen=True, slots=True)
class EntryNumbered:
    """The entry got its serial number (M013, M014) and journal date (M101)."""

    journal_year: int
    journal_sequence: int | Number
    journal_date: date
    claims: tuple[Claim, ...] = ()


@dataclass(frozen=True, slots=True)
class EntryStatusChanged:
    """The status (M053) changed, other than to J or A."""

    status: str
    previous: str


@dataclass(frozen=True, slots=True)
class EntryJournalled:
    """The entry was journalled: status J."""

    previous: str


@dataclass(frozen=True, slots=True)
class EntryArchived:
    """The entry was archived: status A, with archived date (M604) set by that act (3.2.18)."""

    archived_at: datetime
    previous: str


@dataclass(frozen=True, slots=True)
class EntryDated:
    """Dates of the entry were set; what is absent stays as it was."""

    document_date: date | None = None
    received_at: datetime | None = None
    sent_at: datetime | None = None
    due_date: date | None = None
    assessed_date: date | None = None
    sign_off_date: date | None = None


@dataclass(frozen=True, slots=True)
class EntryTypeChanged:
    """The entry is of another type (M082)."""

    entry_type: str


@dataclass(frozen=True, slots=True)
class PartyRecorded:
    """A correspondence party (M400, type M087) was recorded; the same `party` again replaces it."""

    party: UUID
    party_type: str
    body: ContactBody | None
    responsible: bool | None = None
    dispatch_method: str | None = None
    administrative_unit: Named | None = None
    case_handler: Named | None = None
    screened: bool | None = None
    is_person: bool | None = None


@dataclass(frozen=True, slots=True)
class PartyRemoved:
    """A correspondence party no longer stands on the entry."""

    party: UUID


@dataclass(frozen=True, slots=True)
class EntryAssigned:
    """The entry has another handler (M307), in place of the one whom these parties named; no party: it named nobody before."""

    case_handler: Named
    parties: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class SignedOff:
    """The entry was signed off (avskrivning M617-M619), for one party or for all. answered_by: the answering entry (M215)."""

    sign_off: UUID
    signed_off_on: date
    method: str
    by: Named
    party: UUID | None = None
    answered_by: UUID | None = None
    answers: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True)
class SignOffRemoved:
    """A sign-off was taken back."""

    sign_off: UUID


@dataclass(frozen=True, slots=True)
class DocumentLinked:
    """A document belongs to the entry as M217 H or V, number M007. linked_at/by: as claimed by the source (M620, M621)."""

    document: UUID
    association: str
    number: int
    linked_at: datetime | None = None
    linked_by: str | None = None


@dataclass(frozen=True, slots=True)
class EntryDiscarded:
    """The entry was deleted before it was finished; its document number is never used again."""

    previous: str


Fact = (
    EntryRegistered
    | EntryNumbered
    | EntryStatusChanged
    | EntryJournalled
    | EntryArchived
    | EntryDated
    | EntryTypeChanged
    | PartyRecorded
    | PartyRemoved
    | EntryAssigned
    | SignedOff
    | SignOffRemoved
    | DocumentLinked
    | EntryDiscarded
)


@dataclass(frozen=True, slots=True)
class RegistryEntry:
    """What decisions about an entry need. had: every status it has had (3.2.19 asks for it)."""

    id: UUID
    kind: str
    status: str
    case: UUID | None
    series: UUID | None = None
    entry_type: str | None = None
    entry_number: int | None = None
    numbered: bool = False
    content: str | None = None
    had: frozenset[str] = frozenset()
    dates: EntryDated = field(default_factory=EntryDated)
    parties: dict[UUID, PartyRecorded] = field(default_factory=dict)
    sign_offs: dict[UUID, SignedOff] = field(default_factory=dict)
    documents: tuple[UUID, ...] = ()
    external_claims: tuple[tuple[str, str], ...] = ()
    classifications: tuple[Classified, ...] = ()
    discarded: bool = False


def _registered(unit: UUID, fact: EntryRegistered) -> RegistryEntry:
    dates = EntryDated(fact.document_date, fact.received_at, fact.sent_at, fact.due_date, fact.assessed_date, fact.sign_off_date)
    return RegistryEntry(
        unit,
        fact.kind,
        fact.status,
        fact.case,
        fact.series,
        fact.entry_type,
        fact.entry_number,
        content=fact.content,
        had=frozenset({fact.status}),
        dates=dates,
    )


def _in_status(state: RegistryEntry, status: str) -> RegistryEntry:
    return replace(state, status=status, had=state.had | {status})


def later_dates(old: EntryDated, new: EntryDated) -> EntryDated:
    """The dates after `new` was set over `old`."""
    return EntryDated(
        new.document_date or old.document_date,
        new.received_at or old.received_at,
        new.sent_at or old.sent_at,
        new.due_date or old.due_date,
        new.assessed_date or old.assessed_date,
        new.sign_off_date or old.sign_off_date,
    )


def evolve(state: RegistryEntry | None, unit: UUID, fact: Fact | Shared) -> RegistryEntry:
    """The state after one more fact. Holds no rule."""
    if isinstance(fact, EntryRegistered):
        return _registered(unit, fact)
    assert state is not None
    match fact:
        case EntryNumbered():
            return replace(state, numbered=True)
        case EntryStatusChanged(status=status):
            return _in_status(state, status)
        case EntryJournalled():
            return _in_status(state, "J")
        case EntryArchived():
            return _in_status(state, "A")
        case EntryDated():
            return replace(state, dates=later_dates(state.dates, fact))
        case EntryTypeChanged():
            return replace(state, entry_type=fact.entry_type)
        case PartyRecorded():
            return replace(state, parties={**state.parties, fact.party: fact})
        case PartyRemoved():
            return replace(state, parties={key: one for key, one in state.parties.items() if key != fact.party})
        case EntryAssigned():
            named = {key: one for key, one in state.parties.items() if key in fact.parties}
            again = {key: replace(one, case_handler=fact.case_handler) for key, one in named.items()}
            return replace(state, parties={**state.parties, **again})
        case SignedOff():
            return replace(state, sign_offs={**state.sign_offs, fact.sign_off: fact})
        case SignOffRemoved():
            return replace(state, sign_offs={key: one for key, one in state.sign_offs.items() if key != fact.sign_off})
        case DocumentLinked():
            return replace(state, documents=(*state.documents, fact.document))
        case EntryDiscarded():
            return replace(state, discarded=True)
        case _:
            return _shared(state, fact)


def _shared(state: RegistryEntry, fact: Shared) -> RegistryEntry:
    match fact:
        case ExternalKeySet():
            return replace(state, external_claims=tuple((kind, str(key)) for kind, key in fact.claims))
        case Classified():
            return replace(state, classifications=(*state.classifications, fact))
        case Declassified():
            kept = tuple(one for one in state.classifications if one.classification != fact.classification)
            return replace(state, classifications=kept)
        case _:
            return state
