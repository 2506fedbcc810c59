"""What holds over any history: folding never fails, and what is decided keeps the invariants."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given as over
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle as Kept
from hypothesis.stateful import RuleBasedStateMachine, consumes, initialize, invariant, rule, run_state_machine_as_test

from domain.model import case_file as c
from domain.model import classification, codes, document, fonds, record, series
from domain.model import registering as r
from domain.model import registry_entry as e
from domain.model.errors import Refused
from tests.model.spec import AT, TODAY, UNIT

Evolve = Callable[..., Any]
st.register_type_strategy(datetime, st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)))
NOUNS: dict[str, tuple[Evolve, Any, type]] = {
    "case": (c.evolve, c.Fact, c.CaseFileCreated),
    "entry": (e.evolve, e.Fact, e.EntryRegistered),
    "document": (document.evolve, document.Fact, document.DocumentCreated),
    "series": (series.evolve, series.Fact, series.SeriesCreated),
    "fonds": (fonds.evolve, fonds.Fact, fonds.FondsCreated),
    "system": (classification.evolve_system, classification.SystemCreated, classification.SystemCreated),
    "class": (classification.evolve, classification.ClassCreated | classification.ClassFinalised, classification.ClassCreated),
}


def facts_of(union: Any) -> st.SearchStrategy[Any]:
    kinds = typing.get_args(union) or (union,)
    return st.one_of([st.from_type(kind) for kind in (*kinds, *typing.get_args(record.Shared))])


def bodiless(fact: Any) -> Any:
    return dataclasses.replace(fact, body=None) if hasattr(fact, "body") else fact


@pytest.mark.parametrize("noun", NOUNS)
def test_folding_is_total_over_any_history(noun: str) -> None:
    evolve, union, first = NOUNS[noun]

    @settings(max_examples=60, deadline=None, database=None)
    @over(st.from_type(first), st.lists(facts_of(union), max_size=6))
    def check(created: Any, later: list[Any]) -> None:
        state = evolve(None, UNIT, created)
        erased = evolve(None, UNIT, bodiless(created))
        for fact in later:
            state, erased = evolve(state, UNIT, fact), evolve(erased, UNIT, bodiless(fact))
        assert state.id == erased.id == UNIT

    check()


@pytest.mark.parametrize("noun", NOUNS)
def test_a_history_that_begins_with_another_noun_is_not_folded(noun: str) -> None:
    evolve = NOUNS[noun][0]
    with pytest.raises(AssertionError):
        evolve(None, UNIT, record.Unscreened())


class Cases(RuleBasedStateMachine):
    """Commands in any order on one case and its entries, as the handlers combine them."""

    entries: Kept[UUID] = Kept("entries")

    @initialize()
    def begin(self) -> None:
        self.case_facts: list[Any] = []
        self.case = c.evolve(None, UNIT, c.create(None, c.CreateCaseFile(TODAY)))
        self.entry: dict[UUID, e.RegistryEntry] = {}
        self.statuses: dict[UUID, set[str]] = {}

    def _case(self, *facts: Any) -> None:
        for fact in facts:
            self.case_facts.append(fact)
            self.case = c.evolve(self.case, UNIT, fact)

    def _refused(self, requirement: str, decide: Callable[..., Any], *arguments: Any) -> Any:
        """The facts, or None where the decision was refused, which it may be under this requirement alone."""
        try:
            return decide(*arguments)
        except Refused as refusal:
            self.refusal = refusal
        assert self.refusal.requirement == requirement
        return None

    @rule(target=entries, unit=st.uuids(version=4), status=st.sampled_from(sorted(codes.ENTRY_STATUS)))
    def register(self, unit: UUID, status: str) -> UUID:
        closed = self.case.status in ("A", "U") or self.case.discarded
        facts = self._refused("2.5.5", c.add_entry, self.case, unit, status)
        assert (facts is None) == closed
        if facts is None:
            return unit
        self._case(*facts)
        registered = r.register(None, r.RegisterEntry(TODAY, status, entry_type="I", entry_number=facts[0].entry_number))
        state: Any = None
        for fact in registered:
            state = e.evolve(state, unit, fact)
        self.entry[unit] = state
        self.statuses[unit] = {status}
        return unit

    @rule(unit=entries, status=st.sampled_from(sorted(codes.ENTRY_STATUS)))
    def change(self, unit: UUID, status: str) -> None:
        if unit not in self.entry:
            return
        facts = self._refused("3.2.19", r.change_status, self.entry[unit], status, TODAY, AT)
        noted = self._refused("3.2.12", c.note_status, self.case, unit, status) if facts else None
        assert not facts or (noted is None) == self.case.discarded
        if noted is not None:
            self._case(noted)
            self.statuses[unit].add(status)
            for fact in facts:
                self.entry[unit] = e.evolve(self.entry[unit], unit, fact)

    @rule(unit=consumes(entries))
    def discard_entry(self, unit: UUID) -> None:
        if unit not in self.entry:
            return
        facts = self._refused("3.2.19", r.discard, self.entry[unit])
        assert (facts is None) == bool(self.statuses[unit] & {"E", "J", "A", "U"})
        for fact in facts or ():
            self.entry[unit] = e.evolve(self.entry[unit], unit, fact)

    @rule(status=st.sampled_from(sorted(codes.CASE_STATUS)))
    def change_case(self, status: str) -> None:
        if not self.case.discarded:
            self._case(*c.change_status(self.case, status))
            assert self.case.status == status

    @rule()
    def discard_case(self) -> None:
        facts = self._refused("3.2.12", c.discard, self.case)
        finished = any(statuses & {"E", "J", "A", "U"} for statuses in self.statuses.values())
        assert (facts is None) == (finished and not self.case.discarded)
        self._case(*(facts or ()))

    @invariant()
    def entry_numbers_have_no_gap(self) -> None:
        given = [fact.entry_number for fact in self.case_facts if isinstance(fact, c.EntryAdded)]
        assert given == list(range(1, len(given) + 1))
        assert sorted(one.entry_number or 0 for one in self.entry.values()) == given

    @invariant()
    def the_case_knows_every_status_that_an_entry_has_had(self) -> None:
        assert {unit: set(had) for unit, had in self.case.entries.items()} == self.statuses
        assert {unit: set(one.had) for unit, one in self.entry.items()} == self.statuses

    @invariant()
    def an_entry_is_numbered_once_it_was_anything_but_reserved(self) -> None:
        for unit, one in self.entry.items():
            assert one.numbered == bool(self.statuses[unit] - {"R"})


def test_cases_and_entries_keep_their_invariants() -> None:
    run_state_machine_as_test(Cases, settings=settings(max_examples=60, stateful_step_count=25, deadline=None, database=None))  # type: ignore[no-untyped-call]


@over(st.dates(date(1990, 1, 1), date(2100, 1, 1)), st.sampled_from(sorted(set(codes.ENTRY_STATUS))))
@settings(max_examples=40, deadline=None, database=None)
def test_the_series_is_that_of_the_year_of_the_act(day: date, status: str) -> None:
    facts = r.register(None, r.RegisterEntry(day, status, entry_type="I", number_at_receipt=True))
    assert isinstance(facts[1], e.EntryNumbered)
    assert facts[1].journal_year == day.year
    assert f"journal/{day.year}" in str(facts[1].journal_sequence)
