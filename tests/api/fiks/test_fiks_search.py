"""Search: fields, operators, widths, pages and orders, over what was written a moment before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from api.fiks_arkiv.encode import encode
from api.fiks_arkiv.message_types import CREATE, SEARCH
from api.installation import Tenant
from tests.api.fiks import schemas
from tests.api.fiks.maximal import case_file, coded, registration
from tests.api.fiks.sending import elements, head, refusal, send, value, values
from tests.api.fiks.written import case_message
from tests.fixtures_ledger import new_case, new_entry, new_series

Tree = dict[str, Any]
DEFINITIONS = {
    "mappe": "mappeSokdefinisjon",
    "saksmappe": "saksmappeSokdefinisjon",
    "registrering": "registreringSokdefinisjon",
    "journalpost": "journalpostSokdefinisjon",
    "journalpostMedSaksmappe": "journalpostMedSaksmappeSokdefinisjon",
    "dokumentbeskrivelse": "dokumentbeskrivelseSokdefinisjon",
}
ROOTS = {
    "minimum": ("sokeresultatMinimum", "resultatMinimum"),
    "utvidet": ("sokeresultat", "resultat"),
    "noekler": ("sokeresultatNoekler", "resultatNoekler"),
}


@pytest.fixture
def archive(tenant: Tenant) -> Tenant:
    """Cases Naust, Brygge and 100%_sikker; one with nearly everything; an entry and a note with documents, in the first case."""
    new_series(tenant.ledger)
    for title in ("Naust", "Brygge", "100%_sikker"):
        case = new_case(tenant.ledger, title)
    whole = encode(CREATE, {"system": "F", "antallFiler": 0, "mappe": case_file(case, case)})
    assert "kvittering" in send(tenant, whole)[-1].type
    other = new_entry(tenant.ledger, case, "Klage")
    for kind, key in (("journalpost", "post-1"), ("arkivnotat", "notat-1")):
        tree, files = registration(kind, case, other, key)
        message = encode(CREATE, {"system": "F", "antallFiler": len(files), "registrering": tree})
        assert "kvittering" in send(tenant, message, files)[-1].type
    return tenant


def search(target: str, *parameters: Tree, width: str = "minimum", take: int = 100, skip: int = 0, **more: Any) -> bytes:
    """`innsyn.sok`."""
    definition = {"@type": DEFINITIONS[target], "responstype": width, "parametere": list(parameters), **more}
    return encode(SEARCH, {"system": "Fagsystem", "take": take, "skip": skip, "sokdefinisjon": definition})


def where(field: str, operator: str, *values_: Any) -> Tree:
    """One parameter; the kind of the values decides where they stand."""
    kind = (
        "intvalues"
        if isinstance(values_[0], int)
        else "datevalues"
        if "T" in values_[0] and values_[0][:2] == "20"
        else "stringvalues"
    )
    return {"felt": field, "operator": operator, "sokVerdier": {kind: {"value": list(values_)}}}


def keyed(field: str, key: str) -> Tree:
    """One parameter: an external key."""
    return {"felt": field, "operator": "equal", "sokVerdier": {"eksternNoekkel": {"fagsystem": "Fagsystem", "noekkel": key}}}


def titles(tenant: Tenant, target: str, *parameters: Tree, **more: Any) -> list[str]:
    """The titles that are found, in their order."""
    answers = send(tenant, search(target, *parameters, **more))
    assert "resultat" in answers[0].type, answers[0].payload
    return values(answers, f"/sokeresultatMinimum/resultatListe/resultatMinimum/{target}/tittel")


FULL, ALL = "Søknad om naust", ["Søknad om naust", "100%_sikker", "Brygge", "Naust"]
CASES: list[tuple[Tree, list[str]]] = [
    (where("mappeTittel", "equal", "naust"), ["Naust"]),
    (where("mappeTittel", "notequal", "naust"), ALL[:3]),
    (where("mappeTittel", "wildcardquery", "*naust"), [FULL, "Naust"]),
    (where("mappeTittel", "wildcardquery", "N?ust"), ["Naust"]),
    (where("mappeTittel", "wildcardquery", "100%*"), ["100%_sikker"]),
    (where("mappeTittel", "wildcardquery", "%"), []),
    (where("mappeTittel", "wildcardquery", "100%?sikker"), ["100%_sikker"]),
    (where("mappeTittel", "inlist", "NAUST", "brygge"), ["Brygge", "Naust"]),
    (where("mappeTittel", "lessequal", "Brygge"), ["100%_sikker", "Brygge"]),
    (where("mappeTittel", "equal", "'; drop table x; --"), []),
    (keyed("mappeEksternNoekkel", "sak-1"), [FULL]),
    (keyed("mappeEksternNoekkel", "ukjent"), []),
    (where("mappeBeskrivelse", "equal", "Lang tekst"), [FULL]),
    (where("mappeNoekkelord", "equal", "Strandsone"), [FULL]),
    (where("mappeNoekkelord", "notequal", "strandsone"), ALL[1:]),
    (where("mappeArkivdel", "equal", "SAK"), [FULL]),
    (where("mappeArkivdel", "equal", "NABO"), []),
    (where("mappeMappetype", "equal", "BYGG"), [FULL]),
    (where("mappeKlasseKlassifikasjonssystemID", "equal", "GBNR"), [FULL]),
    (where("mappeKlasseKlasseID", "wildcardquery", "20/*"), [FULL]),
    (where("mappeKlasseTittel", "equal", "byggesak"), [FULL]),
    (where("mappePartPartNavn", "wildcardquery", "Ola*"), [FULL]),
    (where("mappePartPartRolle", "equal", "KLI"), [FULL]),
    (where("mappePartPostadresse", "equal", "c/o Hansen"), [FULL]),
    (where("mappePartPostnummer", "equal", "6689"), [FULL]),
    (where("mappePartPoststed", "equal", "aure"), [FULL]),
    (where("mappePartEpostadresse", "equal", "ola@example.org"), [FULL]),
    (where("mappePartOrganisasjonsid", "equal", "987654321"), [FULL]),
    (where("mappePartPersonid", "equal", "SE:19121212-1212"), [FULL]),
    (where("mappeSkjermingTilgangsrestriksjon", "equal", "13"), [FULL]),
    (where("mappeSkjermingSkjermingshjemmel", "equal", "offl. § 13"), [FULL]),
    (where("mappeSkjermingSkjermingOpphoererDato", "greaterthan", "2086-01-01T00:00:00"), []),
    (where("mappeSkjermingSkjermingOpphoererDato", "equal", "2086-01-01T00:00:00"), [FULL]),
    (where("mappeSkjermingSkjermingsvarighet", "greaterthan", 1), []),
    (where("mappeOpprettetDato", "equal", "2026-01-05T23:00:00"), [FULL]),
    (where("mappeOpprettetDato", "inlist", "2026-01-05T23:00:00", "2020-01-01T00:00:00"), [FULL]),
    (where("mappeOpprettetDato", "lessthan", "2026-01-05T08:00:00"), []),
    (where("mappeOpprettetDato", "between", "2026-01-05T08:00:00", "2026-01-05T08:00:01"), [FULL]),
    (where("mappeAvsluttetDato", "greaterthan", "2000-01-01T00:00:00"), []),
    (where("mappeEndretDato", "greaterthan", "2000-01-01T00:00:00"), ALL),
    (where("sakSaksdato", "between", "2026-01-01T00:00:00", "2026-01-04T23:59:59"), [FULL]),
    (where("sakSaksaar", "greaterequal", 2000), ALL),
    (where("sakSaksekvensnummer", "inlist", 1, 2), ["Brygge", "Naust"]),
    (where("sakSaksstatus", "equal", "B"), ALL),
    (where("sakAdministrativenhet", "equal", "plan"), [FULL]),
    (where("sakSaksansvarlig", "equal", "XY"), [FULL]),
    (where("sakMatrikkelnummerKommunenummer", "equal", "1576"), [FULL]),
    (where("sakMatrikkelnummerBruksnummer", "equal", 19), [FULL]),
    (where("sakMatrikkelnummerBruksnummer", "equal", 20), []),
    (where("sakByggidentBygningsnummer", "inlist", 1, 123456), [FULL]),
    (where("sakPlanidentStatLandkode", "equal", "NO"), [FULL]),
    (where("sakPlanidentPlanidentifikasjon", "equal", "P2"), [FULL]),
]


@pytest.mark.parametrize("at_once", [False, True])
def test_every_field_of_a_case_file_finds_what_it_should(archive: Tenant, at_once: bool) -> None:
    for parameter, wanted in CASES:
        more = [where("mappeTittel", "notequal", "finnes ikke")] if at_once else []
        target = "saksmappe" if parameter["felt"].startswith("sak") or parameter["felt"] != "mappeKlassifikasjon" else "mappe"
        assert titles(archive, target, parameter, *more) == wanted, parameter


def class_of(*pairs: tuple[str | None, str | None]) -> Tree:
    """One parameter: classes, each by system and class id."""
    systems = [system for system, _ in pairs]
    ids = [one for _, one in pairs]
    given = {"klassifikasjonssystemID": systems, "klasseID": ids}
    return {"felt": "mappeKlassifikasjon", "operator": "equal", "sokVerdier": {"mappeKlassifikasjon": given}}


def test_a_class_is_found_by_system_and_id_together(archive: Tenant) -> None:
    assert titles(archive, "mappe", class_of(("K", "L42"))) == [FULL]
    assert titles(archive, "mappe", class_of(("K", "20/19"))) == []
    assert titles(archive, "mappe", class_of(("K", "20/19"), ("GBNR", "20/19"))) == [FULL]


def box(low: str, high: str) -> Tree:
    """One parameter: a box."""
    corners = {"nedreVenstre": {"x": low, "y": low}, "oevreHoeyre": {"x": high, "y": high}}
    return {"felt": "sakBbox", "operator": "equal", "sokVerdier": {"bbox": {"koordinatsystem": coded("EPSG:25832"), **corners}}}


def test_a_point_is_found_in_its_box_only(archive: Tenant) -> None:
    assert titles(archive, "saksmappe", box("1", "3")) == [FULL]
    assert titles(archive, "saksmappe", box("3", "4")) == []


ENTRIES: list[tuple[str, Tree, list[str]]] = [
    ("registrering", where("registreringTittel", "equal", "søknad"), ["Søknad", "Søknad"]),
    ("registrering", keyed("registreringEksternId", "notat-1"), ["Søknad"]),
    ("journalpost", where("registreringTittel", "wildcardquery", "*"), ["Søknad", "Klage"]),
    ("journalpost", where("journalpostJournalposttype", "equal", "I"), ["Søknad", "Klage"]),
    ("journalpost", where("journalpostJournalstatus", "equal", "A"), []),
    ("journalpost", where("journalpostJournaldato", "equal", "2026-01-06T00:00:00"), ["Søknad"]),
    ("journalpost", where("journalpostDokumentetsdato", "equal", "2026-01-03T00:00:00"), ["Søknad"]),
    ("journalpost", where("journalpostForfallsdato", "lessequal", "2026-02-04T00:00:00"), ["Søknad"]),
    ("journalpost", where("journalpostJournalsekvensnummer", "equal", 1), ["Klage"]),
    ("journalpost", where("journalpostJournalaar", "lessthan", 2000), []),
    ("journalpost", where("journalpostJournalpostnummer", "equal", 2), ["Søknad"]),
    ("journalpost", where("journalpostSakssekvensnummer", "equal", 3), ["Søknad", "Klage"]),
    ("journalpost", where("journalpostSaksaar", "lessthan", 2000), []),
    ("journalpostMedSaksmappe", where("registreringTittel", "equal", "Klage"), ["Klage"]),
    ("journalpost", where("registreringAdministrativenhet", "equal", "plan"), ["Søknad"]),
    ("journalpost", where("registreringJournalpostansvarlig", "equal", "Kari"), ["Søknad"]),
    (
        "registrering",
        where("registreringKorrespondansepartKorrespondansepartNavn", "equal", "ola nordmann"),
        ["Søknad", "Klage", "Søknad"],
    ),
    ("registrering", where("registreringKorrespondansepartKorrespondanseparttype", "equal", "EM"), ["Søknad", "Søknad"]),
    ("registrering", where("registreringKorrespondansepartPersonid", "equal", "01010112345"), ["Søknad", "Søknad"]),
    ("registrering", where("registreringKorrespondansepartDeresReferanse", "equal", "2026/77"), ["Søknad", "Søknad"]),
    ("registrering", where("registreringKorrespondansepartForsendelsesmaate", "equal", "E"), ["Søknad", "Søknad"]),
    ("registrering", where("registreringKorrespondansepartSaksbehandler", "equal", "Kari"), ["Søknad", "Søknad"]),
    ("registrering", where("registreringPartPartNavn", "equal", "Ola Nordmann"), ["Søknad", "Søknad"]),
    ("dokumentbeskrivelse", where("dokumentbeskrivelseTittel", "equal", "brev 1"), ["Brev 1", "Brev 1"]),
    ("dokumentbeskrivelse", keyed("dokumentbeskrivelseEksternId", "post-1-dok-2"), ["Brev 2"]),
    ("dokumentbeskrivelse", where("dokumentbeskrivelseDokumenttype", "equal", "NOTAT"), []),
    (
        "dokumentbeskrivelse",
        where("dokumentbeskrivelseDokumentstatus", "notequal", "B"),
        ["Brev 1", "Brev 1", "Brev 2", "Brev 2"],
    ),
]


def test_every_field_of_entries_and_documents_finds_what_it_should(archive: Tenant) -> None:
    for target, parameter, wanted in ENTRIES:
        assert sorted(titles(archive, target, parameter)) == sorted(wanted), parameter


def test_free_text_finds_words_in_any_form(archive: Tenant) -> None:
    def found(target: str, words: str) -> list[str]:
        definition = {"@type": f"{target}FritekstSokdefinisjon", "responstype": "minimum", "soketekst": words}
        answers = send(archive, encode(SEARCH, {"system": "F", "take": 10, "skip": 0, "sokdefinisjon": definition}))
        return values(answers, f"/sokeresultatMinimum/resultatListe/resultatMinimum/{target}/tittel")

    assert found("saksmappe", "søknader") == [FULL]
    assert found("registrering", "klager") == ["Klage"]
    assert sorted(found("dokumentbeskrivelse", "brev1.pdf OR brev")) == ["Brev 1", "Brev 1", "Brev 2", "Brev 2"]
    assert found("mappe", "'); drop") == []


def test_pages_do_not_overlap_and_the_count_is_of_all(archive: Tenant) -> None:
    every = where("mappeTittel", "wildcardquery", "*")
    assert [titles(archive, "mappe", every, take=2, skip=skip) for skip in (0, 2, 4)] == [ALL[:2], ALL[2:], []]
    answers = send(archive, search("mappe", every, take=1, skip=1))
    assert [value(answers, f"/sokeresultatMinimum/{name}") for name in ("take", "skip", "count", "resultattype")] == [
        "1",
        "1",
        "4",
        "mappe",
    ]
    assert titles(archive, "mappe", every, take=0) == []


@pytest.mark.parametrize(("direction", "wanted"), [("synkende", ALL), ("stigende", ALL[::-1])])
def test_the_order_is_as_asked(archive: Tenant, direction: str, wanted: list[str]) -> None:
    order = {"felt": "sakSaksaar-saksekvensnummer", "type": direction}
    assert titles(archive, "saksmappe", where("mappeTittel", "wildcardquery", "*"), sortering=order) == wanted


REFUSED: list[tuple[str, Tree, str]] = [
    ("mappe", where("mappeKlasseBeskrivelse", "equal", "x"), "mappeKlasseBeskrivelse"),
    ("saksmappe", where("sakSaksaar", "equal", "tjue"), "sakSaksaar"),
    ("saksmappe", where("sakSaksaar", "wildcardquery", 20), "sakSaksaar"),
    ("saksmappe", where("sakSaksdato", "between", "2026-01-01T00:00:00"), "between"),
    ("mappe", where("mappeTittel", "equal", "a", "b"), "mappeTittel"),
    ("mappe", where("mappeEksternNoekkel", "equal", "a"), "mappeEksternNoekkel"),
    ("mappe", {"felt": "mappeTittel", "operator": "equal", "sokVerdier": {}}, "mappeTittel"),
    ("saksmappe", where("sakMatrikkelnummerBruksnummer", "lessthan", 7), "sakMatrikkelnummerBruksnummer"),
    ("saksmappe", where("sakBbox", "equal", "a"), "sakBbox"),
    ("mappe", where("mappeTittel", "inlist", *(str(n) for n in range(101))), "100"),
]


@pytest.mark.parametrize(("target", "parameter", "wanted"), REFUSED)
def test_a_search_that_cannot_be_understood_is_refused_by_name(tenant: Tenant, target: str, parameter: Tree, wanted: str) -> None:
    assert wanted in refusal(send(tenant, search(target, parameter)))


def test_a_negative_page_and_empty_words_are_refused(tenant: Tenant) -> None:
    every = where("mappeTittel", "wildcardquery", "*")
    assert "take" in refusal(send(tenant, search("mappe", every, take=-1)))
    words = {"@type": "mappeFritekstSokdefinisjon", "responstype": "minimum", "soketekst": " "}
    assert "soketekst" in refusal(send(tenant, encode(SEARCH, {"system": "F", "take": 1, "skip": 0, "sokdefinisjon": words})))


def test_what_was_written_just_before_is_found(tenant: Tenant) -> None:
    for number in range(5):
        send(tenant, case_message(f"Sak {number}"))
        assert titles(tenant, "mappe", where("mappeTittel", "equal", f"Sak {number}")) == [f"Sak {number}"]
    before = head(tenant)
    titles(tenant, "mappe", where("mappeTittel", "equal", "Sak 1"))
    assert head(tenant) == before


INCLUDE = {
    "mappe": ("noekkelord", "kryssreferanse", "part", "merknad"),
    "registrering": ("noekkelord", "kryssreferanse", "part", "merknad", "dokumentbeskrivelse", "korrespondansepart"),
    "journalpost": ("noekkelord", "part", "dokumentbeskrivelse", "korrespondansepart", "avskrivning", "dokumentflyt"),
    "dokumentbeskrivelse": ("dokumentobjekt",),
}


@pytest.mark.reference
@pytest.mark.parametrize("width", ["minimum", "utvidet", "noekler"])
@pytest.mark.parametrize("target", DEFINITIONS)
def test_every_answer_is_valid_and_holds_what_was_asked_for(archive: Tenant, reference: Path, target: str, width: str) -> None:
    field = {"mappe": "mappeTittel", "saksmappe": "mappeTittel", "dokumentbeskrivelse": "dokumentbeskrivelseTittel"}.get(
        target, "registreringTittel"
    )
    include = INCLUDE.get(target) or INCLUDE["mappe" if target == "saksmappe" else "journalpost"]
    for asked in ((), include):
        answers = send(archive, search(target, where(field, "wildcardquery", "*"), width=width, inkluder=list(asked)))
        assert answers[0].payload is not None
        assert schemas.valid(reference, answers[0].payload), answers[0].payload
        root, hit = ROOTS[width]
        named = "journalpost" if width == "noekler" and target == "journalpostMedSaksmappe" else target
        found = elements(answers[0].payload, f"/{root}/resultatListe/{hit}/{named}")
        assert len(found) == {"mappe": 4, "saksmappe": 4, "registrering": 3, "dokumentbeskrivelse": 4}.get(target, 2)
        if width == "utvidet" and asked:
            names = {str(child.tag).rpartition("}")[2] for one in found for child in one}
            assert set(asked) - {"avskrivning"} <= names
