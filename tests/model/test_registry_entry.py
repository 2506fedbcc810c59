"""Registry entries: every command in every status."""

from __future__ import annotations

import dataclasses
from datetime import date

import pytest

from domain.model import codes
from domain.model import registering as r
from domain.model import registry_entry as e
from domain.model.ids import Number, NumberedKey
from domain.model.record import ContactBody, Named
from tests.model.spec import AT, OTHER, THIRD, TODAY, Given, given, when

STATUSES = tuple(codes.ENTRY_STATUS)
FINISHED = ("E", "J", "A", "U")
UNFINISHED = tuple(status for status in STATUSES if status not in FINISHED)
SENDER = e.PartyRecorded(OTHER, "EA", ContactBody("Ola Nordmann"))
SIGNED = e.SignedOff(THIRD, TODAY, "TE", Named("Kari"))
NUMBER = Number("journal/2026")
NUMBERED = e.EntryNumbered(2026, NUMBER, TODAY, (("journal-number", NumberedKey("2026/", NUMBER)),))


def entry(status: str = "M", *more: e.Fact, kind: str = e.ENTRY, numbered: bool = True) -> Given:
    number = (e.EntryNumbered(2026, 5, TODAY),) if numbered else ()
    return given(e.evolve, e.EntryRegistered(kind, status, "I"), *number, *more)


def moved(*statuses: str) -> tuple[e.Fact, ...]:
    return tuple(
        e.EntryJournalled("M") if one == "J" else e.EntryArchived(AT, "J") if one == "A" else e.EntryStatusChanged(one, "M")
        for one in statuses
    )


GONE = entry("M", e.EntryDiscarded("M"))


@pytest.mark.parametrize("status", STATUSES)
def test_the_serial_number_comes_with_the_first_status_but_r(status: str) -> None:
    command = r.RegisterEntry(TODAY, status, entry_type="I")
    kinds = (e.EntryRegistered,) if status == "R" else (e.EntryRegistered, e.EntryNumbered)
    when(r.register, None, command).then_kinds(*kinds)


def test_a_message_is_numbered_at_receipt_in_any_status() -> None:
    command = r.RegisterEntry(TODAY, "R", entry_type="I", number_at_receipt=True)
    assert when(r.register, None, command).facts[1] == NUMBERED


def test_a_given_journal_date_holds_and_the_year_is_that_of_the_act() -> None:
    command = r.RegisterEntry(TODAY, "J", entry_type="I", journal_date=date(2025, 12, 30))
    numbered = when(r.register, None, command).facts[1]
    assert (numbered.journal_year, numbered.journal_date) == (2026, date(2025, 12, 30))


@pytest.mark.parametrize("kind", [e.NOTE, e.RECORD])
def test_a_note_takes_no_serial_number(kind: str) -> None:
    when(r.register, None, r.RegisterEntry(TODAY, "J", kind)).then_kinds(e.EntryRegistered)
    entry("R", kind=kind, numbered=False).when(r.change_status, "F", TODAY, AT).then(e.EntryStatusChanged("F", "R"))


def test_an_entry_is_registered_once() -> None:
    entry().when(r.register, r.RegisterEntry(TODAY, "J", entry_type="I")).then_refused("exists")


@pytest.mark.parametrize("status", [one for one in STATUSES if one != "R"])
def test_a_reserved_entry_is_numbered_when_it_leaves_r(status: str) -> None:
    decided = entry("R", numbered=False).when(r.change_status, status, TODAY, AT)
    assert decided.facts[0] == NUMBERED
    entry("R").when(r.change_status, status, TODAY, AT).then(*decided.facts[1:])


@pytest.mark.parametrize("before", STATUSES)
@pytest.mark.parametrize("after", STATUSES)
def test_status_against_status(before: str, after: str) -> None:
    decided = entry(before).when(r.change_status, after, TODAY, AT)
    if before == after:
        decided.then()
    elif before in FINISHED and after in ("R", "M", "S"):
        decided.then_refused("entry.not_back", "3.2.19")
    else:
        kind = {"J": e.EntryJournalled, "A": e.EntryArchived}.get(after, e.EntryStatusChanged)
        decided.then_kinds(kind)
        assert decided.facts[0].previous == before


def test_archiving_sets_the_date_of_the_act() -> None:
    entry("J").when(r.change_status, "A", TODAY, AT).then(e.EntryArchived(AT, "J"))


@pytest.mark.parametrize("status", STATUSES)
def test_only_what_was_never_finished_is_discarded(status: str) -> None:
    decided = entry(status).when(r.discard)
    if status in FINISHED:
        decided.then_refused("entry.finished", "3.2.19")
    else:
        decided.then(e.EntryDiscarded(status))


