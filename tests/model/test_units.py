"""Documents, fonds, series, classes, and what every unit carries; unknown codes and limits."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from domain.model import case_file, classification, codes, document, fonds, record, registering, registry_entry, series
from domain.model.record import ContactBody, Named
from tests.model.spec import AT, OTHER, THIRD, TODAY, UNIT, given, when

DOCUMENT = given(document.evolve, document.DocumentCreated("BREV", "B"))
SERIES = given(series.evolve, series.SeriesCreated(OTHER, "SAK", "A"))
FONDS = given(fonds.evolve, fonds.FondsCreated("O"))
ENTRY = given(registry_entry.evolve, registry_entry.EntryRegistered("registry-entry", "M", "I"))
CASE = given(case_file.evolve, case_file.CaseFileCreated(2026, 1, TODAY, "B"))
FILE = document.AddObject(OTHER, "P", "fmt/276", 10, "ab" * 32, "brev.pdf")
SENDER = registry_entry.PartyRecorded(OTHER, "EA", ContactBody("Ola"))
SYSTEM = classification.System(UNIT, "ARK", False)


def test_versions_of_a_variant_count_on() -> None:
    added = DOCUMENT.when(document.add_object, FILE).facts[0]
    assert (added.version, added.body.file_name) == (1, "brev.pdf")
    state = document.evolve(DOCUMENT.state, UNIT, added)
    assert document.add_object(state, dataclasses.replace(FILE, object_id=THIRD)).version == 2
    assert document.add_object(state, dataclasses.replace(FILE, object_id=THIRD, variant="A")).version == 1


def test_one_version_of_a_variant_stands_once() -> None:
    held = given(document.evolve, document.DocumentCreated("BREV", "B"), DOCUMENT.when(document.add_object, FILE).facts[0])
    held.when(document.add_object, dataclasses.replace(FILE, version=1)).then_refused("document.object_exists", "2.7.14")
    held.when(document.add_object, dataclasses.replace(FILE, version=0)).then_refused("document.version", "M005")
    held.when(document.add_object, dataclasses.replace(FILE, version=3)).then_kinds(document.ObjectAdded)


@pytest.mark.parametrize("before", codes.DOCUMENT_STATUS)
@pytest.mark.parametrize("after", codes.DOCUMENT_STATUS)
def test_a_document_changes_status(before: str, after: str) -> None:
    wanted = () if before == after else (document.DocumentStatusChanged(after, before),)
    given(document.evolve, document.DocumentCreated("BREV", before)).when(document.change_status, after).then(*wanted)


def test_a_unit_is_created_once() -> None:
    DOCUMENT.when(document.create, document.CreateDocument()).then_refused("exists")
    SERIES.when(series.create, OTHER, "SAK").then_refused("exists")
    FONDS.when(fonds.create).then_refused("exists")
    when(classification.create_system, SYSTEM, "ARK").then_refused("exists")
    when(classification.create_class, classification.Class(UNIT, OTHER), SYSTEM, "1", "key").then_refused("exists")


def test_a_closed_series_takes_nothing() -> None:
    closed = given(series.evolve, series.SeriesCreated(OTHER, "SAK", "A"), series.SeriesFinalised(TODAY))
    closed.when(series.require_open).then_refused("series.finalised", "2.3.6")
    closed.when(series.finalise, TODAY).then()
    SERIES.when(series.require_open).then()
    SERIES.when(series.finalise, TODAY).then(series.SeriesFinalised(TODAY))


@pytest.mark.parametrize("status", codes.SERIES_STATUS)
def test_a_series_changes_status(status: str) -> None:
    SERIES.when(series.change_status, status).then(*(() if status == "A" else (series.SeriesStatusChanged(status, "A"),)))


def test_codes_of_systems_series_and_classes_are_claimed() -> None:
    assert when(series.create, None, OTHER, "SAK").facts[0].claims == (("series-code", "SAK"),)
    assert when(classification.create_system, None, "ARK").facts[0].claims == (("classification-system", "ARK"),)
    assert when(classification.create_class, None, SYSTEM, "614", "key").facts[0].claims == (("class", "key"),)


# Every closed list: (who asks, with the code put in, element's number).
CLOSED: list[tuple[str, Callable[[str], Any], codes.CodeList, str]] = [
    ("case", lambda code: case_file.create(None, case_file.CreateCaseFile(TODAY, code)), codes.CASE_STATUS, "M052"),
    ("case change", lambda code: case_file.change_status(CASE.state, code), codes.CASE_STATUS, "M052"),
    ("case medium", lambda code: case_file.create(None, case_file.CreateCaseFile(TODAY, medium=code)), codes.MEDIUM, "M300"),
    ("entry", lambda code: registering.register(None, register(code)), codes.ENTRY_STATUS, "M053"),
    ("entry change", lambda code: registering.change_status(ENTRY.state, code, TODAY, AT), codes.ENTRY_STATUS, "M053"),
    ("entry type", lambda code: registering.register(None, register("J", entry_type=code)), codes.ENTRY_TYPE, "M082"),
    ("entry retype", lambda code: registering.change_type(ENTRY.state, code), codes.ENTRY_TYPE, "M082"),
    ("entry medium", lambda code: registering.register(None, register("J", medium=code)), codes.MEDIUM, "M300"),
    ("party", lambda code: registering.record_party(ENTRY.state, party(code)), codes.PARTY_TYPE, "M087"),
    ("sign-off", lambda code: registering.sign_off(ENTRY.state, signed(code)), codes.SIGN_OFF_METHOD, "M619"),
    ("link", lambda code: registering.link_document(ENTRY.state, linked(code)), codes.ASSOCIATION, "M217"),
    ("document", lambda code: document.create(None, created(code)), codes.DOCUMENT_STATUS, "M054"),
    ("document change", lambda code: document.change_status(DOCUMENT.state, code), codes.DOCUMENT_STATUS, "M054"),
    ("document medium", lambda code: document.create(None, document.CreateDocument(medium=code)), codes.MEDIUM, "M300"),
    ("variant", lambda code: document.add_object(DOCUMENT.state, variant(code)), codes.VARIANT, "M700"),
    ("series", lambda code: series.create(None, OTHER, "SAK", code), codes.SERIES_STATUS, "M051"),
    ("series change", lambda code: series.change_status(SERIES.state, code), codes.SERIES_STATUS, "M051"),
    ("series medium", lambda code: series.create(None, OTHER, "SAK", medium=code), codes.MEDIUM, "M300"),
    ("fonds", lambda code: fonds.create(None, code), codes.FONDS_STATUS, "M050"),
    ("fonds medium", lambda code: fonds.create(None, "O", code), codes.MEDIUM, "M300"),
    ("restriction", lambda code: record.screened(record.Screened(code)), codes.ACCESS_RESTRICTION, "M500"),
    ("metadata", lambda code: record.screened(record.Screened("13", metadata=(code,))), codes.SCREENED_METADATA, "M502"),
    ("screened", lambda code: record.screened(record.Screened("13", document=code)), codes.SCREENED_DOCUMENT, "M503"),
]


def register(status: str, entry_type: str = "I", medium: str = "E") -> registering.RegisterEntry:
    return registering.RegisterEntry(TODAY, status, entry_type=entry_type, medium=medium)


def party(code: str) -> registry_entry.PartyRecorded:
    return dataclasses.replace(SENDER, party_type=code)


def signed(code: str) -> registry_entry.SignedOff:
    return registry_entry.SignedOff(THIRD, TODAY, code, Named("Kari"))


def linked(code: str) -> registry_entry.DocumentLinked:
    return registry_entry.DocumentLinked(OTHER, code, 1)


def created(code: str) -> document.CreateDocument:
    return document.CreateDocument(status=code)


def variant(code: str) -> document.AddObject:
    return dataclasses.replace(FILE, variant=code)


@pytest.mark.parametrize(("decide", "known", "number"), [pytest.param(*one[1:], id=one[0]) for one in CLOSED])
def test_a_closed_list_takes_its_codes_and_no_other(decide: Callable[[str], Any], known: codes.CodeList, number: str) -> None:
    for code in known:
        assert when(decide, code).refusal is None
    for code in ("", "?", next(iter(known)).lower() + " ", "J\x00"):
        when(decide, code).then_refused("code.unknown", number)


def test_every_closed_list_is_asked_for() -> None:
    lists = [value for name, value in vars(codes).items() if name.isupper() and not name.startswith("_")]
    assert len(lists) >= 14
    assert [known for known in lists if not any(known is asked for _, _, asked, _ in CLOSED)] == []


def test_every_code_has_its_name_in_four_languages() -> None:
    for known in {id(asked): asked for _, _, asked, _ in CLOSED}.values():
        for code, names in known.items():
            assert len(names) == 4
            assert all(names), code
    assert codes.name(codes.CASE_STATUS, "A", "sv") == "Avslutat"
    assert codes.name(codes.CASE_STATUS, "?") == "?"


def test_titles_have_limits() -> None:
    when(record.titled, "t" * 1_000).then_kinds(record.Titled)
    when(record.titled, "t" * 1_001).then_refused("text.too_long")
    when(record.titled, " ").then_refused("text.missing", "M020")
    when(record.titled, "t", "p" * 1_001).then_refused("text.too_long")
    when(record.titled, "t", None, "d" * 65_536).then_kinds(record.Titled)
    when(record.titled, "t", None, "d" * 65_537).then_refused("text.too_long")
    when(record.titled, "bell\x07").then_refused("text.control")
    when(record.titled, "a\nb\tc").then_kinds(record.Titled)


def test_other_texts_have_limits() -> None:
    def name(text: str) -> registry_entry.PartyRecorded:
        return dataclasses.replace(SENDER, body=ContactBody(text))

    ENTRY.when(registering.record_party, name("")).then_refused("text.missing", "M400")
    ENTRY.when(registering.record_party, name("n" * 1_001)).then_refused("text.too_long")
    when(record.external_key, "", "1", "digest").then_refused("text.missing")
    when(record.external_key, "elev", " ", "digest").then_refused("text.missing")
    when(record.external_key, "elev", "k" * 1_001, "digest").then_refused("text.too_long")
    when(record.screened, record.Screened("13", authority="a" * 1_001)).then_refused("text.too_long")
    when(series.create, None, OTHER, " ").then_refused("text.missing", "M020")
    when(series.create, None, OTHER, "S" * 101).then_refused("text.missing", "M020")
    when(classification.create_system, None, "S" * 101).then_refused("text.missing", "M086")
    when(classification.create_class, None, SYSTEM, "", "key").then_refused("text.missing", "M002")
    when(document.create, None, document.CreateDocument(document_type="")).then_refused("text.missing", "M083")


def test_an_external_key_takes_the_place_of_another() -> None:
    fact = when(record.external_key, "elev", "7", "digest", (("external", "old"),)).facts[0]
    assert (fact.claims, fact.released) == ((("external", "digest"),), (("external", "old"),))
