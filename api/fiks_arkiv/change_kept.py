"""Updates of what is kept unread: property, building, plan and point numbers, addresses, precedents and document flows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from api.fiks_arkiv import kept
from api.fiks_arkiv.change import Change, Step
from api.fiks_arkiv.encode import fragment
from api.fiks_arkiv.grammar_create import CREATE
from api.fiks_arkiv.node import Node
from domain.handlers import amendments
from domain.model.errors import NotFound

Tree = dict[str, Any]
_OWNER = {"dokumentflyt": "journalpost"}


def listed(group_name: str, element: str, keys: Sequence[str], renamed: str = "") -> Step:
    """A group of `oppdatering`, `slett` and `ny` over the kept elements of one name.

    keys: the elements that tell two of them apart; renamed: what an update calls the first key, where it may give it a new value.
    """

    def step(change: Change) -> None:
        group = change.node.node(group_name)
        assert group is not None  # the message has the element
        current = [_plain(one) for one in kept.trees(kept.extension(change.now, element))]
        found = list(current)
        for node in _both(group, "oppdatering"):
            _updated(found, _plain(kept.tree(node)), keys[0], renamed or keys[0], element)
        for node in _both(group, "slett"):
            gone = _plain(kept.tree(node))
            found = [one for one in found if any(one.get(key) != gone.get(key) for key in keys)]
        for node in _both(group, "ny"):
            added = _plain(kept.tree(node))
            if added not in found:
                found.append(added)
        _write(change, element, current, found)

    return step


def added(element: str) -> Step:
    """Elements that an update can only add: those that stand already are not added again."""

    def step(change: Change) -> None:
        current = [_plain(one) for one in kept.trees(kept.extension(change.now, element))]
        given = [_plain(kept.tree(node)) for node in change.node.nodes(element)]
        _write(change, element, current, current + [one for one in given if one not in current])

    return step


def _both(group: Node, name: str) -> tuple[Node, ...]:
    """The group for buildings writes its names with a capital."""
    return (*group.nodes(name), *group.nodes(name.capitalize()))


def _updated(found: list[Tree], given: Tree, key: str, renamed: str, element: str) -> None:
    """Change the element that `given` names; one that reads so already, under its new number, is left alone."""
    wanted = given.get(renamed)
    changes = {name: value for name, value in given.items() if name != renamed or renamed == key}
    at = next((index for index, one in enumerate(found) if one.get(key) == wanted), None)
    if at is not None:
        found[at] = found[at] | changes
    elif key not in changes or not any(one | changes == one for one in found):
        raise NotFound("unit", f"{element}: {key} {(wanted or [''])[0]}"[:200])


def _write(change: Change, element: str, current: Sequence[Tree], wanted: Sequence[Tree]) -> None:
    owner = _OWNER.get(element) or ("saksmappe" if change.now["kind"] == "case" else "journalpost")
    write: Callable[[Tree], str] = lambda one: fragment(CREATE.namespace, owner, element, one)  # noqa: E731
    before = kept.extension(change.now, element)
    after = before if list(current) == list(wanted) else "".join(map(write, wanted))
    amendments.extend(change.work, change.unit, element, before, after or "")


def _plain(tree: Any) -> Any:
    """The tree without types, every element in a list, so that two spellings of one thing are equal."""
    if isinstance(tree, dict):
        return {name: _plain(value if isinstance(value, list) else [value]) for name, value in tree.items() if name != "@type"}
    return [_plain(one) if isinstance(one, dict) else one for one in tree] if isinstance(tree, list) else tree
