"""A message's elements as the values that commands take. Times without an offset are read as local time (Europe/Oslo)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from api.fiks_arkiv.node import Leaf, Node
from api.fiks_arkiv.xml import InvalidMessage
from domain.handlers.metadata import ClassReference, Comment, ExternalKey, Part
from domain.handlers.registry_entries import Party
from domain.ledger.clock import LOCAL
from domain.model.record import TEXT_LIMIT, ContactBody, Graded, Named, Screened

_NORWEGIAN_ORGANISATION = re.compile("[0-9]{9}")
_WITH_COUNTRY = re.compile("([A-Z]{2}):(.*)", re.DOTALL)


def code(node: Node, name: str) -> str | None:
    """The code of a coded element, or None where it is absent."""
    inner = node.node(name)
    return None if inner is None else inner.text("kode")


def instant(node: Node, name: str) -> datetime | None:
    """The moment, always with an offset."""
    moment = node.instant(name)
    return moment.replace(tzinfo=LOCAL) if moment is not None and moment.tzinfo is None else moment


def named(node: Node | None) -> Named | None:
    """A person or unit; None where the element is absent or says nothing."""
    if node is None or not node.children:
        return None
    return Named(node.text("navn") or "", node.text("identifikator"), node.text("initialer"), node.text("epostadresse"))


def external_key(node: Node) -> ExternalKey | None:
    """The unit's `referanseEksternNoekkel`."""
    key = node.node("referanseEksternNoekkel")
    return None if key is None else ExternalKey(str(key["fagsystem"]), str(key["noekkel"]))


def screening(node: Node, name: str = "skjerming") -> Screened | None:
    """The unit's screening."""
    inner = node.node(name)
    if inner is None:
        return None
    return Screened(
        code(inner, "tilgangsrestriksjon") or "",
        inner.text("skjermingshjemmel"),
        expires_on=inner.date("skjermingOpphoererDato"),
        expiry_action=code(inner, "skjermingOpphoererAksjon"),
    )


def grade(node: Node) -> Graded | None:
    """The unit's security grade."""
    inner = node.node("gradering")
    if inner is None:
        return None
    at = instant(inner, "graderingsdato")
    assert at is not None  # the grammar requires it
    return Graded(
        code(inner, "grad") or "",
        at,
        inner.text("gradertAv") or "",
        instant(inner, "nedgraderingsdato"),
        inner.text("nedgradertAv"),
    )


def comment(node: Node) -> Comment:
    """A comment (merknad)."""
    return Comment(
        node.text("merknadstekst") or "",
        code(node, "merknadstype"),
        instant(node, "merknadsdato"),
        node.text("merknadRegistrertAv"),
        node.flag("erSkjermet"),
    )


def class_reference(node: Node) -> ClassReference:
    """A class of the unit. The schema lets the system be absent; without it the class names nothing, so it is refused."""
    system = node.text("klassifikasjonssystemID")
    if system is None:
        raise InvalidMessage(f"Line {node.line}: klassifikasjon must name its klassifikasjonssystemID.")
    return ClassReference(system, str(node["klasseID"]), node.text("tittel"), node.flag("erSkjermet"))


def part(node: Node) -> Part:
    """A party to the case (part)."""
    return Part(contact(node, "part"), code(node, "partRolle"), node.flag("erSkjermet"), node.flag("erPersonnavn"))


def party(node: Node) -> Party:
    """A correspondence party (korrespondansepart)."""
    return Party(
        code(node, "korrespondanseparttype") or "",
        contact(node, "korrespondansepart"),
        node.flag("erBehandlingsansvarlig"),
        code(node, "forsendelsesmaate"),
        named(node.node("administrativEnhet")),
        named(node.node("saksbehandler")),
        node.flag("erSkjermet"),
        node.flag("erPersonnavn"),
    )


def contact(node: Node, prefix: str) -> ContactBody:
    """Name, number and address of a party; prefix: `part` or `korrespondansepart`, which its own elements begin with."""
    organisation, person = node.node("organisasjonID"), node.node("personID")
    return ContactBody(
        name=node.text(f"{prefix}Navn") or "",
        organisation_id=_organisation(organisation) if organisation else node.text("organisasjonid"),
        person_id=_person(person) if person else node.text("personid"),
        address=node.texts("postadresse"),
        postcode=node.text("postnummer"),
        city=node.text("poststed"),
        country=code(node, "landkode"),
        email=node.text("epostadresse"),
        phones=node.texts("telefonnummer"),
        contact_person=node.text("kontaktperson"),
        their_reference=node.text("deresReferanse"),
        given_id=node.text(f"{prefix}ID"),
    )


def _organisation(node: Node) -> str:
    """A Norwegian number stands plain, any other behind its country: `SE:556012-5790`."""
    number, country = str(node["identifikator"]), node.text("landkode")
    plain = country is None or (country == "NO" and _NORWEGIAN_ORGANISATION.fullmatch(number))
    return number if plain else f"{country}:{number}"


def _person(node: Node) -> str:
    number, country = str(node["identifikator"]), node.text("landkode")
    return number if country == "NO" else f"{country}:{number}"


def organisation_of(text: str) -> dict[str, str]:
    """`organisasjonID` of an answer from what `contact` made of it."""
    match = _WITH_COUNTRY.fullmatch(text)
    if match:
        return {"identifikator": match[2], "landkode": match[1]}
    return {"identifikator": text} | ({"landkode": "NO"} if _NORWEGIAN_ORGANISATION.fullmatch(text) else {})


def person_of(text: str) -> dict[str, str]:
    """`personID` of an answer from what `contact` made of it."""
    match = _WITH_COUNTRY.fullmatch(text)
    return {"identifikator": match[2], "landkode": match[1]} if match else {"identifikator": text, "landkode": "NO"}


def given_uuid(node: Node, name: str) -> UUID | None:
    """An id of its own that the sender gave a part of a unit; kept where it is a UUID, else refused."""
    text = node.text(name)
    if text is None:
        return None
    try:
        return UUID(text)
    except ValueError:
        raise InvalidMessage(f"Line {node.line}: {name} must be a UUID or absent; the archive gives one.") from None


def refuse_long_texts(root: Node) -> None:
    """Refuse a text of more than 64 KiB anywhere in the message."""
    for node, name, child in walk(root):
        if isinstance(child, Leaf) and len(child.lexical) > TEXT_LIMIT:
            raise InvalidMessage(
                f"Line {node.line}: {name} of {node.type} has {len(child.lexical)} characters; at most {TEXT_LIMIT} are allowed."
            )


def walk(root: Node, without: frozenset[str] = frozenset()) -> Iterator[tuple[Node, str, Node | Leaf]]:
    """(parent, name, child) of everything under `root`, but not what stands under an element named in `without`."""
    for name, child in root.children:
        if name in without:
            continue
        yield root, name, child
        if isinstance(child, Node):
            yield from walk(child, without)
