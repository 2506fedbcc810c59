"""What follows from the facts' meta alone: which stream holds which key, and how far each number series has come.

`verify` holds the tables `ledger_claim` and `ledger_counter` against it, `log import` fills them from it. Memory: the claims.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from uuid import UUID

import msgspec
import psycopg
from psycopg import sql

from domain import catalogue
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
    cmd: str = ""
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


Held = tuple[bytes, str, int]
"""Who holds a key, and the fact that says so: owner, chain_id, position."""

_decode = msgspec.json.Decoder(_Meta).decode
Key = tuple[str, str]


class Derived:
    """Claims by (kind, key) and counters by series, of all record chains of a tenant, oldest first."""

    def __init__(self) -> None:
        self.claims: dict[Key, Held] = {}
        self.counters: dict[str, Held] = {}
        self.values: dict[str, int] = {}
        self._command: str | None = None
        self._claimed: list[tuple[Key, Held]] = []
        self._released: list[Key] = []

    def take(self, chain_id: str, events: Iterable[tuple[Any, ...]], findings: Findings) -> None:
        """Take the next rows (in the order of `walk.Event`) of a chain; `close` after its last."""
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
            head, fields = found.e, found.f
            if head.cmd != self._command:
                self._flush(findings)
                self._command = head.cmd
            here = event[2], chain_id, event[0]
            for key in fields.claims:
                self._claimed.append((key, here))
            if fields.released:
                self._released.extend(fields.released)
            if head.n == 1:
                if head.idem is not None:
                    self._claimed.append(((IDEMPOTENCY, head.idem), here))
                if head.src is not None and head.src.startswith(MESSAGE_SOURCE):
                    self._claimed.append(((MESSAGE, head.src), here))
            if topic in _NUMBERED:
                self._count(topic.decode(), fields, here, findings)

    def close(self, findings: Findings) -> None:
        """The chain has ended: its last command is whole."""
        self._flush(findings)

    def _count(self, topic: str, fields: _Fields, here: Held, findings: Findings) -> None:
        year_name, number_name, series_of = SERIES[topic]
        year, number = getattr(fields, year_name), getattr(fields, number_name)
        if type(year) is not int or type(number) is not int:
            findings.add("the number in the fact cannot be read", here[2])
            return
        series = series_of(year)
        if number > self.values.get(series, 0):
            self.values[series], self.counters[series] = number, here

    def _flush(self, findings: Findings) -> None:
        """A command releases first and claims then, as the writer does. A key held elsewhere stays there: two municipalities
        that merge may have numbered alike, and the first one listed keeps the number."""
        if self._released:
            for key in self._released:
                self.claims.pop(key, None)
            self._released = []
        for key, here in self._claimed:
            holder = self.claims.setdefault(key, here)
            if holder is not here and _municipality(holder) == _municipality(here):
                findings.add(f"{key[0]} {key[1]} is claimed, and held since position {holder[2]}", here[2])
        self._claimed = []


def _municipality(held: Held) -> str:
    return held[1].partition("/")[0]


Row = tuple[str, str, bytes]


def stored_claims(connection: psycopg.Connection[Any], tenant: str) -> Iterator[Row]:
    """(kind, key, owner) of the claim table."""
    query = sql.SQL("select kind, key, originator_id from {}").format(sql.Identifier(tenant, "ledger_claim"))
    for row in copy_rows(connection, query):
        end = 6 + int.from_bytes(row[2:6], "big")
        yield row[6:end].decode(), row[end + 4 : -20].decode(), row[-16:]


def compare(connection: psycopg.Connection[Any], tenant: str, derived: Derived) -> Iterator[tuple[Held | None, str]]:
    """What is wrong with the tables, with the fact it concerns; takes the claims out of `derived` one by one."""
    for kind, key, owner in stored_claims(connection, tenant):
        held = derived.claims.pop((kind, key), None)
        if held is None:
            yield None, f"ledger_claim has {kind} {key}, which no fact claims"
        elif held[0] != owner:
            yield held, f"ledger_claim gives {kind} {key} to another stream"
    for (kind, key), held in derived.claims.items():
        yield held, f"ledger_claim has not {kind} {key}"
    query = sql.SQL("select series, value from {}").format(sql.Identifier(tenant, "ledger_counter"))
    stored = {str(row[0]): int(row[1]) for row in connection.execute(query)}
    for series, value in stored.items():
        if series not in derived.values:
            yield None, f"ledger_counter has {series}, from which no number was given"
        elif value != derived.values[series]:
            yield derived.counters[series], f"ledger_counter says {value} for {series}, and {derived.values[series]} was given"
    for series in derived.values.keys() - stored.keys():
        yield derived.counters[series], f"ledger_counter has not {series}"


def rewrite(connection: psycopg.Connection[Any], tenant: str, derived: Derived) -> None:
    """Fill both tables anew. connection: the owner's, in a transaction."""
    claim, counter = sql.Identifier(tenant, "ledger_claim"), sql.Identifier(tenant, "ledger_counter")
    connection.execute(sql.SQL("delete from {}").format(claim))
    connection.execute(sql.SQL("delete from {}").format(counter))
    with connection.cursor() as cursor, cursor.copy(sql.SQL("copy {} from stdin").format(claim)) as copy:
        for (kind, key), held in derived.claims.items():
            copy.write_row((kind, key, UUID(bytes=held[0])))
    with connection.cursor() as cursor, cursor.copy(sql.SQL("copy {} from stdin").format(counter)) as copy:
        for series, value in derived.values.items():
            copy.write_row((series, value))
