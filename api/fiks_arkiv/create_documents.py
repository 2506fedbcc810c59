"""Documents of an entry, and further versions and variants of a document."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from api.fiks_arkiv import describe
from api.fiks_arkiv.files import Files, given_object
from api.fiks_arkiv.node import Node
from api.fiks_arkiv.reading import code, external_key, instant
from api.fiks_arkiv.references import References
from api.fiks_arkiv.xml import InvalidMessage
from domain.handlers import documents
from domain.handlers.work import Work
from domain.ledger.identity import new_id
from domain.model.document import CreateDocument

DEFAULT_TYPE, DEFAULT_STATUS = "BREV", "B"


def add_documents(work: Work, entry: UUID, node: Node, references: References, files: Files) -> None:
    """Record the documents of a new entry with their objects."""
    given = node.nodes("dokumentbeskrivelse")
    for one, number in zip(given, _numbers(given), strict=True):
        _refuse_system_id(one)
        unit = new_id()
        objects = one.nodes("dokumentobjekt")
        for each in objects:
            _refuse_system_id(each)
        documents.add(
            work,
            documents.AddDocument(
                unit,
                entry,
                describe.metadata(one, ()),
                CreateDocument(
                    code(one, "dokumenttype") or DEFAULT_TYPE,
                    code(one, "dokumentstatus") or DEFAULT_STATUS,
                    code(one, "dokumentmedium") or "E",
                    instant(one, "opprettetDato"),
                    one.text("opprettetAv"),
                ),
                code(one, "tilknyttetRegistreringSom") or "",
                number,
                instant(one, "tilknyttetDato"),
                one.text("tilknyttetAv"),
                tuple(given_object(each, files) for each in objects),
            ),
        )
        describe.parts(work, unit, one, references)
        references.begin(external_key(one), unit)


def add_object(work: Work, root: Node, references: References, files: Files) -> tuple[UUID, UUID]:
    """`dokumentobjekt.opprett`: a version or variant of a document that is there. Returns the ids of document and object."""
    reference, node = root.node("referanseTilDokumentbeskrivelse"), root.node("dokumentobjekt")
    assert reference is not None and node is not None  # noqa: PT018  the grammar requires both
    _refuse_system_id(node)
    unit = references.document(reference)
    return unit, documents.add_version(work, documents.AddVersion(unit, given_object(node, files)))


def _numbers(given: Sequence[Node]) -> list[int]:
    """M007 of each document: as given, else the next that is free."""
    told = [one.number("dokumentnummer") for one in given]
    describe.refuse_duplicates([None if one is None else str(one) for one in told], "dokumentnummer")
    if any(one is not None and one < 1 for one in told):
        raise InvalidMessage("dokumentnummer must be 1 or more.")
    taken = {one for one in told if one is not None}
    free = (number for number in range(1, 2 * len(told) + 2) if number not in taken)
    return [next(free) if one is None else one for one in told]


def _refuse_system_id(node: Node) -> None:
    if "systemID" in node:
        raise InvalidMessage(f"Line {node.line}: the systemID of a {node.type} is given by the archive; leave it out.")
