"""The catalogue of roles, access codes and groups, and the rights tables as a person reads them (Noark 5: 4.5.1, 4.5.7)."""

from __future__ import annotations

from datetime import date
from typing import Annotated, NamedTuple
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse

from api import organising, people, preview
from api.organising import CellsChange, CodeChange, GroupChange
from api.people import Query as Asked
from api.preview import Opened
from api.requests import Caller, caller_of
from api.web import forms
from api.web.forms import Filled
from api.web.page import onward
from api.web.rights_page import rights_page
from api.writes import perform
from domain.handlers import standing
from domain.handlers.organisation import ProposeCells
from domain.ledger.identity import new_id
from domain.model import codes
from domain.model.errors import Refused
from domain.model.matrix import ANY, NONE, ROLES, Cell, Matrix, written

router = APIRouter(prefix="/roles", include_in_schema=False)
Given = Annotated[str, Query(max_length=40)]
TABLES = ("case", "document", "meeting", "administration")
ORDER = (*codes.CASE_STATUS, *codes.ENTRY_STATUS, "planned", "noticed", "held", "closed")
CHANGE_CODE = "code.change"


class Line(NamedTuple):
    """One row of a role's table. to_status: that it leads to; cells: by from_status, None where the table has none."""

    action: str
    type: str
    to_status: str
    cells: list[Cell | None]


@router.get("")
def catalogue(request: Request, role: Given = "", table: Given = "case", on: Given = "") -> HTMLResponse:
    """Roles, codes and groups; with a role the table of what it may do. on: a local day, default today."""
    return _catalogue(request, caller_of(request), role, table, on, Filled())


def _catalogue(
    request: Request, me: Caller, role: str, table: str, on: str, form: Filled, shown: Opened | None = None
) -> HTMLResponse:
    people.permit(me, Asked.READ_MATRIX)
    organised = people.organisation(me)
    if (role and role not in ROLES) or table not in TABLES:
        raise Refused("rights.role_unknown", "4.5.1", {"role": (role or table)[:40]})
    day = _day(on) if on else people.today(me)
    matrix = standing.of(me.tenant.ledger).matrix(organised, day)
    statuses, lines = _lines(matrix, role, table) if role else ([], [])
    return rights_page(
        request,
        me,
        "roles.html",
        status=form.told.status if form.told else 200,
        form=form,
        opened=shown,
        role=role,
        table=table,
        tables=TABLES,
        roles=[(one, _actions(matrix, one)) for one in ROLES],
        statuses=statuses,
        lines=lines,
        on=day,
        codes=[(one, organised.state.basis_of(one, day)) for one in codes.ACCESS_RESTRICTION],
        groups=sorted(organised.state.groups.values(), key=lambda one: one.name.casefold()),
        changes=[one for one in organised.state.codes if one.first_day > day],
        proposes=people.may(me, ProposeCells.ACTION),
        sets=people.may(me, CHANGE_CODE),
        written=written,
    )


def _lines(matrix: Matrix, role: str, table: str) -> tuple[list[str], list[Line]]:
    """(statuses, rows) of one role's cells in one table; actions that the role may never do have no row."""
    own = [cell for place, cell in matrix.cells.items() if place.table == table and place.role == role]
    statuses = sorted({one.place.from_status for one in own}, key=_rank)
    rows: dict[tuple[str, str, str], dict[str, Cell]] = {}
    for one in own:
        place = one.place
        rows.setdefault((place.action, place.type, place.to_status), {})[place.from_status] = one
    kept = [(key, cells) for key, cells in rows.items() if any(cell.reaches for cell in cells.values())]
    return statuses, [Line(*key, [cells.get(status) for status in statuses]) for key, cells in kept]


def _rank(status: str) -> tuple[int, str]:
    return (ORDER.index(status) if status in ORDER else -1 if status in (NONE, ANY) else len(ORDER), status)


def _actions(matrix: Matrix, role: str) -> int:
    """How many actions a role may do, somewhere and in some status."""
    return len({place.action for place, cell in matrix.cells.items() if place.role == role and cell.reaches})


@router.post("/cells")
def propose(request: Request) -> Response:
    """Propose another cell, which another person confirms; with `step=preview` only show what it would open and close."""
    me = caller_of(request)
    fields = forms.read(request)
    fresh: UUID = new_id()
    try:
        forms.check(request, me, fields)
        cell = {name: fields.get(name, "").strip() for name in ("cell", "scope", "condition")}
        wanted = {"cells": [cell], "first_day": fields.get("first_day", ""), "reason": fields.get("reason", "")}
        body = forms.parse(CellsChange, wanted)
        step, _, page = fields.get("step", "").partition(":")
        if step == "preview":
            people.permit(me, ProposeCells.ACTION)
            at = int(page) if page.isascii() and page.isdigit() and len(page) < 7 else 0
            shown = preview.of_cells(me, preview.texts_of(body), body.first_day, at)
            return _again(request, me, Filled("cells", fields), shown)
        stream = standing.of(me.tenant.ledger).stream
        done = perform(me, (stream,), lambda work: organising.propose_cells(work, fresh, body), key=forms.key_of(fields))
    except forms.PROBLEMS as problem:
        return _again(request, me, forms.refused("cells", fields, problem, me))
    return onward(request, me, done, "/roles")


@router.post("/codes")
def set_code(request: Request) -> Response:
    """The legal basis of an access code from a day on."""
    me = caller_of(request)
    fields = forms.read(request)
    try:
        forms.check(request, me, fields)
        body = forms.parse(
            CodeChange, {name: fields.get(name, "").strip() for name in ("code", "basis", "first_day", "last_day")}
        )
        stream = standing.of(me.tenant.ledger).stream
        done = perform(me, (stream,), lambda work: organising.set_code(work, body), key=forms.key_of(fields))
    except forms.PROBLEMS as problem:
        return _again(request, me, forms.refused("code", fields, problem, me))
    return onward(request, me, done, "/roles")


@router.post("/groups")
def set_group(request: Request) -> Response:
    """An access group and its name."""
    me = caller_of(request)
    fields = forms.read(request)
    try:
        forms.check(request, me, fields)
        body = forms.parse(GroupChange, {name: fields.get(name, "").strip() for name in ("group", "name", "last_day")})
        stream = standing.of(me.tenant.ledger).stream
        done = perform(me, (stream,), lambda work: organising.set_group(work, body), key=forms.key_of(fields))
    except forms.PROBLEMS as problem:
        return _again(request, me, forms.refused("group", fields, problem, me))
    return onward(request, me, done, "/roles")


def _again(request: Request, me: Caller, form: Filled, shown: Opened | None = None) -> HTMLResponse:
    role = form.values.get("role", "") if form.values.get("role", "") in ROLES else ""
    table = form.values.get("table", "") if form.values.get("table", "") in TABLES else "case"
    return _catalogue(request, me, role, table, "", form, shown)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Refused("date.malformed", "", {"field": "on", "given": text}) from None
