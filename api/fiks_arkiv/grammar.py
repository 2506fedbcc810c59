"""The grammar of KS Fiks Arkiv V1 as one graph of types, built from the tables of the `grammar_*` modules.

Source: the published V1 schemas (`ks-no/fiks-arkiv-specification`), written down again in our own form. No schema is read here;
a test holds both together, type by type.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from api.fiks_arkiv.grammar_catalogue import CATALOGUE
from api.fiks_arkiv.grammar_content import Content, Declared, Name, compile_content
from api.fiks_arkiv.grammar_create import CREATE
from api.fiks_arkiv.grammar_receipts import FAULT, INVALID, NOT_FOUND, OBJECT_RECEIPT, RECEIPT, SERVER
from api.fiks_arkiv.grammar_record import RECORD
from api.fiks_arkiv.grammar_requests import CASE_GET, DOCUMENT_OBJECT, ENTRY_GET, FILE_GET, SIGN_OFF, SIGN_OFF_DELETE
from api.fiks_arkiv.grammar_results import CASE_RESULT, ENTRY_RESULT, FOUND, FOUND_KEYS, FOUND_MINIMUM, KEYS, MINIMUM
from api.fiks_arkiv.grammar_search import SEARCH
from api.fiks_arkiv.grammar_table import FAMILY, Table
from api.fiks_arkiv.grammar_update import UPDATE

XS = "http://www.w3.org/2001/XMLSchema"
"""Namespace of the built-in types."""
XSI = "http://www.w3.org/2001/XMLSchema-instance"
"""Namespace of xsi:type and its like."""
ANY: Name = (XS, "anyType")
"""The type of content that is kept as it came."""

TABLES: dict[str, Table] = {
    table.prefix: table
    for table in (
        *(CATALOGUE, CREATE, UPDATE, RECORD, MINIMUM, KEYS, FAULT, SEARCH),
        *(SIGN_OFF, SIGN_OFF_DELETE, DOCUMENT_OBJECT, FILE_GET, CASE_GET, ENTRY_GET),
        *(RECEIPT, OBJECT_RECEIPT, CASE_RESULT, ENTRY_RESULT, FOUND, FOUND_MINIMUM, FOUND_KEYS, NOT_FOUND, SERVER, INVALID),
    )
}
"""The tables by prefix."""


@dataclass(frozen=True, slots=True)
class Type:
    """A type of the grammar.

    `kind` is the kind of simple value (`grammar_values`), None where elements stand inside; `words` the enumeration; `attributes`
    the names allowed besides those of xsi; `expression` the content that this type adds to its base's.
    """

    name: Name
    base: Name | None
    kind: str | None = None
    words: tuple[str, ...] = ()
    abstract: bool = False
    attributes: frozenset[str] = frozenset()
    expression: str = ""
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """A document element: its name, its type and, where it is a message, the message type id."""

    name: Name
    type: Name
    message: str | None


def _namespace(prefix: str) -> str:
    return XS if prefix == "xs" else TABLES[prefix].namespace


def _name(reference: str, prefix: str) -> Name:
    """`md.kode` or, inside the table `prefix`, `mappe`."""
    outer, dot, local = reference.rpartition(".")
    return _namespace(outer if dot else prefix), local


_UNREAD = (
    "ENTITIES ENTITY ID IDREF IDREFS NCName NMTOKEN NMTOKENS NOTATION Name QName anyURI base64Binary decimal duration float gDay "
    "gMonth gMonthDay gYear gYearMonth hexBinary integer language long negativeInteger nonNegativeInteger nonPositiveInteger "
    "positiveInteger time unsignedByte unsignedInt unsignedLong unsignedShort"
)


def _built_in() -> list[Type]:
    """XML Schema's own types. Those that no message uses stand in content of any type only; their text is kept unread."""
    simple = (XS, "anySimpleType")
    kinds = {"string": "string", "boolean": "boolean", "double": "double", "date": "date", "dateTime": "dateTime", "int": "int"}
    derived = {"normalizedString": ("string", "string"), "token": ("normalizedString", "token")}
    derived |= {"short": ("int", "short"), "byte": ("short", "byte")}
    return [
        Type(ANY, None),
        Type(simple, ANY, kind="string"),
        *(Type((XS, name), simple, kind="token") for name in _UNREAD.split()),
        *(Type((XS, name), simple, kind=kind) for name, kind in kinds.items()),
        *(Type((XS, name), (XS, base), kind=kind) for name, (base, kind) in derived.items()),
    ]


