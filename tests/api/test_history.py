"""The history's words: every fact is told in every language, with its codes by name, and none without its body."""

from __future__ import annotations

import dataclasses
import typing
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from api.web.texts import Catalogues
from domain import catalogue
from domain.ledger.ledger import Ledger
from domain.model.case_file import CaseAssigned, CaseStatusChanged
from domain.model.errors import NotFound
from domain.model.record import Named, Titled, TitledBody
from domain.model.registry_entry import EntryNumbered, SignedOff
from projections.history import days, history, summary, view_on
from tests.fixtures_ledger import LedgerTenant, new_case, new_entry

CATALOGUES = Catalogues(strict=True)


@pytest.fixture
def ledger(ledger_tenant: LedgerTenant) -> Ledger:
    return ledger_tenant.ledger


def sample(hint: Any) -> Any:
    """A value of an annotation."""
    inner = [one for one in typing.get_args(hint) if one is not type(None)]
    if typing.get_origin(hint) is tuple:
        return ()
    if inner:
        return sample(inner[0])
    if dataclasses.is_dataclass(hint):
        return build(typing.cast(type, hint))
    known = {str: "x", int: 7, bool: True, UUID: UUID(int=1), date: date(2026, 1, 2), datetime: datetime(2026, 1, 2, tzinfo=UTC)}
    return known[hint]


def build(cls: type, **given: Any) -> Any:
    hints = typing.get_type_hints(cls)
    return cls(**{field.name: given.get(field.name, sample(hints[field.name])) for field in dataclasses.fields(cls)})


@pytest.mark.parametrize("language", CATALOGUES.offered)
@pytest.mark.parametrize("topic", catalogue.NAMES)
def test_every_fact_is_told(topic: str, language: str) -> None:
    cls, words = catalogue.NAMES[topic], CATALOGUES.texts(language)
    told = summary(build(cls), topic, words)
    assert told
    assert not {"None", "UUID", "("} & set(told.split())
    if catalogue.has_body(topic):
        erased = dataclasses.replace(build(cls), body=None)
        assert words("record.erased.text") in summary(erased, topic, words)
        assert summary(erased, topic, words) != told


def test_codes_dates_and_names_are_the_readers() -> None:
    nb, en = CATALOGUES.texts("nb"), CATALOGUES.texts("en")
    closed = CaseStatusChanged("A", "B")
    assert summary(closed, "case-file.status-changed.v1", nb) == "Status ble endret fra «Under behandling» til «Avsluttet»"
    assert "Closed" in summary(closed, "case-file.status-changed.v1", en)
    signed = SignedOff(uuid4(), date(2026, 1, 2), "TLF", Named("Kari"))
    assert summary(signed, "registry-entry.signed-off.v1", nb) == "Avskrevet 02.01.2026 av Kari: Besvart på telefon"
    numbered = EntryNumbered(2026, 17, date(2026, 1, 2))
    assert "17/2026" in summary(numbered, "registry-entry.numbered.v1", en)
    assert "Enhet: –" in summary(CaseAssigned(Named("Kari")), "case-file.assigned.v1", nb)
    long = summary(Titled(TitledBody("x" * 1_000)), "record.titled.v1", nb)
    assert len(long) < 400


def test_a_history_holds_every_event_of_its_unit_in_order(ledger: Ledger) -> None:
    case = new_case(ledger)
    entry = new_entry(ledger, case)
    words = CATALOGUES.texts("en")
    told = history(ledger.reader, entry, words, {"tor.lie": "Tor Lie"}.__getitem__)
    stored = ledger.reader.stream(entry)
    assert (told["id"], told["kind"]) == (str(entry), "entry")
    assert [event["position"] for event in told["events"]] == [one.position for one in stored]
    assert [event["fact"] for event in told["events"]] == [one.topic for one in stored]
    assert {event["actor"]["name"] for event in told["events"]} == {"Tor Lie"}
    assert all(event["at"].endswith("Z") for event in told["events"])
    with pytest.raises(NotFound):
        history(ledger.reader, uuid4(), words)


def test_a_view_on_a_day_ends_at_local_midnight(ledger: Ledger) -> None:
    records = ledger.reader.stream(new_case(ledger))

    def at(moment: str) -> list[Any]:
        return [one._replace(envelope=msgspec.structs.replace(one.envelope, at=moment)) for one in records]

    summer = at("2026-07-01T21:59:59.999999Z")
    assert view_on(summer, date(2026, 7, 1)) is not None
    assert view_on(summer, date(2026, 6, 30)) is None
    after = at("2026-07-01T22:00:00.000000Z")
    assert view_on(after, date(2026, 7, 1)) is None
    assert view_on(after, date(2026, 7, 2)) is not None
    assert days(after) == [date(2026, 7, 2)]
    changed = at("2026-10-25T22:59:59.000000Z")  # the day with 25 hours
    assert view_on(changed, date(2026, 10, 25)) is not None
