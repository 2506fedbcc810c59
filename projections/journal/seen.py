"""Which rows of the journal one reader sees, and which whole: by class, and single ones named to the reader (4.5.23)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

import psycopg

NOTHING: frozenset[UUID] = frozenset()


class Passing(Protocol):
    """What issues tokens of the second wall (`projections.wall.Wall`)."""

    def passing(
        self, connection: psycopg.Connection[Any], everything: bool, classes: str, named: str
    ) -> AbstractContextManager[None]:
        """A transaction in which this is let through; classes, named: arrays of SQL."""
        ...


@dataclass(frozen=True, slots=True)
class Part:
    """Of one kind, classes or single units. listed: stand in lists; shown: those of them that are no more than ids, left out;
    read: may be read. Of what is coded, `read` decides what is shown of it."""

    listed: frozenset[UUID] = NOTHING
    shown: frozenset[UUID] = NOTHING
    read: frozenset[UUID] = NOTHING
    _texts: dict[str, str] = field(default_factory=dict, compare=False)

    def text(self, part: str) -> str:
        """One of the three as an array of SQL, written out once: thousands of ids take longer to write than to look through."""
        if part not in self._texts:
            self._texts[part] = array(getattr(self, part))
        return self._texts[part]


def array(ids: Collection[UUID]) -> str:
    """Ids as an array of SQL."""
    return "{" + ",".join(map(str, ids)) + "}"


@dataclass(frozen=True, slots=True)
class Seen:
    """What a reader sees. everything: rights do not rule here yet; classes, named: by kind; coded: of all kinds, those classes
    of `read` that are coded; wall: None for a connection that no wall stands before."""

    everything: bool = False
    classes: Mapping[str, Part] = field(default_factory=dict)
    named: Mapping[str, Part] = field(default_factory=dict)
    coded: Part = Part()
    wall: Passing | None = None

    def filter(self, part: str = "listed") -> str:
        """The condition of a row that stands in lists; parameters by `values`."""
        if self.everything:
            return "true"
        # a condition that no join is made of, so that rows come in the order of their index; the list is hashed once
        return f"(class in (select unnest(%({part}_classes)s::uuid[])) or id = any(%({part}_named)s::uuid[]))"

    def ways(self) -> tuple[str, ...]:
        """The same rows as `filter` lets through, each by one of these conditions: for what is counted, in no order, where an
        index finds the rows of a class."""
        if self.everything:
            return ("true",)
        of_classes = "class = any(%(listed_classes)s::uuid[])"
        return of_classes, f"id = any(%(listed_named)s::uuid[]) and ({of_classes}) is not true"

    def whole(self, kind: str) -> str:
        """The condition of an uncoded row whose words may be looked into."""
        # what is shown is among what is listed
        parts = self._part(self.classes, kind), self._part(self.named, kind)
        alike = self.everything or all(len(part.shown) == len(part.listed) for part in parts)
        return "true" if alike else self.filter("shown")

    def values(self, kind: str) -> dict[str, Any]:
        """The parameters of `filter` and `whole`."""
        if self.everything:
            return {}
        classes, named = self._part(self.classes, kind), self._part(self.named, kind)
        return {
            f"{part}_{which}": of.text(part)
            for part in ("listed", "shown", "read")
            for which, of in (("classes", classes), ("named", named))
        }

    def lists(self, kind: str, unit: UUID, of: UUID) -> bool:
        """Whether the row stands in lists."""
        return self.everything or of in self._part(self.classes, kind).listed or unit in self._part(self.named, kind).listed

    def shows(self, kind: str, unit: UUID, of: UUID) -> bool:
        """Whether an uncoded row of the list is shown whole."""
        return self.everything or of in self._part(self.classes, kind).shown or unit in self._part(self.named, kind).shown

    def reads(self, kind: str, unit: UUID, of: UUID) -> bool:
        """Whether the unit may be read."""
        return self.everything or of in self._part(self.classes, kind).read or unit in self._part(self.named, kind).read

    @contextmanager
    def passing(self, connection: psycopg.Connection[Any]) -> Iterator[None]:
        """A transaction of the connection in which the second wall lets through what may be read."""
        named = array(NOTHING.union(*(part.read for part in self.named.values())))
        opened = self.wall.passing(connection, self.everything, self.coded.text("read"), named) if self.wall else nullcontext()
        with opened:
            yield

    def _part(self, of: Mapping[str, Part], kind: str) -> Part:
        return of.get(kind, Part())


EVERYTHING = Seen(everything=True)
"""Where no rights rule, and no wall stands."""
