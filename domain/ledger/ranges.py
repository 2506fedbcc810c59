"""A long chain read by several processes at once, in ranges of 16 384 positions, all in one snapshot of the database.

Each range begins with the chain hash that is stored before it, and that is never trusted: the range before has to end with it.
What a range shows is joined to those before by `ChainCheck`. Nothing is named here: a range in which anything is unusual, or that
does not follow, is no answer, and the whole is then read in one process, which names what is wrong and where.
"""

from __future__ import annotations

import multiprocessing
import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from struct import error as struct_error
from types import TracebackType
from typing import Any, NamedTuple

import psycopg
from psycopg import sql

from domain import chain
from domain.ledger.derived import Counters, Derived
from domain.ledger.erasure import Run
from domain.ledger.streams import Streams, Window
from domain.ledger.stretch import Stretch
from domain.ledger.tiles import Growth, TileRows
from domain.ledger.walk import Findings, Walk

SIZE = 16_384  # positions: a multiple of 256, and what a process hands over of so many is some 2 MB
LEAST = 200_000  # events from which on starting processes pays
MOST_PROCESSES = 2  # unless more are asked for: each has some 70 MB, beside 100 MB of the one that joins what they read


class Unusual(Exception):
    """A range is not as it must be, a process has ended, or the tables are not as remembered: what is wrong is named by reading
    everything in one process."""


class Task(NamedTuple):
    """What a process reads: positions start + 1 to stop. wanted: sizes in between whose roots are needed; chains: of `Derived`,
    None where nothing is claimed; window: the number of the range among the windows of streams."""

    snapshot: str
    schema: str
    chain_id: str
    start: int
    stop: int
    wanted: tuple[int, ...]
    chains: tuple[str, ...] | None
    window: Window
    number: int


class Read(NamedTuple):
    """What a range is. before, head: chain hashes before and after it; specials: position, topic and meta, see `stretch`."""

    task: Task
    before: bytes
    head: bytes
    growth: Growth
    recorded_us: tuple[int, int]
    specials: list[tuple[int, bytes, bytes]]
    gone: list[Run]
    streams: list[tuple[int, bytes]]
    derived: tuple[list[tuple[int, bytes]], Counters] | None


class Workers:
    """Processes that read ranges; a context manager. dsn: of a role that reads all tables, its password in it.

    least: events from which on they are asked; size: of a range, a power of two from 256 to 32 768."""

    def __init__(self, dsn: str, processes: int | None = None, least: int = LEAST, size: int = SIZE) -> None:
        self.processes = processes or min(os.cpu_count() or 1, MOST_PROCESSES)
        self.least, self.size = least, size
        self._dsn = dsn
        self._pool: ProcessPoolExecutor | None = None

    def are_for(self, events: int) -> bool:
        """Whether so many events are shared."""
        return self.processes > 1 and events >= self.least

    def read(self, tasks: Iterator[Task]) -> Iterator[Read]:
        """The ranges in order, few at a time. Raises Unusual."""
        waiting: deque[Future[Read | None]] = deque()
        try:
            pool = self._started()
            for task in tasks:
                waiting.append(pool.submit(_read, self._dsn, task))
                if len(waiting) > self.processes:
                    yield self._done(waiting.popleft())
            while waiting:
                yield self._done(waiting.popleft())
        except BrokenProcessPool as problem:
            self.close()
            raise Unusual("a process has ended") from problem
        finally:
            for one in waiting:
                one.cancel()

    def _done(self, future: Future[Read | None]) -> Read:
        try:
            found = future.result()
        except (psycopg.Error, OSError, TypeError, ValueError, OverflowError, struct_error) as problem:
            # whatever it is, it is so for one process too, which then names it
            raise Unusual(str(problem)) from problem
        if found is None:
            raise Unusual("something is wrong in a range")
        return found

    def _started(self) -> ProcessPoolExecutor:
        if self._pool is None:  # spawned: the caller may have threads, and a fork would copy their locks as they stand
            self._pool = ProcessPoolExecutor(self.processes, multiprocessing.get_context("spawn"))
        return self._pool

    def close(self) -> None:
        """End the processes."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def snapshot(connection: psycopg.Connection[Any]) -> str:
    """The name under which other connections see what this transaction sees, as long as it lasts."""
    row = connection.execute("select pg_export_snapshot()").fetchone()
    assert row is not None
    return str(row[0])


_connections: dict[str, psycopg.Connection[Any]] = {}  # of a worker process: one for each DSN, for as long as it lives


def _read(dsn: str, task: Task) -> Read | None:
    """In a worker: one range. None where anything is unusual."""
    connection = _connections.get(dsn)
    if connection is None or connection.closed:
        connection = _connections[dsn] = psycopg.connect(dsn, autocommit=True)
    with connection.transaction():
        connection.execute("set transaction isolation level repeatable read, read only")
        connection.execute(sql.SQL("set transaction snapshot {}").format(sql.Literal(task.snapshot)))
        return read_range(connection, task)


def read_range(connection: psycopg.Connection[Any], task: Task) -> Read | None:
    """One range, in the caller's transaction. Raises psycopg.Error."""
    before = chain.genesis(task.chain_id)
    if task.start:
        query = sql.SQL("select chain_hash from {} where position = {}")
        table, position = sql.Identifier(task.schema, "event"), sql.Literal(task.start)
        rows = connection.execute(query.format(table, position)).fetchall()
        if len(rows) != 1 or len(rows[0][0] or b"") != 32:
            return None
        before = bytes(rows[0][0])
    specials: list[tuple[int, bytes, bytes]] = []
    streams = Streams(deferred=True, number=task.number)
    streams.begin(task.window)
    derived = Derived(task.chains) if task.chains is not None else None
    walk = Walk(task.chain_id, Findings(), task.start, before)
    growth = Growth(TileRows(), task.wanted, before=task.start)
    stretch = Stretch(walk, growth, streams, derived, lambda *one: specials.append(one))
    stretch.read(connection, task.schema, task.chain_id, task.stop)
    if walk.findings.faults or walk.position != task.stop or growth.rows.size != task.stop - task.start:
        return None
    return Read(
        task, before, walk.head, growth, (stretch.first_recorded_us or 0, stretch.recorded_at_us), specials,
        list(stretch.erasures.runs()), streams.hand_over(), derived.hand_over() if derived is not None else None,
    )  # fmt: skip


def tasks(
    name: str, schema: str, window: Window, stop: int, wanted: Sequence[int], chains: tuple[str, ...] | None, number: int,
    size: int,
) -> Iterator[Task]:  # fmt: skip
    """The ranges of a chain's positions after window.start up to `stop`."""
    for start in range(window.start, stop, size):
        end = min(start + size, stop)
        inside = tuple(one for one in wanted if start < one <= end)
        mine = window._replace(start=start)
        yield Task(name, schema, window.chain_id, start, end, inside, chains, mine, number + (start - window.start) // size)
