"""REST on registry entries and their sign-offs."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from api import commands, reads
from api.bodies import EntryChange, NewSignOff
from api.requests import caller_of
from api.rest.answers import MADE, VERSIONED, IdempotencyKey, IfMatch, Written, shown, written
from api.rest.shapes import Unit
from api.writes import perform
from domain.ledger.identity import new_id
from domain.model.registry_entry import SignedOff
from projections.view import ENTRY

router = APIRouter(tags=["entries"])
STANDING = {"model": Written, "description": "Nothing was recorded: the same sign-off stands already."}


@router.get("/entries/{entry}", response_model=Unit, responses=VERSIONED)
def get_entry(request: Request, entry: UUID) -> JSONResponse:
    """A registry entry with its parties, sign-offs and documents."""
    return shown(reads.unit(caller_of(request), ENTRY, entry))


@router.patch("/entries/{entry}", response_model=Written)
def change_entry(request: Request, entry: UUID, body: EntryChange, if_match: IfMatch = None) -> JSONResponse:
    """Change status, dates or title of an entry."""
    me = caller_of(request)
    handle = commands.expecting(entry, if_match, lambda work: commands.change_entry(work, entry, body))
    return written(request, me, perform(me, (entry,), handle), entry)


@router.post("/entries/{entry}/sign-offs", status_code=201, response_model=Written, responses={**MADE, 200: STANDING})
def sign_off(request: Request, entry: UUID, body: NewSignOff, key: IdempotencyKey = None) -> JSONResponse:
    """Mark an entry as answered (avskrive), for one party or all (M617-M619)."""
    me = caller_of(request)
    fresh = new_id()
    given = (one for one in (entry, body.party, body.answered_by) if one is not None)
    done = perform(me, (entry,), lambda work: commands.sign_off(work, fresh, entry, body), key=key, given=given)
    if not done.facts:  # the same sign-off stands already: which one it is, the entry says
        return written(request, me, done, entry)
    unit = done.fact(SignedOff).sign_off
    return written(request, me, done, unit, 201, f"/api/v1/entries/{entry}")


@router.delete("/entries/{entry}/sign-offs/{sign_off_id}", response_model=Written)
def take_back(request: Request, entry: UUID, sign_off_id: UUID) -> JSONResponse:
    """Take a sign-off back: its party is unanswered again; a sign-off for all takes every one with it (3.4.7)."""
    me = caller_of(request)
    done = perform(me, (entry,), lambda work: commands.take_back(work, entry, sign_off_id))
    return written(request, me, done, entry)
