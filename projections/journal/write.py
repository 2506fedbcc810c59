"""How the journal follows the log: units touched by a batch are read, folded in memory, and written back at once.

A row also says what rights ask of it (`classes`), which a unit has in part from its entry and its case: where what those hand
down has changed, the rows below are written anew too. What a row holds follows from the facts alone, never from a batch's end.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib import resources
from typing import Any
from uuid import UUID

from psycopg import sql

from domain.ledger.projection import Transaction
from domain.ledger.reader import Recorded
from domain.model.chain_log import BodiesDisposed
from domain.model.document import ObjectAdded
from domain.model.named_access import AccessGranted, AccessWithdrawn
from domain.model.registry_entry import DocumentLinked
from projections import view
from projections.journal.classes import Class, class_of, handed_down
from projections.journal.rows import Row, rows
from projections.view import CASE, DOCUMENT, ENTRY, View

NAME = "journal"
VERSION = 2
_FOLDER = resources.files("projections").joinpath("sql")
DDL = "".join(_FOLDER.joinpath(name).read_text(encoding="utf-8") for name in ("0001_journal.sql", "0003_journal_wall.sql"))
FAIL_CLOSED = False
TABLES = (
    ("case_file", "id"),
    ("case_file_coded", "id"),
    ("entry", "id"),
    ("entry_coded", "id"),
    ("document", "id"),
    ("document_coded", "id"),
    ("link", "document"),
    ("object", "id"),
    ("granted", "id"),
    ("erased", "chain_id, first"),
)
_TABLE = {CASE: "case_file", ENTRY: "entry", DOCUMENT: "document"}
_KEPT_KINDS = tuple(_TABLE)
Units = dict[UUID, View]


def apply(batch: Sequence[Recorded], tx: Transaction) -> None:
    """Fold a batch into the rows of the units that it touches."""
    _link(tx, batch)
    _grant(tx, batch)
    linked = {one.fact.document for one in batch if isinstance(one.fact, DocumentLinked)}
    begins = {recorded.stream for recorded in batch if recorded.version == 1}
    known = _read(tx, {recorded.stream for recorded in batch} - begins)
    before = {unit: handed_down(one) for unit, one in known.items()}
    touched: Units = {}
    for recorded in batch:
        if isinstance(recorded.fact, BodiesDisposed):
            _write(tx, touched, before, linked)
            touched.clear()
            known.clear()
            before.clear()
            _erase(tx, recorded)
            continue
        stream = recorded.stream
        was = touched.get(stream) or known.get(stream)
        if was is None and recorded.version != 1:
            was = next(iter(_read(tx, {stream}).values()), None)
        after = view.evolve(was, recorded)
        if after is not None and after["kind"] in _KEPT_KINDS:
            touched[stream] = after
    _write(tx, touched, before, linked)


def _read(tx: Transaction, units: Iterable[UUID]) -> Units:
    wanted = list(units)
    found: Units = {}
    if wanted:
        for name in ("cases", "entries", "documents"):
            query = sql.SQL("select id, view from {} where id = any(%s)").format(tx.table(name))
            found.update({row[0]: row[1] for row in tx.connection.execute(query, (wanted,))})
    return found


def _write(tx: Transaction, touched: Units, before: dict[UUID, str], linked: set[UUID]) -> None:
    """Replace the rows of the units and of those that have something from them.

    before: what each handed down; absent where it is new, or was folded anew. linked: documents whose entry became known.
    """
    family = _family(tx, touched, before, linked)
    if not family.written:
        return
    entry_of, views = family.entry_of, family.views
    classes: dict[UUID, Class] = {}
    made: dict[str, list[Row]] = {f"{table}{end}": [] for table in _TABLE.values() for end in ("", "_coded")}
    for unit in family.written:
        one = views[unit]
        entry = views.get(entry_of[unit]) if unit in entry_of else None
        case_id = (entry or one).get("case")
        case = views.get(UUID(case_id)) if case_id else None
        of = class_of(one, entry, case)
        classes[of.id] = of
        plain, coded = rows(one, of, str(entry_of[unit]) if unit in entry_of else None, case_id)
        made[_TABLE[one["kind"]]].append(plain)
        if coded is not None:
            made[f"{_TABLE[one['kind']]}_coded"].append(coded)
    insert = sql.SQL("insert into {} (id, facets) select * from unnest(%s::uuid[], %s::text[]) on conflict do nothing")
    tx.connection.execute(insert.format(tx.table("class")), (list(classes), [one.text for one in classes.values()]))
    for kind, table in _TABLE.items():
        of_kind = [unit for unit in family.written if views[unit]["kind"] == kind]
        for name in (table, f"{table}_coded") if of_kind else ():
            tx.connection.execute(sql.SQL("delete from {} where id = any(%s)").format(tx.table(name)), (of_kind,))
            _copy(tx, name, made[name])


class _Family:
    """Units to write, with those that they have something from. entry_of: of each document that has one."""

    def __init__(self, touched: Units) -> None:
        self.views: Units = dict(touched)
        self.written: list[UUID] = list(touched)
        self.entry_of: dict[UUID, UUID] = {}

    def also(self, units: Units) -> None:
        """Write these too."""
        self.written += [unit for unit in units if unit not in self.views]
        self.views = {**units, **self.views}


def _family(tx: Transaction, touched: Units, before: dict[UUID, str], linked: set[UUID]) -> _Family:
    family = _Family(touched)
    changed = {unit for unit, one in touched.items() if handed_down(one) != before.get(unit)}
    cases = [unit for unit in changed if touched[unit]["kind"] == CASE]
    below = _ids(tx, "select id from {} where case_id = any(%s)", "entry", cases)
    family.also(_read(tx, below - touched.keys()))
    entries = {unit for unit in changed if touched[unit]["kind"] == ENTRY} | below
    documents = _ids(tx, "select document from {} where entry = any(%s)", "link", list(entries)) | linked
    family.also(_read(tx, documents - family.views.keys()))
    written = [unit for unit in family.written if family.views[unit]["kind"] == DOCUMENT]
    if written:
        query = sql.SQL("select document, entry from {} where document = any(%s)").format(tx.table("link"))
        family.entry_of = {row[0]: row[1] for row in tx.connection.execute(query, (written,))}
    above = _read(tx, set(family.entry_of.values()) - family.views.keys())
    family.views = {**above, **family.views}
    of = {UUID(one["case"]) for one in family.views.values() if one.get("case")}
    family.views = {**_read(tx, of - family.views.keys()), **family.views}
    return family


def _ids(tx: Transaction, query: Any, table: str, wanted: list[UUID]) -> set[UUID]:
    if not wanted:
        return set()
    return {row[0] for row in tx.connection.execute(sql.SQL(query).format(tx.table(table)), (wanted,))}


def _copy(tx: Transaction, table: str, made: list[Row]) -> None:
    if not made:
        return
    columns = list(made[0])
    into = sql.SQL("{} ({})").format(tx.table(table), sql.SQL(", ").join(map(sql.Identifier, columns)))
    rows = [[row[column] for column in columns] for row in made]
    with tx.connection.cursor() as cursor:
        if table.endswith("_coded"):  # behind its policies a table takes no COPY
            values = sql.SQL(", ").join([sql.Placeholder()] * len(columns))
            cursor.executemany(sql.SQL("insert into {} values ({})").format(into, values), rows)
            return
        with cursor.copy(sql.SQL("copy {} from stdin").format(into)) as copy:
            for row in rows:
                copy.write_row(row)


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
    objects = [(one.fact.object_id, one.stream) for one in batch if isinstance(one.fact, ObjectAdded)]
    if objects:
        query = sql.SQL("insert into {} select * from unnest(%s::uuid[], %s::uuid[]) on conflict do nothing")
        tx.connection.execute(query.format(tx.table("object")), [list(column) for column in zip(*objects, strict=True)])


def _grant(tx: Transaction, batch: Sequence[Recorded]) -> None:
    for one in batch:
        if isinstance(one.fact, AccessGranted):
            query = sql.SQL(
                "insert into {} values (%s, %s, %s, %s, %s) on conflict (id) do update"
                " set person = excluded.person, first_day = excluded.first_day, last_day = excluded.last_day"
            )
            given = one.fact
            values = (given.grant, one.stream, given.person, given.first_day, given.last_day)
            tx.connection.execute(query.format(tx.table("granted")), values)
        elif isinstance(one.fact, AccessWithdrawn):
            query = sql.SQL("delete from {} where id = %s and record = %s")
            tx.connection.execute(query.format(tx.table("granted")), (one.fact.grant, one.stream))


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

    touched: Units = {}
    for stream in tx.streams_at([range(first, last + 1) for first, last in fact.positions]):
        one = view.fold(tx.stream(stream, erased, recorded.position))
        if one is not None and one["kind"] in _KEPT_KINDS:
            touched[stream] = one
    _write(tx, touched, {}, set())
