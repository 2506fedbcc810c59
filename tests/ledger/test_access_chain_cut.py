"""The line of the access log breaks: a fact stands once or its reading is refused, and nobody waits for a line that is down."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator

import pytest

from domain.handlers import access_log
from domain.ledger import patience
from domain.ledger.access_chain import AccessChain, AccessLogAway
from domain.ledger.ledger import Ledger
from domain.model.access_log import PAGE, AccessRead
from tests.attack.proxy import Call, Fate, Proxy, at_commit, passes
from tests.fixtures_ledger import LedgerTenant, new_case

MARKER = "cut the line here"


@pytest.fixture
def proxy(ledger_tenant: LedgerTenant) -> Iterator[Proxy]:
    server = ledger_tenant.server
    one = Proxy(server.socket_dir / f".s.PGSQL.{server.port}")
    yield one
    one.close()


@pytest.fixture
def behind(ledger_tenant: LedgerTenant, proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    """A ledger whose access log alone goes through the proxy, its chain open."""
    monkeypatch.setattr(patience, "ANSWER_WITHIN_S", 1.0)
    monkeypatch.setattr(patience, "CHECK_EVERY_S", 0.05)
    ledger = ledger_tenant.open_ledger()
    access_log.note(ledger, shown(), actor="tor.lie")
    assert ledger.access is not None
    ledger.access.close()
    ledger.access = AccessChain(proxy.dsn(ledger_tenant.dsn("writer")), ledger.tenant, ledger.clock, lambda year: None)
    access_log.note(ledger, shown(), actor="tor.lie")
    return ledger


def shown() -> AccessRead:
    return AccessRead(uuid.uuid4(), "entry", "13", PAGE, ())


def positions(one: LedgerTenant, record: uuid.UUID) -> list[str]:
    with one.owner() as connection:
        (schema, chain_id), *_ = connection.execute(
            f"select schema, chain_id from {one.tenant}.ledger_chain where chain_id like '%/access/%'"
        ).fetchall()
        rows = connection.execute(
            f"select position from {schema}.event where convert_from(meta, 'UTF8')::jsonb->'f'->>'record' = %s", (str(record),)
        ).fetchall()
    return [f"{chain_id}#{row[0]}" for row in rows]


@pytest.mark.parametrize("fate", [Fate.LOST, Fate.UNHEARD, Fate.DEAF, Fate.LATE])
def test_a_commit_that_is_cut_has_one_effect(ledger_tenant: LedgerTenant, behind: Ledger, proxy: Proxy, fate: Fate) -> None:
    fact, plan = shown(), [fate]
    proxy.judge = at_commit(MARKER.encode(), plan)
    given = access_log.note(behind, fact, actor=MARKER)
    assert plan == [], "the plan was not met"
    proxy.judge = passes
    assert positions(ledger_tenant, fact.record) == [given]


def test_a_log_out_of_reach_refuses_at_once_and_comes_back_by_itself(
    ledger_tenant: LedgerTenant, behind: Ledger, proxy: Proxy
) -> None:
    def nothing(call: Call) -> Fate:
        del call
        return Fate.LOST

    proxy.judge = nothing
    fact = shown()
    with pytest.raises(AccessLogAway):
        access_log.note(behind, fact, actor="tor.lie")
    assert positions(ledger_tenant, fact.record) == []
    assert behind.access is not None
    assert behind.access.fault is not None
    calls = proxy.calls
    with pytest.raises(AccessLogAway):
        access_log.note(behind, fact, actor="tor.lie")
    assert proxy.calls - calls <= 2, "a caller does not try a line that is known to be down"
    new_case(behind)
    proxy.judge = passes
    for _ in range(100):
        if behind.access.fault is None:
            break
        time.sleep(0.1)
    assert positions(ledger_tenant, fact.record) == []
    assert [access_log.note(behind, fact, actor="tor.lie")] == positions(ledger_tenant, fact.record)
