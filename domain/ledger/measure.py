"""How fast verification is, against the same hashing on bytes in memory: the ratio that `dagbok bench verify` prints."""

from __future__ import annotations

import time
from dataclasses import dataclass
from hashlib import sha256
from struct import Struct
from typing import Any

import psycopg

from domain import chain
from domain.ledger import selfcheck, tenants
from domain.ledger.walk import PAGE, Findings, Walk

_NUMBERS = Struct("!Qq16sQH")


@dataclass(frozen=True, slots=True)
class Speed:
    """Seconds for the same number of events: the whole of `check`, and hashing alone. ratio: of their speeds."""

    events: int
    verify_s: float
    hashing_s: float

    @property
    def ratio(self) -> float:
        """Speed of verification over speed of hashing alone: 1 would be as fast."""
        return self.hashing_s / self.verify_s


def measure(connection: psycopg.Connection[Any], tenant: str, sample: int = 100_000) -> Speed:
    """One run of each on a tenant with one chain. sample: events hashed in memory, about 1 KB each."""
    started = time.perf_counter()
    reports = selfcheck.check(connection, tenant)
    verify_s = time.perf_counter() - started
    events = sum(one.events for one in reports)
    with connection.transaction():
        one = tenants.chains(connection, tenant)[-1]
        walk = Walk(one.chain_id, Findings())
        rows = [row for page in walk.pages(connection, one.schema, sample) for row in page.events]
    return Speed(events, verify_s, _hash(rows, walk.prefix) * events / len(rows))


def _hash(rows: list[tuple[Any, ...]], prefix: bytes) -> float:
    """Commitments, entry, leaf, chain and tree of rows that lie in memory, nothing compared: seconds."""
    started = time.perf_counter()
    head, frontier = bytes(32), chain.Frontier.empty()
    for start in range(0, len(rows), PAGE):
        leaves = []
        for position, recorded, stream, version, topic, meta_salt, meta, body_salt, body, _, _ in rows[start : start + PAGE]:
            meta_commit = sha256(b"\x10" + meta_salt + meta).digest()
            body_commit = sha256(b"\x11" + body_salt + body).digest()
            numbers = _NUMBERS.pack(position, recorded, stream, version, len(topic))
            leaf = sha256(b"\x00" + prefix + numbers + topic + meta_commit + body_commit).digest()
            head = sha256(b"\x02" + head + leaf).digest()
            leaves.append(leaf)
        frontier = frontier.extend(leaves)
    frontier.root()
    return time.perf_counter() - started
