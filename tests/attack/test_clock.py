"""Clocks that jump, the application's, the database's or both, by 3 s to 10 years: refused or reported, never stamped."""

from __future__ import annotations

import os
import random
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from api import health
from api.installation import Installation, Tenant
from domain import chain
from domain.catalogue import Envelope
from domain.ledger import clock as clocks
from domain.ledger.batch import Batch, Found, Head
from domain.ledger.clock import SKEW_LIMIT, SystemClock, microseconds, stamp
from domain.ledger.faults import ClockFault, StaleSubmission
from domain.ledger.submission import submit
from tests.fixtures_ledger import DOMAIN, LedgerTenant
from tests.ledger.appending import check_chain, events, titled, wait_until, write

SEED = int(os.environ.get("DAGBOK_SEED", "20260301"))
YEARS_10 = 10 * 365.25 * 24 * 3600
STEPS = 12
Property = Callable[[str, object], None]


def jump(dice: random.Random) -> float:
    """Seconds, of either sign, each order of magnitude as likely as another."""
    return dice.choice((-1, 1)) * 3.0 * (YEARS_10 / 3.0) ** dice.random()


class World:
    """The true time, and a machine's clocks: stands in for the module `time` in the clock port.

    blips: how many more readings of the wall clock go wrong before it is right again; shared: the database's with them.
    """

    CLOCK_BOOTTIME = 7

    def __init__(self, true: float) -> None:
        self.true = true
        self.application = self.database = 0.0
        self.blip, self.blips, self.shared = 0.0, 0, False

    def time(self) -> float:
        if self.blips:
            self.blips -= 1
            return self.true + self.application + self.blip
        return self.true + self.application

    def clock_gettime(self, which: int) -> float:
        assert which == self.CLOCK_BOOTTIME
        return self.true - 1_000.0

    def reading(self) -> datetime:
        by = self.blip if self.blips and self.shared else self.database
        return datetime.fromtimestamp(self.true + by, UTC)

    @property
    def right(self) -> bool:
        return self.application == self.database == 0.0 and not self.blips


class Course:
    """One schedule of jumps against the pure part of the writer: clock port, stamp, batch."""

    def __init__(self, dice: random.Random, world: World) -> None:
        self.dice, self.world, self.clock = dice, world, SystemClock()
        self.head_us = int(world.true * 1_000_000)
        self.counts: Counter[str] = Counter()

    def step(self) -> None:
        """Time passes, a clock may jump or come back, and a command is decided and written."""
        dice, world = self.dice, self.world
        world.true += dice.choice((0.001, 0.5, 20.0, 7_000.0))
        change = dice.choice(("none", "application", "database", "both", "back", "blip", "blip"))
        if change == "back":
            world.application = world.database = 0.0
        elif change == "blip":
            world.blip, world.blips, world.shared = jump(dice), dice.randrange(1, 6), dice.random() < 0.5
        elif change != "none":
            by = jump(dice)
            world.application = by if change != "database" else world.application
            world.database = by if change != "application" else world.database
        self.counts[change] += 1
        self.write()

    def write(self) -> None:
        world = self.world
        at = self.clock.now()
        untroubled = world.right
        try:
            now, recorded_at_us = stamp(self.clock, [world.reading()], self.head_us)
        except ClockFault:
            self.counts["refused"] += 1
            assert not untroubled, "refused while every clock was right"
            return
        submission = submit([titled(uuid.uuid4())], Envelope(cmd="x", n=1, m=1, actor="a"), _new(), at)
        head = Head(0, chain.genesis("x"), chain.Frontier.empty(), self.head_us)
        batch = Batch("x", head, Found({}, {}, {}), now, recorded_at_us, True)
        batch.take(submission, [], uuid.uuid4(), 0)
        if batch.written.refused:
            assert isinstance(batch.written.refused[0][1], StaleSubmission)
            self.counts["decided anew"] += 1
            return
        self.counts["stamped"] += 1
        true_us = int(world.true * 1_000_000)
        limit_us = int(SKEW_LIMIT.total_seconds() * 1_000_000)
        assert abs(recorded_at_us - true_us) <= limit_us, "a wrong time was stamped"
        assert -limit_us - 5_000_000 <= microseconds(submission.at) - true_us <= limit_us * 2, "a wrong time of the act was kept"
        assert recorded_at_us >= self.head_us
        self.head_us = recorded_at_us


class _new(dict[uuid.UUID, int]):
    """Every stream is new."""

    def __missing__(self, key: uuid.UUID) -> int:
        return self.setdefault(key, 0)


def run_courses(monkeypatch: pytest.MonkeyPatch, schedules: int) -> Counter[str]:
    dice, counts = random.Random(SEED), Counter[str]()
    assert schedules
    for _ in range(schedules):
        world = World(1_800_000_000.0 + dice.random() * 1e8)
        monkeypatch.setattr(clocks, "time", world)
        course = Course(dice, world)
        for _ in range(STEPS):
            course.step()
        world.application = world.database = 0.0
        world.blips = 0
        course.write()  # recovers: refusing here would fail
        counts.update(course.counts)
    return counts


