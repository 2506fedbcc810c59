"""Rights week: a temp comes, one moves, one leaves, the manager leaves, and two try what nobody may alone. In a real browser,
by the pages alone, while the demonstration's clock passes midnight."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.browser import serving
from tests.browser.serving import PHONE, needs_chromium
from tests.browser.visiting import House, go, settled, words

pytestmark = needs_chromium
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
ACCESS = "urn:dagbok:params:scim:schemas:extension:records-access:2.0:User"


@pytest.fixture
def house(browser: Browser, demo_data: Path, tmp_path: Path) -> Iterator[House]:
    """The demo municipality on the morning of Monday 23 November 2026, with nobody else in it."""
    data = serving.copied(demo_data, tmp_path)
    with serving.served(data) as site:
        yield House(browser, site, data)


def test_rights_week(house: House) -> None:
    a_temp_starts_today(house)
    nobody_clears_herself(house)
    nobody_widens_a_role_alone(house)
    the_identity_system_orders(house)
    ida_moves(house)
    house.until("2026-11-25T08:00")
    per_leaves_while_the_leader_is_away(house)
    house.until("2026-11-27T08:00")
    the_manager_leaves(house)
    house.until("2026-11-30T23:59")
    midnight(house)
    house.until("2026-12-02T00:00")
    the_successor(house)
    the_leaver_on_the_first(house)
    assert house.said == []


def a_temp_starts_today(house: House) -> None:
    """(a) Kari orders on her phone, without scripts; no end date is refused; Anne controls; the temp works."""
    with house.as_("Kari Ås", PHONE, scripts=False) as page:
        order_for(page, "Ole Ny", "ole.ny", "temporary", "saksbehandler")
        go(page, page.get_by_role("button", name="Bestill", exact=True))
        assert "må rettigheten ha en siste dag" in page.get_by_role("alert").inner_text()
        page.get_by_label("Siste dag med tilgang").fill("2026-12-31")
        go(page, page.get_by_role("button", name="Bestill", exact=True))
        assert "/people/" in page.url
    with house.as_("Ole Ny") as page:
        page.goto(f"{house.site}/journal")
        assert "Du har ingen rettigheter her" in words(page) or "gjelder ikke nå" in words(page)
    controlled(house, "Anne Berg", "Ole Ny")
    with house.as_("Ole Ny", PHONE) as page:
        page.goto(f"{house.site}/rights/me")
        assert "fra 23.11.2026 til og med 31.12.2026" in words(page)
        page.goto(f"{house.site}/journal?q=naust")
        go(page, page.locator("main table a").first)
        assert page.locator("main h1").count() == 1
        assert "Du har ingen rettigheter" not in words(page)


def nobody_clears_herself(house: House) -> None:
    """(e) Anne orders a clearance for herself."""
    with house.as_("Anne Berg") as page:
        page.goto(f"{house.site}/rights/order?q=Anne+Berg")
        go(page, page.locator("#main").get_by_role("link", name="Anne Berg"))
        said = words(page)
        assert "Ingen bestiller, kontrollerer eller avgjør rettigheter for seg selv" in said
        assert "Lederen din i Arkiv er Lars Dahl" in said
        assert page.get_by_role("button", name="Bestill", exact=True).count() == 0
        person = page.url.rpartition("=")[2]
        page.goto(f"{house.site}/rights/order?new=true")
        unit = page.get_by_label("Enhet", exact=True).input_value()
        wanted = {"person": person, "unit": unit, "first_day": "2026-11-23", "role-head-of-records": "on", "code-13": "on"}
        sent = slipped_in(page, "/rights/order", {**wanted, "reason": "Trenger det", "step": "order"})
        assert sent[0] == 403
        assert "Ingen" in sent[1]
        assert "for seg selv" in sent[1]


def nobody_widens_a_role_alone(house: House) -> None:
    """(f) Anne proposes a wider cell; her own confirmation is refused, and the table stays as it was."""
    cell = "document:record.lower-screening:*:J:-:archivist"
    with house.as_("Anne Berg") as page:
        page.goto(f"{house.site}/roles?role=archivist&table=document")
        page.get_by_label("Rute").select_option(cell)
        page.get_by_label("Rekkevidde").fill("*")
        page.get_by_label("Begrunnelse").fill("Vi er for få")
        go(page, page.get_by_role("button", name="Foreslå"))
        page.goto(f"{house.site}/rights/inbox")
        waits = page.get_by_role("article").filter(has_text=cell)
        assert "Ditt eget forslag: en annen må bekrefte det" in waits.inner_text()
        assert waits.get_by_role("button", name="Bekreft").count() == 0
        change = waits.locator("form").get_attribute("action")
        assert change is not None
        status, said = slipped_in(page, change, {"answer": "confirm"})
        assert status == 403
        assert "Den som har bestilt eller foreslått, kan ikke selv kontrollere" in said
        page.goto(f"{house.site}/roles?role=archivist&table=document")
        assert page.locator(f"td span[title='{cell} = 2 *']").count() == 1
        page.goto(f"{house.site}/rights/inbox")
        go(page, waits.get_by_role("button", name="Trekk tilbake"))
        settled(page)
        assert waits.count() == 0


def the_identity_system_orders(house: House) -> None:
    """(g) One message is Kari's order; the other waits for her."""
    token = house.program("idm", "token").strip()
    wanted = {"unit": "Teknisk", "roles": ["caseworker"], "validFrom": "2026-12-01", "validTo": "2027-06-30"}
    signed = {**wanted, "orderedBy": "kari.aas", "orderNumber": "7781"}
    told = house.tell(token, {"schemas": [USER, ACCESS], "userName": "liv.sand", "displayName": "Liv Sand", ACCESS: signed})
    assert told.status_code == 201, told.text
    assert {role["type"] for role in told.json()["roles"]} == {"waits-for-control"}
    asked = house.tell(token, {"schemas": [USER, ACCESS], "userName": "jo.moe", "displayName": "Jo Moe", ACCESS: wanted})
    assert asked.status_code == 201, asked.text
    assert {role["type"] for role in asked.json()["roles"]} == {"waits-for-manager"}
    with house.as_("Anne Berg") as page:
        page.goto(f"{house.site}/rights/inbox")
        order = page.get_by_role("article", name="Liv Sand")
        assert "Kari Ås, 23.11.2026" in order.inner_text()
        assert "7781" in order.inner_text()
        assert page.get_by_role("article", name="Jo Moe").count() == 0
    controlled(house, "Anne Berg", "Liv Sand")
    with house.as_("Kari Ås", PHONE) as page:
        page.goto(f"{house.site}/rights/order")
        assert page.get_by_role("article", name="Jo Moe").count() == 1
        assert page.get_by_role("article", name="Liv Sand").count() == 0


