"""Checks an export folder without the ledger: no database, no account, nothing of the writer's but ``domain.chain``.

Every byte of every file is held against the entries, the entries against the tree, the tree against the folder's checkpoint,
and that against checkpoints held elsewhere.  The folder is what ``dagbok log export`` writes::

    checkpoint            signed note of the tree           tile/<level>/<index>[.p/<width>]   hashes of the tree
    vkey                  its key, one line                 tile/entries/<index>[.p/<width>]   entries, each behind a u16 length
    disclosed.jsonl       payload lines of all chain-opened, fact-type-introduced and bodies-disposed facts
    schema/<topic>.json   the fact type as introduced; schema/<topic>.body.json that of its body
    payload/<index>.jsonl one line a fact, 256 a file (``chain.payload_line``); with them blob/<object id>, the documents' files

Only a checkpoint held outside shows that this is the history which was signed then: a folder alone may be forged whole.
Memory: one bundle (256 facts) at a time, and some 150 bytes a stream to see that its versions are consecutive.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from functools import reduce
from hashlib import sha256
from pathlib import Path
from struct import Struct
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from domain import chain
from tools.export_facts import DISCLOSED, LINE_LIMIT, OBJECT_TOPIC, Committed, Disclosed, check_blob, check_line
from tools.export_files import Fault, Files, Findings, Tiles

__all__ = ["Fault", "Report", "main", "verify_export"]

_NOTE_LIMIT, _VKEY_LIMIT, _PAYLOAD_LIMIT = 4_000_000, 10_000, 256 * LINE_LIMIT  # bytes
_NEED_NO_INTRODUCTION = frozenset({chain.OPENED_TOPIC, chain.INTRODUCED_TOPIC})

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
    folder: Path, checkpoints: Sequence[str] = (), vkeys: Sequence[str] = (), *, require_payloads: bool = False
) -> Report:
    """Check the export in ``folder``, against signed notes held outside and verifier keys known otherwise.

    Whatever is wrong in the folder is a fault in the report; ``ChainError`` only if a checkpoint or key that was handed in
    cannot be read.  Without ``vkeys`` for the chain the folder's own key is used.
    """
    held = [_checkpoint(text) for text in checkpoints]
    given = [chain.parse_vkey(text.removesuffix("\n")) for text in vkeys]
    findings = Findings()
    files = Files(folder, findings)
    opened = _open_checkpoint(files, findings, given)
    if opened is None:
        return Report(False, "", 0, "", "", None, findings.all_faults(), findings.unprovable, 0)
    head, keys = opened
    mine = [checkpoint for _, checkpoint in held if checkpoint.origin == head.origin]
    trusted = _check_signatures(head.origin, held, keys, findings)
    payloads = require_payloads or files.has("payload")
    walk = _Walk(files, findings, head, payloads, {checkpoint.size for checkpoint in mine})
    walk.run()
    if walk.complete:
        trusted = _check_trees(head, walk, mine, findings) and trusted
        for path in files.left_over():
            findings.fault(f"{path} does not belong to the export")
    _name_unprovable(head, payloads, mine, findings)
    latest = max((checkpoint.size for checkpoint in mine), default=head.size)
    checkpoint = {"size": latest, "ok": trusted and walk.complete, "outside": bool(mine)}
    faults, root = findings.all_faults(), walk.tiles.root().hex()
    return Report(
        not faults, head.origin, walk.events, walk.head.hex(), root, checkpoint, faults, findings.unprovable, walk.erased
    )


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


def _check_trees(head: chain.Checkpoint, walk: "_Walk", held: Sequence[chain.Checkpoint], findings: Findings) -> bool:
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


class _Walk:
    """One pass over the entries, bundle by bundle."""

    def __init__(self, files: Files, findings: Findings, head: chain.Checkpoint, payloads: bool, sizes: set[int]) -> None:
        self._files, self._findings, self._size, self._payloads = files, findings, head.size, payloads
        self._prefix = chain.entry_prefix(head.origin)
        self._origin = head.origin
        self._topics: set[bytes] = set()
        self._versions: dict[bytes, int] = {}
        self._recorded_at_us = -(1 << 63)
        self._stops = sorted(size for size in sizes if size <= head.size)
        self._disclosed = Disclosed(files, findings)
        self._continues = bool(self._disclosed.opened.get("predecessors"))
        self.tiles = Tiles(files)
        self.roots: dict[int, bytes] = {0: chain.EMPTY_ROOT}
        self.head = chain.genesis(head.origin)
        self.events = self.erased = 0
        self.complete = False

    def run(self) -> None:
        """Read all there is; ``complete`` stays false where a bundle is missing or cannot be cut into entries."""
        for index in range((self._size + 255) // 256):
            leaves = self._walk(index, min(256, self._size - 256 * index))
            if leaves is None:
                return
            for size in self._stops:
                if self.events < size <= self.events + len(leaves):
                    self.roots[size] = self.tiles.root(leaves[: size - self.events])
            self.tiles.add(leaves)
            self.events += len(leaves)
        self.tiles.close()
        for position in sorted(self._disclosed.lines):
            self._findings.fault("disclosed.jsonl has a line that is no such fact's", position)
        if self._size and self._disclosed.opened.get("chain_id") != self._origin:
            self._findings.fault("the opening fact names another chain", 1)
        self.complete = True

    def _walk(self, index: int, width: int) -> list[bytes] | None:
        """The leaves of a bundle, looked at and linked into the chain; ``None`` and a fault where it is no bundle."""
        path, first = chain.entries_path(index, width), 256 * index + 1
        data = self._files.read(path, width * 0x10001, (first, first + width - 1))
        if data is None:
            return None
        leaves = None if self._payloads else self._skim(data, width)
        if leaves is not None:
            return leaves
        entries, at, size = list[bytes](), 0, len(data)
        while at + 1 < size and len(entries) < width:
            start = at + 2
            at = start + (data[at] << 8 | data[at + 1])
            entries.append(data[start:at])
        if at != size or len(entries) != width:
            self._findings.fault(f"{path} is not {width} entries with their lengths", interval=(first, first + width - 1))
            return None
        self._check_bundle(index, entries)
        leaves = [chain.leaf_hash(entry) for entry in entries]
        self.head = reduce(chain.chain_hash, leaves, self.head)
        return leaves

    def _skim(self, data: bytes, width: int) -> list[bytes] | None:
        """The leaves of a bundle that is in order: nothing new, nothing amiss. If not, each entry is looked at by itself.

        One loop over the bundle as it lies, at half the cost of looking at each: what makes checking keep up with hashing.
        """
        prefix, versions, size = self._prefix, self._versions, len(data)
        ordinary = {len(topic).to_bytes(2, "big") + topic for topic in self._topics - DISCLOSED}
        framed = Struct(f"!H{len(prefix)}sQq16sQ")
        unpack, fixed, last, leaves = framed.unpack_from, framed.size, versions.get, list[bytes]()
        of_leaf, of_chain = sha256(b"\x00").copy, sha256(b"\x02").copy  # cheaper than making each hash anew
        recorded, head, at = self._recorded_at_us, self.head, 0
        for position in range(self.events + 1, self.events + width + 1):
            if at + fixed > size:
                break
            length, found, position_at, recorded_at_us, stream, version = unpack(data, at)
            start, topic_at = at + 2, at + fixed
            at = start + length
            if found != prefix or position_at != position or recorded_at_us < recorded or version != last(stream, 0) + 1:
                break
            if data[topic_at : at - 64] not in ordinary:
                break
            versions[stream] = version
            recorded = recorded_at_us
            (hashed := of_leaf()).update(data[start:at])
            leaf = hashed.digest()
            (hashed := of_chain()).update(head + leaf)
            head = hashed.digest()
            leaves.append(leaf)
        if len(leaves) == width and at == size:
            self._recorded_at_us, self.head = recorded, head
            return leaves
        at = 0
        for _ in leaves:  # as if it had not been looked at
            length, _, _, _, stream, _ = unpack(data, at)
            versions[stream] -= 1
            at += 2 + length
        return None

    def _check_bundle(self, index: int, entries: Sequence[bytes]) -> None:
        last = self.events + len(entries)
        path, interval = chain.payload_path(index), (self.events + 1, last)
        lines = self._files.open(path, _PAYLOAD_LIMIT, interval) if self._payloads else None
        with lines or nullcontext():
            for position, data in enumerate(entries, self.events + 1):
                line = lines.readline(LINE_LIMIT) if lines is not None else None
                try:
                    entry = self._check_entry(position, data)
                    if line is not None or entry[1] in DISCLOSED:
                        self._check_facts(entry, line)
                except chain.ChainError as error:
                    self._findings.fault(str(error), position)
            if lines is not None and lines.read(1):
                self._findings.fault(f"{path} has more lines than facts", interval=interval)

    def _check_entry(self, position: int, data: bytes) -> Committed:
        at, recorded_at_us, originator_id, version, topic, meta_commit, body_commit = chain.split_entry(self._prefix, data)
        if topic not in self._topics:
            self._first_use(position, topic, data)
        if at != position:
            raise chain.ChainError(f"the entry says that it has position {at}")
        if recorded_at_us < self._recorded_at_us:
            self._findings.fault("recorded_at is before that of the event before", position)
        self._recorded_at_us = recorded_at_us
        before = self._versions.get(originator_id, 0)
        if version != before + 1 and (before or not self._continues):
            self._findings.fault(f"version {version} of its stream follows version {before}", position)
        self._versions[originator_id] = version
        return position, topic, meta_commit, body_commit

    def _first_use(self, position: int, raw: bytes, data: bytes) -> None:
        topic = chain.decode_entry(data).topic
        if (topic == chain.OPENED_TOPIC) != (position == 1):
            self._findings.fault("a chain begins with its opening fact and has no other", position)
        if topic not in _NEED_NO_INTRODUCTION and self._disclosed.introduced.get(topic, position) >= position:
            self._findings.fault(f"the fact type {topic} was not introduced before its first use", position)
        if topic != chain.OPENED_TOPIC:  # so that another one is looked at too
            self._topics.add(raw)

    def _check_facts(self, entry: Committed, line: bytes | None) -> None:
        position, topic = entry[:2]
        if topic in DISCLOSED:
            check_line(self._disclosed.lines.pop(position, b""), entry)
        if line is None:
            return
        meta, has_body = check_line(line, entry)
        if not has_body:
            if position not in self._disclosed.bodies:
                raise chain.ChainError("the body is gone and no disposal fact lists the position")
            self.erased += 1
        if topic.startswith(OBJECT_TOPIC):
            check_blob(self._files, meta, position in self._disclosed.blobs)


def main(arguments: Sequence[str] | None = None) -> int:
    """``python -m tools.verify DIR``: 0 verified, 1 faults, 2 could not run."""
    parser = argparse.ArgumentParser(prog="python -m tools.verify", description="Check an export of a Dagbok chain.")
    parser.add_argument("folder", metavar="DIR", type=Path)
    parser.add_argument("--checkpoint", metavar="FILE", action="append", default=[], help="a checkpoint held outside; repeatable")
    parser.add_argument("--vkey", metavar="FILE", action="append", default=[], help="a verifier key known otherwise; repeatable")
    parser.add_argument("--payloads", action="store_true", help="an export without payloads is a fault")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    try:
        checkpoints, vkeys = ([Path(name).read_text("utf-8") for name in names] for names in (options.checkpoint, options.vkey))
        if not os.path.isdir(options.folder):
            raise NotADirectoryError(20, "not a folder", str(options.folder))
        report = verify_export(options.folder, checkpoints, vkeys, require_payloads=options.payloads)
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


if __name__ == "__main__":
    sys.exit(main())
