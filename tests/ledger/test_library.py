"""The event library's own recorder tests on our recorder, and what it refuses. Deviations: docs/adr/0014."""

from __future__ import annotations

import sys
import threading
import uuid
from collections.abc import Sequence
from typing import Any

import eventsourcing.cryptography
import pytest
from eventsourcing.persistence import ApplicationRecorder, DataError, IntegrityError, Notification, StoredEvent, Subscription

from domain import catalogue
from domain.ledger.library import LedgerRecorder, PollingSubscription, join, split
from domain.model import record
from tests.fixtures_ledger import LedgerTenant, new_case

# The library's test module imports its cipher over pycryptodome, which nothing here uses; its twin over `cryptography` is locked.
sys.modules.setdefault("eventsourcing.cipher", eventsourcing.cryptography)
from eventsourcing.tests.persistence import ApplicationRecorderTestCase  # noqa: E402

META = b'{"e":{"cmd":"c","n":1,"m":1,"actor":"a"},"f":{}}'
TOPICS = ("topic", "topic1", "topic2", "topic3")


class Adapted(ApplicationRecorder):
    """What the library's tests take for granted, and we do not give: any state, versions from 0, ids from 1, empty at first.

    state -> body beside a constant meta; version n -> n + 1; position -> position less the chain's first facts.
    """

    def __init__(self, recorder: LedgerRecorder, first_facts: int) -> None:
        self.recorder = recorder
        self.first_facts = first_facts

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> Sequence[int]:
        ours = [
            StoredEvent(one.originator_id, one.originator_version + 1, one.topic, join(META, one.state)) for one in stored_events
        ]
        return [position - self.first_facts for position in self.recorder.insert_events(ours)]

    def select_events(
        self, originator_id: Any, *, gt: Any = None, lte: Any = None, desc: bool = False, limit: Any = None
    ) -> Sequence[StoredEvent]:
        above, upto = None if gt is None else gt + 1, None if lte is None else lte + 1
        found = self.recorder.select_events(originator_id, gt=above, lte=upto, desc=desc, limit=limit)
        return [StoredEvent(one.originator_id, one.originator_version - 1, one.topic, split(one.state)[1]) for one in found]

    def select_notifications(
        self, start: Any, limit: int, stop: Any = None, topics: Sequence[str] = (), *, inclusive_of_start: bool = True
    ) -> Sequence[Notification]:
        first = self.first_facts + (1 if start is None else start)
        last = None if stop is None else self.first_facts + stop
        inclusive = inclusive_of_start or start is None
        found = self.recorder.select_notifications(first, limit, last, topics, inclusive_of_start=inclusive)
        return [self._notification(one) for one in found]

    def _notification(self, one: Notification) -> Notification:
        version, position = one.originator_version - 1, one.id - self.first_facts
        return Notification(one.originator_id, version, one.topic, split(one.state)[1], id=position)

    def max_notification_id(self) -> int | None:
        return ((self.recorder.max_notification_id() or 0) - self.first_facts) or None

    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> Subscription[ApplicationRecorder]:
        return PollingSubscription(self, gt, topics)


@pytest.fixture
def recorder(ledger_tenant: LedgerTenant) -> LedgerRecorder:
    ledger = ledger_tenant.ledger
    return LedgerRecorder(ledger.writer, ledger.reader, ledger.clock)


def stored(stream: uuid.UUID, version: int, topic: str = "test.happened.v1", body: bytes = b"{}") -> StoredEvent:
    return StoredEvent(stream, version, topic, join(META, body))


class TestLibraryCases(ApplicationRecorderTestCase[Adapted]):
    """The library's cases, none left out, the optional one for subscriptions included."""

    INITIAL_VERSION = 0

    @pytest.fixture(autouse=True)
    def _recorder(self, recorder: LedgerRecorder) -> None:
        self.recorder = recorder

    def create_recorder(self) -> Adapted:
        # each name is introduced before its first use, in the chain: here before the library begins to count
        first = [stored(uuid.uuid4(), 1, topic) for topic in TOPICS]
        return Adapted(self.recorder, self.recorder.insert_events(first)[-1])

    def test_insert_subscribe(self) -> None:
        self.optional_test_insert_subscribe()


