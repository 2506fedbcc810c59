"""The table of ASVS requirements names tests that are there."""

from __future__ import annotations

import re

from tests import tidy

PAGE = (tidy.ROOT / "docs" / "asvs.md").read_text(encoding="utf-8")


def missing(page: str, tests: str) -> list[str]:
    """Tests that a page names and that are not there."""
    return [name for name in re.findall(r"`(test_[a-z_0-9]+)`", page) if f"def {name}(" not in tests]


def rows_without(page: str) -> list[str]:
    """Rows of the table without a test."""
    return [row for row in re.findall(r"^\| \d.*$", page, re.MULTILINE) if "test_" not in row.rpartition(" | ")[2]]


def test_every_row_names_a_test_that_is_there() -> None:
    tests = "\n".join(tidy.sources("tests").values())
    assert missing("`test_that_is_nowhere` `test_here`", "def test_here(): ...") == ["test_that_is_nowhere"]
    assert rows_without("| 6.1.1 | x | later |\n| 6.1.2 | x | `test_y` |") == ["| 6.1.1 | x | later |"]
    assert len(re.findall(r"^\| \d", PAGE, re.MULTILINE)) > 30
    assert missing(PAGE, tests) == []
    assert rows_without(PAGE) == []
