"""Rights: a decision in the gate against a look-up by primary key, and lists behind the wall against the same without it, and
against lists of every row for everybody, which hold no promise.

The journal is filled by SQL, with the classes that a municipality of thirty units and four hundred people leaves: reading is
measured. The plans are printed, so that a change of plan is seen beside a change of figure.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from api.installation import Tenant
from domain.handlers import case_files, gate, standing
from domain.handlers.gate import Actor, Asked
from domain.handlers.metadata import Metadata
from domain.ledger.identity import new_id
from domain.model.case_file import CreateCaseFile
from domain.model.record import Named
from projections.journal.classes import Class
from projections.journal.read import ASKED, WORDS, Journal, Search
from projections.journal.seen import EVERYTHING, Seen
from projections.view import ENTRY
from tools.bench.measure import Result, compare
from tools.bench.place import Place
from tools.demo.staff import UNITS, House

GOAL_US, FLOOR_DECISION, FLOOR_LIST = 20.0, 10.0, 0.5
DECISIONS, TIMES = 2_000, 5
READERS = ("siv.moe", "ida.vik")  # one who sees every row, and one who sees those of a unit, what is public, and some coded
PEOPLE, CODED_SHARE = 400, 20
_WORDS: LiteralString = "'Søknad om tiltak nummer ' || n || case when n %% 100 < 5 then ' naust' else '' end"


def measure(place: Place, events: int) -> Sequence[Result]:
    """The gate's decision; then search, list, count and facet over `events` entries, one in twenty of them coded."""
    tenant = place.tenant(follow=True)
    house = House(tenant.ledger)
    house.open()
    house.staff()
    results = [_decision(tenant, house, place)]
    tenant.wait(tenant.ledger.reader.head().position, 60)
    for runner in tenant.runners:
        runner.stop()
    tenant.runners.clear()
    _fill(place, tenant, house, events)
    without = _open(place, tenant)
    for user_name in READERS:
        results += _lists(place.dsn(tenant, "web"), tenant, without, house.actor(user_name), user_name)
    return results


def _decision(tenant: Tenant, house: House, place: Place) -> Result:
    """On what the gate remembers, as a command is decided; a read asks the log first whether that still holds. Of somebody whose
    rights did not begin this moment: for some seconds each decision looks whether the manager is there."""
    time.sleep(standing.SETTLES.total_seconds() + 1)
    made = case_files.CreateCase(
        new_id(), Metadata(title="Sak"), CreateCaseFile(date.min, "B", administrative_unit=Named("Teknisk"))
    )
    case = house.act("siv.moe", lambda work: case_files.create(work, made))
    actor = house.actor("per.nes")
    at = tenant.ledger.clock.now()
    subject = standing.of(tenant.ledger).subject(case, standing.of(tenant.ledger).organisation())
    asked = Asked("case-file.read", at, subject=subject, fresh=False)

    def decisions() -> float:
        started = time.perf_counter()
        for _ in range(DECISIONS):
            gate.decide(tenant.ledger, actor, asked)
        return DECISIONS / (time.perf_counter() - started)

    def lookups() -> float:
        query = sql.SQL("select originator_id from {} where position = %s").format(sql.Identifier(tenant.name, "event"))
        with psycopg.connect(place.dsn(tenant, "reader"), autocommit=True) as connection:
            started = time.perf_counter()
            for _ in range(DECISIONS):
                connection.execute(query, (3,), prepare=True).fetchone()
            return DECISIONS / (time.perf_counter() - started)

    name = f"decision in the gate (goal {GOAL_US:.0f} microseconds), against a look-up by primary key"
    return compare(name, decisions, lookups, "a second", FLOOR_DECISION)


