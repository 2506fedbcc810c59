"""The session of somebody who is logged in: as what it goes on, where else the same person is logged in, and its end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from api.login.fresh import require_fresh_login
from api.login.logins import Logins
from api.login.sessions import Session
from api.requests import SESSION_COOKIE, Caller, caller_of, secure_cookie, site_of
from api.web import forms
from api.web.page import page
from api.web.pages_login import own_words, set_session, tried
from domain.handlers import standing
from domain.model.errors import Refused
from domain.model.login import ELSEWHERE, LOCAL, SELF

router = APIRouter(include_in_schema=False)


@router.get("/session")
def session_page(request: Request) -> HTMLResponse:
    """This login, the profiles to choose between, and the other logins of the same person."""
    me, logins, session = _mine(request)
    return _shown(request, me, logins, session)


@router.post("/session/profile", response_model=None)
def choose(request: Request) -> Response:
    """Go on with the administration roles alone or without them, and for oneself or for another."""
    me, logins, session = _mine(request)
    fields = forms.read(request)
    forms.check(request, me, fields)
    try:
        acting_for = UUID(fields["acting_for"]) if fields.get("acting_for") else None
    except ValueError:
        raise Refused("login.profile") from None
    token = logins.choose(session, fields.get("profile") == "administration", acting_for)
    return _back(request, me, token)


@router.post("/session/end-others", response_model=None)
def end_others(request: Request) -> Response:
    """Log out everywhere else: for somebody who has shown a short while ago who it is (ASVS 5.0, 7.5.2)."""
    me, logins, session = _mine(request)
    require_fresh_login(me)
    forms.check(request, me, forms.read(request))
    logins.end_all(session.person, ELSEWHERE, but=session)
    return _back(request, me, "")


@router.post("/session/password", response_model=None)
def change_password(request: Request) -> Response:
    """Another password for the local account, with the old one and a code; every other login of the person ends."""
    me, logins, session = _mine(request)
    fields = forms.read(request)
    try:
        forms.check(request, me, fields)
        if session.factors.method != LOCAL:
            raise Refused("login.no_account")
        if fields.get("new_password", "") != fields.get("repeated", ""):
            raise Refused("password.repeated")
        user = standing.of(me.tenant.ledger).person(str(session.person)).file.user
        names = (user.user_name, user.name) if user is not None else ()
        token = logins.change_password(session, tried(request, me, fields), fields.get("new_password", ""), own_words(me, *names))
    except forms.PROBLEMS as problem:
        return _shown(request, me, logins, session, forms.refused("password", {}, problem, me))
    return _back(request, me, token)


@router.post("/logout", response_model=None)
def log_out(request: Request) -> Response:
    """End the session."""
    me, logins, session = _mine(request)
    forms.check(request, me, forms.read(request))
    logins.end(session, SELF)
    response = RedirectResponse(f"{me.prefix}/login", 303)
    response.delete_cookie(me.site.cookie_name(request, SESSION_COOKIE), **{**secure_cookie(request), "samesite": "lax"})
    response.headers["Clear-Site-Data"] = '"cache"'
    return response


def _mine(request: Request) -> tuple[Caller, Logins, Session]:
    """Who is logged in. Refused `login.required`; `login.no_session` where nobody logs in."""
    me = caller_of(request)
    logins = site_of(request).logins_for(request)
    if logins is None or me.session is None:
        raise Refused("login.no_session")
    return me, logins, me.session


def _shown(request: Request, me: Caller, logins: Logins, session: Session, form: forms.Filled | None = None) -> HTMLResponse:
    both, others = logins.profiles(session)
    values: Mapping[str, Any] = {
        "session": session,
        "both": both,
        "others": [(str(one), me.name_of(str(one))) for one in others],
        "logins": [(one, one.token == session.token) for one in logins.sessions.of(session.person, logins.now())],
        "local": session.factors.method == LOCAL,
        "left": logins.accounts.recovery_left(session.person),
    }
    status = form.told.status if form is not None and form.told is not None else 200
    return page(request, me, "login_session.html", status=status, form=form or forms.Filled(), **values)


def _back(request: Request, me: Caller, token: str) -> Response:
    response = RedirectResponse(f"{me.prefix}/session", 303)
    if token:
        set_session(request, me, response, token)
    return response
