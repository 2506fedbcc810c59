"""An answer from plain Python values into a document of the published grammar."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lxml import etree

from api.fiks_arkiv.grammar import ANY, MESSAGES, TABLES, TYPES, XSI, Type, content, derives, visible
from api.fiks_arkiv.grammar_content import Content, Declared, Name
from api.fiks_arkiv.grammar_values import write
from api.fiks_arkiv.xml import InvalidMessage, parse


def encode(type_id: str, tree: Mapping[str, Any]) -> bytes:
    """The document of message type `type_id` (full id) as UTF-8 with XML declaration.

    `tree` maps element names to values: a mapping for an element with elements inside, a list where an element may stand several
    times, else str, int, bool, Decimal, date, datetime or UUID. `"@type"` names the xsi:type by its local name; a mapping with
    `"@value"` and `"@label"` writes a `systemID` with its label; content of any type is its XML as `decode` gives it. None and
    empty lists are left out; the order of keys is free. `ValueError` names the path of what is missing, unknown or of the wrong
    kind.
    """
    document = MESSAGES.get(type_id)
    if document is None:
        raise ValueError(f"{type_id}: no message type with a document of its own")
    namespace = document.name[0]
    prefixes: dict[str | None, str] = {None: namespace, "xsi": XSI}
    for prefix, table in TABLES.items():
        if table.namespace in visible(namespace) and table.namespace != namespace:
            prefixes[prefix] = table.namespace
    root = etree.Element(etree.QName(*document.name), nsmap=prefixes)
    _Writer(namespace).fill(root, document.type, tree, document.name[1])
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True)


def fragment(namespace: str, kind: str, name: str, tree: object) -> str:
    """One element `name` of the content of the type `kind`, as XML with its namespaces declared.

    `tree` is as in `encode`. `ValueError` where the type has no such element or the tree does not fit it.
    """
    place = next((one for one in content((namespace, kind)).declared if one.name[1] == name), None)
    if place is None:
        raise ValueError(f"{kind} has no element {name}")
    prefixes = {None: place.name[0], "xsi": XSI} | {prefix: one.namespace for prefix, one in TABLES.items() if prefix == "md"}
    root = etree.Element(etree.QName(*place.name), nsmap=prefixes)
    _Writer(namespace).fill(root, place.type, tree, name)
    return etree.tostring(root, encoding="unicode")


class _Writer:
    def __init__(self, home: str) -> None:
        self._home = home

    def fill(self, element: etree._Element, declared: Name, value: object, path: str) -> None:
        if declared == ANY:
            _fill_opaque(element, value, path)
            return
        kind = self._type(element, declared, value, path)
        if kind.kind is not None:
            _fill_value(element, kind, value, path)
        elif isinstance(value, Mapping):
            self._fill_content(element, kind, value, path)
        else:
            raise ValueError(f"{path}: {kind.name[1]} is written from a mapping, not from {type(value).__name__}")

    def _type(self, element: etree._Element, declared: Name, value: object, path: str) -> Type:
        named = value.get("@type") if isinstance(value, Mapping) else None
        name = declared if named is None else (declared[0], str(named))
        if name not in TYPES or not derives(name, declared):
            raise ValueError(f"{path}: {named} is no type built on {declared[1]}")
        if TYPES[name].abstract:
            raise ValueError(f"{path}: {declared[1]} needs @type")
        if name != declared:
            prefix = next(own for own, uri in element.nsmap.items() if uri == name[0])
            element.set(etree.QName(XSI, "type"), f"{prefix}:{name[1]}" if prefix else name[1])
        return TYPES[name]

    def _fill_content(self, element: etree._Element, kind: Type, tree: Mapping[str, Any], path: str) -> None:
        model = content(kind.name)
        known = {place.name[1] for place in model.declared}
        unknown = [key for key in tree if key not in known and key != "@type"]
        if unknown:
            raise ValueError(f"{path}: {kind.name[1]} has no element {unknown[0]}")
        state = 0
        for place, value in _ordered(model, tree):
            following = model.steps[state].get(place.name)
            if following is None:
                raise ValueError(f"{path}: {place.name[1]} too often, beside its alternative, or after something missing")
            state = following
            self.fill(etree.SubElement(element, etree.QName(*place.name)), place.type, value, f"{path}/{place.name[1]}")
        if state not in model.accepting:
            missing = [model.declared[n - 1].name[1] for n in model.steps[state].values()]
            raise ValueError(f"{path}: {kind.name[1]} lacks one of {', '.join(missing)}")


def _ordered(model: Content, tree: Mapping[str, Any]) -> Iterator[tuple[Declared, object]]:
    """The values in the schema's order; where the whole content repeats, the first of each list, then the second, and so on."""
    found: list[tuple[int, int, Declared, object]] = []
    seen: set[Name] = set()
    for index, place in enumerate(model.declared):
        given = tree.get(place.name[1])
        if given is None or place.name in seen:
            continue
        seen.add(place.name)
        several = isinstance(given, Sequence) and not isinstance(given, str | bytes)
        for turn, value in enumerate(given if several else [given]):
            found.append((turn, index, place, value) if model.repeats else (index, turn, place, value))
    found.sort(key=lambda item: item[:2])
    for _, _, place, value in found:
        yield place, value


def _fill_value(element: etree._Element, kind: Type, value: object, path: str) -> None:
    if isinstance(value, Mapping):
        unknown = set(value) - {"@type", "@value"} - {f"@{name}" for name in kind.attributes}
        if unknown or "@value" not in value:
            raise ValueError(f"{path}: a value is written from @value and {', '.join(sorted(kind.attributes)) or 'nothing else'}")
        for name in kind.attributes & {str(key).removeprefix("@") for key in value}:
            element.set(name, write("string", value[f"@{name}"]))
        value = value["@value"]
    try:
        element.text = write(kind.kind or "string", value, kind.words)
    except ValueError as exc:
        raise ValueError(f"{path} {exc}") from exc


def _fill_opaque(element: etree._Element, value: object, path: str) -> None:
    """Moves what stands in the given XML into `element`, with its prefixes: values inside may use them (xsi:type)."""
    if not isinstance(value, str):
        raise ValueError(f"{path}: content of any type is written from its XML")
    try:
        given = parse(value.encode("utf-8"))
    except InvalidMessage as exc:
        raise ValueError(f"{path}: {exc.reason}") from exc
    parent = element.getparent()
    if parent is None:
        raise ValueError(f"{path}: a document is not content of any type")
    filled = etree.SubElement(parent, element.tag, nsmap=given.nsmap)
    parent.remove(element)
    filled.attrib.update({str(k): str(v) for k, v in given.attrib.items()})
    filled.text = given.text
    filled.extend(list(given))
