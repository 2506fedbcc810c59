"""What somebody whose rights end leaves open, for whoever hands it over: records, and what waits for that person (practice R1).

Whoever passes the gate is told how much there is; which records, only as far as these stand in the own lists. What waits to be
approved or signed by the person is not listed, since no fact says so before signing is there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from api import people
from api.requests import Caller
from domain.handlers import standing
from domain.handlers.standing import Known, Standing
from domain.model.access import Moment
from domain.model.user import SERVICE
from projections import open_work
from projections.open_work import Part

ACTION = "person.read-open-work"
ROWS = 25  # of each sort on a page: every row has a field, and a form has at most a hundred
REQUESTS, OBJECTIONS, ASKED, UNITS = "requests", "objections", "asked", "units"


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits for the person besides records, or hangs on the person: how many of what. `requests` to read cases go with their
    case; `objections` to settle, what the identity system `asked` for and `units` managed go to the next manager."""

    what: str
    total: int


@dataclass(frozen=True, slots=True)
class OpenWork:
    """What one person has open."""

    person: UUID
    parts: tuple[Part, ...]
    waiting: tuple[Waiting, ...]

    @property
    def records(self) -> int:
        """How many records."""
        return sum(one.total for one in self.parts)

    @property
    def listed(self) -> int:
        """How many of them the reader sees, and may try to hand over."""
        return sum(one.listed for one in self.parts)


@dataclass(frozen=True, slots=True)
class Successor:
    """Somebody whom work may be handed to. id: of the person."""

    id: str
    name: str
    title: str


def permit(me: Caller, person: UUID) -> None:
    """Pass the gate for what somebody has open: the archive, and the person's managers."""
    people.permit(me, ACTION, people.rights_of(person))
    people.organisation(me)


def of_person(me: Caller, known: Known, rows: int = ROWS) -> OpenWork:
    """What the person has open, at most `rows` of each sort, and what waits for the person. The caller has passed the gate."""
    me.up_to_date()
    person, schema = known.file.id, me.tenant.journal.schema
    with me.tenant.read() as connection:
        seen, classes = me.tenant.sight.of(connection, me.actor), me.tenant.sight.classes(connection)
        parts = tuple(open_work.part(connection, schema, name, person, classes, seen, rows) for name in open_work.PARTS)
    return OpenWork(UUID(person), parts, tuple(one for one in _waiting(me, person) if one.total))


def _waiting(me: Caller, person: str) -> Iterable[Waiting]:
    known, organised, day = standing.of(me.tenant.ledger), people.organisation(me), people.today(me)
    state = organised.state
    requests = people.ask(me, lambda reads, connection: reads.waiting_requests(connection))
    owners = [known.subject(row["record"], organised) for row in requests]
    yield Waiting(REQUESTS, sum(about is not None and about.owner == person for about in owners))
    objected = people.ask(me, lambda reads, connection: reads.in_stage(connection, "objected"))
    superiors = [state.superior_of(row["orderer"], row["unit"], day) for row in objected if row["unit"] is not None]
    yield Waiting(OBJECTIONS, superiors.count(person))
    asked = people.ask(me, lambda reads, connection: reads.asked_by_idm(connection))
    managers = [state.manager_of(str(row["person"]), row["unit"], day) for row in asked if row["unit"] is not None]
    yield Waiting(ASKED, managers.count(person))
    yield Waiting(UNITS, sum(one.manager == person and one.person is None for one in people.in_force(state, day)))


def left(me: Caller) -> list[tuple[UUID, str, int]]:
    """(id, name, open records) of those without any right in force who have open work, as far as the caller may see it."""
    me.up_to_date()
    known, day = standing.of(me.tenant.ledger), people.today(me)
    at = Moment(me.tenant.ledger.clock.now(), day)
    with me.tenant.read() as connection:
        classes = me.tenant.sight.classes(connection)
        named = frozenset[str]().union(*(open_work.named_in(one, about) for one, about in classes))
        gone = [one for one in sorted(named) if _gone(known, one, at) and people.may(me, ACTION, people.rights_of(UUID(one)))]
        counts = open_work.counts(connection, me.tenant.journal.schema, classes, gone)
    found = [(UUID(one), me.name_of(one), number) for one, number in counts.items()]
    return sorted(found, key=lambda one: one[1].casefold())


def _gone(known: Standing, one: str, at: Moment) -> bool:
    about = known.person(one, fresh=False)
    user = about.file.user
    return user is not None and user.kind != SERVICE and not any(right.in_force(at) for right in about.person.rights)


def managers_of(me: Caller, known: Known) -> set[str]:
    """Who manages the person in the units of the orders for that person, past ones too."""
    state, day = people.organisation(me).state, people.today(me)
    units = {one.fact.unit for one in known.file.orders.orders.values() if one.fact.unit is not None}
    found = {state.manager_of(known.file.id, unit, day) for unit in units}
    return {one for one in found if one is not None}


def successors(me: Caller, known: Known) -> list[Successor]:
    """Whom the person's work may go to from a list: the managers, then everybody with a right in the person's units, by name."""
    units = {one.fact.unit for one in known.file.orders.orders.values()}
    managers = managers_of(me, known)
    found: dict[str, Successor] = {}
    for row in people.running(me):
        one = str(row["person"])
        if one != known.file.id and row["kind"] != SERVICE and (row["unit"] in units or one in managers):
            found[one] = Successor(one, row["name"], row["title_now"] or "")
    return sorted(found.values(), key=lambda one: (one.id not in managers, one.name.casefold()))
