"""Tampering with every table of a ledger, a checkpoint of each chain being held outside: 0 missed, 0 false alarms.

Each change is made in a transaction, the whole verifier runs on what it left, and the change is taken back.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from itertools import islice

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from domain import chain
from domain.ledger import monotone
from domain.ledger.selfcheck import ChainReport
from tests.attack import structures
from tests.attack.tampering import IN_CHAIN, SEED, SPANNING, Attacked, Tally, counts, every_bit, full_ledger, grow
from tests.fixtures_ledger import LedgerTenant
from tests.ledger import forging
from tests.ledger.tampering import update
from tests.ledger.test_witness import NAME

Record = Callable[[str, object], None]


@pytest.fixture
def ledger(ledger_tenant: LedgerTenant) -> Iterator[Attacked]:
    with full_ledger(ledger_tenant) as built:
        yield built


def sound(ledger: Attacked) -> list[ChainReport]:
    """No false alarm, and nothing unprovable but that nobody witnessed the second chain."""
    reports = ledger.verify()
    assert [report.faults for report in reports] == [[], []]
    assert [report.unprovable for report in reports] == [[], [f"what {NAME} witnessed: no cosignature of it is kept"]]
    return reports


def found(reports: list[ChainReport], before: list[ChainReport]) -> bool:
    """Whether a change was found, and said where; or what it took away is named as unprovable from now on."""
    faults = [fault for report in reports for fault in report.faults]
    if faults:
        return all(fault.position is not None or fault.interval is not None for fault in faults)
    was, now = ({(one.chain_id, line) for one in of for line in one.unprovable} for of in (before, reports))
    return was < now


@counts(250, 32_000)
def test_a_changed_byte_of_any_table(ledger: Attacked, count: int, record_property: Record) -> None:
    tally = Tally("tamper, bytes of all tables through the verifier")
    before = sound(ledger)
    for change in islice(every_bit(ledger, random.Random(SEED)), count):
        with ledger.changed(*update(change)) as reports:
            tally.take(change.table, found(reports, before), change.what)
        if tally.made % 1_000 == 0:
            sound(ledger)
    sound(ledger)
    assert set(tally.by_kind) == {*IN_CHAIN, *SPANNING} - {"ledger_tile"}
    tally.close(record_property, count)


@counts(60, 1_500)
def test_a_changed_byte_of_a_tile(ledger_tenant: LedgerTenant, count: int, record_property: Record) -> None:
    tally = Tally("tamper, bytes of tiles through the verifier")
    grow(ledger_tenant, 45)
    with full_ledger(ledger_tenant) as ledger:
        before = sound(ledger)
        tiles = (change for change in every_bit(ledger, random.Random(SEED)) if change.table == "ledger_tile")
        for change in islice(tiles, count):
            with ledger.changed(*update(change)) as reports:
                tally.take(change.table, found(reports, before), change.what)
        sound(ledger)
    tally.close(record_property, count)


@counts(120, 2_400)
def test_a_change_of_structure(ledger: Attacked, count: int, record_property: Record) -> None:
    tally, chance = Tally("tamper, structure"), random.Random(SEED)
    before = sound(ledger)
    for kind, what, make in islice(structures.structural(ledger, chance), count):
        with ledger.connection.transaction(force_rollback=True):
            make()
            tally.take(kind, found(ledger.verify(), before), what)
    sound(ledger)
    assert len(tally.by_kind) == 12
    tally.close(record_property, count)


@counts(12, 150)
def test_events_after_the_checkpoint_held_outside_are_named(
    ledger_tenant: LedgerTenant, count: int, record_property: Record
) -> None:
    """What a held checkpoint does not cover can be rewritten unseen, by who also has the key: it is said to be unprovable."""
    tally, chance = Tally("tamper, after the held checkpoint"), random.Random(SEED)
    with full_ledger(ledger_tenant) as ledger:
        schema = ledger.schemas()[1]
        whole = ledger.notes
        last = len(ledger.rows(schema, "event"))
        notes = {last: whole[-1]}
        rows = forging.events(ledger, schema)
        tree = chain.Frontier.empty()
        for row in rows[:-1]:
            tree = tree.append(bytes(row["leaf_hash"]))
            notes[tree.size] = monotone.sign_note(key_of(ledger, schema), ledger.chain_of(schema), tree.size, tree.root())
        for _ in range(count):
            size, at = chance.randint(1, last - 1), chance.randint(1, last)
            ledger.notes = [*whole[:2], notes[size]]
            with ledger.connection.transaction(force_rollback=True):
                forging.forge(ledger, schema, lambda found, at=at: changed(found, at), key_of(ledger, schema))  # type: ignore[misc]
                report = ledger.verify()[1]
            named = f"positions {size + 1}-{last}: after the latest checkpoint held outside" in report.unprovable
            tally.take("covered" if at <= size else "not covered", named and report.ok is (at > size), f"{at} with {size} held")
    assert len(tally.by_kind) == 2
    tally.close(record_property, count)


def changed(rows: list[forging.Row], at: int) -> list[forging.Row]:
    rows[at - 1]["body"] = (rows[at - 1]["body"] or b"") + b" "
    return rows


def key_of(ledger: Attacked, schema: str) -> Ed25519PrivateKey:
    """The chain's own key: the worst case."""
    return monotone.read_key(monotone.chain_folder(ledger.one.signer_dir, ledger.chain_of(schema)) / "key")


def test_the_ledger_has_a_row_in_every_table(ledger: Attacked) -> None:
    present = {table for schema in ledger.schemas() for table in IN_CHAIN if ledger.rows(schema, table)}
    assert present == {*IN_CHAIN} - {"ledger_tile"}
    assert all(ledger.rows(ledger.one.tenant, table) for table in SPANNING)
    names = ledger.connection.execute(
        "select distinct table_name from information_schema.tables"
        " where table_schema in (%s, %s) and table_name ~ '^(event|ledger_)'",
        tuple(ledger.schemas()),
    ).fetchall()
    assert {str(name) for (name,) in names} == {*IN_CHAIN, *SPANNING, "ledger_stop"}, "a new table is to be attacked too"


def test_a_stop_is_a_fault_whatever_it_says(ledger: Attacked) -> None:
    before = sound(ledger)
    for reason in ("x", "", None):
        with ledger.changed(f"insert into {ledger.one.tenant}.ledger_stop values (%s)", (reason,)) as reports:
            assert found(reports, before)
