"""REST on cases, entries and sign-offs: what is accepted, what is refused and by which rule."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from tests.fixtures_web import API, Web


def problem(answer: Any, status: int, code: str, requirement: str = "") -> dict[str, Any]:
    """The answer is this problem, as RFC 9457 writes it."""
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), answer.text
    told: dict[str, Any] = answer.json()
    assert (told["code"], told["requirement"], told["status"]) == (code, requirement, status)
    assert told["detail"]
    assert told["way_out"]
    return told


def test_a_case_is_created_read_listed_and_changed(web: Web) -> None:
    body = {
        "title": "Sak om naust",
        "public_title": "Sak",
        "keywords": ["naust"],
        "responsible": {"name": "Kari Nes"},
        "parties": [{"name": "Ola Nordmann", "role": "søker", "is_person": True}],
        "classes": [{"system": "K1", "class_id": "L42"}],
        "external_key": {"system": "Acos", "key": "17"},
        "screening": {"access_restriction": "13", "authority": "offl. § 13"},
    }
    made = web.post("/cases", body)
    assert made.status_code == 201, made.text
    said = made.json()
    assert said["number"] == f"{said['number'][:4]}/1"
    unit, where = said["id"], said["acknowledgement"]
    assert made.headers["location"] == f"{API}/cases/{unit}"
    assert made.headers["x-position"] == f"{where['chain_id']}#{where['position']}"
    assert len(where["leaf_hash"]) == len(where["chain_hash"]) == 64
    read = web.get(f"/cases/{unit}")
    assert read.headers["etag"] == f'"{read.json()["version"]}"'
    shown = read.json()
    assert (shown["title"], shown["status"], shown["parts"][0]["name"]) == ("Sak om naust", "B", "Ola Nordmann")
    assert "command" not in str(shown)

    changed = web.patch(f"/cases/{unit}", {"status": "A", "title": "Ny", "responsible": {"name": "Per"}}, read.headers["etag"])
    assert changed.status_code == 200, changed.text
    after = web.get(f"/cases/{unit}").json()
    assert (after["status"], after["title"], after["public_title"]) == ("A", "Ny", "Sak")
    assert after["case_responsible"]["name"] == "Per"
    web.caught_up()
    listed = web.get("/cases", q="naust", status="A").json()
    assert [one["id"] for one in listed["cases"]] == [unit]
    assert (listed["total"], listed["next"], listed["up_to_date"]) == (1, None, True)


def test_an_entry_is_registered_read_and_changed(web: Web) -> None:
    case = web.case()
    entry = web.entry(case, document_date="2026-01-03", received_at="2026-01-04T08:00:00+01:00")
    shown = web.get(f"/entries/{entry}").json()
    assert (shown["case"], shown["number"][-2:], shown["entry_type"], shown["status"]) == (case, "-1", "I", "J")
    assert shown["parties"][0]["name"] == "Ola Nordmann"
    assert shown["received_at"] == "2026-01-04T07:00:00.000000Z"
    change = {"status": "A", "title": "Klage 2", "due_date": "2026-12-24"}
    assert web.patch(f"/entries/{entry}", change, web.version(f"/entries/{entry}")).status_code == 200
    after = web.get(f"/entries/{entry}").json()
    assert (after["status"], after["title"], after["due_date"]) == ("A", "Klage 2", "2026-12-24")
    assert web.get(f"/cases/{case}").json()["entries"][0]["status"] == "A"


def test_a_change_that_changes_nothing_appends_nothing(web: Web) -> None:
    case = web.case()
    before = web.position()
    same = web.patch(f"/cases/{case}", {"status": "B"}, web.version(f"/cases/{case}"))
    assert same.status_code == 200
    assert same.json()["acknowledgement"]["position"] == before == web.position()


def test_an_entry_is_signed_off_and_the_sign_off_taken_back(web: Web) -> None:
    entry = web.entry(web.case())
    made = web.post(f"/entries/{entry}/sign-offs", {"method": "TE", "by": {"name": "Kari"}})
    unit = web.created(made)
    (one,) = web.get(f"/entries/{entry}").json()["sign_offs"]
    assert (one["id"], one["method"], one["by"]["name"]) == (unit, "TE", "Kari")
    again = web.post(f"/entries/{entry}/sign-offs", {"method": "TE", "by": {"name": "Kari"}})
    assert (again.status_code, again.json()["id"]) == (200, entry)
    assert web.client.delete(f"{API}/entries/{entry}/sign-offs/{unit}").status_code == 200
    assert web.get(f"/entries/{entry}").json()["sign_offs"] == []
    problem(web.client.delete(f"{API}/entries/{entry}/sign-offs/{unit}"), 404, "sign_off.unknown", "3.4.7")


def test_a_closed_case_takes_no_entry(web: Web) -> None:
    case = web.case()
    assert web.patch(f"/cases/{case}", {"status": "A"}, web.version(f"/cases/{case}")).status_code == 200
    before = web.position()
    told = problem(
        web.post(f"/cases/{case}/entries", {"title": "x", "entry_type": "I"}, Accept_Language="en"),
        409,
        "case.finalised",
        "2.5.5",
    )
    assert "Closed" in told["detail"]
    assert web.position() == before


@pytest.mark.parametrize("tag", ['"1"', 'W/"2"', '"x"', "2", '""', '"99999999999999999999"'])
def test_a_change_of_another_version_is_refused(web: Web, tag: str) -> None:
    case = web.case()
    assert web.version(f"/cases/{case}") == '"2"'
    problem(web.patch(f"/cases/{case}", {"title": "x"}, tag), 412, "precondition.failed")
    assert web.get(f"/cases/{case}").json()["title"] == "Sak om naust"


def test_a_change_names_its_version(web: Web) -> None:
    case = web.case()
    problem(web.patch(f"/cases/{case}", {"title": "x"}, None), 428, "precondition.required")
    assert web.patch(f"/cases/{case}", {"title": "x"}, '"7", "2"').status_code == 200
    assert web.patch(f"/cases/{case}", {"title": "y"}, "*").status_code == 200


@pytest.mark.parametrize(
    ("body", "code", "requirement"),
    [
        ({"title": "x", "status": "Q"}, "code.unknown", "M052"),
        ({"title": ""}, "text.missing", "M020"),
        ({}, "text.missing", "M020"),
        ({"title": " "}, "text.missing", "M020"),
        ({"title": "x" * 1_000_000}, "text.too_long", "M020"),
        ({"title": "x\x00y"}, "text.control", ""),
        ({"title": "x", "responsible": {"name": "a\x00b"}}, "text.control", ""),
        ({"title": "x", "nothing": 1}, "request.unknown_field", ""),
        ({"title": 7}, "request.field", ""),
        ({"title": "x", "case_date": "2026-02-30"}, "date.malformed", ""),
        ({"title": "x", "case_date": "0001-01-01"}, "date.malformed", ""),
        ({"title": "x", "screening": {"access_restriction": "?"}}, "code.unknown", "M500"),
        ({"title": "x", "keywords": ["y"] * 51}, "request.field", ""),
        ([], "request.field", ""),
    ],
)
def test_a_body_against_a_rule_is_refused_and_nothing_stored(web: Web, body: Any, code: str, requirement: str) -> None:
    before = web.position()
    problem(web.post("/cases", body), 422, code, requirement)
    assert web.position() == before


@pytest.mark.parametrize("content", [b"{", b"", b'{"title": "\\ud800"}', b"\xff\xfe", b"[" * 100_000])
def test_a_body_that_cannot_be_read_is_refused(web: Web, content: bytes) -> None:
    answer = web.client.post(f"{API}/cases", content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422), answer.text
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("when", "status"), [("0001-01-01T00:00:00+14:00", 422), ("2026-01-01T00:00:00", 422), ("9999-12-31T23:59:59-12:00", 422)]
)
def test_an_instant_needs_a_zone_and_our_era(web: Web, when: str, status: int) -> None:
    answer = web.post(f"/cases/{web.case()}/entries", {"title": "x", "entry_type": "I", "received_at": when})
    problem(answer, status, "date.malformed")


def test_what_is_not_there_is_not_found(web: Web) -> None:
    case = web.case()
    for path in (f"/cases/{uuid4()}", f"/entries/{case}", f"/documents/{case}", f"/units/{uuid4()}/history", "/cases/x"):
        problem(web.get(path), 404, "not_found")
    problem(web.get("/nothing"), 404, "request.page")
    refused = web.client.put(f"{API}/cases")
    problem(refused, 405, "request.method")
    assert "POST" in refused.headers["Allow"]
    problem(web.post(f"/cases/{uuid4()}/entries", {"title": "x", "entry_type": "I"}), 404, "not_found")
    problem(web.post("/cases", {"title": "x", "series": "NONE"}), 404, "not_found")
    problem(web.patch(f"/entries/{uuid4()}", {"status": "J"}, "*"), 404, "not_found")


def test_an_external_key_belongs_to_one_unit(web: Web) -> None:
    body = {"title": "x", "external_key": {"system": "Acos", "key": "17"}}
    web.created(web.post("/cases", body))
    before = web.position()
    told = web.post("/cases", body)
    assert told.status_code == 409, told.text
    assert web.position() == before


def test_a_party_that_only_got_a_copy_is_not_signed_off(web: Web) -> None:
    entry = web.entry(web.case(), parties=[{"party_type": "EK", "name": "Per"}])
    party = web.get(f"/entries/{entry}").json()["parties"][0]["id"]
    problem(web.post(f"/entries/{entry}/sign-offs", {"method": "TE", "party": party}), 422, "party.copy_recipient", "3.4.9")
    problem(web.post(f"/entries/{entry}/sign-offs", {"method": "TE", "party": str(uuid4())}), 422, "party.unknown", "3.4.6")
    problem(web.post(f"/entries/{entry}/sign-offs", {"method": "??"}), 422, "code.unknown", "M619")


def test_a_finished_entry_does_not_go_back(web: Web) -> None:
    entry = web.entry(web.case())
    problem(web.patch(f"/entries/{entry}", {"status": "R"}, web.version(f"/entries/{entry}")), 409, "entry.not_back", "3.2.19")
