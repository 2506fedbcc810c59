"""For whom one acts: a substitute chooses it for the session, and every page says so until the own work is chosen again (R12)."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from api import people
from api.requests import ACTING_COOKIE, Caller, caller_of, secure_cookie, site_of
from api.web import forms
from api.web.forms import Filled
from api.web.page import page
from api.web.pages_login import set_session
from domain.handlers import standing
from domain.handlers.people import represented
from domain.model.access import Subject
from domain.model.errors import Refused

router = APIRouter(prefix="/acting", include_in_schema=False)


@router.get("")
def show(request: Request) -> HTMLResponse:
    """For whom the reader may act, and now acts."""
    return _page(request, caller_of(request), Filled())


def _page(request: Request, me: Caller, form: Filled) -> HTMLResponse:
    _permit(me)
    status = form.told.status if form.told else 200
    others = [(one, me.name_of(one)) for one in represented(me.tenant.ledger, me.actor.id)]
    return page(request, me, "acting.html", status=status, form=form, others=others, chosen=me.actor.acting_for or "")


def _permit(me: Caller) -> None:
    """Whoever reads the own rights may say for whom to act."""
    own = Subject(people.ADMINISTRATION, authors=frozenset(people.selves(me)), concerns=me.actor.id)
    people.permit(me, people.Query.READ_RIGHTS, own)


@router.post("", response_model=None)
def choose(request: Request) -> Response:
    """Act for somebody, or for oneself again. Refused `login.profile` where the reader is no substitute of that person."""
    me = caller_of(request)
    fields = forms.read(request)
    _permit(me)
    wanted = fields.get("acting_for", "").strip()
    try:
        forms.check(request, me, fields)
        if wanted and wanted not in represented(me.tenant.ledger, me.actor.id):
            raise Refused("login.profile")
    except forms.PROBLEMS as problem:
        return _page(request, me, forms.refused("acting", fields, problem, me))
    response = RedirectResponse(f"{me.prefix}/acting", 303)
    logins = site_of(request).logins_for(request)
    if logins is not None and me.session is not None:
        other = standing.uuid_of(wanted)
        set_session(request, me, response, logins.choose(me.session, me.session.administers, other))
    elif wanted:
        response.set_cookie(ACTING_COOKIE, wanted, **secure_cookie(request))
    else:
        response.delete_cookie(ACTING_COOKIE, **secure_cookie(request))
    return response
