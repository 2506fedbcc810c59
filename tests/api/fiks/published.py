"""The 26 published cases: what each expects, and what must be there before it, as its description asks."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

from api.fiks_arkiv.answers import Answer
from domain.ledger.clock import LOCAL
from tests.api.fiks.schemas import cases, folder
from tests.api.fiks.sending import FAMILY, Send, elements, named_files, value
from tests.api.fiks.written import case_message, document, entry_message, get_entry

_COMMENT = re.compile(r'("(?:\\.|[^"\\])*")|//[^\n]*')
_XSI_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
VALIDATOR = "Fiks protokoll validator"


@dataclass(frozen=True)
class Expected:
    """What a case's description says. queries: (path, value or `*`, whether of the attribute xsi:type)."""

    request: str
    answers: list[str]
    queries: list[tuple[str, str, bool]]


@cache
def expected(reference: Path, name: str) -> Expected:
    """The description of a case, which is JSON with comments, sometimes in Latin-1."""
    raw = (folder(reference) / "testcases" / name / "testInformation.json").read_bytes()
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")
    told: dict[str, Any] = json.loads(_COMMENT.sub(lambda match: match[1] or "", text))
    queries = [(one["payloadQuery"], one["expectedValue"], one["valueType"] == 1) for one in told["queriesWithExpectedValues"]]
    return Expected(told["messageType"], told["expectedResponseMessageTypes"], queries)


def unmet(wanted: Expected, answers: list[Answer]) -> list[str]:
    """The queries that no answer meets; a year is read as the current one."""
    documents = [one.payload for one in answers if one.payload]
    year = str(datetime.now(LOCAL).year)
    found = []
    for path, text, attribute in wanted.queries:
        hits = [one for payload in documents for one in elements(payload, path)]
        given = [(one.get(_XSI_TYPE, "") if attribute else one.text) or "" for one in hits]
        wanted_text = year if text == "2026" else text
        if not any(one.strip() and (wanted_text in ("*", one)) for one in given):
            found.append(f"{path} is {given}, not {wanted_text}")
    return found


def replaced(payload: bytes, old: str, new: str) -> bytes:
    """The payload, in whatever encoding, with one text for another, which must be there."""
    assert any(old.encode(codec) in payload for codec in ("utf-8", "utf-16-le")), old
    return payload.replace(old.encode(), new.encode()).replace(old.encode("utf-16-le"), new.encode("utf-16-le"))


def prepared(send: Send, reference: Path, name: str) -> tuple[bytes, dict[str, bytes]]:
    """Make what the case builds on, and give its payload with the identifiers that exist now, and its files."""
    payload = _PREPARED.get(name, _as_it_stands)(send, reference, cases(reference)[name])
    return payload, named_files(payload)


Prepare = Callable[[Send, Path, bytes], bytes]


def _as_it_stands(send: Send, reference: Path, payload: bytes) -> bytes:
    return payload


def _after(name: str) -> Prepare:
    def prepare(send: Send, reference: Path, payload: bytes) -> bytes:
        before, files = prepared(send, reference, name)
        _done(send(before, files))
        return payload

    return prepare


def _done(answers: list[Answer]) -> list[Answer]:
    assert not any("feilmelding" in one.type for one in answers), [one.payload for one in answers]
    return answers


def _with_case(key: str, inside: str = "") -> Prepare:
    def prepare(send: Send, reference: Path, payload: bytes) -> bytes:
        _done(send(case_message("Motorferdsel", key=(VALIDATOR, key), inside=inside), {}))
        return payload

    return prepare


def _in_case(send: Send, reference: Path, payload: bytes) -> bytes:
    made = _done(send(case_message("Oppmåling"), {}))
    return replaced(
        payload, "22f05e04-37c4-4051-8b3a-853c8eac4b33", value(made, "/arkivmeldingKvittering/mappeKvittering/systemID")
    )


def _entry(send: Send, key: str | None = None) -> dict[str, str]:
    """An entry with a document that has an external key; its identifiers."""
    document_key = str(uuid4())
    part = document("Brev", "brev.pdf", key=(VALIDATOR, document_key))
    message = entry_message("Klage", key=(VALIDATOR, key) if key else None, inside_documents=part)
    made = _done(send(message, named_files(message)))
    receipt = "/arkivmeldingKvittering/registreringKvittering/"
    names = ("systemID", "registreringsID", "journalaar", "journalsekvensnummer")
    return {"document_key": document_key} | {name: value(made, receipt + name) for name in names}


def _entry_by(*substituted: tuple[str, str]) -> Prepare:
    """An entry; each (old text, name of the identifier that takes its place)."""

    def prepare(send: Send, reference: Path, payload: bytes) -> bytes:
        made = _entry(send)
        for old, name in substituted:
            tag, _ = re.fullmatch(r"(<[^>]+>)?(.*)", old).groups()  # type: ignore[union-attr]
            payload = replaced(payload, old, f"{tag or ''}{made[name]}")
        return payload

    return prepare


