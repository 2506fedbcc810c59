"""`dagbok doctor`: is this installation fit to keep a ledger?"""

from __future__ import annotations

import platform
import shutil
from importlib import metadata
from typing import Any

import psycopg
from psycopg import conninfo, sql

from api import succession, upkeep, urgent
from api.installation import Installation, Tenant
from domain.handlers import standing
from domain.ledger import tenants, timesource
from domain.ledger.clock import SKEW_LIMIT, Clock
from projections import wall

DISK_LEFT = 2 * 1024**3
LAG_LIMIT = 10_000
MIRROR_LAG_S = 60.0


def examine(opened: Installation, tenant: str | None = None) -> dict[str, Any]:
    """What matters, by name; `unsafe` lists what must be mended before the installation is trusted."""
    unsafe: list[str] = []
    warnings: list[str] = []
    found: dict[str, Any] = {"dagbok": metadata.version("dagbok"), "python": platform.python_version()}
    with psycopg.connect(opened.owner_dsn(), autocommit=True) as connection:
        found.update(_database(connection, opened.clock, unsafe, warnings))
    found["database_url"] = "embedded" if opened.server else _without_password(opened.owner_dsn())
    for name in [tenant] if tenant else opened.tenant_names():
        found[name] = _tenant(opened, name, unsafe, warnings)
    place = opened.settings.data if opened.settings.data.exists() else "."
    free = shutil.disk_usage(place).free
    found["disk_free_bytes"] = free
    if free < DISK_LEFT:
        unsafe.append(f"only {free // 1024**2} MB of disk are left")
    found["time_source_apart_s"] = _time_source(opened, unsafe, warnings)
    return {**found, "warnings": warnings, "unsafe": unsafe}


def _database(connection: psycopg.Connection, clock: Clock, unsafe: list[str], warnings: list[str]) -> dict[str, Any]:
    wanted = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on", "data_checksums": "on"}
    found: dict[str, Any] = {"postgresql": str(connection.info.server_version)}
    for name, safe in wanted.items():
        row = connection.execute(sql.SQL("show {}").format(sql.Identifier(name))).fetchone()
        found[name] = row[0] if row else "?"
        if found[name] != safe:
            (warnings if name in ("synchronous_commit", "data_checksums") else unsafe).append(f"{name} is {found[name]}")
    found["replication"] = _replication(connection, unsafe, warnings)
    if connection.info.server_version < 150_000:
        unsafe.append("PostgreSQL 15 or newer is needed")
    row = connection.execute("select extract(epoch from clock_timestamp())").fetchone()
    skew = abs(float(row[0]) - clock.now().timestamp()) if row else 0.0
    found["clock_skew_s"] = round(skew, 3)
    if skew > 2:
        unsafe.append(f"application and database clocks differ by {skew:.1f} s")
    return found


def _replication(connection: psycopg.Connection, unsafe: list[str], warnings: list[str]) -> str:
    """`none`, `asynchronous` or `synchronous`: whether an acknowledged event stands on two machines."""
    row = connection.execute("show synchronous_standby_names").fetchone()
    names = str(row[0]) if row else ""
    standbys = connection.execute(
        "select application_name, sync_state from pg_stat_replication where state = 'streaming'"
    ).fetchall()
    synchronous = [str(name) for name, state in standbys if state in ("sync", "quorum")]
    if "*" in names:
        warnings.append("synchronous_standby_names is *, so a backup under way may count as the standby: name it")
    if names and not synchronous:
        unsafe.append("no synchronous standby is connected: nothing can be written")
    return "synchronous" if synchronous else "asynchronous" if standbys else "none"


def _time_source(opened: Installation, unsafe: list[str], warnings: list[str]) -> float | None:
    """How far the clock lies from the source outside, seconds; None where there is none that answers."""
    url = opened.settings.time_source
    if url is None:
        warnings.append("no time source outside is configured: a jump of both clocks while stopped is not seen")
        return None
    try:
        apart = timesource.apart(url, opened.clock)
    except timesource.NoTime as problem:
        warnings.append(str(problem))
        return None
    if apart > SKEW_LIMIT:
        (unsafe if apart > timesource.REFUSE_ABOVE else warnings).append(
            f"this machine's clock and that of {url} are {apart.total_seconds():.0f} s apart"
        )
    return apart.total_seconds()


