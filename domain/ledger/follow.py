"""Followers of the log: a projection's rows and its position change in one transaction, a batch at a time.

A follower stores (chain_id, position, chain_hash) and stops where the ledger disagrees. One runner a projection, by an
advisory lock that the session holds. A fact that cannot be applied stops its own stream only, unless the projection says
that it must stop altogether.

The log may be read from a streaming standby: what the standby has not replayed yet is waited for, and is no disagreement. A
standby that was promoted is a ledger like any other, and one that lacks what was followed stops the follower.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql

from domain.catalogue import UnknownFact
from domain.chain import DISPOSAL_TOPIC
from domain.ledger.faults import Broken, LedgerError
from domain.ledger.patience import patient
from domain.ledger.projection import Erased, Projection, Transaction, connection_lost, said
from domain.ledger.reader import Recorded, decode_row

__all__ = ["Follower", "Projection", "Runner", "Transaction", "rebuild"]

BATCH = 2_000
POLL_S = 0.1


class Follower:
    """Follows the tenant's record chains into `schema`. Raises Broken where the ledger disagrees with what was followed.

    dsn: where the projection's rows are written; log_dsn: a standby that the facts are read from, default the same database.
    """

    def __init__(
        self,
        dsn: str,
        tenant: str,
        projection: Projection,
        schema: str | None = None,
        reader_roles: Sequence[str] = ("web", "reader", "auditor"),
        log_dsn: str | None = None,
    ) -> None:
        self.projection = projection
        self.tenant = tenant
        self.schema = schema or f"{tenant}_p_{projection.NAME}"
        self._roles = reader_roles
        self._dsn = dsn
        self.log_dsn = log_dsn
        self._connect()
        self._chain = ""
        self.broken: LedgerError | None = None
        self._poisoned: dict[UUID, tuple[str, int]] = {}

    def _connect(self) -> None:
        self.connection: psycopg.Connection[Any] = psycopg.connect(patient(self._dsn), autocommit=True)
        self._log = self.connection
        if self.log_dsn is not None:
            try:
                self._log = psycopg.connect(patient(self.log_dsn), autocommit=True)
            except psycopg.OperationalError:
                self.connection.close()
                raise

    def lease(self) -> bool:
        """Become the one runner of this projection; False where another session is."""
        key = int.from_bytes(hashlib.sha256(self.schema.encode()).digest()[:8], "big", signed=True)
        row = self.connection.execute("select pg_try_advisory_lock(%s)", (key,)).fetchone()
        return bool(row and row[0])

    def prepare(self) -> None:
        """Make the projection's tables, or make them anew where its VERSION has changed."""
        with self.connection.transaction():
            exists = self.connection.execute("select 1 from pg_namespace where nspname = %s", (self.schema,)).fetchone()
            if exists:
                row = self.connection.execute(sql.SQL("select version from {}").format(self._own("projection"))).fetchone()
                if row is not None and int(row[0]) == self.projection.VERSION:
                    self._read_poison()
                    return
                self.drop()
            self._create()
        self._read_poison()

    def _create(self) -> None:
        self.connection.execute(sql.SQL("create schema {}").format(sql.Identifier(self.schema)))
        made = self.projection.DDL.replace("{schema}", self.schema).replace("{tenant}", self.tenant)
        self.connection.execute(sql.SQL(made))  # pyright: ignore[reportArgumentType]
        self.connection.execute(
            sql.SQL(
                "create table {projection}(version integer not null);"
                "create table {follower}(chain_id text primary key, position bigint not null, chain_hash bytea not null);"
                "create table {poison}(stream uuid primary key, chain_id text not null, position bigint not null,"
                " problem text not null)"
            ).format(projection=self._own("projection"), follower=self._own("follower"), poison=self._own("poison"))
        )
        self.connection.execute(sql.SQL("insert into {} values (%s)").format(self._own("projection")), (self.projection.VERSION,))
        for kind in self._roles:
            role = sql.Identifier(f"{self.tenant}_{kind}")
            self.connection.execute(sql.SQL("grant usage on schema {} to {}").format(sql.Identifier(self.schema), role))
            self.connection.execute(
                sql.SQL("grant select on all tables in schema {} to {}").format(sql.Identifier(self.schema), role)
            )

    def drop(self) -> None:
        """Remove the projection's schema."""
        self.connection.execute(sql.SQL("drop schema if exists {} cascade").format(sql.Identifier(self.schema)))

    def _own(self, name: str) -> sql.Identifier:
        return sql.Identifier(self.schema, name)

    def _read_poison(self) -> None:
        rows = self.connection.execute(
            sql.SQL("select stream, chain_id, position from {}").format(self._own("poison"))
        ).fetchall()
        self._poisoned = {row[0]: (str(row[1]), int(row[2])) for row in rows}

    def reconnect(self) -> None:
        """A new connection in place of a broken one; the lease must be taken again. Raises psycopg.OperationalError."""
        self.close()
        self._connect()

    def chains(self) -> list[tuple[str, str]]:
        """(chain_id, schema) of the record chains, oldest first."""
        query = sql.SQL("select chain_id, schema from {} where chain_id like '%%/record/%%' order by chain_no")
        rows = self._log.execute(query.format(sql.Identifier(self.tenant, "ledger_chain"))).fetchall()
        return [(str(row[0]), str(row[1])) for row in rows]

    def step(self, up_to: Mapping[str, int] | None = None) -> int:
        """Apply the next batch; the number of facts read, 0 at the end. up_to: chain_id -> the position not to pass."""
        for chain_id, schema in self.chains():
            self._chain = schema
            poisoned = dict(self._poisoned)
            try:
                read = self._batch(chain_id, schema, None if up_to is None else up_to.get(chain_id, 0))
            except BaseException:
                self._poisoned = poisoned  # as in the table, which was rolled back
                raise
            if read:
                return read
        return 0

    def _batch(self, chain_id: str, schema: str, up_to: int | None) -> int:
        with self.connection.transaction():
            row = self.connection.execute(
                sql.SQL("select position, chain_hash from {} where chain_id = %s").format(self._own("follower")), (chain_id,)
            ).fetchone()
            position, known = (int(row[0]), bytes(row[1])) if row else (0, b"")
            rows = self._read(schema, position, up_to)
            if position:
                if not rows and self._log is not self.connection:
                    if self.behind():
                        return 0
                    rows = self._read(schema, position, up_to)  # it may have been promoted between the two questions
                if not rows or int(rows[0][0]) != position or bytes(rows[0][7]) != known:
                    raise self._disagree(chain_id, position)
                rows = rows[1:]
            if not rows:
                return 0
            self._apply(chain_id, rows)
            self.connection.execute(
                sql.SQL(
                    "insert into {} values (%s, %s, %s) on conflict (chain_id) do update"
                    " set position = excluded.position, chain_hash = excluded.chain_hash"
                ).format(self._own("follower")),
                (chain_id, int(rows[-1][0]), bytes(rows[-1][7])),
            )
            return len(rows)

    def _read(self, schema: str, position: int, up_to: int | None) -> list[Any]:
        # from the last position on, that fact included: its chain hash must still be the one that was followed
        query = sql.SQL(
            "select position, recorded_at_us, originator_id, originator_version, topic, meta, body, chain_hash"
            " from {} where position >= %s and position <= %s order by position limit %s"
        ).format(sql.Identifier(schema, "event"))
        with self._log.transaction(), self._log.cursor(binary=True) as cursor:
            # by the index: with no statistics yet the planner sorts all that is left of the log, again for each batch
            self._log.execute("set local enable_sort to off")
            rows = cursor.execute(query, (position, up_to if up_to is not None else 2**62, BATCH + 1)).fetchall()
            self._log.execute("set local enable_sort to on")
            return rows

    def behind(self) -> bool:
        """Whether the log is read from a standby, which may not have replayed yet what is asked for."""
        row = None if self._log is self.connection else self._log.execute("select pg_is_in_recovery()").fetchone()
        return bool(row and row[0])

    def _disagree(self, chain_id: str, position: int) -> Broken:
        return Broken(
            f"{self.projection.NAME} has followed {chain_id} to position {position}, which the ledger no longer holds as it was",
            hint="Run `dagbok verify` with a checkpoint held outside; do not rebuild before the cause is known.",
        )

    def _apply(self, chain_id: str, rows: Sequence[Any]) -> None:
        batch: list[Recorded] = []
        for row in rows:
            # what came before the fact that cannot be read stays in, or a rebuild would differ from the live projection; and
            # what law has destroyed goes out, whatever else cannot be read
            if row[2] in self._poisoned and row[4] != DISPOSAL_TOPIC:
                continue
            try:
                batch.append(decode_row(chain_id, row[:7]))
            except UnknownFact as problem:
                self._poison(chain_id, row[2], int(row[0]), problem)
        transaction = Transaction(self.connection, self.schema, self)
        try:
            with self.connection.transaction():
                self.projection.apply(batch, transaction)
        except Exception as problem:
            if connection_lost(problem) or self.projection.FAIL_CLOSED:
                raise
            self._one_by_one(batch, transaction)

    def _one_by_one(self, batch: Sequence[Recorded], transaction: Transaction) -> None:
        """Something in the batch cannot be applied: find what, and leave only its stream behind."""
        for recorded in batch:
            _, poison_at = self._poisoned.get(recorded.stream, ("", recorded.position + 1))
            if recorded.position > poison_at and recorded.topic != DISPOSAL_TOPIC:
                continue
            try:
                with self.connection.transaction():
                    self.projection.apply([recorded], transaction)
            except Exception as problem:
                if connection_lost(problem):
                    raise
                self._poison(recorded.chain_id, recorded.stream, recorded.position, problem)

    def _poison(self, chain_id: str, stream: UUID, position: int, problem: Exception) -> None:
        if self.projection.FAIL_CLOSED:
            raise problem
        self._poisoned.setdefault(stream, (chain_id, position))
        self.connection.execute(
            sql.SQL("insert into {} values (%s, %s, %s, %s) on conflict do nothing").format(self._own("poison")),
            (stream, chain_id, position, said(problem)),
        )

    def streams_at(self, positions: Sequence[range]) -> list[UUID]:
        """The units whose facts stand at these positions of the chain followed now."""
        found: dict[UUID, None] = {}
        for part in positions:
            rows = self._log.execute(
                sql.SQL("select distinct originator_id from {} where position >= %s and position < %s").format(
                    sql.Identifier(self._chain, "event")
                ),
                (part.start, part.stop),
            ).fetchall()
            found.update(dict.fromkeys(row[0] for row in rows))
        return list(found)

    def stream(self, stream: UUID, erased: Erased, up_to: int) -> list[Recorded]:
        """A unit's facts over the chains followed so far, without the bodies that are erased, up to one that cannot be read."""
        found = []
        poisoned_chain, poisoned_at = self._poisoned.get(stream, ("", 0))
        for chain_id, schema in self.chains():
            current = schema == self._chain
            last = up_to if current else 2**62
            if chain_id == poisoned_chain:
                last = min(last, poisoned_at - 1)
            rows = self._log.execute(
                sql.SQL(
                    "select position, recorded_at_us, originator_id, originator_version, topic, meta, body from {}"
                    " where originator_id = %s and position <= %s order by originator_version"
                ).format(sql.Identifier(schema, "event")),
                (stream, last),
            ).fetchall()
            for row in rows:
                gone = erased(chain_id, int(row[0]))
                found.append(decode_row(chain_id, (*row[:6], None if gone else row[6])))
            if current or chain_id == poisoned_chain:
                break
        return found

    def positions(self) -> dict[str, int]:
        """chain_id -> how far this projection has come."""
        rows = self.connection.execute(sql.SQL("select chain_id, position from {}").format(self._own("follower"))).fetchall()
        return {str(row[0]): int(row[1]) for row in rows}

    def digest(self) -> str:
        """SHA-256 (hex) over the projection's rows, table by table, ordered by key as text."""
        digest = hashlib.sha256()
        for table, key in self.projection.TABLES:
            digest.update(f"{table}\n".encode())
            query = sql.SQL('select t::text from {} t order by ({})::text collate "C"').format(self._own(table), sql.SQL(key))  # pyright: ignore[reportArgumentType]
            with self.connection.transaction(), self.connection.cursor(name="digest") as cursor:
                cursor.itersize = 5_000
                for row in cursor.execute(query):
                    digest.update(str(row[0]).encode() + b"\n")
        return digest.hexdigest()

    def close(self) -> None:
        """Close the connections; the lease ends with its own."""
        self._log.close()
        self.connection.close()


