"""Metadata that every kind of unit carries: set at creation, changed later, one fact for each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from domain.handlers.work import Work
from domain.ledger.identity import new_id
from domain.model import record
from domain.model.errors import Refused
from domain.model.ids import EXTERNAL_KEY
from domain.model.record import ContactBody


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment (M310) as given."""

    text: str
    comment_type: str | None = None
    at: datetime | None = None
    by: str | None = None
    screened: bool | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """A party to the case (M302) as given."""

    contact: ContactBody
    role: str | None = None
    screened: bool | None = None
    is_person: bool | None = None


@dataclass(frozen=True, slots=True)
class ClassReference:
    """A class as given: system and class id."""

    system: str
    class_id: str
    title: str | None = None
    screened: bool | None = None


@dataclass(frozen=True, slots=True)
class ExternalKey:
    """Another system's key for the unit."""

    system: str
    key: str


@dataclass(frozen=True, slots=True)
class Metadata:
    """What may be given about a unit. extensions: (element, xml as received)."""

    title: str | None = None
    public_title: str | None = None
    description: str | None = None
    keywords: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    comments: tuple[Comment, ...] = ()
    parts: tuple[Part, ...] = ()
    screening: record.Screened | None = None
    grade: record.Graded | None = None
    classes: tuple[ClassReference, ...] = ()
    references: tuple[tuple[str, UUID], ...] = ()
    external_key: ExternalKey | None = None
    extensions: tuple[tuple[str, str], ...] = ()


def describe(work: Work, unit: UUID, given: Metadata) -> None:
    """Record all that is given about a unit that was just begun."""
    if given.title is not None:
        work.record(unit, record.titled(given.title, given.public_title, given.description))
    if given.keywords:
        work.record(unit, set_keywords(given.keywords))
    if given.authors:
        work.record(unit, set_authors(given.authors))
    for comment in given.comments:
        work.record(unit, commented(work, comment))
    for part in given.parts:
        work.record(unit, part_recorded(new_id(), part))
    if given.screening is not None:
        work.record(unit, record.screened(given.screening))
    if given.grade is not None:
        work.record(unit, given.grade)
    for one in given.classes:
        work.record(unit, classified(work, one))
    for kind, target in given.references:
        work.record(unit, record.CrossReferenced(new_id(), kind, target))
    for element, xml in given.extensions:
        work.record(unit, record.Extended(element, record.ExtendedBody(record.limited(xml, record.TEXT_LIMIT, element) or "")))
    if given.external_key is not None:
        set_external_key(work, unit, given.external_key, ())


def set_keywords(keywords: tuple[str, ...]) -> record.KeywordsSet:
    """Keywords within their limits."""
    return record.KeywordsSet(record.KeywordsSetBody(tuple(record.limited(one, 1_000, "noekkelord") or "" for one in keywords)))


def set_authors(authors: tuple[str, ...]) -> record.AuthorsSet:
    """Authors within their limits."""
    return record.AuthorsSet(record.AuthorsSetBody(tuple(record.limited(one, 1_000, "forfatter") or "" for one in authors)))


def commented(work: Work, comment: Comment, comment_id: UUID | None = None) -> record.Commented:
    """A comment; who and when are the act's own where the source gives none."""
    text = record.limited(comment.text, record.TEXT_LIMIT, "merknadstekst") or ""
    return record.Commented(
        comment_id or new_id(),
        record.CommentedBody(text),
        comment.comment_type,
        comment.at or work.at,
        comment.by or work.context.actor.name or work.context.actor.id,
        comment.screened,
    )


def part_recorded(part_id: UUID, part: Part) -> record.PartRecorded:
    """A party with a name."""
    if not part.contact.name.strip():
        raise Refused("text.missing", "M302", {"element": "partNavn"})
    record.limited(part.contact.name, 1_000, "partNavn")
    return record.PartRecorded(part_id, part.contact, part.role, part.screened, part.is_person)


def class_key(work: Work, reference: ClassReference) -> str:
    """What a class claim holds: always the HMAC, since a class may be a person."""
    return work.ledger.claim_digest("class", reference.system, reference.class_id)


def classified(work: Work, reference: ClassReference) -> record.Classified:
    """A class on a unit; where the class is registered its systemID goes along."""
    record.limited(reference.class_id, 1_000, "klasseID")
    body = record.ClassifiedBody(reference.class_id, record.limited(reference.title, 1_000, "tittel"))
    registered = work.ledger.reader.claim("class", class_key(work, reference))
    return record.Classified(new_id(), reference.system, body, registered, reference.screened)


def external_digest(work_or_ledger: Any, key: ExternalKey) -> str:
    """What the claim of an external key holds: its HMAC."""
    ledger = work_or_ledger.ledger if isinstance(work_or_ledger, Work) else work_or_ledger
    return str(ledger.claim_digest(EXTERNAL_KEY, key.system, key.key))


def set_external_key(work: Work, unit: UUID, key: ExternalKey, replaced: tuple[tuple[str, str], ...]) -> None:
    """Claim an external key for the unit, releasing the one it takes the place of; nothing where it already has it."""
    digest = external_digest(work, key)
    if replaced == ((EXTERNAL_KEY, digest),):
        return
    owner = work.ledger.reader.claim(EXTERNAL_KEY, digest)
    if owner is not None and owner != unit:
        raise Refused("external_key.taken", "", {"system": key.system})
    work.record(unit, record.external_key(key.system, key.key, digest, replaced))


@dataclass(frozen=True, slots=True)
class Retitle:
    """Give a unit another title; what is None stays as it is in `current`."""

    ACTION: ClassVar[str] = "record.retitle"
    unit: UUID
    title: str | None = None
    public_title: str | None = None
    description: str | None = None


def retitle(work: Work, command: Retitle, current: record.TitledBody) -> None:
    """Record the title with its changes; nothing where it already reads so."""
    work.permit(command.ACTION, command.unit)
    changes = {name: value for name in ("title", "public_title", "description") if (value := getattr(command, name)) is not None}
    wanted = replace(current, **changes)
    if wanted != current:
        work.record(command.unit, record.titled(wanted.title, wanted.public_title, wanted.description))
