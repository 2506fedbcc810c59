"""Requests to read a case, as the pages and REST show them: who is asked, what waits for the reader's answer, and its outcome."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from api import people, reads
from api.requests import Caller
from domain.handlers import access_requests
from domain.handlers.rights import GrantAccess
from domain.model.access import Allowed
from domain.model.access_log import SEARCH_ROW
from domain.model.errors import Refused
from projections import view
from projections.people.read import Row

ARCHIVE = frozenset({"archivist", "head-of-records"})


@dataclass(frozen=True, slots=True)
class Way:
    """Whom a request for a case reaches. owner: the person, None means the archive; read: the action that opens the record;
    managers: who order a clearance for the caller, which no access to one case replaces."""

    case: UUID
    number: str
    owner: str | None
    read: str
    managers: tuple[str, ...]


def way(me: Caller, record: UUID) -> Way:
    """Whom a request about a record reaches. The caller has passed the gate; a record not seen in lists raises NotFound."""
    people.permit(me, people.Query.ASK_ACCESS)
    ledger = me.tenant.ledger
    kind = access_requests.kind_of(ledger, record)
    people.permit(me, access_requests.LIST[kind], record=record)
    case = access_requests.case_of(ledger, record)
    found = view.fold(ledger.reader.stream(case)) or {}
    managers = {row["manager"] for row in people.running(me, [UUID(me.actor.id)]) if row["manager"] is not None}
    owner = access_requests.asked_of(ledger, case)
    return Way(case, str(found.get("number", "")), owner, access_requests.READ[kind], tuple(sorted(managers)))


def to_answer(me: Caller) -> list[Row]:
    """The requests that the caller answers: as the case's owner, or, where it has none with a right, for the archive."""
    rows = people.ask(me, lambda reads, connection: reads.waiting_requests(connection))
    found: list[Row] = []
    for row in rows:
        if row["person"] == me.actor.id:
            continue
        answer = people.decide(me, GrantAccess.ACTION, record=row["record"])
        if not isinstance(answer, Allowed):
            continue
        owner = access_requests.asked_of(me.tenant.ledger, row["record"])
        if owner in people.selves(me) or (owner is None and answer.reason.partition(":")[0] in ARCHIVE):
            found.append(_told(me, row))
    return found


def of_person(me: Caller, person: str) -> list[Row]:
    """What somebody asked for, by its number, with the answers."""
    rows = people.ask(me, lambda reads, connection: reads.requests_by(connection, person))
    return [{**row, "number": _case(me, row).get("number")} for row in rows]


def _told(me: Caller, row: Row) -> dict[str, Any]:
    """A request with its case's number, and its title where the reader may read the case; of a coded one that is noted first."""
    one = _case(me, row)
    try:
        reads.noted(me, reads.permit(me, reads.Query.READ_CASE, row["record"]), row["record"], SEARCH_ROW)
    except Refused:
        return {**row, "number": one.get("number"), "title": None}
    return {**row, "number": one.get("number"), "title": one.get("title")}


def _case(me: Caller, row: Row) -> Mapping[str, Any]:
    return view.fold(me.tenant.ledger.reader.stream(row["record"])) or {}
