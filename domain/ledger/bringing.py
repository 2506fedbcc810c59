"""`dagbok log import` and mergers: an exported or mirrored chain comes into a tenant byte for byte, all of it or nothing.

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
from domain.ledger.loss import two_people
from domain.ledger.mirror_target import Target
from domain.ledger.monotone import Memory
from domain.ledger.tenants import Chain
from domain.ledger.tiles import TileRows, stored_rows
from domain.ledger.walk import PAGE, Findings, Walk
from domain.model.chain_log import TailDecided

VkeyFor = Callable[[str], str]
"""chain_id -> note verifier key of the signer, made where there is none (`signer.ensure_key`)."""


@dataclass(frozen=True, slots=True)
class Brought:
    """What came in: positions `first` to `last` of a chain, documents' files, and the record chain that is open now.

    missing: positions that were signed and are in none of both; left: positions in the mirror that nobody vouched for.
    """

    chain_id: str
    first: int
    last: int
    blobs: int
    open_chain: Chain
    missing: range = range(0)
    left: range = range(0)


@dataclass(frozen=True, slots=True)
class Known:
    """What speaks for the events of a mirror that no checkpoint in it covers: the signer's memory of the chain, and two people.

    people, reason: of those who vouch for what came after the last signed tree; none where there are none.
    """

    memory: Memory | None = None
    people: tuple[str, ...] = ()
    reason: str = ""


NOTHING = Known()


def bring(
    connection: psycopg.Connection[Any], tenant: str, folder: Path | Target, blobs: Blobs, vkey_for: VkeyFor,
    without_blobs: bool = False, known: Known = NOTHING,
) -> Brought:  # fmt: skip
    """Import an export with payloads or a mirror: the missing tail of a chain that is here, or else a predecessor.

    A predecessor is followed by a new record chain that names it and the one that was open. Of a mirror comes what a checkpoint
    or the signer's memory proves, and the rest where two people vouch for it. connection: the owner's, autocommit.
    Raises LedgerError where nothing is missing or the two histories differ, Unfit where the folder is at fault.
    """
    source = Export(folder)
    tree = known.memory.tree if known.memory is not None else None
    proven = max(source.checkpoint.size if source.checkpoint else 0, tree.size if tree and tree.size <= source.held else 0)
    if known.people:
        two_people(known.people, known.reason)
    source.size = source.held if known.people or not source.is_mirror else proven
    if not source.size:
        raise LedgerError("nothing in the mirror was ever signed", hint="Two people may vouch for it: --by NAME --by NAME.")
    source.check(without_blobs, {tree.size: tree.root} if tree else {}, partial(is_stored, blobs))
    with connection.transaction():
        known_here = tenants.chains(connection, tenant)
        chains = [one for one in known_here if "/record/" in one.chain_id]
        for one in chains:  # nobody writes while claims and counters are made anew
            connection.execute(sql.SQL("select 1 from {} for update").format(sql.Identifier(one.schema, "ledger_head")))
        mine = next((one for one in known_here if one.chain_id == source.chain_id), None)
        stops: list[tuple[str]] = []
        if mine is not None:
            first, opened = _tail(connection, mine, source), chains[-1]
            stops = _lift(connection, mine)
            _note(connection, mine, source, known, max(proven + 1, first))
        elif "/access/" in source.chain_id:  # a year's log comes whole, and stands beside the record chains
            _add_chain(connection, tenant, source.opened.number, source)
            first, opened = 1, chains[-1]
        else:
            first, opened = 1, _precede(connection, tenant, chains[-1], source, vkey_for)
        settle(connection, tenant, [source])
        missing = range(source.size + 1, tree.size + 1) if tree and mine is not None else range(0)
        if mine is not None and missing:  # the signer knows of more: nothing is written before that is back too
            for reason in stops:
                connection.execute(
                    sql.SQL("insert into {} values (%s)").format(sql.Identifier(mine.schema, "ledger_stop")), reason
                )
        stored = _store_blobs(source, blobs)
    return Brought(source.chain_id, first, source.size, stored, opened, missing, range(source.size + 1, source.held + 1))


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
        settle(connection, tenant, sources)
        for source in sources:
            _store_blobs(source, blobs)
    return opened


def load(connection: psycopg.Connection[Any], tenant: str, sources: Sequence[Export], passwords: Mapping[str, str]) -> None:
    """Make a tenant of a mirror's chains as they are, to see that they can be brought back: nothing is opened, no file stored.

    sources: in order of their numbers, checked. connection: the owner's, autocommit. Raises LedgerError.
    """
    tenants.prepare(connection, tenant, "mirror.invalid", passwords)
    with connection.transaction():
        tenants.make_schema(connection, tenant)
        for source in sources:
            _add_chain(connection, tenant, source.number, source)
        settle(connection, tenant, sources)


def _tail(connection: psycopg.Connection[Any], row: Chain, source: Export) -> int:
    """Append what is missing, under the head lock; the first position that came."""
    head = connection.execute(
        sql.SQL("select position, chain_hash from {} for update").format(sql.Identifier(row.schema, "ledger_head"))
    ).fetchone()
    position, chain_hash = (int(head[0]), bytes(head[1])) if head is not None else (0, b"")
    if position >= source.size and not any(True for _ in source.objects()):
        raise LedgerError(f"{row.chain_id} has {position} events here and {source.size} there: nothing is missing")
    rows = source.rows()
    for passed in islice(rows, position):
        if passed.position == position and passed.chain_hash != chain_hash:
            raise LedgerError(
                f"{row.chain_id} was written on since: at {position} it is not the history of the export",
                hint="Close the chain and open a new one (`dagbok ledger accept-loss`).",
            )
    if position < source.size:
        _load(connection, row.schema, rows, stored_rows(connection, row.schema, position), source)
    return position + 1


def _lift(connection: psycopg.Connection[Any], row: Chain) -> list[tuple[str]]:
    """Take the stop away, by which the ledger would not verify; its reasons."""
    return connection.execute(
        sql.SQL("delete from {} returning reason").format(sql.Identifier(row.schema, "ledger_stop"))
    ).fetchall()


def _note(connection: psycopg.Connection[Any], row: Chain, source: Export, known: Known, unproven: int) -> None:
    """Write down who vouched for what."""
    if known.people and unproven <= source.size:
        decision = TailDecided("vouched", row.chain_id, unproven, source.size, known.people, known.reason.strip())
        tenants.note_decision(connection, row, decision)


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
    kind = "access" if "/access/" in source.chain_id else "record"
    if kind == "access" and number != source.opened.number:  # a year has one log, and it is no part of the history of units
        raise LedgerError(f"{source.chain_id} is not a record chain")
    schema = tenant if (kind, number) == ("record", 1) else f"{tenant}_{kind}_{number}"
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
    if source.checkpoint is None:
        return
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


def settle(connection: psycopg.Connection[Any], tenant: str, sources: Sequence[Export]) -> None:
    """Claims and counters anew from the facts of all record chains; then the whole tenant must verify."""
    found, findings = Derived(), Findings()
    for one in tenants.chains(connection, tenant):
        if "/record/" in one.chain_id:
            for page in Walk(one.chain_id, findings).pages(connection, one.schema):
                found.take(one.chain_id, page.events, findings)
    derived.rewrite(connection, tenant, found)
    for report in selfcheck.inspect(connection, tenant, [source.note for source in sources if source.note]):
        if not report.ok:
            fault = report.faults[0]
            raise LedgerError(f"nothing was brought in: {report.chain_id} would not verify: {fault.what}")


def _store_blobs(source: Export, blobs: Blobs) -> int:
    """The documents' files that are not here yet: how many. Raises BlobFault where another stands in the place of one."""
    missing = [stored for stored in source.objects() if not is_stored(blobs, stored)]
    for stored in missing:
        chunks = source.chunks(stored)
        if chunks is None:
            raise BlobFault(f"the bytes of {stored.object_id} have gone from {source.name}")
        put = blobs.put(stored.object_id, chunks)
        if (put.size, put.checksum) != (stored.size, stored.checksum):  # it was right when it was checked
            blobs.delete(stored.object_id)
            raise BlobFault(f"the bytes of {stored.object_id} have changed in {source.name}")
    return len(missing)


def is_stored(blobs: Blobs, stored: StoredObject) -> bool:
    """Whether a document's file is here, whole."""
    try:
        for _ in blobs.get(stored.object_id, stored.size, stored.checksum):
            pass
    except BlobFault:
        return False
    return True
