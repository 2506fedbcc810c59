"""A figure, what it is held against, and the ratio of their medians."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Result:
    """One measurement. ours, against: medians in `unit`; floor: least ratio promised; runs: every pair measured."""

    name: str
    ours: float
    against: float | None
    unit: str
    floor: float | None = None
    runs: list[tuple[float, float | None]] = field(default_factory=list)

    @property
    def ratio(self) -> float | None:
        """ours / against."""
        return self.ours / self.against if self.against else None

    def as_json(self) -> dict[str, Any]:
        """The shape of DESIGN §9, with the floor and whether it was met."""
        ratio = self.ratio
        met = None if self.floor is None or ratio is None else ratio >= self.floor
        return {
            "name": self.name,
            "ours": round(self.ours, 1),
            "against": round(self.against, 1) if self.against is not None else None,
            "unit": self.unit,
            "ratio": round(ratio, 3) if ratio is not None else None,
            "floor": self.floor,
            "met": met,
            "runs": [[round(mine, 1), round(theirs, 1) if theirs is not None else None] for mine, theirs in self.runs],
        }


def compare(
    name: str,
    ours: Callable[[], float],
    against: Callable[[], float] | None,
    unit: str,
    floor: float | None = None,
    times: int = 3,
) -> Result:
    """Run both `times` times in turns and keep the medians."""
    runs: list[tuple[float, float | None]] = [(ours(), against() if against else None) for _ in range(times)]
    theirs = [one for _, one in runs if one is not None]
    return Result(
        name, statistics.median(mine for mine, _ in runs), statistics.median(theirs) if theirs else None, unit, floor, runs
    )


def rate(work: Callable[[int], None], count: int, threads: int) -> float:
    """Calls a second: `count` calls of work(i) shared by threads. The first fault in a thread is raised."""
    faults: list[BaseException] = []

    def share(first: int) -> None:
        try:
            for number in range(first, count, threads):
                work(number)
        except BaseException as problem:
            faults.append(problem)

    workers = [threading.Thread(target=share, args=(first,)) for first in range(threads)]
    started = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if faults:
        raise faults[0]
    return count / (time.perf_counter() - started)
