"""An order travels the whole way through the forms, and nobody does any step of it for himself."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.handlers import idm, standing
from domain.ledger.identity import new_id
from domain.model.idm import IdmDescribedBody, Wanted
from domain.model.rights_change import Order
from domain.model.user import EMPLOYEE, NamesBody
from tests.rights.town import Town, refused, words


def orders(town: Town, person: UUID) -> list[Order]:
    return list(standing.of(town.web.tenant.ledger).person(str(person)).file.orders.orders.values())


def hire(town: Town, **fields: str) -> UUID:
    """Kari orders for somebody new; the person's id."""
    given = {"name": "Ole Ny", "user_name": "ole.ny", "kind": "temporary", "reason": "Vikar", "title": "vikar", **fields}
    given.setdefault("last_day", (town.today + timedelta(days=30)).isoformat())
    sent = town.send("kari.aas", "/rights/order?new=true", "/rights/order", ("role-caseworker",), step="order", **given)
    assert sent.status_code == 303, refused(sent)
    return UUID(sent.headers["location"].rpartition("/")[2])


def answer(town: Town, who: str, person: UUID, said: str, page: str = "/rights/inbox", reason: str = "") -> Any:
    order = orders(town, person)[-1].fact.order
    return town.send(who, page, f"/rights/answers/{person}/{order}", answer=said, reason=reason)


def test_an_order_goes_all_the_way(town: Town) -> None:
    person = hire(town)
    assert "venter på kontroll" in town.text("kari.aas", f"/people/{person}")
    inbox = town.text("anne.berg", "/rights/inbox")
    assert "Ole Ny" in inbox
    assert "får saksbehandler i Teknisk" in inbox
    assert answer(town, "anne.berg", person, "control").status_code == 303
    assert "Ole Ny" not in town.text("anne.berg", "/rights/inbox")
    shown = town.page("anne.berg", f"/people/{person}")
    assert "Bestilt av" in words(shown)
    links = shown.xpath("//td[@data-label='Kontrollert av']/a/@href")
    assert links
    assert all(link.startswith("/log?receipt=") for link in links)
    assert "Ole Ny" in town.text("nina.sol", "/rights/execution")
    assert answer(town, "nina.sol", person, "execute", "/rights/execution").status_code == 303
    assert "Ole Ny" not in town.text("nina.sol", "/rights/execution")
    stop = town.send("kari.aas", f"/rights/stop?person={person}", "/rights/stop", step="stop")
    assert stop.status_code == 303, refused(stop)
    assert "til og med" in town.text("kari.aas", f"/people/{person}")
    tomorrow = (town.today + timedelta(days=1)).isoformat()
    assert "Ingen rettigheter denne dagen" in town.text("kari.aas", f"/people/{person}?on={tomorrow}")
    assert "stopp" in town.text("nina.sol", "/rights/execution")


def test_a_preview_records_nothing(town: Town) -> None:
    before = town.web.position()
    fields = {"name": "Ole Ny", "user_name": "ole.ny", "kind": "employee", "reason": "Ny", "step": "preview"}
    shown = town.send("kari.aas", "/rights/order?new=true", "/rights/order", ("role-caseworker", "code-13"), **fields)
    assert shown.status_code == 200
    said = refused(shown)
    assert "får saksbehandler i Teknisk, inntil videre" in said
    assert "klarering for 13" in said
    assert 'value="ole.ny"' in shown.text
    assert town.web.position() == before


def test_a_change_shows_what_is_lost_and_takes_its_place(town: Town) -> None:
    per = town.person("per.nes")
    old = orders(town, per)[-1].fact.order
    path = f"/rights/order?person={per}&replaces={old}"
    form = town.page("kari.aas", path)
    assert form.xpath("//input[@name='role-caseworker']/@checked")
    assert form.xpath(f"//input[@name='replaces-{old}']/@checked")
    first_day = (town.today + timedelta(days=10)).isoformat()
    ticks = ("role-caseworker", "code-13", f"replaces-{old}")
    fields = {"first_day": first_day, "reason": "Ny oppgave"}
    shown = town.send("kari.aas", path, "/rights/order", ticks, step="preview", **fields)
    assert "får klarering for 13" in refused(shown)
    assert "mister" not in refused(shown)
    assert town.send("kari.aas", path, "/rights/order", ticks, step="order", **fields).status_code == 303
    assert answer(town, "anne.berg", per, "control").status_code == 303
    was, now = orders(town, per)[-2:]
    assert was.last_day == now.fact.first_day - timedelta(days=1)


