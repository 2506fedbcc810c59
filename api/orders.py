"""What REST and the forms may say of rights and the organisation, as commands: the same shapes and limits for both."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from api.bodies import Body, Code, Day, Line
from domain.handlers import idm, rights
from domain.handlers.people import Newcomer
from domain.handlers.work import Work
from domain.ledger.identity import new_id
from domain.model.assignment import Wanted
from domain.model.errors import Refused
from domain.model.ordering import OrderRights
from domain.model.rights_change import CHANGE, START, STOP

Words = Annotated[str, Field(max_length=4_000)]
Codes = Annotated[list[Code], Field(max_length=100)]
Ids = Annotated[list[UUID], Field(max_length=100)]
ANSWERS = {
    "control": rights.Answer.CONTROL,
    "return": rights.Answer.RETURN,
    "object": rights.Answer.OBJECT,
    "settle": rights.Answer.SETTLE,
    "execute": rights.Answer.EXECUTE,
}
Given = Literal["control", "return", "object", "settle", "execute"]


class NewPerson(Body):
    """Somebody who is not known yet: made known by the order, without any right until it is in force."""

    name: Line
    user_name: Code
    email: Line | None = None
    kind: Code = "employee"


class NewAssignment(Body):
    """An auditor's assignment. mandate: who wants the audit, on what decision, about what; units: audited, with those below, none
    = the whole municipality; since, until: local days of the period that is audited."""

    mandate: Words
    units: Ids = Field(default_factory=list)
    since: Day | None = None
    until: Day | None = None

    def wanted(self) -> Wanted:
        """As the model takes it."""
        return Wanted(self.mandate, tuple(dict.fromkeys(self.units)), self.since, self.until)


class NewOrder(Body):
    """What a manager orders. person: who is known; newcomer: who is not; replaces: running orders whose place it takes;
    first_day, last_day: local days, both included; acting_for: whose substitute the person becomes;
    request: what an identity system asked for, which this order answers; handover: the last day of what it replaces, where that
    goes on beside it, at most 30 days; assignment: of an auditor."""

    person: UUID | None = None
    newcomer: NewPerson | None = None
    unit: UUID
    first_day: Day
    last_day: Day | None = None
    title: Line | None = None
    roles: Codes = Field(default_factory=list)
    codes: Codes = Field(default_factory=list)
    groups: Codes = Field(default_factory=list)
    organs: Codes = Field(default_factory=list)
    replaces: Ids = Field(default_factory=list)
    reason: Words = ""
    acting_for: UUID | None = None
    number: Code | None = None
    request: UUID | None = None
    assignment: NewAssignment | None = None
    handover: Day | None = None


class NewStop(Body):
    """The end of somebody's rights in a unit after a local day; orders: those to end, none named = all in the unit."""

    unit: UUID
    last_day: Day | None = None
    orders: Ids = Field(default_factory=list)
    reason: Words = ""


class NewAnswer(Body):
    """What is said to an order. stands: of an objection that is settled."""

    answer: Given
    reason: Words = ""
    stands: bool = True


Orders = Callable[[Work], UUID]


def order(body: NewOrder, source: str) -> tuple[UUID, UUID, Orders]:
    """(person, order id, handler) of an order. Refused `rights.person_missing` where it does not say for whom, or says both."""
    if (body.person is None) == (body.newcomer is None):
        raise Refused("rights.person_missing", "4.5.29")
    person, wanted = body.person or new_id(), new_id()
    new = body.newcomer
    newcomer = Newcomer(new.kind, new.name, new.user_name, new.email) if new is not None else None
    said = OrderRights(
        wanted,
        CHANGE if body.replaces else START,
        body.unit,
        body.first_day,
        body.last_day,
        body.reason,
        body.title,
        tuple(dict.fromkeys(body.roles)),
        tuple(dict.fromkeys(body.codes)),
        tuple(dict.fromkeys(body.groups)),
        tuple(dict.fromkeys(body.organs)),
        tuple(dict.fromkeys(body.replaces)),
        str(body.acting_for) if body.acting_for is not None else None,
        source,
        body.number,
        body.handover,
        body.assignment.wanted() if body.assignment is not None else None,
    )
    if body.request is not None:
        taken = idm.TakeUp(person, body.request, said)
        return person, wanted, lambda work: idm.take_up(work, taken)
    command = rights.Order(person, said, newcomer)
    return person, wanted, lambda work: rights.order(work, command)


def turn_down(person: UUID, request: UUID, reason: str) -> Callable[[Work], None]:
    """The handler of a no to what an identity system asked for."""
    command = idm.TurnDown(person, request, reason)
    return lambda work: idm.turn_down(work, command)


def stop(person: UUID, body: NewStop, source: str) -> tuple[UUID, Orders]:
    """(order id, handler) of a stop."""
    wanted = new_id()

    def handle(work: Work) -> UUID:
        replaces = tuple(dict.fromkeys(body.orders))
        said = OrderRights(wanted, STOP, body.unit, work.today, body.last_day, body.reason, replaces=replaces, source=source)
        return rights.stop(work, rights.Stop(person, said))

    return wanted, handle


def answer(person: UUID, wanted: UUID, body: NewAnswer) -> Callable[[Work], None]:
    """The handler of what is said to an order."""
    command = rights.Answer(ANSWERS[body.answer], person, wanted, body.reason, body.stands)
    return lambda work: rights.answer(work, command)
