"""A disk of so many bytes that fills up as any other does, where this system lets one be mounted."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest


class SmallDisk:
    """A mounted disk. `fill` leaves no byte, or so many; `make_room` gives all of it back."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._ballast = root / "ballast"

    @property
    def free(self) -> int:
        found = os.statvfs(self.root)
        return found.f_bavail * found.f_frsize

    def fill(self, leave: int = 0) -> None:
        """Take what is free, but for `leave` bytes."""
        with self._ballast.open("ab") as file:
            while (wanted := self.free - leave) > 0:
                with suppress(OSError):  # the database was quicker to take some of it
                    os.posix_fallocate(file.fileno(), os.fstat(file.fileno()).st_size, wanted)

    def make_room(self) -> None:
        """What was taken is free again."""
        self._ballast.unlink(missing_ok=True)


@contextmanager
def mounted(size: int) -> Iterator[SmallDisk]:
    """A disk of `size` bytes; the test is skipped where mounting one is not allowed."""
    place = Path(tempfile.mkdtemp(prefix="dagbok-disk-"))
    place.chmod(0o711)
    options = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=0711", "tmpfs", str(place)]
    if shutil.which("mount") is None or subprocess.run(options, capture_output=True, check=False).returncode != 0:
        place.rmdir()
        pytest.skip("mounting a small disk needs the program mount, and the right to use it")
    try:
        yield SmallDisk(place)
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)
        place.rmdir()
