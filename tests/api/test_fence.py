"""What every request and every answer passes: headers, limits, hosts, other sites, municipalities; and what machines ask."""

from __future__ import annotations

import re
from typing import Any

import psycopg
import pytest

from api.installation import Installation, Tenant
from api.web.shell import SECURITY_HEADERS
from domain.ledger.faults import ClockFault
from tests.fixtures_ledger import LedgerTenant, new_series
from tests.fixtures_web import API, Web, opened

EVERYWHERE = (
    "/",
    "/nothing",
    f"{API}/cases",
    f"{API}/nothing",
    "/static/dagbok.css",
    "/static/nothing",
    "/healthz",
    f"{API}/openapi.json",
)


@pytest.mark.parametrize("path", EVERYWHERE)
def test_every_answer_carries_the_security_headers(web: Web, path: str) -> None:
    answer = web.client.get(path)
    for name, value in SECURITY_HEADERS.items():
        assert answer.headers[name] == value
    assert answer.headers["cache-control"] == "no-store"


def test_a_fault_of_ours_is_answered_without_its_details(web: Web, monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("secret of the house")

    monkeypatch.setattr("api.reads.head", fail)
    for path in (f"{API}/log/head", "/log"):
        answer = web.client.get(path, headers={"Accept-Language": "en"})
        assert answer.status_code == 500
        assert "secret" not in answer.text
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        reference = caplog.records[-1].reference
        assert reference in answer.text
        assert "secret of the house" in caplog.records[-1].exc_text


def test_static_files_are_kept_by_version(web: Web) -> None:
    addressed = re.findall(r'"(/static/[^"]+)"', web.client.get("/").text)
    assert len(addressed) >= 4
    for path in addressed:
        answer = web.client.get(path)
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "public, max-age=31536000, immutable")
    assert web.client.get("/static/../shell.py").status_code == 404


def test_a_declared_length_over_the_limit_is_refused_at_once(web: Web) -> None:
    before = web.position()
    for length in (str(16 * 1024**2 + 1), str(10 * 1024**3), "9" * 40):
        answer = web.client.post(
            f"{API}/cases", content=b"{}", headers={"Content-Length": length, "Content-Type": "application/json"}
        )
        assert (answer.status_code, answer.json()["code"]) == (413, "request.too_large")
    assert web.position() == before


def test_a_body_that_grows_over_the_limit_is_cut(web: Web) -> None:
    web.client.app.state.site.settings.xml_limit = 1_000  # type: ignore[attr-defined]
    body = b'{"title": "' + b"x" * 2_000 + b'"}'
    headers = {"Content-Type": "application/json", "Transfer-Encoding": "chunked"}
    answer = web.client.post(f"{API}/cases", content=(body for _ in range(1)), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (413, "request.too_large")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 201),
        ({"Origin": "http://testserver"}, 201),
        ({"Sec-Fetch-Site": "same-origin"}, 201),
        ({"Origin": "http://other.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
    ],
)
def test_another_site_changes_nothing_here(web: Web, headers: dict[str, str], status: int) -> None:
    assert web.client.post(f"{API}/cases", json={"title": "x"}, headers=headers).status_code == status


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8765", 200),
        ("[::1]:8765", 200),
        ("localhost", 200),
        ("fjordvik.kommune.no", 200),
        ("arkiv.fjordvik.kommune.no:443", 200),
        ("other.example", 421),
        ("fjordvik.kommune.no.other.example", 421),
        ("xfjordvik.kommune.no", 421),
    ],
)
def test_a_public_name_that_is_not_ours_is_not_answered(web: Web, host: str, status: int) -> None:
    answer = web.client.get("/", headers={"Host": host})
    assert answer.status_code == status
    web.client.app.state.site.settings.host = "10.0.0.7"  # type: ignore[attr-defined]
    assert web.client.get("/", headers={"Host": host}).status_code == 200


