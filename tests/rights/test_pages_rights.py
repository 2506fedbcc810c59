"""Each page of rights as each role meets it, in both languages; what a person had on a day; the yearly review."""

from __future__ import annotations

from datetime import timedelta

import pytest
from lxml import html

from domain.model.matrix import ROLES
from tests.fixtures_web import Web
from tests.rights.town import Town, refused, words
from tools.demo.staff import STAFF

EVERYBODY = frozenset(one.user_name for one in STAFF)
LEADER, USERS, AUDITOR = "anne.berg", "nina.sol", "eli.rev"
MANAGERS = frozenset({"lars.dahl", "kari.aas", LEADER})
LEADERS = frozenset({LEADER, "tor.lie"})  # the deputy too
ARCHIVE = frozenset({LEADER, "tor.lie", "siv.moe"})
# Who opens what; everybody else is refused in words.
PAGES = {
    "/rights/me": EVERYBODY,
    "/rights/order": MANAGERS,
    "/rights/order?new=true": MANAGERS,
    "/rights/stop?person={per}": LEADERS | {"kari.aas", USERS},
    "/rights/handover?person={per}": ARCHIVE | {"kari.aas"},
    "/rights/inbox": MANAGERS | ARCHIVE | {AUDITOR},
    "/rights/urgent": MANAGERS | ARCHIVE | {AUDITOR},
    "/rights/without-manager": MANAGERS | ARCHIVE | {AUDITOR},
    "/rights/execution": LEADERS | {USERS, AUDITOR},
    "/rights/readings": MANAGERS | LEADERS | {AUDITOR},
    "/rights/review": MANAGERS | LEADERS,
    "/people": MANAGERS | LEADERS | {USERS, AUDITOR},
    "/people/{per}": LEADERS | {"kari.aas", USERS, AUDITOR, "per.nes"},
    "/organisation": EVERYBODY,
    "/organisation/units/{teknisk}": EVERYBODY,
    "/roles": EVERYBODY,
    "/roles?role=caseworker&table=document": EVERYBODY,
}


def test_each_page_opens_for_whom_it_is_for_and_nobody_else(town: Town) -> None:
    ids = {"per": town.person("per.nes"), "teknisk": town.house.units["Teknisk"]}
    wrong = []
    for path, allowed in PAGES.items():
        for who in sorted(EVERYBODY):
            answer = town.get(who, path.format(**ids))
            if answer.status_code != (200 if who in allowed else 403):
                wrong.append((path, who, answer.status_code))
            elif who not in allowed:
                assert "Hva du kan gjøre" in refused(answer) or "4.5.1" in refused(answer), (path, who)
    assert wrong == []


def test_the_navigation_offers_what_opens_and_nothing_else(town: Town) -> None:
    for who in ("per.nes", "kari.aas", "anne.berg", "nina.sol"):
        offered = town.page(who, "/rights/me").xpath("//nav[@class='tabs']//a/@href")
        answers = {path: town.get(who, path).status_code for path in PAGES if "{" not in path and "?" not in path}
        assert sorted(offered) == sorted(path for path, status in answers.items() if status == 200)


def test_every_page_is_there_in_english(town: Town) -> None:
    ids = {"per": town.person("per.nes"), "teknisk": town.house.units["Teknisk"]}
    for path in PAGES:
        page = town.page(LEADER, path.format(**ids), **{"Accept-Language": "en"})
        assert page.get("lang") == "en"


@pytest.mark.parametrize("table", ["case", "document", "meeting", "administration"])
def test_the_tables_are_read_in_words_for_every_role(town: Town, table: str) -> None:
    for role in ROLES:
        for language in ("nb", "en"):
            said = town.text("per.nes", f"/roles?role={role}&table={table}", **{"Accept-Language": language})
            assert "action." not in said
    if table == "case":
        cell = town.page("per.nes", "/roles?role=caseworker").xpath("//th[contains(., 'lese saken')]/following-sibling::td[2]")[0]
        assert "egen" in cell.text_content() or "som saksansvarlig" in cell.text_content()


