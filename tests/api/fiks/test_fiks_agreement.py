"""The decoder against the published schemas: the same verdict on every case, on changed cases, and on changed answers.

libxml2 departs from XML Schema in a few places, and we follow the standard; `test_where_libxml2_departs` pins them down.
"""

import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from lxml import etree

from api.fiks_arkiv.decode import decode
from api.fiks_arkiv.encode import encode
from api.fiks_arkiv.grammar import MESSAGES
from api.fiks_arkiv.xml import InvalidMessage
from tests.api.fiks.mutants import mutant
from tests.api.fiks.schemas import REFUSED, cases, schema, valid
from tests.api.fiks.trees import full, minimal

pytestmark = pytest.mark.reference


def accepts(payload: bytes) -> bool:
    """Whether the decoder takes the message."""
    try:
        decode(payload)
    except InvalidMessage:
        return False
    return True


def test_every_published_case_gets_the_schemas_verdict(reference: Path) -> None:
    found = {name: (accepts(payload), valid(reference, payload)) for name, payload in cases(reference).items()}
    assert len(found) == 26
    assert found == {name: (name not in REFUSED, name not in REFUSED) for name in found}


def test_the_faulty_case_is_told_what_is_missing(reference: Path) -> None:
    with pytest.raises(InvalidMessage, match=r"^Line 7: klassifikasjon stands out of order .* required here: tittel\.$"):
        decode(cases(reference)["NySaksmappeFX"])


def test_the_broken_case_is_told_where(reference: Path) -> None:
    with pytest.raises(InvalidMessage, match=r"is not a valid URI, line 3"):
        decode(cases(reference)["OppdaterMappeStatusN3"])


def _compare(reference: Path, bases: dict[str, etree._Element], seed: int, rounds: int) -> Counter[tuple[str, bool]]:
    """Counts of (change, verdict) over all mutants; fails on the first disagreement."""
    rng = random.Random(seed)
    counts: Counter[tuple[str, bool]] = Counter()
    for name, root in bases.items():
        for number in range(rounds):
            change, payload = mutant(root, rng)
            wanted = valid(reference, payload)
            assert accepts(payload) == wanted, f"{name} #{number} {change}: schema says {wanted}\n{payload.decode()[:3000]}"
            counts[change, wanted] += 1
    return counts


def _enough(counts: Counter[tuple[str, bool]], report: Callable[[str, object], None]) -> None:
    accepted = sum(n for (_, verdict), n in counts.items() if verdict)
    refused = counts.total() - accepted
    report("accepted", accepted)
    report("refused", refused)
    assert accepted >= 200
    assert refused >= 500
    assert len({change for change, _ in counts}) >= 14


def test_changed_cases_get_the_schemas_verdict(reference: Path, record_property: Callable[[str, object], None]) -> None:
    bases = {name: etree.fromstring(payload) for name, payload in cases(reference).items() if name not in REFUSED}
    _enough(_compare(reference, bases, 20261, 100), record_property)


def test_changed_full_documents_get_the_schemas_verdict(reference: Path, record_property: Callable[[str, object], None]) -> None:
    """All message types, answers too, with nearly everything that each may hold."""
    bases = {f"{type_id}/{n}": etree.fromstring(encode(type_id, full(type_id, n))) for type_id in MESSAGES for n in range(4)}
    bases |= {type_id: etree.fromstring(encode(type_id, minimal(type_id))) for type_id in MESSAGES}
    _enough(_compare(reference, bases, 20262, 25), record_property)


_CREATE = "no.ks.fiks.arkiv.v1.arkivering.arkivmelding.opprett"
_AS_CASE = (
    '<mappe xsi:type="saksmappe"><tittel>t</tittel><opprettetDato>{instant}</opprettetDato>{any}<saksdato>{date}</saksdato>'
    "<punkt><koordinatsystem><m:kode>k</m:kode></koordinatsystem><x>{number}</x><y>1</y></punkt></mappe>"
)
_GOOD = {"instant": "2026-01-31T12:00:00", "date": "2026-01-31", "number": "1", "whole": "0", "any": ""}


def _message(**changes: str) -> bytes:
    values = {**_GOOD, **changes}
    home = MESSAGES[_CREATE].name[0]
    head = f'<arkivmelding xmlns="{home}" xmlns:m="{home.replace("arkivmelding/opprett", "metadatakatalog")}" '
    head += 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xs="http://www.w3.org/2001/XMLSchema">'
    body = f"<system>s</system><antallFiler>{values['whole']}</antallFiler>"
    return (head + body + _AS_CASE.format(**values) + "</arkivmelding>").encode()


def _words(text: str) -> list[str]:
    return text.split()


