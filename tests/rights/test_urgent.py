"""Urgent access: ordered by a manager, confirmed by another, for one case, until the next working day, and always reviewed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.handlers import gate, standing
from domain.handlers.gate import Asked
from domain.ledger.clock import LOCAL
from domain.ledger.reader import decode_row
from domain.model.access import Allowed, Answer, Denied, Moment, may
from projections.audit import judge
from tests.fixtures_ledger import LedgerTenant
from tests.fixtures_staff import Staffed
from tests.rights.town import Town, refused, town_of

SECRET = "Barnevernssak Kvist"
TUESDAY_NIGHT = datetime(2036, 3, 4, 21, 30, tzinfo=UTC)


class Night(Town):
    """The town with one coded case of another unit, and its number."""

    one: LedgerTenant
    case: str
    number: str
    entry: str


@pytest.fixture
def town(staffed: Staffed) -> Iterator[Night]:
    with town_of(staffed) as made:
        made.__class__ = Night
        assert isinstance(made, Night)
        made.one = staffed.tenant
        made.play("siv.moe")
        made.case = made.web.created(
            made.web.post(
                "/cases",
                {"title": SECRET, "administrative_unit": {"name": "Oppvekst"}, "screening": {"access_restriction": "13"}},
            )
        )
        made.entry = made.web.entry(made.case, "Bekymringsmelding", status="M")
        made.web.caught_up()
        made.number = made.web.get(f"/cases/{made.case}").json()["number"]
        yield made


def at_night(town: Night) -> None:
    town.clock.move_to(TUESDAY_NIGHT)


def order(town: Night, who: str = "kari.aas", person: str = "per.nes", **fields: str) -> Any:
    body = {"case": town.number, "reason": "Barn i fare", **fields}
    town.play(who)
    return town.web.post(f"/people/{town.person(person)}/urgent-access", body)


def answer(town: Night, who: str, wanted: str, said: str, person: str = "per.nes", **fields: Any) -> Any:
    town.play(who)
    return town.web.post(f"/people/{town.person(person)}/urgent-access/{wanted}/answers", {"answer": said, **fields})


def opened(town: Night) -> str:
    """Ordered by Kari and confirmed by Anne."""
    made = order(town)
    assert made.status_code == 201, made.text
    wanted = str(made.json()["id"])
    assert answer(town, "anne.berg", wanted, "confirm").status_code == 201
    return wanted


def reads(town: Night, who: str = "per.nes") -> bool:
    answer = town.get(who, f"/api/v1/cases/{town.case}")
    assert answer.status_code in (200, 403, 404)
    assert (SECRET in answer.text) == (answer.status_code == 200)
    return bool(answer.status_code == 200)


def code(answer: Any) -> str:
    return str(answer.json()["code"])


def decided(town: Night, who: str, action: str) -> Answer:
    ledger = town.web.tenant.ledger
    return gate.decide(ledger, town.house.actor(who), Asked(action, ledger.clock.now(), UUID(town.case)))


def why(town: Night, who: str) -> str:
    return decided(town, who, "case-file.read").reason


def test_it_opens_one_coded_case_from_its_confirmation_to_the_next_working_day_at_four(town: Night) -> None:
    assert not reads(town)
    made = order(town)
    assert made.status_code == 201, made.text
    assert not reads(town)
    wanted = made.json()["id"]
    assert answer(town, "anne.berg", wanted, "confirm").status_code == 201
    assert reads(town)
    assert why(town, "per.nes") == "caseworker:u"
    ends = datetime(2036, 3, 4, 16, tzinfo=LOCAL)
    town.clock.move_to(ends - timedelta(seconds=1))
    assert reads(town)
    town.clock.move_to(ends)
    assert not reads(town)


def test_over_a_weekend_and_a_holiday_it_lasts_to_the_next_working_day(town: Night) -> None:
    town.clock.move_to(datetime(2036, 4, 9, 20, tzinfo=UTC))  # the Wednesday before Maundy Thursday
    opened(town)
    person = standing.of(town.web.tenant.ledger).person(str(town.person("per.nes")))
    (found,) = person.file.urgent.accesses.values()
    assert found.until is not None
    assert found.until.astimezone(LOCAL) == datetime(2036, 4, 15, 16, tzinfo=LOCAL)  # Easter Monday is the 14th


def test_it_shows_in_lists_and_searches_and_opens_nothing_else(town: Night) -> None:
    town.play("siv.moe")
    other = town.web.created(
        town.web.post(
            "/cases",
            {"title": "Annen sak", "administrative_unit": {"name": "Oppvekst"}, "screening": {"access_restriction": "13"}},
        )
    )
    opened(town)
    town.web.caught_up()
    town.play("per.nes")
    titles = [one["title"] for one in town.web.get("/cases").json()["cases"]]
    assert SECRET in titles
    assert "Annen sak" not in titles
    assert town.get("per.nes", f"/api/v1/cases/{other}").status_code in (403, 404)
    assert town.get("per.nes", f"/api/v1/entries/{town.entry}").status_code == 200
    assert not reads(town, "kari.aas")


@pytest.mark.parametrize("action", ["record.retitle", "record.comment", "case-file.assign", "case-file.grant-access"])
def test_it_is_for_reading_alone(town: Night, action: str) -> None:
    opened(town)
    assert why(town, "per.nes") == "caseworker:u"
    assert isinstance(decided(town, "per.nes", action), Denied)


def test_administrators_read_no_content_by_it(town: Night) -> None:
    made = order(town, "lars.dahl", "rolf.eng")
    assert made.status_code == 201, made.text
    assert answer(town, "anne.berg", made.json()["id"], "confirm", "rolf.eng").status_code == 201
    assert not reads(town, "rolf.eng")


def test_who_may_order_and_confirm(town: Night) -> None:
    assert code(order(town, "kari.aas", "kari.aas")) == "access.out_of_scope"
    assert code(order(town, "kari.aas", "ida.vik")) == "access.out_of_scope"
    assert order(town, "siv.moe").status_code == 403
    made = order(town)
    wanted = made.json()["id"]
    assert code(order(town)) == "urgent.running"
    assert code(answer(town, "kari.aas", wanted, "confirm")) == "access.own_order"
    assert answer(town, "siv.moe", wanted, "confirm").status_code == 403
    assert code(answer(town, "lars.dahl", wanted, "confirm")) == "urgent.working_hours"
    assert answer(town, "tor.lie", wanted, "confirm").status_code == 201  # the deputy


def test_outside_working_hours_a_second_manager_confirms(town: Night) -> None:
    at_night(town)
    wanted = order(town).json()["id"]
    assert code(answer(town, "kari.aas", wanted, "confirm")) == "access.own_order"
    assert answer(town, "lars.dahl", wanted, "confirm").status_code == 201
    assert reads(town)
    assert "bekreftet av en annen leder" in town.text("anne.berg", "/rights/urgent")


def test_nobody_for_himself(town: Night) -> None:
    made = order(town, "lars.dahl", "anne.berg")
    assert made.status_code == 201, made.text
    assert code(answer(town, "anne.berg", made.json()["id"], "confirm", "anne.berg")) == "rights.oneself"
    assert code(answer(town, "lars.dahl", made.json()["id"], "confirm", "anne.berg")) == "access.own_order"
    assert answer(town, "tor.lie", made.json()["id"], "confirm", "anne.berg").status_code == 201


@pytest.mark.parametrize(
    ("fields", "expected"), [({"case": "2036/999"}, "urgent.no_case"), ({"reason": " "}, "rights.reason_missing")]
)
def test_an_order_names_a_case_and_a_reason(town: Night, fields: dict[str, str], expected: str) -> None:
    assert code(order(town, **fields)) == expected


def test_an_order_that_nobody_confirms_is_given_anew(town: Night) -> None:
    wanted = order(town).json()["id"]
    town.later(days=2)
    assert code(answer(town, "anne.berg", wanted, "confirm")) == "urgent.not_waiting"
    assert order(town).status_code == 201


def test_it_is_ended_at_once_by_the_manager(town: Night) -> None:
    wanted = opened(town)
    assert reads(town)
    assert answer(town, "kari.aas", wanted, "end", reason="Over").status_code == 201
    assert not reads(town)
    assert code(answer(town, "kari.aas", wanted, "end", reason="Over")) == "urgent.not_running"


def test_a_stop_of_the_persons_rights_ends_it(town: Night) -> None:
    opened(town)
    town.play("kari.aas")
    unit = str(town.house.units["Teknisk"])
    yesterday = (town.today - timedelta(days=1)).isoformat()
    assert town.web.post(f"/people/{town.person('per.nes')}/stops", {"unit": unit, "last_day": yesterday}).status_code == 201
    assert not reads(town)


def test_every_reading_is_noted_and_names_the_access(town: Night) -> None:
    opened(town)
    assert reads(town)
    ledger = town.web.tenant.ledger
    found = standing.of(ledger).person(str(town.person("per.nes")))
    (wanted,) = found.file.urgent.accesses
    chain = ledger.reader.record_chains[-1][0]
    places = {f"{chain}#{one}" for one in found.positions[wanted]}
    lines = _readings(town)
    mine = [one for one in lines if one.envelope.actor == str(town.person("per.nes"))]
    assert mine
    assert all(places <= set(one.envelope.rests_on or ()) for one in mine)
    assert any(one.topic == "access.urgent-opened.v1" for one in lines)


def test_uncoded_material_read_by_it_is_noted_too(town: Night) -> None:
    town.play("siv.moe")
    plain = town.web.created(town.web.post("/cases", {"title": "Uskjermet", "administrative_unit": {"name": "Oppvekst"}}))
    hidden = town.web.entry(plain, "Notat", status="M")
    town.web.caught_up()
    number = town.web.get(f"/cases/{plain}").json()["number"]
    assert town.get("per.nes", f"/api/v1/entries/{hidden}").status_code in (403, 404)
    wanted = order(town, case=number).json()["id"]
    assert answer(town, "anne.berg", wanted, "confirm").status_code == 201
    assert town.get("per.nes", f"/api/v1/entries/{hidden}").status_code == 200
    noted = [one.fact for one in _readings(town) if one.topic == "access.read.v1"]
    assert [one.code for one in noted if one.record == UUID(hidden)] == [""]
    assert town.get("anne.berg", "/rights/readings").status_code == 200


def _readings(town: Night) -> list[Any]:
    """Every fact of the access log that is about reading, oldest first."""
    found: list[Any] = []
    with town.one.owner() as connection:
        chains = connection.execute(
            f"select chain_id, schema from {town.one.tenant}.ledger_chain where chain_id like '%/access/%' order by chain_no"
        ).fetchall()
        for chain_id, schema in chains:
            rows = connection.execute(
                "select position, recorded_at_us, originator_id, originator_version, topic, meta, body"
                f" from {schema}.event where topic like 'access.%' order by position"
            ).fetchall()
            found += [decode_row(str(chain_id), row) for row in rows]
    return found


def test_the_review_waits_until_the_archive_leader_has_found_something(town: Night) -> None:
    wanted = opened(town)
    assert code(answer(town, "anne.berg", wanted, "review", reason="Greit")) == "urgent.not_over"
    assert "åpen til" in town.text("anne.berg", "/rights/inbox")
    town.later(days=40)
    assert "skal gjennomgås" in town.text("anne.berg", "/rights/inbox")
    assert code(answer(town, "kari.aas", wanted, "review", reason="Greit")) in ("access.no_cell", "access.own_order")
    assert code(answer(town, "anne.berg", wanted, "review", reason=" ")) == "rights.reason_missing"
    assert answer(town, "anne.berg", wanted, "review", reason="Reell nød", justified=False).status_code == 201
    assert "skal gjennomgås" not in town.text("anne.berg", "/rights/inbox")
    assert "Reell nød" in town.text("anne.berg", "/rights/urgent")
    assert code(answer(town, "anne.berg", wanted, "review", reason="Igjen")) == "urgent.not_waiting"


def test_the_whole_of_it_on_pages(town: Night) -> None:
    per = str(town.person("per.nes"))
    sent = town.send("kari.aas", "/rights/urgent", "/rights/urgent", person=per, case=town.number, reason="Barn i fare")
    assert sent.status_code == 303, refused(sent)
    assert "Barn i fare" in town.text("anne.berg", "/rights/urgent")
    (form,) = town.page("anne.berg", "/rights/urgent").xpath("//form[.//button[@value='confirm']]/@action")
    assert town.send("anne.berg", "/rights/urgent", form, answer="confirm").status_code == 303
    assert town.number in town.text("per.nes", "/rights/me")
    assert reads(town)
    assert "Ingenting venter" in town.text("anne.berg", "/rights/urgent")
    wrong = town.send("kari.aas", "/rights/urgent", "/rights/urgent", person=per, case="1/1", reason="Barn i fare")
    assert wrong.status_code == 422
    assert "Det finnes ingen sak" in refused(wrong)


def test_metrics_and_the_inbox_say_that_it_is_open(town: Night) -> None:
    opened(town)
    town.web.caught_up()
    assert 'dagbok_urgent_access_open{tenant="' in town.web.client.get("/metrics").text
    lines = town.web.client.get("/metrics").text.splitlines()
    assert [one.rpartition(" ")[2] for one in lines if one.startswith("dagbok_urgent_access_open{")] == ["1"]


def test_an_audit_finds_nothing_in_it_and_names_what_was_forged(town: Night) -> None:
    opened(town)
    town.later(days=3)
    ledger = town.web.tenant.ledger
    known = standing.of(ledger)
    assert list(judge(ledger.reader.whole_log(), known.place, lambda name: standing.user_name_digest(ledger, name))) == []


def test_the_decision_is_pure(town: Night) -> None:
    opened(town)
    ledger = town.web.tenant.ledger
    known = standing.of(ledger)
    organised = known.organisation()
    person = known.person(str(town.person("per.nes"))).person
    subject = known.subject(UUID(town.case), organised)
    assert subject is not None
    for minutes, expected in ((-60, False), (60, True), (60 * 24 * 3, False)):
        instant = ledger.clock.now() + timedelta(minutes=minutes)
        moment = Moment(instant, instant.astimezone(LOCAL).date())
        matrix = known.matrix(organised, moment.day)
        found = may(person, "case-file.read", subject, moment, matrix)
        assert isinstance(found, Allowed) is expected
