"""Tampering seen by who types `dagbok verify`: exit 1 and the place, exit 0 again once it is taken back."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from typer.testing import CliRunner

from tests import tidy
from tests.attack.tampering import SEED, Attacked, Tally, counts, every_bit, full_ledger
from tests.fixtures_ledger import LedgerTenant
from tests.ledger.tampering import Change
from tools.cli import application

Record = Callable[[str, object], None]


class Program:
    """`dagbok verify` on the tenant's database, checkpoints and the witness's key given as files."""

    def __init__(self, one: LedgerTenant, ledger: Attacked, folder: Path) -> None:
        one.settings()
        self.environment = {"DAGBOK_DATA": str(one.data), "DAGBOK_SIGNER_DIR": str(one.signer_dir), "DAGBOK_TENANT": one.tenant}
        self.arguments = ["verify", "--database", one.owner_dsn(), "--tenant", one.tenant, "--json"]
        for number, note in enumerate(ledger.notes):
            (folder / f"note{number}").write_text(note)
            self.arguments += ["--checkpoint", str(folder / f"note{number}")]
        (folder / "vkey").write_text(ledger.vkeys[0] + "\n")
        self.arguments += ["--vkey", str(folder / "vkey")]

    def run(self, *more: str) -> tuple[int, dict[str, Any]]:
        """In this process."""
        result = CliRunner().invoke(application(), [*self.arguments, *more], env=self.environment)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result.exit_code, json.loads(result.stdout)

    def start(self) -> tuple[int, dict[str, Any]]:
        """As a process of its own, as it is typed."""
        command = [sys.executable, "-m", "tools.cli", *self.arguments]
        done = subprocess.run(command, cwd=tidy.ROOT, env=self.environment, capture_output=True, text=True, check=False)
        assert done.stderr == ""
        return done.returncode, json.loads(done.stdout)


@pytest.fixture
def ledger(ledger_tenant: LedgerTenant) -> Iterator[Attacked]:
    """Another process looks at it, so what `full_ledger` does to the tables stays."""
    with full_ledger(ledger_tenant) as built:
        built.connection.commit()
        built.connection.autocommit = True
        built.connection.execute("set session_replication_role = replica")
        yield built


def exchange(connection: psycopg.Connection[Any], change: Change, value: object, row: str) -> str:
    """Set the column; where the row stands then."""
    query = sql.SQL("update {} set {} = %s where ctid = %s::tid returning ctid::text").format(
        sql.Identifier(change.schema, change.table), sql.Identifier(change.column)
    )
    (place,) = connection.execute(query, (value, row)).fetchone() or ("",)
    return str(place)


def value_of(ledger: Attacked, change: Change) -> object:
    query = sql.SQL("select {} from {} where ctid = %s::tid").format(
        sql.Identifier(change.column), sql.Identifier(change.schema, change.table)
    )
    (value,) = ledger.connection.execute(query, (change.row,)).fetchone() or (None,)
    return value


def moved(ledger: Attacked, chance: random.Random) -> Iterator[Change]:
    """Changes made for good and taken back: rows move with each update, so that their place is looked up anew each time."""
    while True:
        yield from islice(every_bit(ledger, chance), 1)


@counts(12, 210)
def test_a_changed_byte_is_named_by_the_program(
    ledger_tenant: LedgerTenant, ledger: Attacked, tmp_path: Path, count: int, record_property: Record
) -> None:
    tally, program = Tally("tamper, bytes through the command line"), Program(ledger_tenant, ledger, tmp_path)
    assert program.run()[0] == 0
    for change in islice(moved(ledger, random.Random(SEED)), count):
        before = value_of(ledger, change)
        place = exchange(ledger.connection, change, change.value, change.row)
        own_process = tally.made % 20 == 0
        code, found = program.start() if own_process else program.run()
        faults = [fault for one in found["chains"] for fault in one["faults"]]
        named = bool(faults) and all(fault["position"] is not None or fault["interval"] for fault in faults)
        tally.take("own process" if own_process else "in process", (code, found["ok"], named) == (1, False, True), change.what)
        exchange(ledger.connection, change, before, place)
    assert program.run()[0] == 0
    tally.close(record_property, count)


def test_the_program_could_not_run_where_a_table_may_not_be_read(
    ledger_tenant: LedgerTenant, ledger: Attacked, tmp_path: Path
) -> None:
    program = Program(ledger_tenant, ledger, tmp_path)
    ledger.connection.execute(f"revoke all on {ledger_tenant.tenant}.event from {ledger_tenant.tenant}_auditor")
    command = [sys.executable, "-m", "tools.cli", *program.arguments]
    done = subprocess.run(command, cwd=tidy.ROOT, env=program.environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "permission denied" in done.stderr
    assert "Traceback" not in done.stderr
