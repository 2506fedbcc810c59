"""What a waiting order, or cells that wait for confirmation, would open and close: the lists behind the counts of the inbox."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from api import preview
from api.requests import caller_of
from api.web.rights_page import rights_page

router = APIRouter(prefix="/rights/preview", include_in_schema=False)
Page = Annotated[int, Query(ge=0, le=1_000_000)]


@router.get("/orders/{person}/{order}")
def of_order(request: Request, person: UUID, order: UUID, page: Page = 0) -> HTMLResponse:
    """Of one order that waits: for whoever controls it, or settles what was objected to."""
    me = caller_of(request)
    preview.permit_waiting(me, person, order)
    found = preview.of_waiting(me, person, order, page)
    return rights_page(
        request,
        me,
        "rights_preview.html",
        person=person,
        called_person=me.name_of(str(person)),
        difference=found.difference,
        opened=found.opened,
        people=None,
        address=f"/rights/preview/orders/{person}/{order}",
    )


@router.get("/changes/{change}")
def of_change(request: Request, change: UUID, page: Page = 0) -> HTMLResponse:
    """Of cells that wait for the second person: for whoever may confirm them."""
    me = caller_of(request)
    preview.permit_change(me)
    found = preview.of_change(me, change, page)
    return rights_page(
        request,
        me,
        "rights_preview.html",
        called_person="",
        difference=None,
        opened=[found],
        people=found.people,
        address=f"/rights/preview/changes/{change}",
    )