def _classes(house: House) -> list[Class]:
    """What the rows of a municipality say to rights: some thousands of classes."""
    staff = [str(person) for person in house.people.values()]
    authors = [staff[0], staff[1], staff[2]]
    found = []
    for number in range(PEOPLE):
        owner = staff[number] if number < len(staff) else f"person.{number}"
        unit = UNITS[number % len(UNITS)] if number % 6 == 0 else f"Enhet {number % 25}"
        for status in ("J", "A", "E", "R"):
            for kind in ("I", "U"):
                # one in CODED_SHARE is coded by `_fill`, of the same facets
                author = (authors[number % 3],)
                facets = (kind, status, ((None, unit),), owner, (owner,), author, author, number % 3 != 0)
                found += [Class("entry", *facets, code) for code in (None, ("13", "P")[number % 2])]
    return found


def _fill(place: Place, tenant: Tenant, house: House, entries: int) -> None:
    """Rows of the journal as the follower writes them; every tenth has the word that is searched for."""
    classes = _classes(house)
    plain, coded = [one for one in classes if one.code is None], [one for one in classes if one.code is not None]
    schema = tenant.journal.schema
    with psycopg.connect(place.dsn(tenant, "work"), autocommit=True) as connection:
        names = {name: sql.Identifier(schema, name) for name in ("class", "entry", "entry_coded")}
        with connection.cursor() as cursor, cursor.copy(sql.SQL("copy {class} (id, facets) from stdin").format(**names)) as copy:
            for one in classes:
                copy.write_row((one.id, one.text))
        connection.execute("create temporary table facets(number integer, class uuid, code text, status text, type text)")
        with connection.cursor() as cursor, cursor.copy("copy facets from stdin") as copy:
            for of in (plain, coded):
                for number, one in enumerate(of):
                    copy.write_row((number, one.id, one.code, one.status, one.type))
        ways: tuple[tuple[str, bool, LiteralString], ...] = (
            ("entry", True, "<>"),
            ("entry", False, "="),
            ("entry_coded", True, "="),
        )
        for table, whole, where in ways:
            values = sql.SQL(
                "select md5(n::text)::uuid, null, '2026/' || n / 5 || '-' || n %% 5, 2026 - n / 100000, n,"
                " date '2026-01-01' + n %% 365, n %% 5, f.type, f.status, {title}, {parties}, date '2026-01-01', n %% 3 = 0,"
                " null, false, '2026', {words}, f.class, f.code, {view} from generate_series(1, %(n)s) n"
                " join facets f on f.number = n::bigint * 7919 %% %(classes)s and (f.code is null) = (n %% %(s)s <> 0)"
                " where n %% %(s)s {where} 0"
            ).format(
                where=sql.SQL(where),
                title=sql.SQL("'Søknad om tiltak nummer ' || n" if whole else "null"),
                parties=sql.SQL("'Ola Nordmann'" if whole else "''"),
                words=sql.SQL(_WORDS) if whole else sql.SQL("''"),
                view=sql.SQL("jsonb_build_object('title', repeat(md5(n::text), 12))" if whole else "null"),
            )
            insert = sql.SQL("insert into {} ").format(names[table]) + values
            connection.execute(insert, {"n": entries, "classes": len(plain), "s": CODED_SHARE})
        for table in ("class", "entry", "entry_coded"):
            connection.execute(sql.SQL("vacuum analyze {}").format(names[table]))


def _open(place: Place, tenant: Tenant) -> Journal:
    """The same rows, coded ones whole among the others, in the same tables without policies."""
    name = f"{tenant.name}_open"
    made = sql.SQL(
        "create schema {open}; create table {open}.entry (like {schema}.entry including all);"
        " create table {open}.case_file (like {schema}.case_file including all);"
        " insert into {open}.entry select * from {schema}.entry where code is null union all select * from {schema}.entry_coded;"
        " create function {open}.coded_entries(text) returns setof uuid language sql stable as 'select null::uuid where false';"
        " update {open}.entry set code = null where code is not null;"
        " grant usage on schema {open} to {web}; grant select on all tables in schema {open} to {web}"
    ).format(
        open=sql.Identifier(f"{name}_p_journal"),
        schema=sql.Identifier(tenant.journal.schema),
        web=sql.Identifier(f"{tenant.name}_web"),
    )
    with psycopg.connect(place.dsn(tenant, "work"), autocommit=True) as connection:
        connection.execute(made)
        connection.execute(sql.SQL("vacuum full {}").format(sql.Identifier(f"{name}_p_journal", "entry")))
        connection.execute(
            sql.SQL("vacuum analyze {}").format(sql.Identifier(f"{name}_p_journal", "entry"))
        )  # and what is all visible
    return Journal(name)


