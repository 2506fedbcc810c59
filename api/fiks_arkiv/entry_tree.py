"""A registry entry, record note or plain record as the full answers carry it, with its parties and documents."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from api.fiks_arkiv import kept, units
from api.fiks_arkiv.case_tree import case_reference, series_code
from api.fiks_arkiv.document_tree import document_tree
from api.fiks_arkiv.units import Codes, Tree, Units
from domain.ledger.clock import local_date
from domain.model.registering import COPY_RECIPIENTS
from domain.model.registry_entry import ENTRY as JOURNALPOST
from domain.model.registry_entry import NOTE
from projections.view import CASE, DOCUMENT, ENTRY, View

ALL = frozenset(
    {
        "merknad",
        "noekkelord",
        "kryssreferanse",
        "part",
        "presedens",
        "dokumentbeskrivelse",
        "korrespondansepart",
        "avskrivning",
        "dokumentflyt",
        "dokumentobjekt",
    }
)
"""What `inkluder` can ask for; precedents go with every answer, since no word asks for them."""
TYPES = {JOURNALPOST: "journalpost", NOTE: "arkivnotat"}


def entry_tree(source: Units, unit: UUID | str, include: Collection[str] = ALL) -> Tree:
    """A journalpost, arkivnotat or registrering. Raises NotFound."""
    of = source.get(unit, ENTRY)
    coded = Codes(of)
    kind = TYPES.get(of["record_kind"])
    tree = _registration(source, of, coded, include)
    if kind is not None:
        tree |= {
            "@type": kind,
            **_dates(of),
            "dokumentflyt": _asked("dokumentflyt", include, kept.trees(kept.extension(of, "dokumentflyt"))),
        }
    if kind == "journalpost":
        tree |= journal_numbers(of) | {
            "journalposttype": coded("journalposttype", of["entry_type"]),
            "journalstatus": coded("journalstatus", of["status"]),
            "journalenhet": of.get("records_unit"),
            "presedens": kept.trees(kept.extension(of, "presedens")),
            "avskrivningsdato": of.get("sign_off_date"),
        }
    return tree


def _registration(source: Units, of: View, coded: Codes, include: Collection[str]) -> Tree:
    tree: Tree = {
        "systemID": of["id"],
        "opprettetDato": of["created_at"],
        "opprettetAv": of["created_by"],
        "arkivertDato": kept.claimed(of, "arkivertDato", "archived_at"),
        "arkivertAv": kept.claimed(of, "arkivertAv", "archived_at", "archived_by"),
        "skjerming": units.screening(of, coded),
        "gradering": units.grade(of, coded),
        "registreringsID": of.get("number"),
        "tittel": units.text(of, "title"),
        "offentligTittel": of.get("public_title"),
        "beskrivelse": of.get("description") or None,
        "forfatter": of.get("authors", []),
        "dokumentmedium": coded("dokumentmedium", of.get("medium")),
        kept.OWN: kept.extension(of, kept.OWN),
        "klassifikasjon": units.classes(of),
        "referanseEksternNoekkel": units.external_key(of),
        "part": _asked("part", include, units.parts(of, coded)),
        "noekkelord": _asked("noekkelord", include, of.get("keywords", [])),
        "merknad": _asked("merknad", include, units.comments(of, coded)),
        "kryssreferanse": _asked("kryssreferanse", include, units.references(of)),
    }
    if of.get("case"):
        tree["referanseForelderMappe"] = case_reference(source.get(of["case"], CASE))
    else:
        tree["arkivdel"] = series_code(source, of, coded)
    if {"korrespondansepart", "avskrivning"} & set(include):
        tree["korrespondansepart"] = _parties(of, coded, "avskrivning" in include)
    if {"dokumentbeskrivelse", "dokumentobjekt"} & set(include):
        objects = "dokumentobjekt" in include
        tree["dokumentbeskrivelse"] = [
            document_tree(source.get(link["id"], DOCUMENT), link, objects) for link in of.get("documents", [])
        ]
    return tree


def _asked(name: str, include: Collection[str], value: Any) -> Any:
    return value if name in include else None


def _dates(of: View) -> Tree:
    return {
        "dokumentetsDato": of.get("document_date"),
        "mottattDato": of.get("received_at"),
        "sendtDato": of.get("sent_at"),
        "forfallsdato": of.get("due_date"),
        "offentlighetsvurdertDato": of.get("assessed_date"),
        "antallVedlegg": of.get("attachments"),
    }


def journal_numbers(of: View) -> Tree:
    """The numbers that a journalpost must have: 0 where none is given yet (status R), its registration date as journal date."""
    registered = local_date(datetime.fromisoformat(of["registered_at"]))
    return {
        "journalaar": of.get("journal_year") or int(registered[:4]),
        "journalsekvensnummer": of.get("journal_sequence") or 0,
        "journalpostnummer": of.get("entry_number") or 0,
        "journaldato": of.get("journal_date") or registered,
    }


def _parties(of: View, coded: Codes, with_sign_offs: bool) -> list[Tree]:
    return [
        {
            "korrespondansepartID": one.get("given_id") or one["id"],
            "korrespondanseparttype": coded("korrespondanseparttype", one["party_type"]),
            "erBehandlingsansvarlig": one.get("responsible"),
            "korrespondansepartNavn": units.text(one, "name"),
            "organisasjonid": one.get("organisation_id"),
            "personid": one.get("person_id") if not one.get("organisation_id") else None,
            "administrativEnhet": units.person(one.get("administrative_unit")),
            "saksbehandler": units.person(one.get("case_handler")),
            "forsendelsesmaate": coded("forsendelsesmaate", one.get("dispatch_method")),
            "deresReferanse": one.get("their_reference"),
            "avskrivning": _sign_offs(of, one, coded) if with_sign_offs else None,
            **units.address(one, coded),
        }
        for one in of.get("parties", [])
    ]


def _sign_offs(of: View, party: Tree, coded: Codes) -> list[Tree]:
    """The party's own sign-offs, and those of the whole entry, which hold for all but the recipients of copies."""
    found = []
    for one in of.get("sign_offs", []):
        for_all = one.get("party") is None and party["party_type"] not in COPY_RECIPIENTS
        if one.get("party") == party["id"] or for_all:
            answers = one.get("answers", [])
            found.append(
                {
                    "avskrivningsdato": one["signed_off_on"],
                    "avskrevetAv": units.person(one["by"]) or {},
                    "avskrivningsmaate": coded("avskrivningsmaate", one["method"]),
                    "referanseAvskrivesAvJournalpost": {"systemID": one["answered_by"]} if one.get("answered_by") else None,
                    "referanseAvskriverJournalpost": {"systemID": answers[0]} if answers else None,
                }
            )
    return found
