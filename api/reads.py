"""Every read of units, lists, history and log, each passing the gate under its own action: one place, so none is forgotten."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Any, TypeVar
from uuid import UUID

import psycopg

from api import log_reads
from api.requests import Caller
from domain.handlers import access_log, gate, standing
from domain.handlers.gate import Permit
from domain.handlers.work import permitted
from domain.ledger.reader import HeadRow
from domain.model.access import Allowed, Denied
from domain.model.access_log import FILE, HISTORY, SEARCH_ROW, AccessRead, of_one_reading
from domain.model.errors import NotFound, Refused
from domain.model.ids import CASE_NUMBER
from projections import view
from projections.journal.read import Found, Search
from projections.journal.seen import Seen
from projections.view import CASE, DOCUMENT, ENTRY, View

Answer = TypeVar("Answer")
NOBODYS = UUID(int=0)  # no record has it: asked for where a number is nobody's, so that it takes as long


class Query(StrEnum):
    """What is asked of the gate before something is read: `<noun>.<verb>`."""

    READ_CASE = "case-file.read"
    LIST_CASES = "case-file.list"
    LIST_ENTRIES = "registry-entry.list"
    READ_ENTRY = "registry-entry.read"
    READ_DOCUMENT = "document.read"
    READ_FILE = "document.read-file"
    SEARCH_JOURNAL = "journal.search"
    READ_QUEUES = "journal.read-queues"
    READ_HISTORY = "record.read-history"
    FIND_NUMBER = "record.find"
    READ_LOG = "log.read"
    ASK_RECEIPT = "log.ask-receipt"
    READ_RECEIPT = "log.read-receipt"
    CHOOSE_PERSON = "demo.choose-person"
    MOVE_CLOCK = "demo.move-clock"


_WHAT = {CASE: "case file", ENTRY: "registry entry", DOCUMENT: "document"}
_READ = {CASE: Query.READ_CASE, ENTRY: Query.READ_ENTRY, DOCUMENT: Query.READ_DOCUMENT}


def permit(me: Caller, query: Query, unit: UUID | None = None) -> Permit:
    """Pass the gate for a read. Refused as the gate says."""
    return permitted(me.tenant.ledger, me.context(), query, unit)


def noted(me: Caller, given: Permit, one: UUID, what: str | None = None) -> None:
    """Before a record leaves that has an access code: one fact in the access log. what: default the request's face.

    What stands under or above a record already noted in this request, under the same code, belongs to that reading. Raises
    AccessLogAway: then nothing of it leaves.
    """
    fact = access_log.reading(me.tenant.ledger, given, one, what or me.face)
    if fact is None or any(of_one_reading(fact, other) for other in me.shown):
        return
    access_log.append(me.tenant.ledger, [fact], me.actor, given.rests_on)
    me.shown.append(fact)


def rows_noted(me: Caller, kind: str, rows: Iterable[Mapping[str, Any]], what: str = SEARCH_ROW) -> None:
    """The same for a list's rows of coded records that are shown whole, in one act."""
    facts = [
        AccessRead(row["id"], kind, row["code"], what, (row["case_id"],) if row.get("case_id") else ())
        for row in rows
        if row["code"] is not None and not row["screened"]
    ]
    new = [one for one in facts if not any(of_one_reading(one, other) for other in me.shown)]
    access_log.rows(me.tenant.ledger, me.actor, new)
    me.shown.extend(new)


def permit_history(me: Caller, one: UUID) -> None:
    """Pass the gate for a unit's history, and note it."""
    noted(me, permit(me, Query.READ_HISTORY, one), one, HISTORY)


def unit(me: Caller, kind: str, one: UUID) -> View:
    """A case, entry or document as it stands now, straight from the log. Raises NotFound."""
    given = permit(me, _READ[kind], one)
    found = _folded(me, kind, one)
    if found.get("entries"):
        found["entries"] = _entries_listed(me, found["entries"])
    noted(me, given, one)
    return found


def above(me: Caller, kind: str, one: UUID | None) -> View | None:
    """The case of an entry, or the entry of a document, as the reader may know it: whole where it may be read; its id and number
    where it stands in the reader's lists; else None. A right to one record gives none to what it stands in (4.5.23)."""
    if one is None:
        return None
    try:
        return unit(me, kind, one)
    except Refused as refused:
        if isinstance(refused, NotFound):
            return None
        if not refused.code.startswith("access."):
            raise
    found = _folded(me, kind, one)
    return {name: found.get(name) for name in ("id", "kind", "number")} | {"title": None, "title_erased": False, "screened": True}


def _entries_listed(me: Caller, entries: list[View]) -> list[View]:
    """Those entries of a case that stand in the reader's lists; of those that the journal does not show yet, the gate says it."""
    wanted = {UUID(one["id"]) for one in entries}
    known, listed = _seen(me, lambda connection, seen: me.tenant.journal.listed(connection, wanted, seen))
    listed |= {one for one in wanted - known if isinstance(_decide(me, Query.LIST_ENTRIES, one), Allowed)}
    return [one for one in entries if UUID(one["id"]) in listed]


