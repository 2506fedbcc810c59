"""Tampering with an export, a checkpoint being held outside: every byte of every file, and changes of structure."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from domain import chain
from tests.chain import export_writer as export
from tools.verify import Fault, verify_export

EVENTS = export.sample(3, [(7, 7)])
FILES = export.export_files(EVENTS)
HELD = export.checkpoint_of(export.entries_of(EVENTS))
EARLIER = export.checkpoint_of(export.entries_of(EVENTS)[:6])
PAYLOAD = chain.payload_path(0)


def faults_of(path: Path) -> list[Fault]:
    return verify_export(path, [HELD], [export.vkey_of()]).faults


def in_folder(path: Path, files: dict[str, bytes]) -> list[Fault]:
    return faults_of(export.write(path, files))


def undetected(folder: Path, path: str, masks: Callable[[int], Iterator[int]], step: int = 1) -> list[tuple[int, int]]:
    """Changes of one byte in one file that go unseen; of long files, every `step`th byte."""
    export.write(folder, FILES)
    unseen, data = [], FILES[path]
    for at in range(0, len(data), step if len(data) > 500 else 1):
        for mask in masks(at):
            (folder / path).write_bytes(data[:at] + bytes((data[at] ^ mask,)) + data[at + 1 :])
            if not faults_of(folder):
                unseen.append((at, mask))
    (folder / path).write_bytes(data)
    assert faults_of(folder) == [], "the folder is sound again: it was the change that was seen"
    return unseen


@pytest.mark.parametrize("path", FILES)
def test_a_change_of_any_byte_is_found(tmp_path: Path, path: str) -> None:
    assert undetected(tmp_path, path, lambda at: iter((1 << at % 8,)), step=5) == []


@pytest.mark.deep
@pytest.mark.parametrize("path", FILES)
def test_a_change_of_any_bit_is_found(tmp_path: Path, path: str) -> None:
    assert undetected(tmp_path, path, lambda at: iter(1 << bit for bit in range(8))) == []


@pytest.mark.parametrize("path", FILES)
def test_a_file_that_is_gone_cut_longer_or_no_file_is_found(tmp_path: Path, path: str) -> None:
    assert in_folder(tmp_path / "sound", FILES) == []
    for number, data in enumerate((b"", FILES[path][:-1], FILES[path][1:], FILES[path] + b"\n", FILES[path] * 2)):
        assert in_folder(tmp_path / str(number), {**FILES, path: data})
    rest = {name: data for name, data in FILES.items() if name != path}
    if path != PAYLOAD:
        assert in_folder(tmp_path / "gone", rest)
    for number, make in enumerate((Path.mkdir, os.mkfifo, lambda link: link.symlink_to(tmp_path / "sound" / path))):
        folder = export.write(tmp_path / f"odd{number}", rest)
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        make(folder / path)
        assert faults_of(folder)


def test_the_payloads_gone_is_another_export_unless_they_are_demanded(tmp_path: Path) -> None:
    rest = {name: data for name, data in FILES.items() if not name.startswith(("payload/", "blob/"))}
    path = export.write(tmp_path, rest)
    assert faults_of(path) == []
    assert verify_export(path, [HELD], require_payloads=True).faults
    (path / "payload").mkdir()
    assert [fault.interval for fault in faults_of(path)] == [(1, 9)]


@pytest.mark.parametrize(
    "path",
    [
        "README",
        "tile/0/000",
        "tile/0/000.p/8",
        "tile/1/000.p/1",
        "tile/entries/000",
        "payload/001.jsonl",
        "blob/a",
        "a/b/c",
        "\udcff",
    ],
)
def test_a_file_that_does_not_belong_there_is_found(tmp_path: Path, path: str) -> None:
    (fault,) = in_folder(tmp_path, {**FILES, path: FILES["tile/0/000.p/9"]})
    assert "does not belong" in fault.what


def test_a_linked_folder_is_found(tmp_path: Path) -> None:
    export.write(tmp_path / "export", FILES)
    (tmp_path / "export" / "blob").rename(tmp_path / "elsewhere")
    (tmp_path / "export" / "blob").symlink_to(tmp_path / "elsewhere")
    assert [fault.what for fault in faults_of(tmp_path / "export")] == ["blob does not belong to the export"]


def test_any_two_files_swapped_are_found(tmp_path: Path) -> None:
    pairs = [(one, two) for one in FILES for two in FILES if one < two]
    assert len(pairs) == 55
    for number, (one, two) in enumerate(pairs):
        assert in_folder(tmp_path / str(number), {**FILES, one: FILES[two], two: FILES[one]}), (one, two)


def rewritten(folder: Path, events: list[export.Event]) -> list[Fault]:
    """Faults of a whole new export of changed events, every hash recomputed and signed with the chain's own key."""
    return in_folder(folder, export.export_files(events))


