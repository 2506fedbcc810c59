"""`dagbok account`, and where `dagbok serve` may listen."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from api.installation import Installation
from domain.model.errors import DagbokError
from tests import tidy
from tests.fixtures_ledger import LedgerTenant
from tests.login.providing import free_port
from tests.login.town import Town
from tools.cli import application
from tools.demo.staff import House


def dagbok(ledger_tenant: LedgerTenant, arguments: Sequence[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run the program on the database of a test."""
    monkeypatch.setenv("DAGBOK_SIGNER_DIR", str(ledger_tenant.signer_dir))
    place = ["--database", ledger_tenant.owner_dsn(), "--data", str(ledger_tenant.data)]
    return CliRunner().invoke(application(), [*arguments, *place])


def test_an_administrator_invites_and_logs_out(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.cli.options.Installation", lambda wanted, _=None: Installation(wanted, town.clock))
    monkeypatch.setenv("DAGBOK_PUBLIC_URL", "https://arkiv.fjordvik.kommune.no/")
    made = dagbok(town.one, ["account", "invite", "siv.moe", "--actor", "nina.sol"], monkeypatch)
    assert made.exit_code == 0, made.output
    found = re.search(r"^https://arkiv\.fjordvik\.kommune\.no/login/set-up\?link=([\w-]{43})$", made.output, re.MULTILINE)
    assert found is not None, made.output
    browser = town.browser()
    browser.set_up("siv.moe", found[1])
    assert browser.log_in("siv.moe").status_code == 303
    ended = dagbok(town.one, ["account", "end-sessions", "siv.moe", "--actor", "nina.sol"], monkeypatch)
    assert ended.output == "1 session ended\n"
    assert not browser.is_in()
    refused = dagbok(town.one, ["account", "invite", "per.nes", "--actor", "siv.moe"], monkeypatch)
    assert isinstance(refused.exception, DagbokError)
    assert refused.exception.code.startswith("access.")


def test_the_first_two_are_invited_by_the_operator(town: Town) -> None:
    for user_name in ("anne.berg", "tor.lie"):
        town.browser().set_up(user_name, town.link(user_name, ""))
        assert town.browser().log_in(user_name).status_code == 303


def test_serve_listens_outside_only_with_logins_and_tls(ledger_tenant: LedgerTenant) -> None:
    ledger_tenant.settings()
    refused(ledger_tenant, "rights are in use")
    House(ledger_tenant.open_ledger()).open()
    refused(ledger_tenant, "in clear")
    refused(ledger_tenant, "in clear", DAGBOK_PUBLIC_URL="http://arkiv.fjordvik.kommune.no")
    with serving(ledger_tenant, DAGBOK_PUBLIC_URL="https://arkiv.fjordvik.kommune.no") as process:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        assert address.startswith("http://127.0.0.2:"), address
        answer = httpx.get(f"{address}journal", follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (303, "/login?next=/journal")
        assert "Secure" in httpx.get(f"{address}login").headers["set-cookie"]


@contextmanager
def serving(ledger_tenant: LedgerTenant, **settings: str) -> Iterator[subprocess.Popen[str]]:
    """`dagbok serve` on an address of this machine that is none of those which need no login."""
    place = ["--database", ledger_tenant.owner_dsn(), "--data", str(ledger_tenant.data)]
    command = [sys.executable, "-m", "tools.cli", "serve", *place, "--host", "127.0.0.2", "--port", str(free_port())]
    environment = {**os.environ, "DAGBOK_SIGNER_DIR": str(ledger_tenant.signer_dir), **settings}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=environment, cwd=tidy.ROOT, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            yield process
        finally:
            process.terminate()


def refused(ledger_tenant: LedgerTenant, why: str, **settings: str) -> None:
    """Serving is refused in words."""
    with serving(ledger_tenant, **settings) as process:
        _, said = process.communicate(timeout=120)
        assert (process.returncode, why in said) == (2, True), said
