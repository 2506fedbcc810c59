"""The rights tables as Cedar policies (https://docs.cedarpolicy.com): the same rules in a language that others can evaluate.

One `permit` a cell that says yes, its id the cell's; `forbid` for what no role lifts: days, clearance, conflicts. A request's
principal is a right of a person (`entity_of_right`), its resource what is asked for (`entity_of_subject`), its context the moment
and the status aimed at. A person may if any of the rights may. Cells that only ask or propose, or show ids alone, give no permit.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from domain.model.access import CODED, NOT_ASSESSED, PUBLIC, URGENT, Moment, Person, Right, Subject
from domain.model.matrix import ANY, Cell, Matrix, Place, Reach

_NEVER = 9_999_999  # a day after every last day
_LETTERS = {
    "*": "true",
    "e": 'principal.unit != "" && resource.unit == principal.unit',
    "E": "resource.units.contains(principal.unit)",
    "o": "resource.owner == principal.who",
    "h": "resource.handlers.contains(principal.who)",
    "a": "resource.authors.contains(principal.who)",
    "p": "resource.putTo.contains(principal.who)",
    "n": "resource.granted.contains(principal.who)",
    "m": "principal.organs.contains(resource.organ)",
}
_LIMITS = {"": "", "uncoded": f' && resource.assessment != "{CODED}"', "public": f' && resource.assessment == "{PUBLIC}"'}
_CONFLICTS = {
    "not-own-text": "resource.authors.containsAny(principal.both)",
    "not-for-oneself": "principal.both.contains(resource.concerns)",
    "not-the-orderer": "principal.both.contains(resource.orderedBy)",
    "not-the-proposer": "principal.both.contains(resource.orderedBy)",
}
_FORBIDS = """\
@id("not in force")
forbid(principal, action, resource) unless {
  principal.decided && principal.decidedAt <= context.instant && (!principal.stopped || context.instant < principal.stoppedAt)
    && principal.firstDay <= context.day && context.day <= principal.lastDay
};
@id("outside the assignment")
forbid(principal, action, resource) when {
  principal.bounded && resource.table != "administration" && !principal.within.containsAny(resource.units)
};
@id("party or disqualified")
forbid(principal, action, resource) when {
  resource.parties.containsAny(principal.both) || resource.disqualified.containsAny(principal.both)
};
"""
_CLEARANCE = """\
@id("coded material needs clearance and group")
forbid(principal, action, resource) when {{
  resource.assessment == "{coded}" && !(principal.codes.contains(resource.code)
    && (resource.group == "" || principal.groups.contains(resource.group)))
}} unless {{ {listing} || (({urgent}) && principal.urgent.contains(resource.file)) }};
"""


def policies(matrix: Matrix, action: str | None = None) -> str:
    """The policies of the tables as in force on one day (`Matrix.on`), in the order of their ids; of one action, where named."""
    listing = " || ".join(f"action == {_action(name)}" for name in sorted(matrix.actions) if name.endswith(".list"))
    urgent = " || ".join(f"action == {_action(name)}" for name in sorted(URGENT))
    forbids = _FORBIDS + _CLEARANCE.format(coded=CODED, listing=listing, urgent=urgent)
    cells = [cell for place, cell in sorted(matrix.cells.items()) if action in (None, place.action) and _permits(cell)]
    return forbids + "".join(_permit(matrix, cell) for cell in cells)


def _permits(cell: Cell) -> bool:
    return cell.mode in ("", "2") and any(reach.letter != "i" for reach in cell.reaches)


def _permit(matrix: Matrix, cell: Cell) -> str:
    place = cell.place
    conditions = [
        f"principal.role == {_text(place.role)}",
        f"resource.table == {_text(place.table)}",
        f"resource.status == {_text(place.from_status)}",
        f"context.to == {_text(place.to_status)}",
        *_types(matrix, place),
        f"({' || '.join(_reaches(cell))})",
    ]
    if cell.condition in _CONFLICTS:
        conditions.append(f"!{_CONFLICTS[cell.condition]}")
    if cell.mode == "2":
        conditions.append("!resource.before.containsAny(principal.both)")
    tested = "\n    && ".join(conditions)
    head = f"@id({_text(':'.join(place))})\npermit(principal, action == {_action(place.action)}, resource)"
    return f"{head} when {{\n  {tested}\n}};\n"


def _types(matrix: Matrix, place: Place) -> Iterator[str]:
    """The type that the cell is for; for any type, those are left out that have a cell of their own in that place."""
    if place.type != ANY:
        yield f"resource.type == {_text(place.type)}"
        return
    own = sorted(other.type for other in matrix.cells if other.type != ANY and other._replace(type=ANY) == place)
    if own:
        yield f"![{', '.join(map(_text, own))}].contains(resource.type)"


def _reaches(cell: Cell) -> Iterator[str]:
    yield from (f"({_reached(reach)})" for reach in cell.reaches if reach.letter != "i")
    if cell.place.action in URGENT and not cell.mode:
        yield "principal.urgent.contains(resource.file)"


def _reached(reach: Reach) -> str:
    return _LETTERS[reach.letter] + _LIMITS[reach.limit]


def entity_of_right(person: Person, right: Right, at: Moment | None = None) -> dict[str, Any]:
    """Attributes of a principal. Days count from year 1, instants in microseconds from 1970. `urgent`: the cases that urgent
    access opens at that moment, none where it is not given, and none to a substitute."""
    who = right.acting_for or person.id
    opened = person.urgent if at is not None and right.acting_for is None else ()
    return {
        "role": right.role,
        "who": who,
        "both": sorted({person.id, who}),
        "unit": str(right.unit) if right.unit is not None else "",
        "codes": sorted(right.codes),
        "groups": sorted(right.groups),
        "organs": sorted(right.organs),
        "bounded": bool(right.within),
        "within": sorted(str(unit) for unit in right.within),
        "urgent": sorted({str(one.file) for one in opened if at is not None and one.in_force(at)}),
        "firstDay": right.first_day.toordinal(),
        "lastDay": _NEVER if right.last_day is None else right.last_day.toordinal(),
        "decided": right.decided_at is not None,
        "decidedAt": _instant(right.decided_at),
        "stopped": right.stopped_at is not None,
        "stoppedAt": _instant(right.stopped_at),
    }


def entity_of_subject(subject: Subject, at: Moment) -> dict[str, Any]:
    """Attributes of a resource; `granted`: who has a named grant that day."""
    return {
        "table": subject.table,
        "file": str(subject.file) if subject.file is not None else "",
        "type": subject.type,
        "status": subject.status,
        "unit": str(subject.units[0]) if subject.units else "none",
        "units": [str(unit) for unit in subject.units],
        "owner": subject.owner or "",
        "handlers": sorted(subject.handlers),
        "authors": sorted(subject.authors),
        "putTo": sorted(subject.put_to),
        "granted": sorted({one.person for one in subject.grants if one.first_day <= at.day <= one.last_day}),
        "organ": subject.organ or "",
        "assessment": subject.assessment if subject.assessment in (PUBLIC, CODED) else NOT_ASSESSED,
        "code": subject.code or "",
        "group": subject.group or "",
        "parties": sorted(subject.parties),
        "disqualified": sorted(subject.disqualified),
        "before": sorted(subject.before),
        "concerns": subject.concerns or "",
        "orderedBy": subject.ordered_by or "",
    }


def context_of(at: Moment, to_status: str) -> dict[str, Any]:
    """The context of a request."""
    return {"day": at.day.toordinal(), "instant": _instant(at.instant), "to": to_status}


def _instant(moment: datetime | None) -> int:
    return 0 if moment is None else round(moment.timestamp() * 1_000_000)


def _action(name: str) -> str:
    return f"Action::{_text(name)}"


def _text(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
