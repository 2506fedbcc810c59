"""Faulty messages and files: each gets one `ugyldigforespoersel` that names the fault, and leaves nothing behind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from api.app import create_app
from api.fiks_arkiv.encode import encode
from api.fiks_arkiv.message_types import CASE_GET, ERROR_INVALID
from api.installation import Installation, Tenant
from domain.handlers import case_files, structure
from domain.handlers.work import run
from domain.ledger.faults import Busy, ClockFault, LedgerError
from tests.api.fiks.sending import blobs, head, pdf, post, refusal, send, value
from tests.api.fiks.written import (
    case,
    case_message,
    code,
    document,
    entry,
    entry_message,
    external,
    get_case,
    message,
    party,
    reference,
    update_case,
)
from tests.fixtures_ledger import CONTEXT, new_case, new_series

BOMB = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><x>&b;</x>'
XXE = b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>'
KEY = ("Fagsystem", "1")
LETTER = entry_message("Brev", inside_documents=document("Brev", "brev.pdf"))


def letter(inside: str = "", name: str = "brev.pdf") -> bytes:
    """A case with an entry and its one file."""
    return entry_message("Brev", inside_documents=document("Brev", name, inside=inside))


def in_case(unit: object, more: str = "") -> bytes:
    """An entry in a case."""
    return message(entry("Brev", parent=reference("referanseForelderMappe", str(unit)), more=more))


MESSAGES: dict[str, tuple[bytes, dict[str, bytes], str]] = {
    "nothing": (b"", {}, "empty"),
    "no XML": (b"Kjaere kommune", {}, "not well-formed"),
    "a bomb": (BOMB, {}, "document type declaration"),
    "a foreign entity": (XXE, {}, "document type declaration"),
    "an unknown root": (b"<x/>", {}, "root element x"),
    "an answer": (encode(ERROR_INVALID, {"feilId": "1", "feilmelding": "x"}), {}, "is an answer"),
    "neither unit": (message(""), {}, "neither mappe nor registrering"),
    "a meeting": (
        message(
            '<mappe xsi:type="moetemappe"><tittel>M</tittel><moetenummer>1</moetenummer><utvalg/>'
            "<moetedato>2026-01-01</moetedato></mappe>"
        ),
        {},
        "moetemappe",
    ),
    "a title of a megabyte": (case_message("x" * 1_000_000), {}, "tittel"),
    "a title of 1 001 characters": (case_message("x" * 1_001), {}, "1\u00a0000"),
    "an unknown status": (case_message("Sak", more=code("saksstatus", "Q")), {}, "saksstatus"),
    "an unknown entry type": (message(entry("Brev", kind="Q")), {}, "journalposttype"),
    "an unknown party type": (entry_message("Brev", parties=party("Ola", "QQ")), {}, "korrespondanseparttype"),
    "an unknown screening": (
        case_message(
            "Sak", inside=f"<skjerming>{code('tilgangsrestriksjon', 'Q')}<skjermingshjemmel>x</skjermingshjemmel></skjerming>"
        ),
        {},
        "tilgangsrestriksjon",
    ),
    "an unknown series": (case_message("Sak", inside=code("arkivdel", "NABO")), {}, "NABO"),
    "an unknown parent": (in_case("22f05e04-37c4-4051-8b3a-853c8eac4b33"), {}, "22f05e04-37c4-4051-8b3a-853c8eac4b33"),
    "a class without its system": (
        case_message("Sak", inside="<klassifikasjon><klasseID>1</klasseID></klassifikasjon>"),
        {},
        "klassifikasjonssystemID",
    ),
    "a systemID of its own": (
        message(case("Sak", before="<systemID>22f05e04-37c4-4051-8b3a-853c8eac4b33</systemID>")),
        {},
        "systemID",
    ),
    "two parties with one id": (
        entry_message("Brev", parties=party("Ola", given="1") + party("Per", given="1")),
        {},
        "korrespondansepartID",
    ),
    "one external key for two units": (message(case("Sak", KEY) + entry("Brev", KEY)), {}, "referanseEksternNoekkel"),
    "a comment whose id is no UUID": (
        case_message("Sak", inside="<merknad><merknadID>7</merknadID><merknadstekst>x</merknadstekst></merknad>"),
        {},
        "merknadID",
    ),
    "a file too few": (LETTER, {}, "'brev.pdf'"),
    "a file too many": (LETTER, {"brev.pdf": pdf(), "mer.pdf": pdf()}, "'mer.pdf'"),
    "a file with a search": (
        get_case("22f05e04-37c4-4051-8b3a-853c8eac4b33"),
        {"mer.pdf": pdf()},
        "'mer.pdf'",
    ),
    "the wrong number of files": (LETTER.replace(b"<antallFiler>1", b"<antallFiler>2"), {"brev.pdf": pdf()}, "antallFiler"),
    "a file named twice": (
        entry_message("Brev", inside_documents=document("Brev", "brev.pdf", "brev.pdf")).replace(b"Filer>2", b"Filer>1"),
        {"brev.pdf": pdf()},
        "more than once",
    ),
    "a PDF that is none": (LETTER, {"brev.pdf": b"Kjaere kommune"}, "M701"),
    "an empty file": (LETTER, {"brev.pdf": b""}, "2.7.4"),
    "a wrong digest": (letter(f"<sjekksum>{'0' * 64}</sjekksum>"), {"brev.pdf": pdf()}, "M705"),
    "a digest of another kind": (letter("<sjekksumAlgoritme>MD5</sjekksumAlgoritme>"), {"brev.pdf": pdf()}, "M706"),
    "a wrong size": (letter("<filstoerrelse>1</filstoerrelse>"), {"brev.pdf": pdf()}, "M707"),
    "a path as file name": (letter(name="../brev.pdf"), {"brev.pdf": pdf()}, "../brev.pdf"),
    "a file sent under a path": (letter(name="../brev.pdf"), {"../brev.pdf": pdf()}, "../brev.pdf"),
    "a path as the name to keep": (
        LETTER.replace(b"<filnavn>brev.pdf", b"<filnavn>..\\brev.pdf"),
        {"brev.pdf": pdf()},
        "..\\brev.pdf",
    ),
    "501 files": (LETTER, {f"{n}.pdf": b"%PDF-" for n in range(501)}, "500"),
    "more facts than one command may write": (
        message(entry("Brev", parties="".join(party(f"Part {n}") for n in range(1_001)))),
        {},
        "hendelser",
    ),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_a_faulty_message_is_refused_and_leaves_nothing(tenant: Tenant, name: str) -> None:
    payload, files, wanted = MESSAGES[name]
    before = head(tenant)
    assert wanted in refusal(send(tenant, payload, files))
    assert (head(tenant), blobs(tenant)) == (before, [])


def test_what_is_refused_here_is_taken_without_its_fault(tenant: Tenant) -> None:
    """The table's messages are right but for the one fault each."""
    new_series(tenant.ledger)
    for payload, files in ((LETTER, {"brev.pdf": pdf()}), (case_message("Sak"), {}), (message(entry("Brev")), {})):
        assert "kvittering" in send(tenant, payload, files)[-1].type


