"""The fence around the application: every request passes it inwards, every answer outwards.

Inwards: the municipality is found, foreign hosts and sites are refused, a request that grows past its limit is cut as it comes.
Outwards: security headers, and for every exception an explanation instead of a trace.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any
from urllib.parse import quote, urlsplit

import psycopg
from fastapi import Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from starlette.datastructures import Headers, MutableHeaders

from api import errors
from api.requests import ENDED, TENANT, Site, host_of, route_path, site_of
from api.scim import problems
from api.web import shell
from api.web.page import demo_bar
from domain.ledger.identity import new_id
from domain.model.errors import DagbokError, Refused

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_RECORD = re.compile(r"/(?:cases|entries|documents|history)/([0-9a-f-]{36})(?:/|$)", re.ASCII)
_log = logging.getLogger(__name__)


class Fence:
    """ASGI middleware around the whole application."""

    def __init__(self, app: Application, site: Site) -> None:
        self._app = app
        self._site = site

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Pass one request in and its answer out."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope = self._site.place(scope)
        gate = _Outwards(scope, send)
        try:
            self._admit(scope)
            await self._app(scope, _Measured(receive, self._limit(scope)), gate)
        except Exception as problem:
            if gate.started:  # the status has left: only a broken connection can still say that the answer is not whole
                raise
            scope.setdefault("app", None)
            await _answer(self._site, Request(scope), problem)(scope, receive, gate)

    def _admit(self, scope: MutableMapping[str, Any]) -> None:
        headers = Headers(scope=scope)
        if not self._site.knows_host(host_of(scope)):
            raise Refused("request.host")
        if scope["method"] not in SAFE_METHODS and is_foreign(headers):
            raise Refused("request.foreign")
        declared = headers.get("content-length", "")
        if declared.isascii() and declared.isdigit() and int(declared[:19]) > self._limit(scope):
            raise Refused("request.too_large")

    def _limit(self, scope: MutableMapping[str, Any]) -> int:
        """Files come as multipart and are streamed; anything else is read whole and so has the limit of a message."""
        settings = self._site.settings
        multipart = Headers(scope=scope).get("content-type", "").lower().startswith("multipart/")
        return settings.request_limit if multipart else min(settings.request_limit, settings.xml_limit)


def is_foreign(headers: Headers) -> bool:
    """Whether a browser says that another site made it send this. Clients that are no browsers send neither header."""
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return True
    origin = headers.get("origin")
    return origin is not None and urlsplit(origin).netloc.lower() != headers.get("host", "").lower()


class _Measured:
    """Counts the bytes of a request as they come; past the limit it is cut, whatever length it declared."""

    def __init__(self, receive: Receive, limit: int) -> None:
        self._receive = receive
        self._left = limit

    async def __call__(self) -> Message:
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            raise Refused("request.too_large")
        return message


class _Outwards:
    """Adds the headers that every answer carries."""

    def __init__(self, scope: MutableMapping[str, Any], send: Send) -> None:
        self._send = send
        versioned = scope["path"].startswith("/static/") and b"v=" in scope.get("query_string", b"")
        self._cache = "public, max-age=31536000, immutable" if versioned else "no-store"
        self.started = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            headers = MutableHeaders(scope=message)
            for name, value in shell.SECURITY_HEADERS.items():
                headers.setdefault(name, value)
            headers.setdefault("Cache-Control", self._cache if message["status"] < 400 else "no-store")
        await self._send(message)


def answer(request: Request, problem: Exception) -> Response:
    """The answer to a request that was refused or failed: problem+json under /api, a page elsewhere."""
    return _answer(site_of(request), request, problem)


def _answer(site: Site, request: Request, problem: Exception) -> Response:
    cause = problem.__cause__  # the framework wraps what our own receive raised while it read a body
    told = errors.explain(cause if isinstance(cause, Refused) else problem, site.texts(request))
    reference = _logged(problem, request) if told.status >= 500 else ""
    if route_path(request.scope).startswith("/scim/"):
        return problems.answer(told)
    if route_path(request.scope).startswith("/api/"):
        content = errors.problem_json(told, f"urn:uuid:{reference}" if reference else "")
        headers = {**told.headers, "Content-Language": site.texts(request).language}
        return JSONResponse(content, told.status, headers, media_type=errors.PROBLEM_JSON)
    if told.status == 401 and told.code.startswith("login."):
        return _to_login(request, told)
    return HTMLResponse(_page(site, request, told, reference), told.status, told.headers)


def _to_login(request: Request, told: errors.Explanation) -> Response:
    """To where one logs in, or shows again who one is, and from there back. What was sent along is not kept: a form is filled in
    again, on the page that it stood on."""
    prefix = str(request.scope.get("root_path", ""))
    here = _path(request.scope["path"], request.scope.get("query_string", b"").decode("latin-1"))
    if request.method not in SAFE_METHODS:
        before = urlsplit(request.headers.get("referer", ""))
        here = _path(before.path, before.query) if before.netloc == request.headers.get("host", "") else "/"
    onward = shell.local_path(here.removeprefix(prefix) or "/")
    where = f"{prefix}/login{'/again' if told.code == 'login.stale' else ''}?next={quote(onward, safe='/')}"
    if told.code in ENDED.values():
        where += f"&ended={told.code.removeprefix('login.')}"
    if request.headers.get("hx-request") == "true":  # a piece of a page: the whole page goes, not the piece
        return Response(status_code=401, headers={**told.headers, "HX-Redirect": where})
    return RedirectResponse(where, 303)


def _path(path: str, query: str) -> str:
    return f"{path}?{query}" if query else path


def _page(site: Site, request: Request, told: errors.Explanation, reference: str) -> str:
    texts = site.texts(request)
    prefix = str(request.scope.get("root_path", "")) if request.scope.get(TENANT) else ""
    why = f"{told.detail} ({texts('fault.requirement', number=told.requirement)})" if told.requirement else told.detail
    closed = _RECORD.match(route_path(request.scope)) if told.code.startswith("access.") else None
    ask = f"/access/{closed[1]}" if closed is not None else ""
    fault = shell.Fault(told.status, told.title, why, told.way_out, told.code, reference, ask)
    shown = request.method == "GET"  # only such an address can be come back to
    path = route_path(request.scope) if shown else "/"
    query = request.scope.get("query_string", b"").decode("latin-1") if shown else ""
    municipality = site.municipalities.get(str(request.scope.get(TENANT)), texts("shell.product.name"))
    bar = _demo_bar(site, request, told.status)
    frame = shell.Frame(texts, municipality, path, site.catalogues.offered, prefix, query, demo=bar)
    return shell.render(site.templates, "error.html", frame, fault=fault)


def _demo_bar(site: Site, request: Request, status: int) -> shell.DemoBar | None:
    """A visitor whose person may nothing must be able to play another; not where a page of ours itself has failed."""
    if status >= 500 or not request.scope.get(TENANT):
        return None
    with suppress(DagbokError, psycopg.Error):
        return demo_bar(request, site)
    return None


def _logged(problem: Exception, request: Request) -> str:
    reference = str(new_id())
    known = isinstance(
        problem, DagbokError | psycopg.OperationalError | psycopg.InterfaceError
    )  # what a trace would not explain better
    said = {"reference": reference, "path": route_path(request.scope), "problem": str(problem)}
    _log.error("request-failed", exc_info=None if known else problem, extra=said)
    return reference
