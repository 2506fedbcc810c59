"""Reads of people, rights and the organisation, each passing the gate under its own action, as the pages and REST show them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from enum import StrEnum
from functools import cache
from typing import Any, TypeVar
from uuid import UUID

import psycopg

from api.requests import Caller
from domain.handlers import gate, standing
from domain.handlers.gate import Asked, Describe
from domain.handlers.rights import Answer as AnswerOrder
from domain.handlers.standing import Known, Organised, Standing
from domain.ledger.clock import LOCAL
from domain.model import order_difference, responsibility
from domain.model.access import Allowed, Answer, Moment, Subject
from domain.model.errors import NotFound, Refused
from domain.model.order_difference import Difference
from domain.model.organisation import ManagerProposed, Organisation
from projections import access_rights
from projections.people.read import People, Row

Result = TypeVar("Result")
Managers = Callable[[str, UUID], str | None]
ADMINISTRATION = "administration"


class Query(StrEnum):
    """What is asked of the gate before something is read: `<noun>.<verb>`."""

    READ_RIGHTS = "rights.read"
    LIST_WAITING = "rights.list-waiting"
    LIST_EXECUTION = "rights.list-execution"
    LIST_PEOPLE = "person.list"
    READ_ORGANISATION = "organisation.read"
    READ_MATRIX = "matrix.read"
    ASK_ACCESS = "record.ask-access"


def permit(
    me: Caller, action: str, subject: Subject | Describe | None = None, record: UUID | None = None, to_status: str = "-"
) -> None:
    """Pass the gate for a read or for a form. Refused as the gate says."""
    gate.permit(me.tenant.ledger, me.actor, _asked(me, action, subject, record, to_status))


def may(
    me: Caller, action: str, subject: Subject | Describe | None = None, record: UUID | None = None, to_status: str = "-"
) -> bool:
    """Whether the gate would let the caller do it."""
    return isinstance(decide(me, action, subject, record, to_status), Allowed)


def decide(
    me: Caller, action: str, subject: Subject | Describe | None = None, record: UUID | None = None, to_status: str = "-"
) -> Answer:
    """What the gate would answer."""
    return gate.decide(me.tenant.ledger, me.actor, _asked(me, action, subject, record, to_status))


def _asked(me: Caller, action: str, subject: Subject | Describe | None, record: UUID | None, to_status: str) -> Asked:
    about = subject if subject is not None or record is not None else Subject(ADMINISTRATION)
    return Asked(action, me.tenant.ledger.clock.now(), record, about, to_status)


def organisation(me: Caller) -> Organised:
    """The organisation. Refused `installation.not_opened` where rights do not rule yet."""
    found = standing.of(me.tenant.ledger).organisation()
    if found.state.opened is None:
        raise Refused("installation.not_opened", "4.5.29")
    return found


def today(me: Caller) -> date:
    """The municipality's local day."""
    return standing.of(me.tenant.ledger).today()


def selves(me: Caller) -> tuple[str, ...]:
    """The caller, and whom the caller acts for."""
    return tuple(one for one in (me.actor.id, me.actor.acting_for) if one)


def as_manager(known: Standing, organised: Organised) -> Subject:
    """The subject of a form that only somebody's manager has a use for: put to every manager of the day."""
    managers = (one.manager for one in in_force(organised.state, known.today()))
    return Subject(ADMINISTRATION, put_to=frozenset(one for one in managers if one is not None))


def in_force(state: Organisation, day: date) -> list[ManagerProposed]:
    """Who is whose manager that day: the last confirmed for each unit, and for each person named apart."""
    found: dict[tuple[UUID, str | None], ManagerProposed] = {}
    for one in state.managers:
        if one.first_day <= day and (one.last_day is None or day <= one.last_day):
            found[one.unit, one.person] = one
    return [one for one in found.values() if one.manager is not None]


def own_units(me: Caller) -> Describe:
    """The subject of what somebody may do in the units of the own rights."""

    def described(known: Standing, organised: Organised) -> Subject:
        rights = known.person(me.actor.id).person.rights
        paths = [organised.state.path(right.unit) for right in rights if right.unit is not None]
        return Subject(ADMINISTRATION, units=tuple(dict.fromkeys(unit for path in paths for unit in path[:1])))

    return described


def rights_of(person: UUID) -> Describe:
    """The subject of reading somebody's rights: the person's own, and put to the managers in every unit of them."""

    def described(known: Standing, organised: Organised) -> Subject:
        orders = known.person(str(person)).file.orders.orders.values()
        units = {one.fact.unit for one in orders if one.fact.unit is not None}
        now = known.now()
        managers = {known.manager(organised, str(person), unit, now) for unit in units}
        put_to = frozenset(one for one in managers if one is not None)
        return Subject(ADMINISTRATION, authors=frozenset({str(person)}), put_to=put_to, concerns=str(person))

    return described


