"""Receipts and consistency proofs with one link taken away or forged."""

from __future__ import annotations

import random
from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import replace

from domain import chain
from tests.chain import export_writer as export

OTHER = export.key_of("a forger")
Receipt = chain.Proof


def receipts_of(entries: Sequence[bytes], note: str) -> list[Receipt]:
    """The receipt of every entry that the checkpoint covers."""
    size = chain.parse_checkpoint(chain.parse_note(note).text).size
    node = chain.memory_nodes([chain.leaf_hash(entry) for entry in entries[:size]])
    return [chain.Proof(at, tuple(chain.prove_inclusion(at, size, node)), note, entries[at]) for at in range(size)]


def text_of(receipt: Receipt) -> str:
    """As `chain.format_proof`, but for proofs that could not be read back too."""
    extra = "" if receipt.extra is None else f"extra {b64encode(receipt.extra).decode()}\n"
    path = "".join(b64encode(one).decode() + "\n" for one in receipt.hashes)
    return f"c2sp.org/tlog-proof@v1\n{extra}index {receipt.index}\n{path}\n{receipt.checkpoint}"


def _flip(data: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << chance.randrange(8)]) + data[at + 1 :]


def _entry(one: Receipt, chance: random.Random, all_of: Sequence[Receipt]) -> Iterator[tuple[str, str]]:
    assert one.extra is not None
    yield "entry gone", text_of(replace(one, extra=None))
    yield "entry flipped", text_of(replace(one, extra=_flip(one.extra, chance)))
    yield "entry cut", text_of(replace(one, extra=one.extra[:-1]))
    yield "another's entry", text_of(replace(one, extra=chance.choice([two.extra for two in all_of if two.index != one.index])))
    read = chain.decode_entry(one.extra)
    others = replace(read, position=read.position + 1), replace(read, topic="record.titled.v1x"), replace(read, chain_id="x/y")
    for moved in others:
        yield "entry made anew", text_of(replace(one, extra=chain.encode_entry(moved)))


def _path(one: Receipt, chance: random.Random, all_of: Sequence[Receipt]) -> Iterator[tuple[str, str]]:
    size = chain.parse_checkpoint(chain.parse_note(one.checkpoint).text).size
    for index in {one.index ^ 1, one.index + 1, size, size - 1 - one.index, 1 << 62} - {one.index}:
        yield "index", text_of(replace(one, index=index))
    yield "index with a zero", text_of(one).replace(f"\nindex {one.index}\n", f"\nindex 0{one.index}\n")
    for at in range(len(one.hashes)):
        before, after = one.hashes[:at], one.hashes[at + 1 :]
        yield "hash gone", text_of(replace(one, hashes=before + after))
        yield "hash flipped", text_of(replace(one, hashes=(*before, _flip(one.hashes[at], chance), *after)))
        yield "hash doubled", text_of(replace(one, hashes=(*before, one.hashes[at], one.hashes[at], *after)))
        yield "hash of nothing", text_of(replace(one, hashes=(*before, bytes(32), *after)))
        if at:
            swapped = (*one.hashes[: at - 1], one.hashes[at], one.hashes[at - 1], *after)
            yield "hashes swapped", text_of(replace(one, hashes=swapped))
    yield "hash too many", text_of(replace(one, hashes=(*one.hashes, bytes(32))))
    other = chance.choice([two for two in all_of if two.hashes != one.hashes])
    yield "another's path", text_of(replace(one, hashes=other.hashes))


