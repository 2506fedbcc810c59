"""Working days and hours of a municipality: weekdays but for public holidays and its own closed days (practice R7, R14).

Pure arithmetic, so that a day is the same day whenever it is asked for. What follows from it (an end, a due date) is written into
the fact that it was computed for. Moveable feasts count from Easter Sunday (the anonymous Gregorian computus).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta

from domain.model.errors import Refused

COUNTRIES = ("no", "se")
# (month, day) and days from Easter Sunday; a holiday that is always a Sunday stands here for completeness
_FIXED = {
    "no": ((1, 1), (5, 1), (5, 17), (12, 25), (12, 26)),
    "se": ((1, 1), (1, 6), (5, 1), (6, 6), (12, 25), (12, 26)),
}
_MOVEABLE = {"no": (-3, -2, 0, 1, 39, 49, 50), "se": (-2, 0, 1, 39, 49)}
_LONGEST_REST = 400  # days without a working day: no calendar of any municipality


@dataclass(frozen=True, slots=True)
class WorkingHoursSet:
    """From a local day on, these weekdays (1 Monday to 7 Sunday) are worked from `opens` to `closes`, `HH:MM` local. country:
    whose public holidays count, one of COUNTRIES."""

    first_day: date
    weekdays: tuple[int, ...]
    opens: str
    closes: str
    country: str


@dataclass(frozen=True, slots=True)
class ClosedDaySet:
    """The municipality's own closed day, or that it is none any more."""

    day: date
    closed: bool


AS_DELIVERED = WorkingHoursSet(date.min, (1, 2, 3, 4, 5), "08:00", "16:00", "no")


@dataclass(frozen=True, slots=True)
class Calendar:
    """hours: in order of decision; closed: the municipality's own days."""

    hours: tuple[WorkingHoursSet, ...] = ()
    closed: Mapping[date, bool] = field(default_factory=dict)

    def on(self, day: date) -> WorkingHoursSet:
        """The hours of a local day."""
        return next((one for one in reversed(self.hours) if one.first_day <= day), AS_DELIVERED)

    def works(self, day: date) -> bool:
        """Whether it is a working day."""
        hours = self.on(day)
        return day.isoweekday() in hours.weekdays and day not in holidays(day.year, hours.country) and not self.closed.get(day)

    def open_at(self, local: datetime) -> bool:
        """Whether a local instant lies in working hours."""
        hours = self.on(local.date())
        return self.works(local.date()) and clock_time(hours.opens) <= local.time() < clock_time(hours.closes)

    def next_working_day(self, day: date) -> date:
        """The first working day after `day`. Refused `calendar.no_day` where none is in sight."""
        for number in range(1, _LONGEST_REST):
            if self.works(day + timedelta(days=number)):
                return day + timedelta(days=number)
        raise Refused("calendar.no_day", params={"day": day.isoformat()})


def evolve(state: Calendar, fact: WorkingHoursSet | ClosedDaySet) -> Calendar:
    """The calendar after one more fact."""
    if isinstance(fact, WorkingHoursSet):
        return replace(state, hours=(*state.hours, fact))
    return replace(state, closed={**state.closed, fact.day: fact.closed})


def set_hours(wanted: WorkingHoursSet, today: date) -> WorkingHoursSet:
    """Other hours from a day on, today at the earliest. Refused `calendar.hours` for what are none."""
    try:
        right = clock_time(wanted.opens) < clock_time(wanted.closes)
    except ValueError:
        right = False
    days = tuple(sorted(set(wanted.weekdays)))
    if not right or not days or not set(days) <= set(range(1, 8)) or wanted.country not in COUNTRIES:
        raise Refused("calendar.hours", params={"opens": wanted.opens[:20], "closes": wanted.closes[:20]})
    return WorkingHoursSet(max(wanted.first_day, today), days, wanted.opens, wanted.closes, wanted.country)


def clock_time(text: str) -> time:
    """`HH:MM`. ValueError for anything else."""
    hour, separator, minute = text.partition(":")
    if (len(hour), separator, len(minute)) != (2, ":", 2) or not (hour + minute).isdecimal():
        raise ValueError(text)
    return time(int(hour), int(minute))


def holidays(year: int, country: str) -> frozenset[date]:
    """The public holidays of a year, Sundays that are holidays included."""
    sunday = easter(year)
    moveable = {sunday + timedelta(days=number) for number in _MOVEABLE[country]}
    return frozenset(moveable | {date(year, month, day) for month, day in _FIXED[country]})


def easter(year: int) -> date:
    """Easter Sunday."""
    golden, century, rest = year % 19, year // 100, year % 100
    correction = (8 * century + 13) // 25
    epact = (19 * golden + century - century // 4 - correction + 15) % 30
    weekday = (32 + 2 * (century % 4) + 2 * (rest // 4) - epact - rest % 4) % 7
    shift = (golden + 11 * epact + 22 * weekday) // 451
    month, day = divmod(epact + weekday - 7 * shift + 114, 31)
    return date(year, month, day + 1)
