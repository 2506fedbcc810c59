"""`init`, `migrate`, `tenant add|list`: setting up."""

from __future__ import annotations

from typing import Annotated

import psycopg
import typer

from api.installation import Installation
from domain.handlers.gate import Actor
from domain.handlers.structure import ensure_structure
from domain.handlers.work import Context, run
from domain.ledger import tenants as ledger_tenants
from tools.cli.options import Data, Database, Json, installation, say, settings
from tools.cli.rights import open_tenant

Domain = Annotated[
    str, typer.Option("--domain", help="The municipality's domain; it names its chains, for example aure.kommune.no.")
]
Name = Annotated[str, typer.Option("--name", help="The municipality's name as people read it.")]
Organisation = Annotated[str, typer.Option("--organisation", help="Organisation number of the municipality.")]


def init(
    tenant: Annotated[str, typer.Argument(help="Short name: a-z, 0-9, _.")],
    domain: Domain,
    name: Name = "",
    organisation: Organisation = "000000000",
    data: Data = None,
    database: Database = None,
) -> None:
    """Make the data folder and its first municipality."""
    with Installation(settings(data, database)) as opened:
        make(opened, tenant, domain, name or tenant.capitalize(), organisation)
    print(f"{tenant}: chain {domain}/record/1 is open")


def make(opened: Installation, tenant: str, domain: str, name: str, organisation: str) -> None:
    """A municipality with its first fonds and series."""
    opened.create_tenant(tenant, domain)
    ledger = opened.open(tenant, follow=False).ledger
    run(ledger, Context(Actor("dagbok-init", "dagbok init")), (), lambda work: ensure_structure(work, name, organisation))


def migrate(data: Data = None, database: Database = None) -> None:
    """Bring the database to the shape that this program knows."""
    with installation(data, database) as opened:
        for tenant in opened.tenant_names():
            print(f"{tenant}: {', '.join(opened.migrate(tenant)) or 'nothing to do'}")


def add(
    tenant: Annotated[str, typer.Argument(help="Short name: a-z, 0-9, _.")],
    domain: Domain,
    name: Name = "",
    organisation: Organisation = "000000000",
    data: Data = None,
    database: Database = None,
) -> None:
    """Add a municipality to an installation."""
    with installation(data, database) as opened:
        make(opened, tenant, domain, name or tenant.capitalize(), organisation)
    print(f"{tenant}: chain {domain}/record/1 is open")


def list_tenants(data: Data = None, database: Database = None, as_json: Json = False) -> None:
    """List the municipalities and their chains."""
    with installation(data, database) as opened, psycopg.connect(opened.owner_dsn()) as connection:
        found = {
            tenant: [chain.chain_id for chain in ledger_tenants.chains(connection, tenant)] for tenant in opened.tenant_names()
        }
    if as_json:
        say(found)
    else:
        for tenant, chains in found.items():
            print(f"{tenant}: {', '.join(chains)}")


def register(app: typer.Typer) -> None:
    """Put the commands on the program."""
    app.command()(init)
    app.command()(migrate)
    group = typer.Typer(help="Municipalities of this installation.", no_args_is_help=True)
    group.command("add")(add)
    group.command("list")(list_tenants)
    group.command("open")(open_tenant)
    app.add_typer(group, name="tenant")
