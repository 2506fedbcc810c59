"""What the gate knows of a municipality: its organisation, its people with their rights, and the records' facets.

Folded from the log and remembered with the versions it stands on: a command expects those unchanged, a read looks for what has
come since. Nothing here decides.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import Any, TypeVar
from uuid import NAMESPACE_URL, UUID, uuid5

from domain.handlers import tables
from domain.handlers.recent import Recent
from domain.ledger.clock import LOCAL
from domain.ledger.ledger import Ledger
from domain.ledger.reader import Recorded
from domain.ledger.submission import Appended, versions_of
from domain.model import facets, organisation, person, responsibility, rights_change, urgent
from domain.model.access import Held, Moment, Person, Subject
from domain.model.facets import Facets
from domain.model.matrix import Matrix
from domain.model.organisation import CellsConfirmed, CellsProposed, Organisation
from domain.model.person import PersonFile
from domain.model.record import Named
from domain.model.registry_entry import DocumentLinked
from domain.model.rights_change import Orders, RightsTakenOver
from domain.model.user import USER_NAME

REMEMBERED, HELD = 20_000, 500
DEEPEST = 4
"""Statements that it takes to know all of a document for the first time: its own facts, the command that linked it, its entry's
facts, its case's."""
SETTLES = timedelta(seconds=10)  # longer than a fact is under way between its instant and the log
BEGINNING, NEVER = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
Kept = TypeVar("Kept")


@dataclass(frozen=True)  # without slots: what follows from it is computed once
class Known:
    """A person at one version of their stream. positions: of the facts of each order and urgent access; started: orders known to
    have begun, whatever becomes of their managers; starts: from when the others count, None while they wait for one; until: the
    instant up to which nothing that a manager's rights decide can change that, but a fact of the person's own."""

    version: int
    file: PersonFile
    positions: Mapping[UUID, tuple[str, ...]] = field(default_factory=dict)
    started: Mapping[UUID, datetime] = field(default_factory=dict)
    starts: Mapping[UUID, datetime | None] = field(default_factory=dict)
    until: datetime = BEGINNING

    def holds(self, at: datetime) -> bool:
        """Whether what is known of the starts is so at that instant, without asking about any manager again."""
        return not self.unsettled or at < self.until

    @cached_property
    def newest(self) -> datetime | None:
        """The last instant at which an order of theirs was decided or stopped, or urgent access confirmed or ended."""
        orders, urgent = self.file.orders.orders.values(), self.file.urgent.accesses.values()
        instants = [at for one in orders for at in (one.decided_at, one.stopped_at)]
        instants += [at for one in urgent for at in (one.confirmed_at, one.ended_at)]
        instants += [taken.taken_at for one in orders for taken in one.taken]
        return max((at for at in instants if at is not None), default=None)

    @cached_property
    def unsettled(self) -> tuple[UUID, ...]:
        """Decided orders of which it is not settled yet that they have begun."""
        orders = self.file.orders.orders
        return tuple(key for key, one in orders.items() if responsibility.asks(one) and key not in self.started)

    @cached_property
    def person(self) -> Person:
        """With all rights that were ever ordered; `may` knows which are in force."""
        starts = {**self.started, **self.starts}
        rights = rights_change.rights(self.file.orders, self.positions, starts)
        return Person(self.file.id, rights, urgent.accesses(self.file.urgent, self.positions))

    @cached_property
    def held(self) -> Recent[Any, Held]:
        """What the tables said to this person at this version, by what they were asked."""
        return Recent(HELD)


