"""Every byte of every column of every event as it comes over the wire, changed and fed to the verifier's walk.

The rows are the database's own (COPY, binary); only the changed byte is ours. What the walk alone finds here, `verify` finds.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from domain.ledger.chainread import TABLES
from domain.ledger.walk import Findings, Walk
from tests.attack.tampering import SEED, Tally, counts, full_ledger
from tests.fixtures_ledger import LedgerTenant
from tests.ledger.forging import forge
from tests.ledger.tampering import Ledger

COLUMNS = 14


def rows_of(ledger: Ledger, schema: str) -> list[bytes]:
    with closing(Walk(ledger.chain_of(schema), Findings()).rows(ledger.connection, schema)) as rows:
        return list(rows)


def walked(ledger: Ledger, schema: str, rows: list[bytes]) -> Findings:
    """What the walk says of these rows."""
    findings = Findings()
    Walk(ledger.chain_of(schema), findings).take(rows)
    return findings


def fields(row: bytes) -> Iterator[tuple[int, int]]:
    """Start and end of each column's bytes in a row."""
    at = 2
    while at < len(row):
        size = int.from_bytes(row[at : at + 4], "big", signed=True)
        yield at + 4, at + 4 + max(size, 0)
        at += 4 + max(size, 0)


def changes(rows: list[bytes], chance: random.Random) -> Iterator[tuple[int, int, int]]:
    """(row, byte, bit) of every bit of every column, in an order by chance."""
    places = [(number, at) for number, row in enumerate(rows) for start, end in fields(row) for at in range(start, end)]
    for turn in range(8):
        chance.shuffle(places)
        for number, at in places:
            yield number, at, (turn + at) % 8


@counts(4_000, 240_000)
def test_a_changed_bit_of_an_event_on_the_wire(
    ledger_tenant: LedgerTenant, count: int, record_property: Callable[[str, object], None]
) -> None:
    assert "event" in TABLES
    tally, chance = Tally("tamper, bits of events through the walk"), random.Random(SEED)
    with full_ledger(ledger_tenant, 3) as ledger:
        for share, schema in zip((0.7, 0.3), ledger.schemas(), strict=True):
            rows = rows_of(ledger, schema)
            assert {len(list(fields(row))) for row in rows} == {COLUMNS}
            assert walked(ledger, schema, rows).faults == []
            for (number, at, bit), _ in zip(changes(rows, chance), range(int(count * share)), strict=False):
                row = rows[number]
                changed = row[:at] + bytes([row[at] ^ 1 << bit]) + row[at + 1 :]
                faults = walked(ledger, schema, [*rows[:number], changed, *rows[number + 1 :]]).faults
                position = next(iter(fields(row)))
                named = bool(faults) and (position[0] <= at < position[1] or faults[0].position == number + 1)
                tally.take(schema.removeprefix(ledger_tenant.tenant) or "first chain", named, f"row {number} byte {at} bit {bit}")
            assert walked(ledger, schema, rows).faults == []
    tally.close(record_property, int(count * 0.99))


def test_a_verifier_that_misses_one_fails_the_attack(record_property: Callable[[str, object], None]) -> None:
    """Negative control of the count itself: one miss among many, and an attack without a case."""
    tally = Tally("control")
    for number in range(100):
        tally.take("kind", number != 57, f"case {number}")
    with pytest.raises(AssertionError, match="case 57"):
        tally.close(record_property, 100)
    with pytest.raises(AssertionError, match="0 cases"):
        Tally("control").close(record_property, 0)
    few = Tally("control")
    few.take("kind", True, "")
    with pytest.raises(AssertionError, match="1 cases"):
        few.close(record_property, 2)


def test_what_the_walk_finds_it_finds_by_the_hashes(ledger_tenant: LedgerTenant) -> None:
    """Negative control: the same change with every hash made anew is silent here; only a checkpoint held outside tells."""
    with full_ledger(ledger_tenant) as ledger, ledger.connection.transaction(force_rollback=True):
        schema = ledger.schemas()[1]
        assert walked(ledger, schema, rows_of(ledger, schema)).faults == []
        forge(ledger, schema, lambda rows: [rows[0], {**rows[1], "body": b"another"}, *rows[2:]], key=None)
        assert walked(ledger, schema, rows_of(ledger, schema)).faults == []
        assert any("not the history" in fault.what for report in ledger.verify() for fault in report.faults)
