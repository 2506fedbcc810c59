"""Handing over what somebody has open: reached from the stop, and later from the inbox until nothing is left (practice R1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from api import handing_over, open_work, people
from api.handing_over import NewHandOvers, Outcome
from api.open_work import OpenWork
from api.requests import POSITION_COOKIE, Caller, caller_of, secure_cookie
from api.web import forms
from api.web.forms import Filled
from api.web.rights_page import rights_page
from domain.handlers import standing
from domain.handlers.standing import Known
from domain.model.errors import NotFound, Refused

router = APIRouter(prefix="/rights", include_in_schema=False)
KEEP = "-"


@router.get("/handover")
def handover(request: Request, person: UUID) -> HTMLResponse:
    """What somebody has open, and to whom it may go."""
    me = caller_of(request)
    open_work.permit(me, person)
    return _shown(request, me, people.known(me, person), Filled())


@router.post("/handover")
def hand_over(request: Request) -> HTMLResponse:
    """Hand over record by record; what was refused is told row by row."""
    me = caller_of(request)
    fields = forms.read(request)
    person = _person(fields)
    open_work.permit(me, person)
    known = people.known(me, person)
    try:
        forms.check(request, me, fields)
        wanted = handing_over.targets(me, known, _chosen(me, fields))
        outcomes = handing_over.hand_over(me, person, wanted, forms.key_of(fields))
    except forms.PROBLEMS as problem:
        return _shown(request, me, known, forms.refused("handover", fields, problem, me))
    done = [one.done for one in outcomes if one.done is not None]
    if not done:
        return _shown(request, me, known, Filled("handover", fields), outcomes)
    response = _shown(request, me.after(done[-1].position), known, Filled(), outcomes)
    response.set_cookie(POSITION_COOKIE, me.site.seal("position", done[-1].position), **secure_cookie(request))
    return response


def _shown(request: Request, me: Caller, known: Known, form: Filled, outcomes: Sequence[Outcome] = ()) -> HTMLResponse:
    work = open_work.of_person(me, known)
    return rights_page(
        request,
        me,
        "rights_handover.html",
        status=form.told.status if form.told else 200,
        form=form,
        person=known.file,
        work=work,
        outcomes=outcomes,
        **choices(me, known, work),
    )


def choices(me: Caller, known: Known, work: OpenWork) -> dict[str, Any]:
    """What the form of handing over needs: `successors`, and the manager as `default`."""
    successors = open_work.successors(me, known) if work.listed else []
    managers = open_work.managers_of(me, known)
    return {"successors": successors, "default": next((one.id for one in successors if one.id in managers), "")}


def _chosen(me: Caller, fields: Mapping[str, str]) -> NewHandOvers:
    """The body of a sent form. Somebody else, by user name, goes before the one chosen for all."""
    to = {name.removeprefix("to-"): value for name, value in fields.items() if name.startswith("to-") and value}
    other, everything = fields.get("other", "").strip(), fields.get("all", "")
    if other:
        found = standing.of(me.tenant.ledger).called(other)
        if found is None:
            raise NotFound("person", other[:100])
        everything = found
    given: dict[str, Any] = {
        "all": everything,
        "records": [{"record": record, "to": value} for record, value in to.items() if value != KEEP],
        "kept": [record for record, value in to.items() if value == KEEP],
    }
    return forms.parse(NewHandOvers, given)


def _person(fields: Mapping[str, str]) -> UUID:
    try:
        return UUID(fields.get("person", "").strip())
    except ValueError:
        raise Refused("rights.person_missing", "4.5.29") from None
