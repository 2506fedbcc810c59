"""A database restored without its files, or files without their database: every mismatch is named, and nothing else is."""

from __future__ import annotations

import random
import shutil
import uuid
from pathlib import Path
from typing import Any

import psycopg
import pytest

from domain.ledger.blobs import Folder
from domain.ledger.restore_compare import Files, compare_files
from domain.ledger.tenants import chains
from tests.attack.restoring import SEED
from tests.fixtures_ledger import LedgerTenant, new_case, new_entry
from tests.ledger.test_export import dispose, new_document, sign

PAIRS = 20


def compared(one: LedgerTenant, folder: Path) -> Files:
    with psycopg.connect(one.dsn("auditor"), autocommit=True) as connection:
        return compare_files(connection, chains(connection, one.tenant), Folder(folder))


def named(one: LedgerTenant) -> dict[uuid.UUID, int]:
    """Document object -> the position of the fact that names it."""
    with one.owner() as connection:
        query = f"select convert_from(meta, 'UTF8')::jsonb->'f'->>'object_id', position from {one.tenant}.event"
        return {uuid.UUID(row[0]): row[1] for row in connection.execute(query + " where topic like 'document.object-added%'")}


def test_twenty_mismatched_pairs_are_reported_with_the_exact_list(
    ledger_tenant: LedgerTenant, tmp_path: Path, record_property: Any
) -> None:
    chance = random.Random(SEED)
    case, folder = new_case(ledger_tenant.ledger), ledger_tenant.data / "blobs" / ledger_tenant.tenant
    for number in range(12):
        new_document(ledger_tenant.ledger, new_entry(ledger_tenant.ledger, case), b"%%PDF-1.7 %d" % number)
    positions = named(ledger_tenant)
    assert len(positions) == 12
    assert compared(ledger_tenant, folder) == Files()  # negative control: a pair that fits
    for pair in range(PAIRS):
        other = tmp_path / str(pair)
        shutil.copytree(folder, other)
        objects = chance.sample(sorted(positions), chance.randint(1, 6))
        cut = chance.randint(0, len(objects))
        absent, damaged = sorted(objects[:cut]), sorted(objects[cut:])
        extra = sorted(uuid.UUID(int=chance.getrandbits(128)).hex for _ in range(chance.randint(0, 4)))
        store = Folder(other)
        for one in absent:
            store.path(one).unlink()
        for number, one in enumerate(damaged):
            data = store.path(one).read_bytes()
            store.path(one).write_bytes([data[:-1], data + b" ", b"x" + data[1:]][number % 3])
        for name in extra:
            (other / name[:2]).mkdir(exist_ok=True)
            (other / name[:2] / name).write_bytes(b"%PDF")
        found = compared(ledger_tenant, other)
        assert found.absent == sorted((positions[one], one) for one in absent)
        assert found.damaged == sorted((positions[one], one) for one in damaged)
        assert found.extra == extra
        assert not found.whole
    record_property("seed", SEED)
    record_property("pairs", PAIRS)
    print(f"seed {SEED}, {PAIRS} mismatched pairs")


def test_a_file_that_was_disposed_of_is_not_missed(ledger_tenant: LedgerTenant) -> None:
    folder = ledger_tenant.data / "blobs" / ledger_tenant.tenant
    stored = new_document(ledger_tenant.ledger, new_entry(ledger_tenant.ledger, new_case(ledger_tenant.ledger)))
    ledger_tenant.ledger.blobs.delete(stored.object_id)
    position = named(ledger_tenant)[stored.object_id]
    assert compared(ledger_tenant, folder).absent == [(position, stored.object_id)]
    sign(ledger_tenant)
    dispose(ledger_tenant, (position, position), "blob")
    assert compared(ledger_tenant, folder) == Files()


@pytest.mark.parametrize("part", ["database", "files"])
def test_one_restored_without_the_other(ledger_tenant: LedgerTenant, tmp_path: Path, part: str) -> None:
    """The newer files under an older database have files too many; the older files under a newer database too few."""
    case, folder = new_case(ledger_tenant.ledger), ledger_tenant.data / "blobs" / ledger_tenant.tenant
    new_document(ledger_tenant.ledger, new_entry(ledger_tenant.ledger, case))
    shutil.copytree(folder, tmp_path / "older")
    newer = new_document(ledger_tenant.ledger, new_entry(ledger_tenant.ledger, case))
    if part == "files":
        assert compared(ledger_tenant, tmp_path / "older").absent == [(named(ledger_tenant)[newer.object_id], newer.object_id)]
    else:
        from tests.ledger.test_signer import tamper

        tamper(ledger_tenant, f"delete from {{t}}.event where position >= {named(ledger_tenant)[newer.object_id]}")
        assert compared(ledger_tenant, folder).extra == [newer.object_id.hex]
