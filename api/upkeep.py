"""What looks after the ledger while it is served: the continuous mirror and the restore drill, and what is known of both.

Both write what they did into files of the data folder (`state/`), and health, `doctor` and `/metrics` read it there: it is told
alike whether `serve`, `work` or nobody at all does the work.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from api.installation import Installation, Tenant
from api.settings import Settings
from domain.ledger import loss, restore_drill
from domain.ledger.mirror_place import open_target
from domain.ledger.mirror_run import Mirrors, read_state
from domain.ledger.mirror_s3 import Access
from domain.ledger.mirror_target import Inside, Target
from domain.ledger.restore_drill import Proof, read_proof

LOOK_S = 60.0
END_WITHIN_S = 10.0


class Upkeep:
    """The jobs of an installation, each in a thread. Nothing runs where no mirror is set."""

    def __init__(self, opened: Installation, names: list[str]) -> None:
        self._opened, self._names = opened, names
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Upkeep:
        if self._opened.settings.mirror is not None:
            # daemons: a catch-up or a drill under way takes minutes, and both may be cut off at any moment
            jobs = [mirrors(self._opened, name) for name in self._names]
            self._threads = [threading.Thread(target=job.run, args=(self._stop,), name="mirror", daemon=True) for job in jobs]
            self._threads.append(threading.Thread(target=self._drills, name="drill", daemon=True))
            for thread in self._threads:
                thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(END_WITHIN_S)

    def _drills(self) -> None:
        hours = self._opened.settings.drill_hours
        while not self._stop.wait(LOOK_S):
            for name in self._names:
                if restore_drill.due(read_proof(_state(self._opened.settings, "drill", name)), self._opened.clock.now(), hours):
                    drill(self._opened, name)


def target(opened: Installation, tenant: str, place: str | None = None) -> Target | None:
    """A tenant's part of the mirror that is set, or of another place; None where none is set. Raises TargetFault."""
    settings, place = opened.settings, place or opened.settings.mirror
    if place is None:
        return None
    endpoint = settings.mirror_endpoint or f"https://s3.{settings.mirror_region}.amazonaws.com"
    access = Access(endpoint, settings.mirror_region, settings.mirror_key_id, settings.mirror_secret.get_secret_value())
    return Inside(open_target(place, access, opened.clock), tenant)


def mirrors(opened: Installation, tenant: str) -> Mirrors:
    """The mirrors of a tenant's chains. Raises TargetFault."""
    place = target(opened, tenant)
    assert place is not None
    blobs = opened.blobs(tenant)
    return Mirrors(opened.role_dsn(tenant, "auditor"), tenant, place, blobs, _state(opened.settings, "mirror", tenant))


def drill(opened: Installation, tenant: str) -> Proof:
    """Hold a restore drill from the mirror, and write down how it ended. Raises TargetFault where no mirror can be opened."""
    place = target(opened, tenant)
    assert place is not None
    dsn = opened.role_dsn(tenant, "auditor")
    return restore_drill.prove(place, dsn, tenant, _state(opened.settings, "drill", tenant), opened.clock.now())


@dataclass(frozen=True, slots=True)
class Kept:
    """How well a tenant's open chain is kept elsewhere: events mirrored, events and seconds behind (since the first of them was
    recorded), why the mirror stands still, seconds since the last proof that it comes back whole (infinite before the first), the
    last position proved, and why the last drill failed."""

    position: int
    lag_events: int
    lag_s: float
    mirror_problem: str
    drill_age_s: float
    proved: int
    drill_problem: str


def kept(settings: Settings, tenant: Tenant) -> Kept | None:
    """How well a tenant is kept elsewhere, None where no mirror is set. Raises Busy where the ledger cannot be read."""
    if settings.mirror is None:
        return None
    state, proof = read_state(_state(settings, "mirror", tenant.name)), read_proof(_state(settings, "drill", tenant.name))
    reader, now = tenant.ledger.reader, tenant.ledger.clock.now()
    head = reader.head()
    position, proved = state.chains.get(head.chain_id, 0), proof.chains.get(head.chain_id, 0)
    first = next(iter(reader.log(position, 1)), None) if position < head.position else None
    lag_s = max(0.0, now.timestamp() - first.recorded_at_us / 1_000_000) if first else 0.0
    age_s = restore_drill.age(proof, now)
    return Kept(position, max(0, head.position - position), lag_s, state.problem, age_s, proved, proof.problem)


def accepted(connection: psycopg.Connection[Any], tenant: str) -> set[str]:
    """The chains whose lost end two people have accepted: they are not missed any more."""
    return set(loss.accepted_of(connection, tenant))


def _state(settings: Settings, kind: str, tenant: str) -> Path:
    return settings.data / "state" / f"{kind}-{tenant}.json"
