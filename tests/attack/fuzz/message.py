"""A KS Fiks Arkiv message from a stranger: decoded, or refused with InvalidMessage in one sentence."""

from __future__ import annotations

from pathlib import Path

from api.fiks_arkiv.decode import decode
from api.fiks_arkiv.node import Leaf, Node
from api.fiks_arkiv.xml import MAX_REASON, InvalidMessage
from tests.api.fiks import written

MAX_LENGTH = 32_768
ID = "b6b5a9f2-53a5-4a5e-9b9a-9f6a1d0c7e11"


def seeds(reference: Path | None) -> list[bytes]:
    """Messages of our own in several encodings, and the published cases where they are there."""
    key = ("Fag", "1")
    own = [
        written.case_message("Naust", key),
        written.entry_message("Klage", key, parties=written.party("Kari Nordmann")),
        written.update_case(key, "<tittel>Ny</tittel>"),
        written.get_case(external=key),
        written.get_entry(ID),
        written.get_file(ID),
    ]
    text = own[0].decode()
    own += [text.encode("utf-16"), text.encode("utf-8-sig"), text.encode("utf-16-be")]
    published = sorted((reference / "integrations" / "fiks-arkiv" / "testcases").glob("*/*.xml")) if reference else []
    return own + [path.read_bytes() for path in published]


def one(data: bytes) -> None:
    """Decodes; a message that is taken has a type and a tree of nodes and leaves alone."""
    try:
        message = decode(data)
    except InvalidMessage as refused:
        _check_reason(refused.reason)
        return
    assert message.type
    waiting: list[Node | Leaf] = [message.root]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Node):
            waiting += [child for _, child in node.children]


def _check_reason(reason: str) -> None:
    assert 0 < len(reason) <= MAX_REASON
    assert reason.encode().decode() == reason, "it stands in an answer, which is UTF-8"
