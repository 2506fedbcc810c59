"""Who orders, who controls, who carries out: every combination of the roles, and everybody for himself, through the handlers.

What is expected is worked out from the delivered table's own lines and three sentences of the rules, not from the program.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

import pytest

from domain.handlers import organisation, rights, taking_over, urgent
from domain.handlers.gate import Actor
from domain.handlers.organisation import Confirm, ProposeManager
from domain.handlers.rights import Answer
from domain.handlers.work import Context, Work, run
from domain.ledger.identity import new_id
from domain.model.assignment import AUDITOR
from domain.model.errors import NotFound, Refused
from domain.model.matrix import ROLES
from domain.model.ordering import OrderRights
from domain.model.rights_change import START
from tests import tidy
from tests.fixtures_ledger import LedgerTenant
from tools.demo.staff import Hired, House

TABLE = (tidy.ROOT / "domain/model/matrices/administration.tsv").read_text("utf-8")
THE_ORDERER, THE_CONTROLLER, THE_PERSON = "the orderer", "the controller", "the person"
Cells = dict[tuple[str, str], str]


def cells(text: str) -> Cells:
    """(action, role) -> scope, as the table's lines say."""
    rows = [line.split("\t") for line in text.splitlines()[1:]]
    return {(row[0], row[4]): row[5] for row in rows}


def says_yes(table: Cells, action: str, role: str, manager: bool) -> bool:
    """The table's own answer: `*` for everybody with the role, `p` for the manager or superior of the person."""
    letters = table.get((action, role), "-").split(" ")
    return "*" in letters or ("p" in letters and manager)


@dataclass
class Offices:
    """A house with one person for each role; each may be named manager of a person."""

    house: House
    holder: dict[str, UUID] = field(default_factory=dict)
    other: dict[str, UUID] = field(default_factory=dict)
    person: dict[str, UUID] = field(default_factory=dict)
    commands: int = 0

    def fill(self) -> None:
        """One person a role, and for each of those a member of staff whose manager it is."""
        for role in ROLES:
            for name, kept in (("holder", self.holder), ("other", self.other)):  # two with a role: one orders, one controls
                self.hire(f"{name}.{role}", (role,))
                kept[role] = self.house.people[f"{name}.{role}"]
        for role in (*ROLES, THE_PERSON):
            others = tuple(one for one in ROLES if one != AUDITOR)  # who audits does nothing else
            self.hire(f"staff.{role.replace(' ', '-')}", others)
            self.person[role] = self.house.people[f"staff.{role.replace(' ', '-')}"]
            if role in self.holder:
                self.name(self.holder[role], self.person[role])

    def hire(self, user_name: str, roles: tuple[str, ...]) -> None:
        self.house.hire(
            Hired(user_name, user_name, "stilling", "Teknisk", roles, "kari.aas", days=90 if AUDITOR in roles else None)
        )

    def name(self, manager: UUID, person: UUID) -> None:
        wanted = ProposeManager(new_id(), self.house.units["Teknisk"], str(manager), self.house.today, str(person))
        self.house.act("anne.berg", lambda work: organisation.propose_manager(work, wanted))
        self.house.act("tor.lie", lambda work: organisation.confirm(work, Confirm(wanted.change)))

    def may(self, who: UUID, handle: Callable[[Work], object]) -> bool:
        """Try it, as the actor alone or in the profile of administration."""
        self.commands += 1
        for administers in (False, True):
            try:
                run(self.house.ledger, Context(Actor(str(who), administers=administers)), (), handle)
            except (Refused, NotFound):
                continue
            return True
        return False

    def order(self, orderer: UUID, person: UUID) -> UUID | None:
        """The order's id; None where it was refused."""
        wanted = OrderRights(
            new_id(), START, self.house.units["Teknisk"], self.house.today, None, "Prøve", roles=("caseworker",), codes=("13",)
        )
        given = self.may(orderer, lambda work: rights.order(work, rights.Order(person, wanted)))
        return wanted.order if given else None

    def answer(self, who: UUID, person: UUID, order: UUID, action: str) -> bool:
        return self.may(who, lambda work: rights.answer(work, Answer(action, person, order, "Prøve")))


@pytest.fixture
def offices(ledger_tenant: LedgerTenant) -> Offices:
    house = House(ledger_tenant.ledger)
    house.open()
    house.staff()
    made = Offices(house)
    made.fill()
    return made


def test_the_table_is_read_as_it_stands() -> None:
    table = cells(TABLE)
    assert table["rights.order", "unit-manager"] == "p"
    assert says_yes(table, "rights.order", "unit-manager", True)
    assert not says_yes(table, "rights.order", "unit-manager", False)
    assert not says_yes(table, "rights.order", "archivist", True)


