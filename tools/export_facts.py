"""The facts in an export folder, line by line against the entries' commitments; for ``tools.verify`` alone.

``disclosed.jsonl`` is read first and held in memory: which bodies were disposed of, which fact types exist, and whether
the chain has predecessors must be known before the first entry.  What it says counts only because each of its lines is
compared with its entry later on.
"""

import hashlib
import json
import re
from binascii import a2b_base64
from bisect import bisect_right
from typing import Any

from domain import chain
from tools.export_files import Files, Findings

DISCLOSED = frozenset(topic.encode() for topic in (chain.OPENED_TOPIC, chain.INTRODUCED_TOPIC, chain.DISPOSAL_TOPIC))
LINE_LIMIT = 64 << 20  # bytes
OBJECT_TOPIC = b"document.object-added."
_DISCLOSED_LIMIT = 1 << 30  # bytes
_LINE = re.compile(
    rb'\{"position":([1-9][0-9]{0,18}),"topic":"([^"\\\x00-\x20]+)","meta_salt":"([0-9a-f]{64})","meta":"([A-Za-z0-9+/]*={0,2})",'
    rb'"body_salt":(?:"([0-9a-f]{64})"|null),"body":(?:"([A-Za-z0-9+/]*={0,2})"|null),'
    rb'"meta_commit":"([0-9a-f]{64})","body_commit":"([0-9a-f]{64})"\}\n'
)
_KEYS = ["position", "topic", "meta_salt", "meta", "body_salt", "body", "meta_commit", "body_commit"]
_TOPIC_FILE = re.compile(r"[a-z0-9]+([.-][a-z0-9]+)*")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")

Committed = tuple[int, bytes, bytes, bytes]
"""Position, topic, meta_commit, body_commit of an entry."""


def check_line(line: bytes, entry: Committed) -> tuple[bytes, bool]:
    """(meta, whether the body is there) of a payload line; ``ChainError`` unless it is the canonical line of this entry.

    The values are cut out by the quotes around them, carelessly, because the line made from them again must equal it."""
    position, topic, meta_commit, body_commit = entry
    parts = line.split(b'"')
    try:
        meta_salt, meta = bytes.fromhex(parts[9].decode()), a2b_base64(parts[13])
        body_salt = bytes.fromhex(parts[17].decode()) if parts[16] == b":" else None
        body = a2b_base64(parts[-10]) if parts[-11] == b":" else None
    except (ValueError, LookupError) as error:
        raise chain.ChainError(_why_not(line)) from error
    if line != chain.payload_line(position, topic, meta_salt, meta, body_salt, body, meta_commit, body_commit):
        raise chain.ChainError(_why_not(line))
    if chain.meta_commit(meta_salt, meta) != meta_commit:
        raise chain.ChainError("meta is not what the entry commits to")
    if body is None or body_salt is None:
        if body is not body_salt:
            raise chain.ChainError("of body and body_salt only one is there")
        return meta, False
    if chain.body_commit(body_salt, body) != body_commit:
        raise chain.ChainError("body is not what the entry commits to")
    return meta, True


def _why_not(line: bytes) -> str:
    try:
        pairs: Any = json.loads(line.decode(), object_pairs_hook=list)
        keys = [pair[0] for pair in pairs]
    except (ValueError, RecursionError, TypeError, LookupError):
        return "the line is missing or is not JSON"
    if not line.endswith(b"\n"):
        return "the line does not end"
    if len(keys) != len(set(keys)):
        return "a key occurs twice in the line"
    if keys != _KEYS:
        return "the line has not exactly the keys it should have, in their order"
    if not _LINE.fullmatch(line):
        return "a value in the line is not in its canonical form"
    return "position, topic or commitments in the line are not the entry's, or its base64 is not canonical"


