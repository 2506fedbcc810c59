"""Appending: our recorder (chain and tree on) against the library's, and what bare rows cost."""

from __future__ import annotations

import time
from collections.abc import Sequence

import psycopg
from eventsourcing.persistence import ApplicationRecorder, StoredEvent

from domain.catalogue import Envelope, encode
from domain.ledger.identity import new_id
from domain.ledger.library import join
from domain.model.record import titled
from tools.bench.filling import recorder_of
from tools.bench.measure import Result, compare, rate
from tools.bench.place import Place

STATE_BYTES = 500
STOCK_SHARE = 10  # the library is measured on a tenth of the events: its rate does not depend on the count
FLOOR_64 = 15.0


def state() -> bytes:
    """The stored bytes of a fact of about 500 bytes."""
    envelope = Envelope(cmd=str(new_id()), n=1, m=1, actor="bench", at="2026-01-01T00:00:00.000000Z", date="2026-01-01")
    meta, body = encode(titled("x" * (STATE_BYTES - 180)), envelope)
    return join(meta, body)


def measure(place: Place, events: int) -> Sequence[Result]:
    """At 1, 16 and 64 concurrent writers, one event a command; then the raw limit of multi-row inserts."""
    payload = state()
    results = []
    for threads in (1, 16, 64):
        count = min(events, 4_000 if threads == 1 else 20_000 if threads == 16 else 40_000)
        results.append(
            compare(
                f"append, {threads} writers, recorder against the stock recorder",
                lambda count=count, threads=threads: _ours(place, payload, count, threads),  # type: ignore[misc]
                lambda count=count, threads=threads: _stock(place, payload, count // STOCK_SHARE, threads),  # type: ignore[misc]
                "events/s",
                FLOOR_64 if threads == 64 else None,
            )
        )
    results.append(
        compare(
            "append, 64 writers, recorder against raw multi-row INSERT of 64 rows",
            lambda: results[2].ours,
            lambda: _raw(place, payload, 20_000),
            "events/s",
        )
    )
    return results


def _ours(place: Place, payload: bytes, count: int, threads: int) -> float:
    with place.passing() as tenant:
        return _insert(recorder_of(tenant.ledger), "record.titled.v1", payload, count, threads)


def _stock(place: Place, payload: bytes, count: int, threads: int) -> float:
    with place.stock() as recorder:
        return _insert(recorder, "x", payload, count, threads)


def _insert(recorder: ApplicationRecorder, topic: str, payload: bytes, count: int, threads: int) -> float:
    recorder.insert_events([StoredEvent(new_id(), 1, topic, payload)])
    events = [StoredEvent(new_id(), 1, topic, payload) for _ in range(count)]
    return rate(lambda number: _discard(recorder.insert_events([events[number]])), count, threads)


def _discard(value: object) -> None:
    del value


def _raw(place: Place, payload: bytes, count: int) -> float:
    """Rows of the same size, 64 at a time, one connection, no chain, no conflict check."""
    with psycopg.connect(place.installation.owner_dsn(), autocommit=True) as connection:
        connection.execute("drop table if exists public.bench_raw")
        connection.execute(
            "create table public.bench_raw(id bigserial primary key, stream uuid, version bigint, topic text, state bytea)"
        )
        streams = [new_id() for _ in range(64)]
        started = time.perf_counter()
        for _ in range(count // 64):
            connection.execute(
                "insert into public.bench_raw(stream, version, topic, state) select s, 1, 'x', %b from unnest(%b::uuid[]) s",
                (payload, streams),
            )
        return count / (time.perf_counter() - started)
