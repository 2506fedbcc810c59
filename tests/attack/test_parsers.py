"""What parses the bytes of strangers answers with its documented errors alone, within limits of time and memory.

The ordinary run reads what is known and a few thousand changed copies of it; the deep run searches by coverage (atheris) for
DAGBOK_FUZZ_SECONDS a parser.
"""

from __future__ import annotations

import importlib
import os
import random
import re
import signal
import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

import pytest

from tests.attack.fuzz import planted
from tests.attack.fuzz.parsers import PARSERS, kept

ROOT = Path(__file__).parents[2]
SEED = int(os.environ.get("DAGBOK_SEED", "20260301"))
SECONDS = int(os.environ.get("DAGBOK_FUZZ_SECONDS", "20"))
INPUT_LIMIT_S = 10
CHANGED = 2_000
FEWEST_A_SECOND = 20
Record = Callable[[str, Any], None]


@contextmanager
def limited() -> Iterator[None]:
    """An input on which a parser hangs is an error."""

    def over(number: int, frame: FrameType | None) -> None:
        raise TimeoutError("the parser did not come to an end")

    before = signal.signal(signal.SIGALRM, over)
    signal.alarm(INPUT_LIMIT_S)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def changed(inputs: Sequence[bytes], chance: random.Random) -> bytes:
    """One of the inputs with a few bytes changed, taken out, doubled, or put together with another's end."""
    data = bytearray(chance.choice(inputs))
    for _ in range(chance.randint(1, 4)):
        at = chance.randint(0, len(data))
        match chance.randrange(5):
            case 0:
                data[at : at + 1] = chance.randbytes(1)
            case 1:
                del data[at : at + chance.randint(1, 16)]
            case 2:
                data[at:at] = data[at : at + chance.randint(1, 64)]
            case 3:
                data[at:] = chance.choice(inputs)[at:]
            case _:
                data[at : at + 8] = chance.choice((b"\0" * 8, b"\xff" * 8, b"\x7f" + b"\xff" * 7, "—é𝄞".encode()))
    return bytes(data)


def replay(target: ModuleType, inputs: Sequence[bytes], copies: int) -> int:
    """Read the inputs and so many changed copies; how many were read."""
    chance = random.Random(SEED)
    wanted = [*inputs, *(changed(inputs, chance) for _ in range(copies))]
    for data in wanted:
        with limited():
            target.one(data)
    return len(wanted)


def search(name: str, seconds: int, place: Path, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the fuzzer in a process of its own, with limits of its own."""
    command = [sys.executable, "-m", "tests.attack.fuzz", name, f"--seconds={seconds}", f"--seed={SEED}", f"--found={place}"]
    return subprocess.run(
        [*command, *options],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )


def executed(said: str) -> int:
    """How many inputs a run read."""
    found = re.search(r"stat::number_of_executed_units: (\d+)", said)
    return int(found[1]) if found else 0


@pytest.mark.parametrize("name", PARSERS)
def test_known_inputs_and_changed_copies_are_read_or_refused(name: str, record_property: Record) -> None:
    target = importlib.import_module(f"tests.attack.fuzz.{name}")
    inputs = [*target.seeds(None), *kept(name)]
    read = replay(target, inputs, CHANGED)
    record_property("inputs", f"seed {SEED}, {read}")
    assert len(inputs) >= 3
    assert read == len(inputs) + CHANGED


def test_an_undocumented_error_is_seen_in_a_replay() -> None:
    with pytest.raises(LookupError):
        replay(planted, [b"<!D"], 0)
    assert replay(planted, planted.seeds(None), 100) == 101


def test_a_parser_that_hangs_is_seen_in_a_replay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planted, "FAULT", "endless")
    monkeypatch.setattr(sys.modules[__name__], "INPUT_LIMIT_S", 1)
    with pytest.raises(TimeoutError):
        replay(planted, [b"<!D"], 0)


@pytest.mark.parametrize(("fault", "kind"), [("error", "crash"), ("endless", "timeout"), ("greedy", "oom")])
def test_the_search_finds_its_way_to_a_planted_fault(fault: str, kind: str, tmp_path: Path) -> None:
    pytest.importorskip("atheris", reason="its wheels are for Linux on x86-64")
    found = search("planted", 60, tmp_path, "--limit=2", DAGBOK_PLANTED=fault)
    assert found.returncode != 0
    (left,) = tmp_path.glob(f"{kind}-*")
    assert left.read_bytes()[:3] == b"<!D"


@pytest.mark.deep
@pytest.mark.parametrize("name", PARSERS)
def test_a_search_by_coverage_finds_nothing(name: str, tmp_path: Path, record_property: Record) -> None:
    pytest.importorskip("atheris", reason="its wheels are for Linux on x86-64")
    found = search(name, SECONDS, tmp_path)
    told = f"{name}: seed {SEED}, {SECONDS} s, {executed(found.stderr)} inputs"
    record_property("fuzz", told)
    print(told)
    broke = {path.name: b64encode(path.read_bytes()).decode() for path in tmp_path.iterdir() if path.is_file()}
    assert (found.returncode, broke) == (0, {}), found.stderr[-3_000:]
    assert executed(found.stderr) > FEWEST_A_SECOND * SECONDS
