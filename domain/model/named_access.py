"""Access to one record, named to one person from day to day (Noark 5: 4.5.23): given by the record's owner, within limits.

Uncoded material only, or codes that the receiver is cleared for already: the rights tables and `may` see to that. Anything wider
is an order of the receiver's manager.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any
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


@dataclass(frozen=True, slots=True)
class AccessAskedBody:
    """reason: as the person wrote it."""

    reason: str


@dataclass(frozen=True, slots=True)
class AccessAsked:
    """`person` asked to read the record. It gives nothing; an access with the same id (`AccessGranted.grant`) answers it."""

    request: UUID
    person: str
    asked_on: date
    body: AccessAskedBody | None


@dataclass(frozen=True, slots=True)
class AccessDeclinedBody:
    """reason: what the one who asked is told."""

    reason: str


@dataclass(frozen=True, slots=True)
class AccessDeclined:
    """Whoever could have given the access said no."""

    request: UUID
    body: AccessDeclinedBody | None


@dataclass(frozen=True, slots=True)
class NamedAccess:
    """What stands in a record's stream about access to it. grants: in force or to come; waiting: requests without an answer."""

    grants: Mapping[UUID, AccessGranted] = field(default_factory=dict)
    waiting: Mapping[UUID, AccessAsked] = field(default_factory=dict)


def evolve(state: NamedAccess | None, stream: UUID, fact: Any) -> NamedAccess:
    """The state after one more fact of a record, whatever kind of record it is."""
    del stream
    state = state or NamedAccess()
    match fact:
        case AccessAsked():
            return replace(state, waiting={**state.waiting, fact.request: fact})
        case AccessDeclined():
            return replace(state, waiting=_without(state.waiting, fact.request))
        case AccessGranted():
            waiting = _without(state.waiting, fact.grant)
            return replace(state, grants={**state.grants, fact.grant: fact}, waiting=waiting)
        case AccessWithdrawn():
            return replace(state, grants=_without(state.grants, fact.grant))
        case _:
            return state


def ask(state: NamedAccess, wanted: UUID, person: str, today: date, reason: str) -> tuple[AccessAsked, ...]:
    """Ask to read a record; nothing where the person's request waits already. Refused `rights.reason_missing`."""
    _required(reason)
    if any(one.person == person for one in state.waiting.values()):
        return ()
    return (AccessAsked(wanted, person, today, AccessAskedBody(reason)),)


def decline(state: NamedAccess, wanted: UUID, reason: str) -> AccessDeclined:
    """Say no, with a reason. Refused `grant.not_waiting`."""
    if wanted not in state.waiting:
        raise Refused("grant.not_waiting", "4.5.23", {"request": str(wanted)})
    _required(reason)
    return AccessDeclined(wanted, AccessDeclinedBody(reason))


def grant(wanted: UUID, person: str, first_day: date, last_day: date, today: date, reason: str) -> AccessGranted:
    """Access of at most 90 days. Refused `grant.days`, `grant.too_long`, `rights.reason_missing`."""
    first_day = max(first_day, today)
    if last_day < first_day:
        raise Refused("grant.days", "4.5.30", {"last_day": last_day.isoformat()})
    if last_day - first_day >= timedelta(days=LONGEST_DAYS):
        raise Refused("grant.too_long", "4.5.23", {"days": str(LONGEST_DAYS)})
    _required(reason)
    return AccessGranted(wanted, person, first_day, last_day, AccessGrantedBody(reason))


def withdraw(granted: Mapping[UUID, AccessGranted], wanted: UUID) -> tuple[AccessWithdrawn, ...]:
    """Take an access back; nothing where it is gone already."""
    return (AccessWithdrawn(wanted),) if wanted in granted else ()


def _required(reason: str) -> None:
    if not reason.strip():
        raise Refused("rights.reason_missing", "4.5.29")
    limited(reason, TEXT_LIMIT, "reason")


def _without(kept: Mapping[UUID, Any], gone: UUID) -> dict[UUID, Any]:
    return {key: one for key, one in kept.items() if key != gone}
