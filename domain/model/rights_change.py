"""Orders of rights: whose decision a right is, from which day to which (Noark 5: 4.5.29, 4.5.30). In the stream of the person.

The order of the person's manager is the decision. One that widens is in force from its first day once the archive leader or a
deputy has controlled it; one that narrows, and every stop, by the calendar alone, whether or not anybody carries it out in other
systems. Nobody orders, controls or settles for himself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Literal
from uuid import UUID

from domain.model.access import Right
from domain.model.assignment import AuditAssigned, AuditReported

START, CHANGE, STOP = "start", "change", "stop"
OPENING = "opening"


@dataclass(frozen=True, slots=True)
class RightsOrderedBody:
    """title: of the position, as the manager wrote it; reason."""

    title: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class RightsOrdered:
    """A manager ordered rights for the person. change: `start`, `change` or `stop`; replaces: orders whose place it takes.

    orderer: the manager; source: `page`, `api`, `idm`, `cli`; number: the order's in the source; first_day, last_day: local, both
    included; asked_first_day: as ordered, where that day was past (reported late); acting_for: whom a substitute acts for;
    ended_at: of a stop whose last day is past; widens: whether control is needed; ordered_on: the local day of the order.
    """

    order: UUID
    change: str
    orderer: str
    unit: UUID | None
    ordered_on: date
    first_day: date
    last_day: date | None
    body: RightsOrderedBody | None
    widens: bool
    source: str
    roles: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    organs: tuple[str, ...] = ()
    replaces: tuple[UUID, ...] = ()
    acting_for: str | None = None
    asked_first_day: date | None = None
    ended_at: datetime | None = None
    decided_at: datetime | None = None
    number: str | None = None


@dataclass(frozen=True, slots=True)
class RightsControlled:
    """The archive leader or a deputy controlled the order: it is decided. decided_on: the local day of that instant."""

    order: UUID
    decided_at: datetime
    decided_on: date


@dataclass(frozen=True, slots=True)
class RightsAnsweredBody:
    """reason: what is to be mended, or why the order should not stand."""

    reason: str


@dataclass(frozen=True, slots=True)
class RightsReturned:
    """The order was sent back to the manager: it gives nothing."""

    order: UUID
    body: RightsAnsweredBody | None


@dataclass(frozen=True, slots=True)
class RightsObjected:
    """The archive leader objected; the manager's superior settles it."""

    order: UUID
    body: RightsAnsweredBody | None


@dataclass(frozen=True, slots=True)
class RightsSettled:
    """The superior settled the objection: the order stands and is decided, or falls."""

    order: UUID
    stands: bool
    decided_at: datetime
    decided_on: date


@dataclass(frozen=True, slots=True)
class RightsExecuted:
    """The order was carried out in the systems that need a hand; access does not wait for it."""

    order: UUID


@dataclass(frozen=True, slots=True)
class RightsOpened:
    """The first rights of a person named in `installation-opened`, by the same command: the only ones without an order.

    roles: of no unit; decided_at: the instant of that act.
    """

    order: UUID
    first_day: date
    decided_at: datetime
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RightsReviewed:
    """A manager has looked at these orders and found them still right. Nothing lapses where nobody does (practice R12)."""

    orders: tuple[UUID, ...]
    reviewed_on: date


@dataclass(frozen=True, slots=True)
class RightsOrderedByHand:
    """The order was given by a substitute, for the manager who is its orderer: neither of the two controls it. substitute: who
    gave it; by the same command as the order."""

    order: UUID
    substitute: str


@dataclass(frozen=True, slots=True)
class RightsHandedOver:
    """What the order replaces goes on beside it until `last_day`, so that work can be handed over: 30 days at most (practice
    R12). By the same command as the order, and before it."""

    order: UUID
    last_day: date


@dataclass(frozen=True, slots=True)
class RightsTakenOver:
    """A successor has confirmed orders whose manager is gone, and answers for them from this instant (practice R12)."""

    orders: tuple[UUID, ...]
    manager: str
    taken_at: datetime
    taken_on: date


Fact = (
    RightsOpened
    | RightsOrdered
    | RightsControlled
    | RightsReturned
    | RightsObjected
    | RightsSettled
    | RightsExecuted
    | RightsReviewed
    | RightsOrderedByHand
    | RightsHandedOver
    | RightsTakenOver
    | AuditAssigned
    | AuditReported
)
Stage = Literal["ordered", "decided", "returned", "objected", "fallen"]


@dataclass(frozen=True, slots=True)
class Order:
    """An order and how far it has come. last_day, stopped_at: as later orders have cut it short; hand: the substitute who gave
    it; taken: who has taken it over, in order."""

    fact: RightsOrdered
    stage: Stage
    decided_at: datetime | None
    last_day: date | None
    stopped_at: datetime | None = None
    executed: bool = False
    hand: str | None = None
    taken: tuple[RightsTakenOver, ...] = ()

    @property
    def responsible(self) -> str:
        """The manager who answers for it: the orderer, or the last who has taken it over."""
        return self.taken[-1].manager if self.taken else self.fact.orderer

    def runs(self, today: date) -> bool:
        """Whether it gives rights today, or may yet."""
        over = self.last_day is not None and self.last_day < today
        return (
            self.fact.change != STOP and self.stage in ("ordered", "objected", "decided") and not over and self.stopped_at is None
        )


