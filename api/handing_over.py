"""Handing over what somebody has open: each record by a command of its own, so that one that is refused holds up no other."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Annotated
from uuid import UUID

import psycopg
from pydantic import Field

from api import errors, open_work, people
from api.bodies import Body
from api.errors import Explanation
from api.requests import Caller
from api.writes import Done, checked_key, perform
from domain.handlers import handing_over
from domain.handlers.handing_over import HandOver
from domain.handlers.standing import Known
from domain.model.errors import DagbokError, Refused
from projections import view
from projections.view import ENTRY

AT_ONCE = 200


class NewHandOver(Body):
    """Where one record goes."""

    record: UUID
    to: UUID


class NewHandOvers(Body):
    """all: where everything goes that is not named in `records`, at most 200 of each sort at once; kept: what stays."""

    all: UUID | None = None
    records: Annotated[list[NewHandOver], Field(max_length=AT_ONCE)] = Field(default_factory=list)
    kept: Annotated[list[UUID], Field(max_length=AT_ONCE)] = Field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one record. number: its number where the caller sees it; refused: why it was not handed over."""

    record: UUID
    kind: str
    number: str | None
    to: UUID
    done: Done | None = None
    refused: Explanation | None = None


def targets(me: Caller, known: Known, body: NewHandOvers) -> dict[UUID, UUID]:
    """Record by record, where it is to go: those named, then all else that the caller sees. Refused `handover.nothing`."""
    found = {one.record: one.to for one in body.records}
    if body.all is not None:
        for part in open_work.of_person(me, known, AT_ONCE).parts:
            found |= {row["id"]: body.all for row in part.rows if row["id"] not in found and row["id"] not in body.kept}
    if not found:
        raise Refused("handover.nothing", "4.5.29")
    return found


def hand_over(me: Caller, person: UUID, wanted: Mapping[UUID, UUID], key: str | None) -> list[Outcome]:
    """Try every record; key: the client's idempotency key for all of them. What is done is done, whatever the others meet."""
    checked_key(key)
    return list(_tried(me, person, wanted.items(), key))


def _tried(me: Caller, person: UUID, wanted: Iterable[tuple[UUID, UUID]], key: str | None) -> Iterator[Outcome]:
    for record, to in wanted:
        handle = partial(handing_over.hand_over, command=HandOver(record, person, to))
        try:
            done = perform(me, (record,), handle, key=_key(key, record), given=(record, person, to))
        except (DagbokError, psycopg.Error) as problem:
            yield Outcome(record, *_called(me, record), to, refused=errors.explain(problem, me.texts))
        else:
            yield Outcome(record, *_called(me, record), to, done)


def _key(key: str | None, record: UUID) -> str | None:
    return hashlib.sha256(f"{key}\n{record}".encode()).hexdigest() if key is not None else None


def _called(me: Caller, record: UUID) -> tuple[str, str | None]:
    """(kind, number) of a record that stands in the caller's lists; else of an unknown one."""
    found = view.fold(me.tenant.ledger.reader.stream(record)) or {}
    kind = str(found.get("kind", ""))
    action = "registry-entry.list" if kind == ENTRY else "case-file.list"
    if not found or not people.may(me, action, record=record):
        return "", None
    return kind, found.get("number")
