"""The bytes of a fact; which class a name means stands in `fact_names.py`.

A fact is stored as meta and body, both compact UTF-8 JSON with keys in declared order and `None` left out:
meta is `{"e":{envelope},"f":{fact}}`, body the fields of `<Name>Body` or empty. Stored bytes are never re-serialised.
A name is never reused; another shape is another version. Decoding refuses unknown fields and unknown names.
"""

from __future__ import annotations

import dataclasses
import functools
import types
import typing
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import msgspec

from domain.fact_names import NAMES as NAMES
from domain.model.errors import DagbokError
from domain.model.ids import Number, NumberedKey

TOPICS: Mapping[type, str] = {fact: topic for topic, fact in NAMES.items()}
FORMAT_TOPICS = frozenset({"ledger.chain-opened.v1", "ledger.fact-type-introduced.v1"})


class UnknownFact(DagbokError):
    """The stored fact has a name or a shape that this program does not know; its stream cannot be read."""

    code = "fact.unknown"
    hint = "A newer program wrote it: deploy readers before writers."


class Envelope(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True, frozen=True):
    """Who, when and why, in the meta of every fact from the first one on.

    cmd: command id; n of m: this fact among the command's; actor; for_: substitute or service acted for; login: login event;
    at: instant of the act (RFC 3339 UTC, 6 decimals); date: the local day; rests_on: positions of rights and settings used
    (`<position>` or `<chain_id>#<position>`); cause: position that led to it; idem: HMAC of the idempotency key;
    src: source system and original id; claimed: the source's own time; basis: legal basis; program: version.
    """

    cmd: str
    n: int
    m: int
    actor: str
    for_: str | None = msgspec.field(default=None, name="for")
    login: str | None = None
    at: str | None = None
    date: str | None = None
    rests_on: list[str] | None = None
    cause: str | None = None
    idem: str | None = None
    src: str | None = None
    claimed: str | None = None
    basis: str | None = None
    program: str | None = None


def instant(moment: datetime) -> str:
    """RFC 3339 in UTC with 6 decimals and Z. ValueError for a time without zone."""
    if moment.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    return moment.astimezone(UTC).isoformat(timespec="microseconds")[:26] + "Z"


def _moment(text: str) -> datetime:
    if len(text) != 27 or text[-1] != "Z":
        raise ValueError(f"not an instant: {text!r}")
    return datetime.fromisoformat(text)


Convert = Callable[[Any], Any]


class _Wire:
    """How one dataclass is laid out: a msgspec struct of the same fields, and converters where the types differ."""

    def __init__(self, cls: type, skip: str | None = None) -> None:
        hints = typing.get_type_hints(cls)
        self.cls = cls
        self.names = [field.name for field in dataclasses.fields(cls) if field.name != skip]
        columns: list[Any] = []
        self.out: list[Convert | None] = []
        self.back: list[Convert | None] = []
        for field in dataclasses.fields(cls):
            if field.name == skip:
                continue
            wire_type, out, back = _layout(hints[field.name])
            self.out.append(out)
            self.back.append(back)
            has_default = field.default is not dataclasses.MISSING
            columns.append((field.name, wire_type, field.default) if has_default else (field.name, wire_type))
        self.struct = msgspec.defstruct(
            cls.__name__, columns, omit_defaults=True, forbid_unknown_fields=True, frozen=True, kw_only=True
        )
        self.plain = not any(self.out)
        self.decoder = msgspec.json.Decoder(self.struct)

    def pack(self, fact: Any) -> Any:
        if not self.names:
            return self.struct()
        values = {name: getattr(fact, name) for name in self.names}
        if not self.plain:
            for name, convert in zip(self.names, self.out, strict=True):
                if convert is not None and values[name] is not None:
                    values[name] = convert(values[name])
        return self.struct(**values)

    def unpack(self, packed: Any) -> dict[str, Any]:
        values = {name: getattr(packed, name) for name in self.names}
        if self.plain:
            return values
        for name, convert in zip(self.names, self.back, strict=True):
            if convert is not None and values[name] is not None:
                values[name] = convert(values[name])
        return values

    def build(self, packed: Any) -> Any:
        return self.cls(**self.unpack(packed))


