"""A creating message with every element that the grammar lets its units have, but those that the archive gives itself."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

from api.fiks_arkiv.grammar import TYPES, content, derives
from api.fiks_arkiv.grammar_content import Name
from api.fiks_arkiv.grammar_create import CREATE
from tests.api.fiks.sending import pdf

Tree = dict[str, Any]
GIVEN_BY_ARCHIVE = {
    *("systemID", "mappeID", "registreringsID"),
    *("saksaar", "sakssekvensnummer", "journalaar", "journalsekvensnummer", "journalpostnummer"),
}
"""What a sender leaves out: the archive gives it."""
OWN = '<x:own xmlns:x="urn:own"><x:part a="1">ø &amp; 1</x:part></x:own>'


def coded(code: str, description: str | None = None) -> Tree:
    """A coded element."""
    return {"kode": code, "beskrivelse": description}


def person(name: str) -> Tree:
    """A person or unit with all that may be said of it."""
    return {"navn": name, "identifikator": f"id-{name}", "initialer": "XY", "epostadresse": f"{name}@fjordvik.example"}


def _comment() -> Tree:
    return {
        "merknadID": str(uuid4()),
        "merknadstekst": "Se også\nsaken fra 2019",
        "merknadstype": coded("MS", "Merknad fra saksbehandler"),
        "merknadsdato": "2026-03-04T10:11:12.5+01:00",
        "merknadRegistrertAv": "Kari",
        "erSkjermet": True,
    }


def _address() -> Tree:
    return {
        "postadresse": ["Strandveien 4", "c/o Hansen"],
        "postnummer": "6689",
        "poststed": "Aure",
        "landkode": coded("NO", "Norge"),
        "epostadresse": "ola@example.org",
        "telefonnummer": ["11111111", "22222222"],
        "kontaktperson": "Per",
        "erSkjermet": False,
        "erPersonnavn": True,
    }


def _part(number: Tree) -> Tree:
    return {
        "partID": f"part-{uuid4()}",
        "partNavn": "Ola Nordmann",
        "partRolle": coded("KLI", "Klient"),
        "virksomhetsspesifikkeMetadata": OWN,
        **number,
        **_address(),
    }


def _screening() -> Tree:
    return {
        "tilgangsrestriksjon": coded("13", "Unntatt etter vår egen liste"),
        "skjermingshjemmel": "Offl. § 13",
        "skjermingOpphoererDato": "2086-01-01",
        "skjermingOpphoererAksjon": coded("O", "Opphører"),
    }


def _grade() -> Tree:
    return {
        "grad": coded("B", "Begrenset"),
        "graderingsdato": "2026-01-02T03:04:05Z",
        "gradertAv": "Sjef",
        "nedgraderingsdato": "2027-01-02T03:04:05Z",
        "nedgradertAv": "Neste sjef",
    }


def _precedent() -> Tree:
    return {
        "presedensDato": "2020-01-01",
        "opprettetDato": "2020-01-02T00:00:00Z",
        "opprettetAv": "Kari",
        "tittel": "Naust",
        "beskrivelse": "Om naust",
        "presedensHjemmel": "pbl",
        "rettskildefaktor": "Praksis",
        "presedensGodkjentDato": "2020-01-03T00:00:00Z",
        "presedensGodkjentAv": "Sjef",
        "avsluttetDato": "2021-01-03T00:00:00Z",
        "avsluttetAv": "Sjef",
        "presedensStatus": coded("G", "Gjeldende"),
    }


def _flow() -> Tree:
    return {
        "flytTil": "Kari",
        "flytFra": "Ola",
        "flytMottattDato": "2026-01-02T00:00:00Z",
        "flytSendtDato": "2026-01-01T00:00:00Z",
        "flytStatus": coded("G", "Godkjent"),
        "flytMerknad": "Greit",
    }


def _classes() -> list[Tree]:
    return [
        {"klassifikasjonssystemID": "GBNR", "klasseID": "20/19", "tittel": "Strandveien 4", "erSkjermet": False},
        {"klassifikasjonssystemID": "K", "klasseID": "L42", "tittel": "Byggesak", "erSkjermet": True},
    ]


def case_file(system_id: UUID, parent: UUID) -> Tree:
    """A saksmappe. system_id: a case that is there, to refer to; parent: the one that it lies in."""
    return {
        "@type": "saksmappe",
        "referanseForeldermappe": {"systemID": str(parent)},
        "tittel": "Søknad om naust",
        "offentligTittel": "Søknad om *****",
        "beskrivelse": "Lang tekst",
        "noekkelord": ["naust", "strandsone"],
        "dokumentmedium": coded("B"),
        "opprettetDato": "2026-01-05T08:00:00",
        "opprettetAv": "Fagsystem",
        "avsluttetDato": "2026-02-01T00:00:00Z",
        "avsluttetAv": "Arkivet",
        "arkivdel": coded("SAK", "Saksarkivet"),
        "virksomhetsspesifikkeMetadata": OWN,
        "part": [
            _part({"organisasjonID": {"identifikator": "987654321", "landkode": "NO"}}),
            _part({"personID": {"landkode": "SE", "identifikator": "19121212-1212"}}),
        ],
        "kryssreferanse": {"kryssreferanseID": str(uuid4()), "referanseTilMappe": {"systemID": str(system_id)}},
        "merknad": [_comment(), _comment()],
        "skjerming": _screening(),
        "gradering": _grade(),
        "klassifikasjon": _classes(),
        "referanseEksternNoekkel": {"fagsystem": "Fagsystem", "noekkel": "sak-1"},
        "mappetype": coded("BYGG", "Byggesak"),
        "saksdato": "2026-01-04",
        "administrativEnhet": person("Plan"),
        "saksansvarlig": person("Kari"),
        "journalenhet": "Postmottak",
        "saksstatus": coded("B", "Til behandling"),
        "presedens": _precedent(),
        "matrikkelnummer": [
            {"kommunenummer": "1576", "gardsnummer": 20, "bruksnummer": 19, "festenummer": 458, "seksjonsnummer": 0},
            {"kommunenummer": "1576", "gardsnummer": 21, "bruksnummer": 1},
        ],
        "byggident": {"bygningsnummer": 123456, "endringsloepenummer": 2},
        "planident": [
            {"planidentifikasjon": "P1", "kommunenummer": "1576"},
            {"planidentifikasjon": "P2", "fylkesnummer": "15"},
            {"planidentifikasjon": "P3", "landkode": coded("NO", "Norge")},
        ],
        "punkt": {"punktID": "pkt-1", "koordinatsystem": coded("EPSG:25832"), "x": "1.5", "y": "2.5", "z": "3.5"},
        "adresse": {"adresse": "Strandveien 4", "postnummer": "6689", "poststed": "Aure"},
    }


def document(number: int, key: str) -> tuple[Tree, dict[str, bytes]]:
    """A document with its file."""
    name = f"brev{number}.pdf"
    content_ = pdf(name)
    given: Tree = {
        "dokumenttype": coded("BREV", "Brev"),
        "dokumentstatus": coded("F"),
        "tittel": f"Brev {number}",
        "beskrivelse": "Et brev",
        "forfatter": ["Kari", "Ola"],
        "opprettetDato": "2026-01-05T08:00:00Z",
        "opprettetAv": "Kari",
        "dokumentmedium": coded("E"),
        "tilknyttetRegistreringSom": coded("H" if number == 1 else "V"),
        "dokumentnummer": number,
        "tilknyttetDato": "2026-01-06T08:00:00Z",
        "tilknyttetAv": "Ola",
        "part": _part({}),
        "merknad": _comment(),
        "skjerming": _screening(),
        "gradering": _grade(),
        "dokumentobjekt": {
            "versjonsnummer": 2,
            "variantformat": coded("A", "Arkivformat"),
            "format": coded("PDF", "Portable"),
            "formatDetaljer": "1.7",
            "mimeType": "application/pdf",
            "opprettetDato": "2026-01-05T07:00:00Z",
            "opprettetAv": "Skanner",
            "filnavn": f"Brev nr. {number}.pdf",
            "referanseDokumentfil": name,
            "sjekksum": hashlib.sha256(content_).hexdigest(),
            "sjekksumAlgoritme": "SHA-256",
            "filstoerrelse": len(content_),
        },
        "referanseEksternNoekkel": {"fagsystem": "Fagsystem", "noekkel": key},
    }
    return given, {name: content_}


def party(kind: str, number: Tree, answer: UUID) -> Tree:
    """A correspondence party that is signed off by the entry `answer`."""
    return {
        "korrespondansepartID": f"kp-{uuid4()}",
        "korrespondanseparttype": coded(kind),
        "erBehandlingsansvarlig": True,
        "korrespondansepartNavn": "Ola Nordmann",
        **number,
        **_address(),
        "administrativEnhet": person("Plan"),
        "saksbehandler": person("Kari"),
        "forsendelsesmaate": coded("E", "E-post"),
        "deresReferanse": "2026/77",
        "avskrivning": {
            "avskrivningsdato": "2026-02-02",
            "avskrevetAv": person("Kari"),
            "avskrivningsmaate": coded("BU"),
            "referanseAvskrivesAvJournalpost": {"systemID": str(answer)},
            "referanseAvskriverJournalpost": {"systemID": str(answer)},
        },
    }


def registration(kind: str, case: UUID, other: UUID, key: str) -> tuple[Tree, dict[str, bytes]]:
    """A journalpost, arkivnotat or registrering in a case. other: an entry to refer to."""
    letters = [document(number, f"{key}-dok-{number}") for number in (1, 2)]
    tree: Tree = {
        "@type": kind,
        "opprettetDato": "2026-01-05T08:00:00+01:00",
        "opprettetAv": "Fagsystem",
        "arkivertDato": "2026-01-09T08:00:00Z",
        "arkivertAv": "Arkivet",
        "referanseForelderMappe": {"systemID": str(case)},
        "part": _part({}),
        "skjerming": _screening(),
        "gradering": _grade(),
        "dokumentbeskrivelse": [letter for letter, _ in letters],
        "tittel": "Søknad",
        "offentligTittel": "Søknad *****",
        "beskrivelse": "Om naust",
        "noekkelord": ["naust"],
        "forfatter": ["Ola"],
        "dokumentmedium": coded("E"),
        "virksomhetsspesifikkeMetadata": OWN,
        "merknad": _comment(),
        "kryssreferanse": {"kryssreferanseID": str(uuid4()), "referanseTilRegistrering": {"systemID": str(other)}},
        "korrespondansepart": [
            party("EA", {"personid": "01010112345"}, other),
            party("EM", {"organisasjonid": "987654321"}, other),
        ],
        "klassifikasjon": _classes(),
        "referanseEksternNoekkel": {"fagsystem": "Fagsystem", "noekkel": key},
    }
    if kind != "registrering":
        tree |= {
            "dokumentetsDato": "2026-01-03",
            "mottattDato": "2026-01-04T12:00:00Z",
            "sendtDato": "2026-01-04T13:00:00Z",
            "forfallsdato": "2026-02-04",
            "offentlighetsvurdertDato": "2026-01-05",
            "antallVedlegg": 1,
            "dokumentflyt": _flow(),
        }
    if kind == "journalpost":
        tree |= {
            "journalposttype": coded("I"),
            "journalstatus": coded("J", "Ført"),
            "journaldato": "2026-01-06",
            "journalenhet": "Postmottak",
            "presedens": _precedent(),
            "avskrivningsdato": "2026-02-03",
        }
    return tree, {name: content_ for _, files in letters for name, content_ in files.items()}


def left_out(tree: Mapping[str, Any], name: Name, path: str = "") -> set[str]:
    """The elements of a type, and of all types under it, that no part of the tree has. Alternatives count as one."""
    trees = [tree]
    found = set()
    for place in content(name).declared:
        own = place.name[1]
        inner = [value for one in trees for value in _several(one.get(own))]
        if not inner and own not in GIVEN_BY_ARCHIVE:
            found.add(f"{path}{own}")
        kind = TYPES[place.type]
        if inner and kind.kind is None and isinstance(inner[0], Mapping) and place.type[0] == CREATE.namespace:
            merged = {key: value for one in inner for key, value in one.items() if value is not None}
            found |= left_out(merged, place.type, f"{path}{own}/")
    return found


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def type_named(local: str) -> Name:
    """A type of the creating message."""
    name = (CREATE.namespace, local)
    assert derives(name, name)
    return name
