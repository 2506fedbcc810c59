"""REST on the journal, on history and on the log."""

from __future__ import annotations

from typing import Any

import pytest

from domain import chain
from tests.fixtures_ledger import new_case, new_entry
from tests.fixtures_web import API, Web


def journal(web: Web, **params: Any) -> Any:
    answer = web.get("/journal", **params)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_journal_is_searched_and_filtered(web: Web) -> None:
    case = web.case()
    entry = web.entry(case, "Klage på vedtak")
    web.entry(case, "Notat", entry_type="X", status="S")
    web.caught_up()
    assert journal(web)["total"] == 2
    (one,) = journal(web, q="klager")["entries"]
    assert (one["id"], one["title"], one["parties"], one["status"]) == (entry, "Klage på vedtak", "Ola Nordmann", "J")
    day = one["journal_date"]
    assert journal(web, since=day, until=day)["total"] == 2
    assert journal(web, until="2020-01-01")["total"] == 0
    assert journal(web, since="2999-01-01")["total"] == 0
    assert [found["id"] for found in journal(web, status="J")["entries"]] == [entry]
    assert journal(web, status=["J", "S"])["total"] == 2
    assert [found["id"] for found in journal(web, type="I")["entries"]] == [entry]
    assert [found["id"] for found in journal(web, unanswered=True)["entries"]] == [entry]


def test_a_list_is_read_by_cursor_and_the_cursor_holds_for_its_query_only(web: Web) -> None:
    ledger = web.tenant.ledger
    case = new_case(ledger)
    made = [str(new_entry(ledger, case, f"Klage {n}")) for n in range(5)]
    web.caught_up()
    first = journal(web, limit=2)
    second = journal(web, limit=2, cursor=first["next"])
    third = journal(web, limit=2, cursor=second["next"])
    assert third["next"] is None
    assert [one["id"] for page in (first, second, third) for one in page["entries"]] == made[::-1]
    for params in ({"limit": 3}, {"limit": 2, "q": "x"}, {"limit": 2, "status": "J"}):
        refused = web.get("/journal", cursor=first["next"], **params)
        assert (refused.status_code, refused.json()["code"]) == (422, "cursor.invalid")
    for cursor in ("", "x", "eA.eA", first["next"][:-2], "." * 600, "ø"):
        assert web.get("/journal", limit=2, cursor=cursor).json()["code"] == "cursor.invalid"
    assert web.get("/cases", limit=2, cursor=first["next"]).json()["code"] == "cursor.invalid"


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"status": "Q"}, "code.unknown"),
        ({"type": "Q"}, "code.unknown"),
        ({"since": "2026-02-30"}, "date.malformed"),
        ({"limit": 0}, "request.field"),
        ({"limit": 201}, "request.field"),
        ({"q": "x" * 201}, "text.too_long"),
        ({"q": "a\x00b"}, "request.field"),
        ({"unanswered": "perhaps"}, "request.field"),
    ],
)
def test_a_search_against_a_rule_is_refused(web: Web, params: dict[str, Any], code: str) -> None:
    answer = web.get("/journal", **params)
    assert (answer.status_code, answer.json()["code"]) == (422, code)


@pytest.mark.parametrize("words", ['"', "-", "( & | !", "a:*", "'; drop table x; --", "%", "\\", "or", "æøå " * 40])
def test_any_words_may_be_searched_for(web: Web, words: str) -> None:
    web.caught_up()
    assert journal(web, q=words)["total"] == 0


