"""The marks that a client brings back or sends along: cursor, If-Match, Idempotency-Key, Repr-Digest. Taken, or Refused."""

from __future__ import annotations

import uuid
from contextlib import suppress
from pathlib import Path

from api.commands import expecting
from api.rest.answers import page_in
from api.seals import Seals
from api.uploads import declared_checksum
from api.writes import checked_key
from domain.model.errors import Refused

MAX_LENGTH = 512
SEALS = Seals(b"a key for this test")
QUERY = "0123456789abcdef"


def seeds(reference: Path | None) -> list[bytes]:
    """Right ones of each kind, and a cursor of another query and purpose."""
    del reference
    cursors = [SEALS.seal("cursor", f"{QUERY}:{page}") for page in (1, 300)]
    other = [SEALS.seal("cursor", "another:1"), SEALS.seal("position", f"{QUERY}:1")]
    digest = "sha-256=:" + "A" * 43 + "=:"
    return [text.encode() for text in (*cursors, *other, '"12", "13"', "*", 'W/"1"', "key-1", digest, "md5=:AAAA:")]


def one(data: bytes) -> None:
    """As each of the marks: what is not one of ours is refused, and only ours opens."""
    text = data.decode("latin-1")
    opened = SEALS.unseal("cursor", text)
    assert opened is None or SEALS.seal("cursor", opened) == text
    with suppress(Refused):
        assert page_in(opened, QUERY) >= 0
    for read in (checked_key, declared_checksum, lambda mark: expecting(uuid.UUID(int=0), mark, lambda work: work)):
        with suppress(Refused):
            read(text)