@pytest.mark.parametrize("schedules", [300, pytest.param(5_000, marks=pytest.mark.deep)])
def test_no_wrong_time_is_stamped(monkeypatch: pytest.MonkeyPatch, schedules: int, record_property: Property) -> None:
    began = time.monotonic()
    counts = run_courses(monkeypatch, schedules)
    said = {"seed": SEED, "schedules": schedules, "seconds": round(time.monotonic() - began, 1), **counts}
    print(said)
    for name, value in said.items():
        record_property(name, value)
    assert min(counts["refused"], counts["stamped"], counts["decided anew"], counts["both"]) > 0


@pytest.mark.parametrize("blind", ["monotonic", "reading", "database"])
def test_a_check_left_out_is_seen(monkeypatch: pytest.MonkeyPatch, blind: str) -> None:
    real = SystemClock.steady
    if blind == "monotonic":
        monkeypatch.setattr(SystemClock, "steady", lambda clock, reading=None: True)
    elif blind == "reading":
        monkeypatch.setattr(SystemClock, "steady", lambda clock, reading=None: real(clock))
    else:
        monkeypatch.setattr(SystemClock, "database", lambda clock, reading: clock.now())
        monkeypatch.setattr(SystemClock, "steady", lambda clock, reading=None: True)
    with pytest.raises(AssertionError):
        run_courses(monkeypatch, 300)


class Machine:
    """A real ledger whose application clock and database clock are moved by hand; what was written when, in true time."""

    def __init__(self, tenant: LedgerTenant, opened: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
        self.tenant, self.opened, self.application = tenant, opened, 0.0
        self.true = time.time
        self.written: list[tuple[int, float, float]] = []
        shifted = type("Shifted", (), {"__getattr__": lambda _, name: getattr(time, name), "time": lambda _: self.wall()})
        monkeypatch.setattr(clocks, "time", shifted())

    def wall(self) -> float:
        return self.true() + self.application

    def move(self, application: float, database: float) -> None:
        self.application = application
        with self.tenant.owner() as connection:
            connection.execute(
                f"create or replace function {self.tenant.tenant}.ledger_now() returns timestamptz language sql volatile"
                f" as 'select clock_timestamp() + interval ''{database} s'''"
            )

    def try_to_write(self) -> bool:
        began = self.true()
        try:
            appended = write(self.opened.ledger, titled(uuid.uuid4()), at=self.opened.ledger.clock.now())
        except (ClockFault, StaleSubmission):
            return False
        self.written.append((appended.receipt.position, began, self.true()))
        return True

    def check(self) -> None:
        """Every time that was stamped is the true one, and none goes back."""
        rows = {row[0]: row[4] for row in events(self.tenant)}
        for position, began, ended in self.written:
            assert began - 2 <= rows[position] / 1_000_000 <= ended + 2, "a wrong time was stamped"
        assert list(rows.values()) == sorted(rows.values())
        with self.tenant.owner() as connection:
            check_chain(connection, self.tenant.tenant, f"{DOMAIN}/record/1")


@pytest.fixture
def machine(ledger_tenant: LedgerTenant, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    monkeypatch.setattr("domain.ledger.writer.TRY_EVERY_S", 0.05)
    with Installation(ledger_tenant.settings()) as installation:
        one = Machine(ledger_tenant, installation.open(), monkeypatch)
        assert one.try_to_write()
        yield one


@pytest.mark.parametrize("schedules", [6, pytest.param(60, marks=pytest.mark.deep)])
def test_a_ledger_stands_still_while_clocks_are_wrong(machine: Machine, schedules: int, record_property: Property) -> None:
    dice, counts, began = random.Random(SEED), Counter[str](), time.monotonic()
    for _ in range(schedules):
        which, by = dice.choice(("application", "database", "both")), jump(dice)
        machine.move(by if which != "database" else 0.0, by if which != "application" else 0.0)
        for _ in range(2):  # the short way, then the long one
            assert not machine.try_to_write(), (which, by)
        assert health.faults(machine.opened), "ready, with a clock that is wrong"
        counts[which] += 1
        machine.move(0.0, 0.0)
        wait_until(lambda: not health.faults(machine.opened))  # by itself: nobody writes to a place that is not ready
        assert machine.try_to_write()
    machine.check()
    said = {"seed": SEED, "schedules": schedules, "seconds": round(time.monotonic() - began, 1), **counts}
    print(said)
    for name, value in said.items():
        record_property(name, value)
    assert len(counts) == 3 or schedules < 10


def test_a_wrong_time_in_the_log_would_be_seen(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SystemClock, "steady", lambda clock, reading=None: True)
    machine.move(3_600.0, 3_600.0)
    assert machine.try_to_write()
    with pytest.raises(AssertionError, match="a wrong time"):
        machine.check()


def test_a_time_server_that_slews_is_followed_and_steps_do_not_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(1_800_000_000.0)
    monkeypatch.setattr(clocks, "time", world)
    clock = SystemClock()
    for _ in range(10_000):
        world.true += 60
        world.application += 0.02
        assert clock.steady(clock.now())
    for _ in range(100):  # the same way in one second is no slewing
        world.true += 0.01
        world.application += 0.04
    assert not clock.steady(clock.now())
    world.application -= 4.0
    assert clock.steady(clock.now())
    assert stamp(clock, [clock.now()], microseconds(clock.now() + timedelta(seconds=1)))[1] > microseconds(clock.now())
