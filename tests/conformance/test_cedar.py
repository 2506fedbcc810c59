"""The same decisions by another engine: the tables as Cedar text, evaluated by Cedar itself, against `may`."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import product
from typing import Any, NamedTuple
from uuid import UUID

import cedarpy
import pytest

from domain.model import cedar
from domain.model.access import (
    CODED,
    NOT_ASSESSED,
    PUBLIC,
    URGENT,
    Allowed,
    Grant,
    Moment,
    Person,
    Right,
    Subject,
    Urgent,
    may,
)
from domain.model.matrix import ANY, ROLES, Matrix, Place, gather, parse, scope
from tests import tidy

MATRIX = gather(
    parse(path.stem, path.read_text("utf-8").splitlines()) for path in sorted((tidy.ROOT / "domain/model/matrices").glob("*.tsv"))
)
DAY = date(2026, 11, 23)
NOW = Moment(datetime(2026, 11, 23, 8, tzinfo=UTC), DAY)
OWN, ABOVE, OTHER = (UUID(int=number) for number in (1, 2, 3))
PER, IDA = frozenset({"per"}), frozenset({"ida"})
TOMORROW, YESTERDAY = DAY + timedelta(days=1), DAY - timedelta(days=1)
BATCH = 2_000


class Asked(NamedTuple):
    """One decision: whose right, what for."""

    right: Right
    subject: Subject
    place: Place


RELATIONS: dict[str, dict[str, Any]] = {
    "own unit": {"units": (OWN, ABOVE)},
    "unit below": {"units": (OTHER, OWN, ABOVE)},
    "owner": {"owner": "per"},
    "handler": {"handlers": PER},
    "author": {"authors": PER},
    "put to": {"put_to": PER, "authors": IDA, "concerns": "ida", "ordered_by": "ida", "before": IDA},
    "named": {"grants": (Grant("per", DAY, DAY),)},
    "organ": {"organ": "fs"},
    "party": {"units": (OWN,), "owner": "per", "parties": PER},
    "oneself": {"units": (OWN,), "put_to": PER, "authors": PER, "concerns": "per", "ordered_by": "per", "before": PER},
    "none": {"units": (OTHER,), "owner": "ida", "handlers": IDA, "grants": (Grant("per", TOMORROW, TOMORROW),), "organ": "ts"},
}
CODES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "not assessed": ({"assessment": NOT_ASSESSED}, {}),
    "public": ({"assessment": PUBLIC}, {}),
    "cleared, in the group": ({"assessment": CODED, "code": "13", "group": "g"}, {"codes": {"13"}, "groups": {"g"}}),
    "cleared, not in the group": ({"assessment": CODED, "code": "13", "group": "g"}, {"codes": {"13"}}),
    "not cleared": ({"assessment": CODED, "code": "13"}, {"codes": {"6"}}),
}
TIMES: dict[str, dict[str, Any]] = {
    "in force": {},
    "not yet": {"first_day": TOMORROW, "last_day": None},
    "over": {"last_day": YESTERDAY},
    "not decided": {"decided_at": None},
    "stopped": {"stopped_at": NOW.instant},
}


def every() -> Iterator[Asked]:
    """Every cell, by every relation, state of code and state of time."""
    states = list(product(RELATIONS.values(), CODES.values(), TIMES.values()))
    for place in MATRIX.cells:
        for relation, (code, clearance), time in states:
            subject = Subject(place.table, place.type, place.from_status, **{**relation, **code})
            cleared = {name: frozenset(values) for name, values in clearance.items()}
            given = {"first_day": DAY, "last_day": DAY, "decided_at": NOW.instant, **time, **cleared}
            yield Asked(Right(place.role, unit=OWN, organs=frozenset({"fs"}), **given), subject, place)


def drawn(seed: int, rounds: int, places: tuple[Place, ...] = ()) -> Iterator[Asked]:
    """Each cell (of `places`, where given) with states drawn at random, now and then another role, a substitute, another type."""
    draw = random.Random(seed)

    def people(most: int = 2) -> frozenset[str]:
        return frozenset(draw.sample(["per", "ida"], draw.randint(0, most)))

    for place in list(places or MATRIX.cells) * rounds:
        relation = dict(draw.choice(list(RELATIONS.values())))
        code, _ = draw.choice(list(CODES.values()))
        kind = draw.choice("IUNXS") if place.type == ANY and place.table == "document" else place.type
        subject = Subject(place.table, kind, place.from_status, **{**relation, **code})
        subject = replace(
            subject,
            handlers=people(),
            authors=people(1),
            before=people(1),
            disqualified=people(1) if draw.random() < 0.1 else frozenset(),
        )
        right = Right(
            place.role if draw.random() < 0.8 else draw.choice(ROLES),
            draw.choice([DAY, DAY, TOMORROW]),
            draw.choice([None, DAY, YESTERDAY]),
            draw.choice([NOW.instant, NOW.instant, None]),
            draw.choice([OWN, ABOVE, None]),
            frozenset(draw.sample(["13", "6"], draw.randint(0, 2))),
            frozenset(draw.sample(["g"], draw.randint(0, 1))),
            frozenset(draw.sample(["fs"], draw.randint(0, 1))),
            draw.choice([None, None, NOW.instant]),
            draw.choice([None, None, "ida"]),
        )
        yield Asked(right, subject, place)


def by_us(one: Asked, matrix: Matrix = MATRIX) -> bool:
    answer = may(Person("per", (one.right,)), one.place.action, one.subject, NOW, matrix, one.place.to_status)
    return isinstance(answer, Allowed) and not answer.ids_only


def by_cedar(asked: list[Asked], matrix: Matrix = MATRIX) -> list[bool]:
    """Cedar's answers, action by action, so that each request meets the policies of its own action alone."""
    of_action: dict[str, list[int]] = defaultdict(list)
    for number, one in enumerate(asked):
        of_action[one.place.action].append(number)
    answers = [False] * len(asked)
    for action, numbers in of_action.items():
        policies = cedarpy.PolicySet.from_str(cedar.policies(matrix, action))
        for start in range(0, len(numbers), BATCH):
            some = numbers[start : start + BATCH]
            results = cedarpy.is_authorized_batch(
                [_request(number, asked[number]) for number in some], policies, _entities(asked, some)
            )
            for number, result in zip(some, results, strict=True):
                assert not result.diagnostics.errors, result.diagnostics.errors
                answers[number] = result.allowed
    return answers


