"""Where logins are kept: a schema of its own in the municipality's database, reached by a role of its own."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from psycopg_pool import ConnectionPool

from api.installation import Installation
from domain.ledger import migrate, tenants
from domain.ledger.identity import new_secret
from domain.ledger.patience import ended_within, patient

NONCE = 12


class LoginStore:
    """The login schema of one tenant, made on first use. Thread-safe."""

    def __init__(self, installation: Installation, tenant: str) -> None:
        self.tenant = tenant
        self.schema = f"{tenant}_login"
        self._installation = installation
        self._guard = threading.Lock()
        self._pool: ConnectionPool[Any] | None = None
        self._key = hashlib.sha256(installation.keys.secret(f"login-{tenant}").encode()).digest()

    @contextmanager
    def rows(self) -> Iterator[psycopg.Connection[Any]]:
        """A connection that finds the schema's tables by their bare names. Raises psycopg.OperationalError."""
        with self._opened().connection() as connection, ended_within(connection):
            yield connection

    def close(self) -> None:
        """Close the connections."""
        with self._guard:
            if self._pool is not None:
                self._pool.close()
                self._pool = None

    def digest(self, *parts: str) -> bytes:
        """Keyed BLAKE2b of what must not stand in clear (an address, a user name), under this installation's key."""
        message = b"".join(len(part.encode()).to_bytes(8, "big") + part.encode() for part in parts)
        return hashlib.blake2b(message, key=self._key, digest_size=32, person=b"dagbok-login").digest()

    def sealed(self, secret: bytes, owner: str) -> bytes:
        """A secret as it is stored: AES-256-GCM, bound to its owner, so that no row can be moved to another person."""
        nonce = new_secret(NONCE)
        return nonce + AESGCM(self._key).encrypt(nonce, secret, owner.encode())

    def unsealed(self, stored: bytes, owner: str) -> bytes | None:
        """The secret of a stored one; None where it is another's, or another installation's."""
        try:
            return AESGCM(self._key).decrypt(stored[:NONCE], stored[NONCE:], owner.encode())
        except InvalidTag:
            return None

    def _opened(self) -> ConnectionPool[Any]:
        with self._guard:
            if self._pool is None:
                self._make()
                self._pool = ConnectionPool(
                    patient(self._installation.role_dsn(self.tenant, "login")),
                    min_size=1,
                    max_size=8,
                    kwargs={"autocommit": True, "options": f"-c search_path={self.schema}"},
                    open=True,
                    timeout=5,
                    reconnect_timeout=5,
                )
            return self._pool

    def _make(self) -> None:
        """A municipality made by an older program has neither role nor schema."""
        with psycopg.connect(self._installation.owner_dsn(), autocommit=True) as owner:
            tenants.ensure_role(owner, self.tenant, "login", self._installation.keys.secret(f"{self.tenant}_login"))
            migrate.apply(owner, self.tenant, self.schema, "login")


def token_digest(token: str) -> bytes:
    """What is kept of a token that somebody else holds (a cookie, a link): its SHA-256."""
    return hashlib.sha256(token.encode()).digest()
