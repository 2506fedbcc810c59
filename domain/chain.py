r"""The chain: every byte that makes Dagbok's history provable, and nothing else.  Standard library only; no I/O, no clock.

**Parts.**  A fact is stored as two byte strings, *meta* and *body*, each with its own random 32-byte salt.  Law may order a
body destroyed; the commitments below stay, so the chain and all proofs survive (Noark 6.1.24, 6.4.27; GDPR art. 17)::

    meta_commit = SHA-256(0x10 || meta_salt || meta)          body_commit = SHA-256(0x11 || body_salt || body)

**Entry.**  One fact's line in the log.  It holds no text of a person's.  Integers are big-endian, strings UTF-8, at most
65 535 bytes in all (an entry bundle gives each entry a u16 length)::

    entry = "dagbok/event/v1\n" || u8 suite = 1 || u16 length || chain_id || u64 position || i64 recorded_at_us
            || originator_id[16] || u64 originator_version || u16 length || topic || meta_commit[32] || body_commit[32]

``position`` is 1, 2, 3 … without a gap, ``recorded_at_us`` (microseconds since 1970, UTC) never decreases.  A chain_id and
a topic are not empty and hold no space, control character, ``+``, ``"`` or ``\``: a chain_id is also a note's key name.

**Hashes.**  Leaves and nodes are those of RFC 6962 section 2.1; the Merkle index is position - 1; the prefix bytes keep one
kind of hash from passing for another::

    leaf = SHA-256(0x00 || entry)     node = SHA-256(0x01 || left || right)     no leaves: SHA-256 of nothing
    chain_hash = SHA-256(0x02 || previous chain_hash || leaf)     before the first: SHA-256("dagbok/genesis/v1\n" || chain_id)

**Trust.**  A chain and a tree prove nothing against the one who stores them: whoever holds the database can compute both
anew.  Proof begins with a *checkpoint* (C2SP tlog-checkpoint) kept elsewhere: origin, size and root in a signed note (C2SP
signed-note).  The tree is served as C2SP tlog-tiles (256 hashes a tile); a receipt is a C2SP tlog-proof@v1.

**Disposal.**  A body may be absent only where a fact of topic ``ledger.bodies-disposed.v1`` in the same chain lists its
position: meta ``{"e": {…}, "f": {"decision": "…", "positions": [[first, last], …], "parts": ["body", "blob"]}}``.

>>> event = Entry("aure.kommune.no/record/1", 1, 1_767_225_600_000_000, bytes(16), 1, "ledger.chain-opened.v1",
...               meta_commit(bytes(32), b'{"e":{},"f":{}}'), body_commit(bytes(32), b""))
>>> entry = encode_entry(event)
>>> len(entry), entry[:19], decode_entry(entry) == event
(171, b'dagbok/event/v1\n\x01\x00\x18', True)
>>> chain_hash(genesis(event.chain_id), leaf_hash(entry)).hex()[:16]
'170f045b6e63cdc9'
>>> leaves = [leaf_hash(entry), leaf_hash(b"a second one"), leaf_hash(b"a third")]
>>> tree, node = Frontier.empty().extend(leaves), memory_nodes(leaves)
>>> print(Checkpoint(event.chain_id, tree.size, tree.root()).text(), end="")
aure.kommune.no/record/1
3
e0E0JGVm9mJ3uFl9SMfAqkuILgqbJYYVqpvTQQuCeFk=
>>> check_inclusion(prove_inclusion(0, 3, node), 0, 3, leaves[0], tree.root())
>>> check_consistency(prove_consistency(1, 3, node), 1, 3, leaves[0], tree_root(3, node))
>>> check_inclusion(prove_inclusion(0, 3, node), 1, 3, leaves[0], tree.root())
Traceback (most recent call last):
domain.chain.ProofError: inclusion proof of index 1 in a tree of 3 leads to another root
"""

import re
from binascii import b2a_base64
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from struct import Struct

from domain.disposal import *  # noqa: F403  disposal facts; notes, checkpoints, tlog-proofs: one face, three files
from domain.note import *  # noqa: F403
from domain.note import ChainError

