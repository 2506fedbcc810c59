"""Ordering, changing and stopping rights: the pages of a manager, with what the order would change before it is given."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Annotated, Any
from uuid import UUID

import psycopg
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from api import open_work, orders, people, preview
from api.orders import NewOrder, NewStop
from api.preview import Preview
from api.requests import Caller, caller_of
from api.web import forms
from api.web.forms import Filled
from api.web.page import onward
from api.web.pages_handover import choices
from api.web.rights_page import rights_page
from api.writes import perform
from domain.handlers import rights
from domain.model import codes, idm
from domain.model.errors import NotFound, Refused
from domain.model.matrix import ROLES
from domain.model.rights_change import RightsOrdered
from domain.model.user import KINDS, SERVICE
from projections.people.read import Row

router = APIRouter(prefix="/rights", include_in_schema=False)
Words = Annotated[str, Query(max_length=200, pattern=r"^[^\x00-\x1f]*$")]
ORDER, STOP = rights.Order.ACTION, rights.Stop.ACTION
PARTS = ("role", "code", "group", "replaces")


@router.get("/order")
def choose(
    request: Request,
    q: Words = "",
    person: UUID | None = None,
    replaces: UUID | None = None,
    asked: UUID | None = None,
    new: bool = False,
) -> Response:
    """For whom? Own staff, anybody else by name, or somebody new; then the form."""
    me = caller_of(request)
    people.permit(me, ORDER, people.as_manager)
    if new or person is not None:
        return _form(request, me, Filled("order", _prefilled(me, person, replaces, asked)))
    found = people.ask(me, lambda reads, connection: reads.found(connection, q, 20)) if q.strip() else []
    mine = people.selves(me)
    given = people.ask(me, lambda reads, connection: reads.ordered_by(connection, mine))
    state = people.organisation(me).state
    return rights_page(
        request,
        me,
        "rights_order.html",
        staff=_by_person(people.staff(me)),
        asked=people.asked_by_idm(me),
        found=[one for one in found if one["kind"] != SERVICE],
        q=q,
        orders=[{**one, "unit_name": people.unit_name(state, one["unit"])} for one in given],
    )


@router.post("/order")
def order(request: Request) -> Response:
    """Give the order; with `step=preview` only show what it would change."""
    me = caller_of(request)
    people.permit(me, ORDER, people.as_manager)
    fields = forms.read(request)
    try:
        forms.check(request, me, fields)
        person, _, handle = orders.order(_order_of(fields), "page")
        page = _previewed(fields)
        if page is not None:
            return _form(request, me, Filled("order", fields), preview.of_command(me, handle, page))
        keys = (person,) if fields.get("person") else ()
        done = perform(me, keys, handle, key=forms.key_of(fields), given=keys)
    except forms.PROBLEMS as problem:
        return _form(request, me, forms.refused("order", fields, problem, me))
    return onward(request, me, done, f"/people/{done.unit(RightsOrdered)}")


def _previewed(fields: Mapping[str, str]) -> int | None:
    """Which page of the lists a form asks to see before anything is ordered; None where it orders."""
    step, _, page = fields.get("step", "").partition(":")
    if step != "preview":
        return None
    return int(page) if page.isascii() and page.isdigit() and len(page) < 7 else 0


def _form(request: Request, me: Caller, form: Filled, shown: Preview | None = None) -> HTMLResponse:
    """The form of an order, with what was wrong or what it would change."""
    people.permit(me, ORDER, people.as_manager)
    person = _uuid(form.values.get("person", ""))
    known = people.known(me, person) if person is not None else None
    state, day = people.organisation(me).state, people.today(me)
    own = str(person) in people.selves(me)
    cleared = sorted({one.code for one in state.codes if state.basis_of(one.code, day) is not None})
    return rights_page(
        request,
        me,
        "rights_order_form.html",
        status=form.told.status if form.told else 200,
        form=form,
        person=known.file if known is not None else None,
        units=[] if own else people.units_to_order_in(me, str(person) if person is not None else ""),
        own=own,
        running=people.running(me, [person]) if person is not None else [],
        kinds=[kind for kind in KINDS if kind != SERVICE],
        roles=ROLES,
        codes=cleared or list(codes.ACCESS_RESTRICTION),
        groups=sorted(state.groups.values(), key=lambda one: one.name.casefold()),
        represented=_represented(me),
        audited=sorted(((str(one.id), one.name) for one in state.units.values()), key=lambda one: one[1].casefold()),
        preview=shown,
    )


def _represented(me: Caller) -> list[tuple[str, str]]:
    """Those whose substitute the manager may name: the manager, and the own staff."""
    staff = {str(row["person"]): row["name"] for row in people.staff(me)}
    return [(me.actor.id, me.actor.name), *sorted(staff.items(), key=lambda one: one[1].casefold())]


def _prefilled(me: Caller, person: UUID | None, replaces: UUID | None, asked: UUID | None) -> dict[str, str]:
    """The form's values to begin with: those of the right that is changed, where one is."""
    values = {"first_day": people.today(me).isoformat()}
    if person is None:
        return values
    values["person"] = str(person)
    wanted = [row for row in people.asked_by_idm(me, person) if row["id"] == asked] if asked is not None else []
    for row in wanted:
        days = {name: _day(me, row[name]) for name in ("first_day", "last_day") if row[name]}
        values |= {"request": str(asked), "unit": str(row["unit"] or ""), **days}
        values |= _ticked(row["roles"], row["codes"], row["groups"])
    found = people.known(me, person).file.orders.orders.get(replaces) if replaces is not None else None
    if found is not None:
        fact = found.fact
        values["unit"] = str(fact.unit or "")
        values["title"] = (fact.body.title or "") if fact.body is not None else ""
        values["last_day"] = found.last_day.isoformat() if found.last_day is not None else ""
        values |= _ticked(fact.roles, fact.codes, fact.groups, (str(fact.order),))
    return values


