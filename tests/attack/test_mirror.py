"""The continuous mirror: a copy byte for byte that follows, stops where the ledger disagrees, and forgets what law destroys."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from domain import chain
from domain.ledger import bringing, restore_drill, tenants
from domain.ledger.exported import Export, Unfit
from domain.ledger.faults import Broken, LedgerError
from domain.ledger.mirror import Mirror
from domain.ledger.mirror_run import Mirrors
from domain.ledger.mirror_tail import put_tail, read_tail
from domain.ledger.mirror_target import FolderTarget, Inside, TargetFault, put_bytes, read
from domain.ledger.monotone import recall
from domain.ledger.signer import ensure_key
from domain.ledger.tenants import Chain
from tests.attack.restoring import digest
from tests.fixtures_ledger import LedgerTenant, new_case, new_entry
from tests.ledger.test_bringing import contents
from tests.ledger.test_export import dispose, new_document, sign
from tests.ledger.test_signer import CUT, chain_id_of, rows, tamper


def mirror_of(one: LedgerTenant, folder: Path) -> Mirror:
    row = Chain(1, chain_id_of(one), one.tenant)
    return Mirror(one.dsn("auditor"), row, FolderTarget(folder), one.ledger.blobs)


@pytest.fixture
def mirror(ledger_tenant: LedgerTenant, tmp_path: Path) -> Iterator[Mirror]:
    one = mirror_of(ledger_tenant, tmp_path / "mirror")
    yield one
    one.close()


def filled(one: LedgerTenant, entries: int = 60) -> uuid.UUID:
    """More than one bundle of 256 events, with a document in it."""
    case = new_case(one.ledger)
    new_document(one.ledger, new_entry(one.ledger, case))
    for _ in range(entries):
        new_entry(one.ledger, case)
    return case


def held(folder: Path) -> list[Any]:
    source = Export(folder)
    source.size = source.held
    return list(source.rows())


def check(folder: Path) -> None:
    source = Export(folder)
    source.size = source.held
    source.check(without_blobs=False)


def test_what_is_mirrored_is_what_is_stored(ledger_tenant: LedgerTenant, tmp_path: Path, mirror: Mirror) -> None:
    case, came = new_case(ledger_tenant.ledger), 0
    for _ in range(55):
        new_document(ledger_tenant.ledger, new_entry(ledger_tenant.ledger, case))
        came += mirror.tick()
    assert came == ledger_tenant.ledger.reader.head().position > 512
    assert mirror.tick() == 0
    names = ", ".join(column for column in held(tmp_path / "mirror")[0]._fields)
    stored = rows(ledger_tenant, f"select {names} from {{t}}.event order by position")
    assert [(row[0], uuid.UUID(bytes=row[1]), *row[2:]) for row in held(tmp_path / "mirror")] == stored
    assert len(list((tmp_path / "mirror" / "blob").iterdir())) == 55
    assert (
        read(FolderTarget(tmp_path / "mirror"), "vkey", 1_000)
        == (ensure_key(ledger_tenant.signer_dir, mirror.row.chain_id) + "\n").encode()
    )


def test_a_new_process_goes_on_where_the_mirror_ends(ledger_tenant: LedgerTenant, tmp_path: Path) -> None:
    case = new_case(ledger_tenant.ledger)
    for _ in range(6):
        one = mirror_of(ledger_tenant, tmp_path / "mirror")
        for _ in range(12):
            new_entry(ledger_tenant.ledger, case)
        assert one.tick() > 0
        one.close()
    assert len(held(tmp_path / "mirror")) == ledger_tenant.ledger.reader.head().position
    first = digest(tmp_path / "mirror")
    again = mirror_of(ledger_tenant, tmp_path / "again")  # in one go
    again.tick()
    again.close()
    assert digest(tmp_path / "again") == first


def test_only_one_process_mirrors_a_chain(ledger_tenant: LedgerTenant, tmp_path: Path, mirror: Mirror) -> None:
    new_case(ledger_tenant.ledger)
    assert mirror.tick() > 0
    second = mirror_of(ledger_tenant, tmp_path / "other")
    new_case(ledger_tenant.ledger)
    assert second.tick() == 0
    assert not (tmp_path / "other").exists()
    mirror.close()
    assert second.tick() > 0
    second.close()


class Dying(FolderTarget):
    """A target whose process is killed before its nth put."""

    def __init__(self, folder: Path, puts: int) -> None:
        super().__init__(folder)
        self.left = puts

    def put(self, name: str, chunks: Any, size: int, checksum: str) -> None:
        if not self.left:
            raise OSError("killed")
        self.left -= 1
        super().put(name, chunks, size, checksum)


def test_a_mirror_killed_before_each_put_is_whole_and_goes_on(ledger_tenant: LedgerTenant, tmp_path: Path) -> None:
    filled(ledger_tenant)
    sign(ledger_tenant)
    row = Chain(1, chain_id_of(ledger_tenant), ledger_tenant.tenant)
    puts, killed = 0, 0
    while True:
        folder = tmp_path / f"at-{puts}"
        one = Mirror(ledger_tenant.dsn("auditor"), row, Dying(folder, puts), ledger_tenant.ledger.blobs)
        try:
            one.tick()
            break
        except OSError:
            killed += 1
            assert read_tail(FolderTarget(folder)) is None or held(folder)
        finally:
            one.close()
        after = mirror_of(ledger_tenant, folder)
        after.tick()
        after.close()
        assert len(held(folder)) == ledger_tenant.ledger.reader.head().position
        puts += 1
    assert killed == puts > 5
    assert digest(tmp_path / "at-0") == digest(tmp_path / f"at-{puts - 1}")


@pytest.mark.parametrize(
    "cut", [CUT, "update {t}.event set chain_hash = sha256(chain_hash) where position = (select position from {t}.ledger_head)"]
)
def test_a_mirror_that_knows_more_or_other_is_not_overwritten(
    ledger_tenant: LedgerTenant, tmp_path: Path, mirror: Mirror, cut: str
) -> None:
    filled(ledger_tenant, 3)
    mirror.tick()
    before = digest(tmp_path / "mirror")
    tamper(ledger_tenant, cut)
    for _ in range(3):
        with pytest.raises(Broken, match="no longer holds as it was"):
            mirror.tick()
    assert digest(tmp_path / "mirror") == before
    fresh = mirror_of(ledger_tenant, tmp_path / "control")  # negative control: the cut ledger by itself can be mirrored, or not
    mirror.close()
    if cut == CUT:
        assert fresh.tick() == 4
    fresh.close()


def test_a_bundle_that_is_there_is_never_replaced_by_another(ledger_tenant: LedgerTenant, tmp_path: Path, mirror: Mirror) -> None:
    """The mirror died after a bundle and before its tail; the ledger lost just that, and went on otherwise."""
    put_bytes(FolderTarget(tmp_path / "mirror"), chain.entries_path(0), b"of another history")
    filled(ledger_tenant)
    with pytest.raises(Broken, match="holds another history"):
        mirror.tick()
    assert (tmp_path / "mirror" / chain.entries_path(0)).read_bytes() == b"of another history"


def test_the_lost_tail_comes_back_from_the_mirror(ledger_tenant: LedgerTenant, tmp_path: Path, mirror: Mirror) -> None:
    filled(ledger_tenant)
    sign(ledger_tenant)
    mirror.tick()
    before = contents(ledger_tenant)
    tamper(ledger_tenant, CUT)
    tamper(
        ledger_tenant, "delete from {t}.ledger_tile; delete from {t}.ledger_checkpoint; insert into {t}.ledger_stop values ('x')"
    )
    for path in (ledger_tenant.data / "blobs").rglob("*"):
        if path.is_file():
            path.unlink()
    memory = recall(ledger_tenant.signer_dir, chain_id_of(ledger_tenant))
    with ledger_tenant.owner() as connection:
        brought = bringing.bring(
            connection, ledger_tenant.tenant, tmp_path / "mirror", ledger_tenant.ledger.blobs,
            partial(ensure_key, ledger_tenant.signer_dir), known=bringing.Known(memory),
        )  # fmt: skip
    assert (brought.first, brought.blobs, list(brought.missing), list(brought.left)) == (5, 1, [], [])
    now = contents(ledger_tenant)
    assert now[:-1] == before[:-1]
    assert rows(ledger_tenant, "select count(*) from {t}.ledger_stop") == [(0,)]


def test_a_mirror_behind_the_signer_leaves_the_ledger_stopped(
    ledger_tenant: LedgerTenant, tmp_path: Path, mirror: Mirror
) -> None:
    filled(ledger_tenant, 2)
    sign(ledger_tenant)
    mirror.tick()
    reached = mirror.position
    new_case(ledger_tenant.ledger)
    sign(ledger_tenant)
    tamper(ledger_tenant, CUT)
    tamper(
        ledger_tenant, "delete from {t}.ledger_tile; delete from {t}.ledger_checkpoint; insert into {t}.ledger_stop values ('x')"
    )
    memory = recall(ledger_tenant.signer_dir, chain_id_of(ledger_tenant))
    assert memory is not None
    assert memory.tree is not None
    with ledger_tenant.owner() as connection:
        brought = bringing.bring(
            connection, ledger_tenant.tenant, tmp_path / "mirror", ledger_tenant.ledger.blobs,
            partial(ensure_key, ledger_tenant.signer_dir), known=bringing.Known(memory),
        )  # fmt: skip
    assert brought.last == reached
    assert list(brought.missing) == list(range(reached + 1, memory.tree.size + 1))
    with pytest.raises(Broken, match="read-only"):
        new_case(ledger_tenant.open_ledger())


def test_what_was_disposed_of_is_forgotten_by_the_mirror(ledger_tenant: LedgerTenant, tmp_path: Path, mirror: Mirror) -> None:
    entry = new_entry(ledger_tenant.ledger, new_case(ledger_tenant.ledger, "Hemmelig"))
    stored = new_document(ledger_tenant.ledger, entry, b"%PDF-1.7 HEMMELIG")
    position = rows(ledger_tenant, "select position from {t}.event where topic like 'document.object-added%'")[0][0]
    title = rows(ledger_tenant, "select position, body from {t}.event where topic = 'record.titled.v1'")[0]
    assert isinstance(position, int)
    assert isinstance(title[0], int)
    for _ in range(60):
        new_entry(ledger_tenant.ledger, new_case(ledger_tenant.ledger))
    mirror.tick()
    target = FolderTarget(tmp_path / "mirror")
    secret = bytes(title[1])  # type: ignore[call-overload]

    def found() -> tuple[bool, bool]:
        bodies = [row.body for row in held(tmp_path / "mirror")]
        return secret in bodies, target.get(f"blob/{stored.object_id}") is not None

    assert found() == (True, True)
    before = digest(tmp_path / "mirror" / "tile")
    dispose(ledger_tenant, (title[0], position), "body", "blob")
    mirror.tick()
    tail = read_tail(target)
    assert tail is not None
    assert len(tail[0].waiting) == 1  # the file is here still
    assert found() == (True, True)
    ledger_tenant.ledger.blobs.delete(stored.object_id)
    mirror.tick()
    assert found() == (False, False)
    assert digest(tmp_path / "mirror" / "tile") == before | digest(tmp_path / "mirror" / "tile")
    tail = read_tail(target)
    assert tail is not None
    assert tail[0].waiting == []
    sign(ledger_tenant)
    mirror.tick()
    check(tmp_path / "mirror")


def test_a_file_that_is_damaged_here_is_owed_and_comes_once_it_is_back(
    ledger_tenant: LedgerTenant, tmp_path: Path, mirror: Mirror
) -> None:
    stored = new_document(ledger_tenant.ledger, new_entry(ledger_tenant.ledger, new_case(ledger_tenant.ledger)))
    path = ledger_tenant.ledger.blobs.path(stored.object_id)  # type: ignore[attr-defined]
    data = path.read_bytes()
    path.write_bytes(data[:-1] + b"!")
    mirror.tick()
    assert (mirror.owed, mirror.position) == (1, ledger_tenant.ledger.reader.head().position)
    assert FolderTarget(tmp_path / "mirror").get(f"blob/{stored.object_id}") is None
    path.write_bytes(data)
    mirror.close()
    mirror._ticks = 0
    mirror.tick()
    assert mirror.owed == 0
    assert read(FolderTarget(tmp_path / "mirror"), f"blob/{stored.object_id}", 1_000) == data


@pytest.mark.parametrize("damage", ["tail", "entries", "payload", "blob", "remove"])
def test_a_damaged_mirror_is_not_believed(ledger_tenant: LedgerTenant, tmp_path: Path, mirror: Mirror, damage: str) -> None:
    filled(ledger_tenant)
    sign(ledger_tenant)
    mirror.tick()
    folder = tmp_path / "mirror"
    check(folder)  # negative control
    blob = next((folder / "blob").iterdir())
    path = {"tail": folder / "tail", "entries": folder / chain.entries_path(0), "payload": folder / chain.payload_path(0)}.get(
        damage, blob
    )
    if damage == "remove":
        path.unlink()
    else:
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(bytes(data))
    with pytest.raises((Unfit, TargetFault)):
        check(folder)


def test_a_mirror_written_back_by_a_stranger_is_not_believed(ledger_tenant: LedgerTenant, tmp_path: Path, mirror: Mirror) -> None:
    """Whoever can write the mirror puts events of his own behind the signed ones: they come in only if two people vouch."""
    new_case(ledger_tenant.ledger)
    signed = ledger_tenant.ledger.reader.head().position
    sign(ledger_tenant)
    new_case(ledger_tenant.ledger, "Føyd til av en fremmed")
    mirror.tick()
    tamper(ledger_tenant, CUT)
    tamper(ledger_tenant, "delete from {t}.ledger_checkpoint")
    arguments = (
        ledger_tenant.tenant,
        tmp_path / "mirror",
        ledger_tenant.ledger.blobs,
        partial(ensure_key, ledger_tenant.signer_dir),
    )
    with ledger_tenant.owner() as connection:
        brought = bringing.bring(connection, *arguments)
        assert (brought.last, brought.left) == (signed, range(signed + 1, signed + 3))
        with pytest.raises(LedgerError, match="two different people"):
            bringing.bring(connection, *arguments, known=bringing.Known(people=("A", "a"), reason="x"))
        again = bringing.bring(connection, *arguments, known=bringing.Known(people=("A", "B"), reason="x"))
    assert (again.first, again.last) == (signed + 1, signed + 2)


def test_all_chains_are_mirrored_and_the_state_says_how_far(ledger_tenant: LedgerTenant, tmp_path: Path) -> None:
    state = tmp_path / "state" / "mirror.json"
    target = Inside(FolderTarget(tmp_path / "mirror"), "fjordvik")
    job = Mirrors(ledger_tenant.dsn("auditor"), ledger_tenant.tenant, target, ledger_tenant.ledger.blobs, state)
    new_case(ledger_tenant.ledger)
    with ledger_tenant.owner() as connection:
        first = tenants.chains(connection, ledger_tenant.tenant)[0]
        tenants.close_chain(connection, ledger_tenant.tenant, first, "flyttet")
        number_two = f"{ledger_tenant.domain}/record/2"
        vkey = ensure_key(ledger_tenant.signer_dir, number_two)
        tenants.open_chain(connection, ledger_tenant.tenant, ledger_tenant.domain, 2, [(first.chain_id, "")], vkey)
    new_case(ledger_tenant.ledger)
    job.tick()
    assert job.state.problem == ""
    heads = dict(
        rows(ledger_tenant, "select 1, position from {t}.ledger_head union select 2, position from {t}_record_2.ledger_head")
    )  # type: ignore[arg-type]
    assert job.state.chains == {first.chain_id: heads[1], number_two: heads[2]}
    assert [one.number for one in restore_drill.mirrored(target)] == [1, 2]
    tamper(ledger_tenant, "update {t}_record_2.ledger_head set position = 1; delete from {t}_record_2.event where position > 1")
    job.tick()
    assert "no longer holds" in job.state.problem
    assert job.state.chains[number_two] == heads[2]
    job.close()


@pytest.mark.parametrize("name", ["", "../x", "a//b", ".hidden", "a/../b", "/etc/x"])
def test_no_name_leads_out_of_a_mirror(tmp_path: Path, name: str) -> None:
    target = FolderTarget(tmp_path / "mirror")
    put_bytes(target, "inside/of", b"x")
    with pytest.raises(TargetFault):
        put_bytes(target, name, b"x")
    with pytest.raises(TargetFault):
        target.put("inside/of", [b"y"], 1, "0" * 64)  # damaged on the way
    assert read(target, "inside/of", 10) == b"x"
    with pytest.raises(TargetFault):
        read(target, "inside/of", 0)
    assert list(target.names("")) == [("inside/of", 1)]


def test_a_tail_that_does_not_hold_what_it_says_is_refused(ledger_tenant: LedgerTenant, tmp_path: Path, mirror: Mirror) -> None:
    new_case(ledger_tenant.ledger)
    mirror.tick()
    found = read_tail(FolderTarget(tmp_path / "mirror"))
    assert found is not None
    put_tail(FolderTarget(tmp_path / "mirror"), found[0], found[1][:-1], found[2][:-1])
    with pytest.raises(TargetFault, match="does not hold the events"):
        read_tail(FolderTarget(tmp_path / "mirror"))