def ida_moves(house: House) -> None:
    """(b) Lars ends what Ida has in Oppvekst, with the cases lost before him; Kari orders for her in Teknisk."""
    with house.as_("Ida Vik") as page:
        own = cases_of(page, house)
        assert own
    with house.as_("Lars Dahl") as page:
        page.goto(f"{house.site}/rights/order")
        go(page, page.get_by_role("link", name="Stopp rettighetene til Ida Vik"))
        stop_after(page, "2026-11-30", "Flytter til Teknisk")
        said = words(page)
        assert "mister saksbehandler i Oppvekst" in said
        page.get_by_text("Vis sakene som lukkes").click()
        lost = page.get_by_role("status").locator("a[href^='/cases/']").all_inner_texts()
        assert lost
        assert all(one.startswith("2026/") for one in lost)
        go(page, page.get_by_role("button", name="Stopp rettighetene"))
        hand_over(page, "Ida Vik")
    with house.as_("Kari Ås", PHONE) as page:
        page.goto(f"{house.site}/rights/order?q=Ida")
        go(page, page.locator("#main").get_by_role("link", name="Ida Vik"))
        page.get_by_label("Enhet", exact=True).select_option(label="Teknisk")
        page.get_by_label("Første dag").fill("2026-12-01")
        page.get_by_label("saksbehandler", exact=True).check()
        page.get_by_label("Begrunnelse").fill("Flytter fra Oppvekst")
        go(page, page.get_by_role("button", name="Vis hva som endres"))
        assert "får saksbehandler i Teknisk" in words(page)
        go(page, page.get_by_role("button", name="Bestill", exact=True))
        assert "/people/" in page.url
    controlled(house, "Anne Berg", "Ida Vik")


