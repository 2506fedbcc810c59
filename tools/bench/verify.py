"""Verifying: the whole self-check of the database, and the stand-alone check of an export, against bare hashing in memory."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import psycopg
from psycopg import sql

from domain import chain
from domain.ledger import measure as ledger_measure
from domain.ledger.export import export
from domain.ledger.signer import Signer
from tools.bench.append import state
from tools.bench.filling import fill_titles, recorder_of
from tools.bench.measure import Result, compare
from tools.bench.place import Place
from tools.verify import verify_export

FLOOR_DATABASE = 0.40
FLOOR_SEGMENTS = 0.65


def measure(place: Place, events: int) -> Sequence[Result]:
    """Events a second; `against` is the same cryptographic operations on bytes in memory."""
    tenant = place.tenant()
    fill_titles(recorder_of(tenant.ledger), state(), events)
    chain_id, schema = tenant.ledger.reader.record_chains[-1]
    signer = Signer(place.dsn(tenant, "signer"), place.installation.settings.signer_folder, chain_id, schema)
    try:
        signer.tick()
    finally:
        signer.close()
    with psycopg.connect(place.dsn(tenant, "auditor")) as connection:
        speeds = [ledger_measure.measure(connection, tenant.name, events) for _ in range(3)]
        found = [_from_database(speeds), _wire(connection, schema, speeds)]
    with (
        tempfile.TemporaryDirectory(prefix="dagbok-bench-export-") as folder,
        psycopg.connect(place.dsn(tenant, "auditor")) as connection,
    ):
        out = Path(folder) / "log"
        export(connection, tenant.name, out)
        found.append(_from_segments(out))
    return found


def _from_database(speeds: Sequence[ledger_measure.Speed]) -> Result:
    pairs = iter([(one.events / one.verify_s, one.events / one.hashing_s) for one in speeds])
    current: list[tuple[float, float]] = []

    def ours() -> float:
        current.append(next(pairs))
        return current[-1][0]

    return compare(
        "verify from the database, against the same hashing in memory", ours, lambda: current[-1][1], "events/s", FLOOR_DATABASE
    )


def _wire(connection: psycopg.Connection, schema: str, speeds: Sequence[ledger_measure.Speed]) -> Result:
    """The limit of the wire: COPY of the table without looking at it."""

    query = sql.SQL("copy {} to stdout (format binary)").format(sql.Identifier(schema, "event"))

    def copied() -> float:
        started, rows = time.perf_counter(), speeds[0].events
        with connection.cursor() as cursor, cursor.copy(query) as copy:
            for _ in copy:
                pass
        return rows / (time.perf_counter() - started)

    rates = iter([one.events / one.verify_s for one in speeds])
    return compare("verify from the database, against COPY without parsing", lambda: next(rates), copied, "events/s")


def _from_segments(folder: Path) -> Result:
    entries = _entries(folder)
    return compare(
        "verify from exported segments, against the same hashing in memory",
        lambda: _timed(len(entries), lambda: _checked(folder)),
        lambda: _timed(len(entries), lambda: _hash(entries)),
        "events/s",
        FLOOR_SEGMENTS,
    )


def _checked(folder: Path) -> None:
    if not verify_export(folder).ok:
        raise ValueError("the export does not verify")


def _timed(count: int, work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return count / (time.perf_counter() - started)


def _entries(folder: Path) -> list[bytes]:
    """The entries of an export, split, in memory."""
    found: list[bytes] = []
    for path in sorted((folder / "tile" / "entries").rglob("*")):
        if path.is_file():
            data, at = path.read_bytes(), 0
            while at < len(data):
                size = int.from_bytes(data[at : at + 2], "big")
                found.append(data[at + 2 : at + 2 + size])
                at += 2 + size
    return found


def _hash(entries: Sequence[bytes]) -> None:
    """Leaf, chain and tree of entries that lie in memory."""
    head, frontier = bytes(32), chain.Frontier.empty()
    for start in range(0, len(entries), 256):
        leaves = [chain.leaf_hash(entry) for entry in entries[start : start + 256]]
        for leaf in leaves:
            head = chain.chain_hash(head, leaf)
        frontier = frontier.extend(leaves)
    frontier.root()
