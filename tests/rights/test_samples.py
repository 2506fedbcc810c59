"""Samples of the running program's decisions, over HTTP and through SQL under row-level security, are Cedar's.

A cell that is wrong in the table that the program decides by is found by all three comparisons.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from api.installation import Installation, Tenant
from domain.handlers import tables
from domain.model.case_file import CaseFileCreated
from domain.model.matrix import Matrix, Place, scope
from domain.model.record import Named, Screened
from tests.conformance import test_cedar
from tests.rights.population import DAY, populated
from tests.rights.sampling import MATRIX, Wanted, drawn, http_differences, sql_differences
from tests.rights.test_canaries import played
from tools.demo.staff import STAFF

PEOPLE = [one.user_name for one in STAFF]
# cases, changes after, decisions over HTTP, through SQL at least
SIZES = [
    pytest.param(20, 30, 600, 600, id="short"),
    pytest.param(560, 300, 20_000, 20_000, id="long", marks=pytest.mark.deep),
]
CASEWORKER = Place("case", "case-file.read", "*", "B", "-", "caseworker")
# a place, and the scope that the program's own table has there by mistake
WRONG = [
    pytest.param(CASEWORKER, "*", id="too much"),
    pytest.param(CASEWORKER._replace(role="archivist"), "-", id="too little"),
    pytest.param(CASEWORKER._replace(role="archivist"), "*/uncoded", id="another limit"),
]


@pytest.mark.parametrize(("cases", "changes", "asked", "least"), SIZES)
def test_what_the_program_answers_is_what_cedar_says(
    installation: Installation, tenant: Tenant, cases: int, changes: int, asked: int, least: int, record_property: Any
) -> None:
    town = populated(tenant.ledger, cases)
    town.live(changes)
    with played(town, installation, tenant) as web:
        wanted = drawn(town, PEOPLE, asked, seed=20261123)
        assert http_differences(web, town, wanted) == []
        compared, wrong = sql_differences(tenant, town, PEOPLE)
    assert wrong == []
    assert compared >= least
    record_property("decisions", f"{len(wanted)} over HTTP, {compared} through SQL")
    print(f"{len(wanted)} decisions over HTTP, {compared} through SQL behind the wall")


@pytest.mark.parametrize(("place", "text"), WRONG)
def test_a_wrong_cell_is_found_by_cedar_over_http_and_through_sql(
    installation: Installation, tenant: Tenant, monkeypatch: pytest.MonkeyPatch, place: Place, text: str
) -> None:
    """The cell is wrong in the table that the program decides by, and right in the one that Cedar reads."""
    mode, reaches = scope(text)
    wrong = Matrix({**MATRIX.cells, place: replace(MATRIX.cells[place], mode=mode, reaches=reaches)}, (), MATRIX.actions)
    town = populated(tenant.ledger, 6)
    case = town.new_id()  # of Ida's unit, under a code that she is cleared for, and nobody's own
    created = CaseFileCreated(2026, 900, DAY, "B", Named("Oppvekst"))
    town.append(town.actor(), (case, created), (case, town.title(case)), (case, Screened("13")))
    town.units.append(("case", case))
    wanted = [Wanted(one, place.action, unit) for one in ("siv.moe", "ida.vik") for unit in town.of_kind("case")]
    drawn_of = list(test_cedar.drawn(seed=1, rounds=300, places=(place,)))
    with played(town, installation, tenant) as web:
        assert http_differences(web, town, wanted) == []
        assert sql_differences(tenant, town, PEOPLE)[1] == []
        assert [test_cedar.by_us(one) for one in drawn_of] == test_cedar.by_cedar(drawn_of)
        monkeypatch.setattr(tables, "delivered", lambda: wrong)
        tenant.ledger.remembered.clear()
        tenant.sight._answers.clear()
        assert http_differences(web, town, wanted) != []
        assert sql_differences(tenant, town, PEOPLE)[1] != []
        assert [test_cedar.by_us(one, wrong) for one in drawn_of] != test_cedar.by_cedar(drawn_of)
