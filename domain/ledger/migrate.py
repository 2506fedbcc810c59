"""Forward-only migrations: plain SQL files, applied once under an advisory lock, their digests recorded."""

from __future__ import annotations

import hashlib
from importlib import resources

import psycopg
from psycopg import sql

from domain.ledger.faults import LedgerError

LOCK_KEY = 0x6461676D  # "dagm"


def statement(name: str, **values: str) -> str:
    """The text of `sql/<name>` with its {placeholders} replaced; values are identifiers checked by the caller."""
    text = resources.files("domain.ledger").joinpath("sql", name).read_text(encoding="utf-8")
    for key, value in values.items():
        text = text.replace("{" + key + "}", value)
    return text


def digest(name: str) -> str:
    """SHA-256 of a migration file, hex."""
    return hashlib.sha256(statement(name).encode()).hexdigest()


def names(prefix: str) -> list[str]:
    """The migration files of one kind (`tenant` or `chain`), in order."""
    found = [entry.name for entry in resources.files("domain.ledger").joinpath("sql").iterdir()]
    return sorted(name for name in found if name.endswith(".sql") and prefix in name)


def apply(connection: psycopg.Connection, tenant: str, schema: str, kind: str, **values: str) -> list[str]:
    """Apply what is missing of `kind` in `schema`, with placeholder values; returns the names applied.

    Raises LedgerError where the database has a migration that this program does not know, or in another form.
    """
    applied = []
    with connection.transaction():
        connection.execute("select pg_advisory_xact_lock(%s)", (LOCK_KEY,))
        connection.execute(
            "create table if not exists public.dagbok_migration(schema text, name text, digest text not null,"
            " applied_at timestamptz not null default now(), primary key (schema, name))"
        )
        rows = connection.execute("select name, digest from public.dagbok_migration where schema = %s", (schema,)).fetchall()
        known = {str(name): str(found) for name, found in rows if kind in str(name)}
        for name in known:
            if name not in names(kind) or known[name] != digest(name):
                raise LedgerError(
                    f"the database has migration {name} in a form that this program does not know",
                    hint="Start the program version that wrote it, or a newer one.",
                )
        for name in names(kind):
            if name not in known:
                connection.execute(sql.SQL(statement(name, tenant=tenant, schema=schema, **values)))  # pyright: ignore[reportArgumentType]
                connection.execute(
                    "insert into public.dagbok_migration(schema, name, digest) values (%s, %s, %s)", (schema, name, digest(name))
                )
                applied.append(name)
    return applied
