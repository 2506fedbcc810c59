"""How one chain lies in a mirror, and the object `tail` that says how far it has come.

    vkey                    the chain's note verifier key
    schema/                 the fact types, as in an export
    tile/entries/<index>    256 entries, each behind its u16 length: written once, never replaced by others
    payload/<index>.jsonl   their 256 payload lines, as in an export with payloads; rewritten by disposal alone
    blob/<object id>        the documents' files
    tail                    one line of JSON (`Tail`), one of base64: the entries after the last whole bundle; then their lines

`tail` is put last and whole, so it is both the newest events and the mirror's memory of (chain_id, position, chain_hash): a crash
leaves objects that are ahead of it, which the next tick puts again. Bodies stand as they are stored; body_key is NULL as long as
no body is encrypted (`dagbok verify` refuses another), and a line has no place for it.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Sequence
from hashlib import sha256

import msgspec

from domain import chain
from domain.ledger.mirror_target import Target, TargetFault, put_bytes, read

BUNDLE = 256
FORMAT = "dagbok/mirror/v1"
TAIL_LIMIT = 1 << 30  # bytes: at most 255 payload lines
ENTRIES_LIMIT = 17 << 20  # bytes: 256 entries behind their u16 lengths


class Tail(msgspec.Struct, forbid_unknown_fields=True):
    """How far a chain is mirrored: `position` events, `chain_hash` (hex) the last one's, `before` that of the last whole bundle.

    chain_no: as in ledger_chain; checkpoint: the latest one kept, with its cosignatures, or empty; waiting: positions of disposal
    facts that are not carried out in the ledger yet; owed: of facts whose file could not be copied; sha256: of what follows.
    """

    format: str
    chain_id: str
    chain_no: int
    position: int
    chain_hash: str
    before: str
    checkpoint: str
    waiting: list[int]
    owed: list[int]
    sha256: str = ""


_decode = msgspec.json.Decoder(Tail).decode


def fresh(chain_id: str, number: int) -> Tail:
    """The tail of a chain of which nothing is mirrored yet."""
    start = chain.genesis(chain_id).hex()
    return Tail(FORMAT, chain_id, number, 0, start, start, "", [], [])


def first_index(tail: Tail) -> int:
    """The bundle that the tail's own events belong to."""
    return tail.position // BUNDLE


def put_tail(target: Target, tail: Tail, entries: Sequence[bytes], lines: Sequence[bytes]) -> None:
    """Write the tail with the events after the last whole bundle."""
    rest = b64encode(bundle(entries)) + b"\n" + b"".join(lines)
    tail.sha256 = sha256(rest).hexdigest()
    put_bytes(target, "tail", msgspec.json.encode(tail) + b"\n" + rest)


def read_tail(target: Target) -> tuple[Tail, list[bytes], list[bytes]] | None:
    """The tail, its entries and their payload lines; None where there is no mirror. Raises TargetFault where it is damaged."""
    data = read(target, "tail", TAIL_LIMIT)
    if data is None:
        return None
    head, _, rest = data.partition(b"\n")
    try:
        tail = _decode(head)
        if tail.format != FORMAT or tail.sha256 != sha256(rest).hexdigest():
            raise ValueError("its digest is not that of what follows")
        packed, _, text = rest.partition(b"\n")
        entries = unbundle(b64decode(packed, validate=True))
    except (msgspec.MsgspecError, ValueError) as problem:
        raise TargetFault(f"the mirror's tail is damaged: {problem}") from problem
    lines = text.splitlines(keepends=True)
    if not len(entries) == len(lines) == tail.position % BUNDLE:
        raise TargetFault("the mirror's tail is damaged: it does not hold the events that it speaks of")
    return tail, entries, lines


def bundle(entries: Sequence[bytes]) -> bytes:
    """Entries, each behind its u16 length."""
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def unbundle(data: bytes) -> list[bytes]:
    """The entries of a bundle. ValueError where the lengths do not add up."""
    entries, at = list[bytes](), 0
    while at < len(data):
        end = at + 2 + int.from_bytes(data[at : at + 2], "big")
        entries.append(data[at + 2 : end])
        at = end
    if at != len(data):
        raise ValueError("the last entry is cut off")
    return entries


def place_of(chain_id: str) -> str:
    """The prefix of a chain in a tenant's mirror: the chain_id itself. TargetFault for one that cannot be a path."""
    parts = chain_id.split("/")
    if not all(parts) or any(part.startswith(".") or not part.isascii() or "\\" in part for part in parts):
        raise TargetFault(f"the chain {chain_id!r} cannot be mirrored under its name")
    return chain_id
