"""Which rights a person had, on whose order, from when to when: folded from the person's own facts (Noark 5: 4.5.29, 4.5.32).

Shape (DESIGN §9): `{"person": {"id", "name", "title", "unit"}, "on", "rights": [..], "waiting": [..], "ended": [..]}`; those of
`rights` and `waiting` say in `without_manager` (`manager`, `since`, `overdue`) that whoever answered for them is gone, else null.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from domain.ledger.clock import LOCAL
from domain.ledger.reader import Recorded
from domain.model import person, responsibility
from domain.model.access import Moment, Right
from domain.model.person import PersonFile
from domain.model.responsibility import OrdersOf
from domain.model.rights_change import (
    Order,
    Orders,
    RightsControlled,
    RightsExecuted,
    RightsOpened,
    RightsOrdered,
    RightsSettled,
    rights,
)

Place = Callable[[Recorded], str]
Told = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Steps:
    """Where the steps of one order stand in the log, each with who took it."""

    ordered: Told
    decided: Told | None = None
    executed: Told | None = None
    ended: Told | None = None


@dataclass(frozen=True, slots=True)
class Entitlements:
    """A person's orders at one point of the log, and their steps."""

    file: PersonFile
    steps: dict[UUID, Steps] = field(default_factory=dict)


def fold(one: UUID, records: Iterable[Recorded], place: Place) -> Entitlements:
    """All that was ordered for a person."""
    state = Entitlements(PersonFile(Orders(str(one))))
    for recorded in records:
        steps = _stepped(state, recorded, place)
        state = Entitlements(person.evolve(state.file, one, recorded.fact), steps)
    return state


def known_by(records: Iterable[Recorded], instant: datetime) -> list[Recorded]:
    """What the system knew at an instant: the facts recorded by then."""
    limit = round(instant.timestamp() * 1_000_000)
    return [one for one in records if one.recorded_at_us <= limit]


def span(on: date | datetime) -> tuple[datetime, datetime]:
    """A local day from midnight to midnight, or an instant as it is."""
    if isinstance(on, datetime):
        return on, on + timedelta(microseconds=1)
    start = datetime.combine(on, time(), LOCAL)
    return start, datetime.combine(on + timedelta(days=1), time(), LOCAL)


def told(
    state: Entitlements, on: date | datetime, unit_name: Callable[[UUID | None], str], orders_of: OrdersOf | None = None
) -> Told:
    """The rights that were in force at any moment of a local day, or at an instant; and those that had ended by then.

    orders_of: of a manager. With it, rights whose manager is gone say so, and what would have begun but waits for a successor
    stands in `waiting` (practice R12); without it, every right counts as begun by date.
    """
    start, end = span(on)
    orders = state.file.orders
    starts = {key: responsibility.start(one, orders_of, LOCAL) for key, one in _asking(orders)} if orders_of else {}
    places = {order: (str(order),) for order in orders.orders}
    all_rights = rights(orders, places, starts)
    current = [one for one in all_rights if _in_force(one, start, end)]
    waits = [one for one in rights(orders, places) if starts.get(_order(one), one.decided_at) is None]
    waiting = [one for one in waits if _in_force(one, start, end)]
    ended = [one for one in all_rights if one not in current and _begun(one) is not None and _over(one, start)]
    last = next(iter(reversed([one for one in state.file.orders.orders.values() if one.fact.roles])), None)
    body = last.fact.body if last is not None else None
    return {
        "person": {
            "id": state.file.id,
            "name": state.file.user.name if state.file.user is not None else "",
            "title": body.title if body is not None else None,
            "unit": unit_name(last.fact.unit) if last is not None else None,
        },
        "on": on.isoformat(),
        "rights": [{**_shape(state, one, unit_name), "without_manager": _gone(orders, one, end, orders_of)} for one in current],
        "waiting": [{**_shape(state, one, unit_name), "without_manager": _gone(orders, one, end, orders_of)} for one in waiting],
        "ended": [{**_shape(state, one, unit_name), "ended_by": _ended_by(state, one)} for one in ended],
    }


def _asking(orders: Orders) -> list[tuple[UUID, Order]]:
    return [(key, one) for key, one in orders.orders.items() if responsibility.asks(one)]


