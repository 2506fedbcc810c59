"""One command at work: it loads units, gathers the facts that their rules decide, and appends them at once.

A handler is a function of a `Work`. It is run again, from the start, when another command changed a unit that it had read.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import partial
from typing import Any, Generic, TypeVar
from uuid import UUID

from domain import catalogue
from domain.catalogue import Envelope
from domain.handlers import gate, standing
from domain.handlers.gate import Actor, Asked, Describe, Overtaken, Permit
from domain.handlers.standing import Organised, Standing
from domain.ledger.clock import LOCAL
from domain.ledger.faults import Busy, ClaimTaken, LedgerError, StaleSubmission, VersionConflict
from domain.ledger.identity import new_id
from domain.ledger.ledger import Ledger
from domain.ledger.submission import Appended
from domain.model.access import Subject
from domain.model.errors import NotFound, Refused

Result = TypeVar("Result")
PROGRAM = "dagbok/0.1.0"
GIVE_UP_AFTER_S = 10.0


class Contended(LedgerError):
    """The unit was changed by others faster than this command could follow. Look at it again and repeat."""

    code = "conflict.contended"


@dataclass(frozen=True, slots=True)
class Context:
    """Whose command it is. idempotency_key: as the client sent it; source: `fiks:<message id>` and kin; basis: legal basis."""

    actor: Actor
    idempotency_key: str | None = None
    source: str | None = None
    cause: str | None = None
    basis: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome(Generic[Result]):
    """What a handler returned, and where its facts stand; `appended` is None where nothing changed."""

    result: Result
    appended: Appended | None


class Work:
    """The units that a command has read, and the facts decided so far."""

    def __init__(self, ledger: Ledger, context: Context, at: datetime, fresh: bool) -> None:
        self.ledger = ledger
        self.context = context
        self.at = at
        self.fresh = fresh
        self.from_memory = False
        self.facts: list[tuple[UUID, Any]] = []
        self.expect: dict[UUID, int] = {}
        self.rests_on: list[str] = []
        self._before: dict[UUID, Any] = {}
        self._states: dict[UUID, tuple[Any, Any]] = {}
        self._begun: dict[UUID, Describe | None] = {}
        self._numbers: dict[str, int] = {}

    @property
    def today(self) -> date:
        """The local day of the act."""
        return self.at.astimezone(LOCAL).date()

    def permit(
        self,
        action: str,
        record: UUID | None = None,
        *,
        subject: Subject | Describe | None = None,
        to_status: str = "-",
        alone: bool = True,
    ) -> Permit:
        """Pass the gate; what it rests on is expected unchanged and stands in the facts.

        subject: of what is no record yet; alone: whether the act counts when one person does it. What this command has begun is
        its own, since beginning it was permitted; only its steps from status to status are asked for.
        """
        if record is not None and record in self._begun:
            begun = self._begun[record]
            if to_status == "-" or begun is None:
                return Permit("begun")
            subject, record = partial(_in_status, begun, self._states[record][0].status), None
        asked = Asked(action, self.at, record, subject, to_status, self.fresh)
        self.from_memory = self.from_memory or not self.fresh
        given = gate.permit(self.ledger, self.context.actor, asked)
        if given.two and alone:
            raise Refused("access.two_people", "4.5.10", {"action": action})
        self.rests_on.extend(given.rests_on)
        self.expect.update(given.expect)
        return given

    def load(self, stream: UUID, evolve: Any) -> Any:
        """The unit's state, or None. The command then holds only if the unit has not changed meanwhile."""
        if stream in self._states:
            return self._states[stream][0]
        version, state = self.ledger.load(stream, evolve, self.fresh)
        self.from_memory = self.from_memory or not self.fresh
        self.expect[stream] = version
        self._before[stream] = state
        self._states[stream] = (state, evolve)
        return state

    def require(self, stream: UUID, evolve: Any, what: str, kind: type | None = None) -> Any:
        """The unit's state; NotFound where there is none, or where another kind of unit has that id."""
        try:
            state = self.load(stream, evolve)
        except AssertionError:  # the stream's first fact is of another noun
            state = None
        if state is None or (kind is not None and not isinstance(state, kind)):
            raise NotFound(what, str(stream))
        return state

    def create(self, stream: UUID, evolve: Any, described: Describe | None = None) -> None:
        """Begin a new unit; nothing is read, the stream must not exist. described: as the gate was asked for it."""
        self._begun[stream] = described
        self.expect[stream] = 0
        self._before[stream] = None
        self._states[stream] = (None, evolve)

    def record(self, stream: UUID, *facts: Any) -> None:
        """Add decided facts of a unit that was loaded or created, and evolve its state."""
        state, evolve = self._states[stream]
        for given in facts:
            # two units begun by one command take two numbers of a series
            fact = catalogue.order_numbers(given, self._numbers) if catalogue.may_claim(given) else given
            self.facts.append((stream, fact))
            state = evolve(state, stream, fact)
        self._states[stream] = (state, evolve)

    def state(self, stream: UUID) -> Any:
        """The state of a unit of this command, its new facts included."""
        return self._states[stream][0]

    def envelope(self, command: UUID) -> Envelope:
        """The envelope of this command's facts."""
        context = self.context
        ledger = self.ledger
        key = context.idempotency_key
        return Envelope(
            cmd=str(command),
            n=1,
            m=1,
            actor=context.actor.id,
            for_=context.actor.acting_for,
            login=context.actor.login,
            at=catalogue.instant(self.at),
            date=self.today.isoformat(),
            rests_on=list(dict.fromkeys(self.rests_on)) or None,
            cause=context.cause,
            idem=ledger.keys.idempotency_digest(ledger.tenant, f"{context.actor.id}\n{key}") if key else None,
            src=context.source,
            basis=context.basis,
            program=PROGRAM,
        )

    def remember(self, appended: Appended) -> None:
        """Keep the states that this command led to; a unit that was given numbers is folded from its facts as stored."""
        numbered = {stream for stream, fact in self.facts if catalogue.numbers_in(fact)}
        states: dict[UUID, tuple[int, Any]] = {}
        for stream, fact in appended.facts:
            version, state = states.get(stream, (self.expect[stream], self._before[stream]))
            state = self._states[stream][1](state, stream, fact) if stream in numbered else self._states[stream][0]
            states[stream] = (version + 1, state)
        for stream, (version, state) in states.items():
            self.ledger.remember(stream, version, state, self._states[stream][1])
        standing.of(self.ledger).learn(appended, self.expect, self.context.actor.id)


