"""Bytes sorted into parts by a key, each part in the order in which it came: what a check needs to look at one key at a time.

Memory is bounded whatever comes in: past 4 MB the parts go to one unnamed file in the temporary folder, which the kernel takes
away with the process, however that ends. A part holds one 256th of the keys, and is small enough to be held whole.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from typing import IO
from zlib import crc32

PARTS = 256
IN_MEMORY = 4 << 20  # bytes


class Spill:
    """Parts of bytes. `in_memory`: how many bytes are held before they are written out."""

    def __init__(self, in_memory: int = IN_MEMORY) -> None:
        self._limit = in_memory
        self._held = 0
        self._parts: dict[int, bytearray] = {}
        self._written: dict[int, list[tuple[int, int]]] = {}
        self._file: IO[bytes] | None = None

    def add(self, key: bytes, data: bytes) -> None:
        """Put `data` into the part of `key`: always the same one, in every process. Raises OSError where the disk is full."""
        part = crc32(key) % PARTS
        if part in self._parts:
            self._parts[part] += data
        else:
            self._parts[part] = bytearray(data)
        self._held += len(data)
        if self._held > self._limit:
            self._write()

    def join(self, parts: Sequence[tuple[int, bytes]]) -> None:
        """Put what another process handed over behind what is here. Raises OSError."""
        for part, data in parts:
            self._parts.setdefault(part, bytearray()).extend(data)
            self._held += len(data)
        if self._held > self._limit:
            self._write()

    def hand_over(self) -> list[tuple[int, bytes]]:
        """Every part that is not empty, for `join`; nothing stays. The caller keeps what it hands over small."""
        parts = [(part, data) for part in range(PARTS) if (data := self._part(part))]
        self.clear()
        return parts

    def parts(self) -> Iterator[tuple[int, bytes]]:
        """(number, bytes) of every part that is not empty, by number."""
        for part in sorted(self._parts.keys() | self._written.keys()):
            yield part, self._part(part)

    def part(self, number: int) -> bytes:
        """One part; empty where nothing was put into it."""
        return self._part(number)

    def clear(self) -> None:
        """Forget everything, the file with it."""
        self._parts.clear()
        self._written.clear()
        self._held = 0
        if self._file is not None:
            self._file.close()
            self._file = None

    def __del__(self) -> None:
        self.clear()

    def _part(self, number: int) -> bytes:
        found = []
        for at, size in self._written.get(number, ()):
            assert self._file is not None
            self._file.seek(at)
            found.append(self._file.read(size))
        return b"".join([*found, self._parts.get(number, b"")])

    def _write(self) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile(prefix="dagbok-")  # noqa: SIM115  lives as long as this
        at = self._file.seek(0, 2)
        for number, data in self._parts.items():
            self._file.write(data)
            self._written.setdefault(number, []).append((at, len(data)))
            at += len(data)
        self._parts.clear()
        self._held = 0
