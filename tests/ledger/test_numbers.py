"""Numbers: given under the head row, without gap or repetition, and a refused command takes none."""

from __future__ import annotations

import uuid

import pytest

from domain.handlers import case_files, registry_entries
from domain.handlers.metadata import Metadata
from domain.handlers.work import Work, run
from domain.ledger.faults import ClaimTaken, VersionConflict
from domain.ledger.ledger import Ledger
from domain.ledger.submission import Appended
from domain.model.case_file import CreateCaseFile
from domain.model.registering import RegisterEntry
from tests.fixtures_ledger import CONTEXT, LedgerTenant, new_case, new_entry
from tests.ledger.appending import DAY, claiming, numbered, titled, together, write


def given(result: Appended) -> int:
    return next(fact.journal_sequence for _, fact in result.facts if hasattr(fact, "journal_sequence"))


def take(ledger: Ledger, claimed: bool = True, series: str = "journal/2026") -> int:
    return given(write(ledger, numbered(uuid.uuid4(), series, claimed=claimed)))


def test_a_series_counts_on_and_each_series_by_itself(ledger_tenant: LedgerTenant) -> None:
    ledger = ledger_tenant.ledger
    assert [take(ledger) for _ in range(3)] == [1, 2, 3]
    assert [take(ledger, claimed=False, series="journal/2027") for _ in range(2)] == [1, 2]
    assert take(ledger) == 4


def test_a_refused_command_takes_no_number(ledger_tenant: LedgerTenant) -> None:
    ledger, held = ledger_tenant.ledger, uuid.uuid4()
    write(ledger, claiming(held, "taken"))
    assert take(ledger) == 1
    with pytest.raises(VersionConflict):
        write(ledger, numbered(uuid.uuid4()), expect={held: 7})
    with pytest.raises(ClaimTaken):
        write(ledger, numbered(stream := uuid.uuid4()), claiming(stream, "taken"))
    assert take(ledger) == 2


def test_nor_does_one_inside_a_batch(ledger_tenant: LedgerTenant) -> None:
    ledger, held = ledger_tenant.ledger, uuid.uuid4()
    write(ledger, titled(held))
    results = together(
        ledger_tenant,
        ledger,
        [
            lambda: take(ledger),
            lambda: write(ledger, numbered(uuid.uuid4()), expect={held: 7}),
            lambda: take(ledger, claimed=False),
            lambda: write(ledger, numbered(uuid.uuid4()), expect={held: 2}),
            lambda: take(ledger),
        ],
    )
    assert [one if isinstance(one, int) else type(one) for one in results] == [1, VersionConflict, 2, VersionConflict, 3]


@pytest.mark.parametrize("claimed", [True, False])
def test_two_writers_share_a_series(ledger_tenant: LedgerTenant, claimed: bool) -> None:
    one, two = ledger_tenant.ledger, ledger_tenant.open_ledger()
    assert take(one, claimed) == 1
    assert take(two, claimed) == 2
    write(one, titled(uuid.uuid4()))  # the first writer learns the new head, but is not told of the series
    assert take(one, claimed) == 3
    write(two, titled(uuid.uuid4()))
    assert [take(two, claimed), take(two, claimed), take(one, claimed)] == [4, 5, 6]


def test_several_numbers_in_one_command(ledger_tenant: LedgerTenant) -> None:
    ledger = ledger_tenant.ledger
    take(ledger)
    streams = [uuid.uuid4() for _ in range(3)]
    appended = write(ledger, *[numbered(stream, ordinal=at) for at, stream in enumerate(streams)])
    assert [fact.journal_sequence for _, fact in appended.facts] == [2, 3, 4]
    assert take(ledger) == 5


def test_a_key_with_a_number_is_claimed_as_it_reads_then(ledger_tenant: LedgerTenant) -> None:
    ledger = ledger_tenant.ledger
    case = new_case(ledger)
    entry = new_entry(ledger, case)
    assert ledger.reader.claim("case-number", "2026/1") == case
    assert ledger.reader.claim("journal-number", "2026/1") == entry
    assert ledger.reader.claim("entry-number", "2026/1-1") == entry


def test_a_number_that_somebody_else_holds_is_not_given(ledger_tenant: LedgerTenant) -> None:
    ledger, holder = ledger_tenant.ledger, uuid.uuid4()
    with ledger_tenant.owner() as connection:
        connection.execute(f"insert into {ledger_tenant.tenant}.ledger_claim values ('journal-number', '2026/2', %s)", (holder,))
    assert take(ledger) == 1
    results = together(ledger_tenant, ledger, [lambda: take(ledger), lambda: write(ledger, titled(uuid.uuid4()))])
    assert isinstance(results[0], ClaimTaken)
    assert (results[0].kind, results[0].key, results[0].owner) == ("journal-number", "2026/2", holder)
    assert isinstance(results[1], Appended)
    assert ledger.writer.fault is None


def test_one_command_begins_two_cases_with_two_entries_each(ledger_tenant: LedgerTenant) -> None:
    ledger = ledger_tenant.ledger
    new_entry(ledger, new_case(ledger))
    cases = [uuid.uuid4(), uuid.uuid4()]
    entries = [[uuid.uuid4(), uuid.uuid4()], [uuid.uuid4(), uuid.uuid4()]]

    def begin(work: Work) -> None:
        for case, inside in zip(cases, entries, strict=True):
            case_files.create(work, case_files.CreateCase(case, Metadata(title="Sak"), CreateCaseFile(DAY)))
            for entry in inside:
                details = RegisterEntry(DAY, "J", entry_type="I", case=case)
                registry_entries.register(work, registry_entries.Register(entry, Metadata(title="Brev"), details))

    run(ledger, CONTEXT, (), begin)
    year = ledger.clock.now().year
    for n, (case, inside) in enumerate(zip(cases, entries, strict=True), 2):
        assert ledger.reader.claim("case-number", f"{year}/{n}") == case
        for m, entry in enumerate(inside, 1):
            assert ledger.reader.claim("entry-number", f"{year}/{n}-{m}") == entry
            assert ledger.reader.claim("journal-number", f"{year}/{2 * n - 3 + m}") == entry
    assert ledger.reader.claim("case-number", f"{year}/{4}") is None
    third = new_case(ledger)
    assert ledger.reader.claim("case-number", f"{year}/{4}") == third
