"""A third opinion on the time: what a server outside the house says in its Date header (RFC 9110 §6.6.1).

A witness serves, and so does any web server that is not ours. It finds what two clocks of one machine cannot: that both were
moved while the program was down (CONTRACT §3).
"""

from __future__ import annotations

import logging
from datetime import UTC, timedelta
from email.utils import parsedate_to_datetime

import httpx

from domain.ledger.clock import SKEW_LIMIT, Clock
from domain.ledger.faults import ClockFault, LedgerError

ASK_WITHIN_S = 5.0
REFUSE_ABOVE = timedelta(minutes=2)
_RESOLUTION = timedelta(seconds=1)  # the header holds whole seconds
_log = logging.getLogger(__name__)


class NoTime(LedgerError):
    """The time source did not tell the time. Registration goes on; a jump of both clocks while stopped is not seen."""

    code = "clock.no_source"


def apart(url: str, clock: Clock, client: httpx.Client | None = None) -> timedelta:
    """How far the application's clock surely lies from the source's, zero where the two may be the same. Raises NoTime."""
    asked = client or httpx.Client(timeout=ASK_WITHIN_S)
    before = clock.now()
    try:
        said = asked.head(url).headers.get("date", "")
        after = clock.now()
        told = parsedate_to_datetime(said)
    except httpx.HTTPError as problem:
        raise NoTime(f"{url} cannot be asked for the time: {problem}") from problem
    except (TypeError, ValueError):
        raise NoTime(f"{url} names no time") from None
    finally:
        if client is None:
            asked.close()
    told = told.astimezone(UTC) if told.tzinfo else told.replace(tzinfo=UTC)
    return max(before - (told + _RESOLUTION), told - after, timedelta())


def check(url: str | None, clock: Clock) -> timedelta | None:
    """Before anything is written: ClockFault where the source and this machine are more than 2 min apart.

    How far apart they are; None where no source is set, it cannot be asked, or the clock is set by hand. A source out of reach
    stops nothing, since it is not the ledger.
    """
    if url is None or not clock.reads_database:
        return None
    try:
        found = apart(url, clock)
    except NoTime as problem:
        _log.warning("time-source-away", extra={"problem": str(problem)})
        return None
    if found > REFUSE_ABOVE:
        raise ClockFault(
            f"this machine's clock and that of {url} are {found.total_seconds():.0f} s apart",
            hint="Set the machine's clock by a time server, or take the setting time_source away if the source is wrong.",
        )
    if found > SKEW_LIMIT:
        _log.warning("time-source-apart", extra={"seconds": found.total_seconds()})
    return found
