"""A message in the published shape, written by us: what the tree gives, and what each fault is called."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.fiks_arkiv import message_types as types
from api.fiks_arkiv.decode import decode
from api.fiks_arkiv.grammar_values import read, write
from api.fiks_arkiv.node import Leaf, Node
from api.fiks_arkiv.xml import InvalidMessage

_FAMILY = "https://ks-no.github.io/standarder/fiks-protokoll/fiks-arkiv/"
HEAD = (
    f'<arkivmelding xmlns="{_FAMILY}arkivmelding/opprett/v1" xmlns:m="{_FAMILY}metadatakatalog/v1"\n'
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">\n'
)
CASE = """<system>Byggesak</system><antallFiler> 2 </antallFiler>
<mappe xsi:type="saksmappe">
<systemID label="før">3F0A0000-0000-4000-8000-00000000000a</systemID>
<tittel>Garasje <!-- sic -->i Storgata</tittel>
<noekkelord>garasje</noekkelord><noekkelord>bygg</noekkelord>
<opprettetDato>2026-01-31T24:00:00+01:00</opprettetDato>
<virksomhetsspesifikkeMetadata><a xmlns="urn:own" b="1">2</a></virksomhetsspesifikkeMetadata>
<skjerming><tilgangsrestriksjon><m:kode>13</m:kode></tilgangsrestriksjon><skjermingshjemmel>§ 13</skjermingshjemmel></skjerming>
<saksaar>2026</saksaar><saksdato>2026-01-31Z</saksdato>
<punkt><koordinatsystem><m:kode>EPSG:25833</m:kode></koordinatsystem><x>59.9100</x><y>-1e1</y></punkt>
</mappe>"""


def message(body: str = CASE) -> bytes:
    """A create message with this body."""
    return f"{HEAD}{body}</arkivmelding>".encode()


@pytest.fixture
def case() -> Node:
    """The case file of the message."""
    return decode(message()).root.nodes("mappe")[0]


def test_the_type_comes_from_the_root_element() -> None:
    found = decode(message())
    assert (found.type, found.root.type, found.root.text("system")) == (types.CREATE, "arkivmelding", "Byggesak")


def test_values_have_their_kinds(case: Node) -> None:
    assert case.text("tittel") == "Garasje i Storgata"
    assert case.texts("noekkelord") == ("garasje", "bygg")
    assert case.number("saksaar") == 2026
    assert case.date("saksdato") == date(2026, 1, 31)
    assert case.instant("opprettetDato") == datetime(2026, 2, 1, tzinfo=timezone(timedelta(hours=1)))
    point = case.nodes("punkt")[0]
    assert (point.decimal("x"), point.decimal("y")) == (Decimal("59.91"), Decimal(-10))


def test_the_text_as_it_came_is_kept(case: Node) -> None:
    assert case.lexical("opprettetDato") == "2026-01-31T24:00:00+01:00"
    assert case.lexical("saksdato") == "2026-01-31Z"
    assert case.text("systemID") == "3F0A0000-0000-4000-8000-00000000000a"
    assert case.label("systemID") == "før"
    assert case.label("tittel") is None
    assert decode(message()).root.lexical("antallFiler") == " 2 "
    assert case.lexical("skjerming") is None


def test_a_node_answers_by_name(case: Node) -> None:
    assert (case.type, case.namespace.removeprefix(_FAMILY), case.line) == ("saksmappe", "arkivmelding/opprett/v1", 4)
    assert case["saksaar"] == 2026
    assert "saksaar" in case
    assert "saksstatus" not in case
    assert list(case)[:3] == ["systemID", "tittel", "noekkelord"]
    assert case.many("noekkelord") == ("garasje", "bygg")
    assert isinstance(case.all("noekkelord")[0], Leaf)
    screening = case.node("skjerming")
    assert screening is not None
    assert (screening.type, screening.text("skjermingshjemmel")) == ("skjerming", "§ 13")
    assert case.one("merknad") is None
    assert case.many("merknad") == case.nodes("merknad") == ()
    with pytest.raises(KeyError):
        case["merknad"]


@pytest.mark.parametrize("wrong", ["saksdato", "opprettetDato", "saksaar", "skjerming"])
def test_asking_for_another_kind_is_a_mistake(case: Node, wrong: str) -> None:
    with pytest.raises(TypeError, match=wrong):
        case.text(wrong)
    with pytest.raises(TypeError, match="opprettetDato holds datetime"):
        case.date("opprettetDato")


def test_content_of_any_type_is_kept_as_xml(case: Node) -> None:
    kept = case.text("virksomhetsspesifikkeMetadata")
    assert kept is not None
    assert '<a xmlns="urn:own" b="1">2</a>' in kept
    assert f'xmlns:m="{_FAMILY}metadatakatalog/v1"' in kept


def test_an_empty_element_takes_its_default() -> None:
    payload = (
        f'<sok xmlns="{_FAMILY}sok/v1" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><system>s</system><take>1</take>'
        '<skip>0</skip><sokdefinisjon xsi:type="mappeFritekstSokdefinisjon"><responstype/><soketekst/></sokdefinisjon></sok>'
    )
    sought = decode(payload.encode()).root.nodes("sokdefinisjon")[0]
    assert (sought.type, sought.text("responstype"), sought.text("soketekst")) == ("mappeFritekstSokdefinisjon", "minimum", "")


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("<tittel>", "<tittle>", "not well-formed"),
        ("<system>Byggesak</system>", "", r"Line 3: antallFiler stands out of order .* required here: system\."),
        ("<antallFiler> 2 </antallFiler>", "", "required here: antallFiler"),
        ("> 2 <", ">to<", "Line 3: antallFiler must be a whole number from -2147483648 to 2147483647; it is 'to'"),
        ('"saksmappe"', '"journalpost"', "Line 4: mappe must be of type mappe; xsi:type journalpost is not built on it"),
        ('"saksmappe"', '"n:saksmappe"', "names no type of this message"),
        ('xsi:type="saksmappe"', "", "Line 11: saksaar is not an element of mappe"),
        ('label="før"', 'merke="før"', "Line 5: systemID must not have the attribute merke"),
        ("3F0A", "3F0Å", "systemID must be a UUID"),
        ("<noekkelord>garasje<", "<m:noekkelord/><noekkelord>garasje<", "noekkelord stands in the namespace metadatakatalog/v1"),
        ("<noekkelord>bygg", "<noekkelord>", "Line 7: noekkelord must not be empty"),
        ("T24:00:00", "T24:00:01", "opprettetDato must be a date and time"),
        ("<saksaar>", "løst<saksaar>", "must not have text between its elements; it has 'løst'"),
        ("<skjerming>", '<skjerming xsi:nil="true">', "must not be marked with xsi:nil"),
        ("<skjermingshjemmel>§ 13</skjermingshjemmel>", "", r"ends too early: required here: skjermingshjemmel"),
        ("<saksaar>2026", "<saksaar><m:kode/>2026", "kode cannot stand inside saksaar, which holds a value only"),
        ("arkivmelding/opprett/v1", "arkivmelding/opprett/v3", "no message of the protocol has the root element arkivmelding"),
    ],
)
def test_each_fault_is_named(old: str, new: str, reason: str) -> None:
    text = message().decode()
    assert old in text
    with pytest.raises(InvalidMessage, match=reason):
        decode(text.replace(old, new, 1).encode())


def test_an_enumeration_names_its_words() -> None:
    payload = (
        f'<mappeHent xmlns="{_FAMILY}mappe/hent/v1"><system>s</system><referanseTilMappe/><inkluder>alt</inkluder></mappeHent>'
    )
    with pytest.raises(InvalidMessage, match=r"inkluder must be one of merknad, noekkelord, .*; it is 'alt'"):
        decode(payload.encode())


def test_requests_know_their_answers() -> None:
    assert len(types.REQUESTS) == 9
    assert types.ERROR_INVALID == "no.ks.fiks.arkiv.v1.feilmelding.ugyldigforespoersel"
    assert types.REQUESTS[types.CREATE].answers == (types.CREATE + ".mottatt", types.CREATE + ".kvittering")
    assert {types.SEARCH_FULL, types.SEARCH_KEYS, types.SEARCH_MINIMUM} == set(types.REQUESTS[types.SEARCH].answers)
    refuses = {type_id for type_id in types.REQUESTS if not types.may_answer_not_found(type_id)}
    assert refuses == {types.CREATE, types.SIGN_OFF, types.DOCUMENT_OBJECT}
    assert not types.may_answer_not_found("no.ks.fiks.arkiv.v1.unknown")
    assert types.payload_name(types.CASE_GET + ".resultat") == "mappe.xml"
    assert types.payload_name(types.UPDATE + ".kvittering") is None


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("dateTime", "2026-01-31T12:00:00.1234567Z", datetime(2026, 1, 31, 12, 0, 0, 123456, UTC)),
        ("dateTime", "2026-01-31T12:00:00-09:30", datetime(2026, 1, 31, 12, tzinfo=timezone(-timedelta(hours=9, minutes=30)))),
        ("double", "1e999", Decimal("Infinity")),
        ("double", "-INF", Decimal("-Infinity")),
        ("double", "1e-999", Decimal(0)),
        ("boolean", " 1 ", True),
        ("int", "-" + "0" * 5000 + "7", -7),
        ("token", " a\n b ", "a b"),
        ("string", " a\n b ", " a\n b "),
    ],
)
def test_texts_become_values(kind: str, text: str, value: object) -> None:
    assert read(kind, text) == value


@pytest.mark.parametrize(("kind", "value"), [("int", True), ("date", datetime(2026, 1, 1)), ("boolean", 1.5), ("text", "")])
def test_a_value_of_another_kind_is_not_written(kind: str, value: object) -> None:
    with pytest.raises(ValueError, match=r"must|cannot"):
        write(kind, value)


@given(st.datetimes(timezones=st.sampled_from([None, UTC, timezone(timedelta(hours=2))])), st.integers(-(2**31), 2**31 - 1))
def test_values_survive_writing(moment: datetime, number: int) -> None:
    assert read("dateTime", write("dateTime", moment)) == moment
    assert read("date", write("date", moment.date())) == moment.date()
    assert read("int", write("int", number)) == number


@given(st.floats(allow_nan=False))
def test_doubles_survive_writing(number: float) -> None:
    value = Decimal(repr(number))
    assert read("double", write("double", value)) == value
