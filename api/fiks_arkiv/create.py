"""`arkivmelding.opprett`: a case file, a registry entry, or both with documents, in one append."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from api.fiks_arkiv import describe, existing, kept, reading
from api.fiks_arkiv.create_documents import add_documents
from api.fiks_arkiv.create_parties import add_parties
from api.fiks_arkiv.files import Files, checksums
from api.fiks_arkiv.node import Node
from api.fiks_arkiv.reading import code, instant, named
from api.fiks_arkiv.references import CASE, ENTRY, References
from api.fiks_arkiv.xml import InvalidMessage
from domain.handlers import case_files, registry_entries
from domain.handlers.work import Work
from domain.ledger.identity import new_id
from domain.ledger.ledger import Ledger
from domain.model.case_file import CLOSED, CreateCaseFile
from domain.model.errors import Refused
from domain.model.registering import RegisterEntry
from domain.model.registry_entry import ENTRY as JOURNALPOST
from domain.model.registry_entry import NOTE, RECORD, EntryDated

LATER = frozenset({"moetemappe", "moetesak", "moetedokument"})
"""Types that Dagbok does not register yet."""
ENTRY_KINDS = {"journalpost": JOURNALPOST, "arkivnotat": NOTE, "registrering": RECORD}
DEFAULT_SERIES = "SAK"
UNREAD = date(1, 1, 1)
"""Stands for `today` in commands; the handler sets the day of the act."""


@dataclass(frozen=True, slots=True)
class Created:
    """What a message's units became; `*_new` is False where they were there already."""

    case: UUID | None = None
    case_new: bool = False
    entry: UUID | None = None
    entry_new: bool = False


def refuse_unknown(root: Node) -> None:
    """Refuse units that cannot be registered yet, and messages that hold none."""
    units = (*root.nodes("mappe"), *root.nodes("registrering"))
    if not units:
        raise InvalidMessage("The message holds neither mappe nor registrering.")
    for unit in units:
        if unit.type in LATER:
            raise InvalidMessage(f"Line {unit.line}: {unit.type} cannot be registered here yet.")
    documents = [one for unit in units for one in unit.nodes("dokumentbeskrivelse")]
    keys = [key for unit in (*units, *documents) if (key := reading.external_key(unit)) is not None]
    describe.refuse_duplicates([f"{key.system} / {key.key}" for key in keys], "referanseEksternNoekkel")


def queue_on(ledger: Ledger, root: Node) -> tuple[UUID, ...]:
    """The case file that the message adds to, where it is there already: commands on it queue up in this process."""
    entry, case = root.node("registrering"), root.node("mappe")
    reference = entry.node("referanseForelderMappe") if entry is not None else None
    key = reading.external_key(case) if case is not None else None
    references = References(ledger)
    with suppress(Refused, InvalidMessage):  # decided and told by `create`
        if reference is not None:
            return (references.case(reference),)
        found = references.external(key) if key is not None else None
        return () if found is None else (found,)
    return ()


def create(work: Work, root: Node, files: Files) -> Created:
    """Create what is not there already. Raises InvalidMessage, Refused, NotFound."""
    references = References(work.ledger)
    case, entry = root.node("mappe"), root.node("registrering")
    message = kept.extensions(root, kept.OF_MESSAGE)
    origin = ((kept.MESSAGE, "".join(xml for _, xml in message)),)
    case_digest = existing.content(work.ledger, case, CASE, {}) if case is not None else ""
    case_id = existing.find(work, references, case, CASE, case_digest) if case is not None else None
    entry_digest = existing.content(work.ledger, entry, ENTRY, checksums(entry, files)) if entry is not None else ""
    entry_id = existing.find(work, references, entry, ENTRY, entry_digest) if entry is not None else None
    case_new = case is not None and case_id is None
    if entry_id is not None and case is not None:
        case_id = _case_of_existing(work, entry_id, case_id, case_digest)
        case_new = False
    if case is not None and case_new:
        case_id = _case(work, case, references, case_digest, origin)
        references.begin(reading.external_key(case), case_id)
    entry_new = entry is not None and entry_id is None
    if entry is not None and entry_new:
        entry_id = _entry(work, entry, references, entry_digest, case_id, () if case_new else origin, files)
    if case is not None and case_new and case_id is not None:
        _close(work, case_id, code(case, "saksstatus"))
    return Created(case_id, case_new, entry_id, entry_new)


def _case_of_existing(work: Work, entry: UUID, case: UUID | None, digest: str) -> UUID:
    """The case that goes with an entry that is there: its own, where the message says the same of it."""
    own = registry_entries.load(work, entry).case
    if own is None or (case is not None and case != own) or case_files.load(work, own).content != digest:
        raise InvalidMessage(f"The registrering is there already as {entry}, but not in the mappe that the message describes.")
    return own


