"""The events of one chain, read for verification: by one process, by several, or from where the last verification ended."""

from __future__ import annotations

from typing import Any, LiteralString

import psycopg
from psycopg import sql

from domain import catalogue, chain
from domain.ledger import ranges, verified
from domain.ledger.derived import Derived
from domain.ledger.erasure import DISPOSAL, Erasures
from domain.ledger.ranges import Read, Unusual, Workers
from domain.ledger.streams import Break, Streams, Window
from domain.ledger.stretch import CLOSED, INTRODUCED, LONG_AGO, OPENED, TAIL, Stretch
from domain.ledger.tenants import Chain
from domain.ledger.tiles import Growth, StoredTree, TileRows, stored_rows
from domain.ledger.verified import VerifiedChain
from domain.ledger.walk import Findings, Walk, copy_rows
from domain.model.chain_log import ChainOpened, FactTypeIntroduced, TailDecided

TABLES = ("event", "ledger_head", "ledger_checkpoint", "ledger_cosignature", "ledger_tile", "ledger_receipt", "ledger_stop")


class ChainRead:
    """row: as in ledger_chain; opened: its first fact (None where that cannot be read); chain_id: the one that the first entry
    was hashed with; since: what was verified before, None where all is read; stops: sizes at which the tree's root is wanted.

    The answer: walk (position, chain hash), growth (tree), erasures, lost, closed, introduced, recorded_at_us, findings; shared:
    several processes gave it.
    """

    def __init__(
        self, connection: psycopg.Connection[Any], row: Chain, chain_id: str, opened: ChainOpened | None,
        since: VerifiedChain | None = None,
    ) -> None:  # fmt: skip
        self.row, self.chain_id, self.opened, self.since = row, chain_id, opened, since
        self.findings, self.erasures, self.unprovable = Findings(), Erasures(), list[str]()
        self.walk = Walk(chain_id, self.findings)
        self.growth = Growth(TileRows(), ())
        self.stops: set[int] = set()
        self.introduced: set[bytes] = set()
        self.lost: list[TailDecided] = []
        self.closed = 0
        self.shared = False
        self.recorded_at_us = LONG_AGO
        self._connection = connection
        self._sql = {name: sql.Identifier(row.schema, name) for name in TABLES}

    @property
    def events(self) -> int:
        """How many events there are, were they gapless."""
        return max(self.walk.position, 0)

    def ask(self, text: LiteralString, *parameters: object) -> list[tuple[Any, ...]]:
        """Rows of a query on the chain's tables."""
        return self._connection.execute(sql.SQL(text).format(**self._sql), parameters).fetchall()

    def read(self, streams: Streams, derived: Derived | None, continues: bool, workers: Workers | None = None) -> None:
        """The pass over the events. continues: an absent predecessor may have begun streams. Raises Unusual where a short
        cut cannot be taken: then all is to be read by one process."""
        self.stops |= {int(row[0]) for row in self.ask("select size from {ledger_checkpoint} where size is not null")}
        if self.since is not None:
            self._recall(self.since)
        self.growth = Growth(self.growth.rows, self.stops)
        window = Window(self.chain_id, self.walk.position, continues)
        if workers is not None and self.since is None and workers.are_for(last := self._last()):
            self.shared = True
            self._share(workers, streams, derived, window, last)
        else:
            streams.begin(window)
            stretch = Stretch(self.walk, self.growth, streams, derived, self._special)
            stretch.erasures, stretch.recorded_at_us = self.erasures, self.recorded_at_us
            stretch.read(self._connection, self.row.schema, self.chain_id)
            self.recorded_at_us = stretch.recorded_at_us
        if self.closed and self.walk.position > self.closed:
            interval = self.closed + 1, self.walk.position
            self.findings.add("events stand after the chain was closed", interval[0], interval)
        if not self.walk.position:
            self.findings.add("the chain has no events", 1)

    def root_at(self, size: int) -> bytes | None:
        """Root of the first `size` events, one of `stops`; of what is not read again as the tables have it."""
        if not size:
            return chain.EMPTY_ROOT
        if self.since is None or size > self.since.size:
            return self.growth.roots.get(size)
        try:
            return chain.tree_root(size, StoredTree(self._connection, self.row.schema, size).node)
        except chain.ChainError:
            return None

    def name_break(self, found: Break) -> None:
        """Two windows of streams that do not follow one another: where."""
        query = "select min(position) from {event} where originator_id = %s and originator_version = %s and position > %s"
        rows = self.ask(query, found.stream.hex(), found.version, found.window.start)
        what = f"version {found.version} of its stream follows version {found.last}"
        self.findings.add(what, rows[0][0], None if rows[0][0] is not None else (found.window.start + 1, self.events))

    def verified(self) -> VerifiedChain:
        """What to remember of a chain without a fault."""
        before = self.since.tiles if self.since is not None else {}
        frontier = self.growth.rows.frontier().encode().hex()
        return VerifiedChain(
            self.events, self.walk.head.hex(), frontier, self.recorded_at_us, verified.carry_on(before, self.growth.tiles()),
            sorted(topic.decode() for topic in self.introduced), self.closed, self.erasures.decisions(), self.lost,
        )  # fmt: skip

    def _recall(self, since: VerifiedChain) -> None:
        """Begin where the last verification ended. Raises Unusual where the tables no longer say what was verified.

        Of the events before it, it is looked at how many there are and at which positions (their sum), what the last one's hash
        is and which bodies are gone.
        """
        try:
            tree, head = since.tree(), bytes.fromhex(since.chain_hash)
            self.erasures.recall(since.decisions)
        except (ValueError, KeyError, TypeError, OverflowError) as problem:
            raise Unusual(f"what was remembered cannot be read: {problem}") from problem
        query = (
            "select count(*), sum(position)::text, count(*) filter (where (body is null) <> (body_salt is null))"
            " from {event} where position <= %s"
        )
        found = self.ask(query, since.size), self.ask("select chain_hash from {event} where position = %s", since.size)
        rows = stored_rows(self._connection, self.row.schema, since.size)
        if found != ([(since.size, str(since.size * (since.size + 1) // 2), 0)], [(head,)]) or rows.frontier() != tree:
            raise Unusual("the events are not those that were verified before")
        gone = sql.SQL("select position from {event} where body is null and position <= {size} order by position")
        for row in copy_rows(self._connection, gone.format(**self._sql, size=sql.Literal(since.size))):
            self.erasures.gone(int.from_bytes(row[-8:], "big"))
        self.walk = Walk(self.chain_id, self.findings, since.size, head)
        self.growth = Growth(rows, ())
        self.introduced = {topic.encode() for topic in since.introduced}
        self.closed, self.recorded_at_us, self.lost = since.closed, since.recorded_at_us, list(since.lost)
        self.unprovable.append(f"positions 1-{since.size}: verified before, not read again")

    def _last(self) -> int:
        return int(self.ask("select coalesce(max(position), 0) from {event}")[0][0])

    def _share(self, workers: Workers, streams: Streams, derived: Derived | None, window: Window, last: int) -> None:
        chains = tuple(derived.chains) if derived is not None else None
        name = ranges.snapshot(self._connection)
        wanted = sorted(self.stops)
        tasks = ranges.tasks(name, self.row.schema, window, last, wanted, chains, streams.following, workers.size)
        for read in workers.read(tasks):
            self._join(read, streams, derived)

    def _join(self, read: Read, streams: Streams, derived: Derived | None) -> None:
        if read.before != self.walk.head or read.recorded_us[0] < self.recorded_at_us:
            raise Unusual("a range does not follow the one before it")
        self.walk.position, self.walk.head = read.task.stop, read.head
        self.recorded_at_us = read.recorded_us[1]
        self.growth.join(read.growth)
        for position, topic, meta in read.specials:
            self._special(position, topic, meta)
        for first, last in read.gone:
            self.erasures.gone(first, last)
        streams.join(read.streams, read.task.window)
        if derived is not None and read.derived is not None:
            derived.join(read.derived)

    def _special(self, position: int, topic: bytes, meta: bytes) -> None:
        """A topic's first use, and each fact by which the chain speaks of itself."""
        fault = self.findings.add
        if (topic == OPENED) != (position == 1):
            fault("a chain begins with its opening fact and has no other", position)
        if topic not in (OPENED, INTRODUCED) and topic not in self.introduced:
            fault(f"the fact type {topic.decode(errors='replace')} was not introduced before its first use", position)
        if topic == CLOSED and not self.closed:
            self.closed = position
        try:
            if topic == DISPOSAL:
                self.erasures.decided(position, meta)
            elif topic in (INTRODUCED, TAIL):
                self._learn(catalogue.decode(topic.decode(), meta, None)[1])
        except (chain.ChainError, catalogue.UnknownFact) as problem:
            fault(str(problem), position)

    def _learn(self, fact: object) -> None:
        if isinstance(fact, TailDecided):
            if fact.decision == "lost":
                self.lost.append(fact)
        elif isinstance(fact, FactTypeIntroduced):
            if fact.topic.encode() in self.introduced:
                raise chain.ChainError(f"the fact type {fact.topic} was introduced before")
            self.introduced.add(fact.topic.encode())
