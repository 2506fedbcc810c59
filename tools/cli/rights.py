"""`rights`, `matrix`, `tenant open`: who may do what, and how that came about."""

from __future__ import annotations

import re
from dataclasses import asdict
from datetime import date, datetime
from functools import partial
from typing import Annotated, Any
from uuid import UUID

import typer

from api.installation import Tenant as OpenTenant
from domain.handlers import organisation, standing
from domain.handlers.gate import Actor
from domain.handlers.organisation import OpenInstallation
from domain.handlers.people import Newcomer, name_of
from domain.handlers.work import Context, run
from domain.ledger.clock import LOCAL
from domain.ledger.reader import Recorded
from domain.model import cedar
from domain.model.errors import DagbokError
from domain.model.matrix import Matrix, written
from domain.model.rights_change import Orders
from domain.model.user import EMPLOYEE
from projections import access_rights
from projections.audit import judge
from tools.cli.options import Data, Database, Json, Tenant, installation, say

_NAMED = re.compile(r"(?P<name>[^<>]+?)\s*<(?P<user>[^<>\s]+)>")
Named = Annotated[str, typer.Option(help="As `Anne Berg <anne.berg>`: name, and user name in angle brackets.")]


def open_tenant(
    leader: Named,
    deputy: Named,
    data: Data = None,
    database: Database = None,
    tenant: Tenant = None,
) -> None:
    """Take rights into use: name the head of records and a deputy. From here on nobody has a right without an order."""
    wanted = OpenInstallation(_newcomer(leader), _newcomer(deputy))
    with installation(data, database, tenant) as opened:
        one = opened.open(tenant, follow=False)
        context = Context(Actor("dagbok-open", "dagbok tenant open"))
        run(one.ledger, context, (), lambda work: organisation.open_installation(work, wanted))
    print(f"{one.name}: rights are in use; {wanted.leader.name} and {wanted.deputy.name} are named")


def rights(
    person: Annotated[str, typer.Argument(help="Name, user name or id.")],
    on: Annotated[str, typer.Option("--on", help="A local day (every right in force at any moment of it) or an instant.")] = "",
    known: Annotated[str, typer.Option("--known", help="As the system knew it at this instant; default: as it knows now.")] = "",
    data: Data = None,
    database: Database = None,
    tenant: Tenant = None,
    as_json: Json = False,
) -> None:
    """Which rights somebody had, on whose order, and what ended them."""
    with installation(data, database, tenant) as opened:
        one = opened.open(tenant, follow=False)
        moment = moment_of(on) if on else one.ledger.clock.now().astimezone(LOCAL).date()
        found = _rights(one, person, moment, known)
    if as_json:
        say(found)
    else:
        _print(found)


def matrix(
    on: Annotated[str, typer.Option("--on", help="The tables of this local day; default: as delivered.")] = "",
    as_cedar: Annotated[bool, typer.Option("--cedar", help="As Cedar policies, for others to evaluate.")] = False,
    data: Data = None,
    database: Database = None,
    tenant: Tenant = None,
) -> None:
    """The rights tables: a line a cell, or Cedar policies."""
    with installation(data, database, tenant) as opened:
        known = standing.of(opened.open(tenant, follow=False).ledger)
        day = moment_of(on) if on else known.today()
        tables = known.matrix(known.organisation(), day.astimezone(LOCAL).date() if isinstance(day, datetime) else day)
    print(cedar.policies(tables) if as_cedar else _lines(tables), end="")


def audit(data: Data = None, database: Database = None, tenant: Tenant = None, as_json: Json = False) -> None:
    """Judge every past act by the rules and rights of its own time; exit 1 where one should have been impossible."""
    with installation(data, database, tenant) as opened:
        ledger = opened.open(tenant, follow=False).ledger
        known = standing.of(ledger)
        found = list(judge(ledger.reader.whole_log(), known.place, partial(standing.user_name_digest, ledger)))
    if as_json:
        say({"ok": not found, "findings": [asdict(one) for one in found]})
    else:
        for one in found:
            print(f"{one.chain_id} {one.position} {one.fact} by {one.actor}: {one.what}")
        print(f"{len(found)} acts should have been impossible" if found else "every act was allowed when it was done")
    if found:
        raise typer.Exit(1)


