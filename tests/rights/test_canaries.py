"""What is screened leaves no trace for somebody without clearance: no word of it, and no answer that depends on it."""

from __future__ import annotations

import base64
import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest

from api.fiks_arkiv.encode import encode
from api.fiks_arkiv.message_types import SEARCH
from api.installation import Installation, Tenant
from api.requests import PERSON_COOKIE, Demo
from domain.ledger.clock import SetClock
from domain.model.access import Allowed
from projections import visibility
from projections.journal.seen import Seen
from projections.visibility import READ
from tests.api.fiks.written import get_case, get_entry
from tests.fixtures_ledger import LedgerTenant
from tests.fixtures_web import API, Web, opened
from tests.rights.population import Population, populated
from tools.demo.staff import STAFF

SIZES = [pytest.param(34, 1, 40, id="short"), pytest.param(340, 3, 2_000, id="long", marks=pytest.mark.deep)]
CASE, ENTRY, DOCUMENT = "case", "entry", "document"
PATH = {CASE: "cases", ENTRY: "entries", DOCUMENT: "documents"}


@contextmanager
def played(town: Population, installation: Installation, tenant: Tenant) -> Iterator[Web]:
    """The population on the web, where anybody can be played."""
    people = tuple((hired.user_name, hired.name) for hired in STAFF)
    with opened(installation, tenant, Demo(people, SetClock(tenant.ledger.clock.now()))) as web:
        web.caught_up()
        yield web


def hidden(town: Population, user_name: str) -> dict[UUID, list[str]]:
    """The words of what somebody may not read, by unit; of what is coded alone."""
    kinds = {unit: kind for kind, unit in town.units}
    found = {}
    for unit, words in town.canaries.items():
        kind, subject = kinds[unit], town.subject(unit)
        assert subject is not None
        if subject.code is not None and not isinstance(town.decided(user_name, READ[kind], unit), Allowed):
            found[unit] = words
    return found


def searches(word: str) -> list[bytes]:
    """A word asked for by KS messages, in free text and in fields."""
    asked = []
    for target in ("saksmappe", "mappe", "registrering", "journalpost", "dokumentbeskrivelse"):
        free = {"@type": f"{target}FritekstSokdefinisjon", "responstype": "utvidet", "soketekst": word}
        asked.append(encode(SEARCH, {"system": "F", "take": 100, "skip": 0, "sokdefinisjon": free}))
    for target, field in (("saksmappe", "mappeTittel"), ("registrering", "registreringKorrespondansepartKorrespondansepartNavn")):
        one = {"felt": field, "operator": "wildcardquery", "sokVerdier": {"stringvalues": {"value": ["*kanari*"]}}}
        fields = {"@type": f"{target}Sokdefinisjon", "responstype": "utvidet", "parametere": [one]}
        asked.append(encode(SEARCH, {"system": "F", "take": 1_000, "skip": 0, "sokdefinisjon": fields}))
    return asked


