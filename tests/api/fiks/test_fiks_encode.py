"""Documents written by us: valid by the published schemas, and read back as they were."""

from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from lxml import etree

from api.fiks_arkiv import message_types as types
from api.fiks_arkiv.decode import decode
from api.fiks_arkiv.encode import encode
from api.fiks_arkiv.grammar import MESSAGES, TYPES, content
from tests.api.fiks.schemas import schema
from tests.api.fiks.trees import RAW, difference, full, minimal

RECEIPT = types.CREATE + ".kvittering"
UNIT = "3f0a3f0a-0000-4000-8000-00000000000a"


def test_a_receipt_is_written_in_the_schemas_order_and_namespaces() -> None:
    tree = {
        "registreringKvittering": {
            "journaldato": None,
            "journalaar": 2026,
            "opprettetEllerEksisterende": "Opprettet",
            "@type": "journalpostKvittering",
            "opprettetDato": datetime(2026, 1, 31, 12, tzinfo=UTC),
            "systemID": {"@value": UUID(UNIT), "@label": "a"},
            "referanseEksternNoekkel": {"noekkel": "n", "fagsystem": "f"},
        }
    }
    root = etree.fromstring(encode(RECEIPT, tree))
    entry = root[0]
    home, catalogue = MESSAGES[RECEIPT].name[0], "https://ks-no.github.io/standarder/fiks-protokoll/fiks-arkiv/metadatakatalog/v1"
    assert entry.get("{http://www.w3.org/2001/XMLSchema-instance}type") == "journalpostKvittering"
    assert [child.tag for child in entry] == [
        f"{{{home}}}{name}"
        for name in ("systemID", "opprettetDato", "referanseEksternNoekkel", "opprettetEllerEksisterende", "journalaar")
    ]
    assert [(c.tag, c.text) for c in entry[2]] == [(f"{{{catalogue}}}fagsystem", "f"), (f"{{{catalogue}}}noekkel", "n")]
    assert (entry[0].text, entry[0].get("label"), entry[1].text) == (UNIT, "a", "2026-01-31T12:00:00Z")


def test_the_document_is_utf_8_and_says_so() -> None:
    payload = encode(types.ERROR_INVALID, {"feilId": "1", "feilmelding": "Mangler tittel på søknaden"})
    assert payload.startswith(b"<?xml version='1.0' encoding='UTF-8'?>")
    assert "på søknaden" in payload.decode("utf-8")


def test_characters_that_xml_lacks_are_replaced() -> None:
    payload = encode(types.ERROR_INVALID, {"feilId": "1", "feilmelding": "a\x0bb\x00c\ufffe\r\n"})
    assert decode(payload).root.text("feilmelding") == "a\ufffdb\ufffdc\ufffd\r\n"


