"""A tenant with a case file and an entry that have nearly everything, changes of them, and what stands after."""

from __future__ import annotations

from typing import Any

from api.fiks_arkiv.decode import decode
from api.fiks_arkiv.encode import encode
from api.fiks_arkiv.message_types import CREATE, UPDATE
from api.fiks_arkiv.node import Node
from api.installation import Tenant
from tests.api.fiks.maximal import case_file, coded, registration
from tests.api.fiks.sending import send
from tests.api.fiks.written import get_case, get_entry
from tests.fixtures_ledger import new_case, new_entry, new_series

Tree = dict[str, Any]
KEYS = {"mappe": "sak-1", "registrering": "post-1", "dokumentbeskrivelse": "post-1-dok-1"}
ELEMENTS = {
    "mappe": ("mappeOppdateringer", "referanseTilMappe", "saksmappeOppdatering"),
    "registrering": ("registreringOppdateringer", "referanseTilRegistrering", "journalpostOppdatering"),
    "dokumentbeskrivelse": ("dokumentbeskrivelseOppdateringer", "referanseTilDokumentbeskrivelse", None),
}
WORDS = {
    "mappe": ("merknad", "noekkelord", "kryssreferanse", "klasse", "part", "presedens"),
    "registrering": (
        "merknad",
        "noekkelord",
        "kryssreferanse",
        "korrespondansepart",
        "avskrivning",
        "dokumentflyt",
        "dokumentobjekt",
    ),
}
LINK = {"tilknyttetRegistreringSom": coded("H"), "dokumentnummer": 1}


def filled(tenant: Tenant) -> Tenant:
    """A tenant with a case file and an entry with documents, each with nearly everything that it may have."""
    new_series(tenant.ledger)
    case = new_case(tenant.ledger)
    other = new_entry(tenant.ledger, case)
    for element, (tree, files) in {
        "mappe": (case_file(case, case), {}),
        "registrering": registration("journalpost", case, other, "post-1"),
    }.items():
        message = encode(CREATE, {"system": "Fagsystem", "antallFiler": len(files), element: tree})
        assert "kvittering" in send(tenant, message, files)[-1].type
    return tenant


def update(unit: str, changes: Tree) -> bytes:
    """A change of the unit with its external key."""
    element, reference, kind = ELEMENTS[unit]
    named = {"referanseEksternNoekkel": {"fagsystem": "Fagsystem", "noekkel": KEYS[unit]}}
    typed = {"@type": kind} if kind else dict(LINK)
    return encode(UPDATE, {element: {**typed, reference: named, **changes}})


def now(tenant: Tenant, unit: str) -> Node:
    """The unit as it is given back; a document as its entry gives it."""
    key = ("Fagsystem", KEYS["mappe" if unit == "mappe" else "registrering"])
    get = get_case if unit == "mappe" else get_entry
    answers = send(tenant, get(external=key, include=WORDS["mappe" if unit == "mappe" else "registrering"]))
    assert answers[0].payload is not None
    root = decode(answers[0].payload).root
    found = root.node("mappe") or root.node("journalpost")
    assert found is not None
    return found.nodes("dokumentbeskrivelse")[0] if unit == "dokumentbeskrivelse" else found


def at(node: Node, path: str) -> list[Any]:
    """The values at a path of names; the kode of what is coded, `*` for what has elements inside."""
    nodes, names = [node], path.split("/")
    for name in names[:-1]:
        nodes = [child for one in nodes for child in one.nodes(name)]
    found: list[Any] = []
    for one in nodes:
        for child in one.many(names[-1]):
            found.append((child.one("kode") or "*") if isinstance(child, Node) else child)
    return [one.isoformat() if hasattr(one, "isoformat") else one for one in found]


def changed(tenant: Tenant, unit: str, changes: Tree) -> Node:
    """Carry a change out; the unit after it. Sent again, where it names nothing by an id, it changes nothing."""
    answers = send(tenant, update(unit, changes))
    assert [one.type.rpartition(".")[2] for one in answers] == ["mottatt", "kvittering"], answers[0].payload
    return now(tenant, unit)


def first_id(node: Node, listed: str, element: str) -> str:
    """The id of the first part of a unit."""
    return str(at(node, f"{listed}/{element}")[0])
