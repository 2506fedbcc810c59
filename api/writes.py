"""One command of REST or of a form: run, acknowledged, and, where it carries an idempotency key, never done twice.

A repeated key is answered from the facts that it led to. Whether the repeated request says the same is found by deciding it
again on the units as they stood then, and comparing the facts: nothing of a request is stored but the claim of its key.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from api import log_reads
from api.commands import Handle
from api.requests import Caller
from domain.handlers.work import Context, Work, run
from domain.ledger.ledger import Evolve, Ledger
from domain.ledger.reader import Reader, Recorded
from domain.ledger.submission import IDEMPOTENCY, Receipt
from domain.model.errors import Refused
from domain.model.ids import Number, NumberedKey

Facts = Sequence[tuple[UUID, Any]]
KEY_LIMIT = 200


@dataclass(frozen=True, slots=True)
class Done:
    """What a command led to: its facts as stored (none where nothing changed) and where its last one stands."""

    facts: Facts
    receipt: Receipt
    repeated: bool = False

    def unit(self, kind: type) -> UUID:
        """The unit that the command's first fact of this kind stands in."""
        return next(stream for stream, fact in self.facts if isinstance(fact, kind))

    def fact(self, kind: type) -> Any:
        """The command's first fact of this kind."""
        return next(fact for _, fact in self.facts if isinstance(fact, kind))

    @property
    def position(self) -> str:
        """`<chain_id>#<position>`: how far a reader must see to see this."""
        return f"{self.receipt.chain_id}#{self.receipt.position}"

    def acknowledgement(self) -> dict[str, Any]:
        """As JSON; hashes in hex."""
        receipt = self.receipt
        return {
            "chain_id": receipt.chain_id,
            "position": receipt.position,
            "leaf_hash": receipt.leaf_hash.hex(),
            "chain_hash": receipt.chain_hash.hex(),
        }


class _Repeated(Exception):
    def __init__(self, facts: list[Recorded]) -> None:
        self.facts = facts


def perform(me: Caller, keys: Iterable[UUID], handle: Handle, *, key: str | None = None, given: Iterable[UUID] = ()) -> Done:
    """Run a command. keys: units that it changes; key: the client's idempotency key; given: ids that came with the request.

    Raises Refused (`idempotency.other` where the key was used for another request), Busy, Contended, ClockFault.
    """
    ledger = me.tenant.ledger
    context = me.context(checked_key(key))
    wanted = list(keys)

    def once(work: Work) -> Any:
        earlier = repeated(me, key)
        if earlier:
            raise _Repeated(earlier)
        return handle(work)

    try:
        outcome = run(ledger, context, wanted, once)
    except _Repeated as found:
        return _again(ledger, context, found.facts, handle, frozenset(given))
    if outcome.appended is not None:
        return Done(outcome.appended.facts, outcome.appended.receipt)
    return Done((), _standing(ledger.reader, wanted))


def repeated(me: Caller, key: str | None) -> list[Recorded]:
    """The facts of the command that this actor already gave under this key; empty where it is new."""
    if key is None:
        return []
    ledger = me.tenant.ledger
    digest = ledger.keys.idempotency_digest(ledger.tenant, f"{me.actor.id}\n{key}")
    stream = ledger.reader.claim(IDEMPOTENCY, digest)
    return log_reads.keyed_command(ledger.reader, stream, digest) if stream is not None else []


def checked_key(key: str | None) -> str | None:
    """The idempotency key as the client sent it. Refused `idempotency.key`."""
    if key is not None and not (0 < len(key) <= KEY_LIMIT and all(" " < char < "\x7f" for char in key)):
        raise Refused("idempotency.key")
    return key


def _standing(reader: Reader, units: Sequence[UUID]) -> Receipt:
    """Where a unit stands that the command left as it was."""
    last = reader.stream(units[0])[-1]
    return log_reads.receipt_at(reader, last.position, last.chain_id)


def _again(ledger: Ledger, context: Context, stored: list[Recorded], handle: Handle, given: frozenset[UUID]) -> Done:
    """The first answer once more, if this request says what the first one said."""
    at = datetime.fromisoformat(stored[0].envelope.at or "")
    work = Work(_Before(ledger, stored), context, at, fresh=True)
    try:
        handle(work)
    except Refused as refused:  # what was stored then was not refused then: this is another request
        raise Refused("idempotency.other") from refused
    said = [(stream, fact) for stream, fact in work.facts]
    kept = [(one.stream, one.fact) for one in stored]
    if not _same(said, kept, given):
        raise Refused("idempotency.other")
    last = stored[-1]
    return Done(kept, log_reads.receipt_at(ledger.reader, last.position, last.chain_id), repeated=True)


def _same(said: Any, stored: Any, given: frozenset[UUID]) -> bool:
    """Whether decided facts are those stored, but for what chance and the writer fill in: new ids, numbers, destroyed bodies."""
    if isinstance(said, Number | NumberedKey):
        return True
    if isinstance(said, UUID):
        return isinstance(stored, UUID) and (said == stored or (said not in given and stored not in given))
    if dataclasses.is_dataclass(said) and not isinstance(said, type):
        if type(said) is not type(stored):
            return False
        return all(
            (field.name == "body" and getattr(stored, "body", None) is None)
            or _same(getattr(said, field.name), getattr(stored, field.name), given)
            for field in dataclasses.fields(said)
        )
    if isinstance(said, tuple | list):
        return len(said) == len(stored) and all(_same(one, other, given) for one, other in zip(said, stored, strict=True))
    return bool(said == stored)


class _Before(Ledger):
    """The ledger as it stood before a command: for deciding that command again. It appends nothing."""

    def __init__(self, ledger: Ledger, command: list[Recorded]) -> None:
        self.__dict__.update(ledger.__dict__)
        self._command = command
        self.reader = _ReaderBefore(ledger.reader, command)

    def load(self, stream: UUID, evolve: Evolve, fresh: bool) -> tuple[int, Any]:
        """The unit as it was."""
        del fresh
        version, state = 0, None
        for recorded in self.reader.stream(stream):
            state = evolve(state, stream, recorded.fact)
            version = recorded.version
        return version, state


class _ReaderBefore(Reader):
    """Reads without what the command wrote or what came after it."""

    def __init__(self, reader: Reader, command: list[Recorded]) -> None:
        self.__dict__.update(reader.__dict__)
        self._first = command[0]
        self._order = {name: at for at, (name, _) in enumerate(reader.record_chains)}
        self._own = {one.stream for one in command if one.version == 1}

    def stream(self, stream: UUID, after_version: int = 0) -> list[Recorded]:
        """The unit's facts before the command."""
        return list(self._before(super().stream(stream, after_version)))

    def _before(self, facts: Iterable[Recorded]) -> Iterator[Recorded]:
        for one in facts:
            if (self._order[one.chain_id], one.position) < (self._order[self._first.chain_id], self._first.position):
                yield one

    def claim(self, kind: str, key: str) -> UUID | None:
        """Who held a key: a unit that the command began held none."""
        owner = super().claim(kind, key)
        return None if owner in self._own else owner
