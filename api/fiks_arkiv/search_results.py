"""The units of a search's page in the three widths of its answer. The two narrow ones are cut from the widest by the grammar."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from api.fiks_arkiv.case_tree import case_numbers, case_tree
from api.fiks_arkiv.document_tree import document_tree
from api.fiks_arkiv.entry_tree import entry_tree
from api.fiks_arkiv.grammar import TYPES, content
from api.fiks_arkiv.grammar_content import Name
from api.fiks_arkiv.grammar_results import KEYS, MINIMUM
from api.fiks_arkiv.units import Codes, Tree, Units
from domain.model.classification import SYSTEM
from projections.view import CASE, DOCUMENT, ENTRY


@dataclass(frozen=True, slots=True)
class Hits:
    """What a page holds. named: the element that the answer calls each; include: what `inkluder` asked for."""

    units: Units
    ids: Sequence[UUID]
    named: str
    include: Collection[str]


def results(hits: Hits, shape: str) -> list[Tree]:
    """Each unit under its element. shape: utvidet, minimum or noekler."""
    whole = [tree for unit in hits.ids if (tree := _whole(hits, unit)) is not None]
    if shape == "minimum":
        whole = [_minimum(hits.units, tree, hits.named) for tree in whole]
    elif shape == "noekler":
        whole = [_keys(tree, hits.named) for tree in whole]
    return [{hits.named: tree} for tree in whole]


def _whole(hits: Hits, unit: UUID) -> Tree | None:
    include = set(hits.include)
    match hits.named:
        case "mappe" | "saksmappe":
            tree = case_tree(hits.units, unit, include | {"klasse"})
        case "dokumentbeskrivelse":
            return _document(hits, unit)
        case _:
            # No word of a search asks for the objects of an entry's documents: they go with the documents.
            more = {"dokumentobjekt"} if "dokumentbeskrivelse" in include else set()
            tree = entry_tree(hits.units, unit, include | more)
            if hits.named == "journalpostMedSaksmappe":
                case = hits.units.get(hits.units.get(unit, ENTRY)["case"], CASE)
                tree |= case_numbers(case, Codes(case))
    # An element of a narrow type names it already.
    narrow = tree.get("@type") == hits.named or hits.named == "journalpostMedSaksmappe"
    return {name: value for name, value in tree.items() if name != "@type"} if narrow else tree


def _document(hits: Hits, unit: UUID) -> Tree | None:
    of = hits.units.get(unit, DOCUMENT)
    if not of.get("entry"):
        return None
    links = hits.units.get(of["entry"], ENTRY).get("documents", [])
    link = next((one for one in links if one["id"] == of["id"]), None)
    return None if link is None else document_tree(of, link, "dokumentobjekt" in hits.include)


def _minimum(units: Units, tree: Tree, named: str) -> Tree:
    specialised = {"saksmappe": "saksmappeMinimum", "journalpost": "journalpostMinimum"}.get(tree.get("@type", ""))
    name = specialised or f"{named}Minimum"
    classes = [_class(units, one) for one in tree.get("klassifikasjon", [])]
    cut: Tree = _cut({**tree, "klassifikasjon": classes}, (MINIMUM.namespace, name))
    return cut | ({"@type": specialised} if specialised and specialised != f"{named}Minimum" else {})


def _class(units: Units, one: Mapping[str, Any]) -> Tree:
    """A class of the minimum answer names its system with a title: the registered one, else its code."""
    code = str(one["klassifikasjonssystemID"])
    registered = units.ledger.reader.claim(SYSTEM, code)
    title = units.get(registered, "classification-system")["title"] if registered is not None else None
    return {**one, "klassifikasjonssystem": {"klassifikasjonssystemID": code, "tittel": title or code}}


def _keys(tree: Tree, named: str) -> Tree:
    specialised = {"saksmappe": "saksmappeNoekler", "journalpost": "journalpostNoekler"}.get(tree.get("@type", ""))
    numbers = {"saksaar": tree.get("saksaar"), "sakssekvensnummer": tree.get("sakssekvensnummer")}
    name = specialised or f"{named}Noekler"
    cut: Tree = _cut({**tree, "saksnummer": numbers} if numbers["saksaar"] is not None else tree, (KEYS.namespace, name))
    return cut | ({"@type": specialised} if specialised and specialised != f"{named}Noekler" else {})


def _cut(tree: Any, name: Name) -> Any:
    """What the type `name` has of the tree."""
    if isinstance(tree, list):
        return [_cut(one, name) for one in tree]
    if not isinstance(tree, Mapping) or TYPES[name].kind is not None:
        return tree
    return {place.name[1]: _cut(tree[place.name[1]], place.type) for place in content(name).declared if place.name[1] in tree}
