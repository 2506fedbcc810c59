"""Who leaves, leaves nothing lying: what is open is listed, and handed over record by record by whom the tables let (R1)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from domain.handlers import registry_entries, standing
from domain.handlers.metadata import Metadata
from domain.handlers.registry_entries import Party
from domain.ledger.identity import new_id
from domain.model.record import ContactBody, Named
from domain.model.registering import RegisterEntry
from projections.audit.judge import judge
from tests.fixtures_staff import Staffed
from tests.fixtures_web import API
from tests.rights.town import Town, refused, town_of, words
from tools.demo.staff import Hired

NOBODY = "00000000-0000-4000-8000-000000000000"


class Desk:
    """A town in which Per has work: cases, letters and drafts, each made through its command."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.per = town.person("per.nes")
        hired = Hired("ola.ny", "Ola Ny", "saksbehandler", "Teknisk", ("caseworker",), "kari.aas")
        self.ola = town.house.hire(hired) and town.person("ola.ny")
        self.kari = town.person("kari.aas")

    def case(self, title: str, status: str = "B", unit: str = "Teknisk", owner: str = "per.nes", **more: Any) -> UUID:
        """A case, made by the archive."""
        body = {"title": title, "status": status, "administrative_unit": {"name": unit}, **more}
        body["responsible"] = {"name": owner, "identifier": str(self.town.person(owner))}
        return UUID(self.town.web.created(self.call("siv.moe", "POST", "/cases", body)))

    def letter(self, case: UUID, title: str, handler: str | None, entry_type: str = "I", status: str = "J") -> UUID:
        """An entry of a case; handler: by user name, as a record may write it."""
        named = Named(handler, handler) if handler is not None else None
        inside = Party("IM" if entry_type == "I" else "IA", ContactBody("Teknisk"), case_handler=named)
        parties = (Party("EA" if entry_type == "I" else "EM", ContactBody("Ola Nordmann")), *((inside,) if named else ()))
        details = RegisterEntry(self.town.today, status, entry_type=entry_type, case=case)
        command = registry_entries.Register(new_id(), Metadata(title=title), details, parties)
        made: UUID = self.town.house.act("siv.moe", lambda work: registry_entries.register(work, command))
        return made

    def draft(self, case: UUID, title: str) -> UUID:
        """What Per has begun by himself; it names no handler."""
        body = {"title": title, "entry_type": "U", "status": "R"}
        return UUID(self.town.web.created(self.call("per.nes", "POST", f"/cases/{case}/entries", body)))

    def call(self, who: str, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """One REST request as somebody, once the lists show what was written."""
        self.town.web.caught_up()
        self.town.play(who)
        return self.town.web.client.request(method, API + path, json=body, headers=headers)

    def open_work(self, who: str, person: UUID | None = None) -> Any:
        """What Per has open, as somebody sees it."""
        answer = self.call(who, "GET", f"/people/{person or self.per}/open-work")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def hand_over(self, who: str, body: Any, **headers: str) -> Any:
        return self.call(who, "POST", f"/people/{self.per}/handovers", body, **headers)

    def owner(self, case: UUID) -> str | None:
        known = standing.of(self.town.web.tenant.ledger)
        subject = known.subject(case, known.organisation())
        return subject.owner if subject is not None else None

    def handlers(self, entry: UUID) -> frozenset[str]:
        known = standing.of(self.town.web.tenant.ledger)
        subject = known.subject(entry, known.organisation())
        assert subject is not None
        return subject.handlers

    def faults(self) -> list[Any]:
        """What the audit finds impossible in all that was done."""
        ledger = self.town.web.tenant.ledger
        known = standing.of(ledger)
        return list(judge(ledger.reader.whole_log(), known.place, partial(standing.user_name_digest, ledger)))

    def stop(self) -> None:
        """Per's rights end now."""
        past = (self.town.today - timedelta(days=1)).isoformat()
        body = {"unit": str(self.town.house.units["Teknisk"]), "last_day": past}
        assert self.call("kari.aas", "POST", f"/people/{self.per}/stops", body).status_code == 201


@pytest.fixture
def desk(staffed: Staffed) -> Iterator[Desk]:
    with town_of(staffed) as town:
        yield Desk(town)


def test_the_list_holds_what_is_open_and_nothing_else(desk: Desk) -> None:
    open_ = [desk.case("Naust"), desk.case("Brygge")]
    for made, status in ((open_[1], "S"), (desk.case("Over"), "A")):
        assert desk.call("siv.moe", "PATCH", f"/cases/{made}", {"status": status}, **{"If-Match": "*"}).status_code == 200
    desk.case("En annens", owner="ola.ny")
    asked = desk.letter(open_[0], "Spørsmål", "per.nes")
    answered = desk.letter(open_[0], "Besvart", "PER.NES")
    assert desk.call("siv.moe", "POST", f"/entries/{answered}/sign-offs", {"method": "TE"}).status_code == 201
    desk.letter(open_[0], "En annens", "ola.ny")
    begun = desk.draft(open_[0], "Utkast til svar")
    found = desk.open_work("kari.aas")
    assert {one["id"] for one in found["cases"]["records"]} == {str(one) for one in open_}
    assert [one["id"] for one in found["entries"]["records"]] == [str(asked)]
    assert [one["id"] for one in found["drafts"]["records"]] == [str(begun)]
    assert [found[name]["total"] for name in ("cases", "entries", "drafts")] == [2, 1, 1]


def test_everything_goes_to_one_successor_and_the_audit_has_nothing_to_say(desk: Desk) -> None:
    case = desk.case("Naust")
    letter, draft = desk.letter(case, "Spørsmål", "per.nes"), desk.draft(case, "Utkast")
    before = desk.faults()
    told = desk.hand_over("kari.aas", {"all": str(desk.ola)}).json()
    assert (told["done"], told["refused"]) == (3, 0)
    assert all(one["acknowledgement"]["position"] for one in told["results"])
    assert desk.owner(case) == str(desk.ola)
    assert desk.handlers(letter) == desk.handlers(draft) == {str(desk.ola)}
    assert [desk.open_work("kari.aas")[name]["total"] for name in ("cases", "entries", "drafts")] == [0, 0, 0]
    assert [desk.open_work("kari.aas", desk.ola)[name]["total"] for name in ("cases", "entries", "drafts")] == [1, 1, 1]
    assert desk.faults() == before == []
    desk.town.web.caught_up()
    desk.town.play("ola.ny")
    assert desk.town.web.get(f"/entries/{draft}").status_code == 200


def test_each_goes_its_own_way_and_what_cannot_says_why(desk: Desk) -> None:
    case, other, coded = desk.case("Naust"), desk.case("Brygge"), desk.case("Klage", screening={"access_restriction": "13"})
    archived = desk.letter(case, "Arkivert", "per.nes", status="J")
    assert desk.call("siv.moe", "PATCH", f"/entries/{archived}", {"status": "A"}, **{"If-Match": "*"}).status_code == 200
    wanted = [(case, desk.ola), (other, desk.kari), (coded, desk.ola), (archived, desk.ola), (UUID(NOBODY), desk.ola)]
    records = [{"record": str(record), "to": str(to)} for record, to in wanted]
    told = desk.hand_over("tor.lie", {"records": records}).json()
    assert (told["done"], told["refused"]) == (2, 3)
    problems = {one["record"]: one["problem"] for one in told["results"] if "problem" in one}
    codes = {record: (one["code"], one["status"]) for record, one in problems.items()}
    assert codes == {
        str(coded): ("handover.not_readable", 422),
        str(archived): ("access.no_cell", 403),
        NOBODY: ("not_found", 404),
    }
    assert all(one["detail"] and one["way_out"] for one in problems.values())
    assert (desk.owner(case), desk.owner(other), desk.owner(coded)) == (str(desk.ola), str(desk.kari), str(desk.per))
    anne = desk.town.person("anne.berg")
    again = desk.hand_over("tor.lie", {"records": [{"record": str(coded), "to": str(anne)}]}).json()
    assert again["done"] == 1


def test_what_the_one_who_hands_over_does_not_see_is_counted_and_no_more(desk: Desk) -> None:
    mine, theirs = desk.case("Naust"), desk.case("Skolebytte", unit="Oppvekst")
    letter = desk.letter(theirs, "Hemmelig brev", "per.nes", status="M")
    found = desk.open_work("kari.aas")
    # the case stands in everybody's lists, the letter that nobody has assessed does not
    assert {one["id"] for one in found["cases"]["records"]} == {str(mine), str(theirs)}
    assert (found["entries"]["total"], found["entries"]["listed"], found["entries"]["records"]) == (1, 0, [])
    told = desk.hand_over("kari.aas", {"all": str(desk.ola), "records": [{"record": str(letter), "to": str(desk.ola)}]}).json()
    by_record = {one["record"]: one for one in told["results"]}
    assert (by_record[str(letter)]["problem"]["status"], by_record[str(letter)]["number"]) == (404, None)
    assert by_record[str(theirs)]["problem"]["code"] == "access.out_of_scope"
    unknown = desk.hand_over("kari.aas", {"records": [{"record": NOBODY, "to": str(desk.ola)}]}).json()["results"][0]
    same = {name: value for name, value in by_record[str(letter)].items() if name != "record"}
    assert str(same).replace(str(letter), NOBODY) == str({name: value for name, value in unknown.items() if name != "record"})
    assert "Hemmelig brev" not in desk.town.text("kari.aas", f"/rights/handover?person={desk.per}")


def test_a_coded_title_is_not_shown_where_its_reading_is_not_noted(desk: Desk) -> None:
    case = desk.case("Barnevernssak", screening={"access_restriction": "13"})
    (row,) = desk.open_work("anne.berg")["cases"]["records"]
    assert (row["id"], row["title"], row["code"]) == (str(case), None, "13")
    assert "Barnevernssak" not in desk.town.text("anne.berg", f"/rights/stop?person={desk.per}")


@pytest.mark.parametrize(
    ("who", "status"), [("per.nes", 403), ("lars.dahl", 403), ("nina.sol", 403), ("eli.rev", 403), ("siv.moe", 200)]
)
def test_who_may_look_and_who_may_not(desk: Desk, who: str, status: int) -> None:
    desk.case("Naust")
    assert desk.call(who, "GET", f"/people/{desk.per}/open-work").status_code == status
    assert desk.town.get(who, f"/rights/handover?person={desk.per}").status_code == status
    if status == 403:
        problem = desk.hand_over(who, {"all": str(desk.ola)})
        assert (problem.status_code, problem.headers["content-type"]) == (403, "application/problem+json")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "handover.nothing"),
        ({"all": NOBODY}, "not_found"),
        ({"all": "per.nes"}, "request.field"),
        ({"unknown": 1}, "request.unknown_field"),
    ],
)
def test_what_is_not_whole_is_refused(desk: Desk, body: Any, code: str) -> None:
    desk.case("Naust")
    before = desk.town.web.position()
    answer = desk.hand_over("kari.aas", body).json()
    told = [one["problem"]["code"] for one in answer["results"]] if "results" in answer else [answer["code"]]
    assert told == [code]
    assert desk.town.web.position() == before


