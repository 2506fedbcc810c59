"""The files of an export folder as ``tools.verify`` reads them: each expected, none trusted, every fault gathered."""

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from io import BufferedReader, FileIO
from pathlib import Path

from domain import chain
from tools.export_parts import HandedOver, Parts, names

_SHOWN_FAULTS = 100
# No link is followed, and a pipe does not block; Windows has neither word, and asks for "binary" instead.
_PLAINLY = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY"))


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, and where: at one position, in an interval of positions (both ends inclusive), or in a file alone."""

    what: str
    position: int | None = None
    interval: tuple[int, int] | None = None


@dataclass(slots=True)
class Findings:
    """Faults, the first 100 in full (a broken chain may have one an event), and what cannot be proved either way."""

    faults: list[Fault] = field(default_factory=list)
    unprovable: list[str] = field(default_factory=list)
    not_shown: int = 0

    def fault(self, what: str, position: int | None = None, interval: tuple[int, int] | None = None) -> None:
        """Add a fault."""
        if len(self.faults) < _SHOWN_FAULTS:
            self.faults.append(Fault(what, position, interval))
        else:
            self.not_shown += 1

    def all_faults(self) -> list[Fault]:
        """The faults in order of position, those of no position last, closed by one that counts those not shown."""
        rest = [Fault(f"and {self.not_shown} faults more")] if self.not_shown else []
        return [*sorted(self.faults, key=lambda one: one.position or (one.interval or (1 << 63,))[0]), *rest]


class Files:
    """A folder whose every file must be asked for: what is left over at the end does not belong there."""

    def __init__(self, root: Path, findings: Findings) -> None:
        self._root, self._findings, self._asked = root, findings, Parts()
        self._prefix = f"{root}{os.sep}"  # joined as text: a Path for each of thousands of files costs more than reading it

    def has(self, folder: str) -> bool:
        """Whether the export has this folder."""
        return os.path.lexists(self._root / folder)

    def open(self, path: str, limit: int, interval: tuple[int, int] | None = None) -> BufferedReader | None:
        """The file for reading, or ``None`` and a fault if it is missing, longer than ``limit`` bytes or no plain file."""
        found = self._open(path, limit, interval)
        return BufferedReader(FileIO(found[0])) if found is not None else None

    def _open(self, path: str, limit: int, interval: tuple[int, int] | None) -> tuple[int, int] | None:
        """Descriptor and size in bytes."""
        name = path.encode(errors="surrogateescape")
        self._asked.add(name, name + b"\0")
        try:
            file = os.open(self._prefix + path, _PLAINLY)
        except OSError as error:
            what = "is not a plain file" if error.errno == errno.ELOOP else f"cannot be read: {error.strerror}"
            self._findings.fault(f"{path} {what}", interval=interval)
            return None
        found = os.fstat(file)
        if stat.S_ISREG(found.st_mode) and found.st_size <= limit:
            return file, found.st_size
        os.close(file)
        plain = stat.S_ISREG(found.st_mode)
        what = f"longer than it can be ({found.st_size} bytes)" if plain else "not a plain file"
        self._findings.fault(f"{path} is {what}", interval=interval)
        return None

    def read(self, path: str, limit: int, interval: tuple[int, int] | None = None) -> bytes | None:
        """The bytes of a file of at most ``limit`` bytes, or ``None`` and a fault."""
        found = self._open(path, limit, interval)
        if found is None:
            return None
        file, size = found
        try:
            data = os.read(file, size + 1)  # asking for one byte more tells the end without asking again
            while len(data) < size and (more := os.read(file, size - len(data))):
                data += more
        finally:
            os.close(file)
        return data

    def expect(self, path: str, data: bytes, interval: tuple[int, int] | None = None) -> None:
        """A fault unless the file holds exactly ``data``."""
        found = self.read(path, len(data), interval)
        if found is not None and found != data:
            self._findings.fault(f"{path} does not hold what follows from the entries", interval=interval)

    def left_over(self) -> Iterator[str]:
        """Paths in the folder that nobody asked for."""
        found = Parts()
        for path in self._walk():
            found.add(path, path + b"\0")
        for number, data in found.parts():
            for name in sorted(set(names(data)) - set(names(self._asked.part(number)))):
                yield name.decode(errors="surrogateescape").encode(errors="backslashreplace").decode()  # a name need not be text

    def _walk(self) -> Iterator[bytes]:
        for folder, folders, names_here in os.walk(self._root):
            links = [name for name in folders if os.path.islink(os.path.join(folder, name))]
            for name in (*names_here, *links):
                path = os.path.join(folder, name).removeprefix(self._prefix).replace(os.sep, "/")
                yield path.encode(errors="surrogateescape")

    def hand_over(self) -> HandedOver:
        """The paths that were asked for, for ``join`` in another process."""
        return self._asked.hand_over()

    def join(self, asked: HandedOver) -> None:
        """Paths that another process asked for."""
        self._asked.join(asked)


class Tiles:
    """The tree, rebuilt from leaf hashes and compared tile by tile; memory: at most 255 hashes a level.

    ``before``: a run of positions after so many, a multiple of 65 536, is grown by itself and joined to those before it.
    """

    def __init__(self, files: Files, before: int = 0) -> None:
        self._files, self._before = files, before
        self._rows: list[list[bytes]] = [[]]  # hashes of the tile under way at each level
        self._full: list[int] = [before >> 8]  # tiles completed at each level
        self.size = 0

    def add(self, leaves: Sequence[bytes]) -> None:
        """The next leaves, at most up to the end of a level-0 tile."""
        self._rows[0].extend(leaves)
        self.size += len(leaves)
        self._close_full(0)

    def _close_full(self, level: int) -> None:
        while len(self._rows[level]) == 256:
            self._compare(level)
            self._grow(level + 1)
            self._rows[level + 1].append(chain.perfect_root(self._rows[level]))
            self._rows[level] = []
            self._full[level] += 1
            level += 1

    def _grow(self, level: int) -> None:
        while len(self._rows) <= level:
            self._rows.append([])
            self._full.append(self._before >> 8 * len(self._rows))

    def join(self, rows: Sequence[list[bytes]], size: int) -> None:
        """The right edge of a run of at most 65 536 that was grown by itself: a root where it is full, else two partial tiles."""
        self._grow(2)
        self.size += size
        self._full[:2] = self.size >> 8, self.size >> 16
        self._rows[:2] = [list(rows[0]), list(rows[1]) if len(rows) > 1 else []]
        self._rows[2] += rows[2] if len(rows) > 2 else []
        self._close_full(2)

    def rows(self) -> list[list[bytes]]:
        """The right edge, for ``join``."""
        return self._rows

    def nodes(self, leaves: Sequence[bytes] = ()) -> tuple[bytes, ...]:
        """The perfect subtrees of the tree so far and of these leaves after it, largest first."""
        edges = (chain.Frontier.empty().extend(row).nodes for row in (*self._rows[:0:-1], [*self._rows[0], *leaves]))
        return tuple(node for row in edges for node in row)

    def root(self, leaves: Sequence[bytes] = ()) -> bytes:
        """Root of the tree so far and of these leaves after it."""
        return chain.Frontier(self.size + len(leaves), self.nodes(leaves)).root()

    def close(self) -> None:
        """Compare the right edge: the partial tile of each level."""
        for level, row in enumerate(self._rows):
            if row:
                self._compare(level)

    def _compare(self, level: int) -> None:
        row, index = self._rows[level], self._full[level]
        leaves = 256**level
        interval = index * 256 * leaves + 1, (index * 256 + len(row)) * leaves
        self._files.expect(chain.tile_path(level, index, len(row)), b"".join(row), interval)
