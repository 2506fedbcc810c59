"""What an order of rights, or other cells of the rights tables, would open and close: shown before anybody decides.

Whoever passes the gate of the order itself (to give it, control it, stop, propose or confirm) is told how many cases, entries and
documents turn, those included whose existence the own rights do not show: the decision is theirs, and it cannot be made on less.
Which ones is listed only of what stands in the own lists, and a title only where it may be read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from typing import Any
from uuid import UUID

import psycopg

from api import people
from api.organising import CellsChange
from api.requests import Caller
from domain.handlers import organisation, rights, standing, tables
from domain.handlers.organisation import Confirm
from domain.handlers.rights import Answer
from domain.handlers.standing import Known, Standing
from domain.handlers.work import Work
from domain.ledger.clock import LOCAL
from domain.model import order_difference
from domain.model.access import Moment, Person, Subject
from domain.model.errors import NotFound
from domain.model.matrix import ANY, Matrix, Place
from domain.model.order_difference import Around, Difference
from domain.model.organisation import CellsProposed, CellText
from domain.model.rights_change import Orders
from projections import preview
from projections.journal.classes import Class
from projections.preview import KINDS, Counted, Sides
from projections.visibility import READ

Connection = psycopg.Connection[Any]
Classes = Iterable[tuple[Class, Subject]]
PAGE_ROWS = 50
GAINED, LOST = "gained", "lost"


@dataclass(frozen=True, slots=True)
class Records:
    """The records of one kind that become readable (`gained`) or are lost. rows: one page of those in the reader's lists."""

    kind: str
    way: str
    count: Counted
    rows: list[dict[str, Any]] = field(default_factory=list)

    @property
    def hidden(self) -> int:
        """How many do not stand in the reader's lists."""
        return self.count.total - self.count.listed


@dataclass(frozen=True, slots=True)
class Opened:
    """What turns on a local day. people: for how many; page: which one of the rows, from 0."""

    day: date
    records: tuple[Records, ...]
    people: int
    page: int = 0

    @property
    def empty(self) -> bool:
        """Whether no record turns."""
        return not any(one.count.total for one in self.records)

    @property
    def more(self) -> bool:
        """Whether a further page has rows."""
        return any(one.count.listed > (self.page + 1) * PAGE_ROWS for one in self.records)


@dataclass(frozen=True, slots=True)
class Preview:
    """What an order changes. difference: of the person's entitlements; opened: on the first day of its effect, then on those when
    something has ended sooner than it would have."""

    difference: Difference
    opened: tuple[Opened, ...]


def of_command(me: Caller, handle: Callable[[Work], UUID], page: int | None = 0) -> Preview:
    """What an order or stop would change, decided as the command itself would be and recorded nowhere. Raises what it would."""
    ledger = me.tenant.ledger
    work = Work(ledger, me.context(), ledger.clock.now(), fresh=True)
    made = rights.decided(work, handle)
    person = next(stream for stream, fact in work.facts if fact is made)  # who comes back is known under an id of before
    orders = rights.handed_over(standing.of(ledger).person(str(person)).file.orders, work)
    difference = order_difference.of_order(orders, made, work.at, work.today)
    return Preview(difference, _of_order(me, order_difference.around(orders, made, work.at, work.today), page))


def of_waiting(me: Caller, person: UUID, order: UUID, page: int | None = 0) -> Preview:
    """The same of an order that waits for control or for a superior, were it decided now. NotFound where it does not wait.

    The caller has passed the gate of the inbox."""
    found = standing.of(me.tenant.ledger).person(str(person)).file.orders
    waits = found.orders.get(order)
    if waits is None or waits.stage not in ("ordered", "objected"):
        raise NotFound("order", str(order))
    now, today = me.tenant.ledger.clock.now(), people.today(me)
    difference = order_difference.of_order(found, waits.fact, now, today)
    return Preview(difference, _of_order(me, order_difference.around(found, waits.fact, now, today), page))


def permit_waiting(me: Caller, person: UUID, order: UUID) -> None:
    """Pass the gate for what a waiting order would open: as for controlling it, or for settling what was objected to."""
    people.permit(me, *_deciding(me, person, order))
    people.organisation(me)


def decides(me: Caller, person: UUID, order: UUID) -> bool:
    """Whether the caller may control the order, or settle what was objected to."""
    return people.may(me, *_deciding(me, person, order))


def _deciding(me: Caller, person: UUID, order: UUID) -> tuple[str, Subject]:
    state, day = standing.of(me.tenant.ledger).organisation().state, people.today(me)
    waits = standing.of(me.tenant.ledger).person(str(person)).file.orders.orders.get(order)
    if waits is None:
        return Answer.CONTROL, Subject(people.ADMINISTRATION)
    unit, orderer = waits.fact.unit, waits.fact.orderer
    superior = state.superior_of(orderer, unit, day) if unit is not None else None
    put_to = frozenset({superior} if superior is not None else ())
    own = str(person)
    about = Subject(people.ADMINISTRATION, put_to=put_to, authors=frozenset({own}), concerns=own, ordered_by=orderer)
    return Answer.SETTLE if waits.stage == "objected" else Answer.CONTROL, about


