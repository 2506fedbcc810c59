"""`dagbok ledger accept-loss`: what is gone stays gone, two people say so, and the ledger goes on in a new chain.

The new chain's first fact names the old chain and the largest checkpoint of it that is known, and its next fact who decided and
why. Nothing is written into the old chain: it ends where it ends, and `verify` names the lost positions as unprovable.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

import psycopg
from psycopg import sql

from domain import catalogue, chain
from domain.ledger import loss, selfcheck, tenants
from domain.ledger.faults import LedgerError
from domain.ledger.tenants import Chain
from domain.ledger.tiles import StoredTree
from domain.model.chain_log import ChainOpened, TailDecided


def accept(
    connection: psycopg.Connection[Any], tenant: str, people: tuple[str, ...], reason: str, notes: Iterable[str],
    vkey_for: Callable[[str], str], *, now: datetime | None = None,
) -> tuple[Chain, TailDecided]:  # fmt: skip
    """Open the next record chain; the chain and what was decided. connection: the owner's, autocommit.

    notes: checkpoints known outside (the signer's, a witness's, a mirror's). Raises LedgerError where the ledger is not stopped,
    one person stands for two, or the events here are not the beginning of what was signed.
    """
    loss.two_people(people, reason)
    with connection.transaction():
        last = [one for one in tenants.chains(connection, tenant) if "/record/" in one.chain_id][-1]
        tables = {
            name: sql.Identifier(last.schema, name) for name in ("event", "ledger_head", "ledger_stop", "ledger_checkpoint")
        }
        connection.execute(sql.SQL("lock table {ledger_stop} in share row exclusive mode").format(**tables))  # the signer waits
        stopped = connection.execute(sql.SQL("select reason from {ledger_stop}").format(**tables)).fetchall()
        if not stopped:
            raise LedgerError("the ledger is not stopped: no loss is known of", hint="`dagbok doctor` tells how it stands.")
        head = connection.execute(sql.SQL("select position from {ledger_head} for update").format(**tables)).fetchone()
        position = int(head[0]) if head else 0
        kept = [str(row[0]) for row in connection.execute(sql.SQL("select note from {ledger_checkpoint}").format(**tables))]
        found = loss.largest([*notes, *kept], last.chain_id, _vkey(connection, last))
        note, size = (found[0], found[1].size) if found else ("", 0)
        if found is not None and size <= position:
            _require_same(connection, last, found[1])
        domain, number = last.chain_id.partition("/")[0], last.number + 1
        vkey = vkey_for(f"{domain}/record/{number}")
        opened = tenants.open_chain(connection, tenant, domain, number, [(last.chain_id, note)], vkey, now=now)
        names = tuple(" ".join(one.split()) for one in people)
        decision = TailDecided("lost", last.chain_id, position + 1, max(size, position), names, reason.strip())
        tenants.note_decision(connection, opened, decision, now=now)
        connection.execute(sql.SQL("delete from {ledger_stop}").format(**tables))
        _forget_followers(connection, tenant, last)
        for report in selfcheck.inspect(connection, tenant):
            if not report.ok:
                raise LedgerError(f"nothing was changed: {report.chain_id} would not verify: {report.faults[0].what}")
    return opened, decision


def _vkey(connection: psycopg.Connection[Any], row: Chain) -> str:
    query = sql.SQL("select topic, meta from {} where position = 1").format(sql.Identifier(row.schema, "event"))
    first = connection.execute(query).fetchone()
    fact = catalogue.decode(str(first[0]), bytes(first[1]), None)[1] if first else None
    if not isinstance(fact, ChainOpened):
        raise LedgerError(f"{row.chain_id} has no opening fact")
    return fact.vkey


def _require_same(connection: psycopg.Connection[Any], row: Chain, checkpoint: chain.Checkpoint) -> None:
    """A history that is another one than was signed is no loss: nobody may accept it."""
    tree = StoredTree(connection, row.schema, checkpoint.size)
    if chain.tree_root(checkpoint.size, tree.node) != checkpoint.root:
        raise LedgerError(
            f"the first {checkpoint.size} events are not those that were signed: this is another history, not a shorter one",
            hint="Restore a backup that `dagbok verify` finds right, and go on from there.",
        )


def _forget_followers(connection: psycopg.Connection[Any], tenant: str, row: Chain) -> None:
    """Projections that have followed what is lost would stand still for ever: they are made anew from the log."""
    schemas = connection.execute(
        "select n.nspname from pg_namespace n join pg_class c on c.relnamespace = n.oid and c.relname = 'follower'"
        " where starts_with(n.nspname, %s)",
        (f"{tenant}_p_",),
    ).fetchall()
    for (schema,) in schemas:
        knows_more = connection.execute(
            sql.SQL(
                "select 1 from {} f left join {} e using (position) where f.chain_id = %s and f.position > 0"
                " and e.chain_hash is distinct from f.chain_hash"
            ).format(sql.Identifier(schema, "follower"), sql.Identifier(row.schema, "event")),
            (row.chain_id,),
        ).fetchone()
        if knows_more:
            connection.execute(sql.SQL("drop schema {} cascade").format(sql.Identifier(schema)))