SUITE = 1  # SHA-256; a new suite takes a new number, old entries are never hashed again
OPENED_TOPIC = "ledger.chain-opened.v1"  # these three are defined by the format itself: no fact introduces them
INTRODUCED_TOPIC = "ledger.fact-type-introduced.v1"
DISPOSAL_TOPIC = "ledger.bodies-disposed.v1"
EMPTY_ROOT = sha256().digest()

_MAGIC = b"dagbok/event/v1\n" + bytes((SUITE,))
_FIXED = Struct(">Qq16sQH")  # position, recorded_at_us, originator_id, originator_version, length of topic
_LABEL = re.compile(r"""[^\s+"\\\x00-\x1f\x7f\ud800-\udfff]+""")  # safe as a note's key name and inside JSON as it stands

_PAYLOAD = (
    b'{"position":%d,"topic":"%b","meta_salt":"%b","meta":"%b","body_salt":%b,"body":%b,"meta_commit":"%b","body_commit":"%b"}\n'
)


class ProofError(ChainError):
    """The proof does not prove it."""


def _require(condition: bool, fault: str, kind: type[ChainError] = ChainError) -> None:
    if not condition:
        raise kind(fault)


def meta_commit(salt: bytes, meta: bytes) -> bytes:
    """Commitment to a fact's meta bytes as stored; ``salt`` is 32 random bytes."""
    if len(salt) != 32:
        raise ChainError("a salt has 32 bytes")
    return sha256(b"\x10" + salt + meta).digest()


def body_commit(salt: bytes, body: bytes) -> bytes:
    """Commitment to a fact's body bytes before encryption, empty where the fact has none; ``salt`` is 32 random bytes."""
    if len(salt) != 32:
        raise ChainError("a salt has 32 bytes")
    return sha256(b"\x11" + salt + body).digest()


@dataclass(frozen=True, slots=True)
class Entry:
    """One fact's line in the log: ``recorded_at_us`` in microseconds UTC, an originator_id of 16 bytes, commitments of 32."""

    chain_id: str
    position: int
    recorded_at_us: int
    originator_id: bytes
    originator_version: int
    topic: str
    meta_commit: bytes
    body_commit: bytes


def entry_prefix(chain_id: str) -> bytes:
    """The bytes that all entries of a chain begin with; ``ChainError`` if ``chain_id`` cannot name a chain."""
    _require(bool(_LABEL.fullmatch(chain_id)) and len(chain_id.encode()) <= 0xFFFF, f"not a chain_id: {chain_id!r}")
    return _MAGIC + len(chain_id.encode()).to_bytes(2, "big") + chain_id.encode()


def entry_bytes(
    prefix: bytes, position: int, recorded_at_us: int, originator_id: bytes, originator_version: int, topic: bytes,
    meta_commit: bytes, body_commit: bytes,
) -> bytes:  # fmt: skip
    """The entry of a fact whose fields the caller has checked: the hot path of writer and verifier."""
    fixed = _FIXED.pack(position, recorded_at_us, originator_id, originator_version, len(topic))
    return prefix + fixed + topic + meta_commit + body_commit


def encode_entry(entry: Entry) -> bytes:
    """Canonical bytes of an entry, every field checked; ``ChainError`` for a value out of range."""
    _require(bool(_LABEL.fullmatch(entry.topic)) and len(entry.topic.encode()) <= 0xFFFF, f"not a topic: {entry.topic!r}")
    _require(-(1 << 63) <= entry.recorded_at_us < 1 << 63, "recorded_at_us does not fit 64 bits")
    _require(1 <= entry.position < 1 << 63 and 1 <= entry.originator_version < 1 << 63, "positions and versions count from 1")
    sizes = len(entry.originator_id), len(entry.meta_commit), len(entry.body_commit)
    _require(sizes == (16, 32, 32), f"an originator_id has 16 bytes, a commitment 32: {sizes}")
    fixed = entry.position, entry.recorded_at_us, entry.originator_id, entry.originator_version
    data = entry_bytes(entry_prefix(entry.chain_id), *fixed, entry.topic.encode(), entry.meta_commit, entry.body_commit)
    _require(len(data) <= 0xFFFF, "an entry has at most 65535 bytes")
    return data


