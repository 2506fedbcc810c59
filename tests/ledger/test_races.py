"""Races: no lost update, no gap, no duplicate; who comes too late is told so (CONTRACT §2)."""

from __future__ import annotations

import threading
import uuid
from typing import Any

import pytest

from domain.handlers import case_files
from domain.handlers.metadata import Metadata
from domain.handlers.work import Contended, Context, run
from domain.ledger.faults import ClaimTaken
from domain.ledger.ledger import Ledger
from domain.model import case_file
from domain.model.case_file import CaseStatusChanged, CreateCaseFile, EntryAdded
from domain.model.errors import Refused
from domain.model.record import Named
from domain.model.registry_entry import EntryNumbered, EntryStatusChanged
from tests.fixtures_ledger import ARCHIVIST, CONTEXT, DOMAIN, LedgerTenant, new_case, new_entry
from tests.ledger import racing
from tests.ledger.appending import DAY, check_chain


def whole(tenant: LedgerTenant) -> int:
    with tenant.owner() as connection:
        return check_chain(connection, tenant.tenant, f"{DOMAIN}/record/1")


def journal_numbers(ledger: Ledger) -> list[int]:
    found = [recorded.fact for recorded in ledger.reader.log(limit=10**6)]
    return [int(str(fact.journal_sequence)) for fact in found if isinstance(fact, EntryNumbered)]


def case_numbers(ledger: Ledger) -> list[int]:
    found = [recorded.fact for recorded in ledger.reader.log(limit=10**6)]
    return [fact.sequence for fact in found if isinstance(fact, case_file.CaseFileCreated)]


def check(tenant: LedgerTenant, ledger: Ledger, case: uuid.UUID, entries: list[uuid.UUID], cases: int) -> None:
    added = [fact for fact in racing.facts(ledger, case) if isinstance(fact, EntryAdded)]
    assert [fact.entry_number for fact in added] == list(range(1, len(entries) + 1))
    assert {fact.entry for fact in added} == set(entries)
    assert journal_numbers(ledger) == list(range(1, len(entries) + 1))
    assert case_numbers(ledger) == list(range(1, cases + 1))
    whole(tenant)


def test_100_writers_on_one_case(ledger_tenant: LedgerTenant) -> None:
    ledger = ledger_tenant.ledger
    case = new_case(ledger)
    entries = racing.at_once(100, lambda _: new_entry(ledger, case), 50)
    check(ledger_tenant, ledger, case, entries, 1)


def test_100_writers_on_one_number_series(ledger_tenant: LedgerTenant) -> None:
    ledger = ledger_tenant.ledger
    cases = racing.at_once(100, lambda _: new_case(ledger), 50)
    assert len(set(cases)) == 5_000
    assert case_numbers(ledger) == list(range(1, 5_001))
    assert {ledger.reader.claim("case-number", f"{ledger.clock.now().year}/{n}") for n in (1, 2_500, 5_000)} <= set(cases)
    whole(ledger_tenant)


def race_processes(tenant: LedgerTenant, processes: int, writers: int, each: int) -> None:
    ledger = tenant.ledger
    case = new_case(ledger)
    pairs = racing.in_processes(racing.place(tenant), case, processes, writers, each)
    assert len(pairs) == processes * writers * each
    check(tenant, ledger, case, [entry for entry, _ in pairs], len(pairs) + 1)


def test_two_processes_on_one_case_and_one_series(ledger_tenant: LedgerTenant) -> None:
    race_processes(ledger_tenant, 2, 8, 15)


@pytest.mark.deep
@pytest.mark.parametrize("_round", range(10))
def test_two_processes_for_long(ledger_tenant: LedgerTenant, _round: int) -> None:
    race_processes(ledger_tenant, 2, 50, 20)


def race_closing(tenant: LedgerTenant, rounds: int) -> dict[str, int]:
    """Close a case while another process adds to it; how the adders were answered."""
    one, two = tenant.ledger, tenant.open_ledger()
    answers = {"added": 0, "refused": 0}
    for n in range(rounds):
        case = new_case(one)
        new_entry(two, case)  # both remember the case, the second one better
        closer, other = (one, two) if n % 2 else (two, one)
        begun = threading.Barrier(2)
        answer: list[Any] = []

        def add(
            ledger: Ledger = other, case: uuid.UUID = case, begun: threading.Barrier = begun, answer: list[Any] = answer
        ) -> None:
            begun.wait()
            try:
                answer.append(new_entry(ledger, case))
            except Refused as refusal:
                answer.append(refusal)

        adder = threading.Thread(target=add)
        adder.start()
        begun.wait()
        racing.close_case(closer, case)
        adder.join()
        kinds = [fact for fact in racing.facts(one, case) if isinstance(fact, EntryAdded | CaseStatusChanged)]
        assert sum(isinstance(fact, CaseStatusChanged) for fact in kinds) == 1
        assert isinstance(kinds[-1], CaseStatusChanged), "an entry stands after the close"
        if isinstance(answer[0], Refused):
            assert (answer[0].code, answer[0].requirement) == ("case.finalised", "2.5.5")
            assert len(kinds) == 2
            answers["refused"] += 1
        else:
            assert kinds[1].entry == answer[0]
            answers["added"] += 1
    return answers


