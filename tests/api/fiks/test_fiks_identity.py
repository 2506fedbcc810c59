"""The same message twice: by its id, by its bytes, by its external keys."""

from __future__ import annotations

import threading

from api.fiks_arkiv.answers import Answer
from api.installation import Tenant
from tests.api.fiks.sending import blobs, head, pdf, refusal, send, value
from tests.api.fiks.written import (
    CREATE,
    case,
    case_message,
    code,
    document,
    entry,
    message,
    party,
    reference,
    update_case,
    update_entry,
)

KEY, ENTRY_KEY = ("Fagsystem", "sak"), ("Fagsystem", "post")
RECEIPT = "/arkivmeldingKvittering/"
FILES = {"brev.pdf": pdf()}


def both(more: str = "", status: str = "J") -> bytes:
    """A case and an entry in it, both with keys, and a file."""
    letter = document("Brev", "brev.pdf")
    return message(
        case("Sak", KEY) + entry("Brev", ENTRY_KEY, status=status, inside_documents=letter, parties=party("Ola"), more=more), 1
    )


def there(answers: list[Answer], unit: str) -> str:
    """Opprettet or Eksisterende."""
    return value(answers, f"{RECEIPT}{unit}Kvittering/opprettetEllerEksisterende")


def test_a_repeated_message_id_gets_the_same_answer_and_adds_nothing(tenant: Tenant) -> None:
    first = send(tenant, both(), FILES, message_id="m-1")
    before, stored = head(tenant), blobs(tenant)
    assert send(tenant, both(), FILES, message_id="m-1") == first
    assert there(first, "mappe") == there(first, "registrering") == "Opprettet"
    assert (head(tenant), blobs(tenant)) == (before, stored)


def test_a_repeated_answer_is_told_by_its_own_message_alone(tenant: Tenant) -> None:
    """The case was there when the second message came: its answer says so each time."""
    send(tenant, case_message("Sak", KEY), message_id="m-1")
    first = send(tenant, both(), FILES, message_id="m-2")
    assert (there(first, "mappe"), there(first, "registrering")) == ("Eksisterende", "Opprettet")
    assert send(tenant, both(), FILES, message_id="m-2") == first


def test_a_message_id_of_an_earlier_message_of_another_type_is_refused(tenant: Tenant) -> None:
    send(tenant, case_message("Sak", KEY), message_id="m-1")
    send(tenant, update_case(KEY, code("saksstatus", "A")), message_id="m-2")
    before = head(tenant)
    assert "another type" in refusal(send(tenant, case_message("Ny sak"), message_id="m-2"))
    assert head(tenant) == before


def test_the_same_content_under_another_id_is_there_already(tenant: Tenant) -> None:
    first = send(tenant, both(), FILES, message_id="m-1")
    before, stored = head(tenant), blobs(tenant)
    again = send(tenant, both(), FILES, message_id="m-2")
    assert there(again, "mappe") == there(again, "registrering") == "Eksisterende"
    for unit in ("mappe", "registrering"):
        assert value(again, f"{RECEIPT}{unit}Kvittering/systemID") == value(first, f"{RECEIPT}{unit}Kvittering/systemID")
    assert (head(tenant), blobs(tenant)) == (before, stored)


def test_other_content_under_the_same_key_is_refused(tenant: Tenant) -> None:
    send(tenant, both(), FILES)
    before, stored = head(tenant), blobs(tenant)
    assert "other content" in refusal(send(tenant, both(status="F"), FILES))
    assert "other content" in refusal(send(tenant, both(), {"brev.pdf": pdf("another")}))
    assert (head(tenant), blobs(tenant)) == (before, stored)


