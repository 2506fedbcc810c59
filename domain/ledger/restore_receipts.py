"""Receipts that the signer gave and a restored database does not know: put back, byte for byte, once their events are back."""

from __future__ import annotations

from itertools import groupby
from typing import Any

import psycopg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from psycopg import sql

from domain import chain
from domain.ledger import monotone
from domain.ledger.faults import Broken
from domain.ledger.monotone import Memory
from domain.ledger.tenants import Chain
from domain.ledger.tiles import StoredTree


def give_back(connection: psycopg.Connection[Any], row: Chain, memory: Memory, key: Ed25519PrivateKey) -> int:
    """Put back what is missing of the receipts in a signer's memory, with the checkpoints that they rest on; how many.

    Only trees that the signed one continues are signed again. connection: the owner's, autocommit. Raises Broken where the
    events are not those that were signed.
    """
    if memory.tree is None or not memory.receipts:
        return 0
    tables = {name: sql.Identifier(row.schema, name) for name in ("ledger_receipt", "ledger_checkpoint", "ledger_head")}
    with connection.transaction():
        head = connection.execute(sql.SQL("select position from {ledger_head} for update").format(**tables)).fetchone()
        if head is None or int(head[0]) < memory.tree.size:
            return 0
        if _root(connection, row, memory.tree.size) != memory.tree.root:
            raise Broken(f"the first {memory.tree.size} events of {row.chain_id} are not those that were signed")
        stored = connection.execute(sql.SQL("select position from {ledger_receipt} where size is not null").format(**tables))
        here = {int(one[0]) for one in stored}
        latest = {position: size for position, size in memory.receipts if position not in here}
        for size, group in groupby(sorted(latest.items(), key=lambda one: one[1]), key=lambda one: one[1]):
            root = _root(connection, row, size)
            note = monotone.sign_note(key, row.chain_id, size, root)
            checkpoint = sql.SQL("insert into {ledger_checkpoint} values (%s, %s, %s) on conflict do nothing").format(**tables)
            connection.execute(checkpoint, (size, root, note))
            receipt = sql.SQL(
                "insert into {ledger_receipt} values (%s, %s) on conflict (position) do update set size = excluded.size"
            ).format(**tables)
            for position, _ in group:
                connection.execute(receipt, (position, size))
    return len(latest)


def _root(connection: psycopg.Connection[Any], row: Chain, size: int) -> bytes:
    return chain.tree_root(size, StoredTree(connection, row.schema, size).node)
