"""Given facts, when a decision, then facts or a refusal: one line a test."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from domain.model.errors import Refused

UNIT = uuid.UUID("11111111-1111-4111-8111-111111111111")
OTHER = uuid.UUID("22222222-2222-4222-8222-222222222222")
THIRD = uuid.UUID("33333333-3333-4333-8333-333333333333")
TODAY = date(2026, 3, 4)
AT = datetime(2026, 3, 4, 12, 30, tzinfo=UTC)


@dataclass(frozen=True)
class Decided:
    """What came out of a decision: facts, or a refusal."""

    facts: tuple[Any, ...] = ()
    refusal: Refused | None = None

    def then(self, *facts: Any) -> None:
        """The decision gave exactly these facts."""
        assert self.refusal is None, self.refusal
        assert self.facts == facts

    def then_kinds(self, *kinds: type) -> None:
        """The decision gave facts of exactly these classes."""
        assert self.refusal is None, self.refusal
        assert tuple(type(fact) for fact in self.facts) == kinds

    def then_refused(self, code: str, requirement: str = "") -> None:
        """The decision was refused under this code and requirement."""
        assert self.refusal is not None, f"allowed: {self.facts}"
        assert (self.refusal.code, self.refusal.requirement) == (code, requirement)


@dataclass(frozen=True)
class Given:
    """A state."""

    state: Any

    def when(self, decide: Callable[..., Any], *arguments: Any) -> Decided:
        """Decide on the state. One fact, several, or none."""
        try:
            found = decide(self.state, *arguments)
        except Refused as refusal:
            return Decided(refusal=refusal)
        return Decided(found if isinstance(found, tuple) else () if found is None else (found,))


def given(evolve: Callable[..., Any], *facts: Any, unit: uuid.UUID = UNIT) -> Given:
    """The state after these facts."""
    state: Any = None
    for fact in facts:
        state = evolve(state, unit, fact)
    return Given(state)


def when(decide: Callable[..., Any], *arguments: Any) -> Decided:
    """Decide without a state."""
    return Given(None).when(lambda _, *given: decide(*given), *arguments)
