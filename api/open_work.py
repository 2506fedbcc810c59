"""What somebody whose rights end leaves open: cases owned and unanswered entries, for whoever hands them over (practice R1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from api import people
from api.requests import Caller
from domain.handlers.standing import Known

LIMIT = 100
CASES, ENTRIES = "case-file.read", "registry-entry.read"


@dataclass(frozen=True, slots=True)
class OpenWork:
    """Rows of id, number, title, status; title None where the reader may not see it. At most 100 of each."""

    cases: list[dict[str, Any]]
    entries: list[dict[str, Any]]


def of_person(me: Caller, known: Known) -> OpenWork:
    """What the person has open, as far as the reader may see it; a record that may not be read stands there by its number."""
    user = known.file.user
    names = {one.user_name.casefold() for one in user.names if one is not None} if user is not None else set()
    keys = [known.file.id, *sorted(names)]
    with me.tenant.read() as connection:
        cases = _rows(connection, me.tenant.journal.schema, "cases", _OWNED, keys)
        entries = _rows(connection, me.tenant.journal.schema, "entries", _HANDLED, keys)
    return OpenWork([_seen(me, CASES, row) for row in cases], [_seen(me, ENTRIES, row) for row in entries])


_OWNED = (
    "not discarded and status not in ('A', 'U') and lower(view->'case_responsible'->>'identifier') = any(%s)"
    " order by year desc, sequence desc"
)
_HANDLED = (
    "not discarded and not answered and entry_type in ('I', 'N') and status in ('M', 'S', 'J', 'A', 'F') and exists"
    " (select 1 from jsonb_array_elements(view->'parties') as party"
    " where lower(party->'case_handler'->>'identifier') = any(%s))"
    " order by journal_year desc nulls last, journal_sequence desc nulls last, id"
)


def _rows(connection: psycopg.Connection[Any], schema: str, table: str, where: str, keys: list[str]) -> list[dict[str, Any]]:
    query = sql.SQL("select id, number, title, status from {} where {} limit {}").format(
        sql.Identifier(schema, table),
        sql.SQL(where),  # pyright: ignore[reportArgumentType]
        LIMIT,
    )
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query, (keys,)).fetchall()


def _seen(me: Caller, action: str, row: dict[str, Any]) -> dict[str, Any]:
    return row if people.may(me, action, record=row["id"]) else {**row, "title": None}
