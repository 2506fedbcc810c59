"""Pages that are made from the program say what the program says."""

from __future__ import annotations

import re

import pytest

from api.settings import Settings
from tests import tidy
from tools.cli.page import DOCS, PAGES, cli_page, settings_page


@pytest.mark.parametrize("name", PAGES)
def test_a_generated_page_is_up_to_date(name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == PAGES[name](), "run python -m tools.cli.page"


def test_every_command_of_the_guides_exists() -> None:
    """`dagbok <words>` in any document is a command; an invented one is seen."""
    known = set(re.findall(r"^## `dagbok ([a-z -]+)`", cli_page(), re.MULTILINE))
    groups = {command.split()[0] for command in known}

    def unknown(text: str) -> list[str]:
        named = re.findall(r"(?:`|^|\s)dagbok ([a-z-]+(?: [a-z-]+)?)", text, re.MULTILINE)
        return [one for one in named if one not in known and one.split()[0] not in known and one not in groups]

    assert unknown("`dagbok conjure DIR`") == ["conjure"]
    guides = {path: text for path, text in tidy.texts().items() if path.startswith("docs/howto/") or path == "README.md"}
    assert len(guides) > 3
    assert {path: found for path, text in guides.items() if (found := unknown(text))} == {}


def test_every_setting_stands_on_its_page() -> None:
    page = settings_page()
    assert [name for name in Settings.model_fields if f"`DAGBOK_{name.upper()}`" not in page] == []