@functools.cache
def _nested(cls: type) -> _Wire:
    return _Wire(cls)


def _layout(hint: Any) -> tuple[Any, Convert | None, Convert | None]:
    """The wire type of an annotation with its converters; Numbers never reach the wire."""
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        inner = [one for one in typing.get_args(hint) if one not in (Number, NumberedKey)]
        optional = type(None) in inner
        real = [one for one in inner if one is not type(None)]
        wire_type, out, back = _layout(real[0])
        return (wire_type | None if optional else wire_type), out, back
    if typing.get_origin(hint) is tuple:
        args = typing.get_args(hint)
        if args[-1] is Ellipsis:
            wire_type, out, back = _layout(args[0])
            return tuple[wire_type, ...], _each(out), _each(back)  # type: ignore[valid-type]
        laid = [_layout(arg)[0] for arg in args]
        return tuple.__class_getitem__(tuple(laid)), None, None
    if hint is datetime:
        return str, instant, _moment
    if dataclasses.is_dataclass(hint):
        nested = _nested(typing.cast(type, hint))
        return nested.struct, nested.pack, nested.build
    if hint in (str, int, bool, UUID, date):
        return hint, None, None
    raise TypeError(f"a fact cannot hold {hint!r}")


def _each(convert: Convert | None) -> Convert | None:
    return None if convert is None else lambda values: tuple(convert(value) for value in values)


class _Shape:
    """Wire layouts of one fact: meta fields, and body where the class has one."""

    def __init__(self, topic: str, cls: type) -> None:
        hints = typing.get_type_hints(cls)
        has_body = "body" in hints
        body_cls = typing.get_args(hints["body"])[0] if has_body else None
        fields = [field.name for field in dataclasses.fields(cls)]
        self.topic = topic
        self.fields = _Wire(cls, skip="body" if has_body else None)
        self.body = _Wire(body_cls) if body_cls else None
        self.numbered = [name for name in fields if "Number" in str(cls.__annotations__[name]) or name == "claims"]
        both: Any = msgspec.defstruct("Meta", [("e", Envelope), ("f", self.fields.struct)], forbid_unknown_fields=True)
        self.meta: msgspec.json.Decoder[Any] = msgspec.json.Decoder(both)


_SHAPES: dict[str, _Shape] = {topic: _Shape(topic, cls) for topic, cls in NAMES.items()}
_encode = msgspec.json.encode


def encode(fact: Any, envelope: Envelope) -> tuple[bytes, bytes]:
    """The bytes of a fact: (meta, body); body is empty where the class has none. Costs about 3 us."""
    shape = _SHAPES[TOPICS[type(fact)]]
    meta = b'{"e":' + _encode(envelope) + b',"f":' + _encode(shape.fields.pack(fact)) + b"}"
    if shape.body is None:
        return meta, b""
    if fact.body is None:
        raise ValueError(f"{shape.topic} cannot be written without its body")
    return meta, _encode(shape.body.pack(fact.body))


def decode(topic: str, meta: bytes, body: bytes | None) -> tuple[Envelope, Any]:
    """Envelope and fact from stored bytes; `body` None = erased. Raises UnknownFact on any name or shape not known."""
    shape = _SHAPES.get(topic)
    if shape is None:
        raise UnknownFact(f"unknown fact {topic!r}")
    try:
        both = shape.meta.decode(meta)
        values = shape.fields.unpack(both.f)
        if shape.body is not None:
            values["body"] = None if body is None else shape.body.build(shape.body.decoder.decode(body))
        elif body:
            raise UnknownFact(f"{topic} has a body that its shape does not know")
        return both.e, shape.fields.cls(**values)
    except (msgspec.MsgspecError, ValueError) as problem:
        raise UnknownFact(f"{topic}: {problem}") from problem


