"""A person does the main job with the pages' forms, no script needed; nobody else can make a browser do it."""

from __future__ import annotations

from typing import Any

import pytest
from lxml import html

from tests.fixtures_ledger import new_series
from tests.fixtures_web import PDF, Web

FILE = {"file": ("søknad.pdf", PDF, "application/pdf")}


def led_to(answer: Any) -> str:
    assert answer.status_code == 303, html.document_fromstring(answer.text).xpath("string(//main)")[:2_000]
    return str(answer.headers["location"])


def told(answer: Any, status: int, form: str) -> str:
    """What the page says beside the form that was refused."""
    assert answer.status_code == status, answer.text[:500]
    made = html.document_fromstring(answer.text)
    return str(made.xpath(f"string(//*[@id='refused-{form}'])"))


def test_from_a_new_case_to_an_answered_letter(web: Web) -> None:
    new_series(web.tenant.ledger)
    case = led_to(web.send("/cases/new", "/cases", title="Sak om naust", responsible="Kari Nes", case_date="2026-01-02"))
    made = web.page(case)
    assert "Kari Nes" in made.text_content()
    assert "02.01.2026" in made.text_content()
    form = f"{case}/entries"
    sent = {"title": "Klage", "party_name": "Ola Nordmann", "received_on": "2026-01-03", "is_person": "yes"}
    entry = led_to(web.send(f"{case}/entries/new", form, FILE, **sent))
    shown = web.page(entry).text_content()
    for word in ("Klage", "Ola Nordmann", "Journalført", "03.01.2026", "søknad.pdf", "Avsender"):
        assert word in shown
    (link,) = web.page(entry).xpath("//a[contains(@href, '/objects/')]/@href")
    assert web.client.get(link).content == PDF
    assert led_to(web.send(entry, f"{entry}/sign-offs", method="TE")) == entry
    assert "Tatt til etterretning" in web.page(entry).xpath("string(//section[@aria-labelledby='signed-off'])")
    assert led_to(web.send(entry, f"{entry}/status", status="A")) == entry
    assert "Arkivert" in web.page(entry).text_content()
    assert led_to(web.send(case, f"{case}/status", status="A")) == case
    assert "Avsluttet" in web.page(case).text_content()
    assert web.page(case).xpath("//a[contains(@href, '/entries/new')]") == []
    (back,) = web.page(entry).xpath("//form[contains(@action, 'take-back')]/@action")
    assert led_to(web.send(entry, back)) == entry
    assert "ikke avskrevet" in web.page(entry).text_content()


def test_an_entry_and_its_file_are_one_act(web: Web) -> None:
    case = f"/cases/{web.case()}"
    before = web.position()
    led_to(web.send(f"{case}/entries/new", f"{case}/entries", FILE, title="Klage"))
    facts = web.tenant.ledger.reader.log(before)
    acts = {one.envelope.cmd for one in facts if not one.topic.startswith("ledger.")}
    assert len(acts) == 1


def test_a_document_is_added_to_an_entry(web: Web) -> None:
    entry = f"/entries/{web.entry(web.case())}"
    assert led_to(web.send(entry, f"{entry}/documents", FILE, document_title="Kart")) == entry
    assert "Kart" in web.page(entry).text_content()
    assert "Hoveddokument" in web.page(entry).text_content()


def test_a_sign_off_names_the_answer_by_its_number(web: Web) -> None:
    case = web.case()
    entry, answer = web.entry(case), web.entry(case, "Svar", entry_type="U")
    number = web.get(f"/entries/{answer}").json()["number"]
    path = f"/entries/{entry}"
    assert "2026/999-9" in told(web.send(path, f"{path}/sign-offs", method="BU", answered_by="2026/999-9"), 404, "sign-off")
    led_to(web.send(path, f"{path}/sign-offs", method="BU", answered_by=number))
    assert f"/entries/{answer}" in web.page(path).xpath("//section[@aria-labelledby='signed-off']//a/@href")


def test_what_is_wrong_is_told_beside_the_form_and_what_was_typed_is_kept(web: Web) -> None:
    answer = web.send("/cases/new", "/cases", title=" ", description="x", responsible="Kari")
    assert "må ha en verdi" in told(answer, 422, "case")
    made = html.document_fromstring(answer.text)
    assert made.xpath("//input[@name='responsible']/@value") == ["Kari"]
    assert made.xpath("//input[@aria-invalid='true']/@name") == ["title"]
    case = f"/cases/{web.case()}"
    path = f"{case}/entries"
    bad_day = web.send(f"{path}/new", path, FILE, title="x", received_on="2026-02-30")
    assert "«2026-02-30» er ikke en dato" in told(bad_day, 422, "entry")
    assert "«Q»" in told(web.send(f"{path}/new", path, title="x", entry_type="Q"), 422, "entry")
    entry = f"/entries/{web.entry(case.rpartition('/')[2])}"
    assert "ingen fil" in told(web.send(entry, f"{entry}/documents"), 422, "document")
    assert "3.2.19" in told(web.send(entry, f"{entry}/status", status="R"), 409, "status")
    assert web.blobs() == set()


