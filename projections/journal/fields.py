"""Searching the journal by fields, as KS Fiks Arkiv asks: conditions from a closed list of fields and operators.

No word of a message ever becomes SQL: fields and operators pick constants of this module, everything else is a parameter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from projections.view import View


class Fields:
    """Searches over one tenant's journal projection."""

    def __init__(self, tenant: str) -> None:
        self.schema = f"{tenant}_p_journal"

    def _sql(self, text: str) -> sql.Composed:
        names = ("cases", "entries", "documents", "link")
        return sql.SQL(text).format(**{name: sql.Identifier(self.schema, name) for name in names})  # type: ignore[arg-type]

    def document_of(self, connection: psycopg.Connection[Any], object_id: UUID) -> UUID | None:
        """The document that an object belongs to."""
        query = self._sql("select id from {documents} where view->'objects' @> %s")
        row = connection.execute(query, (Jsonb([{"id": str(object_id)}]),)).fetchone()
        return row[0] if row else None
