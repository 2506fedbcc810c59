"""`dagbok log import` and mergers: an exported chain comes into a tenant byte for byte, all of it or nothing.

Everything is loaded in one transaction, claims and counters are made anew from the facts, and then the tenant is verified as
`dagbok verify` would, against the export's checkpoint, before that transaction commits. Documents' files are stored just before
the commit: a crash between the two leaves files that no fact names, which the sweep removes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql

from domain import chain
from domain.ledger import derived, selfcheck, tenants
from domain.ledger.blobs import BlobFault, Blobs
from domain.ledger.derived import Derived
from domain.ledger.export import StoredObject
from domain.ledger.exported import Export, Row
from domain.ledger.faults import LedgerError
from domain.ledger.tenants import Chain
from domain.ledger.tiles import TileRows, stored_rows
from domain.ledger.walk import PAGE, Findings, Walk

VkeyFor = Callable[[str], str]
"""chain_id -> note verifier key of the signer, made where there is none (`signer.ensure_key`)."""


@dataclass(frozen=True, slots=True)
class Brought:
    """What came in: positions `first` to `last` of a chain, documents' files, and the record chain that is open now."""

    chain_id: str
    first: int
    last: int
    blobs: int
    open_chain: Chain


def bring(
    connection: psycopg.Connection[Any], tenant: str, folder: Path, blobs: Blobs, vkey_for: VkeyFor, without_blobs: bool = False
) -> Brought:
    """Import an export with payloads: the missing tail of a chain that is here, or else a predecessor.

    A predecessor is followed by a new record chain that names it and the one that was open. connection: the owner's, autocommit.
    Raises LedgerError where nothing is missing or the two histories differ, Unfit where the folder is at fault.
    """
    source = Export(folder)
    source.check(without_blobs)
    with connection.transaction():
        known = [one for one in tenants.chains(connection, tenant) if "/record/" in one.chain_id]
        for one in known:  # nobody writes while claims and counters are made anew
            connection.execute(sql.SQL("select 1 from {} for update").format(sql.Identifier(one.schema, "ledger_head")))
        mine = next((one for one in known if one.chain_id == source.chain_id), None)
        if mine is not None:
            first, opened = _tail(connection, mine, source), known[-1]
        else:
            first, opened = 1, _precede(connection, tenant, known[-1], source, vkey_for)
        _settle(connection, tenant, [source])
        stored = _store_blobs([source], blobs)
    return Brought(source.chain_id, first, source.checkpoint.size, stored, opened)


def merge(
    connection: psycopg.Connection[Any], tenant: str, domain: str, folders: Sequence[Path], passwords: Mapping[str, str],
    blobs: Blobs, vkey_for: VkeyFor, without_blobs: bool = False,
) -> Chain:  # fmt: skip
    """Make a tenant of exported chains, which keep their chain_id and are closed here, in this order; the new record chain names
    the last checkpoint of each. connection: the owner's, autocommit. Raises LedgerError, Unfit."""
    sources = [Export(folder) for folder in folders]
    for source in sources:
        source.check(without_blobs)
    tenants.prepare(connection, tenant, domain, passwords)
    with connection.transaction():
        tenants.make_schema(connection, tenant)
        for number, source in enumerate(sources, 1):
            _add_chain(connection, tenant, number, source)
        number = len(sources) + 1
        predecessors = [(source.chain_id, source.note) for source in sources]
        opened = tenants.open_chain(connection, tenant, domain, number, predecessors, vkey_for(f"{domain}/record/{number}"))
        _settle(connection, tenant, sources)
        _store_blobs(sources, blobs)
    return opened


def _tail(connection: psycopg.Connection[Any], row: Chain, source: Export) -> int:
    """Append what is missing, under the head lock; the first position that came."""
    head = connection.execute(
        sql.SQL("select position, chain_hash from {} for update").format(sql.Identifier(row.schema, "ledger_head"))
    ).fetchone()
    position, chain_hash = (int(head[0]), bytes(head[1])) if head is not None else (0, b"")
    if position >= source.checkpoint.size:
        raise LedgerError(f"{row.chain_id} has {position} events here and {source.checkpoint.size} there: nothing is missing")
    rows = source.rows()
    for passed in islice(rows, position):
        if passed.position == position and passed.chain_hash != chain_hash:
            raise LedgerError(
                f"{row.chain_id} was written on since: at {position} it is not the history of the export",
                hint="Close the chain and open a new one (`dagbok ledger accept-loss`).",
            )
    _load(connection, row.schema, rows, stored_rows(connection, row.schema, position), source)
    connection.execute(sql.SQL("delete from {}").format(sql.Identifier(row.schema, "ledger_stop")))
    return position + 1


def _precede(connection: psycopg.Connection[Any], tenant: str, last: Chain, source: Export, vkey_for: VkeyFor) -> Chain:
    """Close the open chain, add the one that comes, and open the next."""
    closed = connection.execute(
        sql.SQL("select note from {} order by size desc limit 1").format(sql.Identifier(last.schema, "ledger_checkpoint"))
    ).fetchone()
    tenants.close_chain(connection, tenant, last, f"{source.chain_id} was brought in")
    _add_chain(connection, tenant, last.number + 1, source)
    domain, number = last.chain_id.partition("/")[0], last.number + 2
    predecessors = [(last.chain_id, str(closed[0]) if closed else ""), (source.chain_id, source.note)]
    return tenants.open_chain(connection, tenant, domain, number, predecessors, vkey_for(f"{domain}/record/{number}"))