def _order(one: Right) -> UUID:
    return UUID(one.rests_on[0])


def _gone(orders: Orders, right: Right, end: datetime, orders_of: OrdersOf | None) -> Told | None:
    """Who answered for the right and is gone by the end of that day, and since when; None where the manager is there."""
    last = end - timedelta(microseconds=1)
    one, at = orders.orders[_order(right)], Moment(last, last.astimezone(LOCAL).date())
    since = responsibility.gone_on(one, orders_of, at, LOCAL) if orders_of is not None else None
    if since is None:
        return None
    return {"manager": one.responsible, "since": since.isoformat(), "overdue": responsibility.overdue(since, at.day)}


def _stepped(state: Entitlements, recorded: Recorded, place: Place) -> dict[UUID, Steps]:
    fact, steps = recorded.fact, dict(state.steps)
    at: Told = {"position": recorded.position, "place": place(recorded), "by": recorded.envelope.actor}
    match fact:
        case RightsOpened():
            steps[fact.order] = Steps(at, at)
        case RightsOrdered():
            at = _ordered(fact, at)
            steps[fact.order] = Steps(at, None if fact.widens else at)
            if not fact.widens:
                _end(steps, fact.replaces, at)
        case RightsControlled() | RightsSettled():
            if isinstance(fact, RightsControlled) or fact.stands:
                steps[fact.order] = replace(steps[fact.order], decided=at)
                _end(steps, state.file.orders.orders[fact.order].fact.replaces, steps[fact.order].ordered)
        case RightsExecuted():
            steps[fact.order] = replace(steps[fact.order], executed=at)
        case _:
            pass
    return steps


def _ordered(fact: RightsOrdered, at: Told) -> Told:
    """Whose order it is: the manager's whom an identity system names, with who carried it (practice R11)."""
    return at if fact.orderer == at["by"] else {**at, "by": fact.orderer, "through": at["by"]}


def _end(steps: dict[UUID, Steps], orders: Iterable[UUID], at: Told) -> None:
    for order in orders:
        steps[order] = replace(steps[order], ended=at)


def _begun(one: Right) -> datetime | None:
    """From when on, decided and by date; None while it waits for control."""
    return None if one.decided_at is None else max(one.decided_at, datetime.combine(one.first_day, time(), LOCAL))


def _until(one: Right) -> datetime:
    last = one.last_day
    by_date = datetime.max.replace(tzinfo=UTC)
    if last is not None and last != date.max:
        by_date = datetime.combine(last + timedelta(days=1), time(), LOCAL)
    return by_date if one.stopped_at is None else min(by_date, one.stopped_at)


def _in_force(one: Right, start: datetime, end: datetime) -> bool:
    begun = _begun(one)
    return begun is not None and begun < end and start < _until(one) and begun < _until(one)


def _over(one: Right, start: datetime) -> bool:
    return _until(one) <= start


def _shape(state: Entitlements, one: Right, unit_name: Callable[[UUID | None], str]) -> Told:
    steps = state.steps[_order(one)]
    return {
        "role": one.role,
        "unit": unit_name(one.unit),
        "codes": sorted(one.codes),
        "groups": sorted(one.groups),
        "from": one.first_day.isoformat(),
        "to": one.last_day.isoformat() if one.last_day is not None else None,
        "order": steps.ordered,
        "decided": steps.decided,
        "executed": steps.executed,
        "assignment": _assignment(state.file.orders, _order(one), unit_name),
    }


def _assignment(orders: Orders, order: UUID, unit_name: Callable[[UUID | None], str]) -> Told | None:
    """What an auditor's right is for, and when it was reported."""
    one, reported = orders.assignments.get(order), orders.reported.get(order)
    if one is None:
        return None
    days = {"since": one.since, "until": one.until, "reported": reported}
    return {
        "order": str(order),
        "mandate": one.body.mandate if one.body is not None else None,
        "units": [unit_name(unit) for unit in one.units],
        **{name: day.isoformat() if day is not None else None for name, day in days.items()},
    }


def _ended_by(state: Entitlements, one: Right) -> Told:
    """What ended it: the order that stopped or replaced it; by its own last day the order itself."""
    steps = state.steps[_order(one)]
    return steps.ended or steps.ordered
