"""A document description with its objects as the full answers carry it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from api.fiks_arkiv import units
from api.fiks_arkiv.units import Codes, Tree
from projections.view import View


def document_tree(of: View, link: Mapping[str, Any], with_objects: bool = True) -> Tree:
    """A dokumentbeskrivelse. link: how it belongs to its entry (number, association, linked_at, linked_by)."""
    coded = Codes(of)
    return {
        "systemID": of["id"],
        "dokumenttype": coded("dokumenttype", of["document_type"]),
        "dokumentstatus": coded("dokumentstatus", of["status"]),
        "tittel": units.text(of, "title"),
        "beskrivelse": of.get("description") or None,
        "forfatter": of.get("authors", []),
        "opprettetDato": of["created_at"],
        "opprettetAv": of["created_by"],
        "dokumentmedium": coded("dokumentmedium", of.get("medium")),
        "tilknyttetRegistreringSom": coded("tilknyttetRegistreringSom", link["association"]),
        "dokumentnummer": link["number"],
        "tilknyttetDato": link.get("linked_at") or of["created_at"],
        "tilknyttetAv": link.get("linked_by") or of["created_by"],
        "part": units.parts(of, coded),
        "merknad": units.comments(of, coded),
        "skjerming": units.screening(of, coded),
        "gradering": units.grade(of, coded),
        "dokumentobjekt": [_object(one, coded) for one in of.get("objects", [])] if with_objects else None,
    }


def _object(one: Mapping[str, Any], coded: Codes) -> Tree:
    """An object. Its file is fetched by systemID, so `referanseDokumentfil` says that; the name it came under is `filnavn`."""
    return {
        "systemID": one["id"],
        "versjonsnummer": one["version"],
        "variantformat": coded("variantformat", one["variant"]),
        "filnavn": units.text(one, "file_name"),
        "format": coded("format", one.get("declared_format") or one["file_format"]),
        "mimeType": one.get("mime_type"),
        "formatDetaljer": one.get("format_details"),
        "opprettetDato": one["created_at"],
        "opprettetAv": one["created_by"],
        "referanseDokumentfil": one["id"],
        "sjekksum": one["checksum"],
        "sjekksumAlgoritme": one["algorithm"],
        "filstoerrelse": one["size"],
        "konvertering": [
            {
                "konvertertDato": each["converted_at"],
                "konvertertAv": each["converted_by"],
                "konvertertFraFormat": each["from_format"],
                "konvertertTilFormat": each["to_format"],
                "konverteringsverktoey": each.get("tool"),
            }
            for each in one.get("conversions", [])
        ],
    }