def test_nobody_acts_where_nobody_is_named(installation: Installation, tenant: Tenant) -> None:
    installation.settings.actor = ""
    with opened(installation, tenant) as web:
        for headers in ({}, {"X-Actor": "tor.lie"}, {"Authorization": "Basic dG9yLmxpZTp4"}, {"Cookie": "dagbok_person=tor.lie"}):
            answer = web.client.get(f"{API}/cases", headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (403, "actor.missing")
            assert web.client.post(f"{API}/cases", json={"title": "x"}, headers=headers).status_code == 403
            assert web.client.get("/", headers=headers).status_code == 403


def test_the_actor_is_the_setting_whatever_a_client_says(web: Web) -> None:
    headers = {"X-Actor": "eve", "X-Remote-User": "eve", "Remote-User": "eve", "Cookie": "dagbok_person=eve"}
    unit = web.created(web.client.post(f"{API}/cases", json={"title": "x"}, headers=headers))
    assert web.get(f"/cases/{unit}").json()["created_by"] == "tor.lie"


OPERATIONS = {
    "/api/v1/cases": {"get", "post"},
    "/api/v1/cases/{case}": {"get", "patch"},
    "/api/v1/cases/{case}/entries": {"post"},
    "/api/v1/entries/{entry}": {"get", "patch"},
    "/api/v1/entries/{entry}/sign-offs": {"post"},
    "/api/v1/entries/{entry}/sign-offs/{sign_off_id}": {"delete"},
    "/api/v1/entries/{entry}/documents": {"post"},
    "/api/v1/documents/{document}": {"get"},
    "/api/v1/documents/{document}/objects/{object_id}/file": {"get"},
    "/api/v1/journal": {"get"},
    "/api/v1/units/{unit}/history": {"get"},
    "/api/v1/log/head": {"get"},
    "/api/v1/log/checkpoint": {"get"},
    "/api/v1/log/receipts": {"post"},
    "/api/v1/log/receipts/{position}": {"get"},
    "/api/v1/fiks-arkiv/messages": {"post"},
    "/api/v1/people": {"get"},
    "/api/v1/people/{person}/rights": {"get"},
    "/api/v1/people/{person}/stops": {"post"},
    "/api/v1/people/{person}/orders/{order}/answers": {"post"},
    "/api/v1/people/{person}/reviews": {"post"},
    "/api/v1/rights/orders": {"get", "post"},
    "/api/v1/records/{record}/access-requests": {"post"},
    "/api/v1/cases/{case}/access-requests/{asked}/answers": {"post"},
    "/api/v1/organisation": {"get"},
    "/api/v1/organisation/cells": {"get", "post"},
    "/api/v1/organisation/units": {"post"},
    "/api/v1/organisation/units/{unit}": {"patch"},
    "/api/v1/organisation/managers": {"post"},
    "/api/v1/organisation/groups": {"post"},
    "/api/v1/organisation/codes": {"post"},
    "/api/v1/organisation/changes/{change}": {"delete"},
    "/api/v1/organisation/changes/{change}/confirmation": {"post"},
    "/api/v1/rights/orders/preview": {"post"},
    "/api/v1/people/{person}/stops/preview": {"post"},
    "/api/v1/people/{person}/orders/{order}/preview": {"get"},
    "/api/v1/organisation/cells/preview": {"post"},
    "/api/v1/organisation/changes/{change}/preview": {"get"},
    "/api/v1/people/{person}/open-work": {"get"},
    "/api/v1/people/{person}/handovers": {"post"},
    "/api/v1/urgent-access": {"get"},
    "/api/v1/people/{person}/urgent-access": {"post"},
    "/api/v1/people/{person}/urgent-access/{wanted}/answers": {"post"},
    "/api/v1/rights/without-manager": {"get"},
    "/api/v1/people/{person}/take-overs": {"post"},
    "/api/v1/people/{person}/orders/{order}/report": {"post"},
    "/api/v1/rights/reviews": {"get", "post"},
    "/api/v1/organisation/working-hours": {"post"},
    "/api/v1/organisation/closed-days": {"post"},
}


def test_openapi_describes_every_operation_and_its_problems(web: Web) -> None:
    said = web.client.get(f"{API}/openapi.json").json()
    assert said["openapi"].startswith("3.1")
    assert {path: set(found) for path, found in said["paths"].items()} == OPERATIONS
    for name in re.findall(r'"#/components/schemas/(\w+)"', str(said).replace("'", '"')):
        assert name in said["components"]["schemas"], name
    for path, operations in said["paths"].items():
        for operation in operations.values():
            assert operation.get("summary")
            if "fiks-arkiv" not in path:
                assert "application/problem+json" in operation["responses"]["4XX"]["content"]


def test_health_and_readiness(web: Web) -> None:
    assert (web.client.get("/healthz").status_code, web.client.get("/healthz").text) == (200, "ok\n")
    web.caught_up()
    ready = web.client.get("/readyz")
    assert (ready.status_code, ready.json()) == (200, {"ready": True, "reasons": []})
    web.tenant.ledger.writer.fault = ClockFault("the clocks differ by 9 s")
    told = web.client.get("/readyz")
    assert told.status_code == 503
    assert "the clocks differ by 9 s" in told.json()["reasons"][0]
    assert web.client.get("/healthz").status_code == 200


def test_readiness_falls_with_a_broken_follower_and_with_the_clock(web: Web, ledger_tenant: LedgerTenant) -> None:
    web.caught_up()
    runner = web.tenant.runners[0]
    runner.stop()
    runner.follower.broken = ClockFault("another chain")
    assert "another chain" in web.client.get("/readyz").text
    runner.follower.broken = None
    with ledger_tenant.owner() as connection:
        connection.execute(
            psycopg.sql.SQL(
                "create or replace function {}() returns timestamptz language sql as $$select now() - interval '1 h'$$"
            ).format(psycopg.sql.Identifier(web.tenant.name, "ledger_now"))
        )
    told = web.client.get("/readyz")
    assert (told.status_code, told.json()["reasons"]) == (503, [f"{web.tenant.name}: application and database clocks disagree"])


def test_metrics_are_what_they_say(web: Web, sign: Any) -> None:
    web.case()
    web.caught_up()
    sign()
    text = web.client.get("/metrics").text
    values = {name: int(value) for name, value in re.findall(r'^(dagbok_\w+)\{tenant="\w+"\} (\d+)$', text, re.MULTILINE)}
    head = web.position()
    assert values["dagbok_head_position"] == values["dagbok_journal_position"] == values["dagbok_checkpoint_size"] == head
    assert values["dagbok_journal_lag"] == values["dagbok_writer_queue"] == values["dagbok_faults"] == 0
    assert set(re.findall(r"^# TYPE (\w+) gauge$", text, re.MULTILINE)) == set(values)


def test_two_municipalities_are_told_apart_by_host_and_by_prefix(installation: Installation, ledger_tenant: LedgerTenant) -> None:
    other = f"{ledger_tenant.tenant}_b"
    installation.create_tenant(other, "innvik.kommune.no")
    try:
        _two(installation, installation.open(), other)
    finally:
        installation.close()
        with ledger_tenant.owner() as connection:
            for kind in ("owner", "writer", "reader", "disposer", "rekey", "auditor", "signer", "web", "public", "work"):
                role = psycopg.sql.Identifier(f"{other}_{kind}")
                if connection.execute("select 1 from pg_roles where rolname = %s", (f"{other}_{kind}",)).fetchone():
                    connection.execute(psycopg.sql.SQL("drop owned by {} cascade").format(role))
                    connection.execute(psycopg.sql.SQL("drop role {}").format(role))


def _two(installation: Installation, first: Tenant, other: str) -> None:
    installation.settings.tenant = None
    new_series(first.ledger)
    with opened(installation, first) as web:
        unit = web.client.post(f"/t/{first.name}{API}/cases", json={"title": "x"}).json()["id"]
        found = web.client.get(f"/t/{first.name}{API}/cases/{unit}")
        assert found.status_code == 200
        assert web.client.get(f"/t/{other}{API}/cases/{unit}").status_code == 404
        assert web.client.get(f"{API}/cases/{unit}", headers={"Host": "fjordvik.kommune.no"}).status_code == 200
        assert web.client.get(f"{API}/cases/{unit}", headers={"Host": "innvik.kommune.no"}).status_code == 404
        for path in ("/", f"{API}/cases", "/t/none/", f"/t/none{API}/cases"):
            assert web.client.get(path).status_code == 404
        made = web.page(f"/t/{first.name}")
        assert {"/t/" + first.name + "/cases/new"} <= set(made.xpath("//a/@href"))
        assert "Fjordvik kommune" in made.findtext("head/title")
        assert "innvik.kommune.no" in web.page(f"/t/{other}/").findtext("head/title")
