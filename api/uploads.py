"""Multipart bodies read as they come: a file's bytes go straight to the blob store, nothing large stands in memory or in a spool.

A route is a plain function in a worker thread, so it pulls each piece of the request from the event loop when it wants one: a
slow disk slows the sender down. Small fields must come before the file; the receiver is asked to admit it before a byte is kept.
"""

from __future__ import annotations

import hashlib
from base64 import b64decode
from binascii import Error as NotBase64
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import UUID

import anyio.from_thread
from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.types import Message

from domain.handlers import documents
from domain.ledger.blobs import Blobs, Stored, discard
from domain.ledger.faults import LedgerError
from domain.ledger.identity import new_id
from domain.model.errors import Refused

FIELDS_LIMIT = 1024 * 1024
PARTS_LIMIT = 100
_START = 65_536
Store = Callable[[UUID, Iterable[bytes]], Stored]


@dataclass(slots=True)
class Part:
    """One part of a multipart body. name: of the field; file_name: None for a plain field; checksum: SHA-256 hex it declares."""

    name: str
    file_name: str | None
    checksum: str | None


@dataclass(slots=True)
class Received:
    """A whole multipart body: its fields (the last of a name counts) and at most one file, stored."""

    fields: dict[str, str] = field(default_factory=dict)
    stored: Stored | None = None
    file_name: str = ""
    checksum: str | None = None


def receive(request: Request, store: Store, admit: Callable[[Received, Part], None]) -> Received:
    """Read the body; `admit(what came so far, the file's part)` may refuse before the file is stored.

    Refused: request.malformed, file.name, file.too_large and what `admit` raises; no stored file is left then.
    """
    received = Received()
    size = 0
    for part, chunks in parts(request):
        if part.file_name is None:
            value = bytearray()
            for chunk in chunks:
                size += len(chunk)
                if size > FIELDS_LIMIT:
                    raise Refused("request.too_large")
                value += chunk
            received.fields[part.name] = _text(bytes(value))
        elif part.file_name:  # an empty name is a file field in which nothing was chosen
            if received.stored is not None:
                raise Refused("request.malformed")
            received.file_name = documents.file_name(part.file_name)
            received.checksum = part.checksum
            admit(received, part)
            received.stored = store(new_id(), chunks)
    return received


@contextmanager
def received(request: Request, blobs: Blobs, store: Store, admit: Callable[[Received, Part], None]) -> Iterator[Received]:
    """Receive a body for a command that will name its file. Where body or command is refused the file is destroyed again.

    Kept where the ledger itself failed, because its fact may stand after all: an object without a fact is left to the sweep,
    as after a crash.
    """
    kept: list[UUID] = []

    def keep(object_id: UUID, chunks: Iterable[bytes]) -> Stored:
        stored = store(object_id, chunks)
        kept.append(object_id)
        return stored

    whole = False
    try:
        body = receive(request, keep, admit)
        whole = True
        yield body
    except BaseException as problem:
        if not whole or not isinstance(problem, LedgerError):
            for object_id in kept:
                discard(blobs, object_id)
        raise


def only_digest(object_id: UUID, chunks: Iterable[bytes]) -> Stored:
    """What `put` would say of the bytes, with nothing stored: for a request that was done before."""
    digest, size, start = hashlib.sha256(), 0, b""
    for chunk in chunks:
        digest.update(chunk)
        size += len(chunk)
        start += chunk[: max(0, _START - len(start))]
    return Stored(object_id, size, digest.hexdigest(), start)


def declared_checksum(header: str | None) -> str | None:
    """The SHA-256 (hex) in a Repr-Digest field (RFC 9530), None where it is absent. Refused `file.algorithm`, `request.field`."""
    if not header:
        return None
    for member in header.split(",")[:10]:
        name, _, value = member.strip().partition("=")
        if name == "sha-256":
            try:
                digest = b64decode(value.strip(":"), validate=True)
            except (NotBase64, ValueError):
                digest = b""
            if len(digest) != 32 or value[:1] != ":" or value[-1:] != ":":
                raise Refused("request.field", "M705", {"field": "Repr-Digest", "why": "sha-256=:<base64>:"})
            return digest.hex()
    raise Refused("file.algorithm", "M706", {"algorithm": header[:40]})


