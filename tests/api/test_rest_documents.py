"""Documents over REST: bytes in and out, and every file that is not what it is said to be leaves nothing behind."""

from __future__ import annotations

import asyncio
import hashlib
import json
from base64 import b64encode
from collections.abc import MutableMapping
from typing import Any
from uuid import uuid4

import pytest

from domain.ledger.blobs import Folder
from tests.fixtures_web import API, PDF, Web

DIGEST = hashlib.sha256(PDF).hexdigest()
FIELD = f"sha-256=:{b64encode(hashlib.sha256(PDF).digest()).decode()}:"


def metadata(**file: Any) -> str:
    return json.dumps({"title": "Klage", "file": file})


def refused(web: Web, answer: Any, status: int, code: str, before: tuple[int, set[str]]) -> None:
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert (web.position(), web.blobs()) == before


def test_a_file_comes_in_and_goes_out_as_it_was(web: Web) -> None:
    entry = web.entry(web.case())
    said = metadata(checksum=DIGEST.upper(), size=len(PDF), format="PDF", variant="P")
    made = web.document(entry, metadata=said, name="Klage på vedtak 'æ'.pdf")
    document = web.created(made)
    assert made.headers["location"] == f"{API}/documents/{document}"
    shown = web.get(f"/documents/{document}").json()
    (one,) = shown["objects"]
    assert (one["checksum"], one["size"], one["variant"], one["version"]) == (DIGEST, len(PDF), "P", 1)
    assert shown["status"] == "F"  # an incoming document came as it is
    assert web.get(f"/entries/{entry}").json()["documents"][0]["id"] == document
    file = web.get(f"/documents/{document}/objects/{one['id']}/file")
    assert (file.status_code, file.content) == (200, PDF)
    assert file.headers["content-length"] == str(len(PDF))
    assert file.headers["repr-digest"] == FIELD
    assert file.headers["content-type"] == "application/pdf"
    assert file.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in file.headers["content-security-policy"]
    disposition = file.headers["content-disposition"]
    assert disposition.startswith("attachment; filename=\"Klage p_ vedtak ___.pdf\"; filename*=UTF-8''Klage%20p%C3%A5%20vedtak")


def test_a_page_is_never_shown_on_our_own_address(web: Web) -> None:
    entry = web.entry(web.case())
    document = web.created(web.document(entry, b"<!doctype html><script>alert(1)</script>", name="x.html"))
    (one,) = web.get(f"/documents/{document}").json()["objects"]
    file = web.get(f"/documents/{document}/objects/{one['id']}/file")
    assert file.headers["content-type"] == "application/octet-stream"
    assert file.headers["content-disposition"].startswith("attachment")


@pytest.mark.parametrize(
    ("file", "status", "code"),
    [
        ({"checksum": "0" * 64}, 422, "file.checksum"),
        ({"checksum": "0"}, 422, "request.field"),
        ({"size": 7}, 422, "file.size"),
        ({"format": "fmt/11"}, 422, "file.format"),
        ({"variant": "?"}, 422, "code.unknown"),
        ({"version": 0}, 422, "request.field"),
        ({"nothing": 0}, 422, "request.unknown_field"),
    ],
)
def test_a_file_that_is_not_as_declared_is_not_kept(web: Web, file: dict[str, Any], status: int, code: str) -> None:
    entry = web.entry(web.case())
    before = web.position(), web.blobs()
    refused(web, web.document(entry, metadata=metadata(**file)), status, code, before)


def test_a_declared_pdf_that_is_none_is_refused(web: Web) -> None:
    entry = web.entry(web.case())
    before = web.position(), web.blobs()
    refused(web, web.document(entry, b"plain text", metadata(format="PDF")), 422, "file.format", before)


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/b.pdf", "..", "a\\b.pdf", "x" * 256, "a\x01b"])
def test_a_file_name_leads_nowhere(web: Web, name: str) -> None:
    entry = web.entry(web.case())
    before = web.position(), web.blobs()
    boundary = "b0"
    escaped = name.replace("\\", "\\\\")
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{escaped}"\r\n\r\n'
    answer = web.client.post(
        f"{API}/entries/{entry}/documents",
        content=head.encode() + PDF + f"\r\n--{boundary}--\r\n".encode(),
        headers={"Content-Type": f"multipart/form-data; boundary={boundary}"},
    )
    assert answer.status_code in (400, 422), answer.text
    assert (web.position(), web.blobs()) == before


