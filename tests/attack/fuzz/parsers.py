"""The parsers under attack: name of the module beside this file -> the modules whose branches lead the search.

It stands apart from them because it is read before they are imported: what is imported then is instrumented.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping
from pathlib import Path

INSTRUMENTED: Mapping[str, tuple[str, ...]] = {
    "entry": ("domain.chain",),
    "note": ("domain.note", "domain.chain"),
    "proof": ("domain.note", "domain.chain"),
    "message": ("api.fiks_arkiv",),
    "cursor": ("api.seals", "api.rest.answers", "api.commands", "api.uploads", "api.writes"),
    "payload": ("domain.chain", "domain.catalogue", "tools.export_facts"),
    "planted": ("tests.attack.fuzz.planted",),
}
PARSERS = tuple(name for name in INSTRUMENTED if name != "planted")


def kept(name: str) -> list[bytes]:
    """Inputs that are kept in `corpus/<name>.txt`, a line of base64 each: what once broke something, and what earlier runs found
    to lead into branches of their own."""
    path = Path(__file__).parent / "corpus" / f"{name}.txt"
    return [b64decode(line) for line in path.read_text(encoding="ascii").split()] if path.exists() else []
