"""What REST and the forms may say: the shapes of commands, with limits. Unknown fields are refused.

The rules of the archive (codes, required metadata, what a closed case takes) are decided by the model, not here.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, Strict
from pydantic_core import PydanticCustomError

from domain.handlers.metadata import ClassReference, ExternalKey, Metadata, Part
from domain.handlers.registry_entries import Party
from domain.model import record
from domain.model.record import ContactBody, Named

_ISO = re.compile(r"\d{4}-\d{2}-\d{2}([Tt ]\d{2}:\d{2}.{0,30})?", re.ASCII)


def _in_our_era(value: Any) -> Any:
    """Years that a time zone or PostgreSQL cannot push out of range."""
    if not 1000 <= value.year <= 9000:
        raise PydanticCustomError("date_out_of_range", "the year must lie between 1000 and 9000")
    return value


def _written_out(value: Any) -> Any:
    """A date or instant from outside is text as ISO 8601 has it: a number would be taken for seconds since 1970."""
    if isinstance(value, str) and not _ISO.fullmatch(value):
        raise PydanticCustomError("date_malformed", "not a date or instant as ISO 8601 writes it")
    if isinstance(value, int | float):
        raise PydanticCustomError("date_malformed", "a date is a text such as 2026-03-01")
    return value


def _plain(value: str) -> str:
    """No control characters: PostgreSQL cannot hold them all, and a page should not show them."""
    if any(ord(char) < 32 and char not in "\t\n\r" for char in value):
        raise PydanticCustomError("control_characters", "holds control characters")
    return value


Line = Annotated[str, Field(max_length=1_000), AfterValidator(_plain)]
Text = Annotated[str, Field(max_length=record.TEXT_LIMIT), AfterValidator(_plain)]
Code = Annotated[str, Field(max_length=100), AfterValidator(_plain)]
Day = Annotated[date, BeforeValidator(_written_out), AfterValidator(_in_our_era)]
Instant = Annotated[AwareDatetime, BeforeValidator(_written_out), AfterValidator(_in_our_era)]
Whole = Annotated[int, Strict()]
Truth = Annotated[bool, Strict()]


class Body(BaseModel):
    """A body of ours: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid")


class Person(Body):
    """A person or unit by name (M305-M307), with identifier, initials and e-mail where known."""

    name: Line = Field(min_length=1)
    identifier: Line | None = None
    initials: Line | None = None
    email: Line | None = None

    def named(self) -> Named:
        """As the model writes it."""
        return Named(self.name, self.identifier, self.initials, self.email)


class Contact(Body):
    """Name and address (M302, M400-M408)."""

    name: Line = Field(min_length=1)
    organisation_id: Code | None = None
    person_id: Code | None = None
    address: list[Line] = Field(default_factory=list, max_length=10)
    postcode: Code | None = None
    city: Line | None = None
    country: Line | None = None
    email: Line | None = None
    phones: list[Code] = Field(default_factory=list, max_length=10)
    contact_person: Line | None = None
    their_reference: Line | None = None

    def contact(self) -> ContactBody:
        """As the model writes it."""
        return ContactBody(
            self.name,
            self.organisation_id,
            self.person_id,
            tuple(self.address),
            self.postcode,
            self.city,
            self.country,
            self.email,
            tuple(self.phones),
            self.contact_person,
            self.their_reference,
        )


class CorrespondenceParty(Contact):
    """A correspondence party (M400) of a type (M087)."""

    party_type: Code
    responsible: Truth | None = None
    dispatch_method: Line | None = None
    screened: Truth | None = None
    is_person: Truth | None = None

    def party(self) -> Party:
        """As the handler takes it."""
        return Party(
            self.party_type,
            self.contact(),
            self.responsible,
            self.dispatch_method,
            screened=self.screened,
            is_person=self.is_person,
        )


class CaseParty(Contact):
    """A party to the case (M302) in a role (M303)."""

    role: Line | None = None
    screened: Truth | None = None
    is_person: Truth | None = None

    def part(self) -> Part:
        """As the handler takes it."""
        return Part(self.contact(), self.role, self.screened, self.is_person)


