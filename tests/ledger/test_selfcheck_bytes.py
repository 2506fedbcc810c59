"""With a checkpoint held outside, `verify` finds every changed byte in every column of every row, and says where."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from domain.ledger import selfcheck
from tests.fixtures_ledger import LedgerTenant, new_case, new_entry
from tests.ledger import tampering
from tests.ledger.tampering import SPANNING, Change, Ledger, everywhere, sampled, two_chains, update


@pytest.fixture
def ledger(ledger_tenant: LedgerTenant) -> Iterator[Ledger]:
    with two_chains(ledger_tenant) as built:
        yield built


def missed(ledger: Ledger, change: Change) -> str | None:
    """What is wrong with the verifier's answer, if anything: silent, or in the wrong place."""
    with ledger.changed(*update(change)) as reports:
        faults = [(report.chain_id, fault) for report in reports for fault in report.faults]
        if not faults or selfcheck.as_json(reports)["ok"]:
            return f"not found: {change.what}"
        if any(fault.position is None and fault.interval is None for _, fault in faults):
            return f"found without a place: {change.what}"
        if change.position is not None:
            first = next(fault for chain_id, fault in faults if chain_id == ledger.chain_of(change.schema))
            place = first.position if first.position is not None else (first.interval or (0,))[0]
            if place != change.position and change.column != "position":
                return f"found at {first}: {change.what}"
    return None


def all_missed(ledger: Ledger, changes: Iterator[Change]) -> tuple[int, list[str]]:
    assert [report.faults for report in ledger.verify()] == [[], []]  # no false alarm before
    made, wrong = 0, list[str]()
    for change in changes:
        made += 1
        if (problem := missed(ledger, change)) is not None:
            wrong.append(problem)
    assert [report.faults for report in ledger.verify()] == [[], []]  # nor after: each change was taken back
    return made, wrong


@pytest.mark.parametrize("which", [0, 1])
def test_a_byte_of_an_event(ledger: Ledger, which: int) -> None:
    schema = ledger.schemas()[which]
    made, wrong = all_missed(ledger, tampering.changes(ledger, schema, "event", sampled(4)))
    assert wrong == []
    assert made >= (700, 350)[which]  # `test_every_byte_of_every_event` makes them all


def test_a_byte_of_head_checkpoint_and_what_spans_the_chains(ledger: Ledger) -> None:
    def everything() -> Iterator[Change]:
        for schema in ledger.schemas():
            for table in ("ledger_head", "ledger_checkpoint"):
                yield from tampering.changes(ledger, schema, table, everywhere)
        for table in SPANNING:
            yield from tampering.changes(ledger, ledger.one.tenant, table, everywhere)

    made, wrong = all_missed(ledger, everything())
    assert wrong == []
    assert made >= 1_150


def test_a_byte_of_a_tile(ledger_tenant: LedgerTenant) -> None:
    with two_chains(ledger_tenant, entries=45) as ledger:
        changes = tampering.changes(ledger, ledger_tenant.tenant, "ledger_tile", sampled(200))
        made, wrong = all_missed(ledger, changes)
        assert wrong == []
        assert made >= 190


@pytest.mark.deep
def test_every_byte_of_every_event(ledger: Ledger) -> None:
    for schema in ledger.schemas():
        made, wrong = all_missed(ledger, tampering.changes(ledger, schema, "event", everywhere))
        assert wrong == []
        assert made > 5_000


def test_an_untouched_ledger_raises_no_alarm_and_says_what_it_cannot_prove(ledger: Ledger) -> None:
    reports = ledger.verify()
    assert [(report.ok, report.unprovable) for report in reports] == [(True, []), (True, [])]
    assert [report.checkpoint for report in reports] == [
        {"size": report.events, "ok": True, "outside": True} for report in reports
    ]
    ledger.notes = ledger.notes[:1]
    first, second = ledger.verify()
    assert (first.ok, second.ok) == (True, True)
    (what,) = first.unprovable
    assert what.endswith(f"-{first.events}: after the latest checkpoint held outside")
    assert second.unprovable == ["completeness: no checkpoint held outside; a cut or rewritten ledger would look like this one"]


def test_verifying_over_a_chain_that_is_being_written(ledger_tenant: LedgerTenant) -> None:
    case = new_case(ledger_tenant.ledger)
    with psycopg.connect(ledger_tenant.dsn("auditor"), autocommit=True) as connection:
        for _ in range(10):
            new_entry(ledger_tenant.ledger, case)
            (report,) = selfcheck.check(connection, ledger_tenant.tenant)
            assert report.faults == []
            assert report.head == ledger_tenant.ledger.reader.head().chain_hash.hex()
