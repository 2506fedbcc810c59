"""`log import` and mergers: whole or not at all, and verified before anything stands."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import psycopg
import pytest

from domain import chain
from domain.ledger import bringing, selfcheck, tenants
from domain.ledger.bringing import Brought
from domain.ledger.exported import Unfit
from domain.ledger.faults import Broken, LedgerError
from domain.ledger.signer import ensure_key
from tests.fixtures_ledger import LedgerTenant, new_case, new_entry, password
from tests.ledger.test_export import dispose, held, new_document, sign, write_out
from tests.ledger.test_signer import CUT, chain_id_of, rows, signer_of, tamper

PASSWORDS = {kind: password(kind) for kind in tenants.ROLE_KINDS}


@pytest.fixture
def neighbour(ledger_tenant: LedgerTenant, tmp_path: Path) -> Iterator[LedgerTenant]:
    """A second municipality in the same database."""
    name, domain = f"{ledger_tenant.tenant}_n", "sundet.kommune.no"
    one = replace(ledger_tenant, tenant=name, domain=domain, data=tmp_path / "n", signer_dir=tmp_path / "n.signer", _opened=[])
    vkey = ensure_key(one.signer_dir, chain_id_of(one))
    with one.owner() as connection:
        tenants.create(connection, name, domain, PASSWORDS, {chain_id_of(one): vkey})
    yield one
    one.close()


def bring(one: LedgerTenant, folder: Path, without_blobs: bool = False) -> Brought:
    with one.owner() as connection:
        vkey_for = partial(ensure_key, one.signer_dir)
        return bringing.bring(connection, one.tenant, folder, one.ledger.blobs, vkey_for, without_blobs)


def verify(one: LedgerTenant, *checkpoints: str) -> list[selfcheck.ChainReport]:
    with psycopg.connect(one.dsn("auditor"), autocommit=True) as connection:
        return selfcheck.check(connection, one.tenant, checkpoints)


def contents(one: LedgerTenant) -> list[object]:
    tables = ("event", "ledger_head", "ledger_claim", "ledger_counter", "ledger_chain", "ledger_tile")
    return [sorted(map(repr, rows(one, f"select * from {{t}}.{table}"))) for table in tables]


def test_a_lost_tail_comes_back_byte_for_byte(ledger_tenant: LedgerTenant, tmp_path: Path) -> None:
    case = new_case(ledger_tenant.ledger)
    stored = new_document(ledger_tenant.ledger, new_entry(ledger_tenant.ledger, case))
    new_document(ledger_tenant.ledger, new_entry(ledger_tenant.ledger, case))  # its file stays
    for _ in range(50):
        new_entry(ledger_tenant.ledger, case)
    sign(ledger_tenant)
    write_out(ledger_tenant, tmp_path / "out")
    before, kept = contents(ledger_tenant), held(ledger_tenant)
    tamper(ledger_tenant, CUT)
    tamper(ledger_tenant, "delete from {t}.ledger_tile; delete from {t}.ledger_checkpoint")
    signing = signer_of(ledger_tenant)
    with pytest.raises(Broken):
        signing.tick()
    assert not all(report.ok for report in verify(ledger_tenant, kept))
    ledger_tenant.ledger.blobs.delete(stored.object_id)
    brought = bring(ledger_tenant, tmp_path / "out")
    assert (brought.first, brought.chain_id, brought.blobs) == (5, chain_id_of(ledger_tenant), 1)
    assert contents(ledger_tenant) == before
    assert [report.faults for report in verify(ledger_tenant, kept)] == [[]]
    assert signing.tick() is None
    new_case(ledger_tenant.ledger)
    assert signing.tick() is not None
    signing.close()


def test_a_tail_does_not_come_onto_another_history(ledger_tenant: LedgerTenant, tmp_path: Path) -> None:
    new_case(ledger_tenant.ledger)
    new_case(ledger_tenant.ledger)
    sign(ledger_tenant)
    write_out(ledger_tenant, tmp_path / "out")
    with pytest.raises(LedgerError, match="nothing is missing"):
        bring(ledger_tenant, tmp_path / "out")
    tamper(ledger_tenant, CUT.replace("4", "3"))
    tamper(ledger_tenant, "delete from {t}.ledger_claim; delete from {t}.ledger_counter; delete from {t}.ledger_checkpoint")
    frontier = "update {t}.ledger_head set frontier = int8send(3) || '\\x"  # of a tree of three, so that it can be written to
    leaves = [row[0] for row in rows(ledger_tenant, "select leaf_hash from {t}.event order by position")]
    tree = chain.Frontier.empty().extend(leaves)  # type: ignore[arg-type]
    tamper(ledger_tenant, f"{frontier}{tree.encode()[8:].hex()}'")
    new_case(ledger_tenant.open_ledger())
    before = contents(ledger_tenant)
    with pytest.raises(LedgerError, match="is not the history of the export"):
        bring(ledger_tenant, tmp_path / "out")
    assert contents(ledger_tenant) == before


def damage_payload(folder: Path) -> None:
    path = folder / "payload" / "000.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"position":5,', b'"position":6,'))


def damage_meta(folder: Path) -> None:
    path = folder / "payload" / "000.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    parts = lines[3].split(b'"')
    parts[13] = parts[13][:-8] + b"AAAA" + parts[13][-4:]
    lines[3] = b'"'.join(parts)
    path.write_bytes(b"".join(lines))


def damage_entry(folder: Path) -> None:
    (path,) = (folder / "tile" / "entries").glob("*.p/*")
    data = path.read_bytes()
    path.write_bytes(data[:100] + bytes([data[100] ^ 1]) + data[101:])


def cut_payload(folder: Path) -> None:
    path = folder / "payload" / "000.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))


def more_payload(folder: Path) -> None:
    path = folder / "payload" / "000.jsonl"
    path.write_bytes(path.read_bytes() + b"\n")


def another_root(folder: Path) -> None:
    text = (folder / "checkpoint").read_text().splitlines(keepends=True)
    text[2] = "A" * 43 + "=\n"
    (folder / "checkpoint").write_text("".join(text))


def no_payloads(folder: Path) -> None:
    shutil.rmtree(folder / "payload")


def damage_blob(folder: Path) -> None:
    for path in (folder / "blob").iterdir():
        path.write_bytes(path.read_bytes() + b" ")


def no_blobs(folder: Path) -> None:
    shutil.rmtree(folder / "blob")


@pytest.mark.parametrize(
    "damage",
    [damage_payload, damage_meta, damage_entry, cut_payload, more_payload, another_root, no_payloads, damage_blob, no_blobs],
)
def test_an_unfit_export_changes_nothing(
    ledger_tenant: LedgerTenant, neighbour: LedgerTenant, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    new_document(neighbour.ledger, new_entry(neighbour.ledger, new_case(neighbour.ledger)))
    sign(neighbour)
    write_out(neighbour, tmp_path / "out")
    damage(tmp_path / "out")
    before = contents(ledger_tenant)
    with pytest.raises(Unfit):
        bring(ledger_tenant, tmp_path / "out")
    assert contents(ledger_tenant) == before
    assert [report.ok for report in verify(ledger_tenant)] == [True]


def test_a_predecessor_comes_in_closed_and_a_new_chain_names_both(
    ledger_tenant: LedgerTenant, neighbour: LedgerTenant, tmp_path: Path
) -> None:
    mine, theirs = new_case(ledger_tenant.ledger), new_case(neighbour.ledger)
    stored = new_document(neighbour.ledger, new_entry(neighbour.ledger, theirs))
    sign(ledger_tenant)
    sign(neighbour)
    write_out(neighbour, tmp_path / "out")
    brought = bring(ledger_tenant, tmp_path / "out")
    assert (brought.first, brought.blobs, brought.open_chain.chain_id) == (1, 1, f"{ledger_tenant.domain}/record/3")
    assert b"".join(ledger_tenant.ledger.blobs.get(stored.object_id, stored.size, stored.checksum))
    new_case(ledger_tenant.ledger)  # the writer moves over to the new chain
    sign(ledger_tenant)
    ledger_tenant.ledger.reader.refresh()
    reports = verify(ledger_tenant, held(neighbour))
    assert [(report.chain_id, report.faults) for report in reports] == [
        (chain_id_of(ledger_tenant), []),
        (chain_id_of(neighbour), []),
        (f"{ledger_tenant.domain}/record/3", []),
    ]
    assert len(ledger_tenant.ledger.reader.stream(theirs)) == len(neighbour.ledger.reader.stream(theirs)) > 0
    claims = dict(rows(ledger_tenant, "select key, originator_id from {t}.ledger_claim where kind = 'case-number'"))  # type: ignore[arg-type]
    assert claims["2026/1"] == mine  # both had numbered so: the first listed keeps it
    assert set(claims) == {"2026/1", "2026/2"}
    assert rows(ledger_tenant, "select count(*) from {t}_record_2.event") == rows(neighbour, "select count(*) from {t}.event")


def test_a_merged_tenant_names_its_predecessors(ledger_tenant: LedgerTenant, neighbour: LedgerTenant, tmp_path: Path) -> None:
    cases = [new_case(ledger_tenant.ledger), new_case(neighbour.ledger)]
    for number, one in enumerate((ledger_tenant, neighbour)):
        new_entry(one.ledger, cases[number])
        sign(one)
        write_out(one, tmp_path / str(number))
    name = f"{ledger_tenant.tenant}_m"
    merged = replace(
        ledger_tenant, tenant=name, domain="nye.kommune.no", data=tmp_path / "m", signer_dir=tmp_path / "m.s", _opened=[]
    )
    folders = [tmp_path / "0", tmp_path / "1"]
    with merged.owner() as connection:
        vkey_for = partial(ensure_key, merged.signer_dir)
        opened = bringing.merge(connection, name, merged.domain, folders, PASSWORDS, ledger_tenant.ledger.blobs, vkey_for)
        predecessors = connection.execute(
            f"select predecessor, checkpoint from {name}.ledger_chain_predecessor order by 1"
        ).fetchall()
    assert opened.chain_id == "nye.kommune.no/record/3"
    assert predecessors == [(chain_id_of(one), held(one)) for one in (ledger_tenant, neighbour)]
    new_case(merged.ledger)
    reports = verify(merged, held(ledger_tenant), held(neighbour))
    assert [(report.ok, report.checkpoint and report.checkpoint["ok"]) for report in reports] == [
        (True, True),
        (True, True),
        (True, None),
    ]
    assert [len(merged.ledger.reader.stream(case)) for case in cases] == [4, 4]
    merged.close()


def test_a_merged_tenant_is_not_made_of_an_unfit_export(ledger_tenant: LedgerTenant, tmp_path: Path) -> None:
    sign(ledger_tenant)
    write_out(ledger_tenant, tmp_path / "0")
    shutil.copytree(tmp_path / "0", tmp_path / "1")
    another_root(tmp_path / "1")
    name = f"{ledger_tenant.tenant}_x"
    with ledger_tenant.owner() as connection:
        arguments = PASSWORDS, ledger_tenant.ledger.blobs, partial(ensure_key, tmp_path / "s")
        with pytest.raises(Unfit):
            bringing.merge(connection, name, "nye.kommune.no", [tmp_path / "0", tmp_path / "1"], *arguments)
        with pytest.raises(psycopg.errors.UniqueViolation):  # the same chain twice
            bringing.merge(connection, name, "nye.kommune.no", [tmp_path / "0", tmp_path / "0"], *arguments)
        assert connection.execute("select 1 from pg_namespace where nspname = %s", (name,)).fetchone() is None


def test_an_absent_document_is_refused_unless_disposed_of_or_asked_for(
    ledger_tenant: LedgerTenant, neighbour: LedgerTenant, tmp_path: Path
) -> None:
    entry = new_entry(neighbour.ledger, new_case(neighbour.ledger))
    gone, lost = (new_document(neighbour.ledger, entry, b"%%PDF-1.7 %d" % number) for number in range(2))
    position = rows(neighbour, "select min(position) from {t}.event where topic like 'document.object-added%'")[0][0]
    assert isinstance(position, int)
    dispose(neighbour, (position, position), "body", "blob")
    neighbour.ledger.blobs.delete(gone.object_id)
    write_out(neighbour, tmp_path / "out")
    (tmp_path / "out" / "blob" / str(lost.object_id)).rename(tmp_path / "aside")
    with pytest.raises(Unfit, match="is absent"):
        bring(ledger_tenant, tmp_path / "out")
    shutil.copytree(tmp_path / "out", tmp_path / "whole")
    (tmp_path / "aside").rename(tmp_path / "whole" / "blob" / str(lost.object_id))
    assert bring(ledger_tenant, tmp_path / "out", without_blobs=True).blobs == 0
    reports = verify(ledger_tenant)
    assert [(report.ok, report.erased) for report in reports] == [(True, 0), (True, 1), (True, 0)]


def test_two_municipalities_in_one_database_share_nothing(ledger_tenant: LedgerTenant, neighbour: LedgerTenant) -> None:
    mine, theirs = new_case(ledger_tenant.ledger, "Vår egen"), new_case(neighbour.ledger, "Naboens")
    assert ledger_tenant.ledger.reader.stream(theirs) == [] == neighbour.ledger.reader.stream(mine)
    for one, other in ((ledger_tenant, neighbour), (neighbour, ledger_tenant)):
        assert [report.ok for report in verify(one)] == [True]
        for kind in ("writer", "reader", "signer", "auditor", "web", "work", "disposer", "rekey", "public"):
            with psycopg.connect(one.dsn(kind)) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(f"select * from {other.tenant}.event")
    assert uuid.UUID(str(mine)) != theirs
