"""Urgent access (practice R14): a manager orders it at once, for one case, and somebody else confirms. In the person's stream.

In force from its confirmation until 16:00 local on the next working day. For that one case no clearance is needed; every reading
is noted in the access log, and the archive leader reviews each access with a finding. Nobody for himself; who orders does not
confirm, and who ordered does not review. The archive leader or a deputy confirms; outside working hours a second manager may.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Literal
from uuid import UUID

from domain.model.access import Urgent
from domain.model.calendar import Calendar
from domain.model.errors import Refused
from domain.model.ordering import Standing, required

ENDS = time(16)
Stage = Literal["ordered", "confirmed", "ended"]


@dataclass(frozen=True, slots=True)
class UrgentOrderedBody:
    """reason: why it cannot wait, as the manager wrote it."""

    reason: str


@dataclass(frozen=True, slots=True)
class UrgentOrdered:
    """A manager ordered that the person reads one case now. orderer: the manager; hand: the substitute who ordered for the
    manager; confirm_by: the instant after which it must be ordered anew."""

    urgent: UUID
    case: UUID
    orderer: str
    confirm_by: datetime
    body: UrgentOrderedBody | None
    hand: str | None = None


@dataclass(frozen=True, slots=True)
class UrgentConfirmed:
    """Another person confirmed: it is in force from `confirmed_at` until `until`. second_manager: True where, outside working
    hours, no archive leader did."""

    urgent: UUID
    confirmed_at: datetime
    until: datetime
    second_manager: bool | None = None


@dataclass(frozen=True, slots=True)
class UrgentEndedBody:
    """reason: of the one who ended it."""

    reason: str


@dataclass(frozen=True, slots=True)
class UrgentEnded:
    """It was not confirmed and will not be, or ended before its time."""

    urgent: UUID
    ended_at: datetime
    body: UrgentEndedBody | None


@dataclass(frozen=True, slots=True)
class UrgentReviewedBody:
    """finding: what the archive leader found, in words."""

    finding: str


@dataclass(frozen=True, slots=True)
class UrgentReviewed:
    """The archive leader reviewed an access that is over. justified: whether there was an emergency that called for it."""

    urgent: UUID
    justified: bool
    reviewed_on: date
    body: UrgentReviewedBody | None


Fact = UrgentOrdered | UrgentConfirmed | UrgentEnded | UrgentReviewed
FACTS = (UrgentOrdered, UrgentConfirmed, UrgentEnded, UrgentReviewed)


@dataclass(frozen=True, slots=True)
class UrgentAccess:
    """One urgent access and how far it has come."""

    fact: UrgentOrdered
    confirmed_at: datetime | None = None
    until: datetime | None = None
    second_manager: bool = False
    ended_at: datetime | None = None
    review: UrgentReviewed | None = None

    def waits(self, at: datetime) -> bool:
        """Whether it may be confirmed."""
        return self.confirmed_at is None and self.ended_at is None and at < self.fact.confirm_by

    def in_force(self, at: datetime) -> bool:
        """From the confirmation on, until its end."""
        end = self.end
        return self.confirmed_at is not None and end is not None and self.confirmed_at <= at < end

    def to_review(self) -> bool:
        """Whether the archive leader has yet to find whether it was right; what was never in force needs no finding."""
        return self.confirmed_at is not None and self.review is None

    @property
    def end(self) -> datetime | None:
        """The instant at which it ends, or ended; None while nobody has confirmed it."""
        if self.until is None:
            return None
        return self.until if self.ended_at is None else min(self.until, self.ended_at)


@dataclass(frozen=True, slots=True)
class UrgentFile:
    """All urgent accesses that were ordered for one person, by id, in order."""

    accesses: Mapping[UUID, UrgentAccess] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OrderUrgent:
    """What the manager orders."""

    urgent: UUID
    case: UUID
    reason: str


def evolve(state: UrgentFile, fact: Fact) -> UrgentFile:
    """The state after one more fact."""
    if isinstance(fact, UrgentOrdered):
        return UrgentFile({**state.accesses, fact.urgent: UrgentAccess(fact)})
    before = state.accesses.get(fact.urgent)
    if before is None:  # written past every handler: the audit names it, and it opens nothing
        return state
    match fact:
        case UrgentConfirmed():
            after = replace(before, confirmed_at=fact.confirmed_at, until=fact.until, second_manager=bool(fact.second_manager))
        case UrgentEnded():
            after = replace(before, ended_at=fact.ended_at)
        case UrgentReviewed():
            after = replace(before, review=fact)
    return UrgentFile({**state.accesses, fact.urgent: after})


def accesses(state: UrgentFile, positions: Mapping[UUID, tuple[str, ...]]) -> tuple[Urgent, ...]:
    """What `may` asks for: every access that was confirmed, whether or not it is over. positions: of each one's facts."""
    return tuple(
        Urgent(one.fact.case, one.confirmed_at, one.end, positions.get(one.fact.urgent, ()))
        for one in state.accesses.values()
        if one.confirmed_at is not None and one.end is not None
    )


