"""Bytes from a stranger into an element tree, with nothing expanded, fetched or guessed on the way.

The order of the checks is the defence: size, then encoding, then NUL, then the prolog, then counts over the text, and only then
the parser. A document type declaration is therefore refused before a parser has seen it, so no entity can be declared at all.
"""

import re
from itertools import islice

from lxml import etree

MAX_BYTES = 16 * 1024 * 1024
"""Largest payload, in bytes."""
MAX_DEPTH = 64
"""Deepest nesting of elements; the root stands at depth 1."""
MAX_MARKUP = 250_000
"""Most `<` in one payload, counted in the text: about half of it is the greatest number of elements."""
MAX_ATTRIBUTES = 100_000
"""Most attributes and namespace declarations in one payload, counted in the text."""
MAX_REASON = 1_000
"""Longest reason for a refusal, in characters."""

_MARKS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_UNMARKED = ((b"<\x00", "utf-16-le"), (b"\x00<", "utf-16-be"))
_DECLARED = re.compile(rb"<\?xml[^>]{0,200}?encoding\s{0,20}=\s{0,20}[\"']([A-Za-z][A-Za-z0-9._-]{0,40})[\"']")
_CODECS = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "us-ascii": "ascii",
    "iso-8859-1": "iso-8859-1",
    "iso-8859-15": "iso-8859-15",
    "windows-1252": "cp1252",
}
_ATTRIBUTE = re.compile(r"=[ \t\r\n]*[\"']")
_SPACE = " \t\r\n"


class InvalidMessage(Exception):
    """The message is not one that the protocol allows; nothing of it may be stored.

    `reason` is one English sentence that names the line and element where they are known, and the rule that was broken.
    It is meant for `feilmelding` in the answer `ugyldigforespoersel`. A name or address that it quotes may be as long as the
    message itself, so that it is cut at 1 000 characters.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason if len(reason) <= MAX_REASON else reason[: MAX_REASON - 1] + "…"
        super().__init__(self.reason)


def parse(payload: bytes) -> etree._Element:
    """The root element of `payload`; `InvalidMessage` when it is too large, badly encoded, has a DTD or is not well-formed.

    A byte-order mark wins over the declared encoding: 9 of the 26 published payloads are UTF-16 and declare utf-8.
    """
    text = _text(payload)
    _refuse_doctype(text)
    _refuse_counts(text)
    # One parser a call: lxml parsers are not shared between threads. The text is UTF-8 now, so the declaration is overruled.
    parser = etree.XMLParser(
        encoding="utf-8", resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, collect_ids=False
    )
    try:
        root = etree.fromstring(text.encode("utf-8"), parser)
    except etree.XMLSyntaxError as exc:
        raise InvalidMessage(f"The XML is not well-formed: {exc.msg}.") from exc
    if root.getroottree().docinfo.internalDTD is not None:
        raise InvalidMessage("The XML has a document type declaration (DTD), which is not allowed.")
    _refuse_depth(root)
    return root


def _text(payload: bytes) -> str:
    if len(payload) > MAX_BYTES:
        raise InvalidMessage(f"The payload has {len(payload)} bytes; at most {MAX_BYTES} are allowed.")
    if not payload.strip():
        raise InvalidMessage("The payload is empty.")
    mark, codec = _encoding(payload)
    try:
        text = payload[mark:].decode(codec)
    except UnicodeDecodeError as exc:
        raise InvalidMessage(f"The payload is not valid {codec}: byte {exc.start + mark + 1} cannot be read.") from exc
    if "\x00" in text:
        raise InvalidMessage("The payload has a NUL character, which XML does not allow.")
    return text


def _encoding(payload: bytes) -> tuple[int, str]:
    """The number of bytes in the mark, and the Python codec (XML 1.0 appendix F)."""
    for mark, codec in _MARKS:
        if payload.startswith(mark):
            return len(mark), codec
    for start, codec in _UNMARKED:
        if payload.startswith(start):
            return 0, codec
    declared = _DECLARED.match(payload[:400])
    if declared is None:
        return 0, "utf-8"
    name = declared.group(1).decode("ascii")
    if name.lower() not in _CODECS:
        raise InvalidMessage(f"The payload declares the encoding {name}, which its bytes contradict or which is not accepted.")
    return 0, _CODECS[name.lower()]


def _refuse_doctype(text: str) -> None:
    """Walk the prolog by hand: a doctype can stand nowhere else, and elsewhere the parser finds it ill-formed."""
    at = 0
    while True:
        while at < len(text) and text[at] in _SPACE:
            at += 1
        end = next((close for start, close in (("<!--", "-->"), ("<?", "?>")) if text.startswith(start, at)), None)
        if end is None:
            break
        found = text.find(end, at + 2)
        if found < 0:
            break
        at = found + len(end)
    if text.startswith("<!", at) and text[at : at + 9].upper() == "<!DOCTYPE":
        raise InvalidMessage("The XML has a document type declaration (DTD), which is not allowed.")


def _refuse_counts(text: str) -> None:
    """A tree costs some 200 bytes an element or attribute: bound both before it is built."""
    if text.count("<") > MAX_MARKUP:
        raise InvalidMessage(f"The XML has more than {MAX_MARKUP} tags.")
    if text.count("=") > MAX_ATTRIBUTES and next(islice(_ATTRIBUTE.finditer(text), MAX_ATTRIBUTES, None), None) is not None:
        raise InvalidMessage(f"The XML has more than {MAX_ATTRIBUTES} attributes.")


def _refuse_depth(root: etree._Element) -> None:
    depth = 0
    for event, element in etree.iterwalk(root, events=("start", "end")):
        depth += 1 if event == "start" else -1
        if depth > MAX_DEPTH:
            raise InvalidMessage(f"Line {element.sourceline}: elements are nested deeper than {MAX_DEPTH} levels.")
