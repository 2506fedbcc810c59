"""Whether a unit of a creating message is there already: same external key and same content makes it `Eksisterende`.

Numbers and systemIDs are the archive's to give. A message that brings its own is taken where they name a unit of the same
content, and refused otherwise.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from uuid import UUID

from api.fiks_arkiv import kept, reading
from api.fiks_arkiv.node import Node
from api.fiks_arkiv.references import CASE, ENTRY, References
from api.fiks_arkiv.xml import InvalidMessage
from domain.handlers import case_files, registry_entries
from domain.handlers.work import Work
from domain.ledger.ledger import Ledger
from domain.model.case_file import CaseFile
from domain.model.errors import NotFound
from domain.model.registry_entry import RegistryEntry

_IDENTITY = {
    CASE: ("systemID", "mappeID", "saksaar", "sakssekvensnummer"),
    ENTRY: ("systemID", "registreringsID", "journalaar", "journalsekvensnummer", "journalpostnummer"),
}
_READ = {CASE: "case-file.read", ENTRY: "registry-entry.read"}
_LOAD: dict[str, Callable[[Work, UUID], CaseFile | RegistryEntry]] = {CASE: case_files.load, ENTRY: registry_entries.load}


def content(ledger: Ledger, node: Node, what: str, checksums: Mapping[str, str]) -> str:
    """HMAC of what a message says of a unit, its files included and its identity left out."""
    tree = {name: value for name, value in kept.tree(node).items() if name not in _IDENTITY[what]}
    canonical = json.dumps([tree, dict(checksums)], sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return ledger.claim_digest("content", canonical)


def find(work: Work, references: References, node: Node, what: str, digest: str) -> UUID | None:
    """The unit that the message speaks of and that has the same content; None where it is new.

    Raises InvalidMessage where the unit has other content, or where the message brings a number or systemID of its own.
    """
    keys = _keys(references, node, what)
    found = {unit for unit in keys.values() if unit is not None}
    given = [name for name in _IDENTITY[what] if name in node]
    if not found and given:
        raise InvalidMessage(
            f"Line {node.line}: {given[0]} names no {what} here; the archive gives numbers and systemIDs itself, so leave it out."
        )
    if not found:
        return None
    named = ", ".join(keys)
    if len(found) > 1 or (given and None in keys.values()):
        raise InvalidMessage(f"Line {node.line}: the keys {named} do not name the same {what}.")
    unit = found.pop()
    work.permit(_READ[what], unit)
    try:
        state = _LOAD[what](work, unit)
    except NotFound:
        raise InvalidMessage(f"Line {node.line}: {named} names no {what}, or a unit of another kind.") from None
    if state.content != digest:
        raise InvalidMessage(f"Line {node.line}: {named} belongs to {what} {unit}, which was created with other content.")
    return unit


def _keys(references: References, node: Node, what: str) -> dict[str, UUID | None]:
    keys: dict[str, UUID | None] = {}
    external = reading.external_key(node)
    if external is not None:
        keys[f"referanseEksternNoekkel {external.system} / {external.key}"] = references.external(external)
    for name, value in _identity(node, what).items():
        keys[f"{name} {value}"] = references.by_identity(what, name, value)
    return keys


def _identity(node: Node, what: str) -> dict[str, str]:
    """The sender's own identity of the unit: by systemID, by mappeID or registreringsID, by number in the year."""
    plain = {name: text for name in _IDENTITY[what][:2] if (text := node.text(name)) is not None}
    year, sequence = (node.number(name) for name in _IDENTITY[what][2:4])
    if (year is None) != (sequence is None):
        raise InvalidMessage(f"Line {node.line}: {' and '.join(_IDENTITY[what][2:4])} are given together or not at all.")
    return plain | ({"number": f"{year}/{sequence}"} if year is not None else {})
