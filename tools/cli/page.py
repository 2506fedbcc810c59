"""Pages generated from the program itself: `python -m tools.cli.page` writes docs/cli.md, docs/settings.md and docs/events.md."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from api.settings import Settings
from tools.cli import application
from tools.events_page import events_page

DOCS = Path(__file__).resolve().parents[2] / "docs"


def cli_page() -> str:
    """docs/cli.md: every command with its arguments and options."""
    lines = ["# Commands", "", "Made from the program by `python -m tools.cli.page`; a test holds the page to the program.", ""]
    for path, command in _commands("dagbok", typer.main.get_command(application())):
        lines += [f"## `{path}`", "", (command.help or "").strip(), ""]
        lines += [line for parameter in command.params if (line := _parameter(parameter))]
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _commands(path: str, command: Any) -> Iterator[tuple[str, Any]]:
    if hasattr(command, "commands"):
        for name in sorted(command.commands):
            yield from _commands(f"{path} {name}", command.commands[name])
    else:
        yield path, command


def _parameter(parameter: Any) -> str:
    said = getattr(parameter, "help", None) or ""
    if parameter.param_type_name == "option":
        if parameter.name == "help":
            return ""
        names = " / ".join([*parameter.opts, *parameter.secondary_opts])
        plain = (
            isinstance(parameter.default, (int, float, str))
            and not isinstance(parameter.default, bool)
            and parameter.default != ""
        )
        default = f" Default {parameter.default}." if plain else ""
        return f"- `{names}`: {said}{default}"
    return f"- `{parameter.name.upper()}`: {said}"


def settings_page() -> str:
    """docs/settings.md: every setting with its default."""
    lines = [
        "# Settings",
        "",
        "Read from the environment. Made from the program by `python -m tools.cli.page`; a test holds the page to the program.",
        "",
        "| setting | default | meaning |",
        "| --- | --- | --- |",
    ]
    for name, field in Settings.model_fields.items():
        default = "" if field.default is None else f"`{field.default}`"
        lines.append(f"| `DAGBOK_{name.upper()}` | {default} | {field.description} |")
    return "\n".join(lines) + "\n"


PAGES = {"cli.md": cli_page, "settings.md": settings_page, "events.md": events_page}


if __name__ == "__main__":
    for file, page in PAGES.items():
        (DOCS / file).write_text(page(), encoding="utf-8")
