"""A backup one hour old, restored under a signer, a mirror and followers that know more: nothing goes on as if nothing were."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from api import health
from api.app import create_app
from api.installation import Installation, Tenant
from domain.ledger import embedded, restoring
from domain.ledger import loss as losses_of
from domain.ledger.faults import Broken, LedgerError
from domain.ledger.monotone import chain_folder, ensure_key, read_key, sign_note
from domain.ledger.signer import State
from tests.attack.restoring import CHAIN, SEED, TENANT, World, copy, derived, digest, events, files
from tests.fixtures_ledger import new_case
from tests.ledger.appending import wait_until

with warnings.catch_warnings():  # its transport is to be renamed; ours is pinned
    warnings.simplefilter("ignore")
    from fastapi.testclient import TestClient

BEFORE, AFTER = 3, 12


class Loss:
    """What there was before the database was lost, and what the backup has of it."""

    def __init__(self, world: World, opened: Installation, kept: int, signed: int) -> None:
        self.world, self.kept, self.signed = world, kept, signed
        self.whole, self.derived, self.files = events(opened), derived(opened), files(world.data)
        self.old_receipts: set[int] = set()
        with psycopg.connect(opened.owner_dsn()) as connection:
            self.follower = connection.execute(f"select * from {TENANT}_p_journal.follower").fetchall()[0]

    @property
    def lost(self) -> list[Any]:
        return self.whole[self.kept :]


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Loss:
    """An hour of life after a backup; the last two commands are mirrored and not signed yet."""
    world = World(tmp_path_factory.mktemp("restore"))
    with world.open(follow=True) as (opened, tenant):
        world.live(opened, tenant, BEFORE)
        world.backup(opened)
        kept, old = tenant.ledger.reader.head().position, set(world.receipts)
        world.live(opened, tenant, AFTER, minutes=60 / AFTER)
        signed = tenant.ledger.reader.head().position
        for title in ("Etter signaturen", "Og en til"):
            new_case(tenant.ledger, title)
        world.mirrored(opened)
        assert tenant.wait(tenant.ledger.reader.head().position, 20)
        loss = Loss(world, opened, kept, signed)
        loss.old_receipts = old
    world.exchange()
    assert len(loss.lost) > 3 * AFTER
    print(f"seed {SEED}: {loss.kept} events in the backup, {len(loss.lost)} lost after it, {len(world.receipts)} receipts")
    return loss


@pytest.fixture
def restored(life: Loss, tmp_path: Path) -> Iterator[tuple[Loss, dict[str, Any]]]:
    """The backup put back by the program, under copies of mirror and signer that are each test's own."""
    world = life.world
    before = world.folder, world.data, world.mirror, world.signer
    for name, place in (("mirror", world.mirror), ("signer", world.signer)):
        copy(place, tmp_path / name)
    world.data, world.mirror, world.signer = tmp_path / "data", tmp_path / "mirror", tmp_path / "signer"
    told = world.asked("restore", str(world.folder / "backup"), "--data", str(world.data), code=1, apart=True)
    with embedded.start(world.data / "pg"):  # held, so that each command joins it
        yield life, told
    world.folder, world.data, world.mirror, world.signer = before


def knows_more(opened: Installation, loss: Loss) -> None:
    """A follower whose store was not restored with the ledger."""
    with psycopg.connect(opened.owner_dsn(), autocommit=True) as connection:
        connection.execute(f"update {TENANT}_p_journal.follower set position = %s, chain_hash = %s", loss.follower[1:])


def refused(tenant: Tenant) -> str:
    with pytest.raises(Broken) as told:
        new_case(tenant.ledger, "Skal ikke inn")
    return str(told.value)


def test_the_restore_lists_exactly_what_is_lost(restored: tuple[Loss, dict[str, Any]]) -> None:
    loss, told = restored
    (one,) = told["tenants"]
    (losses,) = one["chains"]
    assert (one["faults"], losses["another"], losses["position"], losses["signed"]) == ([], [], loss.kept, loss.signed)
    assert [(lost["position"], lost["topic"], lost["unit"], lost["leaf_hash"], lost["signed"]) for lost in losses["events"]] == [
        (row[0], row[3], str(row[1]), bytes(row[12]).hex(), row[0] <= loss.signed) for row in loss.lost
    ]
    assert {lost["position"] for lost in losses["receipts"]} == set(loss.world.receipts) - loss.old_receipts
    assert len(losses["receipts"]) == AFTER
    assert one["files"] == {"absent": [], "damaged": [], "extra": []}
    assert "was restored" in one["read_only"]


