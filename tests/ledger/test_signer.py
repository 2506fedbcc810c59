"""The checkpoint signer: what it signs, what it remembers, what it refuses, and that its refusal stops the ledger."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from domain import chain
from domain.ledger import monotone, signer, tenants, witness
from domain.ledger.faults import Broken, LedgerError
from domain.ledger.monotone import Store, StoreFault, Tree
from domain.ledger.signer import Signer, State
from tests.fixtures_ledger import LedgerTenant, new_case, new_entry

TAMPER = "set session_replication_role = replica"


def chain_id_of(one: LedgerTenant) -> str:
    return f"{one.domain}/record/1"


def signer_of(one: LedgerTenant) -> Signer:
    return Signer(one.dsn("signer"), one.signer_dir, chain_id_of(one), one.tenant)


@pytest.fixture
def signing(ledger_tenant: LedgerTenant) -> Iterator[Signer]:
    one = signer_of(ledger_tenant)
    yield one
    one.close()


def tamper(one: LedgerTenant, statement: str) -> None:
    with one.owner() as connection:
        connection.execute(TAMPER)
        connection.execute(statement.replace("{t}", one.tenant))


def rows(one: LedgerTenant, query: str) -> list[tuple[object, ...]]:
    with one.owner() as connection:
        return connection.execute(query.replace("{t}", one.tenant)).fetchall()


def test_a_checkpoint_is_signed_once_for_what_is_new(ledger_tenant: LedgerTenant, signing: Signer) -> None:
    assert signing.state is State.FRESH
    new_case(ledger_tenant.ledger)
    signed = signing.tick()
    head = ledger_tenant.ledger.reader.head()
    assert signed is not None
    assert (signed.size, signed.chain_hash) == (head.position, head.chain_hash)
    assert signing.state is State.SIGNING
    note = chain.parse_note(signed.note)
    assert chain.verify_note(note, witness.log_keys([signing.vkey])) == {chain_id_of(ledger_tenant)}
    assert chain.parse_checkpoint(note.text).root == signed.root
    frontier = rows(ledger_tenant, "select frontier from {t}.ledger_head")[0][0]
    assert isinstance(frontier, bytes)
    assert signed.root == chain.Frontier.decode(frontier).root()
    assert signing.tick() is None


def test_only_the_latest_checkpoint_is_kept_where_nothing_rests_on_the_others(
    ledger_tenant: LedgerTenant, signing: Signer
) -> None:
    sizes = []
    for _ in range(4):
        new_case(ledger_tenant.ledger)
        signed = signing.tick()
        assert signed is not None
        sizes.append(signed.size)
        if len(sizes) == 1:
            with ledger_tenant.owner() as connection:
                connection.execute(f"insert into {ledger_tenant.tenant}.ledger_receipt(position) values (2)")
        if len(sizes) == 3:
            tamper(ledger_tenant, f"insert into {{t}}.ledger_cosignature values ({signed.size}, 'w', 'line')")
    kept = [row[0] for row in rows(ledger_tenant, "select size from {t}.ledger_checkpoint order by 1")]
    assert kept == sizes[1:]  # the second was receipted, the third cosigned, the fourth is the latest


def test_tiles_follow_over_many_ticks_and_a_new_process(ledger_tenant: LedgerTenant) -> None:
    one = signer_of(ledger_tenant)
    case = new_case(ledger_tenant.ledger)
    for number in range(90):
        new_entry(ledger_tenant.ledger, case)
        if number % 29 == 0:
            one.tick()
            one.close()
            one = signer_of(ledger_tenant)
    signed = one.tick()
    one.close()
    assert signed is not None
    leaves = [row[0] for row in rows(ledger_tenant, "select leaf_hash from {t}.event order by position")]
    tiles = rows(ledger_tenant, "select level, idx, hashes from {t}.ledger_tile order by level, idx")
    assert signed.size > 512
    assert tiles == [(0, at, b"".join(leaves[256 * at : 256 * at + 256])) for at in range(signed.size // 256)]  # type: ignore[arg-type]


def test_the_line_in_the_store_comes_before_the_signature(
    ledger_tenant: LedgerTenant, signing: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    new_case(ledger_tenant.ledger)

    def dies(*_: object) -> None:
        raise OSError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(chain, "format_note", dies)
        with pytest.raises(OSError, match="killed"):
            signing.tick()
    assert rows(ledger_tenant, "select count(*) from {t}.ledger_checkpoint") == [(0,)]
    signing.close()
    again = signer_of(ledger_tenant)
    assert again.state is State.SIGNING
    signed = again.tick()
    assert signed is not None
    assert rows(ledger_tenant, "select size from {t}.ledger_checkpoint") == [(signed.size,)]
    again.close()
    signing._store = Store(ledger_tenant.signer_dir, chain_id_of(ledger_tenant))  # for the fixture to close


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        ("delete from {t}.event where position = (select max(position) from {t}.event)", "head"),
        ("update {t}.event set meta = meta || ' ' where position = 4", "meta is not what the entry commits to"),
        ("update {t}.event set body = null, body_salt = null where position = 6", "the body is gone"),
        ("update {t}.event set body = body || ' ' where position = 6", "the body is not what"),
        ("update {t}.event set recorded_at_us = recorded_at_us + 1 where position = 3", "leaf_hash"),
        ("update {t}.event set chain_hash = leaf_hash where position = 3", "chain_hash"),
        ("update {t}.ledger_head set frontier = frontier || frontier", "head"),
    ],
)
def test_a_fresh_signer_signs_nothing_that_does_not_hold(
    ledger_tenant: LedgerTenant, signing: Signer, statement: str, sentence: str
) -> None:
    new_entry(ledger_tenant.ledger, new_case(ledger_tenant.ledger))
    tamper(ledger_tenant, statement)
    with pytest.raises(Broken, match=sentence):
        signing.tick()
    assert signing.state is State.REFUSED
    assert sentence in signing.reason
    assert rows(ledger_tenant, "select count(*) from {t}.ledger_checkpoint") == [(0,)]


CUT = """
delete from {t}.event where position > 4;
update {t}.ledger_head h set position = 4, chain_hash = e.chain_hash from {t}.event e where e.position = 4
"""


def test_a_cut_ledger_is_refused_and_becomes_read_only(ledger_tenant: LedgerTenant, signing: Signer) -> None:
    case = new_case(ledger_tenant.ledger)
    signing.tick()
    new_case(ledger_tenant.ledger)  # negative control: it can be written to
    signing.tick()
    tamper(ledger_tenant, CUT)
    with pytest.raises(Broken, match="the ledger ends at 4"):
        signing.tick()
    with pytest.raises(Broken, match=r"read-only: the ledger ends at 4"):
        new_case(ledger_tenant.open_ledger())
    with pytest.raises(Broken, match="read-only"):
        new_case(ledger_tenant.ledger)  # the short way is closed too
    assert [one.position for one in ledger_tenant.ledger.reader.stream(case)] == [4]  # reading goes on
    with pytest.raises(Broken, match="was stopped"):
        signing.tick()


def test_a_stop_taken_back_lets_signing_and_writing_go_on(ledger_tenant: LedgerTenant, signing: Signer) -> None:
    new_case(ledger_tenant.ledger)
    tamper(ledger_tenant, "insert into {t}.ledger_stop values ('a drill')")
    with pytest.raises(Broken, match="a drill"):
        signing.tick()
    with pytest.raises(Broken, match="a drill"):
        new_case(ledger_tenant.ledger)
    tamper(ledger_tenant, "delete from {t}.ledger_stop")
    new_case(ledger_tenant.ledger)
    assert signing.tick() is not None


def test_another_history_of_the_same_length_is_refused(ledger_tenant: LedgerTenant, signing: Signer) -> None:
    new_case(ledger_tenant.ledger)
    signed = signing.tick()
    assert signed is not None
    tamper(ledger_tenant, f"update {{t}}.event set chain_hash = leaf_hash where position = {signed.size}")
    with pytest.raises(Broken, match="is not the one that was signed"):
        signing.tick()


def test_a_store_brought_back_from_a_backup_is_refused(ledger_tenant: LedgerTenant, signing: Signer, tmp_path: Path) -> None:
    new_case(ledger_tenant.ledger)
    signing.tick()
    shutil.copytree(ledger_tenant.signer_dir, tmp_path / "backup")
    new_case(ledger_tenant.ledger)
    signing.tick()
    old = Signer(ledger_tenant.dsn("signer"), tmp_path / "backup", chain_id_of(ledger_tenant), ledger_tenant.tenant)
    with pytest.raises(Broken, match="the signer remembers one of"):
        old.tick()
    old.close()


def test_a_chain_opened_for_another_key_is_not_signed(ledger_tenant: LedgerTenant, tmp_path: Path) -> None:
    monotone.ensure_key(tmp_path / "other", chain_id_of(ledger_tenant))
    other = Signer(ledger_tenant.dsn("signer"), tmp_path / "other", chain_id_of(ledger_tenant), ledger_tenant.tenant)
    with pytest.raises(Broken, match="another key"):
        other.tick()
    other.close()


def test_one_signer_a_store(ledger_tenant: LedgerTenant, signing: Signer) -> None:
    with pytest.raises(LedgerError, match="another signer"):
        signer_of(ledger_tenant)


def test_a_torn_last_line_is_cut_off_and_a_damaged_one_refused(tmp_path: Path) -> None:
    name = "aure.kommune.no/record/1"
    monotone.ensure_key(tmp_path, name)
    path = monotone.chain_folder(tmp_path, name) / "monotone"
    tree = chain.Frontier.empty().append(bytes(32))
    store = Store(tmp_path, name)
    store.remember_tree(Tree(1, tree.root(), bytes(32), tree))
    store.remember_receipts([1], 1)
    store.close()
    whole = path.read_bytes()
    for cut in range(1, len(whole) - whole.rfind(b"\n", 0, -1) - 1):
        path.write_bytes(whole[:-cut])
        store = Store(tmp_path, name)
        assert store.tree is not None
        assert list(store.receipts()) == []
        store.remember_receipts([1], 1)
        store.close()
        assert path.read_bytes() == whole
    for at in range(len(whole) - 1):  # without its newline the last line would be a torn one
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(StoreFault):
            list(Store(tmp_path, name).receipts())


def test_the_store_reads_its_last_tree_behind_many_receipts(tmp_path: Path) -> None:
    name = "aure.kommune.no/record/1"
    monotone.ensure_key(tmp_path, name)
    tree = chain.Frontier.empty().append(bytes(32))
    store = Store(tmp_path, name)
    store.remember_tree(Tree(1, tree.root(), bytes(32), tree))
    for _ in range(3):
        store.remember_receipts(range(1, 20_000), 1)
    with pytest.raises(StoreFault, match="a tree of 0 after one of 1"):
        store.remember_tree(Tree(0, chain.EMPTY_ROOT, bytes(32), chain.Frontier.empty()))
    store.close()
    assert os.stat(monotone.chain_folder(tmp_path, name) / "monotone").st_size > monotone.WINDOW
    again = Store(tmp_path, name)
    assert again.tree == Tree(1, tree.root(), bytes(32), tree)
    again.close()


def test_keys_are_made_once_and_for_the_owner_alone(tmp_path: Path) -> None:
    made = [monotone.ensure_key(tmp_path / "s", f"aure.kommune.no/record/{n}") for n in (1, 2, 1)]
    assert made[0] == made[2] != made[1]
    folder = monotone.chain_folder(tmp_path / "s", "aure.kommune.no/record/1")
    assert [oct((folder / name).stat().st_mode & 0o777) for name in ("key", "monotone")] == ["0o600", "0o600"]
    (folder / "monotone").unlink()
    with pytest.raises(StoreFault, match="no memory"):
        Store(tmp_path / "s", "aure.kommune.no/record/1")


def test_run_signs_every_chain_until_it_is_stopped(ledger_tenant: LedgerTenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signer, "TICK_S", 0.01)
    second = f"{ledger_tenant.domain}/record/2"
    vkey = monotone.ensure_key(ledger_tenant.signer_dir, second)
    with ledger_tenant.owner() as connection:
        first = tenants.chains(connection, ledger_tenant.tenant)[0]
        tenants.close_chain(connection, ledger_tenant.tenant, first, "a test")
        tenants.open_chain(connection, ledger_tenant.tenant, ledger_tenant.domain, 2, [(first.chain_id, "")], vkey)
    stop, signers = threading.Event(), dict[str, Signer]()
    arguments = ledger_tenant.dsn("signer"), ledger_tenant.tenant, ledger_tenant.signer_dir, stop, signers
    thread = threading.Thread(target=signer.run, args=arguments)
    thread.start()
    try:
        while not rows(ledger_tenant, "select 1 from {t}_record_2.ledger_checkpoint"):
            assert thread.is_alive()
    finally:
        stop.set()
        thread.join()
    assert rows(ledger_tenant, "select size from {t}.ledger_checkpoint") == rows(
        ledger_tenant, "select position from {t}.ledger_head"
    )
    assert {one.state for one in signers.values()} == {State.SIGNING}


def test_the_roles_can_do_no_more_than_they_must(ledger_tenant: LedgerTenant, signing: Signer) -> None:
    new_case(ledger_tenant.ledger)
    signing.tick()
    refused = {
        "signer": ["update {t}.ledger_checkpoint set note = ''", "delete from {t}.event", "delete from {t}.ledger_stop"],
        "writer": ["insert into {t}.ledger_checkpoint values (1, '', '')", "delete from {t}.ledger_stop"],
        "web": ["update {t}.ledger_receipt set size = 1", "select * from {t}.event"],
    }
    for kind, statements in refused.items():
        for statement in statements:
            with psycopg.connect(ledger_tenant.dsn(kind)) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement.replace("{t}", ledger_tenant.tenant))
