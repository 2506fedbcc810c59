"""Updates of titles, keywords, authors, comments, cross-references, external keys and metadata of the sender's own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from api.fiks_arkiv import describe, kept, reading
from api.fiks_arkiv.change import Change, Step, Steps, known, standing
from api.fiks_arkiv.node import Node
from api.fiks_arkiv.references import KINDS
from api.fiks_arkiv.xml import InvalidMessage
from domain.handlers import amendments
from domain.handlers.metadata import Comment, set_external_key
from domain.model import record
from domain.model.record import TitledBody


def titles(change: Change) -> None:
    """tittel, offentligTittel and beskrivelse together: they stand in one fact."""
    now, node = change.now, change.node
    current = TitledBody(now["title"] or "", now.get("public_title"), now.get("description"))
    wanted = replace(
        current,
        title=node.text("tittel") or current.title,
        public_title=node.text("offentligTittel") or current.public_title,
    )
    description = node.node("beskrivelse")
    if description is not None and description.flag("slett"):
        wanted = replace(wanted, description=None)
    if description is not None and "oppdatering" in description:
        wanted = replace(wanted, description=description.text("oppdatering"))
    amendments.title(change.work, change.unit, current, wanted)


def title_steps(*names: str) -> Steps:
    """The elements of a title; whichever is there, `titles` runs once."""

    def unless(earlier: tuple[str, ...]) -> Step:
        def step(change: Change) -> None:
            if not any(one in change.node for one in earlier):
                titles(change)

        return step

    return {name: unless(names[:at]) for at, name in enumerate(names)}


def _edited(current: Sequence[str], nodes: Iterable[Node]) -> list[str]:
    found = list(current)
    for node in nodes:
        taken = set(node.texts("slett"))
        found = [one for one in found if one not in taken]
        found += [one for one in dict.fromkeys(node.texts("ny")) if one not in found]
    return found


def keywords(change: Change) -> None:
    """Keywords taken away and added."""
    current = change.now.get("keywords", [])
    amendments.keywords(change.work, change.unit, current, _edited(current, change.node.nodes("noekkelord")))


def authors(change: Change) -> None:
    """Authors taken away and added."""
    current = change.now.get("authors", [])
    amendments.authors(change.work, change.unit, current, _edited(current, change.node.nodes("forfatterOppdateringer")))


def comments(change: Change) -> None:
    """Comments changed, taken away and added."""
    for group in change.node.nodes("merknadOppdateringer"):
        for one in group.nodes("oppdatering"):
            _change_comment(change, one)
        for one in group.nodes("slett"):
            found = known(change, one, "merknadID", "comments")
            if found is not None:
                amendments.remove(change.work, change.unit, amendments.COMMENT, record.CommentRemoved(UUID(found["id"])))
        for one in group.nodes("ny"):
            describe.add_comment(change.work, change.unit, one)


def _change_comment(change: Change, node: Node) -> None:
    found = standing(change, node, "merknadID", "comments")
    at = found.get("commented_at")
    current = Comment(
        found.get("text", ""),
        found.get("comment_type"),
        datetime.fromisoformat(at) if at else None,
        found.get("commented_by"),
        found.get("screened"),
    )
    flag = node.flag("erSkjermet")
    wanted = Comment(
        node.text("merknadstekst") or current.text,
        reading.code(node, "merknadstype") or current.comment_type,
        reading.instant(node, "merknadsdato") or current.at,
        node.text("merknadRegistrertAv") or current.by,
        current.screened if flag is None else flag,
    )
    amendments.comment(change.work, change.unit, UUID(found["id"]), current, wanted)


def references(change: Change) -> None:
    """Cross-references changed, taken away and added."""
    for group in change.node.nodes("kryssreferanseOppdateringer"):
        for one in group.nodes("oppdatering"):
            found = standing(change, one, "kryssreferanseID", "references")
            if any(name in one for name in KINDS):
                describe.add_reference(change.work, change.unit, one, change.references, UUID(found["id"]))
        for one in group.nodes("slett"):
            taken = known(change, one, "kryssreferanseID", "references")
            if taken is not None:
                amendments.remove(change.work, change.unit, amendments.REFER, record.CrossReferenceRemoved(UUID(taken["id"])))
        for one in group.nodes("ny"):
            describe.add_reference(change.work, change.unit, one, change.references)


def external_key(change: Change) -> None:
    """Another external key in place of the one that the unit has; the old one names nothing from then on."""
    given = reading.external_key(change.node)
    assert given is not None  # the message has the element
    claims = change.work.state(change.unit).external_claims
    change.work.permit(amendments.DESCRIBE, change.unit)
    set_external_key(change.work, change.unit, given, claims)


def own_metadata(change: Change) -> None:
    """Metadata of the sender's own, taken away or replaced."""
    given = change.node.node("virksomhetsspesifikkeMetadataOppdateringer")
    assert given is not None  # the message has the element
    own(change, given, kept.OWN)


def own(change: Change, given: Node, element: str) -> None:
    """`virksomhetsspesifikkeMetadataOppdateringer` of a unit or of a part of it, kept under `element`."""
    wanted = kept.xml(given, "ny")
    if not wanted and not given.flag("slett"):
        raise InvalidMessage(f"Line {given.line}: virksomhetsspesifikkeMetadataOppdateringer must say slett or ny.")
    amendments.extend(change.work, change.unit, element, kept.extension(change.now, element), wanted)
