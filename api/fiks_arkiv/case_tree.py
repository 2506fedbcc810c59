"""A case file as the full answers carry it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from api.fiks_arkiv import kept, units
from api.fiks_arkiv.units import Codes, Tree, Units
from projections.view import CASE, View

ALL = frozenset({"merknad", "noekkelord", "kryssreferanse", "klasse", "part", "presedens"})
"""What `inkluder` can ask for."""


def case_tree(source: Units, unit: UUID | str, include: Collection[str] = ALL) -> Tree:
    """A saksmappe. Raises NotFound."""
    of = source.get(unit, CASE)
    coded = Codes(of)
    tree: Tree = {
        "@type": "saksmappe",
        "systemID": of["id"],
        "mappeID": of["number"],
        "referanseForeldermappe": case_reference(source.get(of["parent"], CASE)) if of.get("parent") else None,
        "tittel": units.text(of, "title"),
        "offentligTittel": of.get("public_title"),
        "beskrivelse": of.get("description") or None,
        "dokumentmedium": coded("dokumentmedium", of.get("medium")),
        "opprettetDato": of["created_at"],
        "opprettetAv": of["created_by"],
        "avsluttetDato": kept.claimed(of, "avsluttetDato", "finalised_at"),
        "avsluttetAv": kept.claimed(of, "avsluttetAv", "finalised_at", "finalised_by"),
        "arkivdel": series_code(source, of, coded),
        kept.OWN: kept.extension(of, kept.OWN),
        "skjerming": units.screening(of, coded),
        "gradering": units.grade(of, coded),
        "referanseEksternNoekkel": units.external_key(of),
        "mappetype": coded("mappetype", of.get("file_type")),
        **case_numbers(of, coded),
        "journalenhet": of.get("records_unit"),
    }
    for name in ("matrikkelnummer", "byggident", "planident", "punkt", "adresse"):
        tree[name] = kept.trees(kept.extension(of, name))
    return tree | _included(of, coded, include)


def _included(of: View, coded: Codes, include: Collection[str]) -> Tree:
    found: dict[str, tuple[str, Any]] = {
        "noekkelord": ("noekkelord", of.get("keywords", [])),
        "kryssreferanse": ("kryssreferanse", units.references(of)),
        "merknad": ("merknad", units.comments(of, coded)),
        "klasse": ("klassifikasjon", units.classes(of)),
        "part": ("part", units.parts(of, coded)),
        "presedens": ("presedens", kept.trees(kept.extension(of, "presedens"))),
    }
    return dict(value for asked, value in found.items() if asked in include)


def case_numbers(of: View, coded: Codes) -> Tree:
    """What a saksmappe must say, and a journalpostMedSaksmappe of its case."""
    return {
        "saksaar": of["year"],
        "sakssekvensnummer": of["sequence"],
        "saksdato": of["case_date"],
        "administrativEnhet": units.person(of.get("administrative_unit")) or {},
        "saksansvarlig": units.person(of.get("case_responsible")) or {},
        "saksstatus": coded("saksstatus", of["status"]),
    }


def case_reference(of: View) -> Tree:
    """A case file as others refer to it."""
    return {
        "systemID": of["id"],
        "mappeID": of["number"],
        "saksnummer": {"saksaar": of["year"], "sakssekvensnummer": of["sequence"]},
        "referanseEksternNoekkel": units.external_key(of),
    }


def series_code(source: Units, of: View, coded: Codes) -> Tree | None:
    """The series (arkivdel) that a unit stands in itself."""
    series = of.get("series")
    return coded("arkivdel", str(source.get(series, "series")["code"])) if series else None