@pytest.mark.parametrize(
    ("header", "status", "code"),
    [
        (FIELD, 201, ""),
        (f"sha-512=:abcd:, {FIELD}", 201, ""),
        (f"sha-256=:{b64encode(bytes(32)).decode()}:", 422, "file.checksum"),
        ("sha-256=:abcd:", 422, "request.field"),
        ("sha-256=abcd", 422, "request.field"),
        ("md5=:abcd:", 422, "file.algorithm"),
    ],
)
def test_the_digest_may_stand_in_a_header(web: Web, header: str, status: int, code: str) -> None:
    entry = web.entry(web.case())
    before = web.position(), web.blobs()
    files = {"file": ("klage.pdf", PDF, "application/pdf")}
    answer = web.client.post(f"{API}/entries/{entry}/documents", files=files, headers={"Repr-Digest": header})
    if code:
        refused(web, answer, status, code, before)
    else:
        web.created(answer)


def test_a_broken_or_foreign_body_is_refused(web: Web) -> None:
    entry = web.entry(web.case())
    before = web.position(), web.blobs()
    path = f"{API}/entries/{entry}/documents"
    refused(web, web.client.post(path, json={}), 400, "request.malformed", before)
    form = {"Content-Type": "multipart/form-data; boundary=b"}
    whole = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"\r\n\r\n' + PDF
    refused(web, web.client.post(path, content=whole, headers=form), 400, "request.malformed", before)
    refused(web, web.client.post(path, content=b"xx", headers=form), 400, "request.malformed", before)
    nameless = b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--\r\n"
    refused(web, web.client.post(path, content=nameless, headers=form), 400, "request.malformed", before)
    two = [("file", ("a.pdf", PDF)), ("file", ("b.pdf", PDF))]
    refused(web, web.client.post(path, files=two), 400, "request.malformed", before)
    refused(
        web, web.client.post(path, data={"metadata": "{}"}, files={"other": ("a.pdf", PDF)}), 422, "request.unknown_field", before
    )
    refused(
        web, web.client.post(path, data={"other": "{}"}, files={"file": ("a.pdf", PDF)}), 422, "request.unknown_field", before
    )
    refused(web, web.document(entry, metadata="{"), 400, "request.malformed", before)
    refused(web, web.document(entry, b""), 422, "file.empty", before)
    chosen_none = b'--b\r\nContent-Disposition: form-data; name="file"; filename=""\r\n\r\n\r\n--b--\r\n'
    refused(web, web.client.post(path, content=chosen_none, headers=form), 422, "file.missing", before)


def test_a_document_is_refused_where_its_entry_is_archived_or_absent(web: Web) -> None:
    entry = web.entry(web.case())
    web.patch(f"/entries/{entry}", {"status": "A"}, "*")
    before = web.position(), web.blobs()
    refused(web, web.document(entry), 409, "entry.archived", before)
    refused(web, web.document(str(uuid4())), 404, "not_found", before)


def test_a_file_over_its_limit_is_cut(web: Web) -> None:
    entry = web.entry(web.case())
    before = web.position(), web.blobs()
    web.client.app.state.site.settings.file_limit = 10  # type: ignore[attr-defined]
    refused(web, web.document(entry), 413, "file.too_large", before)


def test_changed_bytes_are_never_handed_out(web: Web) -> None:
    entry = web.entry(web.case())
    document = web.created(web.document(entry))
    (one,) = web.get(f"/documents/{document}").json()["objects"]
    path = f"/documents/{document}/objects/{one['id']}/file"
    assert web.get(path.replace(one["id"], str(uuid4()))).status_code == 404
    blobs = web.tenant.ledger.blobs
    assert isinstance(blobs, Folder)
    (file,) = (found for found in blobs.folder.rglob("*") if found.is_file())
    file.write_bytes(PDF.replace(b"1.7", b"1.6"))
    answer = web.get(path)
    assert (answer.status_code, answer.json()["code"]) == (500, "blob.fault")
    file.unlink()
    assert web.get(path).json()["code"] == "blob.fault"


def test_an_endless_upload_is_cut_as_it_comes(web: Web) -> None:
    """Nothing declares its length; one MiB at a time comes, for ever."""
    entry = web.entry(web.case())
    before = web.position(), web.blobs()
    web.client.app.state.site.settings.request_limit = 3 * 1024 * 1024  # type: ignore[attr-defined]
    given, sent = [], []

    async def receive() -> MutableMapping[str, Any]:
        head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"\r\n\r\n' if not given else b""
        given.append(1)
        return {"type": "http.request", "body": head + b"x" * (1024 * 1024), "more_body": True}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    path = f"{API}/entries/{entry}/documents"
    headers = [(b"host", b"testserver"), (b"content-type", b"multipart/form-data; boundary=b")]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": headers,
        "client": ("127.0.0.1", 1),
        "server": ("testserver", 80),
        "state": {},
    }
    asyncio.run(web.client.app(scope, receive, send))  # type: ignore[arg-type]
    assert sent[0]["status"] == 413
    assert len(given) == 3
    assert (web.position(), web.blobs()) == before
