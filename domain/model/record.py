"""What case files, registry entries, documents, series and classes share: title, comments, screening, references.

Each fact stands in the stream of the unit it speaks of. Personal words stand in the body, which law may order destroyed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from domain.model import codes
from domain.model.errors import Refused
from domain.model.ids import EXTERNAL_KEY, Claim

TITLE_LIMIT = 1_000
TEXT_LIMIT = 64 * 1024


@dataclass(frozen=True, slots=True)
class Named:
    """A person or unit as the sender wrote it (M305-M307): name and, where given, identifier, initials, e-mail."""

    name: str
    identifier: str | None = None
    initials: str | None = None
    email: str | None = None


@dataclass(frozen=True, slots=True)
class TitledBody:
    """title M020, public_title M025, description M021."""

    title: str
    public_title: str | None = None
    description: str | None = None


@dataclass(frozen=True, slots=True)
class Titled:
    """The unit got a title, or another one."""

    body: TitledBody | None


@dataclass(frozen=True, slots=True)
class KeywordsSetBody:
    """keywords M022, in order."""

    keywords: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class KeywordsSet:
    """The unit's keywords are now these."""

    body: KeywordsSetBody | None


@dataclass(frozen=True, slots=True)
class AuthorsSetBody:
    """authors M024, in order."""

    authors: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AuthorsSet:
    """The unit's authors are now these."""

    body: AuthorsSetBody | None


@dataclass(frozen=True, slots=True)
class CommentedBody:
    """text M310."""

    text: str


@dataclass(frozen=True, slots=True)
class Commented:
    """A comment (merknad M310, M611, M612) was put on the unit; the same `comment` again replaces its text."""

    comment: UUID
    body: CommentedBody | None
    comment_type: str | None = None
    commented_at: datetime | None = None
    commented_by: str | None = None
    screened: bool | None = None


@dataclass(frozen=True, slots=True)
class CommentRemoved:
    """A comment no longer stands on the unit; what it said stays in the log."""

    comment: UUID


@dataclass(frozen=True, slots=True)
class ContactBody:
    """Name and address of a party (M302, M400-M408): all that can point at a person."""

    name: str
    organisation_id: str | None = None
    person_id: str | None = None
    address: tuple[str, ...] = ()
    postcode: str | None = None
    city: str | None = None
    country: str | None = None
    email: str | None = None
    phones: tuple[str, ...] = ()
    contact_person: str | None = None
    their_reference: str | None = None
    given_id: str | None = None


@dataclass(frozen=True, slots=True)
class PartRecorded:
    """A party to the case (part M302, role M303) was recorded; the same `part` again replaces it."""

    part: UUID
    body: ContactBody | None
    role: str | None = None
    screened: bool | None = None
    is_person: bool | None = None


@dataclass(frozen=True, slots=True)
class PartRemoved:
    """A party no longer stands on the unit."""

    part: UUID


@dataclass(frozen=True, slots=True)
class CrossReferenced:
    """The unit refers to another unit (M210, M212, M219). `to_kind`: case-file, registry-entry, document or class."""

    reference: UUID
    to_kind: str
    to: UUID


@dataclass(frozen=True, slots=True)
class CrossReferenceRemoved:
    """A cross-reference no longer stands."""

    reference: UUID


@dataclass(frozen=True, slots=True)
class Screened:
    """The unit is screened from public view (M500-M505)."""

    access_restriction: str
    authority: str | None = None
    metadata: tuple[str, ...] = ()
    document: str | None = None
    duration_years: int | None = None
    expires_on: date | None = None
    expiry_action: str | None = None


@dataclass(frozen=True, slots=True)
class Unscreened:
    """The unit is no longer screened."""


@dataclass(frozen=True, slots=True)
class Graded:
    """The unit carries a security grade (M506, M624-M627)."""

    grade: str
    graded_at: datetime
    graded_by: str
    downgraded_at: datetime | None = None
    downgraded_by: str | None = None


@dataclass(frozen=True, slots=True)
class ClassifiedBody:
    """class_id M002 and title of the class; both can name a person or a property."""

    class_id: str
    title: str | None = None