def _series(work: Work, node: Node, references: References) -> UUID | None:
    given = code(node, "arkivdel")
    return references.series(given) if given is not None else work.ledger.reader.claim("series-code", DEFAULT_SERIES)


def _case(work: Work, node: Node, references: References, digest: str, origin: tuple[kept.Extension, ...]) -> UUID:
    parent = node.node("referanseForeldermappe")
    unit = new_id()
    details = CreateCaseFile(
        UNREAD,
        _open_status(code(node, "saksstatus")),
        node.date("saksdato"),
        named(node.node("administrativEnhet")),
        named(node.node("saksansvarlig")),
        _series(work, node, references),
        node.text("journalenhet"),
        code(node, "dokumentmedium") or "E",
        code(node, "mappetype"),
        references.case(parent) if parent is not None else None,
        instant(node, "opprettetDato"),
        node.text("opprettetAv"),
        digest,
    )
    given = describe.metadata(node, (*origin, *kept.extensions(node, kept.OF_CASE)))
    case_files.create(work, case_files.CreateCase(unit, given, details))
    describe.parts(work, unit, node, references)
    return unit


def _open_status(status: str | None) -> str:
    """A closed case takes no entries (2.5.5): one that comes closed is opened first, and closed once all of it is there."""
    return "B" if status is None or status in CLOSED else status


def _close(work: Work, case: UUID, status: str | None) -> None:
    if status in CLOSED:
        case_files.change_status(work, case_files.ChangeCaseStatus(case, str(status)))


def _parent(work: Work, node: Node, references: References, case: UUID | None) -> UUID | None:
    """The case that an entry belongs to: the one in the same message, or the one that it refers to."""
    reference = node.node("referanseForelderMappe")
    named_case = references.case(reference) if reference is not None else None
    if case is None:
        return named_case
    if named_case not in (None, case):
        raise InvalidMessage(
            f"Line {node.line}: referanseForelderMappe names another case file than the mappe of the same message."
        )
    given = code(node, "arkivdel")
    if given is not None and references.series(given) != case_files.load(work, case).series:
        raise InvalidMessage(f"Line {node.line}: arkivdel {given[:100]!r} is not that of the mappe of the same message.")
    return case


def _entry(
    work: Work,
    node: Node,
    references: References,
    digest: str,
    case: UUID | None,
    origin: tuple[kept.Extension, ...],
    files: Files,
) -> UUID:
    parent = _parent(work, node, references, case)
    unit = new_id()
    kind, entry_type = ENTRY_KINDS[node.type], code(node, "journalposttype")
    status = code(node, "journalstatus") or _status(kind, entry_type)
    # An archived entry takes no documents (2.6.7): one that comes archived, with its documents, is journalled first.
    archived = status == "A"
    details = RegisterEntry(
        UNREAD,
        "J" if archived else status,
        kind,
        entry_type,
        parent,
        None if parent is not None else _series(work, node, references),
        number_at_receipt=True,
        dates=dates(node),
        journal_date=node.date("journaldato"),
        attachments=node.number("antallVedlegg"),
        records_unit=node.text("journalenhet"),
        medium=code(node, "dokumentmedium") or "E",
        created_at=instant(node, "opprettetDato"),
        created_by=node.text("opprettetAv"),
        archived_at=instant(node, "arkivertDato"),
        archived_by=node.text("arkivertAv"),
        content=digest,
    )
    unread = kept.extensions(node, (*kept.OF_ENTRY, *(kept.ARCHIVED if archived else ())))
    registry_entries.register(work, registry_entries.Register(unit, describe.metadata(node, (*origin, *unread)), details))
    describe.parts(work, unit, node, references)
    references.begin(reading.external_key(node), unit)
    add_parties(work, unit, node, references)
    add_documents(work, unit, node, references, files)
    if archived:
        registry_entries.change_status(work, registry_entries.ChangeEntryStatus(unit, status))
    return unit


def _status(kind: str, entry_type: str | None) -> str:
    """The status of an entry that brings none: incoming post waits for the archive, notes and plain records wait for nobody."""
    if kind != JOURNALPOST:
        return "J"
    return "M" if entry_type == "I" else "S"


def dates(node: Node) -> EntryDated:
    """The dates that an entry brings."""
    return EntryDated(
        node.date("dokumentetsDato"),
        instant(node, "mottattDato"),
        instant(node, "sendtDato"),
        node.date("forfallsdato"),
        node.date("offentlighetsvurdertDato"),
        node.date("avskrivningsdato"),
    )
