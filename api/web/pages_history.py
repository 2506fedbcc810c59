"""The history of a unit: who did what, and how it stood on a day."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from api import reads
from api.requests import Caller, caller_of
from api.web import forms
from api.web.forms import Filled
from api.web.page import page
from domain.model.errors import Refused
from projections.history import days, history, view_on

router = APIRouter(include_in_schema=False)
Given = Annotated[str, Query(max_length=40)]


@router.get("/history/{unit}")
def show(request: Request, unit: UUID, on: Given = "", step: Given = "") -> HTMLResponse:
    """A unit's history. on: a day, for the state at its end; step: the same by the slider, a number among the days of change."""
    me = caller_of(request)
    reads.permit_history(me, unit)
    told = history(me.tenant.ledger.reader, unit, me.texts, me.name_of)
    records = me.tenant.ledger.reader.stream(unit)
    changed = days(records)
    form = Filled("history")
    try:
        day = _day(on, step, changed)
    except Refused as problem:
        day, form = changed[-1], forms.refused("history", {}, problem, me)
    return page(
        request,
        me,
        "history.html",
        unit=view_on(records, changed[-1]),
        state=view_on(records, day),
        events=_told(me, told["events"], day),
        days=changed,
        day=day,
        step=sum(1 for one in changed if one <= day) - 1,
        form=form,
        status=form.told.status if form.told else 200,
    )


def _day(on: str, step: str, changed: list[date]) -> date:
    if step.isascii() and step.isdigit() and int(step) < len(changed):
        return changed[int(step)]
    if not on:
        return changed[-1]
    try:
        found = date.fromisoformat(on)
    except ValueError:
        found = date.min
    if not 1000 <= found.year <= 9000:
        raise Refused("date.malformed", "", {"field": "on", "given": on})
    return found


def _told(me: Caller, events: list[dict[str, Any]], day: date) -> list[dict[str, Any]]:
    """The events newest first, each with its local day and whether it came after the day asked for."""
    told = []
    for event in reversed(events):
        local = datetime.fromisoformat(event["at"]).astimezone(me.texts.zone).date()
        told.append({**event, "day": local, "later": local > day})
    return told
