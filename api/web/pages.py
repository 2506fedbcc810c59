"""The front page, the choice of language, and the short way to a unit by its number."""

from __future__ import annotations

import re

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from api import reads
from api.requests import Caller, caller_of, secure_cookie, site_of
from api.web import forms
from api.web.page import page
from api.web.shell import local_path
from api.web.texts import COOKIE as LANGUAGE_COOKIE
from domain.model.errors import NotFound
from domain.model.ids import CASE_NUMBER, ENTRY_NUMBER
from projections.journal.read import Search

router = APIRouter(include_in_schema=False)
LATEST = 10
YEAR_S = 365 * 24 * 3600
_NUMBER = re.compile(r"(\d{4})[-/](\d{1,9})(?:-(\d{1,9}))?", re.ASCII)

# Each queue with the page that lists it; the keys are the journal's own.
QUEUES = (
    ("to_journal", "/journal?status=M&status=S&status=E&status=F&status=G"),
    ("unanswered", "/journal?unanswered=true"),
    ("reserved", "/journal?status=R"),
    ("open_cases", "/cases?status=B"),
    ("reserved_cases", "/cases?status=R"),
)


@router.get("/")
def front(request: Request) -> HTMLResponse:
    """What waits, what came last, and how the log stands."""
    me = caller_of(request)
    behind = not me.up_to_date()
    counts = reads.queues(me)
    latest = reads.journal(me, Search(limit=LATEST))
    queues = [(name, path, counts[name]) for name, path in QUEUES]
    return page(
        request,
        me,
        "front.html",
        queues=queues,
        latest=latest,
        head=reads.head(me),
        checkpoint=reads.checkpoint(me),
        behind=behind,
    )


@router.get("/go/{number:path}")
def go(request: Request, number: str) -> RedirectResponse:
    """To the case 2026-412 or its entry 2026-412-3. Raises NotFound."""
    me = caller_of(request)
    found = unit_path(me, number)
    if found is None:
        reads.permit_list(me, reads.Query.FIND_NUMBER)
        raise NotFound("unit", number[:80])
    return RedirectResponse(me.prefix + found, 303)


def unit_path(me: Caller, number: str) -> str | None:
    """The page of the unit with this number, or None."""
    match = _NUMBER.fullmatch(number.strip())
    if match is None:
        return None
    year, sequence, entry = match.groups()
    kind, key = (CASE_NUMBER, f"{year}/{sequence}") if entry is None else (ENTRY_NUMBER, f"{year}/{sequence}-{entry}")
    unit = reads.numbered(me, kind, key)
    return f"/{'cases' if entry is None else 'entries'}/{unit}" if unit else None


@router.post("/language")
def language(request: Request) -> RedirectResponse:
    """Remember the choice of language and go back."""
    fields = forms.read(request)
    prefix = str(request.scope.get("root_path", ""))
    response = RedirectResponse(prefix + local_path(fields.get("next", "/")), 303)
    chosen = fields.get("language", "")
    if chosen in site_of(request).catalogues.offered:
        marks = {**secure_cookie(request), "samesite": "lax"}  # a link from elsewhere opens in the reader's language too
        response.set_cookie(LANGUAGE_COOKIE, chosen, max_age=YEAR_S, **marks)
    return response
