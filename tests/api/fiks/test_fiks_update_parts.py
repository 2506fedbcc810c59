"""Updates of what a unit has several of: comments, parties, references, kept metadata, documents."""

from __future__ import annotations

import pytest

from api.fiks_arkiv.encode import encode
from api.fiks_arkiv.message_types import UPDATE
from api.installation import Tenant
from tests.api.fiks.maximal import OWN, coded
from tests.api.fiks.sending import head, send, value
from tests.api.fiks.updating import Tree, at, changed, filled, first_id, now
from tests.api.fiks.written import get_entry


@pytest.fixture
def archive(tenant: Tenant) -> Tenant:
    """A tenant with nearly everything."""
    return filled(tenant)


@pytest.mark.parametrize("unit", ["mappe", "registrering", "dokumentbeskrivelse"])
def test_comments_change_go_and_come(archive: Tenant, unit: str) -> None:
    before = at(now(archive, unit), "merknad/merknadID")
    change = {"oppdatering": {"merknadID": before[0], "merknadstekst": "Ny"}, "ny": {"merknadstekst": "Enda en"}}
    after = changed(archive, unit, {"merknadOppdateringer": change})
    assert at(after, "merknad/merknadstekst")[0] == "Ny"
    assert at(after, "merknad/merknadstekst")[-1] == "Enda en"
    assert at(after, "merknad/merknadstype")[0] == "MS"
    gone = {"merknadOppdateringer": {"slett": [{"merknadID": one} for one in at(after, "merknad/merknadID")]}}
    assert at(changed(archive, unit, gone), "merknad") == []
    last = head(archive)
    assert at(changed(archive, unit, gone), "merknad") == []
    assert head(archive) == last


@pytest.mark.parametrize("unit", ["mappe", "registrering", "dokumentbeskrivelse"])
def test_parties_to_the_case_change_go_and_come(archive: Tenant, unit: str) -> None:
    first = first_id(now(archive, unit), "part", "partID")
    change = {"partID": first, "partNavn": "Ny", "virksomhetsspesifikkeMetadataOppdateringer": {"slett": True}}
    after = changed(archive, unit, {"partOppdateringer": {"oppdatering": change, "ny": {"partNavn": "Enda en"}}})
    assert at(after, "part/partNavn")[0] == "Ny"
    assert at(after, "part/partNavn")[-1] == "Enda en"
    kept = after.nodes("part")[0]
    assert kept.text("poststed") == "Aure"
    assert "virksomhetsspesifikkeMetadata" not in kept
    left = changed(archive, unit, {"partOppdateringer": {"slett": [{"partID": one} for one in at(after, "part/partID")]}})
    assert at(left, "part") == []


def test_correspondence_parties_change_go_and_come(archive: Tenant) -> None:
    first = first_id(now(archive, "registrering"), "korrespondansepart", "korrespondansepartID")
    change = {"korrespondansepartID": first, "korrespondansepartNavn": "Ny", "organisasjonid": "123456785"}
    added = {"korrespondanseparttype": coded("EK"), "korrespondansepartNavn": "Enda en"}
    after = changed(archive, "registrering", {"korrespondansepartOppdateringer": {"oppdatering": change, "ny": added}})
    assert at(after, "korrespondansepart/korrespondansepartNavn")[::2] == ["Ny", "Enda en"]
    kept = after.nodes("korrespondansepart")[0]
    assert (kept.text("organisasjonid"), kept.text("personid"), kept.text("deresReferanse")) == ("123456785", None, "2026/77")
    assert at(kept, "avskrivning/avskrivningsmaate") == ["BU"]
    left = changed(archive, "registrering", {"korrespondansepartOppdateringer": {"slett": {"korrespondansepartID": first}}})
    assert len(at(left, "korrespondansepart")) == 2
    assert first not in at(left, "korrespondansepart/korrespondansepartID")


def test_cross_references_change_go_and_come(archive: Tenant) -> None:
    document = str(at(now(archive, "dokumentbeskrivelse"), "systemID")[0])
    first = first_id(now(archive, "mappe"), "kryssreferanse", "kryssreferanseID")
    target = {"referanseTilDokumentbeskrivelse": {"systemID": document}}
    after = changed(archive, "mappe", {"kryssreferanseOppdateringer": {"oppdatering": {"kryssreferanseID": first, **target}}})
    assert at(after, "kryssreferanse/referanseTilDokumentbeskrivelse/systemID") == [document]
    assert at(after, "kryssreferanse/referanseTilMappe") == []
    gone = changed(archive, "mappe", {"kryssreferanseOppdateringer": {"slett": {"kryssreferanseID": first}, "ny": target}})
    assert at(gone, "kryssreferanse/kryssreferanseID") != [first]
    assert len(at(gone, "kryssreferanse")) == 1


def test_metadata_of_the_senders_own_and_what_is_kept_come_anew(archive: Tenant) -> None:
    other = OWN.replace("ø", "å")
    after = changed(archive, "mappe", {"virksomhetsspesifikkeMetadataOppdateringer": {"ny": other}})
    assert "å &amp; 1" in str(after.one("virksomhetsspesifikkeMetadata"))
    flow = {"flytTil": "A", "flytFra": "B", "flytMottattDato": "2026-01-01T00:00:00Z", "flytSendtDato": "2026-01-01T00:00:00Z"}
    entry = changed(archive, "registrering", {"dokumentflyt": {**flow, "flytStatus": coded("G")}})
    assert at(entry, "dokumentflyt/flytTil") == ["Kari", "A"]


def test_the_pointed_out_document_is_told_by_its_number(archive: Tenant) -> None:
    reference = {
        "journalpostDokumentnummer": {"referanseTilJournalpost": {"saksJournalpostnummer": _number(archive)}, "dokumentnummer": 2}
    }
    message = {
        "referanseTilDokumentbeskrivelse": reference,
        "tilknyttetRegistreringSom": coded("V"),
        "dokumentnummer": 2,
        "tittel": "Ny",
    }
    assert "kvittering" in send(archive, encode(UPDATE, {"dokumentbeskrivelseOppdateringer": message}))[-1].type
    assert at(now(archive, "registrering"), "dokumentbeskrivelse/tittel") == ["Brev 1", "Ny"]


def _number(tenant: Tenant) -> Tree:
    got = send(tenant, get_entry(external=("Fagsystem", "post-1")))
    case, number = value(got, "/registreringHentResultat/journalpost/registreringsID").split("-")
    year, sequence = case.split("/")
    return {"saksaar": int(year), "sakssekvensnummer": int(sequence), "journalpostnummer": int(number)}
