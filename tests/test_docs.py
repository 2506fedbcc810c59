"""The documents say what is so. Each detector is first shown a sample that it must find."""

from __future__ import annotations

import re
import tomllib

import pytest

from tests import documents, tidy

TEXTS = tidy.texts()
FILES = {path.relative_to(tidy.ROOT).as_posix() for path in tidy.ROOT.rglob("*") if path.is_file() and ".venv" not in path.parts}
MARKDOWN = {path: text for path, text in TEXTS.items() if path.endswith(".md")}
DECISIONS = {path: text for path, text in MARKDOWN.items() if path.startswith("docs/adr/")}
GOOD_DECISION = (
    "# 0001. A\n\nStatus: accepted, 2026-01-02\n\n## Context\nc\n\n## Options\no\n\n## Outcome\no\n\n## Consequences\nc\n"
)
GOOD_CHANGELOG = "# Changelog\n\n## [Unreleased]\n\n### Added\n- x\n\n## [0.2.0] - 2026-02-01\n\n## [0.1.0] - 2026-01-01\n"


def test_the_readme_names_both_commands_and_they_exist() -> None:
    commands = re.findall(r"(?:^|`)make ([.a-z-]+)", TEXTS["README.md"], re.MULTILINE)
    assert {"demo", "test"} <= set(commands)
    targets = set(re.findall(r"^([.a-z-]+):", TEXTS["Makefile"], re.MULTILINE))
    assert set(commands) <= targets


def test_the_readme_names_the_licence_that_the_package_carries() -> None:
    licence = tomllib.loads(TEXTS["pyproject.toml"])["project"]["license"]
    assert licence in TEXTS["README.md"]


def test_make_help_lists_every_target() -> None:
    makefile = TEXTS["Makefile"]
    named = re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[0].split()
    described = re.findall(r"^([.a-z-]+):.*## \S", makefile, re.MULTILINE)
    assert sorted(named) == sorted(described)


def test_a_broken_link_is_seen() -> None:
    sample = "[a](b.md) [c](../README.md#x) ![d](e/f.png) [g](https://example.org) [h](#i) [j](adr)"
    existing = {"README.md", "docs/b.md", "docs/adr/k.md"}
    assert documents.broken_links("docs/l.md", sample, existing) == ["docs/l.md: e/f.png"]
    assert documents.broken_links("docs/adr/k.md", "[m](../../n.md)", existing) == ["docs/adr/k.md: ../../n.md"]


def test_every_link_leads_somewhere() -> None:
    assert [found for path, text in MARKDOWN.items() for found in documents.broken_links(path, text, FILES)] == []


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ("# 0001.", "# 0002."),
        ("accepted, 2026-01-02", "accepted"),
        ("## Options\n", "## Choices\n"),
        ("## Outcome\no\n", "## Outcome\n"),
        ("c\n", "c\n" * 40),
    ],
)
def test_a_malformed_decision_is_seen(good: str, bad: str) -> None:
    assert documents.malformed_decision("docs/adr/0001-a.md", GOOD_DECISION) == []
    assert documents.malformed_decision("docs/adr/0001-a.md", GOOD_DECISION.replace(good, bad))


def test_every_decision_is_numbered_and_whole() -> None:
    assert documents.misnumbered(["docs/adr/0001-a.md", "docs/adr/0003-b.md"]) == ["docs/adr/0003-b.md"]
    assert documents.misnumbered(["docs/adr/one.md"]) == ["docs/adr/one.md"]
    assert len(DECISIONS) >= 13
    assert documents.misnumbered(list(DECISIONS)) == []
    assert [found for path, text in DECISIONS.items() for found in documents.malformed_decision(path, text)] == []


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ("# Changelog", "# News"),
        ("## [Unreleased]\n", ""),
        ("### Added", "### Stuff"),
        ("0.2.0] - 2026-02-01", "0.2.0]"),
        ("[0.2.0]", "[0.0.9]"),
    ],
)
def test_a_malformed_changelog_is_seen(good: str, bad: str) -> None:
    assert documents.malformed_changelog(GOOD_CHANGELOG) == []
    assert documents.malformed_changelog(GOOD_CHANGELOG.replace(good, bad))


def test_the_changelog_is_kept() -> None:
    assert documents.malformed_changelog(TEXTS["CHANGELOG.md"]) == []
