"""People and services: making them known, and other names. Neither gives a right."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar
from uuid import UUID

from domain.handlers import standing
from domain.handlers.gate import Actor
from domain.handlers.work import Work
from domain.ledger.clock import LOCAL
from domain.ledger.ledger import Ledger
from domain.model import person, user
from domain.model.access import Moment, Subject
from domain.model.errors import NotFound, Refused
from domain.model.person import PersonFile
from domain.model.user import USER_NAME, NamesBody


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Somebody who is not known yet. kind: one of `user.KINDS`."""

    kind: str
    name: str
    user_name: str
    email: str | None = None


@dataclass(frozen=True, slots=True)
class Rename:
    """Another name, user name or e-mail; what is None stays."""

    ACTION: ClassVar[str] = "position.change"
    person: UUID
    name: str | None = None
    user_name: str | None = None
    email: str | None = None


def register(work: Work, unit: UUID, newcomer: Newcomer) -> None:
    """Make somebody known, in a command that has passed the gate. Refused `user.name_taken` (4.4.11: given once)."""
    names = NamesBody(newcomer.name, newcomer.user_name, newcomer.email)
    digest = standing.user_name_digest(work.ledger, newcomer.user_name)
    work.create(unit, person.evolve)
    fact = user.register(None, newcomer.kind, names, digest)
    if holder(work, newcomer.user_name) is not None:
        raise Refused("user.name_taken", "4.4.11", {"user_name": newcomer.user_name})
    work.record(unit, fact)


def holder(work: Work, user_name: str) -> UUID | None:
    """Whoever had that user name when the command was decided."""
    return work.ledger.reader.claim(USER_NAME, standing.user_name_digest(work.ledger, user_name))


def acting(ledger: Ledger, user_name: str) -> Actor:
    """Somebody as the actor of a command, by user name. Where nobody is known under it, it stands as it is: the gate knows."""
    known = standing.of(ledger)
    found = known.called(user_name) if user_name else None
    if found is None:
        return Actor(user_name, user_name)
    return Actor(found, name_of(ledger, found))


def represented(ledger: Ledger, one: str) -> tuple[str, ...]:
    """Whom the person may act for at this moment, as substitute."""
    now = ledger.clock.now()
    moment = Moment(now, now.astimezone(LOCAL).date())
    rights = standing.of(ledger).person(one).person.rights
    return tuple(sorted({right.acting_for for right in rights if right.acting_for is not None and right.in_force(moment)}))


def acting_for(ledger: Ledger, actor: Actor, other: str) -> Actor:
    """The actor, acting for the other one as long as that is a right in force, else for nobody."""
    return replace(actor, acting_for=other) if other and other in represented(ledger, actor.id) else actor


def name_of(ledger: Ledger, person_id: str) -> str:
    """The present name of a person; the id itself where nobody is known under it, or the name was erased."""
    found = standing.of(ledger).person(person_id, fresh=False).file.user
    return (found.name if found is not None else "") or person_id


def rename(work: Work, command: Rename) -> None:
    """Another name; the old ones stay in the log."""
    work.permit(command.ACTION, subject=Subject("administration"))
    found = require(work, str(command.person)).user
    assert found is not None
    before = found.names[-1] or NamesBody("", "")
    names = NamesBody(
        command.name or before.name,
        command.user_name or before.user_name,
        command.email if command.email is not None else before.email,
    )
    digest = standing.user_name_digest(work.ledger, names.user_name)
    holder = work.ledger.reader.claim(USER_NAME, digest)
    if holder not in (None, command.person):
        raise Refused("user.name_taken", "4.4.11", {"user_name": names.user_name})
    work.record(command.person, *user.rename(found, names, digest))


def require(work: Work, one: str) -> PersonFile:
    """A person who is known; NotFound where nobody has that id."""
    try:
        found = work.load(UUID(one), person.evolve)
    except (ValueError, AssertionError, AttributeError):  # no id, or that of another kind of unit
        found = None
    if not isinstance(found, PersonFile) or found.user is None:
        raise NotFound("person", one[:100])
    return found
