"""Documents: one with its versions, and their files."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, StreamingResponse

from api import reads
from api.downloads import download
from api.requests import caller_of
from api.web.page import page
from projections.view import DOCUMENT, ENTRY

router = APIRouter(prefix="/documents", include_in_schema=False)


@router.get("/{document}")
def show(request: Request, document: UUID) -> HTMLResponse:
    """A document with its versions and variants."""
    me = caller_of(request)
    one = reads.unit(me, DOCUMENT, document)
    me.up_to_date()
    entry = reads.entry_of(me, document)
    of = reads.above(me, ENTRY, entry)
    return page(request, me, "document.html", document=one, entry=of)


@router.get("/{document}/objects/{object_id}/file")
def file(request: Request, document: UUID, object_id: UUID) -> StreamingResponse:
    """The bytes of one version."""
    return download(caller_of(request), document, object_id)
