"""A repeated Idempotency-Key does nothing twice, answers as the first time, and is refused for another request."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from tests.fixtures_web import API, PDF, Web


def said(answer: Any) -> tuple[int, dict[str, Any]]:
    return answer.status_code, answer.json()


def test_a_repeated_case_is_answered_from_the_facts(web: Web) -> None:
    body = {
        "title": "Sak",
        "keywords": ["a", "b"],
        "parties": [{"name": "Ola"}],
        "external_key": {"system": "Acos", "key": "17"},
        "classes": [{"system": "K1", "class_id": "L42"}],
    }
    first = web.post("/cases", body, Idempotency_Key="k1")
    unit = web.created(first)
    web.patch(f"/cases/{unit}", {"status": "A", "title": "Noe annet"}, "*")
    before = web.position()
    assert said(web.post("/cases", body, Idempotency_Key="k1")) == said(first)
    assert web.position() == before
    other = web.post("/cases", body | {"external_key": None}, Idempotency_Key="k2")
    assert other.json()["id"] != unit


@pytest.mark.parametrize(
    "change",
    [
        {"title": "Annet"},
        {"description": "mer"},
        {"keywords": ["b", "a"]},
        {"status": "R"},
        {"parties": []},
        {"case_date": "2026-01-01"},
    ],
)
def test_the_same_key_for_another_body_is_refused(web: Web, change: dict[str, Any]) -> None:
    body = {"title": "Sak", "keywords": ["a", "b"], "parties": [{"name": "Ola"}]}
    web.created(web.post("/cases", body, Idempotency_Key="k"))
    before = web.position()
    told = web.post("/cases", body | change, Idempotency_Key="k")
    assert (told.status_code, told.json()["code"]) == (422, "idempotency.other")
    assert web.position() == before


def test_a_key_is_for_one_operation(web: Web) -> None:
    case, other = web.case(), web.case()
    body = {"title": "Klage", "entry_type": "I"}
    first = web.post(f"/cases/{case}/entries", body, Idempotency_Key="k")
    web.created(first)
    assert said(web.post(f"/cases/{case}/entries", body, Idempotency_Key="k")) == said(first)
    assert web.post(f"/cases/{other}/entries", body, Idempotency_Key="k").json()["code"] == "idempotency.other"
    assert web.post("/cases", {"title": "Klage"}, Idempotency_Key="k").json()["code"] == "idempotency.other"
    as_many_facts = {"title": "Klage", "keywords": ["a"], "parties": [{"name": "Ola"}], "screening": {"access_restriction": "13"}}
    assert web.post("/cases", as_many_facts, Idempotency_Key="k").json()["code"] == "idempotency.other"


def test_an_entry_repeats_though_its_case_was_closed_meanwhile(web: Web) -> None:
    case = web.case()
    body = {"title": "Klage", "entry_type": "I", "parties": [{"party_type": "EA", "name": "Ola"}]}
    first = web.post(f"/cases/{case}/entries", body, Idempotency_Key="k")
    web.created(first)
    web.patch(f"/cases/{case}", {"status": "A"}, "*")
    assert said(web.post(f"/cases/{case}/entries", body, Idempotency_Key="k")) == said(first)


def test_a_sign_off_repeats_for_the_same_party_only(web: Web) -> None:
    parties = [{"party_type": "EA", "name": "Ola"}, {"party_type": "EA", "name": "Kari"}]
    entry = web.entry(web.case(), parties=parties)
    first, second = (one["id"] for one in web.get(f"/entries/{entry}").json()["parties"])
    made = web.post(f"/entries/{entry}/sign-offs", {"method": "TE", "party": first}, Idempotency_Key="k")
    web.created(made)
    assert said(web.post(f"/entries/{entry}/sign-offs", {"method": "TE", "party": first}, Idempotency_Key="k")) == said(made)
    told = web.post(f"/entries/{entry}/sign-offs", {"method": "TE", "party": second}, Idempotency_Key="k")
    assert told.json()["code"] == "idempotency.other"


def test_a_repeated_upload_stores_its_bytes_once(web: Web) -> None:
    entry = web.entry(web.case())

    def send(content: bytes) -> Any:
        files = {"file": ("klage.pdf", content, "application/pdf")}
        return web.client.post(f"{API}/entries/{entry}/documents", files=files, headers={"Idempotency-Key": "k"})

    first = send(PDF)
    web.created(first)
    stored = web.blobs()
    assert said(send(PDF)) == said(first)
    assert send(PDF + b" ").json()["code"] == "idempotency.other"
    assert web.blobs() == stored
    assert len(stored) == 1


def test_the_same_key_at_once_makes_one_case(web: Web) -> None:
    answers: list[Any] = []

    def send() -> None:
        answers.append(web.post("/cases", {"title": "Sak"}, Idempotency_Key="k"))

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len({answer.json()["acknowledgement"]["position"] for answer in answers}) == 1


@pytest.mark.parametrize("key", ["", "x" * 201, "a b", "a\tb"])
def test_a_key_has_a_form(web: Web, key: str) -> None:
    told = web.post("/cases", {"title": "Sak"}, Idempotency_Key=key)
    assert (told.status_code, told.json()["code"]) == (422, "idempotency.key")
