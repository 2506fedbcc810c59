"""`dagbok rights PERSON --on DATE` against a second reading of the raw events, on days and instants drawn at random."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.handlers import rights, standing
from domain.ledger.clock import LOCAL, SetClock
from domain.ledger.identity import new_id
from domain.model import ordering, rights_change
from domain.model.rights_change import CHANGE, STOP
from projections import access_rights
from tests.fixtures_ledger import LedgerTenant
from tools.demo.staff import STAFF, Hired, House

SEED, DAYS = 20261122, 60
BEGAN = datetime(2036, 10, 1, 7, tzinfo=UTC)  # over the night in which the clocks go back


@pytest.fixture
def house(ledger_tenant: LedgerTenant) -> House:
    """Sixty days in which rights are ordered ahead, changed, refused, stopped late and stopped ahead."""
    clock = SetClock(BEGAN)
    house = House(ledger_tenant.open_ledger(clock), clock)
    house.open()
    house.staff()
    draw = random.Random(SEED)
    for day in range(DAYS):
        clock.move_to(BEGAN + timedelta(days=day, seconds=draw.randrange(3_600)))
        _happen(house, draw, day)
    return house


def _happen(house: House, draw: random.Random, day: int) -> None:
    name = f"vikar.{day % 7}"
    ahead = timedelta(days=draw.randrange(0, 12))
    hired = Hired(name, name, "vikar", draw.choice(("Teknisk", "Oppvekst")), ("caseworker",), "lars.dahl", kind="temporary")
    if hired.unit == "Teknisk":
        hired = Hired(name, name, "vikar", "Teknisk", ("caseworker",), "kari.aas", kind="temporary")
    known = name in house.people
    running = _running(house, name, hired.unit) if known else []
    if running and draw.random() < 0.5:
        last = house.today + ahead - timedelta(days=4)
        order = OrderOf(house, hired, change=STOP, last_day=last)
        house.act(hired.by, lambda work: rights.stop(work, rights.Stop(house.people[name], order)))
        return
    person = house.people.setdefault(name, new_id())
    first = house.today + ahead
    more: dict[str, Any] = {"first_day": first, "last_day": first + timedelta(days=draw.randrange(1, 20))}
    if running:
        more |= {"change": CHANGE, "replaces": (draw.choice(running),), "codes": draw.choice(((), ("13",)))}
    order = OrderOf(house, hired, **more)
    newcomer = None if known else rights.Newcomer(hired.kind, name, name)
    house.act(hired.by, lambda work: rights.order(work, rights.Order(person, order, newcomer)))
    made = standing.of(house.ledger).person(str(person)).file.orders.orders[order.order]
    if made.stage == "ordered" and draw.random() < 0.8:
        said = draw.choice((rights.Answer.CONTROL, rights.Answer.CONTROL, rights.Answer.RETURN))
        answer = rights.Answer(said, person, order.order, "fordi")
        house.act("anne.berg", lambda work: rights.answer(work, answer))


def OrderOf(house: House, hired: Hired, **changes: Any) -> ordering.OrderRights:
    return house.order(hired, order=new_id(), **changes)


def _running(house: House, name: str, unit: str) -> list[UUID]:
    orders = standing.of(house.ledger).person(str(house.people[name])).file.orders.orders
    return [key for key, one in orders.items() if one.fact.unit == house.units[unit] and one.runs(house.today) and one.fact.roles]


def raw(house: House, person: UUID) -> list[tuple[str, dict[str, Any], str]]:
    """(topic, fact, instant) of the person's events as they lie in the log, read as JSON."""
    from psycopg import sql

    schema = house.ledger.reader.record_chains[-1][1]
    query = sql.SQL("select topic, convert_from(meta, 'UTF8') from {} where originator_id = %s order by position")
    rows = house.ledger.reader.rows(query.format(sql.Identifier(schema, "event")), (person,))
    return [(str(row[0]), (meta := json.loads(row[1]))["f"], meta["e"]["at"]) for row in rows]


def expected(events: list[tuple[str, dict[str, Any], str]], start: datetime, end: datetime) -> list[tuple[Any, ...]]:
    """A second reading: each order's own span, cut by what came later; in force where it meets [start, end)."""
    spans: dict[str, list[Any]] = {}
    orders = {fact["order"]: fact for topic, fact, _ in events if topic == "rights.ordered.v1"}
    for topic, fact, at in events:
        instant = datetime.fromisoformat(at)
        decided = topic == "rights.controlled.v1" or (topic == "rights.ordered.v1" and not fact["widens"])
        if topic == "rights.ordered.v1" and fact["change"] != "stop":
            spans[fact["order"]] = [None, midnight(fact["first_day"], 0), midnight(fact.get("last_day"), 1), fact]
        if not decided:
            continue
        order = orders[fact["order"]]
        if order["change"] != "stop":
            spans[order["order"]][0] = instant
        for old in order.get("replaces", ()):
            spans[old][2] = min(spans[old][2], cut(order, instant))
    return sorted(
        (role, fact["first_day"], tuple(fact.get("codes", ())))
        for decided_at, first, until, fact in spans.values()
        if decided_at is not None and max(decided_at, first) < min(end, until) and start < until
        for role in fact["roles"]
    )


def midnight(day: str | None, after: int) -> datetime:
    if day is None:
        return datetime.max.replace(tzinfo=UTC)
    return datetime.combine(date.fromisoformat(day) + timedelta(days=after), time(), LOCAL)


def cut(order: dict[str, Any], instant: datetime) -> datetime:
    """When an order ends what it replaces: a stop after its last day or at once, a change when its own first day begins."""
    if order["change"] == "stop":
        return max(midnight(order["last_day"], 1), instant)
    return max(midnight(order["first_day"], 0), instant)


def moments() -> Iterator[date | datetime]:
    draw = random.Random(SEED + 1)
    for number in range(200):
        at = BEGAN + timedelta(seconds=draw.randrange((DAYS + 20) * 86_400))
        yield at.astimezone(LOCAL).date() if number % 2 else at


def test_two_hundred_days_and_instants(house: House) -> None:
    people = [(name, person) for name, person in house.people.items() if name.startswith("vikar")]
    known = standing.of(house.ledger)
    seen = 0
    for number, moment in enumerate(moments()):
        _, person = people[number % len(people)]
        state = access_rights.fold(person, house.ledger.reader.stream(person), known.place)
        told = access_rights.told(state, moment, str)
        found = sorted((one["role"], one["from"], tuple(one["codes"])) for one in told["rights"])
        assert found == expected(raw(house, person), *access_rights.span(moment)), (moment, person)
        for one in told["rights"]:
            assert one["order"]["position"]
            assert one["order"]["by"] in map(str, house.people.values())
            assert one["decided"]["position"] >= one["order"]["position"]
        seen += len(found)
    assert seen > 50
    assert {one.fact.change for person in people for one in orders(house, person[1])} == {"start", CHANGE, STOP}


def orders(house: House, person: UUID) -> list[rights_change.Order]:
    return list(standing.of(house.ledger).person(str(person)).file.orders.orders.values())


def test_the_staff_all_have_what_was_ordered(house: House) -> None:
    known = standing.of(house.ledger)
    for hired in STAFF:
        person = house.people[hired.user_name]
        told = access_rights.told(
            access_rights.fold(person, house.ledger.reader.stream(person), known.place), house.today, lambda unit: str(unit)
        )
        assert set(hired.roles) <= {one["role"] for one in told["rights"]}
