"""The log itself: its head, its newest signed checkpoint, receipts, and what can be proved with them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import HTMLResponse, PlainTextResponse

from api import reads
from api.receipts import ask, receipt
from api.requests import Caller, caller_of
from api.web import forms
from api.web.forms import Filled
from api.web.page import page
from domain.ledger.receipts import NotYet
from domain.model.errors import NotFound, Refused

router = APIRouter(prefix="/log", include_in_schema=False)


@router.get("")
def log(request: Request, receipt_: Annotated[str, Query(alias="receipt", max_length=20)] = "") -> HTMLResponse:
    """Head and checkpoint. receipt: the position of an event, to see whether its receipt is there."""
    me = caller_of(request)
    return _page(request, me, receipt_, Filled("receipt", {"position": receipt_}))


def _page(request: Request, me: Caller, wanted: str, form: Filled) -> HTMLResponse:
    head, checkpoint = reads.head(me), reads.checkpoint(me)
    ready: bool | None = None
    if wanted and form.told is None:
        try:
            receipt(me, _position(wanted))
            ready = True
        except NotYet:
            ready = False
        except Refused as problem:
            form = forms.refused("receipt", form.values, problem, me)
    status = form.told.status if form.told else 200
    fault = me.tenant.ledger.writer.fault
    return page(
        request,
        me,
        "log.html",
        head=head,
        checkpoint=checkpoint,
        wanted=wanted,
        ready=ready,
        form=form,
        fault=fault,
        status=status,
    )


@router.post("/receipts")
def ask_receipt(request: Request) -> Response:
    """Ask for the receipt of an event."""
    me = caller_of(request)
    fields = forms.read(request)
    wanted = fields.get("position", "")
    form = Filled("receipt", fields)
    try:
        forms.check(request, me, fields)
        ask(me, _position(wanted))
    except forms.PROBLEMS as problem:
        form = forms.refused("receipt", fields, problem, me)
    return _page(request, me, wanted, form)


@router.get("/receipts/{position}")
def download_receipt(request: Request, position: str) -> PlainTextResponse:
    """The receipt as a file (C2SP tlog-proof@v1); 425 until the next checkpoint."""
    number = _position(position)
    text = receipt(caller_of(request), number)
    return PlainTextResponse(text, headers={"Content-Disposition": f'attachment; filename="receipt-{number}.tlog-proof"'})


@router.get("/checkpoint")
def download_checkpoint(request: Request) -> PlainTextResponse:
    """The newest checkpoint as a file, to be kept outside the house."""
    found = reads.checkpoint(caller_of(request))
    if found is None:
        raise NotFound("checkpoint", "latest")
    return PlainTextResponse(found.note, headers={"Content-Disposition": f'attachment; filename="checkpoint-{found.size}.note"'})


def _position(given: str) -> int:
    plain = given.strip()
    if not (plain.isascii() and plain.isdigit() and len(plain) < 16):
        raise NotFound("event", plain[:40])
    return int(plain)
