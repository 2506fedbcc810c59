"""What REST answers hold, for the description of the interface: the fields that a client may build on. Others may be added."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict


class Unit(BaseModel):
    """A case, entry or document as it stands now. version: also its ETag; title: null once it is erased by decision."""

    model_config = ConfigDict(extra="allow")

    id: str
    kind: str
    title: str | None
    version: int
    position: int
    created_at: str
    created_by: str
    changed_at: str
    changed_by: str


class Row(BaseModel):
    """A line of a list."""

    model_config = ConfigDict(extra="allow")

    id: str
    number: str | None
    title: str | None
    status: str


class Page(BaseModel):
    """One page of a list. total: lines on all pages; next: the cursor of the page after it; up_to_date: whether the reader's
    own last write is in it."""

    total: int
    next: str | None
    up_to_date: bool


class CasePage(Page):
    """Cases."""

    cases: list[Row]


class EntryPage(Page):
    """Entries of the running journal."""

    entries: list[Row]


class HistoryActor(BaseModel):
    """Who acted."""

    id: str
    name: str
    roles: list[str]
    login: str | None


class HistoryEvent(BaseModel):
    """One fact. digest: SHA-256 (hex) of the file that it is about."""

    model_config = ConfigDict(extra="allow")

    position: int
    chain_id: str
    fact: str
    at: str
    actor: HistoryActor
    reason: str | None
    summary: str
    erased: bool
    digest: str | None


class History(BaseModel):
    """What happened to a unit, oldest first."""

    id: str
    kind: str
    events: list[HistoryEvent]
    signatures: list[dict[str, Any]]


class Asked(BaseModel):
    """The event that a receipt was asked for."""

    position: int