@pytest.mark.parametrize("said", ["return", "object"])
def test_a_returned_or_opposed_order_needs_a_reason(town: Town, said: str) -> None:
    person = hire(town)
    without = answer(town, "anne.berg", person, said)
    assert without.status_code == 422
    assert "grunn" in refused(without)
    assert answer(town, "anne.berg", person, said, reason="Feil enhet").status_code == 303
    assert orders(town, person)[-1].stage == {"return": "returned", "object": "objected"}[said]
    assert "Feil enhet" in town.text("kari.aas", "/rights/order")


@pytest.mark.parametrize(("said", "stage"), [("stands", "decided"), ("falls", "fallen")])
def test_the_superior_settles_an_objection(town: Town, said: str, stage: str) -> None:
    person = hire(town)
    answer(town, "anne.berg", person, "object", reason="For vid")
    assert "Innsigelser som du avgjør" not in town.text("kari.aas", "/rights/inbox")
    assert "For vid" in town.text("lars.dahl", "/rights/inbox")
    assert answer(town, "lars.dahl", person, said).status_code == 303
    assert orders(town, person)[-1].stage == stage


def test_a_stop_in_the_past_is_said_to_be_late_and_works_at_once(town: Town) -> None:
    per = town.person("per.nes")
    yesterday = (town.today - timedelta(days=3)).isoformat()
    path = f"/rights/stop?person={per}"
    shown = town.send("kari.aas", path, "/rights/stop", step="preview", last_day=yesterday)
    assert "meldt for sent" in refused(shown)
    assert "mister saksbehandler i Teknisk" in refused(shown)
    assert town.get("per.nes", "/rights/me").status_code == 200
    assert town.send("kari.aas", path, "/rights/stop", step="stop", last_day=yesterday).status_code == 303
    assert town.get("per.nes", "/rights/me").status_code == 403


def test_a_stop_shows_what_is_left_open(town: Town) -> None:
    per = town.person("per.nes")
    case = {"title": "Naust i strandsonen", "responsible": {"name": "Per Nes", "identifier": str(per)}, "status": "B"}
    case["administrative_unit"] = {"name": "Teknisk"}  # type: ignore[assignment]
    town.play("siv.moe")
    assert town.web.post("/cases", case).status_code == 201
    town.web.caught_up()
    shown = town.text("kari.aas", f"/rights/stop?person={per}")
    assert "Saker med saksansvar: 1" in shown
    assert "Naust i strandsonen" in shown
    assert town.get("kari.aas", f"/rights/stop?person={town.person('ida.vik')}").status_code == 403
    assert "Saker med saksansvar: 0" in town.text("lars.dahl", f"/rights/stop?person={town.person('ida.vik')}")
    assert "Naust i strandsonen" not in town.text("nina.sol", f"/rights/stop?person={per}")  # reads no content


def test_nobody_orders_for_himself(town: Town) -> None:
    kari = str(town.person("kari.aas"))
    said = town.text("kari.aas", f"/rights/order?person={kari}")
    assert "for seg selv. Lederen din bestiller, og en annen kontrollerer. Lederen din i Teknisk er Lars Dahl." in said
    unit = str(town.house.units["Teknisk"])
    fields = {"person": kari, "unit": unit, "first_day": town.today.isoformat(), "reason": "x", "role-archivist": "on"}
    assert town.forged("kari.aas", "/rights/order", **fields).status_code == 403
    assert len(orders(town, town.person("kari.aas"))) == 1


