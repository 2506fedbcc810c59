"""Secrets and keys of one data folder: role passwords, the tenant's HMAC keys. They lie outside the event database."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from pathlib import Path


class Keys:
    """Files of 0600 under `folder` (DATA/secrets). Missing ones are made, durable before use."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def secret(self, name: str) -> str:
        """A text secret, for example a role's password."""
        return self._read(name).decode()

    def _read(self, name: str) -> bytes:
        path = self.folder / name
        if not path.exists():
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            draft = self.folder / f".{name}.{os.getpid()}.{secrets.token_hex(4)}"
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(secrets.token_urlsafe(32).encode())
                file.flush()
                os.fsync(file.fileno())
            try:  # the first of two makers wins
                os.link(draft, path)
            except FileExistsError:
                pass
            finally:
                draft.unlink()
            descriptor = os.open(self.folder, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        return path.read_bytes()

    def claim_digest(self, tenant: str, *parts: str) -> str:
        """HMAC-SHA-256 (hex) under the tenant's claim key: what stands in a claim for a key that may be personal."""
        return self._digest(f"claims-{tenant}", parts)

    def idempotency_digest(self, tenant: str, key: str) -> str:
        """HMAC-SHA-256 (hex) of an idempotency key, under a key of its own that is destroyed after 30 days."""
        return self._digest(f"idempotency-{tenant}", (key,))

    def _digest(self, name: str, parts: tuple[str, ...]) -> str:
        message = b"".join(len(part.encode()).to_bytes(8, "big") + part.encode() for part in parts)
        return hmac.new(self._read(name), message, hashlib.sha256).hexdigest()
