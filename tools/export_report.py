"""The check of an export folder as a whole: checkpoint, keys, entries, trees, and the report; for ``tools.verify`` alone."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from domain import chain
from tools import export_ranges
from tools.export_facts import Disclosed
from tools.export_files import Fault, Files, Findings
from tools.export_walk import Export, Walk

_NOTE_LIMIT, _VKEY_LIMIT = 4_000_000, 10_000  # bytes
_MOST_PROCESSES = 4

Keys = Mapping[tuple[str, bytes], Callable[[bytes, bytes], bool]]


@dataclass(frozen=True, slots=True)
class Report:
    """What was found in one chain: ``events`` read, ``head`` (chain hash) and ``root`` over them in hex, ``erased`` bodies
    destroyed by decision.  ``checkpoint`` is the latest held outside, else the folder's own."""

    ok: bool
    chain_id: str
    events: int
    head: str
    root: str
    checkpoint: dict[str, Any] | None
    faults: list[Fault]
    unprovable: list[str]
    erased: int

    def as_json(self) -> dict[str, Any]:
        """The shape of ``verify --json``: this chain's fields, and again under ``chains`` with its id."""
        fields = asdict(self)
        fields["faults"] = [{"position": fault.position, "what": fault.what, "interval": fault.interval} for fault in self.faults]
        chain_id = fields.pop("chain_id")
        return {**fields, "chains": [{"chain_id": chain_id, **fields}]}


def verify_export(
    folder: Path,
    checkpoints: Sequence[str] = (),
    vkeys: Sequence[str] = (),
    *,
    require_payloads: bool = False,
    processes: int = 1,
    least: int = export_ranges.LEAST,
) -> Report:
    """Check the export in ``folder``, against signed notes held outside and verifier keys known otherwise.

    Whatever is wrong in the folder is a fault in the report; ``ChainError`` only if a checkpoint or key that was handed in
    cannot be read.  Without ``vkeys`` for the chain the folder's own key is used.  From ``least`` events on, ``processes`` share
    the work: for programs whose main module may be imported anew.  ``OSError`` where the temporary folder is full.
    """
    held = [_checkpoint(text) for text in checkpoints]
    given = [chain.parse_vkey(text.removesuffix("\n")) for text in vkeys]
    for number in dict.fromkeys((processes, 1)):
        report = _verify(folder, held, given, require_payloads, number, least)
        if report is not None:
            return report
    raise AssertionError("one process always reports")


def _verify(
    folder: Path, held: "_Held", given: Sequence[tuple[str, int, bytes]], require_payloads: bool, processes: int, least: int
) -> Report | None:
    """The report; ``None`` where several processes were to share the work and something is amiss."""
    findings = Findings()
    files = Files(folder, findings)
    opened = _open_checkpoint(files, findings, given)
    if opened is None:
        return Report(False, "", 0, "", "", None, findings.all_faults(), findings.unprovable, 0)
    head, keys = opened
    mine = [checkpoint for _, checkpoint in held if checkpoint.origin == head.origin]
    trusted = _check_signatures(head.origin, held, keys, findings)
    payloads = require_payloads or files.has("payload")
    sizes = tuple(sorted({checkpoint.size for checkpoint in mine if checkpoint.size <= head.size}))
    export = Export(folder, head.origin, head.size, payloads, sizes)
    walk = Walk(export, files, findings, Disclosed(files, findings))
    if processes == 1 or head.size < least:
        walk.run()
    elif not export_ranges.shared(export, walk, processes):
        return None
    if walk.complete:
        trusted = _check_trees(head, walk, mine, findings) and trusted
        for path in files.left_over():
            findings.fault(f"{path} does not belong to the export")
    if findings.faults and processes > 1:
        return None
    _name_unprovable(head, payloads, mine, findings)
    latest = max((checkpoint.size for checkpoint in mine), default=head.size)
    checkpoint = {"size": latest, "ok": trusted and walk.complete, "outside": bool(mine)}
    faults, root = findings.all_faults(), walk.tiles.root().hex()
    return Report(
        not faults, head.origin, walk.events, walk.head.hex(), root, checkpoint, faults, findings.unprovable, walk.erased
    )


_Held = Sequence[tuple[chain.Note, chain.Checkpoint]]


def _checkpoint(text: str) -> tuple[chain.Note, chain.Checkpoint]:
    note = chain.parse_note(text)
    return note, chain.parse_checkpoint(note.text)


def _open_checkpoint(
    files: Files, findings: Findings, given: Sequence[tuple[str, int, bytes]]
) -> tuple[chain.Checkpoint, Keys] | None:
    raw, line = files.read("checkpoint", _NOTE_LIMIT), files.read("vkey", _VKEY_LIMIT)
    if raw is None or line is None:
        return None
    try:
        note = chain.parse_note(raw)
        head = chain.parse_checkpoint(note.text)
        chain.entry_prefix(head.origin)
        if not line.endswith(b"\n"):
            raise chain.ChainError("vkey is not one line")
        own = chain.parse_vkey(line[:-1].decode())
    except ValueError as error:
        findings.fault(f"the folder's checkpoint or vkey cannot be read: {error}")
        return None
    known = [key for key in given if key[0] == head.origin]
    if own[0] != head.origin or (known and own not in known):
        findings.fault("the folder's vkey is not a key of this chain" + (" that was given" if known else ""))
    if not known:
        findings.unprovable.append(
            "whose key signed the checkpoints: the key came with the folder, none was given for this chain"
        )
    keys = {
        (name, chain.key_id(name, kind, key)): _verifier(kind, key) for name, kind, key in [*given, *([] if known else [own])]
    }
    if head.origin not in chain.verify_note(note, keys):
        findings.fault("the folder's checkpoint is not signed by the chain's key")
    unknown = {signature.name for signature in note.signatures if (signature.name, signature.key_id) not in keys}
    if unknown:
        findings.unprovable.append(f"signatures of {', '.join(sorted(unknown))}: their keys were not given")
    return head, keys


