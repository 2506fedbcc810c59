"""`work`, `sign`, `doctor`: what runs beside the pages, and how all of it is doing."""

from __future__ import annotations

import os
import signal
import sys
import threading

import typer

from api.upkeep import Upkeep
from domain.ledger import signer as signing
from tools.cli.options import Data, Database, Json, Tenant, installation, say
from tools.doctor import examine


def _until_ended() -> threading.Event:
    """Set when the process is told to end, or when the process that started it has gone."""
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    if not sys.stdin.isatty():

        def parent_gone() -> None:
            while os.read(0, 4096):
                pass
            ended.set()

        threading.Thread(target=parent_gone, daemon=True).start()
    return ended


def sign(data: Data = None, database: Database = None, tenant: Tenant = None) -> None:
    """Sign checkpoints each second while there is something new. Its keys and memory lie beside the data folder."""
    ended = _until_ended()
    with installation(data, database, tenant) as opened:
        names = [tenant] if tenant else opened.tenant_names()
        folder = opened.settings.signer_folder
        threads = [
            threading.Thread(target=signing.run, args=(opened.role_dsn(name, "signer"), name, folder, ended)) for name in names
        ]
        for thread in threads:
            thread.start()
        ended.wait()
        for thread in threads:
            thread.join()


def work(data: Data = None, database: Database = None, tenant: Tenant = None) -> None:
    """Follow the log into the projections, mirror it and hold restore drills, without serving."""
    ended = _until_ended()
    with installation(data, database, tenant) as opened:
        names = [tenant] if tenant else opened.tenant_names()
        for name in names:
            opened.open(name)
        with Upkeep(opened, names):
            ended.wait()


def doctor(data: Data = None, database: Database = None, tenant: Tenant = None, as_json: Json = False) -> None:
    """Versions, settings that matter, chain head, last checkpoint, lag, disk. Exit 1 if something is unsafe."""
    with installation(data, database, tenant) as opened:
        found = examine(opened, tenant)
    if as_json:
        say(found)
    else:
        for name, value in found.items():
            print(f"{name:>20}  {', '.join(map(str, value)) if isinstance(value, list) else value}")
    if found["unsafe"]:
        raise typer.Exit(1)


def register(app: typer.Typer) -> None:
    """Put the commands on the program."""
    for command in (work, sign, doctor):
        app.command()(command)