def _lists(dsn: str, tenant: Tenant, without: Journal, actor: Actor, user_name: str) -> list[Result]:
    asked: list[tuple[str, Callable[[Journal, Any, Seen], Any]]] = [
        ("search", lambda journal, connection, seen: journal.entries(connection, Search("naust", limit=50), seen)),
        ("list", lambda journal, connection, seen: journal.entries(connection, Search(limit=50), seen)),
        ("count", lambda journal, connection, seen: journal.entries(connection, Search(statuses=("J", "E"), limit=1), seen)),
        ("facet", lambda journal, connection, seen: journal.queues(connection, seen)),
    ]
    found = []
    with psycopg.connect(dsn, autocommit=True) as connection:
        for name, ask in asked:

            def of(journal: Journal, seen: Callable[[], Seen], ask: Callable[..., Any] = ask) -> Callable[[], float]:
                return _figure(lambda: ask(journal, connection, seen()))

            behind = of(tenant.journal, lambda: tenant.sight.of(connection, actor))
            alike = of(without, lambda: replace(tenant.sight.of(connection, actor), wall=None))
            free = of(without, lambda: EVERYTHING)
            title = f"{name} as {user_name}"
            found.append(compare(f"{title}, against the same without row-level security", behind, alike, "a second", FLOOR_LIST))
            found.append(compare(f"{title}, against every row for everybody", behind, free, "a second"))
        _explain(connection, tenant.journal, tenant.sight.of(connection, actor), user_name)
    return found


def _figure(ask: Callable[[], Any]) -> Callable[[], float]:
    def rate() -> float:
        ask()
        started = time.perf_counter()
        for _ in range(TIMES):
            ask()
        return TIMES / (time.perf_counter() - started)

    return rate


_PLANS = {
    "search": "select count(*) from {entry} where id in (select id from {entry} where {words} and {whole}"
    " union all select {coded_entries}(%(words)s)) and {filter}",
    "list": "select id, title from {entry} where {filter}"
    " order by journal_year desc nulls last, journal_sequence desc nulls last, id limit 51",
    "count": "select (select count(*) from {entry} where status in ('J', 'E') and {way})"
    " + (select count(*) from {entry} where status in ('J', 'E') and {other way})",
    "coded rows": "select id, title from {entry_coded} where id = any(array(select id from {entry} where code > '' limit 50))",
}


def _explain(connection: Any, journal: Journal, seen: Seen, user_name: str) -> None:
    """The plans, on standard error."""
    names = {name: sql.Identifier(journal.schema, name) for name in ("entry", "entry_coded", "coded_entries")}
    with seen.passing(connection):
        for what, text in _PLANS.items():
            way, other = seen.ways()
            filled = (
                text.replace("{way}", way)
                .replace("{other way}", other)
                .replace("{filter}", seen.filter())
                .replace("{whole}", seen.whole(ENTRY))
            )
            filled = filled.replace("{words}", f"{WORDS} @@ {ASKED}")
            query = sql.SQL("explain (analyze, costs off, timing off, summary on) " + filled).format(**names)  # pyright: ignore[reportArgumentType]
            rows = connection.execute(query, {"words": "naust", **seen.values(ENTRY)}, prepare=False).fetchall()
            print(f"\nplan of {what} as {user_name}", *(_short(row[0]) for row in rows), sep="\n", file=sys.stderr)


def _short(line: str) -> str:
    return re.sub(r"'\{[^}]{60,}\}'", "'{…}'", line)
