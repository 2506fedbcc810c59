"""Messages that other systems send Fjordvik: written by us in the shapes of KS Fiks Arkiv, sent through the ordinary door."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from xml.sax.saxutils import escape

from api.fiks_arkiv import service
from api.installation import Tenant
from domain.handlers.people import acting
from domain.ledger.clock import LOCAL
from domain.ledger.identity import new_id
from domain.model.errors import DagbokError
from tools.demo.clock import DemoClock
from tools.demo.paper import letter

_CREATE = "https://ks-no.github.io/standarder/fiks-protokoll/fiks-arkiv/arkivmelding/opprett/v1"
_CATALOGUE = "https://ks-no.github.io/standarder/fiks-protokoll/fiks-arkiv/metadatakatalog/v1"


@dataclass(frozen=True, slots=True)
class Sent:
    """One message as planned: the other system, its key, the case and the letter."""

    system: str
    key: str
    case: str
    title: str
    sender: str
    attachment: str


SENT = (
    Sent("Byggsak", "BS-2026-0101", "Nytt tilbygg – Strandveien 14", "Søknad om tilbygg", "Astrid Moen", "tegninger.pdf"),
    Sent("Byggsak", "BS-2026-0102", "Garasje – Bakkeveien 3", "Søknad om garasje", "Geir Sandvik", "situasjonsplan.pdf"),
    Sent(
        "Matrikkelklient",
        "OF-2026-17",
        "Oppmåling – gnr 12/bnr 7",
        "Rekvisisjon av oppmålingsforretning",
        "Ola Nordmann",
        "kart.pdf",
    ),
    Sent("Motorferdsel", "MF-88", "Motorferdsel i utmark – snøskuter", "Søknad om løyve til snøskuter", "Knut Eide", "ruter.pdf"),
    Sent("Skoleskyss", "SK-2026-441", "Skoleskyss – Fjordvik skole", "Søknad om skoleskyss", "Marit Halse", "bekreftelse.pdf"),
    Sent(
        "Tilskudd",
        "TL-2026-9",
        "Kulturmidler – Fjordvik musikklag",
        "Søknad om kulturmidler",
        "Fjordvik musikklag",
        "budsjett.pdf",
    ),
)


def _code(name: str, code: str) -> str:
    return f'<{name}><kode xmlns="{_CATALOGUE}">{code}</kode></{name}>'


def _document(title: str, association: str, file: str) -> str:
    return (
        f"<dokumentbeskrivelse>{_code('dokumenttype', 'SØKNAD')}{_code('dokumentstatus', 'F')}<tittel>{escape(title)}</tittel>"
        f"{_code('tilknyttetRegistreringSom', association)}<dokumentobjekt>"
        f"<versjonsnummer>1</versjonsnummer>{_code('variantformat', 'P')}"
        f"{_code('format', 'PDF')}<filnavn>{file}</filnavn><referanseDokumentfil>{file}</referanseDokumentfil>"
        "</dokumentobjekt></dokumentbeskrivelse>"
    )


def _party(kind: str, name: str) -> str:
    return (
        f"<korrespondansepart>{_code('korrespondanseparttype', kind)}"
        f"<korrespondansepartNavn>{escape(name)}</korrespondansepartNavn></korrespondansepart>"
    )


def _key(system: str, key: str) -> str:
    parts = f'<fagsystem xmlns="{_CATALOGUE}">{escape(system)}</fagsystem><noekkel xmlns="{_CATALOGUE}">{escape(key)}</noekkel>'
    return f"<referanseEksternNoekkel>{parts}</referanseEksternNoekkel>"


def message(sent: Sent, at: datetime) -> bytes:
    """A case with its first letter and an attachment, as `arkivmelding.opprett`."""
    xsi = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    received = at.astimezone(LOCAL).isoformat(timespec="seconds")
    case = f'<mappe xsi:type="saksmappe"><tittel>{escape(sent.case)}</tittel>{_key(sent.system, sent.key)}</mappe>'
    documents = _document(sent.title, "H", "soknad.pdf") + _document(f"Vedlegg: {sent.attachment}", "V", sent.attachment)
    parties = _party("EA", sent.sender) + _party("EM", "Fjordvik kommune")
    entry = (
        f'<registrering xsi:type="journalpost">{documents}<tittel>{escape(sent.title)}</tittel>{parties}'
        f"{_key(sent.system, sent.key + '/1')}{_code('journalposttype', 'I')}{_code('journalstatus', 'M')}"
        f"<dokumentetsDato>{at.date().isoformat()}</dokumentetsDato><mottattDato>{received}</mottattDato></registrering>"
    )
    head = f'<?xml version="1.0" encoding="utf-8"?><arkivmelding {xsi} xmlns="{_CREATE}"><system>{escape(sent.system)}</system>'
    return f"{head}<antallFiler>2</antallFiler>{case}{entry}</arkivmelding>".encode()


def send(tenant: Tenant, clock: DemoClock) -> None:
    """Send the messages, each with its two files. DagbokError where one is not received."""
    for number, sent in enumerate(SENT, 1):
        clock.move_to(clock.now() + timedelta(minutes=3))
        at = clock.now()
        day = at.astimezone(LOCAL).date().isoformat()
        names = {"soknad.pdf": sent.title, sent.attachment: f"Vedlegg til {sent.title.lower()}"}
        files = {
            name: tenant.ledger.blobs.put(new_id(), [letter(title, sent.sender, day, number)]) for name, title in names.items()
        }
        actor = replace(acting(tenant.ledger, "service:import"), name=sent.system)
        answers = service.handle(tenant, message(sent, at), files, message_id=f"demo-{number}", actor=actor)
        if any("feilmelding" in answer.type for answer in answers):
            raise DagbokError(f"the demo's message {sent.key} was not received")
