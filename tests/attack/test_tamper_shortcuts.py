"""The same attacks on the short cuts of verification: several processes, and beginning where the last run ended.

A short cut may not hide a fault: what it says of a ledger that was changed is what the whole run says, word for word. What the
incremental run does not read again it names.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice

import psycopg
import pytest

from domain.ledger import selfcheck, verified
from domain.ledger.clock import SystemClock
from domain.ledger.ranges import Workers
from domain.ledger.selfcheck import ChainReport, Memory
from tests.attack.tampering import SEED, Attacked, Tally, counts, every_bit, full_ledger, grow
from tests.attack.test_tamper_cli import exchange, value_of
from tests.fixtures_ledger import LedgerTenant
from tests.ledger import tampering
from tests.ledger.forging import Row, forge
from tests.ledger.tampering import Change

Record = Callable[[str, object], None]


@contextmanager
def committed(one: LedgerTenant, entries: int) -> Iterator[Attacked]:
    """As other connections see it: the constraints gone for good."""
    grow(one, entries)
    with full_ledger(one) as ledger:
        ledger.connection.commit()
        ledger.connection.autocommit = True
        ledger.connection.execute("set session_replication_role = replica")
        yield ledger


def check(ledger: Attacked, memory: Memory | None = None, workers: Workers | None = None) -> list[ChainReport]:
    memory = memory or Memory(ledger.one.signer_dir, SystemClock())  # the whole run has the signer's memory at hand too
    with psycopg.connect(ledger.one.dsn("auditor"), autocommit=True) as connection:
        return selfcheck.check(connection, ledger.one.tenant, ledger.notes, ledger.vkeys, memory, workers)


@contextmanager
def changed(ledger: Attacked, change: Change) -> Iterator[None]:
    before = value_of(ledger, change)
    place = exchange(ledger.connection, change, change.value, change.row)
    try:
        yield
    finally:
        exchange(ledger.connection, change, before, place)


def changes(ledger: Attacked, chance: random.Random) -> Iterator[Change]:
    while True:  # rows move with each update
        yield from islice(every_bit(ledger, chance), 1)


@counts(6, 500)
def test_several_processes_miss_nothing(ledger_tenant: LedgerTenant, count: int, record_property: Record) -> None:
    tally = Tally("tamper, bytes with several processes")
    with committed(ledger_tenant, 90) as ledger, Workers(ledger_tenant.dsn("auditor"), 2, 0, 256) as workers:
        assert len(ledger.rows(ledger_tenant.tenant, "event")) > 512, "three ranges"
        sound = check(ledger, workers=workers)
        assert [report.faults for report in sound] == [[], []]
        for change in islice(changes(ledger, random.Random(SEED)), count):
            with changed(ledger, change):
                shared, whole = check(ledger, workers=workers), check(ledger)
            tally.take(change.table, shared == whole and not all(one.ok for one in whole), change.what)
        assert check(ledger, workers=workers) == sound
    tally.close(record_property, count)


@counts(8, 600)
def test_beginning_where_the_last_run_ended_misses_nothing(
    ledger_tenant: LedgerTenant, count: int, record_property: Record
) -> None:
    tally, memory = Tally("tamper, bytes with a memory"), Memory(ledger_tenant.signer_dir, SystemClock(), use=True)
    path = verified.path_of(ledger_tenant.signer_dir, ledger_tenant.tenant)
    grow(ledger_tenant, 45)
    tampering.sign(ledger_tenant, 1)
    with psycopg.connect(ledger_tenant.dsn("auditor"), autocommit=True) as connection:
        (first,) = selfcheck.check(connection, ledger_tenant.tenant, memory=memory)
    assert first.ok
    remembered, sizes = path.read_bytes(), {first.chain_id: first.events}
    with committed(ledger_tenant, 0) as ledger:
        assert [report.faults for report in check(ledger, memory)] == [[], []]
        later = path.read_bytes()
        chance = random.Random(SEED)
        for change in changes(ledger, chance):
            old = change.position is not None and change.position <= sizes.get(ledger.chain_of(change.schema), 0)
            if old and chance.random() < 0.9:
                continue
            if tally.made == count:
                break
            path.write_bytes(remembered)
            with changed(ledger, change):
                short, whole = check(ledger, memory), check(ledger)
            named = any(line.endswith("verified before, not read again") for one in short for line in one.unprovable)
            same = [one.faults for one in short] == [one.faults for one in whole] and not all(one.ok for one in short)
            kind = f"{change.table}, {'not read again' if old else 'checked'}"
            tally.take(kind, same or (old and all(one.ok for one in short) and named), change.what)
        path.write_bytes(later)
        assert [report.faults for report in check(ledger, memory)] == [[], []]
    tally.close(record_property, count)


@pytest.mark.parametrize(
    "text",
    [
        "delete from {t}.event where position = 9",
        "update {t}.event set position = 5 where position = 6",
        "insert into {t}.event select 0, originator_id, originator_version, topic, recorded_at_us, meta_salt, meta, meta_commit,"
        " body_salt, body, body_key, body_commit, leaf_hash, chain_hash from {t}.event where position = 9",
        "update {t}.event set body = null, body_salt = null where position = 9",
        "update {t}.event set body_salt = null where position = 9",
        "update {t}.ledger_tile set hashes = hashes || 'x'",
        "delete from {t}.ledger_tile",
        "delete from {t}.ledger_claim where kind = 'case-number'",
        "insert into {t}.ledger_claim values ('case-number', '2026/99', gen_random_uuid())",
        "update {t}.ledger_counter set value = value + 1",
        "delete from {t}.ledger_checkpoint where size = (select min(size) from {t}.ledger_checkpoint)",
        "delete from {t}.ledger_chain where chain_no = 1",
    ],
)
def test_what_the_incremental_run_sees_of_what_it_does_not_read(ledger_tenant: LedgerTenant, text: str) -> None:
    """Rows gone, added, moved or without their body before the place where it begins; and every other table."""
    memory = Memory(ledger_tenant.signer_dir, SystemClock(), use=True)
    with committed(ledger_tenant, 45) as ledger:
        assert [report.faults for report in check(ledger, memory)] == [[], []]
        ledger.connection.execute(text.replace("{t}", ledger_tenant.tenant))
        short, whole = check(ledger, memory), check(ledger)
        assert [one.faults for one in short] == [one.faults for one in whole]
        assert not all(one.ok for one in short)


@pytest.mark.parametrize("kind", ["text using recorded_at_us::text", "numeric using recorded_at_us + 0.25"])
def test_several_processes_before_a_column_of_another_type(ledger_tenant: LedgerTenant, kind: str) -> None:
    with committed(ledger_tenant, 90) as ledger, Workers(ledger_tenant.dsn("auditor"), 2, 0, 256) as workers:
        table = f"{ledger_tenant.tenant}.event"
        ledger.connection.execute(f"drop trigger event_body_only on {table}")
        ledger.connection.execute(f"alter table {table} alter column recorded_at_us type {kind}")
        shared, whole = check(ledger, workers=workers), check(ledger)
        assert shared == whole
        assert not whole[0].ok


def test_streams_of_the_tail_go_on_where_those_before_ended(ledger_tenant: LedgerTenant) -> None:
    """A forger with the right key begins a stream anew after what was verified: every hash is right, the versions are not."""
    memory = Memory(ledger_tenant.signer_dir, SystemClock(), use=True)
    with full_ledger(ledger_tenant) as ledger:
        schema = ledger.schemas()[1]
        ledger.notes = []

        def restarted(rows: list[Row]) -> list[Row]:
            return [*rows, {**rows[-1], "originator_id": rows[0]["originator_id"], "originator_version": 1}]

        ledger.connection.commit()
        assert all(report.ok for report in check(ledger, memory))
        ledger.connection.execute("set session_replication_role = replica")
        forge(ledger, schema, restarted, key=None)
        ledger.connection.commit()
        short, whole = check(ledger, memory), check(ledger)
        assert [one.faults for one in short] == [one.faults for one in whole]
        assert any("follows version" in fault.what for one in short for fault in one.faults)
