"""The access-log chain of a local year: beside the record chain, with its own tables, key, connection and group commit.

Reading coded material waits for one commit here, which reads at the same time share, and for nothing of the record chain: it goes
on while that one cannot be written. Where this chain cannot be written, nothing coded is shown (`AccessLogAway`).

The year is that of the local day on which a fact is noted. The first fact of a year opens its chain and closes the one before, in
one transaction; a fact noted in the last moment of a year may so stand in the next one's chain, never the other way round.
Crash points: before that transaction ends nothing is opened; after it another process finds the chain and writes on.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from domain.catalogue import Envelope
from domain.ledger.clock import LOCAL, Clock
from domain.ledger.faults import Busy, LedgerError, StaleSubmission
from domain.ledger.identity import new_id
from domain.ledger.room import Room
from domain.ledger.submission import Appended, submit
from domain.ledger.writer import Writer

KIND = "access"
TRIES = 2
OpenYear = Callable[[int], None]
Describe = Callable[[datetime], Envelope]


class AccessLogAway(Busy):
    """It cannot be written down who reads this, so nothing that has an access code is shown. The rest is readable."""

    code = "access_log.away"
    hint = "See `dagbok doctor`: the access-log chain of the year cannot be opened or written."
    retry_after_s = 5


class AccessChain:
    """Writes to a tenant's access-log chain. dsn: of the writer role; open_year: opens the chain of a year and closes the one
    before, doing nothing where it is open. Thread-safe; nothing is opened or connected before the first fact."""

    def __init__(self, dsn: str, tenant: str, clock: Clock, open_year: OpenYear, room: Room | None = None) -> None:
        self._dsn, self._tenant, self._clock, self._room = dsn, tenant, clock, room
        self._open_year = open_year
        self._door = threading.Lock()
        self._writer: Writer | None = None
        self._year = 0
        self._closed = False

    @property
    def chain_id(self) -> str:
        """The chain that was written to last; empty before the first fact of this process, and while it cannot be reached."""
        writer = self._writer
        return writer.chain_id if writer is not None else ""

    @property
    def queued(self) -> int:
        """Readings that wait for their commit."""
        writer = self._writer
        return writer.queued if writer is not None else 0

    @property
    def fault(self) -> LedgerError | None:
        """Why this chain cannot be written now, as far as this process has met it."""
        writer = self._writer
        return writer.fault if writer is not None else None

    def append(self, facts: Sequence[Any], describe: Describe, at: datetime | None = None) -> Appended:
        """Append facts of one act, each in a stream of its own; durable when this returns.

        describe: the envelope for the instant of the act; at: that instant, default now, and now again where it came too late.
        Raises AccessLogAway; TooLarge for more than 1 000 facts.
        """
        streams = [(new_id(), fact) for fact in facts]
        expect: dict[UUID, int] = {stream: 0 for stream, _ in streams}
        moment = at or self._clock.now()
        for tries in range(1, TRIES + 1):
            submission = submit(streams, describe(moment), expect, moment)
            try:
                return self._ready(moment).append(submission)
            except AccessLogAway:
                raise
            except (LedgerError, psycopg.Error, OSError) as problem:
                if tries == TRIES or not isinstance(problem, StaleSubmission):
                    raise AccessLogAway(hint=str(problem)) from problem
                moment = self._clock.now()
        raise AssertionError("unreachable: the last try returns or raises")

    def _ready(self, moment: datetime) -> Writer:
        """The writer, bound to the chain of the moment's local year or a later one."""
        year = moment.astimezone(LOCAL).year
        writer = self._writer
        if writer is not None and writer.fault is not None:  # it looks every second whether that has passed: nobody waits here
            raise AccessLogAway(hint=str(writer.fault)) from writer.fault
        if writer is not None and self._year >= year:
            return writer
        with self._door:
            if self._closed:
                raise Busy("the access log is closing")
            if self._year < year:
                self._open_year(year)
                self._year = year
            if self._writer is None:
                self._writer = Writer(self._dsn, self._tenant, self._clock, self._room, KIND)
            return self._writer

    def close(self) -> None:
        """Write what is queued and give the connection back."""
        with self._door:
            self._closed = True
            if self._writer is not None:
                self._writer.close()
