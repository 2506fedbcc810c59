"""The identity system of every test here."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fixtures_staff import Staffed
from tests.scim.speaking import Idm, speaking


@pytest.fixture
def idm(staffed_now: Staffed) -> Iterator[Idm]:
    """An identity system with a valid token, speaking to an opened municipality."""
    with speaking(staffed_now) as made:
        yield made
