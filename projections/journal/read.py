"""What the journal answers. Every function runs on one connection; the caller has passed the gate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from projections.view import View

WORDS = "(to_tsvector('norwegian', words) || to_tsvector('swedish', words))"
ASKED = "(websearch_to_tsquery('norwegian', %(words)s) || websearch_to_tsquery('swedish', %(words)s))"
PAGE_LIMIT = 200


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
    """One page of rows and how many there are in all."""

    rows: list[dict[str, Any]]
    total: int
    more: bool = field(default=False)


class Journal:
    """Reads one tenant's journal projection."""

    def __init__(self, tenant: str) -> None:
        self.schema = f"{tenant}_p_journal"

    def _sql(self, text: str) -> sql.Composed:
        names = ("cases", "entries", "documents", "link", "follower", "poison")
        return sql.SQL(text).format(**{name: sql.Identifier(self.schema, name) for name in names})  # pyright: ignore[reportArgumentType]

    def _view(self, connection: psycopg.Connection[Any], table: str, unit: UUID) -> View | None:
        row = connection.execute(self._sql(f"select view from {{{table}}} where id = %s"), (unit,)).fetchone()  # noqa: S608
        return row[0] if row else None

    def case(self, connection: psycopg.Connection[Any], unit: UUID) -> View | None:
        """A case's view, or None."""
        return self._view(connection, "cases", unit)

    def entry(self, connection: psycopg.Connection[Any], unit: UUID) -> View | None:
        """An entry's view, or None."""
        return self._view(connection, "entries", unit)

    def document(self, connection: psycopg.Connection[Any], unit: UUID) -> View | None:
        """A document's view with `entry` (id of the entry it belongs to), or None."""
        one = self._view(connection, "documents", unit)
        if one is not None:
            row = connection.execute(self._sql("select entry from {link} where document = %s"), (unit,)).fetchone()
            one["entry"] = str(row[0]) if row else None
        return one

    def entries_of(self, connection: psycopg.Connection[Any], case: UUID) -> list[View]:
        """The entries of a case in their order."""
        query = self._sql("select view from {entries} where case_id = %s order by entry_number")
        return [row[0] for row in connection.execute(query, (case,))]

    def documents_of(self, connection: psycopg.Connection[Any], entry: UUID) -> list[View]:
        """The documents of an entry, each with `number` and `association`."""
        query = self._sql(
            "select d.view, l.number, l.association from {link} l join {documents} d on d.id = l.document"
            " where l.entry = %s order by l.number, d.id"
        )
        rows = connection.execute(query, (entry,)).fetchall()
        return [{**row[0], "number": row[1], "association": row[2]} for row in rows]

    def entries(self, connection: psycopg.Connection[Any], search: Search) -> Found:
        """The running journal, newest number first: id, case_id, number, journal_*, type, status, title, parties, answered."""
        where, values = self._entry_filter(search)
        columns = (
            "id, case_id, number, journal_year, journal_sequence, journal_date, entry_number, entry_type, status, title, parties,"
            " document_date, answered, discarded"
        )
        return self._page(
            connection,
            "entries",
            columns,
            where,
            values,
            "journal_year desc nulls last, journal_sequence desc nulls last, id",
            search,
        )

    @staticmethod
    def _entry_filter(search: Search) -> tuple[list[str], dict[str, Any]]:
        where = ["true"]
        if search.words.strip():
            where.append(f"{WORDS} @@ {ASKED}")
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

    def cases(self, connection: psycopg.Connection[Any], search: Search) -> Found:
        """Cases, newest number first: id, number, title, status, case_date, responsible, unit."""
        where = ["true"]
        if search.words.strip():
            where.append(f"({WORDS} @@ {ASKED} or number = %(words)s)")
        if search.statuses:
            where.append("status = any(%(statuses)s)")
        values = {"words": search.words, "statuses": list(search.statuses)}
        columns = "id, number, title, status, case_date, responsible, unit, discarded"
        return self._page(connection, "cases", columns, where, values, "year desc, sequence desc", search)

    def _page(
        self,
        connection: psycopg.Connection[Any],
        table: str,
        columns: str,
        where: Sequence[str],
        values: dict[str, Any],
        order: str,
        search: Search,
    ) -> Found:
        limit = max(1, min(search.limit, PAGE_LIMIT))
        condition = " and ".join(where)
        query = self._sql(
            f"select {columns} from {{{table}}} where {condition}"  # noqa: S608
            f" order by {order} limit {limit + 1} offset {max(0, search.page) * limit}"
        )
        count = self._sql(f"select count(*) from {{{table}}} where {condition}")  # noqa: S608
        with connection.cursor(row_factory=dict_row) as cursor:
            rows = cursor.execute(query, values).fetchall()
        total = connection.execute(count, values).fetchone()
        return Found(rows[:limit], int(total[0]) if total else 0, len(rows) > limit)

    def queues(self, connection: psycopg.Connection[Any]) -> dict[str, int]:
        """How much waits: entries to journal (M S E F G), unanswered, reserved, open cases, cases reserved by caseworkers."""
        row = connection.execute(
            self._sql(
                "select count(*) filter (where status in ('M','S','E','F','G')),"
                " count(*) filter (where not answered and entry_type in ('I','N') and status in ('M','S','J','A','F')),"
                " count(*) filter (where status = 'R') from {entries} where not discarded"
            )
        ).fetchone()
        cases = connection.execute(
            self._sql(
                "select count(*) filter (where status = 'B'), count(*) filter (where status = 'R') from {cases}"
                " where not discarded"
            )
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

    def position(self, connection: psycopg.Connection[Any], chain_id: str) -> int:
        """How far the journal has come in a chain."""
        row = connection.execute(self._sql("select position from {follower} where chain_id = %s"), (chain_id,)).fetchone()
        return int(row[0]) if row else 0

    def poisoned(self, connection: psycopg.Connection[Any]) -> list[tuple[str, int, str]]:
        """Units that could not be followed: (id, position, problem)."""
        rows = connection.execute(self._sql("select stream, position, problem from {poison} order by position")).fetchall()
        return [(str(row[0]), int(row[1]), str(row[2])) for row in rows]
