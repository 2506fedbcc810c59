"""The writer's desk: its own connection, and the two ways in which a batch reaches the chain.

The short way: the writer knows the head from its last batch, decides at once, and `ledger_append` writes only if that was
true. The long way, where it was not: lock the head row, look up what the batch meets, decide, write, commit.
"""

from __future__ import annotations

import select
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, LiteralString, cast
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.pq import ConnStatus, ExecStatus, Format
from psycopg.rows import TupleRow

from domain import catalogue, chain
from domain.ledger import patience
from domain.ledger.arrays import byteas, hashes, int8, int8s, texts, timestamptz, uuids
from domain.ledger.batch import Batch, Found, Head, Written
from domain.ledger.faults import ChainIsClosed, ClaimTaken, LedgerError, Stopped, Unsafe
from domain.ledger.statements import Statements
from domain.ledger.submission import Receipt, Submission
from domain.model.chain_log import ChainClosed, FactTypeIntroduced

LOCK_TIMEOUT_MS = 20_000  # less than a silent line is waited for
GONE_WITHIN_MS = 5_000
CLOCK_READINGS = 3
LAST_WORDS = 16  # what a server may have said unasked before it went
KEY_TAKEN = "DB001"
_APPEND = b"ledger_append"
Readings = Iterable[datetime]
Decide = Callable[[Head, Found, Readings], Batch]
Session = tuple[int, datetime]  # process id, and when it began: a number is used again


@dataclass(frozen=True, slots=True)
class Attempt:
    """A batch that was sent to be committed: over which session, the schema of its chain, its last position and hash there."""

    session: Session
    schema: str
    position: int
    chain_hash: bytes
    written: Written


class OutcomeUnknown(LedgerError):
    """The connection broke at COMMIT; the batch may or may not be written."""

    def __init__(self, attempt: Attempt) -> None:
        self.attempt = attempt
        super().__init__()


