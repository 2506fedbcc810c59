"""`idm token`: what the identity system shows when it sends messages (SCIM)."""

from __future__ import annotations

from typing import Annotated

import typer

from api.scim import token as bearer
from domain.handlers import standing
from domain.handlers.idm import SERVICE_NAME
from tools.cli.options import Data, Database, Tenant, installation


def token(
    withdraw: Annotated[bool, typer.Option("--withdraw", help="End the present token and give no other.")] = False,
    data: Data = None,
    database: Database = None,
    tenant: Tenant = None,
) -> None:
    """Make the bearer token of the identity system, shown this once; the one before it ends. It gives no right by itself."""
    with installation(data, database, tenant) as opened:
        one = opened.open(tenant, follow=False)
        secrets = opened.settings.data / "secrets"
        if withdraw:
            print("the token is withdrawn" if bearer.withdraw(secrets, one.name) else "there was no token")
            return
        print(bearer.issue(secrets, one.name))
        if standing.of(one.ledger).called(SERVICE_NAME) is None:
            typer.echo(f"nobody is {SERVICE_NAME} yet: a manager orders the role `service` for that user name", err=True)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="The identity system that says who works here (SCIM).", no_args_is_help=True)
    group.command("token")(token)
    app.add_typer(group, name="idm")
