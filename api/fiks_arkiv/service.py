"""One KS Fiks Arkiv message in, its answers out. The transport (REST, folder of cases, Fiks IO later) stands outside.

Every fault of the payload or its files becomes one `ugyldigforespoersel`, and then nothing of the message is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

import psycopg
from psycopg_pool import PoolTimeout

from api.fiks_arkiv import answers, create, create_documents, fetch, identity, receipts, search, sign_offs, update
from api.fiks_arkiv.answers import Answer
from api.fiks_arkiv.decode import Message, decode
from api.fiks_arkiv.files import Files, match, refuse_files, refuse_names
from api.fiks_arkiv.message_types import (
    CASE_GET,
    CREATE,
    DOCUMENT_OBJECT,
    ENTRY_GET,
    FILE_GET,
    REQUESTS,
    SEARCH,
    SIGN_OFF,
    SIGN_OFF_DELETE,
    UPDATE,
    may_answer_not_found,
)
from api.fiks_arkiv.node import Node
from api.fiks_arkiv.reading import refuse_long_texts
from api.fiks_arkiv.references import References
from api.fiks_arkiv.units import Units
from api.fiks_arkiv.xml import InvalidMessage
from api.installation import Tenant
from domain.handlers.gate import Actor
from domain.handlers.work import Context, Work, run
from domain.ledger.blobs import Stored, discard
from domain.ledger.faults import LedgerError, TooLarge
from domain.ledger.submission import Appended
from domain.model.document import ObjectAdded
from domain.model.errors import NotFound, Refused


@dataclass(slots=True)
class Received:
    """A message at work. named: objects that appended facts name, so that their bytes stay."""

    tenant: Tenant
    root: Node
    files: Files
    context: Context
    named: set[UUID] = field(default_factory=set)

    def keep(self, appended: Appended | None) -> None:
        """Remember which files the ledger names now."""
        if appended is not None:
            self.named |= {fact.object_id for _, fact in appended.facts if isinstance(fact, ObjectAdded)}


def handle(
    tenant: Tenant,
    payload: bytes,
    files: Mapping[str, Stored],
    *,
    type_id: str | None = None,
    message_id: str | None = None,
    actor: Actor,
) -> list[Answer]:
    """Carry out one message and answer it. files: its files by name, stored as blobs already; those that no fact names are
    deleted again. type_id: as the transport said it, else told by the root element. Never raises for a fault of the message.
    """
    received: Received | None = None
    unsure = False
    asked = type_id or ""
    try:
        refuse_names(files)
        message = _decoded(payload, type_id)
        asked = message.type
        source = identity.source(tenant.ledger, message.type, payload, files, message_id)
        received = Received(tenant, message.root, files, Context(actor, source=source))
        return _HANDLERS[message.type](received)
    except Exception as problem:
        # Where the ledger or anything else failed, a fact may stand after all: then the files are left to the sweep.
        unsure = not isinstance(problem, InvalidMessage | Refused | TooLarge)
        return [_fault(problem, asked)]
    finally:
        if not unsure:
            named = received.named if received is not None else set()
            for stored in files.values():
                if stored.object_id not in named:
                    discard(tenant.ledger.blobs, stored.object_id)


def _decoded(payload: bytes, type_id: str | None) -> Message:
    message = decode(payload)
    if message.type not in REQUESTS:
        raise InvalidMessage(f"{message.type} is an answer; the archive takes requests only.")
    if type_id is not None and type_id != message.type:
        raise InvalidMessage(f"The message was sent as {type_id[:200]}, but its content is {message.type}.")
    refuse_long_texts(message.root)
    return message


def _fault(problem: Exception, asked: str) -> Answer:
    match problem:
        case InvalidMessage():
            return answers.invalid(problem.reason)
        case NotFound() if may_answer_not_found(asked):
            return answers.not_found(answers.told(problem))
        case Refused() | TooLarge():
            return answers.invalid(answers.told(problem))
        case LedgerError() | psycopg.OperationalError() | PoolTimeout():
            return answers.server(answers.told(problem))
        case _:
            return answers.failed(problem)


def _create(received: Received) -> list[Answer]:
    create.refuse_unknown(received.root)
    match(received.root, received.files)

    def decide(work: Work) -> create.Created:
        identity.refuse_repeated(work)
        return create.create(work, received.root, received.files)

    ledger = received.tenant.ledger
    try:
        outcome = run(ledger, received.context, create.queue_on(ledger, received.root), decide)
    except identity.Repeated as repeated:
        created = _earlier(received, repeated).created
        if created.case is None and created.entry is None:
            raise InvalidMessage("The message id belongs to an earlier message of another type.") from None
        return receipts.creation(Units(ledger), created)
    received.keep(outcome.appended)
    return receipts.creation(Units(ledger), outcome.result)


def _add_object(received: Received) -> list[Answer]:
    match(received.root, received.files)
    ledger = received.tenant.ledger

    def decide(work: Work) -> tuple[UUID, UUID]:
        identity.refuse_repeated(work)
        return create_documents.add_object(work, received.root, References(ledger), received.files)

    try:
        outcome = run(ledger, received.context, (), decide)
    except identity.Repeated as repeated:
        added = _earlier(received, repeated).objects
        if not added:
            raise InvalidMessage("The message id belongs to an earlier message of another type.") from None
        return receipts.object_added(Units(ledger), *added[0])
    received.keep(outcome.appended)
    return receipts.object_added(Units(ledger), *outcome.result)


def _earlier(received: Received, repeated: identity.Repeated) -> identity.Earlier:
    assert received.context.source is not None
    return identity.earlier(received.tenant.ledger, repeated.stream, received.context.source, received.root)


def _changing(request: str, change: Callable[[Work, Tenant, Node], None]) -> Callable[[Received], list[Answer]]:
    """A request whose answers are empty."""

    def carry_out(received: Received) -> list[Answer]:
        refuse_files(received.files)

        def decide(work: Work) -> None:
            identity.refuse_repeated(work)
            change(work, received.tenant, received.root)

        try:
            run(received.tenant.ledger, received.context, (), decide)
        except identity.Repeated:
            return answers.empty(request)
        return answers.empty(request)

    return carry_out


def _reading(read: Callable[[Tenant, Context, Node], list[Answer]]) -> Callable[[Received], list[Answer]]:
    """A request that changes nothing."""

    def carry_out(received: Received) -> list[Answer]:
        refuse_files(received.files)
        return read(received.tenant, received.context, received.root)

    return carry_out


_HANDLERS: Mapping[str, Callable[[Received], list[Answer]]] = {
    CREATE: _create,
    DOCUMENT_OBJECT: _add_object,
    UPDATE: _changing(UPDATE, update.update),
    SIGN_OFF: _changing(SIGN_OFF, sign_offs.sign_off),
    SIGN_OFF_DELETE: _changing(SIGN_OFF_DELETE, sign_offs.undo),
    CASE_GET: _reading(fetch.case),
    ENTRY_GET: _reading(fetch.entry),
    FILE_GET: _reading(fetch.file),
    SEARCH: _reading(search.search),
}
