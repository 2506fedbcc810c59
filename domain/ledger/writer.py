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

import psycopg

from domain.ledger import writing
from domain.ledger.batch import Batch, Found, Head, Written
from domain.ledger.clock import Clock, stamp
from domain.ledger.durable import on_disk
from domain.ledger.faults import Broken, Busy, ChainIsClosed, LedgerError, StorageFull, Unsettled
from domain.ledger.room import Room
from domain.ledger.submission import Appended, Receipt, Submission, answer

QUEUE_LIMIT = 4_096
BATCH_FACTS = 512
RECONNECT_FOR_S = 4.0
SETTLE_FOR_S = 30.0
TRY_EVERY_S = 1.0
TOO_BIG = "54"  # class "program limit exceeded": what was sent is at fault, not the connection


class Writer:
    """Writes to the open record chain of one tenant, or to its newest access-log chain (kind `access`). Thread-safe; `close()`
    writes what is queued, then stops."""

    def __init__(self, dsn: str, tenant: str, clock: Clock, room: Room | None = None, kind: str = "record") -> None:
        self._dsn = dsn
        self._tenant = tenant
        self._kind = kind
        self._clock = clock
        self._room = room
        self._queue: queue.SimpleQueue[Submission | None] = queue.SimpleQueue()
        self._desk: writing.Desk | None = None
        self._closed = False
        self._door = threading.Lock()
        self.fault: LedgerError | None = None
        self._last: Receipt | None = None
        self._desk = writing.Desk(dsn, tenant, kind)
        self._thread = threading.Thread(target=self._run, name=f"writer-{tenant}-{kind}", daemon=True)
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
        """Write one submission and return its place. Raises Busy, Unsettled, VersionConflict, ClaimTaken,
        StaleSubmission, ClockFault, StorageFull, Broken."""
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
        while True:
            try:  # whoever looks at `fault` sends nobody here while it stands, so the way out of it is tried without them
                first = self._queue.get(timeout=TRY_EVERY_S if self.fault is not None else None)
                break
            except queue.Empty:
                self._try_out()
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
        if written.accepted:
            self._last = written.accepted[-1][1].receipt
        answer([(submission, None, refusal) for submission, refusal in written.refused])
        answer([(submission, appended, None) for submission, appended in written.accepted])

    @staticmethod
    def _fail(batch: Sequence[Submission], problem: BaseException) -> None:
        answer([(submission, None, problem) for submission in batch])

    def _try_out(self) -> None:
        """Look whether what stopped the writer has passed."""
        try:
            self._desk = self._ready()
            self._desk.try_out(self._decide(self._desk, ()))
        except LedgerError as problem:
            self.fault = problem
            self._drop()
        except (psycopg.Error, OSError):
            self._drop()
        else:
            self.fault = None

    def _ready(self) -> writing.Desk:
        if self._room is not None:
            with on_disk():
                self._room.require()
        return self._desk or self._new_desk()

    def _new_desk(self) -> writing.Desk:
        """A new connection, to a ledger that still holds what this writer acknowledged: it may lead to a standby that was
        promoted and lacks the end, or to a backup put in place, before the signer has looked. Raises Broken."""
        desk = writing.Desk(self._dsn, self._tenant, self._kind)
        try:
            if self._last is not None and not desk.stands(self._last):
                raise Broken(
                    f"the event at {self._last.position}, which was acknowledged, is not in this database any more",
                    hint="Bring the lost events back with `dagbok log import`, or accept the loss.",
                )
        except BaseException:
            desk.close()
            raise
        return desk

    def _attempt(self, batch: Sequence[Submission]) -> Written:
        """Write the batch, over a new connection where the old one broke; an unknown outcome is settled first."""
        started = time.monotonic()
        doubt: writing.Attempt | None = None
        problem: Exception
        while True:
            try:
                # what may be written already is looked for, room or no room
                self._desk = self._ready() if doubt is None else self._desk or self._new_desk()
                if doubt is not None and self._desk.holds(doubt):
                    return doubt.written
                doubt = None
                return self._desk.write(batch, self._decide(self._desk, batch))
            except writing.OutcomeUnknown as unknown:
                doubt, problem, started = unknown.attempt, unknown, time.monotonic()
            except ChainIsClosed as closed:
                problem = closed
            except (psycopg.OperationalError, psycopg.InterfaceError, psycopg.errors.ReadOnlySqlTransaction) as trouble:
                if (trouble.sqlstate or "").startswith(TOO_BIG):
                    raise
                if isinstance(trouble, psycopg.errors.DiskFull) and doubt is None:
                    raise StorageFull(str(trouble.diag.message_primary)) from trouble
                problem = trouble
            self._drop()
            passed_s = time.monotonic() - started
            if doubt is None and passed_s > RECONNECT_FOR_S:
                raise Busy("the database cannot be written to", hint=str(problem)) from problem
            if doubt is not None and passed_s > SETTLE_FOR_S:  # neither yes nor no would be true
                raise Unsettled from problem
            time.sleep(0.05)

    def _decide(self, desk: writing.Desk, batch: Sequence[Submission]) -> writing.Decide:
        def decide(head: Head, found: Found, readings: writing.Readings) -> Batch:
            now, recorded_at_us = stamp(self._clock, readings, head.recorded_at_us)
            decided = Batch(desk.chain_id, head, found, now, recorded_at_us, self._clock.reads_database)
            for submission in batch:
                topics = desk.unknown_topics(submission)
                version = decided.take(submission, topics, desk.log_stream, desk.log_version)
                if version != desk.log_version:
                    desk.introduced(topics, version)
            return decided

        return decide

    def _drop(self) -> None:
        if self._desk is not None:
            self._desk.close()
        self._desk = None
