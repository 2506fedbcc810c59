"""May this person do this to this record now? Pure: the same facts give the same answer at any later time (Noark 5: 4.5.29).

An answer is yes where one right of the person is in force, its role's cell reaches the record, the person is cleared for the
record's access code and in its access group (4.5.21, 4.5.22), is no party and not disqualified, and does not act alone where two
people must. Denied is the default (4.5.1). The answer names its reason and the facts that it rests on.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from domain.model.matrix import Cell, Matrix, Place, Reach

NOT_ASSESSED, PUBLIC, CODED = "not-assessed", "public", "coded"
IDS_ONLY = "ids-only"
# what urgent access opens: reading alone
URGENT = frozenset(
    {
        "case-file.list",
        "case-file.read",
        "document.read",
        "document.read-file",
        "record.read-history",
        "registry-entry.list",
        "registry-entry.read",
    }
)


@dataclass(frozen=True, slots=True)
class Right:
    """One role of one person. first_day, last_day: local, both included, last_day None = until stopped; unit None = of none.

    decided_at: from when the order is in force; stopped_at: the instant of a stop; codes, groups, organs: access codes cleared
    for, access groups, committees; acting_for: whom a substitute acts for; rests_on: positions of order, control, stop; within:
    the units, with those below, that an assignment is limited to, none = it is not limited.
    """

    role: str
    first_day: date
    last_day: date | None
    decided_at: datetime | None
    unit: UUID | None = None
    codes: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()
    organs: frozenset[str] = frozenset()
    stopped_at: datetime | None = None
    acting_for: str | None = None
    rests_on: tuple[str, ...] = ()
    within: frozenset[UUID] = frozenset()

    def in_force(self, at: Moment) -> bool:
        """By date, whether or not any job ran."""
        if (
            self.decided_at is None
            or self.decided_at > at.instant
            or (self.stopped_at is not None and self.stopped_at <= at.instant)
        ):
            return False
        return self.first_day <= at.day and (self.last_day is None or at.day <= self.last_day)


class Moment(NamedTuple):
    """An instant, and the local day that it falls on, as the act's envelope has both."""

    instant: datetime
    day: date


@dataclass(frozen=True, slots=True)
class Grant:
    """Access to one record, named to one person, from day to day (4.5.23). rests_on: position of the grant."""

    person: str
    first_day: date
    last_day: date
    rests_on: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Urgent:
    """Reading of one case, ordered and confirmed in an emergency, from an instant until before another (practice R14).

    rests_on: positions of order and confirmation.
    """

    file: UUID
    begins: datetime
    ends: datetime
    rests_on: tuple[str, ...] = ()

    def in_force(self, at: Moment) -> bool:
        """By the clock alone."""
        return self.begins <= at.instant < self.ends


@dataclass(frozen=True, slots=True)
class Person:
    """Who acts: id, rights, those of the profile that was chosen at login (4.5.25), and urgent access."""

    id: str
    rights: tuple[Right, ...] = ()
    urgent: tuple[Urgent, ...] = ()


@dataclass(frozen=True, slots=True)
class Subject:
    """What is asked for. table: that of its kind (`matrix.Place`); type, status: `*` and `-` where it has none.

    file: the case that it is or stands in; units: its administrative unit, then those above it; assessment: `not-assessed`,
    `public` or `coded`, with code and group where coded; put_to: approvers or managers; before: who did the other half of what
    takes two people; concerns: whose rights the act is about; ordered_by: who ordered or proposed it.
    """

    table: str
    type: str = "*"
    status: str = "-"
    units: tuple[UUID, ...] = ()
    owner: str | None = None
    handlers: frozenset[str] = frozenset()
    authors: frozenset[str] = frozenset()
    put_to: frozenset[str] = frozenset()
    grants: tuple[Grant, ...] = ()
    organ: str | None = None
    assessment: str = NOT_ASSESSED
    code: str | None = None
    group: str | None = None
    parties: frozenset[str] = frozenset()
    disqualified: frozenset[str] = frozenset()
    before: frozenset[str] = frozenset()
    concerns: str | None = None
    ordered_by: str | None = None
    rests_on: tuple[str, ...] = ()
    file: UUID | None = None


