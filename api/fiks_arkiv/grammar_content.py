"""Content models: which child may follow which, as a position automaton (Glushkov 1961).

The schemas' rule of unique particle attribution makes the automaton deterministic, so one pass over the children decides, in time
linear in their number whatever the message holds.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

Name = tuple[str, str]
"""Namespace URI and local name."""

_TOKEN = re.compile(r"\(|\||\)[?*+]?|[^\s()|]+")


@dataclass(frozen=True, slots=True)
class Declared:
    """An element as one place of a content model declares it; `required` where nothing else can stand for it."""

    name: Name
    type: Name
    default: str | None
    required: bool


@dataclass(frozen=True, slots=True)
class Content:
    """`steps[state][name]` is the next state; state 0 is the start, state n+1 follows `declared[n]`.

    `repeats` where the whole content is one repeated group, so that a mapping of lists is written group by group.
    """

    declared: tuple[Declared, ...]
    steps: tuple[Mapping[Name, int], ...]
    accepting: frozenset[int]
    repeats: bool


@dataclass(slots=True)
class _Part:
    optional: bool
    first: list[int]
    last: list[int]


class _Builder:
    def __init__(self) -> None:
        self.declared: list[Declared] = []
        self.follow: list[list[int]] = []

    def read(self, expression: str, declare: Callable[[str, bool], Declared]) -> _Part:
        tokens = _TOKEN.findall(expression)
        part, rest = self._sequence(tokens, 0, declare, False)
        if rest != len(tokens):
            raise ValueError(f"content expression does not close: {expression}")
        return part

    def _sequence(self, tokens: list[str], at: int, declare: Callable[[str, bool], Declared], loose: bool) -> tuple[_Part, int]:
        part = _Part(True, [], [])
        while at < len(tokens) and tokens[at][0] not in "|)":
            if tokens[at] == "(":
                item, at = self._choice(tokens, at + 1, declare)
            else:
                item = self._leaf(tokens[at], declare, loose)
            at += 1
            part = self.join(part, item)
        return part, at

    def _choice(self, tokens: list[str], at: int, declare: Callable[[str, bool], Declared]) -> tuple[_Part, int]:
        """Reads up to the closing bracket; returns its index."""
        options: list[_Part] = []
        while True:
            option, at = self._sequence(tokens, at, declare, True)
            options.append(option)
            if tokens[at] != "|":
                break
            at += 1
        whole = _Part(
            any(o.optional for o in options), [p for o in options for p in o.first], [p for o in options for p in o.last]
        )
        return self._often(whole, tokens[at][1:]), at

    def _leaf(self, token: str, declare: Callable[[str, bool], Declared], loose: bool) -> _Part:
        often = token[-1] if token[-1] in "?*+" else ""
        self.declared.append(declare(token.removesuffix(often) if often else token, often in ("", "+") and not loose))
        self.follow.append([])
        place = len(self.declared) - 1
        return self._often(_Part(False, [place], [place]), often)

    def _often(self, part: _Part, often: str) -> _Part:
        if often in ("*", "+"):
            for place in part.last:
                self.follow[place].extend(part.first)
        part.optional = part.optional or often in ("?", "*")
        return part

    def join(self, left: _Part, right: _Part) -> _Part:
        for place in left.last:
            self.follow[place].extend(right.first)
        return _Part(
            left.optional and right.optional,
            left.first + (right.first if left.optional else []),
            right.last + (left.last if right.optional else []),
        )


def compile_content(expressions: list[tuple[str, Callable[[str, bool], Declared]]]) -> Content:
    """One automaton for the expressions of a type and its bases, base first; `ValueError` where the grammar is ambiguous."""
    builder = _Builder()
    whole = _Part(True, [], [])
    for expression, declare in expressions:
        whole = builder.join(whole, builder.read(expression, declare))
    steps = [_step(builder, whole.first)] + [_step(builder, follow) for follow in builder.follow]
    accepting = {place + 1 for place in whole.last} | ({0} if whole.optional else set())
    used = [e for e, _ in expressions if e]
    repeats = len(used) == 1 and used[0].startswith("(") and used[0].endswith((")*", ")+"))
    return Content(tuple(builder.declared), tuple(steps), frozenset(accepting), repeats)


def _step(builder: _Builder, places: list[int]) -> Mapping[Name, int]:
    step: dict[Name, int] = {}
    for place in places:
        if step.setdefault(builder.declared[place].name, place + 1) != place + 1:
            raise ValueError(f"two places for {builder.declared[place].name} after one another")
    return step
