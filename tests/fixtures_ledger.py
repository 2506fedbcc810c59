"""A real PostgreSQL for tests: one embedded server a run, one template a worker, one database a test."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import psycopg
import pytest
from psycopg import conninfo

from api.installation import Installation, Tenant
from api.settings import Settings
from domain.handlers import case_files, registry_entries, structure
from domain.handlers.gate import Actor
from domain.handlers.metadata import Metadata
from domain.handlers.registry_entries import Party
from domain.handlers.work import Context, run
from domain.ledger import embedded, tenants
from domain.ledger.access_chain import AccessChain
from domain.ledger.blobs import Folder
from domain.ledger.clock import Clock, SystemClock
from domain.ledger.keys import Keys
from domain.ledger.ledger import Ledger
from domain.ledger.reader import Reader
from domain.ledger.signer import ensure_key
from domain.ledger.writer import Writer
from domain.model.case_file import CreateCaseFile
from domain.model.record import ContactBody
from domain.model.registering import RegisterEntry

DOMAIN = "fjordvik.kommune.no"
ARCHIVIST = Actor("tor.lie", "Tor Lie")
CONTEXT = Context(ARCHIVIST)
IN_MEMORY_BYTES = 8 << 30
_numbers = itertools.count(1)


@dataclass
class LedgerTenant:
    """One tenant in a database of its own. dsn(kind) for each role; `ledger` opens on first use."""

    tenant: str
    domain: str
    server: embedded.Server
    database: str
    data: Path
    signer_dir: Path
    _opened: list[Ledger] = field(default_factory=list)

    def owner_dsn(self) -> str:
        return self.server.dsn(dbname=self.database)

    def dsn(self, kind: str) -> str:
        return conninfo.make_conninfo(self.owner_dsn(), user=f"{self.tenant}_{kind}", password=password(kind))

    def owner(self) -> psycopg.Connection:
        return psycopg.connect(self.owner_dsn(), autocommit=True)

    def open_ledger(self, clock: Clock | None = None) -> Ledger:
        """A ledger of its own: writer and reader, as another process would open it."""
        clock = clock or SystemClock()
        writer = Writer(self.dsn("writer"), self.tenant, clock)
        reader = Reader(self.dsn("reader"), self.tenant, size=4)
        ledger = Ledger(
            self.tenant, writer, reader, clock, Keys(self.data / "secrets"), Folder(self.data / "blobs" / self.tenant)
        )
        ledger.access = self.access_log(clock)
        self._opened.append(ledger)
        return ledger

    def access_log(self, clock: Clock | None = None) -> AccessChain:
        """An access log of its own, as another process would open it."""
        clock = clock or SystemClock()

        def open_year(year: int) -> None:
            vkey = ensure_key(self.signer_dir, f"{self.domain}/access/{year}")
            with self.owner() as connection:
                tenants.open_access_log(connection, self.tenant, self.domain, year, vkey, now=clock.now())

        return AccessChain(self.dsn("writer"), self.tenant, clock, open_year)

    @property
    def ledger(self) -> Ledger:
        return self._opened[0] if self._opened else self.open_ledger()

    def settings(self) -> Settings:
        """Settings of an installation over this database."""
        for kind in tenants.ROLE_KINDS:
            path = self.data / "secrets" / f"{self.tenant}_{kind}"
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.write_text(password(kind))
        return Settings(
            data=self.data, database=self.owner_dsn(), signer_dir=self.signer_dir, tenant=self.tenant, actor=ARCHIVIST.id
        )

    def close(self) -> None:
        for ledger in self._opened:
            ledger.close()


def password(kind: str) -> str:
    return f"test-{kind}"


def new_case(ledger: Ledger, title: str = "Sak om naust", **details: object) -> uuid.UUID:
    """A case through its handler."""
    unit = uuid.uuid4()
    command = case_files.CreateCase(unit, Metadata(title=title), CreateCaseFile(date(2026, 1, 1), **details))  # type: ignore[arg-type]
    return run(ledger, CONTEXT, (), lambda work: case_files.create(work, command)).result


def new_entry(
    ledger: Ledger, case: uuid.UUID | None, title: str = "Klage", status: str = "J", entry_type: str = "I"
) -> uuid.UUID:
    """An entry with one sender, through its handler."""
    unit = uuid.uuid4()
    details = RegisterEntry(date(2026, 1, 1), status, entry_type=entry_type, case=case)
    parties = (Party("EA", ContactBody("Ola Nordmann", address=("Strandveien 4",), postcode="6689", city="Aure")),)
    command = registry_entries.Register(unit, Metadata(title=title), details, parties)
    return run(ledger, CONTEXT, (case,) if case else (), lambda work: registry_entries.register(work, command)).result


def new_series(ledger: Ledger) -> uuid.UUID:
    """The first fonds and series."""
    return run(ledger, CONTEXT, (), lambda work: structure.ensure_structure(work, "Fjordvik kommune", "987654321")).result


def _roomy() -> Path:
    """Where the run's server keeps its files: in memory where there is plenty: nobody cuts the power of this one."""
    memory = Path("/dev/shm")
    if memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > IN_MEMORY_BYTES:
        return memory
    return Path(tempfile.gettempdir())


