"""The identity system's bearer token (RFC 6750): given once, kept as SHA-256 alone; a new one ends the old."""

from __future__ import annotations

import hashlib
import hmac
import os
from pathlib import Path

from domain.ledger.identity import new_id

PREFIX = "dagbok_idm_"


def issue(folder: Path, tenant: str) -> str:
    """A new token of 244 random bits. folder: the data folder's `secrets`."""
    token = PREFIX + new_id().hex + new_id().hex
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = _path(folder, tenant)
    fresh = path.with_suffix(".new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as file:
        file.write(_digest(token))
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)  # whoever reads meanwhile reads the old one or the new one
    return token


def withdraw(folder: Path, tenant: str) -> bool:
    """End the token; False where there was none."""
    path = _path(folder, tenant)
    if not path.exists():
        return False
    path.unlink()
    return True


def holds(folder: Path, tenant: str, authorization: str | None) -> bool:
    """Whether an Authorization header carries the token. Takes the same time for any wrong one."""
    scheme, _, given = (authorization or "").partition(" ")
    path = _path(folder, tenant)
    kept = path.read_text(encoding="ascii").strip() if path.exists() else ""
    same = hmac.compare_digest(_digest(given.strip()), kept)
    return same and bool(kept) and scheme.casefold() == "bearer"


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def _path(folder: Path, tenant: str) -> Path:
    return folder / f"{tenant}_idm_token.sha256"
