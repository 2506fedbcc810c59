"""Cases: the list, a new one, one with its entries, and its status."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse

from api import commands, people, reads
from api.bodies import CaseChange, NewCase
from api.requests import Caller, caller_of
from api.web import forms
from api.web.forms import Filled
from api.web.page import onward, page, turn
from api.writes import perform
from domain.handlers import standing
from domain.handlers.case_files import CreateCase
from domain.ledger.identity import new_id
from domain.model import codes
from domain.model.access import PUBLIC, Subject
from domain.model.case_file import CaseFileCreated
from projections.journal.read import Search
from projections.view import CASE

router = APIRouter(prefix="/cases", include_in_schema=False)
Words = Annotated[str, Query(max_length=200, pattern=r"^[^\x00-\x1f]*$")]
Codes = Annotated[list[str] | None, Query(max_length=20)]
PageNumber = Annotated[int, Query(ge=1, le=100_000)]


@router.get("")
def listing(
    request: Request, q: Words = "", status: Codes = None, page_: Annotated[PageNumber, Query(alias="page")] = 1
) -> Response:
    """Cases, newest number first."""
    me = caller_of(request)
    statuses = commands.require_code(codes.CASE_STATUS, [one for one in status or [] if one], "saksstatus", "M052")
    behind = not me.up_to_date()
    found = reads.cases(me, Search(words=q, statuses=statuses, page=page_ - 1))
    asked = {"q": q, "status": statuses}
    onwards = turn(me, "/cases", asked, page_, found.more)
    return page(request, me, "cases.html", found=found, asked=asked, turn=onwards, behind=behind, search=q)


def permit_form(me: Caller) -> None:
    """A new case's form is for whoever may make one in the unit of an own right: as it stands in use (B), else reserved (R)."""
    known = standing.of(me.tenant.ledger)
    state = known.organisation().state
    units = dict.fromkeys((None, *(right.unit for right in known.person(me.actor.id).person.rights)))
    paths = [state.path(unit) for unit in units]
    own = Subject("case", owner=me.actor.id, authors=frozenset({me.actor.id}), assessment=PUBLIC)
    ways = [(replace(own, units=path), status) for path in paths for status in ("B", "R")]
    about, status = next((one for one in ways if people.may(me, CreateCase.ACTION, one[0], to_status=one[1])), ways[1])
    people.permit(me, CreateCase.ACTION, about, to_status=status)


@router.get("/new")
def new(request: Request) -> HTMLResponse:
    """The form of a new case."""
    me = caller_of(request)
    return _new(request, me, Filled("case", {"responsible": me.actor.name}))


def _new(request: Request, me: Caller, form: Filled) -> HTMLResponse:
    permit_form(me)
    return page(request, me, "case_new.html", form=form, status=form.told.status if form.told else 200)


@router.post("")
def create(request: Request) -> Response:
    """Create a case and go to it."""
    me = caller_of(request)
    fields = forms.read(request)
    try:
        forms.check(request, me, fields)
        wanted = {name: fields.get(name) for name in ("title", "public_title", "description", "status", "case_date")}
        for name in ("responsible", "administrative_unit"):
            wanted[name] = {"name": fields[name]} if fields.get(name, "").strip() else None  # type: ignore[assignment]
        body = forms.parse(NewCase, wanted)
        fresh = new_id()
        done = perform(me, (), lambda work: commands.new_case(work, fresh, body), key=forms.key_of(fields))
    except forms.PROBLEMS as problem:
        return _new(request, me, forms.refused("case", fields, problem, me))
    return onward(request, me, done, f"/cases/{done.unit(CaseFileCreated)}")


@router.get("/{case}")
def show(request: Request, case: UUID) -> HTMLResponse:
    """A case with its entries."""
    return case_page(request, caller_of(request), case, Filled())


def case_page(request: Request, me: Caller, case: UUID, form: Filled) -> HTMLResponse:
    """The page of a case, with a form that was refused where there is one."""
    one = reads.unit(me, CASE, case)
    behind = not me.up_to_date()
    entries = reads.entries_of(me, case)
    status = form.told.status if form.told else 200
    return page(request, me, "case.html", case=one, entries=entries, behind=behind, form=form, status=status)


@router.post("/{case}/status")
def change_status(request: Request, case: UUID) -> Response:
    """Give the case another status."""
    me = caller_of(request)
    fields = forms.read(request)
    try:
        forms.check(request, me, fields)
        body = forms.parse(CaseChange, {"status": fields.get("status")})
        tag = f'"{fields.get("version", "")}"'
        done = perform(me, (case,), commands.expecting(case, tag, lambda work: commands.change_case(work, case, body)))
    except forms.PROBLEMS as problem:
        return case_page(request, me, case, forms.refused("status", fields, problem, me))
    return onward(request, me, done, f"/cases/{case}")
