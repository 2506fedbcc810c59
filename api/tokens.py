"""Bearer tokens of services (RFC 6750): given once, kept as SHA-256 alone; a new one ends the old.

A token gives no right by itself. The service is the person of kind `service` with the user name `service:<name>`; what it may do
a manager has ordered.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
from pathlib import Path

from domain.ledger.identity import new_id
from domain.model.errors import Refused

IDM = "idm"
_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}", re.ASCII)


def issue(folder: Path, tenant: str, service: str) -> str:
    """A new token of 244 random bits. folder: the data folder's `secrets`. Refused `service.name`."""
    token = f"dagbok_{service}_{new_id().hex}{new_id().hex}"
    path = _path(folder, tenant, service)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as file:
        file.write(_digest(token))
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)  # whoever reads meanwhile reads the old one or the new one
    return token


def withdraw(folder: Path, tenant: str, service: str) -> bool:
    """End the token; False where there was none."""
    path = _path(folder, tenant, service)
    if not path.exists():
        return False
    path.unlink()
    return True


def holder(folder: Path, tenant: str, authorization: str | None) -> str | None:
    """The name of the service whose token an Authorization header carries, else None. Takes the same time for any wrong one."""
    scheme, _, given = (authorization or "").partition(" ")
    token = given.strip()
    name = token.removeprefix("dagbok_").rpartition("_")[0]
    path = _path(folder, tenant, name) if _NAME.fullmatch(name) else None
    kept = path.read_text(encoding="ascii").strip() if path is not None and path.exists() else ""
    same = hmac.compare_digest(_digest(token), kept)
    return name if same and kept and scheme.casefold() == "bearer" else None


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def _path(folder: Path, tenant: str, service: str) -> Path:
    if _NAME.fullmatch(service) is None:
        raise Refused("service.name", "4.3.1", {"name": service[:80]})
    return folder / f"{tenant}_{service}_token.sha256"
