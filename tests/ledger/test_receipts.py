"""Receipts: asked for by the web process, given by the signer, provable offline; and proofs out of the tile table."""

from __future__ import annotations

import psycopg
import pytest

from domain import chain
from domain.ledger import receipts, witness
from domain.ledger.faults import Broken
from domain.ledger.signer import Signer
from domain.ledger.tiles import StoredTree, TileRows, stored_rows
from domain.model.errors import NotFound
from tests.fixtures_ledger import LedgerTenant, new_case, new_entry
from tests.ledger.test_signer import chain_id_of, rows, signer_of, tamper


def receipt(one: LedgerTenant, position: int) -> str:
    with psycopg.connect(one.dsn("reader")) as connection:
        return receipts.receipt(connection, one.tenant, chain_id_of(one), position)


def request(one: LedgerTenant, *positions: int) -> None:
    with psycopg.connect(one.dsn("web"), autocommit=True) as connection:
        for position in positions:
            receipts.request(connection, one.tenant, position)


def proves(text: str, signer: Signer, position: int) -> chain.Entry:
    """What somebody without our database does with a receipt."""
    proof = chain.parse_proof(text)
    note = chain.parse_note(proof.checkpoint)
    assert chain.verify_note(note, witness.log_keys([signer.vkey])) == {signer.chain_id}
    checkpoint = chain.parse_checkpoint(note.text)
    assert proof.extra is not None
    chain.check_inclusion(proof.hashes, proof.index, checkpoint.size, chain.leaf_hash(proof.extra), checkpoint.root)
    entry = chain.decode_entry(proof.extra)
    assert (entry.position, proof.index, entry.chain_id) == (position, position - 1, checkpoint.origin)
    return entry


def test_a_receipt_comes_with_the_next_checkpoint_and_stays(ledger_tenant: LedgerTenant) -> None:
    one = signer_of(ledger_tenant)
    case = new_case(ledger_tenant.ledger)
    position = ledger_tenant.ledger.reader.head().position
    with pytest.raises(receipts.NotYet):
        receipt(ledger_tenant, position)
    one.tick()
    with pytest.raises(receipts.NotYet):
        receipt(ledger_tenant, position)  # signed, and not asked for
    request(ledger_tenant, position, position, 1)
    with pytest.raises(receipts.NotYet):
        receipt(ledger_tenant, position)  # asked for, and not given
    signed = one.tick()
    assert signed is not None
    assert signed.receipts == 2
    entry = proves(receipt(ledger_tenant, position), one, position)
    assert entry.topic == ledger_tenant.ledger.reader.at([position])[0].topic
    proves(receipt(ledger_tenant, 1), one, 1)
    before = receipt(ledger_tenant, position)
    for _ in range(3):
        new_entry(ledger_tenant.ledger, case)
        one.tick()
    assert receipt(ledger_tenant, position) == before  # the checkpoint that it stands under is kept
    assert list(one._store.receipts()) == [(1, signed.size), (position, signed.size)]
    one.close()


def test_the_signer_remembers_a_receipt_before_it_gives_it(ledger_tenant: LedgerTenant, monkeypatch: pytest.MonkeyPatch) -> None:
    one = signer_of(ledger_tenant)
    request(ledger_tenant, 1)

    def dies(*_: object) -> None:
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(one._store, "remember_receipts", dies)
        with pytest.raises(OSError, match="disk full"):
            one.tick()
    with pytest.raises(receipts.NotYet):
        receipt(ledger_tenant, 1)
    one.tick()
    proves(receipt(ledger_tenant, 1), one, 1)
    one.close()


def test_a_receipt_of_what_is_not_there_is_not_found(ledger_tenant: LedgerTenant) -> None:
    one = signer_of(ledger_tenant)
    one.tick()
    request(ledger_tenant, 10_000)
    assert one.tick() is None  # a request for the future keeps the signer from nothing
    with pytest.raises(NotFound):
        receipt(ledger_tenant, 10_000)
    one.close()


def test_no_receipt_leaves_for_a_row_that_was_changed(ledger_tenant: LedgerTenant) -> None:
    one = signer_of(ledger_tenant)
    new_case(ledger_tenant.ledger)
    request(ledger_tenant, 3, 4)
    one.tick()
    one.close()
    tamper(ledger_tenant, "update {t}.event set originator_version = 9 where position = 4")
    with pytest.raises(Broken, match="no proof leads from position 4"):
        receipt(ledger_tenant, 4)
    receipt(ledger_tenant, 3)


def test_proofs_from_stored_tiles_are_those_from_memory(ledger_tenant: LedgerTenant) -> None:
    one = signer_of(ledger_tenant)
    case = new_case(ledger_tenant.ledger)
    for _ in range(90):
        new_entry(ledger_tenant.ledger, case)
    one.tick()
    one.close()
    new_entry(ledger_tenant.ledger, case)
    leaves = [bytes(row[0]) for row in rows(ledger_tenant, "select leaf_hash from {t}.event order by position")]  # type: ignore[arg-type]
    with psycopg.connect(ledger_tenant.dsn("reader")) as connection:
        for size in (1, 255, 256, 257, 511, 512, 513, len(leaves)):
            node = chain.memory_nodes(leaves[:size])
            stored = StoredTree(connection, ledger_tenant.tenant, size)
            for index in {0, size // 2, size - 1, min(size - 1, 256)}:
                assert chain.prove_inclusion(index, size, stored.node) == chain.prove_inclusion(index, size, node)
            for old in {1, size // 2, size - 1, min(size, 256)}:
                assert chain.prove_consistency(old, size, stored.node) == chain.prove_consistency(old, size, node)
            grown = TileRows()
            grown.add(leaves[:size])
            assert stored_rows(connection, ledger_tenant.tenant, size).frontier() == grown.frontier()


def test_tile_rows_agree_with_the_tiles_of_the_format() -> None:
    leaves = [chain.leaf_hash(b"%d" % number) for number in range(66_000)]
    node = chain.memory_nodes(leaves)
    for steps in ([66_000], [1, 255, 256, 1000, 64_000, 488]):
        rows_, full, at = TileRows(), list[tuple[int, int, bytes]](), 0
        for step in steps:
            full += rows_.add(leaves[at : at + step])
            at += step
        expected = {
            (level, index): b"".join(node(8 * level, 256 * index + number) for number in range(width))
            for level, index, width in chain.tile_widths(66_000)
        }
        assert {(level, index): hashes for level, index, hashes in [*full, *rows_.edge()]} == expected
        assert rows_.frontier() == chain.Frontier.empty().extend(leaves)
        assert rows_.frontier([b"x" * 32]) == chain.Frontier.empty().extend([*leaves, b"x" * 32])
