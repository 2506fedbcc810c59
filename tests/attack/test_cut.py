"""The line to the database breaks where it hurts most: each commit has one effect, and nobody is in conflict with himself."""

from __future__ import annotations

import os
import random
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from domain.ledger import patience, writer, writing
from domain.ledger.clock import SystemClock
from domain.ledger.faults import Unsettled, VersionConflict
from domain.ledger.ledger import Ledger
from domain.ledger.reader import Reader
from domain.ledger.submission import Appended
from domain.ledger.writer import Writer
from tests.attack.proxy import Fate, Proxy, at_commit
from tests.fixtures_ledger import DOMAIN, LedgerTenant
from tests.ledger.appending import check_chain, events, titled, write

SEED = int(os.environ.get("DAGBOK_SEED", "20260301"))
MARKER = b"cut the line here"
CUTS = (Fate.LOST, Fate.UNHEARD, Fate.RESET, Fate.DEAF, Fate.LATE)


@pytest.fixture
def proxy(ledger_tenant: LedgerTenant) -> Iterator[Proxy]:
    server = ledger_tenant.server
    one = Proxy(server.socket_dir / f".s.PGSQL.{server.port}")
    yield one
    one.close()


@pytest.fixture
def behind(ledger_tenant: LedgerTenant, proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ledger]:
    """A ledger whose writer and reader go through the proxy, and do not wait long for one that is silent."""
    monkeypatch.setattr(patience, "ANSWER_WITHIN_S", 1.0)
    monkeypatch.setattr(patience, "CHECK_EVERY_S", 0.05)
    ledger = ledger_tenant.ledger
    ledger.close()
    ledger.writer = Writer(proxy.dsn(ledger_tenant.dsn("writer")), ledger_tenant.tenant, SystemClock())
    ledger.reader = Reader(proxy.dsn(ledger_tenant.dsn("reader")), ledger_tenant.tenant, size=4)
    yield ledger
    proxy.judge = at_commit(b"", [])


def whole(tenant: LedgerTenant) -> int:
    with tenant.owner() as connection:
        return check_chain(connection, tenant.tenant, f"{DOMAIN}/record/1")


def titles(tenant: LedgerTenant, text: str) -> int:
    return sum(text.encode() in (body or b"") for *_, body in events(tenant))


def commit_under_fire(ledger: Ledger, proxy: Proxy, stream: uuid.UUID, version: int, plan: list[Fate], text: str) -> Appended:
    """Append one fact whose commits meet the plan."""
    proxy.judge = at_commit(text.encode(), plan)
    appended = write(ledger, titled(stream, text), expect={stream: version})
    assert plan == [], "the plan was not met"
    return appended


def cut_many(tenant: LedgerTenant, ledger: Ledger, proxy: Proxy, rounds: int) -> Counter[str]:
    """Cut `rounds` commits by seeded plans of one or two fates, on the short and on the long way; how often each was dealt."""
    dice, dealt, other = random.Random(SEED), Counter[str](), tenant.open_ledger()
    stream = uuid.uuid4()
    for version in range(rounds):
        if long_way := dice.random() < 0.5:
            write(other, titled(uuid.uuid4()))  # the head is not where the writer believes it is
        plan = [*[Fate.LOST] * dice.choice((0, 0, 1, 2)), dice.choice(CUTS)]  # only what was lost is sent again
        dealt.update([fate.name for fate in plan], **{"long way": int(long_way)})
        text = f"{MARKER.decode()} {version:04d}."
        appended = commit_under_fire(ledger, proxy, stream, version, plan, text)
        row = next(row for row in events(tenant) if row[0] == appended.receipt.position)
        assert (row[1], row[2]) == (stream, version + 1), "acknowledged where another event stands"
        assert titles(tenant, text) == 1
    whole(tenant)
    return dealt


def test_ten_cuts_at_commit_have_one_effect_each(ledger_tenant: LedgerTenant, behind: Ledger, proxy: Proxy) -> None:
    assert sum(cut_many(ledger_tenant, behind, proxy, 10).values()) >= 10


