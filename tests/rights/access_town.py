"""An opened municipality on the web with coded and open material, and what its access log holds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from api.installation import Installation
from api.requests import PERSON_COOKIE, Demo
from domain.ledger.clock import SetClock
from tests.fixtures_ledger import LedgerTenant
from tests.fixtures_staff import Staffed
from tests.fixtures_web import Web, opened
from tools.demo.staff import STAFF, House

SECRET = "Barnevernssak Kvist"
CODED = {"screening": {"access_restriction": "13"}}


class Town:
    """An opened municipality on the web, where the actor can be chosen, with one coded case and one that is not."""

    def __init__(self, web: Web, house: House, one: LedgerTenant) -> None:
        self.web, self.house, self.one = web, house, one
        self.case = web.created(web.post("/cases", {"title": "Sak om skole"}))
        self.coded = web.entry(self.case, SECRET, status="M", **CODED)
        self.plain = web.entry(self.case, "Invitasjon", status="M")
        self.document = web.created(web.document(self.coded))
        self.plain_document = web.created(web.document(self.plain))
        web.caught_up()
        self.noted()  # what making them has left

    def become(self, user_name: str) -> None:
        self.web.client.cookies.set(PERSON_COOKIE, user_name)

    @property
    def year(self) -> int:
        return datetime.now(UTC).year

    def facts(self) -> list[dict[str, Any]]:
        """Every fact of the access log's chains but those of the chains about themselves."""
        found: list[dict[str, Any]] = []
        with self.one.owner() as connection:
            schemas = connection.execute(
                f"select schema, chain_id from {self.one.tenant}.ledger_chain where chain_id like '%/access/%'"
            ).fetchall()
            for schema, chain_id in schemas:
                rows = connection.execute(
                    f"select position, convert_from(meta, 'UTF8')::jsonb from {schema}.event where topic = 'access.read.v1'"
                    " order by position"
                ).fetchall()
                found += [{"place": f"{chain_id}#{position}", **meta["e"], **meta["f"]} for position, meta in rows]
        return found

    def noted(self) -> list[dict[str, Any]]:
        """What has come since this was asked last."""
        facts = self.facts()
        new = facts[getattr(self, "_seen", 0) :]
        self._seen = len(facts)
        return new

    def object_of(self, document: str) -> str:
        found = self.web.get(f"/documents/{document}").json()["objects"][0]["id"]
        self.noted()
        return str(found)


@contextmanager
def opened_town(staffed: Staffed) -> Iterator[Town]:
    """The municipality with its people, played as in a demonstration."""
    demo = Demo((("tor.lie", "Tor Lie"), *((hired.user_name, hired.name) for hired in STAFF)), SetClock(datetime.now(UTC)))
    with Installation(staffed.tenant.settings()) as installation:
        tenant = installation.open()
        with opened(installation, tenant, demo) as web:
            yield Town(web, staffed.house(tenant.ledger), staffed.tenant)
