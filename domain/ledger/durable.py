"""Small files that must be whole and survive a power cut: written beside their place, flushed, put there, the folder flushed.

`Disk` holds the few calls on which durability hangs, so that a test can let each of them fail, forget, or be the last.
"""

from __future__ import annotations

import errno
import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from domain.ledger.faults import LedgerError, StorageAway, StorageFull

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_AWAY = frozenset(
    {errno.EIO, errno.EROFS, errno.EACCES, errno.EPERM, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ESTALE, errno.ETIMEDOUT}
)


class Disk:
    """The calls of a file system, one method each. Every one raises OSError."""

    def create(self, path: Path) -> BinaryIO:
        """A new file of 0600, open for writing; FileExistsError where the name is taken."""
        return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")

    def write(self, file: BinaryIO, data: bytes) -> None:
        """Add bytes to a file that was created."""
        file.write(data)

    def sync(self, file: BinaryIO) -> None:
        """The file's bytes are on the disk when this returns; its name may not be."""
        file.flush()
        os.fsync(file.fileno())

    def rename(self, old: Path, new: Path) -> None:
        """Another name for a file, in place of what had it."""
        os.rename(old, new)

    def link(self, old: Path, new: Path) -> None:
        """A second name for a file; FileExistsError where it is taken."""
        os.link(old, new)

    def unlink(self, path: Path) -> None:
        """Take a name away."""
        path.unlink()

    def make_folder(self, path: Path) -> None:
        """A folder of 0700 with its missing parents; nothing happens where it is there."""
        path.mkdir(mode=0o700, parents=True, exist_ok=True)

    def sync_folder(self, folder: Path) -> None:
        """The folder's names are on the disk when this returns."""
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def open(self, path: Path) -> BinaryIO:
        """A file, open for reading."""
        return path.open("rb")

    def free(self, folder: Path) -> int:
        """Bytes that this process may still write to the folder's file system."""
        found = os.statvfs(folder)
        return found.f_bavail * found.f_frsize


DISK = Disk()


def create(path: Path, data: bytes, disk: Disk = DISK) -> None:
    """A new file of 0600; nothing happens where another process was first. Raises OSError."""
    draft = _draft(path, data, disk)
    try:
        with suppress(FileExistsError):
            disk.link(draft, path)
    finally:
        disk.unlink(draft)
    disk.sync_folder(path.parent)


def replace(path: Path, data: bytes, disk: Disk = DISK) -> None:
    """The file with this content, old or new at every moment. Raises OSError."""
    disk.rename(_draft(path, data, disk), path)
    disk.sync_folder(path.parent)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a file's lock against other processes; the kernel frees it with the process. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Make the folder's names durable."""
    DISK.sync_folder(folder)


def storage_fault(problem: OSError) -> LedgerError | None:
    """What a refused file call means to a caller: StorageFull, StorageAway, or None where it is a fault of the program."""
    if problem.errno in _FULL:
        return StorageFull(str(problem.strerror))
    return StorageAway(str(problem.strerror)) if problem.errno in _AWAY else None


@contextmanager
def on_disk() -> Iterator[None]:
    """Around file calls: what the disk refuses comes out as StorageFull or StorageAway. Not around code that reads a network."""
    try:
        yield
    except OSError as problem:
        fault = storage_fault(problem)
        if fault is None:
            raise
        raise fault from problem


def _draft(path: Path, data: bytes, disk: Disk) -> Path:
    draft = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    with suppress(FileNotFoundError):  # left by a process of the same number that was killed
        draft.unlink()
    try:
        with disk.create(draft) as file:
            disk.write(file, data)
            disk.sync(file)
    except BaseException:
        with suppress(OSError):
            disk.unlink(draft)
        raise
    return draft
