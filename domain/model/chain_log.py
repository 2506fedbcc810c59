"""The facts by which a chain speaks of itself. They are defined by the format and need no introduction."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ChainOpened:
    """Position 1 of every chain.

    kind: `record` or `access`; number: n in `<tenant>/record/<n>`, the year in `/access/<year>`;
    predecessors: (chain_id, last checkpoint as a signed note, or empty where none was kept); vkey: the log's note verifier key.
    """

    chain_id: str
    kind: str
    number: int
    vkey: str
    predecessors: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class ChainClosed:
    """Last fact of a chain; nothing is written after it."""

    reason: str


@dataclass(frozen=True, slots=True)
class FactTypeIntroduced:
    """Stands before a topic's first use in a chain. schema: JSON Schema of meta.f; body_schema: of the body, if any."""

    topic: str
    schema: str
    body_schema: str | None = None


@dataclass(frozen=True, slots=True)
class BodiesDisposed:
    """Bodies were destroyed by decision. positions: (first, last) ranges in this chain; parts: `body`, `blob`."""

    decision: str
    positions: tuple[tuple[int, int], ...]
    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TailDecided:
    """Two people decided about the end of a chain that no checkpoint proves.

    decision: `lost` (events first to last of chain_id are gone for good; last is that of the last checkpoint known, first - 1
    where none was larger than what is there) or `vouched` (they came from a mirror, after the last signed tree);
    people: who decided, two different ones; reason: in their words.
    """

    decision: str
    chain_id: str
    first: int
    last: int
    people: tuple[str, ...]
    reason: str
