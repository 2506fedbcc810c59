"""The restore drill: the mirror is brought back into a server of its own, verified, and held against the living ledger.

A copy that was never brought back is a hope. What counts is the time of the last proof: a drill that fails changes nothing of
it, so that its age grows until somebody sees to the fault.
"""

from __future__ import annotations

import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import psycopg
from psycopg import conninfo, sql

from domain import catalogue
from domain.ledger import bringing, embedded, loss, tenants
from domain.ledger.exported import Export
from domain.ledger.faults import LedgerError
from domain.ledger.keys import Keys
from domain.ledger.mirror_run import write_state
from domain.ledger.mirror_target import Inside, Target
from domain.ledger.tenants import Chain
from domain.model.errors import DagbokError

BUFFERS = "64MB"


class Proof(msgspec.Struct, forbid_unknown_fields=True):
    """The last drill and the last one that succeeded. tried, proved: instants, empty before the first; took_s: seconds;
    chains: chain_id -> the last position that was brought back and verified then; problem: of the last drill, empty if none."""

    tried: str = ""
    proved: str = ""
    took_s: float = 0.0
    chains: dict[str, int] = msgspec.field(default_factory=dict)
    problem: str = ""


def drill(target: Target, live_dsn: str, tenant: str, folder: Path | None = None) -> dict[str, int]:
    """Bring a tenant's mirror back in a temporary folder: chain_id -> position proved. live_dsn: of the auditor role.

    Raises LedgerError (Unfit, TargetFault) where it does not come back whole, or is not what the living ledger holds.
    """
    sources = mirrored(target)
    if not sources:
        raise LedgerError("nothing is mirrored yet", hint="Set DAGBOK_MIRROR and run `dagbok work` or `dagbok mirror`.")
    for source in sources:
        source.size = source.held
        source.check(without_blobs=False)
    with tempfile.TemporaryDirectory(prefix="dagbok-drill-", dir=folder) as place:
        keys = Keys(Path(place) / "secrets")
        passwords = {kind: keys.secret(f"{tenant}_{kind}") for kind in tenants.ROLE_KINDS}
        with embedded.start(Path(place) / "pg", shared_buffers=BUFFERS) as running:
            with psycopg.connect(running.server.dsn(), autocommit=True) as connection:
                connection.execute("create database drill encoding 'UTF8' template template0")
            dsn = conninfo.make_conninfo(running.server.dsn(dbname="drill"))
            with psycopg.connect(dsn, autocommit=True) as connection:
                bringing.load(connection, tenant, sources, passwords)
                return _same(connection, live_dsn, tenant)


def mirrored(target: Target) -> list[Export]:
    """The chains of a tenant's mirror, in the order of their numbers: record chains first, then the years of the access log."""
    places = [name.removesuffix("/tail") for name, _ in target.names("") if name.endswith("/tail")]
    return sorted((Export(Inside(target, place)) for place in places), key=lambda one: one.number)


def _same(connection: psycopg.Connection[Any], live_dsn: str, tenant: str) -> dict[str, int]:
    """Each chain that was brought back against the living one, at the last position that both have."""
    back = tenants.chains(connection, tenant)
    with psycopg.connect(live_dsn, autocommit=True) as live:
        lost = loss.accepted_of(live, tenant)
        living = {one.chain_id: one for one in tenants.chains(live, tenant)}
        for one in back:
            if one.chain_id not in living:
                raise LedgerError(f"the living ledger has no chain {one.chain_id}")
            mine, theirs = head(connection, one), head(live, living[one.chain_id])
            if theirs < mine and one.chain_id not in lost:
                raise LedgerError(f"the living ledger has {theirs} events of {one.chain_id}, and the mirror {mine}")
            at = min(mine, theirs)
            if _hash(connection, one, at) != _hash(live, living[one.chain_id], at):
                raise LedgerError(f"the event at {at} of {one.chain_id} is another one in the mirror")
    return {one.chain_id: head(connection, one) for one in back}


def head(connection: psycopg.Connection[Any], row: Chain) -> int:
    """How many events the chain has."""
    query = sql.SQL("select position from {}").format(sql.Identifier(row.schema, "ledger_head"))
    found = connection.execute(query).fetchone()
    return int(found[0]) if found else 0


def _hash(connection: psycopg.Connection[Any], row: Chain, position: int) -> bytes:
    query = sql.SQL("select chain_hash from {} where position = %s").format(sql.Identifier(row.schema, "event"))
    found = connection.execute(query, (position,)).fetchone()
    return bytes(found[0]) if found else b""


def prove(target: Target, live_dsn: str, tenant: str, path: Path, moment: datetime, folder: Path | None = None) -> Proof:
    """Hold a drill and write down how it ended; nothing is raised. path: the file of proofs; moment: now."""
    before, started = read_proof(path), time.monotonic()
    tried = catalogue.instant(moment)
    try:
        chains = drill(target, live_dsn, tenant, folder)
        proof = Proof(tried, tried, round(time.monotonic() - started, 1), chains)
    except (DagbokError, OSError, ValueError, psycopg.Error) as problem:
        proof = Proof(tried, before.proved, before.took_s, before.chains, str(problem)[:1_000] or type(problem).__name__)
    write_state(path, proof)
    return proof


def read_proof(path: Path) -> Proof:
    """The last proof; an empty one where there is none, or where the file cannot be read."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Proof)
    except (OSError, msgspec.MsgspecError):
        return Proof()


def due(proof: Proof, now: datetime, hours: float) -> bool:
    """Whether a drill is to be held: none was tried for so many hours."""
    return not proof.tried or (now - datetime.fromisoformat(proof.tried)).total_seconds() >= hours * 3_600


def age(proof: Proof, now: datetime) -> float:
    """Seconds since the last proof, infinite before the first."""
    return (now - datetime.fromisoformat(proof.proved)).total_seconds() if proof.proved else float("inf")
