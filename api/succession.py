"""Rights whose manager is gone, as the pages and REST show them, and what the doctor says of managers (practice R9, R12)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

from api import people
from api.bodies import Body
from api.installation import Tenant
from api.requests import Caller
from api.writes import Done, perform
from domain.handlers import standing, taking_over
from domain.handlers.standing import Standing
from domain.handlers.taking_over import TakeOver
from domain.ledger.clock import LOCAL
from domain.model import responsibility
from domain.model.access import Moment
from domain.model.responsibility import CONFIRM_DAYS, OrdersOf
from projections.people.read import Row

LEADER = "head-of-records"


class NewTakeOver(Body):
    """The unit in which somebody's rights are taken over."""

    unit: UUID


class Gone(NamedTuple):
    """Whose manager is gone. since: the first local day without; until: the day by which a successor should confirm; overdue: it
    is past; waits: a right that has not begun and is not in force before somebody confirms."""

    manager: str
    since: date
    until: date
    overdue: bool
    waits: bool


def take_over(me: Caller, person: UUID, body: NewTakeOver, key: str | None) -> Done:
    """Answer for somebody's rights in a unit from now on."""
    people.permit(me, TakeOver.ACTION, people.as_manager)
    command = TakeOver(person, body.unit)
    return perform(me, (person,), lambda work: taking_over.take_over(work, command), key=key, given=(person, body.unit))


def gone(known: Standing, person: UUID, order: UUID, at: Moment, orders_of: OrdersOf) -> Gone | None:
    """What to say of one order; None where its manager is there."""
    about = known.person(str(person))
    one = about.file.orders.orders.get(order)
    since = responsibility.gone_on(one, orders_of, at, LOCAL) if one is not None else None
    if one is None or since is None:
        return None
    waits = order in about.starts and about.starts[order] is None
    until = since + timedelta(days=CONFIRM_DAYS)
    return Gone(one.responsible, since, until, responsibility.overdue(since, at.day), waits)


def marked(me: Caller, rows: list[Row]) -> list[Row]:
    """Rows of orders, each with `gone` where its manager is."""
    known, at = standing.of(me.tenant.ledger), _moment(me.tenant)
    orders_of = cache(known.orders_of)
    return [{**row, "gone": gone(known, row["person"], row["id"], at, orders_of)} for row in rows]


def without_manager(me: Caller) -> list[Row]:
    """What runs and is without a responsible manager, one row for each person and unit, the longest first: of all for whoever
    reads everybody's rights, else of those whom the caller succeeds. `takes`: whether the caller may take over."""
    everybody = people.may(me, people.Query.READ_RIGHTS)
    state, known, at = people.organisation(me).state, standing.of(me.tenant.ledger), _moment(me.tenant)
    mine, orders_of = set(people.selves(me)), cache(known.orders_of)
    found: dict[tuple[UUID, UUID], Row] = {}
    for row in marked(me, people.running(me)):
        if row["gone"] is None or row["unit"] is None:
            continue
        successor = responsibility.manager(state, str(row["person"]), row["unit"], at, orders_of)
        takes = successor in mine and str(row["person"]) not in mine
        if not (takes or everybody):
            continue
        one = found.setdefault((row["person"], row["unit"]), {**row, "takes": takes, "roles": []})
        one["roles"] = list(dict.fromkeys([*one["roles"], *row["roles"]]))
        one["gone"] = min(one["gone"], row["gone"], key=lambda each: each.since)
    return sorted(found.values(), key=lambda row: (row["gone"].since, row["name"]))


def faults(tenant: Tenant) -> Iterator[str]:
    """What a municipality's managers lack: a deputy archive leader, and somebody who orders for whoever manages at the top."""
    known, at = standing.of(tenant.ledger), _moment(tenant)
    state = known.organisation().state
    if state.opened is None:
        return
    with tenant.read() as connection:
        leaders = tenant.people.with_roles(connection, [LEADER])
    there = [one for one in leaders if _leads(known, str(one), at)]
    if len(there) < 2:
        named = "nobody is archive leader" if not there else "no deputy archive leader is named"
        yield f"{named}: a leader's own rights, and orders that the leader gives, wait for another one"
    for manager in {one.manager for one in people.in_force(state, at.day) if one.person is None and one.manager is not None}:
        units = [one.unit for one in people.in_force(state, at.day) if one.manager == manager and one.person is None]
        alone = [unit for unit in units if state.manager_of(manager, unit, at.day) is None]
        if alone:
            yield f"nobody orders for the manager of {people.unit_name(state, alone[0])}: name somebody on the unit's page"


def _leads(known: Standing, person: str, at: Moment) -> bool:
    rights = known.person(person).person.rights
    return any(one.role == LEADER and one.acting_for is None and one.in_force(at) for one in rights)


def _moment(tenant: Tenant) -> Moment:
    now = tenant.ledger.clock.now()
    return Moment(now, now.astimezone(LOCAL).date())


def as_json(one: Gone | None) -> dict[str, Any] | None:
    """For a machine."""
    return {**one._asdict(), "since": one.since.isoformat(), "until": one.until.isoformat()} if one is not None else None
