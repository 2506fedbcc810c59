"""The process is killed at every file call and database call of a command with a file, right before it and right after."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator

import pytest

import projections.journal
from api.installation import Installation
from domain.ledger.faults import ClaimTaken
from domain.ledger.follow import rebuild
from domain.model.document import ObjectAdded
from tests.attack.filelayer import orphans
from tests.attack.killing import Errand, add
from tests.attack.proxy import Call, Fate, Proxy, passes
from tests.fixtures_ledger import DOMAIN, LedgerTenant, new_case, new_entry
from tests.ledger.appending import check_chain, wait_until

SEED = int(os.environ.get("DAGBOK_SEED", "20260301"))
Property = Callable[[str, object], None]


@pytest.fixture
def proxy(ledger_tenant: LedgerTenant) -> Iterator[Proxy]:
    server = ledger_tenant.server
    one = Proxy(server.socket_dir / f".s.PGSQL.{server.port}")
    yield one
    one.close()


class Place:
    """A tenant with an entry, and what every killed process left in it."""

    def __init__(self, tenant: LedgerTenant, proxy: Proxy) -> None:
        self.tenant, self.proxy = tenant, proxy
        self.entry = new_entry(tenant.ledger, new_case(tenant.ledger))

    def errand(self, title: str, at: int = 0, after: bool = False) -> Errand:
        writer, reader = (self.proxy.dsn(self.tenant.dsn(kind)) for kind in ("writer", "reader"))
        return Errand(self.tenant.tenant, writer, reader, str(self.tenant.data), str(self.entry), title, at, after)

    def trace(self) -> tuple[list[str], int]:
        """The file calls and the number of database calls of one undisturbed errand: the first makes keys and folders."""
        for title in ("first", "traced"):
            calls = self.proxy.calls
            errand = self.errand(title)
            assert errand.start().wait(60) == 0
        return errand.calls(), self.proxy.calls - calls

    def killed_at_a_file_call(self, errand: Errand) -> None:
        assert errand.start().wait(60) == -9, "it came to its end"

    def killed_at_a_database_call(self, errand: Errand, wanted: int, after: bool) -> None:
        """SIGKILL while the call is on its way to the server, or the answer on its way back."""
        begun, fate = self.proxy.calls, Fate.MUTE if after else Fate.SILENT

        def judge(call: Call) -> Fate:
            return fate if self.proxy.calls - begun == wanted else Fate.PASS

        self.proxy.faults.clear()
        self.proxy.answered.clear()
        self.proxy.judge = judge
        process = errand.start()
        try:
            wait_until(lambda: bool(self.proxy.faults) or process.poll() is not None, timeout_s=60)
            if after:
                wait_until(lambda: self.proxy.answered.is_set() or process.poll() is not None)
        finally:
            process.kill()
            process.wait()
            self.proxy.judge = passes

    def check(self, errand: Errand) -> None:
        """What was acknowledged is there, nothing stands without its bytes, and the same again has no second effect."""
        ledger = self.tenant.open_ledger()
        position = errand.acknowledged()
        if position is not None:
            assert self.effects(errand.title) == 1
        told = ""
        try:
            add(ledger, self.entry, errand.title)
        except ClaimTaken as taken:
            told = taken.kind
        assert told in ("", "idempotency")
        assert self.effects(errand.title) == 1
        ledger.close()

    def effects(self, title: str) -> int:
        facts = (recorded.fact for recorded in self.tenant.ledger.reader.log(limit=100_000))
        return sum(isinstance(fact, ObjectAdded) and f"{title}.txt" in repr(fact) for fact in facts)

    def check_all(self) -> None:
        """Chain, bytes of every object named, no other bytes after a sweep, and the journal equal to one built anew."""
        tenant = self.tenant
        with tenant.owner() as connection:
            check_chain(connection, tenant.tenant, f"{DOMAIN}/record/1")
        blobs, known = tenant.ledger.blobs, set()
        for recorded in tenant.ledger.reader.log(limit=100_000):
            if isinstance(fact := recorded.fact, ObjectAdded):
                assert b"".join(blobs.get(fact.object_id, fact.size, fact.checksum))
                known.add(fact.object_id.hex)
        assert known
        blobs.sweep(tenant.ledger.reader.object_ids(), older_than_s=-1)  # type: ignore[attr-defined]
        assert orphans(tenant.data / "blobs" / tenant.tenant, known) == []
        with Installation(tenant.settings()) as opened:
            one = opened.open()
            assert one.wait(one.ledger.reader.head().position, 30)
            opened.release(tenant.tenant)
            live = opened.follower(tenant.tenant, projections.journal)
            try:
                wait_until(live.lease)
                before, after = rebuild(opened.role_dsn(tenant.tenant, "work"), tenant.tenant, live.projection, live, swap=False)
            finally:
                live.close()
            assert before == after


def sweep(place: Place, cases: list[tuple[str, int, bool]], say: Property) -> None:
    """Kill one process for each case, and look each time."""
    began = time.monotonic()
    for kind, number, after in cases:
        title = f"{kind} {number} {'after' if after else 'before'}"
        if kind == "file":
            errand = place.errand(title, number, after)
            place.killed_at_a_file_call(errand)
        else:
            errand = place.errand(title)
            place.killed_at_a_database_call(errand, number, after)
        place.check(errand.again())
    place.check_all()
    said = {"seed": SEED, "kills": len(cases), "seconds": round(time.monotonic() - began, 1)}
    print(said)
    for name, value in said.items():
        say(name, value)


def all_cases(place: Place, say: Property) -> list[tuple[str, int, bool]]:
    files, calls = place.trace()
    assert {"create", "write", "sync", "rename", "sync_folder"} <= set(files)
    assert calls > 5
    print({"file calls": ",".join(files), "database calls": calls})
    say("file calls", ",".join(files))
    say("database calls", calls)
    numbered = [("file", number) for number in range(1, len(files) + 1)]
    numbered += [("database", number) for number in range(1, calls + 1)]
    return [(kind, number, after) for kind, number in numbered for after in (False, True)]


def test_a_kill_at_some_calls_loses_nothing(ledger_tenant: LedgerTenant, proxy: Proxy, record_property: Property) -> None:
    place = Place(ledger_tenant, proxy)
    cases = all_cases(place, record_property)
    sweep(place, random.Random(SEED).sample(cases, 4), record_property)


@pytest.mark.deep
def test_a_kill_at_every_call_loses_nothing(ledger_tenant: LedgerTenant, proxy: Proxy, record_property: Property) -> None:
    place = Place(ledger_tenant, proxy)
    sweep(place, all_cases(place, record_property), record_property)


def test_bytes_that_are_lost_are_seen(ledger_tenant: LedgerTenant, proxy: Proxy) -> None:
    place = Place(ledger_tenant, proxy)
    add(ledger_tenant.ledger, place.entry, "whole")
    place.check_all()
    for path in (ledger_tenant.data / "blobs").rglob("*"):
        if path.is_file():
            path.unlink()
    with pytest.raises(Exception, match="missing"):
        place.check_all()


def test_an_effect_that_is_lost_is_seen(ledger_tenant: LedgerTenant, proxy: Proxy) -> None:
    place = Place(ledger_tenant, proxy)
    errand = place.errand("never written")
    errand.said.write_text("7\n")
    with pytest.raises(AssertionError):
        place.check(errand)
