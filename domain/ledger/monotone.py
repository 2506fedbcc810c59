"""The signer's own memory: one private key a chain, and what it has signed. It lies outside the ledger and its backups.

A folder a chain, named by its chain_id, percent-encoded::

    key         Ed25519 private key, PKCS #8 PEM, 0600, made once
    monotone    lines that are only ever added, each with the first 8 hex digits of the SHA-256 of what follows it:
                    chain <chain_id>                                         the first line, written before the key
                    tree <size> <root> <chain hash> <frontier>               base64; before the checkpoint is signed
                    receipt <position> <size>                                before the receipt leaves

Crash points: a line that did not become whole has no newline and is cut off on opening; what it spoke of had not left. A key
without its lines was separated from them, which is refused: whoever can take the lines away could have two trees signed.
"""

from __future__ import annotations

import os
from base64 import b64decode, b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from domain import chain
from domain.ledger import durable
from domain.ledger.faults import LedgerError
from domain.ledger.flock import Flock

WINDOW = 1 << 20  # bytes read from the end; a tree line has at most 3 000


class StoreFault(LedgerError):
    """The signer's store is not as the signer left it. Nothing is signed until its folder is brought back."""

    code = "signer.store"


@dataclass(frozen=True, slots=True)
class Tree:
    """A tree that was signed. root, chain_hash: 32 bytes, over the first `size` events."""

    size: int
    root: bytes
    chain_hash: bytes
    frontier: chain.Frontier


class Store:
    """Key and memory of one chain, held alone: a second signer on the same folder is refused. Raises StoreFault, OSError."""

    def __init__(self, signer_dir: Path, chain_id: str) -> None:
        folder = chain_folder(signer_dir, chain_id)
        self.key = read_key(folder / "key")
        self._path = folder / "monotone"
        if not self._path.exists():
            raise StoreFault(f"{folder} has a key and no memory of what it signed")
        self._lock = Flock(self._path)
        if not self._lock.try_exclusive():
            self._lock.hand_over()
            raise LedgerError(f"another signer of {chain_id} is at work", hint="One `dagbok sign` a store.")
        self._file = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW)
        self._sound = True
        try:
            if next(self._lines(), None) != ["chain", chain_id]:
                raise StoreFault(f"{self._path} is the memory of another chain")
            self.tree = self._last_tree()
        except BaseException:
            self.close()
            raise

    def remember_tree(self, tree: Tree) -> None:
        """Durable before it returns; only then may the tree be signed. A smaller tree is refused."""
        if self.tree is not None and tree.size < self.tree.size:
            raise StoreFault(f"a tree of {tree.size} after one of {self.tree.size}")
        parts = (b64encode(part).decode() for part in (tree.root, tree.chain_hash, tree.frontier.encode()))
        self._append([f"tree {tree.size} {' '.join(parts)}"])
        self.tree = tree

    def remember_receipts(self, positions: Sequence[int], size: int) -> None:
        """Durable before it returns; only then may the receipts leave."""
        self._append([f"receipt {position} {size}" for position in positions])

    def receipts(self) -> Iterator[tuple[int, int]]:
        """(position, size of the tree) of every receipt issued, oldest first: what must be found again after a loss."""
        for kind, *fields in self._lines():
            if kind == "receipt":
                yield int(fields[0]), int(fields[1])

    def close(self) -> None:
        """Let the next signer in."""
        os.close(self._file)
        self._lock.release()

    def _append(self, lines: Sequence[str]) -> None:
        data = b"".join(_summed(line) for line in lines)
        if not self._sound:
            raise StoreFault(f"{self._path} could not be written; start the signer again")
        self._sound = False  # after a failed write or flush nobody knows what is on the disk: only opening anew tells
        while data:
            data = data[os.write(self._file, data) :]
        os.fsync(self._file)
        self._sound = True

    def _lines(self) -> Iterator[list[str]]:
        with self._path.open("rb") as file:
            for line in file:
                if line.endswith(b"\n"):
                    yield self._fields(line)

    def _last_tree(self) -> Tree | None:
        """Read backwards, because the file grows for as long as the chain lives; a torn last line is cut off."""
        end, window = os.fstat(self._file).st_size, WINDOW
        while True:
            start = max(0, end - window)
            data = os.pread(self._file, end - start, start)
            whole = data.rfind(b"\n") + 1
            if whole < len(data) and (whole or not start):
                os.ftruncate(self._file, start + whole)
                os.fsync(self._file)
            lines = data[:whole].splitlines(keepends=True)[1:]  # the first is cut by the window, or names the chain
            for line in reversed(lines):
                fields = self._fields(line)
                if fields[0] == "tree":
                    return _tree(fields)
            if not start:
                return None
            window *= 8

    def _fields(self, line: bytes) -> list[str]:
        return _fields(self._path, line)


