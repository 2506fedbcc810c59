"""Who did what to a unit, when, with which rights and on which bytes: the history behind the page, REST and `dagbok history`.

Shape (DESIGN §9): `{"id", "kind", "events": [{"position", "fact", "at", "actor": {"id", "name", "roles", "login"}, "reason",
"summary", "digest"}], "signatures": [..]}`. Each fact is told in words through the key `fact.<topic>`; a fact whose words were
destroyed is told through `fact.erased`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Protocol
from uuid import UUID

from domain.ledger.clock import LOCAL
from domain.ledger.reader import Reader, Recorded
from domain.model import case_file, codes, document, fonds, organisation, record, registry_entry, series
from domain.model.errors import NotFound
from projections import view
from projections.view import View


class Words(Protocol):
    """A language: texts by key, its code for the names of codes, and its dates."""

    @property
    def language(self) -> str:
        """`nb`, `nn`, `sv` or `en`."""
        ...

    def __call__(self, key: str, /, **values: object) -> str:
        """The text of a key."""
        ...

    def date(self, day: date | datetime) -> str:
        """A day as the language writes it."""
        ...


# The field of a fact -> the code list that names its value. A field that means different things is listed by its fact below.
_CODES: Mapping[str, codes.CodeList] = {
    "entry_type": codes.ENTRY_TYPE,
    "party_type": codes.PARTY_TYPE,
    "method": codes.SIGN_OFF_METHOD,
    "association": codes.ASSOCIATION,
    "variant": codes.VARIANT,
    "access_restriction": codes.ACCESS_RESTRICTION,
}
_STATUS: Mapping[type, codes.CodeList] = {
    case_file.CaseFileCreated: codes.CASE_STATUS,
    case_file.CaseStatusChanged: codes.CASE_STATUS,
    case_file.CaseDiscarded: codes.CASE_STATUS,
    case_file.EntryStatusNoted: codes.ENTRY_STATUS,
    registry_entry.EntryRegistered: codes.ENTRY_STATUS,
    registry_entry.EntryStatusChanged: codes.ENTRY_STATUS,
    registry_entry.EntryJournalled: codes.ENTRY_STATUS,
    registry_entry.EntryArchived: codes.ENTRY_STATUS,
    registry_entry.EntryDiscarded: codes.ENTRY_STATUS,
    document.DocumentCreated: codes.DOCUMENT_STATUS,
    document.DocumentStatusChanged: codes.DOCUMENT_STATUS,
    series.SeriesCreated: codes.SERIES_STATUS,
    series.SeriesStatusChanged: codes.SERIES_STATUS,
    fonds.FondsCreated: codes.FONDS_STATUS,
}
TEXT_LIMIT = 300


def history(reader: Reader, unit: UUID, words: Words, name_of: Callable[[str], str] = str) -> View:
    """The history of a case, entry, document or other unit, oldest first; the view that was true after each event is `view_on`.

    name_of: the name of an actor id. Raises NotFound where there is no such unit.
    """
    records = reader.stream(unit)
    folded = view.fold(records)
    if folded is None:
        raise NotFound("unit", str(unit))
    return {
        "id": str(unit),
        "kind": folded["kind"],
        "events": [_event(one, words, name_of) for one in records],
        "signatures": [],  # a signature is a fact of the signing part; none can exist before it
    }


def view_on(records: Iterable[Recorded], day: date) -> View | None:
    """The unit as it stood at the end of a local day: what had legal effect by then. None where it did not exist yet."""
    end = datetime.combine(day, time(), LOCAL) + timedelta(days=1)
    return view.fold(one for one in records if instant(one) < end)


def days(records: Iterable[Recorded]) -> list[date]:
    """The local days on which something happened, oldest first."""
    return sorted({instant(one).astimezone(LOCAL).date() for one in records})


def instant(recorded: Recorded) -> datetime:
    """When a fact took effect: the act's own instant, else when it was recorded."""
    at = recorded.envelope.at
    return datetime.fromisoformat(at) if at else datetime.fromtimestamp(recorded.recorded_at_us / 1_000_000, UTC)


def summary(fact: Any, topic: str, words: Words) -> str:
    """One fact in words."""
    if getattr(fact, "body", view) is None:
        return words("fact.erased", what=words(f"fact.name.{topic}"))
    return words(f"fact.{topic}", **_values(fact, words))


def _event(recorded: Recorded, words: Words, name_of: Callable[[str], str]) -> View:
    envelope, fact = recorded.envelope, recorded.fact
    return {
        "position": recorded.position,
        "chain_id": recorded.chain_id,
        "fact": recorded.topic,
        "at": view.plain(instant(recorded)),
        "actor": {"id": envelope.actor, "name": name_of(envelope.actor), "roles": [], "login": envelope.login},
        "for": envelope.for_,
        "reason": envelope.basis,
        "rests_on": list(envelope.rests_on or ()),
        "source": envelope.src,
        "command": envelope.cmd,
        "summary": summary(fact, recorded.topic, words),
        "erased": getattr(fact, "body", view) is None,
        "digest": getattr(fact, "checksum", None),
    }


def _values(fact: Any, words: Words) -> dict[str, str]:
    """Every field of a fact and its body as text, a dash where there is none."""
    values: dict[str, str] = {}
    statuses = _STATUS.get(type(fact), {})
    for part in (fact, getattr(fact, "body", None)):
        if part is None:
            continue
        for field in dataclasses.fields(part):
            value = getattr(part, field.name)
            names = statuses if field.name in ("status", "previous") else _CODES.get(field.name)
            values[field.name] = codes.name(names, value, words.language) if names and value else _text(value, words)
    return values


def _text(value: Any, words: Words) -> str:
    match value:
        case None | "" | ():
            return "–"
        case datetime() | date():
            return words.date(value)
        case record.Named():
            return value.name
        case organisation.CellText():
            return f"{value.cell} = {value.scope}"
        case tuple():
            return ", ".join(_text(one, words) for one in value)
        case _:
            text = str(value)
            return text if len(text) <= TEXT_LIMIT else text[: TEXT_LIMIT - 1] + "…"
