"""A receipt (C2SP tlog-proof@v1) and the proofs in it: read strictly, or refused with ChainError."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from domain import chain

MAX_LENGTH = 4_096
NAME = "aure.kommune.no/record/1"


def seeds(reference: Path | None) -> list[bytes]:
    """Receipts of the first, a middle and the last event, with an entry and without."""
    del reference
    leaves = [chain.leaf_hash(bytes([n])) for n in range(11)]
    nodes = chain.memory_nodes(leaves)
    text = chain.Checkpoint(NAME, 11, chain.tree_root(11, nodes)).text()
    note = chain.format_note(chain.Note(text, (chain.Signature(NAME, b"abcd", bytes(64)),)))
    made = []
    for index in (0, 5, 10):
        path = tuple(chain.prove_inclusion(index, 11, nodes))
        made += [chain.format_proof(chain.Proof(index, path, note, extra)).encode() for extra in (None, b"entry")]
    return made


def one(data: bytes) -> None:
    """Reads a receipt, writes it back, and follows its path as inclusion and as consistency."""
    try:
        text = data.decode()
        proof = chain.parse_proof(text)
        assert chain.format_proof(proof) == text
        checkpoint = chain.parse_checkpoint(chain.parse_note(proof.checkpoint).text)
        leaf = chain.leaf_hash(proof.extra or b"")
    except (UnicodeDecodeError, chain.ChainError):
        return
    with suppress(chain.ProofError):
        chain.check_inclusion(proof.hashes, proof.index, checkpoint.size, leaf, checkpoint.root)
    with suppress(chain.ProofError):
        chain.check_consistency(proof.hashes, proof.index, checkpoint.size, leaf, checkpoint.root)
