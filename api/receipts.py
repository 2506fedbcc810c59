"""Receipts as the web gives them: asked for by whoever wants one, given by the signer with its next checkpoint."""

from __future__ import annotations

from api import log_reads, reads
from api.requests import Caller
from domain.ledger import receipts
from domain.model.errors import NotFound

_LAST = 2**53


def ask(me: Caller, position: int, chain_id: str | None = None) -> None:
    """Ask for the receipt of an event that is there. Raises NotFound."""
    reads.permit(me, reads.Query.ASK_RECEIPT)
    _ask(me, position, chain_id)


def _ask(me: Caller, position: int, chain_id: str | None) -> None:
    name, schema = log_reads.chain_of(me.tenant.ledger.reader, chain_id)
    log_reads.receipt_at(me.tenant.ledger.reader, _bounded(position), name)
    with me.tenant.read() as connection:
        receipts.request(connection, schema, position)


def receipt(me: Caller, position: int, chain_id: str | None = None) -> str:
    """The receipt's text. Raises NotFound, or NotYet (425) having asked for it."""
    reads.permit(me, reads.Query.READ_RECEIPT)
    reader = me.tenant.ledger.reader
    name, schema = log_reads.chain_of(reader, chain_id)
    try:
        with reader.pool.connection() as connection:
            return receipts.receipt(connection, schema, name, _bounded(position))
    except receipts.NotYet:
        _ask(me, position, chain_id)
        raise


def _bounded(position: int) -> int:
    if not 0 < position < _LAST:
        raise NotFound("event", str(position)[:40])
    return position
