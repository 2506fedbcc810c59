"""The bytes of document objects: one file an object, named by its id, written and durable before the fact that names it.

Order of a write: temp file -> fsync -> rename -> fsync of the folder. A crash before the rename leaves a temp file, a crash
after it an object without a fact; `sweep` removes both once they are old enough that no upload under way can own them.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol
from uuid import UUID

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
        """Store the bytes durably. Refused `file.too_large` above `limit` bytes, and nothing is left; BlobFault: id taken."""
        ...

    def get(self, object_id: UUID, size: int, checksum: str) -> Iterator[bytes]:
        """The bytes, checked against size and checksum while read: BlobFault before the last chunk is given."""
        ...

    def delete(self, object_id: UUID) -> None:
        """Destroy the bytes; nothing happens where there are none."""
        ...


class Folder:
    """Blobs in a folder: `ab/abcdef…`. Nothing is shared between objects, so that disposal destroys just what it means."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def path(self, object_id: UUID) -> Path:
        """Where an object's bytes stand."""
        name = object_id.hex
        return self.folder / name[:2] / name

    def put(self, object_id: UUID, chunks: Iterable[bytes], limit: int = FILE_LIMIT) -> Stored:
        """Store the bytes durably."""
        final = self.path(object_id)
        if not final.parent.exists():
            final.parent.mkdir(mode=0o700, exist_ok=True)
            _sync_folder(self.folder)
        draft = final.with_suffix(".part")
        digest, size, start = hashlib.sha256(), 0, b""
        if final.exists():
            raise BlobFault(f"object {object_id} is stored already: bytes that a fact may name are never replaced")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)  # another upload's draft is left alone
        try:
            with os.fdopen(descriptor, "wb") as file:
                for chunk in chunks:
                    size += len(chunk)
                    if size > limit:
                        raise Refused("file.too_large", "", {"limit": str(limit)})
                    if len(start) < 65_536:
                        start += chunk[: 65_536 - len(start)]
                    digest.update(chunk)
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
            os.rename(draft, final)
            _sync_folder(final.parent)
        except BaseException:
            with suppress(FileNotFoundError):
                draft.unlink()
            raise
        return Stored(object_id, size, digest.hexdigest(), start)

    def get(self, object_id: UUID, size: int, checksum: str) -> Iterator[bytes]:
        """The bytes, checked: opened and hashed before the first chunk is given, so that no wrong byte leaves."""
        try:
            file = self.path(object_id).open("rb")
        except FileNotFoundError:
            raise BlobFault(f"the bytes of {object_id} are missing") from None
        with file:
            self._check(file, object_id, size, checksum)
            file.seek(0)
            while chunk := file.read(CHUNK):
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
        with suppress(FileNotFoundError):
            self.path(object_id).unlink()
            _sync_folder(self.path(object_id).parent)

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


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
