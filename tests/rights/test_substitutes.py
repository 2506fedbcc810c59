"""Substitutes: chosen tasks, some days, the own clearances, for the other one and never for themselves (practice R12)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from api.requests import ACTING_COOKIE
from domain.handlers import gate, rights, standing
from domain.handlers.gate import Asked
from domain.handlers.people import Newcomer
from domain.handlers.rights import Answer
from domain.handlers.work import Context, Work, run
from domain.ledger.identity import new_id
from domain.model.access import Allowed, Denied
from domain.model.errors import Refused
from domain.model.ordering import OrderRights
from domain.model.rights_change import START
from domain.model.user import EMPLOYEE
from projections.audit import judge
from tests.rights.town import Town, refused

MONA, KARI = "mona.hus", "kari.aas"


def act(town: Town, who: str, handle: Callable[[Work], Any], for_: str | None = None) -> Any:
    """Run a handler as somebody, for another one where named."""
    town.clock.move_to(town.clock.now() + timedelta(milliseconds=1))
    acting_for = str(town.person(for_)) if for_ is not None else None
    return run(town.web.tenant.ledger, Context(town.house.actor(who, acting_for=acting_for)), (), handle).result


def code_of(town: Town, who: str, handle: Callable[[Work], Any], for_: str | None = None) -> str:
    with pytest.raises(Refused) as problem:
        act(town, who, handle, for_)
    return str(problem.value.code)


def substitute(town: Town, **fields: Any) -> OrderRights:
    """Mona stands in for Kari as manager of Teknisk for a week."""
    given: dict[str, Any] = {
        "order": new_id(),
        "change": START,
        "unit": town.house.units["Teknisk"],
        "first_day": town.today,
        "last_day": town.today + timedelta(days=6),
        "reason": "Ferie",
        "roles": ("unit-manager",),
        "acting_for": str(town.person(KARI)),
        **fields,
    }
    return OrderRights(**given)


def ordering(town: Town, wanted: OrderRights, person: str = MONA) -> Callable[[Work], Any]:
    return lambda work: rights.order(work, rights.Order(town.person(person), wanted))


def controlling(person: UUID, order: UUID, action: str = Answer.CONTROL, reason: str = "") -> Callable[[Work], Any]:
    return lambda work: rights.answer(work, Answer(action, person, order, reason))


def stands_in(town: Town, **fields: Any) -> OrderRights:
    wanted = substitute(town, **fields)
    act(town, KARI, ordering(town, wanted))
    act(town, "anne.berg", controlling(town.person(MONA), wanted.order))
    return wanted


def newcomer(town: Town, name: str = "ole.ny") -> tuple[UUID, OrderRights, Callable[[Work], Any]]:
    """An order for somebody new in Teknisk."""
    person, wanted = new_id(), substitute(town, roles=("caseworker",), acting_for=None)
    made = Newcomer(EMPLOYEE, "Ole Ny", name)
    return person, wanted, lambda work: rights.order(work, rights.Order(person, wanted, made))


def decided(town: Town, who: str, action: str, record: UUID, for_: str | None = None) -> Any:
    ledger = town.web.tenant.ledger
    acting_for = str(town.person(for_)) if for_ is not None else None
    return gate.decide(ledger, town.house.actor(who, acting_for=acting_for), Asked(action, ledger.clock.now(), record))


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"last_day": None}, "rights.end_date_missing"),
        ({"codes": ("13",)}, "substitute.clearance"),
        ({"groups": ("barnevern",)}, "substitute.clearance"),
        ({"roles": ("archivist",)}, "substitute.not_held"),
        ({"roles": ("unit-manager", "head-of-records")}, "substitute.not_held"),
        ({"organs": ("formannskapet",)}, "substitute.not_held"),
    ],
)
def test_a_substitute_has_chosen_tasks_of_the_other_one_for_some_days(town: Town, fields: dict[str, Any], code: str) -> None:
    assert code_of(town, KARI, ordering(town, substitute(town, **fields))) == code


def test_nobody_is_their_own_substitute(town: Town) -> None:
    wanted = substitute(town, acting_for=str(town.person("per.nes")))
    assert code_of(town, KARI, ordering(town, wanted, "per.nes")) == "substitute.oneself"


def test_a_substitute_orders_only_when_acting(town: Town) -> None:
    stands_in(town)
    person, wanted, handle = newcomer(town)
    assert code_of(town, MONA, handle).startswith("access.")
    act(town, MONA, handle, KARI)
    order = standing.of(town.web.tenant.ledger).person(str(person)).file.orders.orders[wanted.order]
    assert (order.fact.orderer, order.hand) == (str(town.person(KARI)), str(town.person(MONA)))
    (ordered, *_) = (one for one in town.web.tenant.ledger.reader.stream(person) if one.topic == "rights.ordered.v1")
    assert (ordered.envelope.actor, ordered.envelope.for_) == (str(town.person(MONA)), str(town.person(KARI)))


def test_whoever_says_to_act_for_another_without_that_right_may_nothing(town: Town) -> None:
    _, _, handle = newcomer(town)
    assert code_of(town, "lars.dahl", handle, KARI) == "access.no_right"
    assert code_of(town, MONA, handle, KARI) == "access.no_right"


def test_never_for_themselves(town: Town) -> None:
    stands_in(town)
    more = substitute(town, roles=("caseworker",), acting_for=None)
    assert code_of(town, MONA, ordering(town, more), KARI) == "access.oneself"
    # nor for the one whose place is taken, whose own manager is another
    assert code_of(town, MONA, ordering(town, more, KARI), KARI).startswith("access.")
    onward = substitute(town, first_day=town.today)
    assert code_of(town, MONA, ordering(town, onward, "per.nes"), KARI) == "substitute.onward"


def test_neither_of_the_two_controls_or_settles_what_a_substitute_ordered(town: Town) -> None:
    """Siv stands in for Anne, archive leader and manager of the archive, and both might control."""
    anne = str(town.person("anne.berg"))
    wanted = substitute(town, roles=("head-of-records",), acting_for=anne, unit=town.house.units["Arkiv"])
    act(town, "anne.berg", ordering(town, wanted, "siv.moe"))
    siv = town.person("siv.moe")
    assert code_of(town, "anne.berg", controlling(siv, wanted.order)) == "rights.own_order"
    act(town, "tor.lie", controlling(siv, wanted.order))
    person = new_id()
    order = substitute(town, roles=("archivist",), acting_for=None, unit=town.house.units["Arkiv"])
    made = Newcomer(EMPLOYEE, "Eva Ny", "eva.ny")
    act(town, "siv.moe", lambda work: rights.order(work, rights.Order(person, order, made)), "anne.berg")
    assert code_of(town, "siv.moe", controlling(person, order.order), "anne.berg") == "rights.own_order"
    assert code_of(town, "anne.berg", controlling(person, order.order)) == "rights.own_order"
    act(town, "tor.lie", controlling(person, order.order))


def test_a_deputys_own_hat_does_not_control_what_the_other_hat_ordered(town: Town) -> None:
    """Tor is deputy archive leader; as Kari's substitute he orders, and as himself he may not control it."""
    wanted = substitute(town)
    act(town, KARI, ordering(town, wanted, "tor.lie"))
    act(town, "anne.berg", controlling(town.person("tor.lie"), wanted.order))
    person, order, handle = newcomer(town)
    act(town, "tor.lie", handle, KARI)
    assert code_of(town, "tor.lie", controlling(person, order.order)) == "rights.own_order"
    act(town, "anne.berg", controlling(person, order.order))


