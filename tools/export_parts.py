"""What must be looked at one key at a time, in parts small enough to be held whole; for ``tools.verify`` alone.

Past 8 MB the parts lie in one unnamed temporary file, which the kernel takes away with the process: memory does not grow.
"""

import tempfile
from collections.abc import Iterator
from struct import Struct
from typing import IO
from zlib import crc32

NUMBER_OF_PARTS = 256
_WINDOW = 1_200_000  # streams held at once, some 130 bytes each: what is put aside costs a sixth of the speed
_SEEN = Struct("!16sIqq")  # stream, window, first and last version in it

HandedOver = list[tuple[int, bytes]]


class Parts:
    """Bytes by part of their key, in the order in which they came."""

    def __init__(self, in_memory: int = 8 << 20) -> None:
        self._limit, self._held = in_memory, 0
        self._waiting: dict[int, bytearray] = {}
        self._written: dict[int, list[tuple[int, int]]] = {}
        self._file: IO[bytes] | None = None

    def add(self, key: bytes, data: bytes) -> None:
        """Put ``data`` into the part of ``key``, which is the same in every process.  ``OSError`` where the disk is full."""
        self._put(crc32(key) % NUMBER_OF_PARTS, data)

    def join(self, parts: HandedOver) -> None:
        """What another process handed over, behind what is here."""
        for number, data in parts:
            self._put(number, data)

    def hand_over(self) -> HandedOver:
        """All parts that are not empty."""
        return list(self.parts())

    def parts(self) -> Iterator[tuple[int, bytes]]:
        """(number, bytes) of all parts that are not empty."""
        for number in sorted(self._waiting.keys() | self._written.keys()):
            yield number, self.part(number)

    def part(self, number: int) -> bytes:
        """One part, maybe empty."""
        data = b""
        for at, size in self._written.get(number, ()):
            assert self._file is not None
            self._file.seek(at)
            data += self._file.read(size)
        return data + self._waiting.get(number, b"")

    def __del__(self) -> None:
        if self._file is not None:
            self._file.close()

    def _put(self, number: int, data: bytes) -> None:
        self._waiting.setdefault(number, bytearray()).extend(data)
        self._held += len(data)
        if self._held > self._limit:
            self._write()

    def _write(self) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile()  # noqa: SIM115  lives as long as the parts
        at = self._file.seek(0, 2)
        for number, data in self._waiting.items():
            self._file.write(data)
            self._written.setdefault(number, []).append((at, len(data)))
            at += len(data)
        self._waiting, self._held = {}, 0


class Versions:
    """Whether the versions of each stream follow one another: 1, 2, 3 and so on.

    ``last``: of the streams of the window at hand.  When a window is full, what it saw of each stream is put aside; the windows
    are compared in the end.  ``deferred``: something came before the first window, and is compared in the end too;
    ``number``: of the first window; ``continues``: streams may have begun in another chain.
    """

    def __init__(self, deferred: bool = False, number: int = 0, continues: bool = False, limit: int = _WINDOW) -> None:
        self.last: dict[bytes, int] = {}
        self.firsts: dict[bytes, int] = {}
        self.deferred, self.continues = deferred, continues
        self._number, self._limit = number, limit
        self._aside = Parts()

    def follows(self, stream: bytes, version: int) -> bool:
        """Take one version of a stream; ``False`` where it does not follow the one before, as far as that is known here."""
        before = self.last.get(stream, 0)
        self.last[stream] = version
        if version == before + 1:
            return True
        if not before and self.deferred:
            self.firsts[stream] = version
            return True
        return not before and self.continues

    def take(self, begun: dict[bytes, int], gone_on: dict[bytes, int], met: dict[bytes, int]) -> bool:
        """Take a bundle's last versions: of streams that it begins, of others, and the first versions of those not held here.
        ``False``, and nothing taken, where one that it begins was there before."""
        if not (self.last.keys().isdisjoint(begun) and gone_on.keys().isdisjoint(begun)):
            return False
        self.last.update(begun)
        self.last.update(gone_on)
        self.firsts.update(met)
        return True

    def shrink(self) -> None:
        """Between bundles: begin another window where this one is full."""
        if len(self.last) > self._limit:
            self._put_aside()
            self.deferred = True

    def hand_over(self) -> HandedOver:
        """What these windows saw."""
        self._put_aside()
        return self._aside.hand_over()

    def join(self, parts: HandedOver) -> None:
        """What another process saw, in a window of higher number than those joined before."""
        self.deferred = True
        self._aside.join(parts)

    def breaks(self) -> Iterator[tuple[int, int, int]]:
        """(window, version, last version before it) where windows do not follow one another."""
        if not self.deferred:
            return
        self._put_aside()
        for _, data in self._aside.parts():
            known: dict[bytes, int] = {}
            for stream, number, first, last in _SEEN.iter_unpack(data):
                before = known.get(stream, 0)
                if first != before + 1 and (before or not self.continues):
                    yield number, first, before
                known[stream] = last

    def _put_aside(self) -> None:
        parts: list[bytearray] = [bytearray() for _ in range(NUMBER_OF_PARTS)]
        pack, number, first = _SEEN.pack, self._number, self.firsts.get
        for stream, last in self.last.items():
            if last or stream in self.firsts:
                parts[crc32(stream) % NUMBER_OF_PARTS] += pack(stream, number, first(stream, 1), last)
        self._aside.join([(at, bytes(part)) for at, part in enumerate(parts) if part])
        self.last.clear()
        self.firsts.clear()
        self._number += 1


def names(data: bytes) -> Iterator[bytes]:
    """Names that were each put into a part with a NUL after it."""
    return iter(data.split(b"\0")[:-1])
