"""Every read of units, lists, history and log, each passing the gate under its own action: one place, so none is forgotten."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any, TypeVar
from uuid import UUID

import psycopg

from api import log_reads
from api.requests import Caller
from domain.handlers.work import permitted
from domain.ledger.reader import HeadRow
from domain.model.errors import NotFound
from projections import view
from projections.journal.read import Found, Journal, Search
from projections.view import CASE, DOCUMENT, ENTRY, View

Answer = TypeVar("Answer")


class Query(StrEnum):
    """What is asked of the gate before something is read: `<noun>.<verb>`."""

    READ_CASE = "case-file.read"
    LIST_CASES = "case-file.list"
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


def permit(me: Caller, query: Query, unit: UUID | None = None) -> None:
    """Pass the gate for a read. Refused as the gate says."""
    permitted(me.tenant.ledger, me.context(), query, unit)


def unit(me: Caller, kind: str, one: UUID) -> View:
    """A case, entry or document as it stands now, straight from the log. Raises NotFound."""
    permit(me, _READ[kind], one)
    return _folded(me, kind, one)


def _folded(me: Caller, kind: str, one: UUID) -> View:
    found = view.fold(me.tenant.ledger.reader.stream(one))
    if found is None or found["kind"] != kind:
        raise NotFound(_WHAT[kind], str(one))
    return found


def documents_of(me: Caller, entry: View) -> list[View]:
    """The documents of an entry, each with number and association, as they stand now."""
    found = []
    for link in entry.get("documents", []):
        permit(me, Query.READ_DOCUMENT, UUID(link["id"]))
        one = _folded(me, DOCUMENT, UUID(link["id"]))
        found.append({**one, "number": link["number"], "association": link["association"]})
    return sorted(found, key=lambda one: int(one["number"]))


def entries_of(me: Caller, case: UUID) -> list[View]:
    """The entries of a case in their order, from the journal."""
    permit(me, Query.READ_CASE, case)
    return _journal(me, lambda journal, connection: journal.entries_of(connection, case))


def entry_of(me: Caller, document: UUID) -> UUID | None:
    """The entry that a document belongs to, from the journal; None where it does not show yet."""
    permit(me, Query.READ_DOCUMENT, document)
    found = _journal(me, lambda journal, connection: journal.document(connection, document))
    return UUID(found["entry"]) if found and found["entry"] else None


def object_of(me: Caller, document: UUID, object_id: UUID) -> View:
    """One file of a document: file_name, size, checksum, mime_type. Raises NotFound."""
    permit(me, Query.READ_FILE, document)
    for one in _folded(me, DOCUMENT, document).get("objects", []):
        if one["id"] == str(object_id):
            return dict(one)
    raise NotFound("document object", str(object_id))


def journal(me: Caller, search: Search) -> Found:
    """The running journal."""
    permit(me, Query.SEARCH_JOURNAL)
    return _journal(me, lambda journal, connection: journal.entries(connection, search))


def cases(me: Caller, search: Search) -> Found:
    """Cases."""
    permit(me, Query.LIST_CASES)
    return _journal(me, lambda journal, connection: journal.cases(connection, search))


def queues(me: Caller) -> dict[str, int]:
    """How much waits."""
    permit(me, Query.READ_QUEUES)
    return _journal(me, lambda journal, connection: journal.queues(connection))


def numbered(me: Caller, kind: str, key: str) -> UUID | None:
    """The unit that has a number such as `2026/412` (kind case-number) or `2026/412-3` (entry-number)."""
    permit(me, Query.FIND_NUMBER)
    return me.tenant.ledger.reader.claim(kind, key)


def head(me: Caller) -> HeadRow:
    """The end of the log."""
    permit(me, Query.READ_LOG)
    return me.tenant.ledger.reader.head()


def checkpoint(me: Caller) -> log_reads.Checkpoint | None:
    """The newest signed checkpoint."""
    permit(me, Query.READ_LOG)
    return log_reads.latest_checkpoint(me.tenant.ledger.reader)


def _journal(me: Caller, ask: Callable[[Journal, psycopg.Connection[Any]], Answer]) -> Answer:
    with me.tenant.read() as connection:
        return ask(me.tenant.journal, connection)
