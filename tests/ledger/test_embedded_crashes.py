"""The embedded server after kill -9, with stale files, beside foreign processes: up again without a hand, nobody else touched."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Protocol

import psycopg
import pytest

from domain.ledger import embedded, pgbin
from domain.ledger.cluster import work_in
from tests.ledger.server_user import ServerUser, copied, gone, lives, postmaster_pid, quick_folder, until

SHARES = 3


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("template") / "data"
    embedded.start(data / "pg").stop()
    return data


@pytest.fixture
def place(template: Path, tmp_path: Path) -> Path:
    """A data folder that was used before."""
    return copied(template, tmp_path / "data")


@pytest.fixture
def new_place(tmp_path: Path) -> Path:
    """A data folder that is not there yet."""
    return tmp_path / "data" / "pg"


def write(server: embedded.Server, *statements: str) -> None:
    with psycopg.connect(server.dsn()) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def count(server: embedded.Server) -> int:
    with psycopg.connect(server.dsn()) as connection:
        row = connection.execute("select count(*) from kept").fetchone()
    assert row is not None
    return int(row[0])


@contextmanager
def program(path: Path | str, *arguments: str, cwd: Path) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([path, *arguments], cwd=cwd) as process:
        try:
            yield process
        finally:
            process.kill()


def test_a_server_whose_user_was_killed_is_joined_and_stopped(place: Path) -> None:
    with ServerUser(place) as user:
        user.up()
        pid = postmaster_pid(place)
        user.kill()
    assert lives(pid)
    with embedded.start(place) as running:
        assert postmaster_pid(place) == pid
        write(running.server, "create table kept()")
    gone(pid)


def test_a_killed_postmaster_loses_nothing_committed(place: Path) -> None:
    with ServerUser(place) as user:
        user.up()
        with embedded.start(place) as running:
            write(running.server, "create table kept as select generate_series(1, 1000)")
            os.kill(postmaster_pid(place), signal.SIGKILL)
        with embedded.start(place) as again:
            assert count(again.server) == 1000
        pid = postmaster_pid(place)
        assert lives(pid), "the other process still holds on"
        user.leave()
        gone(pid)


def test_everybody_killed_at_once_and_started_again(place: Path) -> None:
    for round_no in range(3):
        with ServerUser(place) as user:
            user.up()
            with embedded.start(place) as running:
                write(running.server, "create table if not exists kept(n int)", f"insert into kept values ({round_no})")
                pid = postmaster_pid(place)
                user.kill()
                os.kill(pid, signal.SIGKILL)
    with embedded.start(place) as running:
        assert count(running.server) == 3


@pytest.mark.parametrize("name", ["sleep", "postgres"])
def test_a_stale_pid_of_a_foreign_process_is_not_believed(place: Path, tmp_path: Path, name: str) -> None:
    """Also of one that bears the server's name and works in the data folder, and is on our own record."""
    with embedded.start(place) as running:
        write(running.server, "create table kept()")
        os.kill(postmaster_pid(place), signal.SIGKILL)
        remains = (place / "postmaster.pid").read_text(encoding="utf-8").split("\n", 1)[1]
        record = (place.parent / "pg.run" / "postmaster").read_text(encoding="ascii").split("\n", 1)[1]
    sleep = shutil.which("sleep")
    assert sleep is not None
    disguised = tmp_path / name
    shutil.copy(sleep, disguised)
    with program(disguised, "1000", cwd=place) as foreign:
        (place / "postmaster.pid").write_text(f"{foreign.pid}\n{remains}", encoding="utf-8")
        (place.parent / "pg.run" / "postmaster").write_text(f"{foreign.pid}\n{record}", encoding="ascii")
        # the file of the crash is as old as the server was; this process is younger by more than the clocks differ
        aged = remains.split("\n")
        aged[1] = str(int(aged[1]) - 3600)
        (place / "postmaster.pid").write_text("\n".join([str(foreign.pid), *aged]), encoding="utf-8")
        with embedded.start(place) as running:
            assert postmaster_pid(place) != foreign.pid
            assert count(running.server) == 0
        assert foreign.poll() is None
        (place / "postmaster.pid").write_text("\n".join([str(foreign.pid), *aged]), encoding="utf-8")
        embedded.start(place).stop()
        assert foreign.poll() is None


def test_a_copied_folder_does_not_reach_for_the_originals_server(place: Path, tmp_path: Path) -> None:
    with embedded.start(place) as running:
        write(running.server, "create table kept()")
        pid = postmaster_pid(place)
        copy = tmp_path / "copy"
        with embedded.start(copied(place.parent, copy)) as other:
            assert other.server.socket_dir != running.server.socket_dir
            assert postmaster_pid(copy / "pg") != pid
            assert count(other.server) == 0
        assert count(running.server) == 0
        assert postmaster_pid(place) == pid


def test_an_interrupted_making_is_made_again(new_place: Path) -> None:
    leftover = new_place.parent / "pg.init-before" / "data"
    leftover.mkdir(parents=True)
    (leftover / "PG_VERSION").write_text("18\n", encoding="ascii")
    with ServerUser(new_place) as user:
        until(lambda: any(new_place.parent.glob("pg.init-*/data/global")))
        assert not leftover.exists()
        user.kill()
    assert not new_place.exists()
    with embedded.start(new_place) as running:
        write(running.server, "create table kept()")
    assert sorted(path.name for path in new_place.parent.iterdir()) == ["pg", "pg.run", "secrets"]


class Trace(Protocol):
    def __call__(self, frame: FrameType, event: str, arg: object, /) -> Trace | None: ...


