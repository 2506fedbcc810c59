"""The access report: who was shown which coded record, when, and under which right. It screens itself.

A unit's manager sees the readings of what belongs to that unit and those below it; the head of records and an auditor see all.
What an auditor reads is shown to auditors alone until the audit has been reported (practice R13). Ids and codes are shown to
whoever has the report; a title only to one who may read that record now, and that is a reading too, which is noted first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from psycopg import sql

from domain import catalogue
from domain.handlers import access_log, gate, standing
from domain.handlers.gate import Actor, Asked, Permit
from domain.handlers.people import name_of
from domain.handlers.work import Context, permitted
from domain.ledger.clock import LOCAL, microseconds
from domain.ledger.ledger import Ledger
from domain.ledger.reader import WHOLE_LOG_WITHIN_S, Recorded, decode_row
from domain.model.access import Allowed, Moment, Right, Subject
from domain.model.access_log import SEARCH_ROW, AccessRead
from domain.model.errors import Refused
from projections import view

ACTION = "access-log.report"
READ = {"case": "case-file.read", "entry": "registry-entry.read", "document": "document.read"}
TOPIC = catalogue.TOPICS[AccessRead]
LIMIT = 1_000
PAGE_ROWS = 1_000


@dataclass(frozen=True, slots=True)
class Sought:
    """What the report is about. record: that one, what stands in it, and the entry and case that show it; person: an id;
    since, until: local days, both included; titles: as far as the reader may read them now; limit: lines, newest first."""

    record: UUID | None = None
    person: str | None = None
    since: date | None = None
    until: date | None = None
    titles: bool = False
    limit: int = LIMIT


@dataclass(frozen=True, slots=True)
class Line:
    """One reading. place: `<chain_id>#<position>` of its fact; roles: of the rights it rested on; title: None where not shown."""

    place: str
    at: datetime
    person: str
    name: str
    acting_for: str | None
    record: UUID
    kind: str
    code: str
    what: str
    roles: tuple[str, ...]
    rests_on: tuple[str, ...]
    title: str | None = None

    def as_json(self) -> dict[str, Any]:
        """For a machine: instants RFC 3339 in UTC, ids as text."""
        fields = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {**fields, "at": catalogue.instant(self.at), "record": str(self.record)}


@dataclass(frozen=True, slots=True)
class Report:
    """lines: newest first; more: there are older ones."""

    lines: tuple[Line, ...]
    more: bool


class _Reader(NamedTuple):
    """Who has the report. units: his readings' records are in one of these; None = all; audits: sees what auditors read."""

    ledger: Ledger
    actor: Actor
    units: frozenset[UUID] | None
    audits: bool


def report(ledger: Ledger, actor: Actor, sought: Sought) -> Report:
    """The report as far as `actor` may have it. Raises Refused, AccessLogAway where titles are asked for and cannot be noted."""
    reader = _admitted(ledger, actor)
    found: list[Line] = []
    for recorded in _facts(ledger, sought):
        if _shown(reader, recorded):
            found.append(_line(ledger, recorded))
            if len(found) > sought.limit:
                break
    lines = found[: sought.limit]
    return Report(tuple(_titled(reader, lines) if sought.titles else lines), len(found) > sought.limit)


def _admitted(ledger: Ledger, actor: Actor) -> _Reader:
    """The widest report that the actor may have: the whole municipality's, else that of the units which his rights lie in."""
    now = ledger.clock.now()
    known = standing.of(ledger)
    organised = known.organisation()
    units = [right.unit for right in _rights(ledger, actor.id, now) if right.unit is not None]
    own: set[UUID] = set()
    for unit in dict.fromkeys(units):
        about = Subject(gate.ADMINISTRATION, units=organised.state.path(unit))
        if isinstance(gate.decide(ledger, actor, Asked(ACTION, now, subject=about)), Allowed):
            own.add(unit)
    try:
        given = permitted(ledger, Context(actor), ACTION)
    except Refused:
        if not own:
            raise
        return _Reader(ledger, actor, frozenset(own), False)
    return _Reader(ledger, actor, None, given.reason.partition(":")[0] == access_log.AUDITOR)


def _rights(ledger: Ledger, person: str, at: datetime) -> list[Right]:
    moment = Moment(at, at.astimezone(LOCAL).date())
    return [one for one in standing.of(ledger).person(person).person.rights if one.in_force(moment)]


def _facts(ledger: Ledger, sought: Sought) -> Iterator[Recorded]:
    """Readings newest first, over the years that the days reach."""
    chains = sql.SQL("select chain_id, schema from {} where chain_id like '%%/access/%%' order by chain_no desc")
    for chain_id, schema in ledger.reader.rows(chains.format(sql.Identifier(ledger.tenant, "ledger_chain"))):
        before = 1 << 62
        while True:
            rows = _page(ledger, str(schema), sought, before)
            yield from (decode_row(str(chain_id), row) for row in rows)
            if len(rows) < PAGE_ROWS:
                break
            before = int(rows[-1][0])


