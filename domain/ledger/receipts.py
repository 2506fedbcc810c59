"""Receipts: a C2SP tlog-proof@v1 a position, its extra line the entry, under a checkpoint that is kept for it.

The web process asks (`request`), the signer gives: it writes the receipt into its own memory, then names the checkpoint here.
"""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql

from domain import chain
from domain.ledger.faults import Broken, LedgerError
from domain.ledger.tiles import StoredTree
from domain.model.errors import NotFound


class NotYet(LedgerError):
    """The receipt comes with the next checkpoint. Ask again in a moment."""

    code = "receipt.not_yet"
    hint = "Where it does not come, the signer is not at work or refuses: see `dagbok doctor`."
    retry_after_s = 1


def request(connection: psycopg.Connection[Any], schema: str, position: int) -> None:
    """Ask the signer for the receipt of an event that is there; asking twice is asking once. connection: of the web role."""
    query = sql.SQL("insert into {} (position) values (%s) on conflict do nothing")
    connection.execute(query.format(sql.Identifier(schema, "ledger_receipt")), (position,))


def receipt(connection: psycopg.Connection[Any], schema: str, chain_id: str, position: int) -> str:
    """The receipt's text, checked before it leaves. connection: of the reader role.

    Raises NotFound where there is no such event, NotYet until the signer has given it (HTTP 425), Broken where the proof fails.
    """
    row = connection.execute(
        sql.SQL(
            "select e.recorded_at_us, e.originator_id, e.originator_version, e.topic, e.meta_commit, e.body_commit, c.note"
            " from {event} e left join {receipt} r using (position) left join {checkpoint} c on c.size = r.size"
            " where e.position = %s"
        ).format(
            event=sql.Identifier(schema, "event"),
            receipt=sql.Identifier(schema, "ledger_receipt"),
            checkpoint=sql.Identifier(schema, "ledger_checkpoint"),
        ),
        (position,),
    ).fetchone()
    if row is None:
        raise NotFound("event", f"{chain_id}#{position}")
    recorded_at_us, stream, version, topic, meta_commit, body_commit, note = row
    if note is None:
        raise NotYet
    fields = position, recorded_at_us, stream.bytes, version, topic, bytes(meta_commit), bytes(body_commit)
    entry = chain.encode_entry(chain.Entry(chain_id, *fields))
    checkpoint = chain.parse_checkpoint(chain.parse_note(note).text)
    try:
        tree = StoredTree(connection, schema, checkpoint.size)
        hashes = chain.prove_inclusion(position - 1, checkpoint.size, tree.node)
        chain.check_inclusion(hashes, position - 1, checkpoint.size, chain.leaf_hash(entry), checkpoint.root)
    except chain.ChainError as problem:
        raise Broken(f"no proof leads from position {position} to the checkpoint of {checkpoint.size}: {problem}") from problem
    return chain.format_proof(chain.Proof(position - 1, tuple(hashes), note, entry))
