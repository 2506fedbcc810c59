"""The yearly review: a manager's staff with their rights, one decision each or all at once; nothing lapses where nobody looks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from domain.handlers import rights
from tests.fixtures_staff import Staffed
from tests.fixtures_web import API
from tests.rights.town import Town, refused, town_of
from tools.demo.staff import Hired


@pytest.fixture
def town(staffed: Staffed) -> Iterator[Town]:
    """A year after everybody was hired, but for one who came since."""
    with town_of(staffed) as made:
        for user_name, name in (("ole.by", "Ole By"), ("eva.ek", "Eva Ek")):
            made.house.hire(Hired(user_name, name, "ingeniør", "Teknisk", ("caseworker",), "kari.aas", codes=("13",)))
        made.later(days=370)
        made.house.hire(Hired("ny.mann", "Ny Mann", "ingeniør", "Teknisk", ("caseworker",), "kari.aas"))
        made.web.caught_up()
        yield made


def reviews(town: Town, who: str) -> Any:
    answer = town.get(who, f"{API}/rights/reviews")
    assert answer.status_code == 200, answer.text
    return answer.json()


def names(rows: list[dict[str, Any]], due: bool = True) -> set[str]:
    return {row["name"] for row in rows if row["due"] is due}


def mark(town: Town, who: str) -> str:
    return str(town.page(who, "/rights/review").xpath("//input[@name='mark']/@value")[0])


def test_a_manager_sees_her_staff_with_their_rights_and_how_far_she_has_come(town: Town) -> None:
    told = reviews(town, "kari.aas")
    assert (told["done"], told["total"]) == (1, 4)
    assert names(told["rows"]) == {"Per Nes", "Ole By", "Eva Ek"}
    assert names(told["rows"], due=False) == {"Ny Mann"}
    assert (told["others"], told["managers"]) == ([], []), "another manager's progress is not hers to see"
    (ole,) = (row for row in told["rows"] if row["name"] == "Ole By")
    assert (ole["roles"], ole["codes"], ole["unit_name"], ole["seen"]) == (["caseworker"], ["13"], "Teknisk", "2036-03-03")
    text = town.text("kari.aas", "/rights/review")
    assert "1 av 4 er sett på det siste året" in text
    assert "Ole By til gjennomgang" in text
    assert "13 (" in text
    assert "Lars Dahl" not in text
    english = town.text("kari.aas", "/rights/review", **{"Accept-Language": "en"})
    assert "1 of 4 have been seen within the year" in english


def test_one_at_a_time(town: Town) -> None:
    per, unit = str(town.person("per.nes")), str(town.house.units["Teknisk"])
    assert town.forged("kari.aas", "/rights/review", person=per, unit=unit).status_code == 303
    told = reviews(town, "kari.aas")
    assert (told["done"], names(told["rows"])) == (2, {"Ole By", "Eva Ek"})
    assert next(row["seen"] for row in told["rows"] if row["name"] == "Per Nes") == town.today.isoformat()


def test_everybody_who_is_due_at_once(town: Town) -> None:
    sent = town.forged("kari.aas", "/rights/review", all="on", mark=mark(town, "kari.aas"))
    assert sent.status_code == 303
    told = reviews(town, "kari.aas")
    assert (told["done"], told["total"], names(told["rows"])) == (4, 4, set())
    assert "Ingen rettigheter venter" in town.text("kari.aas", "/rights/review")


def test_what_was_not_shown_is_not_said_to_be_right(town: Town) -> None:
    shown = mark(town, "kari.aas")
    one, unit = town.person("ole.by"), town.house.units["Teknisk"]
    town.house.act("kari.aas", lambda work: rights.review(work, rights.Review(one, unit)))
    town.web.caught_up()
    position = town.web.position()
    for wrong in (shown, "", "x"):
        answer = town.forged("kari.aas", "/rights/review", all="on", mark=wrong)
        assert answer.status_code == 409
        assert "Andre rettigheter står til gjennomgang" in refused(answer)
    assert town.web.position() == position
    assert town.forged("kari.aas", "/rights/review", all="on", mark=mark(town, "kari.aas")).status_code == 303


def test_nothing_lapses_where_nobody_looks(town: Town) -> None:
    town.later(days=3 * 365)
    told = reviews(town, "kari.aas")
    assert names(told["rows"]) == {"Per Nes", "Ole By", "Eva Ek", "Ny Mann"}
    on = (town.today + timedelta(days=1)).isoformat()
    found = town.get("kari.aas", f"{API}/people/{town.person('ole.by')}/rights", on=on).json()
    assert [one["role"] for one in found["rights"]] == ["caseworker"]


def test_the_archive_leader_sees_which_managers_have_not(town: Town) -> None:
    before = {one.get("manager"): one for one in reviews(town, "anne.berg")["managers"]}
    kari = before[str(town.person("kari.aas"))]
    assert (kari["done"], kari["total"], kari["left"], kari["oldest"]) == (1, 4, 3, date(2036, 3, 3).isoformat())
    assert "Ole By" in names(reviews(town, "anne.berg")["others"])
    town.forged("kari.aas", "/rights/review", all="on", mark=mark(town, "kari.aas"))
    after = {one.get("manager"): one for one in reviews(town, "anne.berg")["managers"]}
    assert after[str(town.person("kari.aas"))]["left"] == 0
    assert after[str(town.person("lars.dahl"))] == before[str(town.person("lars.dahl"))]
    text = town.text("anne.berg", "/rights/review")
    assert "Hvor langt lederne er kommet" in text
    assert "Kari Ås 0 av 4" in text


def test_rest_says_of_each_row_what_became_of_it(town: Town) -> None:
    unit = str(town.house.units["Teknisk"])
    people = {one: str(town.person(one)) for one in ("per.nes", "ole.by", "ida.vik", "kari.aas")}
    town.play("kari.aas")
    body = {"rows": [{"person": one, "unit": unit} for one in people.values()]}
    answer = town.web.post("/rights/reviews", body, Idempotency_Key="k1")
    assert answer.status_code == 200
    told = answer.json()
    assert (told["done"], told["refused"]) == (2, 2)
    codes = [one.get("problem", {}).get("code") for one in told["results"]]
    assert codes == [None, None, "rights.nothing_to_review", "access.out_of_scope"]
    position = town.web.position()
    again = town.web.post("/rights/reviews", body, Idempotency_Key="k1").json()
    assert [one.get("acknowledgement") for one in again["results"]] == [one.get("acknowledgement") for one in told["results"]]
    assert town.web.position() == position
    town.play("per.nes")
    assert town.web.post("/rights/reviews", body).status_code == 403
    assert town.web.get("/rights/reviews").status_code == 403
