"""The rows of a unit: whole, and what stands of a coded one where everybody in reach may look."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from psycopg.types.json import Jsonb

from projections.journal.classes import Class
from projections.view import CASE, DOCUMENT, ENTRY, View

Row = dict[str, Any]
WORDS_LIMIT = 100_000
# of a coded unit these say something that is screened, or might
_SCREENED = {"title": None, "responsible": None, "unit": None, "external_system": None, "parties": "", "words": "", "view": None}


def rows(one: View, of: Class, entry: str | None, case: str | None) -> tuple[Row, Row | None]:
    """(row of the plain table, row of the coded one or None). entry, case: ids of those that a document belongs to."""
    whole = _ROWS[one["kind"]](one) | {"class": of.id, "code": of.code}
    if one["kind"] == DOCUMENT:
        whole |= {"entry_id": entry, "case_id": case}
    if of.code is None:
        return whole, None
    return whole | {name: value for name, value in _SCREENED.items() if name in whole}, whole


def _words(one: View, *more: str | None) -> str:
    texts = [one.get("title"), one.get("public_title"), one.get("number"), *one.get("keywords", []), *more]
    # PostgreSQL indexes 1 MB of words at most; a unit beyond that would not be followed at all
    return " ".join(text for text in texts if text)[:WORDS_LIMIT]


def _name(one: Any) -> str | None:
    return (one.get("name") or one.get("identifier") or one.get("initials") or one.get("email")) if one else None


def _external_system(one: View) -> str | None:
    key = one.get("external_key") or {}
    return key.get("system")


def names_of(listed: Iterable[View]) -> list[str]:
    """The names of parties that have one."""
    return [str(party["name"]) for party in listed if party.get("name")]


def _case_row(one: View) -> Row:
    return {
        "id": one["id"],
        "number": one["number"],
        "year": one["year"],
        "sequence": one["sequence"],
        "title": one["title"],
        "status": one["status"],
        "case_date": one["case_date"],
        "responsible": _name(one.get("case_responsible")),
        "unit": _name(one.get("administrative_unit")),
        "external_system": _external_system(one),
        "discarded": bool(one.get("discarded")),
        "changed_at": one["changed_at"],
        "words": _words(one, *names_of(one.get("parts", []))),
        "view": Jsonb(one),
    }


def _entry_row(one: View) -> Row:
    parties = names_of(one.get("parties", []))
    return {
        "id": one["id"],
        "case_id": one.get("case"),
        "number": one.get("number"),
        "journal_year": one.get("journal_year"),
        "journal_sequence": one.get("journal_sequence"),
        "journal_date": one.get("journal_date"),
        "entry_number": one.get("entry_number"),
        "entry_type": one.get("entry_type"),
        "status": one["status"],
        "title": one["title"],
        "parties": ", ".join(parties),
        "document_date": one.get("document_date"),
        "answered": bool(one.get("sign_offs")),
        "external_system": _external_system(one),
        "discarded": bool(one.get("discarded")),
        "changed_at": one["changed_at"],
        "words": _words(one, *parties),
        "view": Jsonb(one),
    }


def _document_row(one: View) -> Row:
    return {
        "id": one["id"],
        "title": one["title"],
        "status": one["status"],
        "document_type": one["document_type"],
        "changed_at": one["changed_at"],
        "words": _words(one, *(each.get("file_name") for each in one.get("objects", []))),
        "view": Jsonb(one),
    }


_ROWS = {CASE: _case_row, ENTRY: _entry_row, DOCUMENT: _document_row}
