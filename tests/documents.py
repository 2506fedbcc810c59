"""The detectors of test_docs.py: each takes a document's text and gives back what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from pathlib import PurePosixPath

ADR_NAME = re.compile(r"docs/adr/(\d{4})-[a-z0-9-]+\.md")
ADR_SECTIONS = ["Context", "Options", "Outcome", "Consequences"]
ADR_MAX_LINES = 60
CHANGE_KINDS = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
RELEASE = re.compile(r"\[Unreleased\]|\[\d+\.\d+\.\d+\] - \d{4}-\d{2}-\d{2}")


def broken_links(path: str, text: str, existing: Collection[str]) -> list[str]:
    """Links and pictures of a Markdown file to files that are not in the project; outside addresses are not followed."""
    found = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in target or target.startswith(("#", "mailto:")):
            continue
        parts: list[str] = []
        for part in (PurePosixPath(path).parent / target.partition("#")[0]).parts:
            if part == ".." and parts:
                parts.pop()
            else:
                parts.append(part)
        wanted = "/".join(parts)
        if wanted not in existing and not any(file.startswith(wanted + "/") for file in existing):
            found.append(f"{path}: {target}")
    return found


def misnumbered(paths: Sequence[str]) -> list[str]:
    """Decision records whose numbers do not run 0001, 0002, … in order."""
    matched = [(ADR_NAME.fullmatch(path), path) for path in sorted(paths)]
    return [path for n, (match, path) in enumerate(matched, 1) if match is None or int(match[1]) != n]


def malformed_decision(path: str, text: str) -> list[str]:
    """What a decision record lacks: title with its number, status with a date, the four sections in order and filled, a page."""
    found = []
    lines = text.splitlines()
    number = (ADR_NAME.fullmatch(path) or ["", "????"])[1]
    if not lines or not re.fullmatch(rf"# {number}\. \S.*", lines[0]):
        found.append(f"{path}: the title must be '# {number}. …'")
    if not re.search(r"^Status: (accepted|superseded by \d{4}|rejected), \d{4}-\d{2}-\d{2}$", text, re.MULTILINE):
        found.append(f"{path}: no status with a date")
    sections = re.findall(r"^## (.+)\n+((?:(?!## ).*\n?)*)", text, re.MULTILINE)
    if [name for name, _ in sections] != ADR_SECTIONS:
        found.append(f"{path}: the sections are {[name for name, _ in sections]}")
    found += [f"{path}: {name} is empty" for name, body in sections if not body.strip()]
    if len(lines) > ADR_MAX_LINES:
        found.append(f"{path}: {len(lines)} lines are more than a page")
    return found


def malformed_changelog(text: str) -> list[str]:
    """What Keep a Changelog asks for and the text lacks; releases come newest first, what is not released above them."""
    found = [] if text.startswith("# Changelog\n") else ["the title must be '# Changelog'"]
    releases = re.findall(r"^## (.*)$", text, re.MULTILINE)
    found += [f"not a release: {name}" for name in releases if not RELEASE.fullmatch(name)]
    found += [
        f"not a kind of change: {name}" for name in re.findall(r"^### (.*)$", text, re.MULTILINE) if name not in CHANGE_KINDS
    ]
    if not releases or releases[0] != "[Unreleased]":
        found.append("[Unreleased] must come first")
    numbered = [tuple(map(int, match.groups())) for name in releases if (match := re.match(r"\[(\d+)\.(\d+)\.(\d+)\]", name))]
    if numbered != sorted(numbered, reverse=True):
        found.append("the newest release must come first")
    return found