class Runner:
    """A thread that keeps one projection up with the log: it polls, and is woken by writes of this process."""

    def __init__(self, follower: Follower) -> None:
        self.follower = follower
        self._wake = threading.Event()
        self._stop = False
        self._leased = False
        self._moved = threading.Condition()
        self._thread = threading.Thread(target=self._run, name=f"follow-{follower.projection.NAME}", daemon=True)

    def start(self) -> None:
        """Begin. The projection's tables are there when this returns, unless another runner is about to make them."""
        with suppress(psycopg.OperationalError):
            self._leased = self._begin()
        self._thread.start()

    def wake(self) -> None:
        """Something was written."""
        self._wake.set()

    def _run(self) -> None:
        while not self._stop:
            try:
                self._leased = self._leased or self._begin()
                moved = self.follower.step() if self._leased else 0
            except Broken as problem:
                self.follower.broken = problem
                break
            except Exception as problem:
                moved = 0
                if connection_lost(problem):
                    self._leased = False
                    with suppress(psycopg.Error):
                        self.follower.reconnect()
                else:  # a projection that fails closed: it stays where it is, says why, and is tried again after a change
                    self.follower.broken = LedgerError(f"{self.follower.projection.NAME} stopped: {problem}")
            else:
                self.follower.broken = None
            if moved:
                with self._moved:
                    self._moved.notify_all()
            else:
                self._wake.wait(POLL_S)
                self._wake.clear()

    def _begin(self) -> bool:
        if not self.follower.lease():
            return False
        self.follower.prepare()
        return True

    def wait_for(self, timeout_s: float) -> None:
        """Wait until a batch was applied, or the time is over."""
        self.wake()
        with self._moved:
            self._moved.wait(timeout_s)

    def stop(self) -> None:
        """End after the batch under way."""
        self._stop = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()
        self.follower.close()


def rebuild(dsn: str, tenant: str, projection: Projection, live: Follower, swap: bool) -> tuple[str, str]:
    """Rebuild a projection beside the live one up to the same position: (digest live, digest rebuilt).

    The live follower must hold the lease and stand still. swap: put the rebuilt one in the live one's place, in one transaction.
    """
    positions = live.positions()
    shadow = Follower(dsn, tenant, projection, f"{tenant}_rebuild_{projection.NAME}", log_dsn=live.log_dsn)
    try:
        shadow.drop()
        shadow.prepare()
        while shadow.step(positions) or _must_wait(shadow, positions):
            pass
        digests = live.digest(), shadow.digest()
        if swap:
            with shadow.connection.transaction():
                live_name, new_name = sql.Identifier(live.schema), sql.Identifier(shadow.schema)
                shadow.connection.execute(sql.SQL("drop schema {} cascade").format(live_name))
                shadow.connection.execute(sql.SQL("alter schema {} rename to {}").format(new_name, live_name))
        else:
            shadow.drop()
        return digests
    finally:
        shadow.close()


def _must_wait(shadow: Follower, positions: Mapping[str, int]) -> bool:
    if shadow.positions() == positions or not shadow.behind():
        return False
    time.sleep(POLL_S)
    return True
