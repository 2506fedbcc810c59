"""`witness init|serve|ask`: somebody else who has seen that the log only grew."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import httpx
import psycopg
import typer

from api.witness import create_witness_app
from domain.ledger import witness
from domain.ledger.cosigning import cosign_latest
from domain.ledger.faults import LedgerError
from domain.ledger.tenants import chains
from domain.model.errors import DagbokError
from tools.cli.options import Data, Database, Tenant, installation
from tools.cli.running import Host, Port, listen

ASK_TIMEOUT_S = 20.0
Folder = Annotated[Path, typer.Argument(help="The witness's own folder: its key, the logs it knows, their last trees.")]


def init(
    folder: Folder,
    name: Annotated[str, typer.Option("--name", help="The witness's name, for example witness.example.no.")],
    log: Annotated[
        list[str], typer.Option("--log", help="Verifier key of a log, as in the file `vkey` of an export; may be repeated.")
    ],
) -> None:
    """Make a witness, or give it other logs; prints its verifier key."""
    print(witness.prepare(folder, name, log))


def serve(folder: Folder, host: Host = "127.0.0.1", port: Port = 8770) -> None:
    """Serve the witness: it cosigns a log's checkpoint only if that extends the last one it saw."""
    listen(create_witness_app(folder), host, port)


def ask(
    url: Annotated[str, typer.Argument(help="Where the witness is, for example http://127.0.0.1:8770.")],
    vkey: Annotated[str, typer.Option("--vkey", help="The witness's verifier key.")],
    data: Data = None,
    database: Database = None,
    tenant: Tenant = None,
) -> None:
    """Have the latest checkpoint cosigned, and keep it."""
    with installation(data, database, tenant) as opened:
        name = tenant or opened.open(follow=False).name
        with psycopg.connect(opened.role_dsn(name, "signer"), autocommit=True) as connection:
            last = chains(connection, name)[-1]
            try:
                with httpx.Client(timeout=ASK_TIMEOUT_S) as client:
                    line = cosign_latest(connection, last.schema, client, url, vkey)
            except httpx.HTTPError as problem:
                raise LedgerError(f"the witness at {url} cannot be reached", hint=str(problem)) from problem
            except ValueError as problem:
                raise DagbokError(f"the witness cannot be asked: {problem}") from problem
    print(line.rstrip() if line else "nothing new to cosign")


def register(app: typer.Typer) -> None:
    """Put the commands on the program."""
    group = typer.Typer(help="Witnesses: run one, ask one.", no_args_is_help=True)
    for command in (init, serve, ask):
        group.command()(command)
    app.add_typer(group, name="witness")
