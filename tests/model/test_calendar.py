"""Working days and hours: weekdays, public holidays of two countries, the municipality's own days."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from domain.model import calendar, urgent
from domain.model.calendar import Calendar, ClosedDaySet, WorkingHoursSet
from domain.model.errors import Refused

OSLO = ZoneInfo("Europe/Oslo")
PLAIN = Calendar()


# the last two are the latest and the earliest day that Easter can fall on
@pytest.mark.parametrize(
    "day", ["2024-03-31", "2025-04-20", "2026-04-05", "2027-03-28", "2028-04-16", "2038-04-25", "2285-03-22"]
)
def test_easter(day: str) -> None:
    wanted = date.fromisoformat(day)
    assert calendar.easter(wanted.year) == wanted


def test_the_public_holidays_of_norway_in_2026() -> None:
    days = ["01-01", "04-02", "04-03", "04-05", "04-06", "05-01", "05-14", "05-17", "05-24", "05-25", "12-25", "12-26"]
    assert calendar.holidays(2026, "no") == {date.fromisoformat(f"2026-{day}") for day in days}


def test_the_public_holidays_of_sweden_in_2026_that_fall_on_weekdays() -> None:
    found = sorted(day for day in calendar.holidays(2026, "se") if day.isoweekday() < 6)
    days = ["01-01", "01-06", "04-03", "04-06", "05-01", "05-14", "12-25"]
    assert found == [date.fromisoformat(f"2026-{day}") for day in days]


@pytest.mark.parametrize(
    ("day", "following"),
    [
        ("2026-11-23", "2026-11-24"),  # Monday
        ("2026-11-27", "2026-11-30"),  # Friday
        ("2027-03-24", "2027-03-30"),  # the Wednesday before Maundy Thursday
        ("2026-12-24", "2026-12-28"),
        ("2026-04-30", "2026-05-04"),
    ],
)
def test_the_next_working_day(day: str, following: str) -> None:
    assert PLAIN.next_working_day(date.fromisoformat(day)) == date.fromisoformat(following)


def test_the_municipalitys_own_closed_days_count_until_they_are_taken_back() -> None:
    eve = date(2026, 12, 31)
    closed = calendar.evolve(PLAIN, ClosedDaySet(eve, True))
    assert (PLAIN.works(eve), closed.works(eve)) == (True, False)
    assert calendar.evolve(closed, ClosedDaySet(eve, False)).works(eve)


def test_hours_count_from_their_day_on() -> None:
    changed = calendar.evolve(PLAIN, WorkingHoursSet(date(2026, 6, 1), (1, 2, 3, 4), "08:30", "15:00", "no"))
    friday, monday = date(2026, 5, 29), date(2026, 6, 1)
    assert changed.works(friday)
    assert not changed.works(date(2026, 6, 5))
    for clock, before, after in (("08:15", True, False), ("08:30", True, True), ("15:00", True, False), ("16:00", False, False)):
        at = datetime.combine(friday, calendar.clock_time(clock))
        assert changed.open_at(at) is before, clock
        assert changed.open_at(datetime.combine(monday, calendar.clock_time(clock))) is after, clock


@pytest.mark.parametrize(
    ("weekdays", "opens", "closes", "country"),
    [((), "08:00", "16:00", "no"), ((8,), "08:00", "16:00", "no"), ((1,), "16:00", "08:00", "no"), ((1,), "8", "16:00", "no"),
     ((1,), "08:00", "24:00", "no"), ((1,), "08:00", "16:00", "dk")],
)  # fmt: skip
def test_hours_that_are_none_are_refused(weekdays: tuple[int, ...], opens: str, closes: str, country: str) -> None:
    with pytest.raises(Refused, match=r"calendar\.hours"):
        calendar.set_hours(WorkingHoursSet(date(2026, 1, 1), weekdays, opens, closes, country), date(2026, 1, 1))


def test_a_calendar_without_working_days_is_said_to_be_none() -> None:
    closed = Calendar(closed={date(2026, 1, 1) + timedelta(days=number): True for number in range(500)})
    with pytest.raises(Refused, match=r"calendar\.no_day"):
        closed.next_working_day(date(2026, 1, 1))


@pytest.mark.parametrize(
    ("at", "ends"),
    [
        ("2026-11-23T08:00:00+00:00", "2026-11-24T15:00:00+00:00"),
        ("2026-11-27T22:30:00+00:00", "2026-11-30T15:00:00+00:00"),
        ("2026-11-22T23:30:00+00:00", "2026-11-24T15:00:00+00:00"),  # after midnight local on Monday
        ("2026-10-23T20:00:00+00:00", "2026-10-26T15:00:00+00:00"),  # over the night with 25 hours
        ("2027-03-26T20:00:00+00:00", "2027-03-30T14:00:00+00:00"),  # over the one with 23, and Easter
    ],
)
def test_urgent_access_lasts_until_sixteen_local_on_the_next_working_day(at: str, ends: str) -> None:
    found = urgent.until(PLAIN, datetime.fromisoformat(at), OSLO)
    assert found.astimezone(UTC) == datetime.fromisoformat(ends)
