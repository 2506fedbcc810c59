"""Whoever the IDM calls inactive is out at once, whoever ordered what: nobody is asked, it cannot be refused (practice R1)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest

from domain.handlers import gate, rights
from domain.handlers.gate import Asked
from domain.ledger.identity import new_id
from domain.model.access import Allowed, Subject
from domain.model.ordering import OrderRights
from domain.model.rights_change import START, STOP, RightsOrdered
from tests.scim.speaking import ENTERPRISE_SCHEMA, RECORDS_SCHEMA, USER_SCHEMA, Idm, held, order

SHAPES: list[dict[str, Any]] = [
    {"op": "replace", "path": "active", "value": False},
    {"op": "Replace", "path": "active", "value": "False"},
    {"op": "replace", "value": {"active": False}},
    {"op": "Add", "path": "active", "value": "false"},
    {"op": "replace", "path": f"{USER_SCHEMA}:active", "value": False},
]


def by_page(idm: Idm, one: str, unit: str, manager: str, *roles: str) -> None:
    """An order that no IDM has anything to do with."""
    wanted = OrderRights(new_id(), START, idm.house.units[unit], idm.house.today, None, "Stilling", roles=roles)
    idm.house.act(manager, lambda work: rights.order(work, rights.Order(UUID(one), wanted)))


def stops(idm: Idm, one: str) -> list[RightsOrdered]:
    return [fact.fact for fact in idm.facts(one) if isinstance(fact.fact, RightsOrdered) and fact.fact.change == STOP]


def searches(idm: Idm, one: str) -> bool:
    asked = Asked("journal.search", idm.house.ledger.clock.now(), subject=Subject("administration"))
    return isinstance(gate.decide(idm.house.ledger, gate.Actor(one), asked), Allowed)


@pytest.mark.parametrize("shape", SHAPES)
def test_three_rights_in_two_units_end_at_once(idm: Idm, shape: dict[str, Any]) -> None:
    one = idm.create("ola.by", **order(idm.house))["id"]
    idm.control(one)
    by_page(idm, one, "Arkiv", "anne.berg", "archivist")
    idm.control(one, "tor.lie")
    by_page(idm, one, "Teknisk", "kari.aas", "checker")  # still waits for control
    assert searches(idm, one)
    shown = idm.patch(one, shape)
    assert (shown["active"], held(shown)) == (False, [])
    (stop,) = stops(idm, one)
    assert (len(stop.replaces), stop.source, stop.orderer) == (3, "idm", str(idm.house.people["service:idm"]))
    assert not searches(idm, one)


def test_an_order_that_waited_gives_nothing_though_it_is_controlled_after_the_stop(idm: Idm) -> None:
    one = idm.create("ola.by", **order(idm.house))["id"]
    waiting = next(fact.fact.order for fact in idm.facts(one) if fact.topic == "rights.ordered.v1")
    idm.patch(one, SHAPES[0])
    answer = rights.Answer(rights.Answer.CONTROL, UUID(one), waiting)
    idm.house.act("anne.berg", lambda work: rights.answer(work, answer))
    assert held(idm.read(one)) == []
    assert not searches(idm, one)


def test_a_replacement_says_it_too(idm: Idm) -> None:
    whole = idm.create("ola.by", **order(idm.house))
    answer = idm.ask("PUT", f"/Users/{whole['id']}", {**whole, "active": False})
    assert (answer.status_code, answer.json()["active"]) == (200, False)
    assert len(stops(idm, whole["id"])) == 1


def test_the_head_of_records_is_no_exception(idm: Idm) -> None:
    anne = str(idm.house.people["anne.berg"])
    assert searches(idm, anne)
    idm.patch(anne, SHAPES[0])
    assert not searches(idm, anne)


def test_said_twice_it_stops_once_and_after_a_new_order_again(idm: Idm) -> None:
    one = idm.create("ola.by", **order(idm.house))["id"]
    idm.patch(one, SHAPES[0])
    idm.patch(one, SHAPES[0])
    assert len(stops(idm, one)) == 1
    by_page(idm, one, "Teknisk", "kari.aas", "caseworker")
    idm.control(one)
    assert idm.read(one)["active"] is True, "shown is what holds"
    idm.patch(one, {"op": "replace", "path": "displayName", "value": "Ola"})
    assert searches(idm, one), "another message does not repeat the stop"
    idm.patch(one, SHAPES[0])
    assert len(stops(idm, one)) == 2
    assert not searches(idm, one)


def test_whoever_comes_back_gets_nothing_until_a_manager_orders(idm: Idm) -> None:
    one = idm.create("ola.by", **order(idm.house))["id"]
    idm.control(one)
    idm.patch(one, SHAPES[0])
    shown = idm.patch(one, {"op": "Replace", "path": "active", "value": "True"})
    assert (shown["active"], held(shown)) == (True, [("caseworker", "waits-for-manager")])
    assert not searches(idm, one)


def test_what_is_asked_for_somebody_inactive_waits_for_nobody(idm: Idm) -> None:
    one = idm.create("ola.by", active=False, **order(idm.house))
    assert (one["active"], held(one)) == (False, [])
    assert "rights.ordered.v1" not in idm.topics(one["id"])


def test_a_deleted_person_stays_and_the_user_name_is_never_given_again(idm: Idm) -> None:
    one = idm.create("ola.by", externalId="hr-1", displayName="Ola By", **order(idm.house))["id"]
    idm.control(one)
    idm.patch(one, SHAPES[0])
    assert idm.ask("DELETE", f"/Users/{one}").status_code == 204
    for method in ("GET", "DELETE", "PUT"):
        assert idm.ask(method, f"/Users/{one}", idm.create(f"x.{method}") if method == "PUT" else None).status_code == 404
    for condition in ('userName eq "ola.by"', 'externalId eq "hr-1"', 'displayName eq "Ola By"'):
        assert idm.ask("GET", f"/Users?filter={condition}").json()["totalResults"] == 0
    idm.create("Ola.By", 409)
    other = idm.create("ola.nord")["id"]
    idm.patch(other, {"op": "replace", "path": "userName", "value": "ola.by"}, expected=409)
    assert idm.facts(one)[0].fact.body.name == "Ola By"


def test_a_delete_alone_stops_everything(idm: Idm) -> None:
    one = idm.create("ola.by", **order(idm.house))["id"]
    idm.control(one)
    assert idm.ask("DELETE", f"/Users/{one}").status_code == 204
    assert len(stops(idm, one)) == 1
    assert not searches(idm, one)


def test_a_stop_gets_through_whoever_else_changes_the_person(idm: Idm) -> None:
    one = idm.create("ola.by", **order(idm.house))["id"]
    idm.control(one)

    def told(n: int) -> Any:
        shape = SHAPES[0] if n == 7 else {"op": "replace", "path": "title", "value": f"tittel {n}"}
        return idm.patch(one, shape)

    with ThreadPoolExecutor(4) as pool:
        assert len(list(pool.map(told, range(12)))) == 12
    assert idm.read(one)["active"] is False
    assert len(stops(idm, one)) == 1


def test_schemas_are_the_published_ones() -> None:
    assert {USER_SCHEMA, ENTERPRISE_SCHEMA} == {
        "urn:ietf:params:scim:schemas:core:2.0:User",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
    }
    assert RECORDS_SCHEMA == "urn:dagbok:params:scim:schemas:extension:records-access:2.0:User"
