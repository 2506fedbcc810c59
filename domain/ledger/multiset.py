"""A digest of a set of rows that takes rows in any order, and from which rows can be taken out again.

The sum of a 4 096-bit hash of each row, modulo 2**4096: two different sets with the same sum cannot be found (the best attack
known, Wagner's on k-fold sums, takes some 2**128 steps at this width; at 256 bits it would be feasible). 3 µs a row.
"""

from __future__ import annotations

from hashlib import shake_256

_BYTES = 512
_MODULUS = 1 << 8 * _BYTES


class Multiset:
    """value: the sum; 0 of no rows."""

    def __init__(self, value: int = 0) -> None:
        self.value = value

    def add(self, row: bytes) -> None:
        """One row more. The caller frames its fields so that two rows never give the same bytes."""
        self.value = (self.value + int.from_bytes(shake_256(row).digest(_BYTES), "big")) % _MODULUS

    def remove(self, row: bytes) -> None:
        """One row less."""
        self.value = (self.value - int.from_bytes(shake_256(row).digest(_BYTES), "big")) % _MODULUS

    def encode(self) -> str:
        """The sum as hex, for `decode`."""
        return self.value.to_bytes(_BYTES, "big").hex()

    @classmethod
    def decode(cls, text: str) -> Multiset:
        """The inverse of `encode`. Raises ValueError."""
        data = bytes.fromhex(text)
        if len(data) != _BYTES:
            raise ValueError("not the digest of a set")
        return cls(int.from_bytes(data, "big"))
