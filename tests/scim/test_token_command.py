"""`dagbok idm token`: the operator's part of connecting an identity system."""

from __future__ import annotations

import os
import stat

import pytest
from typer.testing import CliRunner

from api import tokens
from tests.fixtures_ledger import LedgerTenant
from tools.cli import application


@pytest.fixture
def place(ledger_tenant: LedgerTenant) -> list[str]:
    """The options that name the installation."""
    settings = ledger_tenant.settings()
    return ["--data", str(settings.data), "--database", str(settings.database), "--tenant", ledger_tenant.tenant]


def test_a_token_is_shown_once_and_kept_as_a_digest_of_the_owners_eyes_only(
    ledger_tenant: LedgerTenant, place: list[str]
) -> None:
    said = CliRunner().invoke(application(), ["idm", "token", *place])
    assert said.exit_code == 0, said.output
    given = said.stdout.strip()
    secrets = ledger_tenant.data / "secrets"
    assert tokens.holder(secrets, ledger_tenant.tenant, f"bearer {given}") == tokens.IDM
    (kept,) = secrets.glob("*_idm_token*")
    assert given not in kept.read_text(encoding="ascii")
    assert stat.S_IMODE(os.stat(kept).st_mode) == 0o600
    assert "service:idm" in said.stderr, "nobody is yet, and the operator is told what is missing"


def test_a_token_is_withdrawn(ledger_tenant: LedgerTenant, place: list[str]) -> None:
    given = CliRunner().invoke(application(), ["idm", "token", *place]).stdout.strip()
    said = [CliRunner().invoke(application(), ["idm", "token", "--withdraw", *place]).stdout.strip() for _ in range(2)]
    assert said == ["the token is withdrawn", "there was no token"]
    assert not tokens.holder(ledger_tenant.data / "secrets", ledger_tenant.tenant, f"Bearer {given}")
    for nothing in ("", "Bearer", "Bearer "):
        assert not tokens.holder(ledger_tenant.data / "secrets", ledger_tenant.tenant, nothing)
