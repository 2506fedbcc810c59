"""Urgent access as the pages and REST show it: what waits, what is in force, what waits for its review; and its bodies."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from api import people
from api.bodies import Body, Code
from api.installation import Tenant
from api.requests import Caller
from api.writes import Done, perform
from domain.handlers import access_log, standing, urgent
from domain.handlers.urgent import Answer, Order
from domain.handlers.work import Work
from domain.ledger.access_chain import AccessLogAway
from domain.ledger.clock import LOCAL
from domain.ledger.identity import new_id
from domain.model.access import Subject
from domain.model.access_log import UrgentOpened
from domain.model.calendar import ClosedDaySet, WorkingHoursSet
from domain.model.urgent import UrgentConfirmed
from projections import view
from projections.people.read import Row

Words = Annotated[str, Field(max_length=4_000)]
ANSWERS = {"confirm": Answer.CONFIRM, "end": Answer.END, "review": Answer.REVIEW}
Given = Literal["confirm", "end", "review"]
_log = logging.getLogger(__name__)


class NewUrgent(Body):
    """What a manager orders at once. case: its number, such as 2026/412."""

    case: Code
    reason: Words = ""


class UrgentAnswer(Body):
    """What is said to it. reason: of an end, and the finding of a review; justified: whether there was an emergency."""

    answer: Given
    reason: Words = ""
    justified: bool = True


class WorkingHours(Body):
    """Hours from a local day on. weekdays: 1 Monday to 7 Sunday; opens, closes: HH:MM; country: `no` or `se`."""

    first_day: date
    weekdays: Annotated[list[int], Field(max_length=7)]
    opens: Code
    closes: Code
    country: Code = "no"

    def fact(self) -> WorkingHoursSet:
        """As the calendar keeps it."""
        return WorkingHoursSet(self.first_day, tuple(self.weekdays), self.opens, self.closes, self.country)


class ClosedDay(Body):
    """A closed day of the municipality's own; closed false takes it back."""

    day: date
    closed: bool = True

    def fact(self) -> ClosedDaySet:
        """As the calendar keeps it."""
        return ClosedDaySet(self.day, self.closed)


def order(me: Caller, person: UUID, body: NewUrgent, key: str | None) -> Done:
    """Order urgent access for somebody."""
    people.permit(me, Order.ACTION, people.as_manager)
    command = Order(person, new_id(), body.case, body.reason)
    return perform(me, (person,), lambda work: urgent.order(work, command), key=key, given=(person,))


def answer(me: Caller, person: UUID, wanted: UUID, body: UrgentAnswer, key: str | None) -> Done:
    """Confirm, end or review it; that it was confirmed is noted in the access log too."""
    people.permit(me, ANSWERS[body.answer], people.as_manager)
    command = Answer(ANSWERS[body.answer], person, wanted, body.reason, body.justified)
    handle: Callable[[Work], UUID] = lambda work: urgent.answer(work, command)  # noqa: E731
    done = perform(me, (person,), handle, key=key, given=(person, wanted))
    if body.answer == "confirm" and not done.repeated:
        _noted(me, person, wanted, done)
    return done


def _noted(me: Caller, person: UUID, wanted: UUID, done: Done) -> None:
    """The confirmation stands in the record chain whatever becomes of this; no reading goes unnoted where the log is away."""
    found = standing.of(me.tenant.ledger).person(str(person)).file.urgent.accesses[wanted]
    confirmed = done.fact(UrgentConfirmed)
    fact = UrgentOpened(wanted, person, found.fact.case, confirmed.until)
    try:
        access_log.append(me.tenant.ledger, [fact], me.actor, [done.position])
    except AccessLogAway:
        _log.warning("urgent-not-noted", extra={"urgent": str(wanted)})


def listed(me: Caller) -> list[Row]:
    """Those that wait for confirmation or review, and those in force, as far as the caller has to do with them: all for whoever
    reads everybody's rights, else those of the own staff, and outside working hours what another manager waits for."""
    people.permit(me, people.Query.LIST_WAITING)
    people.organisation(me)
    now = me.tenant.ledger.clock.now()
    rows = people.ask(me, lambda reads, connection: reads.urgent(connection, now))
    return [told for row in rows if (told := _told(me, row, now)) is not None]


def reviewed(me: Caller) -> list[Row]:
    """The last ones that were reviewed, for whoever reads everybody's rights."""
    if not people.may(me, people.Query.READ_RIGHTS):
        return []
    rows = people.ask(me, lambda reads, connection: reads.urgent_reviewed(connection))
    return [{**row, "number": number_of(me.tenant, row["case_id"])} for row in rows]


def _told(me: Caller, row: Row, now: datetime) -> Row | None:
    """A row with what the caller may do with it; None where it does not concern the caller."""
    mine = set(people.selves(me))
    person = str(row["person"])
    confirmed = row["confirmed_at"] is not None
    in_force = confirmed and datetime.fromisoformat(row["ends_at"]) > now
    about = Subject(people.ADMINISTRATION, concerns=person, ordered_by=row["orderer"])
    other = not mine & {person, row["orderer"], row["hand"]}
    leads = other and people.may(me, Answer.REVIEW, about)
    after_hours = not people.organisation(me).state.calendar.open_at(now.astimezone(LOCAL))
    confirms = not confirmed and other and people.may(me, Answer.CONFIRM, about) and (leads or after_hours)
    reads = people.may(me, people.Query.READ_RIGHTS) or people.may(me, people.Query.READ_RIGHTS, people.rights_of(row["person"]))
    if not (confirms or reads):
        return None
    ends = (in_force or not confirmed) and people.may(me, Answer.END, people.rights_of(row["person"]))
    return {
        **row,
        "number": number_of(me.tenant, row["case_id"]),
        "in_force": in_force,
        "confirms": confirms,
        "ends": ends,
        "reviews": confirmed and not in_force and leads,
    }


def number_of(tenant: Tenant, case: UUID) -> str:
    """A case's number. Numbers are given without gaps and say nothing else of a case."""
    found = view.fold(tenant.ledger.reader.stream(case)) or {}
    return str(found.get("number", ""))


def of_person(me: Caller, person: UUID) -> list[Row]:
    """The urgent accesses of somebody that wait or are in force, for the person's own page."""
    now = me.tenant.ledger.clock.now()
    found = standing.of(me.tenant.ledger).person(str(person)).file.urgent.accesses.values()
    return [
        {"number": number_of(me.tenant, one.fact.case), "case": one.fact.case, "until": one.end, "waits": one.waits(now)}
        for one in found
        if one.waits(now) or one.in_force(now)
    ]


def standing_open(tenant: Tenant) -> tuple[int, int]:
    """(in force now, waiting for their review) of a municipality: what its metrics and `doctor` say."""
    now = tenant.ledger.clock.now()
    with tenant.read() as connection:
        rows = [row for row in tenant.people.urgent(connection, now) if row["confirmed_at"] is not None]
    open_now = sum(datetime.fromisoformat(row["ends_at"]) > now for row in rows)
    return open_now, len(rows) - open_now