def run(ledger: Ledger, context: Context, keys: Iterable[UUID], handle: Callable[[Work], Result]) -> Outcome[Result]:
    """Run a handler until its facts are written or refused.

    keys: units that it will change, so that commands on one unit queue up in this process. A refusal, and that nothing is to be
    done, is decided again on fresh states where it was decided on remembered ones. Raises Refused, ClaimTaken (a key is another
    unit's, also on fresh states), Busy, Contended, ClockFault.
    """
    held = sorted(set(keys))
    started = time.monotonic()
    fresh, stale, tries, taken = False, 0, 0, ("", "")
    command = new_id()
    while True:
        with ledger.locks.hold(held):
            work = Work(ledger, context, ledger.clock.now(), fresh)
            try:
                result = handle(work)
                if not work.facts:
                    if work.from_memory:  # another process may have changed what this one remembers
                        fresh = True
                        continue
                    return Outcome(result, None)
                appended = ledger.append(work.facts, work.envelope(command), work.expect, work.at)
                work.remember(appended)
                return Outcome(result, appended)
            except Refused:
                if not work.from_memory:
                    raise
                fresh = True
                continue
            except (VersionConflict, ClaimTaken, Overtaken) as conflict:
                if isinstance(conflict, ClaimTaken):
                    if (conflict.kind, conflict.key) == taken:
                        raise
                    taken = conflict.kind, conflict.key
                fresh = True
                if time.monotonic() - started > GIVE_UP_AFTER_S:
                    raise Contended from conflict
            except StaleSubmission as problem:
                stale += 1
                if stale > 1:
                    raise Busy from problem
        tries += 1
        time.sleep(0.0005 + 0.0095 * (hash((command, tries)) % 64) / 64)  # spreads processes that meet on one unit


def _in_status(described: Describe, status: str, known: Standing, organised: Organised) -> Subject:
    return replace(described(known, organised), status=status)


def permitted(ledger: Ledger, context: Context, action: str, record: UUID | None = None) -> Permit:
    """Pass the gate for a read, with the rights as they are this instant."""
    while True:
        try:
            return gate.permit(ledger, context.actor, Asked(action, ledger.clock.now(), record))
        except Overtaken:  # another process's clock is ahead by less than the 2 s that the ledger allows
            time.sleep(0.01)
