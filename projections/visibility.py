"""Which rows a person sees in lists, searches and counts: `may` asked once a class of rows, and remembered.

The journal groups its rows by what rights ask of them (`projections.journal.classes`). What is remembered of a person
holds for one set of rights in force, one version of the organisation with its tables, one day, and one state of knowing who is
called what; each of these is looked at anew for every read.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql

from domain.handlers import gate, standing
from domain.handlers.gate import Actor, Asked
from domain.handlers.standing import Organised, Standing
from domain.ledger.ledger import Ledger
from domain.ledger.reader import HeadRow
from domain.model.access import CODED, NOT_ASSESSED, PUBLIC, Allowed, Grant, Moment, Person, Subject, may
from domain.model.facets import DRAFT
from domain.model.matrix import Matrix
from domain.model.record import Named
from domain.model.user import USER_NAME
from projections.journal.classes import Class, digest, parse
from projections.journal.seen import Part, Passing, Seen
from projections.view import CASE, DOCUMENT, ENTRY

LIST: Mapping[str, str] = {CASE: "case-file.list", ENTRY: "registry-entry.list", DOCUMENT: "registry-entry.list"}
READ: Mapping[str, str] = {CASE: "case-file.read", ENTRY: "registry-entry.read", DOCUMENT: "document.read"}
REMEMBERED = 256
_TABLE = {CASE: "case", ENTRY: "document", DOCUMENT: "document"}


@dataclass(frozen=True, slots=True)
class Judge:
    """Who asks, and by which tables, at which moment."""

    person: Person
    at: Moment
    matrix: Matrix

    def part(self, kind: str, about: Subject) -> tuple[bool, bool, bool]:
        """Whether such a row is listed, is more than an id there, and may be read."""
        listed = may(self.person, LIST[kind], about, self.at, self.matrix)
        if not isinstance(listed, Allowed):
            return False, False, False
        read = may(self.person, READ[kind], about, self.at, self.matrix)
        return True, not listed.ids_only, isinstance(read, Allowed) and not read.ids_only


@dataclass(slots=True)
class _Answers:
    """What was answered for one person, of the classes up to `number`."""

    number: int = 0
    parts: dict[str, tuple[set[UUID], set[UUID], set[UUID]]] = field(default_factory=dict)
    coded: set[UUID] = field(default_factory=set)
    seen: Seen | None = None


class Sight:
    """One tenant's. Thread-safe. wall: of the connections that its answers are for."""

    def __init__(self, ledger: Ledger, schema: str, wall: Passing | None) -> None:
        self._ledger = ledger
        self._schema = schema
        self._wall = wall
        self._guard = threading.Lock()
        self._table = 0
        self._number = 0
        self._classes: list[tuple[int, Class]] = []
        self._subjects: dict[UUID, Subject] = {}
        self._stands_on: tuple[Any, ...] = ()
        self._names: dict[str, str] = {}
        self._unknown: set[str] = set()
        self._digests: dict[str, str] = {}
        self._asked: tuple[HeadRow, int] | None = None
        self._answers: OrderedDict[tuple[Any, ...], _Answers] = OrderedDict()

    def of(self, connection: psycopg.Connection[Any], actor: Actor) -> Seen:
        """What the actor sees at this moment. connection: of the projection. Raises psycopg.OperationalError."""
        known = standing.of(self._ledger)
        organised = known.organisation()
        if organised.state.opened is None:
            return Seen(everything=True, wall=self._wall)
        at = Asked("", self._ledger.clock.now()).moment
        found = known.person(actor.id)
        person = gate.profile(found.person, actor, at)
        person = replace(person, rights=tuple(right for right in person.rights if right.in_force(at)))
        judge = Judge(person, at, known.matrix(organised, at.day))
        with self._guard:
            self._learn(connection, known, organised)
            key = (person, organised.version, at.day, self._stands_on)
            seen, subjects = self._judged(key, judge), self._subjects
        named = self._named(connection, judge, subjects)
        return replace(seen, named=named) if named else seen

    def classes(self, connection: psycopg.Connection[Any]) -> list[tuple[Class, Subject]]:
        """Every class that a row has or had, with what rights ask of it now. Raises psycopg.OperationalError."""
        known = standing.of(self._ledger)
        organised = known.organisation()
        with self._guard:
            self._learn(connection, known, organised)
            return [(one, self._subjects[one.id]) for _, one in self._classes]

    def _learn(self, connection: psycopg.Connection[Any], known: Standing, organised: Organised) -> None:
        """Take in new classes, and look again for those whom nobody was called so far."""
        query = sql.SQL(
            "select tableoid::bigint, number, id, facets from {table} where number >"
            " case when (select c.oid from pg_class c join pg_namespace n on n.oid = c.relnamespace"
            " where n.nspname = {schema} and c.relname = 'class') = %s then %s else 0 end order by number"
        ).format(table=sql.Identifier(self._schema, "class"), schema=sql.Literal(self._schema))
        rows = connection.execute(query, (self._table, self._number)).fetchall()
        if rows and rows[0][0] != self._table:  # the projection was rebuilt
            self._classes, self._table = [], int(rows[0][0])
            self._answers.clear()
            self._subjects = {}
        # a text that is not what its id says was put there by hand, and nobody sees its rows
        fresh = [(int(number), parse(text)) for _, number, unit, text in rows if digest(text) == unit]
        self._classes += fresh
        self._number = int(rows[-1][1]) if rows else self._number
        self._call({name for _, one in fresh for name in (one.owner, *one.handlers) if name})
        stands_on = organised.version, len(self._names), self._table
        if stands_on != self._stands_on:
            self._stands_on = stands_on
            self._subjects = {}
            self._answers.clear()
        for _, one in self._classes[len(self._subjects) :]:
            self._subjects[one.id] = self._subject(one, known, organised)

    def _call(self, new: set[str]) -> None:
        """Find out who is called so. A user name is never anybody else's (4.4.11), so only the unknown are asked for again."""
        for name in new - self._names.keys():
            person = _uuid(name)
            if person is not None:
                self._names[name] = str(person)
            else:
                self._unknown.add(name)
        if not self._unknown:
            return
        for name in self._unknown - self._digests.keys():
            self._digests[name] = standing.user_name_digest(self._ledger, name)
        head = self._ledger.reader.head()
        if (head, len(self._unknown)) == self._asked:  # nobody can have been registered since
            return
        digests: dict[str, list[str]] = {}  # one person is named in upper and lower case
        for name in self._unknown:
            digests.setdefault(self._digests[name], []).append(name)
        claimed = sql.Identifier(self._ledger.tenant, "ledger_claim")
        query = sql.SQL("select key, originator_id from {} where kind = %s and key = any(%s)").format(claimed)
        for key, person in self._ledger.reader.rows(query, (USER_NAME, list(digests))):
            self._names |= dict.fromkeys(digests[key], str(person))
            self._unknown.difference_update(digests[key])
        self._asked = head, len(self._unknown)

    def _subject(self, one: Class, known: Standing, organised: Organised) -> Subject:
        """As `facets.subject` puts it together of the facets themselves."""
        paths = (known.units(organised, Named(name, identifier)) for identifier, name in one.units)
        handlers = frozenset(found for name in one.handlers if (found := self._names.get(name)))
        drafted = frozenset(one.began) if one.status in DRAFT else frozenset[str]()
        return Subject(
            table=_TABLE[one.kind],
            type=one.type,
            status=one.status,
            units=next((path for path in paths if path), ()),
            owner=self._names.get(one.owner) if one.owner else None,
            handlers=handlers or drafted,
            authors=frozenset(one.authors),
            assessment=CODED if one.code is not None else PUBLIC if one.assessed else NOT_ASSESSED,
            code=one.code,
        )

    def _judged(self, key: tuple[Any, ...], judge: Judge) -> Seen:
        answers = self._answers.setdefault(key, _Answers())
        self._answers.move_to_end(key)
        if len(self._answers) > REMEMBERED:
            self._answers.popitem(last=False)
        if answers.seen is not None and answers.number == self._number:
            return answers.seen
        for number, one in self._classes:
            if number > answers.number:
                sets = answers.parts.setdefault(one.kind, (set(), set(), set()))
                judged = judge.part(one.kind, self._subjects[one.id])
                for holds, into in zip(judged, sets, strict=True):
                    if holds:
                        into.add(one.id)
                if judged[2] and one.code is not None:
                    answers.coded.add(one.id)
        answers.number = self._number
        parts = {kind: _part(sets) for kind, sets in answers.parts.items()}
        answers.seen = Seen(False, parts, {}, Part(read=frozenset(answers.coded)), self._wall)
        return answers.seen

    def _named(self, connection: psycopg.Connection[Any], judge: Judge, subjects: Mapping[UUID, Subject]) -> dict[str, Part]:
        """What was named to the person for today, and what urgent access opens: the record, and what stands below it."""
        sets: dict[str, tuple[set[UUID], set[UUID], set[UUID]]] = {}
        named = named_units(connection, self._schema, judge.person, judge.at)
        found = {unit: (kind, of, grants) for kind, unit, of, grants in named}
        files: dict[UUID, UUID] = {}
        for kind, unit, of, file in urgent_units(connection, self._schema, judge.person, judge.at):
            files[unit] = file
            found.setdefault(unit, (kind, of, ()))
        for unit, (kind, of, grants) in found.items():
            about = subjects.get(of)
            if about is not None:
                judged = judge.part(kind, replace(about, grants=grants, file=files.get(unit)))
                for holds, into in zip(judged, sets.setdefault(kind, (set(), set(), set())), strict=True):
                    if holds:
                        into.add(unit)
        return {kind: _part(found) for kind, found in sets.items()}


