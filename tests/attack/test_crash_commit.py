"""Every process of PostgreSQL is killed before, while and after it commits: the writer that waits for it finds out which."""

from __future__ import annotations

import os
import random
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest

from domain.catalogue import Envelope
from domain.ledger import keeper, patience, tenants
from domain.ledger.clock import SystemClock
from domain.ledger.keeper import Keeper
from domain.ledger.submission import submit
from domain.ledger.writer import Writer
from tests.attack.proxy import Call, Fate, Proxy, at_commit, passes
from tests.fixtures_ledger import DOMAIN, password
from tests.ledger.appending import check_chain, titled, wait_until
from tests.ledger.crashing import kill_server

SEED = int(os.environ.get("DAGBOK_SEED", "20260301"))
TENANT = "committing"
MOMENTS = ("before", "while", "after")
Property = Callable[[str, object], None]


class Bench:
    """A server of its own that is kept up, and a writer that reaches it through the proxy."""

    def __init__(self, data: Path) -> None:
        self.folder = data / "pg"
        self.keeper = Keeper(self.folder)
        self.passwords = {kind: password(kind) for kind in tenants.ROLE_KINDS}
        with psycopg.connect(self.dsn(), autocommit=True) as owner:
            tenants.create(owner, TENANT, DOMAIN, self.passwords)
        server = self.keeper.server
        self.proxy = Proxy(server.socket_dir / f".s.PGSQL.{server.port}")
        self.clock = SystemClock()
        role = server.dsn(user=f"{TENANT}_writer", password=self.passwords["writer"])
        self.writer = Writer(self.proxy.dsn(role), TENANT, self.clock)
        self.killed = 0
        self.killer: threading.Thread | None = None

    def dsn(self) -> str:
        return self.keeper.server.dsn()

    def kill(self) -> None:
        self.killed += kill_server(self.folder)

    def commit(self, text: str, moment: str, dice: random.Random) -> int:
        """Append one title; the server dies at its commit. The position that the caller was told."""
        commits, dead = at_commit(text.encode(), [Fate.MUTE]), threading.Event()

        def judge(call: Call) -> Fate:
            if commits(call) is Fate.PASS:
                return Fate.PASS
            dead.set()
            if moment == "before":
                self.kill()
                return Fate.LOST
            if moment == "while":
                self.killer = threading.Timer(dice.random() * 0.003, self.kill)
            else:
                self.killer = threading.Thread(target=self.kill_when_answered)
            self.killer.start()
            return Fate.PASS if moment == "while" else Fate.MUTE

        self.proxy.answered.clear()
        self.proxy.judge = judge
        stream = uuid.uuid4()
        envelope = Envelope(cmd=text, n=1, m=1, actor="tor.lie")
        appended = self.writer.append(submit([titled(stream, text)], envelope, {stream: 0}, self.clock.now()))
        self.proxy.judge = passes
        assert dead.is_set(), "no commit was seen"
        if self.killer is not None:
            self.killer.join()
        return appended.receipt.position

    def kill_when_answered(self) -> None:
        assert self.proxy.answered.wait(20)
        self.kill()

    def owner(self) -> psycopg.Connection[Any]:
        """A connection, once the server is up again."""
        found: list[psycopg.Connection[Any]] = []

        def connected() -> bool:
            with suppress(psycopg.OperationalError):
                found.append(psycopg.connect(self.dsn()))
            return bool(found)

        wait_until(connected, timeout_s=60)
        return found[0]

    def found(self, text: str) -> list[int]:
        with self.owner() as owner:
            rows = owner.execute(f"select position from {TENANT}.event where position(%s::bytea in body) > 0", (text.encode(),))
            return [int(row[0]) for row in rows]

    def close(self) -> None:
        self.proxy.judge = passes
        self.writer.close()
        self.proxy.close()
        self.keeper.stop()


@pytest.mark.parametrize("rounds", [3, pytest.param(60, marks=pytest.mark.deep)])
def test_a_server_killed_at_commit(
    tmp_path: Path, rounds: int, record_property: Property, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "LOOK_EVERY_S", 0.05)
    monkeypatch.setattr(patience, "ANSWER_WITHIN_S", 5.0)
    began, dice, counts = time.monotonic(), random.Random(SEED), Counter[str]()
    bench = Bench(tmp_path / "data")
    try:
        for n in range(rounds):
            text, moment = f"at commit {n:04d}", MOMENTS[n % len(MOMENTS)]
            position = bench.commit(text, moment, dice)
            assert bench.found(text) == [position], (text, moment)
            counts[moment] += 1
        with bench.owner() as owner:
            check_chain(owner, TENANT, f"{DOMAIN}/record/1")
    finally:
        bench.close()
    said = {"seed": SEED, "rounds": rounds, "killed": bench.killed, "seconds": round(time.monotonic() - began, 1), **counts}
    print(said)
    for name, value in said.items():
        record_property(name, value)
    assert bench.killed >= rounds
