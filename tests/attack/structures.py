"""Changes of structure to a ledger: rows taken out, exchanged, put in, doubled; values made NULL, of another type or row."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from psycopg import sql

from domain import chain
from domain.ledger.tiles import TileRows
from tests.attack.tampering import Attacked, all_tables
from tests.ledger.forging import Row, events, forge

HASHED = ("meta_salt", "meta", "meta_commit", "body_salt", "body", "body_commit", "leaf_hash", "chain_hash")


class Structural(NamedTuple):
    """One change: its kind, what it does, and how."""

    kind: str
    what: str
    make: Callable[[], None]


def structural(ledger: Attacked, chance: random.Random) -> Iterator[Structural]:
    """Without end, kind by kind in turns."""
    kinds = (
        rows_deleted, two_exchanged, one_inserted, one_doubled, tail_cut, suffix_rewritten, made_null, column_exchanged,
        of_another_chain, type_changed, table_emptied, table_exchanged,
    )  # fmt: skip
    while True:
        for kind in kinds:
            what, make = kind(ledger, chance)
            yield Structural(kind.__name__, what, make)


Made = tuple[str, Callable[[], None]]


def _run(ledger: Attacked, text: str, schema: str, table: str, *values: object, **names: sql.Composable) -> Callable[[], None]:
    query = sql.SQL(text).format(t=sql.Identifier(schema, table), **names)  # type: ignore[arg-type]
    return lambda: _done(ledger.connection.execute(query, values))


def _done(value: object) -> None:
    del value


def _some_table(ledger: Attacked, chance: random.Random) -> tuple[str, str, dict[str, Any]]:
    schema, table = chance.choice(list(all_tables(ledger)))
    return schema, table, chance.choice(ledger.rows(schema, table))


def _event(ledger: Attacked, chance: random.Random, least: int = 1) -> tuple[str, int, int]:
    """A chain, one of its positions and its last."""
    schema = chance.choice(ledger.schemas())
    last = len(ledger.rows(schema, "event"))
    return schema, chance.randint(least, last), last


def rows_deleted(ledger: Attacked, chance: random.Random) -> Made:
    if chance.random() < 0.4:
        schema, table, row = _some_table(ledger, chance)
        return f"{table} {row['row']}", _run(ledger, "delete from {t} where ctid = %s::tid", schema, table, row["row"])
    schema, first, last = _event(ledger, chance)
    end = chance.randint(first, last)
    return f"{schema} {first}-{end}", _run(
        ledger, "delete from {t} where position between %s and %s", schema, "event", first, end
    )


def two_exchanged(ledger: Attacked, chance: random.Random) -> Made:
    schema, one, last = _event(ledger, chance)
    other = chance.choice([at for at in range(1, last + 1) if at != one])
    text = "update {t} set position = %s - position where position in (%s, %s)"
    return f"{schema} {one} {other}", _run(ledger, text, schema, "event", one + other, one, other)


def one_inserted(ledger: Attacked, chance: random.Random) -> Made:
    """A copy of a row at another position: behind the end, before the beginning, or where one stands."""
    schema, one, last = _event(ledger, chance)
    at = chance.choice([0, -1, -(1 << 63), last + 1, last + 2, (1 << 63) - 1, chance.randint(1, last)])
    text = (
        "insert into {t} select %s, originator_id, originator_version, topic, recorded_at_us, meta_salt, meta, meta_commit,"
        " body_salt, body, body_key, body_commit, leaf_hash, chain_hash from {t} where position = %s"
    )
    return f"{schema} {one} at {at}", _run(ledger, text, schema, "event", at, one)


def one_doubled(ledger: Attacked, chance: random.Random) -> Made:
    schema, table, row = _some_table(ledger, chance)
    return f"{table} {row['row']}", _run(
        ledger, "insert into {t} select * from {t} where ctid = %s::tid", schema, table, row["row"]
    )


def tail_cut(ledger: Attacked, chance: random.Random) -> Made:
    """The last events gone, head, tiles and derived tables as if they had never been."""
    schema, left, last = _event(ledger, chance)
    left = min(left, last - 1)
    return f"{schema} after {left}", lambda: forge(ledger, schema, lambda rows: rows[:left], key=None)


def suffix_rewritten(ledger: Attacked, chance: random.Random) -> Made:
    """Everything from a position on computed anew after a change, with or without a forger's signature."""
    schema, at, _ = _event(ledger, chance)
    signed = chance.random() < 0.5

    def changed(rows: list[Row]) -> list[Row]:
        rows[at - 1]["body"] = (rows[at - 1]["body"] or b"") + b" "
        return rows

    def make() -> None:
        if signed:
            forge(ledger, schema, changed)
        else:
            rehashed(ledger, schema, at, changed)

    return f"{schema} from {at}, {'signed' if signed else 'kept checkpoints'}", make


