"""The event library's recorder interface over our event table: what its tests and its notification log ask of a store.

A stored event's `state` is u32 length of meta (big-endian) ‖ meta ‖ body. Facts come encoded, so they take no number and claim
no key; handlers use `Ledger.append`. Deviations from the library's own recorders: docs/adr/0014.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import psycopg
from eventsourcing import persistence as library
from eventsourcing.persistence import ApplicationRecorder, Notification, StoredEvent, Subscription
from psycopg import sql

from domain import catalogue
from domain.catalogue import UnknownFact
from domain.ledger.clock import Clock
from domain.ledger.faults import LedgerError, TooLarge, VersionConflict
from domain.ledger.reader import Reader
from domain.ledger.submission import Row, salted_row, submit_rows
from domain.ledger.writer import Writer

POLL_S = 0.05
PAGE = 500


class LedgerRecorder(ApplicationRecorder):
    """Records in the tenant's open record chain. notification id = position; versions of a stream run 1, 2, … without a gap."""

    def __init__(self, writer: Writer, reader: Reader, clock: Clock) -> None:
        self._writer = writer
        self._reader = reader
        self._clock = clock

    def insert_events(self, stored_events: Sequence[StoredEvent], **kwargs: Any) -> Sequence[int]:  # noqa: ARG002
        """Append all or none and return their positions; at most 1 000.

        Raises the library's IntegrityError where a version is taken or out of turn, DataError for a state or an id of another
        shape, OperationalError where the ledger cannot write now.
        """
        if not stored_events:
            return []
        with _library_errors():
            rows: list[Row] = []
            expect: dict[UUID, int] = {}
            latest: dict[UUID, int] = {}
            for event in stored_events:
                row = _row(event)
                stream = row.originator_id
                if row.version != latest.setdefault(stream, row.version - 1) + 1:
                    raise VersionConflict(stream, latest[stream] + 1, row.version)
                expect.setdefault(stream, row.version - 1)
                latest[stream] = row.version
                rows.append(row)
            appended = self._writer.append(submit_rows(rows, expect, self._clock.now()))
        last = appended.receipt.position
        return range(last - len(rows) + 1, last + 1)

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        """One stream over all record chains, versions above `gt` up to `lte`; an event whose body was destroyed has none."""
        one = sql.SQL("select originator_id, originator_version, topic, meta, body from {}")
        chains = [one.format(sql.Identifier(schema, "event")) for _, schema in self._reader.record_chains]
        query = sql.SQL(
            "select originator_id, originator_version, topic, meta, body from ({}) e where originator_id = %s"
            " and originator_version > %s and originator_version <= %s order by originator_version {} limit %s"
        ).format(sql.SQL(" union all ").join(chains), sql.SQL("desc" if desc else "asc"))
        values = (originator_id, -1 if gt is None else gt, 2**62 if lte is None else lte, limit)
        with _library_errors():
            rows = self._reader.rows(query, values)
        return [StoredEvent(row[0], int(row[1]), str(row[2]), join(bytes(row[3]), row[4])) for row in rows]

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        """Facts of the open record chain in its order, from `start` (after it unless inclusive) up to `stop`."""
        schema = self._reader.record_chains[-1][1]
        query = sql.SQL(
            "select originator_id, originator_version, topic, meta, body, position from {}"
            " where position >= %s and position <= %s and (%s::text[] = '{{}}' or topic = any(%s)) order by position limit %s"
        ).format(sql.Identifier(schema, "event"))
        first = 1 if start is None else start if inclusive_of_start else start + 1
        wanted = list(topics)
        with _library_errors():
            rows = self._reader.rows(query, (first, 2**62 if stop is None else stop, wanted, wanted, limit))
        return [Notification(row[0], int(row[1]), str(row[2]), join(bytes(row[3]), row[4]), id=int(row[5])) for row in rows]

    def max_notification_id(self) -> int | None:
        """The last position of the open record chain; never None, since a chain opens with a fact."""
        with _library_errors():
            return self._reader.head().position

    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> Subscription[ApplicationRecorder]:
        """Facts after position `gt` as they are recorded; polls, so that it works on a replica too."""
        return PollingSubscription(self, gt, topics)


class PollingSubscription(Subscription[ApplicationRecorder]):
    """Yields pages of 500; at the end of the log it looks again each 50 ms until it is stopped."""

    def __init__(
        self,
        recorder: ApplicationRecorder,
        gt: int | None = None,
        topics: Sequence[str] = (),
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__(recorder, gt, topics)
        self._sleep = sleep
        self._page: Iterator[Notification] = iter(())

    def __next__(self) -> Notification:
        """The next fact; StopIteration once the subscription is stopped."""
        while not self._has_been_stopped:
            for notification in self._page:
                self._last_notification_id = notification.id
                return notification
            found = self._recorder.select_notifications(
                self._last_notification_id, PAGE, topics=self._topics, inclusive_of_start=self._last_notification_id is None
            )
            self._page = iter(found)
            if not found:
                self._sleep(POLL_S)
        raise StopIteration


def join(meta: bytes, body: bytes | None) -> bytes:
    """The library's state: u32 length of meta ‖ meta ‖ body. A destroyed body reads as an empty one."""
    return len(meta).to_bytes(4, "big") + meta + (b"" if body is None else bytes(body))


def split(state: bytes) -> tuple[bytes, bytes]:
    """meta and body of a state. ValueError where it is too short."""
    end = 4 + int.from_bytes(state[:4], "big")
    if len(state) < 4 or end > len(state):
        raise ValueError("a state is u32 length of meta, meta, body")
    return state[4:end], state[end:]


def _row(event: StoredEvent) -> Row:
    if not isinstance(event.originator_id, UUID):
        raise ValueError("an originator_id is a UUID")
    if event.originator_version < 1:
        raise VersionConflict(event.originator_id, 1, event.originator_version)
    meta, body = split(event.state)
    catalogue.decode_envelope(meta)  # without one nobody could say who wrote it, and every reader of the log would stop there
    return salted_row(event.originator_id, event.originator_version, event.topic, meta, body)


@contextmanager
def _library_errors() -> Iterator[None]:
    try:
        yield
    except VersionConflict as problem:
        raise library.IntegrityError(str(problem)) from problem
    except (ValueError, UnknownFact, TooLarge) as problem:
        raise library.DataError(str(problem)) from problem
    except (LedgerError, psycopg.Error) as problem:
        raise library.OperationalError(str(problem)) from problem
