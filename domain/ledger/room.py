"""Room that is kept free. A database whose disk is full to the last byte stops, and cannot even start again to be read."""

from __future__ import annotations

from pathlib import Path

from domain.ledger.durable import DISK, Disk
from domain.ledger.faults import StorageFull

RESERVE = 256 * 1024**2


class Room:
    """Refuses to take in more once `reserve` bytes or fewer are free where `folder` lies (seen with PostgreSQL 18.4: when its log
    finds no room the server goes down, and its recovery needs room too)."""

    def __init__(self, folder: Path, reserve: int = RESERVE, disk: Disk = DISK) -> None:
        self._folder = folder
        self._reserve = reserve
        self._disk = disk

    def require(self) -> None:
        """Raises StorageFull where the reserve has been reached, OSError where the folder is out of reach."""
        if not self._reserve:
            return
        free = self._disk.free(self._folder)
        if free <= self._reserve:
            raise StorageFull(f"{free // 1024**2} MB are free and {self._reserve // 1024**2} MB are kept for the database")