def test_a_rewritten_history_is_found_by_the_checkpoint_held_outside(tmp_path: Path) -> None:
    assert rewritten(tmp_path / "sound", EVENTS) == []
    changed = []
    for at, event in enumerate(EVENTS):
        changed += [
            EVENTS[:at] + EVENTS[at + 1 :],
            [*EVENTS[:at], event, *EVENTS[at:]],
            [*EVENTS[:at], replace(event, meta=event.meta.replace(b'"e":{}', b'"e":{"n":1}')), *EVENTS[at + 1 :]],
            [*EVENTS[:at], replace(event, body=b"other"), *EVENTS[at + 1 :]],
            [*EVENTS[:at], replace(event, recorded_at_us=event.recorded_at_us - 1), *EVENTS[at + 1 :]],
            [*EVENTS[:at], replace(event, stream=export.stream_of("x")), *EVENTS[at + 1 :]],
            EVENTS[:at],
        ]
        changed += [
            [*EVENTS[:at], EVENTS[to], *EVENTS[at + 1 : to], event, *EVENTS[to + 1 :]] for to in range(at + 1, len(EVENTS))
        ]
    changed.append([*EVENTS, replace(EVENTS[-1], version=6, stream=EVENTS[0].stream)][1:])
    assert len(changed) >= 90
    for number, events in enumerate(changed):
        faults = rewritten(tmp_path / str(number), events)
        assert any(fault.interval or fault.position for fault in faults), number


def test_another_key_and_another_name_do_not_pass_for_the_chain(tmp_path: Path) -> None:
    forged = export.export_files(EVENTS, key=export.key_of("a forger"))
    assert in_folder(tmp_path / "key", forged)
    assert verify_export(tmp_path / "key", [HELD]).faults, "its own key opens it, but not the checkpoint held outside"
    name = "aure.kommune.no/record/3"
    renamed = export.export_files(export.sample(3, [(7, 7)], name), chain_id=name)
    assert verify_export(export.write(tmp_path / "name", renamed)).ok
    assert verify_export(tmp_path / "name", [HELD]).faults


def test_a_fault_between_two_checkpoints_held_outside_is_named_as_their_interval(tmp_path: Path) -> None:
    events = [*EVENTS[:7], replace(EVENTS[7], body=b"forged"), EVENTS[8]]
    report = verify_export(export.write(tmp_path, export.export_files(events)), [HELD, EARLIER])
    assert [fault.interval for fault in report.faults] == [(7, 9)]
    assert report.checkpoint == {"size": 9, "ok": False, "outside": True}
    early = [*EVENTS[:5], replace(EVENTS[5], body=b"forged"), *EVENTS[6:]]
    report = verify_export(export.write(tmp_path / "early", export.export_files(early)), [HELD, EARLIER])
    assert [fault.interval for fault in report.faults] == [(1, 6), (1, 9)]


def test_a_cut_tail_is_named(tmp_path: Path) -> None:
    whole = export.sample(4)
    held = export.checkpoint_of(export.entries_of(whole))
    (fault,) = verify_export(export.write(tmp_path, export.export_files(whole[:7])), [held]).faults
    assert (fault.interval, fault.what) == ((8, 9), "events are missing: a checkpoint held outside covers 9")


def payload_with(change: Callable[[bytes], bytes], position: int = 6) -> dict[str, bytes]:
    lines = FILES[PAYLOAD].splitlines(keepends=True)
    lines[position - 1] = change(lines[position - 1])
    return {**FILES, PAYLOAD: b"".join(lines)}


def respelt(line: bytes) -> bytes:
    return json.dumps(json.loads(line)).encode() + b"\n"


def upper_case(line: bytes) -> bytes:
    salt = json.loads(line)["meta_salt"].encode()
    return line.replace(salt, salt.upper())


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (respelt, "canonical"),
        (upper_case, "canonical"),
        (lambda line: line.replace(b'"position":6,', b'"position":6,"position":6,'), "twice"),
        (lambda line: line.replace(b'{"position"', b'{"note":1,"position"'), "exactly the keys"),
        (lambda line: line.replace(b'"position":6,', b""), "exactly the keys"),
        (lambda line: line.replace(b'"position":6,', b'"position":06,'), "not JSON"),
        (lambda line: line.replace(b'"position":6,', b'"position":7,'), "not the entry's"),
        (lambda line: line.replace(b'"position":6,', b'"position":6.0,'), "canonical form"),
        (lambda line: line.replace(export.CREATED.encode(), export.OBJECT.encode()), "not the entry's"),
        (lambda line: line.replace(b"\n", b"\r\n"), "canonical form"),
        (lambda line: b"\n", "not JSON"),
        (lambda line: b"[" * 100_000 + b"\n", "not JSON"),
        (lambda line: b"7\n", "not JSON"),
        (lambda line: b'{"position":"\xff"}\n', "not JSON"),
    ],
)
def test_a_payload_line_in_another_form_is_refused(tmp_path: Path, change: Callable[[bytes], bytes], what: str) -> None:
    (fault,) = in_folder(tmp_path, payload_with(change))
    assert fault.position == 6
    assert what in fault.what


