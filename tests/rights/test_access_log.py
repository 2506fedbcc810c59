"""Whoever is shown coded material is written down first; where that cannot be done, nothing of it leaves."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from uuid import UUID

import psycopg
import pytest

from api.fiks_arkiv import service
from api.fiks_arkiv.encode import encode
from api.fiks_arkiv.message_types import SEARCH
from domain.handlers import standing
from domain.ledger import selfcheck
from domain.ledger.access_chain import AccessLogAway
from tests.api.fiks import written
from tests.fixtures_ledger import LedgerTenant
from tests.fixtures_staff import Staffed
from tests.fixtures_web import PDF, Web
from tests.rights.access_town import CODED, SECRET, Town, opened_town
from tools.demo.staff import Hired


@pytest.fixture
def town(staffed_now: Staffed) -> Iterator[Town]:
    with opened_town(staffed_now) as made:
        yield made


def rests(town: Town, user_name: str) -> set[str]:
    """Where the facts of somebody's rights stand, as the access log names them."""
    ledger = town.web.tenant.ledger
    found = standing.of(ledger).person(str(town.house.people[user_name]))
    chain_id = ledger.reader.record_chains[-1][0]
    return {f"{chain_id}#{one}" for right in found.person.rights for one in right.rests_on}


def test_each_way_of_reading_leaves_one_fact(town: Town) -> None:
    object_id = town.object_of(town.document)
    town.become("siv.moe")
    ways = [
        (f"/api/v1/entries/{town.coded}", town.coded, "entry", "api"),
        (f"/entries/{town.coded}", town.coded, "entry", "page"),
        (f"/api/v1/documents/{town.document}", town.document, "document", "api"),
        (f"/documents/{town.document}", town.document, "document", "page"),
        (f"/api/v1/documents/{town.document}/objects/{object_id}/file", town.document, "document", "file"),
        (f"/documents/{town.document}/objects/{object_id}/file", town.document, "document", "file"),
        (f"/history/{town.coded}", town.coded, "entry", "history"),
        (f"/api/v1/units/{town.coded}/history", town.coded, "entry", "history"),
    ]
    for address, record, kind, what in ways:
        answer = town.web.client.get(address)
        assert answer.status_code == 200, (address, answer.status_code, answer.text[:300])
        (fact,) = town.noted()
        assert (fact["record"], fact["kind"], fact["what"], fact["code"]) == (record, kind, what, "13"), address
        assert fact["actor"] == str(town.house.people["siv.moe"])
        assert fact["within"] == ([town.case] if kind == "entry" else [town.coded, town.case])
        assert set(fact["rests_on"]) <= rests(town, "siv.moe")
        assert set(fact["rests_on"]), address
        assert "audit" not in fact
    assert SECRET not in str(town.facts())


def test_what_has_no_code_leaves_none(town: Town) -> None:
    object_id = town.object_of(town.plain_document)
    town.become("siv.moe")
    for address in (
        f"/api/v1/entries/{town.plain}",
        f"/entries/{town.plain}",
        f"/documents/{town.plain_document}",
        f"/documents/{town.plain_document}/objects/{object_id}/file",
        f"/history/{town.plain}",
    ):
        answer = town.web.client.get(address)
        assert answer.status_code == 200, (address, answer.text[:300])
    assert town.noted() == []


def test_a_list_notes_the_coded_rows_that_it_shows_whole(town: Town) -> None:
    town.become("siv.moe")
    for address, what in (
        ("/api/v1/journal", "search-row"),
        ("/api/v1/journal?q=Kvist", "search-row"),
        ("/journal", "search-row"),
        (f"/cases/{town.case}", "page"),
    ):
        answer = town.web.client.get(address)
        assert answer.status_code == 200
        assert SECRET in answer.text, address
        (fact,) = town.noted()
        assert (fact["record"], fact["what"], fact["within"]) == (town.coded, what, [town.case]), address
        assert set(fact["rests_on"]) == rests(town, "siv.moe")
    town.become("per.nes")
    for address in ("/api/v1/journal", "/journal"):
        assert SECRET not in town.web.client.get(address).text
    assert town.noted() == []


