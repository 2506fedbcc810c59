"""The access report: who was shown which coded record, under which right; it tells nobody what he may not know."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from typer.testing import CliRunner

from api.access_log import Line, Report, Sought, report
from domain.handlers import rights, standing
from domain.handlers.gate import Actor
from domain.ledger.identity import new_id
from domain.model.errors import Refused
from domain.model.rights_change import STOP
from tests.fixtures_staff import Staffed
from tests.rights.access_town import CODED, SECRET, Town, opened_town
from tools.cli import application
from tools.demo.staff import STAFF


@pytest.fixture
def town(staffed_now: Staffed) -> Iterator[Town]:
    with opened_town(staffed_now) as made:
        yield made


def read(town: Town, user_name: str, entry: str, times: int = 1) -> None:
    town.become(user_name)
    for _ in range(times):
        assert town.web.client.get(f"/api/v1/entries/{entry}").status_code == 200


def ask(town: Town, user_name: str, **sought: Any) -> Report:
    return report(town.web.tenant.ledger, town.house.actor(user_name), Sought(**sought))


def names(lines: tuple[Line, ...]) -> list[tuple[str, str, str]]:
    return [(line.name, str(line.record), line.what) for line in lines]


def test_the_head_of_records_sees_who_read_what_under_which_right(town: Town) -> None:
    read(town, "siv.moe", town.coded)
    town.web.client.get(f"/documents/{town.document}")
    found = ask(town, "anne.berg")
    assert names(found.lines)[:2] == [("Siv Moe", town.document, "page"), ("Siv Moe", town.coded, "api")]
    line = found.lines[1]
    assert (line.kind, line.code, line.roles, line.title) == ("entry", "13", ("archivist",), None)
    known = standing.of(town.web.tenant.ledger).person(line.person)
    chain_id = town.web.tenant.ledger.reader.record_chains[-1][0]
    assert {f"{chain_id}#{at}" for right in known.person.rights for at in right.rests_on} >= set(line.rests_on)
    assert line.place == [fact["place"] for fact in town.facts()][-2]
    assert not found.more


def test_by_record_person_and_day(town: Town) -> None:
    other = town.web.entry(town.case, "Vedtak Li", status="M", **CODED)
    read(town, "siv.moe", town.coded)
    read(town, "anne.berg", other)
    everything = ask(town, "anne.berg").lines
    siv = str(town.house.people["siv.moe"])
    assert {line.person for line in ask(town, "anne.berg", person=siv).lines} == {siv}
    assert {str(line.record) for line in ask(town, "anne.berg", record=UUID(other)).lines} == {other}
    assert ask(town, "anne.berg", record=UUID(town.case)).lines == everything, "what stands in a case is read with it"
    today = standing.of(town.web.tenant.ledger).today()
    assert ask(town, "anne.berg", since=today, until=today).lines == everything
    assert ask(town, "anne.berg", since=today + timedelta(days=1)).lines == ()
    assert ask(town, "anne.berg", until=today - timedelta(days=1)).lines == ()
    first = ask(town, "anne.berg", limit=1)
    assert first.lines == everything[:1]
    assert first.more


def test_titles_are_for_those_cleared_and_are_noted(town: Town) -> None:
    read(town, "siv.moe", town.coded)
    town.noted()
    assert {line.title for line in ask(town, "anne.berg").lines} == {None}
    assert town.noted() == [], "a report without titles shows nothing coded"
    assert SECRET in {line.title for line in ask(town, "anne.berg", titles=True).lines}
    facts = town.noted()
    assert {(fact["what"], fact["actor"]) for fact in facts} == {("search-row", str(town.house.people["anne.berg"]))}
    assert town.coded in {fact["record"] for fact in facts}
    case = town.web.created(town.web.post("/cases", {"title": "Veg", "administrative_unit": {"name": "Teknisk"}}))
    own = town.web.entry(case, "Grunneier Kvist", status="M", **CODED)
    read(town, "siv.moe", own)
    town.noted()
    lines = ask(town, "kari.aas", titles=True).lines
    assert {(str(line.record), line.title) for line in lines} == {(own, None)}, "she leads the unit and is cleared for nothing"
    assert town.noted() == []


def test_who_has_no_such_right_gets_nothing(town: Town) -> None:
    read(town, "siv.moe", town.coded)
    for user_name in ("per.nes", "rolf.eng", "siv.moe"):
        with pytest.raises(Refused, match="access"):
            ask(town, user_name)
    with pytest.raises(Refused, match="access"):
        report(town.web.tenant.ledger, Actor("nobody"), Sought())


def test_what_an_auditor_reads_shows_once_the_audit_has_been_reported(town: Town) -> None:
    read(town, "eli.rev", town.coded)
    auditor = str(town.house.people["eli.rev"])
    assert [line.person for line in ask(town, "anne.berg").lines if line.person == auditor] == []
    assert [line.person for line in ask(town, "eli.rev", person=auditor).lines] == [auditor]
    wanted = replace(town.house.order(STAFF[-1]), change=STOP, last_day=town.house.today - timedelta(days=1), assignment=None)
    town.house.act("lars.dahl", lambda work: rights.stop(work, rights.Stop(town.house.people["eli.rev"], wanted)))
    assert [line.person for line in ask(town, "anne.berg").lines if line.person == auditor] == [], (
        "it has ended, not been reported"
    )
    report_of = rights.ReportAudit(town.house.people["eli.rev"], town.house.orders["eli.rev"])
    town.house.act("lars.dahl", lambda work: rights.report_audit(work, report_of))
    assert [line.person for line in ask(town, "anne.berg").lines if line.person == auditor] == [auditor]


def test_a_manager_sees_the_own_units_readings(town: Town) -> None:
    case = town.web.created(town.web.post("/cases", {"title": "Veg", "administrative_unit": {"name": "Teknisk"}}))
    own = town.web.entry(case, "Grunneier", status="M", **CODED)
    read(town, "siv.moe", town.coded)
    read(town, "siv.moe", own)
    assert {str(line.record) for line in ask(town, "kari.aas").lines} == {own}
    assert {str(line.record) for line in ask(town, "anne.berg").lines} >= {own, town.coded}


def test_on_the_command_line(town: Town) -> None:
    read(town, "siv.moe", town.coded)
    settings = town.web.client.app.state.site.settings  # type: ignore[attr-defined]
    place = ["--data", str(settings.data), "--database", settings.database, "--tenant", settings.tenant]
    said = CliRunner().invoke(application(), ["access-report", "--actor", "anne.berg", "--person", "siv.moe", "--json", *place])
    assert said.exit_code == 0, said.output
    (line,) = json.loads(said.stdout)["readings"]
    assert (line["name"], line["record"], line["what"]) == ("Siv Moe", town.coded, "api")
    said = CliRunner().invoke(application(), ["access-report", "--actor", "anne.berg", "--record", town.coded, *place])
    assert f"Siv Moe: entry {town.coded}, code 13, api; archivist;" in said.stdout
    assert SECRET not in said.stdout
    said = CliRunner().invoke(application(), ["access-report", "--actor", "per.nes", *place])
    assert isinstance(said.exception, Refused)
    assert str(new_id()) not in said.stdout
