"""One pass over the events of a chain, every column of every row held against the hashes: what signer, export and verify share.

Rows come by COPY in PostgreSQL's binary format, one message a row (protocol, section "COPY Operations": a frontend gets whole
rows), columns of fixed length first, so that one unpacking cuts most of a row. A row that is as it must be takes the short
way; any other is taken apart field by field, and what is wrong with it is named. Memory: one page of rows.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import islice
from struct import Struct
from struct import error as struct_error
from typing import Any, NamedTuple

import psycopg
from psycopg import sql
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGconn

from domain import chain

PAGE = 512
SHOWN_FAULTS = 100

# Position, recorded_at_us, originator_id, originator_version (their lengths, which their types give, are passed over), hashes,
# salts and body_key, each behind its length, and the length of topic.
_ROW = Struct("!2x 4xq 4xq 4x16s 4xq i32s i32s i32s i32s i32s i32s i i".replace(" ", ""))
_LENGTHS = (32, 32, 32, 32, 32, 32, -1)
_FIXED = Struct("!Qq16sQH")
_HEADER = 19  # signature, flags and length of extension, before the first row
_END = b"\xff\xff"
_LENGTH = Struct("!i")
_COLUMNS: tuple[str, ...] = (
    "position", "recorded_at_us", "originator_id", "originator_version", "meta_salt", "meta_commit", "body_commit", "leaf_hash",
    "chain_hash", "body_salt", "body_key", "topic", "body", "meta",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, and where: at one position, or in an interval of positions (both ends inclusive), or in no place."""

    what: str
    position: int | None = None
    interval: tuple[int, int] | None = None


@dataclass(slots=True)
class Findings:
    """Faults, the first 100 in full: a broken chain may have one an event."""

    faults: list[Fault] = field(default_factory=list)
    not_shown: int = 0

    def add(self, what: str, position: int | None = None, interval: tuple[int, int] | None = None) -> None:
        """Add a fault."""
        if len(self.faults) < SHOWN_FAULTS:
            self.faults.append(Fault(what, position, interval))
        else:
            self.not_shown += 1


class Event(NamedTuple):
    """A row as read: text and uuid as bytes; body and body_salt None once destroyed."""

    position: int
    recorded_at_us: int
    originator_id: bytes
    originator_version: int
    topic: bytes
    meta_salt: bytes
    meta: bytes
    body_salt: bytes | None
    body: bytes | None
    meta_commit: bytes
    body_commit: bytes


class Page(NamedTuple):
    """Up to 512 rows in order, each a tuple in the order of `Event`, with their leaf hashes."""

    events: list[tuple[Any, ...]]
    leaves: list[bytes]


