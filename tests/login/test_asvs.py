"""The table of ASVS requirements has every one of level 1 and 2 in its chapters, and names tests and pages that are there."""

from __future__ import annotations

import re

import pytest

from tests import tidy

PAGE = (tidy.ROOT / "docs" / "asvs.md").read_text(encoding="utf-8")
# ASVS 5.0.0, V6 to V8: how many of level 1 and 2 each section has, where they are its first ones, and those that are not
FIRST = {
    "6.1": 3, "6.2": 12, "6.3": 4, "6.4": 4, "6.5": 5, "6.6": 3, "6.8": 4,
    "7.1": 3, "7.2": 4, "7.3": 2, "7.4": 5, "7.5": 2, "7.6": 2,
    "8.1": 2, "8.2": 3, "8.3": 1, "8.4": 1,
}  # fmt: skip
ROW = re.compile(r"^\| (\d+\.\d+\.\d+) \| ([123]) \| (.+?) \| (.+) \|$", re.MULTILINE)
HONEST = ("does not apply: ", "not met in full: ", "not met to the letter: ")


def wanted() -> list[str]:
    """The numbers of level 1 and 2, in order."""
    return [f"{section}.{number}" for section, most in FIRST.items() for number in range(1, most + 1)]


def missing(page: str, tests: str) -> list[str]:
    """Tests that a page names and that are not there."""
    return [name for name in re.findall(r"`(test_[a-z_0-9]+)`", page) if f"def {name}(" not in tests]


def unshown(page: str) -> list[str]:
    """Rows that neither name a test or a page nor say why not."""
    rows = ROW.findall(page)
    return [number for number, _, _, shown in rows if not ("`test_" in shown or "](howto/" in shown or shown.startswith(HONEST))]


def test_every_requirement_of_level_1_and_2_stands_in_the_table() -> None:
    table = PAGE.partition("## Beyond")[0]
    assert [number for number, level, _, _ in ROW.findall(table) if level in "12"] == wanted()
    assert len(wanted()) == 60
    assert len(ROW.findall(PAGE)) == len(re.findall(r"^\| \d", PAGE, re.MULTILINE)), "every row has its four columns"


def test_every_row_names_a_test_that_is_there_or_says_why_not() -> None:
    tests = "\n".join(tidy.sources("tests").values())
    assert missing("`test_that_is_nowhere` `test_here`", "def test_here(): ...") == ["test_that_is_nowhere"]
    assert unshown("| 6.1.1 | 1 | x | later |\n| 6.1.2 | 2 | x | `test_y` |\n| 6.1.3 | 2 | x | does not apply: no |") == ["6.1.1"]
    assert missing(PAGE, tests) == []
    assert unshown(PAGE) == []


@pytest.mark.parametrize("page", sorted(set(re.findall(r"\]\(([^)]+)\)", PAGE))))
def test_every_page_that_is_named_is_there(page: str) -> None:
    assert (tidy.ROOT / "docs" / page).is_file()
