"""Case file (saksmappe): the folder of a case, its numbers, its status and its children."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime
from uuid import UUID

from domain.model import codes
from domain.model.errors import Refused
from domain.model.ids import CASE_NUMBER, Claim, ClaimKey, Number, NumberedKey, case_series
from domain.model.record import Classified, Declassified, ExternalKeySet, Named, Shared

CLOSED = frozenset({"A", "U"})
FINISHED_ENTRY = frozenset({"E", "J", "A", "U"})


@dataclass(frozen=True, slots=True)
class CaseFileCreated:
    """A case file was created. year M011, sequence M012, case_date M100, status M052, case_responsible M306.

    content: HMAC of the content that came with an external key. created_at/by: as claimed by the source (M600, M601).
    """

    year: int
    sequence: int | Number
    case_date: date
    status: str
    administrative_unit: Named | None = None
    case_responsible: Named | None = None
    series: UUID | None = None
    records_unit: str | None = None
    medium: str | None = None
    file_type: str | None = None
    parent: UUID | None = None
    created_at: datetime | None = None
    created_by: str | None = None
    content: str | None = None
    claims: tuple[Claim, ...] = ()


@dataclass(frozen=True, slots=True)
class CaseStatusChanged:
    """The status (M052) changed; A closes the case (M602), leaving A opens it again (3.2.11)."""

    status: str
    previous: str


@dataclass(frozen=True, slots=True)
class CaseAssigned:
    """Another case responsible (M306) or administrative unit (M305)."""

    case_responsible: Named | None = None
    administrative_unit: Named | None = None


@dataclass(frozen=True, slots=True)
class CaseDated:
    """Another case date (M100)."""

    case_date: date


@dataclass(frozen=True, slots=True)
class CaseMoved:
    """The case belongs to another series."""

    series: UUID


@dataclass(frozen=True, slots=True)
class EntryAdded:
    """A registry entry was added to the case as number `entry_number` (M015)."""

    entry: UUID
    entry_number: int


@dataclass(frozen=True, slots=True)
class EntryStatusNoted:
    """An entry of the case has this status (M053) now."""

    entry: UUID
    status: str


@dataclass(frozen=True, slots=True)
class CaseDiscarded:
    """The case was deleted before anything in it was finished; its number is never used again."""

    previous: str


Fact = CaseFileCreated | CaseStatusChanged | CaseAssigned | CaseDated | CaseMoved | EntryAdded | EntryStatusNoted | CaseDiscarded


@dataclass(frozen=True, slots=True)
class CaseFile:
    """What decisions about a case need. entries: entry -> every status it has had."""

    id: UUID
    year: int
    sequence: int | Number
    status: str
    case_date: date
    series: UUID | None = None
    content: str | None = None
    case_responsible: Named | None = None
    administrative_unit: Named | None = None
    external_claims: tuple[tuple[str, str], ...] = ()
    classifications: tuple[Classified, ...] = ()
    entries: dict[UUID, frozenset[str]] = field(default_factory=dict)
    discarded: bool = False

    @property
    def number(self) -> str:
        """mappeID M003; within the command that creates the case its sequence is not given yet."""
        return f"{self.year}/{self.sequence}"

    def entry_key(self, entry_number: int) -> ClaimKey:
        """registreringsID (M004) of an entry of this case, as a claim key."""
        if isinstance(self.sequence, Number):
            return NumberedKey(f"{self.year}/", self.sequence, f"-{entry_number}")
        return f"{self.number}-{entry_number}"


@dataclass(frozen=True, slots=True)
class CreateCaseFile:
    """Create a case file; the number is given by the writer. today: the local date of the act."""

    today: date
    status: str = "B"
    case_date: date | None = None
    administrative_unit: Named | None = None
    case_responsible: Named | None = None
    series: UUID | None = None
    records_unit: str | None = None
    medium: str | None = "E"
    file_type: str | None = None
    parent: UUID | None = None
    created_at: datetime | None = None
    created_by: str | None = None
    content: str | None = None


def create(state: CaseFile | None, command: CreateCaseFile) -> CaseFileCreated:
    """A new case file with legal codes; Refused `exists`, `code.unknown`."""
    if state is not None:
        raise Refused("exists", params={"what": "case file"})
    codes.require(codes.CASE_STATUS, command.status, "saksstatus", "M052")
    if command.medium is not None:
        codes.require(codes.MEDIUM, command.medium, "dokumentmedium", "M300")
    year = command.today.year
    number = Number(case_series(year))
    return CaseFileCreated(
        year=year,
        sequence=number,
        case_date=command.case_date or command.today,
        status=command.status,
        administrative_unit=command.administrative_unit,
        case_responsible=command.case_responsible,
        series=command.series,
        records_unit=command.records_unit,
        medium=command.medium,
        file_type=command.file_type,
        parent=command.parent,
        created_at=command.created_at,
        created_by=command.created_by,
        content=command.content,
        claims=((CASE_NUMBER, NumberedKey(f"{year}/", number)),),
    )


def add_entry(state: CaseFile, entry: UUID, status: str) -> tuple[EntryAdded, EntryStatusNoted]:
    """Give the entry its number in the case; a closed, cancelled or discarded case takes none (2.5.5)."""
    require_open(state)
    return EntryAdded(entry, len(state.entries) + 1), EntryStatusNoted(entry, status)


def note_status(state: CaseFile, entry: UUID, status: str) -> EntryStatusNoted:
    """The case learns the new status of one of its entries; the entries of a discarded case stay as they are (3.2.12)."""
    if entry not in state.entries:
        raise Refused("case.entry_elsewhere", "2.5.5", {"case": state.number})
    if state.discarded:
        raise Refused("case.discarded", "3.2.12", {"case": state.number})
    return EntryStatusNoted(entry, status)


def require_open(state: CaseFile) -> None:
    """Refuse additions to a closed case (2.5.5), and to a cancelled or discarded one."""
    if state.status in CLOSED or state.discarded:
        raise Refused("case.finalised", "2.5.5", {"case": state.number, "status": state.status})


def change_status(state: CaseFile, status: str) -> tuple[CaseStatusChanged, ...]:
    """Another legal status; nothing where it already holds."""
    codes.require(codes.CASE_STATUS, status, "saksstatus", "M052")
    if state.discarded:
        raise Refused("case.discarded", "3.2.12", {"case": state.number})
    return () if status == state.status else (CaseStatusChanged(status, state.status),)


def assign(state: CaseFile, responsible: Named | None, unit: Named | None) -> tuple[CaseAssigned, ...]:
    """Another responsible person or unit; nothing where both already hold (what a closed case freezes, 3.2.10, comes later)."""
    if state.discarded:
        raise Refused("case.discarded", "3.2.12", {"case": state.number})
    same = responsible in (None, state.case_responsible) and unit in (None, state.administrative_unit)
    return () if same else (CaseAssigned(responsible, unit),)


def discard(state: CaseFile) -> tuple[CaseDiscarded, ...]:
    """Delete a case that holds nothing finished: refused where an entry has or has had E, J, A or U (3.2.12)."""
    if state.discarded:
        return ()
    if any(statuses & FINISHED_ENTRY for statuses in state.entries.values()):
        raise Refused("case.has_finished_entries", "3.2.12", {"case": state.number})
    return (CaseDiscarded(state.status),)


def evolve(state: CaseFile | None, unit: UUID, fact: Fact | Shared) -> CaseFile:
    """The state after one more fact. Holds no rule: old history stays readable whatever rules come."""
    if isinstance(fact, CaseFileCreated):
        return CaseFile(
            unit,
            fact.year,
            fact.sequence,
            fact.status,
            fact.case_date,
            fact.series,
            fact.content,
            fact.case_responsible,
            fact.administrative_unit,
        )
    assert state is not None
    match fact:
        case CaseStatusChanged():
            return replace(state, status=fact.status)
        case CaseAssigned():
            return replace(
                state,
                case_responsible=fact.case_responsible or state.case_responsible,
                administrative_unit=fact.administrative_unit or state.administrative_unit,
            )
        case CaseDated():
            return replace(state, case_date=fact.case_date)
        case CaseMoved():
            return replace(state, series=fact.series)
        case EntryAdded():
            return replace(state, entries={**state.entries, fact.entry: frozenset()})
        case EntryStatusNoted():
            had = state.entries.get(fact.entry, frozenset())
            return replace(state, entries={**state.entries, fact.entry: had | {fact.status}})
        case CaseDiscarded():
            return replace(state, discarded=True)
        case ExternalKeySet():
            return replace(state, external_claims=tuple((kind, str(key)) for kind, key in fact.claims))
        case Classified():
            return replace(state, classifications=(*state.classifications, fact))
        case Declassified():
            kept = tuple(one for one in state.classifications if one.classification != fact.classification)
            return replace(state, classifications=kept)
        case _:
            return state