class Allowed(NamedTuple):
    """Yes. reason: `<role>:<letter>`, `<role>:u` by urgent access; two: the act counts once another person has done it too;
    ids_only: no more than that it is
    there; condition: what the act's own rule checks besides."""

    reason: str
    rests_on: tuple[str, ...] = ()
    two: bool = False
    ids_only: bool = False
    condition: str = ""


class Denied(NamedTuple):
    """No. reason: the code of the text that says why; rests_on: what it rests on, as far as anything does."""

    reason: str
    rests_on: tuple[str, ...] = ()


Answer = Allowed | Denied

# the nearer to a yes, the later: the last that applies is the one a person is told
_NEARNESS = {
    reason: nearness
    for nearness, reason in enumerate((
        "no-right", "not-in-force", "no-cell", "out-of-scope", "not-assessed", "not-public", "not-cleared", "not-in-group",
        "party", "disqualified", "own-text", "oneself", "own-order", "same-person", "ask", "propose",
    ))
}  # fmt: skip


class Step(NamedTuple):
    """What the tables are asked for: the cells of every role at one place."""

    table: str
    action: str
    type: str
    from_status: str
    to_status: str


class Held(NamedTuple):
    """What the tables say to each right in force: all of a decision that depends on no record. denied: the nearest no so far."""

    denied: Denied
    cells: tuple[tuple[Right, Cell], ...]


def may(person: Person, action: str, subject: Subject, at: Moment, matrix: Matrix, to_status: str = "-") -> Answer:
    """Whether `person` may do `action` to `subject` at that moment. matrix: as in force on that day (`Matrix.on`)."""
    step = Step(subject.table, action, subject.type, subject.status, to_status)
    answer = judge(person.id, held(person, step, at, matrix), subject, at.day)
    return urgently(person, step, subject, at, matrix, answer) if person.urgent else answer


def held(person: Person, step: Step, at: Moment, matrix: Matrix) -> Held:
    """The first half of `may`: the rights in force, each with its cell."""
    denied, cells = Denied("no-right"), list[tuple[Right, Cell]]()
    for right in person.rights:
        cell = matrix.find(Place(*step, right.role)) if right.in_force(at) else None
        if cell is not None and cell.reaches:
            cells.append((right, cell))
            continue
        reason = "no-cell" if right.in_force(at) else "not-in-force"
        if _NEARNESS[reason] > _NEARNESS[denied.reason]:
            denied = Denied(reason, right.rests_on)
    return Held(denied, tuple(cells))


def judge(person: str, held: Held, subject: Subject, day: date) -> Answer:
    """The second half of `may`: whether one of the cells reaches the record, with nothing in the way."""
    partial: Allowed | None = None
    nearness, nearest = _NEARNESS[held.denied.reason], None
    for right, cell in held.cells:
        who = right.acting_for or person
        for reach in cell.reaches:
            reason = _hindrance(person, who, right, cell, reach, subject, day)
            if reason is None:
                rests_on = _rests_on(who, right, cell, reach, subject, day)
                found = Allowed(f"{right.role}:{reach.letter}", rests_on, cell.mode == "2", reach.letter == "i", cell.condition)
                if not found.ids_only:
                    return found
                partial = partial or found
            elif _NEARNESS[reason] > nearness:
                nearness, nearest = _NEARNESS[reason], (reason, who, right, cell, reach)
    if partial is not None or nearest is None:
        return partial or held.denied
    return Denied(nearest[0], _rests_on(*nearest[1:], subject, day))


