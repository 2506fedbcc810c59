"""The audit names forged urgent access, take-overs, handovers and orders by substitutes, each beside one that is right."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from domain import catalogue
from domain.catalogue import Envelope
from domain.handlers import rights, standing, urgent
from domain.ledger.clock import LOCAL
from domain.ledger.identity import new_id
from domain.model import urgent as u
from domain.model.calendar import ClosedDaySet
from domain.model.ids import CASE_NUMBER
from domain.model.ordering import OrderRights
from domain.model.rights_change import RightsHandedOver, RightsOrderedByHand, RightsTakenOver
from projections.audit import Finding, judge
from tests.fixtures_staff import Staffed
from tests.rights.town import Town, town_of

Forgery = Callable[[Town, UUID], Any]


@pytest.fixture
def town(staffed: Staffed) -> Iterator[Town]:
    with town_of(staffed) as made:
        made.play("siv.moe")
        made.web.created(made.web.post("/cases", {"title": "Sak", "administrative_unit": {"name": "Oppvekst"}}))
        yield made


def audited(town: Town) -> list[Finding]:
    ledger = town.web.tenant.ledger
    return list(judge(ledger.reader.whole_log(), standing.of(ledger).place, partial(standing.user_name_digest, ledger)))


def write(town: Town, actor: str, stream: UUID, fact: Any, for_: str | None = None) -> int:
    """Append one fact past the handlers, with all rights of its actor named."""
    ledger = town.web.tenant.ledger
    at = ledger.clock.now()
    person = str(town.person(actor))
    rests_on = sorted({place for right in standing.of(ledger).person(person).person.rights for place in right.rests_on})
    acting_for = str(town.person(for_)) if for_ is not None else None
    envelope = Envelope(
        cmd=str(new_id()), n=1, m=1, actor=person, for_=acting_for, at=catalogue.instant(at), date=at.date().isoformat(),
        rests_on=rests_on, program="raw",
    )  # fmt: skip
    version = max((one.version for one in ledger.reader.stream(stream)), default=0)
    return ledger.append([(stream, fact)], envelope, {stream: version}, at).receipt.position


def ordered(town: Town) -> UUID:
    """An urgent access that Kari has ordered for Per, as it should be; its id."""
    ledger, wanted = town.web.tenant.ledger, new_id()
    (number,) = _numbers(town)
    command = urgent.Order(town.person("per.nes"), wanted, number, "Barn i fare")
    town.house.act("kari.aas", lambda work: urgent.order(work, command))
    assert ledger.reader.claim(CASE_NUMBER, number) is not None
    return wanted


def _numbers(town: Town) -> list[str]:
    town.play("siv.moe")
    town.web.caught_up()
    return [one["number"] for one in town.web.get("/cases").json()["cases"]]


def until(town: Town) -> Any:
    state = standing.of(town.web.tenant.ledger).organisation().state
    return u.until(state.calendar, town.clock.now(), LOCAL)


def _ordered(town: Town, who: str, **fields: Any) -> u.UrgentOrdered:
    body = u.UrgentOrderedBody("x")
    given = {"urgent": new_id(), "case": new_id(), "orderer": str(town.person(who)), "confirm_by": until(town), "body": body}
    return u.UrgentOrdered(**{**given, **fields})


FORGED: tuple[tuple[str, str, Forgery], ...] = (
    ("by who is no manager of the person", "siv.moe", lambda town, _: _ordered(town, "siv.moe")),
    ("in another's name", "kari.aas", lambda town, _: _ordered(town, "lars.dahl")),
    ("with too long a time", "kari.aas", lambda town, _: _ordered(town, "kari.aas", confirm_by=until(town) + timedelta(days=9))),
    ("confirmed by the orderer", "kari.aas", lambda town, one: u.UrgentConfirmed(one, town.clock.now(), until(town), True)),
    ("confirmed by an archivist", "siv.moe", lambda town, one: u.UrgentConfirmed(one, town.clock.now(), until(town))),
    ("by another manager at work", "lars.dahl", lambda town, one: u.UrgentConfirmed(one, town.clock.now(), until(town), True)),
    ("for ever", "anne.berg", lambda town, one: u.UrgentConfirmed(one, town.clock.now(), until(town) + timedelta(days=300))),
    ("confirmed for nobody", "anne.berg", lambda town, _: u.UrgentConfirmed(new_id(), town.clock.now(), until(town))),
    ("reviewed before it is over", "anne.berg",
     lambda town, one: u.UrgentReviewed(one, True, town.today, u.UrgentReviewedBody("x"))),
    ("taken over while the manager is there", "kari.aas",
     lambda town, _: RightsTakenOver((_order_of(town),), str(town.person("kari.aas")), town.clock.now(), town.today)),
    ("taken over by anybody", "siv.moe",
     lambda town, _: RightsTakenOver((_order_of(town),), str(town.person("siv.moe")), town.clock.now(), town.today)),
    ("a handover by itself", "kari.aas", lambda town, _: RightsHandedOver(_order_of(town), town.today + timedelta(days=300))),
    ("a hand by itself", "kari.aas", lambda town, _: RightsOrderedByHand(_order_of(town), str(town.person("siv.moe")))),
)  # fmt: skip


def _order_of(town: Town) -> UUID:
    return next(iter(standing.of(town.web.tenant.ledger).person(str(town.person("per.nes"))).file.orders.orders))


@pytest.mark.parametrize(("what", "actor", "forged"), FORGED, ids=[one[0] for one in FORGED])
def test_a_forged_fact_is_named(town: Town, what: str, actor: str, forged: Forgery) -> None:
    del what
    wanted = ordered(town)
    assert audited(town) == []
    town.clock.move_to(town.clock.now() + timedelta(milliseconds=1))
    position = write(town, actor, town.person("per.nes"), forged(town, wanted))
    assert {one.position for one in audited(town)} == {position}


def test_a_closed_day_that_nobody_might_set_is_named(town: Town) -> None:
    stream = standing.of(town.web.tenant.ledger).stream
    position = write(town, "kari.aas", stream, ClosedDaySet(town.today, True))
    assert {one.position for one in audited(town)} == {position}


@pytest.mark.parametrize(
    ("what", "fact"),
    [("orderer", {"orderer": "siv.moe"}), ("hand", {"hand": "siv.moe"}), ("right", {})],
)
def test_what_a_right_fact_would_be_is_not_named(town: Town, what: str, fact: dict[str, str]) -> None:
    """The control of the forgeries: the same pen writes what a handler would have, and only what differs is named."""
    changed = {name: str(town.person(one)) for name, one in fact.items()}
    position = write(town, "kari.aas", town.person("per.nes"), _ordered(town, "kari.aas", **changed))
    assert {one.position for one in audited(town)} == (set() if what == "right" else {position})


def test_an_order_in_the_name_of_another_without_that_right_is_named(town: Town) -> None:
    """Mona says that she orders for Kari, whose substitute she never was."""
    person = town.person("per.nes")
    wanted = OrderRights(
        new_id(), "start", town.house.units["Teknisk"], town.today, None, "x", roles=("archivist",), acting_for=None
    )
    town.house.act("kari.aas", lambda work: rights.order(work, rights.Order(person, wanted)))
    (fact, *_) = [
        one.fact for one in town.web.tenant.ledger.reader.stream(person) if getattr(one.fact, "order", None) == wanted.order
    ]
    position = write(town, "mona.hus", person, replace(fact, order=new_id()), "kari.aas")
    assert {one.position for one in audited(town)} == {position}
