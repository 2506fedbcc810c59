"""`serve`, `demo`: what people open in a browser."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import psycopg
import typer
import uvicorn
from starlette.types import ASGIApp

from api.app import create_app
from api.installation import Installation
from api.requests import Demo
from api.settings import Settings
from api.upkeep import Upkeep
from domain.handlers import standing
from domain.ledger import monotone, tenants
from domain.ledger import signer as signing
from domain.ledger.faults import LedgerError
from domain.model.errors import DagbokError
from tools import demo as demo_year
from tools.cli.options import ActorId, Data, Database, Tenant, installation

Host = Annotated[str, typer.Option("--host", help="Address to listen on.")]
Port = Annotated[int, typer.Option("--port", help="Port; where it is taken, the next free one.")]
BACKLOG = 2_048
SWEEP_EVERY_S = 24 * 3600.0
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def serve(
    data: Data = None,
    database: Database = None,
    tenant: Tenant = None,
    host: Host = "127.0.0.1",
    port: Port = 8765,
    actor: ActorId = "",
) -> None:
    """Serve pages and REST, follow the log, mirror it, and sign checkpoints in a process beside it."""
    with installation(data, database, tenant, actor=actor or None, host=host) as opened:
        names = opened.tenant_names()
        _look_first(opened, names)
        with _signer(opened.settings), Upkeep(opened, names):
            for name in names:
                opened.open(name)
            _reachable(opened, names, host)
            _sweep_daily(opened)
            listen(create_app(opened), host, port)


def demo(
    data: Data = None,
    port: Port = 8765,
    serve_it: Annotated[bool, typer.Option("--serve/--no-serve", help="Serve the municipality when it is made.")] = True,
    now: Annotated[str | None, typer.Option("--now", help="The demo's present, for example 2026-11-23; default: today.")] = None,
    seed: Annotated[int, typer.Option("--seed", help="Another seed gives another municipality.")] = 1,
    size: Annotated[float, typer.Option("--size", help="1 = about 3 000 cases and 12 000 entries.")] = 1.0,
) -> None:
    """Make a municipality with real messages and a year of life, then serve it."""
    folder = data or Path("data") / "demo"
    wanted = Settings(data=folder, tenant="fjordvik")
    finished = folder / "demo-is-made"
    if not finished.exists():
        for old in (folder, wanted.signer_folder):
            if old.exists():
                shutil.rmtree(old)
        demo_year.make(wanted, demo_year.present(now), seed, size)
        finished.write_text(f"{seed}\n")
    if serve_it:
        clock = demo_year.clock_for(now)
        with Installation(wanted, clock) as opened, _signer(wanted):
            clock.catch_up(opened.open("fjordvik").last_recorded_us())
            listen(create_app(opened, demo=Demo(demo_year.PEOPLE, clock)), "127.0.0.1", port)


def _reachable(opened: Installation, names: list[str], host: str) -> None:
    """Others than this machine are let in where every municipality has its rights in use, and so its logins, behind TLS."""
    if host in LOOPBACK:
        return
    served = [opened.settings.tenant] if opened.settings.tenant else names
    without = [name for name in served if standing.of(opened.open(name).ledger).organisation().state.opened is None]
    if without:
        raise DagbokError(
            f"{', '.join(without)}: nobody logs in before rights are in use, so Dagbok listens on loopback only",
            hint="Use --host 127.0.0.1, or take rights into use with `dagbok tenant open`.",
        )
    if not opened.settings.public_url.startswith("https://"):
        raise DagbokError(
            "a session must not cross the network in clear", hint="Set DAGBOK_PUBLIC_URL to the https:// address that people use."
        )


def _look_first(opened: Installation, names: list[str]) -> None:
    """Let the signer look once before anything is written: a ledger that was restored is stopped before it can be forked."""
    folder = opened.settings.signer_folder
    for name in names:
        with psycopg.connect(opened.owner_dsn()) as connection:
            chains = tenants.chains(connection, name)
        for one in chains:
            if not monotone.has_key(folder, one.chain_id):
                continue
            with suppress(LedgerError):  # refused, which it has written down, or another signer is at work
                signer = signing.Signer(opened.role_dsn(name, "signer"), folder, one.chain_id, one.schema)
                try:
                    signer.tick()
                finally:
                    signer.close()


class _signer:
    """The signer as a child process, ended with this one."""

    def __init__(self, wanted: Settings) -> None:
        place = ["--database", wanted.database] if wanted.database else ["--data", str(wanted.data)]
        self._command = [sys.executable, "-m", "tools.cli", "sign", *place]
        self._environment = {**os.environ, "DAGBOK_SIGNER_DIR": str(wanted.signer_folder)}
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> None:
        self._child = subprocess.Popen(self._command, env=self._environment, stdin=subprocess.PIPE)  # noqa: S603

    def __exit__(self, *exc: object) -> None:
        if self._child is not None:
            self._child.terminate()
            self._child.wait(10)


def listen(app: ASGIApp, host: str, port: int) -> None:
    """Serve on the port or the next free one; the URL is the last line printed."""
    listener = _free(host, port)
    config = uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=5)
    print(f"http://{host}:{listener.getsockname()[1]}/", flush=True)
    uvicorn.Server(config).run(sockets=[listener])


def _free(host: str, port: int) -> socket.socket:
    for candidate in range(port, min(port + 100, 65_536)):
        listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, candidate))
            listener.listen(BACKLOG)  # who reads the URL may come before the first request is taken
        except OSError:
            listener.close()
            continue
        return listener
    raise DagbokError(f"no free port from {port} on", hint="Give another --port.")


def _sweep_daily(opened: Installation) -> None:
    """Take away, now and once a day, the files that a crash or a refused upload left behind."""

    def sweep() -> None:
        while True:
            for tenant in list(opened.tenants.values()):
                with suppress(LedgerError, OSError):  # out of reach now; tomorrow is another day
                    tenant.sweep()
            time.sleep(SWEEP_EVERY_S)

    threading.Thread(target=sweep, name="sweep", daemon=True).start()


def register(app: typer.Typer) -> None:
    """Put the commands on the program."""
    for command in (demo, serve):
        app.command()(command)
