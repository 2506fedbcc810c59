"""Documents with one thing changed, from a seed: most are faulty, some are not."""

import copy
import random
from collections.abc import Callable

from lxml import etree

from api.fiks_arkiv.grammar import DOCUMENTS, TYPES, XSI

_TYPE = f"{{{XSI}}}type"
_TEXTS = (
    *("", "x" * 5000, "2023-02-30", "2026-01-31", "2026-01-31T12:00:00", "2026-01-31T25:00:00Z", "yes", "true", "0", "12x", "-7"),
    *("2147483648", "1.5", "NaN", "Ny", "saksmappe", "minimum", "equal", "NO", "Norge", "3f0a3f0a-0000-4000-8000-00000000000a"),
)
_LOCAL = sorted({name[1] for name in TYPES})
_SPACES = sorted({name[0] for name in DOCUMENTS} | {name[0] for name in TYPES})


def mutant(root: etree._Element, rng: random.Random) -> tuple[str, bytes]:
    """A copy of `root` with one change, and the name of the change; the bytes are UTF-8."""
    changed = copy.deepcopy(root)
    elements = [element for element in changed.iter() if isinstance(element.tag, str)]
    while True:
        change = rng.choice(_CHANGES)
        if change(rng.choice(elements), rng):
            return change.__name__.removeprefix("_"), etree.tostring(changed, encoding="UTF-8", xml_declaration=True)


def _parent(element: etree._Element) -> etree._Element | None:
    return element.getparent()


def _drop(element: etree._Element, rng: random.Random) -> bool:
    parent = _parent(element)
    if parent is not None:
        parent.remove(element)
    return parent is not None


def _duplicate(element: etree._Element, rng: random.Random) -> bool:
    if _parent(element) is not None:
        element.addnext(copy.deepcopy(element))
    return _parent(element) is not None


def _swap(element: etree._Element, rng: random.Random) -> bool:
    after = element.getnext()
    if after is not None:
        after.addnext(element)
    return after is not None


def _retext(element: etree._Element, rng: random.Random) -> bool:
    if not len(element):
        element.text = rng.choice(_TEXTS)
    return not len(element)


def _strange_element(element: etree._Element, rng: random.Random) -> bool:
    element.append(etree.Element(element.tag.replace("}", "}x") if rng.random() < 0.5 else "{urn:strange}element"))
    return True


def _other_place(element: etree._Element, rng: random.Random) -> bool:
    """An element of the message, put somewhere else in it."""
    others = [other for other in element.getroottree().iter() if isinstance(other.tag, str)]
    rng.choice(others).append(copy.deepcopy(element))
    return True


def _other_namespace(element: etree._Element, rng: random.Random) -> bool:
    element.tag = etree.QName(rng.choice([*_SPACES, ""]) or None, etree.QName(element).localname).text
    return True


def _other_name(element: etree._Element, rng: random.Random) -> bool:
    element.tag = etree.QName(etree.QName(element).namespace, rng.choice(_LOCAL)).text
    return True


def _other_type(element: etree._Element, rng: random.Random) -> bool:
    """An xsi:type that the element had not: one that exists, with or without the right prefix, or none."""
    prefixes = [f"{prefix}:" for prefix in element.nsmap if prefix] + ["", "", "nowhere:"]
    element.set(_TYPE, rng.choice(prefixes) + rng.choice(_LOCAL))
    return True


def _near_type(element: etree._Element, rng: random.Random) -> bool:
    """An xsi:type whose name begins or ends as the element's does."""
    local = etree.QName(element).localname
    near = [name for name in _LOCAL if name.endswith(local) or name.startswith(local)]
    if near:
        element.set(_TYPE, rng.choice(near))
    return bool(near)


def _no_type(element: etree._Element, rng: random.Random) -> bool:
    return element.attrib.pop(_TYPE, None) is not None


def _attribute(element: etree._Element, rng: random.Random) -> bool:
    names = ("label", "label", "id", "{urn:strange}a", f"{{{XSI}}}nil", f"{{{XSI}}}schemaLocation", f"{{{XSI}}}other")
    element.set(rng.choice((*names, "{http://www.w3.org/XML/1998/namespace}lang")), rng.choice(("true", "", "urn:a b.xsd")))
    return True


def _stray_text(element: etree._Element, rng: random.Random) -> bool:
    element.tail = rng.choice((" ", "\n\t", "text", "\u00a0")) if _parent(element) is not None else None
    return _parent(element) is not None


def _comment(element: etree._Element, rng: random.Random) -> bool:
    element.insert(0, rng.choice((etree.Comment("why"), etree.PI("do", "this"))))
    return True


_CHANGES: list[Callable[[etree._Element, random.Random], bool]] = [
    *(_drop, _duplicate, _swap, _retext, _retext, _retext, _strange_element, _other_place, _other_namespace),
    *(_other_name, _other_type, _near_type, _no_type, _attribute, _stray_text, _comment),
]
