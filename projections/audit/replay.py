"""All that acts rest on, folded as the log goes on: organisation, people, records, and what each decision saw."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any, get_args
from uuid import UUID

from domain.handlers import standing, tables
from domain.handlers.standing import Judged, Known, Organised
from domain.ledger.reader import Recorded
from domain.model import case_file as c
from domain.model import classification, document, facets, fonds, organisation, series, urgent
from domain.model import registry_entry as e
from domain.model import rights_change as r
from domain.model.access import Subject
from domain.model.matrix import Matrix
from domain.model.organisation import Organisation
from domain.model.person import PersonFile
from domain.model.record import Named, Screened, Unscreened
from domain.model.rights_change import Orders
from domain.model.user import UserNamed, UserRegistered

Fold = Callable[[Any, UUID, Any], Any]
# the first fact of a stream says which unit it is
FOLDS: dict[type, Fold] = {
    c.CaseFileCreated: c.evolve,
    e.EntryRegistered: e.evolve,
    document.DocumentCreated: document.evolve,
    series.SeriesCreated: series.evolve,
    fonds.FondsCreated: fonds.evolve,
    classification.SystemCreated: classification.evolve_system,
    classification.ClassCreated: classification.evolve,
}
ORGANISED = get_args(organisation.Fact)
OF_RIGHTS = get_args(r.Fact)
OF_PERSON = (UserRegistered, UserNamed, *OF_RIGHTS, *urgent.FACTS)


class Replay:
    """The state of a municipality after so many facts. digest: of a user name, as its claim holds it."""

    def __init__(self, digest: Callable[[str], str]) -> None:
        self._digest = digest
        self.organised = Organised(0, Organisation())
        self.people: dict[UUID, Known] = {}
        self.records: dict[UUID, Judged] = {}
        self.states: dict[UUID, tuple[Any, Fold]] = {}
        self.screened: dict[UUID, Screened] = {}
        self._called: dict[str, UUID] = {}
        self._matrices: dict[tuple[int, date], Matrix] = {}
        self._now = datetime.min.replace(tzinfo=UTC)

    def take(self, recorded: Recorded, place: str) -> None:
        """One fact more, which stands at `place`."""
        self._now = datetime.fromtimestamp(recorded.recorded_at_us / 1_000_000, UTC)
        fact, stream = recorded.fact, recorded.stream
        if isinstance(fact, ORGANISED):
            self.organised = standing.organised(self.organised, recorded, place)
        elif isinstance(fact, OF_PERSON):
            self.people[stream] = standing.known(self._known(str(stream)), recorded, place)
            for kind, key in getattr(fact, "claims", ()):
                del kind
                self._called.setdefault(str(key), stream)
        else:
            self._record(recorded, place)

    def _record(self, recorded: Recorded, place: str) -> None:
        fact, stream = recorded.fact, recorded.stream
        before = self.records.get(stream, Judged(0, None))
        seen = facets.evolve(before.facets, fact, recorded.envelope.actor, place)
        if seen is not None:
            self.records[stream] = Judged(recorded.version, seen, before.entry)
        if isinstance(fact, e.DocumentLinked):
            linked = self.records.get(fact.document, Judged(0, None))
            self.records[fact.document] = replace(linked, entry=stream)
        if isinstance(fact, Screened):
            self.screened[stream] = fact
        elif isinstance(fact, Unscreened):
            self.screened.pop(stream, None)
        state, fold = self.states.get(stream, (None, FOLDS.get(type(fact))))
        if fold is not None:
            self.states[stream] = fold(state, stream, fact), fold

    def person(self, one: str, at: datetime | None = None) -> Known:
        """A person as known so far. at: the instant of the act that asks, by default that of the last fact."""
        found = self._known(one)
        if found.unsettled:
            found = standing.settled(found, self.orders_of, at or self._now)
            if found.version:
                self.people[UUID(one)] = found
        return found

    def orders_of(self, one: str) -> Orders:
        """What was ordered for somebody so far."""
        return self._known(one).file.orders

    def _known(self, one: str) -> Known:
        try:
            stream = UUID(one)
        except ValueError:
            return Known(0, PersonFile(Orders(one)))
        return self.people.get(stream) or Known(0, PersonFile(Orders(one)))

    def matrix(self, day: date) -> Matrix:
        """The tables of a local day."""
        if not self.organised.state.cells:
            return tables.delivered()
        key = self.organised.version, day
        if key not in self._matrices:
            self._matrices = {key: tables.in_force(self.organised.state, self.organised.positions, day)}
        return self._matrices[key]

    def subject(self, record: UUID) -> Subject | None:
        """What was asked for, as it stood."""
        own = self.records.get(record)
        if own is None or own.facets is None:
            return None
        entry = self.records.get(own.entry) if own.entry is not None else None
        of_entry = entry.facets if entry is not None else None
        of_case = (of_entry or own.facets).case
        case = self.records.get(of_case) if of_case is not None else None
        found = facets.subject(own.facets, of_entry, case.facets if case is not None else None, self.units, self.who)
        return replace(found, file=record if own.facets.kind == facets.CASE else of_case)

    def units(self, named: Named | None) -> tuple[UUID, ...]:
        """The path of the unit that a record names."""
        return standing.units_of(self.organised, named)

    def who(self, named: Named | None) -> str | None:
        """The person whom a record names."""
        if named is None or not named.identifier:
            return None
        by_id = standing.uuid_of(named.identifier)
        if by_id is not None:
            return str(by_id)
        found = self._called.get(self._digest(named.identifier))
        return str(found) if found is not None else None
