"""Urgent access on a phone: a manager orders, another confirms, the archive leader reviews; and what successors take over."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from api import people, succession, urgent
from api.login.fresh import require_fresh_login
from api.people import Query
from api.requests import Caller, caller_of
from api.succession import NewTakeOver
from api.urgent import NewUrgent, UrgentAnswer
from api.web import forms
from api.web.forms import Filled
from api.web.page import onward
from api.web.rights_page import rights_page
from domain.handlers.urgent import Order
from domain.model.errors import Refused

router = APIRouter(prefix="/rights", include_in_schema=False)
PAGE = "/rights/urgent"


@router.get("/urgent")
def show(request: Request, person: UUID | None = None) -> HTMLResponse:
    """What waits, what is open, what has to be reviewed; and the form to order it for one of the staff."""
    return _page(request, caller_of(request), Filled("urgent", {"person": str(person or "")}))


def _page(request: Request, me: Caller, form: Filled) -> HTMLResponse:
    rows = urgent.listed(me)
    orders = people.may(me, Order.ACTION, people.as_manager)
    staff = {str(row["person"]): row["name"] for row in people.staff(me)} if orders else {}
    return rights_page(
        request,
        me,
        "rights_urgent.html",
        status=form.told.status if form.told else 200,
        form=form,
        waiting=[row for row in rows if row["confirmed_at"] is None],
        open_now=[row for row in rows if row["in_force"]],
        over=[row for row in rows if row["confirmed_at"] is not None and not row["in_force"]],
        reviewed=urgent.reviewed(me),
        staff=sorted(staff.items(), key=lambda one: one[1].casefold()),
        orders=orders,
    )


@router.post("/urgent")
def order(request: Request) -> Response:
    """Order it."""
    me = caller_of(request)
    fields = forms.read(request)
    people.permit(me, Order.ACTION, people.as_manager)
    try:
        forms.check(request, me, fields)
        person = _uuid(fields.get("person", ""))
        body = forms.parse(NewUrgent, {name: fields.get(name, "").strip() for name in ("case", "reason")})
        done = urgent.order(me, person, body, forms.key_of(fields))
    except forms.PROBLEMS as problem:
        return _page(request, me, forms.refused("urgent", fields, problem, me))
    return onward(request, me, done, PAGE)


@router.post("/urgent/{person}/{wanted}")
def answer(request: Request, person: UUID, wanted: UUID) -> Response:
    """Confirm or review one."""
    me, fields = caller_of(request), forms.read(request)
    return _answered(request, me, person, wanted, fields, fields.get("answer", ""))


@router.post("/urgent/{person}/{wanted}/end")
def end(request: Request, person: UUID, wanted: UUID) -> Response:
    """End one, or say that it will not be."""
    me, fields = caller_of(request), forms.read(request)
    return _answered(request, me, person, wanted, fields, "end")


def _answered(request: Request, me: Caller, person: UUID, wanted: UUID, fields: dict[str, str], said: str) -> Response:
    people.permit(me, urgent.ANSWERS.get(said, Query.LIST_WAITING), people.as_manager)
    if said == "confirm":
        require_fresh_login(me)
    try:
        forms.check(request, me, fields)
        found = {"justified": True, "unjustified": False}.get(said)
        kind = "review" if found is not None else said
        given = {"answer": kind, "reason": fields.get("reason", ""), "justified": found is not False}
        done = urgent.answer(me, person, wanted, forms.parse(UrgentAnswer, given), forms.key_of(fields))
    except forms.PROBLEMS as problem:
        return _page(request, me, forms.refused(str(wanted), fields, problem, me))
    return onward(request, me, done, PAGE)


@router.get("/without-manager")
def without_manager(request: Request) -> HTMLResponse:
    """Rights whose manager is gone, red after 30 days: none of them lapses by itself."""
    return _without(request, caller_of(request), Filled())


def _without(request: Request, me: Caller, form: Filled) -> HTMLResponse:
    people.permit(me, Query.LIST_WAITING)
    status = form.told.status if form.told else 200
    return rights_page(request, me, "rights_without_manager.html", status=status, form=form, rows=succession.without_manager(me))


@router.post("/without-manager/{person}")
def take_over(request: Request, person: UUID) -> Response:
    """Confirm somebody's rights in a unit, and answer for them."""
    me = caller_of(request)
    fields = forms.read(request)
    try:
        forms.check(request, me, fields)
        body = NewTakeOver(unit=_uuid(fields.get("unit", "")))
        done = succession.take_over(me, person, body, forms.key_of(fields))
    except forms.PROBLEMS as problem:
        return _without(request, me, forms.refused(str(person), fields, problem, me))
    return onward(request, me, done, "/rights/without-manager")


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Refused("rights.person_missing", "4.5.29") from None
