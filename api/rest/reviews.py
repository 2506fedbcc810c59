"""REST on the yearly review of rights: how far it has come, and saying of many at once that they are still right."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from api import people, review
from api.errors import problem_json
from api.requests import POSITION_HEADER, caller_of
from api.rest.answers import IdempotencyKey
from api.review import NewReviews, Outcome
from domain.handlers import rights
from projections import view

router = APIRouter(tags=["rights"])


class ReviewCampaign(BaseModel):
    """rows: of the caller's staff, the longest unseen first. For whoever reads everybody's rights, others: due ones of other
    managers' staff; managers: how far each has come."""

    done: int
    total: int
    rows: list[dict[str, Any]]
    others: list[dict[str, Any]]
    managers: list[dict[str, Any]]


class Reviewed(BaseModel):
    """What became of each row: its position in the log, or the problem (RFC 9457) that it was refused for."""

    done: int
    refused: int
    results: list[dict[str, Any]]


@router.get("/rights/reviews", response_model=ReviewCampaign)
def read_reviews(request: Request) -> JSONResponse:
    """Rights and when somebody last looked at them. None lapses where nobody does."""
    me = caller_of(request)
    people.permit(me, rights.Review.ACTION, people.as_manager)
    people.organisation(me)
    found = review.campaign(me)
    told = [{**view.plain(one), "left": one.left} for one in found.managers]
    rows, others = ([review.as_json(row) for row in some] for some in (found.rows, found.others))
    done = len(found.rows) - len(found.due)
    return JSONResponse({"done": done, "total": len(found.rows), "rows": rows, "others": others, "managers": told})


@router.post("/rights/reviews", response_model=Reviewed)
def still_right(request: Request, body: NewReviews, key: IdempotencyKey = None) -> JSONResponse:
    """Say of several people's rights that they are still right, each by itself."""
    me = caller_of(request)
    people.permit(me, rights.Review.ACTION, people.as_manager)
    outcomes = review.still_right(me, [(row.person, row.unit) for row in body.rows], key)
    done = [one.done for one in outcomes if one.done is not None]
    headers = {POSITION_HEADER: done[-1].position} if done else {}
    told = {"done": len(done), "refused": len(outcomes) - len(done), "results": [_told(one) for one in outcomes]}
    return JSONResponse(told, headers=headers)


def _told(one: Outcome) -> dict[str, Any]:
    about: dict[str, Any] = {"person": str(one.person), "unit": str(one.unit) if one.unit is not None else None}
    if one.refused is not None:
        return {**about, "problem": problem_json(one.refused)}
    assert one.done is not None
    return {**about, "acknowledgement": one.done.acknowledgement()}