def test_the_superior_of_the_manager_settles_what_the_substitute_ordered(town: Town) -> None:
    stands_in(town)
    person, order, handle = newcomer(town)
    act(town, MONA, handle, KARI)
    act(town, "anne.berg", controlling(person, order.order, Answer.OBJECT, "For vid"))
    assert code_of(town, KARI, controlling(person, order.order, Answer.SETTLE)).startswith("access.")
    assert code_of(town, MONA, controlling(person, order.order, Answer.SETTLE), KARI).startswith("access.")
    act(town, "lars.dahl", controlling(person, order.order, Answer.SETTLE))


def test_own_clearances_only(town: Town) -> None:
    """Lars is cleared for 13, Kari's other substitute Ida too, Mona is not: what they read for Kari follows from their own."""
    town.play("siv.moe")
    screening = {"access_restriction": "13"}
    case = UUID(
        town.web.created(
            town.web.post("/cases", {"title": "Skjermet", "administrative_unit": {"name": "Teknisk"}, "screening": screening})
        )
    )
    stands_in(town)
    ida = substitute(town)
    act(town, KARI, ordering(town, ida, "ida.vik"))
    act(town, "anne.berg", controlling(town.person("ida.vik"), ida.order))
    assert decided(town, MONA, "case-file.read", case, KARI).reason == "not-cleared"
    assert isinstance(decided(town, "ida.vik", "case-file.read", case, KARI), Allowed)
    assert isinstance(decided(town, "ida.vik", "case-file.read", case), Denied)


