"""Two worlds that differ only in what is screened give somebody without clearance the same answers, byte for byte."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from uuid import UUID

import psycopg
import pytest

from api.installation import Installation
from api.requests import PERSON_COOKIE
from domain.ledger.ledger import Ledger
from projections import visibility
from tests.fixtures_ledger import LedgerTenant
from tests.fixtures_web import API
from tests.rights.population import Population
from tests.rights.test_canaries import DOCUMENT, PATH, hidden, played, searches
from tools.demo.staff import House

PAIRS = [pytest.param(2, id="short"), pytest.param(100, id="long", marks=pytest.mark.deep)]
CASES = 5
READER = "per.nes"
# what differs between any two runs, and says nothing: instants, hashes of salted facts, seals and tokens of forms
_SAME = [
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?(\.\d+)?(Z|\+00:00)"), "<instant>"),
    (re.compile(r"\d\d\.\d\d\.\d{4}[^<\"]{0,5}\d\d:\d\d(:\d\d)?"), "<instant>"),
    (re.compile(r"(\d{4}-\d\d-\d\dT|\b)\d\d:\d\d(:\d\d)?\b"), "<time>"),
    (re.compile(r"\b[0-9a-f]{64}\b"), "<hash>"),
    (re.compile(r'name="(token|once)" value="[^"]*"'), "<token>"),
    (re.compile(r">[0-9a-f]{12}<"), "><hash><"),
    (re.compile(r"dagbok_form=[^;']*"), "<cookie>"),
    (re.compile(r'"next":"[^"]*"'), "<cursor>"),
    (re.compile(r"[A-Za-z0-9+/]{80,}={0,2}"), "<bytes>"),
]


@pytest.fixture
def house(ledger_tenant: LedgerTenant) -> None:
    """The database that every world is a copy of: an opened municipality with its staff, and no record."""
    made = House(ledger_tenant.open_ledger())
    made.open()
    made.staff()
    ledger_tenant.close()
    ledger_tenant._opened.clear()


@contextmanager
def copy_of(one: LedgerTenant, number: int) -> Iterator[LedgerTenant]:
    """A database like it."""
    name = f"{one.database}_world{number}"
    with psycopg.connect(one.server.dsn(), autocommit=True) as connection:
        connection.execute(f'create database "{name}" template "{one.database}"')
        connection.execute(f'grant create on database "{name}" to "{one.tenant}_work"')
    try:
        yield replace(one, database=name, _opened=[])
    finally:
        with psycopg.connect(one.server.dsn(), autocommit=True) as connection:
            connection.execute(f'drop database "{name}" with (force)')


def filled(ledger: Ledger, seed: int, other: frozenset[UUID]) -> Population:
    town = Population(House(ledger).found(), seed, other=other)
    for _ in range(CASES):
        town.case()
    return town


def answers(
    one: LedgerTenant, seed: int, other: frozenset[UUID], asked: list[str]
) -> tuple[dict[str, str], Population, list[str]]:
    """Everything that the reader is told of a world; asked: words to search for, or none yet."""
    with Installation(one.settings()) as installation:
        tenant = installation.open()
        town = filled(tenant.ledger, seed, other)
        words = asked or [words[0] for words in hidden(town, READER).values()]
        with played(town, installation, tenant) as web:
            web.client.cookies.set(PERSON_COOKIE, READER)
            told: dict[str, str] = {}
            paths = ["/", "/journal", "/cases", f"{API}/journal?limit=200", f"{API}/cases?limit=200"]
            paths += [f"{path}?q={word}" for word in words[:4] for path in (f"{API}/journal", "/cases")]
            for kind, unit in town.units:
                if kind != DOCUMENT or unit in other or not other:
                    paths += [f"{API}/{PATH[kind]}/{unit}", f"/{PATH[kind]}/{unit}"][: 1 if kind == DOCUMENT else 2]
            for path in paths:
                answer = web.client.get(path)
                told[path] = f"{answer.status_code}\n{dict(answer.headers)}\n{answer.text}"
            for number, message in enumerate(searches(words[0]) if words else ()):
                sent = {"payload": ("m.xml", message, "application/xml")}
                told[f"search {number}"] = web.client.post(f"{API}/fiks-arkiv/messages", files=sent).text
        return told, town, words


def plain(text: str) -> str:
    for pattern, instead in _SAME:
        text = pattern.sub(instead, text)
    return text


def differing(one: LedgerTenant, seed: int) -> tuple[int, list[str]]:
    """(how many units differ between the two worlds of a seed, the answers that do)."""
    with copy_of(one, 1) as first, copy_of(one, 2) as second:
        before, town, words = answers(first, seed, frozenset(), [])
        with Installation(first.settings()) as installation:
            town.house = House(installation.open(follow=False).ledger).found()
            other = frozenset(hidden(town, READER))
        after, _, _ = answers(second, seed, other, words)
    shared = before.keys() & after.keys()
    assert len(shared) > 15
    told = [path for path in sorted(shared) if plain(before[path]) != plain(after[path])]
    return len(other), [f"{path}: {_first(plain(before[path]), plain(after[path]))}" for path in told]


def _first(one: str, other: str) -> str:
    at = next((n for n, (left, right) in enumerate(zip(one, other, strict=False)) if left != right), min(len(one), len(other)))
    return f"…{one[max(0, at - 60) : at + 60]!r} against {other[max(0, at - 60) : at + 60]!r}"


@pytest.mark.usefixtures("house")
@pytest.mark.parametrize("pairs", PAIRS)
def test_worlds_that_differ_in_what_is_screened_look_alike(ledger_tenant: LedgerTenant, pairs: int) -> None:
    differ = 0
    for seed in range(pairs):
        units, told = differing(ledger_tenant, seed)
        assert told == [], seed
        differ += units > 0
    assert differ >= pairs * 0.9


@pytest.mark.usefixtures("house")
def test_worlds_look_different_where_the_filter_is_off(ledger_tenant: LedgerTenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visibility.Judge, "part", lambda *_: (True, True, True))
    assert any(differing(ledger_tenant, seed)[1] for seed in range(2))
