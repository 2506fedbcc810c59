"""How the people of Fjordvik came by their rights: two were named, and everybody else was ordered for by a manager."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from domain.handlers import organisation, rights, standing
from domain.handlers.gate import Actor
from domain.handlers.organisation import Confirm, CreateUnit, OpenInstallation, ProposeManager
from domain.handlers.people import Newcomer
from domain.handlers.work import Context, Work, run
from domain.ledger.clock import LOCAL, SetClock
from domain.ledger.identity import new_id
from domain.ledger.ledger import Ledger
from domain.model.assignment import AUDITOR as AUDITOR_ROLE
from domain.model.assignment import Wanted
from domain.model.ordering import OrderRights
from domain.model.organisation import AccessCodeSet, AccessGroupSet
from domain.model.rights_change import START
from domain.model.user import AUDITOR, EMPLOYEE, SERVICE

TOP = "Kommunedirektøren"
UNITS = (TOP, "Arkiv", "Teknisk", "Oppvekst", "Politisk sekretariat")
CODES = ("13", "P")
MANDATE = "Forvaltningsrevisjon, kontrollutvalgets vedtak i sak 12/26"


@dataclass(frozen=True, slots=True)
class Hired:
    """Somebody whom a manager orders rights for. by: who orders; control: who controls; clearances: access codes."""

    user_name: str
    name: str
    title: str
    unit: str
    roles: tuple[str, ...]
    by: str
    control: str = "anne.berg"
    codes: tuple[str, ...] = ()
    kind: str = EMPLOYEE
    days: int | None = None


STAFF: Sequence[Hired] = (
    Hired("lars.dahl", "Lars Dahl", "kommunedirektør", TOP, ("unit-manager", "caseworker"), "anne.berg", "tor.lie", CODES),
    Hired("tor.lie", "Tor Lie", "arkivar", "Arkiv", ("archivist",), "lars.dahl", codes=CODES),
    Hired("anne.berg", "Anne Berg", "arkivleder", "Arkiv", ("head-of-records", "archivist"), "lars.dahl", "tor.lie", CODES),
    Hired("siv.moe", "Siv Moe", "arkivar", "Arkiv", ("archivist",), "anne.berg", "tor.lie", CODES),
    Hired("kari.aas", "Kari Ås", "enhetsleder", "Teknisk", ("unit-manager", "caseworker"), "lars.dahl"),
    Hired("per.nes", "Per Nes", "saksbehandler", "Teknisk", ("caseworker",), "kari.aas"),
    Hired("ida.vik", "Ida Vik", "saksbehandler", "Oppvekst", ("caseworker",), "lars.dahl", codes=("13",)),
    Hired("mona.hus", "Mona Hus", "utvalgssekretær", "Politisk sekretariat", ("committee-secretary", "checker"), "lars.dahl"),
    Hired("nina.sol", "Nina Sol", "brukeradministrator", TOP, ("user-administrator",), "lars.dahl"),
    Hired("rolf.eng", "Rolf Eng", "systemadministrator", TOP, ("system-administrator",), "lars.dahl"),
    Hired("eli.rev", "Eli Rev", "kommunerevisor", TOP, ("auditor",), "lars.dahl", codes=CODES, kind=AUDITOR, days=730),
)
IDM = Hired("service:idm", "IDM", "integrasjon", TOP, ("service",), "lars.dahl", kind=SERVICE)
HEADS: Mapping[str, str] = {"kari.aas": "Teknisk", "anne.berg": "Arkiv"}


class House:
    """A municipality whose people are known by user name. clock: moved a little between acts, where it stands still."""

    def __init__(self, ledger: Ledger, clock: SetClock | None = None) -> None:
        self.ledger = ledger
        self.clock = clock
        self.people: dict[str, UUID] = {}
        self.units: dict[str, UUID] = {}
        self.orders: dict[str, UUID] = {}

    def actor(self, user_name: str, **more: Any) -> Actor:
        """Somebody as the actor of a command."""
        return Actor(str(self.people[user_name]), user_name, **more)

    def act(self, by: str, handle: Callable[[Work], Any]) -> Any:
        """Run a handler as somebody."""
        if self.clock is not None:
            self.clock.move_to(self.clock.now() + timedelta(milliseconds=1))
        return run(self.ledger, Context(self.actor(by)), (), handle).result

    def open(self) -> None:
        """The first two people, the units and who orders for the chief executive."""
        leader = Newcomer(EMPLOYEE, "Anne Berg", "anne.berg")
        deputy = Newcomer(EMPLOYEE, "Tor Lie", "tor.lie")
        opening = OpenInstallation(leader, deputy)
        opened = run(
            self.ledger, Context(Actor("dagbok-init")), (), lambda work: organisation.open_installation(work, opening)
        ).result
        self.people = {"anne.berg": opened.leader, "tor.lie": opened.deputy, "service:import": opened.services[0]}
        for name in UNITS:
            self.create_unit(name, self.units.get(TOP))
        groups = [AccessGroupSet("barnevern", "Barnevern"), AccessGroupSet("personal", "Personal")]
        self.act("anne.berg", lambda work: organisation.set_groups(work, groups))
        since = self.today.replace(month=1, day=1)
        bases = [AccessCodeSet("13", "Offl. § 13, jf. fvl. § 13", since), AccessCodeSet("P", "Offl. § 25", since)]
        self.act("anne.berg", lambda work: organisation.set_codes(work, bases))
        self.manages("anne.berg", TOP)  # until there is a chief executive

    def create_unit(self, name: str, parent: UUID | None) -> None:
        """A unit, set up by the archive leader."""
        wanted = CreateUnit(new_id(), name, parent)
        self.units[name] = self.act("anne.berg", lambda work: organisation.create_unit(work, wanted))

    def staff(self) -> None:
        """Everybody else, each by an order."""
        for hired in STAFF:
            self.hire(hired)
            if hired.user_name == "lars.dahl":
                self.manages("lars.dahl", TOP)
                self.manages("anne.berg", TOP, "lars.dahl")
            elif hired.user_name in HEADS:
                self.manages(hired.user_name, HEADS[hired.user_name])

    @property
    def today(self) -> Any:
        """The local day."""
        return self.ledger.clock.now().astimezone(LOCAL).date()

    def manages(self, manager: str, unit: str, person: str | None = None) -> None:
        """Two people say who is manager of a unit, or of one person in it."""
        wanted = ProposeManager(
            new_id(),
            self.units[unit],
            str(self.people[manager]),
            self.today,
            str(self.people[person]) if person is not None else None,
        )
        self.act("anne.berg", lambda work: organisation.propose_manager(work, wanted))
        confirms = "siv.moe" if "siv.moe" in self.people and manager == "tor.lie" else "tor.lie"
        self.act(confirms, lambda work: organisation.confirm(work, Confirm(wanted.change)))

    def hire(self, hired: Hired) -> UUID:
        """A manager orders, and where it widens the archive leader or a deputy controls."""
        known = hired.user_name in self.people
        person = self.people.setdefault(hired.user_name, new_id())
        order = self.order(hired)
        newcomer = None if known else Newcomer(hired.kind, hired.name, hired.user_name)
        command = rights.Order(person, order, newcomer)
        self.act(hired.by, lambda work: rights.order(work, command))
        self.act(hired.control, lambda work: rights.answer(work, rights.Answer(rights.Answer.CONTROL, person, order.order)))
        self.orders[hired.user_name] = order.order
        return order.order

    def order(self, hired: Hired, **changes: Any) -> OrderRights:
        """The order as its form would send it."""
        last_day = self.today + timedelta(days=hired.days) if hired.days is not None else None
        made = OrderRights(
            new_id(),
            START,
            self.units[hired.unit],
            self.today,
            last_day,
            "Tilsetting",
            hired.title,
            hired.roles,
            hired.codes,
            assignment=Wanted(MANDATE) if AUDITOR_ROLE in hired.roles else None,
        )
        return replace(made, **changes)

    def found(self) -> House:
        """The same people and units, looked up in a ledger that has them already."""
        known = standing.of(self.ledger)
        state = known.organisation().state
        self.units = {unit.name: unit.id for unit in state.units.values()}
        for user_name in (*(one.user_name for one in STAFF), "service:import"):
            person = known.called(user_name)
            if person is not None:
                self.people[user_name] = UUID(person)
        return self
