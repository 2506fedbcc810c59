"""What happens in Fjordvik in a year, day by day: drawn from a seed alone, so that the same seed gives the same year."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from domain.ledger.clock import LOCAL
from tools.demo.people import FIRMS, FIRST, HANDLERS, LAST, MATTERS, POSITIONS, STREETS

CASES_A_YEAR = 3_000
ENTRIES_A_YEAR = 12_000


@dataclass(slots=True)
class Matter:
    """A case as planned. entries: how many it has so far; waiting: incoming ones not answered yet."""

    number: int
    title: str
    unit: str
    handler: tuple[str, str, str]
    incoming: str
    outgoing: str
    system: str
    class_id: str
    code: str | None
    party: str
    entries: int = 0
    waiting: list[int] = field(default_factory=list)
    closed: bool = False


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing that happens at an instant. kind: case, entry, answer, journal or close; entry: running number of the entry."""

    at: datetime
    kind: str
    matter: Matter
    entry: int = 0
    entry_type: str = "I"
    title: str = ""
    party: str = ""
    attachments: int = 0
    answers: int | None = None


def working_days(last: date, days: int) -> list[date]:
    """Weekdays of the `days` days up to and with `last`."""
    every = (last - timedelta(days=back) for back in range(days, -1, -1))
    return [day for day in every if day.weekday() < 5]


def year(end: datetime, seed: int, size: float) -> Iterator[Happening]:
    """The happenings of the year that ends on the working day before `end`, in order."""
    rng = random.Random(seed)  # noqa: S311  a seeded play, no secret
    last = end.astimezone(LOCAL).date() - timedelta(days=1)
    while last.weekday() >= 5:
        last -= timedelta(days=1)
    days = working_days(last, 364)
    matters: list[Matter] = []
    count = 0
    for index, day in enumerate(days):
        cases = _due(CASES_A_YEAR * size, index, len(days))
        entries = _due(ENTRIES_A_YEAR * size, index, len(days))
        moments = _moments(rng, day, cases + entries)
        fresh = [_matter(rng, len(matters) + one, day.year) for one in range(cases)]
        for matter in fresh:
            matters.append(matter)
            yield Happening(next(moments), "case", matter)
        live = [one for one in matters[-400:] if not one.closed] or matters[-1:]
        for one in range(entries if matters else 0):
            matter = fresh[one] if one < len(fresh) else rng.choice(live)
            count += 1
            yield _entry(rng, next(moments), matter, count)
        if day.weekday() == 4:
            yield from _close(rng, day, matters)


def _due(total: float, index: int, days: int) -> int:
    return int(total * (index + 1) / days) - int(total * index / days)


def _moments(rng: random.Random, day: date, count: int) -> Iterator[datetime]:
    opened = datetime.combine(day, time(8, 0), LOCAL)
    seconds = sorted(rng.uniform(0, 7.5 * 3600) for _ in range(count))
    return iter([(opened + timedelta(seconds=second)).astimezone(UTC) for second in seconds])


def _matter(rng: random.Random, number: int, of_year: int) -> Matter:
    title, unit, incoming, outgoing, system, class_id, code = rng.choice(MATTERS)
    person = f"{rng.choice(FIRST)} {rng.choice(LAST)}"
    words = {
        "gnr": rng.randint(1, 140),
        "bnr": rng.randint(1, 90),
        "name": person,
        "street": rng.choice(STREETS),
        "firm": rng.choice(FIRMS),
        "title": rng.choice(POSITIONS),
        "year": of_year,
    }
    handler = rng.choice([one for one in HANDLERS if one[2] == unit] or list(HANDLERS))
    party = person if rng.random() < 0.7 else rng.choice(FIRMS)
    return Matter(number, title.format(**words), unit, handler, incoming, outgoing, system, class_id, code, party)


def _entry(rng: random.Random, at: datetime, matter: Matter, count: int) -> Happening:
    drawn = rng.random()
    matter.entries += 1
    attachments = rng.choice((0, 0, 0, 0, 1, 2))
    if matter.waiting and drawn < 0.45:
        answered = matter.waiting.pop(0)
        return Happening(at, "answer", matter, count, "U", matter.outgoing, matter.party, attachments, answered)
    if drawn < 0.75 or matter.entries == 1:
        matter.waiting.append(count)
        title = (
            matter.incoming
            if matter.entries == 1
            else rng.choice((matter.incoming, "Supplerende opplysninger", "Purring", "Merknader"))
        )
        return Happening(at, "entry", matter, count, "I", title, matter.party, attachments)
    if drawn < 0.88:
        return Happening(
            at,
            "entry",
            matter,
            count,
            "U",
            rng.choice(("Foreløpig svar", "Orientering", matter.outgoing)),
            matter.party,
            attachments,
        )
    if drawn < 0.95:
        return Happening(at, "entry", matter, count, "X", "Internt notat", matter.handler[1], 0)
    return Happening(at, "entry", matter, count, "S", f"Saksframlegg: {matter.outgoing}", matter.handler[1], attachments)


def _close(rng: random.Random, day: date, matters: list[Matter]) -> Iterator[Happening]:
    at = datetime.combine(day, time(15, 45), LOCAL).astimezone(UTC)
    for matter in matters[:-60]:
        if not matter.closed and not matter.waiting and matter.entries and rng.random() < 0.15:
            matter.closed = True
            at += timedelta(seconds=1)
            yield Happening(at, "close", matter)