def _checkpoint(one: Receipt, chance: random.Random, _: Sequence[Receipt]) -> Iterator[tuple[str, str]]:
    note = chain.parse_note(one.checkpoint)
    read, signature = chain.parse_checkpoint(note.text), note.signatures[0]

    def with_text(text: str) -> str:
        return text_of(replace(one, checkpoint=f"{text}\n" + one.checkpoint.partition("\n\n")[2]))

    yield "origin", with_text(note.text.replace(read.origin, read.origin + "x"))
    yield "size", with_text(chain.Checkpoint(read.origin, read.size + chance.choice((1, 2, 256)), read.root).text())
    yield "root", with_text(chain.Checkpoint(read.origin, read.size, _flip(read.root, chance)).text())
    forged = chain.Checkpoint(read.origin, read.size, read.root)
    yield "signed by another", text_of(replace(one, checkpoint=export.sign(forged.text(), read.origin, OTHER)))
    for name, damaged in {
        "signature flipped": replace(signature, data=_flip(signature.data, chance)),
        "signature cut": replace(signature, data=signature.data[:-1]),
        "key id": replace(signature, key_id=_flip(signature.key_id, chance)),
        "key name": replace(signature, name=signature.name + "x"),
    }.items():
        yield name, text_of(replace(one, checkpoint=chain.format_note(chain.Note(note.text, (damaged,)))))
    yield "signature gone", text_of(one).rpartition("— ")[0]
    yield "no checkpoint", text_of(one).partition("\n\n")[0] + "\n\n"


def forged_receipts(all_of: Sequence[Receipt], chance: random.Random) -> Iterator[tuple[str, str]]:
    """(class of link, text) of false receipts, without end."""
    while True:
        one = chance.choice(all_of)
        for forge in (_entry, _path, _checkpoint):
            yield from forge(one, chance, all_of)
        yield from letters(text_of(one), chance)


def letters(text: str, chance: random.Random) -> Iterator[tuple[str, str]]:
    """One letter of the text changed, left out or doubled."""
    for change in ("letter changed", "letter gone", "letter doubled"):
        at = chance.randrange(len(text))
        other = chance.choice([letter for letter in "ABab01+/=\n —" if letter != text[at]])
        put = {"letter changed": other, "letter gone": "", "letter doubled": text[at] * 2}[change]
        yield change, text[:at] + put + text[at + 1 :]


def forged_requests(entries: Sequence[bytes], old: int, size: int, chance: random.Random) -> Iterator[tuple[str, bytes]]:
    """(class of link, body) of requests to a witness that knows the tree of `old`, none of which it may cosign."""
    leaves = [chain.leaf_hash(entry) for entry in entries]
    node, origin = chain.memory_nodes(leaves), export.CHAIN_ID
    proof, note = chain.prove_consistency(old, size, node), export.checkpoint_of(entries[:size])

    def body(hashes: Sequence[bytes], note: str = note, old: int = old) -> bytes:
        return f"old {old}\n{''.join(b64encode(one).decode() + chr(10) for one in hashes)}\n{note}".encode()

    while True:
        for at in range(len(proof)):
            yield "hash gone", body([*proof[:at], *proof[at + 1 :]])
            yield "hash flipped", body([*proof[:at], _flip(proof[at], chance), *proof[at + 1 :]])
            yield "hash doubled", body([*proof[:at], proof[at], *proof[at:]])
            if at:
                yield "hashes swapped", body([*proof[: at - 1], proof[at], proof[at - 1], *proof[at + 1 :]])
        yield "hash too many", body([*proof, bytes(32)])
        yield "no proof", body([])
        for other in {old - 1, old + 1, 0, size} - {old}:
            yield "old size", body(proof, old=other)
        forked = [*entries[: old - 1], entries[-1], *entries[old:]]
        yield "forked", body(proof, export.checkpoint_of(forked[:size]))
        known = chain.memory_nodes([chain.leaf_hash(entry) for entry in forked])
        yield "forked with its proof", body(chain.prove_consistency(old, size, known), export.checkpoint_of(forked[:size]))
        yield "rolled back", body([], export.checkpoint_of(entries[: old - 1]), old - 1)
        root = chain.tree_root(size, node)
        yield "signed by another", body(proof, export.sign(chain.Checkpoint(origin, size, root).text(), origin, OTHER))
        yield "another log", body(proof, export.checkpoint_of(entries[:size], "other/record/1"))
        yield "root", body(proof, export.sign(chain.Checkpoint(origin, size, _flip(root, chance)).text()))
        # (a log that signs a true root under a false size can be seen only later: RFC 6962 proofs do not bind the size alone)
        yield "size", body(proof, note.replace(f"\n{size}\n", f"\n{size + 1}\n"))
        yield from ((kind, changed.encode()) for kind, changed in letters(body(proof).decode(), chance))
