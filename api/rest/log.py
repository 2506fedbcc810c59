"""REST on the log itself: head, newest signed checkpoint, receipts. No personal data stands in any of them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, PlainTextResponse
from pydantic import BaseModel

from api import reads
from api.bodies import ReceiptWish
from api.receipts import ask, receipt
from api.requests import caller_of
from api.rest.shapes import Asked
from domain.model.errors import NotFound

router = APIRouter(prefix="/log", tags=["log"])
Chain = Annotated[str | None, Query(max_length=300, description="chain_id; default: the open record chain.")]


class LogHead(BaseModel):
    """The end of the open record chain; chain_hash in hex."""

    chain_id: str
    position: int
    chain_hash: str


@router.get("/head", response_model=LogHead)
def head(request: Request) -> JSONResponse:
    """How many events there are, and the chain hash over them."""
    end = reads.head(caller_of(request))
    return JSONResponse({"chain_id": end.chain_id, "position": end.position, "chain_hash": end.chain_hash.hex()})


@router.get("/checkpoint", response_class=PlainTextResponse)
def checkpoint(request: Request) -> PlainTextResponse:
    """The newest signed checkpoint (C2SP tlog-checkpoint). Keep one outside the house: without it nothing is proved."""
    found = reads.checkpoint(caller_of(request))
    if found is None:
        raise NotFound("checkpoint", "latest")
    return PlainTextResponse(found.note)


@router.get("/receipts/{position}", response_class=PlainTextResponse)
def get_receipt(request: Request, position: int, chain: Chain = None) -> PlainTextResponse:
    """The receipt of an event (C2SP tlog-proof@v1); 425 with Retry-After until the next checkpoint has been signed."""
    return PlainTextResponse(receipt(caller_of(request), position, chain))


@router.post("/receipts", status_code=202, response_model=Asked)
def ask_receipt(request: Request, body: ReceiptWish, chain: Chain = None) -> JSONResponse:
    """Ask for the receipt of an event; asking twice is asking once."""
    me = caller_of(request)
    ask(me, body.position, chain)
    location = f"{me.prefix}/api/v1/log/receipts/{body.position}"
    return JSONResponse({"position": body.position}, 202, {"Location": location})
