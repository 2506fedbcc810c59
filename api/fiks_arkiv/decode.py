"""A message's bytes into a typed tree, held to the published grammar.

What the V1 schemas refuse is refused here, with a sentence that names line, element and rule. Stricter than they are: the limits
of `xml`, the number of prefixes under which an xsi:type stands, and years outside 1..9999.
"""

from dataclasses import dataclass
from typing import NoReturn

from lxml import etree

from api.fiks_arkiv.grammar import ANY, DOCUMENTS, TYPES, XSI, Type, content, derives, short, visible
from api.fiks_arkiv.grammar_content import Content, Declared, Name
from api.fiks_arkiv.grammar_values import read
from api.fiks_arkiv.node import Leaf, Node
from api.fiks_arkiv.xml import MAX_BYTES, InvalidMessage, parse

_SPACE = " \t\r\n"
_TYPE = f"{{{XSI}}}type"
_NIL = f"{{{XSI}}}nil"
_HINTS = frozenset({f"{{{XSI}}}schemaLocation", f"{{{XSI}}}noNamespaceSchemaLocation", _TYPE, _NIL})
_MOST_PREFIXES = 64


@dataclass(frozen=True, slots=True)
class Message:
    """A decoded message: its full type id, told by the root element and never by a file name, and its content."""

    type: str
    root: Node


def decode(payload: bytes) -> Message:
    """The message in `payload`; `InvalidMessage` where the protocol does not allow it, and no other error."""
    element = parse(payload)
    name = _name(element)
    document = DOCUMENTS.get(name)
    if document is None or document.message is None:
        raise InvalidMessage(
            f"Line {_line(element)}: no message of the protocol has the root element {name[1]} in the namespace {short(name[0])}."
        )
    root = _Reader(visible(name[0])).element(element, document.type, None)
    if not isinstance(root, Node):
        _refuse(element, "must have elements inside")
    return Message(document.message, root)


class _Reader:
    """`visible` bounds what an xsi:type may name: the namespaces that the root's schema knows."""

    def __init__(self, visible: frozenset[str]) -> None:
        self._visible = visible
        self._inside = 0
        self._kept = 0

    def element(self, element: etree._Element, declared: Name, default: str | None) -> Node | Leaf:
        """One element that the grammar declares."""
        if _NIL in element.attrib:
            _refuse(element, "must not be marked with xsi:nil")
        if declared != ANY:
            return self._held(element, self._type(element, declared), default)
        self._inside += 1
        self._any(element)
        self._inside -= 1
        return self._raw(element)

    def _type(self, element: etree._Element, declared: Name) -> Type:
        """The declared type, or the one that xsi:type puts in its place (XML Schema part 1, 3.3.4)."""
        named = element.get(_TYPE)
        name = declared if named is None else self._named(element, str(named).strip(_SPACE))
        if not derives(name, declared):
            _refuse(element, f"must be of type {declared[1]}; xsi:type {name[1]} is not built on it")
        kind = TYPES[name]
        if kind.abstract:
            _refuse(element, f"must say with xsi:type which {kind.name[1]} it is")
        return kind

    def _named(self, element: etree._Element, text: str) -> Name:
        prefix, colon, local = text.rpartition(":")
        prefixes = element.nsmap
        if len(prefixes) > _MOST_PREFIXES:
            # Each look-up costs as much as there are prefixes: bounded, or a few megabytes of them take hours.
            _refuse(element, f"stands under more than {_MOST_PREFIXES} namespace prefixes")
        namespace = prefixes.get(prefix if colon else None)
        name = (namespace or "", local)
        if (colon and namespace is None) or name not in TYPES or name[0] not in self._visible:
            _refuse(element, f"has the xsi:type {text[:60]!r}, which names no type of this message")
        return name

    def _held(self, element: etree._Element, kind: Type, default: str | None) -> Node | Leaf:
        for attribute in element.attrib:
            if attribute not in kind.attributes and attribute not in _HINTS:
                _refuse(element, f"must not have the attribute {_local(str(attribute))}")
        return self._node(element, kind) if kind.kind is None else _leaf(element, kind, default)

    def _node(self, element: etree._Element, kind: Type) -> Node:
        model = content(kind.name)
        children: list[tuple[str, Node | Leaf]] = []
        state = 0
        _refuse_text(element)
        for child in element:
            if not isinstance(child.tag, str):
                continue
            name = _name(child)
            following = model.steps[state].get(name)
            if following is None:
                _refuse_child(child, kind, model, state)
            state = following
            place = model.declared[state - 1]
            children.append((name[1], self.element(child, place.type, place.default)))
        if state not in model.accepting:
            _refuse(element, f"(type {kind.name[1]}) ends too early: {_wanted(model, state)}")
        return Node(kind.name[1], kind.name[0], tuple(children), _line(element))

    def _any(self, element: etree._Element) -> None:
        """Content of any type: what inside it the protocol knows must still fit (lax, part 1, 3.10.1)."""
        kind = self._type(element, ANY)
        if kind.name != ANY:
            self._held(element, kind, None)
            return
        for child in element:
            if isinstance(child.tag, str):
                document = DOCUMENTS.get(_name(child))
                if document is not None and document.name[0] in self._visible:
                    self.element(child, document.type, None)
                else:
                    self._any(child)

    def _raw(self, element: etree._Element) -> Leaf:
        """The element as XML. All namespaces in scope are written out, so many small ones could fill the memory: bounded."""
        if self._inside:
            return Leaf("", "")
        text = etree.tostring(element, encoding="unicode", with_tail=False)
        self._kept += len(text)
        if self._kept > 2 * MAX_BYTES:
            _refuse(element, "brings the content of any type over what one message may hold")
        return Leaf(text, text)


