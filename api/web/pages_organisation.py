"""The organisation: the tree of units, who is whose manager, and its changes, which for managers two people make."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from api import organising, people
from api.organising import ManagerChange, NewUnit, UnitChange
from api.people import Query
from api.requests import Caller, caller_of
from api.web import forms
from api.web.forms import Filled
from api.web.page import onward
from api.web.rights_page import rights_page
from api.writes import Done, perform
from domain.handlers import organisation, standing
from domain.ledger.identity import new_id
from domain.model.access import Subject
from domain.model.errors import NotFound
from domain.model.organisation import ManagerProposed, Organisation, Unit
from domain.model.user import SERVICE

router = APIRouter(prefix="/organisation", include_in_schema=False)


@router.get("")
def tree(request: Request) -> HTMLResponse:
    """All units, those that are closed too, each with its manager of today."""
    return _tree(request, caller_of(request), Filled())


def _tree(request: Request, me: Caller, form: Filled) -> HTMLResponse:
    people.permit(me, Query.READ_ORGANISATION)
    state, day = people.organisation(me).state, people.today(me)
    managers = {one.unit: one.manager for one in people.in_force(state, day) if one.person is None}
    units = [(unit, depth, managers.get(unit.id)) for unit, depth in _nested(state, None, 0)]
    return rights_page(
        request,
        me,
        "organisation.html",
        status=form.told.status if form.told else 200,
        form=form,
        units=units,
        changes=people.may(me, organisation.CHANGE_UNIT),
        waiting=sum(isinstance(one, ManagerProposed) for one in state.waiting.values()),
    )


def _nested(state: Organisation, parent: UUID | None, depth: int) -> list[tuple[Unit, int]]:
    """The units below `parent`, each before its own."""
    below = sorted((one for one in state.units.values() if one.parent == parent), key=lambda one: one.name.casefold())
    return [found for one in below for found in ((one, depth), *_nested(state, one.id, depth + 1))]


@router.post("/units")
def create(request: Request) -> Response:
    """Set up a unit."""
    me = caller_of(request)
    fields = forms.read(request)
    fresh = new_id()
    try:
        forms.check(request, me, fields)
        body = forms.parse(NewUnit, {name: fields.get(name, "").strip() for name in ("name", "code", "parent", "first_day")})
        done = _done(me, fields, lambda work: organising.create_unit(work, fresh, body))
    except forms.PROBLEMS as problem:
        return _tree(request, me, forms.refused("unit", fields, problem, me))
    return onward(request, me, done, "/organisation")


@router.get("/units/{unit}")
def show(request: Request, unit: UUID) -> HTMLResponse:
    """A unit: its managers, past and to come, the staff with rights in it, and what may be changed."""
    return _unit(request, caller_of(request), unit, Filled())


def _unit(request: Request, me: Caller, unit: UUID, form: Filled) -> HTMLResponse:
    people.permit(me, Query.READ_ORGANISATION)
    state = people.organisation(me).state
    found = state.units.get(unit)
    if found is None:
        raise NotFound("administrative unit", str(unit))
    proposes = people.may(me, organisation.ProposeManager.ACTION, Subject("administration", units=state.path(unit)))
    named = people.ask(me, lambda reads, connection: reads.found(connection, "")) if proposes else []
    return rights_page(
        request,
        me,
        "organisation_unit.html",
        status=form.told.status if form.told else 200,
        form=form,
        unit=found,
        above=[state.units[one] for one in reversed(state.path(unit))],
        managers=[one for one in reversed(state.managers) if one.unit == unit],
        waiting=[one for one in state.waiting.values() if isinstance(one, ManagerProposed) and one.unit == unit],
        others=[(str(one.id), one.name) for one, _ in _nested(state, None, 0) if one.id != unit],
        present=next(
            (one.manager for one in people.in_force(state, people.today(me)) if (one.unit, one.person) == (unit, None)), ""
        ),
        named=[(str(one["id"]), one["name"]) for one in named if one["kind"] != SERVICE],
        changes=people.may(me, organisation.CHANGE_UNIT),
        proposes=proposes,
    )


@router.post("/units/{unit}")
def change(request: Request, unit: UUID) -> Response:
    """Rename, move or close a unit."""
    me = caller_of(request)
    fields = forms.read(request)
    try:
        forms.check(request, me, fields)
        body = forms.parse(UnitChange, {name: fields.get(name, "").strip() for name in ("name", "code", "parent", "last_day")})
        done = _done(me, fields, lambda work: organising.change_unit(work, unit, body))
    except forms.PROBLEMS as problem:
        return _unit(request, me, unit, forms.refused("unit", fields, problem, me))
    return onward(request, me, done, f"/organisation/units/{unit}")


@router.post("/units/{unit}/managers")
def propose(request: Request, unit: UUID) -> Response:
    """Propose who is manager of the unit, or in it of one person; another person confirms."""
    me = caller_of(request)
    fields = forms.read(request)
    fresh = new_id()
    try:
        forms.check(request, me, fields)
        names = ("manager", "person", "first_day", "last_day")
        body = forms.parse(ManagerChange, {"unit": str(unit), **{name: fields.get(name, "").strip() for name in names}})
        done = _done(me, fields, lambda work: organising.propose_manager(work, fresh, body))
    except forms.PROBLEMS as problem:
        return _unit(request, me, unit, forms.refused("manager", fields, problem, me))
    return onward(request, me, done, f"/organisation/units/{unit}")


def _done(me: Caller, fields: dict[str, str], handle: Any) -> Done:
    return perform(me, (standing.of(me.tenant.ledger).stream,), handle, key=forms.key_of(fields))
