"""Which manager answers for a right, and what becomes of it where that manager is gone (practice R12).

A right that has begun stays valid: it shows as "without responsible manager" until a successor confirms it, and never lapses. One
that has not begun waits: it comes into force when a successor confirms. A manager is there for an order as long as a managing
role is in force in a unit in which the manager had one on the day of the order. That rests on the manager's own orders alone,
whose stops never count from before they are said, so that a right which has begun is never found not to have begun.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta, tzinfo
from uuid import UUID

from domain.model import rights_change
from domain.model.access import Moment, Right
from domain.model.errors import Refused
from domain.model.ordering import Standing
from domain.model.organisation import Organisation
from domain.model.rights_change import OPENING, STOP, Order, Orders, RightsTakenOver

LEADER = "head-of-records"
MANAGING = frozenset({"unit-manager", LEADER})
CONFIRM_DAYS = 30
OrdersOf = Callable[[str], Orders]


def asks(one: Order) -> bool:
    """Whether an order's start rests on a manager: every decided order, but for stops and the first two people's rights."""
    return one.stage == "decided" and one.decided_at is not None and one.fact.change != STOP and one.fact.source != OPENING


def by_date(one: Order, zone: tzinfo) -> datetime:
    """The first instant of an order's first day."""
    return datetime.combine(one.fact.first_day, time(), zone)


def start(one: Order, orders_of: OrdersOf, zone: tzinfo) -> datetime | None:
    """From when a decided order counts: from its decision where its manager is there as it begins, else from the instant at which
    a successor confirms it; None where nobody has. orders_of: of a manager."""
    assert one.decided_at is not None
    begins = max(one.decided_at, by_date(one, zone))
    manager, since = one.fact.orderer, one.fact.ordered_on
    for taken in one.taken:
        if taken.taken_at > begins:
            break
        manager, since = taken.manager, taken.taken_on
    if answers(orders_of(manager), since, Moment(begins, begins.astimezone(zone).date())):
        return one.decided_at
    return next((taken.taken_at for taken in one.taken if taken.taken_at > begins), None)


def answers(manager: Orders, since: date, at: Moment) -> bool:
    """Whether the manager is there for what was ordered or taken over on the day `since`."""
    return any(right.in_force(at) for right in _managing(manager, since))


def there(manager: Orders, at: Moment, units: tuple[UUID, ...] | None) -> bool:
    """Whether somebody manages in one of these units, or, for None, at all; an archive leader does so everywhere. Who never had a
    managing role is there with any right: the municipality may have let another role order."""
    every = [right for right in rights_change.rights(manager, {}) if right.acting_for is None and right.decided_at is not None]
    managing = [right for right in every if _manages(right)]
    if not managing:
        return any(right.in_force(at) for right in every)
    here = [one for one in managing if units is None or one.unit is None or one.unit in units or one.role == LEADER]
    return any(right.in_force(at) for right in here)


def gone_on(one: Order, orders_of: OrdersOf, at: Moment, zone: tzinfo) -> date | None:
    """The first local day without the manager who answers for an order; None where that one is there, or none is asked for."""
    if not asks(one):
        return None
    since = one.taken[-1].taken_on if one.taken else one.fact.ordered_on
    manager = orders_of(one.responsible)
    if answers(manager, since, at):
        return None
    ends = [end for right in _managing(manager, since) if (end := _ended(right, zone)) is not None]
    return min(max(ends, default=since), at.day)


def overdue(gone: date, today: date) -> bool:
    """Whether a successor should have confirmed by now."""
    return today - gone > timedelta(days=CONFIRM_DAYS)


def take_over(state: Orders, unit: UUID, standing: Standing, orders_of: OrdersOf, zone: tzinfo) -> RightsTakenOver:
    """A successor (`standing.managers`) takes over what runs in a unit, or may yet, and whose manager is gone. Refused
    `rights.oneself`, `rights.not_manager`, `rights.nothing_to_take_over`."""
    if state.person in standing.selves:
        raise Refused("rights.oneself", "4.5.10")
    if standing.actor not in standing.managers:
        raise Refused("rights.not_manager", "4.5.10")
    at = Moment(standing.at, standing.today)
    orders = tuple(
        key
        for key, one in state.orders.items()
        if one.fact.unit == unit and one.runs(standing.today) and gone_on(one, orders_of, at, zone) is not None
    )
    if not orders:
        raise Refused("rights.nothing_to_take_over", "4.5.29")
    return RightsTakenOver(orders, standing.orderer, standing.at, standing.today)


def manager(state: Organisation, person: str, unit: UUID, at: Moment, orders_of: OrdersOf) -> str | None:
    """Who orders for a person in a unit: the manager of the day, or, where that one is gone, the next above who is there; the one
    who is named where none of them is."""
    own = state.own_manager(person, unit, at.day)
    tried: list[str] = []
    for above in state.path(unit):
        found = state.manager_of(person, above, at.day)
        if found is None or found == person or found in tried:
            continue
        if there(orders_of(found), at, None if found == own else state.path(unit)):
            return found
        tried.append(found)
    return tried[0] if tried else None


def _managing(manager: Orders, since: date) -> list[Right]:
    """The managing rights in the units in which the manager had one on the day `since`; all of the rights where there was none,
    since another role may have been let order."""
    every = [right for right in rights_change.rights(manager, {}) if right.acting_for is None and right.decided_at is not None]
    managing = [right for right in every if _manages(right)]
    units = {right.unit for right in managing if _held(right, since)}
    return [right for right in managing if right.unit in units] if units else every


def _manages(right: Right) -> bool:
    return right.role in MANAGING and right.acting_for is None


def _held(right: Right, day: date) -> bool:
    return right.first_day <= day and (right.last_day is None or day <= right.last_day)


def _ended(right: Right, zone: tzinfo) -> date | None:
    """The first local day without the right."""
    by_day = right.last_day + timedelta(days=1) if right.last_day is not None else None
    stopped = right.stopped_at.astimezone(zone).date() if right.stopped_at is not None else None
    return min((one for one in (by_day, stopped) if one is not None), default=None)
