"""Changes to what a unit says of itself: texts, comments, parties, references, screening, grade, classes, kept metadata.

Each function works on a unit that the command has loaded already, and records nothing where nothing would change.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from domain.handlers.metadata import Comment, Part, commented, part_recorded, set_authors, set_keywords
from domain.handlers.work import Work
from domain.model import case_file, document, record, registry_entry, series

DESCRIBE = "record.describe"
SCREEN, LOWER = "record.screen", "record.lower-screening"
CLASSIFY = "record.classify"
COMMENT = "record.comment"
PARTIES = "record.change-parties"
REFER = "record.cross-refer"
EXTEND = "record.extend"
MOVE = "case-file.move"
DATE = "case-file.set-date"
RETYPE = "document.change-type"


def title(work: Work, unit: UUID, current: record.TitledBody, wanted: record.TitledBody) -> None:
    """Another title, public title or description."""
    work.permit(DESCRIBE, unit)
    if wanted != current:
        work.record(unit, record.titled(wanted.title, wanted.public_title, wanted.description))


def keywords(work: Work, unit: UUID, current: Sequence[str], wanted: Sequence[str]) -> None:
    """These keywords (M022), in order."""
    work.permit(DESCRIBE, unit)
    if tuple(wanted) != tuple(current):
        work.record(unit, set_keywords(tuple(wanted)))


def authors(work: Work, unit: UUID, current: Sequence[str], wanted: Sequence[str]) -> None:
    """These authors (M024), in order."""
    work.permit(DESCRIBE, unit)
    if tuple(wanted) != tuple(current):
        work.record(unit, set_authors(tuple(wanted)))


def comment(work: Work, unit: UUID, comment_id: UUID, current: Comment | None, wanted: Comment) -> None:
    """A new comment, or other words of one that stands."""
    work.permit(COMMENT, unit)
    if wanted != current:
        work.record(unit, commented(work, wanted, comment_id))


def part(work: Work, unit: UUID, part_id: UUID, current: Part | None, wanted: Part) -> None:
    """A new party to the case, or other details of one that stands."""
    work.permit(PARTIES, unit)
    if wanted != current:
        work.record(unit, part_recorded(part_id, wanted))


def remove(work: Work, unit: UUID, action: str, fact: Any) -> None:
    """Take a comment, party, cross-reference or class off the unit. fact: the one that says so."""
    work.permit(action, unit)
    work.record(unit, fact)


def refer(work: Work, unit: UUID, fact: record.CrossReferenced) -> None:
    """A cross-reference, or another target of one that stands."""
    work.permit(REFER, unit)
    work.record(unit, fact)


def screen(work: Work, unit: UUID, current: record.Screened | None, wanted: record.Screened | None) -> None:
    """Screen the unit so, or no longer at all; what becomes visible by it is a lowering, with rules of its own."""
    work.permit(SCREEN if record.raises(current, wanted) else LOWER, unit)
    if wanted == current:
        return
    work.record(unit, record.Unscreened() if wanted is None else record.screened(wanted))


def regrade(work: Work, unit: UUID, current: record.Graded | None, wanted: record.Graded) -> None:
    """Another security grade (M506)."""
    work.permit(SCREEN, unit)
    if wanted != current:
        work.record(unit, wanted)


def extend(work: Work, unit: UUID, element: str, current: str | None, wanted: str) -> None:
    """Keep other XML under a name; empty takes it away."""
    work.permit(EXTEND, unit)
    if wanted != (current or ""):
        work.record(unit, record.Extended(element, record.ExtendedBody(record.limited(wanted, record.TEXT_LIMIT, element) or "")))


def move(work: Work, unit: UUID, target: UUID) -> None:
    """The case file belongs to another, open series (2.3.6)."""
    work.permit(MOVE, unit)
    if work.state(unit).series != target:
        series.require_open(work.require(target, series.evolve, "series", series.Series))
        work.record(unit, case_file.CaseMoved(target))


def set_case_date(work: Work, unit: UUID, wanted: date) -> None:
    """Another case date (M100)."""
    work.permit(DATE, unit)
    if work.state(unit).case_date != wanted:
        work.record(unit, case_file.CaseDated(wanted))


def change_document_type(work: Work, unit: UUID, wanted: str) -> None:
    """Another document type (M083)."""
    work.permit(RETYPE, unit)
    checked = document.create(None, document.CreateDocument(wanted)).document_type
    if work.state(unit).document_type != checked:
        work.record(unit, document.DocumentTypeChanged(checked))


def drop_party(work: Work, unit: UUID, party: UUID) -> None:
    """Take a correspondence party off the entry, with the sign-offs made for it alone."""
    work.permit(PARTIES, unit)
    state = work.state(unit)
    own = [one.sign_off for one in state.sign_offs.values() if one.party == party]
    work.record(unit, *(registry_entry.SignOffRemoved(one) for one in own), registry_entry.PartyRemoved(party))
