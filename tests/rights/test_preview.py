"""The preview of an order is the difference of the gate's answers before and after it, record by record (N4)."""

from __future__ import annotations

import random
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.handlers import standing
from projections import preview
from tests.rights.population import Population
from tests.rights.previewing import Answer, Asking, Turned, counted
from tests.rights.town import Town

CASES, CHANGES, LEAST = 29, 70, 200
ORDERS = [pytest.param(15, id="short"), pytest.param(200, id="long", marks=pytest.mark.deep)]


@pytest.fixture
def asking(town: Town) -> Asking:
    """The town with records of every kind, some named to somebody, that stay as they are."""
    population = Population(town.house, 4)
    for number in range(CASES):
        population.case()
        if number % 9 == 0:
            population.entry(None, 1)
    population.live(CHANGES)
    town.web.caught_up()
    town.later(minutes=1)
    assert len(population.units) >= LEAST
    return Asking(town, population, random.Random(20))


def compared(asking: Asking, viewer: str, told: Answer, named: list[Turned], before: Any, after: Any) -> list[str]:
    """Where a preview is not the difference of the answers. before, after: what is read, by day."""
    wrong = []
    listed = asking.lists(viewer)
    for one, names in zip(told["opened"], named, strict=True):
        day = date.fromisoformat(one["day"])
        sides = {"gained": after[day] - before[day], "lost": before[day] - after[day]}
        for (way, kind), (total, shown, coded) in counted(one).items():
            real = {unit for of, unit in sides[way] if of == kind}
            seen = {unit for unit in real if (kind, unit) in listed}
            under = {unit for unit in real if asking.subjects[unit].code is not None}
            if (total, shown, coded) != (len(real), len(seen), len(under)):
                wrong.append(f"{way} {kind} {day}: {total, shown, coded} for {len(real), len(seen), len(under)}")
            if {unit for of, unit in names[way] if of == kind} != seen:
                wrong.append(f"{way} {kind} {day}: other records")
    return wrong


def one_order(asking: Asking) -> tuple[int, list[str]]:
    """(records that turned, what is wrong) of one random order or stop, previewed, given and controlled."""
    stops = asking.chance.random() < 0.25
    manager, who, body = asking.order()
    person = asking.population.house.people[who]
    viewer = manager
    path, about = "/rights/orders", body
    if stops:
        running = asking.running(person)
        if running:
            unit = asking.chance.choice([one for one in running if _unit(asking, person, one) is not None] or [None])
            if unit is not None:
                last_day = asking.town.today + timedelta(asking.chance.choice((-2, 0, 4)))
                about = {"unit": str(_unit(asking, person, unit)), "last_day": last_day.isoformat(), "orders": [str(unit)]}
                path, viewer = f"/people/{person}/stops", "anne.berg"
    first = asking.call(viewer, "POST", f"{path}/preview", about)
    if first.status_code != 200:  # what an order is refused for, its preview is refused for
        refused = asking.call(viewer, "POST", path, about)
        assert (first.status_code, first.json()["code"]) == (refused.status_code, refused.json()["code"])
        return 0, []
    told, named = asking.pages(viewer, "POST", f"{path}/preview", about)
    days = [date.fromisoformat(one["day"]) for one in told["opened"]]
    before = {day: asking.reads(person, day) for day in days}
    made = asking.call(viewer, "POST", path, about)
    assert made.status_code == 201, (about, made.text)
    order = made.json()["id"]
    waits = asking.call("anne.berg", "GET", "/rights/orders").json()["orders"]
    again = []
    if order in {one["id"] for one in waits}:
        asking.town.web.caught_up()
        waiting, shown = asking.pages("anne.berg", "GET", f"/people/{person}/orders/{order}/preview")
        controller = "tor.lie" if "anne.berg" in (viewer, who) else "anne.berg"
        answered = asking.call(controller, "POST", f"/people/{person}/orders/{order}/answers", {"answer": "control"})
        assert answered.status_code == 201, answered.text
        again = [("anne.berg", waiting, shown)]
    after = {day: asking.reads(person, day) for day in days}
    wrong = [
        f"{about}: {fault}"
        for looks, said, names in [(viewer, told, named), *again]
        for fault in compared(asking, looks, said, names, before, after)
    ]
    asking.town.later(minutes=1)
    return sum(len(before[day] ^ after[day]) for day in days), wrong


def _unit(asking: Asking, person: UUID, order: UUID) -> UUID | None:
    return standing.of(asking.population.ledger).person(str(person)).file.orders.orders[order].fact.unit


@pytest.mark.parametrize("orders", ORDERS)
def test_the_preview_is_the_difference_of_the_answers(asking: Asking, orders: int) -> None:
    turned, wrong = [], []
    for number in range(1, orders + 1):
        records, faults = one_order(asking)
        turned.append(records)
        wrong += faults
        if number % 10 == 0:
            asking.town.later(days=1)
    print(f"{orders} orders, {asking.asked} answers of the gate, {sum(turned)} records turned by {sum(map(bool, turned))} orders")
    assert wrong == []
    assert sum(map(bool, turned)) > orders // 2


def test_a_preview_that_forgets_one_class_is_found(asking: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = preview._judged

    def forgetful(*given: Any) -> dict[UUID, int]:
        found = whole(*given)
        return dict(list(found.items())[1:])

    monkeypatch.setattr(preview, "_judged", forgetful)
    assert any(one_order(asking)[1] for _ in range(10))
