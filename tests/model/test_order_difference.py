"""What an order changes: gained, lost, and another last day, as `may` will answer on the first day of its effect."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid5

import pytest

from domain.model import named_access, order_difference, ordering, rights_change
from domain.model.errors import Refused
from domain.model.named_access import AccessDeclined, AccessGranted, NamedAccess
from domain.model.order_difference import CODE, ROLE, Difference, Entitlement
from domain.model.ordering import OrderRights, Standing
from domain.model.rights_change import CHANGE, START, STOP, Orders

SPACE = UUID("6f9619ff-8b86-4d01-b42d-00cf4fc964ff")
UNIT, PERSON, MANAGER = uuid5(SPACE, "unit"), str(uuid5(SPACE, "person")), str(uuid5(SPACE, "manager"))
TODAY = date(2026, 3, 4)
AT = datetime(2026, 3, 4, 12, tzinfo=UTC)
BY = Standing(AT, TODAY, MANAGER, frozenset({MANAGER}), controllers=frozenset({"leader"}))
FIRST = OrderRights(uuid5(SPACE, "first"), START, UNIT, TODAY, None, "Tilsetting", roles=("caseworker",), codes=("13",))
CASEWORKER, CLEARED = Entitlement(ROLE, "caseworker", UNIT), Entitlement(CODE, "13", UNIT)
NOTHING = Orders(PERSON)


def running() -> Orders:
    """Somebody whose first order is in force."""
    state = rights_change.evolve(NOTHING, ordering.order(NOTHING, FIRST, BY))
    return rights_change.evolve(state, ordering.control(state, FIRST.order, replace(BY, actor="leader")))


def changed(**fields: object) -> Difference:
    wanted = replace(FIRST, order=uuid5(SPACE, "second"), change=CHANGE, replaces=(FIRST.order,), **fields)  # type: ignore[arg-type]
    return order_difference.of_order(running(), ordering.order(running(), wanted, BY), AT, TODAY)


def test_a_first_order_gains_all_that_it_gives() -> None:
    found = order_difference.of_order(NOTHING, ordering.order(NOTHING, FIRST, BY), AT, TODAY)
    assert found == Difference(TODAY, ((CASEWORKER, None), (CLEARED, None)))


def test_an_order_that_waits_already_differs_from_what_is_without_it() -> None:
    made = ordering.order(NOTHING, FIRST, BY)
    waiting = rights_change.evolve(NOTHING, made)
    assert order_difference.of_order(waiting, made, AT, TODAY) == order_difference.of_order(NOTHING, made, AT, TODAY)


@pytest.mark.parametrize("first_day", [TODAY, TODAY + timedelta(days=20)])
def test_a_change_tells_gained_and_lost_on_its_first_day(first_day: date) -> None:
    found = changed(roles=("archivist",), codes=("13",), first_day=first_day)
    assert found == Difference(first_day, ((Entitlement(ROLE, "archivist", UNIT), None),), (CASEWORKER,))


def test_another_last_day_alone_is_neither_gained_nor_lost() -> None:
    last = TODAY + timedelta(days=30)
    assert changed(last_day=last).moved == ((CASEWORKER, None, last), (CLEARED, None, last))
    assert changed().empty


@pytest.mark.parametrize("last_day", [TODAY - timedelta(days=2), TODAY, TODAY + timedelta(days=9)])
def test_a_stop_loses_all_the_day_after_its_last(last_day: date) -> None:
    wanted = OrderRights(uuid5(SPACE, "stop"), STOP, UNIT, TODAY, last_day, "Slutter")
    found = order_difference.of_order(running(), ordering.stop(running(), wanted, BY), AT, TODAY)
    assert found == Difference(max(last_day + timedelta(days=1), TODAY), (), (CASEWORKER, CLEARED))


def test_a_review_names_what_runs_and_nobody_reviews_himself() -> None:
    fact = ordering.review(running(), UNIT, BY)
    state = rights_change.evolve(running(), fact)
    assert (fact.orders, state.reviewed, state.orders) == ((FIRST.order,), {FIRST.order: TODAY}, running().orders)
    for standing, unit, code in ((replace(BY, actor=PERSON), UNIT, "rights.oneself"), (BY, SPACE, "rights.nothing_to_review")):
        with pytest.raises(Refused) as refused:
            ordering.review(running(), unit, standing)
        assert refused.value.code == code


def test_a_request_waits_until_it_is_given_or_declined() -> None:
    (asked,) = named_access.ask(NamedAccess(), SPACE, PERSON, TODAY, "Trenger det")
    waits = named_access.evolve(None, UNIT, asked)
    assert named_access.ask(waits, UNIT, PERSON, TODAY, "Igjen") == ()
    assert len(named_access.ask(waits, UNIT, MANAGER, TODAY, "Jeg også")) == 1
    given = AccessGranted(SPACE, PERSON, TODAY, TODAY, None)
    assert named_access.evolve(waits, UNIT, given) == NamedAccess({SPACE: given}, {})
    declined = named_access.decline(waits, SPACE, "Nei")
    assert isinstance(declined, AccessDeclined)
    assert named_access.evolve(waits, UNIT, declined) == NamedAccess()
    for reason, request, code in ((" ", SPACE, "rights.reason_missing"), ("Nei", UNIT, "grant.not_waiting")):
        with pytest.raises(Refused) as refused:
            named_access.decline(waits, request, reason)
        assert refused.value.code == code
