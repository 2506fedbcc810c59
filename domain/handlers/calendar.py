"""Commands on the municipality's calendar: working hours from a day on, and closed days of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from domain.handlers import organisation, standing
from domain.handlers.gate import ADMINISTRATION
from domain.handlers.work import Work
from domain.model import calendar
from domain.model.access import Subject
from domain.model.calendar import ClosedDaySet, WorkingHoursSet


@dataclass(frozen=True, slots=True)
class ChangeCalendar:
    """Other hours, or a closed day that is set or taken back."""

    ACTION: ClassVar[str] = "calendar.change"
    wanted: WorkingHoursSet | ClosedDaySet


def change(work: Work, command: ChangeCalendar) -> None:
    """Change the calendar; nothing where it is so already. Refused `calendar.hours`."""
    work.permit(command.ACTION, subject=Subject(ADMINISTRATION))
    state, wanted = organisation.load(work), command.wanted
    if isinstance(wanted, WorkingHoursSet):
        wanted = calendar.set_hours(wanted, work.today)
        if wanted in state.calendar.hours[-1:]:
            return
    elif bool(state.calendar.closed.get(wanted.day)) == wanted.closed:
        return
    work.record(standing.of(work.ledger).stream, wanted)