@pytest.mark.deep
def test_two_hundred_cuts_at_commit_have_one_effect_each(
    ledger_tenant: LedgerTenant, behind: Ledger, proxy: Proxy, record_property: Callable[[str, object], None]
) -> None:
    began = time.monotonic()
    dealt = cut_many(ledger_tenant, behind, proxy, 200)
    said = {"seed": SEED, "rounds": 200, "seconds": round(time.monotonic() - began, 1), **dealt}
    print(said)
    for name, value in said.items():
        record_property(name, value)
    assert all(dealt[fate.name] >= 20 for fate in CUTS)


@pytest.mark.parametrize("first", [True, False], ids=["long way", "short way"])
@pytest.mark.parametrize("fate", CUTS, ids=lambda fate: fate.name)
def test_each_cut_has_one_effect(ledger_tenant: LedgerTenant, behind: Ledger, proxy: Proxy, fate: Fate, first: bool) -> None:
    stream = uuid.uuid4()
    if not first:
        write(behind, titled(stream))
    appended = commit_under_fire(behind, proxy, stream, 0 if first else 1, [fate], MARKER.decode())
    assert proxy.faults == [fate]
    assert titles(ledger_tenant, MARKER.decode()) == 1
    assert appended.receipt.position == whole(ledger_tenant)


def test_without_the_end_of_the_old_session_a_late_batch_is_taken_for_a_conflict(
    ledger_tenant: LedgerTenant, behind: Ledger, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing.Desk, "_end", lambda desk, session: None)
    stream = uuid.uuid4()
    write(behind, titled(stream))
    with pytest.raises(VersionConflict):
        commit_under_fire(behind, proxy, stream, 1, [Fate.LATE], MARKER.decode())


@pytest.mark.parametrize("fate", [Fate.SILENT, Fate.MUTE], ids=lambda fate: fate.name)
@pytest.mark.parametrize("first", [True, False], ids=["long way", "short way"])
def test_a_silent_line_is_given_up_and_has_one_effect(
    ledger_tenant: LedgerTenant, behind: Ledger, proxy: Proxy, fate: Fate, first: bool
) -> None:
    stream = uuid.uuid4()
    if not first:
        write(behind, titled(stream))
    commit_under_fire(behind, proxy, stream, 0 if first else 1, [fate], MARKER.decode())
    assert titles(ledger_tenant, MARKER.decode()) == 1
    whole(ledger_tenant)


def test_a_reader_gives_a_silent_line_up(ledger_tenant: LedgerTenant, behind: Ledger, proxy: Proxy) -> None:
    stream, silent = uuid.uuid4(), [Fate.SILENT]
    write(behind, titled(stream))
    proxy.judge = lambda call: silent.pop() if silent and b"originator_version >" in call.data else Fate.PASS
    assert [recorded.version for recorded in behind.reader.stream(stream)] == [1]
    assert proxy.faults == [Fate.SILENT]


def test_a_server_that_never_answers_again_is_told_apart_from_one_that_refused(
    ledger_tenant: LedgerTenant, behind: Ledger, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "SETTLE_FOR_S", 0.3)
    stream = uuid.uuid4()
    write(behind, titled(stream))
    dead = threading.Event()

    def judge(call: Any) -> Fate:
        if MARKER in call.data:
            dead.set()
            return Fate.MUTE
        return Fate.LOST if dead.is_set() else Fate.PASS

    proxy.judge = judge
    with pytest.raises(Unsettled):
        write(behind, titled(stream, MARKER.decode()), expect={stream: 1})
    proxy.judge = at_commit(b"", [])
    assert titles(ledger_tenant, MARKER.decode()) == 1  # it was there, and nobody was told that it was not
    write(behind, titled(stream, "Videre"), expect={stream: 2})
    whole(ledger_tenant)


@pytest.mark.parametrize(("delay_s", "chunk"), [(0.0, 1), (0.15, 0), (0.02, 7)], ids=["bytes", "delay", "both"])
def test_a_slow_line_changes_nothing(
    ledger_tenant: LedgerTenant, behind: Ledger, proxy: Proxy, monkeypatch: pytest.MonkeyPatch, delay_s: float, chunk: int
) -> None:
    monkeypatch.setattr(patience, "ANSWER_WITHIN_S", 30.0)
    proxy.delay_s, proxy.chunk = delay_s, chunk
    stream = uuid.uuid4()
    for version in range(3):
        write(behind, titled(stream, f"Langsom {version}"), expect={stream: version})
    assert [recorded.version for recorded in behind.reader.stream(stream)] == [1, 2, 3]
    assert proxy.faults == []
    whole(ledger_tenant)
