"""What every kind of unit may say about itself, from a message into facts: metadata, parties, comments, references, kept XML."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from uuid import UUID

from api.fiks_arkiv import kept, reading
from api.fiks_arkiv.node import Node
from api.fiks_arkiv.references import KINDS, References
from api.fiks_arkiv.xml import InvalidMessage
from domain.handlers.metadata import Metadata, commented, part_recorded
from domain.handlers.work import Work
from domain.ledger.identity import new_id
from domain.model import record

CHILD_UNITS = frozenset({"dokumentbeskrivelse", *kept.OF_CASE, *kept.OF_ENTRY})
"""Elements whose codes are not the unit's own."""


def metadata(node: Node, extensions: Sequence[kept.Extension]) -> Metadata:
    """Texts, screening, grade, classes, external key and kept XML; parties, comments and references go by `parts`."""
    codes = kept.code_descriptions(node, CHILD_UNITS)
    return Metadata(
        title=node.text("tittel"),
        public_title=node.text("offentligTittel"),
        description=node.text("beskrivelse"),
        keywords=node.texts("noekkelord"),
        authors=node.texts("forfatter"),
        screening=reading.screening(node),
        grade=reading.grade(node),
        classes=tuple(reading.class_reference(one) for one in node.nodes("klassifikasjon")),
        external_key=reading.external_key(node),
        extensions=(*extensions, *(((kept.CODES, codes),) if codes else ())),
    )


def parts(work: Work, unit: UUID, node: Node, references: References) -> None:
    """Record the comments, parties and cross-references of a unit of this command, each under an id of its own."""
    for one in node.nodes("merknad"):
        add_comment(work, unit, one)
    for one in node.nodes("part"):
        add_part(work, unit, one)
    for one in node.nodes("kryssreferanse"):
        add_reference(work, unit, one, references)


def add_comment(work: Work, unit: UUID, node: Node) -> None:
    """A new comment."""
    work.record(unit, commented(work, reading.comment(node), reading.given_uuid(node, "merknadID")))


def add_part(work: Work, unit: UUID, node: Node) -> None:
    """A new party to the case, with what it carries unread."""
    part_id = new_id()
    work.record(unit, part_recorded(part_id, reading.part(node)))
    for element, xml in kept.extensions(node, (kept.OWN,), f"{part_id}."):
        keep(work, unit, element, xml)


def add_reference(work: Work, unit: UUID, node: Node, references: References, reference_id: UUID | None = None) -> None:
    """A cross-reference to one unit. Raises NotFound, InvalidMessage."""
    targets = [(name, target) for name in KINDS if (target := node.node(name)) is not None]
    if len(targets) != 1:
        raise InvalidMessage(f"Line {node.line}: kryssreferanse must name one unit; it names {len(targets)}.")
    name, target = targets[0]
    what, kind = KINDS[name]
    given = reference_id or reading.given_uuid(node, "kryssreferanseID") or new_id()
    work.record(unit, record.CrossReferenced(given, kind, references.unit(target, what)))


def keep(work: Work, unit: UUID, element: str, xml: str) -> None:
    """Keep XML under a name; empty takes it away."""
    work.record(unit, record.Extended(element, record.ExtendedBody(record.limited(xml, record.TEXT_LIMIT, element) or "")))


def refuse_duplicates(values: Sequence[str | None], element: str) -> None:
    """Refuse where the sender gave two parts of one unit the same id or number."""
    counted = Counter(value for value in values if value is not None)
    twice = next((value for value, times in counted.items() if times > 1), None)
    if twice is not None:
        raise InvalidMessage(f"{element} {twice[:200]!r} is given more than once.")
