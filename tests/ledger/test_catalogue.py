"""Placeholders and claims in facts: what waits for the writer, what several units of one command take, what is filled in."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta, timezone

import pytest

from domain import catalogue
from domain.ledger import submission
from domain.model import case_file, record
from domain.model.ids import Number, NumberedKey
from domain.model.registry_entry import EntryNumbered, EntryRegistered
from tests.ledger.appending import DAY, envelope, numbered, titled

CASE = Number("case/2026")
JOURNAL = Number("journal/2026")


def created(number: Number = CASE) -> case_file.CaseFileCreated:
    return (
        case_file.create(None, case_file.CreateCaseFile(DAY))
        if number == CASE
        else case_file.CaseFileCreated(2026, number, DAY, "B", claims=(("case-number", NumberedKey("2026/", number)),))
    )


def registered(number: Number = CASE) -> EntryRegistered:
    return EntryRegistered("registry-entry", "J", "I", claims=(("entry-number", NumberedKey("2026/", number, "-1")),))


def test_what_waits_is_found_in_fields_and_in_keys() -> None:
    assert catalogue.numbers_in(created()) == {CASE}
    assert catalogue.numbers_in(registered()) == {CASE}
    assert catalogue.numbers_in(EntryNumbered(2026, 4, DAY)) == set()
    assert catalogue.may_claim(created())
    assert not catalogue.may_claim(record.Unscreened())


def test_numbers_are_filled_in_everywhere() -> None:
    filled = catalogue.fill_numbers(created(), {CASE: 412})
    assert (filled.sequence, filled.claims) == (412, (("case-number", "2026/412"),))
    assert catalogue.fill_numbers(registered(), {CASE: 412}).claims == (("entry-number", "2026/412-1"),)
    assert catalogue.fill_numbers(record.Unscreened(), {}) == record.Unscreened()


def test_the_numbers_of_one_command_count_on_and_references_stay() -> None:
    taken: dict[str, int] = {}
    first, second = (catalogue.order_numbers(created(), taken) for _ in range(2))
    assert (first.sequence, second.sequence) == (CASE, Number("case/2026", 1))
    assert second.claims == (("case-number", NumberedKey("2026/", Number("case/2026", 1))),)
    assert catalogue.order_numbers(registered(second.sequence), taken) == registered(second.sequence)
    _, entry = numbered(uuid.uuid4())
    assert catalogue.order_numbers(entry, taken).journal_sequence == JOURNAL
    assert catalogue.order_numbers(entry, taken).journal_sequence == Number("journal/2026", 1)
    assert taken == {"case/2026": 2, "journal/2026": 2}


def test_only_what_waits_for_a_number_is_encoded_by_the_writer() -> None:
    one, two = uuid.uuid4(), uuid.uuid4()
    waiting = submission.submit([titled(one), (two, created())], envelope(), {one: 0, two: 4}, datetime.now(UTC))
    assert [row is None for row in waiting.rows] == [False, True]
    assert (waiting.numbers, waiting.topics) == ({CASE}, ("record.titled.v1", "case-file.created.v1"))
    row = waiting.rows[0]
    assert row is not None
    assert (row.originator_id, row.version) == (one, 1)


def test_salts_are_never_used_twice() -> None:
    rows = [submission.salted_row(uuid.uuid4(), 1, "t", b"m", b"b") for _ in range(2_000)]
    salts = [salt for row in rows for salt in (row.meta_salt, row.body_salt)]
    assert len(set(salts)) == len(salts) == 4_000
    assert {len(salt) for salt in salts} == {32}


def test_an_instant_is_utc_with_six_decimals() -> None:
    moment = datetime(2026, 3, 4, 1, 2, 3, 40, tzinfo=timezone(timedelta(hours=2)))
    assert catalogue.instant(moment) == "2026-03-03T23:02:03.000040Z"
    assert catalogue.instant(datetime(2026, 3, 4, tzinfo=UTC)) == "2026-03-04T00:00:00.000000Z"
    with pytest.raises(ValueError, match="zone"):
        catalogue.instant(datetime(2026, 3, 4))
