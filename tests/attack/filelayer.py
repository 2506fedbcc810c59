"""File layers under the blob store and the keys: one that fails or kills at a chosen call, one that forgets at a power cut."""

from __future__ import annotations

import os
import random
import shutil
import signal
from collections.abc import Callable
from contextlib import suppress
from io import IOBase
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from domain.ledger.durable import Disk

Result = TypeVar("Result")
Judge = Callable[[int, str, bool], None]


def allows(number: int, name: str, after: bool) -> None:
    """Every call goes through."""
    del number, name, after


class Judged(Disk):
    """A disk whose every call is counted and judged, before and after: judge(number from 1, name, after) may raise or kill."""

    def __init__(self, judge: Judge = allows, under: Disk | None = None) -> None:
        self.judge = judge
        self.under = under or Disk()
        self.calls: list[str] = []

    def _call(self, name: str, do: Callable[[], Result]) -> Result:
        self.calls.append(name)
        number = len(self.calls)
        self.judge(number, name, False)
        result = do()
        try:
            self.judge(number, name, True)
        except BaseException:
            if isinstance(result, IOBase):  # nobody gets it, so nobody could close it
                result.close()
            raise
        return result

    def create(self, path: Path) -> BinaryIO:
        return self._call("create", lambda: self.under.create(path))

    def write(self, file: BinaryIO, data: bytes) -> None:
        self._call("write", lambda: self.under.write(file, data))

    def sync(self, file: BinaryIO) -> None:
        self._call("sync", lambda: self.under.sync(file))

    def rename(self, old: Path, new: Path) -> None:
        self._call("rename", lambda: self.under.rename(old, new))

    def link(self, old: Path, new: Path) -> None:
        self._call("link", lambda: self.under.link(old, new))

    def unlink(self, path: Path) -> None:
        self._call("unlink", lambda: self.under.unlink(path))

    def make_folder(self, path: Path) -> None:
        self._call("make_folder", lambda: self.under.make_folder(path))

    def sync_folder(self, folder: Path) -> None:
        self._call("sync_folder", lambda: self.under.sync_folder(folder))

    def open(self, path: Path) -> BinaryIO:
        return self._call("open", lambda: self.under.open(path))

    def free(self, folder: Path) -> int:
        return self._call("free", lambda: self.under.free(folder))


def failing_at(wanted: int, number: int, after: bool) -> Judge:
    """OSError `number` at one call: before it has an effect, or after (the answer is lost)."""

    def judge(at: int, name: str, now_after: bool) -> None:
        if at == wanted and now_after is after:
            raise OSError(number, os.strerror(number), name)

    return judge


def killing_at(wanted: int, after: bool) -> Judge:
    """The process ends for good at one call, before or after it."""

    def judge(at: int, name: str, now_after: bool) -> None:
        del name
        if at == wanted and now_after is after:
            os.kill(os.getpid(), signal.SIGKILL)

    return judge


class PowerCut(BaseException):
    """The power is gone; no handler of the program runs any more."""


def dark_at(wanted: int, after: bool) -> Judge:
    """The power goes at one call, and at every later one: what cleans up behind an error does not come to it either."""

    def judge(at: int, name: str, now_after: bool) -> None:
        del name
        if at > wanted or (at == wanted and now_after is after):
            raise PowerCut

    return judge


class Forgetful(Disk):
    """A disk under `root` that at a power cut keeps only what it was made to keep; the rest by the dice.

    A file's bytes are kept by `sync`, a folder's names by `sync_folder`: each of the two for itself, as POSIX says and no more.
    forgets: calls that do nothing here, as if the program had left them out.
    """

    def __init__(self, root: Path, forgets: frozenset[str] = frozenset()) -> None:
        self.root = root
        self.forgets = forgets
        self._kept: dict[Path, dict[str, int]] = {}  # folder -> its names on the disk, each with the file it means
        self._bytes: dict[int, bytes] = {}
        self._files: dict[Path, int] = {}
        self._open: dict[int, Path] = {}
        self._made = 0

    def _new(self, path: Path) -> None:
        self._made += 1
        self._files[path] = self._made

    def create(self, path: Path) -> BinaryIO:
        file = super().create(path)
        self._new(path)
        self._open[file.fileno()] = path
        return file

    def sync(self, file: BinaryIO) -> None:
        super().sync(file)
        if "sync" not in self.forgets:
            path = self._open[file.fileno()]
            self._bytes[self._files[path]] = path.read_bytes()

    def rename(self, old: Path, new: Path) -> None:
        super().rename(old, new)
        self._files[new] = self._files.pop(old)

    def link(self, old: Path, new: Path) -> None:
        super().link(old, new)
        self._files[new] = self._files[old]

    def unlink(self, path: Path) -> None:
        super().unlink(path)
        self._files.pop(path, None)

    def make_folder(self, path: Path) -> None:
        if not path.is_dir():
            self.make_folder(path.parent)
            path.mkdir(0o700)
            self._new(path)

    def sync_folder(self, folder: Path) -> None:
        if "sync_folder" not in self.forgets:
            self._kept[folder] = self._names(folder)

    def _names(self, folder: Path) -> dict[str, int]:
        return {path.name: number for path, number in self._files.items() if path.parent == folder}

    def power_cut(self, dice: random.Random) -> None:
        """Put on the disk what a machine could find there when it comes up again."""
        found: dict[Path, bytes | None] = {}
        self._gather(self.root, dice, found)
        shutil.rmtree(self.root)
        self.root.mkdir()
        self._files.clear()
        for path, data in found.items():
            self._new(path)
            if data is None:
                path.mkdir(0o700)
            else:
                path.write_bytes(data)
                self._bytes[self._files[path]] = data
        self._kept = {path: self._names(path) for path, data in [(self.root, None), *found.items()] if data is None}

    def _gather(self, folder: Path, dice: random.Random, found: dict[Path, bytes | None]) -> None:
        kept, now = self._kept.get(folder, {}), self._names(folder)
        for name in sorted(kept.keys() | now.keys()):
            number = dice.choice((kept.get(name), now.get(name)))
            path = folder / name
            if number is None:
                continue
            if self._files.get(path) == number and path.is_dir():
                found[path] = None
                self._gather(path, dice, found)
            else:
                found[path] = self._content(path, number, dice)

    def _content(self, path: Path, number: int, dice: random.Random) -> bytes:
        kept = self._bytes.get(number)
        if kept is not None:
            return kept
        written = b""
        with suppress(OSError):
            written = path.read_bytes() if self._files.get(path) == number else b""
        return dice.choice((b"", written, written[: len(written) // 2], bytes(len(written))))


def orphans(folder: Path, known: set[str]) -> list[str]:
    """Files of a blob store that no fact names, drafts among them."""
    return sorted(path.name for path in folder.glob("??/*") if path.name not in known)


def spent(calls: list[str]) -> dict[str, Any]:
    """How often each call was made."""
    return {name: calls.count(name) for name in sorted(set(calls))}
