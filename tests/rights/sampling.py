"""Decisions of the running program, over HTTP and through SQL behind the wall, against Cedar's on the tables as delivered."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

import cedarpy

from api.installation import Tenant
from api.requests import PERSON_COOKIE
from domain.handlers import gate, standing
from domain.handlers.gate import Asked
from domain.model import cedar
from domain.model.access import Moment, Person, Subject
from domain.model.matrix import gather, parse
from projections.visibility import LIST, READ
from tests import tidy
from tests.fixtures_web import API, Web
from tests.rights.population import Population
from tests.rights.test_lists import CODED, behind_the_wall, coded_units

MATRIX = gather(
    parse(path.stem, path.read_text("utf-8").splitlines()) for path in sorted((tidy.ROOT / "domain/model/matrices").glob("*.tsv"))
)
BATCH = 1_000
PATH = {"case": "cases", "entry": "entries", "document": "documents"}
HISTORY, RETITLE = "record.read-history", "record.retitle"
SEES_IDS = "system-administrator"  # its cells show that a record is there and give no permit


class Wanted(NamedTuple):
    """One decision: who, what, of which record."""

    user_name: str
    action: str
    unit: UUID


@cache
def policies(action: str) -> cedarpy.PolicySet:
    """The policies of one action, from the tables as they stand in the program's files."""
    return cedarpy.PolicySet.from_str(cedar.policies(MATRIX, action))


def by_cedar(town: Population, wanted: list[Wanted]) -> list[bool]:
    """Cedar's answers: yes where any right of the person may."""
    at = Asked("", town.ledger.clock.now()).moment
    people = {one: _person(town, one, at) for one in town.house.people}
    answers = [False] * len(wanted)
    asked: dict[str, list[tuple[int, str, int]]] = {}
    for number, one in enumerate(wanted):
        subject = _subject(town, one.unit)
        action = gate.action_of(one.action, subject)
        for which in range(len(people[one.user_name].rights)):
            asked.setdefault(action, []).append((number, one.user_name, which))
    for action, some in asked.items():
        for start in range(0, len(some), BATCH):
            part = some[start : start + BATCH]
            requests = [_request(action, number, user_name, which, at) for number, user_name, which in part]
            entities = _entities(town, wanted, part, people, at)
            results = cedarpy.is_authorized_batch(requests, policies(action), entities)
            for (number, _, _), result in zip(part, results, strict=True):
                assert not result.diagnostics.errors, result.diagnostics.errors
                answers[number] |= result.allowed
    return answers


def _person(town: Population, user_name: str, at: Moment) -> Person:
    found = standing.of(town.ledger).person(str(town.house.people[user_name])).person
    return gate.profile(found, town.house.actor(user_name), at)


def _subject(town: Population, unit: UUID) -> Subject:
    found = town.subject(unit)
    assert found is not None
    return found


def _request(action: str, number: int, user_name: str, which: int, at: Moment) -> dict[str, Any]:
    principal, resource = f'Right::"{user_name}/{which}"', f'Record::"{number}"'
    context = cedar.context_of(at, "-")
    return {"principal": principal, "action": f'Action::"{action}"', "resource": resource, "context": context}


def _entities(
    town: Population, wanted: list[Wanted], part: list[tuple[int, str, int]], people: Mapping[str, Person], at: Moment
) -> list[dict[str, Any]]:
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for number, user_name, which in part:
        person = people[user_name]
        found["Right", f"{user_name}/{which}"] = cedar.entity_of_right(person, person.rights[which])
        found["Record", str(number)] = cedar.entity_of_subject(_subject(town, wanted[number].unit), at)
    return [{"uid": {"type": kind, "id": key}, "attrs": attrs, "parents": []} for (kind, key), attrs in found.items()]


def drawn(town: Population, people: list[str], count: int, seed: int) -> list[Wanted]:
    """Decisions that HTTP is asked for: reads, histories, and another title."""
    draw = random.Random(seed)
    found = []
    for _ in range(count):
        kind, unit = draw.choice(town.units)
        actions = [READ[kind], READ[kind], HISTORY, *([RETITLE] if kind != "document" else [])]
        found.append(Wanted(draw.choice(people), draw.choice(actions), unit))
    return found


def over_http(web: Web, town: Population, wanted: list[Wanted]) -> Iterator[tuple[Wanted, int, str]]:
    """(decision, status, code) of the program's answers. Another title is asked for of a version that never was."""
    kinds = {unit: kind for kind, unit in town.units}
    for one in sorted(wanted):
        web.client.cookies.set(PERSON_COOKIE, one.user_name)
        path = f"{API}/{PATH[kinds[one.unit]]}/{one.unit}"
        if one.action == RETITLE:
            answer = web.client.patch(path, json={"title": "Ny"}, headers={"If-Match": '"0"'})
        else:
            answer = web.client.get(f"{API}/units/{one.unit}/history" if one.action == HISTORY else path)
        yield one, answer.status_code, "" if answer.status_code == 200 else str(answer.json().get("code", ""))


def http_differences(web: Web, town: Population, wanted: list[Wanted]) -> list[str]:
    """Where the program over HTTP and Cedar are not of one mind: 404 for what is not listed, 403 for what is closed."""
    answers = list(over_http(web, town, wanted))
    kinds = {unit: kind for kind, unit in town.units}
    asked = [one for one, _, _ in answers]
    reading = by_cedar(town, [one._replace(action=READ[kinds[one.unit]]) for one in asked])  # a change is for readers
    yes, listed = by_cedar(town, asked), by_cedar(town, [one._replace(action=LIST[kinds[one.unit]]) for one in asked])
    ids = {one for one in town.house.people if SEES_IDS in _roles(town, one)}
    wrong = []
    for at, (one, status, code) in enumerate(answers):
        allowed = yes[at] and (one.action != RETITLE or reading[at])
        if allowed:
            right = status in (200, 409, 412, 422) or code == "access.two_people"
        else:
            right = status == 403 and code.startswith("access.") if listed[at] or one.user_name in ids else status == 404
        if not right:
            wrong.append(f"{one}: Cedar says {allowed} (listed {listed[at]}), HTTP {status} {code}")
    return wrong


def _roles(town: Population, user_name: str) -> set[str]:
    return {right.role for right in standing.of(town.ledger).person(str(town.house.people[user_name])).person.rights}


def sql_differences(tenant: Tenant, town: Population, people: list[str]) -> tuple[int, list[str]]:
    """(decisions compared, where they differ): every coded row for every person, by SQL of the pages' role behind the wall."""
    compared, wrong = 0, []
    for kind in CODED:
        coded = sorted(coded_units(tenant, kind))
        for user_name in people:
            passed = behind_the_wall(tenant, town, user_name, kind)
            asked = [Wanted(user_name, READ[kind], unit) for unit in coded]
            read = by_cedar(town, asked)
            listed = by_cedar(town, [one._replace(action=LIST[kind]) for one in asked])
            for at, unit in enumerate(coded):
                compared += 1
                if (unit in passed) != (read[at] and listed[at]):
                    wrong.append(f"{user_name} {kind} {unit}: Cedar says {read[at]} (listed {listed[at]}), SQL {unit in passed}")
    return compared, wrong
