"""Fonds (arkiv) and its creators (arkivskaper M006, M023)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from domain.model import codes
from domain.model.errors import Refused
from domain.model.record import Shared


@dataclass(frozen=True, slots=True)
class FondsCreated:
    """A fonds was created. status M050, medium M300."""

    status: str
    medium: str | None = None


@dataclass(frozen=True, slots=True)
class CreatorBody:
    """name M023 and description of the body that creates the fonds."""

    name: str
    description: str | None = None


@dataclass(frozen=True, slots=True)
class CreatorAdded:
    """A fonds creator was named. creator_id M006, an organisation number."""

    creator_id: str
    body: CreatorBody | None


@dataclass(frozen=True, slots=True)
class FondsFinalised:
    """The fonds was closed (avsluttetDato M602)."""

    finalised_on: date


Fact = FondsCreated | CreatorAdded | FondsFinalised


@dataclass(frozen=True, slots=True)
class Fonds:
    """What decisions about a fonds need."""

    id: UUID
    finalised: bool = False


def create(state: Fonds | None, status: str = "O", medium: str | None = "E") -> FondsCreated:
    """A new fonds; Refused `exists` where the stream is taken."""
    if state is not None:
        raise Refused("exists", params={"what": "fonds"})
    codes.require(codes.FONDS_STATUS, status, "arkivstatus", "M050")
    if medium is not None:
        codes.require(codes.MEDIUM, medium, "dokumentmedium", "M300")
    return FondsCreated(status, medium)


def evolve(state: Fonds | None, unit: UUID, fact: Fact | Shared) -> Fonds:
    """The state after one more fact."""
    match fact:
        case FondsCreated():
            return Fonds(unit)
        case FondsFinalised():
            assert state is not None
            return replace(state, finalised=True)
        case _:
            assert state is not None
            return state
