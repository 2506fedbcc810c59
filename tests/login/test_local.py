"""Local accounts: a password and a code that nobody used before, or nothing; and limits that close nobody out for good."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from api.login import codes, passwords
from domain.model.errors import Refused
from tests.login.town import PASSWORD, Town


def refusal(answer: Any, code: str) -> bool:
    """Whether a page says why not, by the words of a code."""
    words = {
        "refused": "Brukernavnet, passordet eller koden er feil",
        "throttled": "For mange forsøk har feilet",
        "no_right": "Du har ingen rettigheter her i dag",
        "link": "Lenken er brukt, erstattet eller for gammel",
        "code": "Koden er ikke den som generatoren viser nå",
        "short": "Passordet må ha minst 12",
        "common": "blant dem som alle prøver først",
        "repeated": "De to passordene er ikke like",
        "expired": "skjema",
    }
    assert 400 <= answer.status_code < 500, answer.status_code
    return words[code] in answer.text


def test_somebody_sets_up_an_account_and_logs_in(town: Town) -> None:
    town.account("siv.moe")
    browser = town.browser()
    assert not browser.is_in()
    answer = browser.log_in("siv.moe", onward="/journal?q=naust")
    assert (answer.status_code, answer.headers["location"]) == (303, "/journal?q=naust")
    assert browser.is_in()
    page = browser.get("/journal")
    assert page.status_code == 200
    assert "Siv Moe" in page.text


@pytest.mark.parametrize("wrong", ["password", "code", "user", "empty", "other's code", "rights"])
def test_what_is_wrong_is_refused_in_the_same_words(town: Town, wrong: str) -> None:
    town.account("siv.moe")
    browser = town.browser()
    given = {"user_name": "siv.moe", "password": PASSWORD}
    code = town.code("siv.moe")
    if wrong == "password":
        given["password"] = "Heldig hest under furua"
    elif wrong == "code":
        code = f"{(int(code) + 1) % 1_000_000:06}"
    elif wrong == "user":
        given["user_name"] = "nobody.known"
    elif wrong == "empty":
        given = {"user_name": "", "password": ""}
    elif wrong == "other's code":
        code = codes.code_at(b"another secret 12345", codes.step_of(town.clock.now()))
    elif wrong == "rights":
        town.stop("siv.moe")
    answer = browser.log_in(given["user_name"], given["password"], code)
    assert refusal(answer, "no_right" if wrong == "rights" else "refused")
    assert not browser.session()
    assert not browser.is_in()
    reasons = [fact["reason"] for _, fact, _ in town.facts("login.refused.v1")]
    assert reasons == ["no-right" if wrong == "rights" else "credentials"]


def test_a_code_is_good_once_and_for_a_minute(town: Town) -> None:
    town.account("siv.moe")
    browser, other = town.browser(), town.browser()
    code = town.code("siv.moe")
    assert browser.log_in("siv.moe", code=code).status_code == 303
    assert refusal(other.log_in("siv.moe", code=code), "refused")
    step = codes.step_of(town.clock.now())
    before = codes.code_at(town.secrets["siv.moe"], step - 1)  # older than the one used: not taken any more
    assert refusal(other.log_in("siv.moe", code=before), "refused")
    late = town.code("siv.moe")
    town.clock.move_to(town.clock.now() + timedelta(seconds=2 * codes.STEP_S))
    assert refusal(other.log_in("siv.moe", code=late), "refused")
    assert other.log_in("siv.moe").status_code == 303


def test_a_recovery_code_is_good_once_and_only_with_the_password(town: Town) -> None:
    town.account("siv.moe")
    first, second = town.recovery["siv.moe"][:2]
    browser = town.browser()
    assert refusal(browser.log_in("siv.moe", "another password", first), "refused")
    assert browser.log_in("siv.moe", code=first.upper()).status_code == 303
    assert "9" in browser.get("/session").text
    assert refusal(town.browser().log_in("siv.moe", code=first), "refused")
    assert town.browser().log_in("siv.moe", code=second).status_code == 303


def test_a_link_is_good_once_for_a_day_and_voids_the_one_before(town: Town) -> None:
    old, new = town.link("siv.moe"), town.link("siv.moe")
    browser = town.browser()
    assert refusal(browser.get(f"/login/set-up?link={old}"), "link")
    assert browser.get(f"/login/set-up?link={new}").status_code == 200
    browser.set_up("siv.moe", new)
    assert refusal(browser.get(f"/login/set-up?link={new}"), "link")
    late = town.link("siv.moe")
    town.clock.move_to(town.clock.now() + timedelta(hours=24))
    assert refusal(browser.get(f"/login/set-up?link={late}"), "link")
    for made_up in ("", "x", "A" * 43):
        assert refusal(browser.get(f"/login/set-up?link={made_up}"), "link")


@pytest.mark.parametrize(
    ("password", "told"),
    [
        ("kort passord"[:11], "short"),
        ("qwerty123456", "common"),
        ("Password2036!!", "common"),
        ("sivmoe-fjordvik", "common"),
        ("aaaaaaaaaaaaaaaa", "common"),
        ("123456789012345", "common"),
        ("dragondragon", "common"),
    ],
)
def test_a_password_that_everybody_tries_is_refused(town: Town, password: str, told: str) -> None:
    link = town.link("siv.moe")
    browser = town.browser()
    page = f"/login/set-up?link={link}"
    answer = browser.send(page, "/login/set-up", link=link, password=password, repeated=password, code="000000")
    assert refusal(answer, told)
    browser.set_up("siv.moe", link)  # the link is not used up by it


def test_setting_up_wants_the_password_twice_and_the_generators_code(town: Town) -> None:
    link = town.link("siv.moe")
    browser, page = town.browser(), f"/login/set-up?link={link}"
    sent = {"link": link, "password": PASSWORD, "repeated": PASSWORD + "x", "code": "000000"}
    assert refusal(browser.send(page, "/login/set-up", **sent), "repeated")
    assert refusal(browser.send(page, "/login/set-up", **{**sent, "repeated": PASSWORD}), "code")
    assert not town.logins.accounts.has(town.house.people["siv.moe"])


def test_a_new_account_ends_the_old_one_and_its_sessions(town: Town) -> None:
    browser = town.logged_in("siv.moe")
    old = town.secrets["siv.moe"]
    town.browser().set_up("siv.moe", town.link("siv.moe"), "en helt annen setning")
    assert not browser.is_in()
    assert refusal(town.browser().log_in("siv.moe"), "refused")
    code = codes.code_at(old, codes.step_of(town.clock.now()) + 1)
    assert refusal(town.browser().log_in("siv.moe", "en helt annen setning", code), "refused")
    assert town.browser().log_in("siv.moe", "en helt annen setning").status_code == 303


def test_strangers_cannot_close_an_account_for_a_browser_it_knows(town: Town) -> None:
    owner, stranger = town.logged_in("siv.moe"), town.browser()
    assert owner.send("/session", "/logout").status_code == 303
    answers = [stranger.log_in("siv.moe", "wrong wrong wrong", "000000") for _ in range(6)]
    assert [answer.status_code for answer in answers] == [403] * 5 + [429]
    assert refusal(answers[-1], "throttled")
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 31
    assert refusal(town.browser().log_in("siv.moe", code="000000"), "throttled")
    assert owner.log_in("siv.moe").status_code == 303, "the owner's browser has a counter of its own"


def test_a_closed_account_opens_by_itself_and_tries_against_it_do_not_prolong_it(town: Town) -> None:
    town.account("siv.moe")
    stranger = town.browser()
    until = 0
    for _ in range(12):  # each failure once it is open again, until the longest wait
        answer = stranger.log_in("siv.moe", "wrong wrong wrong", "000000")
        if answer.status_code == 429:
            wait = int(answer.headers["retry-after"])
            assert wait <= 15 * 60 + 1
            again = stranger.log_in("siv.moe", "wrong wrong wrong", "000000")
            assert int(again.headers["retry-after"]) <= wait
            until = max(until, wait)
            town.clock.move_to(town.clock.now() + timedelta(seconds=wait))
    assert until > 60
    town.clock.move_to(town.clock.now() + timedelta(minutes=15))
    assert town.browser().log_in("siv.moe").status_code == 303


def test_an_unknown_user_is_limited_just_as_a_known_one(town: Town) -> None:
    town.account("siv.moe")
    known = [town.browser().log_in("siv.moe", "wrong wrong wrong", "000000") for _ in range(6)]
    unknown = [town.browser().log_in("no.body", "wrong wrong wrong", "000000") for _ in range(6)]
    assert [one.status_code for one in known] == [one.status_code for one in unknown] == [403] * 5 + [429]


def test_an_address_that_fails_for_many_accounts_is_closed(town: Town) -> None:
    town.account("siv.moe")
    stranger = town.browser()
    for number in range(30):
        assert stranger.log_in(f"no.body{number}", "wrong", "000000").status_code == 403
    assert refusal(stranger.log_in("siv.moe", code="000000"), "throttled")
    elsewhere = town.browser(client=("198.51.100.7", 1))
    assert elsewhere.log_in("siv.moe").status_code == 303


def test_stored_credentials_are_no_ones_to_read(town: Town) -> None:
    town.logged_in("siv.moe")
    with town.installation_owner() as owner:
        row = owner.execute(f"select password, secret from {town.tenant.name}_login.account").fetchone()
        session = owner.execute(f"select token from {town.tenant.name}_login.session").fetchone()[0]
    assert row[0].startswith("$argon2id$")
    assert town.secrets["siv.moe"] not in bytes(row[1])
    assert len(bytes(session)) == 32
    other = str(town.house.people["per.nes"])
    assert town.logins.store.unsealed(bytes(row[1]), other) is None
    assert town.logins.store.unsealed(bytes(row[1]), str(town.house.people["siv.moe"])) == town.secrets["siv.moe"]


def test_one_persons_password_is_hashed_otherwise_each_time() -> None:
    first, second = passwords.hashed(PASSWORD), passwords.hashed(PASSWORD)
    assert first != second
    assert passwords.matches(PASSWORD, first)
    assert not passwords.matches(PASSWORD + " ", first)
    assert not passwords.matches(PASSWORD, None)


@pytest.mark.parametrize("good", ["en hest i skogen der", "correct horse battery", "Blåbærsyltetøy på torsdag", "x8!kQ-2mmPz#4"])
def test_a_password_of_ones_own_is_taken(good: str) -> None:
    passwords.check(good, ("siv.moe", "Siv Moe", "Fjordvik kommune"))


def test_a_password_that_is_too_long_is_refused() -> None:
    with pytest.raises(Refused, match="short"):
        passwords.check("x y" * 100)