@dataclass(frozen=True, slots=True)
class Organised:
    """The organisation at one version. positions: of proposal and confirmation of each change of cells that counts."""

    version: int
    state: Organisation
    positions: tuple[tuple[str, ...], ...] = ()
    proposed: Mapping[UUID, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Judged:
    """A record's facets at one version. entry: of a document."""

    version: int
    facets: Facets | None
    entry: UUID | None = None


class Standing:
    """One tenant's. Thread-safe."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._kept: Recent[UUID | str, Any] = Recent(REMEMBERED)
        self._names: Recent[str, str] = Recent(REMEMBERED)
        self._organised: Organised | None = None
        self._looks = threading.local()
        self._matrices: Recent[tuple[int, date], Matrix] = Recent(8)
        domain = ledger.reader.record_chains[0][0].split("/")[0]
        self.stream = organisation_stream(domain)

    def organisation(self, fresh: bool = True) -> Organised:
        """The organisation; version 0 where rights do not rule yet."""
        kept = self._organised
        if kept is not None and not fresh:
            return kept
        found = kept or Organised(0, Organisation())
        for recorded in self._ledger.reader.stream(self.stream, found.version):
            found = organised(found, recorded, self.place(recorded))
        self._organised = found
        return found

    def person(self, one: str, fresh: bool = True) -> Known:
        """A person, without rights where nobody is known under that id."""
        kept: Known | None = self._kept.get(one)
        if kept is not None and not fresh and (not kept.unsettled or kept.holds(self._ledger.clock.now())):
            return kept
        stream = uuid_of(one)
        if stream is None:
            return Known(0, PersonFile(Orders(one)))
        found = self._read(stream, kept or Known(0, PersonFile(Orders(str(stream)))))
        if found.unsettled:
            found = settled(found, self.orders_of, self._ledger.clock.now())
        return self._keep(one, found, kept) if found.version else found

    def _read(self, stream: UUID, kept: Known) -> Known:
        found = kept
        for recorded in self._ledger.reader.stream(stream, kept.version):
            found = known(found, recorded, self.place(recorded))
        return found

    def orders_of(self, manager: str) -> Orders:
        """What was ordered for somebody, as the log has it now: whether an order begins rests on its manager's own."""
        stream = uuid_of(manager)
        if stream is None:
            return Orders(manager)
        kept: Known = self._kept.get(manager) or Known(0, PersonFile(Orders(str(stream))))
        found = self._read(stream, kept)
        return (self._keep(manager, found, kept) if found.version else found).file.orders

    def manager(self, organised: Organised, person: str, unit: UUID, at: datetime) -> str | None:
        """Who orders for a person in a unit at that instant (`responsibility.manager`)."""
        moment = Moment(at, at.astimezone(LOCAL).date())
        return responsibility.manager(organised.state, person, unit, moment, self.orders_of)

    def matrix(self, organised: Organised, day: date) -> Matrix:
        """The rights tables of a local day."""
        if not organised.state.cells:
            return tables.delivered()
        key = organised.version, day
        found = self._matrices.get(key)
        if found is None:
            found = tables.in_force(organised.state, organised.positions, day)
            self._matrices.keep(key, found)
        return found

    def looked(self) -> int:
        """How often this thread has asked the log about a record so far."""
        return getattr(self._looks, "count", 0)

    def look_on(self, record: UUID, since: int) -> None:
        """Ask the log about a record that is not shown until that was done as often since `since` as for the deepest of records:
        how long the answer takes must not tell whether the record is there. Costs at most DEEPEST statements."""
        while self.looked() - since < DEEPEST:
            self.judged(record)

    def judged(self, record: UUID, fresh: bool = True) -> Judged:
        """A record's own facets; none where there is no such record. Not fresh: as far as commands have loaded the record."""
        kept: Judged = self._kept.get(record) or Judged(0, None)
        if not fresh and 0 < self._ledger.version_of(record) <= kept.version:
            return kept
        found = kept
        self._looks.count = self.looked() + 1
        for recorded in self._ledger.reader.stream(record, kept.version):
            state = facets.evolve(found.facets, recorded.fact, recorded.envelope.actor, self.place(recorded))
            entry = self.entry_of(recorded) if state is not None and state.kind == facets.DOCUMENT else None
            found = Judged(recorded.version, state, found.entry or entry)
        return self._keep(record, found, kept)

    def subject(self, record: UUID, organised: Organised, fresh: bool = True) -> Subject | None:
        """What is asked for, with what it inherits; None where there is no such record."""
        own = self.judged(record, fresh)
        if own.facets is None:
            return None
        entry = self.judged(own.entry, fresh).facets if own.entry is not None else None
        of_case = (entry or own.facets).case
        case = self.judged(of_case, fresh).facets if of_case is not None else None
        found = facets.subject(own.facets, entry, case, lambda name: self.units(organised, name), self.who)
        return replace(found, file=record if own.facets.kind == facets.CASE else of_case)

    def units(self, organised: Organised, named: Named | None) -> tuple[UUID, ...]:
        """The path of the unit that a record names, by id, name or code."""
        return units_of(organised, named)

    def who(self, named: Named | None) -> str | None:
        """The person whom a record names: by id, else by user name."""
        if named is None or not named.identifier:
            return None
        by_id = uuid_of(named.identifier)
        return str(by_id) if by_id is not None else self.called(named.identifier)

    def called(self, user_name: str) -> str | None:
        """The person who has or had that user name."""
        name = user_name.strip().casefold()
        found = self._names.get(name)
        if found is None:
            holder = self._ledger.reader.claim(USER_NAME, user_name_digest(self._ledger, name))
            if holder is None:
                return None
            found = str(holder)
            self._names.keep(name, found)  # a user name is never anybody else's (4.4.11)
        return found

    def named(self, name: str) -> list[UUID]:
        """Everybody who has or had that full name; reads every registration, for the command line."""
        wanted = name.strip().casefold()
        facts = self._ledger.reader.of_topics(("user.registered.v1", "user.named.v1"))
        return list({one.stream for one in facts if one.fact.body is not None and one.fact.body.name.casefold() == wanted})

    def today(self) -> date:
        """The local day."""
        return self._ledger.clock.now().astimezone(LOCAL).date()

    def now(self) -> datetime:
        """The instant."""
        return self._ledger.clock.now()

    def place(self, recorded: Recorded) -> str:
        """Where a fact stands, as `rests_on` writes it."""
        own = recorded.chain_id == self._ledger.reader.record_chains[-1][0]
        return str(recorded.position) if own else f"{recorded.chain_id}#{recorded.position}"

    def entry_of(self, begun: Recorded) -> UUID | None:
        """The entry that a document was added to: both facts are of one command."""
        if begun.version != 1:
            return None
        self._looks.count = self.looked() + 1
        for one in self._ledger.reader.command_of(begun):
            if isinstance(one.fact, DocumentLinked) and one.fact.document == begun.stream:
                return one.stream
        return None

    def learn(self, appended: Appended, expect: Mapping[UUID, int], actor: str) -> None:
        """What a command of this process has just written: records are folded on without asking the log for it."""
        entries = {fact.document: stream for stream, fact in appended.facts if isinstance(fact, DocumentLinked)}
        versions = versions_of(appended.facts, expect)
        for position, ((stream, fact), version) in enumerate(zip(appended.facts, versions, strict=True), appended.first_position):
            kept: Judged = self._kept.get(stream) or Judged(0, None)
            if kept.version != version - 1:
                continue
            state = facets.evolve(kept.facets, fact, actor, str(position))
            if state is not None:
                entry = entries.get(stream) if state.kind == facets.DOCUMENT and version == 1 else None
                self._kept.keep(stream, Judged(version, state, kept.entry or entry))

    def _keep(self, key: UUID | str, found: Kept, kept: Any) -> Kept:
        if found is not kept:
            self._kept.keep(key, found)
        return found


def of(ledger: Ledger) -> Standing:
    """The standing of a ledger, made at first use."""
    found = ledger.remembered.get(Standing)
    if not isinstance(found, Standing):
        found = ledger.remembered.setdefault(Standing, Standing(ledger))
    assert isinstance(found, Standing)
    return found


def organisation_stream(domain: str) -> UUID:
    """The stream of a municipality's organisation: there is one, so its id follows from the municipality's own."""
    return uuid5(NAMESPACE_URL, f"{domain}/organisation")


def user_name_digest(ledger: Ledger, user_name: str) -> str:
    """What the claim of a user name holds: its HMAC, without regard to case."""
    return ledger.claim_digest(USER_NAME, user_name.strip().casefold())


def units_of(organised: Organised, named: Named | None) -> tuple[UUID, ...]:
    """The path of the unit that a record names, by id, name or code."""
    if named is None:
        return ()
    state = organised.state
    by_id = uuid_of(named.identifier)
    if by_id in state.units:
        return state.path(by_id)
    return state.path(state.called(named.identifier or "") or state.called(named.name))


def known(state: Known, recorded: Recorded, place: str) -> Known:
    """A person after one more fact, which stands at `place`."""
    fact = recorded.fact
    about: Sequence[UUID] = (fact.order, *getattr(fact, "replaces", ())) if hasattr(fact, "order") else ()
    if isinstance(fact, RightsTakenOver):
        about = fact.orders
    elif isinstance(fact, urgent.FACTS):
        about = (fact.urgent,)
    positions = {**state.positions, **{one: (*state.positions.get(one, ()), place) for one in about}}
    return Known(recorded.version, person.evolve(state.file, recorded.stream, fact), positions, state.started)


def settled(found: Known, orders_of: Callable[[str], Orders], now: datetime) -> Known:
    """The person with the starts of what waits for a manager (practice R12). orders_of: of a manager, as the log has them
    at `now`, the instant asked for. What began well before it, or did not, stays so: no order or stop counts from before it is
    said. What begins later is asked about again as it begins."""
    started, starts, until = dict(found.started), {}, NEVER
    for key in found.unsettled:
        one = found.file.orders.orders[key]
        begins = responsibility.start(one, orders_of, LOCAL)
        by_date = responsibility.by_date(one, LOCAL)
        if begins is not None and max(begins, by_date) <= now - SETTLES:
            started[key] = begins
            continue
        starts[key] = begins
        from_then = max(one.decided_at or by_date, by_date)
        if from_then > now:
            until = min(until, from_then)
        elif begins is not None or from_then > now - SETTLES:
            until = BEGINNING
    if (started, starts, until) == (found.started, found.starts, found.until):
        return found  # with what is remembered of it
    return replace(found, started=started, starts=starts, until=until)


def organised(state: Organised, recorded: Recorded, place: str) -> Organised:
    """The organisation after one more fact, which stands at `place`."""
    fact = recorded.fact
    positions, proposed = state.positions, state.proposed
    if isinstance(fact, CellsProposed):
        proposed = {**proposed, fact.change: place}
    if isinstance(fact, CellsConfirmed):
        positions = (*positions, (proposed[fact.change], place))
    return Organised(recorded.version, organisation.evolve(state.state, fact), positions, proposed)


def uuid_of(text: str | None) -> UUID | None:
    """The id that a text is; None for any other text."""
    try:
        return UUID(text) if text and len(text) == 36 else None
    except ValueError:
        return None
