"""The audit names every act that no handler would have written, and nothing else. Here they are appended past the handlers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from domain import catalogue
from domain.catalogue import Envelope
from domain.handlers import amendments, case_files, documents, registry_entries, rights, standing
from domain.handlers.metadata import Metadata
from domain.handlers.work import Work
from domain.ledger.identity import new_id
from domain.model import case_file as c
from domain.model import organisation as o
from domain.model import record
from domain.model import registry_entry as e
from domain.model import rights_change as r
from domain.model.case_file import CreateCaseFile
from domain.model.document import CreateDocument
from domain.model.named_access import AccessGranted, AccessGrantedBody
from domain.model.record import ContactBody, Named
from domain.model.registering import RegisterEntry
from domain.model.user import NamesBody, UserRegistered
from projections.audit import Finding, judge
from projections.audit.acts import ACTS, CONSEQUENCES
from projections.audit.judge import FORMAT
from tests.fixtures_ledger import LedgerTenant
from tools.demo.staff import Hired, House

DAY = date(2026, 1, 5)
Raw = Callable[["World"], tuple[str, UUID, Any]]


class World:
    """A municipality at work, and a pen that writes into its log whatever it is told to."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.ledger = house.ledger
        self.wanted: dict[int, str] = {}

    def case(self, status: str = "B") -> UUID:
        details = CreateCaseFile(
            date.min, administrative_unit=Named("Teknisk"), case_responsible=Named("Per Nes", str(self.house.people["per.nes"]))
        )
        command = case_files.CreateCase(new_id(), Metadata(title="Sak"), details)
        self.house.act("siv.moe", lambda work: case_files.create(work, command))
        if status != "B":
            step = case_files.ChangeCaseStatus(command.unit, status)
            self.house.act("siv.moe", lambda work: case_files.change_status(work, step))
        return command.unit

    def entry(self, status: str = "J") -> UUID:
        case = self.case()
        party = registry_entries.Party("EK", ContactBody("Kopi AS"))
        command = registry_entries.Register(
            new_id(), Metadata(title="Brev"), RegisterEntry(date.min, "J", entry_type="I", case=case), (party,)
        )
        self.house.act("siv.moe", lambda work: registry_entries.register(work, command))
        if status != "J":
            step = registry_entries.ChangeEntryStatus(command.unit, status)
            self.house.act("siv.moe", lambda work: registry_entries.change_status(work, step))
        return command.unit

    def person(self, user_name: str) -> UUID:
        return self.house.people[user_name]

    def write(self, actor: str, stream: UUID, fact: Any, *, bare: bool = False, late: timedelta = timedelta(0)) -> int:
        """Append one fact past the handlers. bare: without the rights that it would rest on; late: written so long after `at`."""
        known = standing.of(self.ledger)
        person = str(self.house.people.get(actor, actor))
        at = self.ledger.clock.now()
        rests_on = [] if bare else [place for right in known.person(person).person.rights for place in right.rests_on]
        envelope = Envelope(
            cmd=str(new_id()),
            n=1,
            m=1,
            actor=person,
            at=catalogue.instant(at - late),
            date=at.date().isoformat(),
            rests_on=sorted(set(rests_on)) or None,
            program="raw",
        )
        version = max((one.version for one in self.ledger.reader.stream(stream)), default=0)
        return self.ledger.append([(stream, fact)], envelope, {stream: version}, at).receipt.position

    def audited(self) -> list[Finding]:
        known = standing.of(self.ledger)
        return list(judge(self.ledger.reader.whole_log(), known.place, partial(standing.user_name_digest, self.ledger)))


@pytest.fixture
def world(ledger_tenant: LedgerTenant) -> World:
    house = House(ledger_tenant.open_ledger())
    house.open()
    house.staff()
    return World(house)


# Changes of a case that neither the user administrator, the auditor nor a caseworker of another unit may make.
ON_CASE: tuple[Any, ...] = (
    c.CaseStatusChanged("A", "B"),
    c.CaseAssigned(Named("Ida Vik")),
    c.CaseDated(DAY),
    c.CaseDiscarded("B"),
    record.Titled(record.TitledBody("Annen tittel")),
    record.KeywordsSet(record.KeywordsSetBody(("ord",))),
    record.Commented(new_id(), record.CommentedBody("merknad")),
    record.PartRecorded(new_id(), ContactBody("Part")),
    record.CrossReferenced(new_id(), "case-file", new_id()),
    record.Screened("13"),
    record.Classified(new_id(), "FE", record.ClassifiedBody("L42")),
    record.Extended("x", record.ExtendedBody("<x/>")),
    AccessGranted(new_id(), "somebody", DAY, DAY, AccessGrantedBody("x")),
)
ON_ENTRY: tuple[Any, ...] = (
    e.EntryArchived(catalogue.datetime(2026, 1, 5, tzinfo=UTC), "J"),
    e.EntryStatusChanged("U", "J"),
    e.EntryDated(DAY),
    e.PartyRecorded(new_id(), "EA", ContactBody("Avsender")),
    e.SignedOff(new_id(), DAY, "TE", Named("Ida")),
    e.DocumentLinked(new_id(), "H", 1),
)
STRANGERS = ("nina.sol", "eli.rev", "ida.vik")


