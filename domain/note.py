"""Signed notes and the two texts that go into them; ``domain.chain`` explains what for and offers all names here as its own.

A *note* (C2SP signed-note) is a text, an empty line, and one line per signature: em dash, key name, base64 of the key's id
and the signature.  A *checkpoint* (C2SP tlog-checkpoint) is a note whose text is origin, size and root of a tree.  A *proof*
(C2SP tlog-proof@v1) is an index, an audit path and a checkpoint.  Each has one canonical form, and only that is read.
Signing and verifying are the caller's: nothing here holds a key.
"""

import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256

__all__ = [
    "COSIGNATURE_V1", "ED25519", "ChainError", "Checkpoint", "Note", "Proof", "Signature", "cosignature_message", "format_note",
    "format_proof", "key_id", "parse_checkpoint", "parse_note", "parse_proof", "parse_vkey", "verify_note", "vkey",
]  # fmt: skip

ED25519, COSIGNATURE_V1 = 1, 4  # C2SP signed-note: signature types

_UNFIT = re.compile(r"[\x00-\x09\x0b-\x1f\ud800-\udfff]")  # a note holds no control character but newline
_KEY_NAME = re.compile(r"[^\s+\x00-\x1f\ud800-\udfff]+")
_SIGNATURE = re.compile(r"— (\S+) (\S+)")
_VKEY = re.compile(r"([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)")
_CHECKPOINT = re.compile(r"(.+)\n(0|[1-9][0-9]{0,18})\n(.{44})\n")
_PROOF = re.compile(r"c2sp\.org/tlog-proof@v1\n(?:extra (.*)\n)?index (0|[1-9][0-9]{0,18})\n((?:.{44}\n){0,63})\n([\s\S]+)")
_MAX_NOTE, _MAX_SIGNATURES = 1_000_000, 100  # characters; the limits of Go's note package


class ChainError(ValueError):
    """The bytes are not what the format says."""


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line: name and 4-byte id of the key, and what the key signed (for a cosignature: u64 time, signature)."""

    name: str
    key_id: bytes
    data: bytes


@dataclass(frozen=True, slots=True)
class Note:
    """A text that ends with a newline, and its signatures, not yet verified."""

    text: str
    signatures: tuple[Signature, ...]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A tree head: ``origin`` (our chain_id), number of leaves, 32-byte root.  Extension lines are not used and not read."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """The note text; ``ChainError`` if it could not be read back."""
        text = f"{self.origin}\n{self.size}\n{to_base64(self.root)}\n"
        _require(parse_checkpoint(text) == self, "not a checkpoint")
        return text


@dataclass(frozen=True, slots=True)
class Proof:
    """What shows offline that an entry stands in the log: index from 0, audit path, the signed note of a checkpoint that
    covers it, and ``extra`` (in our receipts the entry; it is not authenticated by itself)."""

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: str
    extra: bytes | None = None


def parse_checkpoint(text: str) -> Checkpoint:
    """The checkpoint in a note's text; ``ChainError`` on anything but origin, size and root."""
    match = _CHECKPOINT.fullmatch(text)
    if match is None or _UNFIT.search(text):
        raise ChainError("not a checkpoint: expected origin, size and root")
    size, root = int(match[2]), _bytes(match[3])
    _require(len(root) == 32 and size < 1 << 63, "a checkpoint's root has 32 bytes, its size fits 63 bits")
    return Checkpoint(match[1], size, root)


def format_note(note: Note) -> str:
    """The note as text; ``ChainError`` if it could not be read back."""
    lines = (f"— {one.name} {to_base64(one.key_id + one.data)}\n" for one in note.signatures)
    text = note.text + "\n" + "".join(lines)
    _require(parse_note(text) == note, "not a note")
    return text


def parse_note(data: str | bytes) -> Note:
    """The note in ``data``, signatures unverified; ``ChainError`` unless well-formed (C2SP signed-note, Format)."""
    try:
        text = data.decode() if isinstance(data, bytes) else data
    except UnicodeDecodeError as error:
        raise ChainError("the note is not UTF-8") from error
    _require(len(text) <= _MAX_NOTE and not _UNFIT.search(text), "the note is too long or holds control characters")
    body, blank, tail = text.rpartition("\n\n")
    lines = tail.split("\n")
    _require(bool(blank) and lines.pop() == "" and 0 < len(lines) <= _MAX_SIGNATURES, "not a signed note")
    return Note(body + "\n", tuple(map(_parse_signature, lines)))


