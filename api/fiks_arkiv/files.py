"""The files of a message: each is named once by a document object, and each document object names one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from api.fiks_arkiv.node import Node
from api.fiks_arkiv.reading import code, instant, walk
from api.fiks_arkiv.xml import InvalidMessage
from domain.handlers.documents import GivenObject, file_name
from domain.ledger.blobs import Stored

MOST = 500
"""Most files of one message."""

Files = Mapping[str, Stored]


def refuse_names(files: Files) -> None:
    """Refuse paths, control characters and more than 500 files."""
    if len(files) > MOST:
        raise InvalidMessage(f"The message has {len(files)} files; at most {MOST} are allowed.")
    for name in files:
        file_name(name)


def refuse_files(files: Files) -> None:
    """Refuse files with a message that names none."""
    if files:
        raise InvalidMessage(f"The file {next(iter(files))[:200]!r} came with the message, but no element of it names a file.")


def match(root: Node, files: Files) -> None:
    """Refuse where files and the document objects' `referanseDokumentfil` do not fit one to one, or `antallFiler` is wrong."""
    objects = document_objects(root)
    named = Counter(_reference(one) for one in objects)
    for one in objects:
        reference = _reference(one)
        if reference not in files:
            raise InvalidMessage(
                f"Line {one.line}: the file {reference[:200]!r} (referanseDokumentfil) did not come with the message."
            )
        if named[reference] > 1:
            raise InvalidMessage(f"Line {one.line}: the file {reference[:200]!r} (referanseDokumentfil) is named more than once.")
    extra = next((name for name in files if name not in named), None)
    if extra is not None:
        raise InvalidMessage(f"The file {extra[:200]!r} came with the message, but no referanseDokumentfil names it.")
    told = root.number("antallFiler")
    if told is not None and told != len(files):
        raise InvalidMessage(f"antallFiler says {told}, but {len(files)} files came with the message.")


def document_objects(root: Node) -> Sequence[Node]:
    """Every document object of a message, in its order."""
    return [child for _, name, child in walk(root) if name == "dokumentobjekt" and isinstance(child, Node)]


def given_object(node: Node, files: Files) -> GivenObject:
    """A document object with its stored file."""
    return GivenObject(
        files[_reference(node)],
        node.text("filnavn") or "",
        code(node, "variantformat") or "P",
        node.number("versjonsnummer"),
        code(node, "format"),
        node.text("sjekksum"),
        node.number("filstoerrelse"),
        node.text("sjekksumAlgoritme"),
        node.text("formatDetaljer"),
        node.text("mimeType"),
        instant(node, "opprettetDato"),
        node.text("opprettetAv"),
    )


def checksums(node: Node, files: Files) -> dict[str, str]:
    """SHA-256 of every file that a unit names, by its name in the message."""
    return {_reference(one): files[_reference(one)].checksum for one in document_objects(node)}


def _reference(node: Node) -> str:
    return node.text("referanseDokumentfil") or ""
