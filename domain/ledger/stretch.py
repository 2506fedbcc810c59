"""A run of a chain's positions, read once: what it shows by itself, and what is kept of it to be joined to the runs around it.

The same code reads a whole chain, what came after the last verification, and one range of many in another process.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import psycopg

from domain import catalogue, chain
from domain.ledger.derived import Derived
from domain.ledger.erasure import DISPOSAL, Erasures
from domain.ledger.streams import Streams
from domain.ledger.tiles import Growth
from domain.ledger.walk import Findings, Page, Walk
from domain.model.chain_log import ChainClosed, TailDecided

OPENED, INTRODUCED = chain.OPENED_TOPIC.encode(), chain.INTRODUCED_TOPIC.encode()
CLOSED, TAIL = (catalogue.TOPICS[fact].encode() for fact in (ChainClosed, TailDecided))
SPECIAL = frozenset({OPENED, INTRODUCED, CLOSED, DISPOSAL, TAIL})
LONG_AGO = -(1 << 63)

OnSpecial = Callable[[int, bytes, bytes], None]
"""Called with position, topic and meta of each topic's first use and of each fact by which the chain speaks of itself."""


class Stretch:
    """What is gathered page by page. walk: where the run begins, its findings are the stretch's; derived: None in a chain that
    claims nothing. recorded_at_us: of the last row; first_recorded_us: of the first."""

    def __init__(self, walk: Walk, growth: Growth, streams: Streams, derived: Derived | None, special: OnSpecial) -> None:
        self.walk, self.growth, self.streams, self.derived = walk, growth, streams, derived
        self.erasures = Erasures()
        self.recorded_at_us = LONG_AGO
        self.first_recorded_us: int | None = None
        self._special = special
        self._ordinary: set[bytes] = set()

    @property
    def findings(self) -> Findings:
        """What is wrong within the run."""
        return self.walk.findings

    def know(self, topics: Iterable[bytes]) -> None:
        """These topics were used before the run."""
        self._ordinary.update(topic for topic in topics if topic not in SPECIAL)

    def read(self, connection: psycopg.Connection[Any], schema: str, chain_id: str, up_to: int | None = None) -> None:
        """All rows from where the walk stands. The connection is in a transaction. Raises psycopg.Error, OSError."""
        for page in self.walk.pages(connection, schema, up_to):
            self.take(page, chain_id)

    def take(self, page: Page, chain_id: str) -> None:
        """The next rows, as the walk gave them."""
        self.growth.add(page.leaves)
        self._look(page)
        self.streams.shrink(self.walk.position)
        if self.derived is not None:
            self.derived.take(chain_id, page.events, self.findings)

    def _look(self, page: Page) -> None:
        ordinary, before, fault, odd = self._ordinary, self.recorded_at_us, self.findings.add, self.streams.odd
        versions, last = self.streams.versions, self.streams.versions.get
        if self.first_recorded_us is None and page.events:
            self.first_recorded_us = page.events[0][1]
        for position, recorded, stream, version, topic, _, meta, _, body, _, _ in page.events:
            if topic not in ordinary:
                self._special(position, topic, meta)
                if topic not in SPECIAL:
                    ordinary.add(topic)
            if recorded < before:
                fault("recorded_at is before that of the event before", position)
            before = recorded
            if version != last(stream, 0) + 1:
                odd(position, stream, version, self.findings)
            versions[stream] = version
            if body is None:
                self.erasures.gone(position)
        self.recorded_at_us = before