def _request(number: int, one: Asked) -> dict[str, Any]:
    context = cedar.context_of(NOW, one.place.to_status)
    action = f'Action::"{one.place.action}"'
    return {"principal": f'Right::"{number}"', "action": action, "resource": f'Record::"{number}"', "context": context}


def _entities(asked: list[Asked], numbers: list[int]) -> list[dict[str, Any]]:
    person = Person("per")
    found = []
    for number in numbers:
        right, subject = cedar.entity_of_right(person, asked[number].right), cedar.entity_of_subject(asked[number].subject, NOW)
        found.append({"uid": {"type": "Right", "id": str(number)}, "attrs": right, "parents": []})
        found.append({"uid": {"type": "Record", "id": str(number)}, "attrs": subject, "parents": []})
    return found


def compare(asked: Iterable[Asked]) -> tuple[int, int]:
    """(decisions, yeses), all of them alike."""
    ours = list(asked)
    theirs = by_cedar(ours)
    for one, answer in zip(ours, theirs, strict=True):
        assert by_us(one) == answer, one
    return len(ours), sum(theirs)


def test_decisions_drawn_at_random_are_the_same() -> None:
    count, yeses = compare(drawn(seed=20261123, rounds=2))
    assert count == 2 * len(MATRIX.cells)
    assert 0 < yeses < count


