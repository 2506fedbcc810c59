"""Every database call and every file call of ten commands fails in turn: one effect after the retry, and words meanwhile."""

from __future__ import annotations

import errno
import os
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest

from api.installation import Installation
from domain.ledger import patience
from domain.model.document import ObjectAdded
from tests.attack.errands import Errand, Office
from tests.attack.filelayer import Judged, allows, failing_at, orphans
from tests.attack.proxy import Call, Fate, Proxy, passes
from tests.fixtures_ledger import DOMAIN, LedgerTenant
from tests.fixtures_web import Web, opened
from tests.ledger.appending import check_chain, titled, write

SEED = int(os.environ.get("DAGBOK_SEED", "20260301"))
FATES = (Fate.LOST, Fate.UNHEARD, Fate.SILENT, Fate.MUTE)
FAULTS = ((errno.EIO, False), (errno.EIO, True), (errno.ENOSPC, False), (errno.ETIMEDOUT, False))
INTRODUCED = "ledger.fact-type-introduced.v1"
ALL = (
    "create a case",
    "register an entry",
    "add a document with its file",
    "journal an entry",
    "sign an entry off",
    "close a case",
    "import a message",
    "comment on a case",
    "screen an entry",
    "refer to another case",
)
FEW = ("add a document with its file",)


class Range:
    """A web application whose database lines and files can be made to fail at the nth call."""

    def __init__(self, tenant: LedgerTenant, web: Web, proxy: Proxy) -> None:
        self.tenant, self.web, self.proxy, self.disk = tenant, web, proxy, Judged()
        self.office, self.other = Office(web), tenant.open_ledger()
        self.dealt: Counter[str] = Counter()
        ledger = web.tenant.ledger
        ledger.blobs._disk = ledger.keys._disk = self.disk  # type: ignore[attr-defined]

    def topics(self, after: int) -> list[str]:
        """What was appended after a position, but for the introductions of topics."""
        return [one.topic for one in self.web.tenant.ledger.reader.log(after) if one.topic != INTRODUCED]

    def expected(self, name: str) -> list[str]:
        """What an undisturbed errand appends."""
        errand, before = self.office.errand(name), self.web.position
        at = before()
        assert errand.do(uuid.uuid4().hex).done
        wanted = self.topics(at)
        assert wanted
        return wanted

    def database_call(self, errand: Errand, number: int, fate: Fate, wanted: list[str]) -> bool:
        """Let the nth call meet its fate; False where the command was done before it came to n calls."""
        seen, met = count(1), []

        def judge(call: Call) -> Fate:
            if next(seen) != number:
                return Fate.PASS
            met.append(call)
            return fate

        def arm() -> None:
            self.proxy.judge = judge

        self.attempt(errand, wanted, f"call {number} {fate.name}", arm)
        self.dealt[fate.name] += len(met)
        return bool(met)

    def file_call(self, errand: Errand, number: int, fault: tuple[int, bool], wanted: list[str]) -> bool:
        """The same for files."""
        met = False

        def arm() -> None:
            self.disk.calls.clear()
            self.disk.judge = judge

        def judge(at: int, name: str, after: bool) -> None:
            nonlocal met
            met = met or at == number
            failing_at(number, *fault)(at, name, after)

        self.attempt(errand, wanted, f"file call {number} {fault}", arm)
        self.dealt[f"{errno.errorcode[fault[0]]} {'after' if fault[1] else 'before'}"] += met
        return met

    def attempt(self, errand: Errand, wanted: list[str], what: str, arm: Callable[[], None] = lambda: None) -> None:
        """Once under fire and once in peace, under one key: the answer, the one effect, no half of it in between.

        Nothing is remembered from before, so that all that a command can ask for is asked for.
        """
        write(self.other, titled(uuid.uuid4()))  # the head is not where the writer believes it is
        self.web.tenant.ledger._cache.clear()
        before, key = self.web.position(), uuid.uuid4().hex
        arm()
        try:
            told = errand.do(key)
        finally:
            self.proxy.judge, self.disk.judge = passes, allows
        assert told.readable, (errand.name, what, told)
        between = self.topics(before)
        assert between in ([], wanted), (errand.name, what, between)
        assert between or not told.done, (errand.name, what, "said to be done and is not")
        again = errand.do(key)
        assert again.done, (errand.name, what, again)
        assert self.topics(before) == wanted, (errand.name, what)

    def check(self) -> None:
        """The chain, and the files: each that is named is there, and after a sweep no other."""
        with self.tenant.owner() as connection:
            check_chain(connection, self.tenant.tenant, f"{DOMAIN}/record/1")
        ledger, known = self.web.tenant.ledger, set()
        for recorded in ledger.reader.log(limit=1_000_000):
            if isinstance(fact := recorded.fact, ObjectAdded):
                assert b"".join(ledger.blobs.get(fact.object_id, fact.size, fact.checksum))
                known.add(fact.object_id.hex)
        ledger.blobs.sweep(ledger.reader.object_ids(), older_than_s=-1)  # type: ignore[attr-defined]
        assert orphans(ledger.blobs.folder, known) == []  # type: ignore[attr-defined]


