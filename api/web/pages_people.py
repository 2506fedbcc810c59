"""People and their rights: one's own, somebody else's on any day, and the list of those whose rights one may read."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from api import access_requests, people, urgent
from api.people import Query as Asked
from api.requests import Caller, caller_of
from api.web import forms
from api.web.forms import Filled
from api.web.rights_page import rights_page
from domain.handlers import rights
from domain.handlers.people import represented
from domain.model.access import Subject
from domain.model.errors import NotFound, Refused

router = APIRouter(include_in_schema=False)
Given = Annotated[str, Query(max_length=40)]
Words = Annotated[str, Query(max_length=200, pattern=r"^[^\x00-\x1f]*$")]


@router.get("/rights")
def front(request: Request) -> RedirectResponse:
    """To one's own rights."""
    me = caller_of(request)
    people.permit(me, Asked.READ_RIGHTS, _own(me))
    return RedirectResponse(f"{me.prefix}/rights/me", 303)


@router.get("/rights/me")
def mine(request: Request, on: Given = "") -> HTMLResponse:
    """One's own rights, whose decision each is, and what others have asked of one."""
    return own_page(request, caller_of(request), on, Filled())


def own_page(request: Request, me: Caller, on: str, form: Filled) -> HTMLResponse:
    """One's own page, with an answer that was refused where there is one."""
    people.permit(me, Asked.READ_RIGHTS, _own(me))
    people.organisation(me)
    try:
        person = UUID(me.actor.id)
    except ValueError:
        raise NotFound("person", me.actor.id[:100]) from None
    asked_of_me = access_requests.to_answer(me)
    asked = access_requests.of_person(me, me.actor.id)
    return _page(request, me, person, on, form, own=True, asked_of_me=asked_of_me, asked=asked)


def _own(me: Caller) -> Subject:
    return Subject("administration", authors=frozenset(people.selves(me)), concerns=me.actor.id)


@router.get("/people/{person}")
def show(request: Request, person: UUID, on: Given = "") -> HTMLResponse:
    """A person's rights on a local day, each with who ordered, decided and carried it out, and where that stands in the log."""
    me = caller_of(request)
    people.permit(me, Asked.READ_RIGHTS, people.rights_of(person))
    return _page(request, me, person, on, Filled(), own=str(person) == me.actor.id, asked_of_me=[], asked=[])


def _page(request: Request, me: Caller, person: UUID, on: str, form: Filled, **values: Any) -> HTMLResponse:
    state = people.organisation(me).state
    known, day = people.known(me, person), people.today(me)
    try:
        wanted = _day(on) if on else day
    except Refused as problem:
        wanted, form = day, forms.refused("on", {"on": on}, problem, me)
    told = people.told(me, person, wanted)
    rows = people.ask(me, lambda reads, connection: reads.of_person(connection, person))
    units = {row["unit"]: people.unit_name(state, row["unit"]) for row in rows if row["unit"] is not None}
    others, manager = not values["own"], people.managers(me, wanted)
    return rights_page(
        request,
        me,
        "rights_person.html",
        status=form.told.status if form.told else 200,
        form=form,
        person=known.file,
        on=wanted,
        told=told,
        urgent=urgent.of_person(me, person),
        represented=[me.name_of(one) for one in represented(me.tenant.ledger, me.actor.id)] if not others else [],
        waiting=[
            {**row, "unit_name": units.get(row["unit"], "")}
            for row in rows
            if row["stage"] in ("ordered", "objected", "returned")
        ],
        managers=[(name, manager(str(person), unit)) for unit, name in units.items()],
        orders=others
        and bool(people.units_to_order_in(me, str(person)))
        and people.may(me, rights.Order.ACTION, people.as_manager),
        reports=people.may(me, rights.ReportAudit.ACTION, people.rights_of(person)),
        stops=others and people.may(me, rights.Stop.ACTION, people.rights_of(person)),
        **values,
    )


@router.get("/people")
def listing(request: Request, q: Words = "") -> HTMLResponse:
    """Those whose rights the reader may read, with what runs today."""
    me = caller_of(request)
    people.permit(me, Asked.LIST_PEOPLE)
    people.organisation(me)
    found = people.ask(me, lambda reads, connection: reads.found(connection, q))
    rows = people.running(me, [one["id"] for one in found])
    everybody = people.may(me, Asked.READ_RIGHTS)
    kept = rows if everybody else [row for row in rows if row["manager"] in people.selves(me)]
    by_person: dict[UUID, list[Any]] = {}
    for row in kept:
        by_person.setdefault(row["person"], []).append(row)
    shown = [(one, by_person.get(one["id"], [])) for one in found if everybody or one["id"] in by_person]
    return rights_page(request, me, "people.html", found=shown, q=q)


def _day(text: str) -> date:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        found = date.min
    if not 1000 <= found.year <= 9000:
        raise Refused("date.malformed", "", {"field": "on", "given": text})
    return found
