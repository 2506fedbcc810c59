"""Commands on urgent access (practice R14): ordered by the person's manager, confirmed by another, ended, reviewed.

The facts stand in the person's own stream, which every act of that person expects unchanged. A case is named by its number:
numbers are given without gaps, so that there is a case under one is no secret, and nothing else of it is told.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar
from uuid import UUID

from domain.handlers import gate, organisation, people
from domain.handlers.gate import ADMINISTRATION, Asked
from domain.handlers.standing import of as known_of
from domain.handlers.work import Work
from domain.ledger.clock import LOCAL
from domain.model import responsibility, urgent
from domain.model.access import Allowed, Moment, Subject
from domain.model.errors import Refused
from domain.model.ids import CASE_NUMBER
from domain.model.ordering import Standing
from domain.model.organisation import Organisation
from domain.model.person import PersonFile

NUMBER_LIMIT = 40


@dataclass(frozen=True, slots=True)
class Order:
    """A manager orders that the person may read one case now. case: its number."""

    ACTION: ClassVar[str] = "rights.order-urgent"
    person: UUID
    urgent: UUID
    case: str
    reason: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said to an urgent access. action: one of the constants; justified: the finding of a review."""

    CONFIRM: ClassVar[str] = "rights.confirm-urgent"
    REVIEW: ClassVar[str] = "rights.review-urgent"
    END: ClassVar[str] = "rights.stop"
    action: str
    person: UUID
    urgent: UUID
    reason: str = ""
    justified: bool = True


def order(work: Work, command: Order) -> UUID:
    """Order it. Refused `urgent.no_case`, `urgent.no_right`, and as the rules say. Nothing is open before it is confirmed."""
    state = organisation.load(work)
    about = people.require(work, str(command.person))
    standing = _standing(work, state, about)
    work.permit(command.ACTION, subject=_about(about, standing))
    case = work.ledger.reader.claim(CASE_NUMBER, command.case.strip()[:NUMBER_LIMIT])
    if case is None:
        raise Refused("urgent.no_case", params={"number": command.case.strip()[:NUMBER_LIMIT]})
    moment = Moment(work.at, work.today)
    own = known_of(work.ledger).person(about.id).person.rights
    if not any(right.in_force(moment) and right.acting_for is None for right in own):
        raise Refused("urgent.no_right", "4.5.29")
    wanted = urgent.OrderUrgent(command.urgent, case, command.reason)
    confirm_by = urgent.until(state.calendar, work.at, LOCAL)
    work.record(command.person, urgent.order(about.urgent, about.id, wanted, standing, confirm_by))
    return command.urgent


def answer(work: Work, command: Answer) -> UUID:
    """Confirm, end or review it."""
    state = organisation.load(work)
    about = people.require(work, str(command.person))
    found = about.urgent.accesses.get(command.urgent)
    if found is None:
        raise Refused("urgent.not_waiting", "4.5.29", {"urgent": str(command.urgent)})
    standing = _standing(work, state, about)
    work.permit(command.action, subject=_about(about, standing, found.fact.orderer))
    file, wanted = about.urgent, command.urgent
    match command.action:
        case Answer.CONFIRM:
            if controls(work):
                standing = replace(standing, controllers=frozenset({standing.actor}))
            work.record(command.person, urgent.confirm(file, about.id, wanted, standing, state.calendar, LOCAL))
        case Answer.REVIEW:
            made = urgent.review(file, about.id, wanted, command.justified, command.reason, standing)
            work.record(command.person, made)
        case _:
            work.record(command.person, urgent.end(file, wanted, command.reason, standing))
    return command.urgent


def controls(work: Work) -> bool:
    """Whether the actor is the archive leader or a deputy: whoever may review at all."""
    asked = Asked(Answer.REVIEW, work.at, None, Subject(ADMINISTRATION), fresh=work.fresh)
    return isinstance(gate.decide(work.ledger, work.context.actor, asked), Allowed)


def managers(state: Organisation, about: PersonFile, work: Work) -> frozenset[str]:
    """Who orders for the person today, in any unit in which the person has a right that runs."""
    units = {one.fact.unit for one in about.orders.orders.values() if one.fact.unit is not None and one.runs(work.today)}
    moment, orders_of = Moment(work.at, work.today), known_of(work.ledger).orders_of
    found = {responsibility.manager(state, about.id, unit, moment, orders_of) for unit in units}
    return frozenset(one for one in found if one is not None)


def _standing(work: Work, state: Organisation, about: PersonFile) -> Standing:
    actor, named = work.context.actor, managers(state, about, work)
    if actor.acting_for in named:
        named |= {actor.id}
    return Standing(work.at, work.today, actor.id, named, acting_for=actor.acting_for)


def _about(about: PersonFile, standing: Standing, orderer: str | None = None) -> Subject:
    return Subject(
        ADMINISTRATION,
        put_to=standing.managers,
        authors=frozenset({about.id}),
        concerns=about.id,
        ordered_by=orderer,
    )
