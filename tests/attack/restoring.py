"""A municipality that loses its database: a life with receipts, checkpoints, followers and a mirror, and backups of it."""

from __future__ import annotations

import io
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from unittest import mock

import psycopg

from api import upkeep
from api.installation import Installation, Tenant
from api.settings import Settings
from domain.ledger import backup, receipts
from domain.ledger.clock import Clock, SetClock, SystemClock
from domain.ledger.signer import Signer
from tests.fixtures_ledger import DOMAIN, new_case, new_entry, new_series
from tests.ledger.test_export import new_document
from tools import cli

SEED = int(os.environ.get("DAGBOK_SEED", "20260304"))
TENANT = "fjordvik"
CHAIN = f"{DOMAIN}/record/1"
AGO = timedelta(hours=2)  # the program that is run beside has the machine's own clock
Rows = list[tuple[Any, ...]]


class World:
    """One installation with a signer beside it and a mirror; `data` may be exchanged for another, as a restore does."""

    def __init__(self, folder: Path, seed: int = SEED) -> None:
        self.folder, self.random = folder, random.Random(seed)
        self.data, self.mirror, self.signer = folder / "data", folder / "mirror", folder / "signer"
        self.set = SetClock(datetime.now(UTC) - AGO)
        self.clock: Clock = self.set
        self.receipts: dict[int, str] = {}

    def settings(self, **more: Any) -> Settings:
        given = {"data": self.data, "signer_dir": self.signer, "mirror": str(self.mirror), "tenant": TENANT, "actor": "tor.lie"}
        return Settings(**{**given, **more})

    @contextmanager
    def open(self, follow: bool = False, **more: Any) -> Iterator[tuple[Installation, Tenant]]:
        with Installation(self.settings(**more), self.clock) as opened:
            if not opened.tenant_names():
                opened.create_tenant(TENANT, DOMAIN)
                new_series(opened.open(TENANT, follow).ledger)
            yield opened, opened.open(TENANT, follow)

    def live(self, opened: Installation, tenant: Tenant, cases: int, minutes: float = 1.0) -> None:
        """Cases with entries and documents; each signed, some of them receipted, and mirrored as the clock goes on."""
        signer = self.signer_of(opened)
        try:
            for _ in range(cases):
                self.set.move_to(self.set.now() + timedelta(minutes=minutes))
                case = new_case(tenant.ledger, f"Sak {self.random.random()}")
                entry = new_entry(tenant.ledger, case)
                new_document(tenant.ledger, entry, b"%PDF-1.7 " + self.random.randbytes(200))
                self.ask(tenant, tenant.ledger.reader.head().position)
                signer.tick()
                self.mirrored(opened)
        finally:
            signer.close()
        for position in self.receipts:
            self.receipts[position] = self.receipt(tenant, position)

    def signer_of(self, opened: Installation, chain_id: str = CHAIN, schema: str = TENANT) -> Signer:
        return Signer(opened.role_dsn(TENANT, "signer"), self.signer, chain_id, schema)

    def ask(self, tenant: Tenant, position: int) -> None:
        with tenant.read() as connection:
            receipts.request(connection, TENANT, position)
        self.receipts[position] = ""

    def receipt(self, tenant: Tenant, position: int) -> str:
        with tenant.ledger.reader.pool.connection() as connection:
            return receipts.receipt(connection, TENANT, CHAIN, position)

    def mirrored(self, opened: Installation) -> Any:
        """One tick of the mirror: its state."""
        job = upkeep.mirrors(opened, TENANT)
        job.tick()
        job.close()
        return job.state

    def backup(self, opened: Installation, name: str = "backup") -> Path:
        backup.backup(self.folder / name, opened.owner_dsn(), self.data, self.clock.now())
        return self.folder / name

    def exchange(self) -> Path:
        """The data folder is gone (kept aside for comparison), and another will stand in its place."""
        aside = self.folder / f"aside-{uuid.uuid4().hex[:8]}"
        self.data.rename(aside)
        self.clock = SystemClock()
        return aside

    def run(self, *words: str, code: int = 0, mirror: bool = True, apart: bool = False) -> str:
        """The program itself, in this process or as one of its own (`apart`); what it printed."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("DAGBOK_")}
        environment |= {"DAGBOK_DATA": str(self.data), "DAGBOK_SIGNER_DIR": str(self.signer), "DAGBOK_TENANT": TENANT}
        if mirror:
            environment["DAGBOK_MIRROR"] = str(self.mirror)
        came, said = _apart(words, environment) if apart else _inside(words, environment)
        assert came == code, (words, came, said[-3_000:])
        return said

    def asked(self, *words: str, code: int = 0, mirror: bool = True, apart: bool = False) -> Any:
        return json.loads(self.run(*words, "--json", code=code, mirror=mirror, apart=apart))


def _apart(words: Sequence[str], environment: dict[str, str]) -> tuple[int, str]:
    command, root = [sys.executable, "-m", "tools.cli", *words], Path(__file__).resolve().parents[2]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300, cwd=root)
    return ran.returncode, ran.stdout + ran.stderr


def _inside(words: Sequence[str], environment: dict[str, str]) -> tuple[int, str]:
    said = io.StringIO()
    before = signal.getsignal(signal.SIGTERM)
    with mock.patch.dict(os.environ, environment, clear=True), mock.patch.object(sys, "argv", ["dagbok", *words]):
        try:
            with redirect_stdout(said), redirect_stderr(said):
                cli.main()
        except SystemExit as ended:
            return int(ended.code or 0), said.getvalue()
        finally:
            signal.signal(signal.SIGTERM, before)
    return 0, said.getvalue()


def events(opened: Installation, schema: str = TENANT) -> Rows:
    """Every column of every event."""
    with psycopg.connect(opened.owner_dsn()) as connection:
        return connection.execute(f"select * from {schema}.event order by position").fetchall()


def derived(opened: Installation) -> Rows:
    """Claims and counters."""
    with psycopg.connect(opened.owner_dsn()) as connection:
        claims = connection.execute(f"select kind, key, originator_id::text from {TENANT}.ledger_claim order by 1, 2").fetchall()
        return claims + connection.execute(f"select series, value from {TENANT}.ledger_counter order by 1").fetchall()


def digest(folder: Path) -> dict[str, str]:
    """Path -> SHA-256 of every file."""
    return {
        path.relative_to(folder).as_posix(): sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def files(data: Path) -> dict[str, str]:
    """The documents' files of a data folder by name."""
    return {Path(name).name: checksum for name, checksum in digest(data / "blobs" / TENANT).items() if not name.startswith(".")}


def copy(source: Path, place: Path) -> None:
    """A folder as it is."""
    shutil.copytree(source, place)
