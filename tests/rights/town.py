"""A municipality of eleven people over the web: every test plays whom it needs, and the clock stands still until it is moved."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from lxml import html

from api.installation import Installation
from api.requests import PERSON_COOKIE, Demo
from domain.ledger.clock import SetClock
from tests.fixtures_staff import Staffed
from tests.fixtures_web import Web, opened
from tools.demo.staff import STAFF, House

PEOPLE = tuple((one.user_name, one.name) for one in STAFF)


class Town:
    """The application, its house, and what the tests do as somebody."""

    def __init__(self, web: Web, house: House, clock: SetClock) -> None:
        self.web = web
        self.house = house
        self.clock = clock

    @property
    def today(self) -> date:
        """The local day."""
        day = self.house.today
        assert isinstance(day, date)
        return day

    def play(self, who: str) -> None:
        """Be somebody from now on."""
        self.web.client.cookies.set(PERSON_COOKIE, who)

    def get(self, who: str, path: str, **params: str) -> Any:
        """A page as somebody, whatever it answers."""
        self.play(who)
        return self.web.client.get(path, params=params or None, follow_redirects=False)

    def page(self, who: str, path: str, **headers: str) -> html.HtmlElement:
        """A page as somebody, which must be there."""
        self.play(who)
        return self.web.page(path, **headers)

    def text(self, who: str, path: str, **headers: str) -> str:
        """The words of a page on one line."""
        return words(self.page(who, path, **headers))

    def send(self, who: str, path: str, form: str, tick: tuple[str, ...] = (), **fields: str) -> Any:
        """Fill in a form as somebody; tick: its boxes."""
        self.play(who)
        return self.web.send(path, form, **dict.fromkeys(tick, "on"), **fields)

    def forged(self, who: str, form: str, **fields: str) -> Any:
        """Send a form that the page would not have offered, with a token that is somebody's own."""
        self.play(who)
        token = self.web.page("/roles").xpath("//input[@name='token']/@value") or [self._token()]
        return self.web.client.post(form, data={"token": token[0], **fields}, follow_redirects=False)

    def _token(self) -> str:
        """From a page that everybody has: one's own case form is none, so the site seals one for the cookie that it gave."""
        site = self.web.client.app.state.site  # type: ignore[attr-defined]
        nonce = site.unseal("nonce", self.web.client.cookies.get("dagbok_form", ""))
        return str(site.seal("form", nonce))

    def person(self, who: str) -> UUID:
        """Somebody's id."""
        return self.house.people[who]

    def later(self, **span: int) -> None:
        """Move the clock forward."""
        self.clock.move_to(self.clock.now() + timedelta(**span))


@contextmanager
def town_of(staffed: Staffed) -> Iterator[Town]:
    """The town, opened; its people have their rights."""
    clock = staffed.clock()
    assert clock is not None
    with Installation(staffed.tenant.settings(), clock) as installation:
        tenant = installation.open()
        house = staffed.house(tenant.ledger, clock)
        with opened(installation, tenant, Demo(PEOPLE, clock)) as web:
            web.caught_up()
            yield Town(web, house, clock)


def words(page: html.HtmlElement) -> str:
    """What a page says in its main part, on one line."""
    (main,) = page.xpath("//main")
    return " ".join(main.text_content().split())


def refused(answer: Any) -> str:
    """What a refusal says, on one line."""
    return " ".join(html.document_fromstring(answer.text).text_content().split())