def test_closing_a_case_against_adding_to_it(ledger_tenant: LedgerTenant) -> None:
    answers = race_closing(ledger_tenant, 300)
    assert answers["refused"] > 0
    assert answers["added"] > 0
    whole(ledger_tenant)


@pytest.mark.deep
def test_closing_a_case_against_adding_to_it_for_long(ledger_tenant: LedgerTenant) -> None:
    race_closing(ledger_tenant, 5_000)


def test_what_another_process_changed_is_seen_before_a_command_says_no(ledger_tenant: LedgerTenant) -> None:
    one, two = ledger_tenant.ledger, ledger_tenant.open_ledger()
    case = new_case(one)
    new_entry(two, case)
    racing.close_case(one, case)
    with pytest.raises(Refused):
        new_entry(two, case)
    reopen = case_files.ChangeCaseStatus(case, "B")
    run(one, CONTEXT, (case,), lambda work: case_files.change_status(work, reopen))
    new_entry(two, case)


def test_nor_does_a_command_do_nothing_because_of_what_it_remembers(ledger_tenant: LedgerTenant) -> None:
    one, two = ledger_tenant.ledger, ledger_tenant.open_ledger()
    entry = new_entry(one, new_case(one), status="M")
    racing.change_entry(two, entry, "F")
    racing.change_entry(one, entry, "G")
    racing.change_entry(two, entry, "F")  # the second process remembers F
    changed = [fact.status for fact in racing.facts(one, entry) if isinstance(fact, EntryStatusChanged)]
    assert changed == ["F", "G", "F"]


def test_asking_for_a_unit_as_another_kind_spoils_nothing(ledger_tenant: LedgerTenant) -> None:
    one, two = ledger_tenant.ledger, ledger_tenant.open_ledger()
    entry = new_entry(one, new_case(one), status="M")
    racing.change_entry(two, entry, "J")
    with pytest.raises(Refused, match="not_found"):
        racing.close_case(one, entry)
    with pytest.raises(Refused) as refusal:
        racing.change_entry(one, entry, "M")
    assert refusal.value.requirement == "3.2.19"


def test_updates_of_one_field_from_two_processes_all_stand(ledger_tenant: LedgerTenant) -> None:
    ledgers = [ledger_tenant.ledger, ledger_tenant.open_ledger()]
    case = new_case(ledgers[0])

    def assign(writer: int) -> str:
        name = f"{writer}-{uuid.uuid4()}"
        command = case_files.AssignCase(case, case_responsible=Named(name))
        run(ledgers[writer % 2], CONTEXT, (case,), lambda work: case_files.assign(work, command))
        return name

    names = racing.at_once(10, assign, 10)
    assigned = [fact for fact in racing.facts(ledgers[0], case) if isinstance(fact, case_file.CaseAssigned)]
    assert sorted(fact.case_responsible.name for fact in assigned if fact.case_responsible) == sorted(names)


def test_one_idempotency_key_sent_by_many_has_one_effect(ledger_tenant: LedgerTenant) -> None:
    ledgers = [ledger_tenant.ledger, ledger_tenant.open_ledger()]
    context = Context(ARCHIVIST, idempotency_key="the same")

    def create(writer: int) -> uuid.UUID | None:
        command = case_files.CreateCase(uuid.uuid4(), Metadata(title="Sak"), CreateCaseFile(DAY))
        try:
            return run(ledgers[writer % 2], context, (), lambda work: case_files.create(work, command)).result
        except ClaimTaken as taken:
            refused.append(taken.kind)
            return None

    refused: list[str] = []
    made = [case for case in racing.at_once(10, create, 2) if case is not None]
    assert len(made) == 1
    assert refused == ["idempotency"] * 19
    assert case_numbers(ledgers[0]) == [1]


def test_who_cannot_follow_is_told_so(ledger_tenant: LedgerTenant, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = ledger_tenant.ledger, ledger_tenant.open_ledger()
    monkeypatch.setattr("domain.handlers.work.GIVE_UP_AFTER_S", 0.1)
    case = new_case(one)
    command = case_files.AssignCase(case, case_responsible=Named("Kari"))

    def overtaken(work: Any) -> None:
        case_files.assign(work, command)
        other = case_files.AssignCase(case, case_responsible=Named(str(uuid.uuid4())))
        run(two, CONTEXT, (), lambda faster: case_files.assign(faster, other))

    with pytest.raises(Contended):
        run(one, CONTEXT, (case,), overtaken)
