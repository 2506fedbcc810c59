"""What a cell grants under a condition is granted under that condition alone."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import pytest

from domain.handlers import amendments, case_files
from domain.handlers.metadata import Metadata
from domain.handlers.work import Work
from domain.ledger.identity import new_id
from domain.model.case_file import CreateCaseFile
from domain.model.errors import Refused
from domain.model.record import Named, Screened
from tests.fixtures_ledger import LedgerTenant
from tools.demo.staff import House

CODED = Screened("13", "Offl. § 13, jf. fvl. § 13", ("TM1",), None, None, date(2030, 1, 1))


@pytest.fixture
def house(ledger_tenant: LedgerTenant) -> House:
    made = House(ledger_tenant.open_ledger())
    made.open()
    made.staff()
    return made


def case_of(house: House, owner: str, by: str = "siv.moe", screening: Screened | None = None) -> UUID:
    details = CreateCaseFile(date.min, "B", administrative_unit=Named("Teknisk"), case_responsible=house_name(house, owner))
    command = case_files.CreateCase(new_id(), Metadata(title="Sak", screening=screening), details)
    made: UUID = house.act(by, lambda work: case_files.create(work, command))
    return made


def house_name(house: House, one: str) -> Named:
    return Named(one, str(house.people[one]))


def give(house: House, case: UUID, by: str, to: str) -> None:
    house.act(by, lambda work: case_files.assign(work, case_files.AssignCase(case, house_name(house, to))))


def test_an_owner_gives_a_case_back_to_the_manager_and_to_nobody_of_another_unit(house: House) -> None:
    case = case_of(house, "per.nes")
    with pytest.raises(Refused, match=r"access\.not_colleague"):
        give(house, case, "per.nes", "ida.vik")
    give(house, case, "per.nes", "kari.aas")


def test_who_reaches_the_case_by_unit_or_archive_assigns_it_to_anybody(house: House) -> None:
    case = case_of(house, "per.nes")
    give(house, case, "kari.aas", "ida.vik")
    give(house, case, "siv.moe", "per.nes")


def test_an_owner_moves_no_case_to_another_unit(house: House) -> None:
    case = case_of(house, "per.nes")
    command = case_files.AssignCase(case, administrative_unit=Named("Oppvekst"))
    with pytest.raises(Refused, match="access"):
        house.act("per.nes", lambda work: case_files.assign(work, command))
    house.act("siv.moe", lambda work: case_files.assign(work, command))


def screen(house: House, case: UUID, by: str, current: Screened | None, wanted: Screened | None) -> None:
    def handle(work: Work) -> None:
        case_files.load(work, case)
        amendments.screen(work, case, current, wanted)

    house.act(by, handle)


def test_screening_is_one_persons_act_and_lowering_it_is_not(house: House) -> None:
    case = case_of(house, "per.nes")
    screen(house, case, "siv.moe", None, CODED)
    with pytest.raises(Refused, match=r"access\.two_people"):
        screen(house, case, "siv.moe", CODED, None)


@pytest.mark.parametrize(
    "lower",
    [
        Screened("14", CODED.authority, CODED.metadata, None, None, CODED.expires_on),
        Screened("13", CODED.authority, (), None, None, CODED.expires_on),
        Screened("13", CODED.authority, CODED.metadata, None, None, date(2029, 12, 31)),
    ],
)
def test_another_code_fewer_fields_or_an_earlier_end_is_a_lowering(house: House, lower: Screened) -> None:
    case = case_of(house, "per.nes", screening=CODED)
    with pytest.raises(Refused, match=r"access\.two_people"):
        screen(house, case, "siv.moe", CODED, lower)


@pytest.mark.parametrize("expires_on", [None, date(2031, 1, 1)])
def test_a_later_end_or_none_is_no_lowering(house: House, expires_on: date | None) -> None:
    case = case_of(house, "per.nes", screening=CODED)
    screen(house, case, "siv.moe", CODED, Screened("13", CODED.authority, CODED.metadata, None, None, expires_on))
