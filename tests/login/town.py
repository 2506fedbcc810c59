"""An opened municipality that people log in to, over HTTP."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
from lxml import html

from api.app import create_app
from api.installation import Installation, Tenant
from api.login import codes, invitations
from api.login.logins import Logins
from domain.handlers import rights, standing
from domain.handlers.gate import Actor
from domain.ledger.clock import SetClock
from domain.ledger.identity import new_id
from domain.model.ordering import OrderRights
from domain.model.rights_change import STOP
from tests.fixtures_ledger import LedgerTenant
from tests.fixtures_staff import Staffed, Staffing
from tests.fixtures_web import CATALOGUES, TestClient
from tools.demo.staff import House

PASSWORD = "heldig hest under furua"
NOON = datetime(2036, 6, 3, 10, 0, tzinfo=UTC)


@dataclass
class Town:
    """A municipality whose people are known, its clock, and their generators once their accounts are set up."""

    installation: Installation
    tenant: Tenant
    house: House
    clock: SetClock
    app: Any
    one: LedgerTenant
    secrets: dict[str, bytes] = field(default_factory=dict)
    recovery: dict[str, list[str]] = field(default_factory=dict)

    def stop(self, user_name: str, by: str = "anne.berg") -> None:
        """End every right of somebody, as of yesterday."""
        person = self.house.people[user_name]
        unit = next(iter(standing.of(self.tenant.ledger).person(str(person)).file.orders.orders.values())).fact.unit
        yesterday = self.house.today - timedelta(days=1)
        wanted = OrderRights(new_id(), STOP, unit, self.house.today, yesterday, "Sluttet")
        self.house.act(by, lambda work: rights.stop(work, rights.Stop(person, wanted)))

    @property
    def logins(self) -> Logins:
        return self.app.state.site.logins[self.tenant.name]  # type: ignore[no-any-return]

    def browser(self, **more: Any) -> Browser:
        return Browser(self, TestClient(self.app, **more))

    def link(self, user_name: str, by: str = "nina.sol") -> str:
        actor = Actor(str(self.house.people[by])) if by else Actor("")
        return invitations.invite(self.tenant.ledger, self.logins, actor, self.house.people[user_name])

    def account(self, user_name: str) -> Browser:
        """Set somebody's account up, through its pages."""
        return self.browser().set_up(user_name, self.link(user_name))

    def logged_in(self, user_name: str) -> Browser:
        if user_name not in self.secrets:
            self.account(user_name)
        made = self.browser()
        answer = made.log_in(user_name)
        assert answer.status_code == 303, answer.text
        return made

    def code(self, user_name: str) -> str:
        """The next code of somebody's generator: each is good once, so the clock goes on by a step."""
        self.clock.move_to(self.clock.now() + timedelta(seconds=codes.STEP_S))
        return codes.code_at(self.secrets[user_name], codes.step_of(self.clock.now()))

    def facts(self, *topics: str) -> list[Any]:
        """The facts of the access log, oldest first."""
        chains = self.tenant.ledger.reader
        found = []
        with self.installation_owner() as owner:
            for (schema,) in owner.execute(
                f"select schema from {self.tenant.name}.ledger_chain where chain_id like '%/access/%' order by chain_no"
            ).fetchall():
                found += owner.execute(
                    f"select topic, convert_from(meta, 'UTF8')::jsonb, position from {schema}.event order by position"
                ).fetchall()
        assert chains is not None
        return [(topic, meta["f"], meta["e"]) for topic, meta, _ in found if topic in topics]

    def installation_owner(self) -> Any:
        return psycopg.connect(self.installation.owner_dsn(), autocommit=True)


class Browser:
    """One browser: its cookies, and the forms it fills in."""

    def __init__(self, town: Town, client: Any) -> None:
        self.town = town
        self.client = client

    def get(self, path: str, **more: Any) -> Any:
        return self.client.get(path, follow_redirects=False, **more)

    def token(self, path: str) -> str:
        answer = self.get(path)
        assert answer.status_code == 200, (path, answer.status_code, answer.text[:800])
        return str(html.document_fromstring(answer.text).xpath("//main//input[@name='token']/@value")[0])

    def send(self, page: str, path: str, **fields: str) -> Any:
        return self.client.post(path, data={"token": self.token(page), **fields}, follow_redirects=False)

    def set_up(self, user_name: str, link: str, password: str = PASSWORD) -> Browser:
        page = html.document_fromstring(self.get(f"/login/set-up?link={link}").text)
        address = page.xpath("//a[starts-with(@href, 'otpauth:')]/@href")[0]
        typed = parse_qs(urlsplit(address).query)["secret"][0]
        self.town.secrets[user_name] = base64.b32decode(typed + "=" * (-len(typed) % 8))
        fields = {"link": link, "password": password, "repeated": password, "code": self.town.code(user_name)}
        answer = self.send(f"/login/set-up?link={link}", "/login/set-up", **fields)
        assert answer.status_code == 200, answer.text
        self.town.recovery[user_name] = html.document_fromstring(answer.text).xpath("//main//li/code/text()")
        assert len(self.town.recovery[user_name]) == 10
        return self

    def log_in(self, user_name: str, password: str = PASSWORD, code: str | None = None, onward: str = "/") -> Any:
        given = self.town.code(user_name) if code is None else code
        return self.send("/login", "/login", user_name=user_name, password=password, code=given, next=onward)

    def session(self) -> str:
        return str(self.client.cookies.get(f"dagbok_session_{self.town.tenant.name}", ""))

    def hold(self, token: str) -> None:
        """Put another session's token, or what is none, into the browser."""
        name = f"dagbok_session_{self.town.tenant.name}"
        for one in [one for one in self.client.cookies.jar if one.name == name]:
            self.client.cookies.jar.clear(one.domain, one.path, one.name)
        self.client.cookies.set(name, token, domain="testserver.local", path="/")

    def is_in(self) -> bool:
        answer = self.get("/session")
        assert answer.status_code in (200, 303)
        return bool(answer.status_code == 200)


@contextmanager
def opened_town(staffed: Staffed, **settings: Any) -> Iterator[Town]:
    """Fjordvik with its staff. settings: of the installation."""
    clock = staffed.clock()
    with Installation(staffed.tenant.settings().model_copy(update=settings), clock) as installation:
        tenant = installation.open()
        house = staffed.house(tenant.ledger, clock)
        app = create_app(installation)
        app.state.site.catalogues = CATALOGUES
        with TestClient(app):
            yield Town(installation, tenant, house, clock or SetClock(NOON), app, staffed.tenant)


@pytest.fixture
def town(staffing: Staffing, tmp_path: Path) -> Iterator[Town]:
    """Fjordvik at noon of a day in June that stands still."""
    with staffing(NOON, tmp_path) as staffed, opened_town(staffed) as made:
        yield made