@pytest.mark.parametrize("once", FINISHED)
@pytest.mark.parametrize("now", ["F", "G"])
def test_what_was_finished_once_is_not_discarded(once: str, now: str) -> None:
    entry("M", *moved(once, now)).when(r.discard).then_refused("entry.finished", "3.2.19")


@pytest.mark.parametrize("status", STATUSES)
def test_an_archived_entry_takes_no_document(status: str) -> None:
    link = e.DocumentLinked(OTHER, "H", 1)
    decided = entry(status).when(r.link_document, link)
    if status == "A":
        decided.then_refused("entry.archived", "2.6.7")
    else:
        decided.then(link)


def test_nor_one_that_was_archived() -> None:
    link = e.DocumentLinked(OTHER, "H", 1)
    entry("J", *moved("A", "J")).when(r.link_document, link).then_refused("entry.archived", "2.6.7")


def test_a_document_is_linked_once() -> None:
    link = e.DocumentLinked(OTHER, "H", 1)
    entry("J", link).when(r.link_document, dataclasses.replace(link, association="V", number=2)).then_refused("exists")


@pytest.mark.parametrize("status", STATUSES)
def test_parties_and_dates_may_change_in_any_status(status: str) -> None:
    other_sender = dataclasses.replace(SENDER, body=ContactBody("Per Hansen"))
    entry(status).when(r.record_party, SENDER).then(SENDER)
    entry(status, SENDER).when(r.record_party, SENDER).then()
    entry(status, SENDER).when(r.record_party, other_sender).then(other_sender)
    entry(status, SENDER).when(r.remove_party, OTHER).then(e.PartyRemoved(OTHER))
    entry(status).when(r.remove_party, OTHER).then_refused("party.unknown", "2.6.3")
    dates = e.EntryDated(document_date=TODAY)
    entry(status).when(r.set_dates, dates).then(dates)
    entry(status, dates).when(r.set_dates, dates).then()
    entry(status, dates).when(r.set_dates, e.EntryDated()).then()
    entry(status).when(r.change_type, "U").then(e.EntryTypeChanged("U"))
    entry(status).when(r.change_type, "I").then()


@pytest.mark.parametrize("status", STATUSES)
def test_signing_off(status: str) -> None:
    entry(status).when(r.sign_off, SIGNED).then(SIGNED)
    entry(status, SIGNED).when(r.sign_off, SIGNED).then()
    again = dataclasses.replace(SIGNED, sign_off=OTHER, method="BE")
    entry(status, SIGNED).when(r.sign_off, again).then(e.SignOffRemoved(THIRD), again)
    entry(status, SIGNED).when(r.undo_sign_off, None).then(e.SignOffRemoved(THIRD))
    entry(status).when(r.undo_sign_off, None).then_refused("sign_off.unknown", "3.4.7")


def test_signing_off_for_one_party() -> None:
    mine = dataclasses.replace(SIGNED, party=OTHER)
    entry("J", SENDER).when(r.sign_off, mine).then(mine)
    entry("J").when(r.sign_off, mine).then_refused("party.unknown", "3.4.6")
    entry("J", SENDER, mine).when(r.undo_sign_off, OTHER).then(e.SignOffRemoved(THIRD))
    entry("J", SENDER, mine).when(r.undo_sign_off, THIRD).then_refused("sign_off.unknown", "3.4.7")


@pytest.mark.parametrize("party_type", codes.PARTY_TYPE)
def test_copy_recipients_do_not_answer(party_type: str) -> None:
    mine = dataclasses.replace(SIGNED, party=OTHER)
    decided = entry("J", dataclasses.replace(SENDER, party_type=party_type)).when(r.sign_off, mine)
    if party_type in ("EK", "IK"):
        decided.then_refused("party.copy_recipient", "3.4.9")
    else:
        decided.then(mine)


def test_nothing_happens_to_a_discarded_entry() -> None:
    gone = "entry.discarded", "3.2.19"
    GONE.when(r.change_status, "J", TODAY, AT).then_refused(*gone)
    GONE.when(r.set_dates, e.EntryDated(due_date=TODAY)).then_refused(*gone)
    GONE.when(r.change_type, "U").then_refused(*gone)
    GONE.when(r.record_party, SENDER).then_refused(*gone)
    GONE.when(r.remove_party, OTHER).then_refused(*gone)
    GONE.when(r.sign_off, SIGNED).then_refused(*gone)
    GONE.when(r.undo_sign_off, None).then_refused(*gone)
    GONE.when(r.link_document, e.DocumentLinked(OTHER, "H", 1)).then_refused(*gone)
    GONE.when(r.discard).then()


def test_a_party_whose_body_was_destroyed_is_known_still() -> None:
    erased = dataclasses.replace(SENDER, body=None)
    entry("J", erased).when(r.sign_off, dataclasses.replace(SIGNED, party=OTHER)).then_kinds(e.SignedOff)
    entry("J", erased).when(r.record_party, SENDER).then(SENDER)
