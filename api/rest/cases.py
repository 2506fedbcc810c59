"""REST on case files."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse

from api import commands, reads
from api.bodies import CaseChange, NewCase, NewEntry
from api.requests import caller_of, digest_of
from api.rest.answers import MADE, VERSIONED, IdempotencyKey, IfMatch, Written, listed, page_number, shown, written
from api.rest.shapes import CasePage, Unit
from api.writes import perform
from domain.ledger.identity import new_id
from domain.model import codes
from domain.model.case_file import CaseFileCreated
from domain.model.registry_entry import EntryRegistered
from projections.journal.read import Search
from projections.view import CASE

router = APIRouter(tags=["cases"])
Words = Annotated[str, Query(max_length=200, pattern=r"^[^\x00-\x1f]*$")]
Limit = Annotated[int, Query(ge=1, le=200)]


@router.post("/cases", status_code=201, response_model=Written, responses=MADE)
def create_case(request: Request, body: NewCase, key: IdempotencyKey = None) -> JSONResponse:
    """Create a case file; its number is given with it, gap-free within the year (M012)."""
    me = caller_of(request)
    fresh = new_id()
    done = perform(me, (), lambda work: commands.new_case(work, fresh, body), key=key)
    unit = done.unit(CaseFileCreated)
    return written(request, me, done, unit, 201, f"/api/v1/cases/{unit}")


@router.get("/cases", response_model=CasePage)
def list_cases(
    request: Request,
    q: Words = "",
    status: Annotated[list[str] | None, Query(max_length=20)] = None,
    limit: Limit = 50,
    cursor: str | None = None,
) -> JSONResponse:
    """Cases, newest number first."""
    me = caller_of(request)
    statuses = commands.require_code(codes.CASE_STATUS, status or [], "saksstatus", "M052")
    query = digest_of("cases", me.tenant.name, q, statuses, limit)
    page = page_number(me, query, cursor)
    up_to_date = me.up_to_date()
    found = reads.cases(me, Search(words=q, statuses=statuses, page=page, limit=limit))
    following = me.site.seal("cursor", f"{query}:{page + 1}") if found.more else None
    return listed("cases", found.rows, found.total, following, up_to_date)


@router.get("/cases/{case}", response_model=Unit, responses=VERSIONED)
def get_case(request: Request, case: UUID) -> JSONResponse:
    """A case file with its parties, classes and entries."""
    return shown(reads.unit(caller_of(request), CASE, case))


@router.patch("/cases/{case}", response_model=Written)
def change_case(request: Request, case: UUID, body: CaseChange, if_match: IfMatch = None) -> JSONResponse:
    """Change title, status or responsible of a case file."""
    me = caller_of(request)
    handle = commands.expecting(case, if_match, lambda work: commands.change_case(work, case, body))
    return written(request, me, perform(me, (case,), handle), case)


@router.post("/cases/{case}/entries", status_code=201, response_model=Written, responses=MADE)
def register_entry(request: Request, case: UUID, body: NewEntry, key: IdempotencyKey = None) -> JSONResponse:
    """Register an entry in an open case (2.5.5)."""
    me = caller_of(request)
    fresh = new_id()
    done = perform(me, (case,), lambda work: commands.new_entry(work, fresh, case, body), key=key, given=(case,))
    unit = done.unit(EntryRegistered)
    return written(request, me, done, unit, 201, f"/api/v1/entries/{unit}")