class Walk:
    """A pass over one chain. `position` and `head` (chain hash) are those of the last row read; `complete`: without a gap."""

    def __init__(self, chain_id: str, findings: Findings, position: int = 0, head: bytes | None = None) -> None:
        self.prefix = chain.entry_prefix(chain_id)
        self.findings = findings
        self.position = position
        self.head = chain.genesis(chain_id) if head is None else head
        self.complete = True
        self._stored_head = b""  # of the last row, where it was not as computed
        self._before = b""

    def pages(self, connection: psycopg.Connection[Any], schema: str, up_to: int | None = None) -> Iterator[Page]:
        """The rows after `position`, checked. The connection, in a transaction, is busy with it until the last page was taken."""
        with closing(self.rows(connection, schema, up_to)) as rows:
            while page := list(islice(rows, PAGE)):
                yield self.take(page)

    def rows(self, connection: psycopg.Connection[Any], schema: str, up_to: int | None = None) -> Generator[bytes, None, None]:
        """The rows after `position`, for `take`."""
        connection.execute("set local enable_sort to off")  # by the index: sorting a table of any size takes room and time first
        return copy_rows(
            connection,
            sql.SQL("select {} from {} where position >= {} and position <= {} order by position").format(
                sql.SQL(", ").join(map(sql.Identifier, _COLUMNS)),
                sql.Identifier(schema, "event"),
                sql.Literal(self.position + 1 if self.position else -(1 << 63)),
                sql.Literal((1 << 63) - 1 if up_to is None else up_to),
            ),
        )

    def take(self, rows: Sequence[bytes]) -> Page:
        """The next rows, as `copy_rows` gives them, checked.

        The hot loop, so what it calls is bound to local names, and each hash begins as a copy of one that has its first byte:
        making one anew costs as much as hashing 200 bytes.
        """
        events: list[tuple[Any, ...]] = []
        leaves: list[bytes] = []
        unpack, length, fixed, size, expected = _ROW.unpack_from, _LENGTH.unpack_from, _FIXED.pack, _ROW.size, _LENGTHS
        of_meta, of_body, of_chain = sha256(b"\x10").copy, sha256(b"\x11").copy, sha256(b"\x02").copy
        of_leaf = sha256(b"\x00" + self.prefix).copy
        position, head = self.position, self.head
        for row in rows:
            try:
                (at, recorded, stream, version, a, meta_salt, b, meta_commit, c, body_commit, d, leaf_hash, e, chain_hash,
                 f, body_salt, g, topic_length) = unpack(row)  # fmt: skip
                end = size + topic_length
                body_end = end + 4 + length(row, end)[0]
                numbers = fixed(at, recorded, stream, version, topic_length)
            except struct_error:
                position, head = self._diagnose(position, head, row, events, leaves)
                continue
            if (a, b, c, d, e, f, g) == expected and at == position + 1:
                topic, body, meta = row[size:end], row[end + 4 : body_end], row[body_end + 4 :]
                (hashed := of_meta()).update(meta_salt + meta)
                meta_hash = hashed.digest()
                (hashed := of_body()).update(body_salt + body)
                body_hash = hashed.digest()
                (hashed := of_leaf()).update(numbers + topic + meta_hash + body_hash)
                leaf = hashed.digest()
                (hashed := of_chain()).update(head + leaf)
                following = hashed.digest()
                if following == chain_hash and leaf == leaf_hash and meta_hash == meta_commit and body_hash == body_commit:
                    leaves.append(leaf)
                    events.append((at, recorded, stream, version, topic, meta_salt, meta, body_salt, body, meta_hash, body_hash))
                    position, head = at, following
                    continue
            position, head = self._diagnose(position, head, row, events, leaves)
        self.position, self.head = position, head
        return Page(events, leaves)

    def _diagnose(
        self, position: int, head: bytes, row: bytes, events: list[tuple[Any, ...]], leaves: list[bytes]
    ) -> tuple[int, bytes]:
        """A row whose body is gone, or in which something is wrong; position and head after it."""
        self.position, self.head = position, head
        found: dict[str, bytes | None] = dict(zip(_COLUMNS, _fields(row), strict=True))
        at = int.from_bytes(found["position"] or b"", "big", signed=True)
        if at <= position:
            self.findings.add(f"a row stands at position {at}, out of order", at)
            return position, head
        gap = at > position + 1
        if gap:
            self.complete = False
            self.findings.add("events are missing", position + 1, (position + 1, at - 1))
        self.position = at
        event = _event(found)
        if event is None:  # the tree keeps its places, so that the rows after it are still found right
            self.findings.add("a column is NULL that cannot be, or has another length", at)
            leaves.append((found["leaf_hash"] or b"")[:32].ljust(32, b"\0"))
            self.head, self._stored_head = chain.chain_hash(head, leaves[-1]), found["chain_hash"] or b""
        else:
            leaves.append(self._check_row(event, found, gap))
            events.append(event)
        return self.position, self.head

    def _check_row(self, event: Event, found: dict[str, bytes | None], gap: bool) -> bytes:
        """Name what is wrong with the row; the leaf hash that the tree goes on with."""
        fault, at = self.findings.add, event.position
        meta_hash, body_hash = chain.meta_commit(event.meta_salt, event.meta), event.body_commit
        if event.body is not None and event.body_salt is not None:
            body_hash = chain.body_commit(event.body_salt, event.body)
        if meta_hash != event.meta_commit:
            fault("meta is not what the entry commits to", at)
        if body_hash != event.body_commit:
            fault("the body is not what the entry commits to", at)
        if found["body_key"] is not None:
            fault("body_key names a key, and no body is encrypted here", at)
        if (event.body is None) != (event.body_salt is None):
            fault("of body and body_salt only one is there", at)
        stored, stored_head = found["leaf_hash"] or b"", found["chain_hash"] or b""
        both = event.meta_commit + event.body_commit, meta_hash + body_hash  # one of the two was changed, if any
        leaf = next((one for one in (self._leaf(event, commits) for commits in both) if one == stored), None)
        if leaf is None:
            fault("leaf_hash is not that of the row", at)
            leaf = self._leaf(event, both[0])
        self._follow(at, leaf, stored, stored_head, gap)
        return leaf if len(stored) != 32 or chain.chain_hash(self._before, stored) != stored_head else stored

    def _follow(self, at: int, leaf: bytes, stored: bytes, stored_head: bytes, gap: bool) -> None:
        """The chain hash after the row. Where the row before was at fault, its stored hash may be the true one."""
        self._before = self.head
        for before in (self.head, self._stored_head):
            if stored_head in (chain.chain_hash(before, leaf), chain.chain_hash(before, stored)):
                self._before, self.head, self._stored_head = before, stored_head, b""
                return
        if not gap:
            self.findings.add("chain_hash does not follow from the row and the one before", at)
        self.head = chain.chain_hash(self.head, leaf)
        self._stored_head = stored_head

    def _leaf(self, event: Event, commits: bytes) -> bytes:
        version, length = event.originator_version % (1 << 64), len(event.topic) % (1 << 16)
        numbers = _FIXED.pack(event.position, event.recorded_at_us, event.originator_id, version, length)
        return sha256(b"\x00" + self.prefix + numbers + event.topic + commits).digest()


