"""Documents' bytes: durable before anybody names them, checked before a byte is given, destroyed alone."""

from __future__ import annotations

import hashlib
import os
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.ledger import blobs as module
from domain.ledger.blobs import BlobFault, Folder
from domain.ledger.faults import StorageFull
from domain.model.errors import Refused


@pytest.fixture
def blobs(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "blobs")


def files(blobs: Folder) -> list[str]:
    return sorted(path.name for path in blobs.folder.glob("??/*"))


def read(blobs: Folder, one: module.Stored) -> bytes:
    return b"".join(blobs.get(one.object_id, one.size, one.checksum))


def test_what_was_put_is_got(blobs: Folder) -> None:
    data = os.urandom(3 * module.CHUNK + 17)
    stored = blobs.put(uuid.uuid4(), [data[:100], data[100:70_000], b"", data[70_000:]])
    assert (stored.size, stored.checksum) == (len(data), hashlib.sha256(data).hexdigest())
    assert stored.start == data[:65_536]
    assert read(blobs, stored) == data
    assert blobs.path(stored.object_id).stat().st_mode & 0o777 == 0o600
    assert read(blobs, blobs.put(uuid.uuid4(), [])) == b""


def test_nothing_is_left_of_what_is_too_large_or_broken_off(blobs: Folder) -> None:
    def broken() -> Iterator[bytes]:
        yield b"begun"
        raise ConnectionError

    with pytest.raises(Refused) as refusal:
        blobs.put(uuid.uuid4(), [b"1234", b"5678"], limit=7)
    assert refusal.value.code == "file.too_large"
    blobs.put(uuid.uuid4(), [b"1234", b"567"], limit=7)
    with pytest.raises(ConnectionError):
        blobs.put(uuid.uuid4(), broken())
    assert len(files(blobs)) == 1


def test_the_order_of_a_write_survives_a_power_cut(blobs: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    names: dict[int, str] = {}
    real_open, real_sync, real_rename = os.open, os.fsync, os.rename

    def opened(path: object, *rest: int) -> int:
        descriptor = real_open(path, *rest)  # type: ignore[call-overload]
        names[descriptor] = Path(str(path)).name
        return int(descriptor)

    def synced(descriptor: int) -> None:
        done.append(f"fsync {names[descriptor]}")
        real_sync(descriptor)

    def renamed(old: Path, new: Path) -> None:
        done.append(f"rename {old.name} {new.name}")
        real_rename(old, new)

    monkeypatch.setattr(os, "open", opened)
    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "rename", renamed)
    name = blobs.put(one := uuid.uuid4(), [b"x"]).object_id.hex
    folders = [f"fsync {blobs.folder.parent.name}", "fsync blobs"]
    assert done == [*folders, f"fsync {name}.part", f"rename {name}.part {name}", f"fsync {name[:2]}"]
    done.clear()
    again = Folder(blobs.folder)  # what another process made may never have been flushed
    again.put(uuid.UUID(one.hex[:2] + uuid.uuid4().hex[2:]), [b"x"])
    assert done[:2] == folders
    done.clear()
    blobs.delete(one)
    assert done == [f"fsync {name[:2]}"]


@pytest.mark.parametrize("step", ["fsync", "rename"])
def test_a_disk_that_fails_leaves_nothing_behind(blobs: Folder, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    blobs.put(uuid.UUID(int=1), [b"makes the folder"])

    def failing(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, step, failing)
    with pytest.raises(StorageFull):
        blobs.put(uuid.UUID(int=2), [b"x"])
    assert files(blobs) == [uuid.UUID(int=1).hex]


@pytest.mark.parametrize("harm", ["flip", "cut", "grow", "lose", "empty"])
def test_no_wrong_byte_is_given(blobs: Folder, harm: str) -> None:
    stored = blobs.put(uuid.uuid4(), [b"x" * (module.CHUNK + 1)])
    path = blobs.path(stored.object_id)
    data = path.read_bytes()
    if harm == "lose":
        path.unlink()
    else:
        path.write_bytes({"flip": data[:-1] + b"y", "cut": data[:-1], "grow": data + b"x", "empty": b""}[harm])
    given = blobs.get(stored.object_id, stored.size, stored.checksum)
    with pytest.raises(BlobFault):
        next(given)


def test_an_object_is_written_once(blobs: Folder) -> None:
    stored = blobs.put(uuid.uuid4(), [b"first"])
    with pytest.raises(BlobFault):
        blobs.put(stored.object_id, [b"second"])
    assert read(blobs, stored) == b"first"
    assert files(blobs) == [stored.object_id.hex]


def test_two_uploads_under_one_id_do_not_harm_each_other(blobs: Folder) -> None:
    one, begun, go = uuid.uuid4(), threading.Event(), threading.Event()
    results: list[module.Stored] = []

    def slow() -> Iterator[bytes]:
        yield b"fir"
        begun.set()
        go.wait(10)
        yield b"st"

    upload = threading.Thread(target=lambda: results.append(blobs.put(one, slow())))
    upload.start()
    begun.wait(10)
    with pytest.raises(FileExistsError):
        blobs.put(one, [b"second"])
    go.set()
    upload.join(10)
    assert read(blobs, results[0]) == b"first"


def test_nothing_is_shared_and_each_is_destroyed_alone(blobs: Folder) -> None:
    one, two = blobs.put(uuid.uuid4(), [b"same"]), blobs.put(uuid.uuid4(), [b"same"])
    blobs.delete(one.object_id)
    blobs.delete(one.object_id)
    assert read(blobs, two) == b"same"
    assert files(blobs) == [two.object_id.hex]


def age(path: Path, hours: float) -> None:
    then = time.time() - hours * 3600
    os.utime(path, (then, then))


def test_orphans_are_swept_and_an_upload_under_way_survives(blobs: Folder) -> None:
    known, orphan, young = (blobs.put(uuid.uuid4(), [b"x"]).object_id for _ in range(3))
    age(blobs.path(known), 48)
    age(blobs.path(orphan), 25)
    draft = blobs.path(uuid.uuid4()).with_suffix(".part")
    draft.parent.mkdir(exist_ok=True)
    draft.write_bytes(b"crashed")
    age(draft, 25)
    results: list[module.Stored] = []
    begun, go = threading.Event(), threading.Event()

    def slow() -> Iterator[bytes]:
        yield b"under "
        begun.set()
        go.wait(10)
        yield b"way"

    upload = threading.Thread(target=lambda: results.append(blobs.put(uuid.uuid4(), slow())))
    upload.start()
    begun.wait(10)
    assert sorted(blobs.sweep([known])) == sorted([orphan.hex, draft.name])
    go.set()
    upload.join(10)
    assert read(blobs, results[0]) == b"under way"
    assert files(blobs) == sorted([known.hex, young.hex, results[0].object_id.hex])


def test_a_draft_that_becomes_whole_while_we_sweep_is_no_fault(blobs: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    stored = blobs.put(uuid.uuid4(), [b"x"])
    gone = blobs.path(uuid.uuid4()).with_suffix(".part")
    real = Path.glob
    monkeypatch.setattr(Path, "glob", lambda self, pattern: [*real(self, pattern), gone])
    assert blobs.sweep([], older_than_s=-1) == [stored.object_id.hex]