_INSTANTS = _words(
    "2023-01-20T24:00:00 2023-01-20T24:00:01 2023-01-20T24:00:00.0 2023-01-20T10:00:60 2023-01-20T10:60:00 "
    "2023-01-20T10:00:00. 2023-01-20T10:00:00.1234567890123 2023-01-20T10:00:00+14:00 2023-01-20T10:00:00+14:01 "
    "2023-01-20T10:00:00-15:00 2023-01-20T10:00:00+1:00 0000-01-01T00:00:00 02023-01-01T00:00:00 2023-02-29T00:00:00 "
    "2024-02-29T00:00:00 2023-01-20 1900-02-29T00:00:00 2023-01-20t10:00:00 2023-01-20T10:00:00z 2023-01-20T10:00 "
    "2023-01-20T10:00:5 2023-01-20T10:00:00+13:60"
)
_DATES = _words(
    "2023-02-28 2023-02-29 2023-02-28Z 2023-02-28+01:00 2023-02-28+14:30 2023-2-28 23-02-28 20230228 2023-02-28T00:00:00"
)
_WHOLES = _words("5 +5 -5 005 2147483647 2147483648 -2147483648 -2147483649 1.0 1e3 0x1 ５ --1 + -0 1_0")
_WHOLES += [" 7\n", "1 2", "", "\u00a05", "0" * 40 + "5", "9" * 40]
_NUMBERS = _words(
    "1 1. .1 . 1e5 1E+5 +1 -1.5e-3 INF -INF +INF NaN nan inf 1,5 1e999 -1e999 1e-999 0x10 1_0 1e5.0 Infinity - +.5 -.e1"
)
_NUMBERS += [" 1.5\t", "", "1e+0000000000000000000000000000005"]
_ANYS = [
    *("text <a b='1'>x</a> more", "<m:kode/>", "<arkivmelding/>", "<a><b><arkivmelding/></b></a>", "<mappe/>"),
    *("<a xsi:type='xs:int'>x</a>", "<a xsi:type='xs:int'>5</a>", "<a xsi:type='nope'>5</a>", "<a xsi:type='xs:string'><b/></a>"),
    *("<a xsi:type='m:tittel'/>", "<a xsi:type='xs:duration'>P1Y</a>", "<a xsi:type='mappe'><tittel>1</tittel></a>"),
    *("<a xsi:type='mappe'><foo>1</foo></a>", "<a xsi:nil='true'/>", "<a xsi:nil='maybe'>x</a>", "<a xsi:other='1'/>"),
    *("<a xsi:type='xs:anyType'><b/></a>", "<a xsi:type='m:kode'><m:kode>1</m:kode></a>", "<a xsi:type='m:kode'/>"),
]


@pytest.mark.parametrize(("place", "texts"), [("instant", _INSTANTS), ("date", _DATES), ("whole", _WHOLES), ("number", _NUMBERS)])
def test_simple_values_get_the_schemas_verdict(place: str, texts: list[str], reference: Path) -> None:
    found = {text: accepts(_message(**{place: text})) for text in texts}
    assert found == {text: valid(reference, _message(**{place: text})) for text in texts}
    assert set(found.values()) == {True, False}


def test_content_of_any_type_gets_the_schemas_verdict(reference: Path) -> None:
    texts = [f"<virksomhetsspesifikkeMetadata>{inner}</virksomhetsspesifikkeMetadata>" for inner in _ANYS]
    texts += [
        f"<virksomhetsspesifikkeMetadata {attribute}>5</virksomhetsspesifikkeMetadata>"
        for attribute in ("a='1'", "m:a='1'", "xsi:type='xs:int'", "xsi:type='xs:boolean'", "xsi:nil='true'", "xsi:type='m:kode'")
    ]
    found = {text: accepts(_message(any=text)) for text in texts}
    assert found == {text: valid(reference, _message(any=text)) for text in texts}
    assert set(found.values()) == {True, False}


@pytest.mark.parametrize(
    ("place", "text", "ours", "why"),
    [
        ("instant", " 2026-01-31T12:00:00\n", True, "white space around a date and time collapses (part 2, 4.3.6)"),
        ("number", "1e", False, "an exponent has digits (part 2, 3.2.5)"),
        ("instant", "12026-01-01T00:00:00", False, "our own limit: the calendar ends with the year 9999"),
        ("instant", "-0001-01-01T00:00:00", False, "our own limit: the calendar begins with the year 1"),
    ],
)
def test_where_libxml2_departs(place: str, text: str, ours: bool, why: str, reference: Path) -> None:
    payload = _message(**{place: text})
    assert (accepts(payload), valid(reference, payload)) == (ours, not ours), why


def test_the_schemas_are_read_at_all(reference: Path) -> None:
    assert schema(reference, _CREATE).validate(etree.fromstring(_message()))
    assert accepts(_message())
