"""Where a mirror is kept: a folder, or an S3-compatible bucket, behind the same few methods.

Names are paths with `/`. What is put appears whole or not at all and is durable when `put` returns; its length and digest are
held against those given, so that a mirror never takes in what was damaged on the way.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from domain.ledger import durable
from domain.ledger.faults import LedgerError

CHUNK = 1 << 20


class TargetFault(LedgerError):
    """The mirror's place cannot be used, or does not hold what was put there. The ledger goes on; the mirror falls behind."""

    code = "mirror.target"


class Target(Protocol):
    """Objects under names. Raises TargetFault, OSError."""

    def put(self, name: str, chunks: Iterable[bytes], size: int, checksum: str) -> None:
        """Store `size` bytes with this SHA-256 (hex) under a name, in place of what stood there."""
        ...

    def get(self, name: str) -> Iterator[bytes] | None:
        """The bytes of an object, None where there is none."""
        ...

    def names(self, prefix: str) -> Iterator[tuple[str, int]]:
        """(name, size in bytes) of every object whose name begins so, in order of names."""
        ...

    def delete(self, name: str) -> None:
        """Take an object away; nothing happens where there is none."""
        ...


class Inside:
    """The part of a target under a prefix, as a target of its own."""

    def __init__(self, target: Target, prefix: str) -> None:
        self._target, self._prefix = target, prefix.rstrip("/") + "/"

    def put(self, name: str, chunks: Iterable[bytes], size: int, checksum: str) -> None:
        """Store an object."""
        self._target.put(self._prefix + name, chunks, size, checksum)

    def get(self, name: str) -> Iterator[bytes] | None:
        """The bytes of an object."""
        return self._target.get(self._prefix + name)

    def names(self, prefix: str) -> Iterator[tuple[str, int]]:
        """Names under the prefix, without it."""
        for name, size in self._target.names(self._prefix + prefix):
            yield name.removeprefix(self._prefix), size

    def delete(self, name: str) -> None:
        """Take an object away."""
        self._target.delete(self._prefix + name)


class FolderTarget:
    """A mirror in a folder: on another disk, another machine's share. Files are 0600, written beside their place and renamed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def _path(self, name: str) -> Path:
        parts = name.split("/")
        if not all(parts) or any(part.startswith(".") for part in parts):
            raise TargetFault(f"{name!r} is no name for a mirrored object")
        return self.folder.joinpath(*parts)

    def put(self, name: str, chunks: Iterable[bytes], size: int, checksum: str) -> None:
        """Store an object: draft, fsync, rename, fsync of the folder."""
        place = self._path(name)
        self._make(place.parent)
        draft = place.with_name(f".{place.name}.{os.getpid()}")
        digest, written = sha256(), 0
        try:
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                for chunk in chunks:
                    written += len(chunk)
                    digest.update(chunk)
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
            if (written, digest.hexdigest()) != (size, checksum):
                raise TargetFault(f"what was to be put as {name} was damaged on the way")
            os.replace(draft, place)
        except BaseException:
            with suppress(FileNotFoundError):
                draft.unlink()
            raise
        durable.sync_folder(place.parent)

    def _make(self, folder: Path) -> None:
        if not folder.exists():
            self._make(folder.parent)
            folder.mkdir(mode=0o700, exist_ok=True)
            durable.sync_folder(folder.parent)

    def get(self, name: str) -> Iterator[bytes] | None:
        """The bytes of an object."""
        path = self._path(name)
        return _chunks(path) if path.is_file() else None

    def names(self, prefix: str) -> Iterator[tuple[str, int]]:
        """Names of whole objects, drafts left out."""
        start = self.folder / prefix.rpartition("/")[0]
        if start.is_dir():
            found = ((path.relative_to(self.folder).as_posix(), path) for path in start.rglob("*") if path.is_file())
            for name, path in sorted(found):
                if name.startswith(prefix) and not any(part.startswith(".") for part in name.split("/")):
                    yield name, path.stat().st_size

    def delete(self, name: str) -> None:
        """Take an object away, durably: what law has destroyed must not come back after a power cut."""
        with suppress(FileNotFoundError):
            self._path(name).unlink()
            durable.sync_folder(self._path(name).parent)


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk


def put_bytes(target: Target, name: str, data: bytes) -> None:
    """Store bytes."""
    target.put(name, (data[at : at + CHUNK] for at in range(0, len(data), CHUNK)), len(data), sha256(data).hexdigest())


def read(target: Target, name: str, limit: int) -> bytes | None:
    """The bytes of an object, None where there is none. TargetFault above `limit` bytes: a mirror may be in other hands."""
    chunks = target.get(name)
    if chunks is None:
        return None
    found = bytearray()
    for chunk in chunks:
        found += chunk
        if len(found) > limit:
            raise TargetFault(f"{name} in the mirror is larger than it can be")
    return bytes(found)
