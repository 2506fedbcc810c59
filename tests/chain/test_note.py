"""Signed notes, verifier keys, checkpoints, tlog-proofs: published examples, round trips, and tables of what is refused."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from domain import chain
from tests.chain.export_writer import CHAIN_ID, KEY, key_of, sign, vkey_of

# The worked example of Go's note package, and the key of the public Go checksum database: neither is of our making.
FOREIGN_VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
FOREIGN_NOTE = (
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
SUMDB_VKEY = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
ROOT = bytes(range(32))
TEXT = chain.Checkpoint(CHAIN_ID, 5, ROOT).text()
NOTE = sign(TEXT)
SIGNATURE = NOTE.splitlines()[-1]


def ed25519(public_key: bytes) -> Callable[[bytes, bytes], bool]:
    def verify(text: bytes, signature: bytes) -> bool:
        try:
            Ed25519PublicKey.from_public_bytes(public_key).verify(signature, text)
        except InvalidSignature:
            return False
        return True

    return verify


def keys_of(*vkeys: str) -> dict[tuple[str, bytes], Callable[[bytes, bytes], bool]]:
    parsed = [chain.parse_vkey(line) for line in vkeys]
    return {(name, chain.key_id(name, kind, key)): ed25519(key) for name, kind, key in parsed}


def test_a_published_note_and_key_are_read_and_hold() -> None:
    note = chain.parse_note(FOREIGN_NOTE)
    assert chain.format_note(note) == FOREIGN_NOTE
    assert chain.verify_note(note, keys_of(FOREIGN_VKEY)) == {"PeterNeumann"}
    assert chain.verify_note(note, keys_of(SUMDB_VKEY)) == set()
    for line in (FOREIGN_VKEY, SUMDB_VKEY):
        assert chain.vkey(*chain.parse_vkey(line)) == line


def test_a_note_comes_back_as_it_was_and_holds_for_its_text_only() -> None:
    note = chain.parse_note(NOTE)
    assert (note.text, len(note.signatures)) == (TEXT, 1)
    assert chain.parse_note(NOTE.encode()) == note
    assert chain.verify_note(note, keys_of(vkey_of())) == {CHAIN_ID}
    other = chain.Note(TEXT.replace("\n5\n", "\n6\n"), note.signatures)
    assert chain.verify_note(other, keys_of(vkey_of())) == set()


def test_unknown_keys_are_passed_over_and_a_false_signature_spoils_the_note() -> None:
    stranger, mine = chain.parse_note(sign(TEXT, "stranger")), chain.parse_note(NOTE)
    both = chain.Note(TEXT, mine.signatures + stranger.signatures)
    assert chain.parse_note(chain.format_note(both)) == both
    assert chain.verify_note(both, keys_of(vkey_of())) == {CHAIN_ID}
    assert chain.verify_note(both, keys_of(vkey_of(), vkey_of(name="stranger"))) == {CHAIN_ID, "stranger"}
    false = chain.Signature("stranger", stranger.signatures[0].key_id, bytes(64))
    spoilt = chain.Note(TEXT, (*mine.signatures, false))
    assert chain.verify_note(spoilt, keys_of(vkey_of(), vkey_of(name="stranger"))) == set()
    assert chain.verify_note(spoilt, keys_of(vkey_of(), vkey_of(key_of("another"), "stranger"))) == {CHAIN_ID}


def test_sixteen_signatures_are_read() -> None:
    many = chain.Note(TEXT, chain.parse_note(NOTE).signatures * 16)
    assert chain.parse_note(chain.format_note(many)) == many


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n\n",
        b"\xff" + NOTE.encode(),
        TEXT,
        TEXT + "\n",
        NOTE[:-1],
        NOTE + "\n",
        NOTE + "x\n",
        NOTE.replace("\n\n", "\n"),
        NOTE.replace("— ", "- "),
        NOTE.replace("— ", "—"),
        NOTE.replace("\n5\n", "\n5\r\n"),
        NOTE.replace("\n5\n", "\n5\t\n"),
        NOTE.replace("\n5\n", "\n\ud8005\n"),
        NOTE.replace("— aure", "— a+re"),
        NOTE.replace("— aure", "— a\u00a0re"),
        NOTE.replace(SIGNATURE, SIGNATURE + " "),
        NOTE.replace(SIGNATURE, SIGNATURE + " x"),
        NOTE.replace(SIGNATURE, SIGNATURE[:-1]),
        NOTE.replace(SIGNATURE, SIGNATURE.replace("= ", "=")[:-3] + "B=="),
        TEXT + "\n— name AAAAAA==\n",
        TEXT + "\n— name AAAAAAB=\n",
        TEXT + "\n" + (SIGNATURE + "\n") * 101,
        "x" * 1_000_000 + NOTE,
    ],
)
def test_what_is_no_note_is_refused(data: str | bytes) -> None:
    with pytest.raises(chain.ChainError):
        chain.parse_note(data)


@pytest.mark.parametrize(
    "note",
    [
        chain.Note("no newline", chain.parse_note(NOTE).signatures),
        chain.Note("a bell \a\n", chain.parse_note(NOTE).signatures),
        chain.Note(TEXT, ()),
        chain.Note(TEXT, (chain.Signature("two words", bytes(4), bytes(64)),)),
        chain.Note(TEXT, (chain.Signature("name", bytes(3), bytes(64)),)),
        chain.Note(TEXT, (chain.Signature("name", bytes(4), b""),)),
    ],
)
def test_a_note_that_could_not_be_read_is_not_written(note: chain.Note) -> None:
    with pytest.raises(chain.ChainError):
        chain.format_note(note)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "name",
        "name+c74f20a3",
        FOREIGN_VKEY + "\n",
        " " + FOREIGN_VKEY,
        FOREIGN_VKEY.replace("c74f20a3", "c74f20a4"),
        FOREIGN_VKEY.replace("c74f20a3", "C74F20A3"),
        FOREIGN_VKEY.replace("Peter", "Pater"),
        FOREIGN_VKEY.replace("Peter", "Pe ter"),
        FOREIGN_VKEY.replace("ARpc", "BRpc"),
        FOREIGN_VKEY[:-1],
        FOREIGN_VKEY + "=",
        chain.vkey("name", chain.ED25519, bytes(31)),
        chain.vkey("name", chain.COSIGNATURE_V1, bytes(33)),
        "name+e3b0c442+",
    ],
)
def test_what_is_no_verifier_key_is_refused(line: str) -> None:
    with pytest.raises(chain.ChainError):
        chain.parse_vkey(line)


def test_a_cosignature_signs_time_and_text() -> None:
    assert chain.cosignature_message(1_679_315_147, "a/b\n1\nx\n") == b"cosignature/v1\ntime 1679315147\na/b\n1\nx\n"


@given(st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1), st.integers(0, (1 << 63) - 1))
def test_a_checkpoint_comes_back_as_it_was(origin: str, size: int) -> None:
    checkpoint = chain.Checkpoint(origin, size, ROOT)
    assert chain.parse_checkpoint(checkpoint.text()) == checkpoint


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a\n5\n",
        TEXT[:-1],
        TEXT + "extension\n",
        TEXT + "\n",
        "\n" + TEXT,
        TEXT.split("\n", 1)[1],
        TEXT.replace("\n5\n", "\n05\n"),
        TEXT.replace("\n5\n", "\n-5\n"),
        TEXT.replace("\n5\n", "\n+5\n"),
        TEXT.replace("\n5\n", "\n5 \n"),
        TEXT.replace("\n5\n", "\n٥\n"),
        TEXT.replace("\n5\n", "\n\n"),
        TEXT.replace("\n5\n", f"\n{1 << 63}\n"),
        TEXT.replace("\n5\n", f"\n1{'0' * 19}\n"),
        f"a\n5\n{b64encode(bytes(31)).decode()}\n",
        f"a\n5\n{b64encode(bytes(33)).decode()}\n",
        f"a\n5\n{b64encode(ROOT).decode()[:-2]}9=\n",
        f"a\n5\n{b64encode(ROOT).decode().replace('A', '-', 1)}\n",
        f"a\rb\n5\n{b64encode(ROOT).decode()}\n",
    ],
)
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(chain.ChainError):
        chain.parse_checkpoint(text)


@pytest.mark.parametrize(
    "bad",
    [
        chain.Checkpoint("", 1, ROOT),
        chain.Checkpoint("a", -1, ROOT),
        chain.Checkpoint("a\nb", 1, ROOT),
        chain.Checkpoint("a", 1, b""),
    ],
)
def test_a_checkpoint_that_could_not_be_read_is_not_written(bad: chain.Checkpoint) -> None:
    with pytest.raises(chain.ChainError):
        bad.text()


PROOF = chain.Proof(4, (ROOT, bytes(32)), NOTE, b"the entry")
PROOF_TEXT = chain.format_proof(PROOF)


def test_a_proof_has_the_published_form() -> None:
    lines = ["c2sp.org/tlog-proof@v1", "extra dGhlIGVudHJ5", "index 4", b64encode(ROOT).decode(), "A" * 43 + "=", "", NOTE]
    assert "\n".join(lines) == PROOF_TEXT


@given(st.integers(0, 4), st.lists(st.binary(min_size=32, max_size=32), max_size=63), st.none() | st.binary(max_size=300))
def test_a_proof_comes_back_as_it_was(index: int, hashes: list[bytes], extra: bytes | None) -> None:
    proof = chain.Proof(index, tuple(hashes), NOTE, extra)
    assert chain.parse_proof(chain.format_proof(proof)) == proof


@pytest.mark.parametrize(
    "text",
    [
        "",
        NOTE,
        PROOF_TEXT.replace("@v1", "@v2"),
        PROOF_TEXT.replace("index 4", "index 5"),
        PROOF_TEXT.replace("index 4", "index 04"),
        PROOF_TEXT.replace("index 4", "index  4"),
        PROOF_TEXT.replace("index 4\n", ""),
        PROOF_TEXT.replace("extra dG", "extra -G"),
        PROOF_TEXT.replace("extra", "extra\nextra"),
        PROOF_TEXT.replace("A=\n", "B=\n"),
        PROOF_TEXT.replace("A=\n\n", "A=\n\n\n", 1),
        PROOF_TEXT.replace("\n\n", "\n", 1),
        PROOF_TEXT[:-1],
        PROOF_TEXT.replace("index 4\n", "index 4\n" + ("A" * 43 + "=\n") * 62),
        PROOF_TEXT.replace("\n", "\r\n"),
    ],
)
def test_what_is_no_proof_is_refused(text: str) -> None:
    assert text != PROOF_TEXT
    with pytest.raises(chain.ChainError):
        chain.parse_proof(text)


def test_a_proof_that_could_not_be_read_is_not_written() -> None:
    for bad in (chain.Proof(5, (), NOTE), chain.Proof(-1, (), NOTE), chain.Proof(0, (b"",), NOTE), chain.Proof(0, (), TEXT)):
        with pytest.raises(chain.ChainError):
            chain.format_proof(bad)


def test_the_key_id_is_of_name_kind_and_key() -> None:
    public = KEY.public_key().public_bytes_raw()
    ids = {chain.key_id(*of) for of in (("a", 1, public), ("b", 1, public), ("a", 4, public), ("a", 1, bytes(32)))}
    assert len(ids) == 4