def _ticked(*some: Iterable[str]) -> dict[str, str]:
    """The boxes of roles, codes, groups and replaced orders, as a form sends them."""
    return {f"{part}-{one}": "on" for part, values in zip(PARTS, some, strict=False) for one in values}


def _order_of(fields: Mapping[str, str]) -> NewOrder:
    """The body of a sent form."""
    wanted: dict[str, Any] = {
        name: fields.get(name, "").strip()
        for name in ("person", "unit", "first_day", "last_day", "title", "reason", "acting_for", "request", "handover")
    }
    for part, name in zip(PARTS, ("roles", "codes", "groups", "replaces"), strict=True):
        wanted[name] = [key.partition("-")[2] for key in fields if key.startswith(f"{part}-")]
    audited = [key.partition("-")[2] for key in fields if key.startswith("audited-")]
    if fields.get("mandate", "").strip() or audited:
        days = {name: fields.get(f"audit_{name}", "").strip() or None for name in ("since", "until")}
        wanted["assignment"] = {"mandate": fields.get("mandate", "").strip(), "units": audited, **days}
    if not wanted["person"]:
        wanted["newcomer"] = {
            name: value for name in ("name", "user_name", "email", "kind") if (value := fields.get(name, "").strip())
        }
    return forms.parse(NewOrder, wanted)


@router.post("/requests/{person}/{asked}")
def turn_down(request: Request, person: UUID, asked: UUID) -> Response:
    """Say no to what the identity system asked for."""
    me = caller_of(request)
    fields = forms.read(request)
    people.permit(me, ORDER, people.as_manager)
    forms.check(request, me, fields)
    handle = orders.turn_down(person, asked, fields.get("reason", ""))
    done = perform(me, (person,), handle, key=forms.key_of(fields), given=(person, asked))
    return onward(request, me, done, "/rights/order")


