"""The one writer of a chain in this process: group commit under the head row.

The batch is what queued up during the commit before; there is no timer. Two processes may write one chain: the head row
serialises them. Crash points: before COMMIT nothing is written; after COMMIT all is, and a caller that heard nothing is
answered by comparing the chain hash at the batch's last position.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime

import psycopg

from domain.ledger import writing
from domain.ledger.batch import Batch, Found, Head, Written
from domain.ledger.clock import SKEW_LIMIT, Clock
from domain.ledger.faults import Busy, ChainIsClosed, ClockFault, LedgerError, Unsettled
from domain.ledger.submission import Appended, Submission, answer

QUEUE_LIMIT = 4_096
BATCH_FACTS = 512
RECONNECT_FOR_S = 4.0
SETTLE_FOR_S = 30.0
TOO_BIG = "54"  # class "program limit exceeded": what was sent is at fault, not the connection


class Writer:
    """Writes to the open record chain of one tenant. Thread-safe; `close()` writes what is queued, then stops."""

    def __init__(self, dsn: str, tenant: str, clock: Clock) -> None:
        self._dsn = dsn
        self._tenant = tenant
        self._clock = clock
        self._queue: queue.SimpleQueue[Submission | None] = queue.SimpleQueue()
        self._desk: writing.Desk | None = None
        self._closed = False
        self._door = threading.Lock()
        self.fault: LedgerError | None = None
        self._desk = writing.Desk(dsn, tenant)
        self._thread = threading.Thread(target=self._run, name=f"writer-{tenant}", daemon=True)
        self._thread.start()

    @property
    def chain_id(self) -> str:
        """The chain that is written to now."""
        desk = self._desk
        return desk.chain_id if desk is not None else ""

    @property
    def queued(self) -> int:
        """Submissions that wait."""
        return self._queue.qsize()

    def append(self, submission: Submission) -> Appended:
        """Write one submission and return its place. Raises Busy, VersionConflict, ClaimTaken, StaleSubmission, ClockFault."""
        with self._door:  # else a submission could come in behind the one that closes, and wait for ever
            if self._closed:
                raise Busy("the writer is stopping")
            if self._queue.qsize() >= QUEUE_LIMIT:
                raise Busy
            self._queue.put(submission)
        return submission.wait()

    def close(self) -> None:
        """Stop after what is queued."""
        with self._door:
            if self._closed:
                return
            self._closed = True
            self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        while True:
            batch, last = self._next_batch()
            if batch:
                self._write(batch)
            if last:
                break
        if self._desk is not None:
            self._desk.close()

    def _next_batch(self) -> tuple[list[Submission], bool]:
        first = self._queue.get()
        if first is None:
            return [], True
        batch, facts = [first], len(first.rows)
        while facts < BATCH_FACTS:
            try:
                following = self._queue.get_nowait()
            except queue.Empty:
                break
            if following is None:
                return batch, True
            batch.append(following)
            facts += len(following.rows)
        return batch, False

    def _write(self, batch: Sequence[Submission]) -> None:
        # Whatever happens here, every caller is answered: a dead writer thread would freeze them all.
        try:
            written = self._attempt(batch)
        except LedgerError as problem:
            self.fault = problem
            self._fail(batch, problem)
            return
        except Exception as problem:
            if len(batch) > 1:  # one submission's data may be at fault: only that one fails
                for submission in batch:
                    self._write([submission])
                return
            said = problem.diag.message_primary if isinstance(problem, psycopg.Error) else None
            self._fail(batch, LedgerError(f"the write was refused: {said or repr(problem)}"))
            return
        self.fault = None
        answer([(submission, None, refusal) for submission, refusal in written.refused])
        answer([(submission, appended, None) for submission, appended in written.accepted])

    @staticmethod
    def _fail(batch: Sequence[Submission], problem: BaseException) -> None:
        answer([(submission, None, problem) for submission in batch])

    def _attempt(self, batch: Sequence[Submission]) -> Written:
        """Write the batch, over a new connection where the old one broke; an unknown outcome is settled first."""
        started = time.monotonic()
        doubt: writing.Attempt | None = None
        problem: Exception
        while True:
            try:
                if self._desk is None:
                    self._desk = writing.Desk(self._dsn, self._tenant)
                if doubt is not None and self._desk.holds(doubt):
                    return doubt.written
                doubt = None
                return self._once(self._desk, batch)
            except writing.OutcomeUnknown as unknown:
                doubt, problem = unknown.attempt, unknown
            except ChainIsClosed as closed:
                problem = closed
            except (psycopg.OperationalError, psycopg.InterfaceError) as trouble:
                if (trouble.sqlstate or "").startswith(TOO_BIG):
                    raise
                problem = trouble
            self._drop()
            passed_s = time.monotonic() - started
            if doubt is None and passed_s > RECONNECT_FOR_S:
                raise Busy("the database cannot be written to", hint=str(problem)) from problem
            if doubt is not None and passed_s > SETTLE_FOR_S:  # neither yes nor no would be true
                raise Unsettled from problem
            time.sleep(0.05)

    def _once(self, desk: writing.Desk, batch: Sequence[Submission]) -> Written:
        def decide(head: Head, found: Found, database_now: datetime | None) -> Batch:
            now = self._clock.now()
            recorded_at_us = self._stamp(
                now, now if database_now is None else self._clock.database(database_now), head.recorded_at_us
            )
            decided = Batch(desk.chain_id, head, found, now, recorded_at_us, self._clock.reads_database)
            for submission in batch:
                topics = desk.unknown_topics(submission)
                version = decided.take(submission, topics, desk.log_stream, desk.log_version)
                if version != desk.log_version:
                    desk.introduced(topics, version)
            return decided

        return desk.write(batch, decide)

    def _stamp(self, now: datetime, database_now: datetime, head_us: int) -> int:
        """recorded_at in microseconds, or ClockFault: a time is never invented (CONTRACT §2)."""
        if not self._clock.steady():
            raise ClockFault("the machine's clock has jumped")
        if abs(now - database_now) > SKEW_LIMIT:
            raise ClockFault(f"application and database clocks differ by {abs(now - database_now).total_seconds():.1f} s")
        now_us = int((now - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1_000_000)
        if now_us < head_us - SKEW_LIMIT.total_seconds() * 1_000_000:
            raise ClockFault(f"the clock is {(head_us - now_us) / 1_000_000:.1f} s behind the last event")
        return max(now_us, head_us)

    def _drop(self) -> None:
        if self._desk is not None:
            self._desk.close()
        self._desk = None
