"""A page and what every page needs: its frame with chain status, the mark of its forms, and the way on after a write."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse

from api import log_reads
from api.players import choices
from api.requests import POSITION_COOKIE, Caller, Site, route_path, secure_cookie
from api.web import forms, shell
from api.web.said import Said, lenient
from api.writes import Done
from domain.ledger.identity import new_id
from projections import view


def page(request: Request, me: Caller, name: str, *, status: int = 200, search: str = "", **values: Any) -> HTMLResponse:
    """The page `name` in its frame. Every template has `say` (values in words), `token` and `once` (for forms), `behind`."""
    nonce, fresh = forms.nonce_of(request, me)
    form = values.get("form", forms.Filled())
    failed = form.told is not None and form.told.status >= 500
    shown = {
        "say": Said(me.texts, me.name_of),
        "token": forms.token_for(me, nonce),
        # what failed may have been done after all: sent again from here it must not be done twice
        "once": (failed and form.values.get("once")) or str(new_id()),
        "behind": False,
        "form": form,
        **{name: lenient(value) for name, value in values.items()},
    }
    headers = form.told.headers if form.told is not None else None
    response = HTMLResponse(shell.render(me.site.templates, name, frame(request, me, search), **shown), status, headers)
    if fresh:
        response.set_cookie(forms.COOKIE, me.site.seal("nonce", nonce), **secure_cookie(request))
    return response


def frame(request: Request, me: Caller, search: str = "") -> shell.Frame:
    """What the shell shows around a page."""
    site = me.site
    return shell.Frame(
        texts=me.texts,
        municipality=municipality(me),
        path=route_path(request.scope) if request.method == "GET" else "/",
        offered=site.catalogues.offered,
        prefix=me.prefix,
        query=request.url.query if request.method == "GET" else "",
        search=search,
        chain=chain_status(me),
        person=me.actor.name if me.session is not None else "",
        acting_for=me.name_of(me.actor.acting_for) if me.actor.acting_for is not None else "",
        demo=demo_bar(request, site),
        section=route_path(request.scope),
    )


def demo_bar(request: Request, site: Site) -> shell.DemoBar | None:
    """The strip above a demonstration's pages; None outside one."""
    demo = site.demo
    if demo is None:
        return None
    return shell.DemoBar(site.played(request), choices(demo.people, site.tenant(request)), demo.clock.now())


def chain_status(me: Caller) -> shell.ChainStatus:
    """The state of the open record chain for the footer."""
    ledger = me.tenant.ledger
    head = ledger.reader.head()
    found = log_reads.latest_checkpoint(ledger.reader)
    signed = found is not None and found.size == head.position
    stopped = ledger.writer.fault is not None
    return shell.ChainStatus(
        "stopped" if stopped else "signed" if signed else "waiting",
        head.position,
        head.chain_hash.hex(),
        found.covers_until if found else None,
    )


def municipality(me: Caller) -> str:
    """The name on the pages: that of the creator of the first fonds, else the domain. Read once."""
    names, tenant = me.site.municipalities, me.tenant
    if tenant.name not in names:
        reader = tenant.ledger.reader
        series = reader.claim("series-code", "SAK")
        fonds = (view.fold(reader.stream(series)) or {}).get("fonds") if series else None
        creators = (view.fold(reader.stream(UUID(fonds))) or {}).get("creators", []) if fonds else []
        if not creators or not creators[0].get("name"):
            return tenant.domain
        names[tenant.name] = str(creators[0]["name"])
    return names[tenant.name]


@dataclass(frozen=True, slots=True)
class Turn:
    """Where a list goes on. number: of this page, from 1; previous, following: addresses, empty where there is none."""

    number: int
    previous: str
    following: str


def turn(me: Caller, path: str, asked: Mapping[str, Any], number: int, more: bool) -> Turn:
    """The pages before and after this one, for the same search."""

    def address(wanted: int) -> str:
        kept = {name: value for name, value in asked.items() if value}
        return f"{me.prefix}{path}?{urlencode({**kept, 'page': wanted}, doseq=True)}"

    return Turn(number, address(number - 1) if number > 1 else "", address(number + 1) if more else "")


def onward(request: Request, me: Caller, done: Done, path: str) -> RedirectResponse:
    """To the page that shows what was written; the reader's mark goes along."""
    response = RedirectResponse(me.prefix + path, 303)
    response.set_cookie(POSITION_COOKIE, me.site.seal("position", done.position), **secure_cookie(request))
    return response
