"""What a restored ledger has lost: held against the signer's memory, the mirror, and the documents' files.

Nothing is guessed: the signer knows how many events were signed and which receipts were given, the mirror knows the events
themselves; where neither reaches, the answer says that nobody can tell.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql

from domain import chain
from domain.ledger.blobs import BlobFault, Folder
from domain.ledger.erasure import DISPOSAL, Erasures, within
from domain.ledger.export import OBJECT_TOPIC, StoredObject, decode_object
from domain.ledger.exported import Export
from domain.ledger.mirror_target import Target
from domain.ledger.monotone import Memory
from domain.ledger.tenants import Chain
from domain.ledger.tiles import StoredTree


@dataclass(frozen=True, slots=True)
class LostEvent:
    """An event that was acknowledged and is not here. Without a mirror the position alone is known; recorded_at_us: UTC."""

    position: int
    topic: str = ""
    stream: UUID | None = None
    recorded_at_us: int = 0
    leaf_hash: str = ""
    signed: bool = True


@dataclass(slots=True)
class Losses:
    """One chain after a restore: `position` events are here, `signed` were signed, `mirrored` are in the mirror (None: unknown).

    receipts: (position, size of the tree) that were given and are not here; another: what shows that this is another history.
    """

    chain_id: str
    position: int
    signed: int | None = None
    mirrored: int | None = None
    events: list[LostEvent] = field(default_factory=list)
    receipts: list[tuple[int, int]] = field(default_factory=list)
    another: list[str] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        """Whether all that the signer remembers is here; False also where it remembers nothing."""
        return self.signed is not None and not (self.events or self.another)


@dataclass(slots=True)
class Files:
    """Documents' files against the facts: (position, object id) of those absent or damaged; names of those that no fact has."""

    absent: list[tuple[int, UUID]] = field(default_factory=list)
    damaged: list[tuple[int, UUID]] = field(default_factory=list)
    extra: list[str] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        """Whether every fact has its file, and every file its fact."""
        return not (self.absent or self.damaged or self.extra)


def compare(connection: psycopg.Connection[Any], row: Chain, memory: Memory | None, mirror: Target | None) -> Losses:
    """What a chain has lost. connection: of a role that reads it. Raises Unfit where the mirror is at fault, TargetFault."""
    query = sql.SQL("select position, chain_hash from {}").format(sql.Identifier(row.schema, "ledger_head"))
    head = connection.execute(query).fetchone()
    losses = Losses(row.chain_id, int(head[0]) if head else 0)
    if memory is not None:
        _hold_against_signer(connection, row, memory, losses)
    source = Export(mirror) if mirror is not None else None
    if source is not None:
        _hold_against_mirror(connection, row, source, losses)
    known = {one.position for one in losses.events}
    absent = range(losses.position + 1, (losses.signed or 0) + 1)
    losses.events += [LostEvent(position) for position in absent if position not in known]
    return losses


def _hold_against_signer(connection: psycopg.Connection[Any], row: Chain, memory: Memory, losses: Losses) -> None:
    tree = memory.tree
    losses.signed = tree.size if tree is not None else 0
    if tree is not None and 0 < tree.size <= losses.position:
        stored = StoredTree(connection, row.schema, tree.size)
        if chain.tree_root(tree.size, stored.node) != tree.root:
            losses.another.append(f"the first {tree.size} events are not those that were signed")
    query = sql.SQL("select position, size from {} where size is not null").format(sql.Identifier(row.schema, "ledger_receipt"))
    here = {(int(one[0]), int(one[1])) for one in connection.execute(query)}
    losses.receipts = sorted(set(memory.receipts) - here)


def _hold_against_mirror(connection: psycopg.Connection[Any], row: Chain, source: Export, losses: Losses) -> None:
    losses.mirrored = source.held
    if source.chain_id != row.chain_id:
        losses.another.append(f"the mirror is of {source.chain_id}")
        return
    source.size = source.held
    here = sql.SQL("select chain_hash from {} where position = %s").format(sql.Identifier(row.schema, "event"))
    common = min(losses.position, source.held)
    for one in source.rows():
        if one.position == common:
            found = connection.execute(here, (common,)).fetchone()
            if found is None or bytes(found[0]) != one.chain_hash:
                losses.another.append(f"the event at {common} is not the one in the mirror")
        elif one.position > losses.position:
            signed = losses.signed is not None and one.position <= losses.signed
            losses.events.append(
                LostEvent(one.position, one.topic, UUID(bytes=one.originator_id), one.recorded_at_us, one.leaf_hash.hex(), signed)
            )


def compare_files(connection: psycopg.Connection[Any], rows: list[Chain], blobs: Folder) -> Files:
    """Every document's file against the fact that names it, its digest included, and the other way round."""
    found, named = Files(), set[str]()
    for row in rows:
        gone, objects = _disposed(connection, row), _objects(connection, row)
        while page := list(islice(objects, 1_000)):
            for position, stored in page:
                named.add(stored.object_id.hex)
                if within(gone, position):
                    continue
                if not blobs.path(stored.object_id).is_file():
                    found.absent.append((position, stored.object_id))
                elif not _whole(blobs, stored):
                    found.damaged.append((position, stored.object_id))
    found.extra = sorted(path.name for path in blobs.folder.glob("??/*") if path.name not in named)
    return found


def _whole(blobs: Folder, stored: StoredObject) -> bool:
    try:
        for _ in blobs.get(stored.object_id, stored.size, stored.checksum):
            pass
    except BlobFault:
        return False
    return True


def _disposed(connection: psycopg.Connection[Any], row: Chain) -> list[tuple[int, int]]:
    erasures = Erasures()
    query = sql.SQL("select position, meta from {} where topic = %s order by position").format(
        sql.Identifier(row.schema, "event")
    )
    for position, meta in connection.execute(query, (DISPOSAL.decode(),)):
        erasures.decided(int(position), bytes(meta))
    return erasures.listed("blob")


def _objects(connection: psycopg.Connection[Any], row: Chain) -> Iterator[tuple[int, StoredObject]]:
    query = sql.SQL("select position, meta from {} where topic like %s order by position").format(
        sql.Identifier(row.schema, "event")
    )
    with connection.transaction(), connection.cursor(name="objects") as cursor:
        for position, meta in cursor.execute(query, (OBJECT_TOPIC.decode() + "%",)):
            yield int(position), decode_object(bytes(meta))


def stop(connection: psycopg.Connection[Any], row: Chain, reason: str) -> None:
    """Make a chain read-only until two people have decided (CONTRACT §3). connection: the owner's."""
    connection.execute(
        sql.SQL("insert into {0} select %s where not exists (select 1 from {0})").format(
            sql.Identifier(row.schema, "ledger_stop")
        ),
        (reason,),
    )


def release(connection: psycopg.Connection[Any], row: Chain, reason: str) -> None:
    """Take back a stop that was made for this reason alone. connection: the owner's."""
    connection.execute(sql.SQL("delete from {} where reason = %s").format(sql.Identifier(row.schema, "ledger_stop")), (reason,))


def here(data: Path, tenant: str) -> Folder:
    """The documents' files of a data folder."""
    return Folder(data / "blobs" / tenant)
