"""Verification of one chain in the database: its events in one pass, then every other table of its schema against them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from struct import Struct
from struct import error as struct_error
from typing import Any, NamedTuple

import psycopg
from psycopg import sql

from domain import chain
from domain.ledger import monotone, receiptcheck, verified, witness
from domain.ledger.chainread import ChainRead
from domain.ledger.monotone import StoreFault
from domain.ledger.tenants import Chain
from domain.ledger.verified import VerifiedChain
from domain.ledger.walk import Findings, copy_rows
from domain.model.chain_log import ChainOpened, TailDecided

_TILE = Struct("!hihiqi")  # number of fields; level and index, each behind its length; the length of hashes
_RECEIPT = Struct("!hiqiq")  # number of fields; position and size, each behind its length
_AT_A_TIME = 500
UNREADABLE = (TypeError, ValueError, AttributeError, OverflowError, struct_error)


@contextmanager
def readable(findings: Findings, table: str, events: int) -> Iterator[None]:
    """Around what reads a table: a value that no column of it can hold, were it as it was made, is a fault and not an error."""
    try:
        yield
    except UNREADABLE as problem:
        findings.add(f"{table} holds what cannot stand there: {problem}", interval=(1, max(1, events)))


class Held(NamedTuple):
    """A checkpoint from outside: read, its signatures not verified."""

    note: chain.Note
    checkpoint: chain.Checkpoint


class ChainCheck(ChainRead):
    """One chain: see `ChainRead`. held: checkpoints of this chain from outside. keys: of witnesses, and of the log where known.
    given_up: the tail of this chain that two people, in the chain after it, declared lost. witnesses: names of those whose keys
    were given. signer_dir: of the signer's memory, which is read after the snapshot was taken: the signer writes there first."""

    def __init__(
        self, connection: psycopg.Connection[Any], row: Chain, chain_id: str, opened: ChainOpened | None, held: Sequence[Held],
        keys: witness.LogKeys, since: VerifiedChain | None = None, signer_dir: Path | None = None,
    ) -> None:  # fmt: skip
        super().__init__(connection, row, chain_id, opened, since)
        self.held = sorted(held, key=lambda one: one.checkpoint.size)
        self.stops |= {one.checkpoint.size for one in held}
        self.signed: dict[int, bytes] = {}
        self.good: set[int] = {0}
        self.given_up: TailDecided | None = None
        self.witnesses: set[str] = set()
        self.signer_dir = signer_dir
        self._receipts = 0
        self._keys = {**keys, **self._own_key()}

    def tables(self) -> None:
        """Everything but the events."""
        if not self.walk.position:
            return
        for check, table in (
            (self._check_head, "ledger_head"),
            (self._check_checkpoints, "ledger_checkpoint"),
            (self._check_held, "ledger_checkpoint"),
            (self._check_cosignatures, "ledger_cosignature"),
            (self._check_tiles, "ledger_tile"),
            (self._check_receipts, "ledger_receipt"),
        ):
            with readable(self.findings, table, self.events):
                check()
        for (reason,) in self.ask("select reason from {ledger_stop}"):
            self.findings.add(f"the signer refused: {reason}", interval=(1, self.events))
        for run, what in self.erasures.faults(max([0, *self.signed, *(one.checkpoint.size for one in self.held)])):
            self.findings.add(what, run[0], run if run[0] != run[1] else None)

    def _check_head(self) -> None:
        frontier = self.growth.rows.frontier().encode()
        expected = (1, self.walk.position, self.walk.head, frontier, self.recorded_at_us)
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
        for size, root, text in self._stored_checkpoints():
            interval = (good + 1, size)
            try:
                note = chain.parse_note(text)
                read = chain.parse_checkpoint(note.text)
            except chain.ChainError as problem:
                self.findings.add(f"the checkpoint of size {size} cannot be read: {problem}", interval=interval)
                continue
            if read != chain.Checkpoint(self.chain_id, size, root) or len(note.signatures) != 1:
                self.findings.add(f"the checkpoint of size {size} does not say what its row says", interval=interval)
            elif not self._is_signed(note):
                self.findings.add(f"the checkpoint of size {size} is not signed by the chain's key", interval=interval)
            elif self.compare_root(read, "a checkpoint"):
                good = size
            if size in self.signed:
                self.findings.add(f"the checkpoint of size {size} stands twice", interval=interval)
            self.signed[size] = root

    def _stored_checkpoints(self) -> Iterator[tuple[int, bytes, str]]:
        """Some at a time: to look at one, tiles may have to be asked for."""
        offset, rows = 0, list[tuple[Any, ...]]()
        while not offset or len(rows) == _AT_A_TIME:
            query = "select size, root, note from {ledger_checkpoint} order by size limit %s offset %s"
            rows = self.ask(query, _AT_A_TIME, offset)
            yield from ((int(size), bytes(root), str(text)) for size, root, text in rows)
            offset += _AT_A_TIME

    def compare_root(self, checkpoint: chain.Checkpoint, whose: str) -> bool:
        """Whether the events are those of a checkpoint; where not, the last one below it that is right encloses the fault."""
        size = checkpoint.size
        if size > self.events:
            if not self._is_given_up(size):
                what = f"events are missing: {whose} covers {size}"
                self.findings.add(what, self.events + 1, (self.events + 1, size))
        elif self.root_at(size) != checkpoint.root:
            good = max(one for one in self.good if one < max(size, 1))
            self.findings.add(f"not the history that {whose} of size {size} was signed for", interval=(good + 1, max(size, 1)))
        else:
            self.good.add(size)
            return True
        return False

    def _is_given_up(self, size: int) -> bool:
        """Whether two people declared lost what a checkpoint of this size covers and is not here."""
        lost = self.given_up
        if lost is None or lost.first != self.events + 1 or size > lost.last:
            return False
        what = f"positions {lost.first}-{lost.last}: lost, which {' and '.join(lost.people)} accepted"
        if what not in self.unprovable:
            self.unprovable.append(what)
        return True

    def _check_held(self) -> None:
        for note, checkpoint in self.held:
            if not self._is_signed(note):
                what = f"the checkpoint of size {checkpoint.size} held outside is not signed by the chain's key"
                self.findings.add(what, interval=(1, max(1, checkpoint.size)))
            self.compare_root(checkpoint, "a checkpoint held outside")
        largest, kept = self.held[-1].checkpoint.size if self.held else 0, max([0, *self.signed])
        if largest > kept and not self._is_given_up(largest):
            what = f"no checkpoint is kept here that covers {largest} events, and one is held outside"
            self.findings.add(what, interval=(kept + 1, largest))
        if not self.held:
            what = "completeness: no checkpoint held outside; a cut or rewritten ledger would look like this one"
            self.unprovable.append(what)
        elif largest < self.events:
            self.unprovable.append(f"positions {largest + 1}-{self.events}: after the latest checkpoint held outside")

    def _check_cosignatures(self) -> None:
        seen: set[tuple[int, str]] = set()
        for size, name, line in self.ask("select size, witness, line from {ledger_cosignature} order by size, witness"):
            fault, interval = self.findings.add, (1, int(size))
            try:
                text = chain.Checkpoint(self.chain_id, int(size), self.signed[int(size)]).text()
                note = chain.parse_note(f"{text}\n{line}")
                if [one.name for one in note.signatures] != [name]:
                    raise chain.ChainError("it is another witness's, or not one")
            except (chain.ChainError, KeyError) as problem:
                fault(f"the cosignature of {name} on size {size} cannot be read: {problem}", interval=interval)
                continue
            one = note.signatures[0]
            if (size, name) in seen:
                fault(f"the cosignature of {name} on size {size} stands twice", interval=interval)
            seen.add((size, name))
            if (one.name, one.key_id) in self._keys:
                if not chain.verify_note(note, self._keys):
                    fault(f"the cosignature of {name} on size {size} is false", interval=interval)
            elif any(known == name for known, _ in self._keys):
                fault(f"the cosignature of {name} on size {size} is by a key that is not one of those given", interval=interval)
            else:
                self.unprovable.append(f"the cosignature of {name} on size {size}: its key was not given")
        for name in sorted(self.witnesses - {name for _, name in seen}):
            self.unprovable.append(f"what {name} witnessed: no cosignature of it is kept")

    def _check_tiles(self) -> None:
        """Every full tile against its digest from the pass, or, of those verified before, all of a level against one digest."""
        due, expected = max([0, *self.signed]), {level: (first, digests) for level, first, digests in self.growth.tiles()}
        following: dict[int, int] = {}
        states: dict[int, str] = {}
        for level, index, hashes in self._stored_tiles():
            at, (first, digests) = following.get(level, 0), expected.get(level, (self._before(level), b""))
            if not at <= index < first + len(digests) // 32:
                self.findings.add(f"tile {level}/{index} is not that of the events", interval=_covered(level, index))
                continue
            self._name_missing(level, at, index, due)
            following[level] = index + 1
            digest, place = sha256(hashes).digest(), 32 * (index - first)
            if index < first:
                states[level] = verified.fold(digest, before=states.get(level, ""))
            elif digests[place : place + 32] != digest:
                self.findings.add(f"tile {level}/{index} is not that of the events", interval=_covered(level, index))
        for level, (first, digests) in expected.items():
            self._name_missing(level, following.get(level, 0), first + len(digests) // 32, due)
        for level, before in (self.since.tiles if self.since is not None else {}).items():
            if before != (min(following.get(level, 0), before[0]), states.get(level, "")):
                self.findings.add(
                    f"the tiles of level {level} are not those that were verified before", interval=(1, self.events)
                )

    def _before(self, level: int) -> int:
        return self.growth.first >> 8 * (level + 1) if level >= 0 else 0

    def _name_missing(self, level: int, start: int, stop: int, due: int) -> None:
        for index in range(start, stop):
            if (interval := _covered(level, index))[1] > due:
                break
            self.findings.add(f"tile {level}/{index} is not there", interval=interval)

    def _check_receipts(self) -> None:
        stored = receiptcheck.gather(self._stored_receipts())
        missing = "was not given"
        try:
            given = receiptcheck.gather(monotone.issued(self.signer_dir, self.chain_id)) if self.signer_dir is not None else None
        except (
            FileNotFoundError,
            NotADirectoryError,
            PermissionError,
            StoreFault,
        ) as problem:
            given, missing = None, f"cannot be read: {problem}"
        if given is None:
            if self._receipts:
                self.unprovable.append(f"{self._receipts} receipts: the signer's memory of them {missing}")
            return
        for one in receiptcheck.compare(stored, given):
            if one.pending:
                self.unprovable.append(one.what)
            elif self.given_up is None or one.position < self.given_up.first:
                self.findings.add(one.what, one.position)

    def _stored_receipts(self) -> Iterator[tuple[int, int]]:
        query = sql.SQL("select position, coalesce(size, {asked}) from {ledger_receipt} order by position")
        asked = sql.SQL("{}::bigint").format(sql.Literal(receiptcheck.ASKED))
        for row in copy_rows(self._connection, query.format(**self._sql, asked=asked)):
            _, _, position, _, size = _RECEIPT.unpack(row)
            if size != receiptcheck.ASKED:
                self._receipts += 1
                if size not in self.signed or not 0 < position <= size:
                    what = f"the receipt's checkpoint of size {size} is not there, or does not cover it"
                    self.findings.add(what, position)
            yield position, size

    def _stored_tiles(self) -> Iterator[tuple[int, int, bytes]]:
        query = sql.SQL("select level, idx, hashes from {ledger_tile} order by level, idx").format(**self._sql)
        for row in copy_rows(self._connection, query):
            _, _, level, _, index, _ = _TILE.unpack_from(row)
            yield level, index, row[_TILE.size :]


def _covered(level: int, index: int) -> tuple[int, int]:
    """Positions under a full tile; all there can be where there is no such level."""
    if not 0 <= level < 8:
        return 1, (1 << 63) - 1
    width = 256 ** (level + 1)
    return index * width + 1, (index + 1) * width
