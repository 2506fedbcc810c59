"""A record as it stood at any instant, and who could read it then and why: in two times, what was true and what was known.

Facts count that had taken effect by `true_at` and had been recorded by `known_at`. Rights, tables and facets are folded by the
same functions as the gate's, so the answer is the one that the gate gave, or would have given.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from domain.handlers import gate, standing, tables
from domain.handlers.standing import Judged, Known, Organised, Standing
from domain.ledger.clock import LOCAL
from domain.ledger.ledger import Ledger
from domain.ledger.reader import Recorded
from domain.model import facets
from domain.model import person as people
from domain.model.access import Allowed, Answer, Denied, Moment, Subject, may
from domain.model.organisation import Organisation
from domain.model.person import PersonFile
from domain.model.rights_change import Orders
from projections import view
from projections.view import View

READ = {facets.CASE: "case-file.read", facets.ENTRY: "registry-entry.read", facets.DOCUMENT: "document.read"}


class Told(NamedTuple):
    """What somebody could see of a record. answer: reason and positions; seen: the record as it stood, None where denied."""

    person: str
    answer: Answer
    seen: View | None


@dataclass
class AsOf:
    """A municipality at one instant (`true_at`), as it was known at another (`known_at`). Both with time zone."""

    ledger: Ledger
    true_at: datetime
    known_at: datetime
    _streams: dict[UUID, list[Recorded]] = field(default_factory=dict)
    _organised: Organised | None = None

    def counts(self, one: Recorded) -> bool:
        """Whether a fact had taken effect and was known."""
        return _instant(one) <= self.true_at and one.recorded_at_us <= round(self.known_at.timestamp() * 1_000_000)

    def stream(self, stream: UUID) -> list[Recorded]:
        """The facts of a stream that count."""
        if stream not in self._streams:
            self._streams[stream] = [one for one in self.ledger.reader.stream(stream) if self.counts(one)]
        return self._streams[stream]

    def organised(self) -> Organised:
        """The organisation."""
        if self._organised is None:
            found = Organised(0, Organisation())
            for one in self.stream(self._standing.stream):
                found = standing.organised(found, one, self._standing.place(one))
            self._organised = found
        return self._organised

    def person(self, one: str) -> Known:
        """A person with all that was ordered by then."""
        stream = standing.uuid_of(one)
        found = Known(0, PersonFile(Orders(one)))
        for recorded in self.stream(stream) if stream is not None else ():
            found = standing.known(found, recorded, self._standing.place(recorded))
        return standing.settled(found, self._orders_of, self.true_at) if found.unsettled else found

    def _orders_of(self, manager: str) -> Orders:
        stream, state = standing.uuid_of(manager), PersonFile(Orders(manager))
        for recorded in self.stream(stream) if stream is not None else ():
            state = people.evolve(state, recorded.stream, recorded.fact)
        return state.orders

    def view(self, record: UUID) -> View | None:
        """The record as it stood; None where it did not exist."""
        return view.fold(self.stream(record))

    def seen(self, person: str, record: UUID) -> Told:
        """What the person could read of the record, and why, or why not."""
        answer = self.answer(person, record)
        allowed = isinstance(answer, Allowed) and not answer.ids_only
        return Told(person, answer, self.view(record) if allowed else None)

    def answer(self, person: str, record: UUID) -> Answer:
        """The gate's answer to reading it."""
        subject = self.subject(record)
        if subject is None:
            return Denied("no-cell")
        if self.organised().state.opened is None:
            return Allowed("open")
        own = self._judged(record).facets
        assert own is not None
        moment = Moment(self.true_at, self.true_at.astimezone(LOCAL).date())
        matrix = tables.in_force(self.organised().state, self.organised().positions, moment.day)
        about = self.person(person).person
        return may(gate.profile(about, gate.Actor(person), moment), READ[own.kind], subject, moment, matrix)

    def readers(self, record: UUID) -> Iterator[Told]:
        """Everybody who was known then, each with the answer and what it rests on."""
        for person in sorted(self.people()):
            yield Told(person, self.answer(person, record), None)

    def readable(self, person: str, records: Iterable[UUID]) -> Iterator[tuple[UUID, Answer]]:
        """The reverse: of these records, the answer for each."""
        for record in records:
            yield record, self.answer(person, record)

    def people(self) -> set[str]:
        """Everybody who had been made known."""
        found = self.ledger.reader.of_topics(("user.registered.v1",))
        return {str(one.stream) for one in found if self.counts(one)}

    def subject(self, record: UUID) -> Subject | None:
        """What was asked for, as it stood."""
        own = self._judged(record)
        if own.facets is None:
            return None
        entry = self._judged(own.entry).facets if own.entry is not None else None
        of_case = (entry or own.facets).case
        case = self._judged(of_case).facets if of_case is not None else None
        found = facets.subject(
            own.facets, entry, case, lambda named: standing.units_of(self.organised(), named), self._standing.who
        )
        return replace(found, file=record if own.facets.kind == facets.CASE else of_case)

    def _judged(self, record: UUID) -> Judged:
        found = Judged(0, None)
        for one in self.stream(record):
            seen = facets.evolve(found.facets, one.fact, one.envelope.actor, self._standing.place(one))
            entry = self._standing.entry_of(one) if seen is not None and seen.kind == facets.DOCUMENT else None
            found = Judged(one.version, seen, found.entry or entry)
        return found

    @property
    def _standing(self) -> Standing:
        return standing.of(self.ledger)


def _instant(one: Recorded) -> datetime:
    at: Any = one.envelope.at
    return datetime.fromisoformat(at) if at else datetime.fromtimestamp(one.recorded_at_us / 1_000_000, UTC)
