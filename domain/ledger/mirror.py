"""The continuous mirror: a follower that writes each chain, byte for byte and with its documents' files, to another place.

What is there can be brought back with `dagbok log import` (layout: `mirror_tail`). Every row is held against its hashes on the
way. The mirror goes on only where the ledger is still the one that was mirrored: a ledger that is shorter, or another one, stops
it, because a mirror that knows more is the evidence of a loss and must not be overwritten.

Crash points: files first, then whole bundles, then `tail`; what is ahead of the tail is put again. A bundle of entries that is
there already must have the same bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import psycopg
from psycopg import sql

from domain import catalogue, chain
from domain.ledger import mirror_tail as layout
from domain.ledger.blobs import BlobFault, Blobs
from domain.ledger.erasure import DISPOSAL
from domain.ledger.export import OBJECT_TOPIC, decode_object
from domain.ledger.faults import Broken
from domain.ledger.mirror_tail import BUNDLE
from domain.ledger.mirror_target import Target, put_bytes, read
from domain.ledger.tenants import Chain
from domain.ledger.walk import Findings, Walk
from domain.model.chain_log import ChainOpened, FactTypeIntroduced

BATCH = 8 * BUNDLE
OWED_EVERY = 60  # ticks: a file that cannot be read is not hashed again each second
INTRODUCED, OPENED = chain.INTRODUCED_TOPIC.encode(), chain.OPENED_TOPIC.encode()
Event = tuple[Any, ...]


class _Batch(NamedTuple):
    """What one look at the ledger gave: events after the tail, the chain hash after them, the latest checkpoint."""

    events: list[Event]
    chain_hash: bytes
    checkpoint: str


class Mirror:
    """The mirror of one chain. dsn: of the auditor role; target: the chain's own place; blobs: the tenant's files."""

    def __init__(self, dsn: str, row: Chain, target: Target, blobs: Blobs) -> None:
        self.row, self._dsn, self._target, self._blobs = row, dsn, target, blobs
        self._connection: psycopg.Connection[Any] | None = None
        self._tail: layout.Tail | None = None
        self._entries: list[bytes] = []
        self._lines: list[bytes] = []
        self._ticks = 0
        self._sql = {name: sql.Identifier(row.schema, name) for name in _TABLES}

    @property
    def position(self) -> int:
        """How many events are mirrored, as far as this one knows."""
        return self._tail.position if self._tail is not None else 0

    @property
    def owed(self) -> int:
        """How many documents' files could not be copied yet."""
        return len(self._tail.owed) if self._tail is not None else 0

    def tick(self) -> int:
        """Mirror what is new; how many events came. 0 also where another process mirrors this chain.

        Raises Broken where the ledger is not the one that was mirrored, TargetFault, OSError where the mirror cannot be written,
        psycopg.Error where the ledger cannot be read.
        """
        if not self._lease():
            return 0
        came = 0
        self._ticks += 1
        try:
            tail = self._memory()
            while batch := self._look(tail):
                self._take(tail, batch)
                came += len(batch.events)
            self._dispose(tail)
        except BaseException:
            self._tail = None  # half changed: what is true stands in the target
            raise
        return came

    def _lease(self) -> bool:
        if self._connection is None or self._connection.closed:
            self._tail = None
            self._connection = psycopg.connect(self._dsn, autocommit=True)
            key = hashlib.sha256(f"mirror {self.row.chain_id}".encode()).digest()[:8]
            row = self._connection.execute(
                "select pg_try_advisory_lock(%s)", (int.from_bytes(key, "big", signed=True),)
            ).fetchone()
            if row is None or not row[0]:
                self.close()
                return False
        return True

    def _memory(self) -> layout.Tail:
        if self._tail is None:
            found = layout.read_tail(self._target)
            self._tail, self._entries, self._lines = found or (layout.fresh(self.row.chain_id, self.row.number), [], [])
            if self._tail.chain_id != self.row.chain_id:
                raise Broken(f"the mirror of {self.row.chain_id} holds {self._tail.chain_id}")
        return self._tail

    def _ask(self, text: str, *values: object) -> list[tuple[Any, ...]]:
        assert self._connection is not None
        return self._connection.execute(sql.SQL(text).format(**self._sql), values).fetchall()  # pyright: ignore[reportArgumentType]

    def _look(self, tail: layout.Tail) -> _Batch | None:
        """The next events, in one snapshot with the head; None where nothing is new."""
        assert self._connection is not None
        with self._connection.transaction():
            self._connection.execute("set transaction isolation level repeatable read, read only")
            head = self._ask(
                "select position, (select chain_hash from {event} where position = %s) from {ledger_head}", tail.position
            )
            known = bytes.fromhex(tail.chain_hash)
            if not head or (tail.position and (head[0][1] is None or bytes(head[0][1]) != known)):
                raise Broken(
                    f"the mirror has {self.row.chain_id} up to {tail.position}, which the ledger no longer holds as it was",
                    hint="Nothing in the mirror is overwritten. `dagbok log import` brings back what was lost.",
                )
            up_to, findings = min(int(head[0][0]), tail.position + BATCH), Findings()
            walk = Walk(self.row.chain_id, findings, tail.position, known)
            events = [event for page in walk.pages(self._connection, self.row.schema, up_to) for event in page.events]
            if findings.faults:
                raise Broken(f"at position {findings.faults[0].position}: {findings.faults[0].what}")
            note = self._checkpoint(up_to)
        return _Batch(events, walk.head, note) if events or note != tail.checkpoint else None

    def _checkpoint(self, up_to: int) -> str:
        rows = self._ask(
            "select c.note || coalesce((select string_agg(o.line, '' order by o.witness) from {ledger_cosignature} o"
            " where o.size = c.size), '') from {ledger_checkpoint} c where size <= %s order by size desc limit 1",
            up_to,
        )
        return str(rows[0][0]) if rows else ""

    def _take(self, tail: layout.Tail, batch: _Batch) -> None:
        prefix, head = chain.entry_prefix(self.row.chain_id), bytes.fromhex(tail.chain_hash)
        for (
            position,
            recorded,
            stream,
            version,
            topic,
            meta_salt,
            meta,
            body_salt,
            body,
            meta_commit,
            body_commit,
        ) in batch.events:
            entry = chain.entry_bytes(prefix, position, recorded, stream, version, topic, meta_commit, body_commit)
            self._entries.append(entry)
            self._lines.append(chain.payload_line(position, topic, meta_salt, meta, body_salt, body, meta_commit, body_commit))
            head = chain.chain_hash(head, chain.leaf_hash(entry))
            self._special(tail, position, topic, meta)
            if len(self._entries) == BUNDLE:
                self._bundle(position // BUNDLE - 1)
                tail.before = head.hex()
            tail.position = position
        if head != batch.chain_hash:
            raise Broken(f"the events up to {tail.position} do not give the chain's own hash")
        tail.chain_hash, tail.checkpoint = head.hex(), batch.checkpoint
        layout.put_tail(self._target, tail, self._entries, self._lines)

    def _special(self, tail: layout.Tail, position: int, topic: bytes, meta: bytes) -> None:
        if topic.startswith(OBJECT_TOPIC):
            if not self._copied(meta):
                tail.owed.append(position)
        elif topic == DISPOSAL:
            tail.waiting.append(position)
        elif topic in (OPENED, INTRODUCED):
            fact = catalogue.decode(topic.decode(), meta, None)[1]
            if isinstance(fact, ChainOpened):
                put_bytes(self._target, "vkey", f"{fact.vkey}\n".encode())
            elif isinstance(fact, FactTypeIntroduced):
                put_bytes(self._target, f"schema/{fact.topic}.json", fact.schema.encode())
                if fact.body_schema is not None:
                    put_bytes(self._target, f"schema/{fact.topic}.body.json", fact.body_schema.encode())

    def _copied(self, meta: bytes) -> bool:
        """Copy a document's file, its digest checked on the way; False where it is not here as it was registered."""
        stored = decode_object(meta)
        try:
            chunks = self._blobs.get(stored.object_id, stored.size, stored.checksum)
            self._target.put(f"blob/{stored.object_id}", chunks, stored.size, stored.checksum)
        except BlobFault:
            return False
        return True

    def _bundle(self, index: int) -> None:
        """Put 256 events in their place for good. Entries are what was signed: others than those there are never written."""
        entries, name = layout.bundle(self._entries), chain.entries_path(index)
        there = read(self._target, name, layout.ENTRIES_LIMIT)
        if there is not None and there != entries:
            raise Broken(f"the mirror holds another history in {name}: it is left as it is")
        if there is None:
            put_bytes(self._target, name, entries)
        put_bytes(self._target, chain.payload_path(index), b"".join(self._lines))
        self._entries, self._lines = [], []

    def _dispose(self, tail: layout.Tail) -> None:
        """Files that were owed, and what was disposed of: rewritten here once it has been carried out in the ledger."""
        owed = tail.owed if self._ticks % OWED_EVERY != 1 else [at for at in tail.owed if not self._paid(at)]
        waiting = [at for at in tail.waiting if not self._carried_out(at)]
        if (owed, waiting) != (tail.owed, tail.waiting):
            tail.owed, tail.waiting = owed, waiting
            layout.put_tail(self._target, tail, self._entries, self._lines)

    def _meta(self, position: int) -> bytes:
        return bytes(self._ask("select meta from {event} where position = %s", position)[0][0])

    def _paid(self, position: int) -> bool:
        return self._copied(self._meta(position)) or self._is_disposed(position)

    def _is_disposed(self, position: int) -> bool:
        rows = self._ask("select meta from {event} where topic = %s", chain.DISPOSAL_TOPIC)
        return any(position in run for row in rows for run in chain.disposed_positions(bytes(row[0]), "blob"))

    def _carried_out(self, position: int) -> bool:
        """Carry a disposal fact out here, as far as the ledger has; True once nothing of it is left."""
        meta, left, touched = self._meta(position), 0, set[int]()
        for run in chain.disposed_positions(meta, "body"):
            rows = self._ask(
                "select count(*) filter (where body is not null) from {event} where position between %s and %s",
                run.start, run.stop - 1,
            )  # fmt: skip
            left += int(rows[0][0])
            touched |= set(range((run.start - 1) // BUNDLE, (run.stop - 2) // BUNDLE + 1))
        for run in chain.disposed_positions(meta, "blob"):
            left += sum(not self._deleted(bytes(row[0])) for row in self._objects(run))
        if not left:
            for index in sorted(touched):
                self._rewrite(index)
        return not left

    def _objects(self, run: range) -> Iterator[tuple[Any, ...]]:
        text = "select meta from {event} where position between %s and %s and topic like %s"
        return iter(self._ask(text, run.start, run.stop - 1, OBJECT_TOPIC.decode() + "%"))

    def _deleted(self, meta: bytes) -> bool:
        stored = decode_object(meta)
        try:
            next(self._blobs.get(stored.object_id, stored.size, stored.checksum), None)
        except BlobFault:
            self._target.delete(f"blob/{stored.object_id}")
            return True
        return False

    def _rewrite(self, index: int) -> None:
        rows = self._ask(
            "select position, topic, meta_salt, meta, body_salt, body, meta_commit, body_commit from {event}"
            " where position between %s and %s order by position",
            BUNDLE * index + 1, min(BUNDLE * (index + 1), self.position),
        )  # fmt: skip
        lines = [
            chain.payload_line(row[0], str(row[1]).encode(), *(None if one is None else bytes(one) for one in row[2:]))  # type: ignore[arg-type]
            for row in rows
        ]
        if index == self.position // BUNDLE:
            self._lines = lines
        else:
            put_bytes(self._target, chain.payload_path(index), b"".join(lines))

    def close(self) -> None:
        """Give the connection back, and with it the lease."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


_TABLES = ("event", "ledger_head", "ledger_checkpoint", "ledger_cosignature")
