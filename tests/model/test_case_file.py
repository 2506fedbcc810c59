"""Case files: every command in every status."""

from __future__ import annotations

from datetime import date

import pytest

from domain.model import case_file as c
from domain.model import codes
from domain.model.ids import Number, NumberedKey
from domain.model.record import Named
from tests.model.spec import OTHER, THIRD, TODAY, UNIT, Given, given, when

STATUSES = tuple(codes.CASE_STATUS)
OPEN = tuple(status for status in STATUSES if status not in ("A", "U"))
FINISHED, UNFINISHED = ("E", "J", "A", "U"), ("F", "G", "M", "S", "R")


def case(status: str = "B", *more: c.Fact) -> Given:
    created = c.CaseFileCreated(2026, 7, TODAY, "B")
    changed = () if status == "B" else (c.CaseStatusChanged(status, "B"),)
    return given(c.evolve, created, *changed, *more)


def with_entry(*statuses: str) -> tuple[c.Fact, ...]:
    return (c.EntryAdded(OTHER, 1), *(c.EntryStatusNoted(OTHER, status) for status in statuses))


def test_a_new_case_takes_the_next_number_of_its_year() -> None:
    number = Number("case/2026")
    facts = when(c.create, None, c.CreateCaseFile(TODAY)).facts
    assert (facts[0].sequence, facts[0].case_date, facts[0].status, facts[0].medium) == (number, TODAY, "B", "E")
    assert facts[0].claims == (("case-number", NumberedKey("2026/", number)),)


def test_a_case_is_created_once() -> None:
    case().when(c.create, c.CreateCaseFile(TODAY)).then_refused("exists")


def test_the_case_date_may_be_given() -> None:
    assert when(c.create, None, c.CreateCaseFile(TODAY, case_date=date(2026, 1, 2))).facts[0].case_date == date(2026, 1, 2)


@pytest.mark.parametrize("status", STATUSES)
def test_a_case_may_be_created_in_any_legal_status(status: str) -> None:
    when(c.create, None, c.CreateCaseFile(TODAY, status)).then_kinds(c.CaseFileCreated)


@pytest.mark.parametrize("status", OPEN)
def test_an_open_case_takes_entries(status: str) -> None:
    case(status).when(c.add_entry, OTHER, "M").then(c.EntryAdded(OTHER, 1), c.EntryStatusNoted(OTHER, "M"))


@pytest.mark.parametrize("status", ["A", "U"])
def test_a_closed_case_takes_no_entry(status: str) -> None:
    case(status).when(c.add_entry, OTHER, "M").then_refused("case.finalised", "2.5.5")
    case(status).when(c.require_open).then_refused("case.finalised", "2.5.5")


def test_a_reopened_case_takes_entries_again() -> None:
    case("A", c.CaseStatusChanged("B", "A")).when(c.add_entry, OTHER, "J").then_kinds(c.EntryAdded, c.EntryStatusNoted)


def test_a_discarded_case_takes_no_entry() -> None:
    case("B", c.CaseDiscarded("B")).when(c.add_entry, OTHER, "M").then_refused("case.finalised", "2.5.5")


def test_entries_are_numbered_on() -> None:
    case("B", *with_entry("J")).when(c.add_entry, THIRD, "R").then(c.EntryAdded(THIRD, 2), c.EntryStatusNoted(THIRD, "R"))


@pytest.mark.parametrize("before", STATUSES)
@pytest.mark.parametrize("after", STATUSES)
def test_a_case_changes_to_any_legal_status(before: str, after: str) -> None:
    wanted = () if before == after else (c.CaseStatusChanged(after, before),)
    case(before).when(c.change_status, after).then(*wanted)


def test_a_discarded_case_changes_no_more() -> None:
    gone = case("B", c.CaseDiscarded("B"))
    gone.when(c.change_status, "A").then_refused("case.discarded", "3.2.12")
    gone.when(c.assign, Named("Kari"), None).then_refused("case.discarded", "3.2.12")
    gone.when(c.discard).then()


@pytest.mark.parametrize("status", STATUSES)
def test_assigning_says_only_what_is_new(status: str) -> None:
    kari, school = Named("Kari Nordmann"), Named("Skole")
    case(status).when(c.assign, kari, None).then(c.CaseAssigned(kari, None))
    case(status, c.CaseAssigned(kari, school)).when(c.assign, kari, school).then()
    case(status, c.CaseAssigned(kari, school)).when(c.assign, None, None).then()


@pytest.mark.parametrize("status", STATUSES)
def test_an_empty_case_may_be_discarded(status: str) -> None:
    case(status).when(c.discard).then(c.CaseDiscarded(status))


@pytest.mark.parametrize("entry", FINISHED)
def test_a_case_with_a_finished_entry_is_not_discarded(entry: str) -> None:
    case("B", *with_entry(entry)).when(c.discard).then_refused("case.has_finished_entries", "3.2.12")


@pytest.mark.parametrize("entry", FINISHED)
def test_nor_one_whose_entry_was_finished_once(entry: str) -> None:
    case("B", *with_entry("M", entry, "F")).when(c.discard).then_refused("case.has_finished_entries", "3.2.12")


@pytest.mark.parametrize("entry", UNFINISHED)
def test_a_case_with_unfinished_entries_may_be_discarded(entry: str) -> None:
    case("B", *with_entry(entry)).when(c.discard).then(c.CaseDiscarded("B"))


def test_a_case_learns_of_its_own_entries_only() -> None:
    case("B", *with_entry("M")).when(c.note_status, OTHER, "J").then(c.EntryStatusNoted(OTHER, "J"))
    case().when(c.note_status, OTHER, "J").then_refused("case.entry_elsewhere", "2.5.5")
    case("B", *with_entry("M"), c.CaseDiscarded("B")).when(c.note_status, OTHER, "J").then_refused("case.discarded", "3.2.12")


def test_the_number_of_an_entry_waits_for_the_number_of_its_case() -> None:
    assert case().state.entry_key(3) == "2026/7-3"
    number = Number("case/2026")
    fresh = given(c.evolve, c.CaseFileCreated(2026, number, TODAY, "B"))
    assert fresh.state.entry_key(3) == NumberedKey("2026/", number, "-3")


def test_the_state_keeps_every_status_that_an_entry_has_had() -> None:
    assert case("B", *with_entry("M", "J")).state.entries == {OTHER: frozenset({"M", "J"})}
    assert case().state.id == UNIT
