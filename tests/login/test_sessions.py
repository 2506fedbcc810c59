"""Sessions: what begins them, what they allow, and everything that ends them."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import psycopg
import pytest
from lxml import html

from api.login import fresh, invitations
from api.requests import Caller
from domain.handlers import rights
from domain.model.errors import Refused
from tests.fixtures_web import API, Web
from tests.login.town import PASSWORD, Town
from tools.demo.staff import Hired

# one more role for an archivist, as her manager orders it
MORE = Hired("siv.moe", "Siv Moe", "arkivar", "Arkiv", ("user-administrator",), "anne.berg", "tor.lie")


def test_a_page_leads_to_the_login_and_back(town: Town) -> None:
    answer = town.browser().get("/journal?q=naust&status=J")
    assert (answer.status_code, answer.headers["location"]) == (303, "/login?next=/journal%3Fq%3Dnaust%26status%3DJ")
    for foreign in ("https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"):
        page = html.document_fromstring(town.browser().get("/login", params={"next": foreign}).text)
        assert page.xpath("//main//form//input[@name='next']/@value") == ["/"]
    town.account("siv.moe")
    browser = town.browser()
    assert browser.log_in("siv.moe", onward="//evil.example/").headers["location"] == "/"


def test_a_municipality_under_a_prefix_has_its_own_login(town: Town) -> None:
    prefix = f"/t/{town.tenant.name}"
    answer = town.browser().get(f"{prefix}/journal?q=x")
    assert (answer.status_code, answer.headers["location"]) == (303, f"{prefix}/login?next=/journal%3Fq%3Dx")
    town.account("siv.moe")
    browser = town.browser()
    fields = {"user_name": "siv.moe", "password": PASSWORD, "code": town.code("siv.moe"), "next": "/journal"}
    assert browser.send(f"{prefix}/login", f"{prefix}/login", **fields).headers["location"] == f"{prefix}/journal"
    assert browser.get(f"{prefix}/journal").status_code == 200


def test_a_form_sent_too_late_leads_back_to_its_page(town: Town) -> None:
    referer = {"Referer": "http://testserver/cases/new?from=x"}
    answer = town.browser().client.post("/cases", data={}, headers=referer, follow_redirects=False)
    assert answer.headers["location"] == "/login?next=/cases/new%3Ffrom%3Dx"
    foreign = {"Referer": "http://evil.example/cases/new"}
    answer = town.browser().client.post("/cases", data={}, headers=foreign, follow_redirects=False)
    assert answer.headers["location"] == "/login?next=/"
    piece = town.browser().get("/journal", headers={"HX-Request": "true"})
    assert (piece.status_code, piece.headers["hx-redirect"]) == (401, "/login?next=/journal")


def test_rest_answers_401_in_words(town: Town) -> None:
    answer = town.browser().get(f"{API}/cases")
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"] == 'Session realm="dagbok"'
    assert answer.json()["code"] == "login.required"


def test_a_stranger_is_shown_nothing_of_the_ledger(town: Town) -> None:
    page = town.browser().get("/login").text
    head = town.tenant.ledger.reader.head()
    assert head.chain_hash.hex()[:12] not in page
    assert "<nav" not in page
    assert 'role="search"' not in page


def test_the_setting_for_who_acts_counts_no_more(town: Town) -> None:
    town.installation.settings.actor = "siv.moe"
    assert town.browser().get(f"{API}/cases").status_code == 401


def test_the_cookie_is_for_no_script_and_no_other_site(town: Town) -> None:
    town.account("siv.moe")
    cookies = town.browser().log_in("siv.moe").headers.get_list("set-cookie")
    (session,) = [one for one in cookies if one.startswith("dagbok_session_")]
    assert "HttpOnly" in session
    assert "SameSite=lax" in session
    assert "Path=/" in session
    assert "expires" not in session.lower()
    assert "Domain" not in session
    value = session.partition("=")[2].partition(";")[0]
    assert len(value) == 43, "256 bits"
    others = [one for one in cookies if not one.startswith("dagbok_session_")]
    assert all("HttpOnly" in one and "SameSite=strict" in one for one in others)


def test_behind_tls_every_cookie_is_for_tls_alone(town: Town) -> None:
    town.account("siv.moe")
    browser = town.browser(base_url="https://testserver")
    cookies = browser.log_in("siv.moe").headers.get_list("set-cookie")
    assert cookies
    assert all("Secure" in one for one in cookies)
    assert [one for one in cookies if one.startswith("__Host-dagbok_session_")]
    assert browser.is_in()
    town.installation.settings.public_url = "https://arkiv.fjordvik.kommune.no"  # what stands before us ends TLS
    plain = town.browser().log_in("siv.moe").headers.get_list("set-cookie")
    assert all("Secure" in one for one in plain)


def test_a_session_that_was_there_before_the_login_is_not_the_one_after_it(town: Town) -> None:
    """Fixation: an attacker who plants a session of his own does not share the victim's."""
    town.account("siv.moe")
    attacker = town.logged_in("per.nes")
    victim = town.browser()
    victim.hold(attacker.session())
    assert victim.is_in()
    assert victim.send("/session", "/logout").status_code == 303
    assert not attacker.is_in()
    victim.hold("A" * 43)
    assert victim.log_in("siv.moe").status_code == 303
    assert victim.session() not in ("", "A" * 43)
    fixed = town.browser()
    fixed.hold("A" * 43)
    assert not fixed.is_in()