@dataclass(frozen=True, slots=True)
class Classified:
    """The unit was put under a class; the first is its primary one. `system`: classification system id (M086)."""

    classification: UUID
    system: str
    body: ClassifiedBody | None
    unit: UUID | None = None
    screened: bool | None = None


@dataclass(frozen=True, slots=True)
class Declassified:
    """A classification of the unit no longer stands."""

    classification: UUID


@dataclass(frozen=True, slots=True)
class ExternalKeyBody:
    """Name of the other system and its key for this unit."""

    system: str
    key: str


@dataclass(frozen=True, slots=True)
class ExternalKeySet:
    """The unit answers to a key of another system; the claim holds its HMAC."""

    body: ExternalKeyBody | None
    claims: tuple[Claim, ...] = ()
    released: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class ExtendedBody:
    """xml: the elements exactly as received, namespaces declared."""

    xml: str


@dataclass(frozen=True, slots=True)
class Extended:
    """Metadata that Dagbok keeps but does not interpret (M711 and kin); the same `element` again replaces it."""

    element: str
    body: ExtendedBody | None


Shared = (
    Titled
    | KeywordsSet
    | AuthorsSet
    | Commented
    | CommentRemoved
    | PartRecorded
    | PartRemoved
    | CrossReferenced
    | CrossReferenceRemoved
    | Screened
    | Unscreened
    | Graded
    | Classified
    | Declassified
    | ExternalKeySet
    | Extended
)


def titled(title: str, public_title: str | None = None, description: str | None = None) -> Titled:
    """A title within its limits: 1 to 1 000 characters, description at most 64 KiB. Refused `text.missing`, `text.too_long`."""
    if not title.strip():
        raise Refused("text.missing", "M020", {"element": "title"})
    limited(title, TITLE_LIMIT, "title")
    limited(public_title, TITLE_LIMIT, "public_title")
    limited(description, TEXT_LIMIT, "description")
    return Titled(TitledBody(title, public_title, description))


def limited(text: str | None, limit: int, element: str) -> str | None:
    """Return `text`, or raise Refused `text.too_long`; NUL and other control characters are refused as `text.control`."""
    if text is None:
        return None
    if len(text) > limit:
        raise Refused("text.too_long", "", {"element": element, "limit": str(limit), "length": str(len(text))})
    if any(ord(char) < 32 and char not in "\t\n\r" for char in text):
        raise Refused("text.control", "", {"element": element})
    return text


def screened(fact: Screened) -> Screened:
    """A screening with legal codes (M500, M502, M503)."""
    codes.require(codes.ACCESS_RESTRICTION, fact.access_restriction, "tilgangsrestriksjon", "M500")
    for element in fact.metadata:
        codes.require(codes.SCREENED_METADATA, element, "skjermingMetadata", "M502")
    if fact.document is not None:
        codes.require(codes.SCREENED_DOCUMENT, fact.document, "skjermingDokument", "M503")
    limited(fact.authority, TITLE_LIMIT, "authority")
    return fact


def raises(current: Screened | None, wanted: Screened | None) -> bool:
    """Whether nothing becomes visible that was not: no screening yet, or the same code over as much and for as long."""
    if current is None or wanted == current:
        return True
    if wanted is None or wanted.access_restriction != current.access_restriction:
        return False
    covers = set(current.metadata) <= set(wanted.metadata) and current.document in (None, wanted.document)
    ends = (wanted.expires_on, current.expires_on), (wanted.duration_years, current.duration_years)
    return covers and all(new is None or (old is not None and old <= new) for new, old in ends)  # type: ignore[operator]


def external_key(system: str, key: str, digest: str, replaced: tuple[tuple[str, str], ...] = ()) -> ExternalKeySet:
    """The external key (system, key) whose HMAC is `digest`; `replaced` are the claims it takes the place of."""
    if not system.strip() or not key.strip():
        raise Refused("text.missing", "", {"element": "external_key"})
    limited(system, TITLE_LIMIT, "external_key.system")
    limited(key, TITLE_LIMIT, "external_key.key")
    return ExternalKeySet(ExternalKeyBody(system, key), ((EXTERNAL_KEY, digest),), replaced)
