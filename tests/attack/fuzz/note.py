"""A signed note, the checkpoint in it, and a verifier key: read strictly, or refused with ChainError."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from domain import chain

MAX_LENGTH = 2_048
NAME = "aure.kommune.no/record/1"


def seeds(reference: Path | None) -> list[bytes]:
    """A checkpoint with two signatures, one of a witness, and a key."""
    del reference
    text = chain.Checkpoint(NAME, 3, bytes(range(32))).text()
    own = chain.Signature(NAME, b"abcd", bytes(64))
    witness = chain.Signature("witness.example", b"efgh", bytes(72))
    note = chain.format_note(chain.Note(text, (own, witness)))
    return [note.encode(), text.encode(), chain.vkey(NAME, chain.ED25519, bytes(32)).encode()]


def one(data: bytes) -> None:
    """Reads a note, a checkpoint and a key; what is read is written as exactly the same text."""
    try:
        note = chain.parse_note(data)
        assert chain.format_note(note).encode() == data
        chain.verify_note(note, {(signed.name, signed.key_id): lambda *_: True for signed in note.signatures})
    except chain.ChainError:
        pass
    text = data.decode(errors="replace")
    with suppress(chain.ChainError):
        assert chain.parse_checkpoint(text).text() == text
    with suppress(chain.ChainError):
        assert chain.vkey(*chain.parse_vkey(text)) == text
