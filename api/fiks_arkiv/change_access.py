"""Updates of screening, security grade and classification."""

from __future__ import annotations

import dataclasses
from datetime import date, datetime
from uuid import UUID

from api.fiks_arkiv import reading
from api.fiks_arkiv.change import Change, Step
from api.fiks_arkiv.node import Node
from api.fiks_arkiv.xml import InvalidMessage
from domain.handlers import amendments
from domain.handlers.metadata import ClassReference, classified
from domain.model import record
from domain.model.errors import NotFound
from domain.model.record import Graded, Screened
from projections.view import View


def screening(element: str) -> Step:
    """The screening, taken away or changed; what an update leaves out stays."""

    def step(change: Change) -> None:
        given = change.node.node(element)
        assert given is not None  # the message has the element
        current = _screened(change.now)
        wanted = None if given.flag("slett") else current
        if "oppdatering" in given:
            wanted = _rescreened(given, wanted)
        elif not given.flag("slett"):
            raise InvalidMessage(f"Line {given.line}: {element} must say slett or oppdatering.")
        amendments.screen(change.work, change.unit, current, wanted)

    return step


def _screened(now: View) -> Screened | None:
    given = now.get("screening")
    if given is None:
        return None
    expires = given.get("expires_on")
    return Screened(
        **(given | {"metadata": tuple(given.get("metadata", ())), "expires_on": date.fromisoformat(expires) if expires else None})
    )


def _rescreened(node: Node, current: Screened | None) -> Screened:
    given = reading.screening(node, "oppdatering")
    assert given is not None  # the message has the element
    if current is None:
        if not given.access_restriction:
            raise InvalidMessage(f"Line {node.line}: the unit is not screened, so tilgangsrestriksjon must be given.")
        return given
    return dataclasses.replace(
        current,
        access_restriction=given.access_restriction or current.access_restriction,
        authority=given.authority or current.authority,
        expires_on=given.expires_on or current.expires_on,
        expiry_action=given.expiry_action or current.expiry_action,
    )


def grade(element: str) -> Step:
    """The security grade, changed; it ends by being downgraded, never by being taken away."""

    def step(change: Change) -> None:
        group = change.node.node(element)
        assert group is not None  # the message has the element
        node = group.node("oppdatering")
        if group.flag("slett") or node is None:
            raise InvalidMessage(f"Line {group.line}: {element} can change a grade (oppdatering), not take it away.")
        current = _graded(change.now)
        amendments.regrade(change.work, change.unit, current, _regraded(node, current))

    return step


def _graded(now: View) -> Graded | None:
    given = now.get("grade")
    if given is None:
        return None
    moments = {name: datetime.fromisoformat(given[name]) for name in ("graded_at", "downgraded_at") if name in given}
    return Graded(**(given | moments))


def _regraded(node: Node, current: Graded | None) -> Graded:
    grade_code, at, by = reading.code(node, "grad"), reading.instant(node, "graderingsdato"), node.text("gradertAv")
    if current is None and not (grade_code and at and by):
        raise InvalidMessage(f"Line {node.line}: the unit has no grade, so grad, graderingsdato and gradertAv must be given.")
    given = {
        "grade": grade_code,
        "graded_at": at,
        "graded_by": by,
        "downgraded_at": reading.instant(node, "nedgraderingsdato"),
        "downgraded_by": node.text("nedgradertAv"),
    }
    changes = {name: value for name, value in given.items() if value is not None}
    return dataclasses.replace(current, **changes) if current is not None else Graded(**changes)  # type: ignore[arg-type]


def classes(change: Change) -> None:
    """Classes changed, taken away and added. One that is not there is taken away already, one that is there is added already."""
    group = change.node.node("klassifikasjonOppdateringer")
    assert group is not None  # the message has the element
    standing = {(one["system"], one.get("class_id")): one for one in change.now.get("classes", [])}
    for node in group.nodes("oppdatering"):
        key = _class_key(node)
        found = standing.get(key)
        if found is None:
            raise NotFound("class", f"{key[0]} {key[1]}"[:200])
        title, flag = node.text("tittel") or found.get("title"), node.flag("erSkjermet")
        wanted = ClassReference(*key, title, found.get("screened") if flag is None else flag)
        if (wanted.title, wanted.screened) != (found.get("title"), found.get("screened")):
            change.work.permit(amendments.CLASSIFY, change.unit)
            fact = dataclasses.replace(classified(change.work, wanted), classification=UUID(found["id"]))
            change.work.record(change.unit, fact)
    for node in group.nodes("slett"):
        found = standing.pop(_class_key(node), None)
        if found is not None:
            amendments.remove(change.work, change.unit, amendments.CLASSIFY, record.Declassified(UUID(found["id"])))
    for node in group.nodes("ny"):
        given = reading.class_reference(node)
        if (given.system, given.class_id) not in standing:
            change.work.permit(amendments.CLASSIFY, change.unit)
            change.work.record(change.unit, classified(change.work, given))
            standing[given.system, given.class_id] = {"id": "", "title": given.title}


def _class_key(node: Node) -> tuple[str, str]:
    reference = node.node("referanseTilKlassifikasjon")
    assert reference is not None  # the grammar requires it
    return str(reference["klassifikasjonssystemID"]), str(reference["klasseID"])
