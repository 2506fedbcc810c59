"""One command on its way into the chain: its facts, what it read, what it claims."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from domain import catalogue, chain
from domain.catalogue import Envelope
from domain.ledger.faults import TooLarge
from domain.model.ids import ClaimKey, Number

FACTS_LIMIT = 1_000
WAKE_WITHIN_S = 1.0
IDEMPOTENCY = "idempotency"
MESSAGE = "message"
MESSAGE_SOURCE = "fiks:"


class Row(NamedTuple):
    """What is stored of one fact but its place in the chain. meta_salt, body_salt and both commitments: 32 bytes each."""

    originator_id: UUID
    version: int
    topic: str
    meta_salt: bytes
    meta: bytes
    meta_commit: bytes
    body_salt: bytes
    body: bytes
    body_commit: bytes


@dataclass(frozen=True, slots=True)
class Receipt:
    """The acknowledgement: where the last fact of the command stands. Hashes are 32 bytes."""

    chain_id: str
    position: int
    leaf_hash: bytes
    chain_hash: bytes


@dataclass(frozen=True, slots=True)
class Appended:
    """receipt of the command; facts as stored, numbers filled in, with their positions."""

    receipt: Receipt
    facts: tuple[tuple[UUID, Any], ...]
    first_position: int
    recorded_at_us: int


@dataclass(slots=True)
class Submission:
    """A command's facts with the version of every stream it read; `wait` returns once `result` or `error` is there.

    rows: one a fact, None where it waits for a number; topics: the names used, in order of first use; facts: empty where the
    rows came encoded.
    """

    facts: Sequence[tuple[UUID, Any]]
    envelope: Envelope
    expect: Mapping[UUID, int]
    at: datetime
    claims: list[tuple[str, ClaimKey, UUID]]
    released: list[tuple[str, str]]
    numbers: set[Number]
    rows: Sequence[Row | None]
    topics: tuple[str, ...]
    waiting: threading.Lock = field(default_factory=threading.Lock)
    result: Appended | None = None
    error: BaseException | None = None
    following: Submission | None = None

    def wait(self) -> Appended:
        """Block until the writer answers, wake the next of its batch; raises what the writer refused with."""
        while not self.waiting.acquire(timeout=WAKE_WITHIN_S):
            if self.result is not None or self.error is not None:  # whoever should have woken this one was interrupted
                break
        if self.following is not None:
            self.following.waiting.release()
        if self.error is not None:
            raise self.error
        assert self.result is not None
        return self.result


def answer(answers: Sequence[tuple[Submission, Appended | None, BaseException | None]]) -> None:
    """Give each submission its result or its error and wake the callers, each by the one before it.

    Woken all at once they would fight for the interpreter lock: a third of what a small command costs at 64 writers.
    """
    before: Submission | None = None
    for submission, result, error in answers:
        submission.result, submission.error = result, error
        if before is not None:
            before.following = submission
        before = submission
    if answers:
        answers[0][0].waiting.release()


class _Salts(threading.local):
    """Random bytes of the kernel, 16 KiB at a time for each thread: a call for each fact would give up the interpreter lock."""

    def __init__(self) -> None:
        self._block = b""
        self._used = 0

    def take(self, size: int) -> bytes:
        if self._used + size > len(self._block):
            self._block, self._used = os.urandom(16_384), 0
        self._used += size
        return self._block[self._used - size : self._used]


_SALTS = _Salts()


def encode_row(stream: UUID, version: int, fact: Any, envelope: Envelope) -> Row:
    """Encode, salt and commit to one fact. Runs in the caller's thread unless the fact waits for a number."""
    meta, body = catalogue.encode(fact, envelope)
    return salted_row(stream, version, catalogue.TOPICS[type(fact)], meta, body)


def salted_row(stream: UUID, version: int, topic: str, meta: bytes, body: bytes) -> Row:
    """Salt and commit to the bytes of one fact."""
    salts = _SALTS.take(64)
    return Row(
        stream,
        version,
        topic,
        salts[:32],
        meta,
        chain.meta_commit(salts[:32], meta),
        salts[32:],
        body,
        chain.body_commit(salts[32:], body),
    )


def envelope_for(template: Envelope, n: int, m: int) -> Envelope:
    """The command's envelope for its nth fact of m."""
    if n == template.n and m == template.m:
        return template
    return msgspec.structs.replace(template, n=n, m=m)


def versions_of(facts: Sequence[tuple[UUID, Any]], expect: Mapping[UUID, int]) -> list[int]:
    """originator_version of each fact: counted on from the expected version of its stream."""
    seen = dict(expect)
    versions = []
    for stream, _ in facts:
        seen[stream] = seen.get(stream, 0) + 1
        versions.append(seen[stream])
    return versions


def submit(facts: Sequence[tuple[UUID, Any]], envelope: Envelope, expect: Mapping[UUID, int], at: datetime) -> Submission:
    """Make a submission; every stream written to must stand in `expect`. Raises TooLarge, KeyError."""
    _check_size(len(facts))
    for stream, _ in facts:
        expect[stream]
    claims: list[tuple[str, ClaimKey, UUID]] = []
    released: list[tuple[str, str]] = []
    numbers: set[Number] = set()
    rows: list[Row | None] = []
    versions = versions_of(facts, expect)
    for n, ((stream, fact), version) in enumerate(zip(facts, versions, strict=True), 1):
        waits: set[Number] = set()
        if catalogue.may_claim(fact):
            claims.extend((kind, key, stream) for kind, key in getattr(fact, "claims", ()))
            released.extend(getattr(fact, "released", ()))
            waits = catalogue.numbers_in(fact)
            numbers |= waits
        rows.append(None if waits else encode_row(stream, version, fact, envelope_for(envelope, n, len(facts))))
    claims.extend(envelope_claims(envelope, facts[0][0]))
    topics = tuple(dict.fromkeys(catalogue.TOPICS[type(fact)] for _, fact in facts))
    submission = Submission(facts, envelope, expect, at, claims, released, numbers, rows, topics)
    submission.waiting.acquire()
    return submission


_NOBODY = Envelope(cmd="", n=1, m=1, actor="")


def submit_rows(rows: Sequence[Row], expect: Mapping[UUID, int], at: datetime) -> Submission:
    """Make a submission of facts that come encoded: no claims, no numbers; each row's version is checked through `expect` alone.

    Raises TooLarge, KeyError.
    """
    _check_size(len(rows))
    for row in rows:
        expect[row.originator_id]
    topics = tuple(dict.fromkeys([row.topic for row in rows]))
    submission = Submission((), _NOBODY, expect, at, [], [], set(), rows, topics)
    submission.waiting.acquire()
    return submission


def _check_size(facts: int) -> None:
    if not 0 < facts <= FACTS_LIMIT:
        raise TooLarge(f"{facts} facts in one command")


def envelope_claims(envelope: Envelope, stream: UUID) -> list[tuple[str, ClaimKey, UUID]]:
    """The claims that a command's envelope makes for its first fact's stream: idempotency key and message id."""
    found: list[tuple[str, ClaimKey, UUID]] = []
    if envelope.idem is not None:
        found.append((IDEMPOTENCY, envelope.idem, stream))
    if envelope.src is not None and envelope.src.startswith(MESSAGE_SOURCE):
        found.append((MESSAGE, envelope.src, stream))
    return found
