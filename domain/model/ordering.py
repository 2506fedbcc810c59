"""Who may order, control, settle and stop rights, and what an order must say (Noark 5: 4.5.10, 4.5.11, 4.5.29, 4.5.30).

Refusals name the rule. Whether somebody is a manager, a superior or a controller that day is known to the caller (`Standing`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from domain.model import assignment, codes
from domain.model.assignment import AUDITOR, AuditReported, Wanted
from domain.model.errors import Refused
from domain.model.matrix import ROLES
from domain.model.record import limited
from domain.model.rights_change import (
    CHANGE,
    START,
    STOP,
    Order,
    Orders,
    RightsAnsweredBody,
    RightsControlled,
    RightsExecuted,
    RightsHandedOver,
    RightsObjected,
    RightsOrdered,
    RightsOrderedBody,
    RightsOrderedByHand,
    RightsReturned,
    RightsReviewed,
    RightsSettled,
)

REASON_LIMIT = 4_000
LONGEST_HANDOVER = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Standing:
    """What a decision about a person's rights has to know. at, today: of the act; actor: who does it.

    managers: who may order for that person in that unit that day, substitutes in force included; superiors: who may settle;
    controllers: archive leader and deputies; dated: an end date is mandatory (a person without a manager of its own); acting_for:
    whom the actor acts for; represented: the orders of the one whose substitute somebody is to become.
    """

    at: datetime
    today: date
    actor: str
    managers: frozenset[str] = frozenset()
    superiors: frozenset[str] = frozenset()
    controllers: frozenset[str] = frozenset()
    dated: bool = False
    acting_for: str | None = None
    represented: Orders | None = None

    @property
    def selves(self) -> frozenset[str]:
        """The actor, and whom the actor acts for: what neither may do for himself, the other may not do for him either."""
        return frozenset(one for one in (self.actor, self.acting_for) if one is not None)

    @property
    def orderer(self) -> str:
        """Whose order it is: the manager's, where a substitute gives it."""
        return self.acting_for if self.acting_for is not None and self.acting_for in self.managers else self.actor


@dataclass(frozen=True, slots=True)
class OrderRights:
    """What a manager orders. replaces: orders whose place it takes; of a stop, the orders to end (none named: all in the unit).

    first_day, last_day: local, both included; title: of the position; number: the order's in its source (`page`, `api`, `idm`);
    handover: the last day of what it replaces, where that goes on beside it; assignment: of an auditor.
    """

    order: UUID
    change: str
    unit: UUID
    first_day: date
    last_day: date | None
    reason: str
    title: str | None = None
    roles: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    organs: tuple[str, ...] = ()
    replaces: tuple[UUID, ...] = ()
    acting_for: str | None = None
    source: str = "page"
    number: str | None = None
    handover: date | None = None
    assignment: Wanted | None = None


def order(state: Orders, command: OrderRights, standing: Standing) -> RightsOrdered:
    """Order rights. A widening waits for control, what only narrows does not; a first day that is past becomes today."""
    _require_orderer(state, standing)
    _require_form(command)
    if command.change not in (START, CHANGE) or command.order in state.orders:
        raise Refused("rights.change_unknown", params={"change": command.change})
    assignment.require(command.roles, command.last_day, command.assignment)
    if standing.dated and command.last_day is None:
        raise Refused("rights.end_date_missing", "4.5.30")
    first_day = max(command.first_day, standing.today)
    if command.last_day is not None and command.last_day < first_day:
        raise Refused("rights.days_reversed", "4.5.30", {"last_day": command.last_day.isoformat()})
    replaced = [_running(state, one, standing.today) for one in command.replaces]
    if (command.change == CHANGE) != bool(replaced):
        raise Refused("rights.nothing_replaced", "4.5.29", {"change": command.change})
    if command.acting_for is not None:
        _require_substitute(state, command, standing)
    return _ordered(command, standing, first_day, widens=not any(_within(command, old, first_day) for old in replaced))