@pytest.mark.parametrize(
    ("tree", "said"),
    [
        ({"feilId": "1"}, "lacks one of feilmelding"),
        ({"feilId": "1", "feilmelding": None}, "lacks one of feilmelding"),
        ({"feilId": "1", "feilmelding": "a", "feil": "b"}, "has no element feil"),
        ({"feilId": "1", "feilmelding": ["a", "b"]}, "feilmelding too often"),
        ({"feilId": "1", "feilmelding": {"a": 1}}, "written from @value"),
        ({"feilId": "1", "feilmelding": object()}, "cannot be written from object"),
        ({"@type": "mappe", "feilId": "1", "feilmelding": "a"}, "no type built on feilmeldingBase"),
    ],
)
def test_a_mistake_in_the_tree_is_named(tree: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        encode(types.ERROR_INVALID, tree)


@pytest.mark.parametrize(
    ("tree", "said"),
    [
        ({"mappeKvittering": {}, "mappeFeilet": {"feilId": "1", "feilmelding": "a"}}, "systemID"),
        ({"mappeKvittering": "x"}, "written from a mapping"),
        ({"mappeKvittering": {"systemID": "x", "opprettetEllerEksisterende": "Opprettet"}}, "systemID must be a UUID"),
        ({"mappeKvittering": {"systemID": UNIT, "opprettetEllerEksisterende": "Ny"}}, "one of Opprettet, Eksisterende"),
        ({"mappeKvittering": {"systemID": {"@value": UNIT, "@x": "1"}, "opprettetEllerEksisterende": "Opprettet"}}, "label"),
    ],
)
def test_a_mistake_in_a_receipt_is_named(tree: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        encode(RECEIPT, tree)


def test_an_alternative_beside_the_other_is_refused() -> None:
    receipt = {"systemID": UNIT, "opprettetEllerEksisterende": "Opprettet"}
    fault = {"feilId": "1", "feilmelding": "a"}
    encode(RECEIPT, {"mappeKvittering": receipt})
    encode(RECEIPT, {"mappeFeilet": fault})
    with pytest.raises(ValueError, match="beside its alternative"):
        encode(RECEIPT, {"mappeKvittering": receipt, "mappeFeilet": fault})


def test_answers_without_a_document_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="no message type with a document"):
        encode(types.UPDATE + ".mottatt", {})


def test_an_abstract_type_needs_its_name() -> None:
    tree = {"system": "s", "take": 1, "skip": 0, "sokdefinisjon": {"responstype": "minimum"}}
    with pytest.raises(ValueError, match="sokdefinisjon needs @type"):
        encode(types.SEARCH, tree)


def test_pairs_of_a_repeated_group_stay_together() -> None:
    pairs = {"klassifikasjonssystemID": ["a", "b"], "klasseID": ["1", "2"]}
    sought = {"felt": "mappeKlassifikasjon", "operator": "equal", "sokVerdier": {"mappeKlassifikasjon": pairs}}
    tree = {"@type": "mappeSokdefinisjon", "responstype": "noekler", "parametere": sought}
    root = decode(encode(types.SEARCH, {"system": "s", "take": 1, "skip": 0, "sokdefinisjon": tree})).root
    found = root.nodes("sokdefinisjon")[0].nodes("parametere")[0].nodes("sokVerdier")[0].nodes("mappeKlassifikasjon")[0]
    assert [name for name, _ in found.children] == ["klassifikasjonssystemID", "klasseID"] * 2
    assert found.texts("klasseID") == ("1", "2")


def test_content_of_any_type_keeps_its_prefixes_through_a_message_and_its_answer() -> None:
    given = (
        '<own xmlns="urn:default" xmlns:s="http://www.w3.org/2001/XMLSchema" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><a xsi:type="s:int">5</a>tail</own>'
    )
    first = encode(
        types.CREATE, {"system": "s", "antallFiler": 0, "mappe": {"tittel": "t", "virksomhetsspesifikkeMetadata": given}}
    )
    kept = decode(first).root.nodes("mappe")[0].text("virksomhetsspesifikkeMetadata")
    assert kept is not None
    answer = {**minimal(types.CASE_GET + ".resultat"), "mappe": {**_case(), "virksomhetsspesifikkeMetadata": kept}}
    again = decode(encode(types.CASE_GET + ".resultat", answer)).root.nodes("mappe")[0].text("virksomhetsspesifikkeMetadata")
    inner = etree.fromstring(str(again))[0]
    assert (inner.tag, inner.text, inner.tail, inner.nsmap["s"]) == (
        *("{urn:default}a", "5", "tail"),
        "http://www.w3.org/2001/XMLSchema",
    )


def _case() -> dict[str, object]:
    return {"systemID": UNIT, "mappeID": "2026/1", "tittel": "t", "opprettetDato": datetime(2026, 1, 1), "opprettetAv": "a"}


def test_no_type_declares_a_name_twice() -> None:
    """A mapping could not say which of the two places a value belongs to."""
    names = {name: [place.name for place in content(name).declared] for name, kind in TYPES.items() if kind.kind is None}
    assert len(names) > 150
    assert {name for name, declared in names.items() if len(declared) != len(set(declared))} == set()


@pytest.mark.parametrize("type_id", sorted(MESSAGES))
def test_what_is_written_is_read_back(type_id: str) -> None:
    for tree in (minimal(type_id), *(full(type_id, seed) for seed in range(5))):
        message = decode(encode(type_id, tree))
        assert message.type == type_id
        assert difference(tree, message.root) is None


def test_the_comparison_sees_a_difference() -> None:
    tree = {"feilId": "1", "feilmelding": "a"}
    root = decode(encode(types.ERROR_INVALID, tree)).root
    assert difference(tree, root) is None
    assert difference({**tree, "feilmelding": "b"}, root) == "/feilmelding: 'a' for 'b'"
    assert difference({"feilId": "1"}, root) == "/feilmelding came from nowhere"
    assert RAW.startswith("<x:own")


@pytest.mark.reference
@pytest.mark.parametrize("type_id", sorted(MESSAGES))
def test_what_is_written_is_valid_by_the_published_schema(type_id: str, reference: Path) -> None:
    found = schema(reference, type_id)
    for tree in (minimal(type_id), *(full(type_id, seed) for seed in range(20))):
        document = etree.fromstring(encode(type_id, tree))
        assert found.validate(document), found.error_log.last_error
