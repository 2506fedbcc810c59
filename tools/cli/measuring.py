"""`bench`: figures of this machine."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from tools import bench as measurements
from tools.cli.options import Json, say


def bench(
    names: Annotated[
        list[str] | None, typer.Argument(help="append, full-path, projections, verify, import, growth, rights; default: all.")
    ] = None,
    events: Annotated[int, typer.Option("--events", help="How many events to measure with.")] = measurements.EVENTS,
    as_json: Json = False,
) -> None:
    """Measure on this machine, each figure beside what it is held against. Exit 1 where a floor is not met."""
    found = measurements.run(names or [], events)
    if as_json:
        say(found)
    else:
        table = Table("measured", "ours", "against", "unit", "ratio", "floor", box=None)
        for one in found["results"]:
            ours, against, ratio, floor = (_figure(one[key]) for key in ("ours", "against", "ratio", "floor"))
            table.add_row(one["name"], ours, against, one["unit"], ratio, floor)
        Console(width=160).print(table)
    if any(one["met"] is False for one in found["results"]):
        raise typer.Exit(1)


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:,.3g}" if value < 100 else f"{value:,.0f}"


def register(app: typer.Typer) -> None:
    """Put the command on the program."""
    app.command()(bench)
