"""`dagbok log export`: one chain as files that third-party tools read (C2SP tlog-tiles), up to its latest checkpoint.

The layout is DESIGN §4's; `tools.verify` describes and checks it. The folder appears whole or not at all: it is written beside
its place and put there by one rename. Files are not flushed one by one: after a power cut it is made again. Every row is held
against its hashes on the way out, so that a faulty ledger gives no export. Memory: two bundles of 256 events.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from uuid import UUID

import msgspec
import psycopg
from psycopg import sql

from domain import catalogue, chain
from domain.ledger import tenants
from domain.ledger.blobs import BlobFault, Blobs
from domain.ledger.erasure import DISPOSAL, Erasures, within
from domain.ledger.faults import Broken, LedgerError
from domain.ledger.tenants import Chain
from domain.ledger.tiles import Tile, TileRows
from domain.ledger.walk import Findings, Walk
from domain.model.chain_log import ChainOpened, FactTypeIntroduced

BUNDLE = 256
OBJECT_TOPIC = b"document.object-added."
_DISCLOSED = frozenset(topic.encode() for topic in (chain.OPENED_TOPIC, chain.INTRODUCED_TOPIC, chain.DISPOSAL_TOPIC))


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written: the chain's first `size` events, and how many documents' files."""

    chain_id: str
    size: int
    blobs: int


class StoredObject(msgspec.Struct):
    """What a fact that brought a document's file says of it (M707, M705)."""

    object_id: UUID
    size: int
    checksum: str


class _Meta(msgspec.Struct):
    f: StoredObject


_decode = msgspec.json.Decoder(_Meta).decode


def decode_object(meta: bytes) -> StoredObject:
    """What a fact of `OBJECT_TOPIC` says of its file. Raises ChainError."""
    try:
        return _decode(meta).f
    except (msgspec.MsgspecError, ValueError) as problem:
        raise chain.ChainError(f"the document object in this fact cannot be read: {problem}") from problem


def export(
    connection: psycopg.Connection[Any], tenant: str, folder: Path, blobs: Blobs | None = None, chain_id: str | None = None
) -> Exported:
    """Write a chain (default: the open record chain) into a new folder; with `blobs`, payloads and the documents' files too.

    connection: autocommit, of the auditor or reader role. Raises LedgerError where the folder exists, the chain is unknown or no
    checkpoint was signed yet, Broken where the ledger is at fault, BlobFault where a document's file is.
    """
    if folder.exists():
        raise LedgerError(f"{folder} exists already", hint="Name a folder that is not there yet.")
    draft = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    try:
        with connection.transaction():
            connection.execute("set transaction isolation level repeatable read, read only")
            exported = _Writer(connection, _find(connection, tenant, chain_id), draft, blobs).write()
        draft.rename(folder)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    return exported


def _find(connection: psycopg.Connection[Any], tenant: str, chain_id: str | None) -> Chain:
    known = tenants.chains(connection, tenant)
    found = [one for one in known if one.chain_id == chain_id or (chain_id is None and "/record/" in one.chain_id)]
    if not found:
        raise LedgerError(f"no chain {chain_id or 'is open'}", hint="Known: " + ", ".join(one.chain_id for one in known))
    return found[-1]


