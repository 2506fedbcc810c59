"""A checkpoint's signature holds for OpenSSL's command line, which is given nothing but the export's two small files."""

from __future__ import annotations

import shutil
import subprocess
from base64 import b64decode, b64encode
from pathlib import Path

import pytest

from tests.chain import export_writer as export

OPENSSL = shutil.which("openssl")
ED25519_KEY_HEADER = bytes.fromhex(
    "302a300506032b6570032100"
)  # RFC 8410: SubjectPublicKeyInfo of an Ed25519 key, then its 32 bytes

pytestmark = pytest.mark.program("openssl")


def openssl_verifies(folder: Path, text: bytes, signature: bytes, public_key: bytes) -> bool:
    der = b64encode(ED25519_KEY_HEADER + public_key).decode()
    (folder / "key.pem").write_text(f"-----BEGIN PUBLIC KEY-----\n{der}\n-----END PUBLIC KEY-----\n")
    (folder / "text").write_bytes(text)
    (folder / "signature").write_bytes(signature)
    command = [
        str(OPENSSL),
        "pkeyutl",
        "-verify",
        "-pubin",
        "-inkey",
        "key.pem",
        "-rawin",
        "-in",
        "text",
        "-sigfile",
        "signature",
    ]
    return subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode == 0


def test_openssl_verifies_a_checkpoint(tmp_path: Path) -> None:
    files = export.export_files(export.sample(10))
    # Cut up by hand, as an auditor would do it, so that our own parser has no part in it.
    text, _, tail = files["checkpoint"].partition(b"\n\n")
    signature = b64decode(tail.split(b" ")[2])[4:]
    public_key = b64decode(files["vkey"].split(b"+", 2)[2])[1:]
    assert (len(signature), len(public_key)) == (64, 32)
    assert openssl_verifies(tmp_path, text + b"\n", signature, public_key)
    assert not openssl_verifies(tmp_path, text.replace(b"\n15\n", b"\n14\n") + b"\n", signature, public_key)
    assert not openssl_verifies(tmp_path, text + b"\n", signature[:-1] + bytes((signature[-1] ^ 1,)), public_key)
    assert not openssl_verifies(tmp_path, text + b"\n", signature, export.key_of("another").public_key().public_bytes_raw())


def test_openssl_derives_the_same_public_key(tmp_path: Path) -> None:
    """RFC 8410: PKCS #8 of an Ed25519 seed."""
    seed = export.KEY.private_bytes_raw()
    der = b64encode(bytes.fromhex("302e020100300506032b657004220420") + seed).decode()
    (tmp_path / "seed.pem").write_text(f"-----BEGIN PRIVATE KEY-----\n{der}\n-----END PRIVATE KEY-----\n")
    command = [str(OPENSSL), "pkey", "-in", "seed.pem", "-pubout", "-outform", "DER"]
    derived = subprocess.run(command, cwd=tmp_path, capture_output=True, check=True).stdout
    assert derived == ED25519_KEY_HEADER + b64decode(export.vkey_of().split("+", 2)[2])[1:]