def split_entry(prefix: bytes, data: bytes) -> tuple[int, int, bytes, int, bytes, bytes, bytes]:
    """(position, recorded_at_us, originator_id, originator_version, topic, meta_commit, body_commit) of an entry of the chain
    with this ``prefix``, the topic's text unchecked: the verifier's hot path.  ``ChainError`` unless framed exactly so."""
    fixed_at, start = len(prefix), len(prefix) + _FIXED.size
    if not data.startswith(prefix) or not start + 64 < len(data) <= 0xFFFF:
        raise ChainError("not an entry of this chain")
    position, recorded_at_us, originator_id, version, length = _FIXED.unpack_from(data, fixed_at)
    end = start + length
    if len(data) != end + 64 or not 0 < position < 1 << 63 or not 0 < version < 1 << 63:
        raise ChainError("a length or number in the entry is out of range")
    return position, recorded_at_us, originator_id, version, data[start:end], data[end : end + 32], data[end + 32 :]


def decode_entry(data: bytes) -> Entry:
    """The entry in ``data``; ``ChainError`` on anything but its one canonical form."""
    start = len(_MAGIC) + 2
    try:
        chain_id = data[start : start + int.from_bytes(data[start - 2 : start], "big")].decode()
        position, recorded_at_us, originator_id, version, topic, meta, body = split_entry(entry_prefix(chain_id), data)
        entry = Entry(chain_id, position, recorded_at_us, originator_id, version, topic.decode(), meta, body)
    except UnicodeDecodeError as error:
        raise ChainError("a string in the entry is not UTF-8") from error
    _require(encode_entry(entry) == data, "not the canonical form of an entry")
    return entry


def leaf_hash(entry: bytes) -> bytes:
    """RFC 6962 leaf hash of an entry (Go: ``tlog.RecordHash``)."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """RFC 6962 hash of an inner node."""
    return sha256(b"\x01" + left + right).digest()


def perfect_root(hashes: Sequence[bytes]) -> bytes:
    """Root of a perfect tree over 1, 2, 4, 8 … hashes.  Each node's hash begins as a copy: quicker than one made anew."""
    begin, row = sha256(b"\x01").copy, hashes
    while len(row) > 1:
        above = list[bytes]()
        for left, right in zip(row[::2], row[1::2], strict=True):
            (hashed := begin()).update(left + right)
            above.append(hashed.digest())
        row = above
    return row[0]


def chain_hash(previous: bytes, leaf: bytes) -> bytes:
    """The chain's head after ``leaf``."""
    return sha256(b"\x02" + previous + leaf).digest()


def genesis(chain_id: str) -> bytes:
    """The chain's head before its first entry."""
    return sha256(b"dagbok/genesis/v1\n" + chain_id.encode()).digest()


NodeReader = Callable[[int, int], bytes]
"""``node(level, index)``: hash of the perfect subtree over leaves ``index * 2**level`` up to ``(index + 1) * 2**level``."""


@dataclass(frozen=True, slots=True)
class Frontier:
    """What a tree needs in order to grow: the roots of its perfect subtrees, largest (leftmost) first."""

    size: int
    nodes: tuple[bytes, ...]

    @classmethod
    def empty(cls) -> "Frontier":
        """The tree without leaves."""
        return cls(0, ())

    def append(self, leaf: bytes) -> "Frontier":
        """The tree with one leaf hash more."""
        return self.extend((leaf,))

    def extend(self, leaves: Iterable[bytes]) -> "Frontier":
        """The tree with these leaf hashes more: one node hash a leaf on average, level by level, which is fastest."""
        kept, grown, row, size = list(self.nodes), list[bytes](), list(leaves), self.size
        total = size + len(row)
        while row:
            if size & 1:
                row.insert(0, kept.pop())
            if len(row) & 1:
                grown.append(row.pop())
            row = [sha256(b"\x01" + left + right).digest() for left, right in zip(row[::2], row[1::2], strict=True)]
            size >>= 1
        return Frontier(total, (*kept, *reversed(grown)))

    def root(self) -> bytes:
        """The Merkle tree hash (RFC 6962 section 2.1): at most 62 node hashes."""
        root = self.nodes[-1] if self.nodes else EMPTY_ROOT
        for node in self.nodes[-2::-1]:
            root = node_hash(node, root)
        return root

    def encode(self) -> bytes:
        """u64 size, then the nodes: what the ledger's head row keeps."""
        return self.size.to_bytes(8, "big") + b"".join(self.nodes)

    @classmethod
    def decode(cls, data: bytes) -> "Frontier":
        """The inverse of ``encode``; ``ChainError`` unless the number of nodes fits the size."""
        size = int.from_bytes(data[:8], "big")
        _require(len(data) == 8 + 32 * size.bit_count() and size < 1 << 63, "not a frontier")
        return cls(size, tuple(data[at : at + 32] for at in range(8, len(data), 32)))


