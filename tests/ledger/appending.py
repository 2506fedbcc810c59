"""Submissions as tests write them: to one stream or several, alone, or together in one batch."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any

import psycopg

from domain import catalogue, chain
from domain.catalogue import Envelope
from domain.ledger.ledger import Ledger
from domain.ledger.submission import Appended
from domain.model import record
from domain.model.ids import Number, NumberedKey
from domain.model.registry_entry import EntryNumbered
from tests.fixtures_ledger import LedgerTenant

DAY = date(2026, 3, 4)
Fact = tuple[uuid.UUID, Any]


def envelope(**more: Any) -> Envelope:
    """A command's envelope."""
    return Envelope(cmd=str(uuid.uuid4()), n=1, m=1, actor="tor.lie", **more)


def write(
    ledger: Ledger,
    *facts: Fact,
    expect: Mapping[uuid.UUID, int] | None = None,
    at: datetime | None = None,
    **more: Any,
) -> Appended:
    """Append facts; a stream is expected to be new unless `expect` says otherwise."""
    expected = {stream: 0 for stream, _ in facts} | dict(expect or {})
    return ledger.append(list(facts), envelope(**more), expected, at or ledger.clock.now())


def titled(stream: uuid.UUID, text: str = "Naust") -> Fact:
    """A title for a stream."""
    return stream, record.titled(text)


def claiming(stream: uuid.UUID, key: str, *released: str) -> Fact:
    """An external key for a stream, in place of others."""
    body = record.ExternalKeyBody("elev", "1")
    freed = tuple(("external", one) for one in released)
    return stream, record.ExternalKeySet(body, (("external", key),), freed)


def numbered(stream: uuid.UUID, series: str = "journal/2026", *, claimed: bool = True, ordinal: int = 0) -> Fact:
    """A number of a series for a stream, with or without a claim around it."""
    number = Number(series, ordinal)
    claims = (("journal-number", NumberedKey("2026/", number)),) if claimed else ()
    return stream, EntryNumbered(2026, number, DAY, claims)


def together(tenant: LedgerTenant, ledger: Ledger, commands: Sequence[Callable[[], Any]]) -> list[Any]:
    """Run commands so that they meet in one batch, in this order: what each returned or raised.

    A foreign transaction holds the head row while a first command waits for it; the rest queue up behind that one.
    """
    results: list[Any] = [None] * len(commands)

    def run(at: int, command: Callable[[], Any]) -> None:
        try:
            results[at] = command()
        except Exception as problem:
            results[at] = problem

    plug = uuid.uuid4()
    threads = [threading.Thread(target=write, args=(ledger, titled(plug)))]
    threads += [threading.Thread(target=run, args=(at, command)) for at, command in enumerate(commands)]
    with head_held(tenant):
        threads[0].start()
        wait_until(lambda: ledger.writer.queued == 0 and waiting_backends(tenant) > 0)
        for at, thread in enumerate(threads[1:], 1):
            thread.start()
            wait_until(lambda at=at: ledger.writer.queued == at)  # type: ignore[misc]
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()
    return results


@contextmanager
def head_held(tenant: LedgerTenant) -> Any:
    """The head row locked by somebody else."""
    with tenant.owner() as connection, connection.transaction():
        connection.execute(f"select 1 from {tenant.tenant}.ledger_head for update")
        yield


def waiting_backends(tenant: LedgerTenant) -> int:
    """How many of the writer's sessions wait for a lock."""
    with tenant.owner() as connection:
        row = connection.execute(
            "select count(*) from pg_stat_activity where usename = %s and datname = %s and wait_event_type = 'Lock'",
            (f"{tenant.tenant}_writer", tenant.database),
        ).fetchone()
    assert row is not None
    return int(row[0])


def wait_until(condition: Callable[[], bool], timeout_s: float = 20.0) -> None:
    """Wait for a condition; AssertionError where it does not come."""
    pause = threading.Event()
    for _ in range(int(timeout_s / 0.005)):
        if condition():
            return
        pause.wait(0.005)
    raise AssertionError("it did not happen in time")


def events(tenant: LedgerTenant) -> list[tuple[Any, ...]]:
    """Every event: (position, stream, version, topic, recorded_at_us, meta, body)."""
    with tenant.owner() as connection:
        return connection.execute(
            "select position, originator_id, originator_version, topic, recorded_at_us, meta, body"
            f" from {tenant.tenant}.event order by position"
        ).fetchall()


def check_chain(connection: psycopg.Connection, schema: str, chain_id: str) -> int:
    """Recompute the chain from its rows: positions, commitments, leaves, chain hashes, tree, head. Returns its length."""
    previous, frontier, position, recorded = chain.genesis(chain_id), chain.Frontier.empty(), 0, 0
    versions: dict[uuid.UUID, int] = {}
    introduced = set(catalogue.FORMAT_TOPICS)
    for row in connection.execute(f"select * from {schema}.event order by position"):
        at, stream, version, topic, at_us, meta_salt, meta, meta_commit, body_salt, body, _, body_commit, leaf, chain_hash = row
        position += 1
        assert at == position
        assert version == versions.get(stream, 0) + 1
        assert at_us >= recorded
        assert chain.meta_commit(meta_salt, meta) == meta_commit
        assert body is None or chain.body_commit(body_salt, body) == body_commit
        entry = chain.Entry(chain_id, at, at_us, stream.bytes, version, topic, meta_commit, body_commit)
        assert chain.leaf_hash(chain.encode_entry(entry)) == leaf
        previous = chain.chain_hash(previous, leaf)
        assert previous == chain_hash
        assert topic in introduced, f"{topic} at {at} was not introduced"
        if topic == "ledger.fact-type-introduced.v1":
            introduced.add(catalogue.decode(topic, meta, None)[1].topic)
        frontier, versions[stream], recorded = frontier.append(leaf), version, at_us
    head = connection.execute(f"select position, chain_hash, frontier, recorded_at_us from {schema}.ledger_head").fetchone()
    assert head == (position, previous, frontier.encode(), recorded)
    return position
