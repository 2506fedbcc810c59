"""Asking to read a case, and the answer of whoever may give that access: the case owner, else the archive (Noark 5: 4.5.23)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar
from uuid import UUID

from domain.handlers import people, rights, standing
from domain.handlers.rights import GrantAccess
from domain.handlers.work import Work
from domain.ledger.ledger import Ledger
from domain.model import facets, named_access
from domain.model.access import Moment, Subject
from domain.model.errors import NotFound, Refused
from domain.model.named_access import NamedAccess

# how each kind of record is read, and seen in lists
READ = {facets.CASE: "case-file.read", facets.ENTRY: "registry-entry.read", facets.DOCUMENT: "document.read"}
LIST = {facets.CASE: "case-file.list", facets.ENTRY: "registry-entry.list", facets.DOCUMENT: "registry-entry.list"}


@dataclass(frozen=True, slots=True)
class AskAccess:
    """Ask to read a case. record: that was closed, the case itself or what stands in it."""

    ACTION: ClassVar[str] = "record.ask-access"
    request: UUID
    record: UUID
    case: UUID
    reason: str


@dataclass(frozen=True, slots=True)
class AnswerAccess:
    """Give what was asked for, for some days, or say no (days 0)."""

    request: UUID
    case: UUID
    days: int
    reason: str


def ask(work: Work, command: AskAccess) -> UUID:
    """Ask. Who does not see the record in lists does not learn that it is there."""
    work.permit(command.ACTION, subject=Subject("administration"))
    work.permit(LIST[kind_of(work.ledger, command.record)], command.record)
    people.require(work, work.context.actor.id)
    waiting = _access(work, command.case)
    facts = named_access.ask(waiting, command.request, work.context.actor.id, work.today, command.reason)
    work.record(command.case, *facts)
    return command.request


def answer(work: Work, command: AnswerAccess) -> UUID:
    """Give or decline what somebody asked for. Refused `grant.not_waiting`."""
    work.permit(GrantAccess.ACTION, command.case)
    state = _access(work, command.case)
    asked = state.waiting.get(command.request)
    if asked is None:
        raise Refused("grant.not_waiting", "4.5.23", {"request": str(command.request)})
    if asked.person == work.context.actor.id:
        raise Refused("rights.oneself", "4.5.10")
    if command.days < 1:
        work.record(command.case, named_access.decline(state, command.request, command.reason))
        return command.case
    last_day = work.today + timedelta(days=min(command.days, 10_000) - 1)
    reason = command.reason.strip() or (asked.body.reason if asked.body is not None else "")
    given = named_access.grant(command.request, asked.person, work.today, last_day, work.today, reason)
    rights.grant(work, GrantAccess(command.case, given))
    return command.case


def kind_of(ledger: Ledger, record: UUID) -> str:
    """Whether a record is a case, an entry or a document. Of none it says a case: that it is not there, the gate says."""
    found = standing.of(ledger).judged(record).facets
    return facets.CASE if found is None else found.kind


def case_of(ledger: Ledger, record: UUID) -> UUID:
    """The case that access is given to: the record itself, or the one it stands in. Refused `grant.no_case`, NotFound."""
    known = standing.of(ledger)
    found = known.judged(record)
    entry = known.judged(found.entry) if found.entry is not None else found
    if found.facets is None or entry.facets is None:
        raise NotFound("unit", str(record))
    case = record if found.facets.kind == facets.CASE else entry.facets.case
    if case is None:
        raise Refused("grant.no_case", "4.5.23")
    return case


def asked_of(ledger: Ledger, case: UUID) -> str | None:
    """The case owner, where that is a person with a right in force; None means the archive."""
    known = standing.of(ledger)
    subject = known.subject(case, known.organisation())
    if subject is None or subject.owner is None:
        return None
    now = Moment(ledger.clock.now(), known.today())
    owner = known.person(subject.owner).person
    return owner.id if any(right.in_force(now) for right in owner.rights) else None


def needs_clearance(ledger: Ledger, person: str, record: UUID) -> bool:
    """Whether the record has an access code that no right in force of the person is cleared for: no named access opens it."""
    known = standing.of(ledger)
    subject = known.subject(record, known.organisation())
    if subject is None or subject.code is None:
        return False
    now = Moment(ledger.clock.now(), known.today())
    return not any(right.in_force(now) and subject.code in right.codes for right in known.person(person).person.rights)


def _access(work: Work, case: UUID) -> NamedAccess:
    state = work.load(case, named_access.evolve)
    if not isinstance(state, NamedAccess):
        raise NotFound("case file", str(case))
    return state
