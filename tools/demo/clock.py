"""The demo's time: set by hand, forward only."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from domain.ledger.clock import LOCAL, SetClock, SystemClock
from domain.model.errors import DagbokError


class DemoClock(SetClock):
    """A set clock that can be brought past what the ledger already holds."""

    def catch_up(self, recorded_at_us: int) -> None:
        """Move on to the last event of the ledger where the clock lies behind it."""
        last = datetime.fromtimestamp(recorded_at_us / 1_000_000, UTC)
        if last > self.now():
            self.move_to(last + timedelta(milliseconds=1))


def present(now: str | None) -> datetime:
    """The demo's present: the given day or instant, else now. Local time where no zone is given. DagbokError on nonsense."""
    if now is None:
        return SystemClock().now().astimezone(LOCAL)
    try:
        given = datetime.fromisoformat(now)
    except ValueError:
        raise DagbokError(f"not a date or time: {now!r}", hint="Write --now 2026-11-23 or --now 2026-11-23T09:00.") from None
    if len(now) == 10:
        given = datetime.combine(given.date(), time(8, 0))
    return given if given.tzinfo else given.replace(tzinfo=LOCAL)


def clock_for(now: str | None) -> DemoClock:
    """A clock that runs from the demo's present."""
    return DemoClock(present(now))
