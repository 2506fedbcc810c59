"""Where a municipality has been opened, nobody does anything without a right that a manager ordered."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from domain.handlers import case_files
from domain.handlers.metadata import Metadata
from domain.ledger.identity import new_id
from domain.model.case_file import CreateCaseFile
from domain.model.errors import Refused
from domain.model.record import Named
from tests.fixtures_ledger import LedgerTenant
from tools.demo.staff import House


@pytest.fixture
def house(ledger_tenant: LedgerTenant) -> House:
    made = House(ledger_tenant.open_ledger())
    made.open()
    made.staff()
    return made


def create(house: House, by: str, unit: str = "Teknisk", owner: str | None = None, status: str = "B") -> Any:
    details = CreateCaseFile(
        date.min,
        status,
        administrative_unit=Named(unit),
        case_responsible=Named(owner, str(house.people[owner])) if owner else None,
    )
    command = case_files.CreateCase(new_id(), Metadata(title="Sak"), details)
    return house.act(by, lambda work: case_files.create(work, command))


def test_an_archivist_creates_a_case_and_a_caseworker_reserves_one(house: House) -> None:
    create(house, "siv.moe")
    create(house, "per.nes", owner="per.nes", status="R")
    with pytest.raises(Refused, match="access"):
        create(house, "per.nes", owner="per.nes", status="B")
