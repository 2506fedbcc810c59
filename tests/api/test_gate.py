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
FILE = {"file": ("a.pdf", PDF, "application/pdf")}

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
        if (method, path) in OPEN:
            continue
        sample = dict(BODIES.get((method, path), {}) if method != "GET" else {})
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
    assert found >= OPEN
