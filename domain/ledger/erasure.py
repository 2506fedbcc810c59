"""Erased by decision, or missing: which bodies of a chain are gone, and which disposal facts say that they shall be."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence

from domain import chain

DISPOSAL = chain.DISPOSAL_TOPIC.encode()
Run = tuple[int, int]
"""First and last position."""


class Erasures:
    """Gathered in one pass over a chain. Memory: 16 bytes a run of positions, 24 a run that a decision lists."""

    def __init__(self) -> None:
        self.count = 0
        self._gone = array("q")
        self._listed = {"body": array("q"), "blob": array("q")}

    def gone(self, first: int, last: int | None = None) -> None:
        """The bodies at these positions, after those before, are not there."""
        last = first if last is None else last
        self.count += last - first + 1
        if self._gone and self._gone[-1] == first - 1:
            self._gone[-1] = last
        else:
            self._gone.extend((first, last))

    def runs(self) -> Iterator[Run]:
        """Where bodies are not there."""
        return zip(self._gone[::2], self._gone[1::2], strict=True)

    def decided(self, position: int, meta: bytes) -> None:
        """A disposal fact. Raises ChainError where it is not of the form, or lists what comes after it."""
        for part, runs in self._listed.items():
            for run in chain.disposed_positions(meta, part):
                if run.stop > position:
                    raise chain.ChainError("a disposal fact lists positions that come after it")
                runs.extend((position, run.start, run.stop - 1))

    def decisions(self) -> dict[str, list[int]]:
        """What the disposal facts list, by part: position of the fact, first, last, and so on; for `recall`."""
        return {part: runs.tolist() for part, runs in self._listed.items()}

    def recall(self, decisions: Mapping[str, Sequence[int]]) -> None:
        """Take back what `decisions` gave, before any other. Raises KeyError, TypeError, OverflowError."""
        for part, runs in self._listed.items():
            runs.extend(decisions[part])

    def listed(self, part: str, covered: int | None = None) -> list[Run]:
        """The positions whose `body` or `blob` is disposed of, by facts among the first `covered` events: separate runs."""
        joined: list[Run] = []
        runs = self._listed[part]
        for first, last in sorted(
            (first, last)
            for at, first, last in zip(runs[::3], runs[1::3], runs[2::3], strict=True)
            if covered is None or at <= covered
        ):
            if joined and first <= joined[-1][1] + 1:
                joined[-1] = (joined[-1][0], max(last, joined[-1][1]))
            else:
                joined.append((first, last))
        return joined

    def faults(self, covered: int) -> Iterator[tuple[Run, str]]:
        """The bodies that are gone without a disposal fact among the first `covered` events: where, and what is wrong.

        `covered`: size of the largest kept checkpoint (CONTRACT §1).
        """
        known, allowed = self.listed("body"), self.listed("body", covered)
        for run in self.runs():
            for left in _without(run, allowed):
                unlisted = list(_without(left, known))
                why = "no disposal fact lists it" if unlisted else "no kept checkpoint covers the disposal fact"
                yield (unlisted[0] if unlisted else left), f"the body is gone and {why}"


def within(runs: Sequence[Run], position: int) -> bool:
    """Whether a position lies in one of these separate, ascending runs."""
    at = bisect_right(runs, position, key=lambda run: run[0])
    return at > 0 and position <= runs[at - 1][1]


def _without(run: Run, runs: Sequence[Run]) -> Iterator[Run]:
    """What is left of a run."""
    first, last = run
    for start, stop in runs[max(0, bisect_right(runs, first, key=lambda one: one[0]) - 1) :]:
        if start > last:
            break
        if stop < first:
            continue
        if start > first:
            yield first, start - 1
        first = stop + 1
    if first <= last:
        yield first, last