def pull(request: Request) -> Message:
    """The next piece of a request's body, for a route in a worker thread."""

    async def one() -> Message:
        return await request.receive()

    return anyio.from_thread.run(one)


def parts(request: Request, most: int = PARTS_LIMIT) -> Iterator[tuple[Part, Iterator[bytes]]]:
    """Each part of a body with its bytes as they come; the next begins once they are read or left. most: how many there may be.

    Refused: request.malformed, request.too_large.
    """
    events = _events(request)
    for number, event in enumerate(one for one in events if isinstance(one, Part)):
        if number >= most:
            raise Refused("request.too_large")
        data = _data(events)
        yield event, data
        for _ in data:  # what the receiver did not want
            pass


def _data(events: Iterator[Part | bytes | None]) -> Iterator[bytes]:
    for event in events:
        if event is None:
            return
        assert isinstance(event, bytes)
        yield event


def _events(request: Request) -> Iterator[Part | bytes | None]:
    """A Part for each beginning, bytes for its data, None for its end."""
    found: deque[Part | bytes | None] = deque()
    reader = _Reader(found)
    parser = MultipartParser(_boundary(request), reader.callbacks())  # type: ignore[arg-type]
    more = True
    while more:
        message = pull(request)
        if message["type"] == "http.disconnect":
            raise Refused("request.malformed")
        more = bool(message.get("more_body"))
        try:
            parser.write(message.get("body", b""))
        except FormParserError:
            raise Refused("request.malformed") from None
        while found:
            yield found.popleft()
    if not reader.whole:
        raise Refused("request.malformed")


def _boundary(request: Request) -> bytes:
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    boundary = options.get(b"boundary", b"")
    if kind != b"multipart/form-data" or not boundary:
        raise Refused("request.malformed")
    return boundary


class _Reader:
    """The parser's callbacks, turned into events."""

    def __init__(self, found: deque[Part | bytes | None]) -> None:
        self._found = found
        self._name = b""
        self._value = b""
        self._headers: dict[str, bytes] = {}
        self.whole = False

    def callbacks(self) -> dict[str, Callable[..., None]]:
        """By the names that the parser calls."""
        names = ("part_begin", "part_data", "part_end", "header_field", "header_value", "header_end", "headers_finished", "end")
        return {f"on_{name}": getattr(self, name) for name in names}

    def part_begin(self) -> None:
        """A part begins."""
        self._headers = {}

    def header_field(self, data: bytes, start: int, end: int) -> None:
        """A piece of a header's name."""
        self._name += data[start:end]

    def header_value(self, data: bytes, start: int, end: int) -> None:
        """A piece of a header's value."""
        self._value += data[start:end]

    def header_end(self) -> None:
        """A header is whole."""
        self._headers[self._name.decode("latin-1").lower()] = self._value
        self._name = self._value = b""

    def headers_finished(self) -> None:
        """All of a part's headers are there."""
        _, options = parse_options_header(self._headers.get("content-disposition", b""))
        if b"name" not in options:
            raise Refused("request.malformed")
        given = options.get(b"filename")
        digest = self._headers.get("repr-digest", b"").decode("latin-1")
        file_name = _text(given) if given is not None else None
        self._found.append(Part(_text(options[b"name"]), file_name, declared_checksum(digest)))

    def part_data(self, data: bytes, start: int, end: int) -> None:
        """A piece of a part's content."""
        self._found.append(bytes(data[start:end]))

    def part_end(self) -> None:
        """A part is whole."""
        self._found.append(None)

    def end(self) -> None:
        """The last boundary has come."""
        self.whole = True


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused("request.malformed") from None
