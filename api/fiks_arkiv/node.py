"""A decoded message as a tree of typed values."""

import builtins
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import TypeVar

from api.fiks_arkiv.grammar_values import Value

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Leaf:
    """A simple element: its value, the text as it came, and the attribute `label` that only `systemID` may have.

    Content of any type (`virksomhetsspesifikkeMetadata`) is a leaf whose value is its XML, all namespaces declared.
    """

    value: Value
    lexical: str
    label: str | None = None


@dataclass(frozen=True, slots=True)
class Node:
    """An element with elements inside, by local name. Asking for a name that is absent gives None or an empty tuple.

    `type` is the local name of the element's type (its xsi:type where it has one), `namespace` the type's namespace,
    `children` everything in document order, `line` where the element starts.
    """

    type: str
    namespace: str
    children: tuple[tuple[str, "Node | Leaf"], ...]
    line: int = field(default=0, compare=False)

    def all(self, name: str) -> "tuple[Node | Leaf, ...]":
        """Every child of that name as it stands."""
        return tuple(child for own, child in self.children if own == name)

    def many(self, name: str) -> "tuple[Node | Value, ...]":
        """Every child of that name: nodes as they are, leaves as values."""
        return tuple(child.value if isinstance(child, Leaf) else child for child in self.all(name))

    def one(self, name: str) -> "Node | Value | None":
        """The first child of that name: a node or a value."""
        return next(iter(self.many(name)), None)

    def node(self, name: str) -> "Node | None":
        """The child element; `TypeError` where it is a simple value."""
        return self._only(name, Node)

    def nodes(self, name: str) -> "tuple[Node, ...]":
        """The child elements of that name."""
        return tuple(child for child in self.all(name) if isinstance(child, Node))

    def text(self, name: str) -> str | None:
        """The text value; `TypeError` where the element holds another kind."""
        return self._only(name, str)

    def texts(self, name: str) -> tuple[str, ...]:
        """All text values of that name."""
        return tuple(value for value in self.many(name) if isinstance(value, str))

    def number(self, name: str) -> int | None:
        """The whole number."""
        return self._only(name, int)

    def decimal(self, name: str) -> Decimal | None:
        """The number with decimals (coordinates)."""
        return self._only(name, Decimal)

    def flag(self, name: str) -> bool | None:
        """The truth value."""
        return self._only(name, bool)

    def date(self, name: str) -> date | None:
        """The date; an offset, which XML Schema allows on a date, stands in `lexical` only."""
        return self._only(name, date)

    def instant(self, name: str) -> datetime | None:
        """The date and time: aware where the message names an offset, else naive."""
        return self._only(name, datetime)

    def lexical(self, name: str) -> str | None:
        """The text as it came."""
        leaf = next(iter(self.all(name)), None)
        return leaf.lexical if isinstance(leaf, Leaf) else None

    def label(self, name: str) -> str | None:
        """The attribute `label` of a `systemID`."""
        leaf = next(iter(self.all(name)), None)
        return leaf.label if isinstance(leaf, Leaf) else None

    def __getitem__(self, name: str) -> "Node | Value":
        value = self.one(name)
        if value is None:
            raise KeyError(name)
        return value

    def __contains__(self, name: str) -> bool:
        return any(own == name for own, _ in self.children)

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(own for own, _ in self.children))

    def _only(self, name: str, kind: "builtins.type[_T]") -> _T | None:
        value = self.one(name)
        # Exactly this kind: a bool is an int in Python, and a datetime a date.
        if value is None:
            return None
        if type(value) is kind:
            return value
        raise TypeError(f"{name} holds {type(value).__name__}, not {kind.__name__}")
