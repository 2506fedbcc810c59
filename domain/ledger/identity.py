"""Where new ids come from: systemIDs (M001), ids of commands and of parts of units. All random (RFC 9562, version 4)."""

from __future__ import annotations

import uuid
from uuid import UUID


def new_id() -> UUID:
    """A random id. It says nothing of what it names, and so may stand in what is never disposed."""
    return uuid.uuid4()
