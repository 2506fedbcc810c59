"""What the log itself says at a position: hashes for an acknowledgement, the facts of one command, the newest checkpoint."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from psycopg import sql

from domain.ledger.reader import Reader, Recorded, decode_row
from domain.ledger.submission import Receipt
from domain.model.errors import NotFound


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The newest signed checkpoint of the open chain. size: events covered; covers_until: when the last of them was recorded."""

    size: int
    root: bytes
    note: str
    covers_until: datetime


def receipt_at(reader: Reader, position: int, chain_id: str | None = None) -> Receipt:
    """The acknowledgement of an event that stands at `position` (of the open chain, where none is named). Raises NotFound."""
    name, schema = chain_of(reader, chain_id)
    query = sql.SQL("select leaf_hash, chain_hash from {} where position = %s").format(sql.Identifier(schema, "event"))
    with reader.pool.connection() as connection:
        row = connection.execute(query, (position,)).fetchone()
    if row is None:
        raise NotFound("event", str(position))
    return Receipt(name, position, bytes(row[0]), bytes(row[1]))


def command_of(reader: Reader, first: Recorded) -> list[Recorded]:
    """All facts of the command that `first` is one of, in order: they stand side by side."""
    _, schema = chain_of(reader, first.chain_id)
    start = first.position - (first.envelope.n - 1)
    query = sql.SQL(
        "select position, recorded_at_us, originator_id, originator_version, topic, meta, body from {}"
        " where position >= %s and position < %s order by position"
    ).format(sql.Identifier(schema, "event"))
    with reader.pool.connection() as connection, connection.cursor(binary=True) as cursor:
        rows = cursor.execute(query, (start, start + first.envelope.m)).fetchall()
    return [decode_row(first.chain_id, row) for row in rows]


def keyed_command(reader: Reader, stream: UUID, digest: str) -> list[Recorded]:
    """The facts of the command that carried an idempotency key whose first fact is in `stream`; empty where there is none."""
    for recorded in reader.stream(stream):
        if recorded.envelope.idem == digest:
            return command_of(reader, recorded)
    return []


def latest_checkpoint(reader: Reader) -> Checkpoint | None:
    """The newest checkpoint of the open chain, or None before the first."""
    _, schema = chain_of(reader, None)
    query = sql.SQL(
        "select c.size, c.root, c.note, e.recorded_at_us from {} c join {} e on e.position = c.size order by c.size desc limit 1"
    ).format(sql.Identifier(schema, "ledger_checkpoint"), sql.Identifier(schema, "event"))
    with reader.pool.connection() as connection:
        row = connection.execute(query).fetchone()
    if row is None:
        return None
    return Checkpoint(int(row[0]), bytes(row[1]), str(row[2]), datetime.fromtimestamp(int(row[3]) / 1_000_000, UTC))


def chain_of(reader: Reader, chain_id: str | None) -> tuple[str, str]:
    """(chain_id, schema) of a record chain, the open one where none is named. Raises NotFound."""
    for name, schema in reversed(reader.record_chains):
        if chain_id in (None, name):
            return name, schema
    raise NotFound("event", str(chain_id)[:100])
