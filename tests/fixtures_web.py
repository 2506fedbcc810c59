"""The web application over a fresh tenant, as its clients meet it: texts strict, so that a missing one fails the test."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from lxml import html

from api.app import create_app
from api.installation import Installation, Tenant
from api.requests import Demo
from api.web.texts import Catalogues
from domain.ledger.signer import Signer

with warnings.catch_warnings():  # its transport is to be renamed; ours is pinned
    warnings.simplefilter("ignore")
    from fastapi.testclient import TestClient

API = "/api/v1"
PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n%%EOF\n"
CATALOGUES = Catalogues(strict=True)  # read once: a text that is not there is a fault


class Web:
    """A client, the tenant behind it, and the few things that every test does with them."""

    def __init__(self, client: TestClient, tenant: Tenant) -> None:
        self.client = client
        self.tenant = tenant

    def post(self, path: str, body: Any, **headers: str) -> Any:
        return self.client.post(API + path, json=body, headers={name.replace("_", "-"): value for name, value in headers.items()})

    def patch(self, path: str, body: Any, version: str | None) -> Any:
        return self.client.patch(API + path, json=body, headers={"If-Match": version} if version else {})

    def get(self, path: str, **params: Any) -> Any:
        return self.client.get(API + path, params=params)

    def case(self, title: str = "Sak om naust") -> str:
        return str(self.created(self.post("/cases", {"title": title})))

    def entry(self, case: str, title: str = "Klage", **more: Any) -> str:
        party = {"party_type": "EA", "name": "Ola Nordmann", "address": ["Strandveien 4"], "postcode": "6689", "city": "Aure"}
        body = {"title": title, "entry_type": "I", "status": "J", "parties": [party], **more}
        return str(self.created(self.post(f"/cases/{case}/entries", body)))

    def document(self, entry: str, content: bytes = PDF, metadata: str = '{"title": "Klage"}', name: str = "klage.pdf") -> Any:
        return self.client.post(
            f"{API}/entries/{entry}/documents",
            data={"metadata": metadata},
            files={"file": (name, content, "application/pdf")},
        )

    @staticmethod
    def created(answer: Any) -> str:
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def version(self, path: str) -> str:
        return str(self.get(path).headers["etag"])

    def caught_up(self) -> None:
        assert self.tenant.wait(self.tenant.ledger.reader.head().position, 10)

    def blobs(self) -> set[str]:
        folder = self.tenant.ledger.blobs.folder  # type: ignore[attr-defined]
        return {path.name for path in folder.rglob("*") if path.is_file()}

    def position(self) -> int:
        return self.tenant.ledger.reader.head().position

    def page(self, path: str, **headers: str) -> html.HtmlElement:
        answer = self.client.get(path, headers=headers)
        assert answer.status_code == 200, (path, answer.status_code, answer.text[:2_000])
        return html.document_fromstring(answer.text)

    def send(self, path: str, form: str, files: Any = None, **fields: str) -> Any:
        """Fill in the form of a page that posts to `form`, and send it without following where it leads."""
        made = self.page(path)
        (found,) = made.xpath(f"//form[@action='{form}'][@method='post']")
        values = {
            one.get("name"): one.get("value", "")
            for one in found.xpath(".//input[@name][not(@type='file')][not(@type='checkbox')]")
        }
        for select in found.xpath(".//select"):
            chosen = select.xpath("./option[@selected]/@value") or select.xpath("./option/@value")
            values[select.get("name")] = chosen[0]
        return self.client.post(form, data={**values, **fields}, files=files, follow_redirects=False)


@contextmanager
def opened(installation: Installation, tenant: Tenant, demo: Demo | None = None) -> Iterator[Web]:
    app = create_app(installation, demo=demo)
    app.state.site.catalogues = CATALOGUES
    with TestClient(app) as client:
        yield Web(client, tenant)


@pytest.fixture
def web(installation: Installation, tenant: Tenant) -> Iterator[Web]:
    """The application as a single municipality's archivist meets it."""
    with opened(installation, tenant) as made:
        yield made


@pytest.fixture
def sign(installation: Installation, tenant: Tenant) -> Iterator[Any]:
    """A function that has the signer sign what is there, and give the receipts asked for."""
    chain_id, schema = tenant.ledger.reader.record_chains[-1]
    signer = Signer(installation.role_dsn(tenant.name, "signer"), installation.settings.signer_folder, chain_id, schema)
    try:
        yield signer.tick
    finally:
        signer.close()
