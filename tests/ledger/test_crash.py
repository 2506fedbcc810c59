"""Kill -9 of the application and of PostgreSQL under 16 writers: what was acknowledged is there, and nobody lends a hand."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import pytest

import projections.journal
from api.installation import Installation
from domain.ledger import embedded
from domain.ledger.follow import rebuild
from tests.fixtures_ledger import DOMAIN
from tests.ledger import crashing
from tests.ledger.appending import check_chain, wait_until
from tests.ledger.server_user import postmaster_pid

SEED = int(os.environ.get("DAGBOK_SEED", "20260301"))
KINDS = ("application", "writer", "postgresql", "all")
ROUNDS_A_PLACE = 10
GOES_ON = ("writer", "postgresql")  # the application outlives these and has to find its way back
ROOT = Path(__file__).parents[2]


@contextmanager
def application(data: Path, acks: Path, *unsafe: str) -> Iterator[subprocess.Popen[bytes]]:
    """The process under load, killed at the end."""
    command = [sys.executable, "-m", "tests.ledger.crashing", str(data), str(acks), *unsafe]
    with subprocess.Popen(command, cwd=ROOT) as process:
        try:
            yield process
        finally:
            process.kill()


def acknowledged(acks: Path) -> list[tuple[int, str, str]]:
    lines = acks.read_text(encoding="ascii").split("\n")[:-1] if acks.exists() else []
    return [(int(position), leaf, chain_hash) for position, leaf, chain_hash in (line.split() for line in lines)]


def lost(acks: Path, connection: psycopg.Connection) -> list[int]:
    """Acknowledged positions that the chain does not hold as they were acknowledged."""
    rows = connection.execute(f"select position, leaf_hash, chain_hash from {crashing.TENANT}.event").fetchall()
    held = {int(row[0]): (row[1].hex(), row[2].hex()) for row in rows}
    return [position for position, *hashes in acknowledged(acks) if held.get(position) != tuple(hashes)]


def wait_for_more(acks: Path, process: subprocess.Popen[bytes], more: int) -> None:
    wanted = len(acknowledged(acks)) + more

    def enough() -> bool:
        assert process.poll() is None, "the application ended by itself"
        return len(acknowledged(acks)) >= wanted

    wait_until(enough, timeout_s=60)


def writer_session(data: Path) -> int:
    """The server process that writes for the application."""
    with embedded.start(data / "pg") as running, psycopg.connect(running.server.dsn(dbname="dagbok")) as connection:
        row = connection.execute("select pid from pg_stat_activity where usename = %s", (f"{crashing.TENANT}_writer",)).fetchone()
    assert row is not None
    return int(row[0])


def kill(kind: str, data: Path, acks: Path, more: int) -> None:
    """One round: load, and death without notice in the midst of it."""
    with application(data, acks) as process:
        wait_for_more(acks, process, more)
        victims = {
            "application": lambda: [process.pid],
            "writer": lambda: [writer_session(data)],
            "postgresql": lambda: [postmaster_pid(data / "pg")],
            "all": lambda: [process.pid, *crashing.server_processes(data / "pg")],
        }[kind]()
        assert victims, "nobody was killed"
        for victim in victims:
            with suppress(ProcessLookupError):  # the first that went took it along
                os.kill(victim, signal.SIGKILL)
        if kind in GOES_ON:
            wait_for_more(acks, process, 100)  # it goes on, and starts its server again where that is gone


def check(data: Path, acks: Path) -> None:
    with Installation(crashing.settings(data)) as opened:
        name = crashing.TENANT
        with psycopg.connect(opened.owner_dsn()) as connection:
            assert lost(acks, connection) == []
            end = check_chain(connection, name, f"{DOMAIN}/record/1")
        tenant = opened.open()
        assert tenant.wait(end, 30)
        with tenant.read() as connection:
            assert tenant.journal.poisoned(connection) == []
            assert tenant.journal.position(connection, f"{DOMAIN}/record/1") == end
        opened.release(name)
        live = opened.follower(name, projections.journal)
        try:
            wait_until(live.lease)  # the session that held it ends a moment after its program closed it
            before, after = rebuild(opened.role_dsn(name, "work"), name, live.projection, live, swap=False)
        finally:
            live.close()
        assert before == after


def crash(place: Path, kinds: list[str], say: Callable[[str, object], None]) -> None:
    """Kill and look, once for each kind; a new municipality each few rounds, since every look reads all of it."""
    began, dice, told = time.monotonic(), random.Random(SEED), 0
    assert kinds, "a run without rounds proves nothing"
    for start in range(0, len(kinds), ROUNDS_A_PLACE):
        data, acks = place / str(start) / "data", place / str(start) / "acks"
        crashing.prepare(data)
        for kind in kinds[start : start + ROUNDS_A_PLACE]:
            kill(kind, data, acks, dice.randrange(100, 500))
            check(data, acks)
        told += len(acknowledged(acks))
    said = {"seed": SEED, "rounds": len(kinds), "acknowledged": told, "lost": 0, "seconds": round(time.monotonic() - began, 1)}
    print({**said, **Counter(kinds)})
    for name, value in said.items():
        say(name, value)
    assert told >= 100 * len(kinds)


def test_a_kill_of_each_kind_loses_nothing(tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    crash(tmp_path, list(KINDS), record_property)


def test_a_writer_that_does_not_wait_for_the_disk_is_found_out(tmp_path: Path) -> None:
    data, acks = tmp_path / "data", tmp_path / "acks"
    crashing.prepare(data)
    with embedded.start(data / "pg") as running, psycopg.connect(running.server.dsn(), autocommit=True) as connection:
        connection.execute("alter system set wal_writer_delay = '10s'")  # what nobody waits for is flushed late
    # whatever else flushes the log at the last moment saves it: one kill in five loses something
    assert any(_killed(data, acks) for _ in range(5))


def _killed(data: Path, acks: Path) -> list[int]:
    """What is lost when the server is killed under a writer that does not wait for the disk."""
    with application(data, acks, "unsafe") as process:
        wait_for_more(acks, process, 300)
        assert crashing.kill_server(data / "pg")
    with Installation(crashing.settings(data)) as opened, psycopg.connect(opened.owner_dsn()) as connection:
        return lost(acks, connection)


@pytest.mark.deep
def test_a_hundred_kills_lose_nothing(tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    kinds = list(KINDS) * 25
    random.Random(SEED).shuffle(kinds)
    crash(tmp_path, kinds, record_property)