def expected(table: Cells, orderer: str, controller: str, executor: str) -> list[bool]:
    """Whether each step passes; the later ones are not reached where one does not.

    Nobody for himself; who ordered does not control; else what the table says, `p` for whoever is the person's manager.
    """
    steps = [orderer != THE_PERSON and says_yes(table, "rights.order", orderer, True)]
    if steps[-1]:
        steps.append(controller not in (THE_PERSON, THE_ORDERER) and says_yes(table, "rights.control", controller, False))
    if steps[-1] and len(steps) == 2:
        role = {THE_ORDERER: orderer, THE_CONTROLLER: controller}.get(executor, executor)
        steps.append(executor != THE_PERSON and says_yes(table, "rights.execute", role, False))
    return steps


class Tried:
    """What the handlers say, each step tried once for what came before it: a refused step is the same whoever would come next."""

    def __init__(self, offices: Offices) -> None:
        self._offices = offices
        self._known: dict[tuple[str, ...], bool] = {}

    def steps(self, orderer: str, controller: str, executor: str) -> list[bool]:
        """As `expected`, of the program."""
        found: list[bool] = []
        for number in (1, 2, 3):
            key = (orderer, controller, executor)[:number]
            if key not in self._known:
                self._known[key] = self._try(key)
            found.append(self._known[key])
            if not found[-1]:
                break
        return found

    def _try(self, key: tuple[str, ...]) -> bool:
        """The steps of the key on an order of its own; whether the last one passed."""
        offices, orderer = self._offices, key[0]
        person = offices.person[orderer]
        first = person if orderer == THE_PERSON else offices.holder[orderer]
        order = offices.order(first, person)
        if order is None or len(key) == 1:
            return order is not None
        second = {THE_PERSON: person, THE_ORDERER: first}.get(key[1]) or offices.other[key[1]]
        controlled = offices.answer(second, person, order, Answer.CONTROL)
        if not controlled or len(key) == 2:
            return controlled
        third = {THE_PERSON: person, THE_ORDERER: first, THE_CONTROLLER: second}.get(key[2]) or offices.holder[key[2]]
        return offices.answer(third, person, order, Answer.EXECUTE)


ORDERERS = (*ROLES, THE_PERSON)
CONTROLLERS = (*ROLES, THE_ORDERER, THE_PERSON)
EXECUTORS = (*ROLES, THE_ORDERER, THE_CONTROLLER, THE_PERSON)


def differences(table: Cells, tried: Tried) -> list[tuple[str, str, str]]:
    """The combinations of which the program says something else than expected."""
    combinations = itertools.product(ORDERERS, CONTROLLERS, EXECUTORS)
    return [one for one in combinations if tried.steps(*one) != expected(table, *one)]


def test_every_combination_of_the_roles(offices: Offices) -> None:
    """13 x 14 x 15 combinations; and a table with one wrong cell is found to differ."""
    table, tried = cells(TABLE), Tried(offices)
    assert differences(table, tried) == []
    print(f"{len(ORDERERS) * len(CONTROLLERS) * len(EXECUTORS)} combinations, {offices.commands} commands")
    wrong = {("rights.order", "archivist"): "p", ("rights.control", "auditor"): "*", ("rights.execute", "service"): "-"}
    for cell, scope in wrong.items():
        assert differences({**table, cell: scope}, tried), cell


def test_every_role_as_manager_and_not(offices: Offices) -> None:
    """What the table says of a role, for the own staff and for somebody else's; and whoever is concerned, with every role."""
    table = cells(TABLE)
    actions = ("rights.review", "rights.order-urgent", "rights.take-over", "rights.stop")
    for action, manages in itertools.product(actions, (True, False)):
        for role in ROLES:
            person = offices.person[role if manages else THE_PERSON]
            wanted = says_yes(table, action, role, manages)
            assert _passes(offices, action, offices.holder[role], person) is wanted, (role, action, manages)
    concerned = offices.person["archivist"]
    for action in ("rights.order-urgent", "rights.take-over"):
        assert not _passes(offices, action, concerned, concerned), action


def _passes(offices: Offices, action: str, who: UUID, person: UUID) -> bool:
    """Whether a command is refused by no right; what its own rules refuse besides is not the role's matter."""
    unit = offices.house.units["Teknisk"]
    stop = OrderRights(new_id(), "stop", unit, offices.house.today, offices.house.today, "Prøve")
    handles: dict[str, Callable[[Work], object]] = {
        "rights.stop": lambda work: rights.stop(work, rights.Stop(person, stop)),
        "rights.review": lambda work: rights.review(work, rights.Review(person, unit)),
        "rights.order-urgent": lambda work: urgent.order(work, urgent.Order(person, new_id(), "1/1", "Prøve")),
        "rights.take-over": lambda work: taking_over.take_over(work, taking_over.TakeOver(person, unit)),
    }
    codes = set()
    for administers in (False, True):
        try:
            run(offices.house.ledger, Context(Actor(str(who), administers=administers)), (), handles[action])
        except Refused as refused:
            codes.add(refused.code)
        else:
            return True
    return not all(one.startswith("access.") for one in codes)
