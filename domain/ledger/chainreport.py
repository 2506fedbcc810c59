"""What verification says of a chain, for people and machines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from domain.ledger.chaincheck import ChainCheck
from domain.ledger.walk import Fault


@dataclass(frozen=True, slots=True)
class ChainReport:
    """What was found in one chain: `events` read, `head` (chain hash) and `root` over them in hex, `erased` bodies destroyed by
    decision. checkpoint: {size, ok, outside} of the latest held outside, else of the latest kept; None where there is none."""

    ok: bool
    chain_id: str
    events: int
    head: str
    root: str
    checkpoint: dict[str, Any] | None
    unprovable: list[str]
    faults: list[Fault]
    erased: int

    def as_json(self) -> dict[str, Any]:
        """The fields of `verify --json` (DESIGN §9)."""
        return {
            "ok": self.ok,
            "events": self.events,
            "head": self.head,
            "root": self.root,
            "checkpoint": self.checkpoint,
            "unprovable": self.unprovable,
            "faults": [{"position": one.position, "what": one.what, "interval": one.interval} for one in self.faults],
            "erased": self.erased,
        }


def as_json(reports: Sequence[ChainReport]) -> dict[str, Any]:
    """All chains: the open record chain's fields on top (it is the last record chain), `ok` of all together."""
    opened = [one for one in reports if "/record/" in one.chain_id] or list(reports)
    chains = [{"chain_id": one.chain_id, **one.as_json()} for one in reports]
    return {**opened[-1].as_json(), "ok": all(one.ok for one in reports), "chains": chains}


def report_of(one: ChainCheck) -> ChainReport:
    """What was found in a chain that was checked."""
    faults = list(in_order(one.findings.faults))
    if one.findings.not_shown:
        faults.append(Fault(f"and {one.findings.not_shown} faults more"))
    latest = one.held[-1].checkpoint.size if one.held else max(one.signed, default=0)
    checkpoint = {"size": latest, "ok": not faults, "outside": bool(one.held)} if latest else None
    root = one.growth.rows.frontier().root().hex()
    head, erased = one.walk.head.hex(), one.erasures.count
    return ChainReport(not faults, one.chain_id, one.events, head, root, checkpoint, one.unprovable, faults, erased)


def in_order(faults: Sequence[Fault]) -> Iterator[Fault]:
    """Faults by their place, those of no place last."""

    def place(fault: Fault) -> int:  # an interval by its end: a position that is known for certain comes before it
        return fault.position if fault.position is not None else fault.interval[1] if fault.interval else 1 << 63

    return iter(sorted(faults, key=place))