def test_a_body_that_is_gone_without_a_decision_is_a_fault(tmp_path: Path) -> None:
    undecided = [replace(event, erased=at in (6, 8)) for at, event in enumerate(EVENTS, 1)]
    faults = rewritten(tmp_path, undecided)
    assert [(fault.position, fault.what) for fault in faults] == [
        (6, "the body is gone and no disposal fact lists the position"),
        (8, "the body is gone and no disposal fact lists the position"),
    ]


def test_half_a_body_is_a_fault(tmp_path: Path) -> None:
    def without_body(line: bytes) -> bytes:
        body = json.loads(line)["body"]
        return line.replace(b'"body":"' + body.encode() + b'"', b'"body":null')

    (fault,) = in_folder(tmp_path, payload_with(without_body))
    assert (fault.position, fault.what) == (6, "of body and body_salt only one is there")


def test_a_disposal_fact_cannot_list_itself_or_what_comes_later(tmp_path: Path) -> None:
    meta = EVENTS[-1].meta.replace(b"[[7,7]]", b"[[7,9]]")
    faults = rewritten(tmp_path, [*EVENTS[:-1], replace(EVENTS[-1], meta=meta)])
    assert any(fault.position == 9 and "come after it" in fault.what for fault in faults)


@pytest.mark.parametrize("part", ["body", "blob"])
def test_a_file_destroyed_by_decision_is_no_fault(tmp_path: Path, part: str) -> None:
    meta = export.meta_of(decision="2026/1", positions=[[5, 5]], parts=[part])
    events = [replace(event, erased=False) for event in (*EVENTS[:-1], replace(EVENTS[-1], meta=meta))]
    files = {name: data for name, data in export.export_files(events).items() if not name.startswith("blob/")}
    faults = verify_export(export.write(tmp_path, files)).faults
    assert [fault.position for fault in faults] == ([] if part == "blob" else [None])


@pytest.mark.parametrize("at", range(1, 9))
def test_a_fault_of_order_that_was_signed_is_named_too(tmp_path: Path, at: int) -> None:
    """The writer itself went wrong: the folder agrees with its checkpoint, but is no history."""
    earlier = replace(EVENTS[at], recorded_at_us=EVENTS[at].recorded_at_us - 10_000_000)
    skipped = replace(EVENTS[at], version=EVENTS[at].version + 1)
    for name, event in (("time", earlier), ("version", skipped)):
        events = [*EVENTS[:at], event, *EVENTS[at + 1 :]]
        faults = verify_export(export.write(tmp_path / name, export.export_files(events))).faults
        assert faults[0].position == at + 1


def test_a_chain_begins_with_its_opening_and_introduces_its_fact_types(tmp_path: Path) -> None:
    def first_fault(name: str, events: list[export.Event]) -> Fault:
        return verify_export(export.write(tmp_path / name, export.export_files(events))).faults[0]

    log = EVENTS[0].stream
    assert "begins with its opening" in first_fault("unopened", [replace(EVENTS[1], version=1)]).what
    twice = [*EVENTS[:4], replace(EVENTS[0], version=5)]
    assert first_fault("twice", twice) == Fault("a chain begins with its opening fact and has no other", 5)
    unknown = replace(EVENTS[5], topic="case-file.unheard-of.v1")
    assert first_fault("unknown", [*EVENTS[:5], unknown]).position == 6
    late = [EVENTS[0], replace(EVENTS[5], stream=export.stream_of("z")), replace(EVENTS[1], stream=log)]
    assert "not introduced" in first_fault("late", late).what


@pytest.mark.parametrize("path", ["checkpoint", "vkey", "disclosed.jsonl", "tile/entries/000.p/9", PAYLOAD])
@pytest.mark.parametrize("data", [b"", b"\n", b"\xff" * 100, b"\x00" * 70_000, b"{}\n" * 300])
def test_no_file_makes_it_stumble(tmp_path: Path, path: str, data: bytes) -> None:
    assert in_folder(tmp_path, {**FILES, path: data})


def test_a_claim_of_a_vast_tree_ends_at_the_first_missing_bundle(tmp_path: Path) -> None:
    vast = export.sign(chain.Checkpoint(export.CHAIN_ID, (1 << 63) - 1, bytes(32)).text())
    faults = in_folder(tmp_path, {**FILES, "checkpoint": vast.encode()})
    assert faults[0].interval == (1, 256)


def test_a_folder_without_anything_is_a_fault(tmp_path: Path) -> None:
    report = verify_export(tmp_path)
    assert not report.ok
    assert [fault.what.split()[0] for fault in report.faults] == ["checkpoint", "vkey"]
