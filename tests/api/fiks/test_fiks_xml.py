"""Hostile and broken bytes: refused with a reason, before anything is expanded or fetched."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.fiks_arkiv import xml
from api.fiks_arkiv.decode import decode
from api.fiks_arkiv.encode import encode
from api.fiks_arkiv.message_types import CREATE, ERROR_INVALID
from api.fiks_arkiv.xml import InvalidMessage, parse

GOOD = encode(CREATE, {"system": "s", "antallFiler": 1, "mappe": {"tittel": "Søknad", "beskrivelse": "æ 🜁"}})
BARE = GOOD.decode("utf-8").partition("?>")[2]
BOMB = "<!DOCTYPE a [<!ENTITY a0 'lol'>" + "".join(f"<!ENTITY a{n} '{f'&a{n - 1};' * 10}'>" for n in range(1, 10)) + "]>"
DTD = "document type declaration"


def refused(payload: bytes, reason: str) -> None:
    """The bytes are refused with a reason that matches."""
    with pytest.raises(InvalidMessage, match=reason):
        decode(payload)


@pytest.mark.parametrize(
    "prolog",
    [
        BOMB,
        "<!DOCTYPE a SYSTEM 'http://127.0.0.1:9/a.dtd'>",
        "<!DOCTYPE a [<!ENTITY % p SYSTEM 'http://127.0.0.1:9/p'> %p;]>",
        "<?xml version='1.0'?>\n<!-- a --><?do this?>\t<!DOCTYPE a>",
        "<!-- <a> ?> --><!DOCTYPE a>",
        "<?do --> <!-- ?><!DOCTYPE a>",
        "<!doctype a>",
    ],
)
@pytest.mark.parametrize("codec", ["utf-8", "utf-16"])
def test_a_document_type_declaration_is_refused(prolog: str, codec: str) -> None:
    refused((prolog + BARE).encode(codec), DTD)


def test_no_parser_sees_a_declaration() -> None:
    """What follows is not even XML, and that goes unnoticed; without the declaration it is noticed."""
    broken = "<a b='&a9;'>&a9;<never closed"
    refused(f"{BOMB}{broken}".encode(), DTD)
    refused(broken.encode(), "not well-formed")


def test_a_file_is_not_read_through_an_entity(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret words")
    payload = f"<!DOCTYPE a [<!ENTITY e SYSTEM '{secret.as_uri()}'>]>{BARE.replace('Søknad', '&e;')}".encode()
    with pytest.raises(InvalidMessage) as caught:
        decode(payload)
    assert "secret words" not in caught.value.reason


def test_words_that_look_like_a_declaration_are_text() -> None:
    payload = BARE.replace("Søknad", "<![CDATA[<!DOCTYPE a [<!ENTITY b 'c'>]>]]>")
    assert decode(f"<!-- <!DOCTYPE a> -->{payload}".encode()).root.nodes("mappe")[0].text("tittel") is not None


@pytest.mark.parametrize(
    "encoded",
    [
        GOOD,
        b"\xef\xbb\xbf" + GOOD,
        GOOD.decode().encode("utf-16"),
        b"\xff\xfe" + GOOD.decode().encode("utf-16-le"),
        b"\xfe\xff" + GOOD.decode().encode("utf-16-be"),
        b"\xef\xbb\xbf" + GOOD.replace(b"UTF-8", b"utf-16"),
        BARE.strip().encode("utf-16-le"),
        BARE.strip().encode("utf-16-be"),
        BARE.encode(),
    ],
)
def test_a_mark_wins_over_the_declared_encoding(encoded: bytes) -> None:
    assert decode(encoded) == decode(GOOD)


def test_a_declared_single_byte_encoding_is_read() -> None:
    payload = GOOD.decode().replace("UTF-8", "ISO-8859-1").replace("🜁", "").encode("iso-8859-1")
    assert decode(payload).root.nodes("mappe")[0].text("tittel") == "Søknad"


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (GOOD[:-20], "not well-formed"),
        (GOOD.decode().encode("utf-16")[:-21], "not valid utf-16-le|not well-formed"),
        (GOOD.replace(b"UTF-8", b"UTF-7"), "declares the encoding UTF-7"),
        (GOOD.replace(b"UTF-8", b"utf-16"), "declares the encoding utf-16"),
        (GOOD.decode().replace("ø", "\x00").encode(), "NUL"),
        (GOOD.decode().encode("utf-32"), "NUL"),
        (GOOD.replace("ø".encode(), b"\xff"), "not valid utf-8: byte"),
        (b"\xff\xfe\x00\xd8<\x00", "not valid utf-16-le"),
        (GOOD.replace("ø".encode(), b"\x01"), "not well-formed"),
        (GOOD.replace("ø".encode(), b"&#0;"), "not well-formed"),
        (GOOD.replace("ø".encode(), b"&unknown;"), "not well-formed"),
        (GOOD + b"<more/>", "not well-formed"),
        (b"plain words", "not well-formed"),
        (b"%PDF-1.7\n", "not well-formed"),
        (b"<?xml version='1.0'", "not well-formed"),
        (b"<!-- never closed", "not well-formed"),
    ],
)
def test_broken_bytes_are_refused(payload: bytes, reason: str) -> None:
    refused(payload, reason)


def test_too_many_bytes_are_refused_and_one_fewer_are_not() -> None:
    filled = GOOD.replace("Søknad".encode(), b"%s")
    texts = xml.MAX_BYTES - len(filled) + 2
    # Two texts: one alone is bounded lower by the parser.
    whole = filled.replace("æ 🜁".encode(), b"y" * (texts // 2))
    whole = whole.replace(b"%s", b"x" * (xml.MAX_BYTES - len(whole) + 2))
    assert len(whole) == xml.MAX_BYTES
    assert decode(whole).type == CREATE
    refused(whole.replace(b"</arkivmelding", b" </arkivmelding"), f"at most {xml.MAX_BYTES}")


def test_depth_is_bounded() -> None:
    assert parse(b"<a>" * xml.MAX_DEPTH + b"</a>" * xml.MAX_DEPTH).tag == "a"
    deep = xml.MAX_DEPTH + 1
    with pytest.raises(InvalidMessage, match="nested deeper than 64"):
        parse(b"<a>" * deep + b"</a>" * deep)
    with pytest.raises(InvalidMessage):
        parse(b"<a>" * 100_000 + b"</a>" * 100_000)


def test_the_number_of_elements_is_bounded() -> None:
    with pytest.raises(InvalidMessage, match="tags"):
        parse(b"<a>" + b"<b/>" * xml.MAX_MARKUP + b"</a>")


@pytest.mark.parametrize("one", [' a{0}="1"', " a{0} = '1'", ' xmlns:a{0}="u"'])
def test_the_number_of_attributes_is_bounded(one: str) -> None:
    few, many = (("<a" + "".join(one.format(n) for n in range(count)) + "/>").encode() for count in (50, xml.MAX_ATTRIBUTES + 1))
    assert parse(few).tag == "a"
    with pytest.raises(InvalidMessage, match="attributes"):
        parse(many)


def test_equals_signs_in_text_are_not_attributes() -> None:
    assert parse(b"<a>" + b"=" * (2 * xml.MAX_ATTRIBUTES) + b"</a>").tag == "a"


def test_content_of_any_type_cannot_multiply_its_namespaces() -> None:
    """Each piece that is kept writes out all namespaces in scope: 4 MB of them times 100 pieces would be 400 MB."""
    prefixes = "".join(f' xmlns:p{n}="urn:{"x" * 4000}{n}"' for n in range(1000))
    part = "<part><partNavn>a</partNavn>{}</part>"

    def with_parts(head: str, inner: str, count: int) -> bytes:
        return BARE.replace("</mappe>", part.format(inner) * count + "</mappe>").replace("<mappe>", f"<mappe{head}>").encode()

    decode(with_parts("", "<virksomhetsspesifikkeMetadata/>", 100))
    refused(with_parts(prefixes, "<virksomhetsspesifikkeMetadata/>", 100), "over what one message may hold")


def test_looking_up_a_type_among_many_prefixes_is_refused() -> None:
    prefixes = "".join(f' xmlns:p{n}="urn:{n}"' for n in range(100))
    typed = BARE.replace("<mappe>", '<mappe xsi:type="saksmappe">')
    assert decode(typed.encode()).root.nodes("mappe")[0].type == "saksmappe"
    refused(typed.replace("<arkivmelding ", f"<arkivmelding{prefixes} ").encode(), "more than 64 namespace prefixes")


def _damage(cut: int, byte: int, at: int, extra: bytes) -> bytes:
    payload = bytearray(GOOD[: len(GOOD) - cut])
    payload[at % len(payload)] = byte
    return bytes(payload) + extra


_MARKS = [b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf", b"<\x00"]
bytes_of_any_kind = st.one_of(
    st.binary(max_size=300),
    st.builds(lambda mark, rest: mark + rest, st.sampled_from(_MARKS), st.binary()),
    st.text(alphabet="<>/!?&;='\"[]- abxmlnsDOCTYPE:#\n", max_size=200).map(str.encode),
    st.builds(_damage, st.integers(0, 40), st.integers(0, 255), st.integers(0, 5000), st.binary(max_size=5)),
)


@settings(max_examples=1500, deadline=None)
@given(bytes_of_any_kind)
def test_nothing_but_an_invalid_message_comes_out_of_any_bytes(payload: bytes) -> None:
    reason = _reason(payload)
    assert reason is None or (reason.endswith(".") and len(reason) < 2000)


def _reason(payload: bytes) -> str | None:
    try:
        decode(payload)
    except InvalidMessage as exc:
        return exc.reason
    return None


def test_the_reason_is_one_that_the_answer_can_carry() -> None:
    with pytest.raises(InvalidMessage) as caught:
        decode(GOOD.replace(b"<system>", b"<system\xc2\x85>"))
    answer = decode(encode(ERROR_INVALID, {"feilId": "1", "feilmelding": caught.value.reason}))
    assert answer.root.text("feilmelding") == caught.value.reason
