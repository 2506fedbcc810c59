"""A command reads its own module of the program and no other."""

from __future__ import annotations

import subprocess
import sys

import pytest
import typer

from tools.cli import MODULES, application

HEAVY = {"api.app", "tools.bench", "tools.demo"}


def commands(program: typer.Typer) -> set[str]:
    return set(typer.main.get_group(program).commands)


def test_the_program_has_every_command_of_the_table_and_no_other() -> None:
    assert commands(application()) == set(MODULES)


@pytest.mark.parametrize("command", sorted(MODULES))
def test_a_command_is_where_the_table_says(command: str) -> None:
    assert command in commands(application(command))
    assert commands(application(command)) == {one for one, module in MODULES.items() if module == MODULES[command]}


@pytest.mark.parametrize(("command", "reads"), [("verify", False), ("rights", False), ("backup", False), ("serve", True)])
def test_what_reads_the_log_does_not_read_the_pages(command: str, reads: bool) -> None:
    said = f"import sys; from tools.cli import application; application({command!r}); print(*sys.modules)"
    read = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True).stdout.split()
    assert bool(HEAVY & set(read)) == reads


def test_what_is_no_command_is_said_in_a_line() -> None:
    ended = subprocess.run([sys.executable, "-m", "tools.cli", "verfy"], capture_output=True, text=True)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("dagbok: No such command 'verfy'")
    assert ended.stderr.count("\n") == 1
