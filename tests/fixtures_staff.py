"""A tenant whose people hold their rights by orders already: made once a worker and instant, cloned for each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from api.installation import Installation
from domain.ledger import embedded
from domain.ledger.clock import SetClock
from domain.ledger.ledger import Ledger
from tests.fixtures_ledger import LedgerTenant, Template, cloned
from tools.demo.staff import House

START = datetime(2036, 3, 3, 9, tzinfo=UTC)


@dataclass(frozen=True)
class Staffed:
    """A staffed tenant. at: the instant after the last order, None where the machine's clock runs."""

    tenant: LedgerTenant
    at: datetime | None
    people: Mapping[str, UUID]
    units: Mapping[str, UUID]
    orders: Mapping[str, UUID]

    def clock(self) -> SetClock | None:
        """A clock that goes on where the staffing ended."""
        return SetClock(self.at, running=False) if self.at is not None else None

    def house(self, ledger: Ledger, clock: SetClock | None = None) -> House:
        """Who and what the tests name."""
        made = House(ledger, clock)
        made.people, made.units, made.orders = dict(self.people), dict(self.units), dict(self.orders)
        return made


Staffing = Callable[[datetime | None, Path], AbstractContextManager[Staffed]]


@pytest.fixture(scope="session")
def staffing(server: embedded.Server, template: Template, tmp_path_factory: pytest.TempPathFactory) -> Staffing:
    """Clones of a tenant that was staffed at an instant; None: by the machine's clock."""
    known: dict[datetime | None, tuple[Template, House, datetime | None]] = {}

    def staffed_at(start: datetime | None) -> tuple[Template, House, datetime | None]:
        folder = tmp_path_factory.mktemp("staffed")
        clock = SetClock(start, running=False) if start is not None else None
        database = f"{template.database}_{len(known)}"
        with cloned(server, template, folder, keep=database) as one, Installation(one.settings(), clock) as installation:
            tenant = installation.open()
            house = House(tenant.ledger, clock)
            house.open()
            house.staff()
            assert tenant.wait(tenant.ledger.reader.head().position, 10)
        at = clock.now() if clock is not None else None
        return Template(template.tenant, database, one.signer_dir, one.data), house, at

    @contextmanager
    def staffed(start: datetime | None, folder: Path) -> Iterator[Staffed]:
        if start not in known:
            known[start] = staffed_at(start)
        made, house, at = known[start]
        with cloned(server, made, folder) as one:
            yield Staffed(one, at, house.people, house.units, house.orders)

    return staffed


@pytest.fixture
def staffed(staffing: Staffing, tmp_path: Path) -> Iterator[Staffed]:
    """Staffed in the morning of a day in March that stands still."""
    with staffing(START, tmp_path) as made:
        yield made


@pytest.fixture
def staffed_now(staffing: Staffing, tmp_path: Path) -> Iterator[Staffed]:
    """Staffed by the machine's clock."""
    with staffing(None, tmp_path) as made:
        yield made
