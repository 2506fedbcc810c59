"""The yearly review of rights: a manager's staff with their rights, one decision each or all that is due at once."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from api import people, review
from api.requests import Caller, caller_of
from api.review import Outcome
from api.web import forms
from api.web.forms import Filled
from api.web.page import onward
from api.web.rights_page import rights_page
from domain.handlers import rights
from domain.model.errors import Refused

router = APIRouter(prefix="/rights", include_in_schema=False)


@router.get("/review")
def show(request: Request) -> HTMLResponse:
    """Rights, and when somebody last looked at them. None of them lapses by itself."""
    return _page(request, caller_of(request), Filled())


def _page(request: Request, me: Caller, form: Filled, outcomes: Sequence[Outcome] = ()) -> HTMLResponse:
    people.permit(me, rights.Review.ACTION, people.as_manager)
    people.organisation(me)
    refused = [one for one in outcomes if one.refused is not None]
    status = form.told.status if form.told else 200
    return rights_page(request, me, "rights_review.html", status=status, form=form, campaign=review.campaign(me), refused=refused)


@router.post("/review")
def still_right(request: Request) -> Response:
    """Somebody's rights in a unit are still right; with `all`, everything that is due among the own staff, as it was shown."""
    me = caller_of(request)
    people.permit(me, rights.Review.ACTION, people.as_manager)
    fields = forms.read(request)
    name = "all" if fields.get("all") else fields.get("person", "")
    try:
        forms.check(request, me, fields)
        outcomes = review.still_right(me, _rows(me, fields), forms.key_of(fields))
        if len(outcomes) == 1 and (problem := outcomes[0].refused) is not None:
            return _page(request, me, Filled(name, fields, problem))
    except forms.PROBLEMS as problem:
        return _page(request, me, forms.refused(name, fields, problem, me))
    done = [one.done for one in outcomes if one.done is not None]
    if len(done) < len(outcomes) or not done:
        return _page(request, me.after(done[-1].position) if done else me, Filled(), outcomes)
    return onward(request, me, done[-1], "/rights/review")


def _rows(me: Caller, fields: dict[str, str]) -> list[tuple[UUID, UUID | None]]:
    """What the form speaks of. Refused `review.changed` where other rights are due by now than those that were shown."""
    if not fields.get("all"):
        return [(_uuid(fields.get("person", "")), _uuid(fields["unit"]) if fields.get("unit") else None)]
    found = review.campaign(me)
    if fields.get("mark") != found.mark or not found.due:
        raise Refused("review.changed", "4.5.29")
    return [(row["person"], row["unit"]) for row in found.due]


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Refused("rights.person_missing", "4.5.29") from None
