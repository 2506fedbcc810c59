"""Urgent access and what successors take over, judged again: the two that rest on more than one manager (practice R12, R14)."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from domain.handlers.gate import ADMINISTRATION
from domain.ledger.clock import LOCAL
from domain.ledger.reader import Recorded
from domain.model import responsibility, urgent
from domain.model.access import Allowed, Moment, Subject, may
from domain.model.errors import Refused
from domain.model.ordering import Standing
from domain.model.person import PersonFile
from domain.model.rights_change import RightsTakenOver
from domain.model.urgent import UrgentConfirmed, UrgentEnded, UrgentOrdered, UrgentReviewed
from projections.audit.replay import Replay

FACTS = (*urgent.FACTS, RightsTakenOver)
ERASED = "erased"


def subject(replay: Replay, one: Recorded, at: datetime) -> Subject:
    """What the gate was asked for."""
    found = replay.person(str(one.stream)).file.urgent.accesses.get(getattr(one.fact, "urgent", one.stream))
    return Subject(
        ADMINISTRATION,
        put_to=_standing(replay, one, at).managers,
        authors=frozenset({str(one.stream)}),
        concerns=str(one.stream),
        ordered_by=found.fact.orderer if found is not None else None,
    )


def broken(replay: Replay, one: Recorded, at: datetime) -> str | None:
    """The rule that the fact breaks, as `code (requirement)`; None where it breaks none."""
    try:
        return _ask(replay, one, at)
    except Refused as refused:
        return f"{refused.code}" + (f" ({refused.requirement})" if refused.requirement else "")


def _ask(replay: Replay, one: Recorded, at: datetime) -> str | None:
    fact, about, standing = one.fact, replay.person(str(one.stream)).file, _standing(replay, one, at)
    calendar, file = replay.organised.state.calendar, about.urgent
    made: object
    match fact:
        case RightsTakenOver():
            unit = _unit(about, fact)
            if unit is None:
                return "no such order"
            made = responsibility.take_over(about.orders, unit, standing, replay.orders_of, LOCAL)
        case UrgentOrdered():
            wanted = urgent.OrderUrgent(fact.urgent, fact.case, fact.body.reason if fact.body is not None else ERASED)
            made = urgent.order(file, about.id, wanted, standing, urgent.until(calendar, at, LOCAL))
        case UrgentConfirmed():
            made = urgent.confirm(file, about.id, fact.urgent, standing, calendar, LOCAL)
        case UrgentEnded():
            made = urgent.end(file, fact.urgent, ERASED, standing)
        case UrgentReviewed():
            made = urgent.review(file, about.id, fact.urgent, fact.justified, ERASED, standing)
        case _:
            return None
    fields = (name for name in fact.__slots__ if name != "body")
    other = next((name for name in fields if getattr(fact, name) != getattr(made, name)), None)
    return f"the rules give another {other}" if other is not None else None


def _standing(replay: Replay, one: Recorded, at: datetime) -> Standing:
    fact, actor, for_ = one.fact, one.envelope.actor, one.envelope.for_
    moment = Moment(at, at.astimezone(LOCAL).date())
    about, state = replay.person(str(one.stream)).file, replay.organised.state

    if isinstance(fact, RightsTakenOver):
        units = {_unit(about, fact)}
    else:
        units = {each.fact.unit for each in about.orders.orders.values() if each.runs(moment.day)}
    found = {responsibility.manager(state, about.id, unit, moment, replay.orders_of) for unit in units if unit is not None}
    named = frozenset(manager for manager in found if manager is not None)
    if for_ in named:
        named |= {actor}
    leads = may(
        replay.person(actor, at).person, "rights.review-urgent", Subject(ADMINISTRATION), moment, replay.matrix(moment.day)
    )
    controllers = frozenset({actor}) if isinstance(leads, Allowed) else frozenset[str]()
    return Standing(at, moment.day, actor, named, controllers=controllers, acting_for=for_)


def _unit(about: PersonFile, fact: RightsTakenOver) -> UUID | None:
    found = about.orders.orders.get(fact.orders[0]) if fact.orders else None
    return found.fact.unit if found is not None else None
