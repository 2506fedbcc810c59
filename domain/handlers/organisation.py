"""Commands on the organisation: opening, units, who is whose manager, cells of the rights tables, groups and codes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import ClassVar
from uuid import UUID

from domain.handlers import people, standing, tables
from domain.handlers.people import Newcomer
from domain.handlers.work import Work
from domain.ledger.identity import new_id
from domain.model import codes, organisation
from domain.model.access import Subject
from domain.model.errors import NotFound, Refused
from domain.model.matrix import MatrixError
from domain.model.organisation import (
    CLAIM,
    AccessCodeSet,
    AccessGroupSet,
    CellsConfirmed,
    CellsProposed,
    CellText,
    ChangeWithdrawn,
    InstallationOpened,
    ManagerConfirmed,
    ManagerProposed,
    Organisation,
    Unit,
    UnitClosed,
    UnitCreated,
    UnitMoved,
    UnitRenamed,
)
from domain.model.record import limited
from domain.model.rights_change import RightsOpened
from domain.model.user import SERVICE

NAME_LIMIT = 200
LEADER_ROLES = ("head-of-records", "archivist")
SERVICE_ROLES = ("service", "archivist")
CHANGE_UNIT = "unit.change"


@dataclass(frozen=True, slots=True)
class OpenInstallation:
    """Rights begin: the archive leader and a deputy are named, and the services that the program itself acts as."""

    leader: Newcomer
    deputy: Newcomer
    services: tuple[str, ...] = ("import",)


@dataclass(frozen=True, slots=True)
class CreateUnit:
    """Set up an administrative unit."""

    ACTION: ClassVar[str] = CHANGE_UNIT
    unit: UUID
    name: str
    parent: UUID | None = None
    code: str | None = None
    first_day: date | None = None


@dataclass(frozen=True, slots=True)
class ChangeUnit:
    """Rename, move or close a unit; what is None stays."""

    ACTION: ClassVar[str] = CHANGE_UNIT
    unit: UUID
    name: str | None = None
    code: str | None = None
    parent: UUID | None = None
    last_day: date | None = None


@dataclass(frozen=True, slots=True)
class ProposeManager:
    """Propose who is manager of a unit, or in it of one person, from a day on."""

    ACTION: ClassVar[str] = "manager.propose"
    change: UUID
    unit: UUID
    manager: str | None
    first_day: date
    person: str | None = None
    last_day: date | None = None


@dataclass(frozen=True, slots=True)
class ProposeCells:
    """Propose other cells of the rights tables from a day on."""

    ACTION: ClassVar[str] = "matrix.propose"
    change: UUID
    cells: tuple[CellText, ...]
    first_day: date
    reason: str


@dataclass(frozen=True, slots=True)
class Confirm:
    """Confirm what another person proposed."""

    MANAGER: ClassVar[str] = "manager.confirm"
    CELLS: ClassVar[str] = "matrix.confirm"
    change: UUID


def open_installation(work: Work, command: OpenInstallation) -> InstallationOpened:
    """Name the first two people; from here on nobody has a right without an order. Refused `installation.opened` the second time.

    The only command that no right stands behind: whoever may run it on the machine opens the house, once.
    """
    stream = standing.of(work.ledger).stream
    if work.load(stream, _evolve) is not None:
        raise Refused("installation.opened", "4.5.29")
    if command.leader.user_name.casefold() == command.deputy.user_name.casefold():
        raise Refused("installation.two_people", "4.5.10")
    leader, deputy = (_first(work, one, LEADER_ROLES) for one in (command.leader, command.deputy))
    named = [Newcomer(SERVICE, f"Dagbok {name}", f"service:{name}") for name in command.services]
    services = tuple(_first(work, one, SERVICE_ROLES) for one in named)
    opened = InstallationOpened(leader, deputy, work.today, services, (CLAIM,))
    work.record(stream, opened)
    return opened


def create_unit(work: Work, command: CreateUnit) -> UUID:
    """A new unit under another one, or at the top."""
    work.permit(command.ACTION, subject=Subject("administration"))
    state = load(work)
    if command.unit in state.units:
        raise Refused("exists", params={"what": "administrative unit"})
    _checked(command.name, command.code)
    if state.called(command.name) is not None:
        raise Refused("unit.name_taken", "4.2.1", {"name": command.name})
    if command.parent is not None:
        unit(state, command.parent)
    fact = UnitCreated(command.unit, command.name, command.first_day or work.today, command.parent, command.code)
    work.record(standing.of(work.ledger).stream, fact)
    return command.unit


def change_unit(work: Work, command: ChangeUnit) -> None:
    """Another name, place or end; nothing where it is so already."""
    work.permit(command.ACTION, subject=Subject("administration"))
    state = load(work)
    before, stream = unit(state, command.unit), standing.of(work.ledger).stream
    name, code = command.name or before.name, command.code if command.code is not None else before.code
    if (name, code) != (before.name, before.code):
        _checked(name, code)
        work.record(stream, UnitRenamed(command.unit, name, code))
    if command.parent is not None and command.parent != before.parent:
        if command.unit in state.path(unit(state, command.parent).id):
            raise Refused("unit.under_itself", "4.2.2", {"name": before.name})
        work.record(stream, UnitMoved(command.unit, command.parent))
    if command.last_day is not None and command.last_day != before.last_day:
        work.record(stream, UnitClosed(command.unit, command.last_day))


def propose_manager(work: Work, command: ProposeManager) -> UUID:
    """One of the two who change who is whose manager."""
    state = load(work)
    of_unit = unit(state, command.unit)
    work.permit(command.ACTION, subject=Subject("administration", units=state.path(of_unit.id)))
    for named in (command.manager, command.person):
        if named is not None:
            people.require(work, named)
    if command.manager is not None and command.manager == command.person:
        raise Refused("manager.oneself", "4.5.10")
    if command.last_day is not None and command.last_day < command.first_day:
        raise Refused("rights.days_reversed", "4.5.30", {"last_day": command.last_day.isoformat()})
    fact = ManagerProposed(
        command.change,
        command.unit,
        work.context.actor.id,
        max(command.first_day, work.today),
        command.manager,
        command.person,
        command.last_day,
    )
    work.record(standing.of(work.ledger).stream, fact)
    return command.change


def propose_cells(work: Work, command: ProposeCells) -> UUID:
    """One of the two who change a rights table. Refused `matrix.cell` for a place or scope that no table has."""
    work.permit(command.ACTION, subject=Subject("administration"))
    load(work)
    if not command.reason.strip():
        raise Refused("rights.reason_missing", "4.5.29")
    limited(command.reason, 4_000, "reason")
    if not command.cells:
        raise Refused("matrix.cell", "4.5.7", {"cell": ""})
    for text in command.cells:
        checked_cell(text)
    fact = CellsProposed(command.change, work.context.actor.id, max(command.first_day, work.today), command.cells, command.reason)
    work.record(standing.of(work.ledger).stream, fact)
    return command.change


def checked_cell(text: CellText) -> CellText:
    """A cell that a table has, with a scope that is one. Refused `matrix.cell`."""
    try:
        tables.cell_of(text)
    except MatrixError as problem:
        raise Refused("matrix.cell", "4.5.7", {"cell": text.cell[:200], "scope": text.scope[:80]}) from problem
    return text


def confirm(work: Work, command: Confirm) -> None:
    """The other of the two. Refused for the proposer, for whom a manager change is about, and where nothing waits."""
    proposed = load(work).waiting.get(command.change)
    if proposed is None:
        raise Refused("change.not_waiting", "4.5.11", {"change": str(command.change)})
    of_manager = isinstance(proposed, ManagerProposed)
    about = Subject("administration", ordered_by=proposed.proposer, before=frozenset({proposed.proposer}))
    work.permit(Confirm.MANAGER if of_manager else Confirm.CELLS, subject=about, alone=False)
    if isinstance(proposed, ManagerProposed):
        if work.context.actor.id in (proposed.manager, proposed.person):
            raise Refused("manager.oneself", "4.5.10")
        work.record(standing.of(work.ledger).stream, ManagerConfirmed(command.change))
    else:
        work.record(standing.of(work.ledger).stream, CellsConfirmed(command.change, max(proposed.first_day, work.today)))


def withdraw(work: Work, command: Confirm) -> None:
    """Take a proposed change back: the proposer, or whoever could confirm it."""
    proposed = load(work).waiting.get(command.change)
    if proposed is None:
        raise Refused("change.not_waiting", "4.5.11", {"change": str(command.change)})
    if work.context.actor.id != proposed.proposer:
        action = Confirm.MANAGER if isinstance(proposed, ManagerProposed) else Confirm.CELLS
        work.permit(action, subject=Subject("administration"), alone=False)
    work.record(standing.of(work.ledger).stream, ChangeWithdrawn(command.change))


def set_groups(work: Work, groups: Sequence[AccessGroupSet]) -> None:
    """Access groups by id; one that reads so already is left."""
    work.permit("code.change", subject=Subject("administration"))
    state = load(work)
    for one in groups:
        _checked(one.name, one.group)
        if state.groups.get(one.group) != one:
            work.record(standing.of(work.ledger).stream, one)


def set_codes(work: Work, given: Sequence[AccessCodeSet]) -> None:
    """Access codes (M500) with the legal basis of their days."""
    work.permit("code.change", subject=Subject("administration"))
    state = load(work)
    for one in given:
        codes.require(codes.ACCESS_RESTRICTION, one.code, "tilgangsrestriksjon", "M500")
        limited(one.basis, 1_000, "basis")
        if one not in state.codes:
            work.record(standing.of(work.ledger).stream, one)


def load(work: Work) -> Organisation:
    """The organisation. Refused `installation.not_opened` where rights do not rule yet."""
    state = work.load(standing.of(work.ledger).stream, _evolve)
    if state is None:
        raise Refused("installation.not_opened", "4.5.29")
    assert isinstance(state, Organisation)
    return state


def unit(state: Organisation, wanted: UUID) -> Unit:
    """A unit; NotFound where there is none."""
    found = state.units.get(wanted)
    if found is None:
        raise NotFound("administrative unit", str(wanted))
    return found


def _first(work: Work, one: Newcomer, roles: tuple[str, ...]) -> UUID:
    person = new_id()
    people.register(work, person, one)
    work.record(person, RightsOpened(new_id(), work.today, work.at, roles))
    return person


def _evolve(state: Organisation | None, stream: UUID, fact: organisation.Fact) -> Organisation:
    del stream
    return organisation.evolve(state, fact)


def _checked(name: str, code: str | None) -> None:
    if not name.strip():
        raise Refused("text.missing", "4.2.1", {"element": "name"})
    limited(name, NAME_LIMIT, "name")
    limited(code, NAME_LIMIT, "code")
