"""What a change of rights opens and closes, before anybody decides: the records whose reading the gate would answer otherwise.

Each class of the journal's rows (`projections.journal.classes`) is judged once before and once after; the rows are then counted
and listed by class, and those named to the person (4.5.23) one by one. A change of who is whose manager opens and closes nothing:
no cell of case or document asks for a manager, and a manager's own right is an order like any other.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from domain.handlers import gate
from domain.handlers.gate import Actor
from domain.model.access import Allowed, Held, Moment, Person, Step, Subject, held, judge, urgently
from domain.model.matrix import Matrix
from projections.journal.classes import Class
from projections.journal.seen import NOTHING, Seen, array
from projections.view import CASE, DOCUMENT, ENTRY
from projections.visibility import READ, named_units, urgent_units

FEW = 20_000
KINDS = (CASE, ENTRY, DOCUMENT)
_TABLES = {CASE: "case_file", ENTRY: "entry", DOCUMENT: "document"}
_ORDER = {
    CASE: "year desc, sequence desc",
    ENTRY: "journal_year desc nulls last, journal_sequence desc nulls last, id",
    DOCUMENT: "entry_id, id",
}
_COLUMNS = {CASE: "null::uuid as entry_id, number", ENTRY: "null::uuid as entry_id, number", DOCUMENT: "entry_id, null as number"}


@dataclass(frozen=True, slots=True)
class Reading:
    """What somebody may read on one side of a change. sessions: the person with the rights of each profile that may be chosen at
    login (4.5.25), and as the substitute of each who is represented; what any of them reads counts."""

    sessions: tuple[Person, ...]
    at: Moment
    matrix: Matrix
    _held: dict[tuple[int, Step], Held] = field(default_factory=dict, init=False, compare=False, repr=False)

    def reads(self, kind: str, about: Subject) -> bool:
        """Whether such a record may be read: as `may` says, whose first half is the same for thousands of classes."""
        step = Step(about.table, READ[kind], about.type, about.status, "-")
        for number, one in enumerate(self.sessions):
            cells = self._held.get((number, step))
            if cells is None:
                cells = self._held[number, step] = held(one, step, self.at, self.matrix)
            answer = judge(one.id, cells, about, self.at.day)
            if one.urgent:
                answer = urgently(one, step, about, self.at, self.matrix, answer)
            if isinstance(answer, Allowed) and not answer.ids_only:
                return True
        return False


def reading(person: Person, at: Moment, matrix: Matrix) -> Reading:
    """A person's reading at a moment, by the tables of that day."""
    actors = [
        Actor(person.id, acting_for=one, administers=administers)
        for one in (None, *sorted({right.acting_for for right in person.rights if right.acting_for}))
        for administers in (False, True)
    ]
    profiles = (gate.profile(person, actor, at) for actor in actors)
    in_force = (replace(one, rights=tuple(right for right in one.rights if right.in_force(at))) for one in profiles)
    return Reading(tuple(dict.fromkeys(one for one in in_force if one.rights)), at, matrix)


@dataclass(frozen=True, slots=True)
class Turned:
    """The rows of one kind that turn one way. classes: all of theirs but those `kept` (unit: its class); named: single ones."""

    classes: frozenset[UUID] = NOTHING
    named: frozenset[UUID] = NOTHING
    kept: Mapping[UUID, UUID] = field(default_factory=dict)

    @property
    def empty(self) -> bool:
        """Whether there can be no such row."""
        return not (self.classes or self.named)


class Turn(NamedTuple):
    """gained, lost: by kind."""

    gained: Mapping[str, Turned]
    lost: Mapping[str, Turned]


@dataclass(frozen=True, slots=True)
class Counted:
    """total: rows that turn; listed: those of them that stand in the lists of who looks; coded: those with an access code."""

    total: int = 0
    listed: int = 0
    coded: int = 0


class Sides(NamedTuple):
    """Whose reading changes, and how."""

    person: str
    before: Reading
    after: Reading


