"""The running journal: searched, filtered, a page at a time."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse

from api import commands, reads
from api.requests import caller_of
from api.web import forms
from api.web.forms import Filled
from api.web.page import page, turn
from api.web.pages import unit_path
from api.web.pages_cases import Codes, PageNumber, Words
from domain.model import codes
from domain.model.errors import Refused
from projections.journal.read import Found, Search

router = APIRouter(include_in_schema=False)
Given = Annotated[str, Query(max_length=40)]


@router.get("/journal")
def journal(
    request: Request,
    q: Words = "",
    since: Given = "",
    until: Given = "",
    status: Codes = None,
    type: Codes = None,
    unanswered: bool = False,
    page_: Annotated[PageNumber, Query(alias="page")] = 1,
) -> Response:
    """The journal, newest number first; a number as search word leads straight to its unit."""
    me = caller_of(request)
    straight = unit_path(me, q)
    if straight is not None:
        return RedirectResponse(me.prefix + straight, 303)
    asked = {"q": q, "since": since, "until": until, "status": _some(status), "type": _some(type), "unanswered": unanswered}
    behind = not me.up_to_date()
    form = Filled("journal")
    try:
        commands.require_code(codes.ENTRY_STATUS, _some(status), "journalstatus", "M053")
        commands.require_code(codes.ENTRY_TYPE, _some(type), "journalposttype", "M082")
        wanted = Search(q, _day("since", since), _day("until", until), _some(status), _some(type), unanswered, page_ - 1)
        found = reads.journal(me, wanted)
    except forms.PROBLEMS as problem:
        form = forms.refused("journal", {}, problem, me)
        reads.permit(me, reads.Query.SEARCH_JOURNAL)
        found = Found([], 0)
    shown_status = form.told.status if form.told else 200
    return page(
        request,
        me,
        "journal.html",
        found=found,
        asked=asked,
        turn=turn(me, "/journal", asked, page_, found.more),
        behind=behind,
        form=form,
        search=q,
        status=shown_status,
    )


def _some(given: list[str] | None) -> list[str]:
    return [one for one in given or [] if one]


def _day(name: str, given: str) -> date | None:
    if not given:
        return None
    try:
        return date.fromisoformat(given)
    except ValueError:
        raise Refused("date.malformed", "", {"field": name, "given": given}) from None