def illegal(world: World) -> Iterator[tuple[str, str, UUID, Any]]:
    """(what is wrong, actor, stream, fact) of acts that nobody could have done."""
    for actor in STRANGERS:
        for fact in ON_CASE:
            yield f"{actor}: {type(fact).__name__}", actor, world.case(), fact
        for fact in ON_ENTRY:
            yield f"{actor}: {type(fact).__name__}", actor, world.entry(), fact
    yield from _of_rights(world)
    yield from _of_organisation(world)
    yield from _against_rules(world)


def _of_rights(world: World) -> Iterator[tuple[str, str, UUID, Any]]:
    per, ida, kari = (world.person(name) for name in ("per.nes", "ida.vik", "kari.aas"))
    waiting = _ordered(world, "per.nes", "kari.aas")
    wide = waiting.orders.orders[next(reversed(waiting.orders.orders))].fact
    fresh = replace(wide, order=new_id())
    now, today = world.ledger.clock.now(), world.house.today
    yield "ordered for oneself", "kari.aas", kari, replace(fresh, orderer=str(kari))
    yield "ordered by no manager", "ida.vik", per, replace(fresh, order=new_id(), orderer=str(ida))
    yield "ordered in another's name", "ida.vik", per, replace(fresh, order=new_id())
    yield (
        "widened without control",
        "kari.aas",
        per,
        replace(fresh, order=new_id(), widens=False, decided_at=now),
    )
    yield (
        "controlled by the orderer",
        "kari.aas",
        per,
        r.RightsControlled(wide.order, now, today),
    )
    yield "settled by no superior", "ida.vik", per, r.RightsSettled(wide.order, True, now, today)
    yield "returned by a caseworker", "ida.vik", per, r.RightsReturned(wide.order, r.RightsAnsweredBody("nei"))
    yield "opened once more", "anne.berg", per, r.RightsOpened(new_id(), DAY, world.ledger.clock.now(), ("archivist",))
    yield "known without an order", "nina.sol", new_id(), UserRegistered("employee", NamesBody("Ny", "ny"))
    yield "executed by a caseworker", "ida.vik", per, r.RightsExecuted(world.house.orders["per.nes"])


def _ordered(world: World, user_name: str, by: str) -> Any:
    """Somebody's file with one widening order that waits for control."""
    hired = Hired(user_name, user_name, "leder", "Teknisk", ("unit-manager",), by)
    command = rights.Order(world.person(user_name), world.house.order(hired))
    world.house.act(by, lambda work: rights.order(work, command))
    return standing.of(world.ledger).person(str(world.person(user_name))).file


def _of_organisation(world: World) -> Iterator[tuple[str, str, UUID, Any]]:
    stream, unit = standing.of(world.ledger).stream, world.house.units["Teknisk"]
    ida, siv = str(world.person("ida.vik")), str(world.person("siv.moe"))
    today = world.house.today
    change, cells = new_id(), new_id()
    cell = o.CellText("case:case-file.read:*:B:-:caseworker", "*")
    yield "unit by a caseworker", "ida.vik", stream, o.UnitCreated(new_id(), "Ny", today)
    yield "manager proposed by a caseworker", "ida.vik", stream, o.ManagerProposed(change, unit, ida, today, ida)
    yield "confirmed for himself", "ida.vik", stream, o.ManagerConfirmed(change)
    yield "cells by an archivist", "siv.moe", stream, o.CellsProposed(cells, siv, today, (cell,), "fordi")
    yield "cells confirmed by the proposer", "siv.moe", stream, o.CellsConfirmed(cells, today)
    yield "codes by a caseworker", "ida.vik", stream, o.AccessCodeSet("13", "ingen", today)
    yield "opened twice", "anne.berg", stream, o.InstallationOpened(UUID(ida), UUID(siv), today)


