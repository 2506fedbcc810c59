"""Identifiers and the placeholders that the writer fills.

A systemID (Noark M001) is a random UUID and is the originator_id of the unit's stream.
"""

from __future__ import annotations

from dataclasses import dataclass

CASE_NUMBER = "case-number"
JOURNAL_NUMBER = "journal-number"
ENTRY_NUMBER = "entry-number"
EXTERNAL_KEY = "external"
SERIES_CODE = "series-code"
CLASS_KEY = "class"


@dataclass(frozen=True, slots=True)
class Number:
    """The next number of a series, given by the writer under the head row: gap-free and unique (Noark M012, M014).

    series: text key such as `case/2026`; ordinal: 0 for the first number that one command takes from the series, 1 for the next.
    """

    series: str
    ordinal: int = 0


@dataclass(frozen=True, slots=True)
class NumberedKey:
    """A claim key around a number of a series: prefix, number, suffix, for example `2026/` + 412 + `-3`."""

    prefix: str
    number: Number
    suffix: str = ""


ClaimKey = str | NumberedKey
Claim = tuple[str, ClaimKey]


def case_number(year: int, sequence: int) -> str:
    """mappeID (M003): `2026/412`."""
    return f"{year}/{sequence}"


def entry_number(case: str, number: int) -> str:
    """registreringsID (M004): `2026/412-3`."""
    return f"{case}-{number}"


def case_series(year: int) -> str:
    """Key of the case number series of a year (M012)."""
    return f"case/{year}"


def journal_series(year: int) -> str:
    """Key of the journal number series of a year (M014)."""
    return f"journal/{year}"
