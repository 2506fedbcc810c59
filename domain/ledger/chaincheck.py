"""Verification of one chain in the database: its events in one pass, then every other table of its schema against them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import sha256
from struct import Struct
from typing import Any, LiteralString, NamedTuple

import psycopg
from psycopg import sql

from domain import catalogue, chain
from domain.ledger import witness
from domain.ledger.derived import Derived
from domain.ledger.erasure import DISPOSAL, Erasures
from domain.ledger.tenants import Chain
from domain.ledger.tiles import TileRows
from domain.ledger.walk import Findings, Page, Walk, copy_rows
from domain.model.chain_log import ChainClosed, ChainOpened, FactTypeIntroduced

OPENED, INTRODUCED = chain.OPENED_TOPIC.encode(), chain.INTRODUCED_TOPIC.encode()
CLOSED = catalogue.TOPICS[ChainClosed].encode()
_TILE = Struct("!hihiqi")  # number of fields; level and index, each behind its length; the length of hashes
_SPECIAL = frozenset({OPENED, INTRODUCED, CLOSED, DISPOSAL})
TABLES = ("event", "ledger_head", "ledger_checkpoint", "ledger_cosignature", "ledger_tile", "ledger_receipt", "ledger_stop")


class Held(NamedTuple):
    """A checkpoint from outside: read, its signatures not verified."""

    note: chain.Note
    checkpoint: chain.Checkpoint


class ChainCheck:
    """One chain: `row` as in ledger_chain, `opened` its first fact (None where that cannot be read), `chain_id` the one that the
    first entry was hashed with. `held`: checkpoints of this chain from outside. `keys`: of witnesses, and of the log where known.
    """

    def __init__(
        self, connection: psycopg.Connection[Any], row: Chain, chain_id: str, opened: ChainOpened | None, held: Sequence[Held],
        keys: witness.LogKeys,
    ) -> None:  # fmt: skip
        self.row, self.chain_id, self.opened, self.held = row, chain_id, opened, sorted(held, key=lambda one: one.checkpoint.size)
        self.findings, self.erasures, self.unprovable = Findings(), Erasures(), list[str]()
        self.walk = Walk(chain_id, self.findings)
        self.rows = TileRows()
        self.roots: dict[int, bytes] = {0: chain.EMPTY_ROOT}
        self.stops: set[int] = {one.checkpoint.size for one in held}
        self.signed: dict[int, bytes] = {}
        self.good: set[int] = {0}
        self._checkpoints: list[tuple[Any, ...]] = []
        self._connection = connection
        self._sql = {name: sql.Identifier(row.schema, name) for name in TABLES}
        self._keys = {**keys, **self._own_key()}
        self._tiles: dict[tuple[int, int], bytes] = {}
        self._ordinary: set[bytes] = set()
        self._introduced: set[bytes] = set()
        self._recorded_at_us = -(1 << 63)
        self._closed = 0

    @property
    def events(self) -> int:
        """How many events there are, were they gapless."""
        return max(self.walk.position, 0)

    def ask(self, text: LiteralString) -> list[tuple[Any, ...]]:
        """Rows of a query on the chain's tables."""
        return self._connection.execute(sql.SQL(text).format(**self._sql)).fetchall()

    def read(self, versions: dict[bytes, int], derived: Derived | None, continues: bool) -> None:
        """The pass over the events. versions: of streams so far; continues: an absent predecessor may have begun them."""
        self._checkpoints = self.ask("select size, root, note from {ledger_checkpoint} order by size")
        self.stops |= {int(row[0]) for row in self._checkpoints}
        for page in self.walk.pages(self._connection, self.row.schema):
            self._grow(page.leaves)
            self._check(page, versions, continues)
            if derived is not None:
                derived.take(self.chain_id, page.events, self.findings)
        if derived is not None:
            derived.close(self.findings)
        if not self.walk.position:
            self.findings.add("the chain has no events", 1)

    def _grow(self, leaves: list[bytes]) -> None:
        for size in self.stops:
            if self.rows.size < size <= self.rows.size + len(leaves):
                self.roots[size] = self.rows.frontier(leaves[: size - self.rows.size]).root()
        for level, index, hashes in self.rows.add(leaves):
            self._tiles[level, index] = sha256(hashes).digest()

    def _check(self, page: Page, versions: dict[bytes, int], continues: bool) -> None:
        ordinary, before, fault = self._ordinary, self._recorded_at_us, self.findings.add
        for position, recorded, stream, version, topic, _, meta, _, body, _, _ in page.events:
            if topic not in ordinary:
                self._special(position, topic, meta)
            if recorded < before:
                fault("recorded_at is before that of the event before", position)
            before = recorded
            last = versions.get(stream, 0)
            if version != last + 1 and not (continues and not last):
                fault(f"version {version} of its stream follows version {last}", position)
            versions[stream] = version
            if body is None:
                self.erasures.gone(position)
        self._recorded_at_us = before
        if self._closed and self.walk.position > self._closed:
            fault("events stand after the chain was closed", self._closed + 1, (self._closed + 1, self.walk.position))
            self._closed = 0

    def _special(self, position: int, topic: bytes, meta: bytes) -> None:
        """A topic's first use, and each fact by which the chain speaks of itself."""
        fault = self.findings.add
        if (topic == OPENED) != (position == 1):
            fault("a chain begins with its opening fact and has no other", position)
        if topic not in (OPENED, INTRODUCED) and topic not in self._introduced:
            fault(f"the fact type {topic.decode(errors='replace')} was not introduced before its first use", position)
        if topic == CLOSED:
            self._closed = position
        elif topic in (INTRODUCED, DISPOSAL):
            try:
                if topic == DISPOSAL:
                    self.erasures.decided(position, meta)
                else:
                    self._introduce(meta)
            except (chain.ChainError, catalogue.UnknownFact) as problem:
                fault(str(problem), position)
        if topic not in _SPECIAL:
            self._ordinary.add(topic)

    def _introduce(self, meta: bytes) -> None:
        fact = catalogue.decode(chain.INTRODUCED_TOPIC, meta, None)[1]
        assert isinstance(fact, FactTypeIntroduced)
        if fact.topic.encode() in self._introduced:
            raise chain.ChainError(f"the fact type {fact.topic} was introduced before")
        self._introduced.add(fact.topic.encode())

    def tables(self) -> None:
        """Everything but the events."""
        if not self.walk.position:
            return
        self._check_head()
        self._check_checkpoints()
        self._check_held()
        self._check_cosignatures()
        self._check_tiles()
        for position, size in self.ask("select position, size from {ledger_receipt} where size is not null order by position"):
            if size not in self.signed or not 0 < position <= size:
                self.findings.add(f"the receipt's checkpoint of size {size} is not there, or does not cover it", position)
        for (reason,) in self.ask("select reason from {ledger_stop}"):
            self.findings.add(f"the signer refused: {reason}", interval=(1, self.events))
        for run, what in self.erasures.faults(max([0, *self.signed, *(one.checkpoint.size for one in self.held)])):
            self.findings.add(what, run[0], run if run[0] != run[1] else None)

    def _check_head(self) -> None:
        frontier = self.rows.frontier().encode()
        expected = (1, self.walk.position, self.walk.head, frontier, self._recorded_at_us)
        found = self.ask("select id, position, chain_hash, frontier, recorded_at_us from {ledger_head}")
        if found != [expected]:
            last = max((int(row[1]) for row in found), default=0)
            if last > self.events:
                self.findings.add(f"events are missing: ledger_head stands at {last}", self.events + 1, (self.events + 1, last))
            else:
                self.findings.add("ledger_head is not that of the events", self.events)

    def _own_key(self) -> witness.LogKeys:
        """The key that the chain was opened for; where other keys of the chain were given, it must be one of them."""
        try:
            own = witness.log_keys([self.opened.vkey]) if self.opened is not None and self.opened.vkey else {}
        except chain.ChainError as problem:
            self.findings.add(f"the key in the opening fact cannot be read: {problem}", 1)
            own = {}
        return own

    def _is_signed(self, note: chain.Note) -> bool:
        return self.chain_id in chain.verify_note(note, self._keys)

    def _check_checkpoints(self) -> None:
        good = 0
        for size, root, text in self._checkpoints:
            interval = (good + 1, int(size))
            try:
                note = chain.parse_note(str(text))
                read = chain.parse_checkpoint(note.text)
            except chain.ChainError as problem:
                self.findings.add(f"the checkpoint of size {size} cannot be read: {problem}", interval=interval)
                continue
            if read != chain.Checkpoint(self.chain_id, int(size), bytes(root)) or len(note.signatures) != 1:
                self.findings.add(f"the checkpoint of size {size} does not say what its row says", interval=interval)
            elif not self._is_signed(note):
                self.findings.add(f"the checkpoint of size {size} is not signed by the chain's key", interval=interval)
            elif self.compare_root(read, "a checkpoint"):
                good = int(size)
            self.signed[int(size)] = bytes(root)

    def compare_root(self, checkpoint: chain.Checkpoint, whose: str) -> bool:
        """Whether the events are those of a checkpoint; where not, the last one below it that is right encloses the fault."""
        size = checkpoint.size
        if size > self.events:
            what = f"events are missing: {whose} covers {size}"
            self.findings.add(what, self.events + 1, (self.events + 1, size))
        elif self.roots.get(size) != checkpoint.root:
            good = max(one for one in self.good if one < max(size, 1))
            self.findings.add(f"not the history that {whose} of size {size} was signed for", interval=(good + 1, max(size, 1)))
        else:
            self.good.add(size)
            return True
        return False

    def _check_held(self) -> None:
        for note, checkpoint in self.held:
            if not self._is_signed(note):
                what = f"the checkpoint of size {checkpoint.size} held outside is not signed by the chain's key"
                self.findings.add(what, interval=(1, max(1, checkpoint.size)))
            self.compare_root(checkpoint, "a checkpoint held outside")
        largest = self.held[-1].checkpoint.size if self.held else 0
        if largest > max([0, *self.signed]):
            what = f"no checkpoint is kept here that covers {largest} events, and one is held outside"
            self.findings.add(what, interval=(max([0, *self.signed]) + 1, largest))
        if not self.held:
            what = "completeness: no checkpoint held outside; a cut or rewritten ledger would look like this one"
            self.unprovable.append(what)
        elif largest < self.events:
            self.unprovable.append(f"positions {largest + 1}-{self.events}: after the latest checkpoint held outside")

    def _check_cosignatures(self) -> None:
        for size, name, line in self.ask("select size, witness, line from {ledger_cosignature} order by size, witness"):
            try:
                text = chain.Checkpoint(self.chain_id, int(size), self.signed[int(size)]).text()
                note = chain.parse_note(f"{text}\n{line}")
                if [one.name for one in note.signatures] != [name]:
                    raise chain.ChainError("it is another witness's, or not one")
            except (chain.ChainError, KeyError) as problem:
                self.findings.add(f"the cosignature of {name} on size {size} cannot be read: {problem}", interval=(1, int(size)))
                continue
            one = note.signatures[0]
            if (one.name, one.key_id) not in self._keys:
                self.unprovable.append(f"the cosignature of {name} on size {size}: its key was not given")
            elif not chain.verify_note(note, self._keys):
                self.findings.add(f"the cosignature of {name} on size {size} is false", interval=(1, int(size)))

    def _check_tiles(self) -> None:
        due = max([0, *self.signed])
        for level, index, hashes in self._stored_tiles():
            interval = _covered(level, index)
            if self._tiles.pop((level, index), None) != sha256(hashes).digest():
                self.findings.add(f"tile {level}/{index} is not that of the events", interval=interval)
        for level, index in sorted(self._tiles):
            if (interval := _covered(level, index))[1] <= due:
                self.findings.add(f"tile {level}/{index} is not there", interval=interval)

    def _stored_tiles(self) -> Iterator[tuple[int, int, bytes]]:
        query = sql.SQL("select level, idx, hashes from {ledger_tile} order by level, idx").format(**self._sql)
        for row in copy_rows(self._connection, query):
            _, _, level, _, index, _ = _TILE.unpack_from(row)
            yield level, index, row[_TILE.size :]


def _covered(level: int, index: int) -> tuple[int, int]:
    """Positions under a full tile."""
    width = 256 ** (level + 1)
    return index * width + 1, (index + 1) * width
