"""What a projection is, what it gets to write with, and what is kept of an error that it meets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol
from uuid import UUID

import psycopg
from psycopg import sql

from domain.catalogue import UnknownFact
from domain.ledger.reader import Recorded

Erased = Callable[[str, int], bool]


def connection_lost(problem: BaseException) -> bool:
    """Whether the database is out of reach; class 54 ("program limit exceeded") is a fact's own fault, under the same class."""
    known = isinstance(problem, psycopg.OperationalError | psycopg.InterfaceError)
    return known and not (getattr(problem, "sqlstate", None) or "").startswith("54")


class Projection(Protocol):
    """A module that answers one question.

    NAME: schema suffix; VERSION: raised with each change of shape; DDL: its tables as SQL, in {schema}; TABLES: (table, key);
    FAIL_CLOSED: whether one bad fact stops the whole projection.
    """

    NAME: str
    VERSION: int
    DDL: str
    TABLES: Sequence[tuple[str, str]]
    FAIL_CLOSED: bool

    def apply(self, batch: Sequence[Recorded], tx: Transaction) -> None:
        """Apply facts in order inside the transaction."""
        ...


class Log(Protocol):
    """The log as a follower sees it while it is at a chain."""

    def streams_at(self, positions: Sequence[range]) -> list[UUID]:
        """The units whose facts stand at these positions of the chain followed now."""
        ...

    def stream(self, stream: UUID, erased: Erased, up_to: int) -> list[Recorded]:
        """A unit's facts up to a position, without the bodies that are erased."""
        ...


class Transaction:
    """What a projection gets to write with: the connection, its own schema, and the log to read a stream again from."""

    def __init__(self, connection: psycopg.Connection, schema: str, log: Log) -> None:
        self.connection = connection
        self.schema = schema
        self._log = log

    def table(self, name: str) -> sql.Identifier:
        """A table of the projection."""
        return sql.Identifier(self.schema, name)

    def streams_at(self, positions: Sequence[range]) -> list[UUID]:
        """The units whose facts stand at these positions of the chain followed now."""
        return self._log.streams_at(positions)

    def stream(self, stream: UUID, erased: Erased, up_to: int) -> list[Recorded]:
        """A unit's facts up to a position, bodies left out where `erased(chain_id, position)` says so."""
        return self._log.stream(stream, erased, up_to)


def said(problem: Exception) -> str:
    """What is kept of an error. Its details can quote a record, which would outlive the record's destruction."""
    if isinstance(problem, psycopg.Error):
        return f"{type(problem).__name__}: {problem.diag.message_primary}"[:1000]
    return f"{type(problem).__name__}: {problem}"[:1000] if isinstance(problem, UnknownFact) else type(problem).__name__