def per_leaves_while_the_leader_is_away(house: House) -> None:
    """(c) Kari stops Per; nobody approves; his open work is handed over."""
    with house.as_("Kari Ås", PHONE, scripts=False) as page:
        page.goto(f"{house.site}/rights/order")
        go(page, page.get_by_role("link", name="Stopp rettighetene til Per Nes"))
        kept = page.locator("ul.handover a[href^='/cases/']").first
        house.kept, house.case = kept.inner_text(), f"{house.site}{kept.get_attribute('href')}"
        stop_after(page, "2026-11-30", "Slutter")
        assert "mister saksbehandler i Teknisk" in words(page)
        go(page, page.get_by_role("button", name="Stopp rettighetene"))
        hand_over(page, "Per Nes", keeps=house.kept)
    for who in ("Tor Lie", "Lars Dahl"):
        with house.as_(who) as page:
            page.goto(f"{house.site}/rights/inbox")
            assert page.get_by_role("article", name="Per Nes").count() == 0, "nobody approves a stop"


def hand_over(page: Page, name: str, keeps: str = "") -> None:
    """All open work to the manager, as the page proposes it, but for one case. keeps: its number."""
    assert "/rights/handover" in page.url
    settled(page)
    assert page.get_by_role("heading", level=1).inner_text() == f"Hvem overtar etter {name}?"
    address, rows = page.url, page.locator("ul.handover > li").count()
    assert rows
    if keeps:
        page.get_by_label(f"{keeps} overtas av").select_option(label="blir værende")
    go(page, page.get_by_role("button", name="Overlat arbeidet"))
    done = rows - bool(keeps)
    assert f"Overlatt {done} av {done}" in page.get_by_role("status").first.inner_text()
    page.goto(address)
    settled(page)
    assert page.locator("ul.handover > li").count() == bool(keeps)


def the_manager_leaves(house: House) -> None:
    """(d) Lars stops Kari."""
    with house.as_("Lars Dahl") as page:
        page.goto(f"{house.site}/rights/order")
        go(page, page.get_by_role("link", name="Stopp rettighetene til Kari Ås"))
        stop_after(page, "2026-12-01", "Slutter")
        go(page, page.get_by_role("button", name="Stopp rettighetene"))


def midnight(house: House) -> None:
    """Per and Ida work until the last minute; at 00.00 his open page is worth nothing, and she has moved."""
    with house.as_("Per Nes") as page:
        case = house.case
        page.goto(f"{case}/entries/new")
        note(page, "Siste notat")
        assert "Siste notat" in words(page)
        page.goto(f"{case}/entries/new")
        house.until("2026-12-01T00:00")
        note(page, "For sent")
        assert "Siden finnes ikke" in words(page), "for who is out the case is none"
        page.goto(house.site)
        assert "Rettigheten din gjelder ikke nå" in words(page)
        page.get_by_label("Du er").select_option("ida.vik")
        go(page, page.get_by_role("button", name="Bytt"))
        page.goto(f"{house.site}/rights/me")
        assert "saksbehandler" in words(page)
        assert "Teknisk" in words(page)
        page.goto(case)
        assert "Siste notat" in words(page)
        assert "For sent" not in words(page)


