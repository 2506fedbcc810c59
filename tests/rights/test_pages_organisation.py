"""Units, managers, cells, codes and groups through the forms: what two people do takes two people."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from domain.handlers import standing
from domain.model.organisation import Organisation
from tests.rights.town import Town, refused

CELL = "case:case-file.read:*:B:-:caseworker"


def state(town: Town) -> Organisation:
    return standing.of(town.web.tenant.ledger).organisation().state


def test_a_unit_is_set_up_renamed_moved_and_closed(town: Town) -> None:
    units = town.house.units
    sent = town.send("anne.berg", "/organisation", "/organisation/units", name="Plan", code="PLAN", parent=str(units["Teknisk"]))
    assert sent.status_code == 303, refused(sent)
    made = next(one for one in state(town).units.values() if one.name == "Plan")
    assert made.parent == units["Teknisk"]
    path = f"/organisation/units/{made.id}"
    assert town.send("anne.berg", path, path, name="Plan og bygg", parent=str(units["Oppvekst"])).status_code == 303
    moved = state(town).units[made.id]
    assert (moved.name, moved.parent) == ("Plan og bygg", units["Oppvekst"])
    assert town.send("anne.berg", path, path, last_day=town.today.isoformat()).status_code == 303
    assert "lukket etter" in town.text("per.nes", path)
    taken = town.send("anne.berg", "/organisation", "/organisation/units", name="Teknisk")
    assert taken.status_code == 422
    assert path not in town.page("per.nes", path).xpath("//form/@action")
    assert town.forged("per.nes", path, name="x").status_code == 403


def propose(town: Town, who: str = "anne.berg") -> UUID:
    unit = town.house.units["Oppvekst"]
    form = f"/organisation/units/{unit}/managers"
    day = (town.today + timedelta(days=5)).isoformat()
    sent = town.send(who, f"/organisation/units/{unit}", form, manager=str(town.person("ida.vik")), first_day=day)
    assert sent.status_code == 303, refused(sent)
    return next(iter(state(town).waiting))


def test_a_manager_is_proposed_by_one_and_confirmed_by_another(town: Town) -> None:
    change = propose(town)
    own = town.page("anne.berg", "/rights/inbox")
    assert own.xpath(f"//form[@action='/rights/changes/{change}']//button/@value") == ["withdraw"]
    assert town.forged("anne.berg", f"/rights/changes/{change}", answer="confirm").status_code == 403
    assert "Ida Vik blir leder for Oppvekst" in town.text("tor.lie", "/rights/inbox")
    assert town.send("tor.lie", "/rights/inbox", f"/rights/changes/{change}", answer="confirm").status_code == 303
    assert state(town).waiting == {}
    assert "Ida Vik" in town.text("per.nes", f"/organisation/units/{town.house.units['Oppvekst']}")
    again = town.forged("tor.lie", f"/rights/changes/{change}", answer="confirm")
    assert again.status_code in (409, 422)


def test_a_proposal_is_taken_back(town: Town) -> None:
    change = propose(town)
    assert town.forged("per.nes", f"/rights/changes/{change}", answer="withdraw").status_code == 403
    assert town.send("anne.berg", "/rights/inbox", f"/rights/changes/{change}", answer="withdraw").status_code == 303
    assert state(town).waiting == {}


def test_a_manager_proposes_in_the_own_unit_only(town: Town) -> None:
    form = f"/organisation/units/{town.house.units['Oppvekst']}/managers"
    assert town.forged("kari.aas", form, manager=str(town.person("per.nes")), first_day="2036-04-01").status_code == 403
    own = f"/organisation/units/{town.house.units['Teknisk']}"
    sent = town.send("kari.aas", own, f"{own}/managers", manager=str(town.person("per.nes")), first_day="2036-04-01")
    assert sent.status_code == 303


def test_a_cell_is_changed_by_two_people_from_its_day(town: Town) -> None:
    day = town.today + timedelta(days=3)
    page = "/roles?role=caseworker&table=case"
    fields = {"cell": CELL, "scope": "*", "first_day": day.isoformat(), "reason": "Åpnere"}
    assert town.send("anne.berg", page, "/roles/cells", **{**fields, "scope": "q"}).status_code == 422
    assert town.send("anne.berg", page, "/roles/cells", **fields).status_code == 303
    (change,) = state(town).waiting
    assert town.forged("anne.berg", f"/rights/changes/{change}", answer="confirm").status_code == 403
    assert CELL in town.text("tor.lie", "/rights/inbox")
    assert town.send("tor.lie", "/rights/inbox", f"/rights/changes/{change}", answer="confirm").status_code == 303
    assert "endret her" not in town.text("per.nes", page)
    assert "endret her" in town.text("per.nes", f"{page}&on={day.isoformat()}")
    assert town.forged("kari.aas", "/roles/cells", **fields).status_code == 403


def test_codes_and_groups_are_set_by_the_archive_leader(town: Town) -> None:
    sent = town.send("anne.berg", "/roles", "/roles/codes", code="5", basis="Offl. § 5", first_day=town.today.isoformat())
    assert sent.status_code == 303, refused(sent)
    assert "Offl. § 5" in town.text("per.nes", "/roles")
    assert town.send("anne.berg", "/roles", "/roles/groups", group="skole", name="Skole").status_code == 303
    assert "Skole" in town.text("per.nes", "/roles")
    assert town.forged("per.nes", "/roles/groups", group="x", name="x").status_code == 403
    assert town.forged("siv.moe", "/roles/codes", code="6", basis="x", first_day="2036-01-01").status_code == 403
