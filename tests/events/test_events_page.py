"""docs/events.md says what the catalogue says."""

from __future__ import annotations

import pytest

from domain import catalogue
from domain.model import record
from tests import tidy
from tools import events_page

PAGE = tidy.ROOT / "docs" / "events.md"


def test_the_committed_page_is_the_catalogues() -> None:
    assert PAGE.read_text(encoding="utf-8") == events_page.events_page()


@pytest.mark.parametrize("topic", catalogue.NAMES)
def test_every_name_stands_there_with_its_meaning(topic: str) -> None:
    page = events_page.events_page()
    assert f"### `{topic}`\n" in page
    first_line = (catalogue.NAMES[topic].__doc__ or "").strip().splitlines()[0]
    assert first_line in page


def test_a_new_field_would_change_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    before = events_page.events_page()
    monkeypatch.setattr(catalogue, "NAMES", dict(catalogue.NAMES) | {"record.titled.v1": record.Commented})
    assert events_page.events_page() != before
