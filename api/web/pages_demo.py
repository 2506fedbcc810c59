"""What only a demonstration offers: choosing who one is, and moving its clock forward."""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse

from api import reads
from api.requests import PERSON_COOKIE, Caller, caller_of, secure_cookie
from api.web import forms
from api.web.shell import local_path
from domain.model.errors import Refused

router = APIRouter(prefix="/demo", include_in_schema=False)


@router.post("/person")
def choose(request: Request) -> RedirectResponse:
    """Play one of the demonstration's people; anybody else is refused."""
    me = caller_of(request)
    reads.permit(me, reads.Query.CHOOSE_PERSON)
    fields = forms.read(request)
    chosen = fields.get("person", "")
    if me.site.demo is None or chosen not in dict(me.site.demo.people):
        raise Refused("demo.person")
    response = _back(me, fields)
    response.set_cookie(PERSON_COOKIE, chosen, **secure_cookie(request))
    return response


@router.post("/clock")
def move(request: Request) -> RedirectResponse:
    """Move the demonstration's clock, all of its time, forward to a local date and time. Refused `demo.clock`."""
    me = caller_of(request)
    reads.permit(me, reads.Query.MOVE_CLOCK)
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


def _back(me: Caller, fields: dict[str, str]) -> RedirectResponse:
    return RedirectResponse(me.prefix + local_path(fields.get("next", "/")), 303)
