"""`dagbok bench`: each figure beside what it is held against, measured in one run on one machine. Ratios are what to trust."""

from __future__ import annotations

import os
import platform
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from domain.model.errors import DagbokError
from tools.bench import append, fullpath, growth, imports, projections, rights, verify
from tools.bench.measure import Result
from tools.bench.place import Place

EVENTS = 100_000
NAMES: dict[str, Callable[[Place, int], Sequence[Result]]] = {
    "append": append.measure,
    "full-path": fullpath.measure,
    "projections": projections.measure,
    "verify": verify.measure,
    "import": imports.measure,
    "growth": growth.measure,
    "rights": rights.measure,
}


def run(names: Sequence[str], events: int = EVENTS, folder: Path | None = None) -> dict[str, Any]:
    """Run the named measurements (all where none is named) in a throw-away installation; DESIGN §9 shape."""
    unknown = set(names) - set(NAMES)
    if unknown:
        raise DagbokError(f"no such measurement: {', '.join(sorted(unknown))}", hint=f"Known: {', '.join(NAMES)}.")
    results: list[Result] = []
    with tempfile.TemporaryDirectory(prefix="dagbok-bench-", dir=folder, ignore_cleanup_errors=True) as place:
        Path(place).chmod(0o711)
        with Place(Path(place)) as opened:
            for name in names or NAMES:
                results.extend(NAMES[name](opened, events))
    return {"machine": _machine(), "events": events, "results": [result.as_json() for result in results]}


def _machine() -> dict[str, Any]:
    return {"system": platform.platform(), "python": platform.python_version(), "cores": os.cpu_count()}
