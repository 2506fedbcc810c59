"""Whom a visitor of a demonstration may play: its people, and whoever was made known to it since. Services are nobody to play."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from api.installation import Tenant
from domain.handlers import standing
from domain.handlers.gate import Actor
from domain.handlers.people import acting
from domain.model.user import SERVICE

Players = tuple[tuple[str, str], ...]


def choices(people: Players, tenant: Tenant) -> Players:
    """(what the menu sends, name with role): the demonstration's people by user name, then newcomers by id. One query."""
    known = dict(people)
    with tenant.read() as connection:
        found = tenant.people.found(connection, "")
    fresh = (one for one in found if one["kind"] != SERVICE and one["user_name"] not in known and one["name"])
    return (*people, *((str(one["id"]), ", ".join(filter(None, (one["name"], one["title"])))) for one in fresh))


def chosen(people: Mapping[str, str], tenant: Tenant, wanted: str) -> str | None:
    """`wanted` where somebody may be played under it, else None."""
    if wanted in people:
        return wanted
    person = standing.uuid_of(wanted)
    user = standing.of(tenant.ledger).person(str(person), fresh=False).file.user if person is not None else None
    return str(person) if user is not None and user.kind != SERVICE else None


def actor(people: Mapping[str, str], tenant: Tenant, played: str) -> Actor:
    """Who is played, as the actor of a command; the demonstration's own people under the name of its menu."""
    found = acting(tenant.ledger, played)
    return replace(found, name=people.get(played) or _name(tenant, found))


def _name(tenant: Tenant, found: Actor) -> str:
    user = standing.of(tenant.ledger).person(found.id, fresh=False).file.user
    return user.name if user is not None else ""