def test_a_reader_sees_what_it_has_just_written(web: Web) -> None:
    case = web.case()
    made = web.post(f"/cases/{case}/entries", {"title": "Klage", "entry_type": "I", "status": "J"})
    web.client.cookies.clear()
    position = made.headers["x-position"]
    seen = web.client.get(f"{API}/journal", headers={"X-Position": position}).json()
    assert (seen["total"], seen["up_to_date"]) == (1, True)
    web.client.app.state.site.settings.read_wait_ms = 0  # type: ignore[attr-defined]
    for runner in web.tenant.runners:
        runner.stop()
    later = web.post(f"/cases/{case}/entries", {"title": "Klage", "entry_type": "I"}).headers["x-position"]
    web.client.cookies.clear()
    assert web.client.get(f"{API}/journal", headers={"X-Position": later}).json()["up_to_date"] is False
    assert journal(web)["up_to_date"] is True  # nobody asked for more
    for nonsense in ("", "#", "x#y", f"{position}0000", "ø#1", "other/record/1#99", f"{position.split('#')[0]}#²"):
        headers = {"X-Position": nonsense.encode()}
        assert web.client.get(f"{API}/journal", headers=headers).status_code == 200


def test_the_readers_mark_is_signed_and_not_for_scripts(web: Web) -> None:
    made = web.post("/cases", {"title": "Sak"})
    cookie = made.headers["set-cookie"].lower()
    assert all(mark in cookie for mark in ("dagbok_position=", "httponly", "samesite=strict", "path=/"))


def test_a_history_says_who_did_what_on_which_bytes(web: Web) -> None:
    entry = web.entry(web.case())
    document = web.created(web.document(entry))
    told = web.get(f"/units/{document}/history").json()
    assert (told["id"], told["kind"], told["signatures"]) == (document, "document", [])
    for event in told["events"]:
        assert {"position", "fact", "at", "actor", "reason", "summary", "digest"} <= event.keys()
        assert event["actor"] == {"id": "tor.lie", "name": "tor.lie", "roles": [], "login": None}
    (stored,) = (event for event in told["events"] if event["digest"])
    assert stored["fact"] == "document.object-added.v1"
    assert "klage.pdf" in stored["summary"]
    assert stored["digest"] == web.get(f"/documents/{document}").json()["objects"][0]["checksum"]


def test_head_checkpoint_and_receipt(web: Web, sign: Any) -> None:
    missing = web.get("/log/checkpoint")
    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")
    position = web.post("/cases", {"title": "Sak"}).json()["acknowledgement"]["position"]
    head = web.get("/log/head").json()
    assert (head["position"], head["chain_id"]) == (position, "fjordvik.kommune.no/record/1")
    waiting = web.get(f"/log/receipts/{position}")
    assert (waiting.status_code, waiting.json()["code"]) == (425, "receipt.not_yet")
    assert int(waiting.headers["retry-after"]) > 0
    sign()
    note = web.get("/log/checkpoint")
    assert note.headers["content-type"].startswith("text/plain")
    assert chain.parse_checkpoint(chain.parse_note(note.text).text).size == position
    receipt = web.get(f"/log/receipts/{position}")
    assert receipt.status_code == 200
    proof = chain.parse_proof(receipt.text)
    assert proof.index == position - 1
    acknowledged = web.get("/log/head").json()["chain_hash"]
    assert acknowledged == head["chain_hash"]


def test_a_receipt_is_asked_for_and_given_with_the_next_checkpoint(web: Web, sign: Any) -> None:
    web.case()
    asked = web.post("/log/receipts", {"position": 2})
    assert (asked.status_code, asked.headers["location"]) == (202, f"{API}/log/receipts/2")
    assert web.post("/log/receipts", {"position": 2}).status_code == 202
    sign()
    assert web.get("/log/receipts/2", chain="fjordvik.kommune.no/record/1").status_code == 200
    for position in (0, -1, 10_000, 2**70):
        assert web.get(f"/log/receipts/{position}").status_code == 404
    assert web.get("/log/receipts/x").status_code == 404
    assert web.get("/log/receipts/2", chain="other/record/1").status_code == 404
    assert web.post("/log/receipts", {"position": 10_000}).status_code == 404
    assert web.post("/log/receipts", {"position": 0}).status_code == 422
