"""The stand-alone checker as one file: alone in an empty folder it says what the modules say."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest

from domain.ledger.export import export as export_log
from tests.chain import export_writer as export
from tests.fixtures_ledger import LedgerTenant, new_case, new_entry
from tests.ledger.test_export import held, new_document, sign
from tools import export_walk, verify_build
from tools.verify import main, verify_export
from tools.verify_build import CannotJoin, build


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The one file, in a folder of its own."""
    folder = tmp_path_factory.mktemp("auditor")
    assert main(["--build", str(folder / "verify.py")]) == 0
    assert [path.name for path in folder.iterdir()] == ["verify.py"]
    return folder


def run(alone: Path, *arguments: str) -> tuple[int, str, str]:
    """The file as an auditor runs it: isolated, no path of ours, in an empty folder."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "DAGBOK"))}
    command = [sys.executable, "-I", str(alone / "verify.py"), *arguments]
    place = alone / "empty"
    place.mkdir(exist_ok=True)
    done = subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def said(alone: Path, folder: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    code, out, err = run(alone, str(folder), "--json", *arguments)
    assert err == ""
    return code, json.loads(out)


def test_it_says_of_a_real_export_what_the_modules_say(ledger_tenant: LedgerTenant, alone: Path, tmp_path: Path) -> None:
    case = new_case(ledger_tenant.ledger)
    new_document(ledger_tenant.ledger, new_entry(ledger_tenant.ledger, case))
    vkey = sign(ledger_tenant)
    folder = tmp_path / "log"
    with psycopg.connect(ledger_tenant.dsn("auditor"), autocommit=True) as connection:
        export_log(connection, ledger_tenant.tenant, folder, ledger_tenant.ledger.blobs)
    (tmp_path / "held").write_text(held(ledger_tenant))
    (tmp_path / "vkey").write_text(vkey + "\n")
    options = ["--checkpoint", str(tmp_path / "held"), "--vkey", str(tmp_path / "vkey"), "--payloads"]

    def by_modules() -> dict[str, Any]:
        report = verify_export(folder, [held(ledger_tenant)], [vkey], require_payloads=True)
        return json.loads(json.dumps(report.as_json()))  # type: ignore[no-any-return]

    sound = by_modules()
    assert (sound["ok"], sound["unprovable"]) == (True, [])
    assert said(alone, folder, *options) == (0, sound)
    for path in sorted(one for one in folder.rglob("*") if one.is_file()):
        data = path.read_bytes()
        path.write_bytes(data[: len(data) // 2] + bytes([data[len(data) // 2] ^ 4]) + data[len(data) // 2 + 1 :])
        expected = by_modules()
        assert not expected["ok"]
        assert said(alone, folder, *options) == (1, expected)
        path.write_bytes(data)
    assert said(alone, folder, *options) == (0, sound)


def test_it_could_not_run(alone: Path, tmp_path: Path) -> None:
    assert run(alone, str(tmp_path / "nowhere"))[0] == 2
    assert run(alone)[0] == 2


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export of more than one range."""
    events = export.sample(65_536 + 700)
    return export.write(tmp_path_factory.mktemp("long"), export.export_files(events, payloads=False))


def test_several_processes_give_the_answer_alone(long: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(_: object) -> None:
        raise AssertionError("read by one process")

    note = (long / "checkpoint").read_text()
    monkeypatch.setattr(export_walk.Walk, "run", never)
    assert verify_export(long, [note], [export.vkey_of()], processes=2, least=0).ok
    with pytest.raises(AssertionError, match="one process"):
        verify_export(long, [note], [export.vkey_of()], processes=2)


def test_several_processes_share_an_export(alone: Path, long: Path, tmp_path: Path) -> None:
    note = (long / "checkpoint").read_text()
    whole = verify_export(long, [note], [export.vkey_of()])
    assert (whole.faults, whole.events) == ([], 65_536 + 705)
    assert verify_export(long, [note], [export.vkey_of()], processes=2, least=0) == whole
    text = (alone / "verify.py").read_text()
    assert "\nLEAST = 200_000 " in text
    (tmp_path / "verify.py").write_text(text.replace("\nLEAST = 200_000 ", "\nLEAST = 1 "))
    (tmp_path / "vkey").write_text(export.vkey_of() + "\n")
    options = ["--checkpoint", str(long / "checkpoint"), "--vkey", str(tmp_path / "vkey"), "--processes", "2"]
    assert said(tmp_path, long, *options) == (0, json.loads(json.dumps(whole.as_json())))
    path = long / "tile" / "entries" / "100"
    data = path.read_bytes()
    path.write_bytes(data[:-40] + bytes([data[-40] ^ 1]) + data[-39:])
    try:
        expected = verify_export(long, [note], [export.vkey_of()])
        assert (25_601, 25_856) in {fault.interval for fault in expected.faults}
        assert verify_export(long, [note], [export.vkey_of()], processes=2, least=0) == expected
        assert said(tmp_path, long, *options) == (1, json.loads(json.dumps(expected.as_json())))
    finally:
        path.write_bytes(data)


def test_what_cannot_be_joined_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "domain").mkdir()

    def joined(one: str, two: str) -> str:
        (tmp_path / "domain" / "one.py").write_text(f'"""One."""\n{one}\n')
        (tmp_path / "domain" / "two.py").write_text(f'"""Two."""\n{two}\n')
        monkeypatch.setattr(verify_build, "MODULES", ("domain.one", "domain.two"))
        return build(tmp_path)

    text = joined("def _a(): return 1\nx = _a()", "from domain import one\ndef _a(): return 2\ny = _a()")
    names: dict[str, Any] = {"__name__": "tests.tools.test_verify_build"}
    exec(text, names)
    assert (names["x"], names["y"]) == (1, 2)
    assert "import one" not in text
    with pytest.raises(CannotJoin, match="two modules define a"):
        joined("a = 1", "def a(): return 2")
    with pytest.raises(CannotJoin, match="attribute"):
        joined("_a = 1", "_a = 2\nb = lambda c: c._a")
    with pytest.raises(CannotJoin, match="another name"):
        joined("", "from domain.one import x as y")


@pytest.mark.parametrize("arguments", [[], ["a", "b"], ["nowhere/verify.py"]])
def test_building_elsewhere_than_into_a_file_is_said(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--build", *arguments]) == 2
    assert capsys.readouterr().err.count("\n") == 1
