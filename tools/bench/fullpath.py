"""The whole way of a command: load, gate, decide, number, append. Against the same handlers over the library's recorder."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from eventsourcing.persistence import ApplicationRecorder, IntegrityError, StoredEvent

from domain import catalogue
from domain.handlers import case_files, registry_entries
from domain.handlers.gate import Actor
from domain.handlers.metadata import Metadata
from domain.handlers.registry_entries import Party
from domain.handlers.work import Context, run
from domain.ledger.faults import VersionConflict
from domain.ledger.identity import new_id
from domain.ledger.ledger import Ledger
from domain.ledger.library import join, split
from domain.ledger.reader import Recorded
from domain.ledger.submission import Appended, Receipt, Submission, envelope_for, versions_of
from domain.model.case_file import CreateCaseFile
from domain.model.ids import Number
from domain.model.record import ContactBody
from domain.model.registering import RegisterEntry
from tools.bench.measure import Result, compare, rate
from tools.bench.place import Place

CONTEXT = Context(Actor("bench", "Bench"))
COMMANDS = 6_000
STOCK_COMMANDS = 1_000
THREADS = 64
FLOOR, FLOOR_NUMBERS, FLOOR_HOT = 3.0, 0.5, 0.3


def measure(place: Place, events: int) -> Sequence[Result]:
    """64 writers register entries, each in a case of its own; with and without numbers; with one hot case among them."""
    commands = min(COMMANDS, max(events // 10, 200))
    return [
        compare(
            "full path, 64 writers, against the same handlers over the stock recorder",
            lambda: _ours(place, commands, "J"),
            lambda: _theirs(place, min(commands, STOCK_COMMANDS), "J"),
            "commands/s",
            FLOOR,
        ),
        compare(
            "full path, 64 writers, with journal numbers against without",
            lambda: _ours(place, commands, "J"),
            lambda: _ours(place, commands, "R"),
            "commands/s",
            FLOOR_NUMBERS,
        ),
        compare(
            "full path, 60 writers on cases of their own, while 4 share one hot case against no hot case",
            lambda: _hot(place, commands, hot=True),
            lambda: _hot(place, commands, hot=False),
            "commands/s",
            FLOOR_HOT,
        ),
    ]


def _case(ledger: Ledger) -> UUID:
    unit = new_id()
    command = case_files.CreateCase(unit, Metadata(title="Bench"), CreateCaseFile(date(2026, 1, 1)))
    return run(ledger, CONTEXT, (), lambda work: case_files.create(work, command)).result


def _entry(ledger: Ledger, case: UUID, status: str) -> None:
    details = RegisterEntry(date(2026, 1, 1), status, entry_type="I", case=case)
    command = registry_entries.Register(new_id(), Metadata(title="Entry"), details, (Party("EA", ContactBody("Sender")),))
    run(ledger, CONTEXT, (case,), lambda work: registry_entries.register(work, command))


def register(ledger: Ledger, commands: int, status: str) -> float:
    """Commands a second of 64 writers, each with a case of its own."""
    cases = [_case(ledger) for _ in range(THREADS)]
    for case in cases:
        _entry(ledger, case, status)
    return rate(lambda number: _entry(ledger, cases[number % THREADS], status), commands, THREADS)


def _ours(place: Place, commands: int, status: str) -> float:
    with place.passing() as tenant:
        return register(tenant.ledger, commands, status)


def _theirs(place: Place, commands: int, status: str) -> float:
    with place.stock() as recorder:
        return register(_stock(place, recorder), commands, status)


def _hot(place: Place, commands: int, hot: bool) -> float:
    """The rate of 60 writers, each on its own case, while 4 more write to one case, or to cases of their own."""
    with place.passing() as tenant:
        return _beside(tenant.ledger, commands, hot)


def _beside(ledger: Ledger, commands: int, hot: bool) -> float:
    cases = [_case(ledger) for _ in range(THREADS)]
    done = threading.Event()

    def busy(mine: UUID) -> None:
        while not done.is_set():
            _entry(ledger, mine, "J")

    others = [threading.Thread(target=busy, args=(cases[60] if hot else cases[60 + one],)) for one in range(4)]
    for other in others:
        other.start()
    try:
        return rate(lambda number: _entry(ledger, cases[number % 60], "J"), commands, 60)
    finally:
        done.set()
        for other in others:
            other.join()


class StockWriter:
    """The library's recorder behind the same `append`: numbers from a lock in this process, the cheapest it could have."""

    chain_id = "stock"

    def __init__(self, recorder: ApplicationRecorder) -> None:
        self._recorder = recorder
        self._lock = threading.Lock()
        self._counters: dict[str, int] = {}

    def append(self, submission: Submission) -> Appended:
        """Fill numbers, encode, insert. VersionConflict where the library says so."""
        with self._lock:
            given = {number: self._counters.get(number.series, 0) + 1 + number.ordinal for number in submission.numbers}
            self._counters.update({number.series: value for number, value in given.items()})
        facts = tuple((stream, _filled(fact, given)) for stream, fact in submission.facts)
        events = []
        versions = versions_of(facts, submission.expect)
        for n, ((stream, fact), version) in enumerate(zip(facts, versions, strict=True), 1):
            parts = catalogue.encode(fact, envelope_for(submission.envelope, n, len(facts)))
            events.append(StoredEvent(stream, version, catalogue.TOPICS[type(fact)], join(*parts)))
        try:
            ids = self._recorder.insert_events(events)
        except IntegrityError as problem:
            raise VersionConflict(facts[0][0], 0, 0) from problem
        position = int((ids or [0])[-1])
        return Appended(Receipt("stock", position, b"", b""), facts, position, 0)

    def close(self) -> None:
        """Nothing to stop."""


class StockReader:
    """Streams of the library's recorder, decoded as ours are."""

    def __init__(self, recorder: ApplicationRecorder) -> None:
        self._recorder = recorder

    def stream(self, stream: UUID, after_version: int = 0) -> list[Recorded]:
        """The facts of a unit."""
        found = []
        for event in self._recorder.select_events(stream, gt=after_version or None):
            envelope, fact = catalogue.decode(event.topic, *split(event.state))
            found.append(Recorded("stock", 0, 0, stream, event.originator_version, event.topic, envelope, fact))
        return found

    def claim(self, kind: str, key: str) -> UUID | None:
        """The library has no claims."""
        del kind, key
        return None

    def close(self) -> None:
        """Nothing to give back."""


def _filled(fact: Any, given: dict[Number, int]) -> Any:
    return catalogue.fill_numbers(fact, given) if catalogue.numbers_in(fact) else fact


def _stock(place: Place, recorder: ApplicationRecorder) -> Ledger:
    ours = place.installation
    return Ledger(
        "stock",
        StockWriter(recorder),  # type: ignore[arg-type]
        StockReader(recorder),  # type: ignore[arg-type]
        ours.clock,
        ours.keys,
        None,  # type: ignore[arg-type]
    )
