"""The bytes of document objects: one file an object, named by its id, written and durable before the fact that names it.

Order of a write: temp file -> fsync -> rename -> fsync of the folder. A crash before the rename leaves a temp file, a crash
after it an object without a fact; `sweep` removes both once they are old enough that no upload under way can own them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol
from uuid import UUID

from domain.ledger.durable import DISK, Disk, on_disk
from domain.ledger.faults import LedgerError
from domain.ledger.room import Room
from domain.model.errors import DagbokError, Refused

CHUNK = 1024 * 1024
SWEEP_AFTER_S = 24 * 3600.0
FILE_LIMIT = 5 * 1024**3


class BlobFault(DagbokError):
    """The stored bytes of a document are not the bytes that were registered. Restore the file from the mirror."""

    code = "blob.fault"


@dataclass(frozen=True, slots=True)
class Stored:
    """A stored object. size in bytes; checksum SHA-256, lower-case hex; start: its first 64 KiB, for format recognition."""

    object_id: UUID
    size: int
    checksum: str
    start: bytes


class Blobs(Protocol):
    """The three methods behind which a folder or an S3-compatible store stands."""

    def put(self, object_id: UUID, chunks: Iterable[bytes], limit: int = FILE_LIMIT) -> Stored:
        """Store the bytes durably. Refused `file.too_large` above `limit` bytes; BlobFault: id taken; StorageFull, StorageAway:
        the disk takes no more. Nothing is left of what was not stored whole."""
        ...

    def get(self, object_id: UUID, size: int, checksum: str) -> Iterator[bytes]:
        """The bytes, checked against size and checksum while read: BlobFault before the last chunk is given."""
        ...

    def delete(self, object_id: UUID) -> None:
        """Destroy the bytes; nothing happens where there are none."""
        ...


class Folder:
    """Blobs in a folder: `ab/abcdef…`. Nothing is shared between objects, so that disposal destroys just what it means."""

    def __init__(self, folder: Path, disk: Disk = DISK, room: Room | None = None) -> None:
        self.folder = folder
        self._disk = disk
        self._room = room
        self._durable: set[Path] = set()  # folders whose own names this process knows to be on the disk
        disk.make_folder(folder)

    def path(self, object_id: UUID) -> Path:
        """Where an object's bytes stand."""
        name = object_id.hex
        return self.folder / name[:2] / name

    def put(self, object_id: UUID, chunks: Iterable[bytes], limit: int = FILE_LIMIT) -> Stored:
        """Store the bytes durably."""
        final, disk = self.path(object_id), self._disk
        draft = final.with_suffix(".part")
        if final.exists():
            raise BlobFault(f"object {object_id} is stored already: bytes that a fact may name are never replaced")
        with on_disk():
            self._require_room()
            self._make(final.parent)
            file = disk.create(draft)  # another upload's draft is left alone
        try:
            try:
                stored = self._fill(file, object_id, chunks, limit)
            finally:
                with suppress(OSError):  # what counts is flushed by now, and what failed may fail once more
                    file.close()
            with on_disk():
                disk.rename(draft, final)
                disk.sync_folder(final.parent)
        except BaseException:
            # what fails after the rename has its name already; no fact may name it, since the name may not outlive a power cut
            with suppress(OSError):
                disk.unlink(draft if draft.exists() else final)
            raise
        return stored

    def _fill(self, file: BinaryIO, object_id: UUID, chunks: Iterable[bytes], limit: int) -> Stored:
        digest, size, start, unchecked = hashlib.sha256(), 0, b"", 0
        for chunk in chunks:
            size += len(chunk)
            if size > limit:
                raise Refused("file.too_large", "", {"limit": str(limit)})
            if len(start) < 65_536:
                start += chunk[: 65_536 - len(start)]
            digest.update(chunk)
            unchecked += len(chunk)
            with on_disk():
                if unchecked >= CHUNK:
                    self._require_room()
                    unchecked = 0
                self._disk.write(file, chunk)
        with on_disk():
            self._disk.sync(file)
        return Stored(object_id, size, digest.hexdigest(), start)

    def _require_room(self) -> None:
        if self._room is not None:
            self._room.require()

    def _make(self, folder: Path) -> None:
        """The folder is there and its name durable: a folder that stands there may be one that a crash, or another upload of
        this moment, has made and not flushed yet."""
        if folder in self._durable and folder.exists():
            return
        if self.folder not in self._durable:
            self._disk.sync_folder(self.folder.parent)
            self._durable.add(self.folder)
        self._disk.make_folder(folder)
        self._disk.sync_folder(self.folder)
        self._durable.add(folder)

    def get(self, object_id: UUID, size: int, checksum: str) -> Iterator[bytes]:
        """The bytes, checked: opened and hashed before the first chunk is given, so that no wrong byte leaves."""
        try:
            with on_disk():
                file = self._disk.open(self.path(object_id))
        except FileNotFoundError:
            raise BlobFault(f"the bytes of {object_id} are missing") from None
        with file:
            with on_disk():
                self._check(file, object_id, size, checksum)
                file.seek(0)
            while chunk := _next(file):
                yield chunk

    @staticmethod
    def _check(file: BinaryIO, object_id: UUID, size: int, checksum: str) -> None:
        digest = hashlib.sha256()
        seen = 0
        while chunk := file.read(CHUNK):
            digest.update(chunk)
            seen += len(chunk)
        if seen != size or digest.hexdigest() != checksum:
            raise BlobFault(f"the bytes of {object_id} have changed")

    def delete(self, object_id: UUID) -> None:
        """Destroy the bytes."""
        with suppress(FileNotFoundError), on_disk():
            self._disk.unlink(self.path(object_id))
            self._disk.sync_folder(self.path(object_id).parent)

    def sweep(self, known: Iterable[UUID], older_than_s: float = SWEEP_AFTER_S) -> list[str]:
        """Remove temp files and objects that no fact names, once older than any upload can take. Returns their names."""
        keep = {one.hex for one in known}
        probe = self.folder / ".now"
        probe.touch()  # the age of a file is told by the file system's own clock, which may stand on another machine
        limit = probe.stat().st_mtime - older_than_s
        removed = []
        for path in sorted(self.folder.glob("??/*")):
            orphan = path.suffix == ".part" or path.name not in keep
            with suppress(FileNotFoundError):  # an upload that ended just now took its draft away
                if orphan and path.stat().st_mtime < limit:
                    path.unlink()
                    removed.append(path.name)
        return removed


def discard(blobs: Blobs, object_id: UUID) -> None:
    """Take back bytes that no fact names. Where the disk refuses, the sweep takes them later: the caller has its own fault to
    tell, or has succeeded."""
    with suppress(LedgerError, OSError):
        blobs.delete(object_id)


def _next(file: BinaryIO) -> bytes:
    with on_disk():
        return file.read(CHUNK)