def test_an_unknown_role_or_table_is_refused_in_words(town: Town) -> None:
    for query in ("role=king", "role=archivist&table=x", "on=2026-99-01"):
        answer = town.get("per.nes", f"/roles?{query}")
        assert answer.status_code == 422, query
        assert answer.text.count("<h1") == 1


def test_a_person_s_rights_on_a_day_name_orderer_and_controller(town: Town) -> None:
    per = town.person("per.nes")
    page = town.page("eli.rev", f"/people/{per}?on={town.today.isoformat()}")
    row = page.xpath("//th[@scope='row'][contains(., 'saksbehandler')]/..")[0].text_content()
    assert "Kari Ås" in row
    assert "Anne Berg" in row
    before = town.text("eli.rev", f"/people/{per}?on={(town.today - timedelta(days=1)).isoformat()}")
    assert "Ingen rettigheter denne dagen" in before
    wrong = town.get("eli.rev", f"/people/{per}?on=2026-13-01")
    assert wrong.status_code == 422
    assert "2026-13-01" in refused(wrong)
    assert town.get("eli.rev", "/people/00000000-0000-4000-8000-000000000000").status_code == 404


def test_the_list_of_people_holds_whom_the_reader_may_read(town: Town) -> None:
    assert {"Per Nes", "Ida Vik"} <= set(names(town.page("nina.sol", "/people")))
    assert names(town.page("kari.aas", "/people")) == ["Per Nes"]
    assert names(town.page("nina.sol", "/people?q=vik%20ida")) == ["Ida Vik"]
    assert names(town.page("nina.sol", "/people?q=%25")) == []


def names(page: html.HtmlElement) -> list[str]:
    return [one.text_content() for one in page.xpath("//main//tbody//th/a")]


def test_a_reading_of_a_coded_case_stands_in_the_report(town: Town) -> None:
    assert "Ingen lesinger" in town.text("eli.rev", "/rights/readings")
    body = {"title": "Barnevern", "administrative_unit": {"name": "Oppvekst"}, "screening": {"access_restriction": "13"}}
    body["responsible"] = {"name": "Ida Vik", "identifier": str(town.person("ida.vik"))}
    town.play("siv.moe")
    case = town.web.created(town.web.post("/cases", body))
    assert town.get("ida.vik", f"/cases/{case}").status_code == 200
    said = town.text("anne.berg", f"/rights/readings?record={case}")
    assert "Ida Vik" in said
    assert "13 (Taushetsplikt" in said
    assert "Barnevern" not in said
    assert "Ida Vik" in town.text("lars.dahl", "/rights/readings?who=ida.vik")
    assert "Ida Vik" not in town.text("kari.aas", "/rights/readings")
    for wrong, status in (("who=nobody", 404), ("record=x", 404), ("since=2036-13-01", 422)):
        assert town.get("anne.berg", f"/rights/readings?{wrong}").status_code == status


def test_rights_are_looked_at_once_a_year_and_never_lapse(town: Town) -> None:
    assert "Ingen rettigheter venter" in town.text("kari.aas", "/rights/review")
    town.later(days=366)
    page = town.page("kari.aas", "/rights/review")
    assert "Per Nes" in words(page)
    assert "Ida Vik" not in words(page)
    assert town.get("per.nes", "/rights/me").status_code == 200
    per, unit, oppvekst = str(town.person("per.nes")), str(town.house.units["Teknisk"]), str(town.house.units["Oppvekst"])
    assert town.forged("kari.aas", "/rights/review", person=per, unit=unit).status_code == 303
    assert "Per Nes sett på det siste året" in town.text("kari.aas", "/rights/review")
    assert town.forged("kari.aas", "/rights/review", person=str(town.person("kari.aas")), unit=unit).status_code == 403
    assert town.forged("kari.aas", "/rights/review", person=str(town.person("ida.vik")), unit=oppvekst).status_code == 403


def test_before_rights_are_taken_into_use_the_pages_say_so(web: Web) -> None:
    answer = web.client.get("/rights/me")
    assert answer.status_code == 503
    assert "ikke tatt i bruk" in answer.text
