"""A witness of other people's logs (C2SP tlog-witness): it cosigns a checkpoint only if that continues what it cosigned before.

Its folder: `name`, `key` (Ed25519, PKCS #8 PEM, 0600), `logs` (one verifier key a line) and one file a log with the last
checkpoint that it cosigned. That file is durable before the cosignature leaves; the folder is locked while one is made, so that
two processes cannot both go on from the same checkpoint.
"""

from __future__ import annotations

import re
import threading
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from domain import chain
from domain.ledger import durable, monotone
from domain.ledger.clock import Clock
from domain.ledger.faults import LedgerError

REQUEST_LIMIT = 64 * 1024  # bytes: 63 proof lines and a checkpoint with many signatures
SIZE_TYPE, TEXT_TYPE = "text/x.tlog.size", "text/plain; charset=utf-8"
_REQUEST = re.compile(r"old (0|[1-9][0-9]{0,18})\n((?:.{44}\n){0,63})\n([\s\S]+)")

Verify = Callable[[bytes, bytes], bool]
LogKeys = Mapping[tuple[str, bytes], Verify]


class Answer(NamedTuple):
    """HTTP status, content type, body."""

    status: int
    content_type: str
    text: str


class Witness:
    """One witness, made by `prepare`. Raises LedgerError where the folder is not a witness's."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self.folder = folder
        self._clock = clock
        self._guard = threading.Lock()
        try:
            self.name = (folder / "name").read_text(encoding="utf-8").strip()
            logs = (folder / "logs").read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            raise LedgerError(f"{folder} is no witness's folder", hint="Make it with `dagbok witness`.") from None
        self._key = monotone.read_key(folder / "key")
        self.logs = log_keys(logs)
        public = self._key.public_key().public_bytes_raw()
        self.vkey = chain.vkey(self.name, chain.COSIGNATURE_V1, public)
        self._key_id = chain.key_id(self.name, chain.COSIGNATURE_V1, public)

    def add_checkpoint(self, body: bytes) -> Answer:
        """Answer a request: 200 with the cosignature line, 400, 403, 404, 409 (with the size to go on from) or 422."""
        try:
            match = _REQUEST.fullmatch(body[: REQUEST_LIMIT + 1].decode())
            if match is None or len(body) > REQUEST_LIMIT:
                return _no(400, "expected an old size, a proof and a checkpoint")
            old, proof = int(match[1]), [_hash(line) for line in match[2].splitlines()]
            note = chain.parse_note(match[3])
            new = chain.parse_checkpoint(note.text)
        except ValueError as problem:
            return _no(400, f"the request cannot be read: {problem}")
        if not any(name == new.origin for name, _ in self.logs):
            return _no(404, "this log is not known here")
        if new.origin not in chain.verify_note(note, self.logs):
            return _no(403, "no known key of the log signed the checkpoint")
        if old > new.size:
            return _no(400, "the old size is larger than the checkpoint's")
        with self._guard, durable.locked(self.folder / "key"):
            return self._cosign(old, proof, new, note)

    def _cosign(self, old: int, proof: Sequence[bytes], new: chain.Checkpoint, note: chain.Note) -> Answer:
        path = self.folder / (quote(new.origin, safe="") + ".checkpoint")
        last = chain.Checkpoint(new.origin, 0, chain.EMPTY_ROOT)
        if path.exists():
            last = chain.parse_checkpoint(chain.parse_note(path.read_bytes()).text)
        if old != last.size:
            return Answer(409, SIZE_TYPE, f"{last.size}\n")
        if old == new.size and last.root != new.root:
            return _no(409, "another root was cosigned at this size")
        try:
            chain.check_consistency(proof, old, new.size, last.root, new.root)
        except chain.ProofError as problem:
            return _no(422, str(problem))
        time_s = int(self._clock.now().timestamp())
        signed = self._key.sign(chain.cosignature_message(time_s, new.text()))
        mine = chain.Signature(self.name, self._key_id, time_s.to_bytes(8, "big") + signed)
        theirs = (one for one in note.signatures if (one.name, one.key_id) in self.logs)  # the others may be any number
        durable.replace(path, chain.format_note(chain.Note(note.text, (*theirs, mine))).encode())
        return Answer(200, TEXT_TYPE, chain.format_note(chain.Note(note.text, (mine,))).rpartition("\n\n")[2])


def prepare(folder: Path, name: str, logs: Sequence[str]) -> str:
    """Make a witness's folder, or give it these logs (verifier keys); its own verifier key. Raises ChainError for a bad name."""
    log_keys(logs)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    monotone.create_key(folder / "key")
    public = monotone.read_key(folder / "key").public_key().public_bytes_raw()
    vkey = chain.vkey(name, chain.COSIGNATURE_V1, public)
    durable.replace(folder / "name", f"{name}\n".encode())
    durable.replace(folder / "logs", "".join(f"{line}\n" for line in logs).encode())
    return vkey


def log_keys(vkeys: Sequence[str]) -> dict[tuple[str, bytes], Verify]:
    """Verifiers for `chain.verify_note`, by name and key id, from lines such as `ensure_key` gives. Raises ChainError."""
    keys: dict[tuple[str, bytes], Verify] = {}
    for line in vkeys:
        name, algorithm, public = chain.parse_vkey(line.strip())
        if algorithm not in (chain.ED25519, chain.COSIGNATURE_V1):
            raise chain.ChainError(f"the key of {name} is of a kind that is not known here: {algorithm}")
        keys[name, chain.key_id(name, algorithm, public)] = _verifier(algorithm, public)
    return keys


def _verifier(algorithm: int, public: bytes) -> Verify:
    key = Ed25519PublicKey.from_public_bytes(public)

    def verify(text: bytes, signature: bytes) -> bool:
        if algorithm == chain.COSIGNATURE_V1:
            text = chain.cosignature_message(int.from_bytes(signature[:8], "big"), text.decode())
            signature = signature[8:]
        try:
            key.verify(signature, text)
        except InvalidSignature:
            return False
        return True

    return verify


def _no(status: int, why: str) -> Answer:
    return Answer(status, TEXT_TYPE, why + "\n")


def _hash(line: str) -> bytes:
    data = b64decode(line, validate=True)
    if len(data) != 32 or b64encode(data).decode() != line:
        raise chain.ChainError("a proof line is not the base64 of a hash")
    return data
