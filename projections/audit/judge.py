"""The judgement: each command of the log against the rights, tables and rules of its own time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any
from uuid import UUID

from domain.handlers import gate, tables
from domain.ledger.clock import LOCAL
from domain.ledger.reader import Recorded
from domain.model import case_file as c
from domain.model import record, responsibility
from domain.model import registry_entry as e
from domain.model import rights_change as r
from domain.model.access import Allowed, Answer, Denied, Moment, Person, Subject, may
from domain.model.chain_log import BodiesDisposed, ChainClosed, ChainOpened, FactTypeIntroduced, TailDecided
from domain.model.ordering import Standing
from domain.model.organisation import (
    CellsConfirmed,
    CellsProposed,
    ChangeWithdrawn,
    InstallationOpened,
    ManagerConfirmed,
    ManagerProposed,
)
from domain.model.user import UserRegistered
from projections.audit import rules, succession
from projections.audit.acts import ACTS, CONSEQUENCES, LOWERING, REQUESTS, Act
from projections.audit.replay import OF_PERSON, OF_RIGHTS, ORGANISED, Replay

LATEST = timedelta(seconds=10)  # between decision and writing, a second decision included
FORMAT = (ChainOpened, ChainClosed, FactTypeIntroduced, BodiesDisposed, TailDecided)
STEPS = (c.CaseStatusChanged, e.EntryStatusChanged, e.EntryJournalled, e.EntryArchived)
SECOND = frozenset({"manager.confirm", "matrix.confirm"})
Place = Callable[[Recorded], str]


@dataclass(frozen=True, slots=True)
class Finding:
    """An act that should have been impossible. what: the rule that forbids it."""

    position: int
    chain_id: str
    fact: str
    actor: str
    what: str


def judge(records: Iterable[Recorded], place: Place, digest: Callable[[str], str]) -> Iterator[Finding]:
    """What no handler would have written, in the order of the log. Nothing is judged before rights were taken into use.

    place: as `rests_on` writes it; digest: of a user name, as its claim holds it. Memory: the state of every unit and person.
    """
    replay = Replay(digest)
    for _, facts in groupby(records, key=lambda one: (one.chain_id, one.envelope.cmd)):
        yield from _Command(replay, list(facts), place).judged()


class _Command:
    """The facts of one command, judged in turn, each in the state that those before it left."""

    def __init__(self, replay: Replay, facts: Sequence[Recorded], place: Place) -> None:
        self._replay, self._facts, self._place = replay, facts, place
        self._begun: set[UUID] = set()
        self._kinds = {type(one.fact) for one in facts}

    def judged(self) -> Iterator[Finding]:
        rule = self._replay.organised.state.opened is not None
        for one in self._facts:
            if not isinstance(one.fact, FORMAT):
                for what in dict.fromkeys(self._faults(one) if rule else self._before(one)):
                    yield Finding(one.position, one.chain_id, one.topic, one.envelope.actor, what)
            if one.version == 1:
                self._begun.add(one.stream)
            self._replay.take(one, self._place(one))

    def _before(self, one: Recorded) -> Iterator[str]:
        if isinstance(one.fact, OF_RIGHTS) and InstallationOpened not in self._kinds:
            yield "a right before rights were taken into use"

    def _faults(self, one: Recorded) -> Iterator[str]:
        at, fact = _instant(one), one.fact
        if not timedelta(0) <= datetime.fromtimestamp(one.recorded_at_us / 1e6, UTC) - at <= LATEST:
            yield "written at another time than it was done"
        causes = CONSEQUENCES.get(type(fact))
        if causes is not None and not self._kinds & set(causes):
            yield "stands without the act that it follows from"
        if isinstance(fact, InstallationOpened):
            yield "rights were in use already"
        if isinstance(fact, UserRegistered) and not self._kinds & {r.RightsOrdered, *REQUESTS}:
            yield "a person made known outside any order"
        if causes is None:
            yield from self._denied(one, at)
        yield from self._broken(one, at)

    def _denied(self, one: Recorded, at: datetime) -> Iterator[str]:
        describe = ACTS.get(type(one.fact))
        if describe is None or (one.stream in self._begun and not isinstance(one.fact, STEPS)):
            return
        act, subject = describe(one.fact), self._subject(one, at)
        if isinstance(one.fact, record.Screened) and not record.raises(self._replay.screened.get(one.stream), one.fact):
            act = LOWERING
        if subject is None:
            yield "no such record"
            return
        actor = self._actor(one)
        moment = Moment(at, at.astimezone(LOCAL).date())
        rights = gate.represented(actor, one.envelope.for_, moment)
        matrix = self._replay.matrix(moment.day)
        answers = [
            may(replace(actor, rights=tuple(rights)), gate.action_of(action, subject), subject, moment, matrix, act.to_status)
            for action in act.actions
        ]
        yield from _answered(answers, act, one)

    def _actor(self, one: Recorded) -> Person:
        """Who answers for it: the actor, or the manager whose order a message of the IDM system carried."""
        by_message = isinstance(one.fact, r.RightsOrdered) and one.fact.source == "idm" and one.fact.change != r.STOP
        return self._replay.person(one.fact.orderer if by_message else one.envelope.actor, _instant(one)).person

    def _subject(self, one: Recorded, at: datetime) -> Subject | None:
        fact, actor, replay = one.fact, one.envelope.actor, self._replay
        match fact:
            case c.CaseFileCreated():
                units, owner = replay.units(fact.administrative_unit), replay.who(fact.case_responsible)
                return Subject("case", units=units, owner=owner, authors=frozenset({actor}))
            case e.EntryRegistered():
                return self._entry(one)
            case ManagerProposed():
                return Subject("administration", units=replay.organised.state.path(fact.unit))
            case ManagerConfirmed() | CellsConfirmed():
                proposed = replay.organised.state.waiting.get(fact.change)
                by = proposed.proposer if proposed is not None else ""
                return Subject("administration", ordered_by=by, before=frozenset({by}))
            case _ if isinstance(fact, succession.FACTS):
                return succession.subject(replay, one, at)
            case _ if isinstance(fact, OF_RIGHTS):
                return self._about(one, at)
            case _ if isinstance(fact, ORGANISED) or act_of_administration(fact):
                return Subject("administration")
            case _:
                return replay.subject(one.stream)

    def _entry(self, one: Recorded) -> Subject:
        fact, actor = one.fact, one.envelope.actor
        case = self._replay.subject(fact.case) if fact.case is not None else None
        parties = [each.fact for each in self._facts if each.stream == one.stream and isinstance(each.fact, e.PartyRecorded)]
        named = frozenset(who for party in parties if (who := self._replay.who(party.case_handler)) is not None)
        return replace(
            case or Subject("document"),
            table="document",
            type=fact.entry_type or "*",
            status="-",
            handlers=named or frozenset({actor}),
            authors=frozenset({actor}),
        )

    def _about(self, one: Recorded, at: datetime) -> Subject:
        standing = self._standing(one, at)
        found = self._order(one)
        return Subject(
            "administration",
            put_to=standing.superiors if isinstance(one.fact, r.RightsSettled) else standing.managers,
            authors=frozenset({str(one.stream)}),
            concerns=str(one.stream),
            ordered_by=found.orderer if found is not None and not isinstance(one.fact, r.RightsOrdered) else None,
        )

    def _order(self, one: Recorded) -> r.RightsOrdered | None:
        if isinstance(one.fact, r.RightsOrdered):
            return one.fact
        orders = self._replay.person(str(one.stream)).file.orders.orders
        wanted = one.fact.orders[0] if isinstance(one.fact, r.RightsReviewed) else getattr(one.fact, "order", one.stream)
        found = orders.get(wanted)
        return found.fact if found is not None else None

    def _standing(self, one: Recorded, at: datetime) -> Standing:
        state, found = self._replay.organised.state, self._order(one)
        day, person = at.astimezone(LOCAL).date(), str(one.stream)
        unit = found.unit if found is not None else None
        actor = self._actor(one).id
        orders_of = self._replay.orders_of
        manager = responsibility.manager(state, person, unit, Moment(at, day), orders_of) if unit is not None else None
        superior = state.superior_of(found.orderer, unit, day) if unit is not None and found is not None else None
        managers, superiors = (
            frozenset() if named is None else frozenset({named, *({actor} if one.envelope.for_ == named else ())})
            for named in (manager, superior)
        )
        about = self._replay.person(person).file
        dated = about.user is not None and about.user.dated
        acting_for = getattr(one.fact, "acting_for", None)
        represented = self._replay.orders_of(acting_for) if acting_for is not None else None
        return Standing(at, day, actor, managers, superiors, frozenset({actor}), dated, one.envelope.for_, represented)

    def _broken(self, one: Recorded, at: datetime) -> Iterator[str]:
        fact, day = one.fact, at.astimezone(LOCAL).date()
        if isinstance(fact, succession.FACTS):
            what = succession.broken(self._replay, one, at)
        elif isinstance(fact, OF_PERSON):
            what = rules.rights(self._replay.person(str(one.stream)).file, fact, self._standing(one, at))
        elif isinstance(fact, ORGANISED):
            what = self._organised(one)
        else:
            state, _ = self._replay.states.get(one.stream, (None, None))
            what = rules.broken(state, fact, at, day)
        if what is not None:
            yield what
        for_orderer = isinstance(fact, r.RightsOrdered) and fact.change != r.STOP and one.envelope.for_ == fact.orderer
        if for_orderer and r.RightsOrderedByHand not in self._kinds:
            yield "ordered by a substitute who is not named"

    def _organised(self, one: Recorded) -> str | None:
        fact, waiting = one.fact, self._replay.organised.state.waiting
        match fact:
            case ManagerProposed() | CellsProposed():
                return None if fact.proposer == one.envelope.actor else "proposed in another's name"
            case ManagerConfirmed() | CellsConfirmed() | ChangeWithdrawn():
                proposed = waiting.get(fact.change)
                if proposed is None:
                    return "change.not_waiting (4.5.11)"
                if isinstance(fact, ManagerConfirmed) and isinstance(proposed, ManagerProposed):
                    return "manager.oneself (4.5.10)" if one.envelope.actor in (proposed.manager, proposed.person) else None
                return None
            case _:
                return None


def _answered(answers: Sequence[Answer], act: Act, one: Recorded) -> Iterator[str]:
    allowed = [answer for answer in answers if isinstance(answer, Allowed) and not answer.ids_only]
    if not allowed:
        first = answers[0]
        yield f"access.{first.reason}" if isinstance(first, Denied) else "access.ids-only"
        return
    said = set(one.envelope.rests_on or ())
    if not any(set(answer.rests_on) <= said for answer in allowed):
        yield "it does not name the rights that it rests on"
    if all(answer.two for answer in allowed) and not set(act.actions) & SECOND:
        yield "access.two_people"


def act_of_administration(fact: Any) -> bool:
    """Whether the gate asks for the act without any record."""
    describe = ACTS.get(type(fact))
    return describe is not None and describe(fact).actions[0] in tables.administrative()


def _instant(one: Recorded) -> datetime:
    """When it was done, as the act says; else when it was recorded."""
    at = one.envelope.at
    return datetime.fromisoformat(at) if at else datetime.fromtimestamp(one.recorded_at_us / 1_000_000, UTC)
