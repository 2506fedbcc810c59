"""A demo municipality that one test has to itself: it lets somebody sit down at a page, and lets time pass."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Browser, Locator, Page

from tests.browser.serving import DESK


@dataclass
class House:
    """The municipality at `site`, with its data folder; `said`: what any page's console complained of;
    `kept`, `case`: number and address of the case that the leaver keeps to the end."""

    browser: Browser
    site: str
    data: Path
    said: list[str] = field(default_factory=list)
    kept: str = ""
    case: str = ""

    @contextmanager
    def as_(self, who: str, size: dict[str, int] = DESK, scripts: bool = True) -> Iterator[Page]:
        """A page of somebody's own, chosen by name in the demonstration's menu, at the front page."""
        context = self.browser.new_context(viewport=size, locale="nb-NO", java_script_enabled=scripts)  # type: ignore[arg-type]
        context.set_default_timeout(60_000)
        try:
            page = context.new_page()
            page.on("pageerror", lambda problem: self.said.append(f"{who}: {problem}"))
            page.on("console", lambda message: self.said.append(f"{who}: {message.text}") if unexpected(message) else None)
            page.goto(self.site)
            menu = page.get_by_label("Du er")
            (label,) = [one for one in menu.locator("option").all_inner_texts() if one.split(",")[0] == who]
            menu.select_option(label=label)
            go(page, page.get_by_role("button", name="Bytt"))
            yield page
            if scripts:
                assert page.evaluate("document.documentElement.scrollWidth") <= size["width"], page.url
        finally:
            keep(page)
            context.close()

    def until(self, moment: str) -> None:
        """Let time pass: the demonstration's clock is set forward on its page. moment: local, as `2026-11-30T23:59`."""
        with self.as_("Tor Lie") as page:
            page.get_by_label("Klokken er").fill(moment)
            go(page, page.get_by_role("button", name="Still frem"))
            assert page.get_by_label("Klokken er").input_value() == moment

    def program(self, *words: str) -> str:
        """What a command of the program prints, run beside the served municipality on the same data folder."""
        command = [sys.executable, "-m", "tools.cli", *words, "--data", str(self.data)]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout

    def tell(self, token: str, body: Any) -> Any:
        """What the identity system says, as a machine, over HTTP."""
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/scim+json"}
        return httpx.post(f"{self.site}/scim/v2/Users", json=body, headers=headers)


def go(page: Page, by: Locator) -> None:
    """Click on what leads to another page, and be there."""
    with page.expect_navigation(wait_until="load"):
        by.click()


def settled(page: Page) -> None:
    """The page once it shows what was written from it: until then it says that it does not yet, and is asked for again."""
    page.wait_for_load_state()
    while page.locator("main").get_by_text("Det du nettopp lagret").count():
        page.reload()


def unexpected(message: Any) -> bool:
    """Whether a line of the console is a fault: a page that is refused, as it should be, is said there too."""
    return bool(message.type == "error" and "Failed to load resource" not in message.text)


def words(page: Page) -> str:
    """The main part of a page on one line."""
    return " ".join(page.locator("main").inner_text().split())


def keep(page: Page, name: str = "") -> None:
    """Keep a picture where one is wanted."""
    folder = os.environ.get("DAGBOK_PICTURES")
    if folder:
        count = len(list(Path(folder).glob("week-*.png"))) + 1
        page.screenshot(path=Path(folder) / f"week-{count:02}{name}.png", full_page=True)
