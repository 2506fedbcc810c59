"""What was used lately, for looking up without a lock."""

from __future__ import annotations

from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class Recent(Generic[Key, Value]):
    """At least the last `size` keys that were kept or asked for, at most twice as many. Thread-safe: each step is one operation
    on a dictionary, and what a race forgets is looked up again."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._young: dict[Key, Value] = {}
        self._old: dict[Key, Value] = {}

    def get(self, key: Key) -> Value | None:
        """The value, or None where it is not remembered."""
        found = self._young.get(key)
        if found is None:
            found = self._old.get(key)
            if found is not None:
                self.keep(key, found)
        return found

    def keep(self, key: Key, value: Value) -> None:
        """Remember a value."""
        young = self._young
        young[key] = value
        if len(young) > self._size:
            self._old, self._young = young, {}
