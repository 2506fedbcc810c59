"""Options that every command shares, and how results are said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from api.installation import Installation
from api.settings import Settings
from domain.ledger.clock import Clock
from domain.model.errors import DagbokError

Data = Annotated[Path | None, typer.Option("--data", help="Data folder (default: DAGBOK_DATA, else ./data).")]
Database = Annotated[
    str | None, typer.Option("--database", help="PostgreSQL connection string of the owner, instead of a data folder.")
]
Tenant = Annotated[str | None, typer.Option("--tenant", help="Municipality (default: the only one).")]
Json = Annotated[bool, typer.Option("--json", help="Answer as JSON, for a machine.")]
ActorId = Annotated[str, typer.Option("--actor", help="Who acts, until login exists.")]


def settings(data: Path | None = None, database: str | None = None, tenant: str | None = None, **more: Any) -> Settings:
    """The settings with what the command line says."""
    given = {"data": data, "database": database, "tenant": tenant, **more}
    return Settings(**{name: value for name, value in given.items() if value is not None})


def installation(
    data: Path | None, database: str | None, tenant: str | None = None, clock: Clock | None = None, **more: Any
) -> Installation:
    """Open the installation that the command line names. DagbokError where there is none yet."""
    wanted = settings(data, database, tenant, **more)
    if wanted.database is None and not (wanted.data / "pg").exists():
        raise DagbokError(f"there is no data folder {wanted.data}", hint="Make it with `dagbok init`, or run `dagbok demo`.")
    return Installation(wanted, clock)


def say(value: Any) -> None:
    """Print JSON for a machine."""
    print(json.dumps(value, ensure_ascii=False, indent=2, default=str))
