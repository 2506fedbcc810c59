"""What Dagbok keeps of a message without reading it: elements as XML in `Extended` facts, given back in the answers.

An `Extended` fact holds every element of one name that the unit has, one after the other. Elements inside a part of the unit
stand under `<part's id>.<element>`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lxml import etree

from api.fiks_arkiv.encode import fragment
from api.fiks_arkiv.node import Leaf, Node
from api.fiks_arkiv.reading import walk
from api.fiks_arkiv.xml import parse
from domain.model import codes
from projections.view import View

OWN = "virksomhetsspesifikkeMetadata"
OF_CASE = ("presedens", "matrikkelnummer", "byggident", "planident", "punkt", "adresse", "avsluttetDato", "avsluttetAv", OWN)
OF_ENTRY = ("presedens", "dokumentflyt", OWN)
ARCHIVED = ("arkivertDato", "arkivertAv")
OF_MESSAGE = ("system", "regel")
MESSAGE = "arkivmelding"
CODES = "koder"

Extension = tuple[str, str]
Tree = dict[str, Any]

LISTS: Mapping[str, codes.CodeList] = {
    "saksstatus": codes.CASE_STATUS,
    "journalstatus": codes.ENTRY_STATUS,
    "journalposttype": codes.ENTRY_TYPE,
    "dokumentstatus": codes.DOCUMENT_STATUS,
    "avskrivningsmaate": codes.SIGN_OFF_METHOD,
    "korrespondanseparttype": codes.PARTY_TYPE,
    "tilknyttetRegistreringSom": codes.ASSOCIATION,
    "variantformat": codes.VARIANT,
    "dokumentmedium": codes.MEDIUM,
    "tilgangsrestriksjon": codes.ACCESS_RESTRICTION,
}
"""The closed code lists, by the element that holds such a code."""


def tree(node: Node) -> Tree:
    """A decoded element as `encode` takes it: values as they came, every element in a list."""
    found: Tree = {"@type": node.type}
    for name, child in node.children:
        found.setdefault(name, []).append(tree(child) if isinstance(child, Node) else _leaf(child))
    return found


def _leaf(leaf: Leaf) -> object:
    return leaf.lexical if leaf.label is None else {"@value": leaf.lexical, "@label": leaf.label}


def xml(node: Node, name: str) -> str:
    """All children of that name as XML; empty where there are none."""
    found = []
    for child in node.all(name):
        whole = isinstance(child, Leaf) and name in (OWN, "ny")  # content of any type is its XML already
        value = tree(child) if isinstance(child, Node) else _leaf(child)
        found.append(str(value) if whole else fragment(node.namespace, node.type, name, value))
    return "".join(found)


def extensions(node: Node, names: Iterable[str], prefix: str = "") -> tuple[Extension, ...]:
    """(element, XML) for each of the names that the element has."""
    return tuple((prefix + name, xml(node, name)) for name in names if name in node)


def code_descriptions(node: Node, without: frozenset[str] = frozenset(), known: str = "") -> str:
    """The descriptions that the sender gave its codes, as coded elements; those of Noark's own lists only where they differ.

    known: what `CODES` holds already.
    """
    told = described(known)
    found = [known]
    for parent, name, child in walk(node, without):
        if not isinstance(child, Node):
            continue
        key, description = child.one("kode"), child.one("beskrivelse")
        if not isinstance(key, str) or not isinstance(description, str):
            continue
        if codes.name(LISTS.get(name, {}), key) != description and told.get((name, key)) != description:
            told[name, key] = description
            found.append(fragment(parent.namespace, parent.type, name, tree(child)))
    return "".join(found)


def described(text: str) -> dict[tuple[str, str], str]:
    """(element, code) -> description, from what `code_descriptions` made; the last one holds."""
    return {(name, str(one["kode"][0])): str(one["beskrivelse"][0]) for name, one in named_trees(text)}


def trees(text: str | None) -> list[Any]:
    """The kept elements of one name as `encode` takes them."""
    return [one for _, one in named_trees(text)]


def named_trees(text: str | None) -> Sequence[tuple[str, Any]]:
    """(name, tree) of each kept element."""
    elements = list(parse(f"<kept>{text}</kept>".encode())) if text else []
    return [(_local(element), _value(element)) for element in elements]


def extension(view: View, name: str) -> str | None:
    """The XML that a unit keeps under a name; None where it has none or it was destroyed."""
    found = view.get("extensions", {}).get(name)
    return found or None


def claimed(view: View, element: str, when: str, field: str = "") -> str | None:
    """When a unit was closed or archived, or by whom, as its sender claims it, unless that was done here later.

    when: the view's field with the moment; field: the one that is asked for, where it is another.
    """
    told = trees(extension(view, element))
    here = view.get(when)
    later = here is not None and here != view["registered_at"]
    return str(told[0]) if told and not later else view.get(field or when)


def _local(element: etree._Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _value(element: etree._Element) -> Any:
    inner = [child for child in element if isinstance(child.tag, str)]
    if not inner:
        return element.text or ""
    found: Tree = {}
    for child in inner:
        found.setdefault(_local(child), []).append(_value(child))
    return found