def test_who_may_not_read_leaves_none(town: Town) -> None:
    town.become("per.nes")
    answer = town.web.client.get(f"/api/v1/entries/{town.coded}")
    assert answer.status_code in (403, 404)
    assert SECRET not in answer.text
    assert town.noted() == []


def test_fetching_over_fiks_arkiv_leaves_one_fact(town: Town) -> None:
    object_id = town.object_of(town.document)
    siv = town.house.actor("siv.moe")
    for payload, record, what in (
        (written.get_entry(town.coded), town.coded, "api"),
        (written.get_file(object_id), town.document, "file"),
    ):
        (answer,) = service.handle(town.web.tenant, payload, {}, actor=siv)
        assert answer.type.endswith("resultat"), answer.type
        (fact,) = town.noted()
        assert (fact["record"], fact["what"], fact["actor"]) == (record, what, siv.id)
    service.handle(town.web.tenant, written.get_entry(town.plain, include=("dokumentbeskrivelse",)), {}, actor=siv)
    assert town.noted() == []
    town.house.hire(Hired("ole.by", "Ole By", "arkivar", "Arkiv", ("archivist",), "anne.berg", "tor.lie", ("13",)))
    said = '{"title": "Legeerklæring", "screening": {"access_restriction": "P"}}'
    coded = town.web.created(town.web.document(town.plain, metadata=said))
    town.noted()
    for user_name, seen in (("siv.moe", True), ("ole.by", False)):
        who = town.house.actor(user_name)
        (answer,) = service.handle(
            town.web.tenant, written.get_entry(town.plain, include=("dokumentbeskrivelse",)), {}, actor=who
        )
        assert answer.type.endswith("resultat")
        assert ("Legeerklæring".encode() in (answer.payload or b"")) is seen, user_name
        assert [fact["record"] for fact in town.noted()] == ([coded] if seen else [])
    with town.one.owner() as connection:
        connection.execute(f"insert into {town.one.tenant}_access_{town.year}.ledger_stop values ('looked at')")
    (answer,) = service.handle(town.web.tenant, written.get_entry(town.coded), {}, actor=siv)
    assert "serverfeil" in answer.type
    assert SECRET.encode() not in (answer.payload or b"")


def test_a_coded_document_on_an_open_entry_is_noted_with_its_entry(town: Town) -> None:
    coded = town.web.created(
        town.web.document(town.plain, metadata='{"title": "Legeerklæring", "screening": {"access_restriction": "13"}}')
    )
    town.noted()
    assert town.web.client.get(f"/entries/{town.plain}").status_code == 200
    (fact,) = town.noted()
    assert (fact["record"], fact["kind"], fact["what"]) == (coded, "document", "page")


def test_an_auditors_reading_is_marked(town: Town) -> None:
    town.become("eli.rev")
    assert town.web.client.get(f"/api/v1/entries/{town.coded}").status_code == 200
    (fact,) = town.noted()
    assert fact["audit"] is True


def test_reading_goes_on_while_the_record_chain_cannot_be_written(town: Town) -> None:
    town.become("siv.moe")
    town.web.tenant.ledger.writer.close()
    assert town.web.post("/cases", {"title": "Ny sak"}).status_code == 503
    answer = town.web.client.get(f"/api/v1/entries/{town.coded}")
    assert answer.status_code == 200
    assert SECRET in answer.text
    assert len(town.noted()) == 1


def test_where_the_access_log_cannot_be_written_nothing_coded_leaves(town: Town) -> None:
    object_id = town.object_of(town.document)
    town.become("siv.moe")
    with town.one.owner() as connection:
        connection.execute(f"insert into {town.one.tenant}_access_{town.year}.ledger_stop values ('looked at')")
    for address in (
        f"/api/v1/entries/{town.coded}",
        f"/entries/{town.coded}",
        f"/api/v1/documents/{town.document}",
        f"/documents/{town.document}/objects/{object_id}/file",
        f"/history/{town.coded}",
        f"/api/v1/units/{town.coded}/history",
        "/api/v1/journal",
        f"/cases/{town.case}",
    ):
        answer = town.web.client.get(address)
        assert answer.status_code == 503, (address, answer.status_code)
        assert answer.headers["retry-after"] == "5"
        assert SECRET not in answer.text
        assert PDF not in answer.content
        if address.startswith("/api/"):
            assert answer.json()["code"] == AccessLogAway.code
    for address in (f"/api/v1/entries/{town.plain}", f"/entries/{town.plain}"):
        assert town.web.client.get(address).status_code == 200
    assert town.noted() == []
    with town.one.owner() as connection:
        connection.execute(f"delete from {town.one.tenant}_access_{town.year}.ledger_stop")
    assert back_within(town, 10)
    assert len(town.noted()) == 1


