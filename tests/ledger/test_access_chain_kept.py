"""The access log is kept as the records are: mirrored, brought back in the drill, restored, and seen to by `dagbok doctor`."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from api import upkeep
from api.installation import Installation, Tenant
from domain.handlers import access_log
from domain.ledger.access_chain import AccessLogAway
from domain.ledger.clock import LOCAL
from domain.ledger.mirror_tail import place_of
from domain.model.access_log import PAGE, AccessRead
from tests.attack.restoring import CHAIN, TENANT, World
from tests.fixtures_ledger import DOMAIN, new_case
from tools.doctor import examine
from tools.verify import verify_export


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def log_of(world: World) -> tuple[str, str]:
    """chain_id and schema of the year's log."""
    year = world.clock.now().astimezone(LOCAL).year
    return f"{DOMAIN}/access/{year}", f"{TENANT}_access_{year}"


def read(world: World, opened: Installation, tenant: Tenant, times: int, mirrored: bool = True) -> str:
    """So many readings, signed and mirrored; where the last one stands."""
    for _ in range(times):
        given = access_log.note(tenant.ledger, AccessRead(uuid.uuid4(), "entry", "13", PAGE, ()), actor="tor.lie")
    signer = world.signer_of(opened, *log_of(world))
    signer.tick()
    signer.close()
    if mirrored:
        assert world.mirrored(opened).problem == ""
    return given


def chains(world: World) -> Iterator[tuple[str, bool, int]]:
    for one in world.asked("verify")["chains"]:
        yield one["chain_id"], one["ok"], one["events"]


def test_mirror_drill_and_doctor_cover_it(world: World) -> None:
    with world.open() as (opened, tenant):
        world.live(opened, tenant, 1)
        assert "access_log" not in examine(opened)[TENANT]
        read(world, opened, tenant, 4)
        proof = upkeep.drill(opened, TENANT)
        head = tenant.ledger.reader.head().position
        assert (proof.problem, proof.chains) == ("", {CHAIN: head, log_of(world)[0]: 6})
        found = examine(opened)
        assert (found[TENANT]["access_log"], found[TENANT]["access_log_head"], found[TENANT]["access_log_checkpoint"]) == (
            log_of(world)[0],
            6,
            6,
        )
        tail = world.mirror / TENANT / log_of(world)[0] / "tail"
        whole = tail.read_bytes()
        tail.write_bytes(whole[:-9] + b"!" + whole[-8:])
        assert "damaged" in upkeep.drill(opened, TENANT).problem


def test_verify_and_export_on_the_command_line(world: World) -> None:
    with world.open() as (opened, tenant):
        read(world, opened, tenant, 2, mirrored=False)
        chain_id = log_of(world)[0]
    assert (chain_id, True, 4) in set(chains(world))
    folder = world.folder / "log"
    world.run("log", "export", str(folder), "--chain", chain_id, "--payloads")
    assert verify_export(folder, require_payloads=True).ok


def test_what_a_restore_has_lost_of_it_stops_no_record_and_comes_back(world: World) -> None:
    with world.open() as (opened, tenant):
        world.live(opened, tenant, 1)
        read(world, opened, tenant, 2)
        kept = world.backup(opened)
        read(world, opened, tenant, 3)
    world.exchange()
    told = world.asked("restore", str(kept), code=1)["tenants"][0]
    lost = {one["chain_id"]: [event["position"] for event in one["events"]] for one in told["chains"]}
    chain_id = log_of(world)[0]
    assert lost == {CHAIN: [], chain_id: [5, 6, 7]}
    assert told["read_only"] == ""
    with world.open() as (opened, tenant):
        new_case(tenant.ledger)
        signer = world.signer_of(opened, *log_of(world))
        with pytest.raises(Exception, match="7 events were signed"):
            signer.tick()
        signer.close()
        with pytest.raises(AccessLogAway):
            access_log.note(tenant.ledger, AccessRead(uuid.uuid4(), "entry", "13", PAGE, ()), actor="tor.lie")
        assert any("coded material cannot be read" in what for what in examine(opened)["unsafe"])
    said = world.run("log", "import", "--mirror")
    assert f"{chain_id}: positions 5 to 7" in said
    assert CHAIN not in said
    with world.open() as (opened, tenant):
        assert read(world, opened, tenant, 1, mirrored=False) == f"{chain_id}#8"
    assert all(ok for _, ok, _ in chains(world))


def test_a_year_that_came_after_the_backup_is_named_and_brought_in_whole(world: World) -> None:
    with world.open() as (opened, tenant):
        world.live(opened, tenant, 1)
        kept = world.backup(opened)
        read(world, opened, tenant, 2)
    world.exchange()
    told = world.asked("restore", str(kept), code=1)["tenants"][0]
    chain_id = log_of(world)[0]
    assert (told["unknown_chains"], told["read_only"]) == ([chain_id], "")
    world.run("log", "import", str(world.mirror / TENANT / place_of(chain_id)))
    with world.open() as (opened, tenant):
        assert read(world, opened, tenant, 1, mirrored=False) == f"{chain_id}#5"
        new_case(tenant.ledger)
    found = {name: (ok, events) for name, ok, events in chains(world)}
    assert found[chain_id] == (True, 5)
    assert found[CHAIN][0]
