"""The export checker on sound folders: what it reports, what it leaves open, and how it is called."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from domain import chain
from tests.chain import export_writer as export
from tools.verify import main, verify_export

WITNESS = "witness.example/w1"


def folder(path: Path, events: list[export.Event], *, payloads: bool = True) -> Path:
    return export.write(path, export.export_files(events, payloads=payloads))


def held(events: list[export.Event], size: int | None = None) -> str:
    return export.checkpoint_of(export.entries_of(events)[:size])


@pytest.mark.parametrize("cases", [0, 1, 250, 251, 252, 600])
def test_a_sound_export_is_verified(tmp_path: Path, cases: int) -> None:
    events = export.sample(cases)
    report = verify_export(folder(tmp_path, events), [held(events)], [export.vkey_of()])
    entries = export.entries_of(events)
    head = chain.genesis(export.CHAIN_ID)
    for entry in entries:
        head = chain.chain_hash(head, chain.leaf_hash(entry))
    root = chain.Frontier.empty().extend(map(chain.leaf_hash, entries)).root()
    assert report.faults == []
    assert report.ok
    assert (report.chain_id, report.events, report.head, report.root) == (export.CHAIN_ID, cases + 5, head.hex(), root.hex())
    assert (report.unprovable, report.erased) == ([], 0)
    assert report.checkpoint == {"size": cases + 5, "ok": True, "outside": True}


def test_more_than_one_level_of_full_tiles(tmp_path: Path) -> None:
    events = export.sample(65_536 + 300)
    report = verify_export(folder(tmp_path, events, payloads=False), [held(events), held(events, 65_600)])
    assert (report.faults, report.events) == ([], 65_841)


def test_an_empty_chain(tmp_path: Path) -> None:
    report = verify_export(folder(tmp_path, []), [held([])])
    assert (report.ok, report.events, report.root) == (True, 0, chain.EMPTY_ROOT.hex())
    assert report.head == chain.genesis(export.CHAIN_ID).hex()


def test_bodies_erased_by_decision_are_counted_and_no_fault(tmp_path: Path) -> None:
    events = export.sample(300, [(6, 8), (200, 301)])
    report = verify_export(folder(tmp_path, events), [held(events)])
    assert (report.faults, report.erased) == ([], 3 + 102)


def test_without_payloads_what_the_facts_say_is_not_provable(tmp_path: Path) -> None:
    events = export.sample(3, [(6, 7)])
    path = folder(tmp_path, events, payloads=False)
    report = verify_export(path, [held(events)], [export.vkey_of()])
    assert (report.faults, report.erased) == ([], 0)
    assert len(report.unprovable) == 1
    assert "payloads" in report.unprovable[0]
    assert [
        fault.what for fault in verify_export(path, [held(events)], require_payloads=True).faults if "payload/000" in fault.what
    ]


def test_without_a_checkpoint_outside_an_untouched_and_a_cut_ledger_look_alike(tmp_path: Path) -> None:
    events = export.sample(10)
    whole = verify_export(folder(tmp_path / "whole", events))
    cut = verify_export(folder(tmp_path / "cut", events[:-3]))
    assert whole.ok
    assert cut.ok
    assert whole.unprovable == cut.unprovable
    assert any("held outside" in line for line in whole.unprovable)
    assert whole.checkpoint == {"size": 15, "ok": True, "outside": False}


def test_what_comes_after_the_latest_checkpoint_outside_is_named(tmp_path: Path) -> None:
    events = export.sample(10)
    report = verify_export(folder(tmp_path, events), [held(events, 4), held(events, 12), held(events, 0)], [export.vkey_of()])
    assert (report.faults, report.unprovable) == ([], ["positions 13-15: after the latest checkpoint held outside"])
    assert report.checkpoint == {"size": 12, "ok": True, "outside": True}


def test_a_checkpoint_of_another_chain_beside_ours_is_passed_over_but_not_instead_of_it(tmp_path: Path) -> None:
    events, other = export.sample(3), "aure.kommune.no/record/2"
    path = folder(tmp_path, events)
    foreign = export.checkpoint_of(export.entries_of(export.sample(3, chain_id=other), other), other)
    beside = verify_export(path, [foreign, held(events)], [export.vkey_of()])
    assert (beside.faults, beside.unprovable) == ([], [f"the checkpoint of {other}: this is another chain"])
    assert [fault.what for fault in verify_export(path, [foreign]).faults] == [
        f"no checkpoint held outside is of this chain, {export.CHAIN_ID}"
    ]


def test_a_stream_that_began_in_a_predecessor_goes_on_with_its_version(tmp_path: Path) -> None:
    log, later = (
        export.sample(0),
        export.Event(export.stream_of("old"), 8, export.CREATED, export.meta_of(), b"", export.START_US),
    )
    opened = export.meta_of(
        chain_id=export.CHAIN_ID, kind="record", number=2, vkey="", predecessors=[["aure.kommune.no/record/0", ""]]
    )
    continued = [export.Event(log[0].stream, 1, chain.OPENED_TOPIC, opened), *log[1:], later]
    assert verify_export(folder(tmp_path / "2", continued)).ok
    (fault,) = verify_export(folder(tmp_path / "1", [*log, later])).faults
    assert (fault.position, fault.what) == (6, "version 8 of its stream follows version 0")


def test_a_witness_signature_is_checked_where_its_key_is_given(tmp_path: Path) -> None:
    events, witness = export.sample(2), export.key_of("a witness")
    files, public = export.export_files(events), witness.public_key().public_bytes_raw()
    note, time = chain.parse_note(files["checkpoint"]), 1_790_000_000
    signed = time.to_bytes(8, "big") + witness.sign(chain.cosignature_message(time, note.text))
    name_and_id = WITNESS, chain.key_id(WITNESS, chain.COSIGNATURE_V1, public)
    vkeys = [export.vkey_of(), chain.vkey(WITNESS, chain.COSIGNATURE_V1, public)]
    for data, ok in ((signed, True), (bytes(8) + signed[8:], False), (signed[:-1], False)):
        cosigned = chain.Note(note.text, (*note.signatures, chain.Signature(*name_and_id, data)))
        path = export.write(tmp_path / data.hex()[:140], {**files, "checkpoint": chain.format_note(cosigned).encode()})
        assert verify_export(path, [held(events)], vkeys).ok is ok
        assert any(WITNESS in line for line in verify_export(path, [held(events)], vkeys[:1]).unprovable)


def test_the_report_as_json_has_the_promised_fields(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    events = export.sample(3, [(6, 7)])
    (tmp_path / "outside").write_text(held(events))
    (tmp_path / "vkey").write_text(export.vkey_of() + "\n")
    path = folder(tmp_path / "export", events)
    options = [str(path), "--checkpoint", str(tmp_path / "outside"), "--vkey", str(tmp_path / "vkey"), "--payloads", "--json"]
    assert main(options) == 0
    report = json.loads(capsys.readouterr().out)
    (of_chain,) = report.pop("chains")
    assert of_chain.pop("chain_id") == export.CHAIN_ID
    assert of_chain == report
    assert set(report) == {"ok", "events", "head", "root", "checkpoint", "unprovable", "faults", "erased"}
    assert (report["ok"], report["events"], report["erased"], report["unprovable"]) == (True, 9, 2, [])
    (path / "blob" / "extra").write_bytes(b"")
    (path / chain.payload_path(0)).write_bytes(
        (path / chain.payload_path(0)).read_bytes().replace(b'"position":6', b'"position":7')
    )
    assert main(options) == 1
    faults = json.loads(capsys.readouterr().out)["faults"]
    assert [(fault["position"], fault["interval"]) for fault in faults] == [(6, None), (None, None)]


def test_the_text_names_the_first_fault_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    events = export.sample(3)
    path = folder(tmp_path, events)
    assert main([str(path)]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[0] == f"8 events verified, head {verify_export(path).head}"
    assert len(out) == 3
    assert all(line.startswith("not provable: ") for line in out[1:])
    lines = (path / chain.payload_path(0)).read_bytes().splitlines(keepends=True)
    (path / chain.payload_path(0)).write_bytes(b"".join([*lines[:6], lines[7], lines[6]]))
    assert main([str(path)]) == 1
    assert capsys.readouterr().out.startswith("fault at position 7: ")


@pytest.mark.parametrize("options", [["nowhere"], ["a file"], [".", "--checkpoint", "nowhere"], [".", "--checkpoint", "a file"]])
def test_what_cannot_be_run_is_said_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], options: list[str]
) -> None:
    folder(tmp_path, export.sample(1))
    (tmp_path / "a file").write_text("no checkpoint\n")
    monkeypatch.chdir(tmp_path)
    assert main(options) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("cannot verify: ")
    assert captured.err.count("\n") == 1


def test_a_key_that_is_not_the_given_one_is_a_fault(tmp_path: Path) -> None:
    events = export.sample(1)
    faults = verify_export(folder(tmp_path, events), [], [export.vkey_of(export.key_of("another"))]).faults
    assert [fault.what for fault in faults] == [
        "the folder's vkey is not a key of this chain that was given",
        "the folder's checkpoint is not signed by the chain's key",
    ]