def back_within(town: Town, seconds: float) -> bool:
    """Whether coded material is shown again in that time, without a hand."""
    waiting = threading.Event()
    for _ in range(int(seconds / 0.2)):
        if town.web.client.get(f"/api/v1/entries/{town.coded}").status_code == 200:
            return True
        waiting.wait(0.2)
    return False


def test_concurrent_readings_are_all_there_and_verify(town: Town) -> None:
    town.become("siv.moe")
    answers: list[int] = []

    def read() -> None:
        answers.extend(town.web.client.get(f"/api/v1/entries/{town.coded}").status_code for _ in range(5))

    threads = [threading.Thread(target=read) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert answers == [200] * 40
    facts = town.noted()
    assert {UUID(fact["record"]) for fact in facts} == {UUID(town.coded)}
    assert len({fact["place"] for fact in facts}) == 40
    with psycopg.connect(town.one.dsn("auditor"), autocommit=True) as connection:
        assert [(one.chain_id.split("/")[1], one.ok) for one in selfcheck.check(connection, town.one.tenant)] == [
            ("record", True),
            ("access", True),
        ]


def test_a_clock_that_starts_anew_begins_after_the_last_reading(town: Town) -> None:
    tenant = town.web.tenant
    record = tenant.ledger.reader.head().recorded_at_us
    assert tenant.last_recorded_us() >= record
    town.become("siv.moe")
    assert town.web.client.get(f"/api/v1/entries/{town.coded}").status_code == 200
    with town.one.owner() as connection:
        row = connection.execute(f"select recorded_at_us from {town.one.tenant}_access_{town.year}.ledger_head").fetchone()
    assert row == (tenant.last_recorded_us(),)
    assert tenant.last_recorded_us() > record


def test_before_rights_are_in_use_nothing_is_noted(web: Web, ledger_tenant: LedgerTenant) -> None:
    entry = web.entry(web.case(), SECRET, **CODED)
    assert web.get(f"/entries/{entry}").status_code == 200
    with ledger_tenant.owner() as connection:
        (row,) = connection.execute(f"select count(*) from {ledger_tenant.tenant}.ledger_chain").fetchall()
    assert row == (1,)


def test_what_a_search_over_fiks_arkiv_shows_of_an_open_entry_is_noted_too(town: Town) -> None:
    said = '{"title": "Legeerklæring", "screening": {"access_restriction": "13"}}'
    coded = town.web.created(town.web.document(town.plain, metadata=said))
    town.web.caught_up()
    town.noted()
    siv = town.house.actor("siv.moe")
    free = {"@type": "journalpostFritekstSokdefinisjon", "responstype": "utvidet", "soketekst": "Invitasjon"}
    asked = {**free, "inkluder": ["dokumentbeskrivelse"]}
    message = encode(SEARCH, {"system": "F", "take": 10, "skip": 0, "sokdefinisjon": asked})
    (answer,) = service.handle(town.web.tenant, message, {}, actor=siv)
    assert "Legeerklæring".encode() in (answer.payload or b""), answer
    (fact,) = town.noted()
    assert (fact["record"], fact["kind"], fact["within"]) == (coded, "document", [town.plain, town.case])


def test_a_request_to_read_a_coded_case_is_shown_with_its_title_once_that_is_noted(town: Town) -> None:
    coded = town.web.created(town.web.post("/cases", {"title": SECRET, "screening": {"access_restriction": "13"}}))
    town.become("tor.lie")
    assert town.web.post(f"/records/{coded}/access-requests", {"reason": "Trenger den"}).status_code == 201
    town.web.caught_up()
    town.noted()
    assert SECRET not in town.web.client.get("/rights/me").text
    assert town.noted() == []
    town.become("siv.moe")
    answer = town.web.client.get("/rights/me")
    assert SECRET in answer.text
    assert {(fact["record"], fact["what"]) for fact in town.noted()} == {(coded, "search-row")}
