"""What other cells open and close, who is told of it, and how the pages show what an order would turn."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from lxml import html

from domain.handlers import tables
from domain.model.matrix import written
from tests.rights.population import Population
from tests.rights.previewing import READ, Asking, counted
from tests.rights.town import Town, refused, words

NOBODY = "00000000-0000-4000-8000-000000000000"
CHANGES = 12
SCOPES = ("*", "e o h n */public", "E", "-", "o h", "*/uncoded", "n", "2 *", "ask *")


@pytest.fixture
def asking(town: Town) -> Asking:
    """The town with some records, which stay as they are."""
    population = Population(town.house, 7)
    for _ in range(12):
        population.case()
    population.live(20)
    town.web.caught_up()
    town.later(minutes=1)
    return Asking(town, population, random.Random(3))


def proposal(asking: Asking) -> dict[str, Any]:
    """Other cells of reading, or one that is about something else, from today or from a later day."""
    places = [one for one in tables.delivered().cells if one.action in READ.values() and one.role in ("caseworker", "auditor")]
    places += [one for one in tables.delivered().cells if one.action == "registry-entry.list" and one.role == "caseworker"][:6]
    chosen = asking.chance.sample(places, asking.chance.randrange(1, 5))
    cells = [{"cell": ":".join(one), "scope": asking.chance.choice(SCOPES)} for one in chosen]
    first_day = asking.town.today + timedelta(asking.chance.choice((0, 3)))
    return {"cells": cells, "first_day": first_day.isoformat(), "reason": "Tilfeldig"}


def test_other_cells_are_previewed_for_everybody_whom_they_reach(asking: Asking) -> None:
    turned = 0
    people = asking.population.house.people.values()
    for _ in range(CHANGES):
        body = proposal(asking)
        told, named = asking.pages("anne.berg", "POST", "/organisation/cells/preview", body)
        day = asking.town.today.fromisoformat(body["first_day"])
        before = {person: asking.reads(person, day) for person in people}
        made = asking.call("anne.berg", "POST", "/organisation/cells", body)
        change = made.json()["id"]
        assert asking.pages("tor.lie", "GET", f"/organisation/changes/{change}/preview") == (told, named)
        confirmed = asking.call("tor.lie", "POST", f"/organisation/changes/{change}/confirmation", {})
        assert confirmed.status_code == 201, confirmed.text
        after = {person: asking.reads(person, day) for person in people}
        gained = set().union(*(after[one] - before[one] for one in people))
        lost = set().union(*(before[one] - after[one] for one in people))
        assert (named[0]["gained"], named[0]["lost"]) == (gained, lost), body
        assert told["people"] == sum(before[one] != after[one] for one in people)
        totals = {key: one[0] for key, one in counted(told).items()}
        real = {"gained": gained, "lost": lost}
        assert totals == {(way, kind): sum(of == kind for of, _ in real[way]) for way in real for kind in READ}
        turned += bool(gained or lost)
    assert turned >= CHANGES // 3


ORDER = {"unit": "{teknisk}", "first_day": "2036-04-01", "roles": ["checker"], "reason": "x"}
REFUSED = [
    ("per.nes", "POST", "/rights/orders/preview", {"unit": NOBODY, "first_day": "2036-04-01", "person": NOBODY}),
    ("lars.dahl", "POST", "/rights/orders/preview", {**ORDER, "person": "{per}"}),
    ("lars.dahl", "POST", "/people/{per}/stops/preview", {"unit": "{teknisk}"}),
    ("per.nes", "POST", "/people/{per}/stops/preview", {"unit": "{teknisk}"}),
    ("kari.aas", "GET", "/people/{per}/orders/{order}/preview", None),
    ("siv.moe", "POST", "/organisation/cells/preview", {"cells": [{"cell": "x", "scope": "*"}], "first_day": "2036-04-01"}),
    ("kari.aas", "GET", f"/organisation/changes/{NOBODY}/preview", None),
]  # fmt: skip


def test_whoever_may_not_decide_is_told_nothing(town: Town) -> None:
    ids = {"teknisk": town.house.units["Teknisk"], "per": town.person("per.nes"), "order": town.house.orders["per.nes"]}
    for who, method, path, body in REFUSED:
        town.play(who)
        sent = {name: str(value).format(**ids) if isinstance(value, str) else value for name, value in (body or {}).items()}
        answer = town.web.client.request(method, f"/api/v1{path.format(**ids)}", json=sent or None)
        assert (answer.status_code, answer.headers["content-type"]) == (403, "application/problem+json"), (who, path, answer.text)
    town.play("anne.berg")
    assert town.web.get(f"/people/{ids['per']}/orders/{ids['order']}/preview").status_code == 404  # it waits no more
    assert town.web.get(f"/organisation/changes/{NOBODY}/preview").status_code == 404
    cells = {"cells": [{"cell": "case:none", "scope": "*"}], "first_day": "2036-04-01"}
    assert town.web.post("/organisation/cells/preview", cells).json()["code"] == "matrix.cell"


def secret_case(town: Town, title: str, **more: Any) -> UUID:
    body = {"title": title, "administrative_unit": {"name": "Teknisk"}, "status": "B", **more}
    town.play("siv.moe")
    made = UUID(town.web.created(town.web.post("/cases", body)))
    town.web.caught_up()
    return made


def test_the_order_form_names_what_opens_and_a_title_only_to_who_reads_it(town: Town) -> None:
    secret_case(town, "Naust i strandsonen")
    coded = secret_case(town, "Klage på tilsyn", screening={"access_restriction": "P"})
    fields = {"name": "Ole Ny", "user_name": "ole.ny", "kind": "employee", "reason": "Ny", "step": "preview"}
    ticks = ("role-archivist", "code-P")
    shown = town.send("kari.aas", "/rights/order?new=true", "/rights/order", ticks, **fields)
    said = refused(shown)
    assert shown.status_code == 200
    assert "åpnes saker: 2, av disse med tilgangskode: 1" in said
    assert "Klage på tilsyn" not in said  # Kari has no clearance for it; it stands in her list by number and code
    assert f"/cases/{coded}" in shown.text
    assert "Naust i strandsonen" in said


def test_the_inbox_counts_and_its_page_lists(town: Town) -> None:
    secret_case(town, "Naust i strandsonen")
    fields = {"name": "Ole Ny", "user_name": "ole.ny", "kind": "employee", "reason": "Ny", "step": "order"}
    assert town.send("kari.aas", "/rights/order?new=true", "/rights/order", ("role-caseworker",), **fields).status_code == 303
    inbox = town.page("anne.berg", "/rights/inbox")
    assert "åpnes saker: 1" in words(inbox)
    (path,) = inbox.xpath("//a[contains(@href, '/rights/preview/orders/')]/@href")
    assert "Naust i strandsonen" in town.text("anne.berg", path)
    assert town.get("kari.aas", path).status_code == 403
    assert "/rights/preview/orders/" not in town.get("siv.moe", "/rights/inbox").text
    english = town.text("anne.berg", "/rights/inbox", **{"Accept-Language": "en"})
    assert "opened cases: 1" in english


def test_a_cell_is_previewed_before_it_is_proposed(town: Town) -> None:
    secret_case(town, "Naust i strandsonen")
    place = next(
        one
        for one in tables.delivered().cells
        if (one.action, one.from_status, one.role) == ("case-file.read", "B", "caseworker")
    )
    before = town.web.position()
    fields = {"cell": ":".join(place), "scope": "-", "reason": "Strengere", "step": "preview"}
    shown = town.send("anne.berg", "/roles?role=caseworker&table=case", "/roles/cells", **fields)
    assert shown.status_code == 200
    assert "lukkes saker: 1" in refused(shown)
    assert "Personer som leser noe annet enn før: " in refused(shown)
    assert town.web.position() == before
    assert written(tables.delivered().cells[place]) != "-"
    sent = town.send("anne.berg", "/roles?role=caseworker&table=case", "/roles/cells", **{**fields, "step": "propose"})
    assert sent.status_code == 303
    assert "lukkes saker: 1" in town.text("tor.lie", "/rights/inbox")
    (path,) = town.page("tor.lie", "/rights/inbox").xpath("//a[contains(@href, '/rights/preview/changes/')]/@href")
    assert "Naust i strandsonen" in town.text("tor.lie", path)


def test_a_long_list_goes_on(town: Town) -> None:
    population = Population(town.house, 3)
    for _ in range(20):
        population.case()
    town.web.caught_up()
    fields = {
        "name": "Ole Ny",
        "user_name": "ole.ny",
        "kind": "auditor",
        "reason": "Ny",
        "mandate": "Kontrollutvalget, sak 12/26",
    }
    ticks = ("role-auditor", "code-13", "code-P")
    last = (town.today + timedelta(9)).isoformat()
    pages = []
    for step in ("preview", "preview:1"):
        shown = town.send("anne.berg", "/rights/order?new=true", "/rights/order", ticks, step=step, last_day=last, **fields)
        pages.append(set(_links(shown.text)))
    assert pages[0]
    assert pages[1]
    assert not pages[0] & pages[1]


def _links(text: str) -> list[str]:
    found: list[str] = html.document_fromstring(text).xpath("//details//a[starts-with(@href, '/entries/')]/@href")
    return found


def test_a_stop_closes_what_urgent_access_had_opened(town: Town) -> None:
    """Urgent access opens one case whatever its code; a stop of the last right closes it with the rest."""
    population, per = Population(town.house, 7), town.person("per.nes")
    population.case()
    case = secret_case(town, "Klage", screening={"access_restriction": "P"})
    population.units.append(("case", case))
    asking = Asking(town, population, random.Random(1))
    assert ("case", case) not in asking.reads(per, town.today)
    body = {"case": asking.call("siv.moe", "GET", f"/cases/{case}").json()["number"], "reason": "Fare for liv"}
    wanted = asking.call("kari.aas", "POST", f"/people/{per}/urgent-access", body).json()["id"]
    answers = f"/people/{per}/urgent-access/{wanted}/answers"
    assert asking.call("anne.berg", "POST", answers, {"answer": "confirm"}).status_code == 201
    past = (town.today - timedelta(days=1)).isoformat()
    stop = {"unit": str(town.house.units["Teknisk"]), "last_day": past}
    told, named = asking.pages("anne.berg", "POST", f"/people/{per}/stops/preview", stop)
    before = asking.reads(per, town.today)
    assert asking.call("anne.berg", "POST", f"/people/{per}/stops", stop).status_code == 201
    lost = before - asking.reads(per, town.today)
    assert ("case", case) in lost
    assert named[0] == {"gained": set(), "lost": lost}
    assert sum(total for total, _, _ in counted(told["opened"][0]).values()) == len(lost)