def test_it_ends_with_its_last_day(town: Town) -> None:
    stands_in(town)
    _, _, handle = newcomer(town)
    act(town, MONA, handle, KARI)
    town.later(days=7)
    _, _, again = newcomer(town, "eli.ny")
    assert code_of(town, MONA, again, KARI) == "access.not_in_force"


def test_acting_is_chosen_and_shown_on_every_page(town: Town) -> None:
    kari = str(town.person(KARI))
    assert "ikke stedfortreder" in town.text(MONA, "/acting")
    stands_in(town)
    assert "Du kan handle for Kari Ås" in town.text(MONA, "/rights/me")
    assert town.get(MONA, "/rights/order").status_code == 403
    sent = town.send(MONA, "/acting", "/acting", acting_for=kari)
    assert sent.status_code == 303, refused(sent)
    for path in ("/acting", "/rights/me", "/rights/order", "/cases", "/journal"):
        page = town.get(MONA, path)
        assert page.status_code == 200, path
        assert "Du handler for Kari Ås." in page.text, path
    fields = {"name": "Ole Ny", "user_name": "ole.ny", "kind": "employee", "reason": "Ny", "step": "order"}
    made = town.send(MONA, "/rights/order?new=true", "/rights/order", ("role-caseworker",), **fields)
    assert made.status_code == 303, refused(made)
    waits = town.text("anne.berg", "/rights/inbox")
    assert "Ole Ny" in waits
    assert town.send(MONA, "/acting", "/acting", acting_for="").status_code == 303
    assert "Du handler for" not in town.get(MONA, "/rights/me").text


def test_a_choice_of_somebody_else_is_refused_and_a_forged_cookie_is_nothing(town: Town) -> None:
    stands_in(town)
    lars = str(town.person("lars.dahl"))
    town.play(MONA)
    page = town.page(MONA, "/acting")
    (token,) = page.xpath("//form[@action='/acting']//input[@name='token']/@value")
    answer = town.web.client.post("/acting", data={"token": token, "acting_for": lars}, follow_redirects=False)
    assert answer.status_code in (403, 422), answer.text
    town.web.client.cookies.set(ACTING_COOKIE, lars)
    assert "Du handler for" not in town.get(MONA, "/rights/me").text


def test_a_substitute_is_ordered_on_the_page(town: Town) -> None:
    mona = str(town.person(MONA))
    path = f"/rights/order?person={mona}"
    fields = {"acting_for": str(town.person(KARI)), "reason": "Ferie", "step": "order"}
    without = town.send(KARI, path, "/rights/order", ("role-unit-manager",), **fields)
    assert without.status_code == 422
    last_day = (town.today + timedelta(days=5)).isoformat()
    sent = town.send(KARI, path, "/rights/order", ("role-unit-manager",), last_day=last_day, **fields)
    assert sent.status_code == 303, refused(sent)
    assert "for Kari Ås" in town.text("anne.berg", "/rights/inbox")


def test_an_audit_finds_nothing_in_it(town: Town) -> None:
    stands_in(town)
    person, order, handle = newcomer(town)
    act(town, MONA, handle, KARI)
    act(town, "anne.berg", controlling(person, order.order))
    ledger = town.web.tenant.ledger
    known = standing.of(ledger)
    found = list(judge(ledger.reader.whole_log(), known.place, lambda name: standing.user_name_digest(ledger, name)))
    assert found == []
