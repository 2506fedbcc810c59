"""Ten commands of different kinds, each to be done again and again on units of its own, over the face that its users have."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from api import errors
from api.fiks_arkiv.message_types import ERROR_SERVER
from api.web.texts import Catalogues
from domain.handlers import amendments, case_files, registry_entries
from domain.handlers.metadata import Comment
from domain.handlers.work import Context, Work, run
from domain.model import record
from tests.api.fiks.written import document, entry_message
from tests.fixtures_ledger import ARCHIVIST
from tests.fixtures_web import API, PDF, Web

TEXTS = Catalogues().texts("nb")
Do = Callable[[str], "Told"]


@dataclass(frozen=True)
class Told:
    """What the caller got. status: HTTP's; retry_after: seconds, None where the answer names none."""

    status: int
    retry_after: str | None
    text: str

    @property
    def done(self) -> bool:
        """Whether it says that the command was carried out."""
        return self.status < 400

    @property
    def readable(self) -> bool:
        """Whether it is an answer: done, or to be tried again, in words and without anything from inside the program."""
        inner = ("Traceback", "psycopg", "Errno", "libpq", "server closed")
        plain = not any(word in self.text for word in inner)
        return plain and (self.done or (self.status == 503 and (self.retry_after or "").isdigit()))


@dataclass(frozen=True)
class Errand:
    """One command on units made for it. do(key): carry it out under an idempotency key; the same twice is done once."""

    name: str
    do: Do


def http(answer: Any) -> Told:
    """What an HTTP answer tells. A Fiks Arkiv message is answered with 200 and, where the archive failed, `serverfeil`."""
    if answer.status_code == 200 and ERROR_SERVER in answer.text:
        return Told(503, "1", "serverfeil")
    return Told(answer.status_code, answer.headers.get("retry-after"), answer.text)


class Office:
    """Makes errands over one web application."""

    def __init__(self, web: Web) -> None:
        self.web = web
        self.makers = {
            "create a case": self.create_case,
            "register an entry": self.register_entry,
            "add a document with its file": self.add_document,
            "journal an entry": self.journal,
            "sign an entry off": self.sign_off,
            "close a case": self.close_case,
            "import a message": self.import_message,
            "comment on a case": self.comment,
            "screen an entry": self.screen,
            "refer to another case": self.refer,
        }

    def errand(self, name: str) -> Errand:
        """A fresh one of that name."""
        return Errand(name, self.makers[name]())

    def create_case(self) -> Do:
        return lambda key: http(self.web.post("/cases", {"title": "Sak"}, Idempotency_Key=key))

    def register_entry(self) -> Do:
        case = self.web.case()
        body = {"title": "Klage", "entry_type": "I", "parties": [{"party_type": "EA", "name": "Ola Nordmann"}]}
        return lambda key: http(self.web.post(f"/cases/{case}/entries", body, Idempotency_Key=key))

    def add_document(self) -> Do:
        entry = self.web.entry(self.web.case())

        def send(key: str) -> Told:
            metadata, files = {"metadata": json.dumps({"title": "Klage"})}, {"file": ("klage.pdf", PDF, "application/pdf")}
            path, headers = f"{API}/entries/{entry}/documents", {"Idempotency-Key": key}
            return http(self.web.client.post(path, data=metadata, files=files, headers=headers))

        return send

    def journal(self) -> Do:
        entry = self.web.entry(self.web.case(), status="S")
        return lambda key: http(self.web.patch(f"/entries/{entry}", {"status": "J"}, "*"))

    def sign_off(self) -> Do:
        entry = self.web.entry(self.web.case())
        return lambda key: http(self.web.post(f"/entries/{entry}/sign-offs", {"method": "TE"}, Idempotency_Key=key))

    def close_case(self) -> Do:
        case = self.web.case()
        return lambda key: http(self.web.patch(f"/cases/{case}", {"status": "A"}, "*"))

    def import_message(self) -> Do:
        payload = entry_message("Brev", inside_documents=document("Brev", "brev.pdf"))

        def send(key: str) -> Told:
            parts = [("message_id", (None, key)), ("payload", ("message.xml", payload)), ("file", ("brev.pdf", PDF))]
            return http(self.web.client.post(f"{API}/fiks-arkiv/messages", files=parts))

        return send

    def comment(self) -> Do:
        case = uuid.UUID(self.web.case())
        given = Comment("Sett i møte.")
        return self._handled(
            case, lambda work: (case_files.load(work, case), amendments.comment(work, case, uuid.uuid4(), None, given))
        )

    def screen(self) -> Do:
        entry = uuid.UUID(self.web.entry(self.web.case()))
        wanted = record.Screened("13", "Offl. § 13", ("TKL",))

        def decide(work: Work) -> None:
            registry_entries.load(work, entry)
            amendments.screen(work, entry, None, wanted)

        return self._handled(entry, decide)

    def refer(self) -> Do:
        case, other = uuid.UUID(self.web.case()), uuid.UUID(self.web.case())

        def decide(work: Work) -> None:
            case_files.load(work, case)
            amendments.refer(work, case, record.CrossReferenced(uuid.uuid4(), "case-file", other))

        return self._handled(case, decide)

    def _handled(self, unit: uuid.UUID, decide: Callable[[Work], Any]) -> Do:
        """A command that no page offers yet, as the handlers' callers give it: a key that is taken means done."""

        def do(key: str) -> Told:
            ledger = self.web.tenant.ledger
            digest = ledger.keys.idempotency_digest
            try:
                if ledger.reader.claim("idempotency", digest(ledger.tenant, f"{ARCHIVIST.id}\n{key}")) is None:
                    run(ledger, Context(ARCHIVIST, idempotency_key=key), (unit,), decide)
            except Exception as problem:
                told = errors.explain(problem, TEXTS)
                return Told(told.status, told.headers.get("Retry-After"), told.detail)
            return Told(200, None, "")

        return do
