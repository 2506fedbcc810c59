"""An opened installation: the database, and for each municipality its ledger, projections and reads.

The composition root of commands and of the web application. `open_installation` starts what is needed, `close` stops it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

import psycopg
from psycopg import conninfo, sql
from psycopg_pool import ConnectionPool, PoolTimeout

import projections.journal
import projections.people
from api.settings import Settings
from domain.ledger import migrate, tenants, timesource
from domain.ledger.access_chain import AccessChain
from domain.ledger.blobs import Folder
from domain.ledger.clock import Clock, SystemClock
from domain.ledger.faults import LedgerError
from domain.ledger.follow import Follower, Runner
from domain.ledger.keeper import Keeper
from domain.ledger.keys import Keys
from domain.ledger.ledger import Ledger
from domain.ledger.patience import ended_within, patient
from domain.ledger.reader import Reader
from domain.ledger.room import Room
from domain.ledger.signer import ensure_key
from domain.ledger.writer import Writer
from projections.journal.read import Journal
from projections.people.read import People
from projections.visibility import Sight
from projections.wall import Wall

FOLLOWED = (projections.journal, projections.people)


@dataclass(slots=True)
class Tenant:
    """One municipality as the rest of the program meets it."""

    name: str
    domain: str
    ledger: Ledger
    journal: Journal
    people: People
    pool: ConnectionPool[Any]
    wall: Wall
    sight: Sight
    runners: list[Runner] = field(default_factory=list)

    @contextmanager
    def read(self) -> Iterator[psycopg.Connection[Any]]:
        """A connection of the web role, for projections. Raises psycopg.OperationalError."""
        try:
            with self.pool.connection() as connection, ended_within(connection):
                yield connection
        except PoolTimeout:
            raise
        except psycopg.OperationalError:
            self.pool.drain()  # what one has met, a restarted server, the others in the pool would meet one by one
            raise

    def last_recorded_us(self) -> int:
        """When the last event of any of its chains was recorded, microseconds since 1970: where a set clock starts."""
        reader = self.ledger.reader
        schemas = reader.rows(sql.SQL("select schema from {}").format(sql.Identifier(self.name, "ledger_chain")))
        head = sql.SQL("select recorded_at_us from {}")
        return max(int(reader.rows(head.format(sql.Identifier(str(row[0]), "ledger_head")))[0][0]) for row in schemas)

    def wait(self, position: int, timeout_s: float) -> bool:
        """Wait until journal and people have come to `position` of the open chain; False where they have not in time."""
        deadline = time.monotonic() + timeout_s
        chain_id = self.ledger.writer.chain_id
        while True:
            with self.read() as connection:
                followed = self.journal.position(connection, chain_id), self.people.position(connection, chain_id)
            if min(followed) >= position:
                return True
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            self._nudge(min(left, 0.02))

    def _nudge(self, timeout_s: float) -> None:
        if self.runners:
            self.runners[0].wait_for(timeout_s)
        else:
            time.sleep(timeout_s)

    def sweep(self) -> list[str]:
        """Remove files that no fact names and no upload can own any more; returns their names.

        None where the ledger is stopped: the facts that name them may be those that were lost.
        """
        blobs = self.ledger.blobs
        if self.stopped():
            return []
        return blobs.sweep(self.ledger.reader.object_ids()) if isinstance(blobs, Folder) else []

    def stopped(self) -> str:
        """Why the ledger is read-only until two people have decided (CONTRACT §3); empty where it is not. Raises Busy."""
        reader = self.ledger.reader
        query = sql.SQL("select min(reason) from {}").format(sql.Identifier(reader.record_chains[-1][1], "ledger_stop"))
        return str(reader.rows(query)[0][0] or "")

    def close(self) -> None:
        """Stop writing, following and reading."""
        self.ledger.close()
        for runner in self.runners:
            runner.stop()
        self.pool.close()
        self.wall.close()


class Installation:
    """The database of a data folder or URL, and its municipalities."""

    def __init__(self, settings: Settings, clock: Clock | None = None) -> None:
        self.settings = settings
        self.clock = clock or SystemClock()
        timesource.check(settings.time_source, self.clock)
        self.server: Keeper | None = None
        self.keys = Keys(settings.data / "secrets")
        self.tenants: dict[str, Tenant] = {}
        if settings.database is None:
            self.server = Keeper(settings.data / "pg")

    def owner_dsn(self) -> str:
        """Connection string of the owner: for init and migrate only."""
        if self.server is None:
            assert self.settings.database is not None
            return self.settings.database
        owner = self.server.server.dsn()
        with psycopg.connect(owner, autocommit=True) as connection:
            if connection.execute("select 1 from pg_database where datname = 'dagbok'").fetchone() is None:
                connection.execute("create database dagbok encoding 'UTF8' template template0")
        return self.server.server.dsn(dbname="dagbok")

    def role_dsn(self, tenant: str, kind: str) -> str:
        """Connection string of one process kind of one tenant."""
        password = self.keys.secret(f"{tenant}_{kind}")
        return conninfo.make_conninfo(self.owner_dsn(), user=f"{tenant}_{kind}", password=password)

    def tenant_names(self) -> list[str]:
        """The municipalities in this database."""
        with psycopg.connect(self.owner_dsn()) as connection:
            rows = connection.execute(
                "select n.nspname from pg_namespace n join pg_class c on c.relnamespace = n.oid"
                " where c.relname = 'ledger_chain' order by 1"
            ).fetchall()
        return [str(row[0]) for row in rows]

    def new_key(self, chain_id: str) -> str:
        """The verifier key of a chain's signing key, made where it is missing."""
        return ensure_key(self.settings.signer_folder, chain_id)

    def create_tenant(self, name: str, domain: str) -> None:
        """Make a municipality: schema, roles, signing key and first record chain."""
        passwords = {kind: self.keys.secret(f"{name}_{kind}") for kind in tenants.ROLE_KINDS}
        chain_id = f"{domain}/record/1"
        vkey = self.new_key(chain_id)
        with psycopg.connect(self.owner_dsn(), autocommit=True) as connection:
            tenants.create(connection, name, domain, passwords, {chain_id: vkey}, now=self.clock.now())

    def open(self, name: str | None = None, follow: bool = True) -> Tenant:
        """Open a municipality for reading and writing; the only one where no name is given. Raises LedgerError."""
        name = name or self.settings.tenant or self._only()
        if name not in self.tenants:
            self.tenants[name] = self._open(name, follow)
        return self.tenants[name]

    def _only(self) -> str:
        names = self.tenant_names()
        if len(names) != 1:
            known = ", ".join(names) or "none"
            raise LedgerError(f"which municipality? known: {known}", hint="Give --tenant NAME, or make one with `dagbok init`.")
        return names[0]

    def _open(self, name: str, follow: bool) -> Tenant:
        if name not in self.tenant_names():
            raise LedgerError(f"no municipality {name!r} here", hint="Make it with `dagbok tenant add`.")
        reader = Reader(self.role_dsn(name, "reader"), name, size=16)
        if reader.rows(sql.SQL("select to_regnamespace({})::text").format(sql.Literal(f"{name}_wall")))[0][0] is None:
            reader.close()
            raise LedgerError(f"{name} was made by an older program", hint="Bring it up with `dagbok migrate`.")
        room = Room(self.settings.data, self.settings.disk_reserve)
        # the disk of a database elsewhere is not seen from here: that one says for itself when it is full
        writer = Writer(self.role_dsn(name, "writer"), name, self.clock, room if self.server else None)
        ledger = Ledger(name, writer, reader, self.clock, self.keys, self.blobs(name))
        ledger.access = self.access_log(name, reader.record_chains[0][0].split("/")[0])
        pool: ConnectionPool[Any] = ConnectionPool(
            patient(self.role_dsn(name, "web")),
            min_size=1,
            max_size=16,
            kwargs={"autocommit": True},
            open=True,
            timeout=5,
            reconnect_timeout=5,
        )
        domain, journal = reader.record_chains[0][0].split("/")[0], Journal(name)
        wall = Wall(self.role_dsn(name, "gate"), name)
        sight = Sight(ledger, journal.schema, wall)
        tenant = Tenant(name, domain, ledger, journal, People(name), pool, wall, sight)
        if follow:
            for projection in FOLLOWED:
                follower = self.follower(name, projection)
                tenant.runners.append(Runner(follower))
            for runner in tenant.runners:
                runner.start()
        return tenant

    def migrate(self, name: str) -> list[str]:
        """Bring a municipality of an older program to this one's roles and tables; returns the migrations applied."""
        with psycopg.connect(self.owner_dsn(), autocommit=True) as connection:
            for kind in tenants.ROLE_KINDS:
                tenants.ensure_role(connection, name, kind, self.keys.secret(f"{name}_{kind}"))
            applied = migrate.apply(connection, name, name, "tenant")
            for chain in tenants.chains(connection, name):
                applied += tenants.migrate_chain(connection, name, chain.schema)
        return applied

    def access_log(self, name: str, domain: str) -> AccessChain:
        """The access log of a municipality; its chains are opened by the owner, a year at a time, when they are first needed."""

        def open_year(year: int) -> None:
            vkey = self.new_key(f"{domain}/access/{year}")
            with psycopg.connect(self.owner_dsn(), autocommit=True) as connection:
                tenants.open_access_log(connection, name, domain, year, vkey, now=self.clock.now())

        room = Room(self.settings.data, self.settings.disk_reserve) if self.server else None
        return AccessChain(self.role_dsn(name, "writer"), name, self.clock, open_year, room)

    def blobs(self, name: str) -> Folder:
        """The documents' files of a municipality."""
        return Folder(self.settings.data / "blobs" / name, room=Room(self.settings.data, self.settings.disk_reserve))

    def follower(self, name: str, projection: Any, schema: str | None = None) -> Follower:
        """A follower of the tenant's log into one projection, reading from the standby where one is set."""
        own, replica = self.role_dsn(name, "work"), self.settings.replica
        log_dsn = None
        if replica is not None:
            role = conninfo.conninfo_to_dict(own)
            log_dsn = conninfo.make_conninfo(replica, user=role["user"], password=role["password"], dbname=role["dbname"])
        return Follower(own, name, projection, schema, log_dsn=log_dsn)

    def release(self, name: str) -> None:
        """Close one municipality."""
        opened = self.tenants.pop(name, None)
        if opened is not None:
            opened.close()

    def close(self) -> None:
        """Close every municipality; the embedded server stops with the last program that uses it."""
        for tenant in self.tenants.values():
            tenant.close()
        self.tenants.clear()
        if self.server is not None:
            self.server.stop()
            self.server = None

    def __enter__(self) -> Installation:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
