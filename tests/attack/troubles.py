"""A person at work while the database or the disk is in trouble: what he is told, what he can read, what is there afterwards."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from typing import Any

import psycopg
from lxml import html

from api import health
from domain.model.document import ObjectAdded
from tests.attack.errands import Told, http
from tests.attack.filelayer import orphans
from tests.fixtures_ledger import DOMAIN
from tests.fixtures_web import API, PDF, Web
from tests.ledger.appending import check_chain, wait_until

Act = Callable[[], None]


class Desk:
    """A person who registers a case and an entry with a file at every write, and reads in between."""

    def __init__(self, web: Web) -> None:
        self.web = web
        self.entry = web.entry(web.case("Sak som leses"))
        self.document = web.created(web.document(self.entry))
        (given,) = web.get(f"/documents/{self.document}").json()["objects"]
        self.file = f"/documents/{self.document}/objects/{given['id']}/file"
        self.written = 0

    def post(self, kind: str, key: str) -> Told:
        """One write: a case or a document with its file."""
        if kind == "case":
            return http(self.web.post("/cases", {"title": f"Sak {key}"}, Idempotency_Key=key))
        files, headers = {"file": ("brev.pdf", PDF, "application/pdf")}, {"Idempotency-Key": key}
        return http(self.web.client.post(f"{API}/entries/{self.entry}/documents", files=files, headers=headers))

    def read(self) -> None:
        """What is registered can be read: over REST, on a page, and its bytes."""
        assert self.web.get(f"/entries/{self.entry}").status_code == 200
        assert self.web.client.get(f"/entries/{self.entry}").status_code == 200
        assert self.web.get(self.file).content == PDF

    def page(self, language: str) -> str:
        """What the page of a new case says when it is sent."""
        self.web.client.headers["Accept-Language"] = language
        answer = self.web.send("/cases/new", "/cases", title="Sak fra siden")
        assert answer.status_code == 503, answer.text
        assert int(answer.headers["retry-after"]) > 0
        assert "Traceback" not in answer.text
        return str(answer.text)

    def send_again(self, shown: str) -> Any:
        """Send the form of a new case as the page that was shown has it filled in."""
        (form,) = html.document_fromstring(shown).xpath("//form[@action='/cases'][@method='post']")
        fields = {one.get("name"): one.get("value", "") for one in form.xpath(".//input[@name]")}
        return self.web.client.post("/cases", data=fields, follow_redirects=False)

    def refused(self, kind: str, key: str, *codes: str) -> None:
        told = self.post(kind, key)
        assert told.status == 503, told
        assert told.readable, told
        assert any(f'"code":"{code}"' in told.text for code in codes), told

    def done(self, kind: str, key: str) -> None:
        told = self.post(kind, key)
        assert told.done, told
        self.written += 1

    def check(self, owner: psycopg.Connection[Any], tenant: str) -> None:
        """The chain; every file that is named and, after a sweep, no other; each write once."""
        check_chain(owner, tenant, f"{DOMAIN}/record/1")
        ledger, known = self.web.tenant.ledger, set()
        for recorded in ledger.reader.log(limit=1_000_000):
            if isinstance(fact := recorded.fact, ObjectAdded):
                assert b"".join(ledger.blobs.get(fact.object_id, fact.size, fact.checksum)) == PDF
                known.add(fact.object_id.hex)
        ledger.blobs.sweep(ledger.reader.object_ids(), older_than_s=-1)  # type: ignore[attr-defined]
        assert orphans(ledger.blobs.folder, known) == []  # type: ignore[attr-defined]


def rounds_of(desk: Desk, rounds: int, trouble: Act, relief: Act, kinds: tuple[str, ...], *codes: str) -> dict[str, object]:
    """At each write: trouble, refused twice, read, relief, the same write done."""
    began = time.monotonic()
    assert rounds
    for n in range(rounds):
        kind, key = kinds[n % len(kinds)], uuid.uuid4().hex
        trouble()
        try:
            for _ in range(2):
                desk.refused(kind, key, *codes)
            desk.read()
        finally:
            relief()
        wait_until(lambda: not health.faults(desk.web.tenant))
        desk.done(kind, key)
        desk.web.caught_up()
    return {"rounds": rounds, "seconds": round(time.monotonic() - began, 1)}


def tell(said: dict[str, object], say: Callable[[str, object], None]) -> None:
    print(said)
    for name, value in said.items():
        say(name, value)
