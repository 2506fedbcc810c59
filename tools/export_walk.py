"""One pass over the entries of an export, bundle by bundle; for ``tools.verify`` alone.

A bundle that is in order takes the short way; any other is looked at entry by entry, and what is wrong with it is named.
"""

from collections.abc import Sequence
from contextlib import nullcontext, suppress
from functools import reduce
from hashlib import sha256
from pathlib import Path
from struct import Struct
from struct import error as struct_error
from typing import NamedTuple

from domain import chain
from tools.export_facts import DISCLOSED, LINE_LIMIT, OBJECT_TOPIC, Committed, Disclosed, check_blob, check_line
from tools.export_files import Files, Findings, Tiles
from tools.export_parts import HandedOver, Versions

RANGE = 65_536  # positions that another process reads at once: a full tile's worth of full tiles
_PAYLOAD_LIMIT = 256 * LINE_LIMIT  # bytes
_NEED_NO_INTRODUCTION = frozenset({chain.OPENED_TOPIC, chain.INTRODUCED_TOPIC})
_LONG_AGO = -(1 << 63)


class Export(NamedTuple):
    """What is read.  ``origin``: the chain; ``size``: events under the folder's checkpoint; ``sizes``: whose roots are wanted."""

    folder: Path
    origin: str
    size: int
    payloads: bool
    sizes: tuple[int, ...]


class Range(NamedTuple):
    """What another process saw of a range in which nothing is amiss.  ``leaves``: hashes, one after the other; ``edges``: for
    each wanted size in the range, its subtrees from the range's start on; ``recorded``: of first and last event."""

    start: int
    leaves: bytes
    rows: list[list[bytes]]
    edges: dict[int, tuple[bytes, ...]]
    recorded: tuple[int, int]
    versions: HandedOver
    asked: HandedOver
    erased: int


