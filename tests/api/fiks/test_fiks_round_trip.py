"""What a message says is given back: every element of the grammar, created and then fetched."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from api.fiks_arkiv.decode import decode
from api.fiks_arkiv.encode import encode
from api.fiks_arkiv.message_types import CREATE, FILE_GET
from api.fiks_arkiv.node import Leaf, Node
from api.installation import Tenant
from domain.ledger.clock import LOCAL
from tests.api.fiks import maximal, schemas
from tests.api.fiks.sending import blobs, send, value
from tests.api.fiks.written import code, get_case, get_entry, get_file, update_case
from tests.fixtures_ledger import new_case, new_entry, new_series

CASE_WORDS = ("merknad", "noekkelord", "kryssreferanse", "klasse", "part", "presedens")
ENTRY_WORDS = (
    *("merknad", "noekkelord", "kryssreferanse", "dokumentbeskrivelse", "korrespondansepart"),
    *("avskrivning", "dokumentflyt", "dokumentobjekt"),
)
# The name that a file has in its message is the transport's; the answer names the object, and has the file's own name beside it.
# The schema of an answer has no external key for a document.
NOT_GIVEN_BACK = {"referanseDokumentfil", "dokumentbeskrivelse/referanseEksternNoekkel"}


def missing(sent: Node, got: Node, path: str = "") -> list[str]:
    """What was sent and is not in the answer."""
    found = []
    for name in sent:
        if NOT_GIVEN_BACK & {name, f"{path.rstrip('/').rpartition('/')[2]}/{name}"}:
            continue
        left = list(got.all(name))
        for child in sent.all(name):
            fits = [(one, _unlike(child, one, f"{path}{name}/")) for one in left]
            same = next((one for one, problems in fits if not problems), None)
            if same is None:
                found.append(f"{path}{name}: {min((problems for _, problems in fits), key=len, default=['nothing'])}")
            else:
                left.remove(same)
    return found


def _unlike(sent: Node | Leaf, got: Node | Leaf, path: str) -> list[str]:
    if isinstance(sent, Node):
        return missing(sent, got, path) if isinstance(got, Node) else [f"{path} is a value"]
    if isinstance(got, Node):
        return [f"{path} is no value"]
    if isinstance(sent.value, datetime) and isinstance(got.value, datetime):
        local = sent.value if sent.value.tzinfo else sent.value.replace(tzinfo=LOCAL)
        return [] if local == got.value else [f"{path}: {got.value} for {local}"]
    if "<x:part" in str(sent.value):
        inside = re.compile(r"<x:part.*</x:part>")
        return [] if inside.findall(str(sent.value)) == inside.findall(str(got.value)) else [f"{path}: {got.value}"]
    return [] if sent.value == got.value else [f"{path}: {got.value!r} for {sent.value!r}"]


def create(tenant: Tenant, unit: dict[str, Any], files: dict[str, bytes], element: str) -> tuple[str, Node]:
    """Create a unit; its systemID, and the element as it was sent."""
    payload = encode(CREATE, {"system": "Fagsystem", "regel": "Regel 7", "antallFiler": len(files), element: unit})
    receipt = send(tenant, payload, files)
    sent = decode(payload).root.node(element)
    assert sent is not None
    return value(receipt, f"/arkivmeldingKvittering/{element}Kvittering/systemID"), sent


def test_the_messages_leave_no_element_of_the_grammar_out() -> None:
    any_id = UUID(int=1)
    # A cross-reference names one unit.
    targets = {f"kryssreferanse/referanseTil{one}" for one in ("Mappe", "Registrering", "Dokumentbeskrivelse")}
    case = maximal.left_out(maximal.case_file(any_id, any_id), maximal.type_named("saksmappe"))
    assert case == targets - {"kryssreferanse/referanseTilMappe"}
    for kind in ("journalpost", "arkivnotat", "registrering"):
        tree, _ = maximal.registration(kind, any_id, any_id, "k")
        # An entry stands in a case or in a series, and only the case's parties carry numbers with a country.
        assert maximal.left_out(tree, maximal.type_named(kind)) == {
            *(targets - {"kryssreferanse/referanseTilRegistrering"}),
            *("arkivdel", "part/organisasjonID", "part/personID"),
            *("dokumentbeskrivelse/part/organisasjonID", "dokumentbeskrivelse/part/personID"),
        }


def test_an_element_that_is_left_out_is_seen() -> None:
    tree = maximal.case_file(UUID(int=1), UUID(int=1))
    before = maximal.left_out(tree, maximal.type_named("saksmappe"))
    del tree["punkt"]["z"]
    assert maximal.left_out(tree, maximal.type_named("saksmappe")) - before == {"punkt/z"}


def test_a_case_file_is_given_back_whole(tenant: Tenant) -> None:
    new_series(tenant.ledger)
    other, parent = new_case(tenant.ledger), new_case(tenant.ledger)
    unit, sent = create(tenant, maximal.case_file(other, parent), {}, "mappe")
    answers = send(tenant, get_case(unit, include=CASE_WORDS))
    got = decode_answer(answers[0].payload).node("mappe")
    assert got is not None
    assert missing(sent, got) == []
    assert missing(got, sent) != []


@pytest.mark.parametrize("kind", ["journalpost", "arkivnotat", "registrering"])
def test_a_registration_is_given_back_whole(tenant: Tenant, kind: str) -> None:
    case = new_case(tenant.ledger)
    other = new_entry(tenant.ledger, case)
    tree, files = maximal.registration(kind, case, other, "reg-1")
    unit, sent = create(tenant, tree, files, "registrering")
    answers = send(tenant, get_entry(unit, include=ENTRY_WORDS))
    root = decode_answer(answers[0].payload)
    got = root.node("journalpost") if kind == "journalpost" else root.node("registrering")
    assert got is not None
    assert got.type == kind
    assert missing(sent, got) == []
    assert len(blobs(tenant)) == len(files)


def test_the_files_are_given_back_byte_for_byte(tenant: Tenant) -> None:
    case = new_case(tenant.ledger)
    tree, files = maximal.registration("journalpost", case, new_entry(tenant.ledger, case), "reg-1")
    unit, _ = create(tenant, tree, files, "registrering")
    got = decode_answer(send(tenant, get_entry(unit, include=ENTRY_WORDS))[0].payload).node("journalpost")
    assert got is not None
    objects = [one for each in got.nodes("dokumentbeskrivelse") for one in each.nodes("dokumentobjekt")]
    names = {one.text("filnavn"): one.text("systemID") for one in objects}
    for number, (_, content) in enumerate(sorted(files.items()), 1):
        answers = send(tenant, get_file(str(names[f"Brev nr. {number}.pdf"])))
        assert [(one.type, one.payload) for one in answers] == [(f"{FILE_GET}.resultat", content)]


def test_only_what_is_asked_for_is_given(tenant: Tenant) -> None:
    new_series(tenant.ledger)
    unit, _ = create(tenant, maximal.case_file(new_case(tenant.ledger), new_case(tenant.ledger)), {}, "mappe")
    asked = {"noekkelord": "noekkelord", "klasse": "klassifikasjon", "merknad": "merknad", "part": "part"}
    for word, element in asked.items():
        got = decode_answer(send(tenant, get_case(unit, include=(word,)))[0].payload).node("mappe")
        assert got is not None
        assert [one for one in asked.values() if one in got] == [element]


@pytest.mark.parametrize("status", ["A", "U"])
def test_a_closed_case_arrives_with_its_entry_and_its_date(tenant: Tenant, status: str) -> None:
    new_series(tenant.ledger)
    case = new_case(tenant.ledger)
    tree = {**maximal.case_file(case, case), "saksstatus": maximal.coded(status)}
    entry, _ = maximal.registration("journalpost", case, new_entry(tenant.ledger, case), "reg-1")
    del entry["referanseForelderMappe"], entry["dokumentbeskrivelse"]
    payload = encode(CREATE, {"system": "Fagsystem", "antallFiler": 0, "mappe": tree, "registrering": entry})
    receipt = send(tenant, payload)
    unit = value(receipt, "/arkivmeldingKvittering/mappeKvittering/systemID")
    assert value(receipt, "/arkivmeldingKvittering/registreringKvittering/journalpostnummer") == "1"
    sent = decode(payload).root.node("mappe")
    got = decode_answer(send(tenant, get_case(unit, include=CASE_WORDS))[0].payload).node("mappe")
    assert sent is not None
    assert got is not None
    assert missing(sent, got) == []


def test_a_case_that_is_closed_again_says_when(tenant: Tenant) -> None:
    """The sender's date is that of the closing it told of, not of a later one."""
    new_series(tenant.ledger)
    case = new_case(tenant.ledger)
    unit, _ = create(tenant, {**maximal.case_file(case, case), "saksstatus": maximal.coded("A")}, {}, "mappe")
    assert value(send(tenant, get_case(unit)), "/mappeHentResultat/mappe/avsluttetAv") == "Arkivet"
    for status in ("B", "A"):
        send(tenant, update_case(("Fagsystem", "sak-1"), code("saksstatus", status)))
    assert value(send(tenant, get_case(unit)), "/mappeHentResultat/mappe/avsluttetAv") == "fiks-arkiv"