class Desk:
    """A direct connection as the writer role, bound to the newest chain of a kind. Raises Unsafe, psycopg.OperationalError."""

    def __init__(self, dsn: str, tenant: str, kind: str = "record") -> None:
        self._connection = psycopg.connect(patience.patient(dsn), autocommit=True, prepare_threshold=1)
        self._line = patience.Line(self._connection.pgconn)
        self._told: list[str | None] = []
        self._connection.add_notice_handler(lambda told: self._told.append(told.severity_nonlocalized))
        try:
            with self._line.within(patience.ANSWER_WITHIN_S):
                self._open(tenant, kind)
        except BaseException:
            self.close()
            raise

    def _open(self, tenant: str, kind: str) -> None:
        self._check_settings()
        query = sql.SQL("select chain_no, chain_id, schema from {} where chain_id like %s order by chain_no")
        rows = self._connection.execute(query.format(sql.Identifier(tenant, "ledger_chain")), (f"%/{kind}/%",)).fetchall()
        if not rows:
            raise LedgerError(f"tenant {tenant} has no {kind} chain", hint="Run `dagbok init`.")
        self.chain_no, self.chain_id, self._schema = int(rows[-1][0]), str(rows[-1][1]), str(rows[-1][2])
        self._statements = Statements(tenant, self._schema, [str(row[2]) for row in (rows if kind == "record" else rows[-1:])])
        self._prepare()
        self._head: Head | None = None
        self._counters: dict[str, int] = {}
        self._read_log_stream()

    def _require_unwarned(self) -> None:
        """A commit whose wait for the synchronous standby was called off succeeds, with a warning: it stands here alone."""
        if "WARNING" in self._told:
            self._connection.close()
            raise psycopg.OperationalError("the commit was answered with a warning")

    def _prepare(self) -> None:
        result = self._connection.pgconn.prepare(_APPEND, self._statements.append.as_bytes(self._connection))
        if result.status != ExecStatus.COMMAND_OK:
            raise psycopg.errors.error_from_result(result, encoding="utf-8")

    def _check_settings(self) -> None:
        """An acknowledged event must survive a power cut, whatever the server's defaults are."""
        connection = self._connection
        row = connection.execute(
            "select backend_start from pg_stat_activity where pid = pg_backend_pid() and usename = current_user"
        ).fetchone()
        assert row is not None
        self._session: Session = connection.info.backend_pid, row[0]
        connection.execute("set synchronous_commit = on")
        connection.execute("set idle_in_transaction_session_timeout = '10s'")
        connection.execute(sql.SQL("set lock_timeout = {}").format(sql.Literal(LOCK_TIMEOUT_MS)))
        for setting in ("fsync", "full_page_writes"):
            row = connection.execute(sql.SQL("show {}").format(sql.Identifier(setting))).fetchone()
            if row is None or row[0] != "on":
                raise Unsafe(f"the database runs with {setting}=off", hint=f"Set {setting}=on and restart PostgreSQL.")

    def _read_log_stream(self) -> None:
        """The chain's own facts: its stream, how far it has come, the topics introduced, and whether the chain was closed."""
        rows = self._connection.execute(self._statements.log_stream).fetchall()
        if not rows:
            raise LedgerError("the chain has no first fact", hint="Run `dagbok init`.")
        self.log_stream: UUID = rows[0][0]
        self.log_version = int(rows[-1][1])
        topics = set(catalogue.FORMAT_TOPICS)
        self._ended = False
        for _, _, topic, meta in rows:
            fact = catalogue.decode(str(topic), bytes(meta), None)[1]
            if isinstance(fact, FactTypeIntroduced):
                topics.add(fact.topic)
            self._ended = isinstance(fact, ChainClosed)
        self._topics = frozenset(topics)

    def unknown_topics(self, submission: Submission) -> list[str]:
        """Topics of the submission not yet introduced in this chain, in order of first use."""
        return [topic for topic in submission.topics if topic not in self._topics]

    def introduced(self, topics: Sequence[str], version: int) -> None:
        """Remember that these topics stand in the batch."""
        self._topics = self._topics.union(topics)  # a new set: `write` goes back to the old one where the batch fails
        self.log_version = version

    def write(self, batch: Sequence[Submission], decide: Decide) -> Written:
        """Write the batch by the short way where it holds, else by the long one. Raises OutcomeUnknown, ChainIsClosed."""
        with self._line.within(patience.ANSWER_WITHIN_S):
            self._require_line()
            return self._write(batch, decide)

    def _require_line(self) -> None:
        """A session that ended while nobody wrote is found before a batch is sent over it, which would leave that in doubt."""
        link, poll = self._connection.pgconn, select.poll()
        poll.register(link.socket, select.POLLIN)
        for _ in range(LAST_WORDS):
            if not poll.poll(0):
                return
            link.consume_input()  # raises at the end of the line

    def _write(self, batch: Sequence[Submission], decide: Decide) -> Written:
        known = self.log_version, self._topics
        try:
            written = self._short_way(batch, decide)
            if written is None:
                self._head = None
                self.log_version, self._topics = known
                written = self._long_way(batch, decide)
            return written
        except BaseException:
            with suppress(psycopg.Error):
                self._rollback()
            # what was introduced on paper is not in the chain: a topic believed to be there would be used without its schema
            self._head = None
            self.log_version, self._topics = known
            raise

    def _short_way(self, batch: Sequence[Submission], decide: Decide) -> Written | None:
        found = None if self._head is None else self._assumed(batch)
        if self._head is None or found is None:
            return None
        decided = decide(self._head, found, ())
        return decided.written if not decided.written.refused and self._sent(decided) else None

    def _assumed(self, batch: Sequence[Submission]) -> Found | None:
        """What the batch expects to meet, if it does not contradict itself; ledger_append checks it."""
        versions: dict[UUID, int] = {}
        for submission in batch:
            for stream, version in submission.expect.items():
                versions.setdefault(stream, version)
            if any(number.series not in self._counters for number in submission.numbers):
                return None
        return Found(versions, {}, dict(self._counters))

    def _sent(self, batch: Batch) -> bool:
        if not batch.written.rows:
            return True
        try:
            done = self._guarded(batch, lambda: self._append(batch, guard=True))
        except psycopg.errors.DatabaseError as problem:
            if problem.sqlstate == KEY_TAKEN:
                return False
            raise
        if not done:
            return False
        self._counters.update(batch.written.counters)
        self._remember(batch)
        return True

    def _long_way(self, batch: Sequence[Submission], decide: Decide) -> Written:
        head, found, now = self._look(batch)
        decided = decide(head, found, self._readings(now))
        # only the series looked up just now are surely as the head says: another process may have moved the others on
        self._counters = dict(found.counters)
        if not decided.written.rows:
            self._rollback()
            self._head = head
        else:
            try:
                done = self._guarded(decided, lambda: self._send(decided))
            except psycopg.errors.DatabaseError as problem:
                if problem.sqlstate != KEY_TAKEN or len(batch) > 1:
                    raise
                self._rollback()
                return self._numbered_key_taken(batch[0], decided)
            if not done:  # a chain was opened since we looked; nothing was written
                raise ChainIsClosed
            self._remember(decided)
        return decided.written

    def _readings(self, first: datetime) -> Iterator[datetime]:
        """The database's clock: as it was read under the head lock, then anew, in case that answer was long under way."""
        yield first
        for _ in range(CLOCK_READINGS - 1):
            row = self._ask(self._statements.now, (self.chain_no,)).fetchone()
            assert row is not None
            yield row[0]

    def try_out(self, decide: Decide) -> None:
        """Do all that a batch needs short of writing one: raises what would stop it."""
        with self._line.within(patience.ANSWER_WITHIN_S):
            try:
                head, found, now = self._look(())
                decide(head, found, self._readings(now))
            finally:
                self._head = None
                with suppress(psycopg.Error):
                    self._rollback()

    def _send(self, batch: Batch) -> bool:
        done = self._append(batch, guard=False)
        self._connection.execute("commit")
        self._require_unwarned()
        return done

    def _rollback(self) -> None:
        """Straight through libpq: psycopg answers a rollback that it sees with DEALLOCATE ALL."""
        with self._connection.lock:
            if self._connection.pgconn.transaction_status != psycopg.pq.TransactionStatus.IDLE:
                self._connection.pgconn.exec_(b"rollback")

    def _append(self, batch: Batch, guard: bool) -> bool:
        """Call ledger_append, straight through libpq: the interpreter lock is given up once. Through psycopg's own loop it is
        given up three times a call, and each time the writer has to wait until the waiting callers have had their turn."""
        link, arguments = self._connection.pgconn, self._arguments(batch, guard)
        with self._connection.lock:
            result = link.exec_prepared(_APPEND, cast(Any, arguments), [Format.BINARY] * len(arguments), Format.BINARY)
        if link.status != ConnStatus.OK:
            raise psycopg.OperationalError(result.error_message.decode(errors="replace"))
        if result.status != ExecStatus.TUPLES_OK:
            raise psycopg.errors.error_from_result(result, encoding="utf-8")
        self._require_unwarned()
        return result.get_value(0, 0) == b"\x01"

    def _numbered_key_taken(self, submission: Submission, decided: Batch) -> Written:
        """Which key it was: one that holds a number cannot be looked up before the number is given."""
        claims = list(decided.written.claims)
        rows = self._ask(self._statements.claims, ([kind for kind, _ in claims], [key for _, key in claims])).fetchall()
        kind, key, owner = next(row for row in rows if (str(row[0]), str(row[1])) not in decided.written.released)
        return Written(refused=[(submission, ClaimTaken(str(kind), str(key), owner))])

    def _guarded(self, batch: Batch, send: Callable[[], bool]) -> bool:
        try:
            return send()
        except psycopg.Error as problem:
            if self._connection.broken or self._connection.closed:
                raise OutcomeUnknown(
                    Attempt(self._session, self._schema, batch.position, batch.chain_hash, batch.written)
                ) from problem
            raise

    def _remember(self, batch: Batch) -> None:
        self._head = Head(batch.position, batch.chain_hash, batch.frontier(), batch.recorded_at_us)

    def _look(self, batch: Sequence[Submission]) -> tuple[Head, Found, datetime]:
        statements, ask = self._statements, self._ask
        streams = list({stream for one in batch for stream in one.expect})
        claims = [(kind, key) for one in batch for kind, key, _ in one.claims if isinstance(key, str)]
        series = list({number.series for one in batch for number in one.numbers})
        with self._connection.pipeline():
            ask("begin")
            heads = ask(statements.head)
            versions = ask(statements.versions, (streams,))
            taken = ask(statements.claims, ([kind for kind, _ in claims], [key for _, key in claims]))
            counters = ask(statements.counters, (series,))
            now_cursor = ask(statements.now, (self.chain_no,))
        position, chain_hash, frontier, recorded_at_us = heads.fetchone() or (0, b"", b"", 0)
        row = now_cursor.fetchone()
        assert row is not None
        now, newer, log_version, stopped = row
        if stopped is not None:
            raise Stopped(f"the ledger is read-only: {stopped}")
        if log_version != self.log_version:  # another process introduced topics, or closed the chain
            self._read_log_stream()
        if newer or self._ended:
            raise ChainIsClosed
        found = Found(
            {row[0]: int(row[1]) for row in versions},
            {(str(row[0]), str(row[1])): row[2] for row in taken},
            dict.fromkeys(series, 0) | {str(row[0]): int(row[1]) for row in counters},
        )
        return Head(position, bytes(chain_hash), chain.Frontier.decode(bytes(frontier)), recorded_at_us), found, now

    def _ask(self, query: LiteralString | sql.Composed, parameters: Sequence[object] = ()) -> psycopg.Cursor[TupleRow]:
        return self._connection.cursor(binary=True).execute(query, parameters)

    @staticmethod
    def _arguments(batch: Batch, guard: bool) -> list[bytes | None]:
        written, head = batch.written, batch.head
        rows = written.rows
        reads = batch.reads() if guard else {}
        return [
            int8(head.position),
            head.chain_hash,
            int8(batch.position),
            batch.chain_hash,
            batch.frontier().encode(),
            int8(batch.recorded_at_us),
            timestamptz(batch.now) if guard and batch.database_clock else None,
            uuids(list(reads.keys())),
            int8s(list(reads.values())),
            texts([kind for kind, _ in written.claims]),
            texts([key for _, key in written.claims]),
            uuids(list(written.claims.values())),
            texts([kind for kind, _ in written.released]),
            texts([key for _, key in written.released]),
            texts(list(written.counters)),
            int8s(list(written.counters.values())),
            int8s(range(head.position + 1, batch.position + 1)),
            uuids([row.originator_id for row in rows]),
            int8s([row.version for row in rows]),
            texts([row.topic for row in rows]),
            hashes([row.meta_salt for row in rows]),
            byteas([row.meta for row in rows]),
            hashes([row.meta_commit for row in rows]),
            hashes([row.body_salt for row in rows]),
            byteas([row.body for row in rows]),
            hashes([row.body_commit for row in rows]),
            hashes(written.leaves),
            hashes(written.chain_hashes),
        ]

    def holds(self, attempt: Attempt) -> bool:
        """Whether the attempted batch is in the chain: its chain hash stands at its last position.

        The session that it went over is ended first. Its bytes may still be on their way to the server, and a batch that is
        written after it was looked for would be taken for another command's.
        """
        with self._line.within(patience.ANSWER_WITHIN_S):
            self._end(attempt.session)
            return self._found(attempt)

    def stands(self, receipt: Receipt) -> bool:
        """Whether what was acknowledged is still there; what stands in an earlier chain is not looked for."""
        if receipt.chain_id != self.chain_id:
            return True
        there = sql.SQL("select chain_hash from {} where position = %s").format(sql.Identifier(self._schema, "event"))
        row = self._connection.execute(there, (receipt.position,)).fetchone()
        return row is not None and bytes(row[0]) == receipt.chain_hash

    def _end(self, session: Session) -> None:
        ended = self._connection.execute(
            "select pg_terminate_backend(pid, %s) from pg_stat_activity"
            " where pid = %s and backend_start = %s and usename = current_user",
            (GONE_WITHIN_MS, *session),
        ).fetchone()
        if ended is not None and not ended[0]:
            raise psycopg.OperationalError("the session that broke off has not ended yet")

    def _found(self, attempt: Attempt) -> bool:
        head = sql.SQL("select 1 from {} for update").format(sql.Identifier(attempt.schema, "ledger_head"))
        there = sql.SQL("select chain_hash from {} where position = %s").format(sql.Identifier(attempt.schema, "event"))
        with self._connection.transaction():  # the head lock: an attempt that is still committing ends first
            self._connection.execute(head)
            row = self._connection.execute(there, (attempt.position,)).fetchone()
        self._require_unwarned()
        return row is not None and bytes(row[0]) == attempt.chain_hash

    def close(self) -> None:
        """Close the connection."""
        with suppress(psycopg.Error):
            self._connection.close()
        self._line.close()