@pytest.fixture
def field(ledger_tenant: LedgerTenant, monkeypatch: pytest.MonkeyPatch) -> Iterator[Range]:
    """Writer, reader and web role go through the proxy; the follower does not, since it asks whether or not anybody writes."""
    monkeypatch.setattr(patience, "CHECK_EVERY_S", 0.05)
    server = ledger_tenant.server
    proxy = Proxy(server.socket_dir / f".s.PGSQL.{server.port}")
    straight = Installation.role_dsn

    def role_dsn(installation: Installation, tenant: str, kind: str) -> str:
        dsn = straight(installation, tenant, kind)
        return proxy.dsn(dsn) if kind in ("writer", "reader", "web") else dsn

    monkeypatch.setattr(Installation, "role_dsn", role_dsn)
    with Installation(ledger_tenant.settings()) as installation, opened(installation, installation.open()) as web:
        yield Range(ledger_tenant, web, proxy)
        proxy.judge = passes
    proxy.close()


def sweep(field: Range, name: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Fail call 1, 2, … of one command in every way, until it no longer comes so far."""
    began, wanted, deepest = time.monotonic(), field.expected(name), [0, 0]
    with monkeypatch.context() as patched:
        patched.setattr(patience, "ANSWER_WITHIN_S", 0.4)
        for fate in FATES:
            number = next(n for n in count(1) if not field.database_call(field.office.errand(name), n, fate, wanted))
            deepest[0] = max(deepest[0], number - 1)
        for fault in FAULTS:
            number = next(n for n in count(1) if not field.file_call(field.office.errand(name), n, fault, wanted))
            deepest[1] = max(deepest[1], number - 1)
    field.check()
    assert deepest[0] >= 2, "the command made no calls"
    return {"database calls": deepest[0], "file calls": deepest[1], "seconds": round(time.monotonic() - began, 1)}


@pytest.mark.parametrize("name", [*FEW, *(pytest.param(name, marks=pytest.mark.deep) for name in ALL if name not in FEW)])
def test_the_nth_call_fails(
    field: Range, name: str, monkeypatch: pytest.MonkeyPatch, record_property: Callable[[str, object], None]
) -> None:
    said = {"seed": SEED, "command": name, **sweep(field, name, monkeypatch), **field.dealt}
    print(said)
    for key, value in said.items():
        record_property(key, value)
    assert sum(field.dealt.values()) > 0
    assert all(field.dealt[fate.name] for fate in FATES)


def test_a_second_effect_is_seen(field: Range) -> None:
    wanted = field.expected("create a case")
    errand = field.office.errand("create a case")
    twice = Errand("twice", lambda key: errand.do(uuid.uuid4().hex))
    with pytest.raises(AssertionError):
        field.attempt(twice, wanted, "without its key")


def test_an_answer_with_something_from_inside_is_seen(field: Range, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted, errand = field.expected("close a case"), field.office.errand("close a case")

    def broken(*_: object) -> None:
        raise RuntimeError("inside")

    monkeypatch.setattr(field.web.tenant.ledger, "append", broken)
    with pytest.raises(AssertionError):
        field.attempt(errand, wanted, "a fault of the program")
