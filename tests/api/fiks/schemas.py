"""The published V1 schemas and cases, by message type. Only tests read them."""

from functools import cache
from pathlib import Path

from lxml import etree

from api.fiks_arkiv.grammar import MESSAGES

REFUSED = {"OppdaterMappeStatusN3", "NySaksmappeFX"}
"""The case that its publisher broke, and the one that is faulty on purpose."""


def folder(reference: Path) -> Path:
    """Where the protocol's files stand."""
    return reference / "integrations" / "fiks-arkiv"


def cases(reference: Path) -> dict[str, bytes]:
    """The payload of each published case, by the case's name."""
    found = sorted((folder(reference) / "testcases").glob("*/*.xml"))
    return {path.parent.name: path.read_bytes() for path in found}


@cache
def schema(reference: Path, type_id: str) -> etree.XMLSchema:
    """The schema of one message type."""
    return etree.XMLSchema(etree.parse(folder(reference) / "schema-v1" / f"{type_id}.xsd"))


def by_root(reference: Path, root: etree._Element) -> etree.XMLSchema | None:
    """The schema whose document element this is."""
    name = etree.QName(root)
    for type_id, document in MESSAGES.items():
        if document.name == (name.namespace or "", name.localname):
            return schema(reference, type_id)
    return None


def valid(reference: Path, payload: bytes) -> bool:
    """Whether the published schema accepts `payload`, read by lxml alone."""
    try:
        root = etree.fromstring(payload)
    except etree.XMLSyntaxError:
        return False
    found = by_root(reference, root)
    return found is not None and found.validate(root)
