"""The one gate: every command, read, list, search and export passes it, and nothing else decides who may do what.

It gathers what `may` asks for: the person's rights, the tables in force that day, the record's facets. Where a municipality has
not been opened yet (`installation-opened`), no rights exist and every named actor passes: it serves its own machine alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol
from uuid import UUID

from domain.handlers import standing, tables
from domain.handlers.standing import Known, Organised, Standing
from domain.ledger.clock import LOCAL
from domain.ledger.faults import LedgerError
from domain.ledger.ledger import Ledger
from domain.model.access import Allowed, Answer, Denied, Held, Moment, Person, Right, Step, Subject, held, judge, urgently
from domain.model.errors import NotFound, Refused

ADMINISTRATION = "administration"
_NO_RECORD = Subject(ADMINISTRATION)
ADMINISTRATORS = frozenset({"system-administrator", "user-administrator"})
_LISTED = {"case": "case-file.list", "document": "registry-entry.list"}
# what is closed is not changed but corrected, with a reason, by those who may correct it (practice R2; Noark 2.9.3)
_CORRECTION = {"case": "case-file.correct", "document": "registry-entry.correct"}
_CLOSED = {"case": frozenset("A"), "document": frozenset("EJA")}
_CORRECTABLE = frozenset(
    {
        "case-file.assign",
        "case-file.assign-unit",
        "case-file.set-date",
        "document.change-type",
        "record.change-parties",
        "record.describe",
        "record.retitle",
        "registry-entry.set-dates",
    }
)


class Action(Protocol):
    """A command or query class. ACTION: `<noun>.<verb>` from docs/actions.md."""

    ACTION: str


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts. id: user or service; name as shown; acting_for: the one a substitute or service acts for; login: login event;
    administers: the profile chosen at login, of those who hold administration roles beside others (4.5.25)."""

    id: str
    name: str = ""
    acting_for: str | None = None
    login: str | None = None
    administers: bool = False


@dataclass(frozen=True, slots=True)
class Permit:
    """The gate's yes. reason: code; rests_on: positions of the rights and cells used; expect: their streams' versions; two: the
    act counts once another person has done it too; condition: what its own rule has to check besides; subject: what was asked
    for, where it is a record's."""

    reason: str
    rests_on: tuple[str, ...] = ()
    expect: Mapping[UUID, int] = field(default_factory=dict)
    two: bool = False
    condition: str = ""
    subject: Subject | None = None


class Overtaken(LedgerError):
    """The person's rights were changed after the act's own instant; it is decided anew."""

    code = "conflict.overtaken"


Describe = Callable[[Standing, Organised], Subject]


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody wants to do. record: an existing one; subject: of what is none yet, or no record; to_status: aimed at;
    fresh: whether what is remembered must be looked up again."""

    action: str
    at: datetime
    record: UUID | None = None
    subject: Subject | Describe | None = None
    to_status: str = "-"
    fresh: bool = True

    @property
    def moment(self) -> Moment:
        """The instant and its local day."""
        return Moment(self.at, self.at.astimezone(LOCAL).date())


def permit(ledger: Ledger, actor: Actor, asked: Asked) -> Permit:
    """Let the act pass, or raise Refused `access.<reason>`, or NotFound where even the record's existence is not shown."""
    if not actor.id or len(actor.id) > 200:
        raise Refused("actor.missing", "4.1.1", {"action": asked.action})
    known = standing.of(ledger)
    organised = known.organisation(asked.fresh)
    if organised.state.opened is None:
        return Permit("open", (), {known.stream: organised.version})
    person = known.person(actor.id, asked.fresh)
    # a stop that stands in the log holds, whatever the act's own instant
    if person.newest is not None and person.newest > asked.at:
        raise Overtaken
    looked = known.looked()
    answer, subject = _answer(known, organised, person, actor, asked)
    if isinstance(answer, Allowed) and not answer.ids_only:
        expect = {known.stream: organised.version}
        if person.version:
            expect[UUID(person.file.id)] = person.version
        return Permit(answer.reason, answer.rests_on, expect, answer.two, answer.condition, subject)
    if asked.record is not None and not _shown(known, organised, person, actor, asked, subject):
        known.look_on(asked.record, looked)
        raise NotFound("unit", str(asked.record))
    reason = answer.reason if isinstance(answer, Denied) else "ids-only"
    raise Refused(f"access.{reason.replace('-', '_')}", "4.5.1", {"action": asked.action, "rests_on": ", ".join(answer.rests_on)})


