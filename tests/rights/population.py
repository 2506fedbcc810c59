"""An opened municipality full of records of every kind that rights tell apart, drawn from a seed, as odd as senders write."""

from __future__ import annotations

import random
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from domain.catalogue import Envelope
from domain.handlers import gate, standing
from domain.handlers.gate import Asked
from domain.ledger.clock import LOCAL
from domain.ledger.ledger import Ledger
from domain.model import record
from domain.model.access import Allowed, Answer, Subject
from domain.model.case_file import CaseAssigned, CaseFileCreated, CaseStatusChanged, EntryAdded
from domain.model.document import DocumentCreated
from domain.model.named_access import AccessGranted, AccessGrantedBody, AccessWithdrawn
from domain.model.organisation import UnitRenamed
from domain.model.record import ContactBody, Named, Screened, Unscreened
from domain.model.registry_entry import (
    ENTRY,
    DocumentLinked,
    EntryDated,
    EntryNumbered,
    EntryRegistered,
    EntryTypeChanged,
    PartyRecorded,
)
from tools.demo.staff import House

DAY = date(2026, 3, 4)
CODES = ("13", "P", "6")
CASE_STATUSES, ENTRY_STATUSES, ENTRY_TYPES = "RBFASUP", "MSRFGEJAU", "IUNXS"
Unit = tuple[str, uuid.UUID]  # kind, id


