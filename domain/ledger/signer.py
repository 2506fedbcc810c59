"""The checkpoint signer: an independent witness of the ledger with a memory of its own.

It reads the new events with its own role, recomputes everything from the stored parts, extends its own tree, writes that into
its own store, and only then signs (C2SP tlog-checkpoint). A ledger that is smaller than what it has signed, or another one, is
refused, and is read-only from then on (CONTRACT §3): the writer finds the row that the signer leaves in `ledger_stop`.

Crash points: tiles are written first, they follow from the events and may be ahead. After the line in the store and before the
checkpoint's row, the next tick signs that same tree again. Receipts stand in the store before their row is filled in.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, LiteralString, NamedTuple

import psycopg
from psycopg import sql

from domain import catalogue, chain
from domain.ledger import monotone, tenants
from domain.ledger.erasure import DISPOSAL, Erasures
from domain.ledger.faults import Broken, LedgerError
from domain.ledger.monotone import Store, Tree, ensure_key
from domain.ledger.tiles import Tile, TileRows, stored_rows
from domain.ledger.walk import Findings, Page, Walk
from domain.model.chain_log import ChainOpened

__all__ = ["Signed", "Signer", "State", "ensure_key", "run"]

TICK_S = 1.0
RECEIPTS_A_TICK = 1_000


class State(Enum):
    """Fresh: nothing signed yet. Signing. Refused: the ledger is not the one that was signed."""

    FRESH = "fresh"
    SIGNING = "signing"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Signed:
    """A checkpoint that left. root, chain_hash: 32 bytes; receipts: how many were given under it now."""

    chain_id: str
    size: int
    root: bytes
    chain_hash: bytes
    note: str
    receipts: int


class _Look(NamedTuple):
    """The ledger's own account, in one snapshot with the events that are read after it."""

    position: int
    chain_hash: bytes
    frontier: bytes
    hash_at_signed: bytes | None
    checkpoint: int
    requests: bool
    stop: str | None


