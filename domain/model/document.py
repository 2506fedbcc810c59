"""Document description (dokumentbeskrivelse) and document objects (dokumentobjekt): versions and variants of a file."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from domain.model import codes
from domain.model.errors import Refused
from domain.model.ids import Claim
from domain.model.record import ExternalKeySet, Shared


@dataclass(frozen=True, slots=True)
class DocumentCreated:
    """A document description was created. document_type M083, status M054, medium M300."""

    document_type: str
    status: str
    medium: str | None = None
    created_at: datetime | None = None
    created_by: str | None = None
    claims: tuple[Claim, ...] = ()


@dataclass(frozen=True, slots=True)
class DocumentStatusChanged:
    """The document's status (M054) changed."""

    status: str
    previous: str


@dataclass(frozen=True, slots=True)
class DocumentTypeChanged:
    """The document's type (M083) changed."""

    document_type: str


@dataclass(frozen=True, slots=True)
class ObjectBody:
    """file_name as it came; format_details M702 as free text."""

    file_name: str
    format_details: str | None = None


@dataclass(frozen=True, slots=True)
class ObjectAdded:
    """A version or variant of the document came in, its bytes stored under `object_id` before this fact.

    version M005, variant M700, file_format M701 (PRONOM), declared_format: what the source called it, size M707 in bytes,
    checksum M705 lower-case hex, algorithm M706.
    """

    object_id: UUID
    version: int
    variant: str
    file_format: str
    size: int
    checksum: str
    body: ObjectBody | None
    algorithm: str = "SHA-256"
    declared_format: str | None = None
    mime_type: str | None = None
    created_at: datetime | None = None
    created_by: str | None = None


@dataclass(frozen=True, slots=True)
class ObjectConverted:
    """An object came from another by conversion (M615, M616, M712-M715)."""

    object_id: UUID
    source: UUID
    converted_at: datetime
    converted_by: str
    from_format: str
    to_format: str
    tool: str | None = None


Fact = DocumentCreated | DocumentStatusChanged | DocumentTypeChanged | ObjectAdded | ObjectConverted


@dataclass(frozen=True, slots=True)
class Document:
    """What decisions about a document need. objects: (object id, version, variant, checksum)."""

    id: UUID
    document_type: str
    status: str
    objects: tuple[tuple[UUID, int, str, str], ...] = ()
    external_claims: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class CreateDocument:
    """Create a document description."""

    document_type: str = "BREV"
    status: str = "B"
    medium: str | None = "E"
    created_at: datetime | None = None
    created_by: str | None = None


@dataclass(frozen=True, slots=True)
class AddObject:
    """Add a stored file. version: None = one after the newest of that variant. format found by content, not by name."""

    object_id: UUID
    variant: str
    file_format: str
    size: int
    checksum: str
    file_name: str
    version: int | None = None
    declared_format: str | None = None
    format_details: str | None = None
    mime_type: str | None = None
    created_at: datetime | None = None
    created_by: str | None = None


def create(state: Document | None, command: CreateDocument) -> DocumentCreated:
    """A new document description with legal codes."""
    if state is not None:
        raise Refused("exists", params={"what": "document"})
    codes.require(codes.DOCUMENT_STATUS, command.status, "dokumentstatus", "M054")
    if command.medium is not None:
        codes.require(codes.MEDIUM, command.medium, "dokumentmedium", "M300")
    if not command.document_type.strip() or len(command.document_type) > 100:
        raise Refused("text.missing", "M083", {"element": "dokumenttype"})
    return DocumentCreated(command.document_type, command.status, command.medium, command.created_at, command.created_by)


def change_status(state: Document, status: str) -> tuple[DocumentStatusChanged, ...]:
    """Another legal status; nothing where it already holds."""
    codes.require(codes.DOCUMENT_STATUS, status, "dokumentstatus", "M054")
    return () if status == state.status else (DocumentStatusChanged(status, state.status),)


def add_object(state: Document, command: AddObject) -> ObjectAdded:
    """A new version or variant; the same version and variant twice is refused (`document.object_exists`)."""
    codes.require(codes.VARIANT, command.variant, "variantformat", "M700")
    taken = {(version, variant) for _, version, variant, _ in state.objects}
    newest = max((version for version, variant in taken if variant == command.variant), default=0)
    version = command.version if command.version is not None else newest + 1
    if version < 1:
        raise Refused("document.version", "M005", {"version": str(version)})
    if (version, command.variant) in taken:
        raise Refused("document.object_exists", "2.7.14", {"version": str(version), "variant": command.variant})
    return ObjectAdded(
        object_id=command.object_id,
        version=version,
        variant=command.variant,
        file_format=command.file_format,
        size=command.size,
        checksum=command.checksum,
        body=ObjectBody(command.file_name, command.format_details),
        declared_format=command.declared_format,
        mime_type=command.mime_type,
        created_at=command.created_at,
        created_by=command.created_by,
    )


def evolve(state: Document | None, unit: UUID, fact: Fact | Shared) -> Document:
    """The state after one more fact."""
    if isinstance(fact, DocumentCreated):
        return Document(unit, fact.document_type, fact.status)
    assert state is not None
    match fact:
        case DocumentStatusChanged():
            return replace(state, status=fact.status)
        case DocumentTypeChanged():
            return replace(state, document_type=fact.document_type)
        case ObjectAdded():
            return replace(state, objects=(*state.objects, (fact.object_id, fact.version, fact.variant, fact.checksum)))
        case ExternalKeySet():
            return replace(state, external_claims=tuple((kind, str(key)) for kind, key in fact.claims))
        case _:
            return state