def test_a_successor_has_rights_and_is_somebody_else(desk: Desk) -> None:
    case = desk.case("Naust")
    nobody = desk.town.house.people["rolf.eng"]
    codes = []
    for to in (desk.per, nobody):
        (one,) = desk.hand_over("kari.aas", {"records": [{"record": str(case), "to": str(to)}]}).json()["results"]
        codes.append(one["problem"]["code"])
    assert codes == ["handover.same_person", "handover.not_readable"]
    desk.stop()
    handed = desk.hand_over("kari.aas", {"all": str(desk.ola)}).json()
    assert handed["done"] == 1
    back = desk.call(
        "kari.aas", "POST", f"/people/{desk.ola}/handovers", {"records": [{"record": str(case), "to": str(desk.per)}]}
    )
    assert back.json()["results"][0]["problem"]["code"] == "handover.no_right"


def test_sent_twice_it_is_handed_over_once(desk: Desk) -> None:
    desk.case("Naust")
    first = desk.hand_over("kari.aas", {"all": str(desk.ola)}, **{"Idempotency-Key": "k-1"}).json()
    (record,) = (one["record"] for one in first["results"])
    before = desk.town.web.position()
    named = {"records": [{"record": record, "to": str(desk.ola)}]}
    assert desk.hand_over("kari.aas", named, **{"Idempotency-Key": "k-1"}).json() == first
    (other,) = desk.hand_over("kari.aas", named).json()["results"]
    assert (other["problem"]["code"], other["problem"]["status"]) == ("handover.not_theirs", 409)
    assert desk.town.web.position() == before


