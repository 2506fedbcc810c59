"""docs/events.md, made from the catalogue: every fact name with its meaning, its fields, and what stands in its body."""

from __future__ import annotations

import dataclasses
import inspect
import types
import typing
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any
from uuid import UUID

from domain import catalogue
from domain.model.ids import Number, NumberedKey

_WORDS: dict[Any, str] = {
    str: "text",
    int: "number",
    bool: "yes or no",
    UUID: "UUID",
    date: "date",
    datetime: "instant",
}
_INTRODUCTION = """\
# Facts

Made from the catalogue by `python -m tools.cli.page`; a test holds the page to the code. Each fact is stored as *meta*, the
JSON object `{"e": envelope, "f": fields}`, and, where it has one, a *body*: the part that law may order destroyed. Keys stand
in the order given here; what is absent is left out. Instants are RFC 3339 in UTC with six decimals and `Z`, dates ISO, UUIDs
lower-case. A name is never used again for another shape. M-numbers are Noark 5's metadata catalogue.
"""


def events_page() -> str:
    """The page as Markdown, ending with a newline."""
    parts: dict[type, None] = {}
    sections = [_INTRODUCTION, _envelope()]
    noun = ""
    for topic, cls in catalogue.NAMES.items():
        if topic.split(".")[0] != noun:
            noun = topic.split(".")[0]
            sections.append(f"## {noun}\n")
        sections.append(_fact(topic, cls, parts))
    sections.append("## Parts\n\nShapes that stand inside the fields above.\n")
    seen: set[type] = set()
    while missing := [one for one in parts if one not in seen]:
        for one in missing:
            seen.add(one)
            sections.append(f"### {one.__name__}\n\n{_doc(one)}\n\n{_table(one, parts)}")
    return "\n".join(sections)


def _envelope() -> str:
    cls = catalogue.Envelope
    optional = {"cmd": "", "n": "", "m": "", "actor": ""}
    hints = typing.get_type_hints(cls)
    rows = [
        f"| `{encoded}` | {_type(hints[name], {})} | {optional.get(name, 'optional')} |"
        for name, encoded in zip(cls.__struct_fields__, cls.__struct_encode_fields__, strict=True)
    ]
    return f"## The envelope\n\n{_doc(cls)}\n\n" + "\n".join(["| key | type | |", "| --- | --- | --- |", *rows]) + "\n"


def _fact(topic: str, cls: type, parts: dict[type, None]) -> str:
    hints = typing.get_type_hints(cls)
    text = f"### `{topic}`\n\n{_doc(cls)}\n\n{_table(cls, parts)}"
    if "body" in hints:
        body = next(one for one in typing.get_args(hints["body"]) if one is not type(None))
        text += f"\nBody: {_doc(body)}\n\n{_table(body, parts)}"
    return text


def _doc(cls: type) -> str:
    return " ".join((inspect.getdoc(cls) or "").split())


def _table(cls: Any, parts: dict[type, None]) -> str:
    rows = [f"| `{name}` | {_type(hint, parts)} | {note} |" for name, hint, note in _fields(cls)]
    return "\n".join(["| field | type | |", "| --- | --- | --- |", *rows]) + "\n" if rows else "No fields.\n"


def _fields(cls: Any) -> Iterator[tuple[str, Any, str]]:
    hints = typing.get_type_hints(cls)
    for field in dataclasses.fields(cls):
        if field.name == "body":
            continue
        default = field.default
        left_out = (
            "" if default is dataclasses.MISSING else "optional" if default in (None, ()) else f"left out where `{default}`"
        )
        yield field.name, hints[field.name], left_out


def _type(hint: Any, parts: dict[type, None]) -> str:
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return _type(next(one for one in typing.get_args(hint) if one not in (Number, NumberedKey, type(None))), parts)
    if typing.get_origin(hint) in (tuple, list):
        inner = typing.get_args(hint)
        if typing.get_origin(hint) is list or inner[-1] is Ellipsis:
            return f"list of {_type(inner[0], parts)}"
        return f"({', '.join(_type(one, parts) for one in inner)})"
    if dataclasses.is_dataclass(hint):
        named = typing.cast(type, hint)
        parts[named] = None
        return f"[{named.__name__}](#{named.__name__.lower()})"
    return _WORDS[hint]