class _Writer:
    def __init__(self, connection: psycopg.Connection[Any], row: Chain, folder: Path, blobs: Blobs | None) -> None:
        self._connection, self._row, self._folder, self._blobs = connection, row, folder, blobs
        self._tables = {name: sql.Identifier(row.schema, name) for name in ("ledger_checkpoint", "ledger_cosignature")}
        self._erasures = Erasures()
        self._missing: list[tuple[int, BlobFault]] = []
        self._written = 0

    def write(self) -> Exported:
        note, checkpoint = self._checkpoint()
        self._put("checkpoint", note.encode())
        findings, rows = Findings(), TileRows()
        walk = Walk(self._row.chain_id, findings)
        bundle: list[tuple[Any, ...]] = []
        with (self._folder / "disclosed.jsonl").open("wb") as disclosed:
            for page in walk.pages(self._connection, self._row.schema, checkpoint.size):
                self._tiles(rows.add(page.leaves))
                bundle += page.events
                while len(bundle) >= BUNDLE:
                    self._bundle(walk.prefix, bundle[:BUNDLE], disclosed)
                    del bundle[:BUNDLE]
            if bundle:
                self._bundle(walk.prefix, bundle, disclosed)
        self._tiles(rows.edge())
        for run, what in self._erasures.faults(checkpoint.size):
            findings.add(what, run[0])
        if findings.faults:
            raise Broken(f"at position {findings.faults[0].position}: {findings.faults[0].what}")
        if (rows.size, rows.frontier().root()) != (checkpoint.size, checkpoint.root):
            raise Broken(f"the events are not those that the checkpoint of size {checkpoint.size} was signed for")
        gone = self._erasures.listed("blob")
        for position, problem in self._missing:
            if not within(gone, position):
                raise problem
        return Exported(self._row.chain_id, checkpoint.size, self._written)

    def _checkpoint(self) -> tuple[str, chain.Checkpoint]:
        """The latest checkpoint with the cosignatures on it."""
        query = "select size, note from {ledger_checkpoint} order by size desc limit 1"
        row = self._connection.execute(sql.SQL(query).format(**self._tables)).fetchone()
        if row is None:
            raise LedgerError(f"no checkpoint of {self._row.chain_id} was signed yet", hint="Start `dagbok sign`.")
        lines = self._connection.execute(
            sql.SQL("select line from {ledger_cosignature} where size = %s order by witness").format(**self._tables), (row[0],)
        )
        note = str(row[1]) + "".join(str(line[0]) for line in lines)
        return note, chain.parse_checkpoint(chain.parse_note(note).text)

    def _put(self, path: str, data: bytes) -> None:
        place = self._folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)

    def _tiles(self, tiles: Iterable[Tile]) -> None:
        for level, index, hashes in tiles:
            self._put(chain.tile_path(level, index, len(hashes) // 32), hashes)

    def _bundle(self, prefix: bytes, events: list[tuple[Any, ...]], disclosed: IO[bytes]) -> None:
        """Entries, payload lines, disclosed facts and documents of up to 256 events."""
        index = (events[0][0] - 1) // BUNDLE
        entries, lines = bytearray(), list[bytes]()
        for position, recorded, stream, version, topic, meta_salt, meta, body_salt, body, meta_commit, body_commit in events:
            entry = chain.entry_bytes(prefix, position, recorded, stream, version, topic, meta_commit, body_commit)
            entries += len(entry).to_bytes(2, "big") + entry
            if body is None:
                self._erasures.gone(position)
            if self._blobs is not None or topic in _DISCLOSED:
                lines.append(chain.payload_line(position, topic, meta_salt, meta, body_salt, body, meta_commit, body_commit))
            if topic in _DISCLOSED:
                disclosed.write(lines[-1])
                self._disclose(position, topic, meta)
            elif topic.startswith(OBJECT_TOPIC) and self._blobs is not None:
                self._document(self._blobs, position, meta)
        self._put(chain.entries_path(index, len(events)), bytes(entries))
        if self._blobs is not None:
            self._put(chain.payload_path(index), b"".join(lines))

    def _disclose(self, position: int, topic: bytes, meta: bytes) -> None:
        if topic == DISPOSAL:
            self._erasures.decided(position, meta)
            return
        fact = catalogue.decode(topic.decode(), meta, None)[1]
        if isinstance(fact, ChainOpened):
            self._put("vkey", f"{fact.vkey}\n".encode())
        elif isinstance(fact, FactTypeIntroduced):
            self._put(f"schema/{fact.topic}.json", fact.schema.encode())
            if fact.body_schema is not None:
                self._put(f"schema/{fact.topic}.body.json", fact.body_schema.encode())

    def _document(self, blobs: Blobs, position: int, meta: bytes) -> None:
        stored = decode_object(meta)
        place = self._folder / "blob" / str(stored.object_id)
        place.parent.mkdir(exist_ok=True)
        try:
            with place.open("wb") as file:
                for chunk in blobs.get(stored.object_id, stored.size, stored.checksum):
                    file.write(chunk)
            self._written += 1
        except BlobFault as problem:  # whether it was destroyed by decision is known at the end
            place.unlink()
            self._missing.append((position, problem))
