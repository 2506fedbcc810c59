"""Locks in this process, one a unit: commands on a hot case queue here instead of conflicting at the writer."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from uuid import UUID


class KeyedLocks:
    """A lock for each key while somebody holds or waits for it. Keys are taken in order, so two commands cannot deadlock."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._locks: dict[UUID, tuple[threading.Lock, int]] = {}

    @contextmanager
    def hold(self, keys: Iterable[UUID]) -> Iterator[None]:
        """Hold the locks of all keys."""
        wanted = sorted(set(keys))
        taken: list[UUID] = []
        try:
            for key in wanted:
                with self._guard:
                    lock, users = self._locks.get(key, (threading.Lock(), 0))
                    self._locks[key] = (lock, users + 1)
                lock.acquire()
                taken.append(key)
            yield
        finally:
            for key in reversed(taken):
                with self._guard:
                    lock, users = self._locks.pop(key)
                    if users > 1:
                        self._locks[key] = (lock, users - 1)
                lock.release()
