"""Every route that reads or writes data passes the one gate. A new route without a sample request here fails the test."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute

from api.app import create_app
from api.installation import Installation, Tenant
from api.requests import Demo
from domain.handlers import gate
from domain.handlers.gate import Actor
from domain.ledger.clock import SetClock
from domain.model.errors import Refused
from tests.api.fiks import written
from tests.fixtures_web import API, PDF, Web, opened

OPEN = {("GET", "/healthz"), ("GET", "/readyz"), ("GET", "/metrics"), ("POST", "/language"), ("GET", f"{API}/openapi.json")}
# Whoever asks here is not known yet, or ends what is its own; tests/login holds what they show and to whom.
LOGIN = {
    *(("GET", path) for path in ("/login", "/login/oidc", "/login/callback", "/login/again", "/login/set-up", "/session")),
    *(("POST", path) for path in ("/login", "/login/again", "/login/set-up", "/logout")),
    *((method, "/acting") for method in ("GET", "POST")),  # for whom one acts, as one's own rights say
    *(("POST", f"/session/{act}") for act in ("profile", "end-others", "password")),
}
FILE = {"file": ("a.pdf", PDF, "application/pdf")}
NOBODY = "00000000-0000-4000-8000-000000000000"

# What makes a request reach the handler of its route; a GET needs nothing.
BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("POST", f"{API}/cases"): {"json": {"title": "x"}},
    ("PATCH", f"{API}/cases/{{case}}"): {"json": {"title": "x"}, "headers": {"If-Match": "*"}},
    ("POST", f"{API}/cases/{{case}}/entries"): {"json": {"title": "x", "entry_type": "I"}},
    ("PATCH", f"{API}/entries/{{entry}}"): {"json": {"title": "x"}, "headers": {"If-Match": "*"}},
    ("POST", f"{API}/entries/{{entry}}/sign-offs"): {"json": {"method": "TE"}},
    ("DELETE", f"{API}/entries/{{entry}}/sign-offs/{{sign_off_id}}"): {},
    ("POST", f"{API}/entries/{{entry}}/documents"): {"files": FILE},
    ("POST", f"{API}/log/receipts"): {"json": {"position": 1}},
    ("POST", f"{API}/fiks-arkiv/messages"): {"files": {"payload": ("m.xml", written.case_message("Sak"), "application/xml")}},
    ("POST", "/cases"): {"data": {"title": "x"}},
    ("POST", "/cases/{case}/status"): {"data": {"status": "A", "version": "2"}},
    ("POST", "/cases/{case}/entries"): {"data": {"title": "x", "entry_type": "I", "status": "J"}, "files": FILE},
    ("POST", "/entries/{entry}/status"): {"data": {"status": "A", "version": "5"}},
    ("POST", "/entries/{entry}/sign-offs"): {"data": {"method": "TE"}},
    ("POST", "/entries/{entry}/sign-offs/{sign_off_id}/take-back"): {"data": {}},
    ("POST", "/entries/{entry}/documents"): {"data": {}, "files": FILE},
    ("POST", "/log/receipts"): {"data": {"position": "1"}},
    ("POST", f"{API}/rights/orders"): {"json": {"person": NOBODY, "unit": NOBODY, "first_day": "2030-01-01"}},
    ("POST", f"{API}/people/{{person}}/stops"): {"json": {"unit": NOBODY}},
    ("POST", f"{API}/rights/orders/preview"): {"json": {"person": NOBODY, "unit": NOBODY, "first_day": "2030-01-01"}},
    ("POST", f"{API}/people/{{person}}/stops/preview"): {"json": {"unit": NOBODY}},
    ("POST", f"{API}/organisation/cells/preview"): {"json": {"cells": [{"cell": "x", "scope": "*"}], "first_day": "2030-01-01"}},
    ("POST", f"{API}/people/{{person}}/handovers"): {"json": {"all": NOBODY}},
    ("POST", f"{API}/people/{{person}}/orders/{{order}}/answers"): {"json": {"answer": "control"}},
    ("POST", f"{API}/people/{{person}}/reviews"): {"json": {"unit": NOBODY}},
    ("POST", f"{API}/records/{{record}}/access-requests"): {"json": {"reason": "x"}},
    ("POST", f"{API}/cases/{{case}}/access-requests/{{asked}}/answers"): {"json": {"days": 1}},
    ("POST", f"{API}/organisation/units"): {"json": {"name": "x"}},
    ("PATCH", f"{API}/organisation/units/{{unit}}"): {"json": {"name": "x"}},
    ("POST", f"{API}/organisation/managers"): {"json": {"unit": NOBODY, "first_day": "2030-01-01"}},
    ("POST", f"{API}/organisation/cells"): {"json": {"cells": [{"cell": "x", "scope": "*"}], "first_day": "2030-01-01"}},
    ("POST", f"{API}/organisation/groups"): {"json": {"group": "x", "name": "x"}},
    ("POST", f"{API}/organisation/codes"): {"json": {"code": "13", "basis": "x", "first_day": "2030-01-01"}},
    ("POST", f"{API}/organisation/changes/{{change}}/confirmation"): {},
    ("DELETE", f"{API}/organisation/changes/{{change}}"): {},
    ("POST", "/rights/order"): {"data": {"person": NOBODY, "unit": NOBODY, "first_day": "2030-01-01"}},
    ("POST", "/rights/requests/{person}/{asked}"): {"data": {"reason": "x"}},
    ("POST", "/rights/stop"): {"data": {"person": NOBODY, "unit": NOBODY}},
    ("POST", f"{API}/people/{{person}}/urgent-access"): {"json": {"case": "26/1", "reason": "x"}},
    ("POST", f"{API}/people/{{person}}/urgent-access/{{wanted}}/answers"): {"json": {"answer": "confirm"}},
    ("POST", f"{API}/people/{{person}}/take-overs"): {"json": {"unit": NOBODY}},
    ("POST", f"{API}/people/{{person}}/orders/{{order}}/report"): {},
    ("POST", f"{API}/rights/reviews"): {"json": {"rows": [{"person": NOBODY}]}},
    ("POST", "/rights/audits/{person}/{order}"): {"data": {}},
    ("POST", f"{API}/organisation/working-hours"): {
        "json": {"first_day": "2030-01-01", "weekdays": [0], "opens": "08:00", "closes": "15:30"}
    },
    ("POST", f"{API}/organisation/closed-days"): {"json": {"day": "2030-12-24"}},
    ("POST", "/rights/urgent"): {"data": {"person": NOBODY, "case": "26/1", "reason": "x"}},
    ("POST", "/rights/urgent/{person}/{wanted}"): {"data": {"answer": "confirm"}},
    ("POST", "/rights/urgent/{person}/{wanted}/end"): {"data": {"reason": "x"}},
    ("POST", "/rights/without-manager/{person}"): {"data": {"unit": NOBODY}},
    ("GET", "/rights/handover"): {"params": {"person": NOBODY}},
    ("POST", "/rights/handover"): {"data": {"person": NOBODY, "all": NOBODY}},
    ("POST", "/rights/answers/{person}/{order}"): {"data": {"answer": "control"}},
    ("POST", "/rights/changes/{change}"): {"data": {"answer": "confirm"}},
    ("POST", "/rights/review"): {"data": {"person": NOBODY}},
    ("POST", "/organisation/units"): {"data": {"name": "x"}},
    ("POST", "/organisation/units/{unit}"): {"data": {"name": "x"}},
    ("POST", "/organisation/units/{unit}/managers"): {"data": {"first_day": "2030-01-01"}},
    ("POST", "/roles/cells"): {"data": {"cell": "x", "scope": "*", "first_day": "2030-01-01"}},
    ("POST", "/roles/codes"): {"data": {"code": "13", "basis": "x", "first_day": "2030-01-01"}},
    ("POST", "/roles/groups"): {"data": {"group": "x", "name": "x"}},
    ("POST", "/access/{record}"): {"data": {"reason": "x"}},
    ("POST", "/access/{record}/answers/{asked}"): {"data": {"answer": "decline", "reason": "x"}},
    ("POST", "/demo/person"): {"data": {"person": "tor.lie"}},
    ("POST", "/demo/clock"): {"data": {"to": "2030-01-01T00:00"}},
}


def routes(router: APIRouter, prefix: str = "") -> Iterator[tuple[str, str]]:
    """(method, path) of every route, those of included routers too."""
    for route in router.routes:
        inner = getattr(route, "original_router", None)
        if inner is not None:
            yield from routes(inner, prefix + route.include_context.prefix)  # type: ignore[attr-defined]
        elif isinstance(route, APIRoute):
            yield from ((method, prefix + route.path) for method in route.methods)
        elif getattr(route, "methods", None):
            yield "GET", prefix + route.path  # type: ignore[attr-defined]


@pytest.fixture
def demo_web(installation: Installation, tenant: Tenant) -> Iterator[Web]:
    demo = Demo((("tor.lie", "Tor Lie"), ("kari.nes", "Kari Nes")), SetClock(datetime(2026, 1, 2, tzinfo=UTC)))
    with opened(installation, tenant, demo) as made:
        yield made


def test_every_route_is_found() -> None:
    inner, app = APIRouter(), FastAPI(openapi_url=f"{API}/openapi.json", docs_url=None, redoc_url=None)
    inner.get("/b/{c}")(lambda c: c)
    app.include_router(inner, prefix="/a")
    assert set(routes(app.router)) == {("GET", "/a/b/{c}"), ("GET", f"{API}/openapi.json")}


def test_every_data_route_passes_the_gate(demo_web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    web = demo_web
    case = web.case()
    entry = web.entry(case)
    document = web.created(web.document(entry))
    object_id = web.get(f"/documents/{document}").json()["objects"][0]["id"]
    sign_off_id = web.created(web.post(f"/entries/{entry}/sign-offs", {"method": "TE"}))
    ids = {"case": case, "entry": entry, "document": document, "object_id": object_id, "unit": entry, "sign_off_id": sign_off_id}
    ids |= {"record": case, **dict.fromkeys(("person", "order", "change", "asked", "wanted"), NOBODY)}
    token = web.page("/cases/new").xpath("//main//input[@name='token']/@value")[0]
    asked: list[str] = []

    def refuse(actor: Actor, action: str, record: object = None) -> gate.Permit:
        asked.append(action)
        raise Refused("actor.missing", "4.1.1", {"action": action})

    monkeypatch.setattr(gate, "permit", refuse)
    before, blobs = web.position(), web.blobs()
    found = sorted(routes(web.client.app.router))  # type: ignore[attr-defined]
    assert len(found) > 35
    for method, path in found:
        if (method, path) in OPEN | LOGIN:
            continue
        sample = dict(BODIES.get((method, path), {}))
        assert method == "GET" or (method, path) in BODIES, f"no sample request for {method} {path}"
        if "data" in sample:
            sample["data"] = {"token": token, **sample["data"]}
        asked.clear()
        address = path.replace("{number:path}", "2026-1").format_map({**ids, "position": "1"})
        answer = web.client.request(method, address, follow_redirects=False, **sample)
        refused = 200 if path.endswith("fiks-arkiv/messages") else 403  # it answers by messages: feilmelding
        assert answer.status_code == refused, (
            f"{method} {path} answered {answer.status_code} though the gate refused: {answer.text[:500]}"
        )
        assert asked, f"{method} {path} refused without asking the gate"
    assert (web.position(), web.blobs()) == (before, blobs)


def test_each_open_route_is_there_and_reads_no_data(installation: Installation, tenant: Tenant) -> None:
    found = set(routes(create_app(installation).router))
    assert found >= OPEN | LOGIN
