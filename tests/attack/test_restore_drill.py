"""The restore drill proves that the mirror comes back, and everybody who asks is told the truth when it does not."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import psycopg
import pytest

from api import upkeep
from api.app import create_app
from api.installation import Installation, Tenant
from domain.ledger import restoring
from domain.ledger.blobs import Folder
from domain.ledger.mirror_tail import read_tail
from domain.ledger.mirror_target import FolderTarget, Inside
from domain.ledger.monotone import recall
from domain.ledger.restore_drill import Proof, age, due, read_proof
from tests.attack.restoring import CHAIN, TENANT, World
from tests.fixtures_ledger import new_case
from tests.ledger.appending import wait_until
from tools.doctor import examine

with warnings.catch_warnings():  # its transport is to be renamed; ours is pinned
    warnings.simplefilter("ignore")
    from fastapi.testclient import TestClient

NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, Installation, Tenant]]:
    world = World(tmp_path_factory.mktemp("drill"))
    with world.open(follow=True) as (opened, tenant):
        world.live(opened, tenant, 3)
        yield world, opened, tenant


def metrics(opened: Installation) -> dict[str, float]:
    with TestClient(create_app(opened)) as client:
        text = client.get("/metrics").text
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert all('{tenant="fjordvik"} ' in line for line in lines)
    return {line.partition("{")[0]: float(line.rpartition(" ")[2]) for line in lines}


def test_the_age_of_the_last_proof_grows_while_drills_fail(running: tuple[World, Installation, Tenant]) -> None:
    world, opened, tenant = running
    before = metrics(opened)
    assert (before["dagbok_drill_age_seconds"], before["dagbok_verified_position"]) == (float("inf"), 0)
    assert any("was never brought back" in what for what in examine(opened)["warnings"])
    proof = upkeep.drill(opened, TENANT)
    head = tenant.ledger.reader.head().position
    assert (proof.problem, proof.chains) == ("", {CHAIN: head})
    after = metrics(opened)
    assert after["dagbok_drill_age_seconds"] < 60
    assert (after["dagbok_verified_position"], after["dagbok_drill_failed"], after["dagbok_mirror_failed"]) == (head, 0, 0)
    world.set.move_to(world.set.now() + timedelta(hours=1))
    tail = world.mirror / TENANT / CHAIN / "tail"
    whole = tail.read_bytes()
    tail.write_bytes(whole[:-9] + b"!" + whole[-8:])
    assert "damaged" in upkeep.drill(opened, TENANT).problem
    failed = metrics(opened)
    assert failed["dagbok_drill_age_seconds"] > 3_600
    assert (failed["dagbok_drill_failed"], failed["dagbok_verified_position"]) == (1, head)
    assert any("restore drill failed" in what for what in examine(opened)["unsafe"])
    assert world.mirrored(opened).problem  # the mirror's own memory is damaged: it stands still, and says so
    assert metrics(opened)["dagbok_mirror_failed"] == 1
    tail.write_bytes(whole)
    assert upkeep.drill(opened, TENANT).problem == ""
    assert metrics(opened)["dagbok_drill_age_seconds"] < 60
    assert world.mirrored(opened).problem == ""


def test_a_file_that_does_not_come_back_fails_the_drill(running: tuple[World, Installation, Tenant]) -> None:
    world, opened, _ = running
    blob = next((world.mirror / TENANT / CHAIN / "blob").iterdir())
    data = blob.read_bytes()
    blob.write_bytes(data + b" ")
    assert "is not the one whose digest" in upkeep.drill(opened, TENANT).problem
    blob.unlink()
    assert "is absent" in upkeep.drill(opened, TENANT).problem
    blob.write_bytes(data)
    assert upkeep.drill(opened, TENANT).problem == ""


def test_the_lag_of_the_mirror_is_told_whether_or_not_its_job_runs(running: tuple[World, Installation, Tenant]) -> None:
    world, opened, tenant = running
    world.mirrored(opened)
    assert metrics(opened)["dagbok_mirror_lag_events"] == 0
    new_case(tenant.ledger)
    world.set.move_to(world.set.now() + timedelta(seconds=90))
    late = metrics(opened)
    assert (late["dagbok_mirror_lag_events"], late["dagbok_mirror_lag_seconds"] >= 90) == (2, True)
    assert late["dagbok_mirror_position"] == late["dagbok_head_position"] - 2
    assert any("behind: is its job running" in what for what in examine(opened)["unsafe"])
    with upkeep.Upkeep(opened, [TENANT]):
        wait_until(lambda: metrics(opened)["dagbok_mirror_lag_events"] == 0)
    assert [what for what in examine(opened)["unsafe"] if "mirror" in what] == []


def test_a_stopped_ledger_is_told_everywhere_and_keeps_its_files(running: tuple[World, Installation, Tenant]) -> None:
    _, opened, tenant = running
    blobs = tenant.ledger.blobs
    assert isinstance(blobs, Folder)
    with TestClient(create_app(opened)) as client:
        assert client.get("/readyz").status_code == 200
        with psycopg.connect(opened.owner_dsn(), autocommit=True) as connection:
            connection.execute(f"insert into {TENANT}.ledger_stop values ('prøve')")
            try:
                ready = client.get("/readyz")
                assert (ready.status_code, ready.json()["reasons"]) == (503, ["fjordvik: the ledger is read-only: prøve"])
                assert metrics(opened)["dagbok_stopped"] == 1
                assert any("read-only: prøve" in what for what in examine(opened)["unsafe"])
                stray = blobs.folder / "ab" / "abcd"
                stray.parent.mkdir(exist_ok=True)
                stray.write_bytes(b"of a lost event")
                os.utime(stray, (0, 0))
                assert tenant.sweep() == []
            finally:
                connection.execute(f"delete from {TENANT}.ledger_stop")
        assert tenant.sweep() == ["abcd"]  # negative control
        assert client.get("/readyz").status_code == 200


def test_the_drill_by_the_program(running: tuple[World, Installation, Tenant]) -> None:
    world, _, _ = running
    assert f"{CHAIN}: " in world.run("mirror")
    told = world.asked("drill")
    assert told[TENANT]["problem"] == ""
    assert told[TENANT]["chains"][CHAIN] > 0
    assert "no mirror is set" in world.run("drill", code=2, mirror=False)
    doctor = examine(running[1])
    assert doctor[TENANT]["last_verified_position"] == told[TENANT]["chains"][CHAIN]
    assert doctor[TENANT]["last_proof_age_s"] is not None


@contextmanager
def serving(world: World) -> Iterator[str]:
    """`dagbok serve` as a process of its own; its address."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DAGBOK_")}
    environment |= {"DAGBOK_DATA": str(world.data), "DAGBOK_SIGNER_DIR": str(world.signer), "DAGBOK_MIRROR": str(world.mirror)}
    command = [sys.executable, "-m", "tools.cli", "serve", "--actor", "tor.lie", "--port", "18765"]
    root = Path(__file__).resolve().parents[2]
    with subprocess.Popen(command, env=environment, cwd=root, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            address = ""
            while not address.startswith("http"):
                address = process.stdout.readline().strip()
                assert address, "the program ended"
            yield address
        finally:
            process.terminate()
            process.wait(60)


def test_what_is_served_is_mirrored_and_a_ledger_restored_by_hand_is_stopped_before_the_first_write(tmp_path: Path) -> None:
    world = World(tmp_path)
    with world.open() as (opened, tenant):
        world.live(opened, tenant, 1)
        kept = tenant.ledger.reader.head().position
        place = world.backup(opened)
    with serving(world) as address:
        answer = httpx.post(f"{address}api/v1/cases", json={"title": "Mens det går"}, timeout=30)
        assert answer.status_code == 201
        wait_until(lambda: held(world) > kept)
        wait_until(lambda: signed(world) > kept)
    reached = held(world)
    world.exchange()
    restoring.unpack(place, world.data)  # by hand: nobody has looked yet
    with serving(world) as address:
        answer = httpx.post(f"{address}api/v1/cases", json={"title": "For tidlig"}, timeout=30)
        assert (answer.status_code, answer.json()["code"]) == (503, "ledger.stopped")
        assert httpx.get(f"{address}log", timeout=30).status_code == 200
    assert held(world) == reached
    told = world.asked("ledger", "compare", code=1)["tenants"][0]["chains"][0]
    assert [lost["position"] for lost in told["events"]] == list(range(kept + 1, reached + 1))


def held(world: World) -> int:
    found = read_tail(Inside(FolderTarget(world.mirror), f"{TENANT}/{CHAIN}"))
    return found[0].position if found else 0


def signed(world: World) -> int:
    memory = recall(world.signer, CHAIN)
    return memory.tree.size if memory and memory.tree else 0


def test_a_drill_is_due_by_the_clock_alone(tmp_path: Path) -> None:
    never = read_proof(tmp_path / "none")
    assert (never, due(never, NOW, 1), age(never, NOW)) == (Proof(), True, float("inf"))
    (tmp_path / "torn").write_bytes(b'{"tried"')
    assert read_proof(tmp_path / "torn") == Proof()
    tried = Proof(tried="2026-03-04T11:30:00.000000Z", proved="2026-03-03T12:00:00.000000Z")
    assert not due(tried, NOW, 1)
    assert due(tried, NOW, 0.5)
    assert age(tried, NOW) == 86_400


def test_a_ledger_that_is_not_the_mirrored_one_fails_the_drill(running: tuple[World, Installation, Tenant]) -> None:
    _, opened, tenant = running
    head = tenant.ledger.reader.head().position
    with psycopg.connect(opened.owner_dsn(), autocommit=True) as connection:
        connection.execute("set session_replication_role = replica")
        swap = f"update {TENANT}.event set chain_hash = sha256(chain_hash) where position = {head}"
        kept = connection.execute(f"select chain_hash from {TENANT}.event where position = {head}").fetchone()
        connection.execute(swap)
        try:
            assert "is another one in the mirror" in upkeep.drill(opened, TENANT).problem
        finally:
            connection.execute(f"update {TENANT}.event set chain_hash = %s where position = {head}", kept)
