"""The tree in the database: full tiles of 256 hashes (C2SP tlog-tiles) as they fill, and the reader that proofs are made with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from hashlib import sha256
from typing import Any

import psycopg
from psycopg import sql

from domain import chain

Tile = tuple[int, int, bytes]
"""level, index, hashes of 32 bytes each"""


class TileRows:
    """A growing tree as the right edge of each level: at most 255 hashes a level, lowest level first."""

    def __init__(self, size: int = 0, rows: Iterable[Iterable[bytes]] = ((),)) -> None:
        self.size = size
        self._rows = [list(row) for row in rows]

    def add(self, leaves: list[bytes]) -> list[Tile]:
        """Take the next leaf hashes; the tiles that became full, children before parents."""
        self.size += len(leaves)
        self._rows[0].extend(leaves)
        return self._fill(0)

    def join(self, following: TileRows) -> list[Tile]:
        """Take a tree of fewer than 65 536 leaves that was grown by itself, after a multiple of 256; the tiles above the lowest
        level that became full: those of the lowest became full in the other tree. Raises ValueError."""
        if self.size % 256 or following.size >= 65_536:
            raise ValueError(f"a tree of {following.size} cannot be joined to one of {self.size}")
        lowest, *above = following._rows
        self._rows += [[] for _ in range(2 - len(self._rows))]
        self._rows[0] = list(lowest)
        self._rows[1].extend(above[0] if above else [])
        self.size += following.size
        return self._fill(1)

    def _fill(self, level: int) -> list[Tile]:
        full: list[Tile] = []
        while level < len(self._rows) and len(self._rows[level]) >= 256:
            row, done = self._rows[level], len(self._rows[level]) // 256
            if level + 1 == len(self._rows):
                self._rows.append([])
            first = (self.size >> 8 * (level + 1)) - done
            for number in range(done):
                tile = row[256 * number : 256 * number + 256]
                full.append((level, first + number, b"".join(tile)))
                self._rows[level + 1].append(chain.perfect_root(tile))
            del row[: 256 * done]
            level += 1
        return full

    def frontier(self, leaves: Iterable[bytes] = ()) -> chain.Frontier:
        """The tree so far, with these leaves after it."""
        nodes = [node for row in reversed(self._rows) for node in chain.Frontier.empty().extend(row).nodes]
        return chain.Frontier(self.size, tuple(nodes)).extend(leaves)

    def edge(self) -> list[Tile]:
        """The partial tiles."""
        return [(level, self.size >> 8 * (level + 1), b"".join(row)) for level, row in enumerate(self._rows) if row]


class Growth:
    """A tree as it grows: `roots` at the sizes that are wanted, and a digest of each full tile. Memory: 32 bytes a tile.

    rows: the tree that it begins with; of its tiles nothing is known here. A tree of a run of positions that is grown by itself
    begins empty at the position before; it is joined to the one before it, and keeps its edges at the wanted sizes until then.
    """

    def __init__(self, rows: TileRows, wanted: Iterable[int], before: int = 0) -> None:
        self.rows = rows
        self.before = before
        self.first = rows.size
        self.roots: dict[int, bytes] = {}
        self._wanted = sorted((size for size in set(wanted) if size > before + rows.size), reverse=True)
        self._edges: list[chain.Frontier] = []
        self._tiles: dict[int, bytearray] = {}

    def add(self, leaves: list[bytes]) -> None:
        """Take the next leaf hashes."""
        while self._wanted and self._wanted[-1] <= self.before + self.rows.size + len(leaves):
            edge = self.rows.frontier(leaves[: self._wanted.pop() - self.before - self.rows.size])
            if self.before:
                self._edges.append(edge)
            else:
                self.roots[edge.size] = edge.root()
        self._digest(self.rows.add(leaves))

    def join(self, following: Growth) -> None:
        """Take the tree of the next run: a number of leaves that divides `before`, or, of the last run, fewer."""
        edge, whole = self.rows.frontier(), following.rows.size
        self.roots |= following.roots
        for one in following._edges:
            if one.size < whole:  # the whole run may make a perfect tree with what is before it
                self.roots[edge.size + one.size] = chain.Frontier(edge.size + one.size, edge.nodes + one.nodes).root()
        while self._wanted and self._wanted[-1] <= edge.size + whole:
            self._wanted.pop()
        self._tiles.setdefault(0, bytearray()).extend(following._tiles.get(0, b""))
        self._digest(self.rows.join(following.rows))
        if any(one.size == whole for one in following._edges):
            self.roots[self.rows.size] = self.rows.frontier().root()

    def tiles(self) -> Iterator[tuple[int, int, bytes]]:
        """(level, number of its first tile here, SHA-256 of each one after the other)."""
        for level, digests in sorted(self._tiles.items()):
            yield level, self.first >> 8 * (level + 1), bytes(digests)

    def _digest(self, full: Iterable[Tile]) -> None:
        for level, _, hashes in full:
            self._tiles.setdefault(level, bytearray()).extend(sha256(hashes).digest())


def tile_root(hashes: bytes) -> bytes:
    """Root of a full tile: the hash that stands for it one level up."""
    return chain.perfect_root([hashes[at : at + 32] for at in range(0, len(hashes), 32)])


def stored_rows(connection: psycopg.Connection[Any], schema: str, size: int) -> TileRows:
    """The right edge of a tree of `size`, from the tables. It is as true as they are: hold it against a known frontier."""
    stored = StoredTree(connection, schema, size)
    widths = [(size >> 8 * level) % 256 for level in range(max(1, (max(size, 1).bit_length() + 7) // 8))]
    return TileRows(
        size,
        [
            [tile[at : at + 32] for at in range(0, 32 * width, 32)]
            for level, width in enumerate(widths)
            for tile in [stored.tile(level, size >> 8 * (level + 1), width) if width else b""]
        ],
    )


class StoredTree:
    """The tree of the first `size` events, read from full tiles and, at its right edge, from the events' leaf hashes."""

    def __init__(self, connection: psycopg.Connection[Any], schema: str, size: int) -> None:
        self._connection = connection
        self._tiles = sql.Identifier(schema, "ledger_tile")
        self._events = sql.Identifier(schema, "event")
        self.tile = cache(self._tile)
        self.node = chain.tile_nodes(self.tile, size)

    def _tile(self, level: int, index: int, width: int) -> bytes:
        """Hashes of a tile; a full tile of which the signer has not come yet is computed. At most 256 tiles are read."""
        if width == 256:
            query = sql.SQL("select hashes from {} where level = %s and idx = %s").format(self._tiles)
            row = self._connection.execute(query, (level, index)).fetchone()
            if row is not None:
                return bytes(row[0])
        first = 256 * index
        if level == 0:
            query = sql.SQL("select leaf_hash from {} where position between %s and %s order by position").format(self._events)
            return b"".join(bytes(row[0]) for row in self._connection.execute(query, (first + 1, first + width)))
        query = sql.SQL("select idx, hashes from {} where level = %s and idx >= %s and idx < %s").format(self._tiles)
        rows = self._connection.execute(query, (level - 1, first, first + width))
        below = {int(row[0]): bytes(row[1]) for row in rows}
        return b"".join(tile_root(below.get(at) or self.tile(level - 1, at, 256)) for at in range(first, first + width))
