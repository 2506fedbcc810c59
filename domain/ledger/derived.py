"""What follows from the facts' meta alone: which stream holds which key, and how far each number series has come.

`verify` holds the tables `ledger_claim` and `ledger_counter` against it, `log import` fills them from it. What the facts do to
keys is gathered first, and replayed at the end one part of the keys at a time: memory does not grow with the number of keys.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from struct import Struct
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
import psycopg
from psycopg import sql

from domain import catalogue
from domain.ledger.multiset import Multiset
from domain.ledger.spill import Spill
from domain.ledger.submission import IDEMPOTENCY, MESSAGE, MESSAGE_SOURCE
from domain.ledger.walk import Findings, copy_rows
from domain.model.ids import case_series, journal_series

# topic -> (field of the year, field of the number, key of the series): every fact field that the writer fills with a number
SERIES: Mapping[str, tuple[str, str, Callable[[int], str]]] = {
    "case-file.created.v1": ("year", "sequence", case_series),
    "registry-entry.numbered.v1": ("journal_year", "journal_sequence", journal_series),
}
_NUMBERED = frozenset(topic.encode() for topic in SERIES)
# facts of these names never claim, release or number: of theirs only the first of a command is looked into
_PLAIN = frozenset(
    topic.encode()
    for topic, fact in catalogue.NAMES.items()
    if topic not in SERIES and not {"claims", "released"} & {field.name for field in dataclasses.fields(fact)}
)


class _Head(msgspec.Struct):
    n: int = 0
    idem: str | None = None
    src: str | None = None


class _Fields(msgspec.Struct):
    claims: list[tuple[str, str]] = []
    released: list[tuple[str, str]] = []
    year: Any = None
    sequence: Any = None
    journal_year: Any = None
    journal_sequence: Any = None


class _Meta(msgspec.Struct):
    e: _Head
    f: _Fields


class Held(NamedTuple):
    """Who holds a key, and the fact that says so: owner (16 bytes), chain_id, position."""

    owner: bytes
    chain_id: str
    position: int


_decode = msgspec.json.Decoder(_Meta).decode
Key = tuple[str, str]
Counters = dict[str, tuple[int, Held]]
_ACT = Struct("!BIqq16sII")  # release or claim, chain, position, where its command began, owner, lengths of kind and key
_RELEASE, _CLAIM, _STORED = range(3)


class Derived:
    """Claims by (kind, key), and `counters` by series (value, the fact that took it), of all record chains of a tenant, oldest
    first. chains: their numbers, where several processes share the work."""

    def __init__(self, chains: Sequence[str] = ()) -> None:
        self.counters: Counters = {}
        self.chains = list(chains)
        self._acts = Spill()

    def take(self, chain_id: str, events: Iterable[tuple[Any, ...]], findings: Findings) -> None:
        """Take the next rows (in the order of `walk.Event`) of a chain."""
        if chain_id not in self.chains:
            self.chains.append(chain_id)
        number = self.chains.index(chain_id)
        for event in events:
            topic, meta = event[4], event[6]
            # most facts end here: {"e":{"cmd":"<36 characters>","n":2,… or the first of a command that names no key
            plain = topic in _PLAIN and meta[49:55] == b'","n":'
            if plain and (meta[55:57] != b"1," or (b'"idem":' not in meta and b'"src":' not in meta)):
                continue
            try:
                found = _decode(meta)
            except (msgspec.MsgspecError, ValueError) as problem:  # ValueError: not UTF-8
                findings.add(f"meta cannot be read: {problem}", event[0])
                continue
            self._learn(number, event[2], event[0], found)
            if topic in _NUMBERED:
                self._count(topic.decode(), found.f, Held(event[2], chain_id, event[0]), findings)

    def _learn(self, chain: int, owner: bytes, position: int, found: _Meta) -> None:
        head, fields = found.e, found.f
        # a command's facts stand side by side, and an introduction before the first: n tells where it began
        began = position - head.n + 1 if 0 < head.n <= position else position
        for key in fields.released:
            self._act(_RELEASE, chain, position, began, owner, key)
        for key in fields.claims:
            self._act(_CLAIM, chain, position, began, owner, key)
        if head.n == 1:
            if head.idem is not None:
                self._act(_CLAIM, chain, position, began, owner, (IDEMPOTENCY, head.idem))
            if head.src is not None and head.src.startswith(MESSAGE_SOURCE):
                self._act(_CLAIM, chain, position, began, owner, (MESSAGE, head.src))

    def _act(self, act: int, chain: int, position: int, began: int, owner: bytes, key: Key) -> None:
        _put(self._acts, act, chain, position, began, owner, key)

    def _count(self, topic: str, fields: _Fields, here: Held, findings: Findings) -> None:
        year_name, number_name, series_of = SERIES[topic]
        year, number = getattr(fields, year_name), getattr(fields, number_name)
        if type(year) is not int or type(number) is not int:
            findings.add("the number in the fact cannot be read", here.position)
        elif number > self.counters.get(series := series_of(year), (0, here))[0]:
            self.counters[series] = number, here

    def hand_over(self) -> tuple[list[tuple[int, bytes]], Counters]:
        """What was gathered, for `join` in another process."""
        return self._acts.hand_over(), self.counters

    def join(self, gathered: tuple[list[tuple[int, bytes]], Counters]) -> None:
        """What another process gathered from the positions after those taken so far. Raises OSError."""
        self._acts.join(gathered[0])
        for series, (number, held) in gathered[1].items():
            if number > self.counters.get(series, (0, held))[0]:
                self.counters[series] = number, held

    def claims(self) -> Iterator[tuple[Key, Held]]:
        """Every key that is held at the end."""
        for _, data in self._acts.parts():
            held, _ = self._replay(data)
            yield from held.items()

    def compare_part(self, acts: bytes, stored: bytes) -> Iterator[tuple[Held | None, str]]:
        """What is wrong with one part of the claim table, with the fact it concerns."""
        held, doubled = self._replay(acts)
        yield from doubled
        for _, _, _, _, owner, (kind, key) in _acts(stored):
            mine = held.pop((kind, key), None)
            if mine is None:
                yield None, f"ledger_claim has {kind} {key}, which no fact claims"
            elif mine.owner != owner:
                yield mine, f"ledger_claim gives {kind} {key} to another stream"
        for (kind, key), mine in held.items():
            yield mine, f"ledger_claim has not {kind} {key}"

    def compare(self, stored: Spill) -> Iterator[tuple[Held | None, str]]:
        """The same of all parts."""
        for part in sorted({number for number, _ in self._acts.parts()} | {number for number, _ in stored.parts()}):
            yield from self.compare_part(self._acts.part(part), stored.part(part))

    def changes(self, base: Multiset) -> bool:
        """Carry `base`, the rows of the claim table before these facts, over to those after them; False where that cannot be.

        A key that is released first is believed to have been its releaser's: if it was not, the outcome fits no table."""
        for _, data in self._acts.parts():
            held, doubled = self._replay(data)
            if doubled:
                return False
            first: dict[Key, tuple[int, bytes]] = {}
            for act, _, _, _, owner, key in _commands(data):
                first.setdefault(key, (act, owner))
            for (kind, name), (act, owner) in first.items():
                if act == _RELEASE:
                    base.remove(_row(kind, name, owner))
            for (kind, name), mine in held.items():
                base.add(_row(kind, name, mine.owner))
        return True

    def _replay(self, data: bytes) -> tuple[dict[Key, Held], list[tuple[Held, str]]]:
        """Who holds each key of a part, and each claim of a key that was held. A key held elsewhere stays there: two
        municipalities that merge may have numbered alike, and the first one listed keeps the number."""
        held: dict[Key, Held] = {}
        doubled: list[tuple[Held, str]] = []
        for act, chain, position, _, owner, key in _commands(data):
            if act == _RELEASE:
                held.pop(key, None)
                continue
            here = Held(owner, self.chains[chain], position)
            holder = held.setdefault(key, here)
            if holder != here and _municipality(holder) == _municipality(here):
                doubled.append((here, f"{key[0]} {key[1]} is claimed, and held since position {holder.position}"))
        return held, doubled


