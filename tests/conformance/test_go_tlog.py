"""Go's own transparency-log packages read what we write, refuse what was changed, and write what we read."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from domain import chain
from tests.chain import export_writer as export
from tools.verify import verify_export

GO = shutil.which("go", path=os.environ.get("PATH", os.defpath) + os.pathsep + "/usr/local/go/bin")
SOURCE = Path(__file__).parent / "go"
LEAVES = [chain.leaf_hash(b"entry %d" % number) for number in range(300)]
NODE = chain.memory_nodes(LEAVES)
PAIRS = [
    (at, size)
    for size in (1, 2, 3, 4, 5, 8, 13, 64, 100, 255, 256, 257, 300)
    for at in {0, 1, size // 3, size // 2, size - 2, size - 1}
]

pytestmark = pytest.mark.program("go")


@dataclass(frozen=True)
class Line:
    """A proof as the Go program reads it."""

    index: int
    size: int
    root: str
    hashes: list[str]
    leaf: str = ""
    old_root: str = ""


@dataclass(frozen=True)
class Conformance:
    """The built Go program."""

    binary: Path

    def __call__(self, *arguments: str) -> tuple[int, dict[str, Any]]:
        """Exit status and summary of a run."""
        done = subprocess.run([self.binary, *arguments], capture_output=True, text=True, check=False)
        assert done.stdout.count("\n") == 1, done.stderr
        return done.returncode, json.loads(done.stdout)


@pytest.fixture(scope="module")
def conformance(tmp_path_factory: pytest.TempPathFactory) -> Conformance:
    binary = tmp_path_factory.mktemp("go") / "conformance"
    subprocess.run([str(GO), "build", "-o", binary, "."], cwd=SOURCE, check=True)
    return Conformance(binary)


def proofs() -> Iterator[Line]:
    for at, size in PAIRS:
        if not 0 <= at < size:
            continue
        root = chain.tree_root(size, NODE).hex()
        inclusion, consistency = chain.prove_inclusion(at, size, NODE), chain.prove_consistency(at + 1, size, NODE)
        yield Line(at, size, root, [one.hex() for one in inclusion], leaf=LEAVES[at].hex())
        yield Line(at + 1, size, root, [one.hex() for one in consistency], old_root=chain.tree_root(at + 1, NODE).hex())


def flipped(text: str, at: int) -> str:
    data = bytearray.fromhex(text)
    data[at % 32] ^= 1 << at % 8
    return data.hex()


def mutants(line: Line) -> Iterator[Line]:
    """Changes after which the proof must not hold, whatever the tree."""
    for at in range(len(line.hashes)):
        yield replace(line, hashes=[*line.hashes[:at], flipped(line.hashes[at], 3 * at), *line.hashes[at + 1 :]])
        yield replace(line, hashes=[*line.hashes[:at], *line.hashes[at + 1 :]])
        yield replace(line, hashes=[*line.hashes[:at], line.hashes[at], *line.hashes[at:]])
    yield replace(line, hashes=[*line.hashes, line.root])
    yield replace(line, root=flipped(line.root, line.size))
    yield replace(line, index=line.size + 1)
    if line.leaf:
        yield replace(line, leaf=flipped(line.leaf, line.size))
    else:
        yield replace(line, old_root=flipped(line.old_root, line.size))
    if line.hashes and line.leaf:
        yield replace(line, index=line.index ^ 1)


def as_file(path: Path, lines: list[Line]) -> str:
    path.write_text(
        "".join(json.dumps({key: value for key, value in asdict(line).items() if value != ""}) + "\n" for line in lines)
    )
    return str(path)


@pytest.mark.parametrize("cases", [0, 1, 251, 252, 800])
def test_go_reads_an_export(conformance: Conformance, tmp_path: Path, cases: int) -> None:
    events = export.sample(cases)
    folder = export.write(tmp_path, export.export_files(events, payloads=False))
    report = verify_export(folder)
    status, summary = conformance("export", str(folder))
    root = b64encode(bytes.fromhex(report.root)).decode()
    assert status == 0
    assert summary == {"origin": export.CHAIN_ID, "size": len(events), "root": root, "records": len(events), "trees": len(events)}


@pytest.mark.parametrize(
    "path", ["checkpoint", "vkey", "tile/0/000", "tile/0/001.p/49", "tile/1/000.p/1", "tile/entries/001.p/49"]
)
def test_go_refuses_a_changed_export(conformance: Conformance, tmp_path: Path, path: str) -> None:
    files = export.export_files(export.sample(300), payloads=False)
    assert conformance("export", str(export.write(tmp_path / "sound", files)))[0] == 0
    for number, at in enumerate((0, len(files[path]) // 2, len(files[path]) - 2)):
        changed = files[path][:at] + bytes((files[path][at] ^ 1,)) + files[path][at + 1 :]
        folder = export.write(tmp_path / str(number), {**files, path: changed})
        assert conformance("export", str(folder))[0] == 1


def test_go_accepts_our_proofs(conformance: Conformance, tmp_path: Path) -> None:
    ours = list(proofs())
    assert conformance("proofs", as_file(tmp_path / "proofs", ours)) == (0, {"accepted": len(ours), "refused": 0})
    status, _ = conformance("proofs", as_file(tmp_path / "spoilt", [*ours, next(mutants(ours[-1]))]))
    assert status == 1, "one false proof among true ones is reported"


def test_go_and_we_refuse_every_mutated_proof(conformance: Conformance, tmp_path: Path) -> None:
    false = [mutant for line in proofs() for mutant in mutants(line)]
    assert len(false) >= 500
    path = as_file(tmp_path / "mutants", false)
    assert conformance("proofs", path, "mutated") == (0, {"accepted": 0, "refused": len(false)})
    for line in false:
        with pytest.raises(chain.ProofError):
            check(line)
    status, _ = conformance("proofs", as_file(tmp_path / "true", [*false, next(proofs())]), "mutated")
    assert status == 1, "one true proof among mutated ones is reported"


def check(line: Line) -> None:
    """The proof by our own checker."""
    hashes, root = [bytes.fromhex(one) for one in line.hashes], bytes.fromhex(line.root)
    if line.leaf:
        chain.check_inclusion(hashes, line.index, line.size, bytes.fromhex(line.leaf), root)
    else:
        chain.check_consistency(hashes, line.index, line.size, bytes.fromhex(line.old_root), root)


@pytest.mark.parametrize("size", [1, 2, 7, 64, 100])
def test_we_read_what_go_writes(conformance: Conformance, size: int) -> None:
    status, made = conformance("make", str(size))
    assert status == 0
    note = chain.parse_note(made["checkpoint"])
    name, kind, key = chain.parse_vkey(made["vkey"])
    assert (kind, chain.vkey(name, kind, key), chain.format_note(note)) == (chain.ED25519, made["vkey"], made["checkpoint"])
    assert note.signatures[0].key_id == chain.key_id(name, kind, key)
    leaves = [chain.leaf_hash(str(number).encode()) for number in range(size)]
    node = chain.memory_nodes(leaves)
    assert chain.parse_checkpoint(note.text) == chain.Checkpoint(name, size, chain.tree_root(size, node))
    assert len(made["proofs"]) == 2 * size
    for fields in made["proofs"]:
        line = Line(**{**fields, "hashes": fields["hashes"] or []})
        check(line)
        ours = chain.prove_inclusion(line.index, size, node) if line.leaf else chain.prove_consistency(line.index, size, node)
        assert [one.hex() for one in ours] == line.hashes