def turns(
    connection: psycopg.Connection[Any], schema: str, classes: Iterable[tuple[Class, Subject]], sides: Sequence[Sides]
) -> list[Turn]:
    """What turns for each of the people, in their order. classes: those that may turn (`Sight.classes`); schema: the journal's;
    sides: all of one moment, with the same tables before, and the same after.

    Cost: classes times different sets of rights, since people with the same rights differ only where a class names them."""
    known = {one.id: (one.kind, about) for one, about in classes}
    naming: dict[str, set[UUID]] = {}
    for of, (_, about) in known.items():
        for person in _named_in(about):
            naming.setdefault(person, set()).add(of)
    alike: dict[tuple[tuple[Person, ...], ...], dict[UUID, int]] = {}
    found = []
    for one in sides:
        if one.before == one.after:
            found.append(Turn({}, {}))
            continue
        nameless = _nameless(one.before), _nameless(one.after)
        rights = nameless[0].sessions, nameless[1].sessions
        if rights not in alike:
            alike[rights] = _judged(known, known, *nameless)
        own = naming.get(one.person, set())
        ways = {of: way for of, way in alike[rights].items() if of not in own} | _judged(known, own, one.before, one.after)
        single = _single(connection, schema, known, one)
        found.append(Turn(_turned(known, ways, single, 1), _turned(known, ways, single, -1)))
    return found


Known = Mapping[UUID, tuple[str, Subject]]


def _named_in(about: Subject) -> set[str]:
    owner = {about.owner} if about.owner is not None else set[str]()
    return owner | about.handlers | about.authors | about.put_to | about.parties | about.disqualified


def _nameless(one: Reading) -> Reading:
    return replace(one, sessions=tuple(replace(person, id="") for person in one.sessions))


def _judged(known: Known, wanted: Iterable[UUID], before: Reading, after: Reading) -> dict[UUID, int]:
    """The classes that turn: 1 gained, -1 lost."""
    found = {}
    for of in wanted:
        kind, about = known[of]
        way = int(after.reads(kind, about)) - int(before.reads(kind, about))
        if way:
            found[of] = way
    return found


def _single(connection: psycopg.Connection[Any], schema: str, known: Known, one: Sides) -> list[tuple[UUID, UUID, int]]:
    """(unit, class, 1 gained or -1 lost or 0) of what is named to the person or to those acted for, and of what urgent access
    opens."""
    sessions, at = (*one.before.sessions, *one.after.sessions), one.after.at
    rights = tuple(right for person in sessions for right in person.rights)
    everything = Person(one.person, rights, tuple(urgent for person in sessions for urgent in person.urgent))
    named = {unit: (of, grants) for _, unit, of, grants in named_units(connection, schema, everything, at)}
    urgent = {unit: (of, file) for _, unit, of, file in urgent_units(connection, schema, everything, at)}
    found = []
    for unit in (*named, *(unit for unit in urgent if unit not in named)):
        of, grants = named.get(unit) or (urgent[unit][0], ())
        if of in known:
            kind, about = known[of]
            about = replace(about, grants=grants, file=urgent[unit][1] if unit in urgent else None)
            found.append((unit, of, int(one.after.reads(kind, about)) - int(one.before.reads(kind, about))))
    return found


def _turned(known: Known, ways: Mapping[UUID, int], single: Sequence[tuple[UUID, UUID, int]], way: int) -> dict[str, Turned]:
    classes: dict[str, set[UUID]] = {kind: set() for kind in KINDS}
    for of, one in ways.items():
        if one == way:
            classes[known[of][0]].add(of)
    made = {}
    for kind, of_kind in classes.items():
        mine = [(unit, of, turns) for unit, of, turns in single if known[of][0] == kind]
        named = frozenset(unit for unit, of, turns in mine if turns == way and of not in of_kind)
        made[kind] = Turned(frozenset(of_kind), named, {unit: of for unit, of, turns in mine if turns != way and of in of_kind})
    return made


def united(turns: Sequence[Turn]) -> Turn:
    """What turns for at least one of several people."""
    gained, lost = ({kind: _united([one[side].get(kind, Turned()) for one in turns]) for kind in KINDS} for side in (0, 1))
    return Turn(gained, lost)


def _united(some: Sequence[Turned]) -> Turned:
    kept = {unit: of for one in some for unit, of in one.kept.items()}
    for_all = {unit: of for unit, of in kept.items() if all(unit in one.kept for one in some if of in one.classes)}
    return Turned(
        NOTHING.union(*(one.classes for one in some)),
        NOTHING.union(*(one.named for one in some)),
        for_all,
    )


