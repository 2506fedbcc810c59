"""`dagbok doctor`: is this installation fit to keep a ledger?"""

from __future__ import annotations

import platform
import shutil
from importlib import metadata
from typing import Any

import psycopg
from psycopg import conninfo, sql

from api.installation import Installation
from domain.ledger.clock import Clock

DISK_LEFT = 2 * 1024**3
LAG_LIMIT = 10_000


def examine(opened: Installation, tenant: str | None = None) -> dict[str, Any]:
    """What matters, by name; `unsafe` lists what must be mended before the installation is trusted."""
    unsafe: list[str] = []
    warnings: list[str] = []
    found: dict[str, Any] = {"dagbok": metadata.version("dagbok"), "python": platform.python_version()}
    with psycopg.connect(opened.owner_dsn(), autocommit=True) as connection:
        found.update(_database(connection, opened.clock, unsafe, warnings))
    found["database_url"] = "embedded" if opened.server else _without_password(opened.owner_dsn())
    for name in [tenant] if tenant else opened.tenant_names():
        found[name] = _tenant(opened, name, unsafe)
    place = opened.settings.data if opened.settings.data.exists() else "."
    free = shutil.disk_usage(place).free
    found["disk_free_bytes"] = free
    if free < DISK_LEFT:
        unsafe.append(f"only {free // 1024**2} MB of disk are left")
    warnings.append("no time source outside is configured: a jump of both clocks while stopped is not seen")
    return {**found, "warnings": warnings, "unsafe": unsafe}


def _database(connection: psycopg.Connection, clock: Clock, unsafe: list[str], warnings: list[str]) -> dict[str, Any]:
    wanted = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on", "data_checksums": "on"}
    found: dict[str, Any] = {"postgresql": str(connection.info.server_version)}
    for name, safe in wanted.items():
        row = connection.execute(sql.SQL("show {}").format(sql.Identifier(name))).fetchone()
        found[name] = row[0] if row else "?"
        if found[name] != safe:
            (warnings if name in ("synchronous_commit", "data_checksums") else unsafe).append(f"{name} is {found[name]}")
    if connection.info.server_version < 150_000:
        unsafe.append("PostgreSQL 15 or newer is needed")
    row = connection.execute("select extract(epoch from clock_timestamp())").fetchone()
    skew = abs(float(row[0]) - clock.now().timestamp()) if row else 0.0
    found["clock_skew_s"] = round(skew, 3)
    if skew > 2:
        unsafe.append(f"application and database clocks differ by {skew:.1f} s")
    return found


def _tenant(opened: Installation, name: str, unsafe: list[str]) -> dict[str, Any]:
    tenant = opened.open(name, follow=False)
    head = tenant.ledger.reader.head()
    with psycopg.connect(opened.role_dsn(name, "auditor")) as connection:
        table = sql.Identifier(tenant.ledger.reader.record_chains[-1][1], "ledger_checkpoint")
        row = connection.execute(sql.SQL("select max(size) from {}").format(table)).fetchone()
    try:
        with tenant.read() as connection:
            lag = head.position - tenant.journal.position(connection, head.chain_id)
            poisoned = tenant.journal.poisoned(connection)
    except psycopg.Error:
        lag, poisoned = head.position, []
    if poisoned:
        unsafe.append(f"{name}: {len(poisoned)} units cannot be shown in the journal")
    return {
        "chain": head.chain_id,
        "head": head.position,
        "chain_hash": head.chain_hash.hex(),
        "last_checkpoint": int(row[0]) if row and row[0] else 0,
        "journal_lag": lag,
    }


def _without_password(dsn: str) -> str:
    return conninfo.make_conninfo(dsn, password="***")  # noqa: S106