def around(command: OrderRights, made: RightsOrdered, standing: Standing) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """(facts before, facts after) the order, of the same command: its handover or assignment, and the substitute who gave it."""
    before: tuple[Any, ...] = (assignment.given(made.order, command.assignment),) if command.assignment is not None else ()
    if command.handover is not None:
        if not command.replaces or not made.first_day <= command.handover <= made.first_day + LONGEST_HANDOVER:
            raise Refused("rights.handover", "4.5.30", {"days": str(LONGEST_HANDOVER.days)})
        before = (*before, RightsHandedOver(made.order, command.handover))
    by_hand = standing.orderer != standing.actor
    return before, (RightsOrderedByHand(made.order, standing.actor),) if by_hand else ()


def stop(state: Orders, command: OrderRights, standing: Standing) -> RightsOrdered:
    """Stop rights after `last_day`, at once where that day is past. Needs nobody's approval, and no reason is too poor for it.

    May be ordered by the manager, by the archive leader and by whoever else `standing.controllers` names; never undone.
    """
    if standing.actor not in standing.managers | standing.controllers:
        raise Refused("rights.not_manager", "4.5.10")
    in_unit = [one for one, was in state.orders.items() if was.fact.unit == command.unit]
    running = tuple(one for one in command.replaces or in_unit if one in state.orders and state.orders[one].runs(standing.today))
    if not running:
        raise Refused("rights.nothing_to_stop", "4.5.30")
    last_day = standing.today if command.last_day is None else command.last_day
    stopped = replace(
        command, replaces=running, first_day=standing.today, last_day=last_day, reason=command.reason or STOP, roles=()
    )
    told = _ordered(replace(stopped, change=STOP), standing, standing.today, widens=False)
    return replace(told, ended_at=standing.at if last_day < standing.today else None)


def control(state: Orders, wanted: UUID, standing: Standing) -> RightsControlled:
    """The archive leader or a deputy controls a widening order: it is decided from now on."""
    _require_controller(state, _waiting(state, wanted, "ordered"), standing)
    return RightsControlled(wanted, standing.at, standing.today)


def send_back(state: Orders, wanted: UUID, reason: str, standing: Standing) -> RightsReturned:
    """The archive leader returns an order to the manager, to be mended."""
    _require_controller(state, _waiting(state, wanted, "ordered"), standing)
    return RightsReturned(wanted, RightsAnsweredBody(required(reason)))


def oppose(state: Orders, wanted: UUID, reason: str, standing: Standing) -> RightsObjected:
    """The archive leader objects to an order: the manager's superior is to settle it. Never to what an audit is about (R13)."""
    found = _waiting(state, wanted, "ordered")
    _require_controller(state, found, standing)
    if AUDITOR in found.fact.roles:
        raise Refused("assignment.no_objection", "4.5.11")
    return RightsObjected(wanted, RightsAnsweredBody(required(reason)))


def settle(state: Orders, wanted: UUID, stands: bool, standing: Standing) -> RightsSettled:
    """The manager's superior settles an objection."""
    found = _waiting(state, wanted, "objected")
    if standing.selves & {state.person, found.fact.orderer, found.hand} or standing.actor not in standing.superiors:
        raise Refused("rights.not_superior", "4.5.10")
    return RightsSettled(wanted, stands, standing.at, standing.today)


def execute(state: Orders, wanted: UUID, standing: Standing) -> tuple[RightsExecuted, ...]:
    """The user administrator, or the clock, has carried the order out; nothing where that is done."""
    if state.person in standing.selves:
        raise Refused("rights.oneself", "4.5.10")
    found = _waiting(state, wanted, "decided")
    return () if found.executed else (RightsExecuted(wanted),)


def report_audit(state: Orders, wanted: UUID, standing: Standing) -> tuple[AuditReported, ...]:
    """The audit has been reported: said by the auditor or by who ordered it; nothing where that is said already."""
    found = state.orders.get(wanted)
    if found is None or AUDITOR not in found.fact.roles or found.stage != "decided":
        raise Refused("assignment.unknown", "4.5.29", {"order": str(wanted)})
    return () if wanted in state.reported else (AuditReported(wanted, standing.today),)


def review(state: Orders, unit: UUID | None, standing: Standing) -> RightsReviewed:
    """The manager has found the rights in a unit still right; nothing is changed by it, and nothing ends without it (R12)."""
    if state.person in standing.selves:
        raise Refused("rights.oneself", "4.5.10")
    running = tuple(
        one for one, was in state.orders.items() if was.fact.unit == unit and was.stage == "decided" and was.runs(standing.today)
    )
    if not running:
        raise Refused("rights.nothing_to_review", "4.5.30")
    return RightsReviewed(running, standing.today)


