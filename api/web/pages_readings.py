"""The access report: who was shown which coded record, when, and under which right; managers see their own units' (4.5.32)."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse

from api import access_log, people
from api.access_log import Report, Sought
from api.requests import Caller, caller_of
from api.web import forms
from api.web.forms import Filled
from api.web.page import onward
from api.web.rights_page import rights_page
from api.writes import perform
from domain.handlers import rights, standing
from domain.model.errors import NotFound, Refused

router = APIRouter(prefix="/rights", include_in_schema=False)
Given = Annotated[str, Query(max_length=200, pattern=r"^[^\x00-\x1f]*$")]
LIMIT = 200


@router.get("/readings")
def readings(request: Request, who: Given = "", record: Given = "", since: Given = "", until: Given = "") -> HTMLResponse:
    """Readings of coded records, newest first. who: a user name or id; record: an id; since, until: local days, both included."""
    me = caller_of(request)
    asked = {"who": who.strip(), "record": record.strip(), "since": since, "until": until}
    form = Filled("readings", asked)
    try:
        found = access_log.report(me.tenant.ledger, me.actor, _sought(me, asked))
    except (Refused, NotFound) as problem:
        access_log.report(me.tenant.ledger, me.actor, Sought(limit=1))  # who may not have it at all is refused as such
        form, found = forms.refused("readings", asked, problem, me), Report((), False)
    people.organisation(me)
    status = form.told.status if form.told else 200
    return rights_page(request, me, "rights_readings.html", status=status, form=form, found=found, limit=LIMIT)


@router.post("/audits/{person}/{order}")
def report_audit(request: Request, person: UUID, order: UUID) -> Response:
    """The audit has been reported: what was read for it is shown to everybody who has the report."""
    me = caller_of(request)
    people.permit(me, rights.ReportAudit.ACTION, people.rights_of(person))
    fields = forms.read(request)
    forms.check(request, me, fields)
    command = rights.ReportAudit(person, order)
    done = perform(
        me, (person,), lambda work: rights.report_audit(work, command), key=forms.key_of(fields), given=(person, order)
    )
    return onward(request, me, done, "/rights/me" if str(person) == me.actor.id else f"/people/{person}")


def _sought(me: Caller, asked: dict[str, str]) -> Sought:
    who = asked["who"]
    person = (standing.of(me.tenant.ledger).called(who) or _uuid(who, "who")) if who else None
    record = UUID(_uuid(asked["record"], "record")) if asked["record"] else None
    return Sought(record, person, _day("since", asked["since"]), _day("until", asked["until"]), False, LIMIT)


def _uuid(text: str, field: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        raise NotFound("person" if field == "who" else "unit", text[:80]) from None


def _day(field: str, text: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Refused("date.malformed", "", {"field": field, "given": text[:40]}) from None
