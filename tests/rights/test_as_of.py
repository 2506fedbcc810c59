"""What a record was on any instant, and who could read it then: the same as a replay of the log stopped at that event."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from domain.handlers import gate, standing
from domain.handlers.gate import Actor
from domain.ledger.clock import LOCAL
from domain.ledger.reader import Recorded
from domain.model.access import Allowed, Answer, Denied, Moment, may
from projections import view
from projections.as_of import READ, AsOf
from projections.audit.replay import Replay
from projections.history import instant
from tests.fixtures_ledger import LedgerTenant
from tests.rights.test_audit import World
from tools.demo.staff import Hired, House

SEED = 20261122


@pytest.fixture
def lived(ledger_tenant: LedgerTenant) -> House:
    """A house in which cases are opened while people come, change and go."""
    house = House(ledger_tenant.open_ledger())
    house.open()
    house.staff()
    world = World(house)
    for number in range(6):
        world.entry("A" if number % 2 else "J")
        house.hire(
            Hired(
                f"vikar.{number}", f"Vikar {number}", "vikar", "Teknisk", ("caseworker",), "kari.aas", kind="temporary", days=20
            )
        )
        world.case("F" if number % 3 else "B")
    return house


def answered(replay: Replay, person: str, record: UUID, at: datetime) -> Answer:
    """The gate's rule on a replay that was stopped."""
    subject = replay.subject(record)
    if subject is None:
        return Denied("no-cell")
    if replay.organised.state.opened is None:
        return Allowed("open")
    own = replay.records[record].facets
    assert own is not None
    moment = Moment(at, at.astimezone(LOCAL).date())
    about = gate.profile(replay.person(person).person, Actor(person), moment)
    return may(about, READ[own.kind], subject, moment, replay.matrix(moment.day))


def replayed(house: House, log: list[Recorded], count: int) -> tuple[Replay, dict[UUID, Any]]:
    known = standing.of(house.ledger)
    replay, views = Replay(partial(standing.user_name_digest, house.ledger)), {}
    for one in log[:count]:
        replay.take(one, known.place(one))
        views[one.stream] = view.evolve(views.get(one.stream), one)
    return replay, views


def compared(house: House, pairs: int, ask: Callable[[AsOf, str, UUID], Any]) -> int:
    """How many of so many random questions the two answer otherwise."""
    draw = random.Random(SEED)
    log = list(house.ledger.reader.whole_log())
    records = sorted({one.stream for one in log if one.topic.split(".")[0] in ("case-file", "registry-entry")})
    people = sorted({str(one.stream) for one in log if one.topic == "user.registered.v1"})
    differ = 0
    for _ in range(pairs // 25):
        count = draw.randrange(1, len(log))
        at = instant(log[count - 1])
        while count < len(log) and instant(log[count]) <= at:  # what was done in the same instant counts too
            count += 1
        replay, views = replayed(house, log, count)
        known_at = datetime.fromtimestamp(log[count - 1].recorded_at_us / 1_000_000, at.tzinfo)
        asked = AsOf(house.ledger, at, known_at)
        for _ in range(25):
            person, record = draw.choice(people), draw.choice(records)
            answer = answered(replay, person, record, at)
            seen = views.get(record) if isinstance(answer, Allowed) and not answer.ids_only else None
            differ += ask(asked, person, record) != (answer, seen)
    return differ


def test_a_thousand_questions_are_answered_as_a_replay_would(lived: House) -> None:
    def ask(asked: AsOf, person: str, record: UUID) -> Any:
        return asked.seen(person, record)[1:]

    assert compared(lived, 1_000, ask) == 0


def test_an_answer_with_the_rights_of_today_would_be_seen(lived: House) -> None:
    def ask(asked: AsOf, person: str, record: UUID) -> Any:
        now = lived.ledger.clock.now()
        return AsOf(lived.ledger, now, now).seen(person, record)[1:]

    assert compared(lived, 100, ask) > 0


def test_readers_are_all_who_were_known_with_reason_and_positions(lived: House) -> None:
    now = lived.ledger.clock.now()
    case = World(lived).case()
    asked = AsOf(lived.ledger, lived.ledger.clock.now(), lived.ledger.clock.now())
    told = {one.person: one.answer for one in asked.readers(case)}
    assert len(told) == len(lived.people)
    per, nina = told[str(lived.people["per.nes"])], told[str(lived.people["nina.sol"])]
    assert (type(per), per.reason, bool(per.rests_on)) == (Allowed, "caseworker:o", True)
    assert (type(nina), nina.reason) == (Denied, "no-cell")
    before = AsOf(lived.ledger, now, now)
    assert before.view(case) is None
    assert {type(one.answer) for one in before.readers(case)} == {Denied}
