"""Following the log: our batch follower against the library's runner on the same one-table projection; the journal's own rate."""

from __future__ import annotations

import time
import types
from collections import Counter
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.dispatch import singledispatchmethod
from eventsourcing.domain import Aggregate, event
from eventsourcing.persistence import Tracking
from eventsourcing.postgres import PostgresTrackingRecorder
from eventsourcing.projection import Projection, ProjectionRunner
from psycopg import sql
from psycopg.sql import SQL, Identifier

import projections.journal
from domain.ledger.follow import Follower, Transaction
from domain.ledger.identity import new_id
from domain.ledger.reader import Recorded
from tools.bench.append import state
from tools.bench.filling import fill_journal, fill_titles, recorder_of
from tools.bench.measure import Result, compare
from tools.bench.place import Place

FLOOR = 25.0
LIBRARY_EVENTS = 2_000


def measure(place: Place, events: int) -> Sequence[Result]:
    """Facts a second until the projection has caught up."""
    titles = place.tenant()
    fill_titles(recorder_of(titles.ledger), state(), events)
    lived = place.tenant()
    fill_journal(lived.ledger, events)
    return [
        compare(
            "projection, one table, our follower against the library's runner",
            lambda: catch_up(place.installation.follower(titles.name, COUNTS)),
            lambda: _library(place),
            "events/s",
            FLOOR,
        ),
        compare(
            "projection, the journal itself",
            lambda: catch_up(place.installation.follower(lived.name, projections.journal)),
            None,
            "events/s",
        ),
    ]


def catch_up(follower: Follower) -> float:
    """From nothing to the end of the log."""
    try:
        follower.drop()
        follower.prepare()
        started, read = time.perf_counter(), 0
        while moved := follower.step():
            read += moved
        return read / (time.perf_counter() - started)
    finally:
        follower.close()


def _count(batch: Sequence[Recorded], tx: Transaction) -> None:
    seen = Counter(recorded.stream for recorded in batch)
    query = sql.SQL(
        "insert into {} as t (stream, events) select * from unnest(%b::uuid[], %b::int8[])"
        " on conflict (stream) do update set events = t.events + excluded.events"
    ).format(tx.table("counts"))
    tx.connection.execute(query, (list(seen), list(seen.values())))


COUNTS: Any = types.SimpleNamespace(
    NAME="counts",
    VERSION=1,
    DDL="create table {schema}.counts(stream uuid primary key, events bigint not null);",
    TABLES=(("counts", "stream"),),
    FAIL_CLOSED=False,
    apply=_count,
)


class Counted(Aggregate):
    """An aggregate of the library's own kind."""

    def __init__(self, title: str) -> None:
        self.title = title

    @event("Retitled")
    def retitle(self, title: str) -> None:
        """Another title."""
        self.title = title


class CountsView(PostgresTrackingRecorder):
    """The same table in the library's way: one transaction an event."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._counts = SQL("{}.{}").format(Identifier(self.datastore.schema), Identifier("counts"))
        self.sql_create_statements.append(
            SQL("create table if not exists {} (stream uuid primary key, events bigint not null)").format(self._counts)
        )

    def count(self, stream: UUID, tracking: Tracking) -> None:
        """Count one event of a stream."""
        query = SQL("insert into {} as t values (%s, 1) on conflict (stream) do update set events = t.events + 1").format(
            self._counts
        )
        with self.datastore.transaction(commit=True) as cursor:
            self._insert_tracking(cursor, tracking)
            cursor.execute(query, (stream,), prepare=True)


class CountsProjection(Projection[CountsView]):
    """Counts every event."""

    name = "counts"
    topics = ()

    @singledispatchmethod
    def process_event(self, domain_event: Any, tracking: Tracking) -> None:
        """Count the event."""
        self.view.count(domain_event.originator_id, tracking)


def _library(place: Place) -> float:
    env = place.library_environment()
    app: Application[UUID] = Application(env=env)
    try:
        for _ in range(LIBRARY_EVENTS // 500):
            app.save(*(Counted(title=str(new_id())) for _ in range(500)))
        last = app.recorder.max_notification_id()
    finally:
        app.close()
    started = time.perf_counter()
    with ProjectionRunner(
        application_class=Application, projection_class=CountsProjection, view_class=CountsView, env=env
    ) as runner:
        runner.wait(last, timeout=120)
        return LIBRARY_EVENTS / (time.perf_counter() - started)
