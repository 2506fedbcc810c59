"""A message that the manager stands behind is the order; any other gives nothing and waits (practice R11)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.handlers import gate, organisation, rights
from domain.handlers import idm as messages
from domain.handlers.gate import Asked
from domain.ledger.identity import new_id
from domain.model.access import Allowed, Subject
from domain.model.errors import Refused
from domain.model.idm import RightsRequested
from domain.model.ordering import OrderRights
from domain.model.rights_change import CHANGE, START, STOP, RightsOrdered
from tests.scim.speaking import Idm, held, order, records


def last(idm_: Idm, one: str, kind: type) -> Any:
    return [recorded.fact for recorded in idm_.facts(one) if isinstance(recorded.fact, kind)][-1]


def searches(idm_: Idm, one: str) -> bool:
    """Whether the person may search the journal, as the gate has it."""
    asked = Asked("journal.search", idm_.house.ledger.clock.now(), subject=Subject("administration"))
    return isinstance(gate.decide(idm_.house.ledger, gate.Actor(one), asked), Allowed)


def test_a_message_with_manager_and_number_is_the_managers_order(idm: Idm) -> None:
    one = idm.create("ola.by", displayName="Ola By", title="saksbehandler", **order(idm.house))["id"]
    made, asked = last(idm, one, RightsOrdered), last(idm, one, RightsRequested)
    assert (made.change, made.source, made.number, made.roles) == (START, "idm", "7781", ("caseworker",))
    assert (made.orderer, made.body.title) == (str(idm.house.people["kari.aas"]), "saksbehandler")
    assert (asked.order, asked.why) == (made.order, None)
    recorded = next(fact for fact in idm.facts(one) if fact.fact == made)
    assert recorded.envelope.actor == str(idm.house.people["service:idm"])
    managers = [fact.position for fact in idm.facts(str(idm.house.people["kari.aas"])) if fact.topic == "rights.ordered.v1"]
    assert {str(position) for position in managers} <= set(recorded.envelope.rests_on or ()), (
        "it rests on the manager's own right"
    )


def test_it_still_waits_for_control_where_it_widens(idm: Idm) -> None:
    one = idm.create("ola.by", **order(idm.house))["id"]
    assert held(idm.read(one)) == [("caseworker", "waits-for-control")]
    assert not searches(idm, one)
    idm.control(one)
    assert held(idm.read(one)) == [("caseworker", "in-force")]
    assert searches(idm, one)


def test_a_narrowing_needs_no_control(idm: Idm) -> None:
    one = idm.create("ola.by", **order(idm.house, clearances="13, P"))["id"]
    idm.control(one)
    idm.set(one, **order(idm.house, "7782", clearances="13"))
    made = last(idm, one, RightsOrdered)
    assert (made.change, made.widens, made.codes) == (CHANGE, False, ("13",))
    (role,) = idm.read(one)["roles"]
    assert role["type"] == "in-force"
    assert "13" in role["display"]
    assert ", P" not in role["display"]


def test_what_is_ordered_replaces_what_was_ordered_through_the_idm_and_nothing_else(idm: Idm) -> None:
    one = idm.create("ola.by", **order(idm.house))["id"]
    idm.control(one)
    by_page = OrderRights(new_id(), START, idm.house.units["Teknisk"], idm.house.today, None, "Stedfortreder", roles=("checker",))
    idm.house.act("kari.aas", lambda work: rights.order(work, rights.Order(UUID(one), by_page)))
    idm.control(one)
    idm.set(one, **order(idm.house, "7782", roles=["unit-manager"]))
    idm.control(one)
    assert held(idm.read(one)) == [("checker", "in-force"), ("unit-manager", "in-force")]


def test_no_roles_with_the_managers_name_ends_what_the_idm_ordered(idm: Idm) -> None:
    one = idm.create("ola.by", **order(idm.house))["id"]
    idm.control(one)
    yesterday = (idm.house.today - timedelta(days=1)).isoformat()
    idm.set(one, **order(idm.house, "7782", roles=None, validFrom=None, validTo=yesterday))
    assert last(idm, one, RightsOrdered).change == STOP
    assert held(idm.read(one)) == []


WAITING: list[tuple[str, dict[str, Any]]] = [
    ("idm.orderer_missing", {"orderedBy": None, "orderNumber": None}),
    ("idm.orderer_missing", {"orderNumber": None}),
    ("idm.orderer_missing", {"orderedBy": None}),
    ("idm.orderer_unknown", {"orderedBy": "nobody.here"}),
    ("idm.orderer_unknown", {"orderedBy": "6f9619ff-8b86-4d01-b42d-00cf4fc964ff"}),
    ("idm.not_manager", {"orderedBy": "siv.moe"}),
    ("idm.not_manager", {"orderedBy": "anne.berg"}),
    ("idm.not_manager", {"orderedBy": "lars.dahl"}),  # hers is another manager: the nearest one's
    ("idm.not_manager", {"orderedBy": "service:idm"}),
    ("idm.not_manager", {"unit": "Oppvekst"}),
    ("idm.unit_unknown", {"unit": "Havnevesen"}),
    ("idm.unit_unknown", {"unit": None}),
    ("idm.group_unknown", {"accessGroups": "losen"}),
    ("idm.day_unreadable", {"validTo": "31.12.2026"}),
    ("idm.days_reversed", {"validTo": "2020-01-01"}),
    ("idm.day_unreadable", {"validTo": "0001-01-01T00:00:00+14:00"}),
]


@pytest.mark.parametrize(("why", "change"), WAITING)
def test_any_other_message_gives_nothing_and_waits(idm: Idm, why: str, change: dict[str, Any]) -> None:
    one = idm.create("ola.by", **order(idm.house, **change))["id"]
    asked = last(idm, one, RightsRequested)
    assert (asked.why, asked.order) == (why, None)
    assert "rights.ordered.v1" not in idm.topics(one)
    assert held(idm.read(one)) == [("caseworker", "waits-for-manager")]
    assert not searches(idm, one)


def test_somebody_without_a_manager_of_their_own_needs_a_last_day(idm: Idm) -> None:
    one = idm.create("temp.one", userType="Temporary", **order(idm.house, validTo=None))["id"]
    assert last(idm, one, RightsRequested).why == "idm.end_date_missing"
    two = idm.create("temp.two", userType="Temporary", **order(idm.house, "7782"))["id"]
    assert last(idm, two, RightsRequested).why is None


@pytest.mark.parametrize(
    ("said", "day"),
    [
        ("2099-12-31", date(2099, 12, 31)),
        ("2099-12-31T22:59:59Z", date(2099, 12, 31)),
        ("2099-12-31T23:00:00Z", date(2100, 1, 1)),  # a local day begins at local midnight
        ("2099-12-31T23:59:59", date(2099, 12, 31)),
        ("9999-12-31", None),
        ("9999-12-31T00:00:00Z", None),
        (None, None),
    ],
)
def test_a_last_day_is_a_local_day(idm: Idm, said: str | None, day: date | None) -> None:
    one = idm.create("ola.by", **order(idm.house, validTo=said))["id"]
    assert last(idm, one, RightsOrdered).last_day == day


def test_a_manager_orders_nothing_for_herself(idm: Idm) -> None:
    kari = str(idm.house.people["kari.aas"])
    before = idm.topics(kari).count("rights.ordered.v1")
    idm.set(kari, **order(idm.house))
    assert last(idm, kari, RightsRequested).why == "idm.not_manager"
    assert idm.topics(kari).count("rights.ordered.v1") == before


def test_a_manager_whose_own_rights_were_stopped_orders_nothing(idm: Idm) -> None:
    idm.patch(str(idm.house.people["kari.aas"]), {"op": "replace", "path": "active", "value": False})
    one = idm.create("ola.by", **order(idm.house))["id"]
    assert last(idm, one, RightsRequested).why == "idm.orderer_no_right"


def test_a_closed_unit_takes_nobody(idm: Idm) -> None:
    change = organisation.ChangeUnit(idm.house.units["Teknisk"], last_day=idm.house.today - timedelta(days=1))
    idm.house.act("anne.berg", lambda work: organisation.change_unit(work, change))
    one = idm.create("ola.by", **order(idm.house))["id"]
    assert last(idm, one, RightsRequested).why == "idm.unit_closed"


def test_the_department_is_the_unit_where_none_is_named(idm: Idm) -> None:
    one = idm.create("ola.by", department="Teknisk", **order(idm.house, unit=None))["id"]
    assert last(idm, one, RightsOrdered).unit == idm.house.units["Teknisk"]


def test_the_same_number_with_the_same_content_does_nothing(idm: Idm) -> None:
    one = idm.create("ola.by", **order(idm.house, clearances=["13", "P"]))["id"]
    before = idm.facts(one)
    idm.set(one, **order(idm.house, clearances=["P", "13"]))
    whole = idm.read(one)
    assert idm.ask("PUT", f"/Users/{one}", whole).status_code == 200
    idm.set(one, **order(idm.house, "7782", roles=["archivist"]))
    idm.set(one, **order(idm.house, clearances=["13", "P"]))
    assert [fact.topic for fact in idm.facts(one)[len(before) :]] == ["rights.requested.v1", "rights.ordered.v1"]


def test_the_same_number_with_other_content_is_a_conflict(idm: Idm) -> None:
    one = idm.create("ola.by", **order(idm.house))["id"]
    before = idm.facts(one)
    problem = idm.set(one, 409, **order(idm.house, roles=["archivist"]))
    assert (problem["scimType"], problem["status"]) == ("uniqueness", "409")
    assert "7781" in problem["detail"]
    whole = {**idm.read(one)}
    whole.update(said_roles(whole, "archivist"))
    assert idm.ask("PUT", f"/Users/{one}", whole).status_code == 409
    idm.create("kai.by", 409, **order(idm.house))
    assert idm.facts(one) == before


def said_roles(whole: Any, roles: str) -> dict[str, Any]:
    (schema,) = [name for name in whole if name.endswith("records-access:2.0:User")]
    return {schema: {**whole[schema], "roles": roles}}


def test_a_number_that_only_waited_may_be_sent_again(idm: Idm) -> None:
    one = idm.create("ola.by", **order(idm.house, orderedBy="siv.moe"))["id"]
    idm.set(one, **order(idm.house, roles=["archivist"]))
    assert last(idm, one, RightsOrdered).roles == ("archivist",)


def test_a_patch_is_no_order_by_what_an_earlier_message_carried(idm: Idm) -> None:
    one = idm.create("ola.by", **order(idm.house))["id"]
    idm.control(one)
    shown = idm.set(one, roles=["archivist"])
    assert held(shown) == [("caseworker", "in-force"), ("archivist", "waits-for-manager")]
    assert "orderNumber" not in records(shown)


def test_a_manager_may_stand_behind_a_request_later(idm: Idm) -> None:
    one = idm.create("ola.by", **order(idm.house, orderedBy=None, orderNumber=None))["id"]
    idm.set(one, orderedBy=str(idm.house.people["kari.aas"]), orderNumber="7790")
    assert last(idm, one, RightsOrdered).number == "7790"


def test_a_patch_of_something_else_leaves_the_order_as_it_is(idm: Idm) -> None:
    one = idm.create("ola.by", **order(idm.house))["id"]
    shown = idm.patch(one, {"op": "replace", "path": "displayName", "value": "Ola Nord By"})
    assert records(shown)["orderNumber"] == "7781"
    assert idm.topics(one).count("rights.requested.v1") == 1


def request(idm_: Idm, one: str) -> UUID:
    asked: RightsRequested = last(idm_, one, RightsRequested)
    return asked.request


def test_the_manager_takes_a_waiting_request_up(idm: Idm) -> None:
    one = idm.create("ola.by", **order(idm.house, orderedBy=None))["id"]
    wanted = OrderRights(new_id(), START, idm.house.units["Teknisk"], idm.house.today, None, "Tilsetting", roles=("caseworker",))
    command = take_up(one, request(idm, one), wanted)
    with pytest.raises(Refused, match="access"):
        idm.house.act("siv.moe", command)
    idm.house.act("kari.aas", command)
    idm.control(one)
    made = last(idm, one, RightsOrdered)
    assert (made.orderer, made.source, made.number) == (str(idm.house.people["kari.aas"]), "idm", "7781")
    assert held(idm.read(one)) == [("caseworker", "in-force")]
    with pytest.raises(Refused, match=r"idm\.request_not_waiting"):
        idm.house.act("kari.aas", command)


def take_up(one: str, asked: UUID, wanted: OrderRights) -> Any:
    return lambda work: messages.take_up(work, messages.TakeUp(UUID(one), asked, wanted))


def test_the_manager_turns_a_waiting_request_down(idm: Idm) -> None:
    one = idm.create("ola.by", **order(idm.house, orderedBy=None))["id"]
    asked = request(idm, one)
    with pytest.raises(Refused, match="access"):
        idm.house.act("per.nes", turn_down(one, asked, "nei"))
    with pytest.raises(Refused, match="reason_missing"):
        idm.house.act("kari.aas", turn_down(one, asked, " "))
    idm.house.act("kari.aas", turn_down(one, asked, "Begynner ikke likevel"))
    assert held(idm.read(one)) == []
    assert records(idm.ask("GET", f"/Users/{one}?attributes={STATE}").json())["state"] == "turned-down"


STATE = "urn:dagbok:params:scim:schemas:extension:records-access:2.0:User:state"


def turn_down(one: str, asked: UUID, reason: str) -> Any:
    return lambda work: messages.turn_down(work, messages.TurnDown(UUID(one), asked, reason))
