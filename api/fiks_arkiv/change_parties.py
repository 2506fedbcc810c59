"""Updates of parties to a case and of correspondence parties: what is absent in an update stays as it was."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from api.fiks_arkiv import describe, kept, reading
from api.fiks_arkiv.change import Change, known, standing
from api.fiks_arkiv.change_texts import own
from api.fiks_arkiv.create_parties import add_parties
from api.fiks_arkiv.node import Node
from domain.handlers import amendments, registry_entries
from domain.handlers.metadata import Part
from domain.handlers.registry_entries import Party
from domain.model import record
from domain.model.record import ContactBody, Named

_CONTACT = [field.name for field in dataclasses.fields(ContactBody)]
_KEPT_ID = "given_id"


def parts(change: Change) -> None:
    """Parties to the case changed, taken away and added."""
    for group in change.node.nodes("partOppdateringer"):
        for one in group.nodes("oppdatering"):
            _change_part(change, one)
        for one in group.nodes("slett"):
            found = known(change, one, "partID", "parts", given_id=True)
            if found is not None:
                amendments.remove(change.work, change.unit, amendments.PARTIES, record.PartRemoved(UUID(found["id"])))
        for one in group.nodes("ny"):
            change.work.permit(amendments.PARTIES, change.unit)
            describe.add_part(change.work, change.unit, one)


def parties(change: Change) -> None:
    """Correspondence parties changed, taken away and added."""
    for group in change.node.nodes("korrespondansepartOppdateringer"):
        for one in group.nodes("oppdatering"):
            _change_party(change, one)
        for one in group.nodes("slett"):
            found = known(change, one, "korrespondansepartID", "parties", given_id=True)
            if found is not None:
                amendments.drop_party(change.work, change.unit, UUID(found["id"]))
        change.work.permit(amendments.PARTIES, change.unit)
        add_parties(change.work, change.unit, group, change.references, "ny")


def _change_part(change: Change, node: Node) -> None:
    found = standing(change, node, "partID", "parts", given_id=True)
    current = Part(_contact(found), found.get("role"), found.get("screened"), found.get("is_person"))
    given = reading.part(node)
    wanted = Part(
        _merged(current.contact, given.contact),
        given.role or current.role,
        _flag(given.screened, current.screened),
        _flag(given.is_person, current.is_person),
    )
    amendments.part(change.work, change.unit, UUID(found["id"]), current, wanted)
    metadata = node.node("virksomhetsspesifikkeMetadataOppdateringer")
    if metadata is not None:
        own(change, metadata, f"{found['id']}.{kept.OWN}")


def _change_party(change: Change, node: Node) -> None:
    found = standing(change, node, "korrespondansepartID", "parties", given_id=True)
    given = reading.party(node)
    wanted = Party(
        given.party_type or found["party_type"],
        _merged(_contact(found), given.contact),
        _flag(given.responsible, found.get("responsible")),
        given.dispatch_method or found.get("dispatch_method"),
        given.administrative_unit or _named(found.get("administrative_unit")),
        given.case_handler or _named(found.get("case_handler")),
        _flag(given.screened, found.get("screened")),
        _flag(given.is_person, found.get("is_person")),
    )
    change.work.permit(amendments.PARTIES, change.unit)
    registry_entries.record_party(change.work, change.unit, wanted, UUID(found["id"]))


def _flag(given: bool | None, current: bool | None) -> bool | None:
    return current if given is None else given


def _named(found: Mapping[str, Any] | None) -> Named | None:
    return None if found is None else Named(**found)


def _contact(found: Mapping[str, Any]) -> ContactBody:
    values: dict[str, Any] = {"name": ""} | {name: found[name] for name in _CONTACT if name in found}
    for name in ("address", "phones"):
        values[name] = tuple(values.get(name, ()))
    return ContactBody(**values)


def _merged(current: ContactBody, given: ContactBody) -> ContactBody:
    """The contact with what the update gives; an organisation's number takes the place of a person's, and the other way round."""
    changes = {name: value for name in _CONTACT if (value := getattr(given, name)) and name != _KEPT_ID}
    if "organisation_id" in changes:
        changes["person_id"] = None
    elif "person_id" in changes:
        changes["organisation_id"] = None
    return dataclasses.replace(current, **changes)
