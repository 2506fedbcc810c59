"""Whether the versions of every stream follow one another: 1, 2, 3 and so on, over all record chains of a tenant.

The last version of each stream is held in memory for a window of streams. What a window saw of a stream (first and last version)
is put aside when the window is full, and the windows are compared in order at the end, one part of the streams at a time: memory
does not grow with the number of streams. A run of positions that another process reads is a window too. The versions are taken
from rows that were hashed here, never from a query that counts them: the database is what is being checked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from struct import Struct
from typing import NamedTuple
from zlib import crc32

from domain.ledger.spill import PARTS, Spill
from domain.ledger.walk import Findings

WINDOW = 200_000  # streams, some 110 bytes each
_RECORD = Struct("!16sIqq")  # stream, window, first and last version in it

LastVersions = Callable[[Sequence[bytes]], dict[bytes, int]]
"""The last versions of these streams in what was verified before and is not read again."""


class Window(NamedTuple):
    """chain_id; start: the position before its first; continues: an absent predecessor may have begun the streams."""

    chain_id: str
    start: int
    continues: bool


class Break(NamedTuple):
    """A window begins a stream with `version`, and the windows before it ended it with `last`."""

    window: Window
    stream: bytes
    version: int
    last: int


class Streams:
    """versions: of the streams of this window, by 16-byte id. deferred: something came before that is not held here.
    number: of the first window, where another process will `join` them."""

    def __init__(self, limit: int = WINDOW, deferred: bool = False, number: int = 0) -> None:
        self.versions: dict[bytes, int] = {}
        self._limit = limit
        self._deferred = deferred
        self._number = number
        self._firsts: dict[bytes, int] = {}
        self._windows: list[Window] = []
        self._spill = Spill()

    def begin(self, window: Window) -> None:
        """What comes next is of this chain, from this position on."""
        if self._deferred and self.versions:
            self._put_aside()
        self._windows.append(window)

    def odd(self, position: int, stream: bytes, version: int, findings: Findings) -> None:
        """A version that is not one more than the last one known here: a fault, or to be compared at the end."""
        last = self.versions.get(stream, 0)
        if not last and self._deferred:
            self._firsts[stream] = version
        elif last or not self._windows[-1].continues:
            findings.add(f"version {version} of its stream follows version {last}", position)

    def shrink(self, position: int) -> None:
        """After each page: where the window is full, begin another one after `position`."""
        if len(self.versions) > self._limit:
            self._put_aside()
            self._deferred = True
            self._windows.append(self._windows[-1]._replace(start=position))

    def hand_over(self) -> list[tuple[int, bytes]]:
        """What these windows saw, for `join` in another process."""
        self._put_aside()
        return self._spill.hand_over()

    @property
    def following(self) -> int:
        """The number of the next window."""
        return self._number + len(self._windows)

    def join(self, parts: Sequence[tuple[int, bytes]], window: Window) -> None:
        """The window of number `following`, that another process read. Raises OSError."""
        if self.versions:
            self._put_aside()
        self._deferred = True
        self._windows.append(window)
        self._spill.join(parts)

    def breaks(self, before: LastVersions | None = None) -> Iterator[Break]:
        """Where the windows do not follow one another. `before`: what came before the first one."""
        if not self._deferred:
            return
        self._put_aside()
        for _, data in self._spill.parts():
            records = list(_RECORD.iter_unpack(data))
            seen = before(list({record[0] for record in records})) if before is not None else {}
            for stream, number, first, last in records:
                known = seen.get(stream, 0)
                window = self._windows[number - self._number]
                if first != known + 1 and (known or not window.continues):
                    yield Break(window, stream, first, known)
                seen[stream] = last
        self._spill.clear()

    def _put_aside(self) -> None:
        number, first, pack = self.following - 1, self._firsts.get, _RECORD.pack
        parts: list[bytearray] = [bytearray() for _ in range(PARTS)]
        for stream, last in self.versions.items():  # a call for each would cost as much again
            parts[crc32(stream) % PARTS] += pack(stream, number, first(stream, 1), last)
        self._spill.join([(part, bytes(data)) for part, data in enumerate(parts) if data])
        self.versions.clear()
        self._firsts.clear()
