"""Access to one record, named to one person from day to day (Noark 5: 4.5.23): given by the record's owner, within limits.

Uncoded material only, or codes that the receiver is cleared for already: the rights tables and `may` see to that. Anything wider
is an order of the receiver's manager.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from domain.model.errors import Refused
from domain.model.record import TEXT_LIMIT, limited

LONGEST_DAYS = 90


@dataclass(frozen=True, slots=True)
class AccessGrantedBody:
    """reason: as the owner wrote it."""

    reason: str


@dataclass(frozen=True, slots=True)
class AccessGranted:
    """`person` may read the record from `first_day` to `last_day`, both included, local."""

    grant: UUID
    person: str
    first_day: date
    last_day: date
    body: AccessGrantedBody | None


@dataclass(frozen=True, slots=True)
class AccessWithdrawn:
    """The access was taken back, from this instant."""

    grant: UUID


def grant(wanted: UUID, person: str, first_day: date, last_day: date, today: date, reason: str) -> AccessGranted:
    """Access of at most 90 days. Refused `grant.days`, `grant.too_long`, `rights.reason_missing`."""
    first_day = max(first_day, today)
    if last_day < first_day:
        raise Refused("grant.days", "4.5.30", {"last_day": last_day.isoformat()})
    if last_day - first_day >= timedelta(days=LONGEST_DAYS):
        raise Refused("grant.too_long", "4.5.23", {"days": str(LONGEST_DAYS)})
    if not reason.strip():
        raise Refused("rights.reason_missing", "4.5.29")
    limited(reason, TEXT_LIMIT, "reason")
    return AccessGranted(wanted, person, first_day, last_day, AccessGrantedBody(reason))


def withdraw(granted: Mapping[UUID, AccessGranted], wanted: UUID) -> tuple[AccessWithdrawn, ...]:
    """Take an access back; nothing where it is gone already."""
    return (AccessWithdrawn(wanted),) if wanted in granted else ()
