"""`access-report`: who was shown which coded record, when, and under which right."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

import typer

from api import access_log
from api.access_log import Report, Sought
from domain.handlers.people import acting
from domain.ledger.clock import LOCAL
from domain.model.errors import DagbokError
from tools.cli.options import ActorId, Data, Database, Json, Tenant, installation, say
from tools.cli.rights import find


def access_report(
    actor: ActorId = "",
    record: Annotated[str, typer.Option("--record", help="A case, entry or document: its id.")] = "",
    person: Annotated[str, typer.Option("--person", help="Whose readings: name, user name or id.")] = "",
    since: Annotated[str, typer.Option("--since", help="First local day.")] = "",
    until: Annotated[str, typer.Option("--until", help="Last local day.")] = "",
    titles: Annotated[bool, typer.Option("--titles", help="With the titles that you may read; that is noted too.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, max=access_log.LIMIT, help="Lines, newest first.")] = access_log.LIMIT,
    data: Data = None,
    database: Database = None,
    tenant: Tenant = None,
    as_json: Json = False,
) -> None:
    """Who was shown which coded record, when, and under which right: as far as the one who asks may know."""
    with installation(data, database, tenant) as opened:
        one = opened.open(tenant, follow=False)
        sought = Sought(_id(record), str(find(one, person)) if person else None, _day(since), _day(until), titles, limit)
        found = access_log.report(one.ledger, acting(one.ledger, actor or opened.settings.actor), sought)
    if as_json:
        say({"readings": [line.as_json() for line in found.lines], "more": found.more})
    else:
        _print(found)


def _id(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        raise DagbokError(f"not the id of a record: {text!r}", hint="It stands in the address of its page.") from None


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise DagbokError(f"not a day: {text!r}", hint="Write 2026-12-01.") from None


def _print(found: Report) -> None:
    for line in found.lines:
        at = line.at.astimezone(LOCAL).isoformat(sep=" ", timespec="seconds")
        title = f" {line.title!r}" if line.title is not None else ""
        rights = ", ".join(line.roles) or "a right that is not known here"
        print(f"{at}  {line.name}: {line.kind} {line.record}{title}, code {line.code}, {line.what}; {rights}; {line.place}")
    if not found.lines:
        print("nobody was shown coded material")
    if found.more:
        print("there are older ones: give --until")


def register(app: typer.Typer) -> None:
    """Put the command on the program."""
    app.command()(access_report)
