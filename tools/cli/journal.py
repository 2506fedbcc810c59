"""`import arkivmelding`, `history`, `rebuild`: the records themselves."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from api.fiks_arkiv.batch import import_paths
from api.installation import FOLLOWED, Installation
from api.installation import Tenant as OpenTenant
from api.web.texts import Catalogues
from domain.handlers.people import acting, name_of
from domain.ledger.faults import LedgerError
from domain.ledger.follow import rebuild as rebuild_projection
from domain.model.errors import DagbokError
from projections.history import history as history_of
from tools.cli.options import ActorId, Data, Database, Json, Tenant, installation, say


def import_arkivmelding(
    paths: Annotated[list[Path], typer.Argument(help="KS Fiks Arkiv messages: files, or folders of cases.")],
    answers: Annotated[Path | None, typer.Option("--answers", help="Write the answers here, one folder a case.")] = None,
    data: Data = None,
    database: Database = None,
    tenant: Tenant = None,
    actor: ActorId = "service:import",
) -> None:
    """Import KS Fiks Arkiv messages; one line a message. Exit 1 if any was refused."""
    with installation(data, database, tenant) as opened:
        into = opened.open(tenant)
        refused = import_paths(into, acting(into.ledger, actor), paths, answers)
    if refused:
        raise typer.Exit(1)


def find(tenant: OpenTenant, reference: str) -> UUID:
    """A uuid, `2026/412` (case) or `2026/412-3` (entry) -> systemID."""
    try:
        return UUID(reference)
    except ValueError:
        kind = "entry-number" if "-" in reference else "case-number"
        found = tenant.ledger.reader.claim(kind, reference)
        if found is None:
            raise DagbokError(
                f"nothing is registered as {reference!r}", hint="Give a systemID, 2026/412 or 2026/412-3."
            ) from None
        return found


def history(
    reference: Annotated[str, typer.Argument(help="systemID, case number 2026/412 or entry number 2026/412-3.")],
    data: Data = None,
    database: Database = None,
    tenant: Tenant = None,
    as_json: Json = False,
) -> None:
    """Who did what to a unit, when, and on which bytes."""
    with installation(data, database, tenant) as opened:
        one = opened.open(tenant, follow=False)
        found = history_of(one.ledger.reader, find(one, reference), Catalogues().texts("en"), partial(name_of, one.ledger))
    if as_json:
        say(found)
    else:
        for event in found["events"]:
            print(f"{event['position']:>9}  {event['at']}  {event['actor']['id']:<16}  {event['summary']}")


def rebuild(
    compare: Annotated[
        bool, typer.Option("--compare", help="Rebuild beside the live projection and compare; change nothing.")
    ] = False,
    data: Data = None,
    database: Database = None,
    tenant: Tenant = None,
    as_json: Json = False,
) -> None:
    """Rebuild every projection from the log. Exit 1 where the rebuilt one differs from the live one."""
    with installation(data, database, tenant) as opened:
        name = tenant or opened.open(follow=False).name
        found = [_rebuild(opened, name, projection, compare) for projection in FOLLOWED]
    if as_json:
        say({"projections": found})
    else:
        for one in found:
            verdict = "same" if one["same"] else "DIFFERENT"
            print(f"{one['name']}: {verdict} at {one['position']}, live {one['live']}, rebuilt {one['rebuilt']}")
    if compare and not all(one["same"] for one in found):
        raise typer.Exit(1)


def _rebuild(opened: Installation, tenant: str, projection: object, compare: bool) -> dict[str, object]:
    live = opened.follower(tenant, projection)
    try:
        if not live.lease():
            raise LedgerError("the projection is being followed by a running program", hint="Stop `dagbok serve` and try again.")
        live.prepare()
        while live.step():
            pass
        before, after = rebuild_projection(opened.role_dsn(tenant, "work"), tenant, live.projection, live, swap=not compare)
        position = max(live.positions().values(), default=0) if compare else 0
        return {"name": live.projection.NAME, "same": before == after, "live": before, "rebuilt": after, "position": position}
    finally:
        live.close()


def register(app: typer.Typer) -> None:
    """Put the commands on the program."""
    group = typer.Typer(help="Bring records in.", no_args_is_help=True)
    group.command("arkivmelding")(import_arkivmelding)
    group.callback()(lambda: None)
    app.add_typer(group, name="import")
    app.command()(history)
    app.command()(rebuild)