def named_units(
    connection: psycopg.Connection[Any], schema: str, person: Person, at: Moment
) -> Iterator[tuple[str, UUID, UUID, tuple[Grant, ...]]]:
    """(kind, unit, class, grants of that day) of what was named to the person, or to whom the person acts for, and below it."""
    who = {person.id, *(right.acting_for for right in person.rights if right.acting_for)}
    mine = sql.SQL("select record, person, first_day, last_day from {} where person = any(%s)").format(
        sql.Identifier(schema, "granted")
    )
    given: dict[UUID, list[Grant]] = {}
    for record, named, first_day, last_day in connection.execute(mine, (list(who),)):
        if first_day <= at.day <= last_day:
            given.setdefault(record, []).append(Grant(named, first_day, last_day))
    if not given:
        return
    for kind, unit, of, levels in _below(connection, schema, given):
        yield kind, unit, of, tuple(grant for level in levels for grant in given.get(level, ()))


def urgent_units(
    connection: psycopg.Connection[Any], schema: str, person: Person, at: Moment
) -> Iterator[tuple[str, UUID, UUID, UUID]]:
    """(kind, unit, class, case) of what urgent access opens to the person at that moment."""
    cases = {one.file for one in person.urgent if one.in_force(at)}
    for kind, unit, of, levels in _below(connection, schema, cases) if cases else ():
        yield kind, unit, of, levels[-1]


def _below(connection: psycopg.Connection[Any], schema: str, records: Iterable[UUID]) -> list[tuple[str, UUID, UUID, list[UUID]]]:
    """(kind, unit, class, the unit and those that it stands in) of these records and what stands below them."""
    tables = {name: sql.Identifier(schema, name) for name in ("case_file", "entry", "document")}
    below = sql.SQL(
        "select 'case', id, class, array[id] from {case_file} where id = any(%(r)s)"
        " union all select 'entry', id, class, array[id, case_id] from {entry} where id = any(%(r)s) or case_id = any(%(r)s)"
        " union all select 'document', id, class, array[id, entry_id, case_id] from {document}"
        " where id = any(%(r)s) or entry_id = any(%(r)s) or case_id = any(%(r)s)"
    ).format(**tables)
    return connection.execute(below, {"r": list(records)}).fetchall()


def _part(sets: tuple[set[UUID], set[UUID], set[UUID]]) -> Part:
    listed, shown, read = sets
    return Part(frozenset(listed), frozenset(shown), frozenset(read))


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text) if len(text) == 36 else None
    except ValueError:
        return None
