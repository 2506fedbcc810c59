"""Documents made from the grammar: as small as it allows, or as full, with every choice taken now and then."""

import random
from collections import deque
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from api.fiks_arkiv.grammar import ANY, MESSAGES, TYPES, content, derives
from api.fiks_arkiv.grammar_content import Content, Name
from api.fiks_arkiv.node import Node

RAW = '<x:own xmlns:x="urn:own" xmlns:s="http://www.w3.org/2001/XMLSchema"><x:part a="1">ø &amp; 1</x:part></x:own>'
MOST = 7
"""Deepest nesting of elements that are made full; below it they are minimal."""


def minimal(type_id: str) -> dict[str, Any]:
    """The smallest tree of a message type."""
    return _tree(MESSAGES[type_id].type, random.Random(0), MOST)


def full(type_id: str, seed: int) -> dict[str, Any]:
    """A tree with nearly everything that a message type may hold."""
    return _tree(MESSAGES[type_id].type, random.Random(f"{type_id}/{seed}"), 0)


def difference(tree: Mapping[str, Any], node: Node, path: str = "") -> str | None:
    """Where a decoded node is not what `tree` said, or None."""
    if "@type" in tree and tree["@type"] != node.type:
        return f"{path}: {node.type}"
    for name in node:
        if name not in tree:
            return f"{path}/{name} came from nowhere"
    for name, given in tree.items():
        if name == "@type":
            continue
        wanted, found = given if isinstance(given, list) else [given], node.many(name)
        if len(wanted) != len(found):
            return f"{path}/{name}: {len(found)} of {len(wanted)}"
        for one, other in zip(wanted, found, strict=True):
            inner = _unlike(one, other, f"{path}/{name}")
            if inner:
                return inner
    return None


def _unlike(wanted: Any, found: Any, path: str) -> str | None:
    if wanted == RAW:
        return None if 'xmlns:x="urn:own"' in found and "<x:part" in found else f"{path}: {found}"
    if isinstance(found, Node):
        return difference(wanted, found, path)
    value = wanted["@value"] if isinstance(wanted, Mapping) else wanted
    return None if value == found and type(value) is type(found) else f"{path}: {found!r} for {value!r}"


def _tree(name: Name, rng: random.Random, depth: int) -> Any:
    kind = TYPES[name]
    if name == ANY:
        return RAW
    if kind.kind is not None:
        return _value(kind.kind, kind.words, rng, "label" in kind.attributes and depth < MOST)
    chosen = _specialised(name, rng, depth)
    tree: dict[str, Any] = {} if chosen == name else {"@type": chosen[1]}
    model = content(chosen)
    for place in _shortest(model) if depth >= MOST else _longest(model, rng):
        declared = model.declared[place]
        value = _tree(declared.type, rng, depth + 1)
        tree.setdefault(declared.name[1], []).append(value)
    return {key: values[0] if isinstance(values, list) and len(values) == 1 else values for key, values in tree.items()}


def _specialised(name: Name, rng: random.Random, depth: int) -> Name:
    """The type itself or, where it is abstract or the tree is to be full, one built on it in its namespace."""
    options = [own for own, kind in TYPES.items() if own[0] == name[0] and derives(own, name) and not kind.abstract]
    return options[0] if depth >= MOST else rng.choice(sorted(options))


def _shortest(model: Content) -> list[int]:
    queue: deque[tuple[int, list[int]]] = deque([(0, [])])
    seen = {0}
    while queue:
        state, path = queue.popleft()
        if state in model.accepting:
            return path
        for following in model.steps[state].values():
            if following not in seen:
                seen.add(following)
                queue.append((following, [*path, following - 1]))
    raise AssertionError("a content model without an end")


def _longest(model: Content, rng: random.Random) -> list[int]:
    state, path = 0, list[int]()
    while True:
        options = sorted(place for place in model.steps[state].values() if path.count(place - 1) < (2 if place == state else 1))
        if not options:
            return path
        state = options[0] if rng.random() < 0.8 else rng.choice(options)
        path.append(state - 1)


def _value(kind: str, words: tuple[str, ...], rng: random.Random, labelled: bool) -> Any:
    if words:
        return rng.choice(words)
    value = {
        "uuid": f"{rng.getrandbits(128):032x}",
        "country": "NO",
        "int": rng.randint(-(2**31), 2**31 - 1),
        "count": rng.randint(0, 2**31 - 1),
        "boolean": rng.random() < 0.5,
        "double": Decimal(rng.randint(-(10**9), 10**9)) / 1000,
        "date": date(rng.randint(1, 9999), rng.randint(1, 12), rng.randint(1, 28)),
        "dateTime": datetime(2026, 1, 31, 12, 0, 59, rng.choice([0, 250_000]), tzinfo=rng.choice(_ZONES)),
    }.get(kind, rng.choice(["Søknad om skjenkebevilling", ' <to> & "fire" ', "x\ny\tz", "1"]))
    if kind == "uuid":
        value = "-".join((value[:8], value[8:12], value[12:16], value[16:20], value[20:]))
    return {"@value": value, "@label": "merke"} if labelled and rng.random() < 0.3 else value


_ZONES = [UTC, None, timezone(timedelta(hours=1)), timezone(-timedelta(hours=9, minutes=30))]
