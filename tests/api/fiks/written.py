"""Messages of our own, as XML text."""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape

from tests.api.fiks.sending import FAMILY

CREATE = f"{FAMILY}arkivmelding/opprett/v1"
UPDATE = f"{FAMILY}arkivmelding/oppdater/v1"
MD = f"{FAMILY}metadatakatalog/v1"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
Key = tuple[str, str]


def code(element: str, value: str) -> str:
    """A coded element."""
    return f'<{element}><kode xmlns="{MD}">{escape(value)}</kode></{element}>'


def external(key: Key | None) -> str:
    """`referanseEksternNoekkel`, or nothing."""
    if key is None:
        return ""
    parts = f'<fagsystem xmlns="{MD}">{escape(key[0])}</fagsystem><noekkel xmlns="{MD}">{escape(key[1])}</noekkel>'
    return f"<referanseEksternNoekkel>{parts}</referanseEksternNoekkel>"


def reference(element: str, system_id: str | None = None, key: Key | None = None, inside: str = "") -> str:
    """A reference to a unit; all in it stands in the catalogue's namespace."""
    named = f'<systemID xmlns="{MD}">{system_id}</systemID>' if system_id else ""
    outer = external(key).replace("<referanseEksternNoekkel>", f'<referanseEksternNoekkel xmlns="{MD}">')
    return f"<{element}>{named}{outer}{inside}</{element}>"


def message(inside: str, files: int = 0) -> bytes:
    """An `arkivmelding.opprett`."""
    head = f'<arkivmelding xmlns="{CREATE}" xmlns:xsi="{XSI}"><system>Fagsystem</system><antallFiler>{files}</antallFiler>'
    return f"{head}{inside}</arkivmelding>".encode()


def case(title: str, key: Key | None = None, inside: str = "", more: str = "", before: str = "") -> str:
    """A saksmappe. inside: between title and external key; more: what only a saksmappe has; before: before the title."""
    return f'<mappe xsi:type="saksmappe">{before}<tittel>{escape(title)}</tittel>{inside}{external(key)}{more}</mappe>'


def case_message(title: str, key: Key | None = None, inside: str = "", more: str = "") -> bytes:
    """A message with a case file."""
    return message(case(title, key, inside, more))


def document(title: str, *names: str, key: Key | None = None, association: str = "H", inside: str = "", objects: str = "") -> str:
    """A document with a PDF for each name. inside: what stands in each object after the file's name."""
    each = "".join(
        f"<dokumentobjekt>{code('format', 'PDF')}<filnavn>{escape(one)}</filnavn>"
        f"<referanseDokumentfil>{escape(one)}</referanseDokumentfil>{inside}</dokumentobjekt>"
        for one in names
    )
    linked = code("tilknyttetRegistreringSom", association)
    return f"<dokumentbeskrivelse><tittel>{escape(title)}</tittel>{linked}{each}{objects}{external(key)}</dokumentbeskrivelse>"


def party(name: str, kind: str = "EA", given: str = "", sign_off: str = "") -> str:
    """A correspondence party."""
    own = f"<korrespondansepartID>{escape(given)}</korrespondansepartID>" if given else ""
    named = f"<korrespondansepartNavn>{escape(name)}</korrespondansepartNavn>"
    return f"<korrespondansepart>{own}{code('korrespondanseparttype', kind)}{named}{sign_off}</korrespondansepart>"


def entry(
    title: str,
    key: Key | None = None,
    kind: str = "I",
    status: str = "J",
    parent: str = "",
    inside_documents: str = "",
    parties: str = "",
    more: str = "",
) -> str:
    """A journalpost. parent: its `referanseForelderMappe`; more: what follows the status."""
    classified = code("journalposttype", kind) + (code("journalstatus", status) if status else "")
    body = f"{parent}{inside_documents}<tittel>{escape(title)}</tittel>{parties}{external(key)}{classified}{more}"
    return f'<registrering xsi:type="journalpost">{body}</registrering>'


def entry_message(title: str, key: Key | None = None, inside_documents: str = "", parties: str = "") -> bytes:
    """A message with a case file and an entry in it."""
    files = inside_documents.count("<referanseDokumentfil>")
    return message(
        case("Sak") + entry(title, key, inside_documents=inside_documents, parties=parties or party("Ola Nordmann")), files
    )


def update(element: str, kind: str, inside: str) -> bytes:
    """An `arkivmelding.oppdater`."""
    typed = f' xsi:type="{kind}"' if kind else ""
    head = f'<arkivmeldingOppdatering xmlns="{UPDATE}" xmlns:c="{CREATE}" xmlns:xsi="{XSI}">'
    return f"{head}<{element}{typed}>{inside}</{element}></arkivmeldingOppdatering>".encode()


def update_case(key: Key, inside: str) -> bytes:
    """A change of the case file with an external key."""
    return update("mappeOppdateringer", "saksmappeOppdatering", reference("referanseTilMappe", key=key) + inside)


def update_entry(key: Key, inside: str) -> bytes:
    """A change of the journalpost with an external key."""
    return update("registreringOppdateringer", "journalpostOppdatering", reference("referanseTilRegistrering", key=key) + inside)


def update_document(key: Key, inside: str) -> bytes:
    """A change of the document with an external key."""
    return update("dokumentbeskrivelseOppdateringer", "", reference("referanseTilDokumentbeskrivelse", key=key) + inside)


def _get(root: str, path: str, target: str, include: Sequence[str]) -> bytes:
    asked = "".join(f"<inkluder>{one}</inkluder>" for one in include)
    return f'<{root} xmlns="{FAMILY}{path}/hent/v1"><system>Fagsystem</system>{target}{asked}</{root}>'.encode()


def get_case(system_id: str | None = None, external: Key | None = None, include: Sequence[str] = ()) -> bytes:
    """`mappe.hent`."""
    return _get("mappeHent", "mappe", reference("referanseTilMappe", system_id, external), include)


def get_entry(system_id: str | None = None, external: Key | None = None, include: Sequence[str] = ()) -> bytes:
    """`registrering.hent`."""
    return _get("registreringHent", "registrering", reference("referanseTilRegistrering", system_id, external), include)


def get_file(object_id: str) -> bytes:
    """`dokumentfil.hent`."""
    key = f"<dokumentfilNoekkel><systemID>{object_id}</systemID></dokumentfilNoekkel>"
    return _get("dokumentfilHent", "dokumentfil", key, ())
