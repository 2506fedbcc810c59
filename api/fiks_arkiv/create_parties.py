"""Correspondence parties of an entry, with the sign-offs that a message gives them."""

from __future__ import annotations

from uuid import UUID

from api.fiks_arkiv import reading
from api.fiks_arkiv.describe import refuse_duplicates
from api.fiks_arkiv.node import Node
from api.fiks_arkiv.references import References
from api.fiks_arkiv.xml import InvalidMessage
from domain.handlers import registry_entries
from domain.handlers.work import Work
from domain.ledger.identity import new_id
from domain.model.registry_entry import SignedOff


def add_parties(work: Work, entry: UUID, node: Node, references: References, name: str = "korrespondansepart") -> None:
    """Record the parties of a new or changed entry. name: the element that holds them."""
    given = node.nodes(name)
    refuse_duplicates([one.text("korrespondansepartID") for one in given], "korrespondansepartID")
    for one in given:
        party = registry_entries.record_party(work, entry, reading.party(one))
        sign_offs = one.nodes("avskrivning")
        if len(sign_offs) > 1:
            raise InvalidMessage(f"Line {one.line}: a korrespondansepart has one avskrivning; it has {len(sign_offs)}.")
        for sign_off in sign_offs:
            registry_entries.sign_off(work, registry_entries.SignOffEntry(entry, signed_off(sign_off, party, references)))


def signed_off(node: Node, party: UUID, references: References) -> SignedOff:
    """A sign-off for one party. Raises NotFound for an answering entry that is unknown."""
    by, day = node.node("avskrevetAv"), node.date("avskrivningsdato")
    assert day is not None  # the grammar requires both
    who = reading.named(by)
    if who is None:
        raise InvalidMessage(f"Line {node.line}: avskrevetAv must say who signed off.")
    answered_by = node.node("referanseAvskrivesAvJournalpost")
    return SignedOff(
        new_id(),
        day,
        reading.code(node, "avskrivningsmaate") or "",
        who,
        party,
        references.entry(answered_by) if answered_by is not None else None,
        tuple(references.entry(one) for one in node.nodes("referanseAvskriverJournalpost")),
    )
