"""What machines ask: is the process there, may traffic come, how far is everything. No personal data, no gate."""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from datetime import datetime

import psycopg
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, PlainTextResponse
from psycopg import sql
from psycopg_pool import PoolTimeout

from api import log_reads, upkeep, urgent
from api.installation import Tenant
from api.requests import site_of
from domain.ledger.clock import SKEW_LIMIT
from domain.ledger.faults import Busy
from domain.model.errors import Refused

router = APIRouter(include_in_schema=False)
READ_ONLY = "the ledger is read-only"  # so the writer begins what it says of a stop
LAG_LIMIT = 5_000  # events; a follower that is further behind shows yesterday as today


@router.get("/healthz")
def healthz() -> PlainTextResponse:
    """The process answers."""
    return PlainTextResponse("ok\n")


@router.get("/readyz")
def readyz(request: Request) -> JSONResponse:
    """Whether traffic may come: 503 with reasons while the writer, a clock, a follower or the database is at fault."""
    reasons = [f"{name}: {reason}" for name, tenant in site_of(request).tenants.items() for reason in faults(tenant)]
    return JSONResponse({"ready": not reasons, "reasons": reasons}, 503 if reasons else 200)


def faults(tenant: Tenant) -> list[str]:
    """Why this municipality cannot be served in full now."""
    fault = tenant.ledger.writer.fault
    # a stop is asked for below: two people may have ended it since the writer met it
    found = [str(fault)] if fault and not str(fault).startswith(READ_ONLY) else []
    clock = tenant.ledger.clock
    if not clock.steady():
        found.append("the machine's clock has jumped")
    found += [str(runner.follower.broken) for runner in tenant.runners if runner.follower.broken]
    try:
        if abs(clock.now() - clock.database(_database_now(tenant))) > SKEW_LIMIT:
            found.append("application and database clocks disagree")
        head, followed = _positions(tenant)
        if stopped := tenant.stopped():
            found.append(f"{READ_ONLY}: {stopped}")
    except (psycopg.Error, PoolTimeout, Busy):
        return [*found, "the database does not answer"]
    if head - followed > LAG_LIMIT:
        found.append(f"the journal is {head - followed} events behind")
    return found


@router.get("/metrics")
def metrics(request: Request) -> PlainTextResponse:
    """Positions and queues, as Prometheus reads them. Refused `metrics.token` without the token that is set, and where none is
    set and others than this machine could ask."""
    _admit(request)
    measured: dict[str, list[str]] = {}
    for name, tenant in site_of(request).tenants.items():
        for metric, value in (*_measured(tenant), *_kept(request, tenant)):
            measured.setdefault(metric, []).append(f'{metric}{{tenant="{name}"}} {_figure(value)}')
    lines: list[str] = []
    for metric, told in measured.items():
        lines += [f"# HELP {metric} {_KINDS[metric]}", f"# TYPE {metric} gauge", *told]
    return PlainTextResponse("\n".join(lines) + "\n", media_type="text/plain; version=0.0.4")


def _admit(request: Request) -> None:
    settings = site_of(request).settings
    wanted = settings.metrics_token.get_secret_value()
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    same = hmac.compare_digest(given.strip().encode(), wanted.encode()) and scheme.casefold() == "bearer"
    if not same if wanted else settings.reached_from_outside:
        raise Refused("metrics.token")


_KINDS = {
    "dagbok_head_position": "Events in the open record chain.",
    "dagbok_journal_position": "Events that the journal has followed.",
    "dagbok_journal_lag": "Events that the journal has yet to follow.",
    "dagbok_writer_queue": "Commands that wait to be written.",
    "dagbok_checkpoint_size": "Events under the newest signed checkpoint.",
    "dagbok_stopped": "1 while the ledger is read-only because it may have lost something.",
    "dagbok_urgent_access_open": "Urgent accesses to a case that are in force.",
    "dagbok_urgent_access_to_review": "Urgent accesses that are over and have no finding yet.",
    "dagbok_mirror_position": "Events of the open record chain that are mirrored.",
    "dagbok_mirror_lag_events": "Events that are not mirrored yet.",
    "dagbok_mirror_lag_seconds": "Seconds since the first event that is not mirrored was recorded.",
    "dagbok_mirror_failed": "1 while the mirror stands still, or owes a file.",
    "dagbok_drill_age_seconds": "Seconds since the mirror was last proved to come back whole; +Inf before the first proof.",
    "dagbok_drill_failed": "1 where the last restore drill failed.",
    "dagbok_verified_position": "Last position of the open record chain that a restore drill brought back and verified.",
    "dagbok_faults": "Reasons why readiness is refused.",
}


def _figure(value: float) -> str:
    return "+Inf" if value == float("inf") else f"{value:.10g}"


def _kept(request: Request, tenant: Tenant) -> Iterator[tuple[str, float]]:
    """The mirror and the drill; nothing is said of them where no mirror is set."""
    found = upkeep.kept(site_of(request).settings, tenant)
    if found is not None:
        yield "dagbok_mirror_position", found.position
        yield "dagbok_mirror_lag_events", found.lag_events
        yield "dagbok_mirror_lag_seconds", found.lag_s
        yield "dagbok_mirror_failed", int(bool(found.mirror_problem))
        yield "dagbok_drill_age_seconds", found.drill_age_s
        yield "dagbok_drill_failed", int(bool(found.drill_problem))
        yield "dagbok_verified_position", found.proved


def _measured(tenant: Tenant) -> Iterator[tuple[str, int]]:
    head, followed = _positions(tenant)
    found = log_reads.latest_checkpoint(tenant.ledger.reader)
    yield "dagbok_head_position", head
    yield "dagbok_journal_position", followed
    yield "dagbok_journal_lag", max(0, head - followed)
    yield "dagbok_writer_queue", tenant.ledger.writer.queued
    yield "dagbok_checkpoint_size", found.size if found else 0
    yield "dagbok_stopped", int(bool(tenant.stopped()))
    open_now, to_review = _urgent(tenant)
    yield "dagbok_urgent_access_open", open_now
    yield "dagbok_urgent_access_to_review", to_review
    yield "dagbok_faults", len(faults(tenant))


def _urgent(tenant: Tenant) -> tuple[int, int]:
    try:
        return urgent.standing_open(tenant)
    except psycopg.errors.UndefinedTable:  # the projection has not been made yet
        return 0, 0


def _positions(tenant: Tenant) -> tuple[int, int]:
    head = tenant.ledger.reader.head()
    with tenant.read() as connection:
        try:
            return head.position, tenant.journal.position(connection, head.chain_id)
        except psycopg.errors.UndefinedTable:  # the projection has not been made yet
            return head.position, 0


def _database_now(tenant: Tenant) -> datetime:
    with tenant.ledger.reader.pool.connection() as connection:
        row = connection.execute(sql.SQL("select {}()").format(sql.Identifier(tenant.name, "ledger_now"))).fetchone()
    assert row is not None
    found: datetime = row[0]
    return found
