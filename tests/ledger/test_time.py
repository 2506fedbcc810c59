"""Time: never invented, never backwards, and nothing is stamped while the clocks disagree (CONTRACT §2)."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from domain.handlers import case_files
from domain.handlers.metadata import Metadata
from domain.handlers.work import Work, run
from domain.ledger import clock as clocks
from domain.ledger.clock import SetClock, SystemClock
from domain.ledger.faults import Busy, ClockFault, StaleSubmission
from domain.model.case_file import CreateCaseFile
from tests.fixtures_ledger import CONTEXT, LedgerTenant
from tests.ledger.appending import DAY, events, titled, write

NOON = datetime(2126, 3, 4, 12, tzinfo=UTC)


def microseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1_000_000)


def move_database_clock(tenant: LedgerTenant, by_s: float) -> None:
    with tenant.owner() as connection:
        connection.execute(
            f"create or replace function {tenant.tenant}.ledger_now() returns timestamptz language sql volatile"
            f" as 'select clock_timestamp() + interval ''{by_s} s'''"
        )


class Halting(SetClock):
    """A clock that jumps by so many seconds at chosen readings."""

    def __init__(self, start: datetime, jumps: dict[int, float]) -> None:
        super().__init__(start, running=False)
        self.jumps = jumps
        self.readings = 0

    def now(self) -> datetime:
        self.readings += 1
        return self.move_to(super().now() + timedelta(seconds=self.jumps.get(self.readings, 0.0)))

    def database(self, reading: datetime) -> datetime:
        del reading
        return super().now()


@pytest.mark.parametrize("by_s", [-2.5, 2.5])
def test_nothing_is_written_while_application_and_database_disagree(ledger_tenant: LedgerTenant, by_s: float) -> None:
    ledger = ledger_tenant.ledger
    write(ledger, titled(uuid.uuid4()))
    before = len(events(ledger_tenant))
    move_database_clock(ledger_tenant, by_s)
    for _ in range(2):
        with pytest.raises(ClockFault):
            write(ledger, titled(uuid.uuid4()))
    assert isinstance(ledger.writer.fault, ClockFault)
    with pytest.raises(ClockFault):
        write(ledger_tenant.open_ledger(), titled(uuid.uuid4()))
    assert len(events(ledger_tenant)) == before
    move_database_clock(ledger_tenant, 0)
    write(ledger, titled(uuid.uuid4()))
    assert ledger.writer.fault is None


@pytest.mark.parametrize("by_s", [-1.5, 1.5])
def test_a_small_difference_is_borne(ledger_tenant: LedgerTenant, by_s: float) -> None:
    ledger = ledger_tenant.ledger
    move_database_clock(ledger_tenant, by_s)
    for _ in range(2):
        before = microseconds(ledger.clock.now())
        recorded_at_us = write(ledger, titled(uuid.uuid4())).recorded_at_us
        assert before <= recorded_at_us <= microseconds(ledger.clock.now())  # the application's time, whatever the database's


def test_a_head_a_little_ahead_lends_its_time(ledger_tenant: LedgerTenant) -> None:
    ahead = ledger_tenant.open_ledger(SetClock(NOON, running=False))
    behind = ledger_tenant.open_ledger(SetClock(NOON - timedelta(seconds=2), running=False))
    write(ahead, titled(uuid.uuid4()))
    for _ in range(2):
        assert write(behind, titled(uuid.uuid4())).recorded_at_us == microseconds(NOON)


def test_a_head_further_ahead_stops_writing(ledger_tenant: LedgerTenant) -> None:
    write(ledger_tenant.open_ledger(SetClock(NOON, running=False)), titled(uuid.uuid4()))
    behind = SetClock(NOON - timedelta(seconds=2, microseconds=1), running=False)
    ledger = ledger_tenant.open_ledger(behind)
    for _ in range(2):
        with pytest.raises(ClockFault):
            write(ledger, titled(uuid.uuid4()))
    behind.move_to(NOON)
    write(ledger, titled(uuid.uuid4()))
    behind.move_to(NOON + timedelta(days=400))
    write(ledger, titled(uuid.uuid4()))


def test_a_clock_that_falls_back_while_we_write_is_found_on_the_short_way_too(ledger_tenant: LedgerTenant) -> None:
    clock = SetClock(NOON, running=False)
    ledger = ledger_tenant.open_ledger(clock)
    write(ledger, titled(uuid.uuid4()))
    clock._set = NOON - timedelta(seconds=3)
    with pytest.raises(ClockFault):
        write(ledger, titled(uuid.uuid4()))


def test_an_old_decision_is_not_written(ledger_tenant: LedgerTenant) -> None:
    ledger = ledger_tenant.open_ledger(SetClock(NOON, running=False))
    write(ledger, titled(uuid.uuid4()), at=NOON - timedelta(seconds=5))
    for _ in range(2):
        with pytest.raises(StaleSubmission):
            write(ledger, titled(uuid.uuid4()), at=NOON - timedelta(seconds=5, microseconds=1))
    write(ledger, titled(uuid.uuid4()))


def create(seen: list[datetime], work: Work) -> uuid.UUID:
    seen.append(work.at)
    return case_files.create(work, case_files.CreateCase(uuid.uuid4(), Metadata(title="Sak"), CreateCaseFile(DAY)))


def test_a_stale_command_is_decided_anew_once(ledger_tenant: LedgerTenant) -> None:
    clock = Halting(NOON, {2: 6.0})  # reading 1: the handler's `at`; 2: the writer's
    seen: list[datetime] = []
    run(ledger_tenant.open_ledger(clock), CONTEXT, (), lambda work: create(seen, work))
    assert len(seen) == 2
    at = {recorded[5] for recorded in events(ledger_tenant) if recorded[3] == "case-file.created.v1"}
    assert len(at) == 1
    assert b'"at":"2126-03-04T12:00:06.000000Z"' in at.pop()


def test_a_command_that_is_stale_twice_is_told_to_come_again(ledger_tenant: LedgerTenant) -> None:
    clock = Halting(NOON, dict.fromkeys(range(2, 20), 6.0))
    seen: list[datetime] = []
    with pytest.raises(Busy) as busy:
        run(ledger_tenant.open_ledger(clock), CONTEXT, (), lambda work: create(seen, work))
    assert len(seen) == 2
    assert busy.value.retry_after_s > 0
    assert not [recorded for recorded in events(ledger_tenant) if recorded[3] == "case-file.created.v1"]


def test_a_jump_of_the_wall_clock_is_seen(monkeypatch: pytest.MonkeyPatch, ledger_tenant: LedgerTenant) -> None:
    clock = SystemClock()
    assert clock.steady()
    ledger = ledger_tenant.open_ledger(clock)
    write(ledger, titled(uuid.uuid4()))
    real = clocks.time.time
    monkeypatch.setattr(clocks.time, "time", lambda: real() + 2.5)
    assert not clock.steady()
    with pytest.raises(ClockFault):
        write(ledger, titled(uuid.uuid4()))
    monkeypatch.setattr(clocks.time, "time", lambda: real() + 1.5)
    assert clock.steady()


def test_a_demo_clock_moves_forward_only() -> None:
    clock = SetClock(NOON)
    with pytest.raises(ValueError, match="forward"):
        clock.move_to(NOON - timedelta(seconds=1))
    assert clock.move_to(NOON + timedelta(days=1)) <= clock.now()