def _end_at(step: int, place: Path) -> None:
    """Start and stop, and be killed before the step-th line of the ledger's code that had not been run before."""
    seen: set[tuple[str, int]] = set()

    def trace(frame: FrameType, event: str, arg: object, /) -> Trace | None:
        if "ledger" not in Path(frame.f_code.co_filename).parts[-2:]:
            return None
        seen.add((frame.f_code.co_filename, frame.f_lineno))
        if len(seen) == step:
            os.kill(os.getpid(), signal.SIGKILL)
        return trace

    sys.settrace(trace)
    embedded.start(place).stop()


def _kill_at_each(steps: Iterable[int], folder: Path, *, first_start: bool) -> int:
    """Kill at the steps until there are no more; after each the next start must come up by itself. The number of kills."""
    kills = 0
    if not first_start:
        embedded.start(folder / "pg").stop()
    for step in steps:
        place = folder / str(step) / "pg" if first_start else folder / "pg"
        child = multiprocessing.get_context("fork").Process(target=_end_at, args=(step, place))
        child.start()
        child.join()
        if child.exitcode == 0:
            break
        assert child.exitcode == -signal.SIGKILL
        kills += 1
        with embedded.start(place) as running:
            write(running.server, "select 1")
            pid = postmaster_pid(place)
        gone(pid)
        assert sorted(path.name for path in place.parent.iterdir()) == ["pg", "pg.run", "secrets"]
        if first_start:
            shutil.rmtree(place.parent)
    return kills


@pytest.mark.parametrize(("first_start", "stride"), [(True, 80), (False, 30)])
def test_killed_at_some_lines_of_start_and_stop(first_start: bool, stride: int) -> None:
    with quick_folder() as folder:
        assert _kill_at_each(range(5, 1000, stride), folder, first_start=first_start) >= 3


def _kill_at_every(first: int, first_start: bool) -> int:
    with quick_folder() as folder:
        return _kill_at_each(range(first, 1000, SHARES), folder, first_start=first_start)


@pytest.mark.deep
@pytest.mark.parametrize("first_start", [True, False])
def test_killed_at_every_line_of_start_and_stop(first_start: bool) -> None:
    """Every line is one's turn, in folders side by side: most of it is waiting."""
    with ProcessPoolExecutor(SHARES, multiprocessing.get_context("fork")) as pool:
        kills = sum(pool.map(partial(_kill_at_every, first_start=first_start), range(1, SHARES + 1)))
    print(f"{kills} lines, first start: {first_start}")
    assert kills >= 150


def _ended(pid: int) -> bool:
    return not lives(pid)


def test_a_stop_right_after_a_killed_backend_comes_to_an_end(place: Path) -> None:
    """PostgreSQL restarts all its processes then; a shutdown asked for in that moment would hang."""
    for _ in range(5):
        with embedded.start(place) as running, psycopg.connect(running.server.dsn()) as connection:
            os.kill(connection.info.backend_pid, signal.SIGKILL)
            until(partial(_ended, connection.info.backend_pid))
    log = "".join(path.read_text(encoding="utf-8") for path in (place / "log").iterdir())
    assert log.count("was terminated by signal 9") == 5
    assert "received immediate shutdown request" not in log


def test_a_shutdown_that_does_not_end_is_ended(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "PATIENCE_S", 0.2)
    with ServerUser(place) as user:
        user.up()
        pid = postmaster_pid(place)
        with embedded.start(place) as running, psycopg.connect(running.server.dsn()) as connection:
            write(running.server, "create table kept()")
            row = connection.execute("select pid from pg_stat_activity where backend_type = 'checkpointer'").fetchone()
            assert row is not None
            os.kill(row[0], signal.SIGSTOP)  # without it there is no orderly end
        os.kill(pid, signal.SIGINT)
        user.kill()
    with embedded.start(place) as running:
        assert postmaster_pid(place) != pid
        assert count(running.server) == 0
    log = "".join(path.read_text(encoding="utf-8") for path in (place / "log").iterdir())
    assert "received immediate shutdown request" in log


def test_a_lost_socket_is_made_again(place: Path) -> None:
    with embedded.start(place) as running:
        shutil.rmtree(running.server.socket_dir)
        with embedded.start(place) as again:
            write(again.server, "create table kept()")
        assert count(running.server) == 0, "at the place that the first user knows"


def test_remains_of_a_socket_are_no_hindrance(place: Path) -> None:
    with embedded.start(place) as running:
        os.kill(postmaster_pid(place), signal.SIGKILL)
        lock = running.server.socket_dir / ".s.PGSQL.5432.lock"
        lock.write_text(f"{os.getpid()}\n" + lock.read_text(encoding="utf-8").split("\n", 1)[1], encoding="utf-8")
        running.stop()
    embedded.start(place).stop()


def test_a_server_that_other_hands_started_is_joined_and_left_running(place: Path) -> None:
    with embedded.start(place) as running:
        write(running.server, "create table kept()")
    account = pgbin.account_for(place)
    sockets = Path(tempfile.mkdtemp(prefix="dagbok-test-"))
    os.chown(sockets, account.uid, account.gid)
    command: list[Path | str] = [
        embedded.binaries() / "postgres",
        "-D",
        work_in(place, account),
        "-c",
        "listen_addresses=",
        "-k",
        sockets,
    ]
    other = subprocess.Popen(
        command, cwd=place, env=pgbin.ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        user=account.uid if account.drop else None, group=account.gid if account.drop else None,
        extra_groups=[] if account.drop else None,
    )  # fmt: skip
    with other:
        try:
            until(lambda: (sockets / ".s.PGSQL.5432").exists())
            with embedded.start(place) as running:
                assert running.server.socket_dir == sockets
                assert count(running.server) == 0
            assert other.poll() is None
        finally:
            other.send_signal(signal.SIGINT)
    shutil.rmtree(sockets)
