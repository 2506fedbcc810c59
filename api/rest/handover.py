"""REST on what somebody has open, and on handing it over."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from api import handing_over, open_work, people
from api.errors import problem_json
from api.handing_over import NewHandOvers, Outcome
from api.requests import POSITION_HEADER, caller_of
from api.rest.answers import IdempotencyKey
from projections import view

router = APIRouter(tags=["rights"])
ROWS = 200


class OpenRecords(BaseModel):
    """Open work of one sort. total: how many; listed: those in the caller's lists; records: at most 200 of these: id, kind,
    number, status, code, and title, null where the caller may not read it and of what is coded."""

    total: int
    listed: int
    records: list[dict[str, Any]]


class OpenWork(BaseModel):
    """What somebody has open. waiting: what hangs on the person besides records, by sort."""

    cases: OpenRecords
    entries: OpenRecords
    drafts: OpenRecords
    waiting: dict[str, int]


class HandOvers(BaseModel):
    """What became of each record: its position in the log, or the problem (RFC 9457) that kept it where it is."""

    done: int
    refused: int
    results: list[dict[str, Any]]


@router.get("/people/{person}/open-work", response_model=OpenWork)
def read_open_work(request: Request, person: UUID) -> JSONResponse:
    """What somebody has open: cases owned, entries without an answer, drafts."""
    me = caller_of(request)
    open_work.permit(me, person)
    work = open_work.of_person(me, people.known(me, person), ROWS)
    parts = {
        one.name: {
            "total": one.total,
            "listed": one.listed,
            "records": [{name: view.plain(value) for name, value in row.items()} for row in one.rows],
        }
        for one in work.parts
    }
    return JSONResponse({**parts, "waiting": {one.what: one.total for one in work.waiting}})


@router.post("/people/{person}/handovers", response_model=HandOvers)
def hand_over(request: Request, person: UUID, body: NewHandOvers, key: IdempotencyKey = None) -> JSONResponse:
    """Hand over what somebody has open, each record by itself: what one is refused for holds up no other."""
    me = caller_of(request)
    open_work.permit(me, person)
    wanted = handing_over.targets(me, people.known(me, person), body)
    outcomes = handing_over.hand_over(me, person, wanted, key)
    done = [one.done for one in outcomes if one.done is not None]
    headers = {POSITION_HEADER: done[-1].position} if done else {}
    told = {"done": len(done), "refused": len(outcomes) - len(done), "results": [_told(one) for one in outcomes]}
    return JSONResponse(told, headers=headers)


def _told(one: Outcome) -> dict[str, Any]:
    about = {"record": str(one.record), "kind": one.kind or None, "number": one.number, "to": str(one.to)}
    if one.refused is not None:
        return {**about, "problem": problem_json(one.refused)}
    assert one.done is not None
    return {**about, "acknowledgement": one.done.acknowledgement()}
