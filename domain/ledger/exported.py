"""An export folder as `log import` reads it: nothing in it is believed before it was held against the entries and the root."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from domain import catalogue, chain
from domain.ledger import witness
from domain.ledger.erasure import DISPOSAL, Erasures, within
from domain.ledger.export import BUNDLE, OBJECT_TOPIC, StoredObject, decode_object
from domain.ledger.faults import LedgerError
from domain.model.chain_log import ChainOpened

LINE_LIMIT = 64 << 20  # bytes


class Unfit(LedgerError):
    """The export is not whole, or not what its checkpoint was signed for. Nothing was brought in."""

    code = "import.unfit"


class Row(NamedTuple):
    """A fact as the event table holds it, but body_key."""

    position: int
    originator_id: bytes
    originator_version: int
    topic: str
    recorded_at_us: int
    meta_salt: bytes
    meta: bytes
    meta_commit: bytes
    body_salt: bytes | None
    body: bytes | None
    body_commit: bytes
    leaf_hash: bytes
    chain_hash: bytes


class _Line(msgspec.Struct, forbid_unknown_fields=True):
    position: int
    topic: str
    meta_salt: str
    meta: bytes
    body_salt: str | None
    body: bytes | None
    meta_commit: str
    body_commit: str


_decode_line = msgspec.json.Decoder(_Line).decode


class Export:
    """A folder with checkpoint and payloads. Raises Unfit where they cannot be read, or the checkpoint is not the chain's.

    note: the checkpoint with the chain's own signature alone; cosignatures: (witness, line); opened: the first fact.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            note = chain.parse_note((folder / "checkpoint").read_bytes())
            self.checkpoint = chain.parse_checkpoint(note.text)
            self.chain_id = self.checkpoint.origin
            self._prefix = chain.entry_prefix(self.chain_id)
            first = next(self.rows(), None)
        except (OSError, ValueError) as problem:
            raise Unfit(f"{folder} is no export with payloads: {problem}") from problem
        opened = catalogue.decode(first.topic, first.meta, None)[1] if first is not None else None
        if not isinstance(opened, ChainOpened) or opened.chain_id != self.chain_id:
            raise Unfit("the first fact does not open this chain")
        self.opened: ChainOpened = opened
        own = [one for one in note.signatures if one.name == self.chain_id]
        alone = chain.Note(note.text, tuple(own[:1]))
        if len(own) != 1 or self.chain_id not in chain.verify_note(alone, witness.log_keys([opened.vkey])):
            raise Unfit("the checkpoint is not signed by the key that the chain was opened for")
        self.note = chain.format_note(alone)
        self.cosignatures = [
            (one.name, chain.format_note(chain.Note(note.text, (one,))).rpartition("\n\n")[2])
            for one in note.signatures
            if one.name != self.chain_id
        ]
        self._objects: list[tuple[int, StoredObject]] = []
        self._gone: list[tuple[int, int]] = []

    def check(self, without_blobs: bool) -> None:
        """Read all of it once. Raises Unfit at the first thing wrong, an absent document's file included, unless a disposal fact
        names it or `without_blobs` is given."""
        erasures, tree = Erasures(), chain.Frontier.empty()
        leaves: list[bytes] = []
        self._objects.clear()
        for row in self.rows():
            leaves.append(row.leaf_hash)
            if len(leaves) == BUNDLE:
                tree, leaves = tree.extend(leaves), []
            if row.body is None:
                erasures.gone(row.position)
            if row.topic.encode() == DISPOSAL:
                erasures.decided(row.position, row.meta)
            if row.topic.encode().startswith(OBJECT_TOPIC):
                self._objects.append((row.position, decode_object(row.meta)))
        if tree.extend(leaves).root() != self.checkpoint.root:
            raise Unfit("the entries are not those that the checkpoint was signed for")
        for run, what in erasures.faults(self.checkpoint.size):
            raise Unfit(f"at position {run[0]}: {what}")
        self._gone = erasures.listed("blob")
        kept = []
        for position, stored in self._objects:
            if self.blob(stored).is_file():
                self._check_blob(position, stored)
                kept.append((position, stored))
            elif not without_blobs and not within(self._gone, position):
                raise Unfit(
                    f"at position {position}: {self.blob(stored)} is absent", hint="--without-blobs brings the facts alone."
                )
        self._objects = kept

    def objects(self) -> Iterator[StoredObject]:
        """The documents' files that `check` found whole."""
        return (stored for _, stored in self._objects)

    def blob(self, stored: StoredObject) -> Path:
        """Where a document's file stands."""
        return self.folder / "blob" / str(stored.object_id)

    def _check_blob(self, position: int, stored: StoredObject) -> None:
        with self.blob(stored).open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != stored.checksum or file.tell() != stored.size:
                raise Unfit(f"at position {position}: {self.blob(stored)} is not the file whose digest the fact has")

    def rows(self) -> Iterator[Row]:
        """The facts in order, each held against its entry. Raises Unfit, OSError."""
        head = chain.genesis(self.chain_id)
        for index in range((self.checkpoint.size + BUNDLE - 1) // BUNDLE):
            width = min(BUNDLE, self.checkpoint.size - BUNDLE * index)
            with (self.folder / chain.payload_path(index)).open("rb") as lines:
                for position, entry in enumerate(self._entries(index, width), BUNDLE * index + 1):
                    try:
                        row = self._row(position, entry, lines.readline(LINE_LIMIT), head)
                    except (ValueError, msgspec.MsgspecError) as problem:
                        raise Unfit(f"at position {position}: {problem}") from problem
                    head = row.chain_hash
                    yield row
                if lines.read(1):
                    raise Unfit(f"{chain.payload_path(index)} has more lines than facts")

    def _entries(self, index: int, width: int) -> Iterator[bytes]:
        path = chain.entries_path(index, width)
        data, at = (self.folder / path).read_bytes(), 0
        for _ in range(width):
            end = at + 2 + int.from_bytes(data[at : at + 2], "big")
            yield data[at + 2 : end]
            at = end
        if at != len(data):
            raise Unfit(f"{path} is not {width} entries with their lengths")

    def _row(self, position: int, entry: bytes, text: bytes, head: bytes) -> Row:
        at, recorded, stream, version, topic, meta_commit, body_commit = chain.split_entry(self._prefix, entry)
        line = _decode_line(text)
        meta_salt = bytes.fromhex(line.meta_salt)
        body_salt = None if line.body_salt is None else bytes.fromhex(line.body_salt)
        parts = meta_salt, line.meta, body_salt, line.body
        if at != position or text != chain.payload_line(position, topic, *parts, meta_commit, body_commit):
            raise chain.ChainError("the payload line is not this entry's")
        if chain.meta_commit(meta_salt, line.meta) != meta_commit:
            raise chain.ChainError("meta is not what the entry commits to")
        if (line.body is None) != (body_salt is None):
            raise chain.ChainError("of body and body_salt only one is there")
        if line.body is not None and body_salt is not None and chain.body_commit(body_salt, line.body) != body_commit:
            raise chain.ChainError("the body is not what the entry commits to")
        leaf = chain.leaf_hash(entry)
        fields = stream, version, topic.decode(), recorded, meta_salt, line.meta, meta_commit, body_salt, line.body, body_commit
        return Row(position, *fields, leaf, chain.chain_hash(head, leaf))