def rehashed(ledger: Attacked, schema: str, at: int, change: Callable[[list[Row]], list[Row]]) -> None:
    """Row by row from `at` on, head and tiles too; what was signed stays as it is."""
    rows = change([{**row} for row in events(ledger, schema)])
    tree, head = TileRows(), chain.genesis(ledger.chain_of(schema))
    for row in rows:
        body = chain.body_commit(row["body_salt"], row["body"]) if row["body"] is not None else row["body_commit"]
        numbers = row["position"], row["recorded_at_us"], row["originator_id"].bytes, row["originator_version"], row["topic"]
        leaf = chain.leaf_hash(chain.encode_entry(chain.Entry(ledger.chain_of(schema), *numbers, row["meta_commit"], body)))
        head = chain.chain_hash(head, leaf)
        tree.add([leaf])
        if row["position"] >= at:
            text = "update {t} set body = %s, body_commit = %s, leaf_hash = %s, chain_hash = %s where position = %s"
            _run(ledger, text, schema, "event", row["body"], body, leaf, head, row["position"])()
    text = "update {t} set chain_hash = %s, frontier = %s"
    _run(ledger, text, schema, "ledger_head", head, tree.frontier().encode())()


def made_null(ledger: Attacked, chance: random.Random) -> Made:
    schema, table, row = _some_table(ledger, chance)
    name = chance.choice([name for name in row if name != "row" and row[name] is not None])
    text = "update {t} set {c} = null where ctid = %s::tid"
    return f"{name} of {table} {row['row']}", _run(ledger, text, schema, table, row["row"], c=sql.Identifier(name))


def column_exchanged(ledger: Attacked, chance: random.Random) -> Made:
    """A value moved to another row, or two of a row exchanged: such as differ."""
    while True:
        schema, at, last = _event(ledger, chance)
        rows = {row["position"]: row for row in ledger.rows(schema, "event")}
        name, column, other = chance.choice(HASHED), chance.choice(HASHED), chance.randint(1, last)
        if rows[at][name] != rows[at][column]:
            names = {"a": sql.Identifier(name), "b": sql.Identifier(column)}
            text = "update {t} set {a} = {b}, {b} = {a} where position = %s"
            return f"{name} and {column} of {at}", _run(ledger, text, schema, "event", at, **names)
        if rows[at][name] != rows[other][name]:
            text = "update {t} set {a} = (select {a} from {t} where position = %s) where position = %s"
            return f"{name} of {at} from {other}", _run(ledger, text, schema, "event", other, at, a=sql.Identifier(name))


def of_another_chain(ledger: Attacked, chance: random.Random) -> Made:
    """A row of one chain in the place of the other's."""
    schema, at, _ = _event(ledger, chance)
    (other,) = [one for one in ledger.schemas() if one != schema]
    source = chance.randint(1, len(ledger.rows(other, "event")))
    columns = "originator_id, originator_version, topic, recorded_at_us, meta_salt, meta, meta_commit, body_salt, body, body_key,"
    columns += " body_commit, leaf_hash, chain_hash"
    text = f"update {{t}} set ({columns}) = (select {columns} from {{o}} where position = %s) where position = %s"
    return f"{other} {source} as {schema} {at}", _run(ledger, text, schema, "event", source, at, o=sql.Identifier(other, "event"))


TYPES = {
    "event": [
        ("meta", "text"),
        ("body", "text"),
        ("topic", "bytea"),
        ("recorded_at_us", "text"),
        ("originator_version", "numeric"),
    ],
    "ledger_head": [("position", "text"), ("chain_hash", "text"), ("frontier", "text"), ("recorded_at_us", "double precision")],
    "ledger_checkpoint": [("root", "text"), ("note", "bytea")],
    "ledger_receipt": [("position", "text"), ("size", "text")],
}


def type_changed(ledger: Attacked, chance: random.Random) -> Made:
    table = chance.choice(list(TYPES))
    column, kind = chance.choice(TYPES[table])
    schema = ledger.schemas()[0]
    using = "convert_to({c}, 'UTF8')" if kind == "bytea" else "{c}::text || ' '" if kind == "text" else "{c} + 0.25"
    text = f"alter table {{t}} alter column {{c}} type {kind} using {using}"
    names = {"c": sql.Identifier(column)}
    trigger = _run(ledger, "alter table {t} disable trigger all", schema, table)

    def make() -> None:
        if table == "event":  # a trigger that names the column holds its type
            _run(ledger, "drop trigger event_body_only on {t}", schema, "event")()
        trigger()
        _run(ledger, text, schema, table, **names)()

    return f"{column} of {table} to {kind}", make


def table_emptied(ledger: Attacked, chance: random.Random) -> Made:
    schema, table = chance.choice(list(all_tables(ledger)))
    return f"{table} of {schema}", _run(ledger, "delete from {t}", schema, table)


def table_exchanged(ledger: Attacked, chance: random.Random) -> Made:
    """One table of a chain in the place of the other chain's."""
    table = chance.choice(["event", "ledger_head", "ledger_checkpoint"])
    one, two = ledger.schemas()

    def make() -> None:
        _run(ledger, "alter table {t} rename to aside", one, table)()
        _run(ledger, "alter table {t} set schema {s}", two, table, s=sql.Identifier(one))()
        _run(ledger, "alter table {t} rename to {n}", one, "aside", n=sql.Identifier(f"{table}_2"))()
        _run(ledger, "alter table {t} set schema {s}", one, f"{table}_2", s=sql.Identifier(two))()
        _run(ledger, "alter table {t} rename to {n}", two, f"{table}_2", n=sql.Identifier(table))()

    return f"{table} of both chains", make
