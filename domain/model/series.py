"""Series (arkivdel): where case files and registry entries belong, and the period they belong to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from domain.model import codes
from domain.model.errors import Refused
from domain.model.ids import SERIES_CODE, Claim
from domain.model.record import Shared


@dataclass(frozen=True, slots=True)
class SeriesCreated:
    """A series was created. code: what messages call it; status M051, medium M300, start_date M107, end_date M108."""

    fonds: UUID
    code: str
    status: str
    medium: str | None = None
    start_date: date | None = None
    end_date: date | None = None
    precursor: UUID | None = None
    claims: tuple[Claim, ...] = ()


@dataclass(frozen=True, slots=True)
class SeriesStatusChanged:
    """The series' status (M051) changed."""

    status: str
    previous: str


@dataclass(frozen=True, slots=True)
class SeriesSucceeded:
    """Another series takes over from this one (arvtaker M203)."""

    successor: UUID


@dataclass(frozen=True, slots=True)
class SeriesFinalised:
    """The series was closed (avsluttetDato M602): nothing may be added to it (2.3.6)."""

    finalised_on: date


Fact = SeriesCreated | SeriesStatusChanged | SeriesSucceeded | SeriesFinalised


@dataclass(frozen=True, slots=True)
class Series:
    """What decisions about a series, and about adding to it, need."""

    id: UUID
    code: str
    status: str
    finalised: bool = False


def create(
    state: Series | None, fonds: UUID, code: str, status: str = "A", medium: str | None = "E", start_date: date | None = None
) -> SeriesCreated:
    """A new series under a code of its own."""
    if state is not None:
        raise Refused("exists", params={"what": "series"})
    codes.require(codes.SERIES_STATUS, status, "arkivdelstatus", "M051")
    if medium is not None:
        codes.require(codes.MEDIUM, medium, "dokumentmedium", "M300")
    if not code.strip() or len(code) > 100:
        raise Refused("text.missing", "M020", {"element": "series code"})
    return SeriesCreated(fonds, code, status, medium, start_date, claims=((SERIES_CODE, code),))


def change_status(state: Series, status: str) -> tuple[SeriesStatusChanged, ...]:
    """Another legal status, or nothing where it already holds."""
    codes.require(codes.SERIES_STATUS, status, "arkivdelstatus", "M051")
    return () if status == state.status else (SeriesStatusChanged(status, state.status),)


def finalise(state: Series, today: date) -> tuple[SeriesFinalised, ...]:
    """Close the series; nothing where it is closed."""
    return () if state.finalised else (SeriesFinalised(today),)


def require_open(state: Series) -> None:
    """Refuse additions to a closed series (2.3.6)."""
    if state.finalised:
        raise Refused("series.finalised", "2.3.6", {"series": state.code})


def evolve(state: Series | None, unit: UUID, fact: Fact | Shared) -> Series:
    """The state after one more fact."""
    match fact:
        case SeriesCreated():
            return Series(unit, fact.code, fact.status)
        case SeriesStatusChanged():
            assert state is not None
            return replace(state, status=fact.status)
        case SeriesFinalised():
            assert state is not None
            return replace(state, finalised=True)
        case _:
            assert state is not None
            return state