def _against_rules(world: World) -> Iterator[tuple[str, str, UUID, Any]]:
    closed, archived, journalled = world.case("A"), world.entry("A"), world.entry()
    yield "a number alone", "siv.moe", world.entry(), e.EntryNumbered(2026, 9_999, DAY)
    yield "an entry added alone", "siv.moe", closed, c.EntryAdded(new_id(), 1)
    yield "back from J to R", "siv.moe", journalled, e.EntryStatusChanged("R", "J")
    yield "a document on what is archived", "siv.moe", archived, e.DocumentLinked(new_id(), "H", 1)
    yield "finished and discarded", "siv.moe", world.entry(), e.EntryDiscarded("J")
    yield "a status that is none", "siv.moe", world.case(), c.CaseStatusChanged("Q", "B")
    yield "signed off for nobody", "siv.moe", world.entry(), e.SignedOff(new_id(), DAY, "TE", Named("Siv"), new_id())
    yield "by nobody known", "ghost", world.case(), c.CaseDated(DAY)


def test_a_house_that_only_its_handlers_wrote_in_has_nothing_to_hide(world: World) -> None:
    world.entry("A")
    draft = registry_entries.Register(
        new_id(), Metadata(title="Svar"), RegisterEntry(date.min, "R", entry_type="U", case=world.case())
    )
    document = documents.AddDocument(new_id(), draft.unit, Metadata(title="Vedlegg"), CreateDocument("BREV", "F"), "H")
    world.house.act("per.nes", lambda work: registry_entries.register(work, draft))
    world.house.act("per.nes", lambda work: documents.add(work, document))
    assert world.audited() == []


def test_every_act_past_the_handlers_is_named(world: World) -> None:
    wanted = {}
    for what, actor, stream, fact in illegal(world):
        wanted[world.write(actor, stream, fact)] = what
    wanted[world.write("siv.moe", world.case(), c.CaseDated(DAY), bare=True)] = "rests on nothing"
    wanted[world.write("siv.moe", world.case(), c.CaseDated(DAY), late=timedelta(hours=1))] = "at another time"
    found = {one.position for one in world.audited()}
    assert len(wanted) >= 60
    assert {wanted[position] for position in wanted.keys() - found} == set()
    assert found - wanted.keys() == set()


def test_what_was_allowed_then_is_not_judged_by_what_came_later(world: World) -> None:
    case = world.case()
    world.house.act("per.nes", lambda work: case_files.change_status(work, case_files.ChangeCaseStatus(case, "F")))
    stop = rights.Stop(
        world.person("per.nes"), replace(world.house.order(Hired("per.nes", "", "", "Teknisk", (), "kari.aas")), change=r.STOP)
    )
    world.house.act("kari.aas", lambda work: rights.stop(work, replace(stop, wanted=replace(stop.wanted, last_day=DAY))))
    assert world.audited() == []
    after = world.write("per.nes", world.case(), c.CaseStatusChanged("F", "B"))
    assert [(one.position, one.what) for one in world.audited()] == [(after, "access.not-in-force")]


def test_another_code_over_a_screening_is_judged_as_a_lowering(world: World) -> None:
    case, coded = world.case(), record.Screened("13", metadata=("TM1",))
    wider = replace(coded, metadata=("TM1", "TMO"))
    for current, wanted in ((None, coded), (coded, wider)):
        world.house.act("siv.moe", partial(_screen, case, current, wanted))
    assert world.audited() == []
    lowered = [world.write("siv.moe", case, one) for one in (coded, record.Screened("P"), record.Unscreened())]
    told = {(one.position, one.what) for one in world.audited()}
    assert {(position, "access.two_people") for position in lowered} <= told
    assert {position for position, _ in told} == set(lowered)


def _screen(case: UUID, current: record.Screened | None, wanted: record.Screened, work: Work) -> None:
    case_files.load(work, case)
    amendments.screen(work, case, current, wanted)


def test_every_fact_is_judged_or_follows_from_one_that_is() -> None:
    with_others = {"fonds.creator-added.v1", "installation.opened.v1", "user.registered.v1", "organisation.change-withdrawn.v1"}
    answers = {"rights.request-answered.v1"}  # gives nothing: the order that it leads to is judged
    of_other_chains = {topic for topic in catalogue.NAMES if topic.startswith(("access.", "login.", "account."))}
    never_written = {
        "document.object-converted.v1",
        "series.status-changed.v1",
        "series.succeeded.v1",
        "fonds.finalised.v1",
        "class.finalised.v1",
    }
    known = {catalogue.TOPICS[fact] for fact in (*ACTS, *CONSEQUENCES, *FORMAT)}
    assert catalogue.NAMES.keys() == known | with_others | answers | of_other_chains | never_written