def test_the_restored_ledger_is_read_only_and_nothing_outside_is_overwritten(restored: tuple[Loss, dict[str, Any]]) -> None:
    loss, _ = restored
    world = loss.world
    mirror, signer = digest(world.mirror), digest(world.signer)
    with world.open() as (opened, tenant):
        knows_more(opened, loss)
        assert "was restored" in refused(tenant)
        signing = world.signer_of(opened)
        with pytest.raises(Broken):
            signing.tick()
        assert signing.state is State.REFUSED
        signing.close()
        state = world.mirrored(opened)
        assert "no longer holds as it was" in state.problem
        assert digest(world.mirror) == mirror
        assert digest(world.signer) == signer
        assert len(events(opened)) == loss.kept
    with world.open(follow=True) as (opened, tenant), TestClient(create_app(opened)) as client:
        wait_until(lambda: any(runner.follower.broken for runner in tenant.runners))
        answer = client.post("/api/v1/cases", json={"title": "Skal ikke inn"})
        assert (answer.status_code, answer.json()["code"]) == (503, "ledger.stopped")
        assert "only be read" in answer.json()["detail"] or "bare leses" in answer.json()["detail"]
        assert int(answer.headers["Retry-After"]) > 0
        assert client.get("/api/v1/journal").status_code == 200
        assert client.get("/log").status_code == 200
        ready = client.get("/readyz")
        assert ready.status_code == 503
        assert any("has followed" in reason for reason in ready.json()["reasons"])
        assert client.get("/healthz").status_code == 200
        assert health.faults(tenant)


def test_the_mirror_brings_everything_back_byte_for_byte(restored: tuple[Loss, dict[str, Any]]) -> None:
    loss, _ = restored
    world = loss.world
    said = world.run("log", "import", "--mirror", apart=True)
    assert f"positions {loss.kept + 1} to {loss.signed}" in said
    assert "two people may vouch" in said
    with world.open() as (opened, tenant):
        assert events(opened) == loss.whole[: loss.signed]
        for position, text in world.receipts.items():
            assert world.receipt(tenant, position) == text
    same = ["log", "import", "--mirror", "--by", "Kari Nes", "--by", " kari  nes", "--reason", "speilet er vårt eget"]
    assert "two different people" in world.run(*same, code=2)
    world.run(*same[:6], "Ola Moe", *same[7:])
    with world.open(follow=True) as (opened, tenant):
        now = events(opened)
        assert now[: len(loss.whole)] == loss.whole
        assert [row[3] for row in now[len(loss.whole) :]] == ["ledger.fact-type-introduced.v1", "ledger.tail-decided.v1"]
        vouched = json.loads(bytes(now[-1][6]))
        assert vouched["f"]["people"] == ["Kari Nes", "Ola Moe"]
        assert (vouched["f"]["first"], vouched["f"]["last"]) == (loss.signed + 1, len(loss.whole))
        assert derived(opened) == loss.derived
        assert files(world.data) == loss.files
        signing = world.signer_of(opened)
        assert signing.tick() is not None
        new_case(tenant.ledger, "Livet går videre")
        assert signing.tick() is not None
        signing.close()
        assert world.mirrored(opened).problem == ""
        assert tenant.wait(tenant.ledger.reader.head().position, 20)
    told = world.asked("verify")
    assert told["ok"]
    assert world.asked("ledger", "compare")["whole"]


