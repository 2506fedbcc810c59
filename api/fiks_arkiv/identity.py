"""Which message this is, and what a message that came before led to: told from its facts, since no answer is stored."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from uuid import UUID

from api.fiks_arkiv.create import Created
from api.fiks_arkiv.files import Files
from api.fiks_arkiv.message_types import CREATE, DOCUMENT_OBJECT
from api.fiks_arkiv.node import Node
from api.fiks_arkiv.xml import InvalidMessage
from domain.handlers.work import Work
from domain.ledger.ledger import Ledger
from domain.ledger.submission import MESSAGE, MESSAGE_SOURCE
from domain.model.case_file import CaseFileCreated, EntryAdded
from domain.model.document import ObjectAdded
from domain.model.registry_entry import EntryRegistered

CREATIONS = frozenset({CREATE, DOCUMENT_OBJECT})
"""What is known again by its bytes where it has no message id."""
_BY_CONTENT = f"{MESSAGE_SOURCE}hmac:"


class Repeated(Exception):
    """The message was carried out before. stream: where the first of its facts stands."""

    def __init__(self, stream: UUID) -> None:
        super().__init__(str(stream))
        self.stream = stream


@dataclass(frozen=True, slots=True)
class Earlier:
    """What the earlier message led to. created: its units; objects: (document, object) that it added."""

    created: Created
    objects: tuple[tuple[UUID, UUID], ...]


def source(ledger: Ledger, type_id: str, payload: bytes, files: Files, message_id: str | None) -> str | None:
    """What the command's facts name as their source: the message id, else for a creation the HMAC of what came."""
    if message_id is not None:
        if not message_id.strip() or len(message_id) > 200 or not message_id.isprintable() or message_id.startswith("hmac:"):
            raise InvalidMessage("The message id must be 1 to 200 printable characters and must not begin with hmac:.")
        return f"{MESSAGE_SOURCE}{message_id}"
    if type_id not in CREATIONS:
        return None
    digest = hashlib.sha256(payload).hexdigest()
    parts = [part for name in sorted(files) for part in (name, files[name].checksum)]
    return f"{_BY_CONTENT}{ledger.claim_digest(MESSAGE, type_id, digest, *parts)}"


def refuse_repeated(work: Work) -> None:
    """Raise Repeated where the command's source has been carried out. Asked again on each retry."""
    given = work.context.source
    stream = work.ledger.reader.claim(MESSAGE, given) if given else None
    if stream is not None:
        raise Repeated(stream)


def earlier(ledger: Ledger, stream: UUID, given: str, root: Node) -> Earlier:
    """What the message with source `given` led to. root: the message again, which says whether it speaks of a case file."""
    found = _Walk(ledger, given)
    found.take(stream)
    case = found.case or (found.parent if "mappe" in root else None)
    # A message known by its bytes alone may be a second sending on purpose: it is told that all is there already.
    new = not given.startswith(_BY_CONTENT)
    return Earlier(
        Created(case, new and found.case is not None, found.entry, new and found.entry is not None),
        tuple(found.objects),
    )


class _Walk:
    """Follows a command from its first stream to the units that it made; over closed chains too, since it reads streams."""

    def __init__(self, ledger: Ledger, given: str) -> None:
        self._reader, self._given = ledger.reader, given
        self.case: UUID | None = None
        self.parent: UUID | None = None
        self.entry: UUID | None = None
        self.objects: list[tuple[UUID, UUID]] = []

    def take(self, stream: UUID) -> None:
        """Note what the command did in one stream."""
        for recorded in self._reader.stream(stream):
            if recorded.envelope.src != self._given:
                continue
            match recorded.fact:
                case CaseFileCreated():
                    self.case = stream
                case EntryAdded(entry=entry):
                    self.parent, self.entry = stream, entry
                case EntryRegistered():
                    self.entry = stream
                case ObjectAdded(object_id=object_id):
                    self.objects.append((stream, object_id))