def test_the_stop_page_hands_over_and_the_stop_waits_for_nothing(desk: Desk) -> None:
    town, case = desk.town, desk.case("Naust i strandsonen")
    letter = desk.letter(case, "Spørsmål", "per.nes")
    town.web.caught_up()
    path = f"/rights/stop?person={desk.per}"
    page = town.page("kari.aas", path)
    assert "lukkes journalposter: 1" in words(page).replace("  ", " ")
    assert page.xpath("//select[@name='all']/option[@selected]/@value") == [str(desk.kari)]
    stopped = town.send("kari.aas", path, "/rights/stop", step="stop", last_day=(town.today - timedelta(days=1)).isoformat())
    assert (stopped.status_code, stopped.headers["location"]) == (303, f"/rights/handover?person={desk.per}")
    assert town.get("per.nes", "/rights/me").status_code == 403
    for where in ("/rights/inbox", "/rights/execution"):
        assert page_links(town, "anne.berg", where, f"/rights/handover?person={desk.per}")
    kept = {"all": str(desk.ola), f"to-{letter}": "-"}
    handed = town.send("kari.aas", f"/rights/handover?person={desk.per}", "/rights/handover", **kept)
    assert handed.status_code == 200
    assert "Overlatt 1 av 1" in refused(handed)
    assert (desk.owner(case), desk.handlers(letter)) == (str(desk.ola), {str(desk.per)})
    rest = town.send("kari.aas", f"/rights/handover?person={desk.per}", "/rights/handover", other="ola.ny", all="")
    assert "Ingen åpne saker, journalposter eller utkast er igjen" in refused(rest)
    town.web.caught_up()
    assert not page_links(town, "anne.berg", "/rights/inbox", f"/rights/handover?person={desk.per}")


