"""Asking to read a case that is closed to one, and answering such a request (Noark 5: 4.5.23)."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from api import access_requests, errors, people
from api.requests import Caller, caller_of
from api.web import forms
from api.web.forms import Filled
from api.web.page import onward
from api.web.pages_people import own_page
from api.web.rights_page import rights_page
from api.writes import perform
from domain.handlers import access_requests as handlers
from domain.handlers import gate
from domain.handlers.access_requests import AnswerAccess, AskAccess
from domain.handlers.gate import Asked
from domain.ledger.identity import new_id
from domain.model.access import Denied
from domain.model.errors import Refused
from domain.model.named_access import LONGEST_DAYS

router = APIRouter(prefix="/access", include_in_schema=False)


@router.get("/{record}")
def why(request: Request, record: UUID) -> HTMLResponse:
    """Why a case is closed to the reader, whom a request reaches, and the form of it."""
    return _why(request, caller_of(request), record, Filled("ask"))


def _why(request: Request, me: Caller, record: UUID, form: Filled) -> HTMLResponse:
    way = access_requests.way(me, record)
    ledger = me.tenant.ledger
    answer = gate.decide(ledger, me.actor, Asked(way.read, ledger.clock.now(), record))
    refused = None
    if isinstance(answer, Denied):
        refused = errors.explain(
            Refused(f"access.{answer.reason.replace('-', '_')}", "4.5.1", {"action": "", "rests_on": ""}), me.texts
        )
    waits = people.ask(me, lambda reads, connection: reads.waiting_requests(connection, way.case))
    return rights_page(
        request,
        me,
        "access_ask.html",
        status=form.told.status if form.told else 200,
        form=form,
        record=record,
        way=way,
        refused=refused,
        rests_on=answer.rests_on,
        needs_clearance=handlers.needs_clearance(ledger, me.actor.id, record),
        waits=any(one["person"] == me.actor.id for one in waits),
    )


@router.post("/{record}")
def ask(request: Request, record: UUID) -> Response:
    """Ask whoever may give the access."""
    me = caller_of(request)
    fields = forms.read(request)
    fresh = new_id()
    try:
        forms.check(request, me, fields)
        way = access_requests.way(me, record)
        command = AskAccess(fresh, record, way.case, fields.get("reason", ""))
        done = perform(me, (way.case,), lambda work: handlers.ask(work, command), key=forms.key_of(fields))
    except forms.PROBLEMS as problem:
        return _why(request, me, record, forms.refused("ask", fields, problem, me))
    return onward(request, me, done, "/rights/me")


@router.post("/{record}/answers/{asked}")
def answer(request: Request, record: UUID, asked: UUID) -> Response:
    """Give the access for some days, or say no."""
    me = caller_of(request)
    fields = forms.read(request)
    try:
        forms.check(request, me, fields)
        command = AnswerAccess(asked, record, _days(fields), fields.get("reason", ""))
        done = perform(
            me, (record,), lambda work: handlers.answer(work, command), key=forms.key_of(fields), given=(record, asked)
        )
    except forms.PROBLEMS as problem:
        return own_page(request, me, "", forms.refused(str(asked), fields, problem, me))
    return onward(request, me, done, "/rights/me")


def _days(fields: dict[str, str]) -> int:
    """How many days, 0 for no. Refused `grant.too_long` for what is no number of days."""
    if fields.get("answer") != "give":
        return 0
    days = fields.get("days", "").strip()
    if not days.isascii() or not days.isdigit() or not int(days[:6]) > 0:
        raise Refused("grant.too_long", "4.5.23", {"days": str(LONGEST_DAYS)})
    return int(days[:6])
