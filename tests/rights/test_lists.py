"""A list holds exactly the rows that the gate allows, record by record; counts and pages follow; and SQL behind the wall agrees.

Two ways to one answer: the gate folds a record from the log, the lists group rows by class; both ask the same tables.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

import pytest

from api.installation import Tenant
from domain.handlers import tables
from domain.model import access
from projections import visibility
from projections.journal.fields import Fields, Query
from projections.journal.read import Found, Search
from projections.visibility import LIST, READ
from tests.rights.population import Population, populated

SIZES = [pytest.param(28, 60, 2_000, id="short"), pytest.param(300, 300, 20_000, id="long", marks=pytest.mark.deep)]
CODED = {"case": "case_file_coded", "entry": "entry_coded", "document": "document_coded"}


def rows_of(tenant: Tenant, town: Population, user_name: str, kind: str) -> dict[uuid.UUID, Mapping[str, Any]]:
    """Every row of a person's list, page by page; its total must be their number."""
    found: dict[uuid.UUID, Mapping[str, Any]] = {}
    with tenant.read() as connection:
        seen = tenant.sight.of(connection, town.house.actor(user_name))
        page, more, total = 0, True, 0
        while more:
            ask = tenant.journal.cases if kind == "case" else tenant.journal.entries
            one: Found = ask(connection, Search(page=page, limit=200), seen)
            assert not found.keys() & {row["id"] for row in one.rows}
            found |= {row["id"]: row for row in one.rows}
            page, more, total = page + 1, one.more, one.total
    assert len(found) == total
    return found


def documents_found(tenant: Tenant, town: Population, user_name: str) -> set[uuid.UUID]:
    with tenant.read() as connection:
        seen = tenant.sight.of(connection, town.house.actor(user_name))
        with seen.passing(connection):
            views, total = Fields(tenant.name).search(connection, Query("documents", take=100_000), seen)
    assert len(views) == total
    return {uuid.UUID(one["id"]) for one in views}


def behind_the_wall(tenant: Tenant, town: Population, user_name: str, kind: str) -> set[uuid.UUID]:
    """What plain SQL of the role of the pages gets of a coded table, with the person's token."""
    with tenant.read() as connection:
        seen = tenant.sight.of(connection, town.house.actor(user_name))
        with seen.passing(connection):
            rows = connection.execute(f"select id from {tenant.journal.schema}.{CODED[kind]}").fetchall()
    return {row[0] for row in rows}


def differences(tenant: Tenant, town: Population, people: list[str]) -> tuple[int, int, list[str]]:
    """(pairs compared in lists, pairs compared behind the wall, what differs)."""
    pairs = walled = 0
    wrong: list[str] = []
    for user_name in people:
        for kind in ("case", "entry", "document"):
            shown = rows_of(tenant, town, user_name, kind) if kind != "document" else {}
            found = documents_found(tenant, town, user_name) if kind == "document" else set()
            passed = behind_the_wall(tenant, town, user_name, kind)
            coded = coded_units(tenant, kind)
            for unit in town.of_kind(kind):
                listed, whole = town.allowed(user_name, LIST[kind], unit)
                _, read = town.allowed(user_name, READ[kind], unit)
                pairs += 1
                if kind == "document":
                    same = (unit in found) == (listed and read)
                else:
                    open_ = listed and (read if unit in coded else whole)
                    same = (unit in shown) == listed and (not listed or shown[unit]["screened"] is not open_)
                    same &= not listed or (shown[unit]["title"] is None) is not open_
                if unit in coded:
                    walled += 1
                    same &= (unit in passed) == (listed and read)
                if not same:
                    wrong.append(f"{user_name} {kind} {unit}: listed {listed}, read {read}")
    return pairs, walled, wrong


def coded_units(tenant: Tenant, kind: str) -> set[uuid.UUID]:
    table = CODED[kind].removesuffix("_coded")
    with tenant.read() as connection:
        rows = connection.execute(f"select id from {tenant.journal.schema}.{table} where code is not null").fetchall()
    return {row[0] for row in rows}


@pytest.mark.parametrize(("cases", "changes", "least"), SIZES)
def test_a_row_is_listed_where_the_gate_allows_it_and_nowhere_else(tenant: Tenant, cases: int, changes: int, least: int) -> None:
    town = populated(tenant.ledger, cases)
    people = list(town.house.people)
    town.live(changes)
    for what in ("after changes", "after renaming"):
        if what == "after renaming":
            town.rename("Teknisk", "Gammelt navn")
        assert tenant.wait(tenant.ledger.reader.head().position, 60)
        pairs, walled, wrong = differences(tenant, town, people)
        assert wrong == [], what
    assert pairs >= least
    assert walled * 5 > pairs
    counted = {user_name: len(rows_of(tenant, town, user_name, "entry")) for user_name in people}
    assert 0 < min(counted[one] for one in ("per.nes", "ida.vik", "kari.aas")) < counted["siv.moe"]


def test_a_wrong_cell_is_found(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lists judge by one wrong cell: the comparison with the gate says so."""
    town = populated(tenant.ledger, 20)
    assert tenant.wait(tenant.ledger.reader.head().position, 60)
    assert differences(tenant, town, ["per.nes"])[2] == []
    place = next(
        one for one in tables.delivered().cells if one[1] == "registry-entry.list" and one[3] == "J" and one[5] == "caseworker"
    )

    def wrong(person: Any, action: str, subject: Any, at: Any, matrix: Any, to_status: str = "-") -> access.Answer:
        if (action, subject.status) == (place[1], place[3]):
            return access.Allowed("caseworker:*")
        return access.may(person, action, subject, at, matrix, to_status)

    monkeypatch.setattr(visibility, "may", wrong)
    tenant.sight._answers.clear()
    found = differences(tenant, town, ["per.nes"])[2]
    assert found
    assert all("entry" in one for one in found)
