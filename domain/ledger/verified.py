"""What was verified last, kept outside the database, so that the next run need not read it again.

One file a tenant, `verified/<tenant>` in the signer's folder: whoever could change it could let a changed row go unread, so it
lies where the signer's own memory does, outside the database and outside the backup of the data folder. It proves nothing to
anybody else: what is not read again is named in the report. It is written after a run that found no fault, whole or not at all.

    line 1: first 8 hex of SHA-256 of line 2       line 2: JSON, `Verified` field by field
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path

import msgspec

from domain import chain
from domain.ledger import durable
from domain.model.chain_log import TailDecided

TileDigest = tuple[int, str]
"""Number of full tiles of a level, and `fold` over the SHA-256 of each, hex."""


@dataclass(frozen=True, slots=True)
class VerifiedChain:
    """A chain's first `size` events. chain_hash: hex; frontier: hex of `chain.Frontier.encode`, whose root is the tree's;
    tiles: by level; introduced: fact types; closed: the position after which nothing may stand, 0 where it is open;
    decisions: as `Erasures.decisions`; lost: tails of other chains that two people gave up."""

    size: int
    chain_hash: str
    frontier: str
    recorded_at_us: int
    tiles: dict[int, TileDigest]
    introduced: list[str]
    closed: int
    decisions: dict[str, list[int]]
    lost: list[TailDecided]

    def tree(self) -> chain.Frontier:
        """The tree of these events. Raises ChainError, ValueError."""
        return chain.Frontier.decode(bytes.fromhex(self.frontier))

    @property
    def root(self) -> str:
        """Root of the tree, hex."""
        return self.tree().root().hex()


@dataclass(frozen=True, slots=True)
class Verified:
    """at: when, RFC 3339; whole_at: when all was read last; chains: by chain_id; claims: `Multiset` of the claim table, hex;
    counters: by series."""

    at: str
    whole_at: str
    chains: dict[str, VerifiedChain]
    claims: str
    counters: dict[str, int]

    @property
    def when(self) -> datetime:
        """The instant of the run."""
        return datetime.fromisoformat(self.at)


_decode = msgspec.json.Decoder(Verified).decode


def path_of(signer_dir: Path, tenant: str) -> Path:
    """The tenant's file."""
    return signer_dir / "verified" / tenant


def recall(signer_dir: Path, tenant: str) -> Verified | None:
    """The last run that found no fault; None where none is remembered, or the file is not as it was written: all is read then."""
    try:
        check, data = path_of(signer_dir, tenant).read_bytes().split(b"\n", 1)
        return _decode(data) if check == _check(data) else None
    except (OSError, ValueError, msgspec.MsgspecError):
        return None


def remember(signer_dir: Path, tenant: str, verified: Verified) -> None:
    """Keep a run, durable when this returns. Raises OSError."""
    path = path_of(signer_dir, tenant)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    data = msgspec.json.encode(verified)
    durable.replace(path, _check(data) + b"\n" + data)


def fold(digests: bytes, tiles: Iterable[bytes] = (), before: str = "") -> str:
    """One digest over tiles in order, that can be carried on from: each is SHA-256(the one before || SHA-256 of the tile).

    digests: SHA-256 of each tile, one after the other; tiles: further ones as they are; before: the outcome so far, hex."""
    state = bytes.fromhex(before) or bytes(32)
    for at in range(0, len(digests), 32):
        state = sha256(state + digests[at : at + 32]).digest()
    for tile in tiles:
        state = sha256(state + sha256(tile).digest()).digest()
    return state.hex()


def carry_on(before: Mapping[int, TileDigest], tiles: Iterable[tuple[int, int, bytes]]) -> dict[int, TileDigest]:
    """The tiles of `before` and those that followed (level, number of the first, digests)."""
    found = dict(before)
    for level, _, digests in tiles:
        count, state = found.get(level, (0, ""))
        found[level] = count + len(digests) // 32, fold(digests, before=state)
    return found


def _check(data: bytes) -> bytes:
    return sha256(data).hexdigest()[:8].encode()
