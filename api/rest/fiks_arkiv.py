"""KS Fiks Arkiv over REST: a message with its files in one request, its answers in one reply.

A fault of the message is an answer (200 with `feilmelding`); problem+json is for a request that is none, or is too large.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from api.fiks_arkiv import answers, service
from api.fiks_arkiv.answers import Answer
from api.fiks_arkiv.files import MOST
from api.fiks_arkiv.xml import MAX_BYTES
from api.installation import Tenant
from api.uploads import Part, parts
from domain.handlers.documents import file_name
from domain.handlers.gate import Actor
from domain.ledger.blobs import Stored, discard
from domain.ledger.identity import new_id
from domain.model.errors import Refused

FIELDS = {"type": 1_000, "message_id": 1_000}
"""The plain fields, and how many bytes each may have."""
PAYLOAD = "payload"
_FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": [PAYLOAD],
                    "properties": {
                        "type": {"type": "string", "description": "Message type; default: what the payload's root element says."},
                        "message_id": {"type": "string", "description": "The message's id; the same id is carried out once."},
                        PAYLOAD: {"type": "string", "contentMediaType": "application/xml"},
                    },
                    "additionalProperties": {"type": "string", "contentMediaType": "application/octet-stream"},
                }
            }
        },
    }
}


class FiksAnswer(BaseModel):
    """One answer. payload: its document or file in base64, null where it has none."""

    type: str
    payload: str | None


class FiksAnswers(BaseModel):
    """The answers to one message, in the order of sending."""

    answers: list[FiksAnswer]


@dataclass(slots=True)
class _Received:
    """fault: why the message is refused though the request can be read."""

    fields: dict[str, str] = field(default_factory=dict)
    payload: bytes | None = None
    files: dict[str, Stored] = field(default_factory=dict)
    fault: str | None = None


def create_router(tenant_for: Callable[[Request], Tenant], actor_for: Callable[[Request], Actor]) -> APIRouter:
    """The routes. tenant_for, actor_for: whose request it is; both may raise Refused."""
    router = APIRouter(tags=["fiks-arkiv"])

    @router.post("/fiks-arkiv/messages", response_model=FiksAnswers, openapi_extra=_FORM)
    def post_message(request: Request) -> JSONResponse:
        """Carry out one KS Fiks Arkiv message. Each file stands under its name as the message's `referanseDokumentfil` has it."""
        tenant, actor = tenant_for(request), actor_for(request)
        received = _receive(request, tenant)
        if received.fault is not None:
            _delete(tenant, received)
            given = [answers.invalid(received.fault)]
        else:
            assert received.payload is not None
            kind, message_id = received.fields.get("type"), received.fields.get("message_id")
            given = service.handle(
                tenant, received.payload, received.files, type_id=kind or None, message_id=message_id or None, actor=actor
            )
        return JSONResponse({"answers": [_shown(one) for one in given]})

    return router


def _shown(one: Answer) -> dict[str, str | None]:
    return {"type": one.type, "payload": None if one.payload is None else b64encode(one.payload).decode()}


def _receive(request: Request, tenant: Tenant) -> _Received:
    """Read the request, its files into the blob store as they come. Refused, with nothing left: no payload, too large."""
    received = _Received()
    try:
        for part, chunks in parts(request, MOST + len(FIELDS) + 2):
            if part.name in FIELDS:
                received.fields[part.name] = _text(chunks, FIELDS[part.name])
            elif part.name == PAYLOAD and received.payload is None:
                # One byte more than a message may have: the decoder refuses it and says so.
                received.payload = _bytes(chunks, MAX_BYTES + 1)
            else:
                _take_file(received, tenant, part, chunks)
        if received.payload is None:
            raise Refused("request.malformed")
    except BaseException:
        _delete(tenant, received)
        raise
    return received


def _take_file(received: _Received, tenant: Tenant, part: Part, chunks: Iterator[bytes]) -> None:
    """Store a file under its file name, or its field's name where it has none. After a fault no more bytes are stored."""
    name = part.file_name or part.name
    if received.fault is not None:
        return
    try:
        file_name(name)
    except Refused as problem:
        received.fault = answers.told(problem)
        return
    if name in received.files:
        received.fault = f"The file {name!r} came twice."
        return
    received.files[name] = tenant.ledger.blobs.put(new_id(), chunks)


def _delete(tenant: Tenant, received: _Received) -> None:
    for stored in received.files.values():
        discard(tenant.ledger.blobs, stored.object_id)


def _bytes(chunks: Iterator[bytes], limit: int) -> bytes:
    """At most `limit` bytes; what comes after them is read past."""
    found = bytearray()
    for chunk in chunks:
        found += chunk[: limit - len(found)]
    return bytes(found)


def _text(chunks: Iterator[bytes], limit: int) -> str:
    found = _bytes(chunks, limit + 1)
    if len(found) > limit:
        raise Refused("request.too_large")
    try:
        return found.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused("request.malformed") from None