def _parse_signature(line: str) -> Signature:
    match = _SIGNATURE.fullmatch(line)
    if match is None or not _KEY_NAME.fullmatch(match[1]):
        raise ChainError(f"not a signature line: {line[:80]!r}")
    signed = _bytes(match[2])
    _require(len(signed) > 4, "a signature is empty")
    return Signature(match[1], signed[:4], signed[4:])


def key_id(name: str, algorithm: int, public_key: bytes) -> bytes:
    """The 4-byte id of a key (C2SP signed-note, Signatures)."""
    return sha256(name.encode() + b"\n" + bytes((algorithm,)) + public_key).digest()[:4]


def vkey(name: str, algorithm: int, public_key: bytes) -> str:
    """The verifier key as one line, without newline; ``ChainError`` if ``name`` cannot be a key name."""
    _require(bool(_KEY_NAME.fullmatch(name)), f"not a key name: {name!r}")
    return f"{name}+{key_id(name, algorithm, public_key).hex()}+{to_base64(bytes((algorithm,)) + public_key)}"


def parse_vkey(text: str) -> tuple[str, int, bytes]:
    """(name, algorithm, public key) of a verifier key; ``ChainError`` unless its key id is that of the key."""
    match = _VKEY.fullmatch(text)
    if match is None:
        raise ChainError("not a verifier key")
    name, key = match[1], _bytes(match[3])
    _require(vkey(name, key[0], key[1:]) == text, "the verifier key's id is not that of its key")
    _require(key[0] not in (ED25519, COSIGNATURE_V1) or len(key) == 33, "an Ed25519 public key has 32 bytes")
    return name, key[0], key[1:]


def cosignature_message(time_s: int, text: str) -> bytes:
    """What a witness signs: ``time_s`` in seconds since 1970 and the checkpoint's text (C2SP tlog-cosignature)."""
    return f"cosignature/v1\ntime {time_s}\n{text}".encode()


def verify_note(note: Note, keys: Mapping[tuple[str, bytes], Callable[[bytes, bytes], bool]]) -> set[str]:
    """Names of the ``keys`` (by name and key id; called with text and signature) that signed the note.  Unknown keys are
    passed over; a false signature of a known one spoils the whole note, and the answer is empty."""
    verified = set()
    for signature in note.signatures:
        verify = keys.get((signature.name, signature.key_id))
        if verify is not None:
            if not verify(note.text.encode(), signature.data):
                return set()
            verified.add(signature.name)
    return verified


def format_proof(proof: Proof) -> str:
    """The proof as text, to be stored as ``.tlog-proof``; ``ChainError`` if it could not be read back."""
    extra = "" if proof.extra is None else f"extra {to_base64(proof.extra)}\n"
    path = "".join(to_base64(one) + "\n" for one in proof.hashes)
    text = f"c2sp.org/tlog-proof@v1\n{extra}index {proof.index}\n{path}\n{proof.checkpoint}"
    _require(parse_proof(text) == proof, "not a proof")
    return text


def parse_proof(text: str) -> Proof:
    """The proof in ``text``, neither path nor signature verified; ``ChainError`` unless well-formed."""
    match = _PROOF.fullmatch(text)
    if match is None:
        raise ChainError("not a tlog-proof@v1")
    hashes = tuple(_bytes(line) for line in match[3].splitlines())
    _require(all(len(one) == 32 for one in hashes), "a hash has 32 bytes")
    head = parse_checkpoint(parse_note(match[4]).text)
    _require(int(match[2]) < head.size, "the checkpoint does not cover the index")
    return Proof(int(match[2]), hashes, match[4], None if match[1] is None else _bytes(match[1]))


def _require(condition: bool, fault: str) -> None:
    if not condition:
        raise ChainError(fault)


def to_base64(data: bytes) -> str:
    """Base64 with padding (RFC 4648 section 4): the one form that every text of the format uses."""
    return b64encode(data).decode()


def _bytes(text: str) -> bytes:
    """Base64 in its one canonical form: without it, a byte of a file could be changed and nothing would notice."""
    try:
        data = b64decode(text, validate=True)
    except ValueError as error:
        raise ChainError("not base64") from error
    _require(to_base64(data) == text, "not canonical base64")
    return data
