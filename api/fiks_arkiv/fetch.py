"""`mappe.hent`, `registrering.hent` and `dokumentfil.hent`: one unit as the log has it now."""

from __future__ import annotations

from uuid import UUID

from api.fiks_arkiv import case_tree, entry_tree
from api.fiks_arkiv.answers import Answer, document
from api.fiks_arkiv.message_types import CASE_GET, ENTRY_GET, FILE_GET
from api.fiks_arkiv.node import Node
from api.fiks_arkiv.references import References
from api.fiks_arkiv.units import Units
from api.fiks_arkiv.xml import InvalidMessage
from api.installation import Tenant
from domain.handlers import access_log
from domain.handlers.gate import Permit
from domain.handlers.work import Context, permitted
from domain.model.access_log import API, FILE
from domain.model.errors import NotFound, Refused
from projections.journal.fields import Fields
from projections.view import DOCUMENT, ENTRY

READ_CASE, READ_ENTRY, READ_DOCUMENT, READ_FILE = "case-file.read", "registry-entry.read", "document.read", "document.read-file"
_DOCUMENTS = {"dokumentbeskrivelse", "dokumentobjekt"}
MOST_BYTES = 512 * 1024**2
"""Largest file of an answer: it stands in the memory whole, some three times over."""
WAIT_S = 2.0
"""How long a reader waits for the journal to follow."""


def case(tenant: Tenant, context: Context, root: Node) -> list[Answer]:
    """A case file, with what `inkluder` asks for. It is a `mappe` of type saksmappe, as the publisher's own queries read it."""
    unit = References(tenant.ledger).case(_reference(root, "referanseTilMappe"))
    given = permitted(tenant.ledger, context, READ_CASE, unit)
    tree = case_tree.case_tree(Units(tenant.ledger), unit, root.texts("inkluder"))
    access_log.read(tenant.ledger, context.actor, given, unit, API)
    return [document(f"{CASE_GET}.resultat", {"mappe": tree})]


def entry(tenant: Tenant, context: Context, root: Node) -> list[Answer]:
    """A registry entry (`journalpost`) or another registration (`registrering`), with what `inkluder` asks for."""
    unit = References(tenant.ledger).entry(_reference(root, "referanseTilRegistrering"))
    given = permitted(tenant.ledger, context, READ_ENTRY, unit)
    source, include = Units(tenant.ledger), root.texts("inkluder")
    documents = _readable(tenant, context, source, unit) if _DOCUMENTS & set(include) else []
    # No word of this request asks for parties to the case: they always go along.
    tree = entry_tree.entry_tree(source, unit, {*include, "part"})
    access_log.read_together(tenant.ledger, context.actor, [(given, unit), *documents], API)
    element = "journalpost" if tree.get("@type") == "journalpost" else "registrering"
    return [document(f"{ENTRY_GET}.resultat", {element: tree})]


def _readable(tenant: Tenant, context: Context, source: Units, entry: UUID) -> list[tuple[Permit, UUID]]:
    """The documents of an entry that may be read, as the gate said; the others are left out of it, as in a search."""
    one = source.get(entry, ENTRY)
    links, found = [], []
    for link in one.get("documents", []):
        try:
            found.append((permitted(tenant.ledger, context, READ_DOCUMENT, UUID(link["id"])), UUID(link["id"])))
        except Refused:
            continue
        links.append(link)
    source.know([{**one, "documents": links}])
    return found


def file(tenant: Tenant, context: Context, root: Node) -> list[Answer]:
    """The bytes of a document object, checked against its digest while they are read."""
    object_id = UUID(_reference(root, "dokumentfilNoekkel").text("systemID"))
    # Which document an object belongs to is known to the journal only: it must have seen what was written just now.
    tenant.wait(tenant.ledger.reader.head().position, WAIT_S)
    with tenant.read() as connection:
        unit = Fields(tenant.name).document_of(connection, object_id)
    if unit is None:
        raise NotFound("document object", str(object_id))
    given = permitted(tenant.ledger, context, READ_FILE, unit)
    found = next(one for one in Units(tenant.ledger).get(unit, DOCUMENT)["objects"] if one["id"] == str(object_id))
    if found["size"] > MOST_BYTES:
        raise InvalidMessage(f"The file {object_id} has {found['size']} bytes; an answer holds at most {MOST_BYTES}.")
    access_log.read(tenant.ledger, context.actor, given, unit, FILE)
    return [Answer(f"{FILE_GET}.resultat", b"".join(tenant.ledger.blobs.get(object_id, found["size"], found["checksum"])))]


def _reference(root: Node, name: str) -> Node:
    found = root.node(name)
    assert found is not None  # the grammar requires it
    return found
