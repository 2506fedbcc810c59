"""Kill -9 of the application and of PostgreSQL under 16 writers: what was acknowledged is there, and nobody lends a hand."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
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

ROUNDS = ("application", "postgresql", "application", "postgresql", "both")
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


def kill(round_: str, data: Path, acks: Path) -> None:
    with application(data, acks) as process:
        wait_for_more(acks, process, 300)
        if round_ == "both":
            os.kill(postmaster_pid(data / "pg"), signal.SIGKILL)
        if round_ == "postgresql":
            os.kill(postmaster_pid(data / "pg"), signal.SIGKILL)
            with embedded.start(data / "pg"):
                wait_for_more(acks, process, 100)  # the application goes on by itself once the server is there


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


def crash(data: Path, acks: Path, rounds: int) -> None:
    crashing.prepare(data)
    for n in range(rounds):
        kill(ROUNDS[n % len(ROUNDS)], data, acks)
        check(data, acks)
    assert len(acknowledged(acks)) >= 300 * rounds


def test_five_kills_lose_nothing(tmp_path: Path) -> None:
    crash(tmp_path / "data", tmp_path / "acks", 5)


def test_a_writer_that_does_not_wait_for_the_disk_is_found_out(tmp_path: Path) -> None:
    data, acks = tmp_path / "data", tmp_path / "acks"
    crashing.prepare(data)
    with application(data, acks, "unsafe") as process:
        wait_for_more(acks, process, 300)
        os.kill(postmaster_pid(data / "pg"), signal.SIGKILL)
    with Installation(crashing.settings(data)) as opened, psycopg.connect(opened.owner_dsn()) as connection:
        assert lost(acks, connection) != []


@pytest.mark.deep
def test_many_kills_lose_nothing(tmp_path: Path) -> None:
    crash(tmp_path / "data", tmp_path / "acks", 20)
