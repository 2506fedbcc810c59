"""REST on the organisation and the rights tables: units, managers, cells, codes, groups; managers and cells by two people."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from api import organising, people
from api.bodies import Day
from api.login.fresh import require_fresh_login
from api.organising import CellsChange, CodeChange, GroupChange, ManagerChange, NewUnit, UnitChange
from api.people import Query as Asked
from api.requests import Caller, caller_of
from api.rest.answers import IdempotencyKey, Written, written
from api.writes import perform
from domain.handlers import organisation, standing
from domain.handlers.gate import Describe
from domain.handlers.organisation import Confirm, ProposeCells, ProposeManager
from domain.handlers.standing import Organised, Standing
from domain.handlers.work import Work
from domain.ledger.identity import new_id
from domain.model.access import Subject
from domain.model.errors import Refused
from domain.model.matrix import ROLES
from domain.model.matrix import written as scope_of
from domain.model.organisation import CellsProposed
from projections import view

router = APIRouter(prefix="/organisation", tags=["organisation"])
CHANGE_CODE = "code.change"


class OrganisationNow(BaseModel):
    """Units, who is whose manager today, groups, codes with their legal basis, and changes that wait for a second person."""

    units: list[dict[str, Any]]
    managers: list[dict[str, Any]]
    groups: list[dict[str, Any]]
    codes: list[dict[str, Any]]
    waiting: list[dict[str, Any]]


class Cells(BaseModel):
    """Cells of the rights tables in force on a day."""

    on: str
    cells: list[dict[str, str]]


@router.get("", response_model=OrganisationNow)
def read(request: Request) -> JSONResponse:
    """The organisation as it is today."""
    me = caller_of(request)
    people.permit(me, Asked.READ_ORGANISATION)
    state = people.organisation(me).state
    found = {
        "units": [{name: one for name, one in view.plain(unit).items() if name != "known_as"} for unit in state.units.values()],
        "managers": [view.plain(one) for one in people.in_force(state, people.today(me))],
        "groups": [view.plain(one) for one in state.groups.values()],
        "codes": [view.plain(one) for one in state.codes],
        "waiting": [view.plain(one) for one in state.waiting.values()],
    }
    return JSONResponse(found)


@router.get("/cells", response_model=Cells)
def read_cells(request: Request, role: Annotated[str, Query(max_length=40)] = "", on: Day | None = None) -> JSONResponse:
    """The rights tables of a local day, of one role or of all: a line a cell."""
    me = caller_of(request)
    people.permit(me, Asked.READ_MATRIX)
    organised = people.organisation(me)
    if role and role not in ROLES:
        raise Refused("rights.role_unknown", "4.5.1", {"role": role})
    day = on or people.today(me)
    matrix = standing.of(me.tenant.ledger).matrix(organised, day)
    cells = [
        {"cell": ":".join(place), "scope": scope_of(cell), "condition": cell.condition, "source": cell.source}
        for place, cell in matrix.cells.items()
        if role in ("", place.role)
    ]
    return JSONResponse({"on": day.isoformat(), "cells": cells})


@router.post("/units", status_code=201, response_model=Written)
def create_unit(request: Request, body: NewUnit, key: IdempotencyKey = None) -> JSONResponse:
    """Set up an administrative unit."""
    me, fresh = caller_of(request), new_id()
    return _written(
        request, me, organisation.CHANGE_UNIT, None, lambda work: organising.create_unit(work, fresh, body), key, fresh
    )


@router.patch("/units/{unit}", response_model=Written)
def change_unit(request: Request, unit: UUID, body: UnitChange, key: IdempotencyKey = None) -> JSONResponse:
    """Rename, move or close a unit."""
    me = caller_of(request)

    def handle(work: Work) -> None:
        organising.change_unit(work, unit, body)

    return _written(request, me, organisation.CHANGE_UNIT, None, handle, key, unit, 200)


@router.post("/managers", status_code=201, response_model=Written)
def propose_manager(request: Request, body: ManagerChange, key: IdempotencyKey = None) -> JSONResponse:
    """Propose who is whose manager; it counts once another person has confirmed it."""
    me, fresh = caller_of(request), new_id()

    def in_unit(_: Standing, organised: Organised) -> Subject:
        return Subject("administration", units=organised.state.path(body.unit))

    def handle(work: Work) -> UUID:
        return organising.propose_manager(work, fresh, body)

    return _written(request, me, ProposeManager.ACTION, in_unit, handle, key, fresh)


@router.post("/cells", status_code=201, response_model=Written)
def propose_cells(request: Request, body: CellsChange, key: IdempotencyKey = None) -> JSONResponse:
    """Propose other cells of the rights tables; they count once another person has confirmed them."""
    me, fresh = caller_of(request), new_id()
    return _written(request, me, ProposeCells.ACTION, None, lambda work: organising.propose_cells(work, fresh, body), key, fresh)


@router.post("/groups", status_code=201, response_model=Written)
def set_group(request: Request, body: GroupChange, key: IdempotencyKey = None) -> JSONResponse:
    """Set an access group."""
    me = caller_of(request)
    return _written(request, me, CHANGE_CODE, None, lambda work: organising.set_group(work, body), key, body.group)


@router.post("/codes", status_code=201, response_model=Written)
def set_code(request: Request, body: CodeChange, key: IdempotencyKey = None) -> JSONResponse:
    """Set the legal basis of an access code from a day on."""
    me = caller_of(request)
    return _written(request, me, CHANGE_CODE, None, lambda work: organising.set_code(work, body), key, body.code)


@router.post("/changes/{change}/confirmation", status_code=201, response_model=Written)
def confirm(request: Request, change: UUID, key: IdempotencyKey = None) -> JSONResponse:
    """Confirm what another person proposed."""
    me = caller_of(request)
    action = _confirming(me, change)
    people.permit(me, action)
    require_fresh_login(me)
    return _written(request, me, action, None, lambda work: organisation.confirm(work, Confirm(change)), key, change)


@router.delete("/changes/{change}", response_model=Written)
def withdraw(request: Request, change: UUID) -> JSONResponse:
    """Take a proposed change back: the proposer, or whoever could confirm it."""
    me = caller_of(request)
    people.permit(me, Asked.READ_ORGANISATION)
    stream = standing.of(me.tenant.ledger).stream
    return written(request, me, perform(me, (stream,), lambda work: organisation.withdraw(work, Confirm(change))), change)


def _confirming(me: Caller, change: UUID) -> str:
    waiting = standing.of(me.tenant.ledger).organisation().state.waiting.get(change)
    return Confirm.CELLS if isinstance(waiting, CellsProposed) else Confirm.MANAGER


def _written(
    request: Request,
    me: Caller,
    action: str,
    about: Describe | None,
    handle: Any,
    key: str | None,
    unit: object,
    status: int = 201,
) -> JSONResponse:
    """The gate, the command in the stream of the organisation, and its acknowledgement."""
    people.permit(me, action, about)
    stream = standing.of(me.tenant.ledger).stream
    return written(request, me, perform(me, (stream,), handle, key=key), unit, status)