Make = Callable[[Tenant], Any]


def closed_case(tenant: Tenant) -> bytes:
    """An entry for a case that is closed."""
    unit = new_case(tenant.ledger)
    run(tenant.ledger, CONTEXT, (), lambda work: case_files.change_status(work, case_files.ChangeCaseStatus(unit, "A")))
    return in_case(unit)


def closed_series(tenant: Tenant) -> bytes:
    """A case for a series that is closed."""
    unit = new_series(tenant.ledger)
    run(tenant.ledger, CONTEXT, (), lambda work: structure.finalise_series(work, structure.FinaliseSeries(unit)))
    return case_message("Sak")


def taken_key(tenant: Tenant) -> bytes:
    """A case with the key of another."""
    send(tenant, case_message("Sak", KEY))
    return case_message("En annen sak", KEY)


def key_of_an_entry(tenant: Tenant) -> bytes:
    """A case with the key of an entry."""
    send(tenant, message(entry("Brev", KEY)))
    return case_message("Sak", KEY)


def key_moved_to_a_taken_one(tenant: Tenant) -> bytes:
    """A case that is to get the key of another."""
    send(tenant, case_message("Sak", KEY))
    send(tenant, case_message("En annen sak", ("Fagsystem", "2")))
    return update_case(KEY, external(("Fagsystem", "2")))


@pytest.mark.parametrize(
    ("make", "wanted"),
    [
        (closed_case, "2.5.5"),
        (closed_series, "2.3.6"),
        (taken_key, "other content"),
        (key_of_an_entry, "another kind"),
        (key_moved_to_a_taken_one, "Fagsystem"),
    ],
)
def test_a_message_against_the_state_is_refused_and_changes_nothing(tenant: Tenant, make: Make, wanted: str) -> None:
    payload = make(tenant)
    before = head(tenant)
    assert wanted in refusal(send(tenant, payload))
    assert head(tenant) == before


def test_a_message_sent_as_another_type_is_refused(tenant: Tenant) -> None:
    assert CASE_GET in refusal(send(tenant, case_message("Sak"), type_id=CASE_GET))