def reached(connection: psycopg.Connection[Any], schema: str, turns: Sequence[Turn]) -> int:
    """For how many of the people any record turns: a class may have had rows once, and none now."""
    held: dict[UUID, int] = {}
    for kind in KINDS:
        of = NOTHING.union(*(side[kind].classes for one in turns for side in one if kind in side))
        query = sql.SQL("select class, count(*) from {} where class = any(%s::uuid[]) group by class")
        table = sql.Identifier(schema, _TABLES[kind])
        held |= dict(connection.execute(query.format(table), (array(of),), prepare=False).fetchall() if of else ())
    return sum(any(_rows_of(each, held) for side in one for each in side.values()) for one in turns)


def _rows_of(one: Turned, held: Mapping[UUID, int]) -> int:
    return sum(held.get(of, 0) for of in one.classes) - len(one.kept) + len(one.named)


def count(connection: psycopg.Connection[Any], schema: str, kind: str, turned: Turned, seen: Seen) -> Counted:
    """How many rows turn. seen: by whoever looks."""
    if turned.empty:
        return Counted()
    query = sql.SQL(
        "select count(*), count(*) filter (where {listed}), count(*) filter (where code is not null) from {table} where {turned}"
    ).format(listed=_raw(seen.filter()), table=sql.Identifier(schema, _TABLES[kind]), turned=_raw(_CONDITION))
    row = connection.execute(query, _values(kind, turned, seen), prepare=False).fetchone()
    assert row is not None
    return Counted(*row)


def rows(
    connection: psycopg.Connection[Any],
    schema: str,
    kind: str,
    turned: Turned,
    seen: Seen,
    page: int,
    limit: int,
    listed: int | None = None,
) -> list[dict[str, Any]]:
    """One page (from 0) of the rows that turn and stand in the lists of whoever looks: id, number, title, code.

    number: of a document that of its entry; title None where whoever looks may not read it, and of everything coded, whose
    reading would have to be noted; listed: how many there are in all, where that is known: few are found first and sorted then,
    since in the order of the index they may stand a million rows apart."""
    if turned.empty:
        return []
    query = sql.SQL(
        "select id, {columns}, class, code, title from (select * from {table} where {turned} and {listed} {apart}) found"
        " order by {order} limit {limit} offset {skip}"
    ).format(
        apart=_raw("offset 0" if listed is not None and listed < FEW else ""),
        columns=_raw(_COLUMNS[kind]),
        table=sql.Identifier(schema, _TABLES[kind]),
        turned=_raw(_CONDITION),
        listed=_raw(seen.filter()),
        order=_raw(_ORDER[kind]),
        limit=limit,
        skip=page * limit,
    )
    with connection.cursor(row_factory=dict_row) as cursor:
        found = cursor.execute(query, _values(kind, turned, seen), prepare=False).fetchall()
    numbers = _numbers(connection, schema, {row["entry_id"] for row in found} - {None}, seen)
    return [_told(kind, row, numbers, seen) for row in found]


def _told(kind: str, row: dict[str, Any], numbers: Mapping[UUID, str | None], seen: Seen) -> dict[str, Any]:
    readable = row["code"] is None and seen.reads(kind, row["id"], row["class"])
    number = row["number"] or (numbers.get(row["entry_id"]) if row["entry_id"] is not None else None)
    return {
        "id": row["id"],
        "kind": kind,
        "number": number,
        "title": row["title"] if readable else None,
        "code": row["code"],
    }


def _numbers(connection: psycopg.Connection[Any], schema: str, entries: set[UUID], seen: Seen) -> dict[UUID, str | None]:
    if not entries:
        return {}
    query = sql.SQL("select id, class, number from {} where id = any(%s)").format(sql.Identifier(schema, "entry"))
    found = connection.execute(query, (list(entries),)).fetchall()
    return {unit: number for unit, of, number in found if seen.lists(ENTRY, unit, of)}


# no join is made of the list of classes: it is hashed once
_CONDITION = (
    "((class in (select unnest(%(turned_classes)s::uuid[])) and not id = any(%(turned_kept)s::uuid[]))"
    " or id = any(%(turned_named)s::uuid[]))"
)


def _values(kind: str, turned: Turned, seen: Seen) -> dict[str, Any]:
    own = {"classes": turned.classes, "kept": turned.kept, "named": turned.named}
    return {**seen.values(kind), **{f"turned_{name}": array(ids) for name, ids in own.items()}}


def _raw(text: str) -> sql.SQL:
    return sql.SQL(text)  # pyright: ignore[reportArgumentType]
