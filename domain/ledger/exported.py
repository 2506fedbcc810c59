"""An export folder or a mirror as `log import` reads it: nothing in it is believed before it was held against the entries and the
root."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec

from domain import catalogue, chain
from domain.ledger import witness
from domain.ledger.erasure import DISPOSAL, Erasures, within
from domain.ledger.export import BUNDLE, OBJECT_TOPIC, StoredObject, decode_object
from domain.ledger.faults import LedgerError
from domain.ledger.mirror_tail import ENTRIES_LIMIT, read_tail, unbundle
from domain.ledger.mirror_target import FolderTarget, Target, TargetFault, read
from domain.model.chain_log import ChainOpened

LINE_LIMIT = 64 << 20  # bytes
NOTE_LIMIT = 1 << 20  # bytes
Here = Callable[[StoredObject], bool]


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
    """A folder with checkpoint and payloads, or the mirror of a chain. Raises Unfit where they cannot be read, or the checkpoint
    is not the chain's.

    held: how many events there are; size: how many of them are taken, which the caller may raise to `held`, for a mirror is
    ahead of its checkpoint; checkpoint, note: with the chain's own signature alone, None and empty in a mirror that has none
    yet; cosignatures: (witness, line); opened: the first fact.
    """

    def __init__(self, source: Path | Target) -> None:
        self._source: Target = FolderTarget(source) if isinstance(source, Path) else source
        self.name = str(source) if isinstance(source, Path) else "the mirror"
        try:
            self._tail = read_tail(self._source)
            self._begin()
            first = next(self.rows(), None)
        except (OSError, ValueError, TargetFault) as problem:
            raise Unfit(f"{self.name} is no export with payloads: {problem}") from problem
        opened = catalogue.decode(first.topic, first.meta, None)[1] if first is not None else None
        if not isinstance(opened, ChainOpened) or opened.chain_id != self.chain_id:
            raise Unfit("the first fact does not open this chain")
        self.opened: ChainOpened = opened
        self.note, self.cosignatures = self._own_signature() if self._note is not None else ("", [])
        self._objects: list[tuple[int, StoredObject]] = []

    def _begin(self) -> None:
        """What is there, by the checkpoint or by a mirror's tail."""
        text = read(self._source, "checkpoint", NOTE_LIMIT) if self._tail is None else self._tail[0].checkpoint.encode()
        self._note = chain.parse_note(text) if text else None
        self.checkpoint = chain.parse_checkpoint(self._note.text) if self._note is not None else None
        if self._tail is not None:
            tail = self._tail[0]
            self.chain_id, self.held, self.number = tail.chain_id, tail.position, tail.chain_no
            if self.checkpoint is not None and (self.checkpoint.origin != tail.chain_id or self.checkpoint.size > self.held):
                raise chain.ChainError("the mirror's checkpoint is not of its events")
        elif self.checkpoint is not None:
            self.chain_id, self.held, self.number = self.checkpoint.origin, self.checkpoint.size, 0
        else:
            raise chain.ChainError("it holds no checkpoint")
        self._prefix = chain.entry_prefix(self.chain_id)
        self.size = self.held if self._tail is None else 1

    def _own_signature(self) -> tuple[str, list[tuple[str, str]]]:
        assert self._note is not None
        note, own = self._note, [one for one in self._note.signatures if one.name == self.chain_id]
        alone = chain.Note(note.text, tuple(own[:1]))
        if len(own) != 1 or self.chain_id not in chain.verify_note(alone, witness.log_keys([self.opened.vkey])):
            raise Unfit("the checkpoint is not signed by the key that the chain was opened for")
        lines = [(one.name, chain.format_note(chain.Note(note.text, (one,))).rpartition("\n\n")[2]) for one in note.signatures]
        return chain.format_note(alone), [line for line in lines if line[0] != self.chain_id]

    @property
    def is_mirror(self) -> bool:
        """Whether this is a mirror, whose newest events no checkpoint covers yet."""
        return self._tail is not None

    def check(self, without_blobs: bool, roots: Mapping[int, bytes] | None = None, here: Here = lambda _: False) -> None:
        """Read the first `size` events once. Raises Unfit at the first thing wrong, an absent document's file included, unless a
        disposal fact names it or `without_blobs` is given.

        roots: size -> root of trees known otherwise; here: whether a file need not come, because it is here already.
        """
        proven = dict(roots or {})
        if self.checkpoint is not None and self.checkpoint.size <= self.size:
            proven[self.checkpoint.size] = self.checkpoint.root
        erasures, tree = Erasures(), chain.Frontier.empty()
        leaves: list[bytes] = []
        self._objects.clear()
        for row in self.rows():
            leaves.append(row.leaf_hash)
            if len(leaves) == BUNDLE or row.position in proven or row.position == self.size:
                tree, leaves = tree.extend(leaves), []
                if tree.root() != proven.get(row.position, tree.root()):
                    raise Unfit("the entries are not those that the checkpoint was signed for")
            if row.body is None:
                erasures.gone(row.position)
            if row.topic.encode() == DISPOSAL:
                erasures.decided(row.position, row.meta)
            if row.topic.encode().startswith(OBJECT_TOPIC):
                self._objects.append((row.position, decode_object(row.meta)))
        for run, what in erasures.faults(max([0, *proven])):
            raise Unfit(f"at position {run[0]}: {what}")
        self._check_blobs(without_blobs, erasures.listed("blob"), here)

    def _check_blobs(self, without_blobs: bool, gone: list[tuple[int, int]], here: Here) -> None:
        kept = []
        for position, stored in self._objects:
            if here(stored):
                continue
            chunks = self.chunks(stored)
            if chunks is not None:
                _check_blob(position, stored, chunks)
                kept.append((position, stored))
            elif not without_blobs and not within(gone, position):
                raise Unfit(
                    f"at position {position}: {self.name}/blob/{stored.object_id} is absent",
                    hint="--without-blobs brings the facts alone.",
                )
        self._objects = kept

    def objects(self) -> Iterator[StoredObject]:
        """The documents' files that `check` found whole, and that are not here yet."""
        return (stored for _, stored in self._objects)

    def chunks(self, stored: StoredObject) -> Iterator[bytes] | None:
        """The bytes of a document's file, None where it is absent."""
        return self._source.get(f"blob/{stored.object_id}")

    def rows(self) -> Iterator[Row]:
        """The first `size` facts in order, each held against its entry. Raises Unfit, OSError."""
        head = chain.genesis(self.chain_id)
        for index in range((self.size + BUNDLE - 1) // BUNDLE):
            entries, lines = self._bundle(index, min(BUNDLE, self.held - BUNDLE * index))
            for position, entry in enumerate(entries, BUNDLE * index + 1):
                try:
                    row = self._row(position, entry, next(lines, b""), head)
                except (ValueError, msgspec.MsgspecError) as problem:
                    raise Unfit(f"at position {position}: {problem}") from problem
                head = row.chain_hash
                yield row
                if position == self.size and self._tail is not None:
                    return
            if next(lines, b""):
                raise Unfit(f"{chain.payload_path(index)} has more lines than facts")

    def _bundle(self, index: int, width: int) -> tuple[list[bytes], Iterator[bytes]]:
        if self._tail is not None and width < BUNDLE:
            return self._tail[1], iter(self._tail[2])
        path = chain.entries_path(index, width)
        data = read(self._source, path, ENTRIES_LIMIT)
        if data is None:
            raise Unfit(f"{path} is absent")
        try:
            entries = unbundle(data)
        except ValueError:
            entries = []
        if len(entries) != width:
            raise Unfit(f"{path} is not {width} entries with their lengths")
        chunks = self._source.get(chain.payload_path(index))
        if chunks is None:
            raise Unfit(f"{chain.payload_path(index)} is absent")
        return entries, _lines(chunks)

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


def _lines(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Lines with their newlines. Memory: the longest line, at most 64 MiB, beyond which it is cut and will not be an entry's."""
    rest = b""
    for chunk in chunks:
        rest += chunk
        *whole, rest = rest.splitlines(keepends=True) or [b""]
        yield from whole
        if rest.endswith(b"\n") or len(rest) > LINE_LIMIT:
            yield rest
            rest = b""
    if rest:
        yield rest


def _check_blob(position: int, stored: StoredObject, chunks: Iterator[bytes]) -> None:
    digest, size = hashlib.sha256(), 0
    for chunk in chunks:
        digest.update(chunk)
        size += len(chunk)
    if (digest.hexdigest(), size) != (stored.checksum, stored.size):
        raise Unfit(f"at position {position}: the file {stored.object_id} is not the one whose digest the fact has")
