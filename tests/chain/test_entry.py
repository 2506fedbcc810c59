"""Entry bytes: golden, every field in and out again, nothing but the canonical form read; and the disposal fact."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import chain

ENTRY = chain.Entry("aure.kommune.no/record/1", 3, -1, bytes(range(16)), 2, "case-file.created.v1", bytes(32), b"\x01" * 32)
GOLDEN = (
    b"dagbok/event/v1\n\x01\x00\x18aure.kommune.no/record/1"
    b"\x00\x00\x00\x00\x00\x00\x00\x03\xff\xff\xff\xff\xff\xff\xff\xff"
    b"\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x00\x00\x00\x00\x00\x00\x00\x02"
    b"\x00\x14case-file.created.v1" + bytes(32) + b"\x01" * 32
)
labels = st.text(st.characters(codec="utf-8", exclude_categories=("Z", "C")), min_size=1, max_size=80).filter(
    lambda text: not set(text) & set('+"\\') and not any(sign.isspace() for sign in text)
)
counts = st.integers(1, (1 << 63) - 1)
entries = st.builds(
    chain.Entry,
    labels,
    counts,
    st.integers(-(1 << 63), (1 << 63) - 1),
    st.binary(min_size=16, max_size=16),
    counts,
    labels,
    st.binary(min_size=32, max_size=32),
    st.binary(min_size=32, max_size=32),
)


def test_golden_bytes_and_hashes() -> None:
    assert chain.encode_entry(ENTRY) == GOLDEN
    leaf = sha256(b"\x00" + GOLDEN).digest()
    assert chain.leaf_hash(GOLDEN) == leaf
    before = sha256(b"dagbok/genesis/v1\naure.kommune.no/record/1").digest()
    assert chain.genesis(ENTRY.chain_id) == before
    assert chain.chain_hash(before, leaf) == sha256(b"\x02" + before + leaf).digest()
    assert chain.node_hash(before, leaf) == sha256(b"\x01" + before + leaf).digest()


def test_commitments_tell_meta_from_body_and_need_a_whole_salt() -> None:
    salt = bytes(range(32))
    assert chain.meta_commit(salt, b"x") == sha256(b"\x10" + salt + b"x").digest()
    assert chain.body_commit(salt, b"x") == sha256(b"\x11" + salt + b"x").digest()
    for commit in (chain.meta_commit, chain.body_commit):
        with pytest.raises(chain.ChainError):
            commit(salt[:31], b"x")


@given(entries)
def test_an_entry_comes_back_as_it_was(entry: chain.Entry) -> None:
    data = chain.encode_entry(entry)
    assert chain.decode_entry(data) == entry
    prefix = chain.entry_prefix(entry.chain_id)
    fields = (entry.position, entry.recorded_at_us, entry.originator_id, entry.originator_version)
    rest = (entry.topic.encode(), entry.meta_commit, entry.body_commit)
    assert chain.entry_bytes(prefix, *fields, *rest) == data
    assert chain.split_entry(prefix, data) == (*fields, *rest)


@given(st.binary(max_size=300) | st.binary(max_size=200).map(lambda tail: GOLDEN[:43] + tail))
def test_what_is_read_is_canonical(data: bytes) -> None:
    try:
        entry = chain.decode_entry(data)
    except chain.ChainError:
        return
    assert chain.encode_entry(entry) == data


@given(st.integers(0, len(GOLDEN) - 1), st.integers(1, 255))
def test_no_two_byte_strings_are_one_entry(at: int, mask: int) -> None:
    changed = GOLDEN[:at] + bytes((GOLDEN[at] ^ mask,)) + GOLDEN[at + 1 :]
    with contextlib.suppress(chain.ChainError):
        assert chain.decode_entry(changed) != ENTRY


@pytest.mark.parametrize("cut", range(len(GOLDEN)))
def test_a_cut_entry_is_refused(cut: int) -> None:
    with pytest.raises(chain.ChainError):
        chain.decode_entry(GOLDEN[:cut])


@pytest.mark.parametrize(
    "data",
    [
        GOLDEN + b"\x00",
        GOLDEN.replace(b"v1\n\x01", b"v1\n\x02"),
        GOLDEN.replace(b"event/v1", b"event/v2"),
        GOLDEN.replace(b"aure", b"a re"),
        GOLDEN.replace(b"aure", b"\xff\xff\xff\xff"),
        GOLDEN.replace(b"file", b"f\nle"),
        GOLDEN.replace(b"file", b'f"le'),
        GOLDEN.replace(b"file", b"\xc3\xc3\xc3\xc3"),
        GOLDEN.replace(b"\x00\x03\xff", b"\x00\x00\xff"),
        GOLDEN.replace(b"\x00\x02\x00\x14", b"\x00\x00\x00\x14"),
        GOLDEN.replace(b"1\x00\x00\x00", b"1\x80\x00\x00", 1),
    ],
)
def test_an_entry_in_another_form_is_refused(data: bytes) -> None:
    assert data != GOLDEN
    with pytest.raises(chain.ChainError):
        chain.decode_entry(data)


@pytest.mark.parametrize(
    "change",
    [
        {"chain_id": ""},
        {"chain_id": "a b"},
        {"chain_id": "a+b"},
        {"chain_id": "a\u00a0b"},
        {"chain_id": "\ud800"},
        {"chain_id": "å" * 40_000},
        {"chain_id": "a" * 40_000, "topic": "b" * 40_000},
        {"topic": ""},
        {"topic": "a\\b"},
        {"position": 0},
        {"position": 1 << 63},
        {"originator_version": 0},
        {"recorded_at_us": 1 << 63},
        {"originator_id": bytes(15)},
        {"meta_commit": bytes(31)},
        {"body_commit": bytes(33)},
    ],
)
def test_an_entry_that_could_not_be_read_is_not_written(change: dict[str, Any]) -> None:
    with pytest.raises(chain.ChainError):
        chain.encode_entry(replace(ENTRY, **change))


def disposal(**change: Any) -> bytes:
    return json.dumps(
        {"e": {}, "f": {"decision": "2026/7", "positions": [[1, 2], [3, 3], [9, 12]], "parts": ["body"]} | change}
    ).encode()


def test_a_disposal_fact_lists_what_it_destroys() -> None:
    runs = [range(1, 3), range(3, 4), range(9, 13)]
    assert list(chain.disposed_positions(disposal())) == runs
    assert list(chain.disposed_positions(disposal(), "blob")) == []
    assert list(chain.disposed_positions(disposal(parts=["blob"]))) == []
    assert list(chain.disposed_positions(disposal(parts=["body", "blob"]), "blob")) == runs


@pytest.mark.parametrize(
    "meta",
    [
        b"",
        b"\xff",
        b"{}",
        b"[]",
        b"[" * 100_000,
        b'{"e":{},"f":[["decision","x"],["positions",[[1,1]]],["parts",["body"]]]}',
        b'{"e":{},"f":{"decision":"x","decision":"y","positions":[[1,1]],"parts":["body"]}}',
        disposal()[:-1] + b',"g":1}',
        disposal(more=1),
        disposal(decision=""),
        disposal(decision=None),
        disposal(parts=[]),
        disposal(parts=["meta"]),
        disposal(parts=["body", "body"]),
        disposal(parts={"body": 1}),
        disposal(parts="body"),
        disposal(positions=[]),
        disposal(positions=[1, 2]),
        disposal(positions=[[0, 2]]),
        disposal(positions=[[2, 1]]),
        disposal(positions=[[1, 2], [2, 3]]),
        disposal(positions=[[3, 4], [1, 2]]),
        disposal(positions=[[1, 2, 3]]),
        disposal(positions=[[1.0, 2]]),
        disposal(positions=[[True, 2]]),
        disposal(positions=[[1, 1 << 63]]),
        disposal(positions={"1": 2}),
    ],
)
def test_a_disposal_fact_in_another_form_is_refused(meta: bytes) -> None:
    with pytest.raises(chain.ChainError):
        chain.disposed_positions(meta)
