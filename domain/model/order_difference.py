"""What an order changes for its person: the entitlements of a day with and without it, for whoever orders, controls or settles.

Pure: the same facts give the same difference at any later time. What the rights open of cases and documents is asked elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from domain.model import rights_change
from domain.model.access import Moment
from domain.model.rights_change import STOP, Orders, RightsControlled, RightsOrdered

ROLE, CODE, GROUP = "role", "code", "group"


class Entitlement(NamedTuple):
    """A role, a clearance for a code, or an access group, in a unit (None: of no unit); acting_for: of a substitute."""

    kind: str
    value: str
    unit: UUID | None
    acting_for: str | None = None


Held = Mapping[Entitlement, date | None]


@dataclass(frozen=True, slots=True)
class Difference:
    """day: the local day that is compared. gained, lost: entitlements; moved: (entitlement, last day before, last day after),
    where only the end differs, None = until further notice."""

    day: date
    gained: tuple[tuple[Entitlement, date | None], ...] = ()
    lost: tuple[Entitlement, ...] = ()
    moved: tuple[tuple[Entitlement, date | None, date | None], ...] = ()

    @property
    def empty(self) -> bool:
        """Whether nothing differs that day."""
        return not (self.gained or self.lost or self.moved)


def held(state: Orders, at: Moment) -> Held:
    """What the person has at a moment, each with the last day of it."""
    found: dict[Entitlement, date | None] = {}
    for right in rights_change.rights(state, {}):
        if not right.in_force(at):
            continue
        each = [(ROLE, right.role), *((CODE, code) for code in right.codes), *((GROUP, group) for group in right.groups)]
        for one in (Entitlement(kind, value, right.unit, right.acting_for) for kind, value in each):
            known = one in found
            found[one] = _later(found[one], right.last_day) if known else right.last_day
    return found


@dataclass(frozen=True, slots=True)
class Around:
    """A person's orders without an order and with it, as if it were decided now. at: that instant; days: local ones, the first of
    its effect, then those after which something ends sooner than it would have."""

    before: Orders
    after: Orders
    at: datetime
    days: tuple[date, ...]


def of_order(state: Orders, fact: RightsOrdered, at: datetime, today: date) -> Difference:
    """The difference that an order makes on the first day of its effect, as if it were decided now. state: that of its person,
    whether or not the order is in it."""
    return _on(around(state, fact, at, today), 0)


def around(state: Orders, fact: RightsOrdered, at: datetime, today: date) -> Around:
    """The person's orders without the order and with it. state: as of `of_order`."""
    before = replace(state, orders={key: one for key, one in state.orders.items() if key != fact.order})
    after = rights_change.evolve(before, fact)
    if fact.widens:
        after = rights_change.evolve(after, RightsControlled(fact.order, at, today))
    day = max(fact.first_day, today)
    if fact.change == STOP:
        past = fact.last_day is None or fact.last_day < today
        day = today if past or fact.last_day is None else fact.last_day + timedelta(days=1)
    found = Around(before, after, at, (day,))
    sooner = {
        until + timedelta(days=1) for _, was, until in _on(found, 0).moved if until is not None and (was is None or until < was)
    }
    return Around(before, after, at, (day, *sorted(sooner)))


def _on(found: Around, number: int) -> Difference:
    moment = Moment(found.at, found.days[number])
    return between(held(found.before, moment), held(found.after, moment), moment.day)


def between(before: Held, after: Held, day: date) -> Difference:
    """The difference of two days' entitlements, in a fixed order."""
    gained = tuple((one, after[one]) for one in _ordered(set(after) - set(before)))
    moved = tuple((one, before[one], after[one]) for one in _ordered(set(after) & set(before)) if after[one] != before[one])
    return Difference(day, gained, tuple(_ordered(set(before) - set(after))), moved)


def _ordered(some: set[Entitlement]) -> list[Entitlement]:
    return sorted(some, key=lambda one: ((ROLE, CODE, GROUP).index(one.kind), one.value, str(one.unit), one.acting_for or ""))


def _later(one: date | None, other: date | None) -> date | None:
    return None if one is None or other is None else max(one, other)
