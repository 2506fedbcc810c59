"""The third-party conformance suite against a running server, and what the raw log says of all that the suite did.

It runs twice: with the values that it makes up, of which none can be a manager's; and with values of a manager of ours, so that
whole messages are orders. Either way no right may come about without an orderer.
"""

from __future__ import annotations

import socket
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx2
import pytest
import uvicorn
from pydantic import Field
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_models import ResourceType, ScimProvider
from scim2_tester import Status, check_server

from api.scim.resources import EnterpriseUser, RecordsAccess, User
from domain.ledger.reader import Recorded
from domain.model import person
from domain.model.access import Moment
from domain.model.idm import RightsRequested
from domain.model.person import PersonFile
from domain.model.rights_change import START, STOP, RightsControlled, RightsOrdered, rights
from tests.scim.speaking import Idm, order

MAY = {
    "ledger.fact-type-introduced.v1",
    "user.registered.v1",
    "user.named.v1",
    "idm.described.v1",
    "idm.removed.v1",
    "rights.requested.v1",
    "rights.ordered.v1",
}
CHECKS = 92


@contextmanager
def served(app: Any) -> Iterator[str]:
    """The application on a loopback port of its own."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(20)


class Working(User):
    """A person whom the suite does not make inactive: who is ordered nothing."""

    __schema__ = User.__schema__

    active: bool | None = Field(None, examples=[True])


class Ordered(RecordsAccess):
    """Our extension with values that Kari stands behind: the suite takes its values from examples where there are any."""

    __schema__ = RecordsAccess.__schema__

    valid_from: str | None = Field(None, examples=["2026-01-01"])
    valid_to: str | None = Field(None, examples=["2099-12-31"])
    unit: str | None = Field(None, examples=["Teknisk"])
    access_groups: str | None = Field(None, examples=["personal"])
    ordered_by: str | None = Field(None, examples=["kari.aas"])


def examined(idm: Idm, provider: ScimProvider | None) -> Counter[str]:
    """Run the suite; how many of its checks ended how. Every one that did not pass is told."""
    headers = {"Authorization": f"Bearer {idm.token}"}
    with served(idm.web.client.app) as address, httpx2.Client(base_url=f"{address}/scim/v2", headers=headers) as line:
        client = SyncSCIMClient(line, provider=provider) if provider is not None else SyncSCIMClient(line)
        results = check_server(client)
    failed = [f"{one.status.name} {one.title}: {one.reason}" for one in results if one.status is not Status.SUCCESS]
    assert failed == []
    return Counter(one.status.name for one in results)


def written(idm: Idm, after: int) -> list[Recorded]:
    """The raw log after a position."""
    return list(idm.house.ledger.reader.log(after, 100_000))


def unfounded(records: Iterable[Recorded], managers: frozenset[str]) -> list[str]:
    """Orders that no manager stands behind, and rights that came about without control, told by position.

    Folded from the raw facts alone. An order of the IDM's is founded where the request beside it in the same command names it,
    and its orderer is one of `managers`; a stop needs nobody; any right in force needs a control of its own order.
    """
    found: list[str] = []
    files: dict[Any, PersonFile] = {}
    requested = {(one.envelope.cmd, one.fact.order) for one in records if isinstance(one.fact, RightsRequested)}
    controlled = {one.fact.order for one in records if isinstance(one.fact, RightsControlled)}
    for one in records:
        if not one.topic.startswith(("user.", "rights.", "idm.")):
            continue
        files[one.stream] = file = person.evolve(files.get(one.stream), one.stream, one.fact)
        if isinstance(one.fact, RightsOrdered) and one.fact.change != STOP:
            linked = (one.envelope.cmd, one.fact.order) in requested
            if not linked or one.fact.orderer not in managers or one.fact.number is None:
                found.append(f"{one.position}: order {one.fact.order}")
        at = Moment(datetime.fromtimestamp(one.recorded_at_us / 1e6, UTC), datetime(2050, 1, 1, tzinfo=UTC).date())
        for right in rights(file.orders, {key: (str(key),) for key in file.orders.orders}):
            given = file.orders.orders[UUID(right.rests_on[0])].fact
            if right.in_force(at) and given.widens and given.order not in controlled:
                found.append(f"{one.position}: right {right.role}")
    return found


def test_the_suite_passes_and_what_it_makes_up_gives_nobody_a_right(idm: Idm) -> None:
    start = idm.web.position()
    counted = examined(idm, None)
    assert counted == {"SUCCESS": CHECKS}
    records = written(idm, start)
    topics = Counter(one.topic for one in records)
    assert topics.keys() <= MAY
    assert topics["rights.requested.v1"] > 15
    assert topics["rights.ordered.v1"] == 0, (
        "nothing that it makes up is a manager's order, and nothing ran that could be stopped"
    )
    assert all(one.fact.why is not None and one.fact.order is None for one in records if isinstance(one.fact, RightsRequested))
    assert unfounded(records, frozenset()) == []
    print(f"scim2-tester: {counted.total()} checks, {counted['SUCCESS']} passed; {dict(topics)}")


def test_the_suite_passes_with_values_of_a_manager_and_each_change_is_an_order_or_a_request(idm: Idm) -> None:
    provider = ScimProvider([Working, Ordered, EnterpriseUser], [ResourceType.from_resource(Working[Ordered | EnterpriseUser])])
    start = idm.web.position()
    counted = examined(idm, provider)
    assert counted == {"SUCCESS": CHECKS}
    records = written(idm, start)
    kari = str(idm.house.people["kari.aas"])
    orders = [one.fact for one in records if isinstance(one.fact, RightsOrdered)]
    assert {one.topic for one in records} <= MAY
    assert {one.orderer for one in orders if one.change != STOP} == {kari}
    changes = Counter(one.change for one in orders)
    assert min(changes[START], changes[STOP]) >= 3
    assert unfounded(records, frozenset({kari})) == []
    service = str(idm.house.people["service:idm"])
    assert {one.envelope.actor for one in records if not one.topic.startswith("ledger.")} == {service}
    print(f"scim2-tester: {counted.total()} checks, {len(records)} facts, orders {dict(changes)}")


@pytest.mark.parametrize("forged", ["nobody", "unlinked", "uncontrolled"])
def test_a_right_without_an_orderer_would_be_found(idm: Idm, forged: str) -> None:
    start, kari = idm.web.position(), str(idm.house.people["kari.aas"])
    one = idm.create("ola.by", **order(idm.house))["id"]
    idm.control(one)
    records = written(idm, start)
    assert unfounded(records, frozenset({kari})) == []
    place = next(n for n, record in enumerate(records) if isinstance(record.fact, RightsOrdered))
    genuine = records[place]
    now = datetime.fromtimestamp(genuine.recorded_at_us / 1e6, UTC)
    changed = {
        "nobody": genuine._replace(fact=replace(genuine.fact, orderer=str(idm.house.people["service:idm"]))),
        "unlinked": genuine._replace(fact=replace(genuine.fact, order=genuine.stream)),
        "uncontrolled": genuine._replace(fact=replace(genuine.fact, last_day=None, decided_at=now)),
    }
    kept = [record for record in records if not isinstance(record.fact, RightsControlled)]
    assert unfounded([changed[forged] if record is genuine else record for record in kept], frozenset({kari})) != []
    assert unfounded(kept, frozenset({kari})) == []
