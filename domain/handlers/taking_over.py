"""A successor confirms the rights of people whose manager is gone, and answers for them from then on (practice R12)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from domain.handlers import organisation, people, standing
from domain.handlers.gate import ADMINISTRATION
from domain.handlers.work import Work
from domain.ledger.clock import LOCAL
from domain.model import responsibility
from domain.model.access import Moment, Subject
from domain.model.ordering import Standing


@dataclass(frozen=True, slots=True)
class TakeOver:
    """Confirm what runs for a person in a unit, and answer for it."""

    ACTION: ClassVar[str] = "rights.take-over"
    person: UUID
    unit: UUID


def take_over(work: Work, command: TakeOver) -> UUID:
    """Take over every order in the unit that runs, or may yet, whose manager is gone. Refused `rights.nothing_to_take_over`."""
    state = organisation.load(work)
    about = people.require(work, str(command.person))
    organisation.unit(state, command.unit)
    known, actor, moment = standing.of(work.ledger), work.context.actor, Moment(work.at, work.today)
    found = responsibility.manager(state, about.id, command.unit, moment, known.orders_of)
    named = frozenset({found}) if found is not None else frozenset[str]()
    put_to = named | {actor.id} if actor.acting_for in named else named
    by = Standing(work.at, work.today, actor.id, put_to, acting_for=actor.acting_for)
    work.permit(command.ACTION, subject=Subject(ADMINISTRATION, put_to=put_to, concerns=about.id, authors=frozenset({about.id})))
    work.record(command.person, responsibility.take_over(about.orders, command.unit, by, known.orders_of, LOCAL))
    return command.person
