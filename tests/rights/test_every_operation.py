"""Every operation asks for its right, and nobody learns from an id whether what one may not see is there.

What is expected follows from the tables of rights and from `operations.tsv`, which names the rights that each operation asks for.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.routing import Mount

from api import people, reads
from api.app import create_app
from api.installation import Installation, Tenant
from api.requests import Demo, caller_of
from domain.ledger.clock import SetClock
from domain.model.errors import NotFound
from tests.api.test_gate import routes
from tests.login.town import NOON, Town, town
from tests.rights.every_operation import CALLERS, House, attempt
from tests.rights.operations import HEADER, OPEN, TABLE, Row, read

__all__ = ["town"]

RUNS = [pytest.param(1, id="short"), pytest.param(len(CALLERS), id="long", marks=pytest.mark.deep)]
DEMO = {("POST", "/demo/person"), ("POST", "/demo/clock")}  # in a demonstration alone, which nobody logs in to


def missing(app: FastAPI, rows: list[Row]) -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
    """(routes that the table does not have, routes of the table that are not there)."""
    found = set(routes(app.router))
    named = {row.route for row in rows}
    return found - named - DEMO, named - found


@pytest.fixture
def house(town: Town) -> House:
    return House(town)


def test_every_route_stands_in_the_table(installation: Installation, tenant: Tenant) -> None:
    app = create_app(installation, demo=Demo((), SetClock(NOON)))
    assert missing(app, TABLE) == (set(), set())
    mounted = {route.path for route in app.router.routes if isinstance(route, Mount)}
    assert mounted == {"/scim/v2", "/static"}, "tests/scim holds what SCIM gives to whom"
    app.get("/api/v1/forgotten/{case}")(lambda case: case)
    assert missing(app, TABLE[1:]) == ({("GET", "/api/v1/forgotten/{case}"), TABLE[0].route}, set())


@pytest.mark.parametrize("most", RUNS)
def test_every_operation_is_for_those_whom_the_tables_name(house: House, most: int, record_property: Any) -> None:
    told = attempt(house, TABLE, most)
    said = f"{len(TABLE)} rows, {told.calls} calls, {told.secret} pairs that had to be alike"
    record_property("operations", said)
    print(said)
    assert told.wrong == []
    assert told.calls > 4 * len(TABLE)
    assert told.secret > len(TABLE) / 2
    if most == len(CALLERS):
        assert {row.route for row in TABLE if row.open_to != OPEN} - told.yes == set(), "nobody was let through"


def _open(case: UUID) -> JSONResponse:
    return JSONResponse({"case": str(case)})


def _told_apart(request: Request, case: UUID) -> JSONResponse:
    """It looks before it asks."""
    me = caller_of(request)
    if not me.tenant.ledger.reader.stream(case):
        raise NotFound("unit", str(case))
    people.permit(me, "log.read")
    reads.permit(me, reads.Query.READ_CASE, case) if me.actor.administers else people.permit(me, "matrix.propose")
    return JSONResponse({})


def _slower(request: Request, case: UUID) -> JSONResponse:
    """It says the same of both, but takes longer for one."""
    me = caller_of(request)
    if me.tenant.ledger.reader.stream(case):
        me.tenant.ledger.reader.stream(case)
    reads.permit(me, reads.Query.READ_CASE, case)
    return JSONResponse({})


FAULTY = [(_open, "was answered 200"), (_told_apart, "told from none"), (_slower, "statements for another's")]


@pytest.mark.parametrize(("route", "seen"), FAULTY, ids=lambda one: getattr(one, "__name__", ""))
def test_a_route_without_a_gate_or_with_one_that_tells_is_found(house: House, route: Any, seen: str) -> None:
    house.town.app.get("/api/v1/faulty/{case}")(route)
    rows = read([HEADER, "GET\t/api/v1/faulty/{case}\tcase-file.read@case\t200\t\t"])
    assert any(seen in one for one in attempt(house, rows).wrong)
    right = next(row for row in TABLE if row.route == ("GET", "/api/v1/cases/{case}"))
    assert attempt(house, [right]).wrong == []
