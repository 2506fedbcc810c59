"""`idm token` and `service token`: what other systems show when they send messages."""

from __future__ import annotations

from typing import Annotated

import typer

from api import tokens
from domain.handlers import standing
from domain.model.user import SERVICE
from tools.cli.options import Data, Database, Tenant, installation

Withdraw = Annotated[bool, typer.Option("--withdraw", help="End the present token and give no other.")]


def idm_token(withdraw: Withdraw = False, data: Data = None, database: Database = None, tenant: Tenant = None) -> None:
    """Make the bearer token of the identity system, shown this once; the one before it ends. It gives no right by itself."""
    _token(tokens.IDM, withdraw, data, database, tenant)


def service_token(
    name: Annotated[str, typer.Argument(help="The service: `fiks` for the user name `service:fiks`.")],
    withdraw: Withdraw = False,
    data: Data = None,
    database: Database = None,
    tenant: Tenant = None,
) -> None:
    """Make the bearer token by which a machine acts over REST, shown this once; the one before it ends. It gives no right by
    itself: a manager orders the role `service` for the user name."""
    _token(name, withdraw, data, database, tenant)


def _token(name: str, withdraw: bool, data: Data, database: Database, tenant: Tenant) -> None:
    with installation(data, database, tenant) as opened:
        one = opened.open(tenant, follow=False)
        if withdraw:
            done = tokens.withdraw(opened.settings.secrets, one.name, name)
            print("the token is withdrawn" if done else "there was no token")
            return
        print(tokens.issue(opened.settings.secrets, one.name, name))
        known = standing.of(one.ledger)
        person = known.called(f"service:{name}")
        user = known.person(person).file.user if person is not None else None
        if user is None or user.kind != SERVICE:
            typer.echo(
                f"nobody is service:{name} yet: a manager orders the role `service` for that user name, of kind service", err=True
            )


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="The identity system that says who works here (SCIM).", no_args_is_help=True)
    group.command("token")(idm_token)
    app.add_typer(group, name="idm")
    services = typer.Typer(help="Other systems that act over REST.", no_args_is_help=True)
    services.command("token")(service_token)
    app.add_typer(services, name="service")
