"""The tree: the published vectors, and every proof of every prefix, each also with one bit changed."""

from __future__ import annotations

import pytest

from domain import chain

# Inputs, roots and proofs published with the first Certificate Transparency log (RFC 6962); none is of our making.
INPUTS = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
PATHS = {
    (0, 8): ["96a296d224f285c6", "5f083f0a1a33ca07", "6b47aaf29ee3c2af"],
    (5, 8): ["bc1a0643b12e4d2d", "ca854ea128ed050b", "d37ee418976dd957"],
    (2, 3): ["fac54203e7cc696c"],
    (1, 5): ["6e340b9cffb37a98", "5f083f0a1a33ca07", "bc1a0643b12e4d2d"],
}
CONSISTENCY = {
    (1, 8): ["96a296d224f285c6", "5f083f0a1a33ca07", "6b47aaf29ee3c2af"],
    (6, 8): ["0ebc5d3437fbe2db", "ca854ea128ed050b", "d37ee418976dd957"],
    (2, 5): ["5f083f0a1a33ca07", "bc1a0643b12e4d2d"],
    (1, 1): [],
}
PUBLISHED = [chain.leaf_hash(bytes.fromhex(text)) for text in INPUTS]
LEAVES = [chain.leaf_hash(b"leaf %d" % number) for number in range(130)]
NODE = chain.memory_nodes(LEAVES)
SIZES = range(len(LEAVES) + 1)
TREES = [chain.tree_root(size, NODE) for size in SIZES]


def flipped(hashes: list[bytes], at: int, bit: int = 0) -> list[bytes]:
    changed = bytearray(hashes[at])
    changed[bit // 8] ^= 1 << bit % 8
    return [*hashes[:at], bytes(changed), *hashes[at + 1 :]]


def refused_inclusion(proof: list[bytes], index: int, size: int, leaf: bytes, root: bytes) -> bool:
    try:
        chain.check_inclusion(proof, index, size, leaf, root)
    except chain.ProofError:
        return True
    return False


def refused_consistency(proof: list[bytes], old: int, size: int, old_root: bytes, root: bytes) -> bool:
    try:
        chain.check_consistency(proof, old, size, old_root, root)
    except chain.ProofError:
        return True
    return False


@pytest.mark.parametrize("size", range(9))
def test_published_roots(size: int) -> None:
    root = bytes.fromhex(ROOTS[size])
    assert chain.tree_root(size, chain.memory_nodes(PUBLISHED)) == root
    assert chain.Frontier.empty().extend(PUBLISHED[:size]).root() == root


def test_published_proofs() -> None:
    node = chain.memory_nodes(PUBLISHED)
    for (index, size), path in PATHS.items():
        assert [one.hex()[:16] for one in chain.prove_inclusion(index, size, node)] == path
    for (old, size), path in CONSISTENCY.items():
        assert [one.hex()[:16] for one in chain.prove_consistency(old, size, node)] == path


def test_every_inclusion_proof_of_every_prefix() -> None:
    for size in SIZES[1:]:
        for index in range(size):
            proof = chain.prove_inclusion(index, size, NODE)
            chain.check_inclusion(proof, index, size, LEAVES[index], TREES[size])
            for at in range(len(proof)):
                assert refused_inclusion(flipped(proof, at, at), index, size, LEAVES[index], TREES[size])


def test_every_consistency_proof_of_every_prefix() -> None:
    for size in SIZES:
        for old in range(size + 1):
            proof = chain.prove_consistency(old, size, NODE)
            chain.check_consistency(proof, old, size, TREES[old], TREES[size])
            for at in range(len(proof)):
                assert refused_consistency(flipped(proof, at, at), old, size, TREES[old], TREES[size])


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 9, 64, 65, 100])
def test_an_inclusion_proof_holds_for_its_own_leaf_index_size_and_root_only(size: int) -> None:
    for index in range(size):
        proof, leaf, root = chain.prove_inclusion(index, size, NODE), LEAVES[index], TREES[size]
        for other in {0, index - 1, index + 1, size, size + 1, -1} - {index}:
            assert refused_inclusion(proof, other, size, leaf, root)
        # Another size may divide the tree alike on the way to this leaf; then the same path rightly leads to the same root.
        assert refused_inclusion(proof, index, size, leaf, TREES[size - 1])
        assert refused_inclusion(proof, index, size, LEAVES[index + 1], root)
        assert refused_inclusion(proof, index, size, leaf[:31], root)
        assert refused_inclusion([*proof, LEAVES[0]], index, size, leaf, root)
        assert refused_inclusion([LEAVES[0], *proof], index, size, leaf, root)
        if proof:
            assert refused_inclusion(proof[:-1], index, size, leaf, root)
            assert refused_inclusion(proof[1:], index, size, leaf, root)
            assert refused_inclusion([proof[0][:31], *proof[1:]], index, size, leaf, root)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 9, 64, 65, 100])
def test_a_consistency_proof_holds_for_its_own_two_trees_only(size: int) -> None:
    for old in range(1, size):
        proof = chain.prove_consistency(old, size, NODE)
        assert refused_consistency(proof, old, size, TREES[old - 1], TREES[size])
        assert refused_consistency(proof, old, size, TREES[old], TREES[size + 1])
        assert refused_consistency(proof, size, old, TREES[size], TREES[old])
        assert refused_consistency(proof[:-1], old, size, TREES[old], TREES[size])
        assert refused_consistency(proof[1:], old, size, TREES[old], TREES[size])
        assert refused_consistency([*proof, LEAVES[0]], old, size, TREES[old], TREES[size])
        assert refused_consistency([], old, size, TREES[old], TREES[size])
        assert refused_consistency([b"", *proof[1:]], old, size, TREES[old], TREES[size])
    assert refused_consistency([], size, size, TREES[size], TREES[size + 1])
    assert refused_consistency([], 0, size, TREES[1], TREES[size])
    assert refused_consistency([LEAVES[0]], 0, size, chain.EMPTY_ROOT, TREES[size])
    assert refused_consistency([], size + 1, size, TREES[size + 1], TREES[size])
    assert refused_consistency([], 0, 0, chain.EMPTY_ROOT, TREES[1])


def test_a_proof_of_what_the_tree_has_not_is_not_made() -> None:
    for index, size in ((0, 0), (3, 3), (-1, 3)):
        with pytest.raises(chain.ProofError):
            chain.prove_inclusion(index, size, NODE)
    with pytest.raises(chain.ProofError):
        chain.prove_consistency(4, 3, NODE)


def test_the_frontier_grows_alike_in_any_steps() -> None:
    single = chain.Frontier.empty()
    for size in SIZES:
        assert single == chain.Frontier.empty().extend(LEAVES[:size])
        assert single == chain.Frontier.empty().extend(LEAVES[: size // 3]).extend(LEAVES[size // 3 : size])
        assert single.root() == TREES[size]
        assert chain.Frontier.decode(single.encode()) == single
        single = single.append(LEAVES[size]) if size < len(LEAVES) else single


@pytest.mark.parametrize(
    "data", [b"", bytes(7), bytes(9), (1).to_bytes(8, "big"), (3).to_bytes(8, "big") + bytes(96), b"\x80" + bytes(39)]
)
def test_what_is_no_frontier_is_refused(data: bytes) -> None:
    with pytest.raises(chain.ChainError):
        chain.Frontier.decode(data)
