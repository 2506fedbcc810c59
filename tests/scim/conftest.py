"""The identity system of every test here."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from api.installation import Installation, Tenant
from tests.scim.speaking import Idm, speaking


@pytest.fixture
def idm(installation: Installation, tenant: Tenant) -> Iterator[Idm]:
    """An identity system with a valid token, speaking to an opened municipality."""
    with speaking(installation, tenant) as made:
        yield made
