"""The clock port: every instant in the ledger comes through it, the database's too."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

LOCAL = ZoneInfo("Europe/Oslo")
SKEW_LIMIT = timedelta(seconds=2)


class Clock(Protocol):
    """Where instants come from. reads_database: whether the database's own clock counts."""

    reads_database: bool

    def now(self) -> datetime:
        """The application's time, with time zone UTC."""
        ...

    def database(self, reading: datetime) -> datetime:
        """What counts as the database's time, given what the database answered."""
        ...

    def steady(self) -> bool:
        """False once the wall clock has jumped against the monotonic clock since this clock was made."""
        ...


class SystemClock:
    """The machine's clock, held against the monotonic clock so that a jump inside the process is seen."""

    reads_database = True

    def __init__(self) -> None:
        self._wall = time.time()
        self._monotonic = time.monotonic()

    def now(self) -> datetime:
        """The machine's time."""
        return datetime.now(UTC)

    def database(self, reading: datetime) -> datetime:
        """The database's own reading."""
        return reading

    def steady(self) -> bool:
        """Whether wall and monotonic clock have run alike, within 2 s; slow slewing by time servers is followed."""
        wall, monotonic = time.time(), time.monotonic()
        drift = abs((wall - self._wall) - (monotonic - self._monotonic))
        if drift < SKEW_LIMIT.total_seconds():
            self._wall += (wall - self._wall - (monotonic - self._monotonic)) if drift < 0.05 else 0.0
            return True
        return False


class SetClock:
    """A clock that is set by hand and moves forward only: the demo's and the tests'. It replaces the database's clock too."""

    reads_database = False

    def __init__(self, start: datetime, running: bool = True) -> None:
        self._lock = threading.Lock()
        self._running = running
        self._set = start.astimezone(UTC)
        self._since = time.monotonic()

    def now(self) -> datetime:
        """The set time, plus what has passed since where the clock runs."""
        with self._lock:
            return self._now()

    def _now(self) -> datetime:
        passed = time.monotonic() - self._since if self._running else 0.0
        return self._set + timedelta(seconds=passed)

    def move_to(self, moment: datetime) -> datetime:
        """Set the clock forward; ValueError where `moment` lies behind it."""
        with self._lock:
            if moment.astimezone(UTC) < self._now():
                raise ValueError("the clock moves forward only")
            self._set = moment.astimezone(UTC)
            self._since = time.monotonic()
            return self._set

    def database(self, reading: datetime) -> datetime:
        """The set time: the database's reading is not used."""
        del reading
        return self.now()

    def steady(self) -> bool:
        """A set clock never jumps by itself."""
        return True


def local_date(moment: datetime) -> str:
    """The local day of an instant, ISO."""
    return moment.astimezone(LOCAL).date().isoformat()
