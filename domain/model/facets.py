"""What rights ask of a record: unit, owner, handlers, authors, status, type, public assessment, code, group, named access.

A fold beside that of the commands, since it must know who wrote each fact; it holds no rule.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from domain.model.access import CODED, NOT_ASSESSED, PUBLIC, Grant, Subject
from domain.model.case_file import CaseAssigned, CaseFileCreated, CaseStatusChanged
from domain.model.document import DocumentCreated
from domain.model.named_access import AccessGranted, AccessWithdrawn
from domain.model.record import Named, Screened, Unscreened
from domain.model.registry_entry import (
    EntryArchived,
    EntryAssigned,
    EntryDated,
    EntryJournalled,
    EntryRegistered,
    EntryStatusChanged,
    EntryTypeChanged,
    PartyRecorded,
    PartyRemoved,
)

CASE, ENTRY, DOCUMENT = "case", "entry", "document"
DRAFT = frozenset({"R", "S", "M"})  # what a caseworker writes, and what the archive has not assessed yet


@dataclass(frozen=True, slots=True)
class Facets:
    """One record's own facets; what it inherits from entry and case is looked up there. parties: internal ones with a handler;
    handler: of an entry whose parties name none; authors: who registered it."""

    kind: str
    status: str = "-"
    type: str = "*"
    case: UUID | None = None
    unit: Named | None = None
    owner: Named | None = None
    parties: Mapping[UUID, PartyRecorded] = field(default_factory=dict)
    handler: Named | None = None
    authors: frozenset[str] = frozenset()
    code: str | None = None
    assessed: bool = False
    grants: Mapping[UUID, tuple[AccessGranted, str]] = field(default_factory=dict)


def evolve(state: Facets | None, fact: Any, actor: str, at: str) -> Facets | None:
    """The facets after one more fact, done by `actor`, recorded at position `at`; None for what is no record."""
    if state is None:
        return _begun(fact, actor)
    match fact:
        case CaseStatusChanged() | EntryStatusChanged():
            return replace(state, status=fact.status)
        case EntryJournalled():
            return replace(state, status="J")
        case EntryArchived():
            return replace(state, status="A")
        case EntryTypeChanged():
            return replace(state, type=fact.entry_type)
        case EntryDated():
            return replace(state, assessed=state.assessed or fact.assessed_date is not None)
        case CaseAssigned():
            return replace(state, owner=fact.case_responsible or state.owner, unit=fact.administrative_unit or state.unit)
        case PartyRecorded():
            return replace(state, parties={**state.parties, fact.party: fact})
        case EntryAssigned():
            return _assigned(state, fact)
        case PartyRemoved():
            return replace(state, parties={key: one for key, one in state.parties.items() if key != fact.party})
        case Screened() | Unscreened():
            return replace(state, code=fact.access_restriction if isinstance(fact, Screened) else None)
        case AccessGranted():
            return replace(state, grants={**state.grants, fact.grant: (fact, at)})
        case AccessWithdrawn():
            return replace(state, grants={key: one for key, one in state.grants.items() if key != fact.grant})
        case _:
            return state


def _assigned(state: Facets, fact: EntryAssigned) -> Facets:
    if not fact.parties:
        return replace(state, handler=fact.case_handler)
    again = {key: replace(state.parties[key], case_handler=fact.case_handler) for key in fact.parties if key in state.parties}
    return replace(state, parties={**state.parties, **again})


def _begun(fact: Any, actor: str) -> Facets | None:
    by = frozenset({actor})
    match fact:
        case CaseFileCreated():
            return Facets(CASE, fact.status, unit=fact.administrative_unit, owner=fact.case_responsible, authors=by)
        case EntryRegistered():
            kind = fact.entry_type or "*"
            return Facets(ENTRY, fact.status, kind, fact.case, authors=by, assessed=fact.assessed_date is not None)
        case DocumentCreated():
            return Facets(DOCUMENT, authors=by)
        case _:
            return None


def subject(
    own: Facets,
    entry: Facets | None,
    case: Facets | None,
    units: Callable[[Named | None], tuple[UUID, ...]],
    who: Callable[[Named | None], str | None],
) -> Subject:
    """What is asked for. entry: that of a document; case: that of either; units: a unit's path; who: whose name that is."""
    of_case = own if own.kind == CASE else case
    of_entry = own if own.kind == ENTRY else entry
    levels = [one for one in (own, entry if own.kind == DOCUMENT else None, case) if one is not None]
    code = next((one.code for one in levels if one.code is not None), None)
    handlers = _handlers(of_entry, who)
    granted = [found for one in levels for found in one.grants.values()]
    return Subject(
        table=CASE if own.kind == CASE else DOCUMENT,
        type="*" if of_entry is None else of_entry.type,
        status=of_entry.status if of_entry is not None else own.status,
        units=_units(of_entry, of_case, units),
        owner=who(of_case.owner) if of_case is not None else None,
        handlers=handlers,
        authors=own.authors | (of_entry.authors if of_entry is not None else frozenset()),
        grants=tuple(Grant(one.person, one.first_day, one.last_day, (at,)) for one, at in granted),
        assessment=CODED if code is not None else _assessment(of_entry),
        code=code,
    )


def _assessment(entry: Facets | None) -> str:
    """A case says nothing of its own: its entries are assessed one by one (practice R4)."""
    return PUBLIC if entry is None or entry.assessed else NOT_ASSESSED


def _handlers(entry: Facets | None, who: Callable[[Named | None], str | None]) -> frozenset[str]:
    """Those whom the entry's parties name as handlers; a draft that names nobody is handled by who began it."""
    if entry is None:
        return frozenset()
    named = {who(entry.handler), *(who(one.case_handler) for one in entry.parties.values())} - {None}
    return frozenset(one for one in named if one) or (entry.authors if entry.status in DRAFT else frozenset())


def _units(entry: Facets | None, case: Facets | None, units: Callable[[Named | None], tuple[UUID, ...]]) -> tuple[UUID, ...]:
    """The path of the case's unit, or of the one that handles the entry where there is no case."""
    found = units(case.unit) if case is not None else ()
    if found or entry is None:
        return found
    return next((path for one in entry.parties.values() if (path := units(one.administrative_unit))), ())