def _leaf(element: etree._Element, kind: Type, default: str | None) -> Leaf:
    _refuse_elements(element)
    # Comments split the text but are no part of the value.
    text = (element.text or "") + "".join(child.tail or "" for child in element)
    if not text and default is not None:
        text = default
    try:
        value = read(kind.kind or "string", text, kind.words)
    except ValueError as exc:
        _refuse(element, str(exc))
    label = element.get("label")
    return Leaf(value, text, None if label is None else str(label))


def _name(element: etree._Element) -> Name:
    # cut by hand: a namespace may hold any character, and lxml's own QName raises ValueError on some
    namespace, _, local = str(element.tag).rpartition("}")
    return namespace[1:], local


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _line(element: etree._Element) -> int:
    return element.sourceline or 0


def _refuse(element: etree._Element, rule: str) -> NoReturn:
    raise InvalidMessage(f"Line {_line(element)}: {_local(str(element.tag))} {rule}.")


def _refuse_elements(element: etree._Element) -> None:
    inner = next((child for child in element if isinstance(child.tag, str)), None)
    if inner is not None:
        _refuse(inner, f"cannot stand inside {_local(str(element.tag))}, which holds a value only")


def _refuse_text(element: etree._Element) -> None:
    for text in (element.text, *(child.tail for child in element)):
        if text and text.strip(_SPACE):
            _refuse(element, f"must not have text between its elements; it has {text.strip(_SPACE)[:40]!r}")


def _refuse_child(child: etree._Element, kind: Type, model: Content, state: int) -> NoReturn:
    name = _name(child)
    same = {place.name for place in model.declared if place.name[1] == name[1]}
    if not same:
        _refuse(child, f"is not an element of {kind.name[1]}; {_wanted(model, state)}")
    if name not in same:
        right = " or ".join(sorted(short(namespace) for namespace, _ in same))
        _refuse(child, f"stands in the namespace {short(name[0])}, but in {kind.name[1]} it belongs to {right}")
    _refuse(child, f"stands out of order or too often in {kind.name[1]}; {_wanted(model, state)}")


def _wanted(model: Content, state: int) -> str:
    """What may come at this state, or, where something must come, only that."""
    places: list[Declared] = [model.declared[following - 1] for following in model.steps[state].values()]
    required = [place.name[1] for place in places if place.required]
    if required and state not in model.accepting:
        return f"required here: {required[0]}"
    names = [place.name[1] for place in places]
    if not names:
        return "nothing more may follow here"
    more = f" and {len(names) - 8} more" if len(names) > 8 else ""
    return f"here may stand: {', '.join(names[:8])}{more}"
