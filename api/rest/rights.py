"""REST on rights: orders, stops, answers, reviews, requests to read a case, and what a person has on a day."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from api import access_requests, orders, people
from api.bodies import Body, Day
from api.login.fresh import require_fresh_login
from api.orders import ANSWERS, NewAnswer, NewOrder, NewStop
from api.people import Query as Asked
from api.requests import caller_of
from api.rest.answers import MADE, IdempotencyKey, Written, written
from api.writes import perform
from domain.handlers import access_requests as handlers
from domain.handlers import rights
from domain.handlers.access_requests import AnswerAccess, AskAccess
from domain.handlers.rights import GrantAccess
from domain.ledger.identity import new_id
from domain.model.named_access import AccessAsked
from domain.model.rights_change import RightsOrdered
from projections import view
from projections.people.read import Row

router = APIRouter(tags=["rights"])
Words = Annotated[str, Query(max_length=200, pattern=r"^[^\x00-\x1f]*$")]
Stage = Literal["ordered", "objected", "to-execute"]


class NewReview(Body):
    """Somebody's rights in a unit are still right; unit left out: the rights of no unit."""

    unit: UUID | None = None


class NewRequest(Body):
    """Why somebody asks to read a case."""

    reason: Annotated[str, Field(max_length=4_000)]


class RequestAnswer(Body):
    """days: how long the access lasts, today included; 0 says no, with the reason."""

    days: Annotated[int, Field(ge=0, le=10_000)]
    reason: Annotated[str, Field(max_length=4_000)] = ""


class PersonRights(BaseModel):
    """Somebody's rights on a local day: as `dagbok rights PERSON --on DATE`."""

    person: dict[str, Any]
    on: str
    rights: list[dict[str, Any]]
    waiting: list[dict[str, Any]]
    ended: list[dict[str, Any]]


class OrderList(BaseModel):
    """Orders that wait, oldest first."""

    orders: list[dict[str, Any]]


class PeopleList(BaseModel):
    """People whose rights the caller may read: id, kind, name, user_name, title."""

    people: list[dict[str, Any]]


@router.get("/people", response_model=PeopleList)
def list_people(request: Request, q: Words = "") -> JSONResponse:
    """People by name; a manager sees the own staff."""
    me = caller_of(request)
    people.permit(me, Asked.LIST_PEOPLE)
    people.organisation(me)
    rows = people.ask(me, lambda reads, connection: reads.found(connection, q))
    return JSONResponse(
        {"people": [_plain(row) for row in rows if people.may(me, Asked.READ_RIGHTS, people.rights_of(row["id"]))]}
    )


@router.get("/people/{person}/rights", response_model=PersonRights)
def read_rights(request: Request, person: UUID, on: Day | None = None) -> JSONResponse:
    """A person's rights on a local day, each with who ordered, decided and carried it out."""
    me = caller_of(request)
    people.permit(me, Asked.READ_RIGHTS, people.rights_of(person))
    people.organisation(me)
    people.known(me, person)
    return JSONResponse(people.told(me, person, on or people.today(me)))


@router.get("/rights/orders", response_model=OrderList)
def list_orders(request: Request, stage: Stage = "ordered") -> JSONResponse:
    """Orders that wait for control, for a superior, or to be carried out."""
    me = caller_of(request)
    people.permit(me, Asked.LIST_EXECUTION if stage == "to-execute" else Asked.LIST_WAITING)
    people.organisation(me)
    rows = people.ask(
        me, lambda reads, connection: reads.to_execute(connection) if stage == "to-execute" else reads.in_stage(connection, stage)
    )
    return JSONResponse({"orders": [_plain(row) for row in rows]})


@router.post("/rights/orders", status_code=201, response_model=Written, responses=MADE)
def order_rights(request: Request, body: NewOrder, key: IdempotencyKey = None) -> JSONResponse:
    """Order rights for one of the staff, or for somebody new. What widens is in force once it is controlled."""
    me = caller_of(request)
    people.permit(me, rights.Order.ACTION, people.as_manager)
    person, _, handle = orders.order(body, "api")
    known = (person,) if body.person is not None else ()
    done = perform(me, known, handle, key=key, given=known)
    made = done.unit(RightsOrdered)
    return written(request, me, done, done.fact(RightsOrdered).order, 201, f"/api/v1/people/{made}/rights")


