"""What only a demonstration offers: choosing who one is, and moving its clock forward."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse

from api import players, reads
from api.people import may
from api.requests import PERSON_COOKIE, Caller, caller_of, secure_cookie
from api.web import forms
from api.web.shell import local_path
from domain.model.errors import Refused

router = APIRouter(prefix="/demo", include_in_schema=False)


@router.post("/person")
def choose(request: Request) -> RedirectResponse:
    """Play one of the demonstration's people, or whoever was ordered for since; anybody else is refused `demo.person`."""
    me = caller_of(request)
    _permit(me, reads.Query.CHOOSE_PERSON)
    fields = forms.read(request)
    assert me.site.demo is not None
    chosen = players.chosen(dict(me.site.demo.people), me.tenant, fields.get("person", ""))
    if chosen is None:
        raise Refused("demo.person")
    response = _back(me, fields)
    response.set_cookie(PERSON_COOKIE, chosen, **secure_cookie(request))
    return response


@router.post("/clock")
def move(request: Request) -> RedirectResponse:
    """Move the demonstration's clock, all of its time, forward to a local date and time. Refused `demo.clock`."""
    me = caller_of(request)
    _permit(me, reads.Query.MOVE_CLOCK)
    fields = forms.read(request)
    assert me.site.demo is not None
    try:
        wanted = datetime.fromisoformat(fields.get("to", ""))
        if wanted.year > 9000:
            raise ValueError(wanted)
        me.site.demo.clock.move_to(wanted.replace(tzinfo=me.texts.zone) if wanted.tzinfo is None else wanted)
    except (ValueError, OverflowError):
        raise Refused("demo.clock") from None
    return _back(me, fields)


def _permit(me: Caller, query: reads.Query) -> None:
    """Ask the gate for the visitor, who is none of the people: where the one played may nothing any more, any other may."""
    assert me.site.demo is not None
    people = dict(me.site.demo.people)
    others = (replace(me, actor=players.actor(people, me.tenant, one)) for one in people)
    reads.permit(next((one for one in (me, *others) if may(one, query)), me), query)


def _back(me: Caller, fields: dict[str, str]) -> RedirectResponse:
    return RedirectResponse(me.prefix + local_path(fields.get("next", "/")), 303)