def the_successor(house: House) -> None:
    """(d) Kari's people stay, without responsible manager; Lars is asked, and answers for the first of them."""
    with house.as_("Ole Ny", PHONE) as page:
        page.goto(f"{house.site}/rights/me")
        assert "uten ansvarlig leder" in words(page)
        page.goto(f"{house.site}/journal?q=naust")
        assert page.locator("main table a").count()
    with house.as_("Kari Ås") as page:
        assert "Rettigheten din gjelder ikke nå" in words(page)
    with house.as_("Lars Dahl", PHONE) as page:
        page.goto(f"{house.site}/rights/inbox")
        go(page, page.locator("#main").get_by_role("link", name="Se alle"))
        for name in ("Ole Ny", "Ida Vik", "Liv Sand"):
            asked = page.get_by_role("article", name=name)
            assert "Kari Ås er borte siden 02.12.2026" in asked.inner_text()
        assert page.get_by_role("article", name="Per Nes").count() == 0
        go(page, page.get_by_role("article", name="Ole Ny").get_by_role("button", name="Bekreft og ta ansvar"))
        settled(page)
        assert page.get_by_role("article", name="Ole Ny").count() == 0
        assert page.get_by_role("article", name="Ida Vik").count() == 1
    with house.as_("Ole Ny") as page:
        page.goto(f"{house.site}/rights/me")
        assert "uten ansvarlig leder" not in words(page)
        assert words(page).endswith("Leder Teknisk Lars Dahl")


def the_leaver_on_the_first(house: House) -> None:
    """The command line says what Per may do on 1 December, and why nothing."""
    told = house.program("rights", "Per Nes", "--on", "2026-12-01")
    assert re.search(r"^  no rights$", told, re.MULTILINE)
    (ended,) = re.findall(r"^  ended: (.*)$", told, re.MULTILINE)
    assert re.match(r"caseworker in Teknisk, \S+ to 2026-11-30: ordered by Kari Ås at position \d+", ended)
    assert re.search(r"; by Kari Ås, position \d+$", ended), "the order that ended it is named"


def stop_after(page: Page, last_day: str, reason: str) -> None:
    """Fill in a stop and look at what it changes."""
    page.get_by_label("Siste dag med tilgang").fill(last_day)
    page.get_by_label("Begrunnelse").fill(reason)
    go(page, page.get_by_role("button", name="Vis hva som endres"))


def note(page: Page, title: str) -> None:
    """Register an internal note from the form that stands open."""
    page.locator("[name=entry_type]").select_option("X")
    page.locator("[name=status]").select_option("R")
    page.locator("main [name=title]").fill(title)
    go(page, page.get_by_role("button", name="Registrer"))


def cases_of(page: Page, house: House) -> list[str]:
    """The addresses of the cases in the reader's list."""
    page.goto(f"{house.site}/cases")
    found = page.locator("main table a[href^='/cases/']").evaluate_all("some => some.map(one => one.href)")
    return list(dict.fromkeys(found))


def slipped_in(page: Page, path: str, fields: dict[str, str]) -> tuple[int, str]:
    """Send what the page does not offer, with the page's own token: status, and what is said."""
    token = page.locator("main input[name=token]").first.input_value()
    answer = page.request.post(f"{page.url.partition('/rights')[0]}{path}", form={"token": token, **fields}, max_redirects=0)
    return answer.status, " ".join(re.sub(r"<[^>]+>", " ", answer.text()).split())


def order_for(page: Page, name: str, user_name: str, kind: str, role: str) -> None:
    """Fill in the order for somebody new."""
    go(page, page.get_by_role("link", name="Rettigheter"))
    go(page, page.get_by_role("link", name="Bestill", exact=True))
    go(page, page.get_by_role("link", name="Bestill for en ny person"))
    page.get_by_label("Fullt navn").fill(name)
    page.get_by_label("Brukernavn").fill(user_name)
    page.get_by_label("Tilknytning").select_option(kind)
    page.get_by_label(role, exact=True).check()
    page.get_by_label("Begrunnelse").fill("Vikar ut året")


def controlled(house: House, who: str, name: str) -> None:
    """Somebody controls the order for `name` in the inbox."""
    with house.as_(who) as page:
        page.goto(f"{house.site}/rights/inbox")
        go(page, page.get_by_role("article", name=name).get_by_role("button", name="Kontrollert, i orden"))
        settled(page)
        assert page.get_by_role("article", name=name).count() == 0
