"""Not a parser: the faults that the runner must find, one chosen by DAGBOK_PLANTED: `error` after three bytes that only the
branches lead to, `endless`, `greedy`."""

from __future__ import annotations

import os
from pathlib import Path

MAX_LENGTH = 64
FAULT = os.environ.get("DAGBOK_PLANTED", "error")


def seeds(reference: Path | None) -> list[bytes]:
    """Nothing that gives it away."""
    del reference
    return [b"aaaa"]


def one(data: bytes) -> None:
    """Faulty on what begins with `<!D`."""
    if data[:1] != b"<":
        return
    if data[1:2] != b"!":
        return
    if data[2:3] == b"D":
        _fail()


def _fail() -> None:
    if FAULT == "error":
        raise LookupError("an error that nobody documented")
    kept = bytearray()
    while True:
        kept += bytes(1 << 24 if FAULT == "greedy" else 0)