def test_without_a_mirror_two_people_accept_the_loss(restored: tuple[Loss, dict[str, Any]], tmp_path: Path) -> None:
    loss, _ = restored
    world = loss.world
    words = ["ledger", "accept-loss", "--reason", "disken er borte", "--by", "Kari Nes"]
    assert "they are not lost" in world.run(*words, "--by", "Ola Moe", code=2)
    assert "two different people" in world.run(*words, "--by", "KARI NES ", code=2, mirror=False)
    said = world.run(*words, "--by", "Ola Moe", mirror=False, apart=True)
    assert f"positions {loss.kept + 1}-{loss.signed} accepted as lost by Kari Nes and Ola Moe" in said
    told = world.asked("verify", mirror=False)
    assert told["ok"]
    assert [one["chain_id"] for one in told["chains"]] == [CHAIN, CHAIN.replace("/1", "/2")]
    (named,) = [what for what in told["chains"][0]["unprovable"] if "lost" in what]
    assert f"{loss.kept + 1}-{loss.signed}" in named
    assert "Kari Nes" in named
    with world.open(follow=True, mirror=None) as (opened, tenant):
        opening = json.loads(bytes(events(opened, f"{TENANT}_record_2")[0][6]))["f"]
        ((chain_id, note),) = opening["predecessors"]
        assert (chain_id, note.splitlines()[1]) == (CHAIN, str(loss.signed))
        assert len(events(opened)) == loss.kept
        case = new_case(tenant.ledger, "Ny kjede")
        assert tenant.ledger.reader.stream(case)[0].chain_id == CHAIN.replace("/1", "/2")
        signing = world.signer_of(opened, CHAIN.replace("/1", "/2"), f"{TENANT}_record_2")
        assert signing.tick() is not None
        signing.close()
        old = world.signer_of(opened)  # the signer of the old chain refuses, and stops nothing any more
        with pytest.raises(Broken):
            old.tick()
        old.close()
        new_case(tenant.ledger, "Og videre")
        assert tenant.wait(tenant.ledger.reader.head().position, 20)
    assert world.asked("verify", mirror=False)["ok"]
    held = tmp_path / "held"
    held.write_text(note)
    assert world.asked("verify", "--checkpoint", str(held), mirror=False)["ok"]


def test_a_ledger_that_has_lost_nothing_is_not_read_only(tmp_path: Path) -> None:
    """Negative control: the newest backup, restored, says that all is there, and is written at once."""
    world = World(tmp_path)
    with world.open() as (opened, tenant):
        world.live(opened, tenant, 2)
        world.run("backup", str(tmp_path / "backup"))
        whole = events(opened)
    assert "exists already" in world.run("backup", str(tmp_path / "backup"), code=2)
    assert "is not empty" in world.run("restore", str(tmp_path / "backup"), code=2)
    world.exchange()
    told = world.asked("restore", str(tmp_path / "backup"))
    assert told["whole"]
    with world.open() as (opened, tenant):
        assert events(opened) == whole
        new_case(tenant.ledger)
    assert "is not stopped" in world.run("ledger", "accept-loss", "--by", "A", "--by", "B", "--reason", "x", code=2, mirror=False)


def test_a_restore_without_the_signers_memory_tells_that_nobody_can_tell(tmp_path: Path) -> None:
    world = World(tmp_path)
    with world.open() as (opened, tenant):
        world.live(opened, tenant, 2)
        world.backup(opened)
    world.exchange()
    world.signer = tmp_path / "another"
    told = world.asked("restore", str(tmp_path / "backup"), code=1, mirror=False)
    assert told["tenants"][0]["chains"][0]["signed"] is None
    with world.open() as (_, tenant):
        assert "was restored" in refused(tenant)


@pytest.mark.parametrize("what", ["change", "remove", "add", "list", "manifest"])
def test_a_damaged_backup_is_not_restored(life: Loss, tmp_path: Path, what: str) -> None:
    place = tmp_path / "backup"
    copy(life.world.folder / "backup", place)
    victim = next(path for path in sorted((place / "blobs").rglob("*")) if path.is_file())
    if what == "change":
        data = bytearray(victim.read_bytes())
        data[3] ^= 1
        victim.write_bytes(bytes(data))
    elif what == "remove":
        victim.unlink()
    elif what == "add":
        victim.with_name("mer").write_bytes(b"x")
    else:
        path = place / ("files" if what == "list" else "manifest.json")
        path.write_bytes(path.read_bytes().replace(b"0", b"1", 1))
    sentence = {"change": "has changed", "remove": "is absent", "add": "is not in the list", "list": "list of files"}
    with pytest.raises(restoring.BadBackup, match=sentence.get(what, "the manifest of .* has changed")):
        restoring.unpack(place, tmp_path / "new")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("people", [(), ("A",), ("A", "a "), ("A", "B", "C"), ("A", " "), ("A B", " a   b")])
