"""Secrets and keys of one data folder: role passwords, the tenant's HMAC keys. They lie outside the event database."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from pathlib import Path

from domain.ledger import durable
from domain.ledger.durable import DISK, Disk, on_disk


class Keys:
    """Files of 0600 under `folder` (DATA/secrets). Missing ones are made, durable before use."""

    def __init__(self, folder: Path, disk: Disk = DISK) -> None:
        self.folder = folder
        self._disk = disk

    def secret(self, name: str) -> str:
        """A text secret, for example a role's password. Raises StorageFull, StorageAway."""
        return self._read(name).decode()

    def _read(self, name: str) -> bytes:
        path = self.folder / name
        with on_disk():
            if not path.exists():
                self._disk.make_folder(self.folder)
                self._disk.sync_folder(self.folder.parent)
                durable.create(path, secrets.token_urlsafe(32).encode(), self._disk)  # the first of two makers wins
            with self._disk.open(path) as file:
                return file.read()

    def claim_digest(self, tenant: str, *parts: str) -> str:
        """HMAC-SHA-256 (hex) under the tenant's claim key: what stands in a claim for a key that may be personal."""
        return self._digest(f"claims-{tenant}", parts)

    def idempotency_digest(self, tenant: str, key: str) -> str:
        """HMAC-SHA-256 (hex) of an idempotency key, under a key of its own that is destroyed after 30 days."""
        return self._digest(f"idempotency-{tenant}", (key,))

    def _digest(self, name: str, parts: tuple[str, ...]) -> str:
        message = b"".join(len(part.encode()).to_bytes(8, "big") + part.encode() for part in parts)
        return hmac.new(self._read(name), message, hashlib.sha256).hexdigest()