def test_nobody_controls_or_carries_out_for_himself(town: Town) -> None:
    anne, nina = town.person("anne.berg"), town.person("nina.sol")
    for who, unit in ((anne, "Arkiv"), (nina, "Kommunedirektøren")):
        path = f"/rights/order?person={who}"
        sent = town.send("lars.dahl", path, "/rights/order", ("role-checker",), unit=str(town.house.units[unit]), reason="x")
        assert sent.status_code == 303, refused(sent)
    order = orders(town, anne)[-1].fact.order
    assert f"/rights/answers/{anne}/{order}" not in town.page("anne.berg", "/rights/inbox").xpath("//form/@action")
    assert town.forged("anne.berg", f"/rights/answers/{anne}/{order}", answer="control").status_code == 403
    assert answer(town, "tor.lie", anne, "control").status_code == 303
    order = orders(town, nina)[-1].fact.order
    assert answer(town, "anne.berg", nina, "control").status_code == 303
    assert town.forged("nina.sol", f"/rights/answers/{nina}/{order}", answer="execute").status_code in (403, 422)
    assert not orders(town, nina)[-1].executed


def test_another_unit_s_manager_cannot_order_or_stop(town: Town) -> None:
    ida = str(town.person("ida.vik"))
    unit = str(town.house.units["Oppvekst"])
    fields = {"person": ida, "unit": unit, "first_day": town.today.isoformat(), "reason": "x", "role-caseworker": "on"}
    assert town.forged("kari.aas", "/rights/order", **fields).status_code == 403
    assert town.forged("kari.aas", "/rights/stop", person=ida, unit=unit, last_day=town.today.isoformat()).status_code == 403


def asked_by_idm(town: Town) -> UUID:
    """The identity system asks for somebody in Teknisk and names no manager; the person's id."""
    person = new_id()
    wanted = Wanted("Teknisk", ("caseworker",), ("13",), (), town.today.isoformat(), None)
    names = NamesBody("Ole Ny", "ole.ny")
    message = idm.Take(person, names, IdmDescribedBody(), True, wanted, None, "7782", EMPLOYEE)
    town.house.act("service:import", lambda work: idm.take(work, message))
    town.web.caught_up()
    return person


def test_what_the_identity_system_asks_for_waits_for_the_manager(town: Town) -> None:
    person = asked_by_idm(town)
    assert "7782" not in town.text("lars.dahl", "/rights/order")
    page = town.page("kari.aas", "/rights/order")
    assert "bestilling nr. 7782" in words(page)
    (path,) = page.xpath("//a[contains(@href, 'asked=')]/@href")
    sent = town.send("kari.aas", path, "/rights/order", ("role-caseworker",), step="order", reason="Som bestilt")
    assert sent.status_code == 303, refused(sent)
    (order,) = orders(town, person)
    assert (order.fact.source, order.fact.number, order.fact.orderer) == ("idm", "7782", str(town.person("kari.aas")))
    assert "7782" not in town.text("kari.aas", "/rights/order").partition("Dine siste")[0]


def test_the_manager_says_no_to_the_identity_system(town: Town) -> None:
    person = asked_by_idm(town)
    form = town.page("kari.aas", "/rights/order").xpath("//form[contains(@action, '/rights/requests/')]/@action")[0]
    assert town.forged("lars.dahl", form, reason="Nei").status_code == 403
    assert town.send("kari.aas", "/rights/order", form).status_code == 422
    assert town.send("kari.aas", "/rights/order", form, reason="Ikke hos oss").status_code == 303
    assert orders(town, person) == []
    assert "7782" not in town.text("kari.aas", "/rights/order")


def test_sent_twice_it_is_ordered_once(town: Town) -> None:
    page = town.page("kari.aas", "/rights/order?new=true")
    once, token = (page.xpath(f"//main//input[@name='{name}']/@value")[0] for name in ("once", "token"))
    fields = {"token": token, "once": once, "name": "Ole Ny", "user_name": "ole.ny", "kind": "employee", "reason": "x"}
    fields |= {"unit": str(town.house.units["Teknisk"]), "first_day": town.today.isoformat(), "role-caseworker": "on"}
    first, second = (town.web.client.post("/rights/order", data=fields, follow_redirects=False) for _ in range(2))
    assert first.headers["location"] == second.headers["location"]
    assert len(orders(town, UUID(first.headers["location"].rpartition("/")[2]))) == 1
