"""Rights begin and end with the local day, to the second, on days of 23, 24 and 25 hours: asked over HTTP, on a clock of our own,
in years that the machine's clock has not come to.

What is expected is counted in UTC by the rule of the European Union (clocks change at 01:00 UTC on the last Sunday of March and
October), never by the time zone data that the program uses.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from domain.handlers import gate, rights
from domain.handlers.people import Newcomer
from domain.ledger.clock import LOCAL
from domain.ledger.identity import new_id
from domain.model.ordering import OrderRights
from domain.model.rights_change import START, STOP
from domain.model.user import EMPLOYEE
from tests.fixtures_staff import Staffing
from tests.fixtures_web import API
from tests.rights.town import Town, town_of

DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
HOURS = {date(2036, 3, 30): 23, date(2036, 10, 26): 25, date(2037, 3, 29): 23, date(2036, 12, 31): 24}  # a ledger is never ahead
CET, CEST = timezone(timedelta(hours=1)), timezone(timedelta(hours=2))
NEVER = datetime.max.replace(tzinfo=UTC)


def last_sunday(year: int, month: int) -> date:
    """The last Sunday of March or October."""
    last = date(year, month, 31)
    return last - timedelta(days=(last.weekday() + 1) % 7)


def midnight(day: date) -> datetime:
    """The instant at which a day begins in Norway."""
    summer = last_sunday(day.year, 3) < day <= last_sunday(day.year, 10)
    return datetime.combine(day, time(), UTC) - timedelta(hours=2 if summer else 1)


@dataclass
class Days:
    """A town in which people have rights around one day. spans: when each, [from, to), is to have one."""

    town: Town
    day: date
    spans: dict[str, tuple[datetime, datetime]] = field(default_factory=dict)
    people: dict[str, tuple[UUID, UUID]] = field(default_factory=dict)
    asked: int = 0
    case: str = ""

    def ordered(self, name: str, first: date, last: date | None, control: bool = True) -> None:
        """Kari orders for somebody new in Teknisk, and Anne controls it."""
        person, order = new_id(), new_id()
        unit = self.town.house.units["Teknisk"]
        wanted = OrderRights(order, START, unit, first, last, "Vikar", "vikar", ("caseworker",))
        command = rights.Order(person, wanted, Newcomer(EMPLOYEE, name, name.replace(" ", ".")))
        self.town.house.act("kari.aas", lambda work: rights.order(work, command))
        self.people[name] = person, order
        self.spans[name] = (NEVER, NEVER)
        if control:
            self.answered(name, rights.Answer.CONTROL)
            self.spans[name] = midnight(first), midnight(last + DAY) if last is not None else NEVER

    def answered(self, name: str, what: str, by: str = "anne.berg", stands: bool = True) -> datetime:
        """Somebody answers an order; when."""
        person, order = self.people[name]
        answer = rights.Answer(what, person, order, "Ikke slik", stands)
        self.town.house.act(by, lambda work: rights.answer(work, answer))
        return self.town.clock.now()

    def stopped(self, name: str, last: date) -> datetime:
        """Kari stops somebody after a day; when."""
        person, _ = self.people[name]
        unit = self.town.house.units["Teknisk"]
        wanted = OrderRights(new_id(), STOP, unit, self.town.today, last, "Sluttet")
        self.town.house.act("kari.aas", lambda work: rights.stop(work, rights.Stop(person, wanted)))
        return self.town.clock.now()

    def wrong(self, instant: datetime) -> list[str]:
        """Whose answer over HTTP is not the expected one at that instant."""
        self.town.clock.move_to(instant)
        found = []
        for name, (begins, ends) in self.spans.items():
            expected = begins <= instant < ends
            for path, no in ((f"{API}/journal", 403), (f"{API}/cases/{self.case}", 404)):
                answer: Any = self.town.get(str(self.people[name][0]), path)
                self.asked += 1
                if answer.status_code != (200 if expected else no):
                    found.append(f"{name} at {instant.isoformat()}: {path} {answer.status_code}")
        return found

    def checked(self, *instants: datetime, near: timedelta = SECOND) -> list[str]:
        """The same just before, at, and just after each instant."""
        return [said for one in instants for apart in (-near, 0 * near, near) for said in self.wrong(one + apart)]


@pytest.fixture(params=HOURS, ids=str)
def days(request: pytest.FixtureRequest, staffing: Staffing, tmp_path: Path) -> Iterator[Days]:
    """Everything that can be ordered for the days around a change of the clocks is ordered some days before."""
    day: date = request.param
    with staffing(midnight(day - 4 * DAY) + timedelta(hours=9), tmp_path) as staffed, town_of(staffed) as town:
        made = Days(town, day)
        today = town.today
        town.play("tor.lie")
        made.case = town.web.created(town.web.post("/cases", {"title": "Naust", "administrative_unit": {"name": "Teknisk"}}))
        for first in (day - DAY, day, day + DAY):
            made.ordered(f"from {first}", first, None)
        for last in (day - DAY, day, day + DAY):
            made.ordered(f"until {last}", today, last)
            made.spans[f"until {last}"] = town.clock.now(), midnight(last + DAY)
        made.ordered("that day alone", day, day)
        made.ordered("ended", today, today)
        made.ordered("waits", day - DAY, None, control=False)
        made.ordered("returned", day, None, control=False)
        made.answered("returned", rights.Answer.RETURN)
        for name, stands in (("fallen", False), ("stands", True)):
            made.ordered(name, day, None, control=False)
            made.answered(name, rights.Answer.OBJECT)
            made.answered(name, rights.Answer.SETTLE, "lars.dahl", stands)
        made.spans["stands"] = midnight(day), NEVER
        for last in (day - DAY, day):
            made.ordered(f"stopped after {last}", today, None)
            made.stopped(f"stopped after {last}", last)
            made.spans[f"stopped after {last}"] = town.clock.now(), midnight(last + DAY)
        made.ordered("stopped at once", day - DAY, None)
        town.web.caught_up()
        yield made


def test_rights_begin_and_end_with_the_local_day(days: Days) -> None:
    day = days.day
    assert midnight(day + DAY) - midnight(day) == timedelta(hours=HOURS[day])
    assert days.checked(midnight(day - DAY), midnight(day)) == []
    change = datetime.combine(day, time(1), UTC)
    assert days.checked(change) == []
    # in the hour that comes twice, or does not come
    at = days.stopped("stopped at once", day - DAY)
    assert days.town.clock.now() - change < timedelta(minutes=1)
    days.spans["stopped at once"] = midnight(day - DAY), at
    days.spans["waits"] = days.answered("waits", rights.Answer.CONTROL), NEVER
    assert days.checked(change + timedelta(minutes=30), midnight(day + DAY), midnight(day + 2 * DAY)) == []
    assert days.asked == 2 * 18 * len(days.spans) == 540


def test_a_decision_by_another_clock_is_found(days: Days, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = "that day alone"
    days.spans = {alone: days.spans[alone]}
    zones = (LOCAL, UTC, CET, CEST)
    found: dict[tzinfo, list[str]] = {zone: [] for zone in zones}
    for instant in (midnight(days.day), midnight(days.day + DAY)):
        for near in (-SECOND, 0 * SECOND, SECOND):
            for zone in zones:
                monkeypatch.setattr(gate, "LOCAL", zone)
                found[zone] += days.wrong(instant + near)
    wrong = {zone for zone, some in found.items() if some}
    assert wrong == {UTC, CEST} | ({CET} if HOURS[days.day] != 24 else set())
    for zone in wrong:
        assert any("journal" in one for one in found[zone])
        assert any("cases" in one for one in found[zone])


def test_a_right_ends_between_two_microseconds(days: Days) -> None:
    for instant in (midnight(days.day), midnight(days.day + DAY)):
        assert days.checked(instant, near=timedelta(microseconds=1)) == []
