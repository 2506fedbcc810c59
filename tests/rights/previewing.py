"""Random orders for the people of a municipality, each previewed, given and controlled, and what the gate says on either side."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.handlers import gate, standing
from domain.handlers.gate import Actor, Asked
from domain.handlers.standing import Standing
from domain.ledger.clock import LOCAL
from domain.model.access import Allowed, Subject
from tests.fixtures_web import API
from tests.rights.population import CODES, Population
from tests.rights.town import Town

READ = {"case": "case-file.read", "entry": "registry-entry.read", "document": "document.read"}
LIST = {"case": "case-file.list", "entry": "registry-entry.list", "document": "registry-entry.list"}
ORDERED_FOR = ("per.nes", "ida.vik", "siv.moe", "mona.hus", "nina.sol", "rolf.eng", "eli.rev", "kari.aas")
ROLES = (
    "caseworker", "caseworker", "unit-manager", "archivist", "committee-secretary", "checker", "auditor", "system-administrator",
    "user-administrator", "elected",
)  # fmt: skip
Turned = dict[str, set[tuple[str, UUID]]]
Answer = dict[str, Any]


@dataclass
class Asking:
    """A town with records that do not change, whose rights are asked for one by one. subjects: of each record, folded once."""

    town: Town
    population: Population
    chance: random.Random
    subjects: dict[UUID, Subject] = field(default_factory=dict)
    asked: int = 0

    def __post_init__(self) -> None:
        known = standing.of(self.population.ledger)
        organised = known.organisation()
        for _, unit in self.population.units:
            found = known.subject(unit, organised)
            assert found is not None
            self.subjects[unit] = found

    def sessions(self, person: UUID) -> list[Actor]:
        """Everything that the person may be logged in as."""
        orders = standing.of(self.population.ledger).person(str(person)).file.orders.orders.values()
        acted = {one.fact.acting_for for one in orders}
        roles = {role for one in orders for role in one.fact.roles}
        profiles = (False, True) if any(role.endswith("-administrator") for role in roles) else (False,)
        return [Actor(str(person), acting_for=one, administers=both) for one in {None, *acted} for both in profiles]

    def reads(self, person: UUID, day: date) -> set[tuple[str, UUID]]:
        """Every record that the gate lets the person read on a day, asked one by one."""
        return self._allowed(self.sessions(person), READ, day)

    def lists(self, user_name: str) -> set[tuple[str, UUID]]:
        """Every record that stands in somebody's lists now."""
        return self._allowed([self.population.house.actor(user_name)], LIST, self.town.today)

    def _allowed(self, actors: Sequence[Actor], actions: Mapping[str, str], day: date) -> set[tuple[str, UUID]]:
        ledger = self.population.ledger
        standing.of(ledger).organisation()
        now = self.town.clock.now()
        at = now if day <= self.town.today else datetime(day.year, day.month, day.day, 12, tzinfo=LOCAL).astimezone(UTC)
        found = set()
        with _standing_still(standing.of(ledger), actors[0].id):
            for kind, unit in self.population.units:
                for actor in actors:
                    self.asked += 1
                    answer = gate.decide(ledger, actor, Asked(actions[kind], at, subject=self.subjects[unit], fresh=False))
                    if isinstance(answer, Allowed) and (actions is LIST or not answer.ids_only):
                        found.add((kind, unit))
                        break
        return found

    def call(self, who: str, method: str, path: str, body: Any = None) -> Any:
        """One request as somebody."""
        self.town.play(who)
        return self.town.web.client.request(method, API + path, json=body)

    def order(self) -> tuple[str, str, Answer]:
        """(who orders, for whom, body of an order), drawn so that it may be given."""
        house, chance = self.population.house, self.chance
        who = chance.choice(ORDERED_FOR)
        person = house.people[who]
        unit = chance.choice([one for one in house.units.values() if self.manager(person, one) not in (None, who)])
        days = {"first_day": self.town.today + timedelta(chance.choice((0, 0, 1, 5)))}
        if who == "eli.rev" or chance.random() < 0.4:
            days["last_day"] = days["first_day"] + timedelta(chance.choice((0, 3, 40)))
        body: Answer = {name: day.isoformat() for name, day in days.items()}
        body |= {"person": str(person), "unit": str(unit), "reason": "Tilfeldig", "roles": [chance.choice(ROLES)]}
        if chance.random() < 0.5:
            body["codes"] = chance.sample(CODES, chance.randrange(1, 3))
        if body["roles"] == ["auditor"] and chance.random() < 0.9:  # without one it is refused
            audited = chance.sample(sorted(house.units.values()), chance.randrange(3))
            body["assignment"] = {"mandate": "Kontrollutvalget", "units": [str(one) for one in audited]}
            body.setdefault("last_day", (days["first_day"] + timedelta(20)).isoformat())
        running = self.running(person)
        if running and chance.random() < 0.5:
            body["replaces"] = [str(one) for one in chance.sample(running, 1)]
        if chance.random() < 0.15 and who != "kari.aas":
            body |= {"acting_for": str(house.people["kari.aas"]), "roles": ["unit-manager"], "codes": []}
            body |= {"unit": str(house.units["Teknisk"]), "last_day": (days["first_day"] + timedelta(9)).isoformat()}
        manager = self.manager(person, UUID(body["unit"]))
        assert manager is not None
        return manager, who, body

    def manager(self, person: UUID, unit: UUID) -> str | None:
        """The user name of who orders for a person in a unit."""
        state = standing.of(self.population.ledger).organisation().state
        found = state.manager_of(str(person), unit, self.town.today)
        return next((name for name, one in self.population.house.people.items() if str(one) == found), None)

    def running(self, person: UUID) -> list[UUID]:
        """The orders that give the person a right, but for a manager's own managing."""
        orders = standing.of(self.population.ledger).person(str(person)).file.orders.orders
        managing = person == self.population.house.people["kari.aas"]
        return [
            key for key, one in orders.items()
            if one.stage == "decided" and one.runs(self.town.today) and not (managing and "unit-manager" in one.fact.roles)
        ]  # fmt: skip

    def pages(self, who: str, method: str, path: str, body: Any = None) -> tuple[Answer, list[Turned]]:
        """(the first page of a preview, for each of its days every record that it names)."""
        named: list[Turned] = []
        first: Answer = {}
        more, page = True, 0
        while more:
            answer = self.call(who, method, f"{path}?page={page}", body)
            assert answer.status_code == 200, (path, body, answer.text)
            told = answer.json()
            opened = told.get("opened", [told])
            first = first or told
            named = named or [{"gained": set(), "lost": set()} for _ in opened]
            for one, into in zip(opened, named, strict=True):
                for way in ("gained", "lost"):
                    for kind, of_kind in one[way].items():
                        into[way] |= {(kind, UUID(row["id"])) for row in of_kind["records"]}
            more, page = any(one["more"] for one in opened), page + 1
        return first, named


@contextmanager
def _standing_still(known: Standing, person: str) -> Iterator[None]:
    """Nothing is written meanwhile: the person's stream is read once, not for each of some hundred records."""
    now = known.person(person)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(known, "person", lambda one, fresh=True: now)
        yield


def counted(opened: Answer) -> dict[tuple[str, str], tuple[int, int, int]]:
    """(total, listed, coded) by way and kind."""
    return {
        (way, kind): (one["total"], one["listed"], one["coded"])
        for way in ("gained", "lost")
        for kind, one in opened[way].items()
    }