def copy_rows(connection: psycopg.Connection[Any], query: sql.Composed) -> Generator[bytes, None, None]:
    """The rows of a query in COPY's binary format, each beginning with its number of fields. Raises psycopg.Error.

    Straight from libpq: through psycopg's own loop a row costs twice as much, a tenth of all that verifying it costs.
    """
    link = connection.pgconn
    with connection.lock:
        result = link.exec_(sql.SQL("copy ({}) to stdout (format binary)").format(query).as_bytes(connection))
    if result.status != ExecStatus.COPY_OUT:
        raise psycopg.errors.error_from_result(result, encoding="utf-8")
    count, skip = 1, _HEADER
    try:
        while True:
            count, data = link.get_copy_data(0)
            if count <= 0:
                break
            row = bytes(data)[skip:]
            skip = 0
            if row and row != _END:
                yield row
    finally:
        _end_copy(link, count)


def _end_copy(link: PGconn, count: int) -> None:
    """Read off what is left: nothing after the last row, and after a cancel what was under way."""
    if count > 0:
        link.get_cancel().cancel()
        while link.get_copy_data(0)[0] > 0:
            continue
    problem = None
    while (result := link.get_result()) is not None:
        if result.status != ExecStatus.COMMAND_OK:
            problem = psycopg.errors.error_from_result(result, encoding="utf-8")
    if problem is not None and count <= 0:
        raise problem


def _fields(row: bytes) -> list[bytes | None]:
    fields: list[bytes | None] = []
    at = 2
    while at < len(row):
        size = _LENGTH.unpack_from(row, at)[0]
        at += 4
        fields.append(None if size < 0 else row[at : at + size])
        at += max(size, 0)
    return fields


def _event(found: dict[str, bytes | None]) -> Event | None:
    """The row's values; None where the entry cannot be formed from them."""
    values: dict[str, Any] = dict(found)
    for name in ("position", "recorded_at_us", "originator_version"):
        values[name] = int.from_bytes(values[name] or bytes(8), "big", signed=True)
    whole = all(values[name] is not None for name in ("originator_id", "topic", "meta"))
    salts = values["body_salt"] is None or len(values["body_salt"]) == 32
    hashes = all(len(values[name] or b"") == 32 for name in ("meta_salt", "meta_commit", "body_commit"))
    return Event(**{name: values[name] for name in Event._fields}) if whole and salts and hashes else None