def check(topic: str, meta: bytes, body: bytes | None) -> None:
    """Raise UnknownFact unless these are exactly the bytes that `encode` gives for what they say; `body` None = erased.

    For whoever takes bytes in (`log import`, `audit`). `decode` does not ask for it: another JSON library must read old bytes.
    """
    envelope, fact = decode(topic, meta, body)
    shape = _SHAPES[topic]
    again = b'{"e":' + _encode(envelope) + b',"f":' + _encode(shape.fields.pack(fact)) + b"}"
    whole = b"" if shape.body is None or body is None else _encode(shape.body.pack(fact.body))
    if again != meta or whole != (body or b""):
        raise UnknownFact(f"{topic}: the bytes are not in their canonical form")


def decode_envelope(meta: bytes) -> Envelope:
    """Only the envelope of stored meta."""
    try:
        return _ENVELOPE_ONLY.decode(meta).e
    except msgspec.MsgspecError as problem:
        raise UnknownFact(str(problem)) from problem


class _EnvelopeOnly(msgspec.Struct):
    e: Envelope


_ENVELOPE_ONLY = msgspec.json.Decoder(_EnvelopeOnly)


def has_body(topic: str) -> bool:
    """Whether facts of this name carry a body."""
    return _SHAPES[topic].body is not None


def may_claim(fact: Any) -> bool:
    """Whether facts of this class can carry claims or numbers."""
    return bool(_SHAPES[TOPICS[type(fact)]].numbered)


def numbers_in(fact: Any) -> set[Number]:
    """The placeholders that the writer must fill in this fact."""
    names = _SHAPES[TOPICS[type(fact)]].numbered
    found: set[Number] = set()
    for name in names:
        value = getattr(fact, name)
        if isinstance(value, Number):
            found.add(value)
        elif name == "claims":
            found.update(key.number for _, key in value if isinstance(key, NumberedKey))
    return found


def order_numbers(fact: Any, taken: dict[str, int]) -> Any:
    """The fact with the numbers that it takes (those in its fields) counted on from `taken`: series -> how many; it is updated.

    A number that stands in a claim alone was taken by an earlier fact of the command, and stays.
    """
    names = _SHAPES[TOPICS[type(fact)]].numbered
    changes: dict[str, Any] = {}
    moved: dict[Number, Number] = {}
    for name in names:
        value = getattr(fact, name)
        if isinstance(value, Number):
            moved[value] = changes[name] = Number(value.series, taken.get(value.series, 0))
            taken[value.series] = moved[value].ordinal + 1
    if not moved:
        return fact
    if "claims" in names:
        changes["claims"] = tuple((kind, _moved_key(key, moved)) for kind, key in fact.claims)
    return dataclasses.replace(fact, **changes)


def _moved_key(key: str | NumberedKey, moved: Mapping[Number, Number]) -> str | NumberedKey:
    return key if isinstance(key, str) else dataclasses.replace(key, number=moved.get(key.number, key.number))


def fill_numbers(fact: Any, given: Mapping[Number, int]) -> Any:
    """The fact with each placeholder replaced by its number."""
    changes: dict[str, Any] = {}
    for name in _SHAPES[TOPICS[type(fact)]].numbered:
        value = getattr(fact, name)
        if isinstance(value, Number):
            changes[name] = given[value]
        elif name == "claims":
            changes[name] = tuple((kind, fill_key(key, given)) for kind, key in value)
    return dataclasses.replace(fact, **changes) if changes else fact


def fill_key(key: str | NumberedKey, given: Mapping[Number, int]) -> str:
    """A claim key with its number filled in."""
    return key if isinstance(key, str) else f"{key.prefix}{given[key.number]}{key.suffix}"


def schema(topic: str) -> tuple[str, str | None]:
    """JSON Schema (2020-12) of a fact's meta.f and of its body, as compact JSON text."""
    shape = _SHAPES[topic]
    fields = _encode(msgspec.json.schema(shape.fields.struct), order="sorted").decode()
    body = _encode(msgspec.json.schema(shape.body.struct), order="sorted").decode() if shape.body else None
    return fields, body
