"""Export folders: read by the stand-alone checker, exact to the byte, and whole or not there."""

from __future__ import annotations

import json
import uuid
from base64 import b64decode
from pathlib import Path

import psycopg
import pytest

from domain import chain
from domain.handlers import documents
from domain.handlers.metadata import Metadata
from domain.handlers.work import run
from domain.ledger.blobs import BlobFault, Stored
from domain.ledger.export import Exported, export
from domain.ledger.faults import Broken, LedgerError
from domain.ledger.ledger import Ledger
from domain.model.chain_log import BodiesDisposed
from domain.model.document import CreateDocument
from tests.fixtures_ledger import CONTEXT, LedgerTenant, new_case, new_entry
from tests.ledger.appending import write
from tests.ledger.test_signer import chain_id_of, rows, signer_of, tamper
from tools.verify import Report, verify_export

PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n%%EOF\n"


def new_document(ledger: Ledger, entry: uuid.UUID, data: bytes = PDF) -> Stored:
    """A document with one file on an entry, through its handler."""
    stored = ledger.blobs.put(uuid.uuid4(), [data])
    given = documents.GivenObject(stored, "brev.pdf")
    details = CreateDocument("B", "B")
    command = documents.AddDocument(uuid.uuid4(), entry, Metadata(title="Brev"), details, objects=(given,))
    run(ledger, CONTEXT, (entry,), lambda work: documents.add(work, command))
    return stored


def dispose(one: LedgerTenant, positions: tuple[int, int], *parts: str) -> None:
    """Decide and carry out a disposal, as the roles do it."""
    write(one.ledger, (uuid.uuid4(), BodiesDisposed("2026/1", (positions,), parts)))
    sign(one)
    if "body" in parts:
        with psycopg.connect(one.dsn("disposer")) as connection:
            connection.execute(
                f"update {one.tenant}.event set body_salt = null, body = null, body_key = null where position between %s and %s",
                positions,
            )


def sign(one: LedgerTenant) -> str:
    """Sign what is new; the chain's verifier key."""
    signing = signer_of(one)
    signing.tick()
    signing.close()
    return signing.vkey


def write_out(one: LedgerTenant, folder: Path, payloads: bool = True) -> Exported:
    with psycopg.connect(one.dsn("auditor"), autocommit=True) as connection:
        return export(connection, one.tenant, folder, one.ledger.blobs if payloads else None)


def held(one: LedgerTenant) -> str:
    return str(rows(one, "select note from {t}.ledger_checkpoint order by size desc limit 1")[0][0])


def verified(one: LedgerTenant, folder: Path, vkey: str) -> Report:
    return verify_export(folder, [held(one)], [vkey])


@pytest.mark.parametrize("payloads", [True, False])
def test_an_export_satisfies_the_stand_alone_checker(ledger_tenant: LedgerTenant, tmp_path: Path, payloads: bool) -> None:
    entry = new_entry(ledger_tenant.ledger, new_case(ledger_tenant.ledger))
    stored = new_document(ledger_tenant.ledger, entry)
    vkey = sign(ledger_tenant)
    signed = ledger_tenant.ledger.reader.head()
    new_case(ledger_tenant.ledger)  # after the checkpoint: not in the export
    written = write_out(ledger_tenant, tmp_path / "out", payloads)
    assert written == Exported(chain_id_of(ledger_tenant), signed.position, int(payloads))
    report = verified(ledger_tenant, tmp_path / "out", vkey)
    assert report.faults == []
    assert (report.ok, report.events, report.head) == (True, signed.position, signed.chain_hash.hex())
    assert (tmp_path / "out" / "blob" / str(stored.object_id)).exists() is payloads
    assert ("the export has no payloads" in " ".join(report.unprovable)) is not payloads


def test_an_export_over_several_tiles_and_the_bytes_of_its_lines(ledger_tenant: LedgerTenant, tmp_path: Path) -> None:
    case = new_case(ledger_tenant.ledger)
    for _ in range(90):
        new_entry(ledger_tenant.ledger, case)
    vkey = sign(ledger_tenant)
    written = write_out(ledger_tenant, tmp_path / "out")
    assert written.size > 512
    assert verified(ledger_tenant, tmp_path / "out", vkey).ok
    lines = [line for path in sorted((tmp_path / "out" / "payload").glob("*.jsonl")) for line in path.read_text().splitlines()]
    stored = rows(ledger_tenant, "select position, topic, meta, body, meta_salt from {t}.event order by position")
    assert [
        (one["position"], one["topic"], b64decode(one["meta"]), b64decode(one["body"]), bytes.fromhex(one["meta_salt"]))
        for one in map(json.loads, lines)
    ] == stored


