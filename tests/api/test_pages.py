"""Every page stands in every language, with data and with none, says what it must, and holds what a page may hold."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from lxml import html

from api.installation import Installation
from api.web.texts import Catalogues
from domain.ledger.clock import SetClock
from tests.fixtures_ledger import LedgerTenant, new_series
from tests.fixtures_web import API, Web, opened

LANGUAGES = Catalogues().offered
EMPTY = (
    "/",
    "/cases",
    "/cases/new",
    "/journal",
    "/log",
    "/journal?q=x&since=2026-01-01&until=2026-02-01&status=J&type=I&unanswered=true",
)
ERASED = {"nb": "opplysningen er slettet ved vedtak", "en": "the detail was erased by decision"}


def pages(web: Web) -> Iterator[str]:
    """Addresses of every kind of page, over a case with everything on it."""
    screening = {"access_restriction": "13", "authority": "offl. § 13"}
    body = {
        "title": "Sak <b>om</b> naust",
        "public_title": "Sak",
        "description": "Lang tekst",
        "responsible": {"name": "Kari Nes"},
        "parties": [{"name": "Ola", "role": "søker"}],
        "classes": [{"system": "K1", "class_id": "L42"}],
        "external_key": {"system": "Acos", "key": "17"},
        "screening": screening,
    }
    case = web.created(web.post("/cases", body))
    parties = [
        {"party_type": "EA", "name": "Ola", "address": ["Veien 1"], "postcode": "1", "city": "By"},
        {"party_type": "EK", "name": "Per"},
    ]
    entry = web.entry(case, parties=parties, screening=screening, due_date="2026-12-01", received_at="2026-01-01T10:00:00Z")
    answer = web.entry(case, "Svar", entry_type="U", sent_at="2026-01-02T10:00:00Z", status="R")
    document = web.created(web.document(entry, metadata=json.dumps({"title": "Klage", "screening": screening})))
    web.created(web.post(f"/entries/{entry}/sign-offs", {"method": "BU", "answered_by": answer}))
    web.caught_up()
    yield from EMPTY
    yield from (
        f"/cases/{case}",
        f"/cases/{case}/entries/new",
        f"/entries/{entry}",
        f"/entries/{answer}",
        f"/documents/{document}",
    )
    yield from (
        f"/history/{case}",
        f"/history/{entry}?on=2020-01-01",
        f"/history/{document}?on=2030-01-01",
        f"/history/{entry}?step=0",
    )
    yield from ("/journal?status=M&status=S", "/cases?q=naust&status=B", f"/log?receipt={web.position()}", "/log?receipt=0")


def faults(text: str) -> list[str]:
    """What no page may hold: more or fewer than one h1, a field without label, a double id, what the security policy refuses."""
    made = html.document_fromstring(text)
    found = [] if len(made.xpath("//h1")) == 1 else ["h1"]
    labels = set(made.xpath("//label/@for"))
    fields = made.xpath("//input[not(@type='hidden')] | //select | //textarea")
    found += [f"no label: {one.get('name')}" for one in fields if one.get("id") not in labels]
    ids = made.xpath("//@id")
    found += sorted({f"double id: {one}" for one in ids if ids.count(one) > 1})
    found += [f"{one.tag}" for one in made.xpath("//script[not(@src)] | //style | //*[@style]")]
    found += [name for one in made.iter() for name in one.attrib if name.startswith("on")]
    found += [link for link in made.xpath("//@src | //@href | //@action") if not re.match(r"/(?!/)|#", link)]
    found += [f"aria: {one}" for one in made.xpath("//@aria-labelledby | //@aria-describedby") if one not in ids]
    shown = made.text_content()
    return found + [word for word in ("None", "UUID(", "{{", "}}", "&lt;") if word in shown]


def test_a_fault_of_a_page_is_seen() -> None:
    for sample in (
        "<p>x</p>",
        "<h1>a</h1><h1>b</h1>",
        "<h1>a</h1><input name='b'>",
        "<h1 style='x'>a</h1>",
        "<h1 onclick='x'>a</h1>",
    ):
        assert faults(f"<html><body>{sample}</body></html>")
    for sample in (
        "<i id='a'></i><b id='a'></b>",
        "<a href='https://x.example'>",
        "<p aria-labelledby='b'>",
        "<p>None</p>",
        "<script>x</script>",
    ):
        assert faults(f"<html><body><h1>a</h1>{sample}</body></html>")
    assert faults("<html><body><h1>a</h1><label for='b'></label><input id='b'><a href='/x'>y</a></body></html>") == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_stands_with_no_data(web: Web, language: str) -> None:
    web.caught_up()
    for path in EMPTY:
        answer = web.client.get(path, headers={"Accept-Language": language})
        assert answer.status_code == 200, (path, answer.text[:500])
        assert html.document_fromstring(answer.text).get("lang") == language
        assert faults(answer.text) == [], path


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_stands_with_data(web: Web, language: str, sign: Any) -> None:
    new_series(web.tenant.ledger)
    web.client.headers["Accept-Language"] = language
    for path in list(pages(web)):
        answer = web.client.get(path)
        assert answer.status_code == (404 if path == "/log?receipt=0" else 200), (path, answer.text[:500])
        assert faults(answer.text) == [], path
        assert "Fjordvik kommune" in html.document_fromstring(answer.text).findtext("head/title")
    sign()
    assert faults(web.client.get("/log").text) == []
    assert faults(web.client.get("/entries/00000000-0000-4000-8000-000000000000").text) == []


def test_the_front_page_counts_what_waits_and_leads_there(web: Web) -> None:
    case = web.case()
    web.entry(case, "Klage <x>")
    web.entry(case, "Notat", entry_type="N", status="S")
    web.caught_up()
    made = web.page("/")
    counts = {one.xpath("string(span)"): (one.xpath("string(strong)"), one.get("href")) for one in made.xpath("//main//ul//a")}
    assert counts["restanser"] == ("2", "/journal?unanswered=true")
    assert counts["til journalføring"][0] == "1"
    assert counts["saker under behandling"] == ("1", "/cases?status=B")
    for count, path in counts.values():
        assert web.page(path).xpath("string(//main//p[@role='status'])").split()[0] == count
    assert "Klage <x>" in made.text_content()


def test_a_page_shows_what_its_reader_has_just_written_or_says_so(web: Web) -> None:
    web.caught_up()
    for runner in web.tenant.runners:
        runner.stop()
    web.client.app.state.site.settings.read_wait_ms = 1  # type: ignore[attr-defined]
    case = web.case()
    for path in ("/", "/cases", "/journal", f"/cases/{case}"):
        assert "vises først om et øyeblikk" in web.page(path).text_content()
    web.client.cookies.clear()
    assert "vises først om et øyeblikk" not in web.page("/").text_content()


def test_the_journal_is_paged_and_keeps_its_search(web: Web) -> None:
    case = web.case()
    for n in range(52):
        web.entry(case, f"Klage {n}")
    web.caught_up()
    first = web.page("/journal?q=klage&status=J&status=E")
    (following,) = first.xpath("//a[@rel='next']/@href")
    assert following == "/journal?q=klage&status=J&status=E&page=2"
    second = web.page(following)
    assert second.xpath("//a[@rel='prev']/@href") == ["/journal?q=klage&status=J&status=E&page=1"]
    assert len(first.xpath("//tbody/tr")) == 50
    assert len(second.xpath("//tbody/tr")) == 2
    assert second.xpath("//a[@rel='next']") == []


def test_a_number_leads_straight_to_its_unit(web: Web) -> None:
    case = web.case()
    entry = web.entry(case)
    number = web.get(f"/cases/{case}").json()["number"]
    for asked, path in ((number, f"/cases/{case}"), (f"{number}-1", f"/entries/{entry}")):
        for address in (f"/go/{asked.replace('/', '-')}", f"/go/{asked}", f"/journal?q={asked}"):
            answer = web.client.get(address, follow_redirects=False)
            assert (answer.status_code, answer.headers["location"]) == (303, path)
    for asked in ("2026-999", "x", "2026-1-99", "..%2Flog", "２０２６-1"):
        assert web.client.get(f"/go/{asked}", follow_redirects=False).status_code == 404


@pytest.mark.parametrize("query", ["since=x", "until=2026-02-30", "status=Q", "type=Q"])
def test_a_wrong_filter_is_told_beside_the_form(web: Web, query: str) -> None:
    answer = web.client.get(f"/journal?{query}")
    made = html.document_fromstring(answer.text)
    assert answer.status_code == 422
    assert made.xpath("//*[@role='alert']")
    assert made.xpath("//form[@action='/journal']")


def test_a_history_shows_the_state_at_the_end_of_a_day(installation: Installation, ledger_tenant: LedgerTenant) -> None:
    clock = SetClock(datetime(2036, 3, 2, 10, tzinfo=UTC))
    installation.clock = clock
    with opened(installation, installation.open()) as web:
        case = web.case("Gammel tittel")
        clock.move_to(datetime(2036, 3, 3, 22, 59, tzinfo=UTC))  # one minute to midnight in Oslo
        web.patch(f"/cases/{case}", {"title": "Ny tittel"}, "*")
        clock.move_to(clock.now() + timedelta(hours=1))
        web.patch(f"/cases/{case}", {"status": "A"}, "*")

        def state(query: str) -> str:
            return str(web.page(f"/history/{case}?{query}").xpath("string(//section[@aria-labelledby='state'])"))

        assert "Gammel tittel" in state("on=2036-03-02")
        assert "Ny tittel" in state("on=2036-03-03")
        assert "Under behandling" in state("on=2036-03-03")
        assert "Avsluttet" in state("on=2036-03-04")
        assert "Det var ikke registrert ennå" in state("on=2036-03-01")
        assert state("step=0") == state("on=2036-03-02")
        assert state("step=99") == state("") == state("on=2036-03-04")
        made = web.page(f"/history/{case}?on=2036-03-03")
        assert len(made.xpath("//tr[@class='later']")) == 1
        assert {one.text_content().strip() for one in made.xpath("//td[@data-label='Hvem']")} == {"tor.lie"}
        assert web.client.get(f"/history/{case}?on=0000-01-01").status_code == 422
        assert web.client.get(f"/history/{case}?on=9999-12-31").status_code == 422


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_was_destroyed_is_said_to_be_erased(web: Web, ledger_tenant: LedgerTenant, language: str) -> None:
    case = web.case("Hemmelig navn")
    entry = web.entry(case, "Hemmelig klage")
    document = web.created(web.document(entry))
    web.caught_up()
    with ledger_tenant.owner() as connection:
        connection.execute(f"update {web.tenant.name}.event set body = null, body_salt = null where body <> ''")
    web.client.headers["Accept-Language"] = language
    for path in (f"/cases/{case}", f"/entries/{entry}", f"/documents/{document}", f"/history/{case}", f"/history/{entry}"):
        answer = web.client.get(path)
        assert answer.status_code == 200, answer.text[:500]
        assert ERASED[language] in answer.text, path
        assert faults(answer.text) == [], path
    assert web.get(f"/cases/{case}").json()["title"] is None
    (one,) = web.get(f"/documents/{document}").json()["objects"]
    file = web.client.get(f"{API}/documents/{document}/objects/{one['id']}/file")
    assert file.headers["content-disposition"].startswith(f'attachment; filename="{one["id"]}.bin"')


def test_the_log_page_gives_checkpoint_and_receipts(web: Web, sign: Any) -> None:
    web.case()
    assert "ikke signert ennå" in web.page("/log").text_content()
    sent = web.send("/log", "/log/receipts", position="2")
    assert sent.status_code == 200
    assert "gis med neste sjekkpunkt" in html.document_fromstring(sent.text).text_content()
    assert web.client.get("/log/receipts/2").status_code == 425
    sign()
    made = web.page("/log?receipt=2")
    assert "/log/receipts/2" in made.xpath("//a/@href")
    receipt = web.client.get("/log/receipts/2")
    assert receipt.headers["content-disposition"] == 'attachment; filename="receipt-2.tlog-proof"'
    assert web.client.get("/log/checkpoint").text == made.xpath("string(//pre)")
    assert web.send("/log", "/log/receipts", position="999").status_code == 404
    assert web.send("/log", "/log/receipts", position="x").status_code == 404


def test_the_choice_of_language_is_kept_and_returns_to_this_site_only(web: Web) -> None:
    for wanted, kept in (("/log", "/log"), ("//evil.example", "/"), ("https://evil.example/", "/")):
        answer = web.client.post("/language", data={"language": "en", "next": wanted}, follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (303, kept)
    assert web.page("/log", **{"Accept-Language": "nb"}).get("lang") == "en"
    assert "set-cookie" not in web.client.post("/language", data={"language": "xx"}, follow_redirects=False).headers
