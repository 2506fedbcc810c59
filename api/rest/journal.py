"""REST on the running journal and on the history of a unit."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse

from api import commands, reads
from api.bodies import Day
from api.requests import caller_of, digest_of
from api.rest.answers import listed, page_number
from api.rest.cases import Limit, Words
from api.rest.shapes import EntryPage, History
from domain.model import codes
from projections.history import history
from projections.journal.read import Search

router = APIRouter(tags=["journal"])
Codes = Annotated[list[str] | None, Query(max_length=20)]


@router.get("/journal", response_model=EntryPage)
def search_journal(
    request: Request,
    q: Words = "",
    since: Day | None = None,
    until: Day | None = None,
    status: Codes = None,
    type: Codes = None,
    unanswered: bool = False,
    limit: Limit = 50,
    cursor: str | None = None,
) -> JSONResponse:
    """The running journal, newest number first. since, until: journal dates (M101), inclusive."""
    me = caller_of(request)
    statuses = commands.require_code(codes.ENTRY_STATUS, status or [], "journalstatus", "M053")
    types = commands.require_code(codes.ENTRY_TYPE, type or [], "journalposttype", "M082")
    query = digest_of("journal", me.tenant.name, q, since, until, statuses, types, unanswered, limit)
    page = page_number(me, query, cursor)
    up_to_date = me.up_to_date()
    found = reads.journal(me, Search(q, since, until, statuses, types, unanswered, page, limit))
    following = me.site.seal("cursor", f"{query}:{page + 1}") if found.more else None
    return listed("entries", found.rows, found.total, following, up_to_date)


@router.get("/units/{unit}/history", response_model=History)
def unit_history(request: Request, unit: UUID) -> JSONResponse:
    """Who did and signed what on a case, entry or document, when, and on which bytes."""
    me = caller_of(request)
    reads.permit_history(me, unit)
    return JSONResponse(history(me.tenant.ledger.reader, unit, me.texts, me.name_of))
