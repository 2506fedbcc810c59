"""What waits for somebody in the matter of rights: control, objections, second confirmations, execution, the yearly review."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from api import open_work, orders, people, preview, succession, urgent
from api.login.fresh import require_fresh_login
from api.orders import NewAnswer
from api.people import Query
from api.preview import Opened
from api.requests import Caller, caller_of
from api.web import forms
from api.web.forms import Filled
from api.web.page import onward
from api.web.rights_page import rights_page
from api.writes import perform
from domain.handlers import organisation, standing
from domain.handlers.organisation import Confirm
from domain.handlers.rights import Answer
from domain.model.organisation import ManagerProposed
from projections.people.read import Row

router = APIRouter(prefix="/rights", include_in_schema=False)
DECIDING = frozenset({"control", "stands", "falls"})
AT_ONCE = 20
WAYS_BACK = {"execute": "/rights/execution"}


@router.get("/inbox")
def inbox(request: Request) -> HTMLResponse:
    """Everything that waits for the reader, each with what it would change."""
    return _inbox(request, caller_of(request), Filled())


def _inbox(request: Request, me: Caller, form: Filled) -> HTMLResponse:
    people.permit(me, Query.LIST_WAITING)
    state = people.organisation(me).state
    changes = list(state.waiting.values())
    waiting, objected = people.waiting(me, "ordered"), people.objections(me)
    cells = [one for one in changes if not isinstance(one, ManagerProposed)]
    confirms = {"manager": people.may(me, Confirm.MANAGER), "cells": people.may(me, Confirm.CELLS)}
    return rights_page(
        request,
        me,
        "rights_inbox.html",
        status=form.told.status if form.told else 200,
        form=form,
        orders=waiting,
        opened=_opened(me, [*waiting, *objected]),
        opened_cells={one.change: [preview.of_change(me, one.change, None)] for one in cells if confirms["cells"]},
        left=open_work.left(me),
        controls=people.may(me, Answer.CONTROL),
        objections=objected,
        managers=[one for one in changes if isinstance(one, ManagerProposed)],
        cells=cells,
        confirms=confirms,
        mine=people.selves(me),
        urgent=urgent.listed(me),
        without=succession.without_manager(me),
    )


def _opened(me: Caller, rows: list[Row]) -> dict[UUID, tuple[Opened, ...]]:
    """What each order would open and close, by order, of those that the reader decides; of more than can be counted at
    once the page links to the lists."""
    mine = [row for row in rows if preview.decides(me, row["person"], row["id"])]
    counted = {row["id"]: preview.of_waiting(me, row["person"], row["id"], None).opened for row in mine[:AT_ONCE]}
    return {**{row["id"]: () for row in mine[AT_ONCE:]}, **counted}


@router.get("/execution")
def execution(request: Request) -> HTMLResponse:
    """What is decided and has to be carried out by hand in other systems. Access in Dagbok never waits for it."""
    return _execution(request, caller_of(request), Filled())


def _execution(request: Request, me: Caller, form: Filled) -> HTMLResponse:
    people.permit(me, Query.LIST_EXECUTION)
    state = people.organisation(me).state
    rows = people.ask(me, lambda reads, connection: reads.to_execute(connection))
    return rights_page(
        request,
        me,
        "rights_execution.html",
        status=form.told.status if form.told else 200,
        form=form,
        orders=[{**row, "unit_name": people.unit_name(state, row["unit"])} for row in rows],
        executes=people.may(me, Answer.EXECUTE),
        left=open_work.left(me),
        mine=people.selves(me),
    )


@router.post("/answers/{person}/{order}")
def answer(request: Request, person: UUID, order: UUID) -> Response:
    """Control, return, object, settle or carry out one order."""
    me = caller_of(request)
    fields = forms.read(request)
    said = fields.get("answer", "")
    if (action := orders.ANSWERS.get("settle" if said in ("stands", "falls") else said)) is not None:
        people.permit(me, action, people.as_manager)
    if said in DECIDING:
        require_fresh_login(me)
    try:
        forms.check(request, me, fields)
        wanted: dict[str, Any] = {"answer": said, "reason": fields.get("reason", "")}
        if said in ("stands", "falls"):
            wanted |= {"answer": "settle", "stands": said == "stands"}
        handle = orders.answer(person, order, forms.parse(NewAnswer, wanted))
        done = perform(me, (person,), handle, key=forms.key_of(fields), given=(person, order))
    except forms.PROBLEMS as problem:
        form = forms.refused(str(order), fields, problem, me)
        return _execution(request, me, form) if said == "execute" else _inbox(request, me, form)
    return onward(request, me, done, WAYS_BACK.get(said, "/rights/inbox"))


@router.post("/changes/{change}")
def settle_change(request: Request, change: UUID) -> Response:
    """Confirm, as the second person, who is whose manager or other cells; or take the change back."""
    me = caller_of(request)
    fields = forms.read(request)
    if fields.get("answer") == "confirm":
        require_fresh_login(me)
    try:
        forms.check(request, me, fields)
        handle = organisation.withdraw if fields.get("answer") == "withdraw" else organisation.confirm
        stream = standing.of(me.tenant.ledger).stream
        done = perform(me, (stream,), lambda work: handle(work, Confirm(change)), key=forms.key_of(fields), given=(change,))
    except forms.PROBLEMS as problem:
        return _inbox(request, me, forms.refused(str(change), fields, problem, me))
    return onward(request, me, done, "/rights/inbox")