def _folded(me: Caller, kind: str, one: UUID) -> View:
    found = view.fold(me.tenant.ledger.reader.stream(one))
    if found is None or found["kind"] != kind:
        raise NotFound(_WHAT[kind], str(one))
    return found


def documents_of(me: Caller, entry: View) -> list[View]:
    """The documents of an entry, each with number and association, as they stand now. Of one that the reader may not read but
    sees in lists stand those and its code, `screened`; one that is not even listed is left out."""
    found = []
    for link in entry.get("documents", []):
        one, about = UUID(link["id"]), {"number": link["number"], "association": link["association"]}
        try:
            given = permit(me, Query.READ_DOCUMENT, one)
        except NotFound:
            continue
        except Refused as refused:
            if not refused.code.startswith("access."):
                raise
            known = _folded(me, DOCUMENT, one)
            hidden = {"title": None, "title_erased": False, "objects": [], "screened": True, "status": known["status"]}
            found.append({"id": link["id"], "kind": DOCUMENT, **hidden, "code": _code(known), **about})
        else:
            found.append({**_folded(me, DOCUMENT, one), **about})
            noted(me, given, one)
    return sorted(found, key=lambda one: int(one["number"]))


def _code(known: View) -> str | None:
    return (known.get("screening") or {}).get("access_restriction")


def entries_of(me: Caller, case: UUID) -> list[dict[str, Any]]:
    """The rows of a case's entries in their order, from the journal: those that the reader may see."""
    permit(me, Query.READ_CASE, case)
    found = _seen(me, lambda connection, seen: me.tenant.journal.entries_of(connection, case, seen))
    rows_noted(me, ENTRY, found, me.face)
    return found


def entry_of(me: Caller, document: UUID) -> UUID | None:
    """The entry that a document belongs to, from the journal; None where it does not show yet."""
    permit(me, Query.READ_DOCUMENT, document)
    with me.tenant.read() as connection:
        return me.tenant.journal.entry_of(connection, document)


def object_of(me: Caller, document: UUID, object_id: UUID) -> View:
    """One file of a document: file_name, size, checksum, mime_type. It is noted: its bytes leave next. Raises NotFound."""
    given = permit(me, Query.READ_FILE, document)
    for one in _folded(me, DOCUMENT, document).get("objects", []):
        if one["id"] == str(object_id):
            noted(me, given, document, FILE)
            return dict(one)
    raise NotFound("document object", str(object_id))


def journal(me: Caller, search: Search) -> Found:
    """The running journal."""
    permit_list(me, Query.SEARCH_JOURNAL)
    found = _seen(me, lambda connection, seen: me.tenant.journal.entries(connection, search, seen))
    rows_noted(me, ENTRY, found.rows)
    return found


def cases(me: Caller, search: Search) -> Found:
    """Cases."""
    permit_list(me, Query.SEARCH_JOURNAL)
    found = _seen(me, lambda connection, seen: me.tenant.journal.cases(connection, search, seen))
    rows_noted(me, CASE, found.rows)
    return found


def queues(me: Caller) -> dict[str, int]:
    """How much waits."""
    permit_list(me, Query.READ_QUEUES)
    return _seen(me, me.tenant.journal.queues)


def numbered(me: Caller, kind: str, key: str) -> UUID | None:
    """The unit that has a number such as `2026/412` (kind case-number) or `2026/412-3` (entry-number)."""
    permit_list(me, Query.FIND_NUMBER)
    ledger = me.tenant.ledger
    found = ledger.reader.claim(kind, key)
    listing = Query.LIST_CASES if kind == CASE_NUMBER else Query.LIST_ENTRIES
    known, record = standing.of(ledger), found or NOBODYS
    looked = known.looked()
    if isinstance(_decide(me, listing, record), Allowed):
        return found
    known.look_on(record, looked)
    return None


def head(me: Caller) -> HeadRow:
    """The end of the log."""
    permit(me, Query.READ_LOG)
    return me.tenant.ledger.reader.head()


def checkpoint(me: Caller) -> log_reads.Checkpoint | None:
    """The newest signed checkpoint."""
    permit(me, Query.READ_LOG)
    return log_reads.latest_checkpoint(me.tenant.ledger.reader)


def permit_list(me: Caller, query: Query) -> None:
    """Pass the gate for a list, whose every row is asked for by itself: one who sees ids only sees rows of ids."""
    try:
        permit(me, query)
    except Refused as refused:
        if refused.code != "access.ids_only":
            raise


def _decide(me: Caller, query: Query, one: UUID | None = None) -> Allowed | Denied:
    ledger = me.tenant.ledger
    return gate.decide(ledger, me.actor, gate.Asked(query, ledger.clock.now(), one))


def _seen(me: Caller, ask: Callable[[psycopg.Connection[Any], Seen], Answer]) -> Answer:
    """Ask the journal with what this reader may see of it."""
    with me.tenant.read() as connection:
        return ask(connection, me.tenant.sight.of(connection, me.actor))
