"""The page `verify-by-hand`: its commands, run as they stand there, on a sound export and on changed ones."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from domain.ledger.export import export
from tests import tidy
from tests.fixtures_ledger import LedgerTenant, new_case, new_entry
from tests.ledger.test_export import held, new_document, sign
from tools.verify import verify_export

PAGE = (tidy.ROOT / "docs" / "howto" / "verify-by-hand.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(sh|go)\n(.*?)```", PAGE, re.DOTALL)
PATH = os.environ.get("PATH", os.defpath) + os.pathsep + "/usr/local/go/bin"

pytestmark = [pytest.mark.program(one) for one in ("bash", "openssl", "go", "basenc")]


def carry_out(folder: Path, only: str = "") -> subprocess.CompletedProcess[str]:
    """Every block of the page in order, in one shell that stops at the first error; `only` the blocks with this in them."""
    script = ["set -E -e -o pipefail", """trap 'echo "$BASH_COMMAND ended with ${PIPESTATUS[*]}" >&2' ERR"""]
    for kind, text in BLOCKS:
        if kind == "go":
            (folder / "check").mkdir(exist_ok=True)
            (folder / "check" / "main.go").write_text(text)
        elif only in text:
            script.append(text)
    environment = {**os.environ, "PATH": PATH, "GOFLAGS": "-mod=mod"}
    return subprocess.run(
        ["bash", "-c", "\n".join(script)], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture
def folder(ledger_tenant: LedgerTenant, tmp_path: Path) -> Path:
    case = new_case(ledger_tenant.ledger)
    new_document(ledger_tenant.ledger, new_entry(ledger_tenant.ledger, case))
    vkey = sign(ledger_tenant)
    (tmp_path / "kept.txt").write_text(held(ledger_tenant))
    (tmp_path / "vkey.txt").write_text(vkey + "\n")
    for _ in range(45):
        new_entry(ledger_tenant.ledger, case)
    sign(ledger_tenant)
    with psycopg.connect(ledger_tenant.dsn("auditor"), autocommit=True) as connection:
        export(connection, ledger_tenant.tenant, tmp_path / "log", ledger_tenant.ledger.blobs)
    return tmp_path


def test_the_commands_of_the_page_hold_for_a_sound_export(folder: Path) -> None:
    assert [kind for kind, _ in BLOCKS] == ["sh", "sh", "sh", "sh", "go", "sh"]
    done = carry_out(folder)
    assert done.returncode == 0, done.stderr
    report = verify_export(folder / "log")
    kept = int((folder / "kept.txt").read_text().split("\n")[1])
    assert report.events > 256 > kept
    assert done.stdout.count("Signature Verified Successfully") == 2
    assert f"{report.events} entries, head {report.head}, and the first {kept} are those of the kept checkpoint" in done.stdout


def flipped(path: Path, at: int) -> None:
    data = path.read_bytes()
    path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])


CHANGES: dict[str, tuple[str, Callable[[Path], None]]] = {
    "the text of the checkpoint": ("openssl pkeyutl", lambda folder: flipped(folder / "log" / "checkpoint", 3)),
    "its signature": ("openssl pkeyutl", lambda folder: flipped(folder / "log" / "checkpoint", -9)),
    "another key": ("openssl pkeyutl", lambda folder: flipped(folder / "log" / "vkey", -9)),
    "the kept checkpoint": ("openssl pkeyutl", lambda folder: flipped(folder / "kept.txt", 3)),
    "a fact": ("", lambda folder: flipped(folder / "log" / "payload" / "000.jsonl", 160)),
    "the first entry": ("", lambda folder: flipped(folder / "log" / "tile" / "entries" / "000", 100)),
    "the first tile": ("", lambda folder: flipped(folder / "log" / "tile" / "0" / "000", 3)),
    "a late entry": ("", lambda folder: flipped(folder / "log" / "tile" / "entries" / "000", -70)),
}


@pytest.mark.parametrize("change", CHANGES)
def test_the_commands_of_the_page_end_with_an_error_where_something_was_changed(folder: Path, change: str) -> None:
    only, make = CHANGES[change]
    make(folder)
    assert carry_out(folder, only).returncode != 0