def _page(ledger: Ledger, schema: str, sought: Sought, before: int) -> list[Any]:
    """No index but that on positions is needed: a report is rare, and a year's chain is read once from its end."""
    query = sql.SQL(
        "select e.position, e.recorded_at_us, e.originator_id, e.originator_version, e.topic, e.meta, e.body from {} e,"
        " lateral (select convert_from(e.meta, 'UTF8')::jsonb as said) m where e.topic = %s and e.position < %s"
        " and e.recorded_at_us >= %s and e.recorded_at_us < %s and (%s::text is null or said->'e'->>'actor' = %s)"
        " and (%s::text is null or said->'f'->>'record' = any(%s) or said->'f'->'within' @> to_jsonb(%s::text))"
        " order by e.position desc limit %s"
    ).format(sql.Identifier(schema, "event"))
    since, until = _span(sought)
    record = None if sought.record is None else str(sought.record)
    showing = [] if sought.record is None else [str(one) for one in _showing(ledger, sought.record)]
    values = (TOPIC, before, since, until, sought.person, sought.person, record, showing, record, PAGE_ROWS)
    return ledger.reader.rows(query, values, binary=True, within_s=WHOLE_LOG_WITHIN_S)


def _span(sought: Sought) -> tuple[int, int]:
    """From the first local midnight to the last, microseconds since 1970."""
    after = sought.until + timedelta(days=1) if sought.until is not None else date(9000, 1, 1)
    days = (sought.since or date(1971, 1, 1), after)
    first, end = (datetime.combine(day, time(), LOCAL) for day in days)
    return microseconds(first), microseconds(end)


def _showing(ledger: Ledger, record: UUID) -> list[UUID]:
    """The record, and the entry and case whose pages show it."""
    known = standing.of(ledger)
    own = known.judged(record)
    entry = known.judged(own.entry).facets if own.entry is not None else None
    of_case = (entry or own.facets).case if own.facets is not None else None
    return [one for one in (record, own.entry, of_case) if one is not None]


def _shown(reader: _Reader, recorded: Recorded) -> bool:
    fact = recorded.fact
    if fact.audit and not reader.audits and _unreported(reader.ledger, recorded.envelope.actor, recorded.envelope.rests_on or ()):
        return False
    if reader.units is None:
        return True
    known = standing.of(reader.ledger)
    subject = known.subject(fact.record, known.organisation(fresh=False), fresh=False)
    return subject is not None and not reader.units.isdisjoint(subject.units)


def _unreported(ledger: Ledger, person: str, rests_on: Sequence[str]) -> bool:
    """Whether the assignment that a reading rested on has not been reported yet."""
    known, named = standing.of(ledger).person(person), set(rests_on)
    orders = known.file.orders
    return any(
        access_log.AUDITOR in one.fact.roles and order not in orders.reported
        for order, one in orders.orders.items()
        if named & {access_log.named(ledger, place) for place in known.positions.get(order, ())}
    )


def _line(ledger: Ledger, recorded: Recorded) -> Line:
    said, fact = recorded.envelope, recorded.fact
    rests_on = tuple(said.rests_on or ())
    return Line(
        place=f"{recorded.chain_id}#{recorded.position}",
        at=datetime.fromisoformat(said.at) if said.at else datetime.fromtimestamp(recorded.recorded_at_us / 1_000_000, UTC),
        person=said.actor,
        name=name_of(ledger, said.actor),
        acting_for=said.for_,
        record=fact.record,
        kind=fact.kind,
        code=fact.code,
        what=fact.what,
        roles=_roles(ledger, said.actor, rests_on),
        rests_on=rests_on,
    )


def _roles(ledger: Ledger, person: str, rests_on: tuple[str, ...]) -> tuple[str, ...]:
    """The roles of the rights that a reading rested on."""
    named = set(rests_on)
    rights = standing.of(ledger).person(person, fresh=False).person.rights
    return tuple(dict.fromkeys(one.role for one in rights if named & {access_log.named(ledger, at) for at in one.rests_on}))


def _titled(reader: _Reader, lines: list[Line]) -> list[Line]:
    """The lines with the titles that their reader may read now; those of coded records are noted before they are shown."""
    titles: dict[UUID, str | None] = {}
    noted: list[AccessRead] = []
    rests_on: list[str] = []
    for line in lines:
        if line.record not in titles:
            given = _permit(reader, line)
            titles[line.record] = _title(reader.ledger, line.record) if given is not None else None
            fact = access_log.reading(reader.ledger, given, line.record, SEARCH_ROW) if given is not None else None
            if given is not None and fact is not None:
                noted.append(fact)
                rests_on.extend(given.rests_on)
    if noted:
        access_log.append(reader.ledger, noted, reader.actor, rests_on)
    return [replace(line, title=titles[line.record]) for line in lines]


def _permit(reader: _Reader, line: Line) -> Permit | None:
    try:
        return permitted(reader.ledger, Context(reader.actor), READ[line.kind], line.record)
    except Refused:
        return None


def _title(ledger: Ledger, record: UUID) -> str | None:
    found = view.fold(ledger.reader.stream(record))
    return None if found is None or found["title"] is None else str(found["title"])
