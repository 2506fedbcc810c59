"""The entry of a fact in the log: read strictly, or refused with ChainError."""

from __future__ import annotations

import uuid
from contextlib import suppress
from pathlib import Path

from domain import chain

MAX_LENGTH = 1_024


def seeds(reference: Path | None) -> list[bytes]:
    """Entries of different lengths, and a tree's right edge."""
    del reference
    made = []
    for position, topic in enumerate(("ledger.chain-opened.v1", "record.titled.v1", "a"), 1):
        stream = uuid.uuid5(uuid.NAMESPACE_URL, topic).bytes
        commits = chain.meta_commit(bytes(32), b"{}"), chain.body_commit(bytes(32), b"")
        made.append(chain.encode_entry(chain.Entry("aure.kommune.no/record/1", position, 10**15, stream, 7, topic, *commits)))
    return [*made, chain.Frontier.empty().extend([bytes(32)] * 5).encode()]


def one(data: bytes) -> None:
    """Reads an entry and a frontier; what is read is written as exactly the same bytes."""
    with suppress(chain.ChainError):
        assert chain.encode_entry(chain.decode_entry(data)) == data
    with suppress(chain.ChainError):
        chain.split_entry(chain.entry_prefix("aure.kommune.no/record/1"), data)
    with suppress(chain.ChainError):
        assert chain.Frontier.decode(data).encode() == data
