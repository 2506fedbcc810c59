"""The town that most tests of rights begin with; a module that wants more of it makes its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fixtures_staff import Staffed
from tests.rights.town import Town, town_of


@pytest.fixture
def town(staffed: Staffed) -> Iterator[Town]:
    """The town, opened; its people have their rights."""
    with town_of(staffed) as made:
        yield made
