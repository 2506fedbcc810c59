"""A throw-away installation to measure in: embedded PostgreSQL, tenants by number, and stock databases beside them."""

from __future__ import annotations

import itertools
from pathlib import Path
from types import TracebackType

import psycopg
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore

from api.installation import Installation, Tenant
from api.settings import Settings

POOL = 16


class Place:
    """Opened on entry, gone on exit. Every tenant and stock database is a fresh one."""

    def __init__(self, folder: Path) -> None:
        self.installation = Installation(Settings(data=folder / "data"))
        self._numbers = itertools.count(1)
        self._stock: list[PostgresDatastore] = []

    def tenant(self, follow: bool = False) -> Tenant:
        """A fresh municipality."""
        name = f"b{next(self._numbers)}"
        self.installation.create_tenant(name, f"{name}.example.no")
        return self.installation.open(name, follow=follow)

    def dsn(self, tenant: Tenant, kind: str) -> str:
        """A role's connection string."""
        return self.installation.role_dsn(tenant.name, kind)

    def datastore(self) -> PostgresDatastore:
        """The library's datastore over a fresh database in the same server."""
        assert self.installation.server is not None
        server = self.installation.server.server
        name = f"stock{next(self._numbers)}"
        with psycopg.connect(server.dsn(), autocommit=True) as connection:
            connection.execute(f"create database {name}")
        store = PostgresDatastore(
            dbname=name,
            host=str(server.socket_dir),
            port=str(server.port),
            user=server.user,
            password=server.password,
            pool_size=POOL,
            max_overflow=POOL,
        )
        self._stock.append(store)
        return store

    def stock_recorder(self) -> PostgresApplicationRecorder:
        """The library's application recorder, its table made."""
        recorder = PostgresApplicationRecorder(self.datastore(), events_table_name="stored_events")
        recorder.create_table()
        return recorder

    def connection(self, store: PostgresDatastore) -> psycopg.Connection:
        """A bare connection to a stock database."""
        info = store.pool.kwargs if hasattr(store.pool, "kwargs") else {}
        return psycopg.connect(**info, autocommit=True)

    def close(self) -> None:
        """Stop everything."""
        for store in self._stock:
            store.close()
        self.installation.close()

    def __enter__(self) -> Place:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
