"""What two people accepted as lost, and the largest checkpoint that is known of a chain."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from domain import catalogue, chain
from domain.ledger import monotone, tenants, witness
from domain.ledger.faults import LedgerError
from domain.model.chain_log import TailDecided

TOPIC = catalogue.TOPICS[TailDecided]


def accepted(connection: psycopg.Connection[Any], schemas: Iterable[str]) -> dict[str, TailDecided]:
    """chain_id -> what two people accepted as its lost end, as a later chain says. schemas: of the chains to be looked into."""
    found: dict[str, TailDecided] = {}
    for schema in schemas:
        query = sql.SQL(  # facts of a chain about itself stand in one stream: no index on topics is needed
            "select meta from {0} where originator_id = (select originator_id from {0} where position = 1) and topic = %s"
        ).format(sql.Identifier(schema, "event"))
        for row in connection.execute(query, (TOPIC,)):
            try:
                fact = catalogue.decode(TOPIC, bytes(row[0]), None)[1]
            except catalogue.UnknownFact:
                continue  # named where the chain is read
            if isinstance(fact, TailDecided) and fact.decision == "lost":
                found[fact.chain_id] = fact
    return found


def accepted_of(connection: psycopg.Connection[Any], tenant: str) -> dict[str, TailDecided]:
    """`accepted` over the tenant's record chains."""
    schemas = [one.schema for one in tenants.chains(connection, tenant) if "/record/" in one.chain_id]
    return accepted(connection, schemas)


def two_people(people: Sequence[str], reason: str) -> None:
    """Raise LedgerError unless two different people are named, and a reason (CONTRACT §3)."""
    different = {" ".join(one.split()).casefold() for one in people} - {""}
    if len(people) != 2 or len(different) != 2:
        raise LedgerError("this takes two different people", hint="Name both: --by NAME --by NAME.")
    if not reason.strip():
        raise LedgerError("this takes a reason", hint="Say why: --reason TEXT.")


def remembered(signer_dir: Path, chain_id: str) -> str:
    """The checkpoint of the signer's last tree, signed again (alike to the byte); empty where it remembers none."""
    memory = monotone.recall(signer_dir, chain_id)
    if memory is None or memory.tree is None:
        return ""
    key = monotone.read_key(monotone.chain_folder(signer_dir, chain_id) / "key")
    return monotone.sign_note(key, chain_id, memory.tree.size, memory.tree.root)


def largest(notes: Iterable[str], chain_id: str, vkey: str) -> tuple[str, chain.Checkpoint] | None:
    """The checkpoint of the largest tree of a chain among signed notes, with the chain's own signature alone.

    Notes of other chains are passed over. Raises LedgerError for one of this chain that its key has not signed.
    """
    found: tuple[str, chain.Checkpoint] | None = None
    for text in filter(None, notes):
        try:
            note = chain.parse_note(text)
            checkpoint = chain.parse_checkpoint(note.text)
            own = chain.Note(note.text, tuple(one for one in note.signatures if one.name == chain_id))
            if checkpoint.origin != chain_id:
                continue
            if chain_id not in chain.verify_note(own, witness.log_keys([vkey])):
                raise LedgerError(f"a checkpoint of {checkpoint.size} events is not signed by the chain's key")
        except chain.ChainError as problem:
            raise LedgerError(f"a checkpoint cannot be read: {problem}") from problem
        if found is None or checkpoint.size > found[1].size:
            found = chain.format_note(own), checkpoint
    return found