class Screening(Body):
    """What is screened from public view, and why (M500-M505)."""

    access_restriction: Code
    authority: Line | None = None
    metadata: list[Code] = Field(default_factory=list, max_length=50)
    document: Code | None = None
    duration_years: Whole | None = Field(default=None, ge=0, le=1_000)
    expires_on: Day | None = None


class ClassId(Body):
    """A class: classification system (M086) and class id (M002)."""

    system: Code = Field(min_length=1)
    class_id: Line = Field(min_length=1)
    title: Line | None = None


class KeyElsewhere(Body):
    """Another system's key for the unit; unique within that system."""

    system: Line = Field(min_length=1)
    key: Line = Field(min_length=1)


class Described(Body):
    """What any unit may carry. title M020, public_title M025, description M021, keywords M022."""

    title: Line = Field(min_length=1)
    public_title: Line | None = None
    description: Text | None = None
    keywords: list[Line] = Field(default_factory=list, max_length=50)
    screening: Screening | None = None
    classes: list[ClassId] = Field(default_factory=list, max_length=20)
    external_key: KeyElsewhere | None = None

    def metadata(self, parts: tuple[Part, ...] = ()) -> Metadata:
        """As the handlers take it."""
        screening, key = self.screening, self.external_key
        return Metadata(
            title=self.title,
            public_title=self.public_title,
            description=self.description,
            keywords=tuple(self.keywords),
            parts=parts,
            screening=record.Screened(**{**screening.model_dump(), "metadata": tuple(screening.metadata)}) if screening else None,
            classes=tuple(ClassReference(one.system, one.class_id, one.title) for one in self.classes),
            external_key=ExternalKey(key.system, key.key) if key else None,
        )


class NewCase(Described):
    """A new case file. status M052; series: its code, default SAK; case_date M100, default today."""

    status: Code = "B"
    case_date: Day | None = None
    responsible: Person | None = None
    administrative_unit: Person | None = None
    series: Code | None = None
    parties: list[CaseParty] = Field(default_factory=list, max_length=500)


class CaseChange(Body):
    """A change of a case file; what is absent stays."""

    title: Line | None = Field(default=None, min_length=1)
    public_title: Line | None = None
    description: Text | None = None
    status: Code | None = None
    responsible: Person | None = None
    administrative_unit: Person | None = None


class Dates(Body):
    """Dates of an entry: document M103, received M104, sent M105, due M109, assessed M110."""

    document_date: Day | None = None
    received_at: Instant | None = None
    sent_at: Instant | None = None
    due_date: Day | None = None
    assessed_date: Day | None = None


class NewEntry(Described, Dates):
    """A new registry entry. entry_type M082, status M053."""

    entry_type: Code
    status: Code = "S"
    parties: list[CorrespondenceParty] = Field(default_factory=list, max_length=500)


class EntryChange(Dates):
    """A change of a registry entry; what is absent stays."""

    title: Line | None = Field(default=None, min_length=1)
    public_title: Line | None = None
    description: Text | None = None
    status: Code | None = None


class NewSignOff(Body):
    """A sign-off (M617-M619), for one party or, without one, for all; signed_off_on: default today; by: default the actor."""

    method: Code
    signed_off_on: Day | None = None
    by: Person | None = None
    party: UUID | None = None
    answered_by: UUID | None = None


class DeclaredFile(Body):
    """What the sender says of a file: variant M700, version M005, format M701, SHA-256 M705 in hex, size M707 in bytes."""

    variant: Code = "P"
    version: Whole | None = Field(default=None, ge=1, le=100_000)
    format: Code | None = None
    checksum: str | None = Field(default=None, pattern="^[0-9a-fA-F]{64}$")
    size: Whole | None = Field(default=None, ge=0, le=1 << 53)


class NewDocument(Body):
    """A new document on an entry. document_type M083, association M217; title: default the file's name.

    status M054, default F on an incoming entry (it came as it is), else B.
    """

    title: Line | None = Field(default=None, min_length=1)
    description: Text | None = None
    document_type: Code = Field(default="BREV", min_length=1)
    status: Code | None = None
    association: Code = "H"
    screening: Screening | None = None
    file: DeclaredFile = Field(default_factory=DeclaredFile)


class ReceiptWish(Body):
    """Which event a receipt is wanted for."""

    position: Whole = Field(ge=1, le=1 << 53)