def memory_nodes(leaves: Sequence[bytes]) -> NodeReader:
    """A reader over leaf hashes in memory, all nodes computed at once."""
    levels = [list(leaves)]
    while len(below := levels[-1]) > 1:
        levels.append([node_hash(left, right) for left, right in zip(below[::2], below[1::2], strict=False)])
    return lambda level, index: levels[level][index]


def tree_root(size: int, node: NodeReader, start: int = 0) -> bytes:
    """Root of the ``size`` leaves from ``start``, a multiple of each perfect subtree among them: at most 63 reads."""
    nodes, low, high = list[bytes](), start, start + size
    while low < high:
        level = (high - low).bit_length() - 1
        nodes.append(node(level, low >> level))
        low += 1 << level
    return Frontier(size, tuple(nodes)).root()


def _descend(leaf: int, stop: int, size: int, node: NodeReader) -> list[bytes]:
    """Hashes beside the way from the root down to ``leaf``, or to the subtree that ends at ``stop``; the lowest first."""
    low, high, path = 0, size, list[bytes]()
    while high - low > 1 and high != stop:
        middle = low + (1 << ((high - low - 1).bit_length() - 1))  # RFC 6962: the largest power of two below the length
        if leaf < middle:
            path.append(tree_root(high - middle, node, middle))
            high = middle
        else:
            path.append(tree_root(middle - low, node, low))
            low = middle
    if stop and low:  # a subtree from 0 to stop is the old tree itself, which the checker has
        path.append(tree_root(high - low, node, low))
    return path[::-1]


def _climb(proof: Sequence[bytes], at: int, last: int, old: bytes, new: bytes) -> tuple[bytes, bytes]:
    """Roots of the tree that ends at leaf ``at`` and of the whole, from the proof (RFC 9162 sections 2.1.3.2, 2.1.4.2)."""
    for sibling in proof:
        _require(last > 0 and len(sibling) == 32, "the proof is too long, or a hash in it has not 32 bytes", ProofError)
        if at & 1 or at == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            new = node_hash(new, sibling)
        at, last = at >> 1, last >> 1
    _require(last == 0, "the proof is too short", ProofError)
    return old, new


def prove_inclusion(index: int, size: int, node: NodeReader) -> list[bytes]:
    """Audit path of leaf ``index`` (from 0) in a tree of ``size``, the leaf's sibling first (RFC 6962 section 2.1.1)."""
    _require(0 <= index < size, f"no leaf {index} in a tree of {size}", ProofError)
    return _descend(index, 0, size, node)


def check_inclusion(proof: Sequence[bytes], index: int, size: int, leaf: bytes, root: bytes) -> None:
    """``ProofError`` unless ``proof`` shows ``leaf`` at ``index`` of the tree with this size and root."""
    _require(0 <= index < size and len(leaf) == 32, f"no leaf {index} in a tree of {size}", ProofError)
    fault = f"inclusion proof of index {index} in a tree of {size} leads to another root"
    _require(_climb(proof, index, size - 1, leaf, leaf)[1] == root, fault, ProofError)


