"""A long export read by several processes: each checks bundles and tiles by the range, the parent links the chain; for
``tools.verify`` alone.

A range in which anything is amiss is no answer: all is then read in order, and what is wrong is named.
"""

import multiprocessing
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from tools.export_facts import Disclosed
from tools.export_files import Files, Findings
from tools.export_walk import RANGE, Export, Range, Walk

LEAST = 200_000  # events from which on starting processes pays


def shared(export: Export, walk: Walk, processes: int) -> bool:
    """Let ``processes`` read the ranges and ``walk`` join them; whether nothing was amiss.  If not, ``walk`` is of no use."""
    try:
        for one in _ranges(export, processes):
            if one is None or not walk.join(one):
                return False
    except (BrokenProcessPool, OSError):
        return False
    walk.finish()
    return True


def _ranges(export: Export, processes: int) -> Iterator[Range | None]:
    """The ranges in order, few at a time."""
    waiting: deque[Future[Range | None]] = deque()
    # spawned: the caller may have threads, and a fork would copy their locks as they stand
    with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn")) as pool:
        try:
            for start in range(0, export.size, RANGE):
                waiting.append(pool.submit(read_range, export, start))
                if len(waiting) > processes:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


_disclosed: dict[Path, Disclosed] = {}  # of a worker: read once


def read_range(export: Export, start: int) -> Range | None:
    """In a worker: one range; ``None`` where anything is amiss."""
    findings = Findings()
    files = Files(export.folder, findings)
    if export.folder not in _disclosed:
        _disclosed[export.folder] = Disclosed(files, findings)
    found = Walk(export, files, findings, _disclosed[export.folder], start).run_range()
    return None if findings.faults else found