_Act = tuple[int, int, int, int, bytes, Key]


def _put(spill: Spill, act: int, chain: int, position: int, began: int, owner: bytes, key: Key) -> None:
    kind, name = key[0].encode(), key[1].encode()
    spill.add(kind + b"\0" + name, _ACT.pack(act, chain, position, began, owner, len(kind), len(name)) + kind + name)


def _acts(data: bytes) -> Iterator[_Act]:
    at, size = 0, _ACT.size
    while at < len(data):
        act, chain, position, began, owner, kind, name = _ACT.unpack_from(data, at)
        middle, end = at + size + kind, at + size + kind + name
        yield act, chain, position, began, owner, (data[at + size : middle].decode(), data[middle:end].decode())
        at = end


def _commands(data: bytes) -> Iterator[_Act]:
    """The acts in order, of each command the releases first, as the writer does it."""
    waiting: list[_Act] = []
    command: tuple[int, int] | None = None
    for one in _acts(data):
        if (one[1], one[3]) != command:
            yield from waiting
            waiting, command = [], (one[1], one[3])
        if one[0] == _RELEASE:
            yield one
        else:
            waiting.append(one)
    yield from waiting


def _municipality(held: Held) -> str:
    return held.chain_id.partition("/")[0]


def _row(kind: str, key: str, owner: bytes) -> bytes:
    return kind.encode() + b"\0" + key.encode() + b"\0" + owner


