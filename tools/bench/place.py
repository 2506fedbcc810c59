"""A throw-away installation to measure in: embedded PostgreSQL, tenants by number, and stock databases beside them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

import psycopg
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from psycopg import sql

from api.installation import Installation, Tenant
from api.settings import Settings

POOL = 16


class Place:
    """Opened on entry, gone on exit. Every tenant and stock database is a fresh one."""

    def __init__(self, folder: Path) -> None:
        self.installation = Installation(Settings(data=folder / "data"))
        self._numbers = itertools.count(1)

    def tenant(self, follow: bool = False) -> Tenant:
        """A fresh municipality."""
        name = f"b{next(self._numbers)}"
        self.installation.create_tenant(name, f"{name}.example.no")
        return self.installation.open(name, follow=follow)

    @contextmanager
    def passing(self) -> Iterator[Tenant]:
        """A fresh municipality that is closed again."""
        tenant = self.tenant()
        try:
            yield tenant
        finally:
            self.installation.release(tenant.name)

    def dsn(self, tenant: Tenant, kind: str) -> str:
        """A role's connection string."""
        return self.installation.role_dsn(tenant.name, kind)

    def library_environment(self) -> dict[str, str]:
        """Where the library finds a fresh database of its own in the same server."""
        assert self.installation.server is not None
        server = self.installation.server.server
        name = f"stock{next(self._numbers)}"
        with psycopg.connect(server.dsn(), autocommit=True) as connection:
            connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        return {
            "PERSISTENCE_MODULE": "eventsourcing.postgres",
            "POSTGRES_DBNAME": name,
            "POSTGRES_HOST": str(server.socket_dir),
            "POSTGRES_PORT": str(server.port),
            "POSTGRES_USER": server.user,
            "POSTGRES_PASSWORD": server.password,
        }

    @contextmanager
    def stock(self) -> Iterator[PostgresApplicationRecorder]:
        """The library's application recorder over a fresh database, closed again."""
        where = self.library_environment()
        store = PostgresDatastore(
            dbname=where["POSTGRES_DBNAME"],
            host=where["POSTGRES_HOST"],
            port=where["POSTGRES_PORT"],
            user=where["POSTGRES_USER"],
            password=where["POSTGRES_PASSWORD"],
            pool_size=POOL,
            max_overflow=POOL,
        )
        try:
            recorder = PostgresApplicationRecorder(store, events_table_name="stored_events")
            recorder.create_table()
            yield recorder
        finally:
            store.close()

    def close(self) -> None:
        """Stop everything."""
        self.installation.close()

    def __enter__(self) -> Place:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
