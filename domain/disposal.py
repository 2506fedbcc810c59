"""Disposal facts, as the format defines them; ``domain.chain`` explains what for and offers this as its own."""

import json
from collections.abc import Iterator

from domain.note import ChainError

__all__ = ["disposed_positions"]


def disposed_positions(meta: bytes, part: str = "body") -> Iterator[range]:
    """Ascending ranges of positions whose ``part`` (body, blob) the disposal fact with this ``meta`` destroys, maybe none.
    ``ChainError`` unless the fact has exactly the fields of the format: nothing may hide in it."""
    try:
        document = json.loads(meta.decode(), object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise ChainError("a disposal fact's meta is not JSON") from error
    fact = document.get("f") if isinstance(document, dict) and document.keys() == {"e", "f"} else None
    if not isinstance(fact, dict) or fact.keys() != {"decision", "positions", "parts"}:
        raise ChainError("not the fields of a disposal fact")
    decision, positions, parts = fact["decision"], fact["positions"], fact["parts"]
    _hold(isinstance(decision, str) and decision != "", "a disposal fact names its decision")
    _hold(parts in (["body"], ["blob"], ["body", "blob"]), "a disposal fact names the parts it destroys")
    _hold(isinstance(positions, list) and len(positions) > 0, "a disposal fact lists positions")
    runs, least = list[range](), 1
    for run in positions:
        _hold(isinstance(run, list) and [type(at) for at in run] == [int, int], "a run of positions is [first, last]")
        _hold(least <= run[0] <= run[1] < 1 << 63, "positions ascend from 1")
        runs.append(range(run[0], least := run[1] + 1))
    return iter(runs if part in parts else ())


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    _hold(len(pairs) == len(dict(pairs)), "a key occurs twice")
    return dict(pairs)


def _hold(condition: bool, fault: str) -> None:
    if not condition:
        raise ChainError(fault)