@dataclass(frozen=True, slots=True)
class Memory:
    """What a signer remembers of a chain: its last tree, and (position, size of the tree) of every receipt that it issued."""

    tree: Tree | None
    receipts: tuple[tuple[int, int], ...]


def recall(signer_dir: Path, chain_id: str) -> Memory | None:
    """The memory of a chain's signer, read beside a signer that may be at work; None where there is none. Raises StoreFault."""
    tree: Tree | None = None
    receipts: list[tuple[int, int]] = []
    try:
        for kind, *values in _remembered(signer_dir, chain_id):
            if kind == "tree":
                tree = _tree([kind, *values])
            elif kind == "receipt":
                receipts.append((int(values[0]), int(values[1])))
    except FileNotFoundError:
        return None
    return Memory(tree, tuple(receipts))


def issued(signer_dir: Path, chain_id: str) -> Iterator[tuple[int, int]]:
    """`Memory.receipts` one by one, however many. Raises StoreFault; FileNotFoundError where there is no memory."""
    for kind, *values in _remembered(signer_dir, chain_id):
        if kind == "receipt":
            yield int(values[0]), int(values[1])


def _remembered(signer_dir: Path, chain_id: str) -> Iterator[list[str]]:
    path = chain_folder(signer_dir, chain_id) / "monotone"
    with path.open("rb") as file:
        for line in file:
            if not line.endswith(b"\n"):  # being written, or torn: what it speaks of has not left
                break
            fields = _fields(path, line)
            if fields[0] not in ("tree", "receipt") and fields[1:] != [chain_id]:
                raise StoreFault(f"{path} is the memory of another chain")
            yield fields


def sign_note(key: Ed25519PrivateKey, chain_id: str, size: int, root: bytes) -> str:
    """The checkpoint of a tree as a signed note. Ed25519 signs alike each time: an old checkpoint comes back byte for byte."""
    text = chain.Checkpoint(chain_id, size, root).text()
    identity = chain.key_id(chain_id, chain.ED25519, key.public_key().public_bytes_raw())
    return chain.format_note(chain.Note(text, (chain.Signature(chain_id, identity, key.sign(text.encode())),)))


def ensure_key(signer_dir: Path, chain_id: str) -> str:
    """Make the chain's signing key and memory, durable, where there is none yet; its note verifier key in any case."""
    folder = chain_folder(signer_dir, chain_id)
    if not (folder / "key").exists():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        durable.create(folder / "monotone", _summed(f"chain {chain_id}"))
        create_key(folder / "key")
        durable.sync_folder(signer_dir)
        durable.sync_folder(signer_dir.parent)
    return vkey(signer_dir, chain_id)


def vkey(signer_dir: Path, chain_id: str) -> str:
    """The chain's note verifier key. Raises StoreFault where there is no key."""
    public = read_key(chain_folder(signer_dir, chain_id) / "key").public_key().public_bytes_raw()
    return chain.vkey(chain_id, chain.ED25519, public)


def has_key(signer_dir: Path, chain_id: str) -> bool:
    """Whether this store signs the chain: chains that were brought in were signed elsewhere."""
    return (chain_folder(signer_dir, chain_id) / "key").exists()


def chain_folder(signer_dir: Path, chain_id: str) -> Path:
    """The folder of one chain or witnessed log: its name percent-encoded, so that no name leads elsewhere."""
    return signer_dir / quote(chain_id, safe="").replace(".", "%2E", 1 if chain_id.startswith(".") else 0)


def create_key(path: Path) -> None:
    """A new Ed25519 key in a durable file of 0600, where there is none yet."""
    if not path.exists():
        durable.create(path, Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def read_key(path: Path) -> Ed25519PrivateKey:
    """The key in a file. Raises StoreFault."""
    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except FileNotFoundError:
        raise StoreFault(f"there is no key in {path.parent}") from None
    except ValueError as problem:
        raise StoreFault(f"{path} cannot be read as a key: {problem}") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise StoreFault(f"{path} is not an Ed25519 key")
    return key


def _fields(path: Path, line: bytes) -> list[str]:
    text = line[9:-1].decode(errors="replace")
    if line != _summed(text):
        raise StoreFault(f"a line of {path} is damaged", hint="Bring the signer's folder back from its own copy.")
    return text.split(" ")


def _summed(text: str) -> bytes:
    return sha256(text.encode()).hexdigest()[:8].encode() + b" " + text.encode() + b"\n"


def _tree(fields: Sequence[str]) -> Tree:
    size, root, head, nodes = int(fields[1]), *map(b64decode, fields[2:5])
    frontier = chain.Frontier.decode(nodes)
    if (frontier.size, frontier.root()) != (size, root):
        raise StoreFault("the signer's last tree contradicts itself")
    return Tree(size, root, head, frontier)