def stored_claims(connection: psycopg.Connection[Any], tenant: str, digest: Multiset | None = None) -> Spill:
    """The claim table, in parts as `Derived.compare` takes it; `digest` takes each row. Raises psycopg.Error, OSError."""
    query = sql.SQL("select kind, key, originator_id from {}").format(sql.Identifier(tenant, "ledger_claim"))
    spill = Spill()
    for row in copy_rows(connection, query):
        end = 6 + int.from_bytes(row[2:6], "big")
        kind, key, owner = row[6:end].decode(), row[end + 4 : -20].decode(), row[-16:]
        _put(spill, _STORED, 0, 0, 0, owner, (kind, key))
        if digest is not None:
            digest.add(_row(kind, key, owner))
    return spill


def stored_counters(connection: psycopg.Connection[Any], tenant: str) -> dict[str, int]:
    """The counter table. Raises ValueError where a series stands twice in it."""
    query = sql.SQL("select series, value from {}").format(sql.Identifier(tenant, "ledger_counter"))
    rows = connection.execute(query).fetchall()
    found = {str(series): int(value) for series, value in rows}
    if len(found) != len(rows):
        raise ValueError("a series stands twice")
    return found


def compare(
    connection: psycopg.Connection[Any], tenant: str, derived: Derived, digest: Multiset | None = None
) -> Iterator[tuple[Held | None, str]]:
    """What is wrong with the tables, with the fact it concerns; `digest` takes each row of the claim table."""
    yield from derived.compare(stored_claims(connection, tenant, digest))
    stored, given = stored_counters(connection, tenant), derived.counters
    for series, value in stored.items():
        if series not in given:
            yield None, f"ledger_counter has {series}, from which no number was given"
        elif value != given[series][0]:
            yield given[series][1], f"ledger_counter says {value} for {series}, and {given[series][0]} was given"
    for series in given.keys() - stored.keys():
        yield given[series][1], f"ledger_counter has not {series}"


def rewrite(connection: psycopg.Connection[Any], tenant: str, derived: Derived) -> None:
    """Fill both tables anew. connection: the owner's, in a transaction."""
    claim, counter = sql.Identifier(tenant, "ledger_claim"), sql.Identifier(tenant, "ledger_counter")
    connection.execute(sql.SQL("delete from {}").format(claim))
    connection.execute(sql.SQL("delete from {}").format(counter))
    with connection.cursor() as cursor, cursor.copy(sql.SQL("copy {} from stdin").format(claim)) as copy:
        for (kind, key), held in derived.claims():
            copy.write_row((kind, key, UUID(bytes=held.owner)))
    with connection.cursor() as cursor, cursor.copy(sql.SQL("copy {} from stdin").format(counter)) as copy:
        for series, (value, _) in derived.counters.items():
            copy.write_row((series, value))
