"""Messages to a tenant, over each transport, and what the tests read in the answers."""

from __future__ import annotations

import asyncio
import io
from base64 import b64decode
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pikepdf
from fastapi import FastAPI
from lxml import etree

from api.fiks_arkiv import service
from api.fiks_arkiv.answers import Answer
from api.fiks_arkiv.batch import import_paths
from api.fiks_arkiv.message_types import ERROR_INVALID
from api.fiks_arkiv.xml import InvalidMessage, parse
from api.installation import Tenant
from domain.handlers.gate import Actor

FAMILY = "https://ks-no.github.io/standarder/fiks-protokoll/fiks-arkiv/"
SENDER = Actor("fiks-arkiv", "Fiks Arkiv")
Files = Mapping[str, bytes]
Send = Callable[[bytes, Files], list[Answer]]


@cache
def pdf(text: str = "") -> bytes:
    """A small real PDF with a page of its own for each text."""
    with pikepdf.new() as document:
        document.add_blank_page(page_size=(200, 200))
        document.docinfo["/Title"] = text
        whole = io.BytesIO()
        document.save(whole, deterministic_id=True)
    return whole.getvalue()


def send(tenant: Tenant, payload: bytes, files: Files | None = None, **known: str | None) -> list[Answer]:
    """A message through the service itself. known: type_id, message_id."""
    stored = {name: tenant.ledger.blobs.put(uuid4(), [content]) for name, content in (files or {}).items()}
    return service.handle(tenant, payload, stored, actor=SENDER, **known)


def by_service(tenant: Tenant) -> Send:
    """The service as a transport."""
    return lambda payload, files: send(tenant, payload, files)


def post(app: FastAPI, **request: Any) -> httpx.Response:
    """One request to the messages' address of an application; `request` as httpx takes it."""

    async def send_it() -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.post("/api/v1/fiks-arkiv/messages", **request)

    return asyncio.run(send_it())


def by_http(app: FastAPI) -> Send:
    """REST as a transport."""

    def through(payload: bytes, files: Files) -> list[Answer]:
        parts = [("payload", ("message.xml", payload)), *(("file", (name, content)) for name, content in files.items())]
        response = post(app, files=parts)
        assert response.status_code == 200, response.text
        return [Answer(one["type"], one["payload"] and b64decode(one["payload"])) for one in response.json()["answers"]]

    return through


def by_folder(tenant: Tenant, folder: Path) -> Send:
    """A folder of cases as a transport; answers are read from the files that the importer writes."""
    lines: list[str] = []

    def drop(payload: bytes, files: Files) -> list[Answer]:
        case = folder / f"in{len(lines)}" / "case"
        case.mkdir(parents=True)
        (case / "arkivmelding.xml").write_bytes(payload)
        (case / "testInformation.json").write_text("// no part of the message")
        for name, content in files.items():
            (case / name).write_bytes(content)
        written = folder / f"out{len(lines)}"
        refused = import_paths(tenant, SENDER, [case.parent], written, lines.append)
        found = sorted((written / "case").iterdir())
        answers = [Answer(one.stem.partition("-")[2], one.read_bytes() or None) for one in found]
        assert refused == any("feilmelding" in one.type for one in answers)
        return answers

    return drop


def head(tenant: Tenant) -> int:
    """Where the log ends."""
    return tenant.ledger.reader.head().position


def blobs(tenant: Tenant) -> list[str]:
    """The files in the blob store."""
    folder: Path = tenant.ledger.blobs.folder  # type: ignore[attr-defined]
    return sorted(one.name for one in folder.glob("??/*"))


def value(answers: list[Answer], path: str, position: int = -1) -> str:
    """The text at a path of local names in one answer; fails where there is none."""
    found = values(answers, path, position)
    assert found, f"{path} not in {answers[position].payload!r}"
    return found[0]


def values(answers: list[Answer], path: str, position: int = -1) -> list[str]:
    """All texts at a path of local names."""
    payload = answers[position].payload
    assert payload is not None, answers[position].type
    return [one.text or "" for one in elements(payload, path)]


def elements(payload: bytes, path: str) -> list[etree._Element]:
    """The elements at a path of local names; `//` finds them anywhere below."""
    steps = path.replace("//", "/\0").strip("/").split("/")
    query = "".join(
        f"/{'descendant::' if step.startswith(chr(0)) else ''}*[local-name()='{step.strip(chr(0))}']" for step in steps
    )
    found = etree.fromstring(payload).xpath(query)
    assert isinstance(found, list)
    return [one for one in found if isinstance(one, etree._Element)]


def refusal(answers: list[Answer]) -> str:
    """What the one answer says, which must be `ugyldigforespoersel` with a `feilId`."""
    assert [one.type for one in answers] == [ERROR_INVALID], [(one.type, one.payload) for one in answers]
    assert value(answers, "/ugyldigforespoersel/feilId")
    return value(answers, "/ugyldigforespoersel/feilmelding")


def named_files(payload: bytes) -> dict[str, bytes]:
    """A PDF for every `referanseDokumentfil` of a message; none where the message cannot be read."""
    try:
        root = parse(payload)
    except InvalidMessage:
        return {}
    names = [one.text or "" for one in root.iter("{*}referanseDokumentfil")]
    return {name: pdf(name) for name in names}