@pytest.fixture(scope="session")
def server() -> Iterator[embedded.Server]:
    """The run's PostgreSQL, shared by its workers; the last one out stops it."""
    run_id = os.environ.get("PYTEST_XDIST_TESTRUNUID", uuid.uuid4().hex)
    folder = _roomy() / f"dagbok-test-{run_id}"
    folder.mkdir(mode=0o711, exist_ok=True)
    running = embedded.start(folder / "pg", extra_settings={"max_connections": "300"})
    try:
        yield running.server
    finally:
        running.stop()
        if not (folder / "pg" / "postmaster.pid").exists():  # nobody else holds on to it
            shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True)
class Template:
    """A database that holds a fresh tenant; data: its folder, where it is in use already."""

    tenant: str
    database: str
    signer_dir: Path
    data: Path | None = None


@pytest.fixture(scope="session")
def template(server: embedded.Server, tmp_path_factory: pytest.TempPathFactory) -> Template:
    """This worker's template: cloned for each test."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0")
    tenant, database = f"t{worker}", f"template_{worker}"
    signer_dir = tmp_path_factory.mktemp("signer")
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        connection.execute(f'create database "{database}"')
    chain_id = f"{DOMAIN}/record/1"
    vkey = ensure_key(signer_dir, chain_id)
    with psycopg.connect(server.dsn(dbname=database), autocommit=True) as connection:
        tenants.create(connection, tenant, DOMAIN, {kind: password(kind) for kind in tenants.ROLE_KINDS}, {chain_id: vkey})
    return Template(tenant, database, signer_dir)


@pytest.fixture(scope="session")
def followed(server: embedded.Server, template: Template, tmp_path_factory: pytest.TempPathFactory) -> Template:
    """The same, with the empty tables of the projections: made once a worker instead of once a test."""
    database = f"{template.database}_followed"
    with cloned(server, template, tmp_path_factory.mktemp("followed"), keep=database) as one:
        with Installation(one.settings()) as installation:
            opened = installation.open()
            assert opened.wait(opened.ledger.reader.head().position, 10)
        return Template(template.tenant, database, one.signer_dir)


@contextmanager
def cloned(server: embedded.Server, template: Template, folder: Path, keep: str = "") -> Iterator[LedgerTenant]:
    """A tenant of its own, made from a template. keep: the name of its database, which then stays."""
    database = keep or f"{template.tenant}_{next(_numbers)}"
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        connection.execute(f'create database "{database}" template "{template.database}"')
        connection.execute(f'grant create on database "{database}" to "{template.tenant}_work"')
    shutil.copytree(template.signer_dir, folder / "signer")
    if template.data is not None:
        shutil.copytree(template.data, folder / "data")
    one = LedgerTenant(template.tenant, DOMAIN, server, database, folder / "data", folder / "signer")
    try:
        yield one
    finally:
        one.close()
        if not keep:
            with psycopg.connect(server.dsn(), autocommit=True) as connection:
                connection.execute(f'drop database "{database}" with (force)')


@pytest.fixture
def ledger_tenant(request: pytest.FixtureRequest, server: embedded.Server, tmp_path: Path) -> Iterator[LedgerTenant]:
    """A fresh tenant in its own database; with the tables of the projections where the test opens the installation."""
    template: Template = request.getfixturevalue("followed" if "installation" in request.fixturenames else "template")
    with cloned(server, template, tmp_path) as one:
        yield one


@pytest.fixture
def installation(ledger_tenant: LedgerTenant) -> Iterator[Installation]:
    """An opened installation over a fresh tenant."""
    with Installation(ledger_tenant.settings()) as opened:
        yield opened


@pytest.fixture
def tenant(installation: Installation) -> Tenant:
    """The fresh tenant, opened: ledger, journal follower, reads."""
    return installation.open()