@pytest.mark.parametrize("cookie", ["", "x", "A" * 43, "A" * 5_000, "' or 1=1 --"])
def test_a_made_up_cookie_is_nobodys(town: Town, cookie: str) -> None:
    town.logged_in("siv.moe")
    browser = town.browser()
    browser.hold(cookie)
    assert not browser.is_in()


def test_what_is_stored_is_not_what_the_browser_holds(town: Town) -> None:
    browser = town.logged_in("siv.moe")
    with town.installation_owner() as owner:
        stored = owner.execute(f"select token from {town.tenant.name}_login.session").fetchone()[0]
    browser.hold(bytes(stored).hex())
    assert not browser.is_in()


def test_the_role_of_the_pages_reaches_no_session(town: Town) -> None:
    town.logged_in("siv.moe")
    for kind in ("web", "reader", "writer", "work"):
        with psycopg.connect(town.installation.role_dsn(town.tenant.name, kind), autocommit=True) as connection:
            for statement in ("select * from {}.session", "select * from {}.account", "delete from {}.session"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(statement.format(f"{town.tenant.name}_login"))
    with psycopg.connect(town.installation.role_dsn(town.tenant.name, "login"), autocommit=True) as connection:
        assert connection.execute(f"select count(*) from {town.tenant.name}_login.session").fetchone() == (1,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(f"select 1 from {town.tenant.name}.event")


def test_logging_out_ends_it_on_the_server(town: Town) -> None:
    browser = town.logged_in("siv.moe")
    held = browser.session()
    answer = browser.send("/session", "/logout")
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")
    assert not browser.session()
    thief = town.browser()
    thief.hold(held)
    assert not thief.is_in()
    assert [fact["reason"] for _, fact, _ in town.facts("login.logged-out.v1")] == ["self"]


@pytest.mark.parametrize(("step_minutes", "steps", "reason"), [(60, 1, "idle"), (59, 13, "absolute")])
def test_a_session_ends_unused_and_in_any_case(town: Town, step_minutes: int, steps: int, reason: str) -> None:
    browser = town.logged_in("siv.moe")
    for _ in range(steps - 1):
        town.clock.move_to(town.clock.now() + timedelta(minutes=step_minutes))
        still = browser.is_in()
    assert steps == 1 or still
    town.clock.move_to(town.clock.now() + timedelta(minutes=step_minutes))
    assert not browser.is_in()
    assert [fact["reason"] for _, fact, _ in town.facts("login.logged-out.v1")] == [reason]


def test_a_session_in_use_does_not_end(town: Town) -> None:
    browser = town.logged_in("siv.moe")
    for _ in range(5):
        town.clock.move_to(town.clock.now() + timedelta(minutes=59))
        assert browser.is_in()


def test_a_stopped_right_is_lost_at_the_next_request(town: Town) -> None:
    browser, other = town.logged_in("siv.moe"), town.logged_in("per.nes")
    assert browser.get("/journal").status_code == 200
    town.stop("siv.moe")
    answer = browser.get("/journal")
    assert (answer.status_code, answer.headers["location"]) == (303, "/login?next=/journal&ended=right_ended")
    assert browser.get(f"{API}/cases").status_code == 401
    assert other.is_in()
    assert [fact["reason"] for _, fact, _ in town.facts("login.logged-out.v1")] == ["no-right"]


def test_everywhere_else_is_logged_out(town: Town) -> None:
    first, second, other = town.logged_in("siv.moe"), town.logged_in("siv.moe"), town.logged_in("per.nes")
    assert second.get("/session").text.count("<tr><td>") == 2
    assert second.send("/session", "/session/end-others").status_code == 303
    assert (first.is_in(), second.is_in(), other.is_in()) == (False, True, True)


def test_another_password_ends_the_other_sessions_and_the_old_one(town: Town) -> None:
    first, second = town.logged_in("siv.moe"), town.logged_in("siv.moe")
    held = second.session()
    wanted = "en ny og lang setning"
    fields = {"password": PASSWORD, "new_password": wanted, "repeated": wanted}
    wrong = second.send("/session", "/session/password", **{**fields, "password": "x" * 12}, code=town.code("siv.moe"))
    assert wrong.status_code == 403
    short = second.send(
        "/session", "/session/password", **{**fields, "new_password": "x", "repeated": "x"}, code=town.code("siv.moe")
    )
    assert short.status_code == 422
    assert first.is_in()
    done = second.send("/session", "/session/password", **fields, code=town.code("siv.moe"))
    assert done.status_code == 303
    assert (first.is_in(), second.is_in()) == (False, True)
    assert second.session() != held
    assert town.browser().log_in("siv.moe").status_code == 403
    assert town.browser().log_in("siv.moe", wanted).status_code == 303


def test_an_administrator_logs_somebody_out(town: Town) -> None:
    browser = town.logged_in("siv.moe")
    ledger = town.tenant.ledger
    with pytest.raises(Refused, match="access"):
        invitations.end_sessions(ledger, town.logins, town.house.actor("per.nes"), town.house.people["siv.moe"])
    assert browser.is_in()
    assert invitations.end_sessions(ledger, town.logins, town.house.actor("nina.sol"), town.house.people["siv.moe"]) == 1
    assert not browser.is_in()


def test_forms_of_the_login_carry_the_mark_of_the_browser(town: Town) -> None:
    town.account("siv.moe")
    browser, other = town.browser(), town.browser()
    token = other.token("/login")
    fields = {"user_name": "siv.moe", "password": PASSWORD, "code": town.code("siv.moe"), "next": "/"}
    for bad in ("", "x", token):
        answer = browser.client.post("/login", data={**fields, "token": bad}, follow_redirects=False)
        assert answer.status_code == 403
    assert browser.client.post("/login", data=fields, headers={"Origin": "https://evil.example"}).status_code == 403
    assert browser.send("/login", "/login", **fields).status_code == 303  # the control: the code was not used up
    logged_in = town.logged_in("per.nes")
    for path in ("/logout", "/session/profile", "/session/end-others", "/session/password"):
        assert logged_in.client.post(path, data={"token": "x"}, follow_redirects=False).status_code == 403
    assert logged_in.is_in()


def test_a_decision_wants_a_login_of_ten_minutes(town: Town) -> None:
    browser = town.logged_in("anne.berg")
    site = town.app.state.site

    def deciding() -> None:
        session = town.logins.find(browser.session())
        assert session is not None
        me = Caller(site, town.tenant, town.logins.actor(session), site.catalogues.texts("nb"), "", "", session=session)
        fresh.require_fresh_login(me)

    deciding()
    town.clock.move_to(town.clock.now() + timedelta(minutes=10))
    with pytest.raises(Refused, match=r"login\.stale"):
        deciding()
    held = browser.session()
    wrong = browser.send("/login/again", "/login/again", password=PASSWORD, code="000000", next="/log")
    assert wrong.status_code == 403
    with pytest.raises(Refused, match=r"login\.stale"):
        deciding()
    right = browser.send("/login/again", "/login/again", password=PASSWORD, code=town.code("anne.berg"), next="/log")
    assert (right.status_code, right.headers["location"]) == (303, "/log")
    deciding()
    assert browser.session() != held, "rotated"
    thief = town.browser()
    thief.hold(held)
    assert not thief.is_in()
    (fact,) = [fact for _, fact, _ in town.facts("login.stepped-up.v1")]
    assert fact["person"] == str(town.house.people["anne.berg"])


def test_an_order_is_controlled_by_a_fresh_login_alone(town: Town) -> None:
    person, wanted = town.house.people["siv.moe"], town.house.order(MORE)
    town.house.act("anne.berg", lambda work: rights.order(work, rights.Order(person, wanted)))
    browser = town.logged_in("tor.lie")
    path = f"{API}/people/{person}/orders/{wanted.order}/answers"
    town.clock.move_to(town.clock.now() + timedelta(minutes=10))
    stale = browser.client.post(path, json={"answer": "control"})
    assert (stale.status_code, stale.json()["code"]) == (401, "login.stale")
    assert 'error="insufficient_user_authentication", max_age=600' in stale.headers["www-authenticate"]  # RFC 9470
    fields = {"password": PASSWORD, "code": town.code("tor.lie"), "next": "/"}
    assert browser.send("/login/again", "/login/again", **fields).status_code == 303
    done = browser.client.post(path, json={"answer": "control"})
    assert done.status_code == 201, done.text


def test_nobody_steps_up_without_being_in(town: Town) -> None:
    assert town.browser().get("/login/again").headers["location"].startswith("/login?next=")


def test_facts_of_a_login_name_nobody_and_no_address(town: Town) -> None:
    browser = town.logged_in("siv.moe")
    browser.send("/session", "/logout")
    town.browser().log_in("siv.moe", "wrong wrong wrong", "000000")
    found = town.facts("login.logged-in.v1", "login.logged-out.v1", "login.refused.v1", "login.account-set.v1")
    assert len(found) == 4
    person = str(town.house.people["siv.moe"])
    for topic, fact, envelope in found:
        assert fact["person"] == person
        assert envelope["actor"] == ("dagbok" if topic == "login.refused.v1" else person)
        assert "siv" not in str(fact).lower()
        assert "testclient" not in str(fact)
    logged_in = next(fact for topic, fact, _ in found if topic == "login.logged-in.v1")
    assert logged_in["amr"] == ["pwd", "otp", "mfa"]
    assert len(logged_in["address"]) == 64


def test_an_act_names_the_login_that_it_was_done_in(town: Town) -> None:
    browser = town.logged_in("siv.moe")
    unit = str(town.house.units["Teknisk"])
    made = browser.client.post(
        f"{API}/cases", json={"title": "Sak", "administrative_unit": {"name": "Teknisk", "identifier": unit}}
    )
    assert made.status_code == 201, made.text
    (login,) = [one.envelope.login for one in town.tenant.ledger.reader.stream(UUID(made.json()["id"]))][:1]
    with town.installation_owner() as owner:
        chain, _, position = str(login).partition("#")
        row = owner.execute(f"select schema from {town.tenant.name}.ledger_chain where chain_id = %s", (chain,)).fetchone()
        topic = owner.execute(f"select topic from {row[0]}.event where position = %s", (int(position),)).fetchone()[0]
    assert topic == "login.logged-in.v1"


def test_the_profile_is_chosen_among_ones_own(town: Town) -> None:
    browser = town.logged_in("siv.moe")
    held = browser.session()
    for profile, acting_for in (("administration", ""), ("content", str(town.house.people["per.nes"])), ("content", "x")):
        answer = browser.send("/session", "/session/profile", profile=profile, acting_for=acting_for)
        assert answer.status_code == 403
    assert browser.session() == held
    both = town.house.order(MORE)
    person = town.house.people["siv.moe"]
    town.house.act("anne.berg", lambda work: rights.order(work, rights.Order(person, both)))
    town.house.act("tor.lie", lambda work: rights.answer(work, rights.Answer(rights.Answer.CONTROL, person, both.order)))
    assert browser.get("/journal").status_code == 200
    assert browser.send("/session", "/session/profile", profile="administration").status_code == 303
    assert browser.session() != held
    assert browser.get("/journal").status_code in (403, 404), "the administration profile reads no content (4.5.25)"
    assert browser.send("/session", "/session/profile", profile="content").status_code == 303
    assert browser.get("/journal").status_code == 200
    assert [fact["administers"] for _, fact, _ in town.facts("login.profile-chosen.v1")] == [True, False]


def test_nobody_makes_a_link_without_the_right_or_for_himself(town: Town) -> None:
    for by in ("per.nes", "rolf.eng", "anne.berg"):
        with pytest.raises(Refused, match="access"):
            town.link("siv.moe", by)
    with pytest.raises(Refused, match="not_for_oneself"):
        town.link("nina.sol", "nina.sol")
    with pytest.raises(Refused):
        town.link("siv.moe", "")  # the operator, for somebody who is not one of the two first
    assert town.link("anne.berg", "")
    town.account("anne.berg")
    with pytest.raises(Refused):
        town.link("anne.berg", "")  # nor for them, once they have one
    town.stop("per.nes")
    with pytest.raises(Refused, match="known_rights"):
        town.link("per.nes")
    invited = town.facts("login.account-invited.v1")
    assert [fact.get("by") for _, fact, _ in invited] == [None, str(town.house.people["nina.sol"])]


def test_before_rights_are_in_use_nobody_logs_in(web: Web) -> None:
    assert web.client.get("/", follow_redirects=False).status_code == 200
    for path in ("/login", "/login/again", "/login/oidc", "/login/callback", "/login/set-up"):
        answer = web.client.get(path, follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (303, "/"), path
    assert web.client.get("/session").status_code == 403


def test_where_the_access_log_is_away_nobody_is_let_in(town: Town) -> None:
    browser = town.logged_in("siv.moe")
    with town.installation_owner() as owner:
        (schema,) = owner.execute(
            f"select schema from {town.tenant.name}.ledger_chain where chain_id like '%/access/%'"
        ).fetchone()
        owner.execute(f"revoke insert on {schema}.event from {town.tenant.name}_writer")
        owner.execute(f"revoke execute on all functions in schema {schema} from {town.tenant.name}_writer")
        stranger = town.browser()
        assert stranger.log_in("siv.moe").status_code == 503
        assert not stranger.session()
        assert browser.is_in()
        assert browser.send("/session", "/logout").status_code == 303, "to log out is the safe direction"
        assert not browser.is_in()
