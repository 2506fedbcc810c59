"""A ledger with a row in every table, changes of every kind to it, and the count of what was tried, found and missed."""

from __future__ import annotations

import os
import random
import struct
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import psycopg
import pytest
from psycopg import sql

from domain.ledger import cosigning, receipts, selfcheck, witness
from domain.ledger.clock import SystemClock
from domain.ledger.selfcheck import ChainReport, Memory
from domain.ledger.witness import Witness
from tests.fixtures_ledger import LedgerTenant, new_case, new_entry
from tests.ledger.tampering import Change, Ledger, sign, two_chains
from tests.ledger.test_witness import CLOCK, NAME

SEED = int(os.environ.get("DAGBOK_SEED", "20260301"))
IN_CHAIN = ("event", "ledger_head", "ledger_checkpoint", "ledger_cosignature", "ledger_tile", "ledger_receipt")
SPANNING = ("ledger_chain", "ledger_chain_predecessor", "ledger_claim", "ledger_counter")


@dataclass
class Tally:
    """What an attack did. A run without cases, or with a miss, fails when it is closed."""

    name: str
    seed: int = SEED
    made: int = 0
    missed: list[str] = field(default_factory=list)
    started: float = field(default_factory=time.monotonic)
    by_kind: dict[str, int] = field(default_factory=dict)

    def take(self, kind: str, found: bool, what: str) -> None:
        """One case of a kind: whether it was found."""
        self.made += 1
        self.by_kind[kind] = self.by_kind.get(kind, 0) + 1
        if not found and len(self.missed) < 20:
            self.missed.append(f"{kind}: {what}")

    def close(self, record: Callable[[str, object], None], least: int) -> None:
        """Say what was done, and fail where something was missed or too little tried."""
        seconds = time.monotonic() - self.started
        line = f"{self.name}: seed {self.seed}, {self.made} cases in {seconds:.1f} s, {len(self.missed)} missed, {self.by_kind}"
        print(line)
        record(self.name, line)
        assert not self.missed, f"{line}: {self.missed}"
        assert self.made >= max(1, least), line


def counts(short: int, deep: int) -> Any:
    """A test's count: the short one in the ordinary run, the long one in the deep run."""
    return pytest.mark.parametrize(
        "count", [pytest.param(short, id="short"), pytest.param(deep, id="deep", marks=pytest.mark.deep)]
    )


@dataclass
class Attacked(Ledger):
    """The ledger with the witness's key and the signer's memory at hand."""

    vkeys: list[str] = field(default_factory=list)

    def verify(self) -> list[ChainReport]:
        memory = Memory(self.one.signer_dir, SystemClock())
        return selfcheck.inspect(self.connection, self.one.tenant, self.notes, self.vkeys, memory)


def cosign(one: LedgerTenant, keys: list[str]) -> str:
    """Have the latest checkpoint of the first chain cosigned; the witness's verifier key."""
    folder = one.data / "witness"
    folder.parent.mkdir(parents=True, exist_ok=True)
    vkey = witness.prepare(folder, NAME, keys)
    mine = Witness(folder, CLOCK)

    def answer(message: httpx.Request) -> httpx.Response:
        given = mine.add_checkpoint(message.read())
        return httpx.Response(given.status, text=given.text)

    with (
        httpx.Client(transport=httpx.MockTransport(answer)) as client,
        psycopg.connect(one.dsn("signer"), autocommit=True) as connection,
    ):
        cosigning.cosign_latest(connection, one.tenant, client, "http://w", vkey)
    return vkey


@contextmanager
def full_ledger(one: LedgerTenant, entries: int = 1) -> Iterator[Attacked]:
    """A closed chain with receipts and a cosignature, and an open one that names it: see `two_chains`; no constraint is left."""
    new_case(one.ledger)
    with psycopg.connect(one.dsn("web"), autocommit=True) as connection:
        for position in (2, 3, 5):
            receipts.request(connection, one.tenant, position)
    sign(one, 1)
    from_opening = one.ledger.reader.record_chains[0][0]
    with one.owner() as connection:
        row = connection.execute(
            f"select convert_from(meta, 'UTF8')::json->'f'->>'vkey' from {one.tenant}.event where position = 1"
        ).fetchone()
    assert row is not None
    vkey = cosign(one, [str(row[0])])
    assert from_opening.endswith("/record/1")
    with two_chains(one, entries) as ledger:
        drop_not_null(ledger)
        yield Attacked(ledger.one, ledger.connection, ledger.notes, [vkey])


def drop_not_null(ledger: Ledger) -> None:
    """What owns the tables may let any column be NULL."""
    for schema, table, column in ledger.connection.execute(
        "select c.table_schema, c.table_name, c.column_name from information_schema.columns c join information_schema.tables t"
        " using (table_schema, table_name) where c.table_schema like %s and c.is_nullable = 'NO' and t.table_type = 'BASE TABLE'",
        (ledger.one.tenant + "%",),
    ).fetchall():
        change = sql.SQL("alter table {} alter column {} drop not null")
        ledger.connection.execute(change.format(sql.Identifier(schema, table), sql.Identifier(column)))


def all_tables(ledger: Ledger) -> Iterator[tuple[str, str]]:
    """(schema, table) of every table that holds a row."""
    for schema in ledger.schemas():
        yield from ((schema, table) for table in IN_CHAIN if ledger.rows(schema, table))
    yield from ((ledger.one.tenant, table) for table in SPANNING)


def every_bit(ledger: Ledger, chance: random.Random) -> Iterator[Change]:
    """Single-byte changes of every column of every row of every table, in an order that visits all columns early."""
    rows = [(schema, table, row) for schema, table in all_tables(ledger) for row in ledger.rows(schema, table)]
    columns = [
        (schema, table, row, name) for schema, table, row in rows for name in row if name != "row" and row[name] is not None
    ]
    chance.shuffle(columns)
    turn = 0
    while columns:
        for schema, table, row, name in columns:
            altered = bit_flipped(row[name], turn, chance, row, name)
            if altered is not None:
                position = row["position"] if table == "event" else None
                what = f"{name} of {table} {row['row']} in {schema}, turn {turn}"
                yield Change(schema, table, row["row"], name, altered, what, position)
        turn += 1


def bit_flipped(value: Any, turn: int, chance: random.Random, row: dict[str, Any], name: str) -> object | None:
    """Another value that differs in one byte; None where there is none that the column's type can hold."""
    if isinstance(value, uuid.UUID):
        return uuid.UUID(bytes=_flip(value.bytes, turn, chance))
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        width = 16 if name in ("level", "id") else 32 if name == "chain_no" else 64
        other = struct.unpack(">q", struct.pack(">Q", (value ^ 1 << (turn % width)) % (1 << 64)))[0]
        low, high = -(1 << width - 1), (1 << width - 1) - 1
        return other if low <= other <= high else None
    if isinstance(value, bytes):
        return _flip(value, turn, chance) if value else b"x"
    if isinstance(value, str) and value:
        at = turn % len(value)
        return value[:at] + chr(_printable(value[at], chance)) + value[at + 1 :]
    return None


def _printable(letter: str, chance: random.Random) -> int:
    while (other := chance.randint(33, 126)) == ord(letter):
        continue
    return other


def _flip(data: bytes, turn: int, chance: random.Random) -> bytes:
    at, mask = turn % len(data), 1 << chance.randint(0, 7)
    return data[:at] + bytes([data[at] ^ mask]) + data[at + 1 :]


def grow(one: LedgerTenant, entries: int) -> None:
    """Some entries of a case."""
    case = new_case(one.ledger)
    for _ in range(entries):
        new_entry(one.ledger, case)
