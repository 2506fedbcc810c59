"""REST on urgent access, rights whose manager is gone, and the calendar that urgent access ends by."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from api import people, succession, urgent
from api.login.fresh import require_fresh_login
from api.requests import caller_of
from api.rest.answers import MADE, IdempotencyKey, Written, written
from api.succession import NewTakeOver
from api.urgent import ClosedDay, NewUrgent, UrgentAnswer, WorkingHours
from api.writes import perform
from domain.handlers import calendar, standing
from domain.handlers.calendar import ChangeCalendar
from domain.model.urgent import UrgentOrdered
from projections import view

router = APIRouter(tags=["rights"])


class UrgentList(BaseModel):
    """Urgent accesses that wait, are in force, or have yet to be reviewed, oldest first."""

    urgent: list[dict[str, Any]]


class WithoutManager(BaseModel):
    """Rights without a responsible manager, one for each person and unit, the longest first."""

    rights: list[dict[str, Any]]


@router.get("/urgent-access", response_model=UrgentList)
def list_urgent(request: Request) -> JSONResponse:
    """Urgent accesses that concern the caller, each with what the caller may do with it."""
    rows = urgent.listed(caller_of(request))
    return JSONResponse({"urgent": [{name: view.plain(value) for name, value in row.items()} for row in rows]})


@router.post("/people/{person}/urgent-access", status_code=201, response_model=Written, responses=MADE)
def order_urgent(request: Request, person: UUID, body: NewUrgent, key: IdempotencyKey = None) -> JSONResponse:
    """Order that somebody reads one case now. It opens nothing before another person has confirmed it."""
    me = caller_of(request)
    done = urgent.order(me, person, body, key)
    return written(request, me, done, done.fact(UrgentOrdered).urgent, 201, "/api/v1/urgent-access")


@router.post("/people/{person}/urgent-access/{wanted}/answers", status_code=201, response_model=Written)
def answer_urgent(request: Request, person: UUID, wanted: UUID, body: UrgentAnswer, key: IdempotencyKey = None) -> JSONResponse:
    """Confirm it, end it, or review it with a finding."""
    me = caller_of(request)
    people.permit(me, urgent.ANSWERS[body.answer], people.as_manager)
    if body.answer == "confirm":
        require_fresh_login(me)
    return written(request, me, urgent.answer(me, person, wanted, body, key), wanted, 201)


@router.get("/rights/without-manager", response_model=WithoutManager)
def list_without_manager(request: Request) -> JSONResponse:
    """Rights whose manager is gone: they stay valid, and wait for a successor to confirm them."""
    me = caller_of(request)
    people.permit(me, people.Query.LIST_WAITING)
    rows = [
        {
            **{name: view.plain(row[name]) for name in ("person", "name", "unit", "unit_name", "roles", "takes")},
            "gone": succession.as_json(row["gone"]),
        }
        for row in succession.without_manager(me)
    ]
    return JSONResponse({"rights": rows})


@router.post("/people/{person}/take-overs", status_code=201, response_model=Written)
def take_over(request: Request, person: UUID, body: NewTakeOver, key: IdempotencyKey = None) -> JSONResponse:
    """Confirm somebody's rights in a unit as the successor of a manager who is gone, and answer for them."""
    me = caller_of(request)
    return written(request, me, succession.take_over(me, person, body, key), person, 201)


@router.post("/organisation/working-hours", status_code=201, response_model=Written)
def set_working_hours(request: Request, body: WorkingHours, key: IdempotencyKey = None) -> JSONResponse:
    """Other working days and hours from a local day on."""
    return _changed(request, ChangeCalendar(body.fact()), key)


@router.post("/organisation/closed-days", status_code=201, response_model=Written)
def set_closed_day(request: Request, body: ClosedDay, key: IdempotencyKey = None) -> JSONResponse:
    """A closed day of the municipality's own, or that it is none any more."""
    return _changed(request, ChangeCalendar(body.fact()), key)


def _changed(request: Request, command: ChangeCalendar, key: str | None) -> JSONResponse:
    me = caller_of(request)
    people.permit(me, ChangeCalendar.ACTION)
    stream = standing.of(me.tenant.ledger).stream
    done = perform(me, (stream,), lambda work: calendar.change(work, command), key=key)
    return written(request, me, done, stream, 201)
