"""The organisation as rights see it: units, who is whose manager, access groups, codes, and changes of the rights tables.

One stream a municipality, so that every decision of rights has one version of it to rest on. Units are kept when they close
(Noark 5: 4.2.1 to 4.2.5); who is whose manager, and what a cell of a table says, is changed by two people.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from uuid import UUID

from domain.model import calendar
from domain.model.calendar import Calendar, ClosedDaySet, WorkingHoursSet
from domain.model.ids import Claim

REGISTER = "register"
ORGANISATION_KEY = "organisation"
CLAIM: Claim = (REGISTER, ORGANISATION_KEY)


@dataclass(frozen=True, slots=True)
class InstallationOpened:
    """Rights rule from here on. leader, deputy: the two people named, the only ones whose right rests on no order; services:
    identities of the program's own work; day: local."""

    leader: UUID
    deputy: UUID
    day: date
    services: tuple[UUID, ...] = ()
    claims: tuple[Claim, ...] = ()


@dataclass(frozen=True, slots=True)
class UnitCreated:
    """An administrative unit (M305) was set up under `parent`; code: its short name in other systems."""

    unit: UUID
    name: str
    first_day: date
    parent: UUID | None = None
    code: str | None = None


@dataclass(frozen=True, slots=True)
class UnitRenamed:
    """The unit has another name or code; the old ones stay in the log and are still found."""

    unit: UUID
    name: str
    code: str | None = None


@dataclass(frozen=True, slots=True)
class UnitMoved:
    """The unit stands under another one, or under none."""

    unit: UUID
    parent: UUID | None = None


@dataclass(frozen=True, slots=True)
class UnitClosed:
    """Nothing new comes to the unit after `last_day`; what it has stays its own (4.2.4)."""

    unit: UUID
    last_day: date


@dataclass(frozen=True, slots=True)
class ManagerProposed:
    """One person proposed who is manager from a day on: of the unit, or in it of one `person` alone. manager None: of nobody.

    order: the change's id; last_day: of an acting manager.
    """

    change: UUID
    unit: UUID
    proposer: str
    first_day: date
    manager: str | None = None
    person: str | None = None
    last_day: date | None = None


@dataclass(frozen=True, slots=True)
class ManagerConfirmed:
    """Another person confirmed the change."""

    change: UUID


@dataclass(frozen=True, slots=True)
class CellText:
    """A cell of a rights table as written. cell: its id, `table:action:type:from:to:role`; scope, condition: as in the table."""

    cell: str
    scope: str
    condition: str = ""


