"""A session in one process, a stop made by another: the right is lost at the next request, and who has none left is told so."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from multiprocessing.connection import Connection
from typing import Any
from uuid import UUID

import pytest
from lxml import html

from domain.handlers import rights
from domain.handlers.gate import Actor
from domain.handlers.work import Context, run
from domain.ledger.blobs import Folder
from domain.ledger.clock import SetClock
from domain.ledger.identity import new_id
from domain.ledger.keys import Keys
from domain.ledger.ledger import Ledger
from domain.ledger.reader import Reader
from domain.ledger.writer import Writer
from domain.model.ordering import OrderRights
from domain.model.rights_change import STOP
from tests.fixtures_web import API
from tests.ledger import racing
from tests.ledger.racing import Place
from tests.login.town import Browser, Town
from tools.demo.staff import STAFF, Hired

ROUNDS = 6
ENDED = {
    "nb": "Du er logget ut: du har ingen rettigheter som gjelder nå. Be lederen din",
    "en": "You are logged out: you have no rights in force now. Ask your manager",
}


def stops(place: Place, line: Connection) -> None:
    """A process of its own: stops rights as it is told (now, by, person, unit, orders), and says when that is in the log."""
    clock = SetClock(datetime(2036, 1, 1, tzinfo=UTC), running=False)
    writer, reader = Writer(place.writer, place.tenant, clock), Reader(place.reader, place.tenant, size=2)
    ledger = Ledger(place.tenant, writer, reader, clock, Keys(place.data / "secrets"), Folder(place.data / "blobs"))
    try:
        while (told := line.recv()) is not None:
            now, by, person, unit, orders = told
            clock.move_to(now)
            today: date = now.date()
            wanted = OrderRights(new_id(), STOP, unit, today, today - timedelta(days=2), "Sluttet", replaces=orders)
            command = rights.Stop(person, wanted)
            run(ledger, Context(Actor(by)), (), lambda work, command=command: rights.stop(work, command))  # type: ignore[misc]
            line.send(True)
    finally:
        ledger.close()


class Elsewhere:
    """The other process."""

    def __init__(self, town: Town, line: Connection) -> None:
        self._town = town
        self._line = line

    def begin(self, user_name: str, unit: str, *orders: UUID) -> None:
        """Have Anne stop somebody there, without waiting for it."""
        house = self._town.house
        by, person = str(house.people["anne.berg"]), house.people[user_name]
        self._line.send((self._town.clock.now(), by, person, house.units[unit], orders))

    def done(self, timeout_s: float = 0.0) -> bool:
        """Whether the stop stands in the log."""
        return self._line.poll(timeout_s) and bool(self._line.recv())

    def stop(self, user_name: str, unit: str, *orders: UUID) -> None:
        """Have Anne stop somebody there."""
        self.begin(user_name, unit, *orders)
        assert self.done(30)


@pytest.fixture
def elsewhere(town: Town) -> Iterator[Elsewhere]:
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=stops, args=(racing.place(town.one), theirs))
    process.start()
    yield Elsewhere(town, ours)
    ours.send(None)
    process.join(30)
    assert process.exitcode == 0


def hired(user_name: str) -> Hired:
    return next(one for one in STAFF if one.user_name == user_name)


def words(answer: Any) -> str:
    (main,) = html.document_fromstring(answer.text).xpath("//main")
    return " ".join(main.text_content().split())


def case_form(browser: Browser) -> dict[str, str]:
    """A filled-in form for a new case, on a page that stands open."""
    return {"token": browser.token("/cases/new"), "title": "Sak om naust"}


@pytest.mark.parametrize("language", ENDED)
def test_the_session_ends_with_words_at_the_next_request(town: Town, elsewhere: Elsewhere, language: str) -> None:
    browser, other = town.logged_in("siv.moe"), town.logged_in("per.nes")
    browser.client.headers["accept-language"] = language
    assert browser.get("/journal").status_code == 200
    elsewhere.stop("siv.moe", "Arkiv")
    answer = browser.get("/journal")
    assert (answer.status_code, answer.headers["location"]) == (303, "/login?next=/journal&ended=right_ended")
    assert ENDED[language] in words(browser.get(answer.headers["location"]))
    assert browser.get("/journal").headers["location"] == "/login?next=/journal", "it is told once"
    assert other.is_in()
    assert [fact["reason"] for _, fact, _ in town.facts("login.logged-out.v1")] == ["no-right"]


def test_an_open_page_is_worth_nothing_after_the_stop(town: Town, elsewhere: Elsewhere) -> None:
    browser = town.logged_in("siv.moe")
    fields = case_form(browser)
    elsewhere.stop("siv.moe", "Arkiv")
    before = town.tenant.ledger.reader.head().position
    sent = browser.client.post("/cases", data=fields, headers={"referer": "http://testserver/cases/new"}, follow_redirects=False)
    assert (sent.status_code, sent.headers["location"]) == (303, "/login?next=/cases/new&ended=right_ended")
    assert town.tenant.ledger.reader.head().position == before


def test_rest_says_it_too(town: Town, elsewhere: Elsewhere) -> None:
    browser = town.logged_in("siv.moe")
    assert browser.get(f"{API}/cases").status_code == 200
    elsewhere.stop("siv.moe", "Arkiv")
    answers = [browser.get(f"{API}/cases") for _ in range(2)]
    assert [one.status_code for one in answers] == [401, 401]
    assert [one.json()["code"] for one in answers] == ["login.right_ended", "login.required"]
    assert "WWW-Authenticate" in answers[0].headers


def test_one_right_is_lost_and_the_session_goes_on_with_the_others(town: Town, elsewhere: Elsewhere) -> None:
    more = replace(hired("per.nes"), roles=("archivist",))
    order = town.house.hire(more)
    browser = town.logged_in("per.nes")
    assert (browser.get("/rights/inbox").status_code, browser.is_in()) == (200, True)
    elsewhere.stop("per.nes", "Teknisk", order)
    assert (browser.get("/rights/inbox").status_code, browser.is_in()) == (403, True)
    assert browser.get("/journal").status_code == 200


def test_a_last_day_that_is_over_ends_the_session(town: Town) -> None:
    order = town.house.order(hired("siv.moe"), change=STOP, last_day=town.house.today)
    person = town.house.people["siv.moe"]
    town.house.act("anne.berg", lambda work: rights.stop(work, rights.Stop(person, order)))
    midnight = datetime.combine(town.house.today, time(22), UTC)  # in June
    town.clock.move_to(midnight - timedelta(minutes=20))
    browser = town.logged_in("siv.moe")
    town.clock.move_to(midnight - timedelta(seconds=1))
    assert browser.get("/journal").status_code == 200
    town.clock.move_to(midnight)
    assert browser.get("/journal").headers["location"] == "/login?next=/journal&ended=right_ended"


def test_an_unused_session_ends_with_other_words(town: Town) -> None:
    browser = town.logged_in("siv.moe")
    town.clock.move_to(town.clock.now() + timedelta(hours=2))
    answer = browser.get("/journal")
    assert answer.headers["location"] == "/login?next=/journal&ended=over"
    assert "økten varte for lenge" in words(browser.get(answer.headers["location"]))


def test_the_login_says_nothing_else_that_an_address_asks_for(town: Town) -> None:
    browser = town.browser()
    plain = words(browser.get("/login"))
    for asked in ("required", "refused", "<b>", "right_ended.way_out"):
        assert words(browser.get(f"/login?ended={asked}")) == plain


def test_no_answer_after_the_stop(town: Town, elsewhere: Elsewhere) -> None:
    asked = 0
    for _ in range(ROUNDS):
        browser = town.logged_in("siv.moe")
        assert browser.get("/journal").status_code == 200
        elsewhere.begin("siv.moe", "Arkiv")
        statuses, stopped = [], False
        while not stopped:
            stopped = elsewhere.done()  # from here on the log holds it
            statuses.append(browser.get("/journal").status_code)
        assert statuses[-1] == 303, "the first request after the stop"
        served = statuses.index(next(status for status in statuses if status != 200))
        # 403: the stop came between the look at the session and the gate
        assert set(statuses[served:]) <= {303, 403}
        asked += len(statuses)
        town.house.hire(hired("siv.moe"))
    assert asked >= ROUNDS
