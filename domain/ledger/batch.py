"""What the writer decides about one batch, given what the database holds: pure, so that it can be tried over and over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from domain import catalogue, chain
from domain.catalogue import Envelope
from domain.ledger.clock import SKEW_LIMIT
from domain.ledger.faults import ClaimTaken, StaleSubmission, VersionConflict
from domain.ledger.identity import new_id
from domain.ledger.submission import Appended, Receipt, Row, Submission, encode_row, envelope_for, versions_of
from domain.model.chain_log import FactTypeIntroduced
from domain.model.ids import Number

STALE_AFTER = timedelta(seconds=5)
ClaimRef = tuple[str, str]


class Head(NamedTuple):
    """The head row of a chain."""

    position: int
    chain_hash: bytes
    frontier: chain.Frontier
    recorded_at_us: int


@dataclass(slots=True)
class Found:
    """What the batch's streams, claims and series are in the database, under the head lock."""

    versions: dict[UUID, int]
    claims: dict[ClaimRef, UUID]
    counters: dict[str, int]


@dataclass(slots=True)
class Written:
    """Columns to insert, row by row: place and hashes beside each Row."""

    rows: list[Row] = field(default_factory=list)
    leaves: list[bytes] = field(default_factory=list)
    chain_hashes: list[bytes] = field(default_factory=list)
    claims: dict[ClaimRef, UUID] = field(default_factory=dict)
    released: set[ClaimRef] = field(default_factory=set)
    counters: dict[str, int] = field(default_factory=dict)
    accepted: list[tuple[Submission, Appended]] = field(default_factory=list)
    refused: list[tuple[Submission, BaseException]] = field(default_factory=list)


class Batch:
    """One pass over the queue: submissions are taken in order, each whole or not at all."""

    def __init__(self, chain_id: str, head: Head, found: Found, now: datetime, recorded_at_us: int, database_clock: bool) -> None:
        self.chain_id = chain_id
        self.prefix = chain.entry_prefix(chain_id)
        self.head = head
        self.found = found
        self.now = now
        self.database_clock = database_clock
        self.recorded_at_us = recorded_at_us
        self.chain_hash = head.chain_hash
        self.written = Written()
        self._frontier: chain.Frontier | None = None

    @property
    def position(self) -> int:
        """The last position given so far."""
        return self.head.position + len(self.written.rows)

    def frontier(self) -> chain.Frontier:
        """The tree after the batch."""
        if self._frontier is None:
            self._frontier = self.head.frontier.extend(self.written.leaves)
        return self._frontier

    def reads(self) -> dict[UUID, int]:
        """The version at which the batch met each stream, before its own facts."""
        met: dict[UUID, int] = {}
        for submission, _ in self.written.accepted:
            for stream, version in submission.expect.items():
                met.setdefault(stream, version)
        return met

    def take(self, submission: Submission, introduce: Sequence[str], log_stream: UUID, log_version: int) -> int:
        """Take one submission, introducing new topics first. Returns the log stream's version after it."""
        problem = self._problem(submission)
        if problem is not None:
            self.written.refused.append((submission, problem))
            return log_version
        for topic in introduce:
            log_version += 1
            self._add(self._introduction(topic, log_stream, log_version))
        first = self.position + 1
        facts = submission.facts
        if submission.numbers or submission.claims or submission.released:
            given = self._numbers(submission.numbers)
            facts = tuple((stream, catalogue.fill_numbers(fact, given)) for stream, fact in facts)
            self._claim(submission, given)
        for row in submission.rows if not submission.numbers else _encoded(submission, facts):
            assert row is not None
            self._add(row)
            self.found.versions[row.originator_id] = row.version
        receipt = Receipt(self.chain_id, self.position, self.written.leaves[-1], self.chain_hash)
        self.written.accepted.append((submission, Appended(receipt, tuple(facts), first, self.recorded_at_us)))
        return log_version

    def _problem(self, submission: Submission) -> BaseException | None:
        # decided too long ago, or by a clock that has been set back since: either way its `at` is not the time of this act
        if self.now - submission.at > STALE_AFTER or submission.at - self.now > SKEW_LIMIT:
            return StaleSubmission()
        for stream, expected in submission.expect.items():
            actual = self.found.versions.get(stream, 0)
            if actual != expected:
                return VersionConflict(stream, expected, actual)
        if not submission.claims:
            return None
        given = self._preview(submission.numbers)
        freed = set(submission.released)
        mine: set[ClaimRef] = set()
        for kind, key, stream in submission.claims:
            claim = (kind, catalogue.fill_key(key, given))
            owner = None if claim in freed else self.found.claims.get(claim)
            if owner is not None or claim in mine:
                return ClaimTaken(*claim, owner or stream)
            mine.add(claim)
        return None

    def _preview(self, numbers: set[Number]) -> dict[Number, int]:
        counters = self.found.counters
        return {number: counters.get(number.series, 0) + 1 + number.ordinal for number in numbers}

    def _numbers(self, numbers: set[Number]) -> Mapping[Number, int]:
        given = self._preview(numbers)
        for number, value in given.items():
            self.found.counters[number.series] = max(value, self.found.counters.get(number.series, 0))
            self.written.counters[number.series] = self.found.counters[number.series]
        return given

    def _claim(self, submission: Submission, given: Mapping[Number, int]) -> None:
        for claim in submission.released:
            self.found.claims.pop(claim, None)
            if self.written.claims.pop(claim, None) is None:
                self.written.released.add(claim)
        for kind, key, stream in submission.claims:
            claim = (kind, catalogue.fill_key(key, given))
            self.found.claims[claim] = stream
            self.written.claims[claim] = stream

    def _introduction(self, topic: str, log_stream: UUID, version: int) -> Row:
        # what comes encoded through the library's interface may have a name that the catalogue does not hold: any JSON
        schema, body_schema = catalogue.schema(topic) if topic in catalogue.NAMES else ("{}", None)
        at = datetime.fromtimestamp(self.recorded_at_us / 1_000_000, UTC)
        envelope = Envelope(cmd=str(new_id()), n=1, m=1, actor="dagbok", at=catalogue.instant(at))
        return encode_row(log_stream, version, FactTypeIntroduced(topic, schema, body_schema), envelope)

    def _add(self, row: Row) -> None:
        written = self.written
        position = self.head.position + len(written.rows) + 1
        entry = chain.entry_bytes(
            self.prefix,
            position,
            self.recorded_at_us,
            row.originator_id.bytes,
            row.version,
            row.topic.encode(),
            row.meta_commit,
            row.body_commit,
        )
        leaf = chain.leaf_hash(entry)
        self.chain_hash = chain.chain_hash(self.chain_hash, leaf)
        written.rows.append(row)
        written.leaves.append(leaf)
        written.chain_hashes.append(self.chain_hash)


def _encoded(submission: Submission, facts: Sequence[tuple[UUID, object]]) -> list[Row]:
    """The rows of a submission whose numbers are given: those that waited are encoded now."""
    versions = versions_of(submission.facts, submission.expect)
    return [
        row or encode_row(stream, version, fact, envelope_for(submission.envelope, n, len(facts)))
        for n, (row, (stream, fact), version) in enumerate(zip(submission.rows, facts, versions, strict=True), 1)
    ]
