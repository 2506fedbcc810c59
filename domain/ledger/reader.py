"""Reads of the write side: one stream, a stretch of the log, a claim, the head."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, LiteralString, NamedTuple
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow
from psycopg_pool import ConnectionPool, PoolTimeout

from domain import catalogue
from domain.catalogue import Envelope
from domain.ledger.faults import Busy
from domain.ledger.patience import ended_within, patient

WAIT_S = 5.0
TRIES = 3  # a server that restarts may take down a second connection while the first is replaced
WHOLE_LOG_WITHIN_S = 3_600.0


class Recorded(NamedTuple):
    """One stored fact. fact.body is None where the body was destroyed. recorded_at_us: microseconds since 1970, UTC."""

    chain_id: str
    position: int
    recorded_at_us: int
    stream: UUID
    version: int
    topic: str
    envelope: Envelope
    fact: Any


class HeadRow(NamedTuple):
    """The end of a chain. chain_hash: 32 bytes."""

    chain_id: str
    position: int
    chain_hash: bytes
    recorded_at_us: int


class Reader:
    """Reads with the reader role. `close()` gives the connections back."""

    def __init__(self, dsn: str, tenant: str, size: int = 8) -> None:
        self.tenant = tenant
        self.pool: ConnectionPool[Any] = ConnectionPool(
            patient(dsn),
            min_size=1,
            max_size=size,
            kwargs={"autocommit": True},
            open=True,
            timeout=WAIT_S,
            reconnect_timeout=WAIT_S,  # then the next caller tries: a pool's own waits double, and outlast the trouble
        )
        self._chains: list[tuple[str, str]] = []
        self.refresh()

    def rows(
        self,
        query: sql.Composed,
        values: Sequence[object] = (),
        binary: bool = False,
        within_s: float | None = None,
    ) -> list[TupleRow]:
        """What a query gives; dead connections that a restarted server left in the pool are replaced. Raises Busy.

        within_s: how long the database may take, default 30 s.
        """
        for tries in range(1, TRIES + 1):
            try:
                return self._once(query, values, binary, within_s)
            except psycopg.OperationalError as problem:
                if tries == TRIES or isinstance(problem, PoolTimeout):
                    raise Busy("the database cannot be read", hint=str(problem)) from problem
                self.pool.drain()  # a silent line would hold a check up as it held the query up
        raise AssertionError("unreachable: the last try returns or raises")

    def _once(self, query: sql.Composed, values: Sequence[object], binary: bool, within_s: float | None) -> list[TupleRow]:
        with (
            self.pool.connection() as connection,
            ended_within(connection, within_s),
            connection.cursor(binary=binary) as cursor,
        ):
            rows: list[TupleRow] = cursor.execute(query, values).fetchall()
            return rows

    def _facts(self, schema: str, condition: LiteralString, values: Sequence[object]) -> list[TupleRow]:
        columns = sql.SQL("select position, recorded_at_us, originator_id, originator_version, topic, meta, body from {} where ")
        query = columns.format(sql.Identifier(schema, "event")) + sql.SQL(condition)
        return self.rows(query, values, binary=True)

    def refresh(self) -> None:
        """Read the list of record chains again (a chain was opened)."""
        query = sql.SQL("select chain_id, schema from {} where chain_id like '%%/record/%%' order by chain_no")
        rows = self.rows(query.format(sql.Identifier(self.tenant, "ledger_chain")))
        self._chains = [(str(row[0]), str(row[1])) for row in rows]

    @property
    def record_chains(self) -> Sequence[tuple[str, str]]:
        """(chain_id, schema) of the record chains, oldest first."""
        return tuple(self._chains)

    def stream(self, stream: UUID, after_version: int = 0) -> list[Recorded]:
        """The facts of one unit over all record chains, oldest first. Raises UnknownFact, Busy."""
        condition = "originator_id = %s and originator_version > %s order by originator_version"
        return [
            decode_row(chain_id, row)
            for chain_id, schema in self._chains
            for row in self._facts(schema, condition, (stream, after_version))
        ]

    def at(self, positions: Sequence[int]) -> list[Recorded]:
        """The facts at these positions of the open chain, in order."""
        chain_id, schema = self._chains[-1]
        rows = self._facts(schema, "position = any(%s) order by position", (list(positions),))
        return [decode_row(chain_id, row) for row in rows]

    def whole_log(self, batch: int = 2_000) -> Iterator[Recorded]:
        """Every fact of all record chains, oldest first, in batches."""
        for chain_id, schema in self._chains:
            position = 0
            while rows := self._facts(schema, "position > %s order by position limit %s", (position, batch)):
                for row in rows:
                    yield decode_row(chain_id, row)
                position = int(rows[-1][0])

    def of_topics(self, topics: Sequence[str]) -> list[Recorded]:
        """Every fact of these names over all record chains, oldest first. Reads the whole log."""
        return [
            decode_row(chain_id, row)
            for chain_id, schema in self._chains
            for row in self._facts(schema, "topic = any(%s) order by position", (list(topics),))
        ]

    def command_of(self, fact: Recorded) -> list[Recorded]:
        """All facts of the command that wrote `fact`, in order."""
        schema = dict(self._chains)[fact.chain_id]
        said, introductions = fact.envelope, len(catalogue.NAMES)  # those may stand among a command's facts
        values = (fact.position - said.n - introductions, fact.position + said.m - said.n + introductions)
        rows = self._facts(schema, "position between %s and %s order by position", values)
        return [one for row in rows if (one := decode_row(fact.chain_id, row)).envelope.cmd == fact.envelope.cmd]

    def claim(self, kind: str, key: str) -> UUID | None:
        """Who holds a key."""
        query = sql.SQL("select originator_id from {} where kind = %s and key = %s").format(
            sql.Identifier(self.tenant, "ledger_claim")
        )
        rows = self.rows(query, (kind, key))
        return rows[0][0] if rows else None

    def head(self) -> HeadRow:
        """The end of the open record chain."""
        chain_id, schema = self._chains[-1]
        query = sql.SQL("select position, chain_hash, recorded_at_us from {}").format(sql.Identifier(schema, "ledger_head"))
        row = self.rows(query)[0]
        return HeadRow(chain_id, int(row[0]), bytes(row[1]), int(row[2]))

    def log(self, after: int = 0, limit: int = 2_000) -> Iterator[Recorded]:
        """Facts of the open chain after a position, in order."""
        chain_id, schema = self._chains[-1]
        for row in self._facts(schema, "position > %s order by position limit %s", (after, limit)):
            yield decode_row(chain_id, row)

    def object_ids(self) -> list[UUID]:
        """Every document object that a fact names, over all record chains: what a sweep of the files must keep.

        Reads the whole log, whatever the projections know of it.
        """
        query = "select convert_from(meta, 'UTF8')::jsonb->'f'->>'object_id' from {} where topic like 'document.object-added.%%'"
        found: list[UUID] = []
        for _, schema in self._chains:
            rows = self.rows(sql.SQL(query).format(sql.Identifier(schema, "event")), within_s=WHOLE_LOG_WITHIN_S)
            found.extend(UUID(row[0]) for row in rows)
        return found

    def close(self) -> None:
        """Close the pool."""
        self.pool.close()


def decode_row(chain_id: str, row: TupleRow) -> Recorded:
    """(position, recorded_at_us, originator_id, originator_version, topic, meta, body) -> Recorded."""
    position, recorded_at_us, stream, version, topic, meta, body = row
    envelope, fact = catalogue.decode(str(topic), bytes(meta), None if body is None else bytes(body))
    return Recorded(chain_id, int(position), int(recorded_at_us), stream, int(version), str(topic), envelope, fact)