def _types(table: Table) -> list[Type]:
    """One table's types; the base of a kind is the built-in type that the schemas restrict."""
    bases = {"text": "string", "country": "string", "uuid": "string", "count": "int"}
    found: list[Type] = []
    for kind, names in table.values.items():
        for name in names.split():
            base = (XS, bases.get(kind, kind))
            if kind == "uuid" and name != "ID":
                base = _name("md.ID", table.prefix)
            found.append(Type((table.namespace, name), base, kind=kind))
    for name, words in table.enums.items():
        found.append(Type((table.namespace, name), (XS, "string"), kind="string", words=tuple(words.split())))
    for heads, expression in table.types.items():
        names, _, base_name = heads.partition(" < ")
        for head in names.split():
            base_type = _name(base_name, table.prefix) if base_name else ANY
            own = (table.namespace, head.removesuffix("!"))
            found.append(Type(own, base_type, abstract=head.endswith("!"), expression=expression, prefix=table.prefix))
    return found


def _all() -> dict[Name, Type]:
    found = [*_built_in(), *(kind for table in TABLES.values() for kind in _types(table))]
    identity = _name("md.systemID", "md")
    found.append(Type(identity, _name("md.ID", "md"), kind="uuid", attributes=frozenset({"label"})))
    return {kind.name: kind for kind in found}


TYPES: dict[Name, Type] = _all()
"""All types by namespace and name."""

DOCUMENTS: dict[Name, Document] = {
    (table.namespace, name): Document((table.namespace, name), _name(root.type, table.prefix), root.message)
    for table in TABLES.values()
    for name, root in table.roots.items()
}
"""All document elements by namespace and name."""

MESSAGES: dict[str, Document] = {document.message: document for document in DOCUMENTS.values() if document.message}
"""The documents that are messages, by message type id."""


@cache
def visible(namespace: str) -> frozenset[str]:
    """The namespaces whose types and documents a message rooted in `namespace` may name: its own and all that it imports."""
    found, left = {XS}, [namespace]
    while left:
        current = left.pop()
        if current not in found:
            found.add(current)
            left.extend(_namespace(p) for t in TABLES.values() if t.namespace == current for p in t.imports)
    return frozenset(found)


@cache
def content(name: Name) -> Content:
    """The content model of a type, its bases' content first."""
    expressions: list[tuple[str, Callable[[str, bool], Declared]]] = []
    current: Name | None = name
    while current is not None:
        kind = TYPES[current]
        expressions.insert(0, (kind.expression, _declare(kind.prefix)))
        current = kind.base
    return compile_content(expressions)


def derives(name: Name, base: Name) -> bool:
    """Whether the type is `base` or built on it."""
    current: Name | None = name
    while current is not None and current != base:
        current = TYPES[current].base
    return current == base


def _declare(prefix: str) -> Callable[[str, bool], Declared]:
    def declare(token: str, required: bool) -> Declared:
        rest, _, default = token.partition("~")
        name, _, reference = rest.partition("=")
        kind = _name(reference, prefix) if reference else _name(name, "md")
        return Declared((_namespace(prefix), name), kind, default or None, required)

    return declare


def short(namespace: str) -> str:
    """A namespace as a fault sentence names it."""
    return namespace.removeprefix(FAMILY) or "(none)"