def addresses(town: Population, units: list[tuple[str, UUID]]) -> Iterator[str]:
    """Every page and answer that could tell of these units."""
    yield from ("/", "/metrics", "/healthz", "/readyz", "/log", "/cases/new", f"{API}/cases/nothing", "/journal?since=x")
    for page in range(1, 2 + len(town.of_kind(ENTRY)) // 50):
        yield f"/journal?page={page}"
        yield f"/cases?page={page}"
    yield f"{API}/journal?limit=200"
    yield f"{API}/cases?limit=200"
    for kind, unit in units:
        yield f"/{PATH[kind]}/{unit}"
        yield f"{API}/{PATH[kind]}/{unit}"
        yield f"/history/{unit}"
        yield f"{API}/units/{unit}/history"


def everything_said(web: Web, town: Population, user_name: str, words: list[str], units: list[tuple[str, UUID]]) -> Iterator[str]:
    """Every answer that the person gets; a word asked for is taken out of its own answer, which quotes it."""
    web.client.cookies.set(PERSON_COOKIE, user_name)
    for address in addresses(town, units):
        yield _told(web.client.get(address))
    for word in words:
        for address in ("/journal", "/cases", f"{API}/journal", f"{API}/cases"):
            answer = web.client.get(address, params={"q": word})
            assert answer.status_code == 200
            yield _told(answer).replace(word, "")
            if address.startswith(API):
                assert answer.json()["total"] == 0, (user_name, word)
    for word in words[:3]:
        for message in (
            *searches(word),
            *(get_entry(str(unit)) for unit in town.of_kind(ENTRY)[:20]),
            get_case(str(units[0][1])),
        ):
            answer = web.client.post(f"{API}/fiks-arkiv/messages", files={"payload": ("m.xml", message, "application/xml")})
            yield from (_decoded(one) for one in answer.json().get("answers", ()))
    for kind, unit in units[:10]:
        yield _told(web.client.patch(f"{API}/{PATH[kind]}/{unit}", json={"title": "Ny"}, headers={"If-Match": "*"}))


def _told(answer: Any) -> str:
    return f"{answer.text}\n{dict(answer.headers)}"


def _decoded(answer: dict[str, Any]) -> str:
    return base64.b64decode(answer["payload"] or "").decode("utf-8", "replace")


def found_by(
    web: Web, town: Population, user_name: str, most_words: int, caplog: pytest.LogCaptureFixture
) -> tuple[int, set[str]]:
    """(how many hidden words there are, those of them that were said)."""
    of = hidden(town, user_name)
    secret = {word for words in of.values() for word in words}
    asked = sorted(secret)[:: max(1, len(secret) // most_words)]
    units = [(kind, unit) for kind, unit in town.units if unit in of]
    said: set[str] = set()
    caplog.clear()
    with caplog.at_level(logging.DEBUG):
        for text in everything_said(web, town, user_name, asked, units):
            said |= secret & set(re.findall(rf"{town.prefix}\d+x\d+", text))
        for line in caplog.records:
            text = (
                line.getMessage() if not line.name.startswith(("httpx", "httpcore")) else ""
            )  # the client's own, with its address
            said |= secret & set(re.findall(rf"{town.prefix}\d+x\d+", text))
    return len(secret), said


@pytest.mark.parametrize(("cases", "people", "most_words"), SIZES)
def test_no_word_that_is_screened_is_said_to_anybody_without_clearance(
    installation: Installation, tenant: Tenant, caplog: pytest.LogCaptureFixture, cases: int, people: int, most_words: int
) -> None:
    town = populated(tenant.ledger, cases)
    with played(town, installation, tenant) as web:
        for user_name in ("kari.aas", "per.nes", "mona.hus")[:people]:
            secrets, said = found_by(web, town, user_name, most_words, caplog)
            assert secrets > cases * 3
            assert said == set()


def _everything_shown(monkeypatch: pytest.MonkeyPatch, _: LedgerTenant) -> None:
    monkeypatch.setattr(visibility.Judge, "part", lambda *_: (True, True, True))


def _gate_filter_off(monkeypatch: pytest.MonkeyPatch, _: LedgerTenant) -> None:
    monkeypatch.setattr(Seen, "reads", lambda *_: True)
    monkeypatch.setattr(Seen, "shows", lambda *_: True)


def _policies_off(_: pytest.MonkeyPatch, one: LedgerTenant) -> None:
    with one.owner() as connection:
        for table in ("case_file_coded", "entry_coded", "document_coded"):
            connection.execute(f"alter table {one.tenant}_p_journal.{table} disable row level security")


def _both_off(monkeypatch: pytest.MonkeyPatch, one: LedgerTenant) -> None:
    _gate_filter_off(monkeypatch, one)
    _policies_off(monkeypatch, one)


OFF: list[tuple[Callable[[pytest.MonkeyPatch, LedgerTenant], None], bool]] = [
    (_everything_shown, True),
    (_gate_filter_off, False),
    (_policies_off, False),
    (_both_off, True),
]


@pytest.mark.parametrize(("switch_off", "seen"), OFF, ids=lambda one: getattr(one, "__name__", str(one)))
def test_one_filter_off_is_found_unless_the_other_wall_holds(
    installation: Installation,
    tenant: Tenant,
    ledger_tenant: LedgerTenant,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    switch_off: Callable[[pytest.MonkeyPatch, LedgerTenant], None],
    seen: bool,
) -> None:
    town = populated(tenant.ledger, 12)
    with played(town, installation, tenant) as web:
        switch_off(monkeypatch, ledger_tenant)
        said: set[str] = set()
        of = hidden(town, "kari.aas")
        web.client.cookies.set(PERSON_COOKIE, "kari.aas")
        secret = {word for words in of.values() for word in words}
        for address in ("/journal", "/cases", f"{API}/journal?limit=200", f"{API}/cases?limit=200"):
            said |= secret & set(re.findall(rf"{town.prefix}\d+x\d+", web.client.get(address).text))
        assert bool(said) is seen