def permit_change(me: Caller) -> None:
    """Pass the gate for what proposed cells would open: as for confirming them."""
    people.permit(me, Confirm.CELLS)


def of_change(me: Caller, change: UUID, page: int | None = 0) -> Opened:
    """What cells that wait for confirmation would open and close. NotFound where none wait under that id."""
    waits = people.organisation(me).state.waiting.get(change)
    if not isinstance(waits, CellsProposed):
        raise NotFound("change", str(change))
    return of_cells(me, waits.cells, waits.first_day, page)


def texts_of(body: CellsChange) -> list[CellText]:
    """The cells of a body. Refused `matrix.cell` for a place or scope that no table has."""
    return [organisation.checked_cell(CellText(one.cell, one.scope, one.condition)) for one in body.cells]


def _of_order(me: Caller, around: Around, page: int | None) -> tuple[Opened, ...]:
    me.up_to_date()
    known, organised = standing.of(me.tenant.ledger), people.organisation(me)
    about = known.person(around.before.person)
    before, after = (_with(known, about, orders, around.at) for orders in (around.before, around.after))
    found = []
    with me.tenant.read() as connection:
        classes = me.tenant.sight.classes(connection)
        for day in around.days:
            begins = datetime.combine(day, time(), LOCAL)
            moment, matrix = Moment(max(around.at, begins), day), known.matrix(organised, day)
            sides = Sides(before.id, preview.reading(before, moment, matrix), preview.reading(after, moment, matrix))
            found.append(_opened(me, connection, day, [sides], classes, page))
    return tuple(found)


def _with(known: Standing, about: Known, orders: Orders, at: datetime) -> Person:
    """The person, had these orders been given. Where they stand in the log does not matter here."""
    given = replace(about, file=replace(about.file, orders=orders))
    return standing.settled(given, known.orders_of, at).person


def of_cells(me: Caller, cells: Iterable[CellText], first_day: date, page: int | None = 0) -> Opened:
    """What other cells would open and close on their first day, for everybody whose rights they reach. Raises MatrixError.

    The caller has passed the gate of proposing or of confirming."""
    known, organised = standing.of(me.tenant.ledger), people.organisation(me)
    day = max(first_day, people.today(me))
    changed = [tables.cell_of(one) for one in cells]
    reading = [one for one in changed if one.place.action in READ.values()]
    before = known.matrix(organised, day)
    after = Matrix({**before.cells, **{one.place: one for one in changed}}, (), before.actions)
    moment = Moment(me.tenant.ledger.clock.now(), day)
    sides = [
        Sides(one.id, preview.reading(one, moment, before), preview.reading(one, moment, after))
        for one in _reached(me, {cell.place.role for cell in reading}, moment)
    ]
    with me.tenant.read() as connection:
        classes = [one for one in me.tenant.sight.classes(connection) if any(_asked(cell.place, *one) for cell in reading)]
        return _opened(me, connection, day, sides, classes, page)


def _asked(place: Place, one: Class, about: Subject) -> bool:
    """Whether the cell is asked where such a record is read."""
    same = (place.table, place.action, place.from_status) == (about.table, READ[one.kind], about.status)
    return same and place.type in (ANY, about.type)


def _reached(me: Caller, roles: set[str], at: Moment) -> list[Person]:
    """Everybody with one of the roles in force at that moment."""
    known = standing.of(me.tenant.ledger)
    ids = people.ask(me, lambda reads, connection: reads.with_roles(connection, sorted(roles)))
    found = (known.person(str(one)).person for one in ids)
    return [one for one in found if any(right.role in roles and right.in_force(at) for right in one.rights)]


def _opened(me: Caller, connection: Connection, day: date, sides: list[Sides], classes: Classes, page: int | None) -> Opened:
    schema, seen = me.tenant.journal.schema, me.tenant.sight.of(connection, me.actor)
    turns = preview.turns(connection, schema, classes, sides)
    whole = preview.united(turns)
    records = []
    for way, of_kinds in zip((GAINED, LOST), whole, strict=True):
        for kind in KINDS:
            turned = of_kinds[kind]
            count = preview.count(connection, schema, kind, turned, seen)
            shown = page is not None and count.listed > page * PAGE_ROWS
            listed = count.listed
            rows = preview.rows(connection, schema, kind, turned, seen, page or 0, PAGE_ROWS, listed) if shown else []
            records.append(Records(kind, way, count, rows))
    several = preview.reached(connection, schema, turns) if len(turns) > 1 else int(any(one.count.total for one in records))
    return Opened(day, tuple(records), several, page or 0)