def decide(ledger: Ledger, actor: Actor, asked: Asked) -> Answer:
    """The same answer without raising: what a page shows of what its reader may do, and why not."""
    known = standing.of(ledger)
    organised = known.organisation(asked.fresh)
    if organised.state.opened is None:
        return Allowed("open")
    return _answer(known, organised, known.person(actor.id, asked.fresh), actor, asked)[0]


def profile(person: Person, actor: Actor, at: Moment) -> Person:
    """The person with the rights of this session: an administrator's profile reads no content, and the other one administers
    nothing; who acts for another has the rights of that substitute alone, with the own clearances (practice R12)."""
    rights = represented(person, actor.acting_for, at)
    both = {one.role in ADMINISTRATORS for one in rights if one.in_force(at)} == {True, False}
    return replace(person, rights=tuple(one for one in rights if not both or (one.role in ADMINISTRATORS) == actor.administers))


def represented(person: Person, acting_for: str | None, at: Moment) -> list[Right]:
    """The person's own rights; for another, those of the substitute with the clearances of the person's own."""
    rights = [one for one in person.rights if one.acting_for == acting_for]
    if acting_for is None:
        return rights
    own = [one for one in person.rights if one.acting_for is None and (one.codes or one.groups) and one.in_force(at)]
    return [_cleared(one, own) for one in rights]


def _cleared(right: Right, own: Sequence[Right]) -> Right:
    """A substitute's right with the clearances of the person's own."""
    codes, groups = (frozenset[str]().union(*some) for some in ([one.codes for one in own], [one.groups for one in own]))
    rests_on = dict.fromkeys((*right.rests_on, *(place for one in own for place in one.rests_on)))
    return replace(right, codes=codes, groups=groups, rests_on=tuple(rests_on))


def _answer(known: Standing, organised: Organised, person: Known, actor: Actor, asked: Asked) -> tuple[Answer, Subject | None]:
    subject = asked.subject(known, organised) if callable(asked.subject) else asked.subject
    if subject is None and asked.record is not None and asked.action not in tables.administrative():
        subject = known.subject(asked.record, organised, asked.fresh)
    about = subject or _NO_RECORD
    at = asked.moment
    step = Step(about.table, action_of(asked.action, about), about.type, about.status, asked.to_status)
    answer = judge(person.file.id, _held(known, organised, person, actor, step, at), about, at.day)
    if person.person.urgent:
        answer = urgently(profile(person.person, actor, at), step, about, at, known.matrix(organised, at.day), answer)
    return answer, subject


def _held(known: Standing, organised: Organised, person: Known, actor: Actor, step: Step, at: Moment) -> Held:
    """What the tables say to the person; of instants after every order and stop, remembered by the day."""
    settled = person.holds(at.instant) and (person.newest is None or person.newest <= at.instant)
    key = step, at.day, organised.version, actor.acting_for, actor.administers
    found = person.held.get(key) if settled else None
    if found is None:
        found = held(profile(person.person, actor, at), step, at, known.matrix(organised, at.day))
        if settled:
            person.held.keep(key, found)
    return found


def action_of(action: str, about: Subject) -> str:
    """The action that is asked for: what is closed is not changed but corrected."""
    return _CORRECTION[about.table] if action in _CORRECTABLE and about.status in _CLOSED.get(about.table, "") else action


def _shown(known: Standing, organised: Organised, person: Known, actor: Actor, asked: Asked, subject: Subject | None) -> bool:
    """Whether the person may know that the record is there: it stands in the person's lists."""
    if asked.action in tables.administrative():
        return True
    if subject is None:
        return False
    listing = replace(asked, action=_LISTED.get(subject.table, asked.action), record=None, subject=subject, to_status="-")
    return isinstance(_answer(known, organised, person, actor, listing)[0], Allowed)