@dataclass(frozen=True, slots=True)
class CellsProposed:
    """One person proposed other cells from a day on."""

    change: UUID
    proposer: str
    first_day: date
    cells: tuple[CellText, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class CellsConfirmed:
    """Another person confirmed the cells: they are in force from their first day, or from this day where that is past."""

    change: UUID
    first_day: date


@dataclass(frozen=True, slots=True)
class ChangeWithdrawn:
    """A proposed change will not be; by the proposer, or by who should have confirmed it."""

    change: UUID


@dataclass(frozen=True, slots=True)
class AccessGroupSet:
    """An access group (tilgangsgruppe) has this name; last_day: nobody new after it."""

    group: str
    name: str
    last_day: date | None = None


@dataclass(frozen=True, slots=True)
class AccessCodeSet:
    """An access code (M500) rests on this legal basis in these days. country: `no` or `se`."""

    code: str
    basis: str
    first_day: date
    last_day: date | None = None
    country: str = "no"


Fact = (
    InstallationOpened
    | UnitCreated
    | UnitRenamed
    | UnitMoved
    | UnitClosed
    | ManagerProposed
    | ManagerConfirmed
    | CellsProposed
    | CellsConfirmed
    | ChangeWithdrawn
    | AccessGroupSet
    | AccessCodeSet
    | WorkingHoursSet
    | ClosedDaySet
)


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit as it is, and every name and code it has had."""

    id: UUID
    name: str
    first_day: date
    parent: UUID | None = None
    code: str | None = None
    last_day: date | None = None
    known_as: frozenset[str] = frozenset()

    def open_on(self, day: date) -> bool:
        """Whether it takes anything new that day."""
        return self.first_day <= day and (self.last_day is None or day <= self.last_day)


@dataclass(frozen=True, slots=True)
class Organisation:
    """All units by id, the changes that wait, and those that count, in order of confirmation."""

    opened: InstallationOpened | None = None
    units: Mapping[UUID, Unit] = field(default_factory=dict)
    waiting: Mapping[UUID, ManagerProposed | CellsProposed] = field(default_factory=dict)
    managers: tuple[ManagerProposed, ...] = ()
    cells: tuple[tuple[CellsProposed, date], ...] = ()
    groups: Mapping[str, AccessGroupSet] = field(default_factory=dict)
    codes: tuple[AccessCodeSet, ...] = ()
    calendar: Calendar = field(default_factory=Calendar)

    def path(self, unit: UUID | None) -> tuple[UUID, ...]:
        """The unit, then those above it; empty for a unit that is not known."""
        found: list[UUID] = []
        while unit is not None and unit in self.units and unit not in found:
            found.append(unit)
            unit = self.units[unit].parent
        return tuple(found)

    def called(self, name: str) -> UUID | None:
        """The unit that is or was called so, or has that code; None where none or several are."""
        wanted = name.strip().casefold()
        now = [unit.id for unit in self.units.values() if wanted in (unit.name.casefold(), (unit.code or "").casefold())]
        ever = now or [unit.id for unit in self.units.values() if wanted in unit.known_as]
        return ever[0] if wanted and len(ever) == 1 else None

    def manager_of(self, person: str, unit: UUID, day: date) -> str | None:
        """Who orders for the person in that unit that day: the one named for the person, else the nearest unit's that is not
        the person."""
        own = self._named(unit, person, day)
        if own is not None:
            return own.manager
        for above in self.path(unit):
            of_unit = self._named(above, None, day)
            if of_unit is not None and of_unit.manager not in (None, person):
                return of_unit.manager
        return None

    def own_manager(self, person: str, unit: UUID, day: date) -> str | None:
        """Who was named as that person's manager in the unit, apart from the unit's own."""
        own = self._named(unit, person, day)
        return own.manager if own is not None else None

    def superior_of(self, manager: str, unit: UUID, day: date) -> str | None:
        """Who settles what is objected to in an order of that manager's: the next manager above."""
        named = self._named(unit, manager, day)
        if named is not None:
            return named.manager
        return next((one for one in self._above(unit, day) if one != manager), None)

    def _above(self, unit: UUID, day: date) -> Iterator[str]:
        for above in self.path(unit):
            of_unit = self._named(above, None, day)
            if of_unit is not None and of_unit.manager is not None:
                yield of_unit.manager

    def _named(self, unit: UUID, person: str | None, day: date) -> ManagerProposed | None:
        """The last confirmed of the changes that hold that day."""
        for one in reversed(self.managers):
            if (
                (one.unit, one.person) == (unit, person)
                and one.first_day <= day
                and (one.last_day is None or day <= one.last_day)
            ):
                return one
        return None

    def basis_of(self, code: str, day: date) -> str | None:
        """The legal basis of an access code that day."""
        found = [
            one
            for one in self.codes
            if one.code == code and one.first_day <= day and (one.last_day is None or day <= one.last_day)
        ]
        return found[-1].basis if found else None


def evolve(state: Organisation | None, fact: Fact) -> Organisation:
    """The state after one more fact."""
    state = state or Organisation()
    match fact:
        case InstallationOpened():
            return replace(state, opened=fact)
        case UnitCreated() | UnitRenamed() | UnitMoved() | UnitClosed():
            return replace(state, units={**state.units, fact.unit: _unit(state, fact)})
        case ManagerProposed() | CellsProposed():
            return replace(state, waiting={**state.waiting, fact.change: fact})
        case ManagerConfirmed() | CellsConfirmed():
            return _confirmed(state, fact)
        case ChangeWithdrawn():
            return replace(state, waiting=_without(state, fact.change))
        case AccessGroupSet():
            return replace(state, groups={**state.groups, fact.group: fact})
        case AccessCodeSet():
            return replace(state, codes=(*state.codes, fact))
        case WorkingHoursSet() | ClosedDaySet():
            return replace(state, calendar=calendar.evolve(state.calendar, fact))


def _unit(state: Organisation, fact: UnitCreated | UnitRenamed | UnitMoved | UnitClosed) -> Unit:
    if isinstance(fact, UnitCreated):
        return Unit(fact.unit, fact.name, fact.first_day, fact.parent, fact.code, known_as=_names(fact))
    before = state.units[fact.unit]
    match fact:
        case UnitRenamed():
            return replace(before, name=fact.name, code=fact.code, known_as=before.known_as | _names(fact))
        case UnitMoved():
            return replace(before, parent=fact.parent)
        case UnitClosed():
            return replace(before, last_day=fact.last_day)


def _names(fact: UnitCreated | UnitRenamed) -> frozenset[str]:
    return frozenset(one.casefold() for one in (fact.name, fact.code) if one)


def _confirmed(state: Organisation, fact: ManagerConfirmed | CellsConfirmed) -> Organisation:
    proposed, waiting = state.waiting[fact.change], _without(state, fact.change)
    if isinstance(proposed, ManagerProposed):
        return replace(state, waiting=waiting, managers=(*state.managers, proposed))
    first_day = fact.first_day if isinstance(fact, CellsConfirmed) else proposed.first_day
    return replace(state, waiting=waiting, cells=(*state.cells, (proposed, first_day)))


def _without(state: Organisation, change: UUID) -> dict[UUID, ManagerProposed | CellsProposed]:
    return {key: one for key, one in state.waiting.items() if key != change}
