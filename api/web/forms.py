"""Forms of the pages: read as they come, refused where another page made them, shown again with what was wrong.

Against forgery: a signed nonce in a cookie that never leaves the site (SameSite=Strict), and the same nonce sealed in the form.
Against a double click: each form carries an idempotency key, so that sending it twice does it once.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import parse_qsl
from uuid import UUID

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

from api import errors
from api.errors import Explanation, body_fault
from api.requests import Caller
from api.uploads import FIELDS_LIMIT, Part, Received, Store, only_digest, pull, received
from api.writes import repeated
from domain.ledger.blobs import Stored
from domain.ledger.identity import new_id
from domain.model.errors import DagbokError, Refused

COOKIE = "dagbok_form"
FIELDS = 100
PROBLEMS = (DagbokError, RequestValidationError)
Model = TypeVar("Model", bound=BaseModel)

# Noark's name of an element in a refusal -> the form's field, where they differ.
_FIELD_OF = {
    "tittel": "title",
    "saksstatus": "status",
    "journalstatus": "status",
    "journalposttype": "entry_type",
    "avskrivningsmaate": "method",
    "korrespondansepartNavn": "party_name",
    "parties.0.name": "party_name",
    "responsible.name": "responsible",
    "dokumenttype": "document_type",
    "received_at": "received_on",
    "tilknyttetRegistreringSom": "association",
}


@dataclass(frozen=True, slots=True)
class Filled:
    """A form as it was sent. name: which one of the page's forms; told: what was wrong; wrong: the fields that are marked."""

    name: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    told: Explanation | None = None
    wrong: frozenset[str] = frozenset()


def nonce_of(request: Request, me: Caller) -> tuple[str, bool]:
    """The visitor's nonce, and whether it is new and must be set as a cookie."""
    known = me.site.unseal("nonce", request.cookies.get(COOKIE, ""))
    return (known, False) if known else (str(new_id()), True)


def token_for(me: Caller, nonce: str) -> str:
    """What a form carries."""
    return me.site.seal("form", nonce)


def check(request: Request, me: Caller, fields: Mapping[str, str]) -> None:
    """Refuse a form that no page of ours gave to this visitor: Refused `form.expired`."""
    nonce = me.site.unseal("nonce", request.cookies.get(COOKIE, ""))
    carried = me.site.unseal("form", fields.get("token", ""))
    if not nonce or not carried or not hmac.compare_digest(nonce, carried):
        raise Refused("form.expired", "4.1.1")


def key_of(fields: Mapping[str, str]) -> str | None:
    """The form's idempotency key."""
    once = fields.get("once", "")[:100]
    return f"form:{once}" if once else None


def read(request: Request) -> dict[str, str]:
    """The fields of a form without files (the last of a name counts). Refused `request.malformed`, `request.too_large`."""
    body, more = bytearray(), True
    while more:
        message = pull(request)
        if message["type"] == "http.disconnect":
            raise Refused("request.malformed")
        body += message.get("body", b"")
        if len(body) > FIELDS_LIMIT:
            raise Refused("request.too_large")
        more = bool(message.get("more_body"))
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=FIELDS)
    except ValueError:
        raise Refused("request.malformed") from None
    return dict(pairs)


@contextmanager
def read_with_file(request: Request, me: Caller) -> Iterator[Received]:
    """A form with at most one file: checked before a byte of the file is stored, and the file destroyed where it is refused."""
    if not request.headers.get("content-type", "").lower().startswith("multipart/"):
        plain = Received(read(request))
        check(request, me, plain.fields)
        yield plain
        return
    blobs = me.tenant.ledger.blobs
    again: list[bool] = []

    def admit(so_far: Received, _: Part) -> None:
        check(request, me, so_far.fields)
        again.append(bool(repeated(me, key_of(so_far.fields))))

    def put(object_id: UUID, chunks: Any) -> Stored:
        return only_digest(object_id, chunks) if again[-1] else blobs.put(object_id, chunks, me.site.settings.file_limit)

    store: Store = put
    with received(request, blobs, store, admit) as form:
        check(request, me, form.fields)
        yield form


def parse(model: Callable[..., Model], values: Mapping[str, Any]) -> Model:
    """A body from a form's values; those left blank count as absent. Raises RequestValidationError."""
    try:
        return model(**{name: value for name, value in values.items() if value not in ("", None)})
    except ValidationError as problem:
        raise body_fault(problem) from problem


def refused(name: str, fields: Mapping[str, str], problem: Exception, me: Caller) -> Filled:
    """The form to show again, with what was wrong."""
    told = errors.explain(problem, me.texts)
    named = {one for one, _ in told.fields}
    if isinstance(problem, Refused):
        named |= {problem.params.get("element", ""), problem.params.get("field", "")}
    return Filled(name, fields, told, frozenset(_FIELD_OF.get(one, one) for one in named if one))
