"""`innsyn.sok`: what a search definition asks, looked up in the journal, and the page of units that it finds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

import psycopg

from api.fiks_arkiv.answers import Answer, document
from api.fiks_arkiv.message_types import SEARCH_FULL, SEARCH_KEYS, SEARCH_MINIMUM
from api.fiks_arkiv.node import Node
from api.fiks_arkiv.search_parameters import Asked, asked
from api.fiks_arkiv.search_results import Hits, results
from api.fiks_arkiv.units import Units
from api.fiks_arkiv.xml import InvalidMessage
from api.installation import Tenant
from domain.handlers import access_log
from domain.handlers.gate import Actor
from domain.handlers.work import Context, permitted
from domain.model.access_log import SEARCH_ROW, AccessRead
from domain.model.registry_entry import ENTRY as JOURNALPOST
from projections.journal.fields import Fields, Query, Table
from projections.journal.seen import Seen
from projections.view import DOCUMENT, View

ACTION = "journal.search"
MOST = 1_000
"""Most units of one page; a larger `take` gets so many, and the answer's `take` says it."""
WAIT_S = 2.0
"""How long a search waits for the journal to follow what was written just before."""
FREE_TEXT = "FritekstSokdefinisjon"

_TABLES: dict[str, Table] = {
    "mappe": "cases",
    "saksmappe": "cases",
    "registrering": "entries",
    "journalpost": "entries",
    "journalpostMedSaksmappe": "entries",
    "dokumentbeskrivelse": "documents",
}
_ANSWERS = {"noekler": (SEARCH_KEYS, "Noekler"), "minimum": (SEARCH_MINIMUM, "Minimum"), "utvidet": (SEARCH_FULL, "")}


def search(tenant: Tenant, context: Context, root: Node) -> list[Answer]:
    """One page of what is found. Raises InvalidMessage for a search that cannot be understood."""
    permitted(tenant.ledger, context, ACTION)
    definition, take, skip = root.node("sokdefinisjon"), root.number("take") or 0, root.number("skip") or 0
    assert definition is not None  # the grammar requires it
    if take < 0 or skip < 0:
        raise InvalidMessage("take and skip must be 0 or more.")
    take = min(take, MOST)
    target = definition.type.removesuffix("Sokdefinisjon").removesuffix("Fritekst")
    tenant.wait(tenant.ledger.reader.head().position, WAIT_S)
    views, total, known = _found(tenant, context.actor, definition, target, take, skip)
    access_log.rows(tenant.ledger, context.actor, _coded(views, known))
    shape = str(definition.one("responstype") or "minimum")
    type_id, suffix = _ANSWERS[shape]
    # The answer of keys alone has no journalpostMedSaksmappe.
    named = "journalpost" if shape == "noekler" and target == "journalpostMedSaksmappe" else target
    hits = Hits(
        Units(tenant.ledger, [*views, *known]), [UUID(one["id"]) for one in views], named, frozenset(definition.texts("inkluder"))
    )
    tree = {
        "system": root.text("system"),
        "take": take,
        "skip": skip,
        "count": total,
        "resultattype": named,
        "resultatListe": {f"resultat{suffix}": results(hits, shape)},
    }
    return [document(type_id, tree)]


def _found(
    tenant: Tenant, actor: Actor, definition: Node, target: str, take: int, skip: int
) -> tuple[list[View], int, list[View]]:
    """Views of the page, how many there are in all, and views of what the page's units belong to and hold.

    An answer holds units whole, so that only what the actor may read is looked among; documents that may not be read are left out
    of their entry.
    """
    fields = Fields(tenant.name)
    table = _TABLES[target]
    with tenant.read() as connection:
        seen = tenant.sight.of(connection, actor)
        with seen.passing(connection):
            if definition.type.endswith(FREE_TEXT):
                wanted = Asked(words=_words(definition))
            else:
                wanted = asked(tenant, connection, seen, definition, table)
            query = Query(
                table,
                wanted.conditions,
                wanted.ids,
                wanted.words,
                (JOURNALPOST,) if target.startswith("journalpost") else (),
                target == "journalpostMedSaksmappe",
                [(str(one["felt"]), one.text("type") == "synkende") for one in definition.nodes("sortering")],
                skip,
                take,
            )
            views, total = fields.search(connection, query, seen)
            return views, total, _around(fields, connection, table, views, seen)


def _around(fields: Fields, connection: psycopg.Connection[Any], table: Table, views: list[View], seen: Seen) -> list[View]:
    known = fields.views(connection, "cases", {one["case"] for one in views if one.get("case")}, seen)
    documents = fields.views(connection, "documents", {link["id"] for one in views for link in one.get("documents", [])}, seen)
    readable = {one["id"] for one in documents}
    for one in views:
        if "documents" in one:
            one["documents"] = [link for link in one["documents"] if link["id"] in readable]
    known += documents
    if table == "documents":
        of = fields.entries_of(connection, [one["id"] for one in views])
        known += fields.views(connection, "entries", set(of.values()), seen)
        for one in views:
            one["entry"] = of.get(one["id"])
    return known


def _coded(views: list[View], known: list[View]) -> list[AccessRead]:
    """What the access log is told of the units found that have an access code, of their own or of what they stand in."""
    by_id = {str(one["id"]): one for one in (*known, *views)}
    found = []
    for one in views:
        entry = by_id.get(str(one.get("entry")))
        case = by_id.get(str((entry or one).get("case")))
        screenings = [level.get("screening") for level in (one, entry, case) if level is not None]
        code = next((screening["access_restriction"] for screening in screenings if screening), None)
        if code is not None:
            within = tuple(UUID(level["id"]) for level in (entry, case) if level is not None)
            found.append(AccessRead(UUID(one["id"]), one["kind"], code, SEARCH_ROW, within))
        found += _held(one, by_id, code)
    return found


def _held(one: View, by_id: Mapping[str, View], code: str | None) -> Iterator[AccessRead]:
    """The documents of an entry of the answer that have a code of their own: they are shown whole in it."""
    for link in one.get("documents", ()):
        own = (by_id.get(link["id"], {}).get("screening") or {}).get("access_restriction")
        if own is not None and own != code:
            within = (UUID(one["id"]), *((UUID(one["case"]),) if one.get("case") else ()))
            yield AccessRead(UUID(link["id"]), DOCUMENT, own, SEARCH_ROW, within)


def _words(definition: Node) -> str:
    words = (definition.text("soketekst") or "").strip()
    if not words:
        raise InvalidMessage(f"Line {definition.line}: soketekst must hold words to look for.")
    return words
