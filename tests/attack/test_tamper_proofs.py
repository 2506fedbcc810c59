"""Forged proofs, and a log server that lies: what our checks on the client's side accept, and what they refuse.

The checks: `dagbok log check` on a receipt, `tools.verify` on what was fetched, and the witness. Each holds what a client holds:
the log's key, and a checkpoint from before.
"""

from __future__ import annotations

import contextlib
import io
import random
import shutil
import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
import typer

from domain import chain
from domain.ledger import witness
from domain.ledger.witness import Witness
from tests import tidy
from tests.attack.lying import LIES
from tests.attack.proofs import forged_receipts, forged_requests, receipts_of, text_of
from tests.attack.tampering import SEED, Tally, counts
from tests.chain import export_writer as export
from tests.ledger.test_witness import CLOCK, NAME
from tools.cli import log
from tools.verify import verify_export

EVENTS = export.sample(300, [(7, 7)])
ENTRIES = export.entries_of(EVENTS)
HELD = export.checkpoint_of(ENTRIES)
FORKED = [*EVENTS[:200], export.Event(export.stream_of("x"), 1, export.CREATED, export.meta_of(year=1)), *EVENTS[201:]]
OTHER_CHAIN = "aure.kommune.no/record/2"
Record = Callable[[str, object], None]


def holds(folder: Path, receipt: str) -> bool:
    """What `dagbok log check` says of a receipt."""
    (folder / "receipt").write_text(receipt, encoding="utf-8")
    (folder / "vkey").write_text(export.vkey_of() + "\n")
    with contextlib.redirect_stdout(io.StringIO()):
        try:
            log.check(folder / "receipt", folder / "vkey")
        except typer.Exit as left:
            return left.exit_code == 0
    return True


def witness_at(folder: Path, size: int) -> Witness:
    """A witness that has cosigned the tree of this size."""
    witness.prepare(folder, NAME, [export.vkey_of()])
    one = Witness(folder, CLOCK)
    answer = one.add_checkpoint(f"old 0\n\n{export.checkpoint_of(ENTRIES[:size])}".encode())
    assert answer.status == 200, answer
    return one


@counts(500, 6_000)
def test_a_forged_receipt(tmp_path: Path, count: int, record_property: Record) -> None:
    tally, all_of = Tally("proofs, receipts"), receipts_of(ENTRIES, HELD)
    assert all(holds(tmp_path, text_of(one)) for one in all_of[::29])
    for kind, text in islice(forged_receipts(all_of, random.Random(SEED)), count):
        tally.take(kind, not holds(tmp_path, text), text)
    assert all(holds(tmp_path, text_of(one)) for one in all_of[::29])
    assert len(tally.by_kind) >= 25
    tally.close(record_property, count)


