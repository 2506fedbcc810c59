"""REST on documents: the file is streamed in and out, its digest checked both ways."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Request
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import ValidationError

from api import commands, reads
from api.bodies import NewDocument
from api.downloads import download
from api.errors import body_fault
from api.requests import caller_of
from api.rest.answers import MADE, VERSIONED, IdempotencyKey, Written, inlined, shown, written
from api.rest.shapes import Unit
from api.uploads import Part, Received, declared_checksum, only_digest, received
from api.writes import perform, repeated
from domain.handlers.documents import AddDocument
from domain.handlers.work import permitted
from domain.ledger.blobs import Stored, discard
from domain.ledger.identity import new_id
from domain.model.document import DocumentCreated
from domain.model.errors import Refused
from projections.view import DOCUMENT

router = APIRouter(tags=["documents"])
_FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "metadata": inlined(NewDocument),
                        "file": {"type": "string", "contentMediaType": "application/octet-stream"},
                    },
                },
                "encoding": {"metadata": {"contentType": "application/json"}},
            }
        },
    }
}
_FILE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The file, as an attachment.",
        "content": {"*/*": {"schema": {"type": "string", "contentMediaType": "application/octet-stream"}}},
        "headers": {name: {"required": True, "schema": {"type": "string"}} for name in ("ETag", "Repr-Digest")},
    }
}


@router.post("/entries/{entry}/documents", status_code=201, response_model=Written, responses=MADE, openapi_extra=_FORM)
def add_document(
    request: Request,
    entry: UUID,
    key: IdempotencyKey = None,
    repr_digest: Annotated[str | None, Header(description="SHA-256 of the file, as RFC 9530 writes it.")] = None,
) -> JSONResponse:
    """Add a document with its file to an entry. `metadata` comes before `file`; a file that is not as declared is not kept."""
    me = caller_of(request)
    permitted(me.tenant.ledger, me.context(), AddDocument.ACTION, entry)
    beside = declared_checksum(repr_digest)
    blobs, limit = me.tenant.ledger.blobs, me.site.settings.file_limit
    done_before = bool(repeated(me, key))
    fresh = new_id()

    def store(object_id: UUID, chunks: Any) -> Stored:
        return only_digest(object_id, chunks) if done_before else blobs.put(object_id, chunks, limit)

    def admit(so_far: Received, part: Part) -> None:
        if part.name != "file":
            raise Refused("request.unknown_field", "", {"field": part.name[:80]})
        _metadata(so_far)

    with received(request, blobs, store, admit) as body:
        said = _metadata(body)
        if body.stored is None:
            raise Refused("file.missing", "2.7.4")
        given = commands.given_object(said, body.stored, body.file_name, body.checksum or beside)
        done = perform(me, (entry,), lambda work: commands.new_document(work, fresh, entry, said, given), key=key, given=(entry,))
        if done.repeated:  # where both came at once this one's bytes were stored too
            discard(blobs, body.stored.object_id)
    unit = done.unit(DocumentCreated)
    return written(request, me, done, unit, 201, f"/api/v1/documents/{unit}")


def _metadata(body: Received) -> NewDocument:
    for name in body.fields:
        if name != "metadata":
            raise Refused("request.unknown_field", "", {"field": name[:80]})
    try:
        return NewDocument.model_validate_json(body.fields.get("metadata", "{}"))
    except ValidationError as problem:
        raise body_fault(problem) from problem


@router.get("/documents/{document}", response_model=Unit, responses=VERSIONED)
def get_document(request: Request, document: UUID) -> JSONResponse:
    """A document with its versions and variants: format, size, digest."""
    return shown(reads.unit(caller_of(request), DOCUMENT, document))


@router.get("/documents/{document}/objects/{object_id}/file", response_class=StreamingResponse, responses=_FILE)
def get_file(request: Request, document: UUID, object_id: UUID) -> StreamingResponse:
    """The bytes of a document object, checked against what was registered."""
    return download(caller_of(request), document, object_id)
