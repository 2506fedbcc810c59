"""Handing somebody's open work over to another (practice R1): one command a record, by whom the rights tables let do it.

A case gets another case responsible (M306), an entry another handler (M307). What the successor could not read is not handed
over: nobody would have it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar
from uuid import UUID

from domain.handlers import case_files, gate, people, registry_entries, standing
from domain.handlers.case_files import AssignCase
from domain.handlers.gate import Actor, Asked
from domain.handlers.work import Work
from domain.model import facets, registering
from domain.model.access import Allowed, Moment, Subject
from domain.model.errors import NotFound, Refused
from domain.model.facets import DRAFT, Facets
from domain.model.record import Named

_READ = {facets.CASE: case_files.READ, facets.ENTRY: registry_entries.READ}


@dataclass(frozen=True, slots=True)
class HandOver:
    """One case or entry goes from somebody to a successor. was, to: ids of people."""

    CASE: ClassVar[str] = AssignCase.ACTION
    ENTRY: ClassVar[str] = "registry-entry.assign"
    record: UUID
    was: UUID
    to: UUID


def hand_over(work: Work, command: HandOver) -> UUID:
    """Hand one record over. Refused `handover.same_person`, `handover.no_right`, `handover.not_readable`, `handover.not_theirs`,
    and as the gate says; NotFound for what is no case or entry, or does not stand in the actor's lists."""
    found = standing.of(work.ledger).judged(command.record, work.fresh).facets
    kind = found.kind if found is not None else facets.CASE
    work.permit(HandOver.ENTRY if kind == facets.ENTRY else HandOver.CASE, command.record)
    if found is None or kind not in _READ:
        raise NotFound("unit", str(command.record))
    if command.was == command.to:
        raise Refused("handover.same_person", "4.5.10")
    successor = _successor(work, command, kind)
    if kind == facets.ENTRY:
        _hand_entry(work, command, found, successor)
        return command.record
    if standing.of(work.ledger).who(case_files.load(work, command.record).case_responsible) != str(command.was):
        raise Refused("handover.not_theirs", "M306")
    case_files.assign(work, AssignCase(command.record, successor))
    return command.record


def _hand_entry(work: Work, command: HandOver, own: Facets, successor: Named) -> None:
    """In place of whom the entry's parties name, or who began a draft that names nobody."""
    known, state = standing.of(work.ledger), registry_entries.load(work, command.record)
    was, parties = str(command.was), {key: known.who(one.case_handler) for key, one in state.parties.items()}
    theirs = tuple(key for key, who in parties.items() if who == was)
    handler = known.who(own.handler)
    begun = handler is None and not any(parties.values()) and state.status in DRAFT and was in own.authors
    if not theirs and not begun and handler != was:
        raise Refused("handover.not_theirs", "M307")
    for parties_of in ((theirs,) if theirs else ()) + (((),) if begun or handler == was else ()):
        work.record(command.record, registering.assign(state, successor, parties_of))


def _successor(work: Work, command: HandOver, kind: str) -> Named:
    """The successor as a record names people, who must have a right in force and be able to read the record once it is theirs."""
    about = people.require(work, str(command.to))
    known, organised = standing.of(work.ledger), standing.of(work.ledger).organisation(work.fresh)
    now = Moment(work.at, work.today)
    if organised.state.opened is not None and not any(right.in_force(now) for right in known.person(about.id).person.rights):
        raise Refused("handover.no_right", "4.5.29")
    subject = known.subject(command.record, organised, work.fresh)
    assert subject is not None  # the gate answered for it
    asked = Asked(_READ[kind], work.at, subject=_theirs(subject, kind, about.id), fresh=work.fresh)
    answer = gate.decide(work.ledger, Actor(about.id), asked)
    if not isinstance(answer, Allowed) or answer.ids_only:
        raise Refused("handover.not_readable", "4.5.21")
    assert about.user is not None
    return Named(about.user.name, about.id)


def _theirs(subject: Subject, kind: str, person: str) -> Subject:
    return replace(subject, owner=person) if kind == facets.CASE else replace(subject, handlers=frozenset({person}))
