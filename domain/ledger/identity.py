"""Where new ids come from: systemIDs (M001), ids of commands and of parts of units. All random (RFC 9562, version 4).

And new secrets: what a cookie, a one-time link or a code generator holds.
"""

from __future__ import annotations

import secrets
import uuid
from uuid import UUID


def new_id() -> UUID:
    """A random id. It says nothing of what it names, and so may stand in what is never disposed."""
    return uuid.uuid4()


def new_secret(length: int = 32) -> bytes:
    """Random bytes that nobody can guess; 32 of them are 256 bits."""
    return secrets.token_bytes(length)
