"""Microsoft Entra ID as it speaks SCIM: capitals, booleans as text, bare manager ids, filters in paths, unknown attributes."""

from __future__ import annotations

from typing import Any

from domain.model.user import UserNamed
from tests.scim.speaking import ENTERPRISE_SCHEMA, RECORDS_SCHEMA, USER_SCHEMA, Idm, held, order

NEW: dict[str, Any] = {
    "schemas": [USER_SCHEMA, ENTERPRISE_SCHEMA],
    "externalId": "0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef",
    "userName": "ola.by@fjordvik.kommune.no",
    "active": True,
    "addresses": [{"primary": False, "type": "work", "country": "Norge", "formatted": "Strandveien 4"}],
    "displayName": "Ola By",
    "emails": [{"primary": True, "type": "work", "value": "ola.by@fjordvik.kommune.no"}],
    "meta": {"resourceType": "User"},
    "name": {"formatted": "Ola Nord By", "familyName": "By", "givenName": "Ola"},
    "phoneNumbers": [{"primary": False, "type": "work", "value": "71 64 00 00"}],
    "preferredLanguage": "nb-NO",
    "title": "saksbehandler",
    ENTERPRISE_SCHEMA: {"department": "Teknisk", "employeeNumber": "4711"},
}


def made(idm: Idm) -> Any:
    answer = idm.ask("POST", "/Users", NEW)
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_a_user_comes_as_entra_sends_it(idm: Idm) -> None:
    shown = made(idm)
    assert shown["meta"]["location"] == f"http://testserver/scim/v2/Users/{shown['id']}"
    for name in ("externalId", "userName", "displayName", "emails", "name", "title", "active"):
        assert shown[name] == NEW[name], name
    assert shown[ENTERPRISE_SCHEMA] == {"department": "Teknisk"}
    assert not {"addresses", "phoneNumbers"} & shown.keys()
    user = idm.facts(shown["id"])[0].fact
    assert (user.kind, user.body.name, user.body.email) == ("employee", "Ola Nord By", "ola.by@fjordvik.kommune.no")
    assert held(shown) == []


def test_it_looks_first_and_finds_by_either_key(idm: Idm) -> None:
    for key in ("userName", "externalId"):
        found = idm.ask("GET", f'/Users?filter={key} eq "{NEW[key]}"').json()
        assert (found["totalResults"], found.get("Resources", [])) == (0, [])
    one = made(idm)["id"]
    for key in ("userName", "externalId"):
        (found,) = idm.ask("GET", f'/Users?filter={key} eq "{NEW[key]}"').json()["Resources"]
        assert found["id"] == one


def test_its_updates(idm: Idm) -> None:
    one = made(idm)["id"]
    kari = str(idm.house.people["kari.aas"])
    shown = idm.patch(
        one,
        {"op": "Add", "path": 'emails[type eq "work"].value', "value": "ola.nord@fjordvik.kommune.no"},
        {"op": "Replace", "path": "name.familyName", "value": "Nord"},
        {"op": "Replace", "path": "name.formatted", "value": "Ola Nord"},
        {"op": "Add", "path": f"{ENTERPRISE_SCHEMA}:manager", "value": kari},
        {"op": "Add", "path": f"{ENTERPRISE_SCHEMA}:employeeNumber", "value": "4712"},
        {"op": "Replace", "path": 'addresses[type eq "work"].country', "value": "Sverige"},
    )
    assert shown["emails"][0]["value"] == "ola.nord@fjordvik.kommune.no"
    assert shown["name"] == {"formatted": "Ola Nord", "familyName": "Nord", "givenName": "Ola"}
    assert shown[ENTERPRISE_SCHEMA] == {"department": "Teknisk", "manager": {"value": kari}}
    (named,) = [fact.fact for fact in idm.facts(one) if isinstance(fact.fact, UserNamed)]
    assert (named.body.name, named.body.email) == ("Ola Nord", "ola.nord@fjordvik.kommune.no")
    assert "rights.requested.v1" not in idm.topics(one), "who the IDM calls manager orders nothing by that"


def test_a_manager_that_the_idm_names_orders_nothing(idm: Idm) -> None:
    """Who orders for whom is changed by two people here, never by a message (practice R10)."""
    one = made(idm)["id"]
    siv = str(idm.house.people["siv.moe"])
    idm.patch(one, {"op": "Add", "path": f"{ENTERPRISE_SCHEMA}:manager", "value": siv})
    shown = idm.set(one, **order(idm.house, orderedBy=siv))
    assert held(shown) == [("caseworker", "waits-for-manager")]


def test_its_whole_extension_is_an_order(idm: Idm) -> None:
    one = made(idm)["id"]
    values = order(idm.house, roles="caseworker")
    operations = [{"op": "Add", "path": f"{RECORDS_SCHEMA}:{name}", "value": value} for name, value in values.items()]
    assert held(idm.patch(one, *operations)) == [("caseworker", "waits-for-control")]


def test_a_leaver_is_disabled_first_and_deleted_later(idm: Idm) -> None:
    one = made(idm)["id"]
    idm.set(one, **order(idm.house))
    idm.control(one)
    disabled = idm.patch(one, {"op": "Replace", "path": "active", "value": "False"})
    assert (disabled["active"], held(disabled)) == (False, [])
    back = idm.patch(one, {"op": "Replace", "path": "active", "value": "True"})
    assert (back["active"], held(back)) == (True, [("caseworker", "waits-for-manager")])
    idm.patch(one, {"op": "Replace", "path": "active", "value": "False"})
    assert idm.ask("DELETE", f"/Users/{one}").status_code == 204
    assert idm.ask("POST", "/Users", NEW).status_code == 409


def test_somebody_who_was_hired_on_a_page_is_found_and_taken_over(idm: Idm) -> None:
    (found,) = idm.ask("GET", '/Users?filter=userName eq "per.nes"').json()["Resources"]
    assert (found["name"]["formatted"], found["active"]) == ("Per Nes", True)
    assert held(found) == [("caseworker", "in-force")]
    shown = idm.patch(found["id"], {"op": "Add", "path": "externalId", "value": "hr-9"})
    assert (shown["externalId"], shown["name"]["formatted"], held(shown)) == ("hr-9", "Per Nes", [("caseworker", "in-force")])
    assert "rights.requested.v1" not in idm.topics(found["id"])