class Walk:
    """A pass from ``start`` on.  ``head``: chain hash, which means nothing in a range that is read by itself; ``complete``:
    nothing is missing of what there is to read; ``roots``: at the wanted sizes."""

    def __init__(self, export: Export, files: Files, findings: Findings, disclosed: Disclosed, start: int = 0) -> None:
        self._export, self._files, self._findings, self._disclosed = export, files, findings, disclosed
        self._prefix = chain.entry_prefix(export.origin)
        self._framed = Struct(f"!H{len(self._prefix)}sQq16sQ")  # length and head of an entry, up to its topic
        self._payloads = export.payloads
        self._topics: set[bytes] = set()
        self._ordinary: set[bytes] = set()  # topics behind their lengths, of facts of which no line is disclosed
        self._start, self._recorded_at_us, self._first_recorded = start, _LONG_AGO, _LONG_AGO
        self.versions = Versions(start > 0, start // RANGE, bool(disclosed.opened.get("predecessors")))
        self.tiles = Tiles(files, start)
        self.roots: dict[int, bytes] = {0: chain.EMPTY_ROOT}
        self.head = chain.genesis(export.origin)
        self.events, self.erased = start, 0
        self.complete = False

    def run(self) -> None:
        """Read all there is; ``complete`` stays false where a bundle is missing or cannot be cut into entries."""
        for index in range((self._export.size + 255) // 256):
            leaves = self._bundle(index, min(256, self._export.size - 256 * index))
            if leaves is None:
                return
            for size in self._export.sizes:
                if self.events < size <= self.events + len(leaves):
                    self.roots[size] = self.tiles.root(leaves[: size - self.events])
            self._add(leaves)
        self.finish()

    def run_range(self) -> Range | None:
        """Read one range; ``None`` where anything is amiss."""
        stop, found = min(self._start + RANGE, self._export.size), list[bytes]()
        edges: dict[int, tuple[bytes, ...]] = {}
        for index in range(self._start // 256, (stop + 255) // 256):
            leaves = self._bundle(index, min(256, stop - 256 * index))
            if leaves is None or self._findings.faults:
                return None
            for size in self._export.sizes:
                if self.events < size <= self.events + len(leaves):
                    edges[size] = self.tiles.nodes(leaves[: size - self.events])
            found += leaves
            self._add(leaves)
        if any(self._start < position <= stop for position in self._disclosed.lines):
            return None
        return Range(
            self._start, b"".join(found), self.tiles.rows(), edges, (self._first_recorded, self._recorded_at_us),
            self.versions.hand_over(), self._files.hand_over(), self.erased,
        )  # fmt: skip

    def join(self, one: Range) -> bool:
        """Take the next range; whether it follows those before it."""
        count = len(one.leaves) // 32
        if one.start != self.events or one.recorded[0] < self._recorded_at_us:
            return False
        self.head = reduce(chain.chain_hash, (one.leaves[at : at + 32] for at in range(0, len(one.leaves), 32)), self.head)
        before = self.tiles.nodes()
        self.tiles.join(one.rows, count)
        for size, nodes in one.edges.items():  # a full range goes into the subtrees before it
            whole = size - one.start == RANGE
            self.roots[size] = self.tiles.root() if whole else chain.Frontier(size, before + nodes).root()
        self.versions.join(one.versions)
        self._files.join(one.asked)
        self._recorded_at_us = one.recorded[1]
        self.erased += one.erased
        self.events += count
        for position in [at for at in self._disclosed.lines if one.start < at <= self.events]:
            del self._disclosed.lines[position]
        return True

    def finish(self) -> None:
        """After the last bundle."""
        self.tiles.close()
        for position in sorted(self._disclosed.lines):
            self._findings.fault("disclosed.jsonl has a line that is no such fact's", position)
        if self._export.size and self._disclosed.opened.get("chain_id") != self._export.origin:
            self._findings.fault("the opening fact names another chain", 1)
        for _, version, before in self.versions.breaks():
            what = f"version {version} of a stream follows version {before}"
            self._findings.fault(what, interval=(1, self._export.size))
        self.complete = True

    def _add(self, leaves: Sequence[bytes]) -> None:
        self.tiles.add(leaves)
        self.events += len(leaves)
        self.versions.shrink()

    def _bundle(self, index: int, width: int) -> list[bytes] | None:
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
        prefix, size, versions, deferred = self._prefix, len(data), self.versions, self.versions.deferred
        ordinary, unpack, fixed = self._ordinary, self._framed.unpack_from, self._framed.size
        known, leaves = versions.last.get, list[bytes]()
        of_leaf, of_chain = sha256(b"\x00").copy, sha256(b"\x02").copy  # cheaper than making each hash anew
        recorded, head, at, topic = self._recorded_at_us, self.head, 0, b""
        begun, gone_on, met = dict[bytes, int](), dict[bytes, int](), dict[bytes, int]()
        with suppress(struct_error):  # the bundle ends within an entry
            for position in range(self.events + 1, self.events + width + 1):
                length, found, position_at, recorded_at_us, stream, version = unpack(data, at)
                start, topic_at = at + 2, at + fixed
                at = start + length
                if found != prefix or position_at != position or recorded_at_us < recorded:
                    break
                if (here := data[topic_at : at - 64]) != topic and here not in ordinary:
                    break
                if version == 1:  # most often so; held against the streams before for all of the bundle at once
                    if stream in begun:
                        break
                    begun[stream] = 1
                elif stream in begun:
                    if version != begun[stream] + 1:
                        break
                    begun[stream] = version
                else:
                    before = gone_on.get(stream) or known(stream, 0)
                    if version != before + 1:
                        if before or not deferred:
                            break
                        met[stream] = version
                    gone_on[stream] = version
                recorded, topic = recorded_at_us, here
                (hashed := of_leaf()).update(data[start:at])
                leaf = hashed.digest()
                (hashed := of_chain()).update(head + leaf)
                head = hashed.digest()
                leaves.append(leaf)
        if len(leaves) < width or at != size or not versions.take(begun, gone_on, met):
            return None
        self._recorded_at_us, self.head = recorded, head
        return leaves

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
        if self._first_recorded == _LONG_AGO:  # a run begins here: no topic is known, so its first bundle is looked at by entries
            self._first_recorded = recorded_at_us
        if recorded_at_us < self._recorded_at_us:
            self._findings.fault("recorded_at is before that of the event before", position)
        self._recorded_at_us = recorded_at_us
        before = self.versions.last.get(originator_id, 0)
        if not self.versions.follows(originator_id, version):
            self._findings.fault(f"version {version} of its stream follows version {before}", position)
        return position, topic, meta_commit, body_commit

    def _first_use(self, position: int, raw: bytes, data: bytes) -> None:
        topic = chain.decode_entry(data).topic
        if (topic == chain.OPENED_TOPIC) != (position == 1):
            self._findings.fault("a chain begins with its opening fact and has no other", position)
        if topic not in _NEED_NO_INTRODUCTION and self._disclosed.introduced.get(topic, position) >= position:
            self._findings.fault(f"the fact type {topic} was not introduced before its first use", position)
        if topic != chain.OPENED_TOPIC:  # so that another one is looked at too
            self._topics.add(raw)
            if raw not in DISCLOSED:
                self._ordinary.add(len(raw).to_bytes(2, "big") + raw)

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