@pytest.mark.deep
def test_every_decision_is_the_same(record_property: Any) -> None:
    states = len(RELATIONS) * len(CODES) * len(TIMES)
    count, yeses = compare(every())
    assert count == len(MATRIX.cells) * states
    record_property("decisions", count)
    print(f"{len(MATRIX.cells)} cells x {states} states = {count} decisions, {yeses} yes")


def test_a_cell_that_one_of_the_two_reads_otherwise_is_found() -> None:
    place = Place("case", "case-file.read", "*", "B", "-", "caseworker")
    wrong = Matrix({**MATRIX.cells, place: replace(MATRIX.cells[place], reaches=scope("*")[1])}, (), MATRIX.actions)
    asked = list(drawn(seed=1, rounds=400, places=(place,)))
    assert [by_us(one) for one in asked] == by_cedar(asked)
    assert [by_us(one) for one in asked] != by_cedar(asked, wrong)
    assert [by_us(one, wrong) for one in asked] != by_cedar(asked)


def test_every_cell_that_says_yes_is_a_policy_under_its_own_id() -> None:
    text = cedar.policies(MATRIX)
    yes = [
        place for place, cell in MATRIX.cells.items() if cell.mode in ("", "2") and any(one.letter != "i" for one in cell.reaches)
    ]
    assert text.count("\npermit(") == len(yes)
    assert all(f'@id("{":".join(place)}")\npermit(' in text for place in yes)


FILE = UUID(int=77)


def urgently(action: str, role: str, *, file: UUID | None = FILE, minutes: int = 0, **about: Any) -> tuple[bool, bool]:
    """(our answer, Cedar's) to reading a coded record of another unit by urgent access, so many minutes after it began."""
    table = "case" if action.startswith("case") else "document"
    status = {"case": "B", "document": "J"}[table]
    subject = Subject(table, status=status, units=(UUID(int=9),), assessment=CODED, code="13", file=file, **about)
    opened = Urgent(FILE, NOW.instant, NOW.instant + timedelta(hours=1))
    right = Right(role, NOW.day, None, NOW.instant - timedelta(days=1), UUID(int=1))
    person = Person("per", (right,), (opened,))
    at = Moment(NOW.instant + timedelta(minutes=minutes), NOW.day)
    ours = may(person, action, subject, at, MATRIX)
    principal = {"uid": {"type": "Right", "id": "1"}, "attrs": cedar.entity_of_right(person, right, at), "parents": []}
    resource = {"uid": {"type": "Record", "id": "1"}, "attrs": cedar.entity_of_subject(subject, at), "parents": []}
    request = {
        "principal": 'Right::"1"',
        "action": f'Action::"{action}"',
        "resource": 'Record::"1"',
        "context": cedar.context_of(at, "-"),
    }
    theirs = cedarpy.is_authorized(request, cedar.policies(MATRIX, action), [principal, resource])
    assert not theirs.diagnostics.errors
    return isinstance(ours, Allowed) and not ours.ids_only, theirs.allowed


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("action", sorted(URGENT - {"record.read-history"}))
def test_urgent_access_is_the_same(action: str, role: str) -> None:
    listing = action.endswith(".list")
    for found in (urgently(action, role), urgently(action, role, parties=frozenset({"per"}))):
        assert found[0] == found[1], (action, role)
    for closed in ({"file": UUID(int=78)}, {"file": None}, {"minutes": -1}, {"minutes": 60}):
        ours, theirs = urgently(action, role, **closed)
        assert ours == theirs
        assert listing or not ours
    reads = urgently(action, role)[0]
    assert reads is (role not in ("system-administrator", "user-administrator", "service") and _reads_any(action, role))


def _reads_any(action: str, role: str) -> bool:
    """Whether the role's own cell lets it read such records at all."""
    table, status = ("case", "B") if action.startswith("case") else ("document", "J")
    cell = MATRIX.find(Place(table, action, "*", status, "-", role))
    return cell is not None and not cell.mode and any(reach.letter != "i" for reach in cell.reaches)
