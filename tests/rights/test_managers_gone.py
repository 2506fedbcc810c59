"""Managers who are gone: rights stay, wait or stop until a successor confirms; positions, transfers (practice R9, R12)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from api import succession
from domain.handlers import organisation, rights, standing, taking_over
from domain.handlers.organisation import Confirm, ProposeManager
from domain.handlers.people import Newcomer
from domain.handlers.rights import Answer
from domain.handlers.taking_over import TakeOver
from domain.handlers.work import Context, Work, run
from domain.ledger.clock import LOCAL
from domain.ledger.identity import new_id
from domain.model.access import Moment
from domain.model.errors import Refused
from domain.model.ordering import OrderRights
from domain.model.rights_change import CHANGE, START
from domain.model.user import EMPLOYEE
from projections.audit import judge
from tests.rights.town import Town, refused

KARI, LARS, PER = "kari.aas", "lars.dahl", "per.nes"
Handle = Callable[[Work], Any]


def act(town: Town, who: str, handle: Handle) -> Any:
    town.clock.move_to(town.clock.now() + timedelta(milliseconds=1))
    return run(town.web.tenant.ledger, Context(town.house.actor(who)), (), handle).result


def code_of(town: Town, who: str, handle: Handle) -> str:
    with pytest.raises(Refused) as problem:
        act(town, who, handle)
    return str(problem.value.code)


def order(town: Town, who: str, person: UUID, name: str | None = None, control: str = "anne.berg", **fields: Any) -> OrderRights:
    """Somebody is ordered for and controlled; a newcomer where a name is given."""
    given: dict[str, Any] = {
        "order": new_id(),
        "change": START,
        "unit": town.house.units["Teknisk"],
        "first_day": town.today,
        "last_day": None,
        "reason": "Tilsetting",
        "roles": ("caseworker",),
        **fields,
    }
    wanted = OrderRights(**given)
    newcomer = Newcomer(EMPLOYEE, name, name.lower().replace(" ", ".")) if name else None
    act(town, who, lambda work: rights.order(work, rights.Order(person, wanted, newcomer)))
    act(town, control, lambda work: rights.answer(work, Answer(Answer.CONTROL, person, wanted.order)))
    return wanted


def leaves(town: Town, last_day: date, who: str = KARI) -> None:
    """The chief executive stops all rights of a manager after a day."""
    unit = town.house.units["Teknisk"]
    wanted = OrderRights(new_id(), "stop", unit, town.today, last_day, "Slutter")
    act(town, LARS, lambda work: rights.stop(work, rights.Stop(town.person(who), wanted)))


def works(town: Town, person: UUID) -> bool:
    now = town.clock.now()
    moment = Moment(now, now.astimezone(LOCAL).date())
    found = standing.of(town.web.tenant.ledger).person(str(person)).person
    return any(right.in_force(moment) for right in found.rights)


def named(town: Town, manager: str, unit: str = "Teknisk", person: str | None = None, confirms: str = "tor.lie") -> None:
    of = str(town.person(person)) if person is not None else None
    wanted = ProposeManager(new_id(), town.house.units[unit], str(town.person(manager)), town.today, of)
    act(town, LARS, lambda work: organisation.propose_manager(work, wanted))
    act(town, confirms, lambda work: organisation.confirm(work, Confirm(wanted.change)))


def takes(town: Town, person: UUID, unit: str = "Teknisk") -> Handle:
    return lambda work: taking_over.take_over(work, TakeOver(person, town.house.units[unit]))


def at(town: Town, day: date, hour: int = 9) -> None:
    town.clock.move_to(datetime(day.year, day.month, day.day, hour, tzinfo=LOCAL))


def audited(town: Town) -> list[Any]:
    ledger = town.web.tenant.ledger
    known = standing.of(ledger)
    return list(judge(ledger.reader.whole_log(), known.place, lambda name: standing.user_name_digest(ledger, name)))


def test_past_orders_stay_valid_and_show_that_their_manager_is_gone(town: Town) -> None:
    per, last = town.person(PER), town.today
    leaves(town, last)
    assert "uten ansvarlig leder" not in town.text("anne.berg", f"/people/{per}")
    at(town, last + timedelta(days=1))
    assert works(town, per)
    for page in (f"/people/{per}", "/rights/inbox", "/rights/without-manager"):
        assert "uten ansvarlig leder" in town.text("anne.berg", page).lower(), page
    told = town.get("anne.berg", f"/api/v1/people/{per}/rights").json()["rights"]
    assert [one["without_manager"]["since"] for one in told] == [(last + timedelta(days=1)).isoformat()]
    assert "uten ansvarlig leder" in town.text(LARS, "/rights/inbox").lower()
    assert works(town, per)


def test_after_thirty_days_it_is_a_red_line_and_never_a_lapse(town: Town) -> None:
    per, last = town.person(PER), town.today
    leaves(town, last)
    at(town, last + timedelta(days=31))
    (row,) = (one for one in _without(town) if one["person"] == str(per))
    assert not row["gone"]["overdue"]
    at(town, last + timedelta(days=32))
    (row,) = (one for one in _without(town) if one["person"] == str(per))
    assert row["gone"]["overdue"]
    assert "Skulle vært bekreftet innen 30 dager" in town.text(LARS, "/rights/without-manager")
    at(town, last + timedelta(days=400))
    assert works(town, per)


def _without(town: Town, who: str = LARS) -> list[Any]:
    answer = town.get(who, "/api/v1/rights/without-manager")
    assert answer.status_code == 200, answer.text
    return list(answer.json()["rights"])


def test_the_superior_takes_over_where_nobody_is_named(town: Town) -> None:
    per, last = town.person(PER), town.today
    assert code_of(town, LARS, takes(town, per)).startswith("access.")
    leaves(town, last)
    at(town, last + timedelta(days=1))
    assert code_of(town, "siv.moe", takes(town, per)).startswith("access.")
    act(town, LARS, takes(town, per))
    assert not [one for one in _without(town) if one["person"] == str(per)]
    assert code_of(town, LARS, takes(town, per)) == "rights.nothing_to_take_over"
    assert audited(town) == []


def test_a_successor_who_is_named_confirms_on_the_page(town: Town) -> None:
    per, last = town.person(PER), town.today
    ola = new_id()
    leaves(town, last)
    at(town, last + timedelta(days=1))
    order(town, LARS, ola, "Ola Berg", roles=("unit-manager",))  # the superior orders where the unit's manager is gone
    town.house.people["ola.berg"] = ola
    named(town, "ola.berg")
    assert code_of(town, LARS, takes(town, per)).startswith("access.")
    assert "uten ansvarlig leder" in _as(town, ola, "/rights/without-manager").lower()
    town.web.caught_up()
    page = "/rights/without-manager"
    sent = town.send(str(ola), page, f"{page}/{per}")
    assert sent.status_code == 303, refused(sent)
    taken = standing.of(town.web.tenant.ledger).person(str(per)).file.orders.orders.values()
    assert {one.responsible for one in taken} == {str(ola)}
    assert audited(town) == []


def _as(town: Town, person: UUID, path: str) -> str:
    return town.text(str(person), path)


def test_a_right_that_has_not_begun_waits_for_a_manager(town: Town) -> None:
    eva, last = new_id(), town.today
    first = last + timedelta(days=10)
    order(town, KARI, eva, "Eva Ny", first_day=first)
    leaves(town, last + timedelta(days=4))
    at(town, first)
    assert not works(town, eva)
    told = town.get("anne.berg", f"/api/v1/people/{eva}/rights").json()
    assert (told["rights"], [one["role"] for one in told["waiting"]]) == ([], ["caseworker"])
    assert "Venter på en leder" in town.text("anne.berg", f"/people/{eva}")
    (row,) = (one for one in _without(town) if one["person"] == str(eva))
    assert row["gone"]["waits"]
    act(town, LARS, takes(town, eva))
    assert works(town, eva)
    assert town.get("anne.berg", f"/api/v1/people/{eva}/rights").json()["waiting"] == []
    assert audited(town) == []


def test_one_that_is_confirmed_before_it_begins_begins_on_its_day(town: Town) -> None:
    eva, last = new_id(), town.today
    first = last + timedelta(days=10)
    order(town, KARI, eva, "Eva Ny", first_day=first)
    leaves(town, last + timedelta(days=4))
    at(town, last + timedelta(days=6))
    act(town, LARS, takes(town, eva))
    assert not works(town, eva)
    town.clock.move_to(datetime(first.year, first.month, first.day, tzinfo=LOCAL) - timedelta(seconds=1))
    assert not works(town, eva)
    town.clock.move_to(datetime(first.year, first.month, first.day, tzinfo=LOCAL))
    assert works(town, eva)


def test_one_that_has_begun_is_not_taken_back(town: Town) -> None:
    """The manager's last day is the right's first: it has begun while the manager was there."""
    eva, first = new_id(), town.today + timedelta(days=5)
    order(town, KARI, eva, "Eva Ny", first_day=first)
    leaves(town, first)
    for day in (first, first + timedelta(days=1), first + timedelta(days=60)):
        at(town, day)
        assert works(town, eva), day


def test_an_order_that_is_controlled_after_its_manager_left_waits(town: Town) -> None:
    eva, last = new_id(), town.today
    wanted = OrderRights(new_id(), START, town.house.units["Teknisk"], last, None, "Ny", roles=("caseworker",))
    newcomer = Newcomer(EMPLOYEE, "Eva Ny", "eva.ny")
    act(town, KARI, lambda work: rights.order(work, rights.Order(eva, wanted, newcomer)))
    leaves(town, last)
    at(town, last + timedelta(days=1))
    act(town, "anne.berg", lambda work: rights.answer(work, Answer(Answer.CONTROL, eva, wanted.order)))
    assert not works(town, eva)
    act(town, LARS, takes(town, eva))
    assert works(town, eva)


def test_a_stop_runs_without_any_manager(town: Town) -> None:
    per, last = town.person(PER), town.today
    stop = OrderRights(new_id(), "stop", town.house.units["Teknisk"], last, last + timedelta(days=8), "Slutter")
    act(town, KARI, lambda work: rights.stop(work, rights.Stop(per, stop)))
    leaves(town, last)
    at(town, last + timedelta(days=8))
    assert works(town, per)
    at(town, last + timedelta(days=9), hour=0)
    assert not works(town, per)


def test_a_manager_whose_right_is_renewed_is_not_gone(town: Town) -> None:
    kari, per = town.person(KARI), town.person(PER)
    old = next(iter(standing.of(town.web.tenant.ledger).person(str(kari)).file.orders.orders))
    first = town.today + timedelta(days=3)
    roles = ("unit-manager", "caseworker")
    order(town, LARS, kari, change=CHANGE, replaces=(old,), first_day=first, roles=roles, codes=("13",))
    at(town, first + timedelta(days=1))
    assert not [one for one in _without(town) if one["person"] == str(per)]


def test_a_manager_who_moves_to_another_unit_is_gone_for_the_old_one(town: Town) -> None:
    kari, per = town.person(KARI), town.person(PER)
    old = next(iter(standing.of(town.web.tenant.ledger).person(str(kari)).file.orders.orders))
    first = town.today + timedelta(days=3)
    unit = town.house.units["Oppvekst"]
    order(town, LARS, kari, change=CHANGE, replaces=(old,), first_day=first, roles=("unit-manager",), unit=unit)
    at(town, first)
    assert [one["roles"] for one in _without(town) if one["person"] == str(per)] == [["caseworker"]]
    assert works(town, per)


def test_two_positions_have_two_managers_each_for_the_own_unit(town: Town) -> None:
    per, wanted = (
        town.person(PER),
        OrderRights(new_id(), START, town.house.units["Arkiv"], town.today, None, "Delt stilling", roles=("archivist",)),
    )
    assert code_of(town, KARI, lambda work: rights.order(work, rights.Order(per, wanted))).startswith("access.")
    order(town, "anne.berg", per, control="tor.lie", unit=town.house.units["Arkiv"], roles=("archivist",))
    stop = OrderRights(new_id(), "stop", town.house.units["Arkiv"], town.today, None, "Slutter")
    assert code_of(town, KARI, lambda work: rights.stop(work, rights.Stop(per, stop))).startswith("access.")
    leaves(town, town.today)
    town.later(days=1)
    assert [one["unit_name"] for one in _without(town) if one["person"] == str(per)] == ["Teknisk"]


@pytest.mark.parametrize(("days", "lasts"), [(None, -1), (14, 14), (30, 30)])
def test_on_a_transfer_the_old_rights_end_that_date_or_after_a_handover(town: Town, days: int | None, lasts: int) -> None:
    per = town.person(PER)
    old = next(iter(standing.of(town.web.tenant.ledger).person(str(per)).file.orders.orders))
    first = town.today + timedelta(days=5)
    handover = first + timedelta(days=days) if days is not None else None
    order(town, LARS, per, change=CHANGE, replaces=(old,), first_day=first, unit=town.house.units["Oppvekst"], handover=handover)
    found = standing.of(town.web.tenant.ledger).person(str(per)).file.orders.orders[old]
    assert found.last_day == first + timedelta(days=lasts)
    assert audited(town) == []


@pytest.mark.parametrize(("days", "replaces"), [(31, True), (-1, True), (5, False)])
def test_a_handover_is_of_something_and_thirty_days_at_most(town: Town, days: int, replaces: bool) -> None:
    per = town.person(PER)
    old = tuple(standing.of(town.web.tenant.ledger).person(str(per)).file.orders.orders) if replaces else ()
    first = town.today + timedelta(days=5)
    wanted = OrderRights(
        new_id(), CHANGE if replaces else START, town.house.units["Oppvekst"], first, None, "Bytte", roles=("caseworker",),
        replaces=old, handover=first + timedelta(days=days),
    )  # fmt: skip
    assert code_of(town, LARS, lambda work: rights.order(work, rights.Order(per, wanted))) == "rights.handover"


def test_a_transfer_with_handover_on_the_page(town: Town) -> None:
    per = town.person(PER)
    old = next(iter(standing.of(town.web.tenant.ledger).person(str(per)).file.orders.orders))
    first = town.today + timedelta(days=5)
    path = f"/rights/order?person={per}&replaces={old}"
    fields = {
        "first_day": first.isoformat(),
        "handover": (first + timedelta(days=7)).isoformat(),
        "unit": str(town.house.units["Oppvekst"]),
        "reason": "Bytte",
        "step": "order",
    }
    sent = town.send(LARS, path, "/rights/order", (f"replaces-{old}", "role-caseworker"), **fields)
    assert sent.status_code == 303, refused(sent)


def test_the_doctor_asks_for_a_deputy_and_for_who_orders_at_the_top(town: Town) -> None:
    tenant = town.web.tenant
    assert list(succession.faults(tenant)) == []
    tor = town.person("tor.lie")
    state = standing.of(tenant.ledger).person(str(tor)).file.orders
    opening = tuple(key for key, one in state.orders.items() if "head-of-records" in one.fact.roles)
    wanted = OrderRights(
        new_id(), "stop", town.house.units["Arkiv"], town.today, town.today - timedelta(days=1), "", replaces=opening
    )
    act(town, "anne.berg", lambda work: rights.stop(work, rights.Stop(tor, wanted)))
    town.web.caught_up()
    assert ["no deputy archive leader is named" in one for one in succession.faults(tenant)] == [True]


def test_who_orders_for_the_chief_executive_is_a_dated_setting(town: Town) -> None:
    """Named for the person by two people, from a day on; without it nobody orders, and the doctor says so."""
    known = standing.of(town.web.tenant.ledger)
    lars, top = str(town.person(LARS)), town.house.units["Kommunedirektøren"]
    assert known.organisation().state.manager_of(lars, top, town.today) == str(town.person("anne.berg"))
    tomorrow = town.today + timedelta(days=1)
    nobody = ProposeManager(new_id(), top, None, tomorrow, lars)
    act(town, "anne.berg", lambda work: organisation.propose_manager(work, nobody))
    assert code_of(town, "anne.berg", lambda work: organisation.confirm(work, Confirm(nobody.change))).startswith("access.")
    act(town, "tor.lie", lambda work: organisation.confirm(work, Confirm(nobody.change)))
    assert list(succession.faults(town.web.tenant)) == []
    at(town, tomorrow)
    assert ["nobody orders for the manager of Kommunedirektøren" in one for one in succession.faults(town.web.tenant)] == [True]


def test_the_archive_leaders_own_rights_go_through_the_manager_and_a_deputy(town: Town) -> None:
    anne = town.person("anne.berg")
    wanted = OrderRights(new_id(), START, town.house.units["Arkiv"], town.today, None, "Mer", roles=("caseworker",))
    assert code_of(town, "anne.berg", lambda work: rights.order(work, rights.Order(anne, wanted))).startswith("access.")
    act(town, LARS, lambda work: rights.order(work, rights.Order(anne, wanted)))
    control = Answer(Answer.CONTROL, anne, wanted.order)
    assert code_of(town, "anne.berg", lambda work: rights.answer(work, control)) == "access.oneself"
    assert code_of(town, LARS, lambda work: rights.answer(work, control)).startswith("access.")
    act(town, "tor.lie", lambda work: rights.answer(work, control))


def test_the_preview_counts_nothing_that_waits_for_a_manager(town: Town) -> None:
    """What the program shows of a day and what it decides are one: a right that waits is in no answer of either."""
    eva, last = new_id(), town.today
    order(town, KARI, eva, "Eva Ny", first_day=last + timedelta(days=2))
    leaves(town, last)
    at(town, last + timedelta(days=2))
    known = standing.of(town.web.tenant.ledger).person(str(eva))
    assert [one.decided_at for one in known.person.rights] == [None]
    assert known.starts == dict.fromkeys(known.file.orders.orders)