@dataclass(frozen=True, slots=True)
class Orders:
    """All orders for one person, by id, in order. reviewed: the local day on which an order was last found still right; handover:
    the last day of what an order replaces, where that goes on beside it; assignments: of auditors' orders; reported: the local
    day on which an audit was."""

    person: str
    orders: Mapping[UUID, Order] = field(default_factory=dict)
    reviewed: Mapping[UUID, date] = field(default_factory=dict)
    handover: Mapping[UUID, date] = field(default_factory=dict)
    assignments: Mapping[UUID, AuditAssigned] = field(default_factory=dict)
    reported: Mapping[UUID, date] = field(default_factory=dict)


def rights(
    state: Orders, positions: Mapping[UUID, tuple[str, ...]], starts: Mapping[UUID, datetime | None] | None = None
) -> tuple[Right, ...]:
    """The person's rights, a role each, whether or not in force. positions: the facts of each order, as the log has them; starts:
    from when orders count whose start waited for a manager (`responsibility`), None while they wait."""
    starts = starts or {}
    return tuple(
        Right(
            role,
            one.fact.first_day,
            one.last_day,
            starts.get(one.fact.order, one.decided_at),
            one.fact.unit,
            frozenset(one.fact.codes),
            frozenset(one.fact.groups),
            frozenset(one.fact.organs),
            one.stopped_at,
            one.fact.acting_for,
            positions.get(one.fact.order, ()),
            frozenset(state.assignments[one.fact.order].units if one.fact.order in state.assignments else ()),
        )
        for one in state.orders.values()
        for role in one.fact.roles
    )


def evolve(state: Orders, fact: Fact) -> Orders:
    """The state after one more fact."""
    orders = dict(state.orders)
    if isinstance(fact, RightsOpened):
        orders[fact.order] = Order(_as_order(fact, state.person), "decided", fact.decided_at, None)
        return replace(state, orders=orders)
    if isinstance(fact, RightsOrdered):
        stage: Stage = "ordered" if fact.widens else "decided"
        orders[fact.order] = Order(fact, stage, fact.decided_at, fact.last_day)
        if not fact.widens:
            _take_place(orders, fact, fact.decided_at, fact.ordered_on, state.handover.get(fact.order))
        return replace(state, orders=orders)
    if isinstance(fact, AuditAssigned):
        return replace(state, assignments={**state.assignments, fact.order: fact})
    if isinstance(fact, AuditReported):
        return replace(state, reported={fact.order: fact.reported_on, **state.reported})
    if isinstance(fact, RightsHandedOver):
        return replace(state, handover={**state.handover, fact.order: fact.last_day})
    if isinstance(fact, RightsTakenOver):
        over = {one: replace(orders[one], taken=(*orders[one].taken, fact)) for one in fact.orders if one in orders}
        return replace(state, orders={**orders, **over})
    if isinstance(fact, RightsReviewed):
        return replace(state, reviewed={**state.reviewed, **dict.fromkeys(fact.orders, fact.reviewed_on)})
    before = orders.get(fact.order)
    if before is None:  # written past every handler: the audit names it, and it gives nothing
        return state
    match fact:
        case RightsSettled(stands=False):
            orders[fact.order] = replace(before, stage="fallen")
        case RightsControlled() | RightsSettled():
            orders[fact.order] = replace(before, stage="decided", decided_at=fact.decided_at)
            _take_place(orders, before.fact, fact.decided_at, fact.decided_on, state.handover.get(fact.order))
        case RightsReturned():
            orders[fact.order] = replace(before, stage="returned")
        case RightsObjected():
            orders[fact.order] = replace(before, stage="objected")
        case RightsExecuted():
            orders[fact.order] = replace(before, executed=True)
        case RightsOrderedByHand():
            orders[fact.order] = replace(before, hand=fact.substitute)
    return replace(state, orders=orders)


def _as_order(fact: RightsOpened, person: str) -> RightsOrdered:
    return RightsOrdered(
        fact.order,
        START,
        person,
        None,
        fact.first_day,
        fact.first_day,
        None,
        None,
        False,
        OPENING,
        fact.roles,
        decided_at=fact.decided_at,
    )


def _take_place(orders: dict[UUID, Order], fact: RightsOrdered, at: datetime | None, day: date, handover: date | None) -> None:
    """End what the order replaces or stops: after its last day, or at this instant where that day is past or has begun anew;
    where it is handed over, after the last day of that."""
    for replaced in fact.replaces:
        before = orders[replaced]
        if fact.change == STOP:
            last_day, at_once = fact.last_day, fact.ended_at
        elif handover is not None and handover >= day:
            last_day, at_once = handover, None
        else:
            last_day, at_once = fact.first_day - timedelta(days=1), at if fact.first_day <= day else None
        if at_once is not None:
            orders[replaced] = replace(before, stopped_at=before.stopped_at or at_once)
        elif last_day is not None:
            orders[replaced] = replace(before, last_day=last_day if before.last_day is None else min(before.last_day, last_day))