def test_an_archived_entry_arrives_with_its_documents_and_its_date(tenant: Tenant) -> None:
    case = new_case(tenant.ledger)
    tree, files = maximal.registration("journalpost", case, new_entry(tenant.ledger, case), "reg-1")
    tree["journalstatus"] = maximal.coded("A")
    unit, sent = create(tenant, tree, files, "registrering")
    got = decode_answer(send(tenant, get_entry(unit, include=ENTRY_WORDS))[0].payload).node("journalpost")
    assert got is not None
    assert missing(sent, got) == []


@pytest.mark.reference
def test_the_whole_answers_are_valid(tenant: Tenant, reference: Path) -> None:
    new_series(tenant.ledger)
    case = new_case(tenant.ledger)
    unit, _ = create(tenant, maximal.case_file(case, case), {}, "mappe")
    assert schemas.valid(reference, send(tenant, get_case(unit, include=CASE_WORDS))[0].payload or b"")
    for number, kind in enumerate(("journalpost", "arkivnotat", "registrering")):
        tree, files = maximal.registration(kind, case, new_entry(tenant.ledger, case), f"reg-{number}")
        unit, _ = create(tenant, tree, files, "registrering")
        assert schemas.valid(reference, send(tenant, get_entry(unit, include=ENTRY_WORDS))[0].payload or b"")


def decode_answer(payload: bytes | None) -> Node:
    """An answer read as a message is."""
    assert payload is not None
    return decode(payload).root