@counts(500, 4_500)
def test_a_forged_consistency_proof(tmp_path: Path, count: int, record_property: Record) -> None:
    tally, chance = Tally("proofs, consistency"), random.Random(SEED)
    pairs = [(3, 300), (64, 65), (200, 305), (255, 257), (129, 256), (1, 2)]
    for number, (old, size) in enumerate(pairs):
        one = witness_at(tmp_path / str(number), old)
        for kind, body in islice(forged_requests(ENTRIES, old, size, chance), count // len(pairs) + 1):
            tally.take(kind, one.add_checkpoint(body).status != 200, f"{old} {size}: {body[:300]!r}")
        node = chain.memory_nodes([chain.leaf_hash(entry) for entry in ENTRIES])
        proof = "".join(f"{b64encode(hashed).decode()}\n" for hashed in chain.prove_consistency(old, size, node))
        honest = f"old {old}\n{proof}\n{export.checkpoint_of(ENTRIES[:size])}".encode()
        assert one.add_checkpoint(honest).status == 200, "no false alarm: the forged ones changed nothing"
    tally.close(record_property, count)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The lying server's address."""
    folder = tmp_path_factory.mktemp("lying")
    exports = {
        "honest": (EVENTS, export.CHAIN_ID),
        "older": (EVENTS[:250], export.CHAIN_ID),
        "forked": (FORKED, export.CHAIN_ID),
        "other": (export.sample(300, chain_id=OTHER_CHAIN), OTHER_CHAIN),
    }
    for name, (events, chain_id) in exports.items():
        files = export.export_files(events, payloads=False, chain_id=chain_id)
        entries = export.entries_of(events, chain_id)
        for receipt in receipts_of(entries, files["checkpoint"].decode()):
            files[f"receipts/{receipt.index + 1}"] = text_of(receipt).encode()
        export.write(folder / name, files)
    command = [sys.executable, "-m", "tests.attack.lying", str(folder)]
    process = subprocess.Popen(command, cwd=tidy.ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.terminate()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def paths_of(size: int) -> list[str]:
    """The files that a client asks for, by the size that the checkpoint says."""
    tiles = [chain.tile_path(*tile) for tile in chain.tile_widths(size)]
    entries = [chain.entries_path(index, min(256, size - 256 * index)) for index in range((size + 255) // 256)]
    topics = (export.CREATED, export.OBJECT, chain.DISPOSAL_TOPIC)
    schemas = [f"schema/{topic}.json" for topic in topics] + [f"schema/{export.CREATED}.body.json"]
    return ["vkey", "disclosed.jsonl", *tiles, *entries, *schemas]


def fetch(client: httpx.Client, base: str, folder: Path) -> Path:
    """The export as it is served: what is not there is not there."""
    shutil.rmtree(folder, ignore_errors=True)
    note = client.get(f"{base}/checkpoint").content
    try:
        size = chain.parse_checkpoint(chain.parse_note(note).text).size
    except chain.ChainError:
        size = len(EVENTS)
    for path in ["checkpoint", *paths_of(size)]:
        answer = client.get(f"{base}/{path}")
        if answer.status_code == 200:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(answer.content)
    return folder


def test_a_server_that_lies_about_a_file(server: str, tmp_path: Path, record_property: Record) -> None:
    tally = Tally("lying server, exports")
    with httpx.Client() as client:
        honest = verify_export(fetch(client, f"{server}/honest/-", tmp_path / "f"), [HELD], [export.vkey_of()])
        assert (honest.faults, honest.checkpoint) == ([], {"size": len(EVENTS), "ok": True, "outside": True})
        for lie in LIES:
            for path in ["*", "checkpoint", *paths_of(len(EVENTS))]:
                if (path, lie) in SAME or (path == "*" and lie not in ("older", "forked", "other")):
                    continue
                folder = fetch(client, f"{server}/{lie}/{quote(path, safe='')}", tmp_path / "f")
                report = verify_export(folder, [HELD], [export.vkey_of()])
                tally.take(lie, bool(report.faults), path)
        assert verify_export(fetch(client, f"{server}/honest/-", tmp_path / "f"), [HELD], [export.vkey_of()]).ok
    tally.close(record_property, 120)


def same_files() -> set[tuple[str, str]]:
    """What is alike in two exports is no lie."""
    honest = export.export_files(EVENTS, payloads=False)
    others = {
        "older": export.export_files(EVENTS[:250], payloads=False),
        "forked": export.export_files(FORKED, payloads=False),
        "other": export.export_files(export.sample(300, chain_id=OTHER_CHAIN), payloads=False, chain_id=OTHER_CHAIN),
    }
    return {(path, lie) for lie, files in others.items() for path, data in honest.items() if files.get(path) == data}


SAME = same_files()


def test_a_server_that_lies_about_a_receipt(server: str, tmp_path: Path, record_property: Record) -> None:
    """A receipt of a forked log is signed by the log's own key and holds by itself: the witness sees the fork."""
    tally, one = Tally("lying server, receipts"), witness_at(tmp_path / "w", len(EVENTS))
    with httpx.Client() as client:
        for position in (1, 2, 100, 201, 256, 257, len(EVENTS)):
            path = f"receipts/{position}"
            assert holds(tmp_path, client.get(f"{server}/honest/-/{path}").text)
            for lie in LIES:
                answer = client.get(f"{server}/{lie}/{quote(path, safe='')}/{path}")
                refused = answer.status_code != 200 or not holds(tmp_path, answer.text)
                if lie in ("older", "forked") and not refused:
                    note = chain.parse_proof(answer.text).checkpoint
                    size = chain.parse_checkpoint(chain.parse_note(note).text).size
                    asked = one.add_checkpoint(f"old {size}\n\n{note}".encode())
                    refused = asked.status == 409 if lie == "forked" else size < len(EVENTS) and asked.status == 409
                tally.take(lie, refused, path)
            assert holds(tmp_path, client.get(f"{server}/honest/-/{path}").text)
    tally.close(record_property, 90)