def prove_consistency(old: int, size: int, node: NodeReader) -> list[bytes]:
    """Proof that the tree of ``old`` leaves is a prefix of the tree of ``size`` (RFC 6962 section 2.1.2)."""
    _require(0 <= old <= size, f"a tree of {old} is no prefix of a tree of {size}", ProofError)
    return _descend(old - 1, old, size, node) if 0 < old < size else []


def check_consistency(proof: Sequence[bytes], old: int, size: int, old_root: bytes, root: bytes) -> None:
    """``ProofError`` unless ``proof`` shows that the tree ``(old, old_root)`` is a prefix of the tree ``(size, root)``."""
    _require(0 <= old <= size, f"a tree of {old} is no prefix of a tree of {size}", ProofError)
    if old in (0, size):
        _require(not proof, "the proof is too long", ProofError)
        found = EMPTY_ROOT if old == 0 else old_root, EMPTY_ROOT if size == 0 else old_root if old else root
    else:
        path = proof if old & (old - 1) else [old_root, *proof]  # a perfect old tree is itself the first subtree
        _require(len(path) > 0 and len(path[0]) == 32, "the proof is too short", ProofError)
        skip = (old & -old).bit_length() - 1
        found = _climb(path[1:], (old - 1) >> skip, (size - 1) >> skip, path[0], path[0])
    _require(found == (old_root, root), f"consistency proof from {old} to {size} leads to another root", ProofError)


def tile_path(level: int | str, index: int, width: int = 256) -> str:
    """Where a tile lies in an export (C2SP tlog-tiles): ``tile/0/x001/234.p/17`` is the partial tile 1234 of level 0."""
    name = f"{index % 1000:03}"
    while index := index // 1000:
        name = f"x{index % 1000:03}/{name}"
    return f"tile/{level}/{name}" + ("" if width == 256 else f".p/{width}")


def entries_path(index: int, width: int = 256) -> str:
    """Where a bundle of ``width`` entries lies, each behind its u16 length."""
    return tile_path("entries", index, width)


def tile_widths(size: int) -> Iterator[tuple[int, int, int]]:
    """(level, index, width) of every tile of a tree of ``size``: the full ones and the partial right edge."""
    level = 0
    while size:
        yield from ((level, index, 256) for index in range(size // 256))
        if size % 256:
            yield level, size // 256, size % 256
        size, level = size // 256, level + 1


def tile_nodes(read_tile: Callable[[int, int, int], bytes], size: int) -> NodeReader:
    """A reader over the tiles of a tree of ``size``; ``read_tile(level, index, width)`` gives ``32 * width`` bytes."""

    def node(level: int, index: int) -> bytes:
        tier, height = divmod(level, 8)
        first = index << height
        width = min(256, (size >> 8 * tier) - (first & -256))
        start, end = first & 255, (first & 255) + (1 << height)
        _require(end <= width, f"a tree of {size} has no node {index} at level {level}")
        tile = read_tile(tier, first >> 8, width)
        _require(len(tile) == 32 * width, f"{tile_path(tier, first >> 8, width)} has not {width} hashes")
        return Frontier.empty().extend(tile[at : at + 32] for at in range(32 * start, 32 * end, 32)).root()

    return node


def payload_path(index: int) -> str:
    """Where the payload lines of entry bundle ``index`` lie in an export."""
    return tile_path("", index).replace("tile//", "payload/") + ".jsonl"


def payload_line(
    position: int, topic: bytes, meta_salt: bytes, meta: bytes, body_salt: bytes | None, body: bytes | None,
    meta_commit: bytes, body_commit: bytes,
) -> bytes:  # fmt: skip
    """One fact in an export's JSON lines, in their one canonical form; body_salt and body are ``None`` once disposed of."""
    salt = b"null" if body_salt is None else b'"%b"' % body_salt.hex().encode()
    text = b"null" if body is None else b'"%b"' % b2a_base64(body, newline=False)
    fields = meta_salt.hex().encode(), b2a_base64(meta, newline=False), salt, text
    return _PAYLOAD % (position, topic, *fields, meta_commit.hex().encode(), body_commit.hex().encode())
