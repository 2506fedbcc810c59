"""May this person do this to this record now? Pure: the same facts give the same answer at any later time (Noark 5: 4.5.29).

An answer is yes where one right of the person is in force, its role's cell reaches the record, the person is cleared for the
record's access code and in its access group (4.5.21, 4.5.22), is no party and not disqualified, and does not act alone where two
people must. Denied is the default (4.5.1). The answer names its reason and the facts that it rests on.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

from domain.model.matrix import Cell, Matrix, Place, Reach

NOT_ASSESSED, PUBLIC, CODED = "not-assessed", "public", "coded"
IDS_ONLY = "ids-only"


@dataclass(frozen=True, slots=True)
class Right:
    """One role of one person. first_day, last_day: local, both included, last_day None = until stopped; unit None = of none.

    decided_at: from when the order is in force; stopped_at: the instant of a stop; codes, groups, organs: access codes cleared
    for, access groups, committees; acting_for: whom a substitute acts for; rests_on: positions of order, control, stop.
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

    def in_force(self, at: Moment) -> bool:
        """By date, whether or not any job ran."""
        if (
            self.decided_at is None
            or self.decided_at > at.instant
            or (self.stopped_at is not None and self.stopped_at <= at.instant)
        ):
            return False
        return self.first_day <= at.day and (self.last_day is None or at.day <= self.last_day)


@dataclass(frozen=True, slots=True)
class Moment:
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
class Person:
    """Who acts: id and rights, those of the profile that was chosen at login (4.5.25)."""

    id: str
    rights: tuple[Right, ...] = ()


@dataclass(frozen=True, slots=True)
class Subject:
    """What is asked for. table: that of its kind (`matrix.Place`); type, status: `*` and `-` where it has none.

    units: its administrative unit, then those above it; assessment: `not-assessed`, `public` or `coded`, with code and group
    where coded; put_to: approvers or managers; before: who did the other half of what takes two people; concerns: whose rights
    the act is about; ordered_by: who ordered or proposed it.
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


@dataclass(frozen=True, slots=True)
class Allowed:
    """Yes. reason: `<role>:<letter>`; two: the act counts once another person has done it too; ids_only: no more than that it is
    there; condition: what the act's own rule checks besides."""

    reason: str
    rests_on: tuple[str, ...] = ()
    two: bool = False
    ids_only: bool = False
    condition: str = ""


@dataclass(frozen=True, slots=True)
class Denied:
    """No. reason: the code of the text that says why; rests_on: what it rests on, as far as anything does."""

    reason: str
    rests_on: tuple[str, ...] = ()


Answer = Allowed | Denied

# the nearer to a yes, the later: the last that applies is the one a person is told
_NEARNESS = (
    "no-right", "not-in-force", "no-cell", "out-of-scope", "not-assessed", "not-public", "not-cleared", "not-in-group", "party",
    "disqualified", "own-text", "oneself", "own-order", "same-person", "ask", "propose",
)  # fmt: skip


@dataclass(slots=True)
class _Search:
    """The best answer so far."""

    denied: Denied = field(default=Denied("no-right"))
    partial: Allowed | None = None

    def no(self, reason: str, rests_on: Iterable[str] = ()) -> None:
        if _NEARNESS.index(reason) > _NEARNESS.index(self.denied.reason):
            self.denied = Denied(reason, tuple(rests_on))


def may(person: Person, action: str, subject: Subject, at: Moment, matrix: Matrix, to_status: str = "-") -> Answer:
    """Whether `person` may do `action` to `subject` at that moment. matrix: as in force on that day (`Matrix.on`)."""
    search = _Search()
    for right in person.rights:
        if not right.in_force(at):
            search.no("not-in-force", right.rests_on)
            continue
        cell = matrix.find(Place(subject.table, action, subject.type, subject.status, to_status, right.role))
        if cell is None or not cell.reaches:
            search.no("no-cell", right.rests_on)
            continue
        for reach in cell.reaches:
            answer = _reached(person, right, cell, reach, subject, at)
            if isinstance(answer, Denied):
                search.no(answer.reason, answer.rests_on)
            elif answer.ids_only:
                search.partial = search.partial or answer
            else:
                return answer
    return search.partial or search.denied


def _reached(person: Person, right: Right, cell: Cell, reach: Reach, subject: Subject, at: Moment) -> Answer:
    who = right.acting_for or person.id
    grants = [grant for grant in subject.grants if grant.person == who and grant.first_day <= at.day <= grant.last_day]
    rests_on = (
        *right.rests_on,
        *cell.rests_on,
        *subject.rests_on,
        *(grants[0].rests_on if grants and reach.letter == "n" else ()),
    )
    if not _holds(reach.letter, who, right, subject, bool(grants)):
        return Denied("out-of-scope", rests_on)
    reason = _limited(reach, subject) or _uncleared(cell, reach, right, subject) or _conflict(person.id, who, cell, subject)
    if reason or cell.mode in ("ask", "propose"):
        return Denied(reason or cell.mode, rests_on)
    return Allowed(f"{right.role}:{reach.letter}", rests_on, cell.mode == "2", reach.letter == "i", cell.condition)


def _holds(letter: str, who: str, right: Right, subject: Subject, granted: bool) -> bool:
    if letter in "*i":
        return True
    if letter in "eE":
        return right.unit is not None and right.unit in (subject.units[:1] if letter == "e" else subject.units)
    if letter == "m":
        return subject.organ is not None and subject.organ in right.organs
    if letter == "n":
        return granted
    named = {"o": {subject.owner}, "h": subject.handlers, "a": subject.authors, "p": subject.put_to}[letter]
    return who in named


def _limited(reach: Reach, subject: Subject) -> str | None:
    if reach.limit == "public" and subject.assessment != PUBLIC:
        return "not-assessed" if subject.assessment == NOT_ASSESSED else "not-public"
    return "not-public" if reach.limit == "uncoded" and subject.assessment == CODED else None


def _uncleared(cell: Cell, reach: Reach, right: Right, subject: Subject) -> str | None:
    """Coded material needs clearance and group, whatever the scope; its row in a list is shown screened, its id is no content."""
    if subject.assessment != CODED or reach.letter == "i" or cell.place.action.endswith(".list"):
        return None
    if subject.code is None or subject.code not in right.codes:
        return "not-cleared"
    return "not-in-group" if subject.group is not None and subject.group not in right.groups else None


def _conflict(person: str, who: str, cell: Cell, subject: Subject) -> str | None:
    """Conflicts of interest and separation of duty (4.5.10, 4.5.11), of the person and of the one he acts for."""
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
