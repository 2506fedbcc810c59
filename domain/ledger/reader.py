"""Reads of the write side: one stream, a stretch of the log, a claim, the head."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from psycopg import sql
from psycopg.rows import TupleRow
from psycopg_pool import ConnectionPool

from domain import catalogue
from domain.catalogue import Envelope


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
        self.pool: ConnectionPool[Any] = ConnectionPool(dsn, min_size=1, max_size=size, kwargs={"autocommit": True}, open=True, timeout=5)
        self._chains: list[tuple[str, str]] = []
        self.refresh()

    def refresh(self) -> None:
        """Read the list of record chains again (a chain was opened)."""
        query = sql.SQL("select chain_id, schema from {} where chain_id like '%%/record/%%' order by chain_no")
        with self.pool.connection() as connection:
            rows = connection.execute(query.format(sql.Identifier(self.tenant, "ledger_chain"))).fetchall()
        self._chains = [(str(row[0]), str(row[1])) for row in rows]

    @property
    def record_chains(self) -> Sequence[tuple[str, str]]:
        """(chain_id, schema) of the record chains, oldest first."""
        return tuple(self._chains)

    def stream(self, stream: UUID, after_version: int = 0) -> list[Recorded]:
        """The facts of one unit over all record chains, oldest first. Raises UnknownFact."""
        found: list[Recorded] = []
        with self.pool.connection() as connection, connection.cursor(binary=True) as cursor:
            for chain_id, schema in self._chains:
                rows = cursor.execute(
                    sql.SQL(
                        "select position, recorded_at_us, originator_id, originator_version, topic, meta, body from {}"
                        " where originator_id = %s and originator_version > %s order by originator_version"
                    ).format(sql.Identifier(schema, "event")),
                    (stream, after_version),
                ).fetchall()
                found.extend(decode_row(chain_id, row) for row in rows)
        return found

    def at(self, positions: Sequence[int]) -> list[Recorded]:
        """The facts at these positions of the open chain, in order."""
        chain_id, schema = self._chains[-1]
        with self.pool.connection() as connection:
            rows = connection.execute(
                sql.SQL(
                    "select position, recorded_at_us, originator_id, originator_version, topic, meta, body from {}"
                    " where position = any(%s) order by position"
                ).format(sql.Identifier(schema, "event")),
                (list(positions),),
            ).fetchall()
        return [decode_row(chain_id, row) for row in rows]

    def claim(self, kind: str, key: str) -> UUID | None:
        """Who holds a key."""
        query = sql.SQL("select originator_id from {} where kind = %s and key = %s").format(sql.Identifier(self.tenant, "ledger_claim"))
        with self.pool.connection() as connection:
            row = connection.execute(query, (kind, key)).fetchone()
        return row[0] if row else None

    def head(self) -> HeadRow:
        """The end of the open record chain."""
        chain_id, schema = self._chains[-1]
        query = sql.SQL("select position, chain_hash, recorded_at_us from {}").format(sql.Identifier(schema, "ledger_head"))
        with self.pool.connection() as connection:
            row = connection.execute(query).fetchone()
        assert row is not None
        return HeadRow(chain_id, int(row[0]), bytes(row[1]), int(row[2]))

    def log(self, after: int = 0, limit: int = 2_000) -> Iterator[Recorded]:
        """Facts of the open chain after a position, in order."""
        chain_id, schema = self._chains[-1]
        with self.pool.connection() as connection, connection.cursor(binary=True) as cursor:
            cursor.execute(
                sql.SQL(
                    "select position, recorded_at_us, originator_id, originator_version, topic, meta, body from {}"
                    " where position > %s order by position limit %s"
                ).format(sql.Identifier(schema, "event")),
                (after, limit),
            )
            for row in cursor:
                yield decode_row(chain_id, row)

    def close(self) -> None:
        """Close the pool."""
        self.pool.close()


def decode_row(chain_id: str, row: TupleRow) -> Recorded:
    """(position, recorded_at_us, originator_id, originator_version, topic, meta, body) -> Recorded."""
    position, recorded_at_us, stream, version, topic, meta, body = row
    envelope, fact = catalogue.decode(str(topic), bytes(meta), None if body is None else bytes(body))
    return Recorded(chain_id, int(position), int(recorded_at_us), stream, int(version), str(topic), envelope, fact)
