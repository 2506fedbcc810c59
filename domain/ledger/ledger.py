"""The ledger of one tenant as commands meet it: load a unit, append facts, look up a key."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from domain.catalogue import Envelope
from domain.ledger.access_chain import AccessChain
from domain.ledger.blobs import Blobs
from domain.ledger.clock import Clock
from domain.ledger.keys import Keys
from domain.ledger.locks import KeyedLocks
from domain.ledger.reader import Reader
from domain.ledger.submission import Appended, submit
from domain.ledger.writer import Writer

Evolve = Callable[[Any, UUID, Any], Any]
CACHED_UNITS = 20_000


class Ledger:
    """Reader, writer, clock, keys, blobs and locks of one tenant. Thread-safe. access: the log of who reads coded material; None
    where this program shows none."""

    def __init__(self, tenant: str, writer: Writer, reader: Reader, clock: Clock, keys: Keys, blobs: Blobs) -> None:
        self.tenant = tenant
        self.writer = writer
        self.reader = reader
        self.clock = clock
        self.keys = keys
        self.blobs = blobs
        self.locks = KeyedLocks()
        self.access: AccessChain | None = None
        self.remembered: dict[type, object] = {}  # what handlers keep of this ledger, one thing a kind
        self._guard = threading.Lock()
        self._cache: OrderedDict[UUID, tuple[int, Any, Evolve]] = OrderedDict()

    def append(self, facts: Sequence[tuple[UUID, Any]], envelope: Envelope, expect: Mapping[UUID, int], at: datetime) -> Appended:
        """Append the facts of one command: all or nothing, acknowledged when durable.

        expect: the version of every stream read (0 = must not exist). Claims, releases and numbers stand in the facts.
        Raises VersionConflict, ClaimTaken, StaleSubmission, Busy, ClockFault, StorageFull, TooLarge.
        """
        return self.writer.append(submit(facts, envelope, expect, at))

    def load(self, stream: UUID, evolve: Evolve, fresh: bool) -> tuple[int, Any]:
        """(version, state) of a unit, (0, None) where there is none. Not fresh: as remembered, which `append` will check."""
        with self._guard:
            version, state, by = self._cache.get(stream, (0, None, evolve))
            if version:
                self._cache.move_to_end(stream)
        if by is not evolve:  # somebody asks for a case under an entry's id: folding on from the wrong state would spoil both
            version, state = 0, None
        if version and not fresh:
            return version, state
        if self.writer.chain_id != self.reader.record_chains[-1][0]:  # the writer has moved over to a new chain
            self.reader.refresh()
        for recorded in self.reader.stream(stream, version):
            state = evolve(state, stream, recorded.fact)
            version = recorded.version
        self.remember(stream, version, state, evolve)
        return version, state

    def version_of(self, stream: UUID) -> int:
        """The version of a unit that is remembered; 0 where it is not."""
        with self._guard:
            return self._cache[stream][0] if stream in self._cache else 0

    def remember(self, stream: UUID, version: int, state: Any, evolve: Evolve) -> None:
        """Keep a unit's state, folded by `evolve`, for the next command on it; an older one never replaces a newer."""
        with self._guard:
            if version and version >= self._cache.get(stream, (0, None, evolve))[0]:
                self._cache[stream] = (version, state, evolve)
                self._cache.move_to_end(stream)
                if len(self._cache) > CACHED_UNITS:
                    self._cache.popitem(last=False)

    def claim_digest(self, *parts: str) -> str:
        """What stands in a claim for a key that may be personal."""
        return self.keys.claim_digest(self.tenant, *parts)

    def close(self) -> None:
        """Write what is queued and give the connections back."""
        self.writer.close()
        if self.access is not None:
            self.access.close()
        self.reader.close()