@router.get("/stop")
def stop_form(request: Request, person: UUID | None = None, unit: UUID | None = None) -> Response:
    """What stops, from when, and what the person has open; whose rights is chosen among the staff."""
    me = caller_of(request)
    if person is None:
        people.permit(me, STOP, people.as_manager)
        return RedirectResponse(f"{me.prefix}/rights/order", 303)
    filled = Filled("stop", {"unit": str(unit or ""), "last_day": people.today(me).isoformat()})
    return _stop_form(request, me, person, filled, _of_stop(me, person, unit))


def _of_stop(me: Caller, person: UUID, unit: UUID | None) -> Preview | None:
    """What a stop today would change, where the page can already tell."""
    people.permit(me, STOP, people.rights_of(person))
    units = [row["unit"] for row in people.running(me, [person]) if row["unit"] is not None]
    if not units:
        return None
    _, handle = orders.stop(person, NewStop(unit=unit or units[0], last_day=people.today(me)), "page")
    try:
        return preview.of_command(me, handle)
    except Refused:
        return None


@router.post("/stop")
def stop(request: Request) -> Response:
    """Stop somebody's rights in a unit; with `step=preview` only show what it would change."""
    me = caller_of(request)
    people.permit(me, STOP, people.as_manager)
    fields = forms.read(request)
    person = _uuid(fields.get("person", ""))
    try:
        forms.check(request, me, fields)
        if person is None:
            raise Refused("rights.person_missing", "4.5.29")
        wanted = {name: fields.get(name, "").strip() for name in ("unit", "last_day", "reason")}
        _, handle = orders.stop(person, forms.parse(NewStop, wanted), "page")
        page = _previewed(fields)
        if page is not None:
            return _stop_form(request, me, person, Filled("stop", fields), preview.of_command(me, handle, page))
        done = perform(me, (person,), handle, key=forms.key_of(fields), given=(person,))
    except forms.PROBLEMS as problem:
        if person is None:
            people.permit(me, STOP, people.as_manager)
            raise
        return _stop_form(request, me, person, forms.refused("stop", fields, problem, me))
    return onward(request, me, done, _after_stop(me.after(done.position), person))


def _after_stop(me: Caller, person: UUID) -> str:
    """To what is still open; that it cannot be looked up now holds up no stop."""
    try:
        left = open_work.of_person(me, people.known(me, person), 0).records
    except psycopg.Error:
        left = 0
    return f"/rights/handover?person={person}" if left else f"/people/{person}"


def _stop_form(request: Request, me: Caller, person: UUID, form: Filled, shown: Preview | None = None) -> HTMLResponse:
    people.permit(me, STOP, people.rights_of(person))
    people.organisation(me)
    known = people.known(me, person)
    running = people.running(me, [person])
    units = {str(row["unit"]): row["unit_name"] for row in running if row["unit"] is not None}
    if not units:
        raise NotFound("right", str(person)) if not running else Refused("rights.nothing_to_stop", "4.5.30")
    work = open_work.of_person(me, known)
    return rights_page(
        request,
        me,
        "rights_stop.html",
        status=form.told.status if form.told else 200,
        form=form,
        person=known.file,
        running=running,
        units=list(units.items()),
        work=work,
        late=_past(form.values.get("last_day", ""), people.today(me)),
        preview=shown,
        **choices(me, known, work),
    )


def _by_person(rows: list[Row]) -> list[tuple[Row, list[Row]]]:
    """(somebody, the rights of that person), in the order of the rows."""
    found: dict[UUID, list[Row]] = {}
    for row in rows:
        found.setdefault(row["person"], []).append(row)
    return [(some[0], some) for some in found.values()]


def _day(me: Caller, text: str) -> str:
    """The local day of what an identity system wrote; empty where it cannot be read."""
    try:
        found = idm.day(text, me.texts.zone)
    except Refused:
        return ""
    return found.isoformat() if found is not None else ""


def _past(day: str, today: date) -> bool:
    try:
        return date.fromisoformat(day) < today
    except ValueError:
        return False


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text.strip())
    except ValueError:
        return None
