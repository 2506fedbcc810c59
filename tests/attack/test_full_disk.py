"""A disk that is full to the last byte, under the embedded database and the files at once."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from api import health
from api.installation import Installation
from api.settings import Settings
from domain.ledger import embedded, keeper, writer
from tests.attack.small_disk import mounted
from tests.attack.troubles import Desk, rounds_of, tell
from tests.fixtures_ledger import ARCHIVIST, DOMAIN
from tests.fixtures_web import opened
from tests.ledger.appending import wait_until
from tests.ledger.server_user import postmaster_pid

MB = 1024**2
TENANT = "trang"
SMALL_LOG = {"max_wal_size": "48MB", "min_wal_size": "32MB"}
Property = Callable[[str, object], None]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "RECONNECT_FOR_S", 0.2)
    monkeypatch.setattr(writer, "TRY_EVERY_S", 0.05)
    monkeypatch.setattr(keeper, "LOOK_EVERY_S", 0.1)
    monkeypatch.setattr(keeper, "AGAIN_AFTER_S", 0.2)


@contextmanager
def office(root: Path, monkeypatch: pytest.MonkeyPatch, reserve: int) -> Iterator[tuple[Desk, Installation]]:
    """An installation of its own, database and files under `root`."""

    def start(data_dir: Path) -> embedded.Running:
        return embedded.start(data_dir, shared_buffers="16MB", extra_settings=SMALL_LOG)

    monkeypatch.setattr(keeper.Keeper.__init__, "__defaults__", (start,))
    wanted = Settings(data=root / "data", tenant=TENANT, actor=ARCHIVIST.id, disk_reserve=reserve)
    with Installation(wanted) as installation:
        installation.create_tenant(TENANT, DOMAIN)
        with opened(installation, installation.open()) as web:
            yield Desk(web), installation


@pytest.mark.parametrize("rounds", [4, pytest.param(50, marks=pytest.mark.deep)])
def test_a_full_disk_refuses_in_words_and_goes_on_by_itself(
    monkeypatch: pytest.MonkeyPatch, rounds: int, record_property: Property
) -> None:
    with mounted(256 * MB) as disk, office(disk.root, monkeypatch, 40 * MB) as (desk, installation):
        before = postmaster_pid(disk.root / "data" / "pg")
        said = rounds_of(desk, rounds, disk.fill, disk.make_room, ("case", "document"), "storage.full")
        tell(said, record_property)
        assert postmaster_pid(disk.root / "data" / "pg") == before, "the server went down"
        with psycopg.connect(installation.owner_dsn()) as owner:
            desk.check(owner, TENANT)


def test_a_full_disk_is_told_on_pages_in_the_readers_language(monkeypatch: pytest.MonkeyPatch) -> None:
    with mounted(256 * MB) as disk, office(disk.root, monkeypatch, 40 * MB) as (desk, _):
        desk.done("case", "first")
        disk.fill()
        assert "ikke mer plass på disken" in desk.page("nb")
        assert "no room left on the disk" in desk.page("en")
        assert any("are free" in one for one in health.faults(desk.web.tenant))


def test_room_under_the_reserve_is_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    with mounted(256 * MB) as disk, office(disk.root, monkeypatch, 40 * MB) as (desk, _):
        disk.fill(leave=39 * MB)
        desk.refused("case", "a", "storage.full")
        desk.refused("document", "b", "storage.full")
        disk.make_room()
        disk.fill(leave=60 * MB)
        wait_until(lambda: not health.faults(desk.web.tenant))
        desk.done("case", "a")
        desk.done("document", "b")


@pytest.mark.parametrize("rounds", [1, pytest.param(10, marks=pytest.mark.deep)])
def test_a_server_that_the_full_disk_took_down_comes_back_with_room(
    monkeypatch: pytest.MonkeyPatch, rounds: int, record_property: Property
) -> None:
    """Without a reserve the database fills its own disk: that is what the reserve is for, and even this mends itself."""
    began, downs = time.monotonic(), 0
    with mounted(256 * MB) as disk, office(disk.root, monkeypatch, 0) as (desk, installation):
        for _ in range(rounds):
            before, key = postmaster_pid(disk.root / "data" / "pg"), uuid.uuid4().hex
            disk.fill()
            assert ran_out_of_log(installation)
            disk.fill()  # what its fall set free
            told = desk.post("case", key)
            assert told.readable, told
            disk.make_room()
            wait_until(lambda: not health.faults(desk.web.tenant), timeout_s=60)
            downs += postmaster_pid(disk.root / "data" / "pg") != before
            desk.done("case", key)
            desk.read()
            desk.web.caught_up()
        with psycopg.connect(installation.owner_dsn()) as owner:
            desk.check(owner, TENANT)
    tell({"rounds": rounds, "server started anew": downs, "seconds": round(time.monotonic() - began, 1)}, record_property)


def ran_out_of_log(installation: Installation) -> bool:
    """Let the server use up the log files that it has made before, until it finds no room for the next and breaks off."""
    try:
        with psycopg.connect(installation.owner_dsn(), autocommit=True) as owner:
            for _ in range(100):
                owner.execute("select pg_logical_emit_message(true, 'attack', 'one more')")
                owner.execute("select pg_switch_wal()")
    except psycopg.OperationalError:
        return True
    return False