def test_what_was_disposed_of_is_exported_as_gone(ledger_tenant: LedgerTenant, tmp_path: Path) -> None:
    case = new_case(ledger_tenant.ledger)
    stored = new_document(ledger_tenant.ledger, new_entry(ledger_tenant.ledger, case))
    position = rows(ledger_tenant, "select position from {t}.event where topic like 'document.object-added%'")[0][0]
    assert isinstance(position, int)
    dispose(ledger_tenant, (position, position), "body", "blob")
    ledger_tenant.ledger.blobs.delete(stored.object_id)
    assert write_out(ledger_tenant, tmp_path / "out").blobs == 0
    report = verified(ledger_tenant, tmp_path / "out", sign(ledger_tenant))
    assert (report.faults, report.erased) == ([], 1)


def test_a_folder_that_is_there_is_left_alone(ledger_tenant: LedgerTenant, tmp_path: Path) -> None:
    sign(ledger_tenant)
    (tmp_path / "out").mkdir()
    with pytest.raises(LedgerError, match="exists already"):
        write_out(ledger_tenant, tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize(
    ("statement", "error", "sentence"),
    [
        ("update {t}.event set meta = meta || ' ' where position = 4", Broken, "at position 4: meta is not"),
        ("update {t}.event set body = null, body_salt = null where position = 5", Broken, "at position 5: the body is gone"),
        ("delete from {t}.event where position = 4", Broken, "at position 4: events are missing"),
        ("update {t}.ledger_checkpoint set root = root", None, ""),
        ("delete from {t}.ledger_checkpoint", LedgerError, "no checkpoint"),
    ],
)
def test_a_ledger_at_fault_gives_no_export(
    ledger_tenant: LedgerTenant, tmp_path: Path, statement: str, error: type[Exception] | None, sentence: str
) -> None:
    new_case(ledger_tenant.ledger)
    sign(ledger_tenant)
    tamper(ledger_tenant, statement)
    if error is None:  # negative control
        write_out(ledger_tenant, tmp_path / "out")
        return
    with pytest.raises(error, match=sentence):
        write_out(ledger_tenant, tmp_path / "out")
    assert list(tmp_path.glob("*out*")) == []


@pytest.mark.parametrize("data", [None, b"%PDF-1.7 another"])
def test_a_documents_file_that_is_gone_or_changed_gives_no_export(
    ledger_tenant: LedgerTenant, tmp_path: Path, data: bytes | None
) -> None:
    stored = new_document(ledger_tenant.ledger, new_entry(ledger_tenant.ledger, new_case(ledger_tenant.ledger)))
    sign(ledger_tenant)
    ledger_tenant.ledger.blobs.delete(stored.object_id)
    if data is not None:
        ledger_tenant.ledger.blobs.put(stored.object_id, [data])
    with pytest.raises(BlobFault):
        write_out(ledger_tenant, tmp_path / "out")
    assert list(tmp_path.glob("*out*")) == []
    write_out(ledger_tenant, tmp_path / "out", payloads=False)  # the chain itself is whole


def test_a_chain_that_is_not_there_is_not_exported(ledger_tenant: LedgerTenant, tmp_path: Path) -> None:
    sign(ledger_tenant)
    with (
        psycopg.connect(ledger_tenant.dsn("auditor"), autocommit=True) as connection,
        pytest.raises(LedgerError, match="no chain x/record/1"),
    ):
        export(connection, ledger_tenant.tenant, tmp_path / "out", None, "x/record/1")


def test_cosignatures_go_with_the_checkpoint(ledger_tenant: LedgerTenant, tmp_path: Path) -> None:
    vkey = sign(ledger_tenant)
    line = "— witness.example/w1 " + "AAAA" * 25 + "\n"
    tamper(
        ledger_tenant,
        f"insert into {{t}}.ledger_cosignature select size, 'witness.example/w1', '{line}' from {{t}}.ledger_checkpoint",
    )
    write_out(ledger_tenant, tmp_path / "out")
    note = chain.parse_note((tmp_path / "out" / "checkpoint").read_text())
    assert [one.name for one in note.signatures] == [chain_id_of(ledger_tenant), "witness.example/w1"]
    report = verify_export(tmp_path / "out", [], [vkey])
    assert report.ok
    assert any("witness.example/w1" in what for what in report.unprovable)