@router.post("/people/{person}/stops", status_code=201, response_model=Written, responses=MADE)
def stop_rights(request: Request, person: UUID, body: NewStop, key: IdempotencyKey = None) -> JSONResponse:
    """Stop somebody's rights in a unit after a day. It needs nobody's approval."""
    me = caller_of(request)
    people.permit(me, rights.Stop.ACTION, people.as_manager)
    _, handle = orders.stop(person, body, "api")
    done = perform(me, (person,), handle, key=key, given=(person,))
    return written(request, me, done, done.fact(RightsOrdered).order, 201, f"/api/v1/people/{person}/rights")


@router.post("/people/{person}/orders/{order}/answers", status_code=201, response_model=Written)
def answer_order(request: Request, person: UUID, order: UUID, body: NewAnswer, key: IdempotencyKey = None) -> JSONResponse:
    """Control, return, object, settle an objection, or say that an order was carried out."""
    me = caller_of(request)
    people.permit(me, ANSWERS[body.answer], people.as_manager)
    if body.answer in ("control", "settle"):
        require_fresh_login(me)
    done = perform(me, (person,), orders.answer(person, order, body), key=key, given=(person, order))
    return written(request, me, done, order, 201)


@router.post("/people/{person}/reviews", status_code=201, response_model=Written)
def review_rights(request: Request, person: UUID, body: NewReview, key: IdempotencyKey = None) -> JSONResponse:
    """Say that somebody's rights in a unit are still right. Nothing lapses where nobody does."""
    me = caller_of(request)
    people.permit(me, rights.Review.ACTION, people.as_manager)
    command = rights.Review(person, body.unit)
    done = perform(me, (person,), lambda work: rights.review(work, command), key=key, given=(person,))
    return written(request, me, done, person, 201)


@router.post("/people/{person}/orders/{order}/report", status_code=201, response_model=Written)
def report_audit(request: Request, person: UUID, order: UUID, key: IdempotencyKey = None) -> JSONResponse:
    """Say that an audit has been reported: what the auditor read for it stands in everybody's access report from now on."""
    me = caller_of(request)
    people.permit(me, rights.ReportAudit.ACTION, people.rights_of(person))
    command = rights.ReportAudit(person, order)
    done = perform(me, (person,), lambda work: rights.report_audit(work, command), key=key, given=(person, order))
    return written(request, me, done, order, 201)


@router.post("/records/{record}/access-requests", status_code=201, response_model=Written)
def ask_access(request: Request, record: UUID, body: NewRequest, key: IdempotencyKey = None) -> JSONResponse:
    """Ask to read the case of a record. It reaches the case owner, else the archive, and gives nothing by itself."""
    me = caller_of(request)
    way = access_requests.way(me, record)
    command = AskAccess(new_id(), record, way.case, body.reason)
    done = perform(me, (way.case,), lambda work: handlers.ask(work, command), key=key, given=(way.case,))
    asked = next((fact.request for _, fact in done.facts if isinstance(fact, AccessAsked)), way.case)
    return written(request, me, done, asked, 201)


@router.post("/cases/{case}/access-requests/{asked}/answers", status_code=201, response_model=Written)
def answer_access(request: Request, case: UUID, asked: UUID, body: RequestAnswer, key: IdempotencyKey = None) -> JSONResponse:
    """Give the access for some days, at most 90, or say no."""
    me = caller_of(request)
    people.permit(me, GrantAccess.ACTION, record=case)
    command = AnswerAccess(asked, case, body.days, body.reason)
    done = perform(me, (case,), lambda work: handlers.answer(work, command), key=key, given=(case, asked))
    return written(request, me, done, case, 201)


def _plain(row: Row) -> Any:
    return {name: view.plain(value) for name, value in row.items()}
