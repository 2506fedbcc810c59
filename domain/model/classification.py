"""Classification systems (klassifikasjonssystem) and classes (klasse)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from domain.model.errors import Refused
from domain.model.ids import CLASS_KEY, Claim
from domain.model.record import Shared

SYSTEM = "classification-system"


@dataclass(frozen=True, slots=True)
class SystemCreated:
    """A classification system was created. code: what messages call it; system_type M086; personal: its classes are persons."""

    code: str
    system_type: str | None = None
    personal: bool = False
    claims: tuple[Claim, ...] = ()


@dataclass(frozen=True, slots=True)
class ClassBody:
    """class_id M002."""

    class_id: str


@dataclass(frozen=True, slots=True)
class ClassCreated:
    """A class was created in a system; where classes are persons the claim holds the HMAC of the class id."""

    system: UUID
    body: ClassBody | None
    parent: UUID | None = None
    claims: tuple[Claim, ...] = ()


@dataclass(frozen=True, slots=True)
class ClassFinalised:
    """The class is no longer to be used (avsluttetDato M602)."""

    finalised_on: date


Fact = SystemCreated | ClassCreated | ClassFinalised


@dataclass(frozen=True, slots=True)
class System:
    """What decisions about a classification system need."""

    id: UUID
    code: str
    personal: bool


@dataclass(frozen=True, slots=True)
class Class:
    """What decisions about a class need."""

    id: UUID
    system: UUID
    finalised: bool = False


def create_system(state: System | None, code: str, system_type: str | None = None, personal: bool = False) -> SystemCreated:
    """A new classification system under a code of its own."""
    if state is not None:
        raise Refused("exists", params={"what": "classification system"})
    if not code.strip() or len(code) > 100:
        raise Refused("text.missing", "M086", {"element": "classification system code"})
    return SystemCreated(code, system_type, personal, ((SYSTEM, code),))


def create_class(state: Class | None, system: System, class_id: str, key: str, parent: UUID | None = None) -> ClassCreated:
    """A new class. key: what the claim holds, `<system>/<class id>` or its HMAC where classes are persons."""
    if state is not None:
        raise Refused("exists", params={"what": "class"})
    if not class_id.strip() or len(class_id) > 200:
        raise Refused("text.missing", "M002", {"element": "klasseID"})
    return ClassCreated(system.id, ClassBody(class_id), parent, ((CLASS_KEY, key),))


def evolve_system(state: System | None, unit: UUID, fact: Fact | Shared) -> System:
    """The state of a system after one more fact."""
    if isinstance(fact, SystemCreated):
        return System(unit, fact.code, fact.personal)
    assert state is not None
    return state


def evolve(state: Class | None, unit: UUID, fact: Fact | Shared) -> Class:
    """The state of a class after one more fact."""
    match fact:
        case ClassCreated():
            return Class(unit, fact.system)
        case ClassFinalised():
            assert state is not None
            return replace(state, finalised=True)
        case _:
            assert state is not None
            return state
