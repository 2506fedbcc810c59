"""`avskrivning.opprett` and `.slett`: an entry is signed off for one correspondence party, or that is taken back."""

from __future__ import annotations

from uuid import UUID

from api.fiks_arkiv.create_parties import signed_off
from api.fiks_arkiv.node import Node
from api.fiks_arkiv.references import References
from api.installation import Tenant
from domain.handlers import registry_entries
from domain.handlers.work import Work
from domain.model.errors import NotFound
from domain.model.registry_entry import RegistryEntry, SignedOff, SignOffRemoved


def sign_off(work: Work, tenant: Tenant, root: Node) -> None:
    """Sign off for the party; what stands already is replaced, and the same again changes nothing."""
    references = References(tenant.ledger)
    entry, party = _found(work, references, root)
    given = root.node("avskrivning")
    assert given is not None  # the grammar requires it
    registry_entries.sign_off(work, registry_entries.SignOffEntry(entry, signed_off(given, party, references)))


def undo(work: Work, tenant: Tenant, root: Node) -> None:
    """Take the party's sign-off back. One that was taken back before changes nothing; one that never was is NotFound."""
    entry, party = _found(work, References(tenant.ledger), root)
    state = registry_entries.load(work, entry)
    if any(one.party in (None, party) for one in state.sign_offs.values()):
        registry_entries.undo_sign_off(work, registry_entries.UndoSignOff(entry, party))
        return
    work.permit(registry_entries.UndoSignOff.ACTION, entry)
    facts = [recorded.fact for recorded in tenant.ledger.reader.stream(entry)]
    once = {fact.sign_off for fact in facts if isinstance(fact, SignedOff) and fact.party in (None, party)}
    if not any(isinstance(fact, SignOffRemoved) and fact.sign_off in once for fact in facts):
        raise NotFound("unit", f"korrespondansepartID {root.text('korrespondansepartID')}"[:200])


def _found(work: Work, references: References, root: Node) -> tuple[UUID, UUID]:
    reference = root.node("referanseTilJournalpost")
    assert reference is not None  # the grammar requires it
    entry = references.entry(reference)
    return entry, party_of(registry_entries.load(work, entry), root.text("korrespondansepartID") or "")


def party_of(state: RegistryEntry, given: str) -> UUID:
    """The party that a message calls `given`: by the id that its sender gave it, or by ours. Raises NotFound."""
    for party, fact in state.parties.items():
        if given == str(party) or (fact.body is not None and fact.body.given_id == given):
            return party
    raise NotFound("unit", f"korrespondansepartID {given}"[:200])
