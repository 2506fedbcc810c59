"""What somebody has open, by the classes of the journal's rows: cases owned, entries that nobody has answered, and drafts (R1).

A class says who owns and who handles as the gate understands it, whatever way the record names that person.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from domain.model.access import Subject
from projections.journal.classes import Class
from projections.journal.seen import Seen, array
from projections.view import CASE, ENTRY

CASES, ENTRIES, DRAFTS = "cases", "entries", "drafts"
PARTS: Mapping[str, str] = {CASES: CASE, ENTRIES: ENTRY, DRAFTS: ENTRY}
OPEN_CASE = frozenset("RBFSP")
OPEN_ENTRY = frozenset("RMSFGJA")
Connection = psycopg.Connection[Any]
Classes = Iterable[tuple[Class, Subject]]

_UNANSWERED = "not answered and coalesce(entry_type, '') in ('I', 'N') and status in ('M', 'S', 'J', 'A', 'F')"
_WHERE = {
    CASES: "not discarded",
    ENTRIES: f"not discarded and {_UNANSWERED}",
    DRAFTS: f"not discarded and status in ('R', 'S', 'F', 'G') and not ({_UNANSWERED})",
}
_TABLES = {CASE: "case_file", ENTRY: "entry"}
_ORDER = {CASE: "year desc, sequence desc", ENTRY: "journal_year desc nulls last, journal_sequence desc nulls last, id"}


@dataclass(frozen=True, slots=True)
class Part:
    """Open work of one sort. total: how many records; listed: those of them in the lists of who looks, of which `rows` are the
    first: id, kind, number, title, status, code."""

    name: str
    total: int = 0
    listed: int = 0
    rows: Sequence[dict[str, Any]] = field(default=())


def part(connection: Connection, schema: str, name: str, person: str, classes: Classes, seen: Seen, limit: int) -> Part:
    """One sort of a person's open work. seen: by whoever looks; a title is None where that one may not read it, and of everything
    coded, whose reading would have to be noted."""
    kind = PARTS[name]
    of = [one.id for one, about in classes if one.kind == kind and person in named_in(one, about)]
    if not of:
        return Part(name)
    table = sql.Identifier(schema, _TABLES[kind])
    where = sql.SQL("class = any(%(of)s::uuid[]) and ") + _raw(_WHERE[name])
    values = {"of": array(of), **seen.values(kind)}
    count = sql.SQL("select count(*), count(*) filter (where {listed}) from {table} where {where}")
    counted = connection.execute(
        count.format(listed=_raw(seen.filter()), table=table, where=where), values, prepare=False
    ).fetchone()
    assert counted is not None
    query = sql.SQL(
        "select id, number, title, status, code, class from {table} where {where} and {listed} order by {order} limit {limit}"
    ).format(table=table, where=where, listed=_raw(seen.filter()), order=_raw(_ORDER[kind]), limit=limit)
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(query, values, prepare=False).fetchall() if counted[1] else []
    return Part(name, counted[0], counted[1], [_told(kind, row, seen) for row in rows])


def named_in(one: Class, about: Subject) -> frozenset[str]:
    """Who may have open work of that class: the owner of an open case, the handlers of an entry that is not over."""
    if one.kind == CASE and one.status in OPEN_CASE and about.owner is not None:
        return frozenset({about.owner})
    return about.handlers if one.kind == ENTRY and one.status in OPEN_ENTRY else frozenset()


def counts(connection: Connection, schema: str, classes: Classes, people: Iterable[str]) -> dict[str, int]:
    """How many open records each of the people has; those with none are left out."""
    wanted = frozenset(people)
    of = {one.id: named for one, about in classes if (named := named_in(one, about) & wanted)}
    found: dict[str, int] = {}
    for name, kind in PARTS.items() if of else ():
        query = sql.SQL("select class, count(*) from {table} where class = any(%s::uuid[]) and {where} group by class")
        table = sql.Identifier(schema, _TABLES[kind])
        for unit, number in connection.execute(query.format(table=table, where=_raw(_WHERE[name])), (array(of),), prepare=False):
            for person in of[unit]:
                found[person] = found.get(person, 0) + int(number)
    return found


def _told(kind: str, row: dict[str, Any], seen: Seen) -> dict[str, Any]:
    readable = row["code"] is None and seen.reads(kind, row["id"], row.pop("class"))
    row.pop("class", None)
    return {**row, "kind": kind, "title": row["title"] if readable else None}


def _raw(text: str) -> sql.SQL:
    return sql.SQL(text)  # pyright: ignore[reportArgumentType]