def urgently(person: Person, step: Step, subject: Subject, at: Moment, matrix: Matrix, otherwise: Answer) -> Answer:
    """Urgent access opens one case for reading to whoever has a role of the own that reads such records anywhere: it lifts scope
    and clearance, and nothing else. otherwise: the answer without it."""
    if isinstance(otherwise, Allowed) and not otherwise.ids_only:
        return otherwise
    found = next((one for one in person.urgent if one.file == subject.file and one.in_force(at)), None)
    if step.action not in URGENT or subject.file is None or found is None:
        return otherwise
    for right in person.rights:
        cell = matrix.find(Place(*step, right.role)) if right.acting_for is None and right.in_force(at) else None
        if cell is None or cell.mode or all(reach.letter == "i" for reach in cell.reaches):
            continue
        rests_on = right.rests_on + cell.rests_on + subject.rests_on + found.rests_on
        reason = _conflict(person.id, person.id, cell, subject)
        if reason is None:
            return Allowed(f"{right.role}:u", rests_on, condition=cell.condition)
        nearer = isinstance(otherwise, Denied) and _NEARNESS[reason] > _NEARNESS[otherwise.reason]
        return Denied(reason, rests_on) if nearer else otherwise
    return otherwise


def _hindrance(person: str, who: str, right: Right, cell: Cell, reach: Reach, subject: Subject, day: date) -> str | None:
    """Why this reach of the cell is no yes; None where it is one."""
    if not _holds(reach.letter, who, right, subject, day) or (right.within and _outside(right, subject)):
        return "out-of-scope"
    reason = _limited(reach, subject) if reach.limit else None
    if reason is None and subject.assessment == CODED:
        reason = _uncleared(cell, reach, right, subject)
    return reason or _conflict(person, who, cell, subject) or (cell.mode if cell.mode in ("ask", "propose") else None)


def _rests_on(who: str, right: Right, cell: Cell, reach: Reach, subject: Subject, day: date) -> tuple[str, ...]:
    granted = _granted(who, subject, day) if reach.letter == "n" else None
    return right.rests_on + cell.rests_on + subject.rests_on + (granted or ())


def _granted(who: str, subject: Subject, day: date) -> tuple[str, ...] | None:
    """What the access named to this person rests on that day; None where there is none."""
    return next((one.rests_on for one in subject.grants if one.person == who and one.first_day <= day <= one.last_day), None)


def _holds(letter: str, who: str, right: Right, subject: Subject, day: date) -> bool:
    if letter == "*" or letter == "i":
        return True
    if letter == "o":
        return who == subject.owner
    if letter == "e" or letter == "E":
        return right.unit is not None and right.unit in (subject.units[:1] if letter == "e" else subject.units)
    if letter == "m":
        return subject.organ is not None and subject.organ in right.organs
    if letter == "n":
        return bool(subject.grants) and _granted(who, subject, day) is not None
    return who in {"h": subject.handlers, "a": subject.authors, "p": subject.put_to}[letter]


def _outside(right: Right, subject: Subject) -> bool:
    """Whether a record belongs to no unit of the assignment; what is no record belongs to none."""
    return subject.table != "administration" and right.within.isdisjoint(subject.units)


def _limited(reach: Reach, subject: Subject) -> str | None:
    if reach.limit == "public" and subject.assessment != PUBLIC:
        return "not-assessed" if subject.assessment == NOT_ASSESSED else "not-public"
    return "not-public" if reach.limit == "uncoded" and subject.assessment == CODED else None


def _uncleared(cell: Cell, reach: Reach, right: Right, subject: Subject) -> str | None:
    """Coded material needs clearance and group, whatever the scope; its row in a list is shown screened, its id is no content."""
    if reach.letter == "i" or cell.place.action.endswith(".list"):
        return None
    if subject.code is None or subject.code not in right.codes:
        return "not-cleared"
    return "not-in-group" if subject.group is not None and subject.group not in right.groups else None


def _conflict(person: str, who: str, cell: Cell, subject: Subject) -> str | None:
    """Conflicts of interest and separation of duty (4.5.10, 4.5.11), of the person and of the one he acts for."""
    if not (cell.condition or cell.mode or subject.parties or subject.disqualified):
        return None
    both = {person, who}
    if both & subject.parties:
        return "party"
    if both & subject.disqualified:
        return "disqualified"
    if cell.condition == "not-own-text" and both & subject.authors:
        return "own-text"
    if cell.condition == "not-for-oneself" and subject.concerns in both:
        return "oneself"
    if cell.condition in ("not-the-orderer", "not-the-proposer") and subject.ordered_by in both:
        return "own-order"
    return "same-person" if cell.mode == "2" and both & subject.before else None
