"""What rights ask of a row, as a class: rows that rights cannot tell apart share one, so that `may` is asked once a class.

A class says what the facets of the unit, its entry and its case say together (`domain.model.facets`), in the record's own words:
which unit or person those words mean is looked up when somebody asks, since units are renamed and people get user names. Named
access (4.5.23) is the record's own and stands apart.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from projections.view import CASE, DOCUMENT, ENTRY, View


@dataclass(frozen=True, slots=True)
class Class:
    """One class. kind: case, entry or document; units: (identifier, name) of those that may be its unit, the first that is known
    counts; owner, handlers: identifiers as written; authors: actors; began: who registered the entry; assessed: for publicity."""

    kind: str
    type: str
    status: str
    units: tuple[tuple[str | None, str], ...]
    owner: str | None
    handlers: tuple[str, ...]
    authors: tuple[str, ...]
    began: tuple[str, ...]
    assessed: bool
    code: str | None

    @property
    def text(self) -> str:
        """As it is stored: JSON of one form."""
        values = {name: getattr(self, name) for name in self.__slots__}
        return json.dumps(values, ensure_ascii=False, separators=(",", ":"), sort_keys=True)

    @property
    def id(self) -> UUID:
        """A digest of the text."""
        return digest(self.text)


def digest(text: str) -> UUID:
    """The id of a class with that text."""
    return UUID(bytes=hashlib.sha256(text.encode()).digest()[:16])


def parse(text: str) -> Class:
    """The class of a stored text."""
    given = json.loads(text)
    units = tuple((one[0], one[1]) for one in given.pop("units"))
    lists = {name: tuple(given[name]) for name in ("handlers", "authors", "began")}
    return Class(**{**given, **lists, "units": units})


def class_of(own: View, entry: View | None, case: View | None) -> Class:
    """The class of a unit. entry: that of a document; case: that of either; None where there is none, or none known yet."""
    of_case = own if own["kind"] == CASE else case
    of_entry = own if own["kind"] == ENTRY else entry
    levels = [one for one in (own, entry if own["kind"] == DOCUMENT else None, case) if one is not None]
    parties = of_entry.get("parties", []) if of_entry is not None else []
    units = [of_case.get("administrative_unit")] if of_case is not None else []
    units += [party.get("administrative_unit") for party in parties]
    began = [of_entry["registered_by"]] if of_entry is not None else []
    return Class(
        kind=own["kind"],
        type="*" if of_entry is None else of_entry.get("entry_type") or "*",
        status=of_entry["status"] if of_entry is not None else own["status"] if own["kind"] == CASE else "-",
        units=tuple(dict.fromkeys((one.get("identifier"), one.get("name", "")) for one in units if one)),
        owner=_identifier(of_case.get("case_responsible")) if of_case is not None else None,
        handlers=_sorted(_identifier(one.get("case_handler")) for one in (of_entry or {}, *parties)),
        authors=_sorted([own["registered_by"], *began]),
        began=_sorted(began),
        assessed=of_entry is None or of_entry.get("assessed_date") is not None,
        code=next((code for code in map(code_of, levels) if code is not None), None),
    )


def code_of(one: View) -> str | None:
    """The access restriction (M500) that the unit itself was given."""
    screening = one.get("screening")
    return screening["access_restriction"] if screening is not None else None


def handed_down(one: View) -> str:
    """What the units below a case or an entry have from it; where this is as before, they are as before."""
    if one["kind"] == CASE:
        return json.dumps([one.get("administrative_unit"), _identifier(one.get("case_responsible")), code_of(one)])
    return class_of(one, None, None).text + str(one.get("case")) if one["kind"] == ENTRY else ""


def _identifier(named: Any) -> str | None:
    return (named.get("identifier") or None) if named else None


def _sorted(given: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(sorted({one for one in given if one}))
