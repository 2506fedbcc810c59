"""Commands on documents: the bytes are stored first, then the fact that names them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import PurePosixPath, PureWindowsPath
from typing import ClassVar
from uuid import UUID

from domain.handlers import registry_entries
from domain.handlers.metadata import Metadata, describe
from domain.handlers.work import Work
from domain.ledger.blobs import Stored
from domain.ledger.formats import FileFormat, recognise
from domain.model import document, registering, registry_entry
from domain.model.document import AddObject, Document
from domain.model.errors import Refused


@dataclass(frozen=True, slots=True)
class GivenObject:
    """A file as given, its bytes stored. declared_*: what the source said; None where it said nothing."""

    stored: Stored
    file_name: str
    variant: str = "P"
    version: int | None = None
    declared_format: str | None = None
    declared_checksum: str | None = None
    declared_size: int | None = None
    declared_algorithm: str | None = None
    format_details: str | None = None
    mime_type: str | None = None
    created_at: datetime | None = None
    created_by: str | None = None


@dataclass(frozen=True, slots=True)
class AddDocument:
    """Add a document with its objects to an entry. number: M007, the next one where it is None."""

    ACTION: ClassVar[str] = "document.add"
    unit: UUID
    entry: UUID
    metadata: Metadata
    details: document.CreateDocument = field(default_factory=document.CreateDocument)
    association: str = "H"
    number: int | None = None
    linked_at: datetime | None = None
    linked_by: str | None = None
    objects: tuple[GivenObject, ...] = ()


@dataclass(frozen=True, slots=True)
class AddVersion:
    """Add a version or variant to a document."""

    ACTION: ClassVar[str] = "document.add-object"
    unit: UUID
    given: GivenObject


@dataclass(frozen=True, slots=True)
class ChangeDocumentStatus:
    """Set the status (M054) of a document."""

    ACTION: ClassVar[str] = "document.change-status"
    unit: UUID
    status: str


def add(work: Work, command: AddDocument) -> UUID:
    """A new document on an entry that is not archived (2.6.7)."""
    work.permit(command.ACTION, command.entry)
    entry = registry_entries.load(work, command.entry)
    number = command.number if command.number is not None else len(entry.documents) + 1
    link = registry_entry.DocumentLinked(command.unit, command.association, number, command.linked_at, command.linked_by)
    work.record(command.entry, registering.link_document(entry, link))
    work.create(command.unit, document.evolve)
    work.record(command.unit, document.create(None, command.details))
    describe(work, command.unit, command.metadata)
    for given in command.objects:
        add_object(work, command.unit, given)
    return command.unit


def load(work: Work, unit: UUID) -> Document:
    """The document; NotFound where there is none."""
    state = work.require(unit, document.evolve, "document", Document)
    assert isinstance(state, Document)
    return state


def add_version(work: Work, command: AddVersion) -> UUID:
    """A new version or variant; refused where the source's digest, size or format does not fit the bytes."""
    work.permit(command.ACTION, command.unit)
    load(work, command.unit)
    add_object(work, command.unit, command.given)
    return command.given.stored.object_id


def change_status(work: Work, command: ChangeDocumentStatus) -> None:
    """Another status; nothing where it already holds."""
    work.permit(command.ACTION, command.unit)
    work.record(command.unit, *document.change_status(load(work, command.unit), command.status))


def add_object(work: Work, unit: UUID, given: GivenObject) -> None:
    """Record an object of a document of this command."""
    found = checked(given)
    stored = given.stored
    work.record(
        unit,
        document.add_object(
            load(work, unit),
            AddObject(
                object_id=stored.object_id,
                variant=given.variant,
                file_format=found.pronom,
                size=stored.size,
                checksum=stored.checksum,
                file_name=file_name(given.file_name),
                version=given.version,
                declared_format=given.declared_format,
                format_details=given.format_details,
                mime_type=given.mime_type or found.mime_type,
                created_at=given.created_at,
                created_by=given.created_by,
            ),
        ),
    )


def checked(given: GivenObject) -> FileFormat:
    """The format found in the bytes; Refused where digest, size or declared format contradict them."""
    stored = given.stored
    if stored.size == 0:
        raise Refused("file.empty", "2.7.4", {"file": given.file_name[:200]})
    if given.declared_algorithm is not None and given.declared_algorithm.upper().replace("-", "") != "SHA256":
        raise Refused("file.algorithm", "M706", {"algorithm": given.declared_algorithm[:40]})
    if given.declared_checksum is not None and given.declared_checksum.lower() != stored.checksum:
        raise Refused("file.checksum", "M705", {"file": given.file_name[:200], "found": stored.checksum})
    if given.declared_size is not None and given.declared_size != stored.size:
        raise Refused("file.size", "M707", {"file": given.file_name[:200], "found": str(stored.size)})
    found = recognise(stored.start)
    if given.declared_format is not None and not found.may_be(given.declared_format):
        raise Refused(
            "file.format", "M701", {"file": given.file_name[:200], "declared": given.declared_format[:40], "found": found.name}
        )
    return found


def file_name(given: str) -> str:
    """A plain file name; Refused `file.name` for a path, an empty name, control characters or more than 255 characters."""
    plain = given not in ("", ".", "..") and PurePosixPath(given).name == given and PureWindowsPath(given).name == given
    if not plain or len(given) > 255 or any(ord(char) < 32 or ord(char) == 127 for char in given):
        raise Refused("file.name", "", {"file": given[:80]})
    return given
