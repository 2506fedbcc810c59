"""Logging in: by a local account, at the provider, and once more before an act that decides.

These pages stand open: whoever sees them is not known yet. They show nothing of the ledger, and every form carries the mark of
the browser that it was given to, so that nobody is logged in as somebody else without noticing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from api.login import codes
from api.login.accounts import DEVICE_DAYS
from api.login.flow import LASTS
from api.login.logins import Entered, Logins, Tried
from api.login.sessions import Session
from api.requests import ENDED, SESSION_COOKIE, Caller, route_path, secure_cookie, site_of
from api.web import forms, shell
from api.web.page import municipality
from api.web.shell import local_path
from domain.handlers import standing
from domain.handlers.gate import Actor
from domain.model.errors import Refused
from domain.model.login import LOCAL

router = APIRouter(include_in_schema=False)
FLOW_COOKIE, DEVICE_COOKIE = "dagbok_under_way", "dagbok_device"
FLOW_S, DEVICE_S = int(LASTS.total_seconds()), DEVICE_DAYS * 24 * 3600


@router.get("/login", response_model=None)
def login(request: Request, next: str = "/", ended: str = "") -> Response:
    """Where people log in; onward where they are in already. ended: why a session just did, in words of `ENDED`."""
    me, logins = _visitor(request)
    if logins is None or logins.find(me.site.cookie(request, SESSION_COOKIE)) is not None:
        return RedirectResponse(me.prefix + local_path(next), 303)
    told = f"login.{ended}" if f"login.{ended}" in ENDED.values() else ""
    return shown(request, me, "login.html", onward=local_path(next), provider=logins.has_provider, ended=told)


@router.post("/login", response_model=None)
def enter(request: Request) -> Response:
    """Log in to a local account."""
    me, logins = _visitor(request)
    fields = forms.read(request)
    if logins is None:
        return RedirectResponse(me.prefix or "/", 303)
    onward = local_path(fields.get("next", "/"))
    try:
        forms.check(request, me, fields)
        entered = logins.enter(tried(request, me, fields))
    except forms.PROBLEMS as problem:
        return _again(request, me, "login.html", "login", fields, problem, onward=onward, provider=logins.has_provider)
    return let_in(request, me, logins, entered, onward)


@router.get("/login/oidc", response_model=None)
def go_out(request: Request, next: str = "/", again: bool = False) -> Response:
    """To the provider. again: to show anew who one is. Refused `login.no_provider`; ProviderAway."""
    me, logins = _visitor(request)
    if logins is None:
        return RedirectResponse(me.prefix or "/", 303)
    session = required(request, me, logins) if again else None
    sent = logins.send(me.prefix, local_path(next), session)
    response = RedirectResponse(sent.address, 303)
    # Lax, not strict: the provider's site sends the browser back here
    marks = {**secure_cookie(request), "samesite": "lax"}
    response.set_cookie(me.site.cookie_name(request, FLOW_COOKIE), sent.token, max_age=FLOW_S, **marks)
    return response


@router.get("/login/callback", response_model=None)
def come_back(request: Request) -> Response:
    """From the provider, with its answer."""
    me, logins = _visitor(request)
    if logins is None:
        return RedirectResponse(me.prefix or "/", 303)
    names = list(request.query_params.keys())
    answer = dict(request.query_params) if len(set(names)) == len(request.query_params.multi_items()) else {}
    try:
        current = logins.find(me.site.cookie(request, SESSION_COOKIE))
        sent = me.site.cookie(request, FLOW_COOKIE)
        entered = logins.come_back(me.prefix, sent, answer, address_of(request), current)
    except forms.PROBLEMS as problem:
        response: Response = _again(request, me, "login.html", "oidc", {}, problem, onward="/", provider=True)
    else:
        response = let_in(request, me, logins, entered, entered.onward)
    response.delete_cookie(me.site.cookie_name(request, FLOW_COOKIE), **{**secure_cookie(request), "samesite": "lax"})
    return response


@router.get("/login/again", response_model=None)
def ask_again(request: Request, next: str = "/") -> Response:
    """Where somebody who is in shows once more who it is. Refused `login.required`."""
    me, logins = _visitor(request)
    if logins is None:
        return RedirectResponse(me.prefix + local_path(next), 303)
    session = required(request, me, logins)
    return shown(request, me, "login_again.html", onward=local_path(next), local=session.factors.method == LOCAL)


@router.post("/login/again", response_model=None)
def show_again(request: Request) -> Response:
    """Show once more who one is, by the local account."""
    me, logins = _visitor(request)
    fields = forms.read(request)
    if logins is None:
        return RedirectResponse(me.prefix or "/", 303)
    session = required(request, me, logins)
    onward = local_path(fields.get("next", "/"))
    try:
        forms.check(request, me, fields)
        token = logins.step_up(session, tried(request, me, fields))
    except forms.PROBLEMS as problem:
        return _again(request, me, "login_again.html", "again", fields, problem, onward=onward, local=True)
    response = RedirectResponse(me.prefix + onward, 303)
    set_session(request, me, response, token)
    return response


@router.get("/login/set-up", response_model=None)
def set_up(request: Request, link: str = "") -> Response:
    """Where somebody sets up a local account, by the one-time link. Refused `login.link`."""
    me, logins = _visitor(request)
    if logins is None:
        return RedirectResponse(me.prefix or "/", 303)
    return shown(request, me, "login_set_up.html", **_invited(me, logins, link))


@router.post("/login/set-up", response_model=None)
def make_account(request: Request) -> Response:
    """Set up a local account, and show its recovery codes, once."""
    me, logins = _visitor(request)
    fields = forms.read(request)
    if logins is None:
        return RedirectResponse(me.prefix or "/", 303)
    link = fields.get("link", "")
    invited = _invited(me, logins, link)
    try:
        forms.check(request, me, fields)
        if fields.get("password", "") != fields.get("repeated", ""):
            raise Refused("password.repeated")
        words = own_words(me, invited["user_name"], invited["person_name"])
        made = logins.set_up(link, fields.get("password", ""), fields.get("code", ""), words)
    except forms.PROBLEMS as problem:
        return _again(request, me, "login_set_up.html", "set-up", {}, problem, **invited)
    return shown(request, me, "login_codes.html", codes=made)


def shown(request: Request, me: Caller, name: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """A page of somebody who may not be known: without navigation, and without a word about the ledger."""
    nonce, fresh = forms.nonce_of(request, me)
    path = route_path(request.scope) if request.method == "GET" else "/login"
    query = request.url.query if request.method == "GET" else ""
    frame = shell.Frame(me.texts, municipality(me), path, me.site.catalogues.offered, me.prefix, query, bare=True)
    form = values.pop("form", forms.Filled())
    filled = {"token": forms.token_for(me, nonce), "once": "", "behind": False, "form": form, **values}
    headers = form.told.headers if form.told is not None else None
    response = HTMLResponse(shell.render(me.site.templates, name, frame, **filled), status, headers)
    if fresh:
        response.set_cookie(forms.COOKIE, me.site.seal("nonce", nonce), **secure_cookie(request))
    return response


def let_in(request: Request, me: Caller, logins: Logins, entered: Entered, onward: str) -> Response:
    """On to the wanted page with a new session; the one that the browser had before ends."""
    before = logins.find(me.site.cookie(request, SESSION_COOKIE))
    if before is not None:
        logins.end(before, "self")
    response = RedirectResponse(me.prefix + onward, 303)
    set_session(request, me, response, entered.token)
    if entered.device:
        name = me.site.cookie_name(request, DEVICE_COOKIE)
        response.set_cookie(name, entered.device, max_age=DEVICE_S, **secure_cookie(request))
    return response


def set_session(request: Request, me: Caller, response: Response, token: str) -> None:
    """Give the browser its session. It ends with the browser; the server ends it earlier."""
    # Lax, not strict: after the provider, and from a link in a letter, the first page is asked for by another site
    marks = {**secure_cookie(request), "samesite": "lax"}
    response.set_cookie(me.site.cookie_name(request, SESSION_COOKIE), token, **marks)


def required(request: Request, me: Caller, logins: Logins) -> Session:
    """The session of the request. Refused `login.required`."""
    session = logins.find(me.site.cookie(request, SESSION_COOKIE))
    if session is None:
        raise Refused("login.required", "4.1.1")
    return session


def tried(request: Request, me: Caller, fields: Mapping[str, str]) -> Tried:
    """What a form gave to log in with."""
    device = me.site.cookie(request, DEVICE_COOKIE)
    user_name, password, code = fields.get("user_name", "")[:200], fields.get("password", "")[:1_000], fields.get("code", "")[:40]
    return Tried(user_name, password, code, address_of(request), device)


def address_of(request: Request) -> str:
    """Where a request came from."""
    return request.client.host if request.client is not None else ""


def own_words(me: Caller, *names: str) -> tuple[str, ...]:
    """Words that are no secret of this person's."""
    return (*names, municipality(me), me.tenant.domain, me.texts("shell.product.name"))


