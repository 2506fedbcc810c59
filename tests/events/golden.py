"""Golden bytes: for each fact name one full and one minimal example, as they were first written. A file is never changed.

`python -m tests.events.golden` writes the files of new names, and touches no other.
"""

from __future__ import annotations

import dataclasses
import json
import types
import typing
import uuid
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from domain import catalogue
from domain.catalogue import Envelope
from domain.model.ids import Number, NumberedKey

FOLDER = Path(__file__).parent
MOMENT = datetime(2026, 3, 4, 12, 30, 15, 250_000, tzinfo=UTC)
FULL = Envelope(
    cmd="6f9619ff-8b86-4d01-b42d-00cf4fc964ff",
    n=2,
    m=3,
    actor="tor.lie",
    for_="kari.nes",
    login="fjordvik.kommune.no/access/2026#17",
    at=catalogue.instant(MOMENT),
    date="2026-03-04",
    rests_on=["12", "fjordvik.kommune.no/record/1#9"],
    cause="41",
    idem="ab" * 32,
    src="fiks:0c7a",
    claimed=catalogue.instant(MOMENT),
    basis="offl. § 13",
    program="dagbok/0.1.0",
)
MINIMAL = Envelope(cmd="6f9619ff-8b86-4d01-b42d-00cf4fc964ff", n=1, m=1, actor="dagbok")


def example(cls: type, full: bool) -> Any:
    """One fact of a class: every field set, or only those without a default. The same at every call."""
    hints = typing.get_type_hints(cls)
    given = [one for one in dataclasses.fields(cls) if full or one.default is dataclasses.MISSING or one.name == "body"]
    return cls(**{one.name: _value(hints[one.name], one.name, full) for one in given})


def _value(hint: Any, name: str, full: bool) -> Any:
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return _value(next(one for one in typing.get_args(hint) if one not in (Number, NumberedKey, type(None))), name, full)
    if typing.get_origin(hint) is tuple:
        inner = typing.get_args(hint)
        count = (2 if full else 0) if inner[-1] is Ellipsis else len(inner)
        kinds = [inner[0]] * count if inner[-1] is Ellipsis else inner
        return tuple(_value(kind, f"{name}-{n}", full) for n, kind in enumerate(kinds, 1))
    if dataclasses.is_dataclass(hint):
        return example(typing.cast(type, hint), full)
    plain: dict[Any, Any] = {
        str: f'{name} "ÆØÅ" \\ 𝄞\n',
        int: 7,
        bool: True,
        uuid.UUID: uuid.uuid5(uuid.NAMESPACE_URL, name),
        date: date(2026, 3, 4),
        datetime: MOMENT,
    }
    return plain[hint]


def examples(topic: str) -> dict[str, tuple[Any, Envelope]]:
    """The examples of a name: kind -> (fact, envelope)."""
    cls = catalogue.NAMES[topic]
    return {"full": (example(cls, True), FULL), "minimal": (example(cls, False), MINIMAL)}


def path(topic: str) -> Path:
    """Where a name's golden bytes stand."""
    return FOLDER / f"{topic}.json"


def golden(topic: str) -> dict[str, tuple[bytes, bytes]]:
    """The committed bytes: kind -> (meta, body)."""
    stored = json.loads(path(topic).read_text(encoding="utf-8"))
    return {kind: (one["meta"].encode(), one["body"].encode()) for kind, one in stored.items()}


def main() -> None:
    """Write what is missing."""
    for topic in catalogue.NAMES:
        if not path(topic).exists():
            bytes_of = {kind: catalogue.encode(fact, envelope) for kind, (fact, envelope) in examples(topic).items()}
            stored = {kind: {"meta": meta.decode(), "body": body.decode()} for kind, (meta, body) in bytes_of.items()}
            path(topic).write_text(json.dumps(stored, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
