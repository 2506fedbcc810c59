"""Filling a throw-away ledger to a size."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from eventsourcing.persistence import StoredEvent

from domain.handlers import case_files, registry_entries
from domain.handlers.gate import Actor
from domain.handlers.metadata import Metadata
from domain.handlers.registry_entries import Party
from domain.handlers.work import Context, run
from domain.ledger.identity import new_id
from domain.ledger.ledger import Ledger
from domain.ledger.library import LedgerRecorder
from domain.model.case_file import CreateCaseFile
from domain.model.record import ContactBody
from domain.model.registering import RegisterEntry
from tools.bench.measure import rate

CONTEXT = Context(Actor("bench", "Bench"))
FACTS_AN_ENTRY = 6


def recorder_of(ledger: Ledger) -> LedgerRecorder:
    """The library's interface over a ledger."""
    return LedgerRecorder(ledger.writer, ledger.reader, ledger.clock)


def fill_titles(recorder: LedgerRecorder, payload: bytes, events: int) -> None:
    """One title a stream, 500 a command."""
    for _ in range(events // 500):
        recorder.insert_events([StoredEvent(new_id(), 1, "record.titled.v1", payload) for _ in range(500)])


def fill_journal(ledger: Ledger, events: int) -> None:
    """Cases and entries through their handlers, 16 threads, until about `events` facts stand."""
    cases: list[UUID] = []
    for number in range(max(16, events // (FACTS_AN_ENTRY * 8))):
        unit = new_id()
        create = case_files.CreateCase(unit, Metadata(title=f"Case {number}"), CreateCaseFile(date(2026, 1, 1)))
        run(ledger, CONTEXT, (), lambda work, create=create: case_files.create(work, create))  # type: ignore[misc]
        cases.append(unit)

    def entry(number: int) -> None:
        case = cases[number % len(cases)]
        details = RegisterEntry(date(2026, 1, 1), "J", entry_type="I", case=case)
        command = registry_entries.Register(
            new_id(), Metadata(title=f"Entry {number}"), details, (Party("EA", ContactBody("Sender")),)
        )
        run(ledger, CONTEXT, (case,), lambda work: registry_entries.register(work, command))

    rate(entry, events // FACTS_AN_ENTRY, 16)