def _verifier(kind: int, key: bytes) -> Callable[[bytes, bytes], bool]:
    """How a key's signature under a note is checked; one of a kind unknown here never holds."""

    def verify(text: bytes, signature: bytes) -> bool:
        try:
            if kind == chain.ED25519:
                Ed25519PublicKey.from_public_bytes(key).verify(signature, text)
            elif kind == chain.COSIGNATURE_V1:
                message = chain.cosignature_message(int.from_bytes(signature[:8], "big"), text.decode())
                Ed25519PublicKey.from_public_bytes(key).verify(signature[8:], message)
            else:
                return False
        except (InvalidSignature, ValueError):
            return False
        return True

    return verify


def _check_signatures(origin: str, held: Sequence[tuple[chain.Note, chain.Checkpoint]], keys: Keys, findings: Findings) -> bool:
    """Whether the checkpoints held outside that are of this chain are signed by its key; faults and the others are named."""
    before = len(findings.faults)
    for note, checkpoint in held:
        if checkpoint.origin != origin:
            findings.unprovable.append(f"the checkpoint of {checkpoint.origin}: this is another chain")
        elif origin not in chain.verify_note(note, keys):
            findings.fault(f"the checkpoint of size {checkpoint.size} held outside is not signed by the chain's key")
    if held and all(checkpoint.origin != origin for _, checkpoint in held):
        findings.fault(f"no checkpoint held outside is of this chain, {origin}")
    return len(findings.faults) == before


def _check_trees(head: chain.Checkpoint, walk: Walk, held: Sequence[chain.Checkpoint], findings: Findings) -> bool:
    """Whether the entries have the folder's root, and their prefixes those of the checkpoints held outside; a false one
    and the last true one before it enclose the fault."""
    sound = walk.tiles.root() == head.root
    if not sound:
        findings.fault("the entries' root is not the one in the folder's checkpoint", interval=(1, head.size))
    good = 0
    for checkpoint in sorted(held, key=lambda one: one.size):
        at = checkpoint.size
        if at > head.size:
            findings.fault(f"events are missing: a checkpoint held outside covers {at}", interval=(head.size + 1, at))
        elif walk.roots[at] != checkpoint.root:
            findings.fault(f"not the history that the checkpoint of size {at} was signed for", interval=(good + 1, at))
        else:
            good = at
            continue
        sound = False
    return sound


def _name_unprovable(head: chain.Checkpoint, payloads: bool, held: Sequence[chain.Checkpoint], findings: Findings) -> None:
    covered = max((checkpoint.size for checkpoint in held), default=0)
    if not held:
        findings.unprovable.append("completeness: no checkpoint held outside; a cut or rewritten ledger would look like this one")
    elif covered < head.size:
        findings.unprovable.append(f"positions {covered + 1}-{head.size}: after the latest checkpoint held outside")
    if not payloads:
        findings.unprovable.append("what the facts say: the export has no payloads to compare with the commitments")


def main(arguments: Sequence[str] | None = None) -> int:
    """``DIR`` and options: 0 verified, 1 faults, 2 could not run."""
    parser = argparse.ArgumentParser(description="Check an export of a Dagbok chain.")
    parser.add_argument("folder", metavar="DIR", type=Path)
    parser.add_argument("--checkpoint", metavar="FILE", action="append", default=[], help="a checkpoint held outside; repeatable")
    parser.add_argument("--vkey", metavar="FILE", action="append", default=[], help="a verifier key known otherwise; repeatable")
    parser.add_argument("--payloads", action="store_true", help="an export without payloads is a fault")
    parser.add_argument("--processes", metavar="N", type=int, help="how many share a long export; default: one a core, at most 4")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    try:
        checkpoints, vkeys = ([Path(name).read_text("utf-8") for name in names] for names in (options.checkpoint, options.vkey))
        if not os.path.isdir(options.folder):
            raise NotADirectoryError(20, "not a folder", str(options.folder))
        processes = options.processes or min(os.cpu_count() or 1, _MOST_PROCESSES)
        report = verify_export(options.folder, checkpoints, vkeys, require_payloads=options.payloads, processes=processes)
    except (OSError, ValueError) as error:
        print(f"cannot verify: {error}", file=sys.stderr)
        return 2
    text = json.dumps(report.as_json()) if options.json else _as_text(report)
    print(text.encode(sys.stdout.encoding, "backslashreplace").decode(sys.stdout.encoding))
    return 0 if report.ok else 1


def _as_text(report: Report) -> str:
    lines = [f"{report.events} events verified, head {report.head}"] if report.ok else []
    for fault in report.faults:
        interval = "positions {}-{}".format(*fault.interval) if fault.interval else "the folder"
        lines.append(f"fault at {interval if fault.position is None else f'position {fault.position}'}: {fault.what}")
    lines += [f"not provable: {what}" for what in report.unprovable]
    return "\n".join([*lines, f"{report.erased} bodies erased by decision"] if report.erased else lines)
