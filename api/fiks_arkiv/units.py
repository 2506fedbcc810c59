"""The units that answers tell of, each read once for one answer, and the pieces that all of them share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from api.fiks_arkiv import kept
from api.fiks_arkiv.reading import organisation_of, person_of
from domain.ledger.ledger import Ledger
from domain.model import codes
from domain.model.errors import NotFound
from projections import view
from projections.view import CASE, DOCUMENT, ENTRY, View

Tree = dict[str, Any]
ERASED = "(slettet etter vedtak)"
"""Stands where an answer must have a text that law ordered destroyed."""
NOT_GIVEN = "(ikke oppgitt)"
"""Stands where the schema of an answer asks for a text that was never given."""
_NOUN = {CASE: "case file", ENTRY: "registry entry", DOCUMENT: "document"}


class Units:
    """Views of units, folded from the log, or as the caller has them already."""

    def __init__(self, ledger: Ledger, known: Iterable[View] = ()) -> None:
        self.ledger = ledger
        self._known = {str(one["id"]): one for one in known}

    def know(self, views: Iterable[View]) -> None:
        """Take views that were read elsewhere."""
        self._known.update({str(one["id"]): one for one in views})

    def get(self, unit: UUID | str, kind: str) -> View:
        """The view of a unit of that kind; NotFound where there is none."""
        key = str(unit)
        if key not in self._known:
            found = view.fold(self.ledger.reader.stream(UUID(key)))
            if found is None:
                raise NotFound(_NOUN.get(kind, kind), key)
            self._known[key] = found
        if self._known[key]["kind"] != kind:
            raise NotFound(_NOUN.get(kind, kind), key)
        return self._known[key]


class Codes:
    """The codes of one unit with their descriptions: the sender's own, else Noark's bokmål name."""

    def __init__(self, of: View) -> None:
        self._told = kept.described(kept.extension(of, kept.CODES) or "")

    def __call__(self, element: str, code: str | None) -> Tree | None:
        """A coded element, None without a code."""
        if code is None:
            return None
        description = self._told.get((element, code)) or (
            codes.name(kept.LISTS[element], code) if code in kept.LISTS.get(element, {}) else None
        )
        return {"kode": code, "beskrivelse": description}


def text(one: Mapping[str, Any], name: str) -> str:
    """A text that the schema requires: itself, or what says why it is not there."""
    return str(one.get(name) or "") or (ERASED if one.get("erased") or one.get("title_erased") else NOT_GIVEN)


def person(one: Mapping[str, Any] | None) -> Tree | None:
    """A person or unit (identifikatorer); None where nobody is named."""
    if one is None:
        return None
    given = {"navn": "name", "identifikator": "identifier", "initialer": "initials", "epostadresse": "email"}
    return {element: one.get(name) or None for element, name in given.items()}


def screening(of: View, coded: Codes) -> Tree | None:
    """The unit's screening."""
    given = of.get("screening")
    if given is None:
        return None
    return {
        "tilgangsrestriksjon": coded("tilgangsrestriksjon", given["access_restriction"]),
        "skjermingshjemmel": text(given, "authority"),
        "skjermingOpphoererDato": given.get("expires_on"),
        "skjermingOpphoererAksjon": coded("skjermingOpphoererAksjon", given.get("expiry_action")),
    }


def grade(of: View, coded: Codes) -> Tree | None:
    """The unit's security grade."""
    given = of.get("grade")
    if given is None:
        return None
    return {
        "grad": coded("grad", given["grade"]),
        "graderingsdato": given["graded_at"],
        "gradertAv": text(given, "graded_by"),
        "nedgraderingsdato": given.get("downgraded_at"),
        "nedgradertAv": given.get("downgraded_by"),
    }


def classes(of: View) -> list[Tree]:
    """The unit's classes, the primary one first."""
    return [
        {
            "klassifikasjonID": one["id"],
            "klassifikasjonssystemID": one["system"],
            "klasseID": text(one, "class_id"),
            "tittel": one.get("title"),
            "erSkjermet": one.get("screened"),
        }
        for one in of.get("classes", [])
    ]


def comments(of: View, coded: Codes) -> list[Tree]:
    """The unit's comments."""
    return [
        {
            "merknadID": one["id"],
            "merknadstekst": text(one, "text"),
            "merknadstype": coded("merknadstype", one.get("comment_type")),
            "merknadsdato": one.get("commented_at"),
            "merknadRegistrertAv": one.get("commented_by"),
            "erSkjermet": one.get("screened"),
        }
        for one in of.get("comments", [])
    ]


def references(of: View) -> list[Tree]:
    """The unit's cross-references to units that messages can name."""
    elements = {
        "case-file": "referanseTilMappe",
        "registry-entry": "referanseTilRegistrering",
        "document": "referanseTilDokumentbeskrivelse",
    }
    return [
        {"kryssreferanseID": one["id"], elements[one["to_kind"]]: {"systemID": one["to"]}}
        for one in of.get("references", [])
        if one["to_kind"] in elements
    ]


def address(one: Mapping[str, Any], coded: Codes) -> Tree:
    """Address and contact of a party."""
    return {
        "postadresse": one.get("address", []),
        "postnummer": one.get("postcode"),
        "poststed": one.get("city"),
        "landkode": coded("landkode", one.get("country")),
        "epostadresse": one.get("email"),
        "telefonnummer": one.get("phones", []),
        "kontaktperson": one.get("contact_person"),
        "erSkjermet": one.get("screened"),
        "erPersonnavn": one.get("is_person"),
    }


def parts(of: View, coded: Codes) -> list[Tree]:
    """The parties to the case."""
    found = []
    for one in of.get("parts", []):
        organisation, who = one.get("organisation_id"), one.get("person_id")
        found.append(
            {
                "partID": one.get("given_id") or one["id"],
                "partNavn": text(one, "name"),
                "partRolle": coded("partRolle", one.get("role") or ""),
                "organisasjonID": organisation_of(organisation) if organisation else None,
                "personID": person_of(who) if who and not organisation else None,
                kept.OWN: kept.extension(of, f"{one['id']}.{kept.OWN}"),
                **address(one, coded),
            }
        )
    return found


def external_key(of: View) -> Tree | None:
    """The unit's external key; None where it has none or it was destroyed."""
    given = of.get("external_key")
    return {"fagsystem": given["system"], "noekkel": given["key"]} if given and "key" in given else None
