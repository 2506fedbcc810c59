"""A document's file on its way out: bytes checked before the first one leaves, and never a page of its own in the browser."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator
from itertools import chain
from urllib.parse import quote
from uuid import UUID

from fastapi.responses import StreamingResponse

from api import reads
from api.requests import Caller

_MIME = re.compile(r"[a-z]+/[a-z0-9][a-z0-9.+-]{0,80}", re.IGNORECASE)
_PLAIN = re.compile(r"[^A-Za-z0-9._ -]")
# A browser that opened these on our origin would run what they hold.
_ACTIVE = ("text/html", "application/xhtml+xml", "image/svg+xml", "text/xml", "application/xml", "text/javascript")


def download(me: Caller, document: UUID, object_id: UUID) -> StreamingResponse:
    """The file of a document object. Raises NotFound; BlobFault where the stored bytes are not those registered."""
    one = reads.object_of(me, document, object_id)
    chunks = me.tenant.ledger.blobs.get(object_id, int(one["size"]), str(one["checksum"]))
    first = next(chunks, b"")  # the check of all bytes happens here, while the status can still say so
    headers = {
        "Content-Disposition": disposition(str(one.get("file_name") or f"{object_id}.bin")),
        "Content-Length": str(one["size"]),
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Repr-Digest": f"sha-256=:{b64encode(bytes.fromhex(one['checksum'])).decode()}:",
        "ETag": f'"{one["checksum"]}"',
    }
    return StreamingResponse(_all(first, chunks), headers=headers, media_type=media_type(one.get("mime_type")))


def disposition(name: str) -> str:
    """Content-Disposition as an attachment, with the name in ASCII and in full (RFC 6266)."""
    plain = _PLAIN.sub("_", name)[:120]
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def media_type(declared: object) -> str:
    """The declared MIME type where it is one and holds nothing that runs."""
    known = isinstance(declared, str) and _MIME.fullmatch(declared) and declared.lower() not in _ACTIVE
    return str(declared) if known else "application/octet-stream"


def _all(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    return chain((first,), rest)
