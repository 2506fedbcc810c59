"""The pages in a real browser: at a desk and on a phone, in Norwegian, without JavaScript. DAGBOK_PICTURES=DIR keeps pictures."""

from __future__ import annotations

import os
import re
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, FilePayload, Page

from tests.browser.serving import DESK, PHONE, needs_chromium
from tools.demo.paper import letter

pytestmark = needs_chromium
SIZES = {"desk": DESK, "phone": PHONE}
PAGES = ("front", "case", "entry", "journal", "history", "log")


@pytest.fixture(scope="module")
def addresses(site: str) -> dict[str, str]:
    """The six pages: a case with several entries, one of its entries, and that case's history."""
    journal = httpx.get(f"{site}/api/v1/journal", params={"q": "naust"}).json()
    entry = next(one for one in journal["entries"] if one["case_id"] and one["entry_number"] > 1)
    return {
        "front": f"{site}/",
        "case": f"{site}/cases/{entry['case_id']}",
        "entry": f"{site}/entries/{entry['id']}",
        "journal": f"{site}/journal?q=naust",
        "history": f"{site}/history/{entry['case_id']}?on=2026-11-10",
        "log": f"{site}/log",
    }


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", PAGES)
def test_a_page_fits_and_speaks_norwegian(browser: Browser, addresses: dict[str, str], name: str, size: str) -> None:
    context = browser.new_context(viewport=SIZES[size], locale="nb-NO", java_script_enabled=True)  # type: ignore[arg-type]
    try:
        page = context.new_page()
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda problem: said.append(str(problem)))
        answer = page.goto(addresses[name], wait_until="load")
        assert answer is not None
        assert answer.status == 200
        assert page.locator("html").get_attribute("lang") == "nb"
        assert page.evaluate("document.documentElement.scrollWidth") <= SIZES[size]["width"]
        assert page.evaluate("getComputedStyle(document.body).fontFamily") != ""
        assert said == []
        keep(page, f"{name}-{size}")
    finally:
        context.close()


def keep(page: Page, name: str) -> None:
    """Keep a picture where one is wanted."""
    folder = os.environ.get("DAGBOK_PICTURES")
    if folder:
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True, clip={"x": 0, "y": 0, **_size(page)})  # type: ignore[typeddict-item]


def _size(page: Page) -> dict[str, int]:
    width = page.viewport_size["width"] if page.viewport_size else 1280
    height = int(page.evaluate("document.documentElement.scrollHeight"))
    return {"width": width, "height": min(height, 1100 if width > 600 else 1500)}


def test_a_letter_is_registered_without_javascript(browser: Browser, addresses: dict[str, str]) -> None:
    context = browser.new_context(viewport=SIZES["phone"], locale="nb-NO", java_script_enabled=False)  # type: ignore[arg-type]
    try:
        page = context.new_page()
        page.goto(addresses["case"])
        page.locator("a[href$='/entries/new']").first.click()
        title = "Klage på vedtak om naust – gnr 12/bnr 7"
        form = page.locator("form[action$='/entries']").first
        form.locator("[name=title]").fill(title)
        form.locator("[name=party_name]").fill("Ola Nordmann")
        klage = FilePayload(name="klage.pdf", mimeType="application/pdf", buffer=letter("Klage", "Ola Nordmann", "2026-11-20", 1))
        form.locator("input[type=file]").first.set_input_files(klage)
        form.locator("button[type=submit], button:not([type])").first.click()
        page.wait_for_load_state()
        assert re.search(r"/(entries|cases)/[0-9a-f-]{36}", page.url)
        assert title in page.content()
    finally:
        context.close()