def until(calendar: Calendar, at: datetime, zone: tzinfo) -> datetime:
    """16:00 local on the first working day after the local day of `at`."""
    return datetime.combine(calendar.next_working_day(at.astimezone(zone).date()), ENDS, zone)


def order(state: UrgentFile, person: str, command: OrderUrgent, standing: Standing, confirm_by: datetime) -> UrgentOrdered:
    """Order urgent access. Refused `rights.oneself`, `rights.not_manager`, `urgent.running`, `rights.reason_missing`."""
    if person in standing.selves:
        raise Refused("rights.oneself", "4.5.10")
    if standing.actor not in standing.managers:
        raise Refused("rights.not_manager", "4.5.10")
    mine = (one for one in state.accesses.values() if one.fact.case == command.case)
    if any(one.waits(standing.at) or one.in_force(standing.at) for one in mine):
        raise Refused("urgent.running", "4.5.29")
    hand = standing.actor if standing.orderer != standing.actor else None
    body = UrgentOrderedBody(required(command.reason))
    return UrgentOrdered(command.urgent, command.case, standing.orderer, confirm_by, body, hand)


def confirm(
    state: UrgentFile, person: str, wanted: UUID, standing: Standing, calendar: Calendar, zone: tzinfo
) -> UrgentConfirmed:
    """Confirm it: the archive leader or a deputy (`standing.controllers`) at any time, another manager outside working hours.

    Refused `urgent.not_waiting`, `rights.oneself`, `rights.own_order`, `urgent.working_hours`.
    """
    found = state.accesses.get(wanted)
    if found is None or not found.waits(standing.at):
        raise Refused("urgent.not_waiting", "4.5.29", {"urgent": str(wanted)})
    _require_other(found, person, standing)
    by_leader = standing.actor in standing.controllers
    if not by_leader and calendar.open_at(standing.at.astimezone(zone)):
        raise Refused("urgent.working_hours", "4.5.11")
    return UrgentConfirmed(wanted, standing.at, until(calendar, standing.at, zone), None if by_leader else True)


def end(state: UrgentFile, wanted: UUID, reason: str, standing: Standing) -> UrgentEnded:
    """End it, or say that it will not be; as with every stop nobody is asked. Refused `urgent.not_running`."""
    found = state.accesses.get(wanted)
    if found is None or not (found.waits(standing.at) or found.in_force(standing.at)):
        raise Refused("urgent.not_running", "4.5.29", {"urgent": str(wanted)})
    return UrgentEnded(wanted, standing.at, UrgentEndedBody(required(reason)))


def review(state: UrgentFile, person: str, wanted: UUID, justified: bool, finding: str, standing: Standing) -> UrgentReviewed:
    """The archive leader's finding on an access that is over. Refused `urgent.not_over`, `rights.oneself`, `rights.own_order`.

    Who confirmed may review: two people have agreed on it by then, and where the archive leader alone is at work nobody else is
    left.
    """
    found = state.accesses.get(wanted)
    if found is None or not found.to_review():
        raise Refused("urgent.not_waiting", "4.5.29", {"urgent": str(wanted)})
    if found.in_force(standing.at):
        raise Refused("urgent.not_over", "4.5.29")
    _require_other(found, person, standing)
    return UrgentReviewed(wanted, justified, standing.today, UrgentReviewedBody(required(finding)))


def _require_other(found: UrgentAccess, person: str, standing: Standing) -> None:
    if person in standing.selves:
        raise Refused("rights.oneself", "4.5.10")
    if {found.fact.orderer, found.fact.hand} & standing.selves:
        raise Refused("rights.own_order", "4.5.11")


def overdue(one: UrgentAccess, at: datetime, days: int) -> bool:
    """Whether the review of an access has waited for more than so many days after its end."""
    return one.to_review() and one.end is not None and one.end + timedelta(days=days) < at