class Runs:
    """Ranges of positions, for look-up."""

    def __init__(self) -> None:
        self._runs: list[tuple[int, int]] = []

    def add(self, run: range) -> None:
        """One more range, in any order."""
        self._runs.append((run.start, run.stop - 1))

    def close(self) -> None:
        """Sort and join what overlaps: after it, look-ups are right."""
        joined: list[tuple[int, int]] = []
        for first, last in sorted(self._runs):
            if joined and first <= joined[-1][1]:
                joined[-1] = (joined[-1][0], max(last, joined[-1][1]))
            else:
                joined.append((first, last))
        self._runs = joined

    def __contains__(self, position: int) -> bool:
        at = bisect_right(self._runs, position, key=lambda run: run[0])
        return at > 0 and position <= self._runs[at - 1][1]


class Disclosed:
    """``disclosed.jsonl``: the payload lines of the facts by which the chain speaks of itself."""

    def __init__(self, files: Files, findings: Findings) -> None:
        self._files, self._findings = files, findings
        self.lines: dict[int, bytes] = {}
        self.introduced: dict[str, int] = {}
        self.opened: dict[str, Any] = {}
        self.bodies, self.blobs = Runs(), Runs()
        self._read()
        self.bodies.close()
        self.blobs.close()

    def _read(self) -> None:
        file = self._files.open("disclosed.jsonl", _DISCLOSED_LIMIT)
        if file is None:
            return
        position = 0
        with file:
            while line := file.readline(LINE_LIMIT):
                match = _LINE.fullmatch(line)
                if match is None or int(match[1]) <= position:
                    self._findings.fault(f"disclosed.jsonl: {_why_not(line) if match is None else 'positions do not ascend'}")
                    continue
                position, topic = int(match[1]), match[2].decode(errors="replace")
                self.lines[position] = line
                try:
                    self._learn(position, topic, a2b_base64(match[4]))
                except ValueError as error:
                    self._findings.fault(f"the fact {topic} cannot be read: {error}", position)

    def _learn(self, position: int, topic: str, meta: bytes) -> None:
        if topic == chain.DISPOSAL_TOPIC:
            for part, runs in (("body", self.bodies), ("blob", self.blobs)):
                for run in chain.disposed_positions(meta, part):
                    if run.stop > position:
                        raise chain.ChainError("a disposal fact lists positions that come after it")
                    runs.add(run)
        elif topic == chain.OPENED_TOPIC:
            self.opened = _fact(meta)
        elif topic == chain.INTRODUCED_TOPIC:
            self._introduce(position, _fact(meta))

    def _introduce(self, position: int, fact: dict[str, Any]) -> None:
        topic, schemas = fact.get("topic"), {"": fact.get("schema"), ".body": fact.get("body_schema")}
        if not isinstance(topic, str) or not _TOPIC_FILE.fullmatch(topic) or topic in self.introduced:
            raise chain.ChainError("it names no topic, or one that was introduced before")
        self.introduced[topic] = position
        for suffix, schema in schemas.items():
            if isinstance(schema, str):
                self._files.expect(f"schema/{topic}{suffix}.json", schema.encode(errors="replace"))


def check_blob(files: Files, meta: bytes, disposed: bool) -> None:
    """For a fact that brought a document's file: ``blob/<object id>`` must have its size and digest (M707, M705), unless it
    was destroyed by decision.  ``ChainError`` if not."""
    try:
        fact = _fact(meta)
        name, size, checksum = fact["object_id"], fact["size"], fact["checksum"]
        if not _UUID.fullmatch(name) or type(size) is not int or fact.get("algorithm", "SHA-256") != "SHA-256":
            raise chain.ChainError("object_id, size or algorithm is not in its form")
    except (ValueError, KeyError, TypeError) as error:
        raise chain.ChainError(f"the document object in this fact cannot be read: {error}") from error
    path = f"blob/{name}"
    if disposed and not files.has(path):
        return
    file = files.open(path, size)
    if file is not None:
        with file:
            if hashlib.file_digest(file, "sha256").hexdigest() != checksum:
                raise chain.ChainError(f"{path} is not the file whose digest the fact has")


def _fact(meta: bytes) -> dict[str, Any]:
    try:
        fact = json.loads(meta.decode())["f"]
    except (RecursionError, TypeError, LookupError) as error:
        raise chain.ChainError("meta has not the shape of a fact") from error
    if not isinstance(fact, dict):
        raise chain.ChainError("meta has not the shape of a fact")
    return fact
