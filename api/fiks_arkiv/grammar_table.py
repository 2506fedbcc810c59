"""The form in which the message grammar is written down.

One `Table` describes one namespace. A content expression reads like a DTD: names in order, `?` `*` `+` for how often, `(a|b)` for
a choice. A bare name has the metadata catalogue's type of the same name; `name=type` has a type of this namespace; `name=md.kode`
one of another namespace, by its prefix; `~` gives the value that stands for an empty element.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

FAMILY = "https://ks-no.github.io/standarder/fiks-protokoll/fiks-arkiv/"
"""What all namespaces of the protocol begin with."""
MESSAGE = "no.ks.fiks.arkiv.v1."
"""What all message type ids begin with."""


@dataclass(frozen=True, slots=True)
class Root:
    """A document element: its type (with prefix where it stands in another table) and its message type, if it is one."""

    type: str
    message: str | None


@dataclass(frozen=True, slots=True)
class Table:
    """The types of one namespace.

    `path` follows `FAMILY`; `types` maps `"a b < base"` (several names may share one definition; `!` marks an abstract type) to a
    content expression; `values` maps a kind of value to the names that have it; `enums` a name to its words; `imports` are the
    prefixes whose types an xsi:type may name.
    """

    prefix: str
    path: str
    types: Mapping[str, str]
    values: Mapping[str, str] = field(default_factory=dict)
    enums: Mapping[str, str] = field(default_factory=dict)
    roots: Mapping[str, Root] = field(default_factory=dict)
    imports: tuple[str, ...] = ("md",)

    @property
    def namespace(self) -> str:
        """The namespace URI."""
        return FAMILY + self.path
