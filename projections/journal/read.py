"""What the journal answers. Every function runs on one connection of the role of the pages; the caller has passed the gate, and
says with `Seen` which rows the reader may see, and which whole.

A row that is in reach but coded beyond the reader's clearance is `screened`: number, dates, status and code, no more; no word
finds it, and nothing it hides decides its place. Counts follow the same filter (Noark 5: 5.1.11, 5.1.12).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from projections.journal.seen import Seen
from projections.view import CASE, DOCUMENT, ENTRY, View

WORDS = "(to_tsvector('norwegian', words) || to_tsvector('swedish', words))"
ASKED = "(websearch_to_tsquery('norwegian', %(words)s) || websearch_to_tsquery('swedish', %(words)s))"
PAGE_LIMIT = 200
_TABLES = {CASE: "case_file", ENTRY: "entry", DOCUMENT: "document"}
_CASE_COLUMNS = "id, number, title, status, case_date, responsible, unit, discarded"
_ENTRY_COLUMNS = (
    "id, case_id, number, journal_year, journal_sequence, journal_date, entry_number, entry_type, status, title, parties,"
    " document_date, answered, discarded"
)
_MASKED = {"title": None, "parties": "", "responsible": None, "unit": None}


@dataclass(frozen=True, slots=True)
class Search:
    """What to look for. words: free text; since/until: journal dates, inclusive; page: 0-based, `limit` rows each."""

    words: str = ""
    since: date | None = None
    until: date | None = None
    statuses: Sequence[str] = ()
    entry_types: Sequence[str] = ()
    unanswered: bool = False
    page: int = 0
    limit: int = 50


@dataclass(frozen=True, slots=True)
class Found:
    """One page of rows and how many there are in all. A row is `screened` or not; `code` is its access code."""

    rows: list[dict[str, Any]]
    total: int
    more: bool = field(default=False)


class Journal:
    """Reads one tenant's journal projection."""

    def __init__(self, tenant: str) -> None:
        self.schema = f"{tenant}_p_journal"

    def _sql(self, text: str) -> sql.Composed:
        names = (
            *("case_file", "entry", "document", "case_file_coded", "entry_coded", "document_coded", "cases", "entries"),
            *("documents", "link", "object", "follower", "poison", "coded_cases", "coded_entries"),
        )
        return sql.SQL(text).format(**{name: sql.Identifier(self.schema, name) for name in names})  # pyright: ignore[reportArgumentType]

    def _view(self, connection: psycopg.Connection[Any], table: str, unit: UUID) -> View | None:
        row = connection.execute(self._sql(f"select view from {{{table}}} where id = %s"), (unit,)).fetchone()  # noqa: S608
        return row[0] if row else None

    def case(self, connection: psycopg.Connection[Any], unit: UUID) -> View | None:
        """A case's view, or None: also where the connection may not read it."""
        return self._view(connection, "cases", unit)

    def entry(self, connection: psycopg.Connection[Any], unit: UUID) -> View | None:
        """An entry's view, or None: also where the connection may not read it."""
        return self._view(connection, "entries", unit)

    def document(self, connection: psycopg.Connection[Any], unit: UUID) -> View | None:
        """A document's view with `entry` (id of the entry it belongs to), or None: also where the connection may not read it."""
        one = self._view(connection, "documents", unit)
        if one is not None:
            entry = self.entry_of(connection, unit)
            one["entry"] = str(entry) if entry is not None else None
        return one

    def entry_of(self, connection: psycopg.Connection[Any], document: UUID) -> UUID | None:
        """The entry that a document belongs to; None where it does not show yet."""
        row = connection.execute(self._sql("select entry from {link} where document = %s"), (document,)).fetchone()
        return row[0] if row else None

    def entries_of(self, connection: psycopg.Connection[Any], case: UUID, seen: Seen) -> list[dict[str, Any]]:
        """The rows of a case's entries in their order."""
        values = {"case": case, **seen.values(ENTRY)}
        where = f"case_id = %(case)s and {seen.filter()}"
        query = self._sql(f"select {_ENTRY_COLUMNS}, class, code from {{entry}} where {where} order by entry_number, id")  # noqa: S608
        return self._unveiled(connection, ENTRY, _ENTRY_COLUMNS, _rows(connection, query, values), seen)

    def listed(self, connection: psycopg.Connection[Any], entries: Iterable[UUID], seen: Seen) -> tuple[set[UUID], set[UUID]]:
        """(those of the entries that the journal shows, those of them that stand in lists)."""
        query = self._sql(f"select id, {seen.filter()} from {{entry}} where id = any(%(ids)s)")  # noqa: S608
        rows = connection.execute(query, {"ids": list(entries), **seen.values(ENTRY)}, prepare=False).fetchall()
        return {row[0] for row in rows}, {row[0] for row in rows if row[1]}

    def entries(self, connection: psycopg.Connection[Any], search: Search, seen: Seen) -> Found:
        """The running journal, newest number first: id, case_id, number, journal_*, type, status, title, parties, answered."""
        where, values = self._entry_filter(search)
        order = "journal_year desc nulls last, journal_sequence desc nulls last, id"
        return self._page(connection, ENTRY, _ENTRY_COLUMNS, where, values, order, search, seen)

    @staticmethod
    def _entry_filter(search: Search) -> tuple[list[str], dict[str, Any]]:
        where = []
        if search.words.strip():
            where.append("id in ({found})")
        if search.since is not None:
            where.append("journal_date >= %(since)s")
        if search.until is not None:
            where.append("journal_date <= %(until)s")
        if search.statuses:
            where.append("status = any(%(statuses)s)")
        if search.entry_types:
            where.append("entry_type = any(%(entry_types)s)")
        if search.unanswered:
            where.append("not answered and not discarded and entry_type in ('I', 'N') and status in ('M', 'S', 'J', 'A', 'F')")
        values = {
            "words": search.words,
            "since": search.since,
            "until": search.until,
            "statuses": list(search.statuses),
            "entry_types": list(search.entry_types),
        }
        return where, values

    def cases(self, connection: psycopg.Connection[Any], search: Search, seen: Seen) -> Found:
        """Cases, newest number first: id, number, title, status, case_date, responsible, unit."""
        where = []
        if search.words.strip():
            where.append("(id in ({found}) or number = %(words)s)")
        if search.statuses:
            where.append("status = any(%(statuses)s)")
        values = {"words": search.words, "statuses": list(search.statuses)}
        return self._page(connection, CASE, _CASE_COLUMNS, where, values, "year desc, sequence desc", search, seen)

    def _page(
        self,
        connection: psycopg.Connection[Any],
        kind: str,
        columns: str,
        asked: Sequence[str],
        values: dict[str, Any],
        order: str,
        search: Search,
        seen: Seen,
    ) -> Found:
        limit = max(1, min(search.limit, PAGE_LIMIT))
        table, coded = _TABLES[kind], "coded_cases" if kind == CASE else "coded_entries"
        # among the plain rows, which are whole or hold no word, and among those coded ones that the token lets through
        found = f"select id from {{{table}}} where {WORDS} @@ {ASKED} and {seen.whole(kind)}"  # noqa: S608
        found += f" union all select {{{coded}}}(%(words)s)"
        conditions = [one.replace("{found}", found) for one in asked]
        condition = " and ".join([*conditions, seen.filter()])
        query = self._sql(
            f"select {columns}, class, code from {{{table}}} where {condition}"  # noqa: S608
            f" order by {order} limit {limit + 1} offset {max(0, search.page) * limit}"
        )
        # what the words find are few rows, each looked at
        ways = (seen.filter(),) if search.words.strip() else seen.ways()
        counts = [f"(select count(*) from {{{table}}} where {' and '.join([*conditions, way])})" for way in ways]  # noqa: S608
        count = self._sql(f"select {' + '.join(counts)}")
        values = values | seen.values(kind)
        with seen.passing(connection) if search.words.strip() else nullcontext():
            rows = _rows(connection, query, values)
            total = connection.execute(count, values, prepare=False).fetchone()
        shown = self._unveiled(connection, kind, columns, rows[:limit], seen)
        return Found(shown, int(total[0]) if total else 0, len(rows) > limit)

    def _unveiled(
        self, connection: psycopg.Connection[Any], kind: str, columns: str, rows: list[dict[str, Any]], seen: Seen
    ) -> list[dict[str, Any]]:
        """The rows as the reader sees them: coded ones whole where gate and wall both say so."""
        wanted = [row["id"] for row in rows if row["code"] is not None and seen.reads(kind, row["id"], row["class"])]
        whole: dict[UUID, dict[str, Any]] = {}
        if wanted:
            query = self._sql(f"select {columns} from {{{_TABLES[kind]}_coded}} where id = any(%(ids)s)")  # noqa: S608
            with seen.passing(connection):
                whole = {row["id"]: row for row in _rows(connection, query, {"ids": wanted})}
        shown = []
        for row in rows:
            of, code = row.pop("class"), row["code"]
            screened = row["id"] not in whole if code is not None else not seen.shows(kind, row["id"], of)
            masked = {name: value for name, value in _MASKED.items() if name in row} if screened else {}
            shown.append({**row, **whole.get(row["id"], {}), **masked, "code": code, "screened": screened})
        return shown

    def queues(self, connection: psycopg.Connection[Any], seen: Seen) -> dict[str, int]:
        """How much waits: entries to journal (M S E F G), unanswered, reserved, open cases, cases reserved by caseworkers."""
        entries = self._counted(ENTRY, "status, answered, entry_type", seen)
        row = connection.execute(
            self._sql(
                "select count(*) filter (where status in ('M','S','E','F','G')),"  # noqa: S608
                " count(*) filter (where not answered and entry_type in ('I','N') and status in ('M','S','J','A','F')),"
                f" count(*) filter (where status = 'R') from {entries}"
            ),
            seen.values(ENTRY),
            prepare=False,
        ).fetchone()
        cases = connection.execute(
            self._sql(
                "select count(*) filter (where status = 'B'), count(*) filter (where status = 'R')"  # noqa: S608
                f" from {self._counted(CASE, 'status', seen)}"
            ),
            seen.values(CASE),
            prepare=False,
        ).fetchone()
        assert row is not None
        assert cases is not None
        return {
            "to_journal": row[0],
            "unanswered": row[1],
            "reserved": row[2],
            "open_cases": cases[0],
            "reserved_cases": cases[1],
        }

    @staticmethod
    def _counted(kind: str, columns: str, seen: Seen) -> str:
        """What is counted: every row in lists that is not discarded."""
        ways = [f"select {columns} from {{{_TABLES[kind]}}} where not discarded and {way}" for way in seen.ways()]  # noqa: S608
        return f"({' union all '.join(ways)}) as counted"

    def position(self, connection: psycopg.Connection[Any], chain_id: str) -> int:
        """How far the journal has come in a chain."""
        row = connection.execute(self._sql("select position from {follower} where chain_id = %s"), (chain_id,)).fetchone()
        return int(row[0]) if row else 0

    def poisoned(self, connection: psycopg.Connection[Any]) -> list[tuple[str, int, str]]:
        """Units that could not be followed: (id, position, problem)."""
        rows = connection.execute(self._sql("select stream, position, problem from {poison} order by position")).fetchall()
        return [(str(row[0]), int(row[1]), str(row[2])) for row in rows]


def _rows(connection: psycopg.Connection[Any], query: sql.Composed, values: dict[str, Any]) -> list[dict[str, Any]]:
    # planned each time: a plan for any list of classes would look through the list row by row
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query, values, prepare=False).fetchall()