def test_one_person_is_not_two(people: tuple[str, ...]) -> None:
    losses_of.two_people(("Kari Nes", "Ola Moe"), "disken er borte")
    with pytest.raises(LedgerError, match="two different people"):
        losses_of.two_people(people, "disken er borte")
    with pytest.raises(LedgerError, match="takes a reason"):
        losses_of.two_people(("Kari Nes", "Ola Moe"), " ")


def test_the_largest_checkpoint_that_is_signed_names_the_loss(tmp_path: Path) -> None:
    """A witness may hold a larger one than the signer: it counts; one that the chain's key has not signed is refused."""
    vkey = ensure_key(tmp_path, CHAIN)
    key = read_key(chain_folder(tmp_path, CHAIN) / "key")
    small, large = (sign_note(key, CHAIN, size, bytes(32)) for size in (7, 70))
    other = sign_note(key, "sundet.kommune.no/record/1", 700, bytes(32))
    found = losses_of.largest([small, "", other, large], CHAIN, vkey)
    assert found is not None
    assert (found[0], found[1].size) == (large, 70)
    assert losses_of.largest([other], CHAIN, vkey) is None
    forged = sign_note(Ed25519PrivateKey.generate(), CHAIN, 700, bytes(32))
    for wrong in (forged, large.replace("\n70\n", "\n71\n"), "no note"):
        with pytest.raises(LedgerError):
            losses_of.largest([small, wrong], CHAIN, vkey)


def test_the_age_of_the_backup_was_an_hour(life: Loss) -> None:
    made = datetime.fromisoformat(json.loads((life.world.folder / "backup" / "manifest.json").read_text())["made"])
    assert timedelta(minutes=59) < datetime.fromtimestamp(life.whole[-1][4] / 1e6, UTC) - made


def test_a_second_history_is_no_loss(restored: tuple[Loss, dict[str, Any]]) -> None:
    """Whoever takes the stop away and writes on has forked the chain: neither import nor two people make that good."""
    loss, _ = restored
    world = loss.world
    with world.open() as (opened, tenant):
        with psycopg.connect(opened.owner_dsn(), autocommit=True) as connection:
            connection.execute(f"delete from {TENANT}.ledger_stop")
        for number in range(len(loss.lost)):
            new_case(tenant.ledger, f"En annen historie {number}")
        signing = world.signer_of(opened)
        with pytest.raises(Broken):
            signing.tick()
        signing.close()
    told = world.asked("ledger", "compare", code=1)
    assert told["tenants"][0]["chains"][0]["another"]
    world.run("log", "import", "--mirror", code=2)
    said = world.run("ledger", "accept-loss", "--by", "A", "--by", "B", "--reason", "x", code=2, mirror=False)
    assert "another history" in said


@pytest.mark.deep
def test_ten_backups_of_one_life_each_lose_exactly_what_came_after(tmp_path: Path, record_property: Any) -> None:
    world, kept = World(tmp_path), list[int]()
    with world.open() as (opened, tenant):
        for number in range(10):
            world.live(opened, tenant, world.random.randint(1, 4))
            world.backup(opened, f"backup-{number}")
            kept.append(tenant.ledger.reader.head().position)
        world.live(opened, tenant, 2)
        whole = events(opened)
    for number in range(10):
        world.exchange()
        told = world.asked("restore", str(tmp_path / f"backup-{number}"), code=1)["tenants"][0]["chains"][0]
        lost = [(row[0], bytes(row[12]).hex()) for row in whole[kept[number] :]]
        assert lost
        assert [(one["position"], one["leaf_hash"]) for one in told["events"]] == lost
        world.run("log", "import", "--mirror")
        with world.open() as (opened, _):
            assert events(opened) == whole
        assert world.asked("ledger", "compare")["whole"]
    record_property("seed", SEED)
    record_property("restores", len(kept))
    print(f"seed {SEED}: {len(kept)} restores, {len(whole)} events")
