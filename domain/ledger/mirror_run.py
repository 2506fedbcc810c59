"""All chains of a tenant mirrored once a second, and the small file that tells how far the mirror has come.

The file says what was last known, whoever reads it: where the job has died its position stands still, so that the lag which
`/metrics` computes from it and from the ledger's head grows as it should.
"""

from __future__ import annotations

import threading
from pathlib import Path

import msgspec
import psycopg

from domain.ledger import durable, loss, tenants
from domain.ledger.blobs import Blobs
from domain.ledger.mirror import Mirror
from domain.ledger.mirror_tail import place_of
from domain.ledger.mirror_target import Inside, Target
from domain.model.errors import DagbokError

TICK_S = 1.0


class MirrorState(msgspec.Struct, forbid_unknown_fields=True):
    """What is mirrored: chain_id -> position; owed: documents' files that could not be copied; problem: why it stands still."""

    chains: dict[str, int] = msgspec.field(default_factory=dict)
    owed: int = 0
    problem: str = ""


class Mirrors:
    """The mirrors of one tenant. dsn: of the auditor role; target: the tenant's place; state: the file that is kept."""

    def __init__(self, dsn: str, tenant: str, target: Target, blobs: Blobs, state: Path) -> None:
        self._dsn, self._tenant, self._target, self._blobs, self._path = dsn, tenant, target, blobs, state
        self._mirrors: dict[str, Mirror] = {}
        self.state = read_state(state)

    def tick(self) -> int:
        """Mirror what is new in every chain; how many events came. What goes wrong stands in `state`, and is not raised."""
        came, found = 0, MirrorState(dict(self.state.chains))
        try:
            with psycopg.connect(self._dsn, autocommit=True) as connection:
                lost = loss.accepted_of(connection, self._tenant)
                rows = [one for one in tenants.chains(connection, self._tenant) if one.chain_id not in lost]
            for chain_id in lost:  # it ends here, and what the mirror has beyond that is evidence
                found.chains.pop(chain_id, None)
        except psycopg.Error as problem:
            rows, found.problem = [], f"the ledger cannot be read: {problem}"
        for row in rows:
            if row.chain_id not in self._mirrors:
                place = Inside(self._target, place_of(row.chain_id))
                self._mirrors[row.chain_id] = Mirror(self._dsn, row, place, self._blobs)
            came += self._one(self._mirrors[row.chain_id], found)
        self._remember(found)
        return came

    def _one(self, mirror: Mirror, found: MirrorState) -> int:
        try:
            came = mirror.tick()
        except (DagbokError, ValueError, OSError, psycopg.Error) as problem:
            mirror.close()
            found.problem = found.problem or str(problem)
            return 0
        found.chains[mirror.row.chain_id] = max(mirror.position, found.chains.get(mirror.row.chain_id, 0))
        found.owed += mirror.owed
        if mirror.owed:
            found.problem = found.problem or f"{mirror.owed} documents' files are not here as they were registered"
        return came

    def _remember(self, found: MirrorState) -> None:
        if found != self.state or not self._path.exists():
            self.state = found
            write_state(self._path, found)

    def run(self, stop: threading.Event) -> None:
        """Mirror until `stop`."""
        try:
            while not stop.is_set():
                self.tick()
                stop.wait(TICK_S)
        finally:
            self.close()

    def close(self) -> None:
        """Let another process mirror."""
        for mirror in self._mirrors.values():
            mirror.close()


def read_state(path: Path) -> MirrorState:
    """What was last known of a mirror; an empty state where nothing is, or where the file cannot be read."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=MirrorState)
    except (OSError, msgspec.MsgspecError):
        return MirrorState()


def write_state(path: Path, state: msgspec.Struct) -> None:
    """Write a state file, whole or not at all."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    durable.replace(path, msgspec.json.encode(state) + b"\n")
