"""What somebody who owns the database can do to a chain: cut it cleanly, or write it anew and sign it with a key of his own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from psycopg import sql

from domain import chain
from domain.ledger import derived, tenants
from domain.ledger.derived import Derived
from domain.ledger.tiles import TileRows
from domain.ledger.walk import Findings, Walk
from tests.ledger.tampering import Ledger

KEY = Ed25519PrivateKey.from_private_bytes(b"a forger's own key, of 32 bytes!")
Row = dict[str, Any]


def execute(ledger: Ledger, schema: str, text: str, *values: object) -> None:
    tables = ("event", "ledger_head", "ledger_checkpoint", "ledger_tile")
    ledger.connection.execute(sql.SQL(text).format(**{name: sql.Identifier(schema, name) for name in tables}), values)  # type: ignore[arg-type]


def events(ledger: Ledger, schema: str) -> list[Row]:
    return sorted(ledger.rows(schema, "event"), key=lambda row: row["position"])


def forge(ledger: Ledger, schema: str, change: Callable[[list[Row]], list[Row]], key: Ed25519PrivateKey | None = KEY) -> None:
    """The chain as `change` makes it, every hash computed anew, claims and counters too; signed with `key`, if any."""
    chain_id = ledger.chain_of(schema)
    rows = change([{**row} for row in events(ledger, schema)])
    tree, head = TileRows(), chain.genesis(chain_id)
    for table in ("event", "ledger_tile", "ledger_checkpoint"):
        execute(ledger, schema, f"delete from {{{table}}}")
    for position, row in enumerate(rows, 1):
        row["position"] = position
        row["meta_commit"] = chain.meta_commit(row["meta_salt"], row["meta"])
        if row["body"] is not None:
            row["body_commit"] = chain.body_commit(row["body_salt"], row["body"])
        numbers = position, row["recorded_at_us"], row["originator_id"].bytes, row["originator_version"], row["topic"]
        entry = chain.Entry(chain_id, *numbers, row["meta_commit"], row["body_commit"])
        row["leaf_hash"] = chain.leaf_hash(chain.encode_entry(entry))
        row["chain_hash"] = head = chain.chain_hash(head, row["leaf_hash"])
        for tile in tree.add([row["leaf_hash"]]):
            execute(ledger, schema, "insert into {ledger_tile} values (%s, %s, %s)", *tile)
        names = [name for name in row if name != "row"]
        columns = sql.SQL(", ").join(map(sql.Identifier, names))
        insert = sql.SQL("insert into {} ({}) values ({})").format(
            sql.Identifier(schema, "event"), columns, sql.SQL(", ").join([sql.Placeholder()] * len(names))
        )
        ledger.connection.execute(insert, [row[name] for name in names])
    values = len(rows), head, tree.frontier().encode(), rows[-1]["recorded_at_us"]
    execute(
        ledger, schema, "update {ledger_head} set position = %s, chain_hash = %s, frontier = %s, recorded_at_us = %s", *values
    )
    if key is not None:
        text = chain.Checkpoint(chain_id, len(rows), tree.frontier().root()).text()
        key_id = chain.key_id(chain_id, chain.ED25519, key.public_key().public_bytes_raw())
        note = chain.format_note(chain.Note(text, (chain.Signature(chain_id, key_id, key.sign(text.encode())),)))
        execute(ledger, schema, "insert into {ledger_checkpoint} values (%s, %s, %s)", len(rows), tree.frontier().root(), note)
    settle(ledger)


def settle(ledger: Ledger) -> None:
    """Claims and counters as they follow from the events."""
    found, findings = Derived(), Findings()
    for one in tenants.chains(ledger.connection, ledger.one.tenant):
        for page in Walk(one.chain_id, findings).pages(ledger.connection, one.schema):
            found.take(one.chain_id, page.events, findings)
    derived.rewrite(ledger.connection, ledger.one.tenant, found)


def for_my_key(chain_id: str) -> Callable[[list[Row]], list[Row]]:
    """Have the opening fact name the forger's key."""
    vkey = chain.vkey(chain_id, chain.ED25519, KEY.public_key().public_bytes_raw())

    def change(rows: list[Row]) -> list[Row]:
        before, _, rest = rows[0]["meta"].partition(b'"vkey":"')
        rows[0]["meta"] = before + b'"vkey":"' + vkey.encode() + rest[rest.index(b'"') :]
        return rows

    return change
