"""Rights over REST: the same commands under the same gate, repeated without harm, listed and read as the pages show them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.handlers import standing
from tests.fixtures_web import API
from tests.rights.town import Town

NOBODY = "00000000-0000-4000-8000-000000000000"


def post(town: Town, who: str, path: str, body: Any, **headers: str) -> Any:
    town.play(who)
    return town.web.post(path, body, **headers)


def get(town: Town, who: str, path: str, **params: Any) -> Any:
    town.play(who)
    return town.web.get(path, **params)


def new_order(town: Town, **fields: Any) -> dict[str, Any]:
    newcomer = {"name": "Ole Ny", "user_name": "ole.ny", "kind": "temporary"}
    days = {"first_day": town.today.isoformat(), "last_day": (town.today + timedelta(days=30)).isoformat()}
    unit = str(town.house.units["Teknisk"])
    return {"newcomer": newcomer, "unit": unit, "roles": ["caseworker"], "reason": "Vikar", **days, **fields}


def person_of(answer: Any) -> str:
    assert answer.status_code == 201, answer.text
    return str(answer.headers["location"].split("/")[-2])


def test_an_order_goes_all_the_way(town: Town) -> None:
    ordered = post(town, "kari.aas", "/rights/orders", new_order(town))
    person, order = person_of(ordered), ordered.json()["id"]
    assert get(town, "kari.aas", f"/people/{person}/rights").json()["rights"] == []
    (waits,) = get(town, "anne.berg", "/rights/orders").json()["orders"]
    assert (waits["id"], waits["person"], waits["roles"]) == (order, person, ["caseworker"])
    answers = f"/people/{person}/orders/{order}/answers"
    assert post(town, "kari.aas", answers, {"answer": "control"}).status_code == 403
    assert post(town, "anne.berg", answers, {"answer": "control"}).status_code == 201
    shown = get(town, "anne.berg", f"/people/{person}/rights").json()["rights"][0]
    assert (shown["role"], shown["order"]["by"]) == ("caseworker", str(town.person("kari.aas")))
    assert shown["decided"]["by"] == str(town.person("anne.berg"))
    (due,) = (one for one in get(town, "nina.sol", "/rights/orders", stage="to-execute").json()["orders"] if one["id"] == order)
    assert due["executed"] is False
    assert post(town, "nina.sol", answers, {"answer": "execute"}).status_code == 201
    assert order not in [one["id"] for one in get(town, "nina.sol", "/rights/orders", stage="to-execute").json()["orders"]]
    stopped = post(town, "kari.aas", f"/people/{person}/stops", {"unit": str(town.house.units["Teknisk"])})
    assert stopped.status_code == 201, stopped.text
    after = (town.today + timedelta(days=1)).isoformat()
    gone = get(town, "anne.berg", f"/people/{person}/rights", on=after).json()
    assert (gone["rights"], len(gone["ended"])) == ([], 1)


def test_a_repeated_key_orders_once_and_another_body_is_refused(town: Town) -> None:
    first = post(town, "kari.aas", "/rights/orders", new_order(town), Idempotency_Key="k-1")
    again = post(town, "kari.aas", "/rights/orders", new_order(town), Idempotency_Key="k-1")
    assert (first.json(), first.headers["location"]) == (again.json(), again.headers["location"])
    other = post(town, "kari.aas", "/rights/orders", new_order(town, roles=["archivist"]), Idempotency_Key="k-1")
    assert other.status_code == 422
    assert other.json()["code"] == "idempotency.other"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"last_day": None}, "rights.end_date_missing"),
        ({"roles": []}, "rights.role_missing"),
        ({"roles": ["king"]}, "rights.role_unknown"),
        ({"groups": ["nowhere"]}, "rights.group_unknown"),
        ({"reason": " "}, "rights.reason_missing"),
        ({"person": NOBODY}, "rights.person_missing"),
        ({"newcomer": None}, "rights.person_missing"),
        ({"newcomer": {"name": "X", "user_name": "per.nes"}}, "user.name_taken"),
        ({"newcomer": {"name": "X", "user_name": "x", "kind": "king"}}, "user.kind"),
        ({"first_day": "2036-13-01"}, "date.malformed"),
        ({"unknown": 1}, "request.unknown_field"),
    ],
)
def test_an_order_that_is_not_whole_is_refused(town: Town, fields: dict[str, Any], code: str) -> None:
    before = town.web.position()
    answer = post(town, "kari.aas", "/rights/orders", new_order(town, **fields))
    assert (answer.status_code // 100, answer.json()["code"]) == (4, code)
    assert town.web.position() == before


def test_nobody_does_a_step_that_is_not_his(town: Town) -> None:
    teknisk, per, kari = str(town.house.units["Teknisk"]), town.person("per.nes"), town.person("kari.aas")
    tries = [
        ("kari.aas", "/rights/orders", new_order(town, newcomer=None, person=str(kari))),
        ("kari.aas", "/rights/orders", new_order(town, unit=str(town.house.units["Oppvekst"]))),
        ("per.nes", "/rights/orders", new_order(town)),
        ("siv.moe", f"/people/{per}/stops", {"unit": teknisk}),
        ("per.nes", f"/people/{per}/reviews", {"unit": teknisk}),
        ("kari.aas", f"/people/{kari}/reviews", {"unit": teknisk}),
        ("nina.sol", "/rights/orders", new_order(town)),
    ]
    before = town.web.position()
    assert [post(town, *one).status_code for one in tries] == [403] * len(tries)
    assert town.web.position() == before


def test_who_reads_whose_rights(town: Town) -> None:
    per = town.person("per.nes")
    readers = [who for who in town.house.people if ":" not in who and get(town, who, f"/people/{per}/rights").status_code == 200]
    assert sorted(readers) == ["anne.berg", "eli.rev", "kari.aas", "nina.sol", "per.nes", "tor.lie"]
    assert [one["user_name"] for one in get(town, "kari.aas", "/people").json()["people"]] == ["kari.aas", "per.nes"]
    assert get(town, "anne.berg", f"/people/{NOBODY}/rights").status_code == 404
    assert get(town, "per.nes", "/people").status_code == 403


def test_the_organisation_is_read_and_changed_by_two(town: Town) -> None:
    read = get(town, "per.nes", "/organisation").json()
    assert {"Teknisk", "Oppvekst"} <= {one["name"] for one in read["units"]}
    made = post(town, "anne.berg", "/organisation/units", {"name": "Plan", "parent": str(town.house.units["Teknisk"])})
    unit = town.web.created(made)
    town.play("anne.berg")
    assert town.web.patch(f"/organisation/units/{unit}", {"name": "Plan og bygg"}, None).status_code == 200
    proposed = post(
        town,
        "anne.berg",
        "/organisation/managers",
        {"unit": unit, "manager": str(town.person("per.nes")), "first_day": "2036-04-01"},
    )
    change = town.web.created(proposed)
    (waits,) = get(town, "per.nes", "/organisation").json()["waiting"]
    assert waits["change"] == change
    confirm = f"/organisation/changes/{change}/confirmation"
    assert post(town, "anne.berg", confirm, {}).status_code == 403
    assert post(town, "per.nes", confirm, {}).status_code == 403
    assert post(town, "tor.lie", confirm, {}).status_code == 201
    state = standing.of(town.web.tenant.ledger).organisation().state
    assert (state.units[UUID(unit)].name, state.managers[-1].manager) == ("Plan og bygg", str(town.person("per.nes")))


def test_a_cell_is_read_proposed_and_taken_back(town: Town) -> None:
    cells = get(town, "per.nes", "/organisation/cells", role="caseworker").json()["cells"]
    assert cells
    assert all(one["cell"].endswith(":caseworker") for one in cells)
    assert get(town, "per.nes", "/organisation/cells", role="king").status_code == 422
    body = {"cells": [{"cell": cells[0]["cell"], "scope": "*"}], "first_day": town.today.isoformat(), "reason": "Åpnere"}
    change = town.web.created(post(town, "anne.berg", "/organisation/cells", body))
    town.play("per.nes")
    assert town.web.client.delete(f"{API}/organisation/changes/{change}").status_code == 403
    town.play("anne.berg")
    assert town.web.client.delete(f"{API}/organisation/changes/{change}").status_code == 200
    assert get(town, "per.nes", "/organisation").json()["waiting"] == []
    assert post(town, "per.nes", "/organisation/cells", body).status_code == 403


def test_codes_and_groups(town: Town) -> None:
    assert post(town, "anne.berg", "/organisation/groups", {"group": "skole", "name": "Skole"}).status_code == 201
    code = {"code": "5", "basis": "Offl. § 5", "first_day": town.today.isoformat()}
    assert post(town, "anne.berg", "/organisation/codes", code).status_code == 201
    assert post(town, "per.nes", "/organisation/codes", code).status_code == 403
    read = get(town, "per.nes", "/organisation").json()
    assert "skole" in [one["group"] for one in read["groups"]]
    assert "Offl. § 5" in [one["basis"] for one in read["codes"]]


def test_access_to_a_case_is_asked_for_and_given(town: Town) -> None:
    cell = {"cell": "case:case-file.list:*:B:-:caseworker", "scope": "*"}
    body = {"cells": [cell], "first_day": town.today.isoformat(), "reason": "Åpnere lister"}
    change = town.web.created(post(town, "anne.berg", "/organisation/cells", body))
    assert post(town, "tor.lie", f"/organisation/changes/{change}/confirmation", {}).status_code == 201
    owner = {"name": "Lars Dahl", "identifier": str(town.person("lars.dahl"))}
    made = {"title": "Naust", "responsible": owner, "screening": {"access_restriction": "13"}}
    case = town.web.created(post(town, "siv.moe", "/cases", made))
    assert get(town, "ida.vik", f"/cases/{case}").status_code == 403
    asked = town.web.created(post(town, "ida.vik", f"/records/{case}/access-requests", {"reason": "Trenger den"}))
    answers = f"/cases/{case}/access-requests/{asked}/answers"
    assert post(town, "ida.vik", answers, {"days": 5}).status_code == 403
    assert post(town, "lars.dahl", answers, {"days": 91}).json()["code"] == "grant.too_long"
    assert post(town, "lars.dahl", answers, {"days": 5}).status_code == 201
    assert get(town, "ida.vik", f"/cases/{case}").status_code == 200
    assert post(town, "lars.dahl", answers, {"days": 5}).json()["code"] == "grant.not_waiting"
    assert post(town, "ida.vik", f"/records/{NOBODY}/access-requests", {"reason": "x"}).status_code == 404
