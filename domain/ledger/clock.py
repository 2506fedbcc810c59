"""The clock port: every instant in the ledger comes through it, the database's too."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from domain.ledger.faults import ClockFault

LOCAL = ZoneInfo("Europe/Oslo")
SKEW_LIMIT = timedelta(seconds=2)
SLEW = 0.0005  # seconds a second, the most that a kernel slews a clock
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Clock(Protocol):
    """Where instants come from. reads_database: whether the database's own clock counts."""

    reads_database: bool

    def now(self) -> datetime:
        """The application's time, with time zone UTC."""
        ...

    def database(self, reading: datetime) -> datetime:
        """What counts as the database's time, given what the database answered."""
        ...

    def steady(self, reading: datetime | None = None) -> bool:
        """Whether the wall clock, and a reading of it just taken, run as the monotonic clock does since this clock was made."""
        ...


class SystemClock:
    """The machine's clock, held against the monotonic clock so that a jump inside the process is seen.

    A difference under 2 s is followed as slowly as a time server slews; one of 2 s or more is a jump, and holds until the wall
    clock is back, or the program starts anew.
    """

    reads_database = True

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._seen = _monotonic()
        self._offset = time.time() - self._seen

    def now(self) -> datetime:
        """The machine's time."""
        return datetime.fromtimestamp(time.time(), UTC)

    def database(self, reading: datetime) -> datetime:
        """The database's own reading."""
        return reading

    def steady(self, reading: datetime | None = None) -> bool:
        """Whether wall and monotonic clock have run alike, within 2 s; slow slewing by time servers is followed."""
        limit = SKEW_LIMIT.total_seconds()
        with self._guard:
            seen = _monotonic()
            passed, self._seen = seen - self._seen, seen
            drift = time.time() - seen - self._offset
            taken = drift if reading is None else reading.timestamp() - seen - self._offset
            if abs(drift) >= limit or abs(taken) >= limit:  # the wall clock may have been right again between the two
                return False
            most = max(passed, 0.0) * SLEW
            self._offset += min(max(drift, -most), most)
            return True


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

    def steady(self, reading: datetime | None = None) -> bool:
        """A set clock never jumps by itself."""
        del reading
        return True


def microseconds(moment: datetime) -> int:
    """Microseconds since 1970, UTC, without the rounding of floats."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def stamp(clock: Clock, readings: Iterable[datetime], head_us: int) -> tuple[datetime, int]:
    """(now, recorded_at in microseconds): now, or the head's own time where that is ahead by no more than 2 s (CONTRACT §2).

    readings: the database's clock, read anew at each step; a later one is looked at where an earlier was too long under way.
    Empty where the database compares by itself. head_us: the last event's. Raises ClockFault: a time is never invented, and never
    taken from a clock that another contradicts.
    """
    now, apart = clock.now(), timedelta()
    for reading in readings:
        now = clock.now()
        apart = abs(now - clock.database(reading))
        if apart <= SKEW_LIMIT:
            break
    if not clock.steady(now):
        raise ClockFault("the machine's clock has jumped")
    if apart > SKEW_LIMIT:
        raise ClockFault(f"application and database clocks differ by {apart.total_seconds():.1f} s")
    now_us = microseconds(now)
    if now_us < head_us - SKEW_LIMIT // timedelta(microseconds=1):
        raise ClockFault(f"the clock is {(head_us - now_us) / 1_000_000:.1f} s behind the last event")
    return now, max(now_us, head_us)


def _monotonic() -> float:
    """Seconds that have passed, sleep of the machine included where the system counts it: waking up is no jump."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


def local_date(moment: datetime) -> str:
    """The local day of an instant, ISO."""
    return moment.astimezone(LOCAL).date().isoformat()