class Signer:
    """Signs one chain. `dsn`: of the signer role. Raises StoreFault, LedgerError where another signer holds the store."""

    def __init__(self, dsn: str, signer_dir: Path, chain_id: str, schema: str) -> None:
        self.chain_id = chain_id
        self.schema = schema
        self._dsn = dsn
        self._store = Store(signer_dir, chain_id)
        self._connection: psycopg.Connection[Any] | None = None
        self._rows: TileRows | None = None
        public = self._store.key.public_key().public_bytes_raw()
        self.vkey = chain.vkey(chain_id, chain.ED25519, public)
        self.state = State.FRESH if self._store.tree is None else State.SIGNING
        self.reason = ""
        self._sql = {name: sql.Identifier(schema, name) for name in _TABLES}
        self._sql["predecessor"] = sql.Identifier(tenants.tenant_of(schema), "ledger_chain_predecessor")

    def tick(self) -> Signed | None:
        """Sign what is new and answer receipt requests; None where there was neither.

        Raises Broken where the ledger is refused, psycopg.Error where it cannot be reached.
        """
        connection = self._connect()
        try:
            with connection.transaction():
                connection.execute("set transaction isolation level repeatable read")
                look = self._look()
                if look.stop is not None:
                    raise Broken(f"the ledger was stopped: {look.stop}")
                tree = self._follow(connection, look)
        except Broken as problem:
            self._refuse(str(problem))
            raise
        self.state = State.SIGNING
        if tree is None and look.checkpoint >= self._signed().size and not look.requests:
            return None
        if tree is not None:
            self._store.remember_tree(tree)
        return self._publish(connection, self._signed())

    def _connect(self) -> psycopg.Connection[Any]:
        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(self._dsn, autocommit=True)
        return self._connection

    def _ask(self, text: LiteralString, parameters: Mapping[str, object] | None = None) -> Any:
        return self._connect().execute(sql.SQL(text).format(**self._sql), parameters)

    def _signed(self) -> Tree:
        return self._store.tree or Tree(0, chain.EMPTY_ROOT, chain.genesis(self.chain_id), chain.Frontier.empty())

    def _look(self) -> _Look:
        row = self._ask(
            "select position, chain_hash, frontier, (select chain_hash from {event} where position = %(size)s),"
            " coalesce((select max(size) from {ledger_checkpoint}), 0),"
            " exists(select 1 from {ledger_receipt} where size is null and position <= ledger_head.position),"
            " (select min(reason) from {ledger_stop}) from {ledger_head}",
            {"size": self._signed().size},
        ).fetchone()
        if row is None:
            raise Broken(f"{self.chain_id} has no head")
        return _Look(*row)

    def _follow(self, connection: psycopg.Connection[Any], look: _Look) -> Tree | None:
        """The tree of the ledger as it is now, every event since the last one checked; None where nothing is new."""
        last = self._signed()
        if look.checkpoint > last.size:
            raise Broken(f"a checkpoint of {look.checkpoint} is there and the signer remembers one of {last.size} only")
        if look.position < last.size:
            raise Broken(f"the ledger ends at {look.position}, and {last.size} events were signed")
        if last.size and look.hash_at_signed != last.chain_hash:
            raise Broken(f"the event at {last.size} is not the one that was signed")
        if look.position == last.size:
            return None
        rows = self._edge(connection, last)
        self._rows = None  # half grown if anything below fails
        walk, erasures, findings = self._walk(connection, rows, last, look.position)
        for run, what in erasures.faults(look.checkpoint):
            findings.add(what, run[0])
        if findings.faults:
            raise Broken(f"at position {findings.faults[0].position}: {findings.faults[0].what}")
        frontier = rows.frontier()
        if (walk.position, walk.head, frontier.encode()) != (look.position, look.chain_hash, look.frontier):
            raise Broken("the head is not that of the events")
        self._rows = rows
        return Tree(walk.position, frontier.root(), walk.head, frontier)

    def _walk(
        self, connection: psycopg.Connection[Any], rows: TileRows, last: Tree, up_to: int
    ) -> tuple[Walk, Erasures, Findings]:
        findings, erasures = Findings(), Erasures()
        walk = Walk(self.chain_id, findings, last.size, last.chain_hash)
        full: list[Tile] = []
        for page in walk.pages(connection, self.schema, up_to):
            full += rows.add(page.leaves)
            self._look_at(page, erasures, findings)
        if not findings.faults:
            with connection.cursor() as cursor:
                cursor.executemany(
                    sql.SQL("insert into {ledger_tile} values (%s, %s, %s) on conflict do nothing").format(**self._sql), full
                )
        return walk, erasures, findings

    def _look_at(self, page: Page, erasures: Erasures, findings: Findings) -> None:
        for event in page.events:
            position, topic, meta, body = event[0], event[4], event[6], event[8]
            if body is None:
                erasures.gone(position)
            if topic == DISPOSAL:
                try:
                    erasures.decided(position, meta)
                except chain.ChainError as problem:
                    findings.add(str(problem), position)
            if position == 1 and _opened_for(topic, meta) != (self.chain_id, self.vkey):
                findings.add("the chain was opened for another key", 1)

    def _edge(self, connection: psycopg.Connection[Any], last: Tree) -> TileRows:
        """The right edge after what was signed: remembered, or read again and held against the signer's own frontier."""
        if self._rows is None or self._rows.size != last.size:
            rows = stored_rows(connection, self.schema, last.size)
            if rows.frontier() != last.frontier:
                raise Broken("the leaf hashes or tiles are not those of the tree that was signed")
            self._rows = rows
        return self._rows

    def _publish(self, connection: psycopg.Connection[Any], tree: Tree) -> Signed:
        note = monotone.sign_note(self._store.key, self.chain_id, tree.size, tree.root)
        found = self._ask(
            "select position from {ledger_receipt} where size is null and position between 1 and %(size)s"
            " order by position limit %(limit)s",
            {"size": tree.size, "limit": RECEIPTS_A_TICK},
        ).fetchall()
        positions = [int(row[0]) for row in found]
        if positions:
            self._store.remember_receipts(positions, tree.size)
        with connection.transaction():
            values = {"size": tree.size, "root": tree.root, "note": note, "positions": positions}
            self._ask("insert into {ledger_checkpoint} values (%(size)s, %(root)s, %(note)s) on conflict do nothing", values)
            self._ask("update {ledger_receipt} set size = %(size)s where size is null and position = any(%(positions)s)", values)
            self._ask(
                "delete from {ledger_checkpoint} c where size < %(size)s"
                " and not exists (select 1 from {ledger_cosignature} o where o.size = c.size)"
                " and not exists (select 1 from {ledger_receipt} r where r.size = c.size)",
                values,
            )
        return Signed(self.chain_id, tree.size, tree.root, tree.chain_hash, note, len(positions))

    def _refuse(self, reason: str) -> None:
        self.state, self.reason, self._rows = State.REFUSED, reason, None
        # a chain that another names as its predecessor is written no more: two people may have accepted that its end is lost
        text = (
            "insert into {ledger_stop} select %(reason)s where not exists (select 1 from {ledger_stop})"
            " and not exists (select 1 from {predecessor} where predecessor = %(chain_id)s)"
        )
        self._ask(text, {"reason": reason, "chain_id": self.chain_id})

    def close(self) -> None:
        """Give connection and store back."""
        if self._connection is not None:
            self._connection.close()
        self._store.close()


def _opened_for(topic: bytes, meta: bytes) -> tuple[str, str] | None:
    try:
        fact = catalogue.decode(topic.decode(), meta, None)[1]
    except catalogue.UnknownFact:
        return None
    return (fact.chain_id, fact.vkey) if isinstance(fact, ChainOpened) else None


_TABLES = ("event", "ledger_head", "ledger_checkpoint", "ledger_cosignature", "ledger_tile", "ledger_receipt", "ledger_stop")


def run(dsn: str, tenant: str, signer_dir: Path, stop: threading.Event, signers: dict[str, Signer] | None = None) -> None:
    """Sign every chain of a tenant whose key is in the store, each second, until `stop`; chains opened meanwhile too.

    A chain that is refused is looked at again each second, so that signing goes on once two people have mended it. The caller
    may watch `signers` (by chain_id) for state and reason.
    """
    signers = {} if signers is None else signers
    try:
        while not stop.is_set():
            try:
                with psycopg.connect(dsn, autocommit=True) as connection:
                    known = tenants.chains(connection, tenant)
                for one in known:
                    if one.chain_id not in signers and monotone.has_key(signer_dir, one.chain_id):
                        signers[one.chain_id] = Signer(dsn, signer_dir, one.chain_id, one.schema)
                for signer in signers.values():
                    _tick(signer)
            except psycopg.Error:
                pass  # the database is out of reach: only receipts, release and disposal wait for it
            stop.wait(TICK_S)
    finally:
        for signer in signers.values():
            signer.close()


def _tick(signer: Signer) -> None:
    try:
        signer.tick()
    except Broken:
        pass  # state and reason stand in the signer
    except LedgerError as problem:
        signer.reason = str(problem)