@dataclass
class Population:
    """Records of a house. units: of each kind in order; canaries: a word each that stands only in what is screened."""

    house: House
    seed: int = 1
    units: list[Unit] = field(default_factory=list)
    versions: dict[uuid.UUID, int] = field(default_factory=dict)
    canaries: dict[uuid.UUID, list[str]] = field(default_factory=dict)
    prefix: str = "kanari"
    other: frozenset[uuid.UUID] = frozenset()  # what is said of these is something else than in another world of the seed

    def __post_init__(self) -> None:
        self._judged: dict[tuple[int, uuid.UUID], Subject | None] = {}
        self.chance = random.Random(self.seed)
        self.ids = random.Random(self.seed + 1_000_000)

    @property
    def ledger(self) -> Ledger:
        return self.house.ledger

    def new_id(self) -> uuid.UUID:
        """An id that follows from the seed."""
        return uuid.UUID(int=self.ids.getrandbits(128), version=4)

    def append(self, actor: str, *facts: tuple[uuid.UUID, Any]) -> None:
        """Facts of one command, as they are: no rule is asked."""
        expect = {stream: self.versions.get(stream, 0) for stream, _ in facts}
        envelope = Envelope(cmd=str(self.new_id()), n=1, m=1, actor=actor)
        self.ledger.append(list(facts), envelope, expect, self.ledger.clock.now())
        for stream, _ in facts:
            self.versions[stream] = self.versions.get(stream, 0) + 1

    def word(self, unit: uuid.UUID) -> str:
        """A word that stands nowhere else."""
        number = len(self.canaries.setdefault(unit, []))
        word = f"{'noe-helt-annet ' if unit in self.other else ''}{self.prefix}{len(self.canaries)}x{number}"
        self.canaries[unit].append(word)
        return word

    def person(self) -> str | None:
        """How a record may name somebody: by id, by user name, by one that nobody has, by name alone, not at all."""
        known = self.chance.choice(list(self.house.people))
        ways = [str(self.house.people[known]), str(self.house.people[known]).upper(), known.upper(), "x.ukjent", None]
        return self.chance.choices(ways, (4, 1, 2, 1, 1))[0]

    def named(self) -> Named | None:
        identifier = self.person()
        return Named("Noen", identifier) if self.chance.random() < 0.85 else None

    def unit(self) -> Named | None:
        """How a record may name a unit."""
        name, known = self.chance.choice(list(self.house.units.items()))
        ways = [Named(name), Named(name.upper()), Named("Noe", str(known)), Named("Gammelt navn"), Named(name, "ukjent"), None]
        return self.chance.choices(ways, (4, 1, 2, 1, 1, 2))[0]

    def actor(self) -> str:
        return str(self.chance.choice(list(self.house.people.values())))

    def screened(self, unit: uuid.UUID, likely: float) -> list[tuple[uuid.UUID, Any]]:
        return [(unit, Screened(self.chance.choice(CODES)))] if self.chance.random() < likely else []

    def case(self, entries: int = 3) -> None:
        """A case with entries and documents, one command each."""
        case, actor = self.new_id(), self.actor()
        sequence = 1 + sum(kind == "case" for kind, _ in self.units)
        created = CaseFileCreated(2026, sequence, DAY, self.chance.choice(CASE_STATUSES), self.unit(), self.named())
        part = record.PartRecorded(self.new_id(), ContactBody(self.word(case)))
        self.append(actor, (case, created), (case, self.title(case)), (case, part), *self.screened(case, 0.25))
        self.units.append(("case", case))
        for number in range(1, entries + 1):
            self.entry(case, number)

    def title(self, unit: uuid.UUID) -> record.Titled:
        body = record.TitledBody(self.word(unit), self.word(unit), self.word(unit))
        return record.Titled(body)

    def entry(self, case: uuid.UUID | None, number: int) -> None:
        entry, document, actor = self.new_id(), self.new_id(), self.actor()
        assessed = DAY if self.chance.random() < 0.5 else None
        kind, status = self.chance.choice(ENTRY_TYPES), self.chance.choice(ENTRY_STATUSES)
        begun = EntryRegistered(ENTRY, status, kind, case, None, number, assessed_date=assessed)
        place = 1 + sum(one == "entry" for one, _ in self.units)
        facts: list[tuple[uuid.UUID, Any]] = [
            (entry, begun),
            (entry, self.title(entry)),
            (entry, EntryNumbered(2026, place, DAY)),
        ]
        sender = ContactBody(self.word(entry), address=(self.word(entry),), email=f"{self.word(entry)}@a.no")
        facts.append((entry, PartyRecorded(self.new_id(), "EA", sender)))
        facts.append((entry, record.KeywordsSet(record.KeywordsSetBody((self.word(entry),)))))
        facts.append((entry, record.Commented(self.new_id(), record.CommentedBody(self.word(entry)))))
        for _ in range(self.chance.randrange(3)):
            inside = PartyRecorded(self.new_id(), "IM", ContactBody("Intern"), None, None, self.unit(), self.named())
            facts.append((entry, inside))
        if case is not None:
            facts.append((case, EntryAdded(entry, number)))
        facts += self.screened(entry, 0.25)
        self.append(actor, *facts)
        self.units.append(("entry", entry))
        made = [(document, DocumentCreated("B", "F")), (document, self.title(document)), *self.screened(document, 0.2)]
        self.append(self.actor(), *made, (entry, DocumentLinked(document, "H", 1)))
        self.units.append(("document", document))

    def live(self, changes: int) -> None:
        """Later changes of what rights ask for, of cases, entries, units and named access."""
        today = self.ledger.clock.now().astimezone(LOCAL).date()
        for _ in range(changes):
            kind, unit = self.chance.choice(self.units)
            granted = AccessGranted(
                self.new_id(), self.actor(), today + timedelta(self.chance.choice((-9, 0, 1))), today + timedelta(3),
                AccessGrantedBody("Vikar"),
            )  # fmt: skip
            own: dict[str, list[Any]] = {
                "case": [CaseAssigned(self.named(), self.unit()), CaseStatusChanged(self.chance.choice(CASE_STATUSES), "B")],
                "entry": [EntryTypeChanged(self.chance.choice(ENTRY_TYPES)), EntryDated(assessed_date=DAY)],
                "document": [],
            }
            choices = [Screened(self.chance.choice(CODES)), Unscreened(), granted, *own[kind]]
            fact = self.chance.choice(choices)
            self.append(self.actor(), (unit, fact))
            if fact is granted and self.chance.random() < 0.3:
                self.append(self.actor(), (unit, AccessWithdrawn(granted.grant)))

    def rename(self, unit: str, name: str) -> None:
        """Another name of a unit; the records go on saying the old one."""
        self.versions.pop(self.organisation, None)
        self.versions[self.organisation] = len(self.ledger.reader.stream(self.organisation))
        self.append("dagbok", (self.organisation, UnitRenamed(self.house.units[unit], name)))

    @property
    def organisation(self) -> uuid.UUID:
        return standing.of(self.ledger).stream

    def decided(self, user_name: str, action: str, unit: uuid.UUID) -> Answer:
        """What the gate says of one record, folded from the log."""
        asked = Asked(action, self.ledger.clock.now(), subject=self.subject(unit), fresh=False)
        return gate.decide(self.ledger, self.house.actor(user_name), asked)

    def subject(self, unit: uuid.UUID) -> Subject | None:
        """What rights ask of a record, folded from the log as it is now, once for everybody."""
        known = standing.of(self.ledger)
        key = self.ledger.reader.head().position, unit
        if key not in self._judged:
            self._judged[key] = known.subject(unit, known.organisation())
        return self._judged[key]

    def allowed(self, user_name: str, action: str, unit: uuid.UUID) -> tuple[bool, bool]:
        """(allowed, allowed more than ids)."""
        answer = self.decided(user_name, action, unit)
        return isinstance(answer, Allowed), isinstance(answer, Allowed) and not answer.ids_only

    def of_kind(self, kind: str) -> Sequence[uuid.UUID]:
        return [unit for one, unit in self.units if one == kind]


def populated(ledger: Ledger, cases: int, seed: int = 1) -> Population:
    """A house with its staff, and records."""
    house = House(ledger)
    house.open()
    house.staff()
    made = Population(house, seed)
    for number in range(cases):
        made.case()
        if number % 9 == 0:
            made.entry(None, 1)
    return made
