"""An update at work: the unit, what the message says of it, and what stands now.

Each element of an update is carried out by one function of a table; an element in no table is refused by name, so nothing that a
message asks for is dropped. Taking away what is identified by its value and is not there, and adding such a thing that is there,
changes nothing: an update sent twice leaves what the first one left.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from api.fiks_arkiv import kept
from api.fiks_arkiv.node import Node
from api.fiks_arkiv.references import References
from api.fiks_arkiv.xml import InvalidMessage
from api.installation import Tenant
from domain.handlers import amendments
from domain.handlers.work import Work
from domain.ledger.clock import LOCAL
from domain.ledger.faults import VersionConflict
from domain.ledger.reader import Recorded
from domain.model.errors import NotFound
from projections import view
from projections.view import View


@dataclass(frozen=True, slots=True)
class Change:
    """One update. node: its element; now: the unit's view at the version that the command expects; history: its facts."""

    work: Work
    tenant: Tenant
    references: References
    unit: UUID
    node: Node
    now: View
    history: tuple[Recorded, ...]


Step = Callable[[Change], None]
Steps = Mapping[str, Step]


def begin(work: Work, tenant: Tenant, references: References, unit: UUID, node: Node) -> Change:
    """The change of a unit that the command has loaded.

    Raises VersionConflict where its view is of another moment: the handler is run again.
    """
    history = tuple(tenant.ledger.reader.stream(unit))
    now = view.fold(history)
    assert now is not None  # it was loaded
    if now["version"] != work.expect[unit]:
        raise VersionConflict(unit, work.expect[unit], int(now["version"]))
    return Change(work, tenant, references, unit, node, now, history)


def carry_out(change: Change, steps: Steps) -> None:
    """Do what each element says, in the table's order. Refused: an element that no fact can carry."""
    unknown = next((name for name in change.node if name not in steps), None)
    if unknown is not None:
        raise InvalidMessage(f"Line {change.node.line}: {unknown} of a {change.node.type} cannot be changed.")
    for name, step in steps.items():
        if name in change.node:
            step(change)
    _describe_codes(change)


def _describe_codes(change: Change) -> None:
    """Keep the descriptions that the message gives codes."""
    current = kept.extension(change.now, kept.CODES) or ""
    amendments.extend(
        change.work, change.unit, kept.CODES, current, kept.code_descriptions(change.node, frozenset({"dokumentobjekt"}), current)
    )


def reference(change: Change) -> None:
    """The element that names the unit: followed already."""
    del change


def fixed(element: str, field: str) -> Step:
    """An element that is set once: the same value changes nothing, another is refused."""

    def step(change: Change) -> None:
        given = change.node.one(element)
        current = change.now.get(field)
        said = given.text("kode") if isinstance(given, Node) else given
        if said is None or not _same(said, current):
            raise InvalidMessage(f"Line {change.node.line}: {element} is set when the unit is registered and cannot be changed.")

    return step


def _same(said: Any, current: Any) -> bool:
    if isinstance(said, datetime):
        local = said if said.tzinfo is not None else said.replace(tzinfo=LOCAL)
        return current is not None and local == datetime.fromisoformat(current)
    return bool((said.isoformat() if isinstance(said, date) else said) == current)


def known(change: Change, node: Node, element: str, listed: str, given_id: bool = False) -> Mapping[str, Any] | None:
    """The part of the unit that `element` names by its id, from the list `listed` of its view; None where it stood once.

    given_id: the sender may have named it itself. Raises NotFound for an id that the unit never had.
    """
    wanted = str(node[element])
    for one in change.now.get(listed, []):
        if wanted.lower() == one["id"] or (given_id and wanted == one.get("given_id")):
            return dict(one)
    if not _stood_once(change, wanted, given_id):
        raise NotFound("unit", f"{element} {wanted}"[:200])
    return None


def _stood_once(change: Change, wanted: str, given_id: bool) -> bool:
    ids = ("comment", "part", "reference", "party")
    for recorded in change.history:
        fact = recorded.fact
        if any(str(getattr(fact, name, None)) == wanted.lower() for name in ids):
            return True
        if given_id and getattr(getattr(fact, "body", None), "given_id", None) == wanted:
            return True
    return False


def standing(change: Change, node: Node, element: str, listed: str, given_id: bool = False) -> Mapping[str, Any]:
    """As `known`, but what was taken away cannot be changed any more."""
    found = known(change, node, element, listed, given_id)
    if found is None:
        raise NotFound("unit", f"{element} {node[element]}"[:200])
    return found
