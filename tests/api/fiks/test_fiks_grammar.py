"""Our grammar tables against the published schemas, type by type and element by element."""

import re
from pathlib import Path

import pytest
from lxml import etree

from api.fiks_arkiv.grammar import DOCUMENTS, TABLES, TYPES, XS
from api.fiks_arkiv.grammar_content import Declared, Name, compile_content
from api.fiks_arkiv.grammar_table import FAMILY
from tests.api.fiks.schemas import folder

_X = f"{{{XS}}}"
_OFTEN = {("1", "1"): "", ("0", "1"): "?", ("0", "unbounded"): "*", ("1", "unbounded"): "+"}
LEFT_OUT = {FAMILY + path for path in ("kodelister/v1", "kodeliste/hent/v1", "kodeliste/hent/resultat/v1")}
"""Fetching code lists: the protocol's list of message types does not name it."""


def _schemas(reference: Path) -> list[etree._Element]:
    roots = [etree.parse(path).getroot() for path in sorted((folder(reference) / "schema-v1").glob("*.xsd"))]
    return [root for root in roots if root.get("targetNamespace") not in LEFT_OUT]


def _resolve(element: etree._Element, reference: str) -> Name:
    prefix, colon, local = reference.rpartition(":")
    return element.nsmap[prefix if colon else None] or "", local


def _published(item: etree._Element) -> str:
    """A content model as text, in which only the meaning counts."""
    often = _OFTEN[item.get("minOccurs", "1"), item.get("maxOccurs", "1")]
    if item.tag == _X + "element":
        space, local = _resolve(item, item.get("type", ""))
        return f"{item.get('name')}={{{space}}}{local}~{item.get('default')}{often}"
    parts = [_published(child) for child in item if child.tag in (_X + "element", _X + "sequence", _X + "choice")]
    text = " ".join(parts) if item.tag == _X + "sequence" else "(" + " | ".join(parts) + ")"
    return f"({text}){often}" if item.tag == _X + "sequence" and often else text + often


def _ours(expression: str, prefix: str) -> str:
    """The same text from a table's expression."""

    def spell(token: re.Match[str]) -> str:
        name, _, reference = token["body"].partition("~")[0].partition("=")
        outer, _, local = (reference or f"md.{name}").rpartition(".")
        space = XS if outer == "xs" else TABLES[outer or prefix].namespace
        default = token["body"].partition("~")[2] or None
        return f"{name}={{{space}}}{local}~{default}{token['often']}"

    return re.sub(r"(?P<body>[\w.=~-]+)(?P<often>[?*+]?)", spell, expression)


@pytest.mark.reference
def test_every_type_is_written_down_as_published(reference: Path) -> None:
    seen: set[Name] = set()
    for root in _schemas(reference):
        space = root.get("targetNamespace") or ""
        for published in root.iterfind(_X + "complexType"):
            name = (space, published.get("name") or "")
            seen.add(name)
            ours = TYPES[name]
            assert ours.abstract == (published.get("abstract") == "true"), name
            extension = published.find(f".//{_X}extension")
            if extension is not None:
                assert ours.base == _resolve(extension, extension.get("base", "")), name
            holder = published if extension is None else extension
            assert {a.get("name") for a in holder.iterfind(_X + "attribute")} == ours.attributes, name
            inner = [child for child in holder if child.tag in (_X + "sequence", _X + "choice")]
            assert _ours(ours.expression, ours.prefix) == "".join(_published(child) for child in inner), name
    assert len(seen) == 259
    assert seen == {name for name, kind in TYPES.items() if name[0] != XS and (kind.kind is None or kind.attributes)}


@pytest.mark.reference
def test_every_kind_of_value_is_written_down_as_published(reference: Path) -> None:
    kinds = {"text": {"minLength": "1"}, "count": {"minInclusive": "0"}, "country": {"pattern": "[A-Z]{2}"}}
    seen: set[Name] = set()
    for root in _schemas(reference):
        for published in root.iterfind(_X + "simpleType"):
            name = (root.get("targetNamespace") or "", published.get("name") or "")
            seen.add(name)
            ours, restriction = TYPES[name], published.find(_X + "restriction")
            assert restriction is not None
            base = _resolve(restriction, restriction.get("base", ""))
            facets = {etree.QName(facet).localname: facet.get("value") for facet in restriction}
            words = tuple(facet.get("value") for facet in restriction if facet.tag == _X + "enumeration")
            assert (ours.base, ours.words) == (base, words), name
            if not words and ours.kind != "uuid":
                assert facets == kinds.get(ours.kind or "", {}), name
                assert ours.kind in kinds or base == (XS, ours.kind), name
    assert seen == {name for name, kind in TYPES.items() if name[0] != XS and kind.kind is not None and not kind.attributes}


@pytest.mark.reference
def test_every_document_and_import_is_written_down_as_published(reference: Path) -> None:
    found, imports = {}, {}
    for root in _schemas(reference):
        space = root.get("targetNamespace") or ""
        imports[space] = {i.get("namespace") for i in root.iterfind(_X + "import")}
        for element in root.iterfind(_X + "element"):
            found[space, element.get("name")] = _resolve(element, element.get("type", ""))
    assert found == {document.name: document.type for document in DOCUMENTS.values()}
    assert imports == {table.namespace: {TABLES[p].namespace for p in table.imports} for table in TABLES.values()}


@pytest.mark.reference
def test_message_types_stand_with_their_schemas(reference: Path) -> None:
    for document in DOCUMENTS.values():
        if document.message is not None:
            root = etree.parse(folder(reference) / "schema-v1" / f"{document.message}.xsd").getroot()
            assert root.get("targetNamespace") == document.name[0]


def test_a_content_model_with_two_readings_is_refused() -> None:
    def declare(token: str, required: bool) -> Declared:
        return Declared(("", token), ("", token), None, required)

    compile_content([("a? b a", declare)])
    with pytest.raises(ValueError, match="two places"):
        compile_content([("a? a", declare)])
    with pytest.raises(ValueError, match="does not close"):
        compile_content([("a) b", declare)])