def page_links(town: Town, who: str, path: str, to: str) -> list[Any]:
    found: list[Any] = town.page(who, path).xpath(f"//a[@href='{to}']")
    return found


def test_a_page_tells_row_by_row_what_did_not_go(desk: Desk) -> None:
    desk.case("Naust")
    desk.case("Skole", unit="Oppvekst")
    desk.town.web.caught_up()
    sent = desk.town.send("kari.aas", f"/rights/handover?person={desk.per}", "/rights/handover", all=str(desk.ola))
    assert "Overlatt 1 av 2" in refused(sent)
    assert "ikke overlatt" in refused(sent)
    nothing = desk.town.send("kari.aas", f"/rights/handover?person={desk.per}", "/rights/handover", all="")
    assert (nothing.status_code, "Ingenting ble valgt" in refused(nothing)) == (422, True)


def test_english_and_forged_forms(desk: Desk) -> None:
    desk.case("Naust")
    desk.town.web.caught_up()
    path = f"/rights/handover?person={desk.per}"
    assert "All is taken over by" in words(desk.town.page("kari.aas", path, **{"Accept-Language": "en"}))
    before = desk.town.web.position()
    forged = desk.town.web.client.post("/rights/handover", data={"person": str(desk.per), "all": str(desk.ola)})
    assert forged.status_code == 403
    assert desk.town.web.position() == before


def test_what_hangs_on_the_person_besides_records(desk: Desk) -> None:
    case = desk.case("Klage", screening={"access_restriction": "13"})
    asked = desk.call("ida.vik", "POST", f"/records/{case}/access-requests", {"reason": "Trenger den"})
    assert asked.status_code in (201, 404), asked.text
    assert desk.open_work("siv.moe", desk.kari)["waiting"] == {"units": 1}
    assert desk.open_work("siv.moe").get("waiting", {}) == ({"requests": 1} if asked.status_code == 201 else {})
