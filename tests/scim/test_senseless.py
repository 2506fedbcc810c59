"""Messages that make no sense: refused in words, never a fault of ours, and nobody gets a right by one."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from domain.model.rights_change import STOP, RightsOrdered
from tests.scim.speaking import ENTERPRISE_SCHEMA, PATCH_SCHEMA, RECORDS_SCHEMA, USER_SCHEMA, Idm, order

CORE = ("userName", "externalId", "displayName", "title", "userType", "active", "name", "name.givenName", "emails", "roles", "id")
OWN = ("validFrom", "validTo", "unit", "roles", "clearances", "accessGroups", "orderNumber", "state")
PATHS = (
    None, "", "x", "urn:", "emails[", 'emails[type eq "work"].value', "emails[0]", "meta.version", "schemas", "$ref",
    *CORE, *(f"{RECORDS_SCHEMA}:{name}" for name in OWN), RECORDS_SCHEMA, ENTERPRISE_SCHEMA, f"{ENTERPRISE_SCHEMA}:manager",
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, "", " ", "x", "ola.by", "False", "\u0000", "\ud800", "x" * 300, "2026-02-30", "9999-12-31", "0001-01-01", 0, -1,
    10**30, 1.5, True, False, [], [[]], [None], ["caseworker", 5], {}, {"value": None}, {"value": {"value": []}},
    {"active": "no"}, {"userName": None}, {RECORDS_SCHEMA: []}, {RECORDS_SCHEMA: {"roles": {}}}, [{"value": "a@b"}] * 60,
)  # fmt: skip
OPS = ("add", "Replace", "remove", "move", "", None, 5)


def message(chance: random.Random) -> dict[str, Any]:
    operation: dict[str, Any] = {"op": chance.choice(OPS[: 3 if chance.random() < 0.9 else None])}
    if (path := chance.choice(PATHS)) is not None:
        operation["path"] = path
    if chance.random() < 0.9:
        operation["value"] = chance.choice(VALUES)
    return {"schemas": [PATCH_SCHEMA], "Operations": [operation] * chance.choice((1, 1, 1, 0, 2))}


def whole(chance: random.Random, n: int) -> dict[str, Any]:
    body: dict[str, Any] = {"schemas": [USER_SCHEMA], "userName": f"new.{n}"}
    for _ in range(chance.randrange(4)):
        body[chance.choice((*CORE, RECORDS_SCHEMA, ENTERPRISE_SCHEMA, "schemas"))] = chance.choice(VALUES)
    return body


@pytest.mark.parametrize("count", [400, pytest.param(10_000, marks=pytest.mark.deep)])
def test_nothing_senseless_is_a_fault_or_an_order(idm: Idm, count: int) -> None:
    chance, start = random.Random(count), idm.web.position()
    one = idm.create("ola.by", **order(idm.house, orderedBy=None))["id"]
    headers = {"Authorization": f"Bearer {idm.token}", "Content-Type": "application/scim+json"}
    answered: dict[int, int] = {}
    for n in range(count):
        method, path = chance.choice((("PATCH", f"/Users/{one}"), ("PATCH", f"/Users/{one}"), ("POST", "/Users")))
        body = message(chance) if method == "PATCH" else whole(chance, n)
        answer = idm.web.client.request(method, f"/scim/v2{path}", content=json.dumps(body), headers=headers)
        assert answer.status_code < 500, (method, body, answer.text)
        answered[answer.status_code] = answered.get(answer.status_code, 0) + 1
        if answer.status_code >= 400:
            assert answer.json()["detail"], body
    assert {200, 201, 400} <= answered.keys(), "it reached what it was to try"
    records = idm.house.ledger.reader.log(start, 1_000_000)
    assert [fact.fact for fact in records if isinstance(fact.fact, RightsOrdered) and fact.fact.change != STOP] == []
