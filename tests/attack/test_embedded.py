"""The embedded server and its users killed at any moment of start, use and stop, beside a foreign process that has taken over the
id of a server that is no more: up again without a hand each time, nobody else touched, rights as they were, nothing lost."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest

from domain.ledger import embedded, postmaster
from domain.ledger.cluster import Cluster
from tests.ledger.server_user import PATIENCE_S, ServerUser, lives, modes, quick_folder, until

ORDINARY, DEEP = 5, 50
SEED = int(os.environ.get("DAGBOK_SEED", "20260301"))
MOMENTS = ("starting", "up", "stopping")
VICTIMS = ("one user", "both users", "server", "a process of the server", "everybody")
Record = Callable[[str, Any], None]


@contextmanager
def foreigner(folder: Path, name: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process that is not ours, bears a server's name and works in the data folder."""
    sleep = shutil.which("sleep")
    assert sleep is not None
    disguised = folder / name
    shutil.copy(sleep, disguised)
    with subprocess.Popen([disguised, "10000"], cwd=folder / "data" / "pg") as process:
        try:
            yield process
        finally:
            process.kill()


def plant(place: Path, pid: int) -> None:
    """Leave the files of a crashed server behind whose process id now belongs to somebody else."""
    cluster = Cluster.at(place)
    said = f"{pid}\n{place}\n{int(time.time()) - 7_200}\n5432\n/nowhere\n\n  1 2\nready   \n"
    (place / "postmaster.pid").write_text(said, encoding="ascii")
    cluster.record.write_text(f"{pid}\nanother boot 4711\n", encoding="ascii")


def served_by(place: Path) -> int | None:
    """The server's process id while there is a server."""
    return postmaster.find(place, Cluster.at(place).record)


def child_of(pid: int, chance: random.Random) -> int | None:
    """One of the server's own processes."""
    with suppress(OSError):
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
        return int(chance.choice(children)) if children else None
    return None


def kill(pid: int | None) -> bool:
    """As `kill -9` does; whether there was anybody."""
    if pid is None:
        return False
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def strike(victim: str, users: list[ServerUser], place: Path, chance: random.Random) -> int:
    """Kill; how many processes."""
    struck = 0
    server = served_by(place)
    if victim in ("server", "everybody"):
        struck += kill(server)
    if victim == "a process of the server" and server is not None:
        struck += kill(child_of(server, chance))
    wanted = {"one user": users[:1], "both users": users, "everybody": users}.get(victim, [])
    for user in wanted:
        struck += user.process.poll() is None
        user.kill()
    return struck


def began(users: list[ServerUser], moment: str, chance: random.Random) -> None:
    """Bring the users to the moment at which the blow comes."""
    if moment == "starting":
        time.sleep(chance.uniform(0, 0.6))
        return
    for user in users:
        user.up()
    if moment == "stopping":
        for user in users:
            assert user.process.stdin is not None
            with suppress(BrokenPipeError):
                user.process.stdin.write(b"\n")
                user.process.stdin.flush()
        time.sleep(chance.uniform(0, 0.15))


def up_again(place: Path, work: Callable[[embedded.Server], None]) -> None:
    """Start or join the server, use it and leave, all within a minute."""
    failed: list[BaseException] = []

    def use() -> None:
        try:
            with embedded.start(place) as running:
                work(running.server)
        except BaseException as problem:
            failed.append(problem)

    thread = threading.Thread(target=use, daemon=True)
    thread.start()
    thread.join(PATIENCE_S)
    assert not thread.is_alive(), "it does not come up by itself"
    if failed:
        raise failed[0]


def keep(server: embedded.Server, number: int) -> None:
    """All rows of the rounds before are there; add one."""
    with psycopg.connect(server.dsn()) as connection:
        connection.execute("create table if not exists kept(n int primary key)")
        rows = [row[0] for row in connection.execute("select n from kept order by n").fetchall()]
        assert rows == list(range(number))
        connection.execute("insert into kept values (%s)", (number,))


def one_round(place: Path, moment: str, victim: str, chance: random.Random) -> int:
    """Two users, one blow; how many processes it struck."""
    with ExitStack() as stack:
        users = [stack.enter_context(ServerUser(place)) for _ in range(2)]
        began(users, moment, chance)
        struck = strike(victim, users, place, chance)
        for user in users:  # whom nobody killed leaves in good order, with or without a server
            if user.process.poll() is None and chance.random() < 0.5:
                with suppress(BrokenPipeError, AssertionError):
                    user.leave()
    return struck


def rounds(root: Path, count: int, record: Record) -> None:
    """So many rounds; every moment and every victim comes up in turn, a first start each fifth time."""
    chance, told = random.Random(SEED), Counter[str]()
    began_at = time.monotonic()
    (root / "data").mkdir(mode=0o751)
    (root / "data" / "blobs").mkdir(mode=0o775)
    place = root / "data" / "pg"
    embedded.start(place).stop()
    before = modes(root, root / "data", root / "data" / "blobs", place, root / "data" / "secrets", root / "data" / "pg.run")
    new = root / "new"
    with foreigner(root, "postgres") as foreign:
        for n in range(count):
            moment, victim = MOMENTS[n % 3], VICTIMS[n % 5]
            plant(place, foreign.pid)
            told["struck"] += one_round(place, moment, victim, chance)
            up_again(place, lambda server, n=n: keep(server, n))  # type: ignore[misc]
            until(lambda: served_by(place) is None)
            assert foreign.poll() is None
            assert modes(*before) == before
            assert sorted(path.name for path in place.parent.iterdir()) == ["blobs", "pg", "pg.run", "secrets"]
            told["rounds"] += 1
            if n % 5 == 0:
                told["struck first starts"] += one_round(new / "pg", "starting", VICTIMS[n // 5 % 5], chance)
                up_again(new / "pg", lambda server: keep(server, 0))
                assert sorted(path.name for path in new.iterdir()) == ["pg", "pg.run", "secrets"]
                shutil.rmtree(new)
    said = f"seed {SEED}, {dict(told)}, {time.monotonic() - began_at:.0f} s"
    record("rounds", said)
    print(said)
    assert told["rounds"] == count
    assert told["struck"] >= count // 2


def test_killed_at_any_moment_it_comes_up_again(record_property: Record) -> None:
    with quick_folder() as root:
        rounds(root, ORDINARY, record_property)


@pytest.mark.deep
def test_killed_at_any_moment_it_comes_up_again_at_length(record_property: Record) -> None:
    with quick_folder() as root:
        rounds(root, DEEP, record_property)


def test_a_lost_row_and_a_killed_foreigner_would_be_seen() -> None:
    with quick_folder() as root:
        place = root / "data" / "pg"
        embedded.start(place).stop()
        up_again(place, lambda server: keep(server, 0))
        with pytest.raises(AssertionError):
            up_again(place, lambda server: keep(server, 0))
        with foreigner(root, "postgres") as foreign:
            assert lives(foreign.pid)
            assert kill(foreign.pid)
            until(lambda: foreign.poll() is not None)


def test_a_start_that_believed_the_planted_files_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the checks of who a process is taken away the foreigner is found, as the test above would find."""
    with quick_folder() as root:
        place = root / "data" / "pg"
        embedded.start(place).stop()
        with foreigner(root, "postgres") as foreign:
            plant(place, foreign.pid)
            assert served_by(place) is None
            found = postmaster.process(foreign.pid)
            assert found is not None
            Cluster.at(place).record.write_text(f"{foreign.pid}\n{found.token}\n", encoding="ascii")
            assert served_by(place) == foreign.pid
