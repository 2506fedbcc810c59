"""What a body asks for, as steps of one command: the same for REST and for the forms of the pages.

Each function runs inside a `Work`, so that all it records is one append.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from api.bodies import CaseChange, Dates, EntryChange, NewCase, NewDocument, NewEntry, NewSignOff
from domain.handlers import case_files, documents, registry_entries, structure
from domain.handlers.documents import AddDocument, GivenObject
from domain.handlers.metadata import Metadata, Retitle, retitle
from domain.handlers.registry_entries import SignOffEntry
from domain.handlers.work import Work
from domain.ledger.blobs import Stored
from domain.model import codes, document, record
from domain.model.case_file import CreateCaseFile
from domain.model.errors import Refused
from domain.model.record import Named, TitledBody
from domain.model.registering import RegisterEntry
from domain.model.registry_entry import EntryDated, SignedOff
from projections import view

Handle = Callable[[Work], Any]
FIRST_SERIES = "SAK"


def new_case(work: Work, unit: UUID, body: NewCase) -> UUID:
    """A new case file, in the series asked for or in the first one."""
    if body.series is not None:
        series: UUID | None = structure.series_by_code(work, body.series)
    else:
        series = work.ledger.reader.claim("series-code", FIRST_SERIES)
    details = CreateCaseFile(
        work.today,
        body.status,
        body.case_date,
        body.administrative_unit.named() if body.administrative_unit else None,
        body.responsible.named() if body.responsible else None,
        series,
    )
    metadata = body.metadata(tuple(one.part() for one in body.parties))
    return case_files.create(work, case_files.CreateCase(unit, metadata, details))


def change_case(work: Work, unit: UUID, body: CaseChange) -> None:
    """Title, status and responsible of a case file; what already holds appends nothing."""
    work.permit(case_files.READ, unit)
    case_files.load(work, unit)
    _retitle(work, unit, body)
    if body.status is not None:
        case_files.change_status(work, case_files.ChangeCaseStatus(unit, body.status))
    if body.responsible is not None or body.administrative_unit is not None:
        responsible = body.responsible.named() if body.responsible else None
        of_unit = body.administrative_unit.named() if body.administrative_unit else None
        case_files.assign(work, case_files.AssignCase(unit, responsible, of_unit))


def new_entry(work: Work, unit: UUID, case: UUID, body: NewEntry) -> UUID:
    """A new registry entry in a case, with its parties."""
    details = RegisterEntry(work.today, body.status, entry_type=body.entry_type, case=case, dates=_dates(body))
    parties = tuple(one.party() for one in body.parties)
    return registry_entries.register(work, registry_entries.Register(unit, body.metadata(), details, parties))


def change_entry(work: Work, unit: UUID, body: EntryChange) -> None:
    """Title, dates and status of an entry; what already holds appends nothing."""
    work.permit(registry_entries.READ, unit)
    registry_entries.load(work, unit)
    _retitle(work, unit, body)
    dates = _dates(body)
    if dates != EntryDated():
        registry_entries.set_dates(work, registry_entries.SetDates(unit, dates))
    if body.status is not None:
        registry_entries.change_status(work, registry_entries.ChangeEntryStatus(unit, body.status))


def sign_off(work: Work, sign_off_id: UUID, entry: UUID, body: NewSignOff) -> UUID:
    """A sign-off of an entry."""
    actor = work.context.actor
    by = body.by.named() if body.by else Named(actor.name or actor.id, actor.id)
    fact = SignedOff(sign_off_id, body.signed_off_on or work.today, body.method, by, body.party, body.answered_by)
    registry_entries.sign_off(work, SignOffEntry(entry, fact))
    return sign_off_id


def take_back(work: Work, entry: UUID, sign_off_id: UUID) -> None:
    """Make the party of a sign-off unanswered again; a sign-off for all parties takes every one with it (3.4.7)."""
    work.permit(registry_entries.UndoSignOff.ACTION, entry)
    one = registry_entries.load(work, entry).sign_offs.get(sign_off_id)
    if one is None:
        raise Refused("sign_off.unknown", "3.4.7", {"entry": str(entry)})
    registry_entries.undo_sign_off(work, registry_entries.UndoSignOff(entry, one.party))


def new_document(work: Work, unit: UUID, entry: UUID, body: NewDocument, given: GivenObject) -> UUID:
    """A new document with its first file on an entry."""
    work.permit(AddDocument.ACTION, entry)
    screening = body.screening
    screened = record.Screened(**{**screening.model_dump(), "metadata": tuple(screening.metadata)}) if screening else None
    metadata = Metadata(title=body.title or given.file_name, description=body.description, screening=screened)
    incoming = registry_entries.load(work, entry).entry_type == "I"
    details = document.CreateDocument(body.document_type, body.status or ("F" if incoming else "B"))
    command = AddDocument(unit, entry, metadata, details, body.association, objects=(given,))
    return documents.add(work, command)


def given_object(body: NewDocument, stored: Stored, file_name: str, checksum: str | None = None) -> GivenObject:
    """The stored file with all that its sender declared of it. checksum: what came beside the metadata."""
    said = body.file
    return GivenObject(
        stored,
        file_name,
        said.variant,
        said.version,
        said.format,
        said.checksum or checksum,
        said.size,
    )


def expecting(unit: UUID, if_match: str | None, handle: Handle) -> Handle:
    """The command, refused where the unit is not in the version that its sender saw (RFC 9110 §13.1.1)."""
    wanted = _versions(if_match)

    def checked(work: Work) -> Any:
        result = handle(work)
        version = work.expect.get(unit, 0)
        if wanted is not None and version not in wanted:
            raise Refused("precondition.failed", "", {"version": str(version)})
        return result

    return checked


def _versions(if_match: str | None) -> frozenset[int] | None:
    """The versions that If-Match names; None for `*`. A weak tag matches nothing."""
    if if_match is None:
        raise Refused("precondition.required")
    tags = [tag.strip() for tag in if_match.split(",")[:20]]
    if tags == ["*"]:
        return None
    strong = (tag[1:-1] for tag in tags if len(tag) > 2 and tag[0] == tag[-1] == '"')
    return frozenset(int(tag) for tag in strong if tag.isascii() and tag.isdigit() and len(tag) < 19)


def require_code(code_list: codes.CodeList, values: list[str], element: str, metadata: str) -> list[str]:
    """Codes of a search, each legal. Refused `code.unknown`."""
    return [codes.require(code_list, value, element, metadata) for value in values[:50]]


def _dates(body: Dates) -> EntryDated:
    return EntryDated(body.document_date, body.received_at, body.sent_at, body.due_date, body.assessed_date)


def _retitle(work: Work, unit: UUID, body: CaseChange | EntryChange) -> None:
    """Give another title. The words are read from the log with the unit, since a unit's state holds none."""
    if (body.title, body.public_title, body.description) == (None, None, None):
        return
    one = view.fold(work.ledger.reader.stream(unit)) or {}
    current = TitledBody(one.get("title") or "", one.get("public_title"), one.get("description"))
    retitle(work, Retitle(unit, body.title, body.public_title, body.description), current)
