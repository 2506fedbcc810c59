"""What ASVS asks of the login that no other test looks at (docs/asvs.md)."""

from __future__ import annotations

from datetime import timedelta

from lxml import html

from api.login import codes
from tests.fixtures_web import API
from tests.login.town import Town, town
from tests.rights.operations import OPEN, TABLE

__all__ = ["town"]

LONG = "en hest og en ku og en gris og en hund og en katt og en mus i skogen"


def test_passwords_are_hidden_and_may_be_pasted(town: Town) -> None:
    inside = town.logged_in("siv.moe")
    pages = {
        "/login": town.browser(),
        "/login/again": inside,
        "/session": inside,
        f"/login/set-up?link={town.link('per.nes')}": town.browser(),
    }
    seen = 0
    for path, browser in pages.items():
        for field in html.document_fromstring(browser.get(path).text).xpath(
            "//input[contains(@name, 'password') or @name='repeated']"
        ):
            seen += 1
            assert field.get("type") == "password"
            assert field.get("autocomplete") in ("current-password", "new-password")
            assert not [name for name in field.attrib if name.startswith("on") or name == "readonly"], "nothing stops a paste"
    assert seen == 7


def test_a_password_of_sixty_four_characters_is_taken_and_never_runs_out(town: Town) -> None:
    assert len(LONG) > 64
    town.browser().set_up("siv.moe", town.link("siv.moe"), LONG)
    town.clock.move_to(town.clock.now() + timedelta(days=1_500))
    assert town.browser().log_in("siv.moe", LONG).status_code == 303
    assert town.browser().log_in("siv.moe", LONG[:64]).status_code == 403


def test_no_account_is_there_from_the_beginning(town: Town) -> None:
    for user_name in ("root", "admin", "sa", "dagbok", "anne.berg", "service:import", ""):
        for password in ("", "admin", "password", user_name):
            assert town.browser().log_in(user_name, password, "000000").status_code in (403, 429)
    with town.installation_owner() as owner:
        assert owner.execute(f"select count(*) from {town.tenant.name}_login.account").fetchone() == (0,)


def test_there_are_no_hints_and_no_questions(town: Town) -> None:
    for path, fields in (
        ("/login", {"user_name", "password", "code", "token", "once", "next"}),
        (f"/login/set-up?link={town.link('per.nes')}", {"link", "user_name", "password", "repeated", "code", "token", "once"}),
    ):
        page = html.document_fromstring(town.browser().get(path).text)
        assert set(page.xpath("//main//input/@name")) <= fields


def test_recovery_codes_are_long_random_and_kept_as_digests(town: Town) -> None:
    made = [code for _ in range(50) for code in codes.recovery_codes()]
    assert len(set(made)) == len(made)
    assert {len(code.replace("-", "")) * 5 for code in made} == {120}, "bits: above the 112 from which a plain hash is enough"
    town.account("siv.moe")
    with town.installation_owner() as owner:
        kept = owner.execute(f"select t::text from {town.tenant.name}_login.recovery_code t").fetchall()
    assert kept
    shown = {code.replace("-", "") for code in town.recovery["siv.moe"]}
    assert not [row for (row,) in kept for code in shown if code in row]


def test_no_way_in_is_there_that_is_not_written_down(town: Town) -> None:
    """Without a session and without a token every operation but the open ones leads to the login, or is refused as 401."""
    tried = 0
    for row in TABLE:
        if row.open_to == OPEN or row.method != "GET" or row.names - {"position"}:
            continue
        tried += 1
        answer = town.browser().client.request(row.method, row.address({"position": "1"}), follow_redirects=False)
        assert answer.status_code in (401, 303), row
        assert answer.status_code == 401 or answer.headers["location"].startswith("/login"), row
    assert tried > 30
    for name, value in (("X-Forwarded-User", "siv.moe"), ("Remote-User", "siv.moe"), ("Authorization", "Basic c2l2Lm1vZTp4")):
        assert town.browser().client.get(f"{API}/cases", headers={name: value}).status_code == 401


def test_every_page_has_the_way_out(town: Town) -> None:
    browser = town.logged_in("anne.berg")
    pages = [
        row for row in TABLE if row.method == "GET" and not row.names and not row.path.startswith(("/api", "/login", "/metrics"))
    ]
    seen = 0
    for row in pages:
        answer = browser.get(row.path)
        if "text/html" in answer.headers.get("content-type", "") and answer.status_code == 200:
            seen += 1
            assert html.document_fromstring(answer.text).xpath("//form[@action='/logout']//button[@type='submit']"), row.path
    assert seen > 12


def test_ending_other_sessions_wants_a_fresh_login(town: Town) -> None:
    first, second = town.logged_in("siv.moe"), town.logged_in("siv.moe")
    token = second.token("/session")
    town.clock.move_to(town.clock.now() + timedelta(minutes=20))
    answer = second.client.post("/session/end-others", data={"token": token}, follow_redirects=False)
    assert answer.headers["location"].startswith("/login/again")
    assert first.is_in()
