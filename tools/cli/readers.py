"""`readers`, `readable`: who could read a record on any day and why, and what one person could read."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Annotated, Any
from uuid import UUID

import typer

from api.installation import Tenant as OpenTenant
from domain.handlers.people import name_of
from domain.ledger.clock import LOCAL
from domain.model.access import Allowed, Answer
from projections.as_of import AsOf
from tools.cli import journal, rights
from tools.cli.options import Data, Database, Json, Tenant, installation, say

On = Annotated[str, typer.Option("--on", help="An instant, or a local day (its end); default: now.")]
KnownAt = Annotated[str, typer.Option("--known", help="As the system knew it at this instant; default: as it knows now.")]


def readers(
    reference: Annotated[str, typer.Argument(help="systemID, case number 2026/412 or entry number 2026/412-3.")],
    on: On = "",
    known: KnownAt = "",
    data: Data = None,
    database: Database = None,
    tenant: Tenant = None,
    as_json: Json = False,
) -> None:
    """Who could read a record, and why; who could not, and why not."""
    with installation(data, database, tenant) as opened:
        one = opened.open(tenant, follow=False)
        found = as_of(one, on, known)
        record = journal.find(one, reference)
        shown = [
            {**_told(told.answer), "person": told.person, "name": name_of(one.ledger, told.person)}
            for told in found.readers(record)
        ]
    _show(shown, as_json, "name")


def readable(
    person: Annotated[str, typer.Argument(help="Name, user name or id.")],
    references: Annotated[list[str], typer.Argument(help="systemIDs, case or entry numbers.")],
    on: On = "",
    known: KnownAt = "",
    data: Data = None,
    database: Database = None,
    tenant: Tenant = None,
    as_json: Json = False,
) -> None:
    """Which of these records somebody could read, and why or why not."""
    with installation(data, database, tenant) as opened:
        one = opened.open(tenant, follow=False)
        found = as_of(one, on, known)
        records: dict[UUID, str] = {journal.find(one, reference): reference for reference in references}
        answers = found.readable(str(rights.find(one, person)), records)
        shown = [{**_told(answer), "record": str(record), "reference": records[record]} for record, answer in answers]
    _show(shown, as_json, "reference")


def as_of(one: OpenTenant, on: str, known: str) -> AsOf:
    """The municipality at an instant, as known at another one. A day stands for its last microsecond."""
    now = one.ledger.clock.now()
    return AsOf(one.ledger, _end(rights.moment_of(on)) if on else now, _end(rights.moment_of(known)) if known else now)


def _end(moment: date | datetime) -> datetime:
    if isinstance(moment, datetime):
        return moment
    return datetime.combine(moment + timedelta(days=1), time(), LOCAL) - timedelta(microseconds=1)


def _told(answer: Answer) -> dict[str, Any]:
    allowed = isinstance(answer, Allowed)
    return {
        "may": allowed and not answer.ids_only if isinstance(answer, Allowed) else False,
        "ids_only": answer.ids_only if isinstance(answer, Allowed) else False,
        "reason": answer.reason,
        "rests_on": list(answer.rests_on),
    }


def _show(shown: list[dict[str, Any]], as_json: bool, key: str) -> None:
    if as_json:
        say(shown)
        return
    for one in shown:
        answer = "yes" if one["may"] else "numbers only" if one["ids_only"] else "no"
        print(f"{one[key]}: {answer}, {one['reason']}" + (f", positions {', '.join(one['rests_on'])}" if one["rests_on"] else ""))


def register(app: typer.Typer) -> None:
    """Put the commands on the program."""
    for command in (readers, readable):
        app.command()(command)
