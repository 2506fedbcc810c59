"""Followers in tests: driven by hand, over projections of the test's own, and with facts that nobody should have written."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import psycopg

import projections.journal
from domain import chain
from domain.ledger.follow import Follower, Transaction, rebuild
from domain.ledger.ledger import Ledger
from domain.ledger.reader import Recorded
from domain.ledger.submission import salted_row
from domain.model.chain_log import BodiesDisposed
from domain.model.record import Titled
from tests.fixtures_ledger import DOMAIN, LedgerTenant
from tests.ledger.appending import wait_until, write

CHAIN = f"{DOMAIN}/record/1"


def titles(fail_closed: bool = False, broken: Callable[[Recorded], None] = lambda _: None) -> Any:
    """A projection of titles: one row a unit. `broken` may raise for a fact."""

    def apply(batch: Sequence[Recorded], tx: Transaction) -> None:
        for recorded in batch:
            broken(recorded)
            if isinstance(recorded.fact, Titled):
                title = recorded.fact.body.title if recorded.fact.body else None
                tx.connection.execute(
                    f"insert into {tx.schema}.title values (%s, %s) on conflict (id) do update set title = excluded.title",
                    (recorded.stream, title),
                )

    ddl = "create table {schema}.title(id uuid primary key, title text)"
    return SimpleNamespace(NAME="titles", VERSION=1, DDL=ddl, TABLES=(("title", "id"),), FAIL_CLOSED=fail_closed, apply=apply)


@contextmanager
def following(tenant: LedgerTenant, projection: Any = projections.journal) -> Iterator[Follower]:
    """A follower that holds its lease and is stepped by hand."""
    follower = Follower(tenant.dsn("work"), tenant.tenant, projection)
    try:
        wait_until(follower.lease)  # an earlier holder's session ends a moment after it was closed
        follower.prepare()
        yield follower
    finally:
        follower.close()


def catch_up(follower: Follower) -> int:
    """Follow to the end of the log; the position."""
    while follower.step():
        pass
    return max(follower.positions().values())


def digests(tenant: LedgerTenant, follower: Follower) -> tuple[str, str]:
    """(live, rebuilt beside it)."""
    return rebuild(tenant.dsn("work"), tenant.tenant, follower.projection, follower, swap=False)


def followed(follower: Follower, stream: uuid.UUID) -> str | None:
    """The title that `titles` holds for a unit."""
    row = follower.connection.execute(f"select title from {follower.schema}.title where id = %s", (stream,)).fetchone()
    return row[0] if row else None


def poisoned(follower: Follower) -> dict[uuid.UUID, int]:
    """stream -> the position that stopped it."""
    return dict(follower.connection.execute(f"select stream, position from {follower.schema}.poison").fetchall())


def dispose(ledger: Ledger, *positions: int, parts: tuple[str, ...] = ("body",)) -> None:
    """Decide that the bodies at these positions are destroyed."""
    write(ledger, (uuid.uuid4(), BodiesDisposed("vedtak 7", tuple((one, one) for one in sorted(positions)), parts)))


def destroy(tenant: LedgerTenant, *positions: int) -> None:
    """Destroy bodies as the disposer does."""
    with psycopg.connect(tenant.dsn("disposer"), autocommit=True) as connection:
        done = connection.execute(
            f"update {tenant.tenant}.event set body = null, body_salt = null, body_key = null where position = any(%s)",
            (list(positions),),
        )
    assert done.rowcount == len(positions)


def insert_raw(tenant: LedgerTenant, stream: uuid.UUID, version: int, topic: str, meta: bytes, body: bytes = b"") -> int:
    """Put a fact of any name and shape into the chain, hashed as it should be; its position."""
    row = salted_row(stream, version, topic, meta, body)
    with tenant.owner() as connection, connection.transaction():
        head = connection.execute(
            f"select position, chain_hash, frontier, recorded_at_us from {tenant.tenant}.ledger_head for update"
        ).fetchone()
        assert head is not None
        position, at_us = head[0] + 1, head[3]
        entry = chain.Entry(CHAIN, position, at_us, stream.bytes, version, topic, row.meta_commit, row.body_commit)
        leaf = chain.leaf_hash(chain.encode_entry(entry))
        hash_now = chain.chain_hash(head[1], leaf)
        connection.execute(
            f"insert into {tenant.tenant}.event values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, null, %s, %s, %s)",
            (position, stream, version, topic, at_us, *row[3:9], leaf, hash_now),
        )
        connection.execute(
            f"update {tenant.tenant}.ledger_head set position = %s, chain_hash = %s, frontier = %s",
            (position, hash_now, chain.Frontier.decode(head[2]).append(leaf).encode()),
        )
    return int(position)


@contextmanager
def unguarded(tenant: LedgerTenant) -> Iterator[psycopg.Connection]:
    """The database's owner with the triggers off: whoever has the server can do this."""
    with tenant.owner() as connection:
        connection.execute("set session_replication_role = replica")
        yield connection