def known(me: Caller, person: UUID) -> Known:
    """A person as the log has them now. NotFound."""
    found = standing.of(me.tenant.ledger).person(str(person))
    if found.file.user is None:
        raise NotFound("person", str(person))
    return found


def ask(me: Caller, question: Callable[[People, psycopg.Connection[Any]], Result]) -> Result:
    """Ask the people projection, once it shows what this reader wrote; the caller has passed the gate."""
    me.up_to_date()
    with me.tenant.read() as connection:
        return question(me.tenant.people, connection)


def running(me: Caller, people: list[UUID] | None = None) -> list[Row]:
    """The rights that run, each with its unit's name and its manager (None: without a responsible manager, practice R12)."""
    now, state = me.tenant.ledger.clock.now(), organisation(me).state
    day = now.astimezone(LOCAL).date()
    rows = ask(me, lambda reads, connection: reads.running(connection, day, now, people))
    manager = managers(me)
    return [_placed(state, row, manager) for row in rows]


def staff(me: Caller) -> list[Row]:
    """The running rights of those for whom the caller is manager, never the caller's own."""
    mine = selves(me)
    return [row for row in running(me) if row["manager"] in mine and str(row["person"]) not in mine]


def asked_by_idm(me: Caller, person: UUID | None = None) -> list[Row]:
    """What the identity system asked for that waits for the caller as manager; where its unit is not known, for any manager."""
    state, mine, manager = organisation(me).state, selves(me), managers(me)
    rows = ask(me, lambda reads, connection: reads.asked_by_idm(connection, person))
    placed = [_placed(state, row, manager) for row in rows if str(row["person"]) not in mine]
    return [row for row in placed if row["unit"] is None or row["manager"] in mine]


def managers(me: Caller, on: date | None = None) -> Managers:
    """Who orders for a person in a unit now, or as another local day begins; the log is asked once for each manager."""
    known, state = standing.of(me.tenant.ledger), organisation(me).state
    now = known.now()
    today = now.astimezone(LOCAL).date()
    moment = Moment(now, today) if on in (None, today) else Moment(access_rights.span(on)[0], on)
    orders_of = cache(known.orders_of)
    return lambda person, unit: responsibility.manager(state, person, unit, moment, orders_of)


def units_to_order_in(me: Caller, person: str) -> list[tuple[str, str]]:
    """The open units in which the caller orders for that person today, by name."""
    state, day, mine, manager = organisation(me).state, today(me), selves(me), managers(me)
    found = [one for one in state.units.values() if one.open_on(day) and manager(person, one.id) in mine]
    return sorted(((str(one.id), one.name) for one in found), key=lambda one: one[1].casefold())


def waiting(me: Caller, stage: str) -> list[Row]:
    """Orders that wait for control (`ordered`) or for a superior (`objected`), each with what it would change."""
    rows = ask(me, lambda reads, connection: reads.in_stage(connection, stage))
    state, manager = organisation(me).state, managers(me)
    return [{**_placed(state, row, manager), "difference": difference(me, row)} for row in rows]


def difference(me: Caller, row: Row) -> Difference | None:
    """What an order that waits would change, were it decided now; None where it does not wait any more."""
    found = standing.of(me.tenant.ledger).person(str(row["person"])).file.orders
    order = found.orders.get(row["id"])
    if order is None or order.stage not in ("ordered", "objected"):
        return None
    return order_difference.of_order(found, order.fact, me.tenant.ledger.clock.now(), today(me))


def objections(me: Caller) -> list[Row]:
    """The objections that the caller, as the orderer's superior, settles."""
    state, day, mine = organisation(me).state, today(me), selves(me)
    if not may(me, AnswerOrder.SETTLE, Subject(ADMINISTRATION, put_to=frozenset(mine))):
        return []
    rows = waiting(me, "objected")
    return [row for row in rows if row["unit"] and state.superior_of(row["orderer"], row["unit"], day) in mine]


def told(me: Caller, person: UUID, on: date) -> dict[str, Any]:
    """A person's rights on a local day, folded from the log: who ordered, decided and carried out, with positions."""
    knows = standing.of(me.tenant.ledger)
    state_now = organisation(me).state
    state = access_rights.fold(person, me.tenant.ledger.reader.stream(person), knows.place)
    return access_rights.told(state, on, lambda unit: unit_name(state_now, unit), cache(knows.orders_of))


def unit_name(state: Organisation, unit: UUID | None) -> str:
    """A unit's name; empty where the right is of no unit."""
    return state.units[unit].name if unit is not None and unit in state.units else ""


def _placed(state: Organisation, row: Row, manager: Managers) -> Row:
    found = manager(str(row["person"]), row["unit"]) if row["unit"] is not None else None
    return {**row, "unit_name": unit_name(state, row["unit"]), "manager": found}
