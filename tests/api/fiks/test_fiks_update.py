"""Updates: every element that facts can carry, what is refused by name, and that a message changes all or nothing."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from api.fiks_arkiv.grammar import content, derives
from api.fiks_arkiv.grammar_update import UPDATE as GRAMMAR
from api.fiks_arkiv.update import CASE, DOCUMENT, ENTRY_STEPS
from api.installation import Tenant
from domain.handlers import structure
from domain.handlers.work import run
from tests.api.fiks.maximal import coded, person
from tests.api.fiks.sending import head, refusal, send
from tests.api.fiks.updating import Tree, at, changed, filled, update
from tests.fixtures_ledger import CONTEXT


@pytest.fixture
def archive(tenant: Tenant) -> Tenant:
    """A tenant with nearly everything."""
    return filled(tenant)


SIMPLE: list[tuple[str, Tree, str, list[Any]]] = [
    ("mappe", {"tittel": "Ny tittel"}, "tittel", ["Ny tittel"]),
    ("mappe", {"offentligTittel": "Ny"}, "offentligTittel", ["Ny"]),
    ("mappe", {"beskrivelse": {"oppdatering": "Ny"}}, "beskrivelse", ["Ny"]),
    ("mappe", {"beskrivelse": {"slett": True}}, "beskrivelse", []),
    (
        "mappe",
        {"noekkelord": {"slett": ["naust", "finnes ikke"], "ny": ["brygge", "strandsone"]}},
        "noekkelord",
        ["strandsone", "brygge"],
    ),
    ("mappe", {"saksdato": "2026-02-02"}, "saksdato", ["2026-02-02"]),
    ("mappe", {"saksstatus": coded("A")}, "saksstatus", ["A"]),
    ("mappe", {"saksansvarlig": person("Nelly")}, "saksansvarlig/navn", ["Nelly"]),
    ("mappe", {"administrativEnhet": person("Teknisk")}, "administrativEnhet/navn", ["Teknisk"]),
    ("mappe", {"arkivdel": coded("PERS")}, "arkivdel", ["PERS"]),
    (
        "mappe",
        {"referanseEksternNoekkel": {"fagsystem": "Fagsystem", "noekkel": "sak-1"}},
        "referanseEksternNoekkel/noekkel",
        ["sak-1"],
    ),
    ("mappe", {"skjermingOppdateringer": {"slett": True}}, "skjerming", []),
    (
        "mappe",
        {"skjermingOppdateringer": {"oppdatering": {"tilgangsrestriksjon": coded("5")}}},
        "skjerming/tilgangsrestriksjon",
        ["5"],
    ),
    (
        "mappe",
        {"skjermingOppdateringer": {"oppdatering": {"tilgangsrestriksjon": coded("5")}}},
        "skjerming/skjermingshjemmel",
        ["Offl. § 13"],
    ),
    ("mappe", {"graderingOppdateringer": {"oppdatering": {"grad": coded("K")}}}, "gradering/grad", ["K"]),
    (
        "mappe",
        {
            "klassifikasjonOppdateringer": {
                "slett": {"referanseTilKlassifikasjon": {"klassifikasjonssystemID": "K", "klasseID": "L42"}}
            }
        },
        "klassifikasjon/klasseID",
        ["20/19"],
    ),
    (
        "mappe",
        {
            "klassifikasjonOppdateringer": {
                "oppdatering": {
                    "referanseTilKlassifikasjon": {"klassifikasjonssystemID": "K", "klasseID": "L42"},
                    "tittel": "Ny",
                },
                "ny": {"klassifikasjonssystemID": "K", "klasseID": "L43"},
            }
        },
        "klassifikasjon/tittel",
        ["Strandveien 4", "Ny"],
    ),
    ("mappe", {"virksomhetsspesifikkeMetadataOppdateringer": {"slett": True}}, "virksomhetsspesifikkeMetadata", []),
    (
        "mappe",
        {
            "matrikkelnummerOppdateringer": {
                "slett": {"kommunenummer": "1576", "gardsnummer": 21, "bruksnummer": 1},
                "ny": {"kommunenummer": "1576", "gardsnummer": 22, "bruksnummer": 3},
            }
        },
        "matrikkelnummer/gardsnummer",
        [20, 22],
    ),
    (
        "mappe",
        {"byggidentOppdateringer": {"Oppdatering": {"opprinneligBygningsnummer": 123456, "bygningsnummer": 7}}},
        "byggident/bygningsnummer",
        [7],
    ),
    (
        "mappe",
        {"byggidentOppdateringer": {"Slett": {"bygningsnummer": 123456}, "Ny": {"bygningsnummer": 8}}},
        "byggident/bygningsnummer",
        [8],
    ),
    ("mappe", {"planidentOppdateringer": {"slett": {"planidentifikasjon": "P2"}}}, "planident/planidentifikasjon", ["P1", "P3"]),
    (
        "mappe",
        {"planidentOppdateringer": {"oppdatering": {"planidentifikasjon": "P1", "kommunenummer": "1577"}}},
        "planident/kommunenummer",
        ["1577"],
    ),
    ("mappe", {"punktOppdateringer": {"slett": {"punktID": "pkt-1"}}}, "punkt", []),
    (
        "mappe",
        {"adresseOppdateringer": {"ny": {"adresse": "Ny vei 1", "postnummer": "6689", "poststed": "Aure"}}},
        "adresse/adresse",
        ["Strandveien 4", "Ny vei 1"],
    ),
    ("registrering", {"tittel": "Ny tittel"}, "tittel", ["Ny tittel"]),
    ("registrering", {"noekkelord": {"ny": "brygge"}}, "noekkelord", ["naust", "brygge"]),
    ("registrering", {"forfatterOppdateringer": {"slett": "Ola", "ny": "Kari"}}, "forfatter", ["Kari"]),
    ("registrering", {"skjermingOppdateringer": {"slett": True}}, "skjerming", []),
    ("registrering", {"gradering": {"oppdatering": {"grad": coded("K")}}}, "gradering/grad", ["K"]),
    ("registrering", {"journalposttype": coded("U")}, "journalposttype", ["U"]),
    ("registrering", {"journalstatus": coded("A")}, "journalstatus", ["A"]),
    ("registrering", {"dokumentetsDato": "2026-02-02"}, "dokumentetsDato", ["2026-02-02"]),
    ("registrering", {"forfallsdato": "2026-02-02", "avskrivningsdato": "2026-02-09"}, "avskrivningsdato", ["2026-02-09"]),
    ("registrering", {"offentlighetsvurdertDato": "2026-02-02"}, "offentlighetsvurdertDato", ["2026-02-02"]),
    ("registrering", {"mottattDato": "2026-02-02T12:00:00Z"}, "mottattDato", ["2026-02-02T12:00:00+00:00"]),
    ("registrering", {"sendtDato": "2026-02-02T12:00:00Z"}, "sendtDato", ["2026-02-02T12:00:00+00:00"]),
    (
        "registrering",
        {"klassifikasjonOppdateringer": {"ny": {"klassifikasjonssystemID": "K", "klasseID": "L43"}}},
        "klassifikasjon/klasseID",
        ["20/19", "L42", "L43"],
    ),
    ("dokumentbeskrivelse", {"tittel": "Ny"}, "tittel", ["Ny"]),
    ("dokumentbeskrivelse", {"beskrivelse": {"oppdatering": "Ny"}}, "beskrivelse", ["Ny"]),
    ("dokumentbeskrivelse", {"dokumenttype": coded("NOTAT", "Et notat")}, "dokumenttype", ["NOTAT"]),
    ("dokumentbeskrivelse", {"dokumenttype": coded("NOTAT", "Et notat")}, "dokumenttype/beskrivelse", ["Et notat"]),
    ("dokumentbeskrivelse", {"dokumentstatus": coded("B")}, "dokumentstatus", ["B"]),
    ("dokumentbeskrivelse", {"forfatterOppdateringer": {"ny": "Per"}}, "forfatter", ["Kari", "Ola", "Per"]),
    ("dokumentbeskrivelse", {"skjerming": {"slett": True}}, "skjerming", []),
    ("dokumentbeskrivelse", {"gradering": {"oppdatering": {"grad": coded("K")}}}, "gradering/grad", ["K"]),
]


@pytest.mark.parametrize(("unit", "changes", "path", "wanted"), SIMPLE, ids=lambda given: given if isinstance(given, str) else "")
def test_a_change_is_given_back_and_sent_again_changes_nothing(
    archive: Tenant, unit: str, changes: Tree, path: str, wanted: list[Any]
) -> None:
    if "arkivdel" in changes:
        fonds = run(
            archive.ledger, CONTEXT, (), lambda work: structure.create_fonds(work, structure.CreateFonds(uuid4(), "F", "1", "F"))
        ).result
        run(
            archive.ledger,
            CONTEXT,
            (),
            lambda work: structure.create_series(work, structure.CreateSeries(uuid4(), fonds, "PERS", "P")),
        )
    before = head(archive)
    assert at(changed(archive, unit, changes), path) == wanted
    after = head(archive)
    assert (after > before) == (changes.get("referanseEksternNoekkel") is None)
    assert at(changed(archive, unit, changes), path) == wanted
    assert head(archive) == after


REFUSED: list[tuple[str, Tree, str]] = [
    ("mappe", {"opprettetAv": "En annen"}, "opprettetAv"),
    ("mappe", {"opprettetDato": "2020-01-01T00:00:00Z"}, "opprettetDato"),
    ("mappe", {"avsluttetDato": "2020-01-01T00:00:00Z"}, "avsluttetDato"),
    ("mappe", {"mappetype": coded("ANNEN")}, "mappetype"),
    ("mappe", {"saksstatus": coded("Q")}, "M052"),
    ("mappe", {"tittel": "x" * 1_001}, "1\u00a0000"),
    ("mappe", {"graderingOppdateringer": {"slett": True}}, "graderingOppdateringer"),
    ("mappe", {"skjermingOppdateringer": {}}, "skjermingOppdateringer"),
    ("mappe", {"skjermingOppdateringer": {"oppdatering": {"tilgangsrestriksjon": coded("Q")}}}, "M500"),
    ("mappe", {"virksomhetsspesifikkeMetadataOppdateringer": {}}, "virksomhetsspesifikkeMetadataOppdateringer"),
    ("registrering", {"arkivertAv": "En annen"}, "arkivertAv"),
    ("registrering", {"journaldato": "2020-01-01"}, "journaldato"),
    ("registrering", {"journalenhet": "En annen"}, "journalenhet"),
    ("registrering", {"journalstatus": coded("R")}, "3.2.19"),
    (
        "registrering",
        {"referanseForelderMappe": {"referanseEksternNoekkel": {"fagsystem": "Fagsystem", "noekkel": "sak-1"}}},
        "referanseForelderMappe",
    ),
    ("dokumentbeskrivelse", {"dokumentmedium": coded("F")}, "dokumentmedium"),
    ("dokumentbeskrivelse", {"dokumentnummer": 2}, "dokumentnummer"),
    ("dokumentbeskrivelse", {"tilknyttetRegistreringSom": coded("V")}, "tilknyttetRegistreringSom"),
    ("dokumentbeskrivelse", {"tilknyttetAv": "En annen"}, "tilknyttetAv"),
]


@pytest.mark.parametrize(("unit", "changes", "wanted"), REFUSED, ids=lambda given: given if isinstance(given, str) else "")
def test_what_cannot_be_changed_is_refused_by_name_and_nothing_changes(
    archive: Tenant, unit: str, changes: Tree, wanted: str
) -> None:
    before = head(archive)
    # What can be changed beside it is not changed either.
    assert wanted in refusal(send(archive, update(unit, {"merknadOppdateringer": {"ny": {"merknadstekst": "Greit"}}, **changes})))
    assert head(archive) == before


SAME: list[tuple[str, Tree]] = [
    ("mappe", {"opprettetAv": "Fagsystem", "opprettetDato": "2026-01-05T08:00:00", "mappetype": coded("BYGG")}),
    (
        "registrering",
        {
            "opprettetDato": "2026-01-05T07:00:00Z",
            "arkivertAv": "Arkivet",
            "journaldato": "2026-01-06",
            "journalenhet": "Postmottak",
        },
    ),
    ("dokumentbeskrivelse", {"dokumentmedium": coded("E"), "tilknyttetDato": "2026-01-06T08:00:00Z", "tilknyttetAv": "Ola"}),
]


@pytest.mark.parametrize(("unit", "changes"), SAME)
def test_what_cannot_be_changed_may_be_said_again(archive: Tenant, unit: str, changes: Tree) -> None:
    before = head(archive)
    changed(archive, unit, changes)
    assert head(archive) == before


@pytest.mark.parametrize(
    ("unit", "changes"),
    [
        ("mappe", {"merknadOppdateringer": {"slett": {"merknadID": "7"}}}),
        ("mappe", {"partOppdateringer": {"oppdatering": {"partID": "7", "partNavn": "Ny"}}}),
        ("mappe", {"punktOppdateringer": {"oppdatering": {"punktID": "7", "x": "1"}}}),
        ("mappe", {"arkivdel": coded("NABO")}),
        ("registrering", {"korrespondansepartOppdateringer": {"slett": {"korrespondansepartID": "7"}}}),
    ],
)
def test_an_update_of_what_is_not_there_is_not_found(archive: Tenant, unit: str, changes: Tree) -> None:
    before = head(archive)
    answers = send(archive, update(unit, changes))
    assert [one.type.rpartition(".")[2] for one in answers] == ["ikkefunnet"]
    assert head(archive) == before


def test_every_element_of_the_grammar_has_a_step() -> None:
    """Only elements of meetings, which are refused as a whole, have none."""
    for steps, local in (
        (CASE, "saksmappeOppdatering"),
        (ENTRY_STEPS, "journalpostOppdatering"),
        (DOCUMENT, "dokumentbeskrivelseOppdatering"),
    ):
        name = (GRAMMAR.namespace, local)
        assert derives(name, name)
        assert {place.name[1] for place in content(name).declared} == set(steps)
