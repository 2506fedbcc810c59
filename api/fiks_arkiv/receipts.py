"""Receipts: what a message's units became, told from the units as the log has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from api.fiks_arkiv import kept, units
from api.fiks_arkiv.answers import Answer, document
from api.fiks_arkiv.case_tree import case_reference
from api.fiks_arkiv.create import Created
from api.fiks_arkiv.entry_tree import journal_numbers
from api.fiks_arkiv.message_types import CREATE, DOCUMENT_OBJECT
from api.fiks_arkiv.units import Codes, Tree, Units
from domain.model.registry_entry import ENTRY as JOURNALPOST
from projections.view import CASE, DOCUMENT, ENTRY

NEW, THERE = "Opprettet", "Eksisterende"


def creation(source: Units, created: Created) -> list[Answer]:
    """The two answers to `arkivmelding.opprett`."""
    tree: Tree = {}
    if created.case is not None:
        tree["mappeKvittering"] = _case(source, created.case, created.case_new)
    if created.entry is not None:
        tree["registreringKvittering"] = _entry(source, created.entry, created.entry_new)
    return [Answer(f"{CREATE}.mottatt", None), document(f"{CREATE}.kvittering", tree)]


def object_added(source: Units, unit: UUID, object_id: UUID) -> list[Answer]:
    """The two answers to `dokumentobjekt.opprett`."""
    added = next(one for one in source.get(unit, DOCUMENT)["objects"] if one["id"] == str(object_id))
    tree = {"systemID": added["id"], "opprettetDato": added["created_at"], "opprettetAv": added["created_by"]}
    return [Answer(f"{DOCUMENT_OBJECT}.mottatt", None), document(f"{DOCUMENT_OBJECT}.kvittering", tree)]


def _case(source: Units, unit: UUID, new: bool) -> Tree:
    of = source.get(unit, CASE)
    return {
        "@type": "saksmappeKvittering",
        "systemID": of["id"],
        "mappeID": of["number"],
        "referanseForeldermappe": case_reference(source.get(of["parent"], CASE)) if of.get("parent") else None,
        "opprettetDato": of["created_at"],
        "opprettetAv": of["created_by"],
        "avsluttetDato": kept.claimed(of, "avsluttetDato", "finalised_at"),
        "avsluttetAv": kept.claimed(of, "avsluttetAv", "finalised_at", "finalised_by"),
        "referanseEksternNoekkel": units.external_key(of),
        "opprettetEllerEksisterende": NEW if new else THERE,
        "saksaar": of["year"],
        "sakssekvensnummer": of["sequence"],
        "saksdato": of["case_date"],
    }


def _entry(source: Units, unit: UUID, new: bool) -> Tree:
    of = source.get(unit, ENTRY)
    coded = Codes(of)
    tree: Tree = {
        "systemID": of["id"],
        "opprettetDato": of["created_at"],
        "opprettetAv": of["created_by"],
        "arkivertDato": kept.claimed(of, "arkivertDato", "archived_at"),
        "arkivertAv": kept.claimed(of, "arkivertAv", "archived_at", "archived_by"),
        "dokumentbeskrivelseKvittering": [_document(source, link) for link in of.get("documents", [])],
        "registreringsID": of.get("number"),
        "referanseEksternNoekkel": units.external_key(of),
        "opprettetEllerEksisterende": NEW if new else THERE,
    }
    if of["record_kind"] == JOURNALPOST:
        tree |= journal_numbers(of) | {
            "@type": "journalpostKvittering",
            "journalposttype": coded("journalposttype", of["entry_type"]),
            "journalstatus": coded("journalstatus", of["status"]),
            "forfallsdato": of.get("due_date"),
        }
    return tree


def _document(source: Units, link: Mapping[str, Any]) -> Tree:
    of = source.get(link["id"], DOCUMENT)
    coded = Codes(of)
    return {
        "systemID": of["id"],
        "opprettetDato": of["created_at"],
        "opprettetAv": of["created_by"],
        "dokumentnummer": link["number"],
        "dokumentobjekt": [
            {
                "systemID": one["id"],
                "versjonsnummer": one["version"],
                "variantformat": coded("variantformat", one["variant"]),
                "opprettetDato": one["created_at"],
                "opprettetAv": one["created_by"],
            }
            for one in of.get("objects", [])
        ],
    }