@pytest.mark.parametrize("given", ["", "x" * 201, "a\nb", "hmac:1"])
def test_a_message_id_that_is_none_is_refused(tenant: Tenant, given: str) -> None:
    before = head(tenant)
    assert "message id" in refusal(send(tenant, case_message("Sak"), message_id=given))
    assert head(tenant) == before


class TestOverHttp:
    """Faults of the request itself, and the same faults of the message."""

    def test_a_path_as_file_name_is_an_answer(self, installation: Installation) -> None:
        tenant = installation.open()
        before = head(tenant)
        body = post(create_app(installation), files=[("payload", ("m", LETTER)), ("f", ("../brev.pdf", pdf()))])
        assert body.status_code == 200
        assert [one["type"].rpartition(".")[2] for one in body.json()["answers"]] == ["ugyldigforespoersel"]
        assert (head(tenant), blobs(tenant)) == (before, [])

    def test_a_file_sent_twice_is_an_answer(self, installation: Installation) -> None:
        files: list[Any] = [("payload", ("m", LETTER)), ("f", ("brev.pdf", pdf())), ("f", ("brev.pdf", pdf("2")))]
        body = post(create_app(installation), files=files)
        assert [one["type"].rpartition(".")[2] for one in body.json()["answers"]] == ["ugyldigforespoersel"]
        assert blobs(installation.open()) == []

    def test_a_file_may_come_before_the_payload_and_under_its_fields_name(self, installation: Installation) -> None:
        files: list[Any] = [("brev.pdf", ("brev.pdf", pdf())), ("payload", (None, LETTER)), ("message_id", (None, b"1"))]
        body = post(create_app(installation), files=files)
        assert [one["type"].rpartition(".")[2] for one in body.json()["answers"]] == ["mottatt", "kvittering"]

    @pytest.mark.parametrize(
        "request_",
        [
            {"content": b"<x/>", "headers": {"Content-Type": "application/xml"}},
            {"content": b"--x\r\nnonsense", "headers": {"Content-Type": "multipart/form-data; boundary=x"}},
            {"files": [("brev.pdf", ("brev.pdf", b"%PDF-"))]},
            {"files": [("payload", ("m", b"<x/>")), ("type", (None, b"\xff"))]},
        ],
    )
    def test_a_broken_request_is_a_problem(self, installation: Installation, request_: dict[str, Any]) -> None:
        answer = post(create_app(installation), **request_)
        assert answer.status_code == 400
        assert answer.headers["content-type"].startswith("application/problem+json")
        assert blobs(installation.open()) == []

    def test_a_stream_without_end_is_cut(self, installation: Installation) -> None:
        """Ten gigabytes cut at the setting's limit: what had come of the file is not kept."""
        installation.settings.request_limit = 3_000_000
        sent = 0

        async def stream() -> Any:
            nonlocal sent
            yield b'--x\r\nContent-Disposition: form-data; name="f"; filename="brev.pdf"\r\n\r\n%PDF-'
            for _ in range(10 * 1024):
                sent += 1
                yield b"0" * 1024 * 1024

        answer = post(create_app(installation), content=stream(), headers={"Content-Type": "multipart/form-data; boundary=x"})
        assert answer.status_code == 413
        assert sent < 20
        assert blobs(installation.open()) == []


def test_an_inner_fault_tells_nothing_of_itself(tenant: Tenant, monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    def broken(*given: object, **more: object) -> None:
        raise RuntimeError("the password is hunter2")

    monkeypatch.setattr(tenant.ledger, "append", broken)
    answers = send(tenant, case_message("Sak"))
    assert [one.type.rpartition(".")[2] for one in answers] == ["serverfeil"]
    assert "hunter2" not in value(answers, "/serverfeil/feilmelding")
    assert value(answers, "/serverfeil/feilId") in str([getattr(one, "fault", b"") for one in caplog.records])


@pytest.mark.parametrize("problem", [Busy(), ClockFault("the clocks differ")])
def test_a_ledger_that_cannot_write_now_says_when_to_come_again(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch, problem: LedgerError
) -> None:
    def away(*given: object, **more: object) -> None:
        raise problem

    monkeypatch.setattr(tenant.ledger, "append", away)
    answers = send(tenant, case_message("Sak"))
    assert [one.type.rpartition(".")[2] for one in answers] == ["serverfeil"]
    assert "Prøv igjen om" in value(answers, "/serverfeil/feilmelding")
    assert "the clocks differ" not in value(answers, "/serverfeil/feilmelding")