def test_a_closed_case_is_told_by_its_rule(web: Web) -> None:
    case = f"/cases/{web.case()}"
    answer = web.page(f"{case}/entries/new")
    web.patch(case, {"status": "A"}, "*")
    token, once = (answer.xpath(f"//main//input[@name='{name}']/@value")[0] for name in ("token", "once"))
    data = {"token": token, "once": once, "title": "x", "entry_type": "I", "status": "J"}
    refused = web.client.post(f"{case}/entries", data=data, files=FILE)
    assert "Noark-krav 2.5.5" in told(refused, 409, "entry")
    assert web.blobs() == set()


def test_a_change_over_somebody_elses_change_is_refused(web: Web) -> None:
    case = f"/cases/{web.case()}"
    stale = web.send(case, f"{case}/status", status="A", version="1")
    assert "har nå versjon 2" in told(stale, 412, "status")
    assert "Under behandling" in web.page(case).text_content()


def test_a_form_sent_twice_is_done_once(web: Web) -> None:
    fields = web.page("/cases/new").xpath("//form[@action='/cases'][@method='post']//input[@type='hidden']")
    hidden = {one.get("name"): one.get("value") for one in fields}
    first = web.client.post("/cases", data={**hidden, "title": "Sak"}, follow_redirects=False)
    before = web.position()
    again = web.client.post("/cases", data={**hidden, "title": "Sak"}, follow_redirects=False)
    assert led_to(again) == led_to(first)
    assert web.position() == before
    case = led_to(first)
    form = web.page(f"{case}/entries/new")
    hidden = {name: form.xpath(f"//main//input[@name='{name}']/@value")[0] for name in ("token", "once")}
    data = {**hidden, "title": "x", "entry_type": "I", "status": "J"}
    made = [web.client.post(f"{case}/entries", data=data, files=FILE, follow_redirects=False) for _ in range(2)]
    assert led_to(made[0]) == led_to(made[1])
    assert len(web.blobs()) == 1


@pytest.mark.parametrize(
    ("cookie", "token"),
    [("none", "own"), ("own", "none"), ("own", "forged"), ("other", "own"), ("own", "other"), ("own", "nonce")],
)
def test_a_form_of_another_site_does_nothing(web: Web, cookie: str, token: str) -> None:
    """Forged: not sealed by us; other: given to another visitor; nonce: the cookie's own value as token."""
    given: dict[str, tuple[str, str]] = {}
    for visitor in ("other", "own"):
        web.client.cookies.clear()
        made = web.page("/cases/new")
        given[visitor] = web.client.cookies["dagbok_form"], made.xpath("//main//input[@name='token']/@value")[0]
    web.client.cookies.clear()
    if cookie != "none":
        web.client.cookies["dagbok_form"] = given[cookie][0]
    tokens = {"none": "", "forged": "eA.eA", "nonce": given["own"][0], "own": given["own"][1], "other": given["other"][1]}
    before = web.position(), web.blobs()
    assert "Ingenting er lagret" in told(web.client.post("/cases", data={"title": "x", "token": tokens[token]}), 403, "case")
    assert (web.position(), web.blobs()) == before


@pytest.mark.parametrize("path", ["status", "sign-offs", "documents", "entries"])
def test_no_form_goes_without_its_token_and_no_byte_of_it_is_stored(web: Web, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    case = web.case()
    entry = web.entry(case)
    address = f"/cases/{case}/entries" if path == "entries" else f"/entries/{entry}/{path}"
    files = FILE if path in ("entries", "documents") else None
    before = web.position(), web.blobs()
    stored: list[Any] = []
    monkeypatch.setattr(web.tenant.ledger.blobs, "put", lambda *given: stored.append(given))
    answer = web.client.post(address, data={"status": "A", "method": "TE", "title": "x", "entry_type": "I"}, files=files)
    assert answer.status_code == 403
    assert stored == []
    assert (web.position(), web.blobs()) == before
    assert web.client.post("/log/receipts", data={"position": "1"}).status_code == 403


def test_a_form_cookie_stays_on_this_site_and_away_from_scripts(web: Web) -> None:
    cookie = web.client.get("/cases/new").headers["set-cookie"].lower()
    assert all(mark in cookie for mark in ("dagbok_form=", "httponly", "samesite=strict", "path=/"))
    assert "secure" not in cookie
    assert "set-cookie" not in web.client.get("/cases/new").headers
    web.client.cookies.clear()
    web.client.base_url = "https://testserver"  # type: ignore[assignment]
    assert "secure" in web.client.get("/cases/new").headers["set-cookie"].lower()


@pytest.mark.parametrize(
    "content", [b"%ff=%ff&title=x", "tïtle=x".encode(), b"&".join(b"a=1" for _ in range(200)), b"x" * 2_000_000]
)
def test_a_form_that_cannot_be_read_is_refused(web: Web, content: bytes) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert web.client.post("/cases", content=content, headers=headers).status_code in (400, 413)
