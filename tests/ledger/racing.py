"""Many writers at once, in threads and in processes of their own, through the handlers."""

from __future__ import annotations

import multiprocessing
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from domain.handlers import case_files, registry_entries
from domain.handlers.work import run
from domain.ledger.blobs import Folder
from domain.ledger.clock import SystemClock
from domain.ledger.keys import Keys
from domain.ledger.ledger import Ledger
from domain.ledger.reader import Reader
from domain.ledger.writer import Writer
from domain.model import case_file
from tests.fixtures_ledger import CONTEXT, LedgerTenant, new_case, new_entry


@dataclass(frozen=True)
class Place:
    """What a process of its own needs to open the ledger."""

    tenant: str
    writer: str
    reader: str
    data: Path

    def open(self) -> Ledger:
        """The ledger, as an application process opens it."""
        clock = SystemClock()
        writer, reader = Writer(self.writer, self.tenant, clock), Reader(self.reader, self.tenant, size=8)
        return Ledger(self.tenant, writer, reader, clock, Keys(self.data / "secrets"), Folder(self.data / "blobs"))


def place(tenant: LedgerTenant) -> Place:
    """Where the test's tenant is."""
    return Place(tenant.tenant, tenant.dsn("writer"), tenant.dsn("reader"), tenant.data)


def at_once(writers: int, command: Callable[[int], Any], each: int) -> list[Any]:
    """Run `command(writer)` `each` times in every one of so many threads; what they returned, exceptions raised."""
    with ThreadPoolExecutor(writers) as pool:
        running = [pool.submit(lambda writer=writer: [command(writer) for _ in range(each)]) for writer in range(writers)]
        return [result for one in running for result in one.result()]


def hammer(place: Place, case: uuid.UUID, writers: int, each: int) -> list[tuple[uuid.UUID, uuid.UUID]]:
    """Register entries on one case and begin cases of the year, side by side: (entry, case) of each command pair."""
    ledger = place.open()
    try:
        return at_once(writers, lambda _: (new_entry(ledger, case), new_case(ledger)), each)
    finally:
        ledger.close()


def in_processes(place: Place, case: uuid.UUID, processes: int, writers: int, each: int) -> list[Any]:
    """`hammer` in processes of their own."""
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        found: Sequence[list[Any]] = pool.starmap(hammer, [(place, case, writers, each)] * processes)
    return [one for results in found for one in results]


def close_case(ledger: Ledger, case: uuid.UUID) -> None:
    """Close a case through its handler."""
    command = case_files.ChangeCaseStatus(case, "A")
    run(ledger, CONTEXT, (case,), lambda work: case_files.change_status(work, command))


def change_entry(ledger: Ledger, entry: uuid.UUID, status: str) -> None:
    """Change an entry's status through its handler."""
    command = registry_entries.ChangeEntryStatus(entry, status)
    run(ledger, CONTEXT, (entry,), lambda work: registry_entries.change_status(work, command))


def facts(ledger: Ledger, stream: uuid.UUID) -> list[Any]:
    """The facts of a unit, in chain order."""
    return [recorded.fact for recorded in ledger.reader.stream(stream)]


def entry_numbers(ledger: Ledger, case: uuid.UUID) -> list[int]:
    """The numbers of a case's entries, in chain order."""
    return [fact.entry_number for fact in facts(ledger, case) if isinstance(fact, case_file.EntryAdded)]
