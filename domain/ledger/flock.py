"""Advisory file locks that the kernel frees with their last holder, so that no crash leaves one behind.

`flock` belongs to the open file, not to the process: a child that inherits the descriptor holds the lock too. That is
used on purpose for the server (`hand_over`) and prevented elsewhere: a fork closes every lock of the parent's.
"""

from __future__ import annotations

import fcntl
import os
import weakref
from pathlib import Path


class Flock:
    """The lock on a file that exists. Not held until one of the `try_` methods says so. OSError as from open."""

    def __init__(self, path: Path) -> None:
        # O_NOFOLLOW: root opens files in a folder that may belong to a weaker account
        self.fd = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        _open.add(self)

    def try_exclusive(self) -> bool:
        """Take the lock alone; False if anybody holds it."""
        return self._try(fcntl.LOCK_EX)

    def try_shared(self) -> bool:
        """Take the lock together with others; False if somebody holds it alone."""
        return self._try(fcntl.LOCK_SH)

    def _try(self, kind: int) -> bool:
        try:
            fcntl.flock(self.fd, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def release(self) -> None:
        """Free the lock, for inheritors as well, and close the file. May be called twice."""
        if self.fd >= 0:
            fcntl.flock(self.fd, fcntl.LOCK_UN)
        self.hand_over()

    def hand_over(self) -> None:
        """Close the file only: the lock stays with the child processes that inherited it. May be called twice."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


_open: weakref.WeakSet[Flock] = weakref.WeakSet()


def _forget_after_fork() -> None:
    for lock in list(_open):
        lock.hand_over()


os.register_at_fork(after_in_child=_forget_after_fork)
