"""Tiles: names and widths of the published layout, and proofs read through tiles equal proofs from all leaves."""

from __future__ import annotations

import pytest

from domain import chain

LEAVES = [chain.leaf_hash(number.to_bytes(4, "big")) for number in range(66_000)]
NODE = chain.memory_nodes(LEAVES)


def tile(level: int, index: int, width: int) -> bytes:
    return b"".join(NODE(8 * level, 256 * index + at) for at in range(width))


@pytest.mark.parametrize(
    ("level", "index", "width", "path"),
    [
        (0, 0, 256, "tile/0/000"),
        (0, 273, 112, "tile/0/273.p/112"),
        (3, 1_234_067, 256, "tile/3/x001/x234/067"),
        (1, 999, 1, "tile/1/999.p/1"),
        (1, 1000, 255, "tile/1/x001/000.p/255"),
    ],
)
def test_paths(level: int, index: int, width: int, path: str) -> None:
    assert chain.tile_path(level, index, width) == path
    assert chain.entries_path(index, width) == path.replace(f"tile/{level}/", "tile/entries/")
    assert chain.payload_path(index) == path.replace(f"tile/{level}/", "payload/").split(".p/")[0] + ".jsonl"


def test_the_tiles_of_seventy_thousand_leaves_are_those_of_the_specification() -> None:
    tiles = list(chain.tile_widths(70_000))
    assert tiles[:274] == [(0, index, 256) for index in range(273)] + [(0, 273, 112)]
    assert tiles[274:] == [(1, 0, 256), (1, 1, 17), (2, 0, 1)]
    assert list(chain.tile_widths(256)) == [(0, 0, 256), (1, 0, 1)]
    assert list(chain.tile_widths(0)) == []


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 511, 512, 700, 65_535, 65_536, 65_537, 66_000])
def test_proofs_through_tiles_equal_proofs_from_all_leaves(size: int) -> None:
    widths = set(chain.tile_widths(size))

    def read(level: int, index: int, width: int) -> bytes:
        assert (level, index, width) in widths, "a tile was asked for that this tree has not"
        return tile(level, index, width)

    node = chain.tile_nodes(read, size)
    assert chain.tree_root(size, node) == chain.tree_root(size, NODE)
    picks = {0, 1, 254, 255, 256, size // 2, size - 2, size - 1}
    for pick in picks & set(range(size)):
        assert chain.prove_inclusion(pick, size, node) == chain.prove_inclusion(pick, size, NODE)
        assert chain.prove_consistency(pick, size, node) == chain.prove_consistency(pick, size, NODE)


def test_a_node_outside_the_tree_and_a_tile_of_another_width_are_refused() -> None:
    with pytest.raises(chain.ChainError, match="has no node"):
        chain.tile_nodes(tile, 300)(0, 300)
    with pytest.raises(chain.ChainError, match="has no node"):
        chain.tile_nodes(tile, 300)(8, 1)
    with pytest.raises(chain.ChainError, match="has not 44 hashes"):
        chain.tile_nodes(lambda *_: bytes(32), 300)(0, 256)
