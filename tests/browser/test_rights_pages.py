"""Rights in a real browser: a manager orders on a phone, without JavaScript too, and the archive leader controls it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.serving import PHONE, needs_chromium
from tests.browser.visiting import settled

pytestmark = needs_chromium
WIDTH = PHONE["width"]
PAGES = (
    "/rights/me",
    "/rights/order",
    "/rights/order?new=true",
    "/rights/inbox",
    "/people",
    "/roles?role=caseworker",
    "/organisation",
)


@contextmanager
def phone(browser: Browser, site: str, who: str, scripts: bool = True) -> Iterator[tuple[Page, list[str]]]:
    """A page on somebody's phone, and what its console says is wrong."""
    context = browser.new_context(viewport={"width": WIDTH, "height": 844}, locale="nb-NO", java_script_enabled=scripts)
    context.add_cookies([{"name": "dagbok_person", "value": who, "url": site}])
    said: list[str] = []
    try:
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda problem: said.append(str(problem)))
        yield page, said
    finally:
        context.close()


@pytest.mark.parametrize("path", PAGES)
def test_a_page_of_rights_fits_a_phone(browser: Browser, site: str, path: str) -> None:
    with phone(browser, site, "anne.berg") as (page, said):
        answer = page.goto(f"{site}{path}", wait_until="load")
        assert answer is not None
        assert answer.status == 200
        assert page.evaluate("document.documentElement.scrollWidth") <= WIDTH
        assert said == []


@pytest.mark.parametrize("scripts", [True, False])
def test_rights_are_ordered_on_a_phone_and_controlled(browser: Browser, site: str, scripts: bool) -> None:
    name = f"Ole Ny {'med' if scripts else 'uten'} skript"
    with phone(browser, site, "kari.aas", scripts) as (page, said):
        page.goto(f"{site}/rights/order")
        page.get_by_role("link", name="Bestill for en ny person").click()
        page.get_by_label("Fullt navn").fill(name)
        page.get_by_label("Brukernavn").fill(f"ole.ny.{scripts}".lower())
        page.get_by_label("Tilknytning").select_option("temporary")
        page.get_by_label("Siste dag med tilgang").fill("2026-12-31")
        page.get_by_label("saksbehandler").check()
        page.get_by_label("Begrunnelse").fill("Vikar")
        page.get_by_role("button", name="Vis hva som endres").click()
        assert "saksbehandler i Teknisk, til og med 31.12.2026" in " ".join(page.inner_text("main").split())
        if scripts:
            assert page.evaluate("document.documentElement.scrollWidth") <= WIDTH
        page.get_by_role("button", name="Bestill", exact=True).click()
        page.wait_for_url("**/people/*")
        settled(page)
        assert "venter på kontroll" in page.inner_text("main")
        assert said == []
    with phone(browser, site, "anne.berg", scripts) as (page, said):
        page.goto(f"{site}/rights/inbox")
        waits = page.get_by_role("article", name=name)
        waits.get_by_role("button", name="Kontrollert, i orden").click()
        settled(page)
        assert page.get_by_role("article", name=name).count() == 0
        assert said == []


def test_the_keyboard_reaches_and_sends_the_order(browser: Browser, site: str) -> None:
    with phone(browser, site, "kari.aas") as (page, _):
        page.goto(f"{site}/rights/order?new=true")
        page.get_by_label("Fullt navn").focus()
        seen = []
        for _step in range(60):
            seen.append(page.evaluate("document.activeElement.name || document.activeElement.textContent.trim()"))
            page.keyboard.press("Tab")
        wanted = ["name", "user_name", "unit", "first_day", "last_day", "role-caseworker", "reason", "step"]
        assert [one for one in dict.fromkeys(seen) if one in wanted] == wanted