def test_a_message_without_id_and_keys_is_known_by_its_bytes(tenant: Tenant) -> None:
    payload = message(case("Sak") + entry("Brev", inside_documents=document("Brev", "brev.pdf")), 1)
    first = send(tenant, payload, FILES)
    before, stored = head(tenant), blobs(tenant)
    again = send(tenant, payload, FILES)
    assert (there(first, "mappe"), there(again, "mappe")) == ("Opprettet", "Eksisterende")
    assert value(again, f"{RECEIPT}registreringKvittering/systemID") == value(first, f"{RECEIPT}registreringKvittering/systemID")
    assert (head(tenant), blobs(tenant)) == (before, stored)
    other = send(tenant, payload, {"brev.pdf": pdf("another")})
    assert there(other, "mappe") == "Opprettet"
    assert head(tenant) > before


def test_an_update_is_not_known_by_its_bytes(tenant: Tenant) -> None:
    """Closing, opening and closing again are three changes, though the first and the last message have the same bytes."""
    send(tenant, case_message("Sak", KEY))
    heads = []
    for status in ("A", "B", "A", "A"):
        send(tenant, update_case(KEY, code("saksstatus", status)))
        heads.append(head(tenant))
    assert heads[0] < heads[1] < heads[2] == heads[3]


def test_a_repeated_update_id_changes_nothing(tenant: Tenant) -> None:
    send(tenant, case_message("Sak", KEY))
    comment = f'<merknadOppdateringer><ny><merknadstekst xmlns="{CREATE}">x</merknadstekst></ny></merknadOppdateringer>'
    first = send(tenant, update_case(KEY, comment), message_id="u-1")
    before = head(tenant)
    assert send(tenant, update_case(KEY, comment), message_id="u-1") == first
    assert head(tenant) == before


def test_a_systemid_that_names_the_same_content_is_there_already(tenant: Tenant) -> None:
    made = value(send(tenant, case_message("Sak")), f"{RECEIPT}mappeKvittering/systemID")
    before = head(tenant)
    same = send(tenant, message(case("Sak", before=f"<systemID>{made}</systemID>")))
    assert there(same, "mappe") == "Eksisterende"
    assert "other content" in refusal(send(tenant, message(case("En annen", before=f"<systemID>{made}</systemID>"))))
    assert head(tenant) == before


def test_an_entry_that_is_there_goes_with_its_own_case(tenant: Tenant) -> None:
    send(tenant, message(case("Sak") + entry("Brev", ENTRY_KEY)), message_id="m-1")
    before = head(tenant)
    again = send(tenant, message(case("Sak") + entry("Brev", ENTRY_KEY)), message_id="m-2")
    assert there(again, "mappe") == "Eksisterende"
    assert "not in the mappe" in refusal(send(tenant, message(case("En annen") + entry("Brev", ENTRY_KEY)), message_id="m-3"))
    assert head(tenant) == before


def test_a_released_key_names_nothing_and_is_free(tenant: Tenant) -> None:
    send(tenant, message(entry("Brev", ENTRY_KEY)))
    new = reference("x", key=("Fagsystem", "ny")).removeprefix("<x>").removesuffix("</x>")
    inside = new.replace(' xmlns="https://ks-no.github.io/standarder/fiks-protokoll/fiks-arkiv/metadatakatalog/v1">', ">", 1)
    assert "kvittering" in send(tenant, update_entry(ENTRY_KEY, inside))[-1].type
    assert send(tenant, update_entry(ENTRY_KEY, code("journalstatus", "A")))[0].type.endswith("ikkefunnet")
    assert there(send(tenant, message(entry("Et annet brev", ENTRY_KEY))), "registrering") == "Opprettet"
    assert "kvittering" in send(tenant, update_entry(("Fagsystem", "ny"), code("journalstatus", "A")))[-1].type


def test_one_message_sent_by_eight_at_once_is_carried_out_once(tenant: Tenant) -> None:
    answers: list[list[Answer]] = []

    def one() -> None:
        answers.append(send(tenant, both(), FILES, message_id="m-1"))

    threads = [threading.Thread(target=one) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 8
    assert all(one == answers[0] for one in answers)
    assert len(blobs(tenant)) == 1
    assert value(answers[0], f"{RECEIPT}registreringKvittering/journalsekvensnummer") == "1"