def _visitor(request: Request) -> tuple[Caller, Logins | None]:
    site = site_of(request)
    prefix = str(request.scope.get("root_path", ""))
    return Caller(site, site.tenant(request), Actor(""), site.texts(request), prefix, ""), site.logins_for(request)


def _invited(me: Caller, logins: Logins, link: str) -> dict[str, Any]:
    """What the page of a one-time link shows."""
    invited = logins.accounts.invitation(link, logins.now())
    user = standing.of(me.tenant.ledger).person(str(invited.person)).file.user
    user_name = user.user_name if user is not None else str(invited.person)
    address = codes.address(invited.secret, user_name, municipality(me))
    return {
        "link": link,
        "user_name": user_name,
        "person_name": user.name if user is not None else "",
        "address": address,
        "picture": codes.picture(address),
        "secret": codes.written(invited.secret),
    }


def _again(
    request: Request, me: Caller, page: str, form: str, fields: Mapping[str, str], problem: Exception, **values: Any
) -> HTMLResponse:
    """The form once more, with what was wrong; what is secret is not sent back."""
    kept = {name: value for name, value in fields.items() if name == "user_name"}
    filled = forms.refused(form, kept, problem, me)
    assert filled.told is not None
    return shown(request, me, page, status=filled.told.status, **{"form": filled, "ended": "", **values})