def _require_orderer(state: Orders, standing: Standing) -> None:
    if state.person in standing.selves:
        raise Refused("rights.oneself", "4.5.10")
    if standing.actor not in standing.managers:
        raise Refused("rights.not_manager", "4.5.10")


def _require_substitute(state: Orders, command: OrderRights, standing: Standing) -> None:
    """A substitute has chosen tasks of the other one's, no more, for some days, with the own clearances (practice R12)."""
    if command.acting_for == state.person:
        raise Refused("substitute.oneself", "4.5.10")
    if standing.acting_for is not None:  # who acts for another does not hand that on
        raise Refused("substitute.onward", "4.5.10")
    if command.last_day is None:
        raise Refused("rights.end_date_missing", "4.5.30")
    if command.codes or command.groups:
        raise Refused("substitute.clearance", "4.5.21")
    orders = standing.represented.orders.values() if standing.represented is not None else ()
    theirs = [
        one.fact
        for one in orders
        if one.stage == "decided" and one.runs(standing.today) and one.fact.acting_for is None
        if one.fact.unit in (None, command.unit)
    ]
    lacking = sorted(set(command.roles) - {role for one in theirs for role in one.roles})
    lacking += sorted(set(command.organs) - {organ for one in theirs for organ in one.organs})
    if lacking:
        raise Refused("substitute.not_held", "4.5.10", {"role": lacking[0]})


def _require_controller(state: Orders, found: Order, standing: Standing) -> None:
    if state.person in standing.selves:
        raise Refused("rights.oneself", "4.5.10")
    if standing.selves & {found.fact.orderer, found.hand}:
        raise Refused("rights.own_order", "4.5.11")
    if standing.actor not in standing.controllers:
        raise Refused("rights.not_controller", "4.5.11")


def _require_form(command: OrderRights) -> None:
    if not command.roles:
        raise Refused("rights.role_missing", "4.5.1")
    for role in command.roles:
        if role not in ROLES:
            raise Refused("rights.role_unknown", "4.5.1", {"role": role})
    for code in command.codes:
        codes.require(codes.ACCESS_RESTRICTION, code, "tilgangsrestriksjon", "M500")


def _waiting(state: Orders, wanted: UUID, stage: str) -> Order:
    found = state.orders.get(wanted)
    if found is None or found.stage != stage:
        raise Refused("rights.order_not_waiting", "4.5.29", {"order": str(wanted)})
    return found


def _running(state: Orders, wanted: UUID, today: date) -> Order:
    found = state.orders.get(wanted)
    if found is None or not found.runs(today):
        raise Refused("rights.order_not_running", "4.5.29", {"order": str(wanted)})
    return found


def _within(wanted: OrderRights, old: Order, first_day: date) -> bool:
    """Whether the new order gives nothing that the old one does not give already, on any day."""
    was = old.fact
    parts = ((wanted.roles, was.roles), (wanted.codes, was.codes), (wanted.groups, was.groups), (wanted.organs, was.organs))
    same = (
        wanted.unit == was.unit and wanted.acting_for == was.acting_for and old.stage == "decided" and first_day >= was.first_day
    )
    if AUDITOR in wanted.roles:  # another assignment is another order, whatever it reaches
        return False
    longer = old.last_day is not None and (wanted.last_day is None or wanted.last_day > old.last_day)
    return same and not longer and all(set(new) <= set(before) for new, before in parts)


def _ordered(command: OrderRights, standing: Standing, first_day: date, widens: bool) -> RightsOrdered:
    return RightsOrdered(
        command.order,
        command.change,
        standing.orderer,
        command.unit,
        standing.today,
        first_day,
        command.last_day,
        RightsOrderedBody(command.title, required(command.reason)),
        widens,
        command.source,
        command.roles,
        command.codes,
        command.groups,
        command.organs,
        command.replaces,
        command.acting_for,
        command.first_day if command.first_day < first_day else None,
        decided_at=None if widens else standing.at,
        number=command.number,
    )


def required(reason: str) -> str:
    """A reason, which must be given. Refused `rights.reason_missing`, `limit`."""
    if not reason.strip():
        raise Refused("rights.reason_missing", "4.5.29")
    limited(reason, REASON_LIMIT, "reason")
    return reason
