"""An application under load that writes down what was acknowledged: `python -m tests.ledger.crashing DATA ACKS [unsafe]`."""

from __future__ import annotations

import itertools
import os
import signal
import sys
import threading
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg

from api.installation import Installation
from api.settings import Settings
from domain.handlers import case_files, registry_entries
from domain.handlers.metadata import Metadata
from domain.handlers.work import Context, run
from domain.ledger import writing
from domain.ledger.faults import LedgerError
from domain.ledger.ledger import Ledger
from domain.ledger.submission import Appended
from domain.model.case_file import CreateCaseFile
from domain.model.errors import Refused
from domain.model.registering import RegisterEntry
from tests.fixtures_ledger import ARCHIVIST, DOMAIN
from tests.ledger.appending import DAY

WRITERS = 16
TENANT = "crashing"
CASES = [uuid.uuid5(uuid.NAMESPACE_URL, f"case {n}") for n in range(4)]


def settings(data: Path) -> Settings:
    """Settings of the installation under fire."""
    return Settings(data=data, database=None, signer_dir=data.with_name("signer"), tenant=TENANT)


def prepare(data: Path) -> None:
    """A tenant with a few cases that everybody writes to."""
    with Installation(settings(data)) as opened:
        opened.create_tenant(TENANT, DOMAIN)
        ledger = opened.open().ledger
        for case in CASES:
            command = case_files.CreateCase(case, Metadata(title="Sak"), CreateCaseFile(DAY))
            run(ledger, Context(ARCHIVIST), (), lambda work, command=command: case_files.create(work, command))  # type: ignore[misc]


def command(ledger: Ledger, n: int) -> Appended | None:
    """One command: mostly an entry on a case that others write to as well, now and then a new case."""
    context = Context(ARCHIVIST, idempotency_key=str(uuid.uuid4()))
    if n % 5 == 0:
        create = case_files.CreateCase(uuid.uuid4(), Metadata(title=f"Sak {n}"), CreateCaseFile(DAY))
        return run(ledger, context, (), lambda work: case_files.create(work, create)).appended
    case = CASES[n % len(CASES)]
    details = RegisterEntry(DAY, "J", entry_type="I", case=case)
    register = registry_entries.Register(uuid.uuid4(), Metadata(title=f"Brev {n}"), details)
    return run(ledger, context, (case,), lambda work: registry_entries.register(work, register)).appended


def work(ledger: Ledger, acks: Path, writer: int) -> None:
    """Write for ever; each acknowledgement is on the disk before the next command."""
    with acks.open("ab", buffering=0) as file:
        for n in itertools.count(writer):
            try:
                appended = command(ledger, n)
            except (LedgerError, Refused, psycopg.OperationalError):
                threading.Event().wait(0.02)  # the database is away: go on when it is back
                continue
            assert appended is not None
            receipt = appended.receipt
            file.write(f"{receipt.position} {receipt.leaf_hash.hex()} {receipt.chain_hash.hex()}\n".encode())
            os.fsync(file.fileno())


def server_processes(folder: Path) -> list[int]:
    """Every process of the server of a data folder: they all work in it."""
    found = []
    for one in Path("/proc").iterdir():
        try:
            if one.name.isdigit() and os.path.samefile(one / "cwd", folder):
                found.append(int(one.name))
        except OSError:  # it ended while we looked, or is not ours to see
            continue
    return found


def kill_server(folder: Path) -> int:
    """SIGKILL to all of them at once; how many there were."""
    victims = server_processes(folder)
    for victim in victims:
        with suppress(ProcessLookupError):
            os.kill(victim, signal.SIGKILL)
    return len(victims)


def main(data: str, acks: str, *unsafe: str) -> None:
    """Open, load, never stop."""
    if unsafe:
        careful: Any = writing.Desk._check_settings

        def careless(desk: Any) -> None:
            careful(desk)
            desk._connection.execute("set synchronous_commit = off")

        writing.Desk._check_settings = careless  # type: ignore[method-assign]
    opened = Installation(settings(Path(data)))
    ledger = opened.open().ledger
    threads = [threading.Thread(target=work, args=(ledger, Path(acks), writer)) for writer in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main(*sys.argv[1:])
