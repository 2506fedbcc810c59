"""REST on what a decision about rights would open and close, before anybody makes it. Nothing is written.

Who may not make the decision is refused as the decision would be; see `api.preview` for what is told to whom.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from api import orders, people, preview
from api.orders import NewOrder, NewStop
from api.organising import CellsChange
from api.preview import GAINED, LOST, Opened, Preview, Records
from api.requests import caller_of
from domain.handlers import rights
from domain.handlers.organisation import ProposeCells
from domain.model.order_difference import Difference, Entitlement
from projections import view

router = APIRouter(tags=["rights"])
Page = Annotated[int, Query(ge=0, le=1_000_000, description="Which page of the lists, from 0, of 50 records of each kind.")]


class TurnedRecords(BaseModel):
    """Records of one kind. total: all of them; listed: those in the caller's own lists, which alone are named; coded: those with
    an access code; records: id, number, title (null where the caller may not read it, and of what is coded), code."""

    total: int
    listed: int
    coded: int
    records: list[dict[str, Any]]


class OpenedRecords(BaseModel):
    """What turns on a local day. people: for how many; gained, lost: by kind: case, entry, document."""

    day: str
    people: int
    gained: dict[str, TurnedRecords]
    lost: dict[str, TurnedRecords]
    more: bool


class OrderPreview(BaseModel):
    """What an order changes: the person's entitlements, and the records that become readable or are lost, by day."""

    difference: dict[str, Any]
    opened: list[OpenedRecords]


@router.post("/rights/orders/preview", response_model=OrderPreview)
def preview_order(request: Request, body: NewOrder, page: Page = 0) -> JSONResponse:
    """What an order would change, were it given and controlled now."""
    me = caller_of(request)
    people.permit(me, rights.Order.ACTION, people.as_manager)
    _, _, handle = orders.order(body, "api")
    return JSONResponse(_preview(preview.of_command(me, handle, page)))


@router.post("/people/{person}/stops/preview", response_model=OrderPreview)
def preview_stop(request: Request, person: UUID, body: NewStop, page: Page = 0) -> JSONResponse:
    """What a stop would close."""
    me = caller_of(request)
    people.permit(me, rights.Stop.ACTION, people.as_manager)
    _, handle = orders.stop(person, body, "api")
    return JSONResponse(_preview(preview.of_command(me, handle, page)))


@router.get("/people/{person}/orders/{order}/preview", response_model=OrderPreview)
def preview_waiting(request: Request, person: UUID, order: UUID, page: Page = 0) -> JSONResponse:
    """What an order that waits would change: for whoever controls it, or settles what was objected to."""
    me = caller_of(request)
    preview.permit_waiting(me, person, order)
    return JSONResponse(_preview(preview.of_waiting(me, person, order, page)))


@router.post("/organisation/cells/preview", response_model=OpenedRecords)
def preview_cells(request: Request, body: CellsChange, page: Page = 0) -> JSONResponse:
    """What other cells of the rights tables would open and close for everybody whom they reach."""
    me = caller_of(request)
    people.permit(me, ProposeCells.ACTION)
    return JSONResponse(_opened(preview.of_cells(me, preview.texts_of(body), body.first_day, page)))


@router.get("/organisation/changes/{change}/preview", response_model=OpenedRecords)
def preview_change(request: Request, change: UUID, page: Page = 0) -> JSONResponse:
    """The same of cells that wait for confirmation, for whoever may confirm them."""
    me = caller_of(request)
    preview.permit_change(me)
    return JSONResponse(_opened(preview.of_change(me, change, page)))


def _preview(one: Preview) -> dict[str, Any]:
    return {"difference": _difference(one.difference), "opened": [_opened(each) for each in one.opened]}


def _difference(one: Difference) -> dict[str, Any]:
    return {
        "day": one.day.isoformat(),
        "gained": [{**_entitlement(each), "to": view.plain(last)} for each, last in one.gained],
        "lost": [_entitlement(each) for each in one.lost],
        "moved": [{**_entitlement(each), "from": view.plain(was), "to": view.plain(last)} for each, was, last in one.moved],
    }


def _entitlement(one: Entitlement) -> dict[str, Any]:
    return {"kind": one.kind, "value": one.value, "unit": view.plain(one.unit), "acting_for": one.acting_for}


def _opened(one: Opened) -> dict[str, Any]:
    sides: Mapping[str, dict[str, Any]] = {GAINED: {}, LOST: {}}
    for each in one.records:
        sides[each.way][each.kind] = _records(each)
    return {"day": one.day.isoformat(), "people": one.people, **sides, "more": one.more}


def _records(one: Records) -> dict[str, Any]:
    named = [{name: view.plain(row[name]) for name in ("id", "number", "title", "code")} for row in one.rows]
    return {"total": one.count.total, "listed": one.count.listed, "coded": one.count.coded, "records": named}
