"""The people projection: as the fold of each person, alike live and rebuilt, and without what was destroyed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import pytest

import projections.people
from domain.handlers import access_requests, case_files, rights, standing
from domain.handlers.access_requests import AnswerAccess, AskAccess
from domain.handlers.metadata import Metadata
from domain.ledger import follow
from domain.ledger.follow import Follower
from domain.ledger.identity import new_id
from domain.model.case_file import CreateCaseFile
from domain.model.record import Named
from projections.people.read import People
from tests.fixtures_ledger import LedgerTenant
from tests.ledger.following import catch_up, destroy, digests, dispose, following, poisoned
from tools.demo.staff import STAFF, Hired, House


@pytest.fixture
def house(ledger_tenant: LedgerTenant) -> House:
    made = House(ledger_tenant.ledger)
    made.open()
    made.staff()
    return made


@pytest.fixture
def follower(ledger_tenant: LedgerTenant) -> Iterator[Follower]:
    with following(ledger_tenant, projections.people) as one:
        yield one


@pytest.fixture
def people(ledger_tenant: LedgerTenant) -> People:
    return People(ledger_tenant.tenant)


def life(house: House) -> UUID:
    """A stop, a review, an objection that waits, and two requests for a case; the case."""
    unit, per, mona = house.units["Teknisk"], house.people["per.nes"], house.people["mona.hus"]
    house.act("kari.aas", lambda work: rights.review(work, rights.Review(per, unit)))
    stop = house.order(_hired("mona.hus"), last_day=house.today, unit=house.units["Politisk sekretariat"])
    house.act("lars.dahl", lambda work: rights.stop(work, rights.Stop(mona, stop)))
    more = house.order(_hired("per.nes"), codes=("13",))
    house.act("kari.aas", lambda work: rights.order(work, rights.Order(per, more)))
    objection = rights.Answer(rights.Answer.OBJECT, per, more.order, "For vid")
    house.act("anne.berg", lambda work: rights.answer(work, objection))
    details = CreateCaseFile(
        house.today, "B", administrative_unit=Named("Teknisk"), case_responsible=Named("Kari", str(house.people["kari.aas"]))
    )
    made = case_files.CreateCase(new_id(), Metadata("Sak om naust"), details)
    case: UUID = house.act("siv.moe", lambda work: case_files.create(work, made))
    for who, days in (("ida.vik", 5), ("per.nes", 0)):
        asked = AskAccess(new_id(), case, case, "Trenger bakgrunnen")
        house.act(who, lambda work, asked=asked: access_requests.ask(work, asked))
        said = AnswerAccess(asked.request, case, days, "" if days else "Ikke din sak")
        house.act("kari.aas", lambda work, said=said: access_requests.answer(work, said))
    waits = AskAccess(new_id(), case, case, "Igjen")
    house.act("ida.vik", lambda work: access_requests.ask(work, waits))
    return case


def _hired(user_name: str) -> Hired:
    return next(one for one in STAFF if one.user_name == user_name)


@pytest.mark.parametrize("batch", [1, 3, 2_000])
def test_live_and_rebuilt_are_alike_whatever_the_batches(
    ledger_tenant: LedgerTenant, house: House, follower: Follower, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    life(house)
    monkeypatch.setattr(follow, "BATCH", batch)
    catch_up(follower)
    assert poisoned(follower) == {}
    live, rebuilt = digests(ledger_tenant, follower)
    assert live == rebuilt
    follower.connection.execute(f"update {follower.schema}.rights_order set stage = 'fallen' where stage = 'objected'")
    assert follower.digest() != live


def test_the_rows_are_the_fold_of_each_person(house: House, follower: Follower, people: People) -> None:
    life(house)
    catch_up(follower)
    known = standing.of(house.ledger)
    for person in house.people.values():
        folded = known.person(str(person)).file.orders
        rows = {row["id"]: row for row in people.of_person(follower.connection, person)}
        assert rows.keys() == folded.orders.keys()
        for key, order in folded.orders.items():
            row = rows[key]
            assert (row["stage"], row["executed"]) == (order.stage, order.executed)
            assert (row["last_day"], row["first_day"], row["roles"]) == (
                order.last_day,
                order.fact.first_day,
                list(order.fact.roles),
            )
            assert row["reviewed_on"] == folded.reviewed.get(key)
            assert (row["stopped_at"] is None) == (order.stopped_at is None)


def test_the_lists_hold_what_waits(house: House, follower: Follower, people: People) -> None:
    case = life(house)
    catch_up(follower)
    connection, now, day = follower.connection, house.ledger.clock.now(), house.today
    (objected,) = people.in_stage(connection, "objected")
    assert (objected["name"], objected["answer"], objected["codes"]) == ("Per Nes", "For vid", ["13"])
    assert people.in_stage(connection, "ordered") == []
    assert "Mona Hus" in [row["name"] for row in people.running(connection, day, now)]
    assert "Mona Hus" not in [row["name"] for row in people.running(connection, day + timedelta(days=1), now)]
    assert [row["reason"] for row in people.waiting_requests(connection, case)] == ["Igjen"]
    ida, per = (str(house.people[who]) for who in ("ida.vik", "per.nes"))
    assert sorted(row["state"] for row in people.requests_by(connection, ida)) == ["granted", "waiting"]
    assert [(row["state"], row["answer"]) for row in people.requests_by(connection, per)] == [("declined", "Ikke din sak")]
    assert [row["name"] for row in people.found(connection, "VIK ida")] == ["Ida Vik"]
    assert people.found(connection, "%") == []


def test_destroyed_names_and_reasons_are_gone(
    ledger_tenant: LedgerTenant, house: House, follower: Follower, people: People
) -> None:
    case = life(house)
    catch_up(follower)
    per = house.people["per.nes"]
    facts = [*house.ledger.reader.stream(per), *house.ledger.reader.stream(case)]
    gone = [one.position for one in facts if getattr(one.fact, "body", None) is not None]
    dispose(house.ledger, *gone)
    catch_up(follower)
    held = "\n".join(
        row[0]
        for table, _ in projections.people.TABLES
        for row in follower.connection.execute(f"select t::text from {follower.schema}.{table} t")
    )
    for word in ("Per Nes", "per.nes", "For vid", "Trenger bakgrunnen", "Ikke din sak"):
        assert word not in held
    assert "Ida Vik" in held
    destroy(ledger_tenant, *gone)
    live, rebuilt = digests(ledger_tenant, follower)
    assert live == rebuilt
    assert len(people.of_person(follower.connection, per)) == 2
