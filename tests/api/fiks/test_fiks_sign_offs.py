"""Sign-offs given and taken back, and further objects of a document."""

from __future__ import annotations

import pytest

from api.fiks_arkiv.answers import Answer
from api.installation import Tenant
from tests.api.fiks.sending import FAMILY, head, named_files, pdf, refusal, send, value, values
from tests.api.fiks.written import CREATE, MD, code, document, entry_message, get_entry, get_file, party, reference

KEY, DOCUMENT_KEY = ("Fagsystem", "post"), ("Fagsystem", "dok")
PARTY = "/registreringHentResultat/journalpost/korrespondansepart"
PERSON = f'<avskrevetAv><navn xmlns="{MD}">Kari</navn></avskrevetAv>'


def registered(tenant: Tenant) -> None:
    """An entry with a sender whose id the message gives, a recipient of a copy, and a document."""
    parties = party("Ola", given="ola") + party("Per", "EK", given="per")
    payload = entry_message("Klage", KEY, document("Brev", "brev.pdf", key=DOCUMENT_KEY), parties)
    assert "kvittering" in send(tenant, payload, named_files(payload))[-1].type


def sign_off(who: str = "ola", method: str = "BU", key: tuple[str, str] = KEY) -> bytes:
    """`avskrivning.opprett`."""
    given = (
        f"<avskrivning><avskrivningsdato>2026-03-01</avskrivningsdato>{PERSON}{code('avskrivningsmaate', method)}</avskrivning>"
    )
    target = reference("referanseTilJournalpost", key=key)
    return (
        f'<nyAvskrivning xmlns="{FAMILY}avskrivning/opprett/v1">{given}{target}'
        f"<korrespondansepartID>{who}</korrespondansepartID></nyAvskrivning>"
    ).encode()


def undo(who: str = "ola", key: tuple[str, str] = KEY) -> bytes:
    """`avskrivning.slett`."""
    target = reference("referanseTilJournalpost", key=key)
    return (
        f'<slettAvskrivning xmlns="{FAMILY}avskrivning/slett/v1">{target}'
        f"<korrespondansepartID>{who}</korrespondansepartID></slettAvskrivning>"
    ).encode()


def methods(tenant: Tenant) -> list[str]:
    """How the entry's parties are signed off."""
    got = send(tenant, get_entry(external=KEY, include=("korrespondansepart", "avskrivning")))
    return values(got, f"{PARTY}/avskrivning/avskrivningsmaate/kode")


def ends(answers: list[Answer]) -> list[str]:
    """The last words of the answers' types."""
    return [one.type.rpartition(".")[2] for one in answers]


def test_signed_off_changed_and_taken_back(tenant: Tenant) -> None:
    registered(tenant)
    assert ends(send(tenant, sign_off())) == ["mottatt", "kvittering"]
    assert methods(tenant) == ["BU"]
    at = head(tenant)
    assert ends(send(tenant, sign_off())) == ["mottatt", "kvittering"]
    assert head(tenant) == at
    send(tenant, sign_off(method="TLF"))
    assert methods(tenant) == ["TLF"]
    assert ends(send(tenant, undo())) == ["mottatt", "kvittering"]
    assert methods(tenant) == []
    at = head(tenant)
    assert ends(send(tenant, undo())) == ["mottatt", "kvittering"]
    assert head(tenant) == at


def test_a_party_is_named_by_our_id_too(tenant: Tenant) -> None:
    payload = entry_message("Klage", KEY)
    send(tenant, payload)
    ours = value(send(tenant, get_entry(external=KEY, include=("korrespondansepart",))), f"{PARTY}/korrespondansepartID")
    assert ends(send(tenant, sign_off(ours))) == ["mottatt", "kvittering"]
    assert methods(tenant) == ["BU"]


@pytest.mark.parametrize(
    ("payload", "wanted"),
    [
        (sign_off("ukjent"), "korrespondansepartID ukjent"),
        (sign_off("per"), "3.4.9"),
        (sign_off(method="QQ"), "avskrivningsmaate"),
        (sign_off(key=("Fagsystem", "ukjent")), "Fagsystem / ukjent"),
    ],
)
def test_a_sign_off_that_cannot_be_is_refused(tenant: Tenant, payload: bytes, wanted: str) -> None:
    registered(tenant)
    before = head(tenant)
    assert wanted in refusal(send(tenant, payload))
    assert head(tenant) == before


@pytest.mark.parametrize("payload", [undo(), undo("ukjent"), undo(key=("Fagsystem", "ukjent"))])
def test_a_sign_off_that_never_was_is_not_found(tenant: Tenant, payload: bytes) -> None:
    registered(tenant)
    before = head(tenant)
    assert ends(send(tenant, payload)) == ["ikkefunnet"]
    assert head(tenant) == before


def more(name: str, inside: str = "", key: tuple[str, str] = DOCUMENT_KEY) -> bytes:
    """`dokumentobjekt.opprett`."""
    target = reference("referanseTilDokumentbeskrivelse", key=key)
    given = f"<filnavn>{name}</filnavn><referanseDokumentfil>{name}</referanseDokumentfil>"
    opened = f'<dokumentobjekt xmlns:c="{CREATE}">'
    own = (inside + given).replace("</", "</c:").replace("<", "<c:").replace("<c:/c:", "</c:")
    head_ = f'<dokumentobjektOpprett xmlns="{FAMILY}dokumentobjekt/opprett/v1">'
    return f"{head_}{target}{opened}{own}</dokumentobjekt></dokumentobjektOpprett>".encode()


def test_a_further_version_gets_the_next_number_and_its_bytes_are_fetched(tenant: Tenant) -> None:
    registered(tenant)
    answers = send(tenant, more("ny.pdf"), {"ny.pdf": pdf("ny")})
    assert ends(answers) == ["mottatt", "kvittering"]
    made = value(answers, "/dokumentobjektOpprettKvittering/systemID")
    got = send(tenant, get_entry(external=KEY, include=("dokumentobjekt",)))
    objects = "/registreringHentResultat/journalpost/dokumentbeskrivelse/dokumentobjekt/"
    assert values(got, f"{objects}versjonsnummer") == ["1", "2"]
    assert values(got, f"{objects}systemID")[1] == made
    assert send(tenant, get_file(made))[0].payload == pdf("ny")


def test_a_version_that_is_there_is_refused(tenant: Tenant) -> None:
    registered(tenant)
    assert "2.7.14" in refusal(send(tenant, more("ny.pdf", "<versjonsnummer>1</versjonsnummer>"), {"ny.pdf": pdf("ny")}))


def test_an_object_for_an_unknown_document_is_refused_by_name(tenant: Tenant) -> None:
    registered(tenant)
    told = refusal(send(tenant, more("ny.pdf", key=("Fagsystem", "ukjent")), {"ny.pdf": pdf("ny")}))
    assert "Fagsystem / ukjent" in told


def test_a_file_that_is_not_there_is_not_found(tenant: Tenant) -> None:
    assert ends(send(tenant, get_file("22f05e04-37c4-4051-8b3a-853c8eac4b33"))) == ["ikkefunnet"]
