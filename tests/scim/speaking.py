"""An identity system that speaks SCIM to an opened municipality, over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from api import tokens
from api.installation import Installation
from api.scim.resources import ENTERPRISE_SCHEMA, RECORDS_SCHEMA, USER_SCHEMA
from domain.handlers import rights
from domain.ledger.reader import Recorded
from tests.fixtures_staff import Staffed
from tests.fixtures_web import Web, opened
from tools.demo.staff import IDM, House

PATCH_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


@dataclass
class Idm:
    """What the tests say to the server, and what they look up in the ledger behind it."""

    web: Web
    house: House
    token: str
    secrets: Path

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        sent = {"Authorization": f"Bearer {self.token}", **{name.replace("_", "-"): value for name, value in headers.items()}}
        if body is not None:
            sent["Content-Type"] = "application/scim+json"
        return self.web.client.request(method, f"/scim/v2{path}", json=body, headers=sent)

    def create(self, user_name: str, expected: int = 201, **more: Any) -> Any:
        answer = self.ask("POST", "/Users", said(user_name, **more))
        assert answer.status_code == expected, answer.text
        return answer.json()

    def patch(self, one: str, *operations: dict[str, Any], expected: int = 200, **headers: str) -> Any:
        body = {"schemas": [PATCH_SCHEMA], "Operations": list(operations)}
        answer = self.ask("PATCH", f"/Users/{one}", body, **headers)
        assert answer.status_code == expected, answer.text
        return answer.json()

    def set(self, one: str, expected: int = 200, **values: Any) -> Any:
        """A PATCH that replaces attributes of our extension."""
        return self.patch(one, {"op": "replace", "value": {RECORDS_SCHEMA: values}}, expected=expected)

    def read(self, one: str) -> Any:
        answer = self.ask("GET", f"/Users/{one}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def facts(self, one: str) -> list[Recorded]:
        return self.house.ledger.reader.stream(UUID(one))

    def topics(self, one: str) -> list[str]:
        return [recorded.topic for recorded in self.facts(one)]

    def control(self, one: str, by: str = "anne.berg") -> None:
        """The archive leader controls the person's last order."""
        order = [fact.fact.order for fact in self.facts(one) if fact.topic == "rights.ordered.v1"][-1]
        answer = rights.Answer(rights.Answer.CONTROL, UUID(one), order)
        self.house.act(by, lambda work: rights.answer(work, answer))


def said(user_name: str, **more: Any) -> dict[str, Any]:
    """A User; keywords of our extension stand in it, `department` in the enterprise one, all others in the core."""
    own = {"validFrom", "validTo", "unit", "roles", "clearances", "accessGroups", "orderedBy", "orderNumber"}
    body: dict[str, Any] = {"schemas": [USER_SCHEMA], "userName": user_name}
    for name, value in more.items():
        schema = RECORDS_SCHEMA if name in own else ENTERPRISE_SCHEMA if name == "department" else ""
        (body.setdefault(schema, {}) if schema else body)[name] = value
    body["schemas"] += [one for one in (RECORDS_SCHEMA, ENTERPRISE_SCHEMA) if one in body]
    return body


def records(shown: Any) -> Any:
    """Our extension of a User."""
    return shown[RECORDS_SCHEMA]


def order(house: House, number: str = "7781", **more: Any) -> dict[str, Any]:
    """What Kari orders for one of Teknisk, as her IDM sends it."""
    today = house.today
    made = {
        "unit": "Teknisk",
        "roles": ["caseworker"],
        "validFrom": today.isoformat(),
        "validTo": (today + timedelta(days=30)).isoformat(),
        "orderedBy": "kari.aas",
        "orderNumber": number,
    }
    return {**made, **more}


@contextmanager
def speaking(staffed: Staffed) -> Iterator[Idm]:
    """An opened municipality with its staff, whose IDM holds a role that a manager ordered."""
    with Installation(staffed.tenant.settings()) as installation:
        tenant = installation.open()
        house = staffed.house(tenant.ledger)
        house.hire(IDM)
        secrets = installation.settings.secrets
        given = tokens.issue(secrets, tenant.name, tokens.IDM)
        with opened(installation, tenant) as web:
            yield Idm(web, house, given, secrets)


def held(shown: Any) -> list[tuple[str, str]]:
    """The roles of a User, each with how far it has come."""
    return sorted(((role["value"], role["type"]) for role in shown.get("roles", ())), key=lambda one: (one[1] != "in-force", one))
