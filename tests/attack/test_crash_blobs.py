"""The power goes at any call of the blob store: what was stored is there whole, and a flush left out is found out."""

from __future__ import annotations

import os
import random
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from domain.ledger.blobs import BlobFault, Folder, Stored
from tests.attack.filelayer import Forgetful, Judged, PowerCut, dark_at, spent

SEED = int(os.environ.get("DAGBOK_SEED", "20260301"))
PREFIXES = ("0a", "0b", "0c")  # few, so that uploads meet in folders made by others


def object_id(dice: random.Random) -> uuid.UUID:
    return uuid.UUID(dice.choice(PREFIXES) + dice.randbytes(15).hex())


def life(blobs: Folder, dice: random.Random, stored: dict[uuid.UUID, bytes], acts: int) -> list[tuple[Stored, bytes]]:
    """Put and destroy; `stored` holds at each moment what was acknowledged and not destroyed since."""
    named = []
    for _ in range(acts):
        if stored and dice.random() < 0.2:
            gone = dice.choice(sorted(stored))
            del stored[gone]
            blobs.delete(gone)
            continue
        data = dice.randbytes(dice.choice((1, 700, 70_000)))
        one = blobs.put(object_id(dice), [data[:100], data[100:]])
        stored[one.object_id] = data
        named.append((one, data))
    return named


def missing(folder: Path, disk: Forgetful, stored: dict[uuid.UUID, bytes], sizes: dict[uuid.UUID, Stored]) -> list[uuid.UUID]:
    """What was acknowledged and cannot be read as it was."""
    blobs, lost = Folder(folder, disk), []
    for one, data in stored.items():
        try:
            if b"".join(blobs.get(one, len(data), sizes[one].checksum)) != data:
                lost.append(one)
        except BlobFault:
            lost.append(one)
    return lost


def in_the_dark(root: Path, cuts: int, forgets: frozenset[str] = frozenset()) -> tuple[int, dict[str, int]]:
    """So many lives of a few acts, each with a power cut at a seeded call: (objects lost, calls made)."""
    dice, lost, calls = random.Random(SEED), 0, Judged()
    for n in range(cuts):
        place = root / str(n)
        place.mkdir(parents=True)
        disk = Forgetful(place, forgets)
        stored: dict[uuid.UUID, bytes] = {}
        sizes: dict[uuid.UUID, Stored] = {}
        for _ in range(3):  # a machine that comes up goes on where the last one was
            calls = Judged(dark_at(dice.randrange(1, 40), dice.random() < 0.5), disk)
            try:
                blobs = Folder(place / "blobs", calls)
                while True:
                    for one, _ in life(blobs, dice, stored, 1):
                        sizes[one.object_id] = one
            except PowerCut:
                disk.power_cut(dice)
            lost += len(missing(place / "blobs", disk, stored, sizes))
    assert calls.calls, "a run with no calls proves nothing"
    return lost, spent(calls.calls)


@pytest.mark.parametrize("cuts", [40, pytest.param(700, marks=pytest.mark.deep)])
def test_what_was_stored_survives_a_power_cut_at_any_call(
    tmp_path: Path, cuts: int, record_property: Callable[[str, object], None]
) -> None:
    began = time.monotonic()
    lost, calls = in_the_dark(tmp_path, cuts)
    said = {"seed": SEED, "power cuts": 3 * cuts, "seconds": round(time.monotonic() - began, 1), "lost": lost, "last": calls}
    print(said)
    for name, value in said.items():
        record_property(name, value)
    assert lost == 0


@pytest.mark.parametrize("call", ["sync", "sync_folder"])
def test_a_flush_that_is_left_out_is_seen(tmp_path: Path, call: str) -> None:
    assert in_the_dark(tmp_path, 40, frozenset({call}))[0] > 0


def test_a_folder_that_a_crash_left_unflushed_is_flushed_before_it_is_relied_on(tmp_path: Path) -> None:
    for seed in range(8):
        place = tmp_path / str(seed)
        place.mkdir()
        disk, one, data = Forgetful(place), uuid.uuid4(), b"bytes"
        for number in range(1, 20):  # the first process dies at each of its calls, and the machine runs on
            calls = Judged(dark_at(number, True), disk)
            try:
                Folder(place / "blobs", calls).put(uuid.UUID(one.hex[:2] + uuid.uuid4().hex[2:]), [data])
                break
            except PowerCut:
                continue
        stored = Folder(place / "blobs", disk).put(one, [data])
        disk.power_cut(random.Random(seed))
        assert missing(place / "blobs", disk, {one: data}, {one: stored}) == []
