"""The table of receipts against what the signer remembers of them, one part of the positions at a time.

A receipt is given by a signed tree, not by this table: what stands here says for which events one was asked and given. The signer
writes its own line first, so a line without a size in its row is a receipt on its way, and a size without a line was never given.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from struct import Struct
from typing import NamedTuple

from domain.ledger.spill import Spill

_PAIR = Struct("!qq")
_KEY = Struct("!q")
ASKED = -1
"""Stands for no size: asked for, and not given yet."""


class Odd(NamedTuple):
    """A receipt that is not as it must be; `pending`: it may be on its way."""

    position: int
    what: str
    pending: bool = False


def gather(pairs: Iterable[tuple[int, int]]) -> Spill:
    """(position, size) of any number of receipts. Raises OSError."""
    spill = Spill()
    for position, size in pairs:
        spill.add(_KEY.pack(position), _PAIR.pack(position, size))
    return spill


def compare(stored: Spill, given: Spill) -> Iterator[Odd]:
    """Where the table (`ASKED` for a row without size) and the signer's lines differ."""
    for part in sorted({number for number, _ in stored.parts()} | {number for number, _ in given.parts()}):
        lines: dict[int, set[int]] = {}
        for position, size in _PAIR.iter_unpack(given.part(part)):
            lines.setdefault(position, set()).add(size)
        rows = Counter(_PAIR.iter_unpack(stored.part(part)))
        for (position, size), times in rows.items():
            known = lines.get(position, set())
            if times > 1:
                yield Odd(position, "the receipt stands twice in its table")
            if size == ASKED and known:
                yield Odd(position, f"the receipt of position {position} was given once, and is asked for again", pending=True)
            elif size != ASKED and size not in known:
                yield Odd(position, f"the signer gave no receipt under size {size} for this position")
        for position in lines.keys() - {position for position, _ in rows}:
            yield Odd(position, "the signer gave a receipt for this position, and its row is not there")
