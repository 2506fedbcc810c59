"""A ledger of two chains to be tampered with: every byte of every column as a change, each made, verified and taken back."""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import psycopg
from psycopg import sql

from domain.ledger import selfcheck, tenants
from domain.ledger.selfcheck import ChainReport
from domain.ledger.signer import Signer, ensure_key
from tests.fixtures_ledger import LedgerTenant, new_case, new_entry

TABLES = {
    "event": ("position",),
    "ledger_head": ("id",),
    "ledger_checkpoint": ("size",),
    "ledger_tile": ("level", "idx"),
}
SPANNING = ("ledger_chain", "ledger_chain_predecessor", "ledger_claim", "ledger_counter")


class Change(NamedTuple):
    """One column of one row set to another value."""

    schema: str
    table: str
    row: str
    column: str
    value: object
    what: str
    position: int | None


@dataclass
class Ledger:
    """The signed ledger, with the checkpoints that somebody keeps outside, and a superuser in a transaction."""

    one: LedgerTenant
    connection: psycopg.Connection[Any]
    notes: list[str]

    def verify(self) -> list[ChainReport]:
        return selfcheck.inspect(self.connection, self.one.tenant, self.notes)

    def chain_of(self, schema: str) -> str:
        return f"{self.one.domain}/record/{2 if schema.endswith('_record_2') else 1}"

    @contextmanager
    def changed(self, statement: Any, values: Sequence[object] = ()) -> Iterator[list[ChainReport]]:
        """What the verifier says after the statement, which is then taken back."""
        with self.connection.transaction(force_rollback=True):
            self.connection.execute(statement, values)
            yield self.verify()

    def schemas(self) -> list[str]:
        return [self.one.tenant, f"{self.one.tenant}_record_2"]

    def rows(self, schema: str, table: str) -> list[dict[str, Any]]:
        query = sql.SQL("select ctid::text as row, * from {}").format(sql.Identifier(schema, table))
        with self.connection.cursor(row_factory=psycopg.rows.dict_row) as cursor:
            return cursor.execute(query).fetchall()


def sign(one: LedgerTenant, number: int) -> str:
    schema = one.tenant if number == 1 else f"{one.tenant}_record_{number}"
    signer = Signer(one.dsn("signer"), one.signer_dir, f"{one.domain}/record/{number}", schema)
    signed = signer.tick()
    signer.close()
    assert signed is not None
    return signed.note


@contextmanager
def two_chains(one: LedgerTenant, entries: int = 1) -> Iterator[Ledger]:
    """A closed chain and an open one that names it, both signed, the keys of their tables removed so that any value fits."""
    case = new_case(one.ledger)
    for _ in range(entries):
        new_entry(one.ledger, case)
    notes = [sign(one, 1)]
    vkey = ensure_key(one.signer_dir, f"{one.domain}/record/2")
    with one.owner() as connection:
        first = tenants.chains(connection, one.tenant)[0]
        tenants.close_chain(connection, one.tenant, first, "a test")
        notes.append(sign(one, 1))
        tenants.open_chain(connection, one.tenant, one.domain, 2, [(first.chain_id, notes[-1])], vkey)
    new_entry(one.ledger, None)
    notes.append(sign(one, 2))
    with psycopg.connect(one.owner_dsn()) as connection:
        connection.execute("set session_replication_role = replica")
        for schema, table, name in connection.execute(
            "select n.nspname, t.relname, c.conname from pg_constraint c join pg_class t on t.oid = c.conrelid"
            " join pg_namespace n on n.oid = t.relnamespace where n.nspname like %s and c.contype in ('p', 'u', 'c', 'f')"
            " order by c.contype <> 'f', c.contype = 'p'",
            (one.tenant + "%",),
        ).fetchall():
            drop = sql.SQL("alter table {} drop constraint {} cascade")
            connection.execute(drop.format(sql.Identifier(schema, table), sql.Identifier(name)))
        yield Ledger(one, connection, notes)
        connection.rollback()


def changes(ledger: Ledger, schema: str, table: str, take: Callable[[int], Sequence[int]]) -> Iterator[Change]:
    """A change for each byte (of text: character) of each column of each row that `take(length)` names."""
    for row in ledger.rows(schema, table):
        for column, value in row.items():
            if column == "row":
                continue
            position = row["position"] if table == "event" else None
            for what, changed in _altered(value, take):
                yield Change(schema, table, row["row"], column, changed, f"{column} of {table} row {row['row']} {what}", position)


def update(change: Change) -> tuple[sql.Composed, tuple[object, ...]]:
    statement = sql.SQL("update {} set {} = %s where ctid = %s::tid").format(
        sql.Identifier(change.schema, change.table), sql.Identifier(change.column)
    )
    return statement, (change.value, change.row)


def _altered(value: Any, take: Callable[[int], Sequence[int]]) -> Iterator[tuple[str, object]]:
    if value is None:
        yield "made not null", "x"
    elif isinstance(value, uuid.UUID):
        yield from ((f"byte {at}", uuid.UUID(bytes=_flip(value.bytes, at))) for at in take(16))
    elif isinstance(value, int):
        for at in take(2):  # a small integer's two low bytes, which every integer type has
            yield f"byte {at}", value ^ (1 << 8 * at)
    elif isinstance(value, bytes):
        yield from ((f"byte {at}", _flip(value, at)) for at in take(len(value)))
    else:
        for at in take(len(value)):
            other = "x" if value[at] != "x" else "y"
            yield f"character {at}", value[:at] + other + value[at + 1 :]


def _flip(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ (1 << at % 8)]) + data[at + 1 :]


def everywhere(length: int) -> Sequence[int]:
    """Every byte."""
    return range(length)


def sampled(most: int) -> Callable[[int], Sequence[int]]:
    """First, last, and some between: the same in every run."""
    chance = random.Random(2026)

    def take(length: int) -> Sequence[int]:
        if length <= most:
            return range(length)
        return sorted({0, length - 1, *chance.sample(range(length), most - 2)})

    return take
