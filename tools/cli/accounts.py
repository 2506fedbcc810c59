"""`account`: local accounts and the sessions of people."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import typer

from api.installation import Installation
from api.installation import Tenant as OpenTenant
from api.login import invitations
from api.login.logins import Logins
from domain.handlers.people import acting
from tools.cli.options import ActorId, Data, Database, Tenant, installation
from tools.cli.rights import find

User = Annotated[str, typer.Argument(help="Name, user name or id.")]


def invite(user: User, data: Data = None, database: Database = None, tenant: Tenant = None, actor: ActorId = "") -> None:
    """Make the one-time link by which somebody sets up a local account, or gets a new one where the old is lost.

    The user administrator makes it (--actor), and gives it to nobody but that person. The two people named when rights were taken
    into use get their first link without: nobody has a right to make one yet.
    """
    with installation(data, database, tenant) as opened:
        one, logins = _logins(opened, tenant)
        person = UUID(str(find(one, user)))
        token = invitations.invite(one.ledger, logins, acting(one.ledger, actor), person)
        base = opened.settings.public_url.rstrip("/") or f"http://{opened.settings.host}:{opened.settings.port}"
        prefix = f"/t/{one.name}" if len(opened.tenant_names()) > 1 else ""
        logins.close()
    print("Good for 24 hours, once:")
    print(f"{base}{prefix}/login/set-up?link={token}")


def end_sessions(user: User, data: Data = None, database: Database = None, tenant: Tenant = None, actor: ActorId = "") -> None:
    """Log somebody out everywhere: a lost phone, a browser left open."""
    with installation(data, database, tenant) as opened:
        one, logins = _logins(opened, tenant)
        count = invitations.end_sessions(one.ledger, logins, acting(one.ledger, actor), UUID(str(find(one, user))))
        logins.close()
    print(f"{count} session{'' if count == 1 else 's'} ended")


def _logins(opened: Installation, tenant: str | None) -> tuple[OpenTenant, Logins]:
    one = opened.open(tenant, follow=False)
    return one, Logins(opened, one, None)


def register(app: typer.Typer) -> None:
    """Put the commands on the program."""
    group = typer.Typer(help="Local accounts and sessions.", no_args_is_help=True)
    group.command("invite")(invite)
    group.command("end-sessions")(end_sessions)
    app.add_typer(group, name="account")
