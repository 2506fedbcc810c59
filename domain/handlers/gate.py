"""The one gate: every command, read, list, search and export passes it.

Who may do what is not decided yet: until rights exist, the gate lets every named actor through and writes down that it did.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from domain.model.errors import Refused


class Action(Protocol):
    """A command or query class. ACTION: `<noun>.<verb>` from docs/actions.md."""

    ACTION: str


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts. id: user or service; name as shown; acting_for: the one a substitute or service acts for; login: login event."""

    id: str
    name: str = ""
    acting_for: str | None = None
    login: str | None = None


@dataclass(frozen=True, slots=True)
class Permit:
    """The gate's yes. reason: code; rests_on: positions of the rights and settings used; expect: their streams' versions."""

    reason: str
    rests_on: tuple[str, ...] = ()
    expect: Mapping[UUID, int] = field(default_factory=dict)


def permit(actor: Actor, action: str, record: UUID | None = None) -> Permit:
    """Whether `actor` may do `action` to `record` now. Refused `actor.missing` where nobody acts."""
    del record
    if not actor.id or len(actor.id) > 200:
        raise Refused("actor.missing", "4.1.1", {"action": action})
    return Permit("open")