def _kept(opened: Installation, tenant: Tenant, unsafe: list[str], warnings: list[str]) -> dict[str, Any]:
    """The mirror and the restore drill: a copy that is behind, or was not proved for two rounds, is none to rely on."""
    kept = upkeep.kept(opened.settings, tenant)
    if kept is None:
        warnings.append(f"{tenant.name}: no mirror is set: what the database loses is lost")
        return {}
    if kept.mirror_problem:
        unsafe.append(f"{tenant.name}: the mirror stands still: {kept.mirror_problem}")
    elif kept.lag_s > MIRROR_LAG_S:
        unsafe.append(f"{tenant.name}: the mirror is {kept.lag_events} events and {kept.lag_s:.0f} s behind: is its job running?")
    if kept.drill_problem:
        unsafe.append(f"{tenant.name}: the last restore drill failed: {kept.drill_problem}")
    elif kept.drill_age_s > 2 * 3_600 * opened.settings.drill_hours:
        never = kept.drill_age_s == float("inf")
        said = "was never brought back" if never else f"was last brought back {kept.drill_age_s / 3_600:.0f} hours ago"
        (warnings if never else unsafe).append(f"{tenant.name}: the mirror {said}: run `dagbok drill`")
    return {
        "mirrored": kept.position,
        "mirror_lag_events": kept.lag_events,
        "mirror_lag_s": round(kept.lag_s, 1),
        "last_verified_position": kept.proved,
        "last_proof_age_s": None if kept.drill_age_s == float("inf") else round(kept.drill_age_s),
    }


def _tenant(opened: Installation, name: str, unsafe: list[str], warnings: list[str]) -> dict[str, Any]:
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
    if stopped := tenant.stopped():
        unsafe.append(f"{name}: the ledger is read-only: {stopped}")
    return {
        **_kept(opened, tenant, unsafe, warnings),
        "chain": head.chain_id,
        "head": head.position,
        "chain_hash": head.chain_hash.hex(),
        "last_checkpoint": int(row[0]) if row and row[0] else 0,
        "journal_lag": lag,
        **_access_log(opened, name, unsafe),
        **_managed(tenant, unsafe, warnings),
        "walls": _walls(opened, tenant, unsafe),
    }


def _managed(tenant: Tenant, unsafe: list[str], warnings: list[str]) -> dict[str, Any]:
    """Who answers for rights (practice R9, R12), and what urgent access (R14) is open or has no finding yet."""
    if standing.of(tenant.ledger).organisation().state.opened is None:
        return {}
    try:
        warnings.extend(f"{tenant.name}: {one}" for one in succession.faults(tenant))
        open_now, to_review = urgent.standing_open(tenant)
    except psycopg.errors.UndefinedTable:  # the projection has not been made yet
        return {}
    if open_now:
        warnings.append(f"{tenant.name}: {open_now} urgent accesses are open")
    if to_review:
        unsafe.append(f"{tenant.name}: {to_review} urgent accesses have not been reviewed")
    return {"urgent_access_open": open_now, "urgent_access_to_review": to_review}


def _walls(opened: Installation, tenant: Tenant, unsafe: list[str]) -> list[str]:
    """What stands between the pages and what somebody may not see: the gate, once rights rule, and the policies of coded rows."""
    with psycopg.connect(opened.role_dsn(tenant.name, "auditor")) as connection:
        made = connection.execute("select 1 from pg_namespace where nspname = %s", (tenant.journal.schema,)).fetchone()
        missing = wall.gaps(connection, tenant.name) if made else []
    unsafe.extend(f"{tenant.name}: the second wall has a gap: {one}" for one in missing)
    gate = ["gate"] if standing.of(tenant.ledger).organisation().state.opened is not None else []
    return [*gate, "row-level security"] if made and not missing else gate


def _access_log(opened: Installation, name: str, unsafe: list[str]) -> dict[str, Any]:
    """The access log of the year: where it cannot be written, nothing coded can be read. Empty before its first fact."""
    with psycopg.connect(opened.role_dsn(name, "auditor")) as connection:
        last = [one for one in tenants.chains(connection, name) if "/access/" in one.chain_id][-1:]
        for one in last:
            tables = {table: sql.Identifier(one.schema, table) for table in ("ledger_head", "ledger_checkpoint", "ledger_stop")}
            row = connection.execute(
                sql.SQL(
                    "select position, (select max(size) from {ledger_checkpoint}), (select min(reason) from {ledger_stop})"
                    " from {ledger_head}"
                ).format(**tables)
            ).fetchone()
            position, signed, stopped = row or (0, 0, "it has no head")
            if stopped:
                unsafe.append(f"{name}: coded material cannot be read: {one.chain_id} is read-only: {stopped}")
            return {"access_log": one.chain_id, "access_log_head": int(position), "access_log_checkpoint": int(signed or 0)}
    return {}


def _without_password(dsn: str) -> str:
    return conninfo.make_conninfo(dsn, password="***")  # noqa: S106