def _add_chain(connection: psycopg.Connection[Any], tenant: str, number: int, source: Export) -> None:
    """A chain that was written elsewhere, in a schema of its own."""
    if "/record/" not in source.chain_id:
        raise LedgerError(f"{source.chain_id} is not a record chain")
    schema = tenant if number == 1 else f"{tenant}_record_{number}"
    tenants.migrate_chain(connection, tenant, schema)
    connection.execute(
        sql.SQL("insert into {} values (%s, %s, %s)").format(sql.Identifier(tenant, "ledger_chain")),
        (number, source.chain_id, schema),
    )
    for predecessor, checkpoint in source.opened.predecessors:
        connection.execute(
            sql.SQL("insert into {} values (%s, %s, %s)").format(sql.Identifier(tenant, "ledger_chain_predecessor")),
            (source.chain_id, predecessor, checkpoint),
        )
    connection.execute(
        sql.SQL("insert into {} values (1, 0, %s, %s, 0)").format(sql.Identifier(schema, "ledger_head")),
        (chain.genesis(source.chain_id), chain.Frontier.empty().encode()),
    )
    _load(connection, schema, source.rows(), TileRows(), source)


def _load(connection: psycopg.Connection[Any], schema: str, rows: Iterator[Row], tree: TileRows, source: Export) -> None:
    """Events, head, tiles, checkpoint and cosignatures."""
    columns = (
        "position", "originator_id", "originator_version", "topic", "recorded_at_us", "meta_salt", "meta", "meta_commit",
        "body_salt", "body", "body_commit", "leaf_hash", "chain_hash",
    )  # fmt: skip
    copy_in = sql.SQL("copy {} ({}) from stdin (format binary)").format(
        sql.Identifier(schema, "event"), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    last: Row | None = None
    full = []
    with connection.cursor() as cursor, cursor.copy(copy_in) as copy:
        copy.set_types(["int8", "uuid", "int8", "text", "int8", *["bytea"] * 8])
        while page := list(islice(rows, PAGE)):
            for last in page:
                values = last._asdict() | {"originator_id": UUID(bytes=last.originator_id)}
                copy.write_row([values[name] for name in columns])
            full += tree.add([row.leaf_hash for row in page])
    assert last is not None
    names = {name: sql.Identifier(schema, name) for name in ("ledger_head", "ledger_tile", "ledger_checkpoint")}
    connection.execute(
        sql.SQL("update {ledger_head} set position = %s, chain_hash = %s, frontier = %s, recorded_at_us = %s").format(**names),
        (last.position, last.chain_hash, tree.frontier().encode(), last.recorded_at_us),
    )
    with connection.cursor() as cursor:
        cursor.executemany(sql.SQL("insert into {ledger_tile} values (%s, %s, %s) on conflict do nothing").format(**names), full)
    connection.execute(
        sql.SQL("insert into {ledger_checkpoint} values (%s, %s, %s) on conflict do nothing").format(**names),
        (source.checkpoint.size, source.checkpoint.root, source.note),
    )
    for name, line in source.cosignatures:
        connection.execute(
            sql.SQL("insert into {} values (%s, %s, %s) on conflict do nothing").format(
                sql.Identifier(schema, "ledger_cosignature")
            ),
            (source.checkpoint.size, name, line),
        )


def _settle(connection: psycopg.Connection[Any], tenant: str, sources: Sequence[Export]) -> None:
    """Claims and counters anew from the facts of all record chains; then the whole tenant must verify."""
    found, findings = Derived(), Findings()
    for one in tenants.chains(connection, tenant):
        if "/record/" in one.chain_id:
            for page in Walk(one.chain_id, findings).pages(connection, one.schema):
                found.take(one.chain_id, page.events, findings)
            found.close(findings)
    derived.rewrite(connection, tenant, found)
    for report in selfcheck.inspect(connection, tenant, [source.note for source in sources]):
        if not report.ok:
            fault = report.faults[0]
            raise LedgerError(f"nothing was brought in: {report.chain_id} would not verify: {fault.what}")


def _store_blobs(sources: Sequence[Export], blobs: Blobs) -> int:
    """The documents' files that are not here yet: how many. Raises BlobFault where another stands in the place of one."""
    missing = [(source, stored) for source in sources for stored in source.objects() if not _is_stored(blobs, stored)]
    for source, stored in missing:
        with source.blob(stored).open("rb") as file:
            blobs.put(stored.object_id, iter(partial(file.read, 1 << 20), b""))
    return len(missing)


def _is_stored(blobs: Blobs, stored: StoredObject) -> bool:
    try:
        for _ in blobs.get(stored.object_id, stored.size, stored.checksum):
            pass
    except BlobFault:
        return False
    return True
