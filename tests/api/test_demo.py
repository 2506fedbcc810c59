"""A demonstration: who one is is chosen among its people, and its clock moves forward only. Nothing of it exists elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from api.installation import Installation
from api.requests import Demo
from domain.ledger.clock import SetClock
from tests.fixtures_ledger import LedgerTenant
from tests.fixtures_web import API, Web, opened

START = datetime(2036, 3, 2, 10, tzinfo=UTC)
PEOPLE = (("tor.lie", "Tor Lie, arkivar"), ("kari.nes", "Kari Nes, leder"))


@pytest.fixture
def demo(ledger_tenant: LedgerTenant) -> Iterator[Web]:
    clock = SetClock(START, running=False)
    with Installation(ledger_tenant.settings(), clock) as installation:
        installation.settings.actor = "nobody"
        with opened(installation, installation.open(), Demo(PEOPLE, clock)) as made:
            yield made


def choose(web: Web, person: str) -> int:
    return int(web.client.post("/demo/person", data={"person": person, "next": "/log"}, follow_redirects=False).status_code)


def actor(web: Web, **cookies: str) -> str:
    headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())} if cookies else {}
    unit = web.created(web.client.post(f"{API}/cases", json={"title": "x"}, headers=headers))
    return str(web.get(f"/cases/{unit}").json()["created_by"])


def test_a_visitor_plays_one_of_the_people(demo: Web) -> None:
    assert actor(demo) == "tor.lie"
    assert demo.page("/").xpath("//select[@id='demo-person']/option[@selected]/@value") == ["tor.lie"]
    assert choose(demo, "kari.nes") == 303
    assert actor(demo) == "kari.nes"
    made = demo.page("/")
    assert made.xpath("//select[@id='demo-person']/option[@selected]/@value") == ["kari.nes"]
    assert demo.page("/cases/new").xpath("//input[@name='responsible']/@value") == ["Kari Nes, leder"]


def test_nobody_else_is_played(demo: Web) -> None:
    for person in ("eve", "", "nobody"):
        assert choose(demo, person) == 422
        assert actor(demo, dagbok_person=person or "x") == "tor.lie"


def test_the_names_of_the_people_stand_in_the_history(demo: Web) -> None:
    case = demo.case()
    assert "Tor Lie, arkivar" in demo.page(f"/history/{case}").text_content()
    assert demo.get(f"/units/{case}/history").json()["events"][0]["actor"]["name"] == "Tor Lie, arkivar"


def test_the_clock_moves_forward_only_and_takes_the_ledger_along(demo: Web) -> None:
    assert demo.page("/").xpath("//input[@name='to']/@value") == ["2036-03-02T11:00"]

    def move(to: str) -> int:
        return int(demo.client.post("/demo/clock", data={"to": to, "next": "/"}, follow_redirects=False).status_code)

    assert move("2036-03-05T08:30") == 303
    assert demo.tenant.ledger.clock.now() == datetime(2036, 3, 5, 7, 30, tzinfo=UTC)
    case = demo.case()
    assert demo.get(f"/cases/{case}").json()["case_date"] == "2036-03-05"
    for to in ("2036-03-04T08:30", "x", "", "9999-12-31T23:59", "0001-01-01T00:00", "2036-03-05T08:30+99:00"):
        assert move(to) == 422, to
    assert demo.tenant.ledger.clock.now() - START < timedelta(days=4)


def test_another_site_moves_nothing(demo: Web) -> None:
    headers = {"Origin": "https://other.example"}
    for path, data in (("/demo/clock", {"to": "2037-01-01T00:00"}), ("/demo/person", {"person": "kari.nes"})):
        assert demo.client.post(path, data=data, headers=headers).status_code == 403
    assert demo.tenant.ledger.clock.now() == START


def test_outside_a_demonstration_there_is_no_menu(web: Web) -> None:
    assert choose(web, "tor.lie") == 404
    assert web.client.post("/demo/clock", data={"to": "2037-01-01T00:00"}).status_code == 404
    assert web.page("/").xpath("//aside") == []
    assert actor(web, dagbok_person="kari.nes") == "tor.lie"
