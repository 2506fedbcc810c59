"""Facts of the access-log chain: who was shown coded material, when, in what way and by which right (Noark 5: 4.5.29; GDPR
art. 32). They name ids and codes, never a title or a name, so that the log itself needs no clearance to be kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

PAGE, API, FILE, EXPORT, HISTORY, SEARCH_ROW = "page", "api", "file", "export", "history", "search-row"
WAYS = frozenset({PAGE, API, FILE, EXPORT, HISTORY, SEARCH_ROW})


@dataclass(frozen=True, slots=True)
class AccessRead:
    """Coded material is about to be shown to the fact's actor; the envelope's `rests_on` names the rights and cells.

    record: the unit that was asked for; kind: `case`, `entry` or `document`; code: its access code, empty where it has none and
    was read by urgent access; what: one of `WAYS`;
    within: the entry and case that it belonged to, nearest first; audit: True where an auditor's assignment gave the right
    (practice R13: not shown in the audited unit's report while the assignment lasts).
    """

    record: UUID
    kind: str
    code: str
    what: str
    within: tuple[UUID, ...]
    audit: bool | None = None


@dataclass(frozen=True, slots=True)
class UrgentOpened:
    """Urgent access to a case was confirmed by the fact's actor (practice R14): the alarm that stands beside the readings. It
    names the access in the person's stream; `until`: the instant at which it ends."""

    urgent: UUID
    person: UUID
    case: UUID
    until: datetime


def of_one_reading(one: AccessRead, other: AccessRead) -> bool:
    """Whether two readings in one answer are one: a record stands in the other, under the same code."""
    together = one.record == other.record or one.record in other.within or other.record in one.within
    return together and one.code == other.code and one.what == other.what