def _entry_with_key(send: Send, reference: Path, payload: bytes) -> bytes:
    _entry(send, "86af5c8f-e06e-4c5c-b49b-97ccb1ce68a2")
    return payload


def _party(send: Send, reference: Path) -> tuple[str, str]:
    """The party that the letter of NyJournalpostN1 is for, and the letter's number."""
    _after("NyJournalpostN1")(send, reference, b"")
    got = _done(
        send(get_entry(external=(VALIDATOR, "e4712424-883c-4068-9cb7-97ac679d7232"), include=("korrespondansepart",)), {})
    )
    found = "/registreringHentResultat/journalpost/"
    return value(got, f"{found}korrespondansepart/korrespondansepartID"), value(got, f"{found}registreringsID")


def _sign_off(send: Send, reference: Path, payload: bytes) -> bytes:
    party, number = _party(send, reference)
    payload = replaced(payload, "en-korrespondansepart-id", party)
    return replaced(payload, "en-registreringsid", number) if b"en-registreringsid" in payload.replace(b"\0", b"") else payload


def _signed_off(send: Send, reference: Path, payload: bytes) -> bytes:
    sign_off = _sign_off(send, reference, cases(reference)["NyAvskrivningN1"])
    _done(send(sign_off, {}))
    got = send(get_entry(external=(VALIDATOR, "e4712424-883c-4068-9cb7-97ac679d7232"), include=("korrespondansepart",)), {})
    return replaced(
        payload, ">TEST<", f">{value(got, '/registreringHentResultat/journalpost/korrespondansepart/korrespondansepartID')}<"
    )


def _object(send: Send, reference: Path, payload: bytes) -> bytes:
    return replaced(payload, "e4712424-883c-4068-9cb7-97ac679d7232", _entry(send)["document_key"])


def _responsible_by_number(send: Send, reference: Path, payload: bytes) -> bytes:
    made = _done(send(case_message("Motorferdsel"), {}))
    return replaced(payload, "en-mappe-id", value(made, "/arkivmeldingKvittering/mappeKvittering/mappeID"))


_CLASSES = "".join(
    f"<klassifikasjon><klassifikasjonssystemID>{system}</klassifikasjonssystemID><klasseID>{one}</klasseID></klassifikasjon>"
    for system, one in (("FA", "K01"), ("GBNR", "20/19/458/0"))
)
_PREPARED: dict[str, Prepare] = {
    "HentJournalpostN1": _entry_by(("6f358ced-036d-4c9b-b372-a2b7d83c5cc5", "systemID")),
    "HentJournalpostN2": _entry_with_key,
    "HentSaksmappeN1": _after("NySaksmappeN1"),
    "NyAvskrivningN1": _sign_off,
    "NyAvskrivningN2": _sign_off,
    "NyJournalpostN1": _in_case,
    "NyJournalpostN6": _in_case,
    "NySokN1": _after("NySaksmappeN1"),
    "NySokN2": _after("NySaksmappeN1"),
    "NySokN3": _after("NySaksmappeN1"),
    "NySokN4": _after("NySaksmappeN1"),
    "NyttDokumentobjektN1": _object,
    # The reference's systemID stands before the new key, which has the same text.
    "OppdaterJournalpostEksternNoekkelN1": _entry_by(
        (f'<systemID xmlns="{FAMILY}metadatakatalog/v1">ca3ce092-0bfa-46bb-ad18-b00a340cdd8c', "systemID")
    ),
    "OppdaterJournalpostEksternNoekkelN2": _entry_by(("an-existing-id", "registreringsID")),
    "OppdaterJournalpostEksternNoekkelN3": _entry_by(
        ("<journalaar>2022", "journalaar"), ("<journalsekvensnummer>1", "journalsekvensnummer")
    ),
    "OppdaterMappeKlassifikasjonN1": _with_case("nøkkel-til-saksmappe", _CLASSES),
    "OppdaterMappeSaksansvarligN1": _with_case("ca3ce092-0bfa-46bb-ad18-b00a340cdd8c"),
    "OppdaterMappeSaksansvarligN2": _responsible_by_number,
    "OppdaterMappeSkjermingN1": _with_case("1-skjerming-som-med-ny-nøkkel"),
    "OppdaterMappeStatusN1": _with_case("nøkkel-til-saksmappe"),
    "OppdaterMappeStatusN2": _with_case("nøkkel-til-saksmappe"),
    "OppdaterMappeStatusN3": _with_case("nøkkel-til-saksmappe"),
    "SlettAvskrivningN1": _signed_off,
}
SUBSTITUTED = frozenset(
    {
        "HentJournalpostN1",
        "NyAvskrivningN1",
        "NyAvskrivningN2",
        "NyJournalpostN1",
        "NyJournalpostN6",
        "NyttDokumentobjektN1",
        "OppdaterJournalpostEksternNoekkelN1",
        "OppdaterJournalpostEksternNoekkelN2",
        "OppdaterJournalpostEksternNoekkelN3",
        "OppdaterMappeSaksansvarligN2",
        "SlettAvskrivningN1",
    }
)
"""The cases whose description says that an identifier must be changed to one that exists."""