def moment_of(text: str) -> date | datetime:
    """A local day, or an instant with its zone. DagbokError on anything else."""
    try:
        if len(text) == 10:
            return date.fromisoformat(text)
        found = datetime.fromisoformat(text)
    except ValueError:
        raise DagbokError(f"not a date or time: {text!r}", hint="Write 2026-12-01 or 2026-12-01T09:00+01:00.") from None
    return found if found.tzinfo else found.replace(tzinfo=LOCAL)


def _rights(one: OpenTenant, person: str, moment: date | datetime, known_at: str) -> dict[str, Any]:
    known = standing.of(one.ledger)
    stream = find(one, person)
    instant = access_rights.span(moment_of(known_at))[0] if known_at else None
    orders_of = partial(_orders_of, one, instant)
    records = _records(one, stream, instant)
    units = known.organisation().state.units
    state = access_rights.fold(stream, records, known.place)
    found = access_rights.told(state, moment, lambda unit: units[unit].name if unit is not None else "", orders_of)
    for each in (*found["rights"], *found["waiting"], *found["ended"]):
        if each.get("without_manager"):
            gone = each["without_manager"]
            each["without_manager"] = {**gone, "name": name_of(one.ledger, gone["manager"])}
        for step in ("order", "decided", "executed", "ended_by"):
            if each.get(step):
                each[step] = {**each[step], "name": name_of(one.ledger, each[step]["by"])}
    return found


def _records(one: OpenTenant, stream: UUID, instant: datetime | None) -> list[Recorded]:
    """A person's facts, those known by an instant where one is given."""
    records = one.ledger.reader.stream(stream)
    return access_rights.known_by(records, instant) if instant is not None else records


def _orders_of(one: OpenTenant, instant: datetime | None, manager: str) -> Orders:
    stream, place = standing.uuid_of(manager), standing.of(one.ledger).place
    if stream is None:
        return Orders(manager)
    return access_rights.fold(stream, _records(one, stream, instant), place).file.orders


def find(one: OpenTenant, person: str) -> UUID:
    """A person by id, user name or full name. DagbokError where none or several are meant."""
    known = standing.of(one.ledger)
    by_user_name = known.called(person)
    if by_user_name is not None:
        return UUID(by_user_name)
    try:
        return UUID(person)
    except ValueError:
        found = known.named(person)
    if len(found) == 1:
        return found[0]
    raise DagbokError(
        f"{'nobody' if not found else 'more than one person'} is called {person!r}", hint="Give the user name or the id."
    )


def _newcomer(text: str) -> Newcomer:
    found = _NAMED.fullmatch(text.strip())
    if found is None:
        raise DagbokError(f"not a name with its user name: {text!r}", hint='Write "Anne Berg <anne.berg>".')
    return Newcomer(EMPLOYEE, found["name"], found["user"])


def _print(found: dict[str, Any]) -> None:
    person = found["person"]
    print(f"{person['name']} ({person['id']}), {found['on']}")
    for each in found["rights"]:
        print(f"  {_line(each)}")
    if not found["rights"]:
        print("  no rights")
    for each in found["waiting"]:
        print(f"  waits for a manager: {_line(each)}")
    for each in found["ended"]:
        ended = each["ended_by"]
        print(f"  ended: {_line(each)}; by {ended['name']}, position {ended['position']}")


def _line(each: dict[str, Any]) -> str:
    codes = f", codes {' '.join(each['codes'])}" if each["codes"] else ""
    days = f"{each['from']} to {each['to'] or 'further notice'}"
    decided = each["decided"]
    by = f"ordered by {each['order']['name']} at position {each['order']['position']}"
    said = f"{each['role']} in {each['unit'] or 'the municipality'}{codes}, {days}: {by}"
    if decided:
        said += f", decided by {decided['name']} at position {decided['position']}"
    gone = each.get("without_manager")
    if gone:
        said += f"; without responsible manager since {gone['since']} ({gone['name']})" + (", OVERDUE" if gone["overdue"] else "")
    return said


def _lines(tables: Matrix) -> str:
    cells = sorted(tables.cells.items())
    return "".join("\t".join((*place, written(cell), cell.condition, cell.source)) + "\n" for place, cell in cells)


def register(app: typer.Typer) -> None:
    """Put the commands on the program."""
    for command in (rights, matrix, audit):
        app.command()(command)
