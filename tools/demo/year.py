"""The year is lived: each happening becomes an ordinary command, its papers stored a little ahead of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import date, datetime, timedelta
from uuid import UUID

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from api.installation import Installation, Tenant
from api.settings import Settings
from domain.handlers import case_files, documents, registry_entries
from domain.handlers.gate import Actor
from domain.handlers.metadata import ClassReference, Comment, Metadata
from domain.handlers.structure import ensure_structure, series_by_code
from domain.handlers.work import Context, Work, run
from domain.ledger.blobs import Stored
from domain.ledger.clock import LOCAL
from domain.ledger.identity import new_id
from domain.model.case_file import CreateCaseFile
from domain.model.document import CreateDocument
from domain.model.record import ContactBody, Named, Screened
from domain.model.registering import RegisterEntry
from domain.model.registry_entry import EntryDated, SignedOff
from tools.demo import messages, plan
from tools.demo.clock import DemoClock
from tools.demo.paper import letter
from tools.demo.people import ARCHIVISTS, NAMES, STREETS
from tools.demo.plan import Happening, Matter
from tools.demo.staff import IDM, House

AHEAD = 64
LEGAL_BASIS = {"13": "Offl. § 13, jf. fvl. § 13", "P": "Offl. § 25"}


class Year:
    """The municipality while its year is made."""

    def __init__(self, tenant: Tenant, clock: DemoClock, house: House) -> None:
        self.tenant = tenant
        self.clock = clock
        self.house = house
        self.series = run(tenant.ledger, self._as("anne.berg"), (), lambda work: series_by_code(work, "SAK")).result
        self.cases: dict[int, UUID] = {}
        self.entries: dict[int, UUID] = {}

    def live(self, happening: Happening, papers: list[Stored]) -> None:
        """Carry one happening out."""
        if happening.at > self.clock.now():
            self.clock.move_to(happening.at)
        match happening.kind:
            case "case":
                self._case(happening.matter)
            case "close":
                command = case_files.ChangeCaseStatus(self.cases[happening.matter.number], "A")
                self._run("anne.berg", (command.unit,), lambda work: case_files.change_status(work, command))
            case _:
                self._entry(happening, papers)

    def _run(self, actor: str, keys: Iterable[UUID], handle: object) -> None:
        run(self.tenant.ledger, self._as(actor), keys, handle)  # type: ignore[arg-type]

    def _as(self, actor: str) -> Context:
        return Context(Actor(str(self.house.people[actor]), NAMES[actor]))

    def _case(self, matter: Matter) -> None:
        unit = new_id()
        actor = ARCHIVISTS[matter.number % 2]
        given = Metadata(
            title=matter.title,
            public_title="Elevmappe" if matter.title == "Elevmappe" else None,
            screening=_screening(matter.code),
            classes=(ClassReference(matter.system, matter.class_id),),
        )
        details = CreateCaseFile(
            date.min,
            series=self.series,
            case_responsible=Named(matter.handler[1], matter.handler[0]),
            administrative_unit=Named(matter.unit),
        )
        command = case_files.CreateCase(unit, given, details)
        self._run(actor, (), lambda work: case_files.create(work, command))
        self.cases[matter.number] = unit

    def _entry(self, happening: Happening, papers: list[Stored]) -> None:
        unit = new_id()
        matter = happening.matter
        case = self.cases[matter.number]
        incoming = happening.entry_type == "I"
        actor = ARCHIVISTS[happening.entry % 2] if incoming else matter.handler[0]
        status = "J" if incoming else "R"
        register = registry_entries.Register(unit, _metadata(happening), _details(happening, case, status), _parties(happening))

        def handle(work: Work) -> None:
            registry_entries.register(work, register)
            for number, stored in enumerate(papers, 1):
                documents.add(work, _document(happening, unit, number, stored))
            for step in () if incoming else ("F", "E") if happening.entry_type == "U" else ("F",):
                registry_entries.change_status(work, registry_entries.ChangeEntryStatus(unit, step))
            answered = self.entries.get(happening.answers or 0)
            if answered is not None:
                by = Named(matter.handler[1], matter.handler[0])
                fact = SignedOff(new_id(), work.today, "BU", by, answered_by=unit)
                registry_entries.sign_off(work, registry_entries.SignOffEntry(answered, fact))

        self._run(actor, (case,), handle)
        self.entries[happening.entry] = unit
        if not incoming and happening.entry % 40:  # a few wait for the archivist
            journal = registry_entries.ChangeEntryStatus(unit, "J")
            self.clock.move_to(self.clock.now() + timedelta(milliseconds=1))
            self._run(ARCHIVISTS[happening.entry % 2], (unit, case), lambda work: registry_entries.change_status(work, journal))


def _screening(code: str | None) -> Screened | None:
    return Screened(code, LEGAL_BASIS[code]) if code else None


def _metadata(happening: Happening) -> Metadata:
    comments = (Comment("Ringt avsender om manglende vedlegg."),) if happening.entry % 97 == 0 else ()
    return Metadata(title=happening.title, screening=_screening(happening.matter.code), comments=comments)


def _details(happening: Happening, case: UUID, status: str) -> RegisterEntry:
    day = happening.at.astimezone(LOCAL).date()
    incoming = happening.entry_type == "I"
    dates = EntryDated(
        document_date=day - timedelta(days=happening.entry % 4) if incoming else day,
        received_at=happening.at if incoming else None,
        sent_at=happening.at if happening.entry_type == "U" else None,
        assessed_date=day,
        due_date=day + timedelta(days=30) if incoming else None,
    )
    return RegisterEntry(day, status, entry_type=happening.entry_type, case=case, dates=dates, attachments=happening.attachments)


def _parties(happening: Happening) -> tuple[registry_entries.Party, ...]:
    matter = happening.matter
    handler = Named(matter.handler[1], matter.handler[0])
    own = ContactBody(matter.unit)
    address = (f"{STREETS[matter.number % len(STREETS)]} {matter.number % 80 + 1}",)
    other = ContactBody(happening.party, address=address, postcode="6699", city="Fjordvik")
    person = (
        happening.party.split()[0] not in ("Fjordvik", "Nordmøre", "Havbruk", "Kystverket") and len(happening.party.split()) == 2
    )
    match happening.entry_type:
        case "I":
            return (
                registry_entries.Party("EA", other, is_person=person),
                registry_entries.Party("IM", own, responsible=True, administrative_unit=Named(matter.unit), case_handler=handler),
            )
        case "U":
            return (
                registry_entries.Party("EM", other, is_person=person),
                registry_entries.Party("IA", own, responsible=True, administrative_unit=Named(matter.unit), case_handler=handler),
            )
        case _:
            return (
                registry_entries.Party("IA", own, responsible=True, administrative_unit=Named(matter.unit), case_handler=handler),
            )


def _document(happening: Happening, entry: UUID, number: int, stored: Stored) -> documents.AddDocument:
    title = happening.title if number == 1 else f"Vedlegg {number - 1} – {('kart', 'tegning', 'situasjonsplan')[number % 3]}"
    given = documents.GivenObject(stored, f"{happening.entry}-{number}.pdf", variant="P", declared_format="PDF")
    return documents.AddDocument(
        new_id(), entry, Metadata(title=title), CreateDocument("BREV", "F"), "H" if number == 1 else "V", objects=(given,)
    )


def _papers(tenant: Tenant, happening: Happening) -> list[Stored]:
    """Make and store the papers of an entry."""
    if happening.kind not in ("entry", "answer"):
        return []
    day = happening.at.astimezone(LOCAL).date().isoformat()
    sender = happening.party if happening.entry_type == "I" else happening.matter.handler[1]
    return [
        tenant.ledger.blobs.put(
            new_id(), [letter(happening.title if one == 0 else f"Vedlegg {one}", sender, day, happening.entry)]
        )
        for one in range(happening.attachments + 1)
    ]


def _with_papers(tenant: Tenant, year: Iterable[Happening], pool: ThreadPoolExecutor) -> Iterator[tuple[Happening, list[Stored]]]:
    waiting: deque[tuple[Happening, Future[list[Stored]]]] = deque()
    for happening in year:
        waiting.append((happening, pool.submit(_papers, tenant, happening)))
        if len(waiting) > AHEAD:
            first, papers = waiting.popleft()
            yield first, papers.result()
    for first, papers in waiting:
        yield first, papers.result()


def make(settings: Settings, now: datetime, seed: int, size: float) -> None:
    """Make the municipality `fjordvik` in an empty data folder: structure, a year, and messages from other systems."""
    happenings = list(plan.year(now, seed, size))
    clock = DemoClock(happenings[0].at - timedelta(hours=1), running=False)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    with (
        Installation(settings, clock) as opened,
        ThreadPoolExecutor(4) as pool,
        Progress(*columns, console=console, disable=not console.is_terminal) as progress,
    ):
        opened.create_tenant("fjordvik", "fjordvik.kommune.no")
        tenant = opened.open("fjordvik")
        house = House(tenant.ledger, clock)
        house.open()
        house.staff()
        house.hire(IDM)
        leader = Context(house.actor("anne.berg"))
        run(tenant.ledger, leader, (), lambda work: ensure_structure(work, "Fjordvik kommune", "987654321"))
        task = progress.add_task("Fjordvik", total=len(happenings))
        lived = Year(tenant, clock, house)
        for happening, papers in _with_papers(tenant, happenings, pool):
            lived.live(happening, papers)
            progress.advance(task)
        messages.send(tenant, clock)
        tenant.wait(tenant.ledger.reader.head().position, 60.0)
        events = tenant.ledger.reader.head().position
        console.print(f"Fjordvik kommune: {len(lived.cases)} cases, {len(lived.entries)} entries, {events} events")
