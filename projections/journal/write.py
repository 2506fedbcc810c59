"""How the journal follows the log: units touched by a batch are read, folded in memory, and written back at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib import resources
from typing import Any
from uuid import UUID

from psycopg import sql
from psycopg.types.json import Jsonb

from domain.ledger.projection import Transaction
from domain.ledger.reader import Recorded
from domain.model.chain_log import BodiesDisposed
from domain.model.registry_entry import DocumentLinked
from projections import view
from projections.view import CASE, DOCUMENT, ENTRY, View

NAME = "journal"
VERSION = 1
DDL = resources.files("projections").joinpath("sql", "0001_journal.sql").read_text(encoding="utf-8")
FAIL_CLOSED = False
TABLES = (
    ("case_file", "id"),
    ("case_file_coded", "id"),
    ("entry", "id"),
    ("entry_coded", "id"),
    ("document", "id"),
    ("document_coded", "id"),
    ("link", "document"),
    ("erased", "chain_id, first"),
)
_TABLE = {CASE: "case_file", ENTRY: "entry", DOCUMENT: "document"}
WORDS_LIMIT = 100_000
_KEPT_KINDS = tuple(_TABLE)


def apply(batch: Sequence[Recorded], tx: Transaction) -> None:
    """Fold a batch into the rows of the units that it touches."""
    begins = {recorded.stream for recorded in batch if recorded.version == 1}
    known = _read(tx, {recorded.stream for recorded in batch} - begins)
    touched: dict[UUID, View] = {}
    for recorded in batch:
        if isinstance(recorded.fact, BodiesDisposed):
            _write(tx, touched)
            touched.clear()
            known.clear()
            _erase(tx, recorded)
            continue
        stream = recorded.stream
        before = touched.get(stream) or known.get(stream)
        if before is None and recorded.version != 1:
            before = next(iter(_read(tx, {stream}).values()), None)
        after = view.evolve(before, recorded)
        if after is not None and after["kind"] in _KEPT_KINDS:
            touched[stream] = after
    _write(tx, touched)
    _link(tx, batch)


def _read(tx: Transaction, units: Iterable[UUID]) -> dict[UUID, View]:
    wanted = list(units)
    if not wanted:
        return {}
    found: dict[UUID, View] = {}
    for name in ("cases", "entries", "documents"):
        query = sql.SQL("select id, view from {} where id = any(%s)").format(tx.table(name))
        found.update({row[0]: row[1] for row in tx.connection.execute(query, (wanted,))})
    return found


def _write(tx: Transaction, units: dict[UUID, View]) -> None:
    """Replace the rows; a unit moves between its plain and its coded table when its screening changes."""
    for kind, table in _TABLE.items():
        of_kind = {unit: one for unit, one in units.items() if one["kind"] == kind}
        if not of_kind:
            continue
        for name in (table, f"{table}_coded"):
            tx.connection.execute(sql.SQL("delete from {} where id = any(%s)").format(tx.table(name)), (list(of_kind),))
            rows = [_ROWS[kind](one) for one in of_kind.values() if ("screening" in one) == (name != table)]
            if rows:
                columns = list(rows[0])
                with tx.connection.cursor() as cursor:
                    query = sql.SQL("copy {} ({}) from stdin").format(
                        tx.table(name), sql.SQL(", ").join(map(sql.Identifier, columns))
                    )
                    with cursor.copy(query) as copy:
                        for row in rows:
                            copy.write_row([row[column] for column in columns])


def _link(tx: Transaction, batch: Sequence[Recorded]) -> None:
    links = [
        (one.fact.document, one.stream, one.fact.number, one.fact.association)
        for one in batch
        if isinstance(one.fact, DocumentLinked)
    ]
    if links:
        query = sql.SQL(
            "insert into {} select * from unnest(%s::uuid[], %s::uuid[], %s::int[], %s::text[]) on conflict do nothing"
        )
        tx.connection.execute(query.format(tx.table("link")), [list(column) for column in zip(*links, strict=True)])


def _erase(tx: Transaction, recorded: Recorded) -> None:
    """Fold again, without them, every unit that had a word in the destroyed bodies."""
    fact: BodiesDisposed = recorded.fact
    if "body" not in fact.parts:
        return
    insert = sql.SQL("insert into {} values (%s, %s, %s) on conflict do nothing").format(tx.table("erased"))
    for first, last in fact.positions:
        tx.connection.execute(insert, (recorded.chain_id, first, last))
    gone: dict[str, list[range]] = {}
    listed = sql.SQL("select chain_id, first, last from {}").format(tx.table("erased"))
    for chain_id, first, last in tx.connection.execute(listed):
        gone.setdefault(str(chain_id), []).append(range(int(first), int(last) + 1))

    def erased(chain_id: str, position: int) -> bool:
        return any(position in part for part in gone.get(chain_id, ()))

    touched: dict[UUID, View] = {}
    for stream in tx.streams_at([range(first, last + 1) for first, last in fact.positions]):
        one = view.fold(tx.stream(stream, erased, recorded.position))
        if one is not None and one["kind"] in _KEPT_KINDS:
            touched[stream] = one
    _write(tx, touched)


def _words(one: View, *more: str | None) -> str:
    texts = [one.get("title"), one.get("public_title"), one.get("number"), *one.get("keywords", []), *more]
    # PostgreSQL indexes 1 MB of words at most; a unit beyond that would not be followed at all
    return " ".join(text for text in texts if text)[:WORDS_LIMIT]


def _name(one: Any) -> str | None:
    return (one.get("name") or one.get("identifier") or one.get("initials") or one.get("email")) if one else None


def _external_system(one: View) -> str | None:
    key = one.get("external_key") or {}
    return key.get("system")


def _case_row(one: View) -> dict[str, Any]:
    return {
        "id": one["id"],
        "number": one["number"],
        "year": one["year"],
        "sequence": one["sequence"],
        "title": one["title"],
        "status": one["status"],
        "case_date": one["case_date"],
        "responsible": _name(one.get("case_responsible")),
        "unit": _name(one.get("administrative_unit")),
        "external_system": _external_system(one),
        "discarded": bool(one.get("discarded")),
        "changed_at": one["changed_at"],
        "words": _words(one, *(part.get("name") for part in one.get("parts", []))),
        "view": Jsonb(one),
    }


def _entry_row(one: View) -> dict[str, Any]:
    parties = [party.get("name") for party in one.get("parties", [])]
    return {
        "id": one["id"],
        "case_id": one.get("case"),
        "number": one.get("number"),
        "journal_year": one.get("journal_year"),
        "journal_sequence": one.get("journal_sequence"),
        "journal_date": one.get("journal_date"),
        "entry_number": one.get("entry_number"),
        "entry_type": one.get("entry_type"),
        "status": one["status"],
        "title": one["title"],
        "parties": ", ".join(name for name in parties if name),
        "document_date": one.get("document_date"),
        "answered": bool(one.get("sign_offs")),
        "external_system": _external_system(one),
        "discarded": bool(one.get("discarded")),
        "changed_at": one["changed_at"],
        "words": _words(one, *parties),
        "view": Jsonb(one),
    }


def _document_row(one: View) -> dict[str, Any]:
    return {
        "id": one["id"],
        "title": one["title"],
        "status": one["status"],
        "document_type": one["document_type"],
        "changed_at": one["changed_at"],
        "words": _words(one, *(each.get("file_name") for each in one.get("objects", []))),
        "view": Jsonb(one),
    }


_ROWS = {CASE: _case_row, ENTRY: _entry_row, DOCUMENT: _document_row}
