"""`arkivmelding.oppdater`: one case file, registration or document changes, all that the message says or nothing."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from api.fiks_arkiv import change_access, change_kept, change_parties, change_texts, reading
from api.fiks_arkiv.change import Change, Step, Steps, begin, carry_out, fixed, reference
from api.fiks_arkiv.create import LATER, dates
from api.fiks_arkiv.node import Node
from api.fiks_arkiv.references import References
from api.fiks_arkiv.units import Units
from api.fiks_arkiv.xml import InvalidMessage
from api.installation import Tenant
from domain.handlers import amendments, case_files, documents, registry_entries
from domain.handlers.work import Work
from domain.model import registering
from projections.journal.read import Journal
from projections.view import ENTRY


def update(work: Work, tenant: Tenant, root: Node) -> None:
    """Carry the update out. Raises InvalidMessage, Refused, NotFound."""
    references = References(tenant.ledger)
    for name, element, change_unit in _UNITS:
        node = root.node(name)
        if node is None:
            continue
        if node.type.removesuffix("Oppdatering") in LATER:
            raise InvalidMessage(f"Line {node.line}: {node.type} cannot be carried out here yet.")
        given = node.node(element)
        assert given is not None  # the grammar requires it
        change_unit(work, tenant, references, node, given)
        return
    raise InvalidMessage("The update names nothing to change.")


def _case(work: Work, tenant: Tenant, references: References, node: Node, given: Node) -> None:
    unit = references.case(given)
    case_files.load(work, unit)
    carry_out(begin(work, tenant, references, unit, node), CASE)


def _entry(work: Work, tenant: Tenant, references: References, node: Node, given: Node) -> None:
    unit = references.entry(given)
    registry_entries.load(work, unit)
    carry_out(begin(work, tenant, references, unit, node), ENTRY_STEPS)


def _document(work: Work, tenant: Tenant, references: References, node: Node, given: Node) -> None:
    unit = references.document(given)
    documents.load(work, unit)
    carry_out(begin(work, tenant, references, unit, node), DOCUMENT)


_UNITS = (
    ("mappeOppdateringer", "referanseTilMappe", _case),
    ("registreringOppdateringer", "referanseTilRegistrering", _entry),
    ("dokumentbeskrivelseOppdateringer", "referanseTilDokumentbeskrivelse", _document),
)


def _series(change: Change) -> None:
    amendments.move(change.work, change.unit, change.references.series(reading.code(change.node, "arkivdel") or ""))


def _assign(element: str) -> Step:
    def step(change: Change) -> None:
        who = reading.named(change.node.node(element))
        if who is None:
            raise InvalidMessage(f"Line {change.node.line}: {element} must say who.")
        wanted = {"saksansvarlig": "case_responsible", "administrativEnhet": "administrative_unit"}[element]
        case_files.assign(change.work, case_files.AssignCase(change.unit, **{wanted: who}))

    return step


def _case_date(change: Change) -> None:
    day = change.node.date("saksdato")
    assert day is not None  # the message has the element
    amendments.set_case_date(change.work, change.unit, day)


def _case_status(change: Change) -> None:
    status = reading.code(change.node, "saksstatus") or ""
    case_files.change_status(change.work, case_files.ChangeCaseStatus(change.unit, status))


def _entry_status(change: Change) -> None:
    status = reading.code(change.node, "journalstatus") or ""
    registry_entries.change_status(change.work, registry_entries.ChangeEntryStatus(change.unit, status))


def _entry_type(change: Change) -> None:
    change.work.permit(amendments.DESCRIBE, change.unit)
    state = registry_entries.load(change.work, change.unit)
    change.work.record(change.unit, *registering.change_type(state, reading.code(change.node, "journalposttype") or ""))


def _dates(change: Change) -> None:
    registry_entries.set_dates(change.work, registry_entries.SetDates(change.unit, dates(change.node)))


def _document_status(change: Change) -> None:
    status = reading.code(change.node, "dokumentstatus") or ""
    documents.change_status(change.work, documents.ChangeDocumentStatus(change.unit, status))


def _document_type(change: Change) -> None:
    amendments.change_document_type(change.work, change.unit, reading.code(change.node, "dokumenttype") or "")


def _parent(change: Change) -> None:
    given = change.node.node("referanseForelderMappe")
    assert given is not None  # the message has the element
    if str(change.references.case(given)) != change.now.get("case"):
        raise InvalidMessage(
            f"Line {given.line}: a registration cannot be moved to another case file yet (referanseForelderMappe)."
        )


def _link(change: Change) -> None:
    """How the document belongs to its entry: the schema makes every update say it, and it cannot be changed."""
    change.tenant.wait(change.tenant.ledger.reader.head().position, 2.0)
    with change.tenant.read() as connection:
        entry = Journal(change.tenant.name).entry_of(connection, change.unit)
    link = next((one for one in _documents(change, str(entry) if entry else None) if one["id"] == str(change.unit)), {})
    node = change.node
    said = {
        "tilknyttetRegistreringSom": (reading.code(node, "tilknyttetRegistreringSom"), link.get("association")),
        "dokumentnummer": (node.number("dokumentnummer"), link.get("number")),
        "tilknyttetDato": (reading.instant(node, "tilknyttetDato"), _moment(link.get("linked_at"))),
        "tilknyttetAv": (node.text("tilknyttetAv"), link.get("linked_by")),
    }
    for name, (given, current) in said.items():
        if given is not None and given != current:
            raise InvalidMessage(f"Line {node.line}: {name} is set when the document is registered and cannot be changed.")


def _documents(change: Change, entry: str | None) -> list[dict[str, object]]:
    if entry is None:
        return []
    return list(Units(change.tenant.ledger).get(UUID(entry), ENTRY).get("documents", []))


def _moment(text: object) -> datetime | None:
    return datetime.fromisoformat(str(text)) if text else None


_SHARED: Steps = {
    "opprettetDato": fixed("opprettetDato", "created_at"),
    "opprettetAv": fixed("opprettetAv", "created_by"),
    "partOppdateringer": change_parties.parts,
    "merknadOppdateringer": change_texts.comments,
    "referanseEksternNoekkel": change_texts.external_key,
}
_OF_FOLDERS_AND_ENTRIES: Steps = {
    **change_texts.title_steps("tittel", "offentligTittel", "beskrivelse"),
    **_SHARED,
    "noekkelord": change_texts.keywords,
    "kryssreferanseOppdateringer": change_texts.references,
    "skjermingOppdateringer": change_access.screening("skjermingOppdateringer"),
    "klassifikasjonOppdateringer": change_access.classes,
    "virksomhetsspesifikkeMetadataOppdateringer": change_texts.own_metadata,
    "presedens": change_kept.added("presedens"),
}
CASE: Steps = {
    "referanseTilMappe": reference,
    **_OF_FOLDERS_AND_ENTRIES,
    "avsluttetDato": fixed("avsluttetDato", "finalised_at"),
    "avsluttetAv": fixed("avsluttetAv", "finalised_by"),
    "arkivdel": _series,
    "graderingOppdateringer": change_access.grade("graderingOppdateringer"),
    "mappetype": fixed("mappetype", "file_type"),
    "saksdato": _case_date,
    "administrativEnhet": _assign("administrativEnhet"),
    "saksansvarlig": _assign("saksansvarlig"),
    "matrikkelnummerOppdateringer": change_kept.listed(
        "matrikkelnummerOppdateringer",
        "matrikkelnummer",
        ("kommunenummer", "gardsnummer", "bruksnummer", "festenummer", "seksjonsnummer"),
    ),
    "byggidentOppdateringer": change_kept.listed(
        "byggidentOppdateringer", "byggident", ("bygningsnummer",), "opprinneligBygningsnummer"
    ),
    "planidentOppdateringer": change_kept.listed("planidentOppdateringer", "planident", ("planidentifikasjon",)),
    "punktOppdateringer": change_kept.listed("punktOppdateringer", "punkt", ("punktID",)),
    "adresseOppdateringer": change_kept.listed("adresseOppdateringer", "adresse", ("adresse", "postnummer", "poststed")),
    "saksstatus": _case_status,
}
"""A case file's elements, the status last: an update that closes the case changes it before."""
ENTRY_STEPS: Steps = {
    "referanseTilRegistrering": reference,
    **_OF_FOLDERS_AND_ENTRIES,
    "arkivertDato": fixed("arkivertDato", "archived_at"),
    "arkivertAv": fixed("arkivertAv", "archived_by"),
    "referanseForelderMappe": _parent,
    "gradering": change_access.grade("gradering"),
    "forfatterOppdateringer": change_texts.authors,
    "korrespondansepartOppdateringer": change_parties.parties,
    "journalposttype": _entry_type,
    "journaldato": fixed("journaldato", "journal_date"),
    **dict.fromkeys(
        ("dokumentetsDato", "mottattDato", "sendtDato", "forfallsdato", "offentlighetsvurdertDato", "avskrivningsdato"), _dates
    ),
    "journalenhet": fixed("journalenhet", "records_unit"),
    "dokumentflyt": change_kept.added("dokumentflyt"),
    "journalstatus": _entry_status,
}
"""An entry's elements, the status last."""
DOCUMENT: Steps = {
    "referanseTilDokumentbeskrivelse": reference,
    **change_texts.title_steps("tittel", "beskrivelse"),
    **_SHARED,
    "dokumenttype": _document_type,
    "dokumentmedium": fixed("dokumentmedium", "medium"),
    "forfatterOppdateringer": change_texts.authors,
    **dict.fromkeys(("tilknyttetRegistreringSom", "dokumentnummer", "tilknyttetDato", "tilknyttetAv"), _link),
    "skjerming": change_access.screening("skjerming"),
    "gradering": change_access.grade("gradering"),
    "dokumentstatus": _document_status,
}
"""A document's elements, the status last."""