def test_positions_are_the_chains_own_and_introductions_stand_between(recorder: LedgerRecorder) -> None:
    stream = uuid.uuid4()
    assert list(recorder.insert_events([stored(stream, 1), stored(stream, 2)])) == [3, 4]
    found = recorder.select_notifications(None, 10)
    assert [one.topic for one in found] == [
        "ledger.chain-opened.v1",
        "ledger.fact-type-introduced.v1",
        "test.happened.v1",
        "test.happened.v1",
    ]
    assert recorder.max_notification_id() == 4


def test_several_streams_go_in_together_or_not_at_all(recorder: LedgerRecorder) -> None:
    one, two = uuid.uuid4(), uuid.uuid4()
    recorder.insert_events([stored(one, 1), stored(two, 1), stored(one, 2)])
    with pytest.raises(IntegrityError):
        recorder.insert_events([stored(two, 2), stored(one, 2)])
    assert [event.originator_version for event in recorder.select_events(two)] == [1]
    recorder.insert_events([stored(two, 2), stored(one, 3)])
    assert [event.originator_version for event in recorder.select_events(one, gt=1, desc=True)] == [3, 2]
    assert [event.originator_version for event in recorder.select_events(one, lte=2, limit=1)] == [1]


@pytest.mark.parametrize("versions", [[2], [0], [-1], [1, 3], [1, 1], [2, 1]])
def test_versions_run_from_one_without_a_gap(recorder: LedgerRecorder, versions: list[int]) -> None:
    stream = uuid.uuid4()
    with pytest.raises(IntegrityError):
        recorder.insert_events([stored(stream, version) for version in versions])
    assert recorder.select_events(stream) == []


@pytest.mark.parametrize("state", [b"", b"\x00\x00\x00", b"state1", b"\x00\x00\x00\x05abcd", join(b"{}", b""), join(b"x", b"")])
def test_a_state_without_an_envelope_is_refused(recorder: LedgerRecorder, state: bytes) -> None:
    with pytest.raises(DataError):
        recorder.insert_events([StoredEvent(uuid.uuid4(), 1, "test.happened.v1", state)])


def test_an_id_is_a_uuid_and_an_insert_holds_at_most_1000(recorder: LedgerRecorder) -> None:
    with pytest.raises(DataError):
        recorder.insert_events([StoredEvent("case-1", 1, "test.happened.v1", join(META, b""))])
    stream = uuid.uuid4()
    with pytest.raises(DataError):
        recorder.insert_events([stored(stream, version) for version in range(1, 1_002)])
    assert len(recorder.insert_events([stored(stream, version) for version in range(1, 1_001)])) == 1_000
    assert recorder.insert_events([]) == []


def test_facts_of_ours_read_through_the_interface_as_they_stand(recorder: LedgerRecorder, ledger_tenant: LedgerTenant) -> None:
    case = new_case(ledger_tenant.ledger, "Naust")
    created, titled = recorder.select_events(case)
    assert catalogue.decode(titled.topic, *split(titled.state))[1] == record.titled("Naust")
    assert split(created.state)[1] == b""


def test_a_subscription_waits_for_what_is_not_yet_written(recorder: LedgerRecorder) -> None:
    stream, seen = uuid.uuid4(), []
    with recorder.subscribe(gt=recorder.max_notification_id(), topics=["test.happened.v1"]) as subscription:

        def read() -> None:
            for notification in subscription:
                seen.append(notification.originator_version)
                if len(seen) == 3:
                    subscription.stop()

        reader = threading.Thread(target=read)
        reader.start()
        for version in (1, 2, 3):
            recorder.insert_events([stored(stream, version)])
        reader.join(10)
        assert not reader.is_alive()
    assert seen == [1, 2, 3]
