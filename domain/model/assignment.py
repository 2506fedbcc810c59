"""An auditor's assignment (practice R13): the mandate that it rests on, the units that are audited, the period, and its report.

It is ordered as any right is, with an end date, and reads and does nothing else. Who controls may return it for its form; what is
audited is not theirs to object to. What the auditor reads stays out of the audited units' access report until the audit has been
reported. Facts stand in the stream of the person, the assignment just before its order.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from domain.model.errors import Refused
from domain.model.record import limited

AUDITOR = "auditor"
MANDATE_LIMIT = 4_000


@dataclass(frozen=True, slots=True)
class AuditAssignedBody:
    """mandate: who wants the audit, on what decision, about what."""

    mandate: str


@dataclass(frozen=True, slots=True)
class AuditAssigned:
    """What an auditor's order is for. units: audited, with those below them, none named = the whole municipality; since, until:
    local days of the period that is audited."""

    order: UUID
    units: tuple[UUID, ...]
    body: AuditAssignedBody | None
    since: date | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True)
class AuditReported:
    """The audit has been reported: what was read for it stands in everybody's access report from now on. reported_on: local."""

    order: UUID
    reported_on: date


@dataclass(frozen=True, slots=True)
class Wanted:
    """The assignment as a manager orders it."""

    mandate: str
    units: tuple[UUID, ...] = ()
    since: date | None = None
    until: date | None = None


def require(roles: Collection[str], last_day: date | None, wanted: Wanted | None) -> None:
    """Whether roles and assignment fit. Refused `assignment.not_auditor`, `assignment.mandate_missing`, `assignment.read_only`,
    `rights.end_date_missing`, `rights.days_reversed`, `text.too_long`."""
    if AUDITOR not in roles:
        if wanted is not None:
            raise Refused("assignment.not_auditor", "4.5.1")
        return
    if set(roles) != {AUDITOR}:
        raise Refused("assignment.read_only", "4.5.11")
    if wanted is None or not wanted.mandate.strip():
        raise Refused("assignment.mandate_missing", "4.5.29")
    limited(wanted.mandate, MANDATE_LIMIT, "mandate")
    if last_day is None:
        raise Refused("rights.end_date_missing", "4.5.30")
    if wanted.since is not None and wanted.until is not None and wanted.until < wanted.since:
        raise Refused("rights.days_reversed", "4.5.30", {"last_day": wanted.until.isoformat()})


def given(order: UUID, wanted: Wanted) -> AuditAssigned:
    """The fact of an assignment that fits its order."""
    return AuditAssigned(order, wanted.units, AuditAssignedBody(wanted.mandate), wanted.since, wanted.until)


def again(fact: AuditAssigned) -> Wanted:
    """The assignment that led to a fact; of an erased mandate, that it was."""
    return Wanted(fact.body.mandate if fact.body is not None else "erased", fact.units, fact.since, fact.until)
