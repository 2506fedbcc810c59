"""Facts read in fifty years: the bytes of every name are those that were first written, and nothing else is taken for them."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from domain import catalogue
from domain.catalogue import UnknownFact
from domain.model import record
from tests.events import golden

CREATED = "case-file.created.v1"
TITLED = "record.titled.v1"


def names_without(folder: Path) -> set[str]:
    return set(catalogue.NAMES) - {path.stem for path in folder.glob("*.json")}


def test_a_name_without_golden_bytes_is_seen(tmp_path: Path) -> None:
    (tmp_path / f"{CREATED}.json").touch()
    assert names_without(tmp_path) == set(catalogue.NAMES) - {CREATED}


def test_every_name_has_golden_bytes_and_no_golden_bytes_lost_their_name() -> None:
    assert names_without(golden.FOLDER) == set()
    assert {path.stem for path in golden.FOLDER.glob("*.json")} == set(catalogue.NAMES)


@pytest.mark.parametrize("topic", catalogue.NAMES)
def test_the_bytes_of_a_fact_are_those_first_written(topic: str) -> None:
    stored = golden.golden(topic)
    assert set(stored) == {"full", "minimal"}
    for kind, (fact, envelope) in golden.examples(topic).items():
        meta, body = stored[kind]
        assert catalogue.encode(fact, envelope) == (meta, body)
        assert catalogue.decode(topic, meta, body or None if not catalogue.has_body(topic) else body) == (envelope, fact)
        assert catalogue.decode_envelope(meta) == envelope
        catalogue.check(topic, meta, body)


@pytest.mark.parametrize("topic", [topic for topic in catalogue.NAMES if catalogue.has_body(topic)])
def test_a_fact_whose_body_was_destroyed_reads_without_it(topic: str) -> None:
    meta, _ = golden.golden(topic)["full"]
    assert catalogue.decode(topic, meta, None)[1].body is None
    catalogue.check(topic, meta, None)


@pytest.mark.parametrize("topic", catalogue.NAMES)
def test_an_unknown_field_is_refused(topic: str) -> None:
    meta, body = golden.golden(topic)["full"]
    for part in ("e", "f"):
        stored = json.loads(meta)
        stored[part]["unknown"] = 1
        with pytest.raises(UnknownFact):
            catalogue.decode(topic, json.dumps(stored).encode(), body)
    with pytest.raises(UnknownFact):
        catalogue.decode(topic, meta[:-1] + b',"g":{}}', body)
    with pytest.raises(UnknownFact):
        catalogue.decode(topic, meta, b'{"unknown":1}' if not body else body[:-1] + b',"unknown":1}')


@pytest.mark.parametrize("topic", ["case-file.created.v2", "case-file.created", "", "domain.model.case_file:CaseFileCreated"])
def test_an_unknown_name_is_refused(topic: str) -> None:
    meta, body = golden.golden(CREATED)["full"]
    with pytest.raises(UnknownFact):
        catalogue.decode(topic, meta, body)


MALFORMED = [
    (b'"2026-03-04T12:30:15.250000Z"', b'"2026-03-04T12:30:15Z"'),
    (b'"2026-03-04T12:30:15.250000Z"', b'"2026-03-04T12:30:15.250000+"'),
    (b'"case_date":"2026-03-04"', b'"case_date":"2026-3-4"'),
    (b'"year":7', b'"year":7.5'),
    (b'"year":7', b'"year":"7"'),
    (b'"year":7,', b""),
    (b"}}", b"}"),
]


@pytest.mark.parametrize(("good", "bad"), MALFORMED)
def test_a_value_of_another_shape_is_refused(good: bytes, bad: bytes) -> None:
    meta, _ = golden.golden(CREATED)["full"]
    at = meta.index(b'"f":') if good != b"}}" else 0
    changed = meta[:at] + meta[at:].replace(good, bad, 1)
    assert changed != meta
    with pytest.raises(UnknownFact):
        catalogue.decode(CREATED, changed, None)


NOT_CANONICAL = [
    (b'{"e":', b'{ "e":'),
    (b'"n":2,"m":3', b'"m":3,"n":2'),
    (b'"n":2,', b'"n":2,"n":2,'),
    (b'"cause":"41"', b'"cause":"\\u0034\\u0031"'),
    (b'"case_date"', b'"\\u0063ase_date"'),
    (b'"content":', b'"medium":null,"content":'),
]


@pytest.mark.parametrize(("good", "bad"), NOT_CANONICAL)
def test_bytes_that_say_the_same_otherwise_are_not_canonical(good: bytes, bad: bytes) -> None:
    meta, body = golden.golden(CREATED)["full"]
    changed = meta.replace(good, bad, 1)
    assert changed != meta
    with pytest.raises(UnknownFact):
        catalogue.check(CREATED, changed, body)
    catalogue.check(CREATED, meta, body)


def test_a_body_that_says_the_same_otherwise_is_not_canonical() -> None:
    meta, body = golden.golden(TITLED)["full"]
    with pytest.raises(UnknownFact):
        catalogue.check(TITLED, meta, body.replace(b":", b": ", 1))


def test_a_fact_is_not_written_without_its_body() -> None:
    with pytest.raises(ValueError, match="without its body"):
        catalogue.encode(record.Titled(None), golden.MINIMAL)


@pytest.mark.parametrize("topic", catalogue.NAMES)
def test_the_schema_that_introduces_a_name_fits_its_bytes(topic: str) -> None:
    fields, body_fields = (None if text is None else json.loads(text) for text in catalogue.schema(topic))
    meta, body = golden.golden(topic)["full"]
    for schema, value in ((fields, json.loads(meta)["f"]), (body_fields, json.loads(body) if body else None)):
        if schema is None:
            assert value is None
            continue
        shape = schema["$defs"][schema["$ref"].rsplit("/", 1)[-1]]
        assert shape["additionalProperties"] is False
        assert set(shape.get("properties", {})) == set(value)
        assert msgspec.json.decode(msgspec.json.encode(shape)) == shape
