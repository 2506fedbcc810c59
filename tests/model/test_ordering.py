"""Orders of rights: who may order, control, settle and stop, and what is in force when."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.model import ordering
from domain.model.access import Moment
from domain.model.ordering import OrderRights, Standing
from domain.model.rights_change import (
    CHANGE,
    START,
    Fact,
    Orders,
    RightsControlled,
    RightsExecuted,
    RightsObjected,
    RightsReturned,
    RightsSettled,
    evolve,
    rights,
)
from tests.model.spec import OTHER, THIRD, UNIT, Decided, Given

TODAY = date(2026, 11, 23)
AT = datetime(2026, 11, 23, 9, tzinfo=UTC)
FIRST, SECOND = UUID(int=1), UUID(int=2)
KARI, LARS, ANNE, TOR = "kari", "lars", "anne", "tor"
BY_KARI = Standing(AT, TODAY, KARI, frozenset({KARI}), frozenset({LARS}), frozenset({ANNE, TOR}))
BY_ANNE, BY_LARS = replace(BY_KARI, actor=ANNE), replace(BY_KARI, actor=LARS)
ASKED = OrderRights(FIRST, START, UNIT, TODAY, None, "new hire", "Engineer", ("caseworker",), ("13",), ("teknisk",))


def fold(*facts: Fact) -> Orders:
    state = Orders("per")
    for fact in facts:
        state = evolve(state, fact)
    return state


def given(*facts: Fact) -> Given:
    return Given(fold(*facts))


def refused(decided: Decided) -> str:
    assert decided.refusal is not None, decided.facts
    return decided.refusal.code


def in_force(state: Orders, day: date, instant: datetime | None = None) -> list[str]:
    moment = Moment(instant or datetime(day.year, day.month, day.day, 12, tzinfo=UTC), day)
    return [one.role for one in rights(state, {}) if one.in_force(moment)]


STARTED = ordering.order(Orders("per"), ASKED, BY_KARI)
CONTROLLED = RightsControlled(FIRST, AT, TODAY)


def test_an_order_says_who_what_and_from_which_day_to_which() -> None:
    assert (STARTED.orderer, STARTED.roles, STARTED.first_day, STARTED.last_day) == (KARI, ("caseworker",), TODAY, None)
    assert STARTED.widens
    assert STARTED.decided_at is None
    assert STARTED.body is not None
    assert (STARTED.body.title, STARTED.body.reason) == ("Engineer", "new hire")


def test_a_widening_gives_nothing_until_it_is_controlled() -> None:
    assert in_force(fold(STARTED), TODAY) == []
    assert in_force(fold(STARTED, CONTROLLED), TODAY) == ["caseworker"]


def test_control_counts_from_its_instant() -> None:
    state = fold(STARTED, CONTROLLED)
    assert in_force(state, TODAY, AT - timedelta(microseconds=1)) == []
    assert in_force(state, TODAY, AT) == ["caseworker"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"roles": ()}, "rights.role_missing"),
        ({"roles": ("king",)}, "rights.role_unknown"),
        ({"codes": ("XYZ",)}, "code.unknown"),
        ({"last_day": TODAY - timedelta(days=1)}, "rights.days_reversed"),
        ({"reason": " "}, "rights.reason_missing"),
        ({"reason": "x" * 4_001}, "text.too_long"),
        ({"change": CHANGE}, "rights.nothing_replaced"),
        ({"change": "grant"}, "rights.change_unknown"),
        ({"replaces": (THIRD,), "change": CHANGE}, "rights.order_not_running"),
    ],
)
def test_an_order_that_is_not_whole_is_refused(changes: dict[str, Any], code: str) -> None:
    assert refused(given().when(ordering.order, replace(ASKED, **changes), BY_KARI)) == code


@pytest.mark.parametrize(
    ("standing", "code"),
    [
        (replace(BY_KARI, actor="per", managers=frozenset({"per"})), "rights.oneself"),
        (replace(BY_KARI, actor="ida"), "rights.not_manager"),
        (BY_ANNE, "rights.not_manager"),
        (replace(BY_KARI, dated=True), "rights.end_date_missing"),
    ],
)
def test_only_the_manager_orders_and_nobody_for_himself(standing: Standing, code: str) -> None:
    assert refused(given().when(ordering.order, ASKED, standing)) == code


def test_whoever_has_no_manager_of_his_own_gets_a_last_day() -> None:
    assert ordering.order(Orders("per"), replace(ASKED, last_day=TODAY), replace(BY_KARI, dated=True)).last_day == TODAY


def test_a_first_day_that_is_past_becomes_today_and_is_kept() -> None:
    late = ordering.order(Orders("per"), replace(ASKED, first_day=TODAY - timedelta(days=7)), BY_KARI)
    assert (late.first_day, late.asked_first_day) == (TODAY, TODAY - timedelta(days=7))
    assert STARTED.asked_first_day is None


@pytest.mark.parametrize(
    ("standing", "code"),
    [
        (replace(BY_KARI, actor="per", controllers=frozenset({"per"})), "rights.oneself"),
        (replace(BY_KARI, controllers=frozenset({KARI})), "rights.own_order"),
        (BY_LARS, "rights.not_controller"),
    ],
)
@pytest.mark.parametrize("act", [ordering.control, ordering.send_back, ordering.oppose])
def test_only_the_archive_leader_or_a_deputy_controls_and_never_an_own_order(act: Any, standing: Standing, code: str) -> None:
    more = () if act is ordering.control else ("why",)
    assert refused(given(STARTED).when(act, FIRST, *more, standing)) == code


def test_an_order_is_controlled_once() -> None:
    given(STARTED).when(ordering.control, FIRST, BY_ANNE).then(CONTROLLED)
    assert refused(given(STARTED, CONTROLLED).when(ordering.control, FIRST, BY_ANNE)) == "rights.order_not_waiting"
    assert refused(given().when(ordering.control, FIRST, BY_ANNE)) == "rights.order_not_waiting"


def test_an_order_that_was_returned_gives_nothing() -> None:
    returned = ordering.send_back(fold(STARTED), FIRST, "title is missing", BY_ANNE)
    assert isinstance(returned, RightsReturned)
    assert in_force(fold(STARTED, returned), TODAY) == []
    assert refused(given(STARTED, returned).when(ordering.control, FIRST, BY_ANNE)) == "rights.order_not_waiting"


def test_the_superior_settles_an_objection() -> None:
    objected = ordering.oppose(fold(STARTED), FIRST, "too wide", BY_ANNE)
    assert isinstance(objected, RightsObjected)
    for stands in (True, False):
        settled = ordering.settle(fold(STARTED, objected), FIRST, stands, BY_LARS)
        assert in_force(fold(STARTED, objected, settled), TODAY) == (["caseworker"] if stands else [])
    for actor in (KARI, ANNE, "per"):
        standing = replace(BY_KARI, actor=actor, superiors=frozenset({LARS, KARI, "per"}))
        assert refused(given(STARTED, objected).when(ordering.settle, FIRST, True, standing)) == "rights.not_superior"
    assert refused(given(STARTED).when(ordering.settle, FIRST, True, BY_LARS)) == "rights.order_not_waiting"


NARROWER = replace(ASKED, order=SECOND, change=CHANGE, codes=(), replaces=(FIRST,))


def test_what_only_narrows_is_decided_at_once() -> None:
    narrowed = ordering.order(fold(STARTED, CONTROLLED), NARROWER, BY_KARI)
    assert (narrowed.widens, narrowed.decided_at) == (False, AT)
    state = fold(STARTED, CONTROLLED, narrowed)
    assert [(one.codes, one.stopped_at) for one in rights(state, {})] == [(frozenset({"13"}), AT), (frozenset(), None)]


@pytest.mark.parametrize(
    "wider",
    [
        {"roles": ("caseworker", "archivist")},
        {"codes": ("13", "6")},
        {"groups": ("barnevern",)},
        {"organs": ("fs",)},
        {"unit": OTHER},
    ],
)
def test_anything_more_waits_for_control(wider: dict[str, Any]) -> None:
    assert ordering.order(fold(STARTED, CONTROLLED), replace(NARROWER, **wider), BY_KARI).widens


def test_a_longer_order_and_one_on_what_was_never_decided_wait_too() -> None:
    short = replace(STARTED, last_day=TODAY)
    assert ordering.order(fold(short, CONTROLLED), NARROWER, BY_KARI).widens
    assert not ordering.order(fold(short, CONTROLLED), replace(NARROWER, last_day=TODAY), BY_KARI).widens
    assert ordering.order(fold(STARTED), NARROWER, BY_KARI).widens


def test_a_change_from_a_later_day_leaves_the_old_right_until_then() -> None:
    december = date(2026, 12, 1)
    moved = ordering.order(fold(STARTED, CONTROLLED), replace(NARROWER, first_day=december, roles=("archivist",)), BY_KARI)
    state = fold(STARTED, CONTROLLED, moved, RightsControlled(SECOND, AT, TODAY))
    assert in_force(state, date(2026, 11, 30)) == ["caseworker"]
    assert in_force(state, december) == ["archivist"]


def test_a_change_that_is_controlled_late_ends_the_old_right_at_that_instant() -> None:
    moved = ordering.order(fold(STARTED, CONTROLLED), replace(NARROWER, roles=("archivist",)), BY_KARI)
    later = AT + timedelta(days=2)
    state = fold(STARTED, CONTROLLED, moved, RightsControlled(SECOND, later, TODAY + timedelta(days=2)))
    assert in_force(state, later.date(), later - timedelta(seconds=1)) == ["caseworker"]
    assert in_force(state, later.date(), later) == ["archivist"]


STOPPING = replace(ASKED, order=SECOND, last_day=date(2026, 11, 30), reason="", roles=())


def test_a_stop_counts_from_the_midnight_after_its_last_day() -> None:
    stopped = ordering.stop(fold(STARTED, CONTROLLED), STOPPING, BY_KARI)
    state = fold(STARTED, CONTROLLED, stopped)
    assert in_force(state, date(2026, 11, 30)) == ["caseworker"]
    assert in_force(state, date(2026, 12, 1)) == []
    assert state.orders[SECOND].stage == "decided"


def test_a_stop_whose_day_is_past_counts_now() -> None:
    stopped = ordering.stop(fold(STARTED, CONTROLLED), replace(STOPPING, last_day=TODAY - timedelta(days=3)), BY_ANNE)
    state = fold(STARTED, CONTROLLED, stopped)
    assert in_force(state, TODAY, AT - timedelta(microseconds=1)) == []  # controlled at that very instant
    assert in_force(state, TODAY, AT) == []
    assert (stopped.last_day, stopped.ended_at) == (TODAY - timedelta(days=3), AT)


def test_a_stop_reaches_what_has_not_begun_and_what_still_waits() -> None:
    future = replace(STARTED, first_day=date(2027, 1, 1))
    stopped = ordering.stop(fold(future), STOPPING, BY_KARI)
    state = fold(future, stopped, replace(CONTROLLED, decided_on=date(2026, 12, 5)))
    assert in_force(state, date(2027, 1, 2)) == []


def test_a_stop_never_lengthens() -> None:
    short = replace(STARTED, last_day=TODAY)
    state = fold(short, CONTROLLED, ordering.stop(fold(short, CONTROLLED), STOPPING, BY_KARI))
    assert in_force(state, TODAY + timedelta(days=1)) == []


def test_a_stop_needs_somebody_who_may_and_something_to_stop() -> None:
    assert refused(given(STARTED).when(ordering.stop, STOPPING, replace(BY_KARI, actor="ida"))) == "rights.not_manager"
    assert refused(given().when(ordering.stop, STOPPING, BY_KARI)) == "rights.nothing_to_stop"
    assert refused(given(STARTED).when(ordering.stop, replace(STOPPING, unit=OTHER), BY_KARI)) == "rights.nothing_to_stop"


def test_a_stop_may_name_the_orders_it_ends() -> None:
    other = replace(STARTED, order=THIRD, roles=("checker",))
    state = fold(STARTED, CONTROLLED, other, RightsControlled(THIRD, AT, TODAY))
    stopped = ordering.stop(state, replace(STOPPING, replaces=(THIRD,)), BY_KARI)
    assert in_force(evolve(state, stopped), date(2026, 12, 1)) == ["caseworker"]


def test_execution_is_a_record_and_gives_nothing() -> None:
    state = fold(STARTED, CONTROLLED)
    by_user_administrator = replace(BY_KARI, actor="brit")
    given(STARTED, CONTROLLED).when(ordering.execute, FIRST, by_user_administrator).then(RightsExecuted(FIRST))
    done = evolve(state, RightsExecuted(FIRST))
    assert rights(done, {}) == rights(state, {})
    Given(done).when(ordering.execute, FIRST, by_user_administrator).then()
    assert refused(given(STARTED).when(ordering.execute, FIRST, by_user_administrator)) == "rights.order_not_waiting"
    assert refused(Given(state).when(ordering.execute, FIRST, replace(BY_KARI, actor="per"))) == "rights.oneself"


def test_an_order_that_fell_gives_nothing_and_ends_nothing() -> None:
    wider = ordering.order(fold(STARTED, CONTROLLED), replace(NARROWER, codes=("13", "6")), BY_KARI)
    objected = ordering.oppose(fold(STARTED, CONTROLLED, wider), SECOND, "why?", BY_ANNE)
    state = fold(STARTED, CONTROLLED, wider, objected, RightsSettled(SECOND, False, AT, TODAY))
    assert [(one.codes, one.stopped_at) for one in rights(state, {}) if one.decided_at] == [(frozenset({"13"}), None)]


def test_a_right_rests_on_the_facts_of_its_order() -> None:
    assert [one.rests_on for one in rights(fold(STARTED, CONTROLLED), {FIRST: ("12", "15")})] == [("12", "15")]
