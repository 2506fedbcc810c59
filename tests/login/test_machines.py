"""Machines: services that act with a token over REST, and the collector of metrics. Neither logs in."""

from __future__ import annotations

import stat
from datetime import timedelta
from typing import Any

import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

from api import tokens
from domain.model.user import SERVICE
from tests.api.fiks import written
from tests.fixtures_ledger import LedgerTenant
from tests.fixtures_web import API
from tests.login.town import NOON, Town, town
from tools.cli import application
from tools.demo.staff import TOP, Hired

__all__ = ["town"]

FIKS = Hired("service:fiks", "Fiks Arkiv", "integrasjon", TOP, ("service",), "lars.dahl", kind=SERVICE, days=30)
MESSAGE = ("m.xml", written.case_message("Sak"), "application/xml")


def fiks(town: Town) -> str:
    """A token of the service, which has its right."""
    town.house.hire(FIKS)
    return tokens.issue(town.installation.settings.secrets, town.tenant.name, "fiks")


def post(town: Town, token: str, scheme: str = "Bearer") -> Any:
    headers = {"Authorization": f"{scheme} {token}"}
    return town.browser().client.post(f"{API}/fiks-arkiv/messages", files={"payload": MESSAGE}, headers=headers)


def test_a_service_with_its_token_does_what_its_right_says(town: Town) -> None:
    token = fiks(town)
    answer = post(town, token)
    assert answer.status_code == 200
    assert "kvittering" in answer.json()["answers"][-1]["type"]
    (last,) = town.tenant.ledger.reader.log(town.tenant.ledger.reader.head().position - 1)
    assert last.envelope.actor == str(town.house.people["service:fiks"])
    client = town.browser().client
    assert client.get(f"{API}/people", headers={"Authorization": f"Bearer {token}"}).json()["code"] == "access.no_cell"
    assert client.get("/people", headers={"Authorization": f"Bearer {token}"}, follow_redirects=False).status_code == 303


def test_no_other_token_is_one(town: Town) -> None:
    token = fiks(town)
    secrets, name = town.installation.settings.secrets, town.tenant.name
    idm = tokens.issue(secrets, name, tokens.IDM)
    nobodys = tokens.issue(secrets, name, "nobody")
    town.house.hire(Hired("service:per", "Per", "x", "Teknisk", ("caseworker",), "kari.aas"))
    persons = tokens.issue(secrets, name, "per")
    for wrong in ("", token[:-1], token.upper(), idm, nobodys, persons, "dagbok_../../x_00", f"{token}x"):
        answer = post(town, wrong)
        assert (answer.status_code, answer.json()["code"]) == (401, "service.token"), wrong
        assert answer.headers["www-authenticate"].startswith("Bearer")
    assert post(town, token, "Basic").status_code == 401
    fresh = tokens.issue(secrets, name, "fiks")
    assert (post(town, token).status_code, post(town, fresh).status_code) == (401, 200)
    assert tokens.withdraw(secrets, name, "fiks")
    assert post(town, fresh).status_code == 401


def test_a_token_ends_with_the_right_and_decides_nothing(town: Town) -> None:
    town.house.hire(Hired("service:fiks", "Fiks", "x", TOP, ("service", "head-of-records"), "lars.dahl", kind=SERVICE, days=30))
    token = tokens.issue(town.installation.settings.secrets, town.tenant.name, "fiks")
    headers, one = {"Authorization": f"Bearer {token}"}, town.house.people["per.nes"]
    answer = town.browser().client.post(f"{API}/people/{one}/orders/{one}/answers", json={"answer": "control"}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "login.stale"), "what is decided wants a person"
    town.clock.move_to(NOON + timedelta(days=40))
    assert town.browser().client.get(f"{API}/organisation", headers=headers).json()["code"] == "access.not_in_force"


def test_metrics_are_for_this_machine_or_for_the_token(town: Town) -> None:
    assert town.browser().get("/metrics").status_code == 200
    settings = town.app.state.site.settings
    for name, value in (("host", "0.0.0.0"), ("public_url", "https://arkiv.fjordvik.kommune.no")):
        before = getattr(settings, name)
        setattr(settings, name, value)
        assert town.browser().get("/metrics", headers={"Host": town.tenant.domain}).status_code == 401
        setattr(settings, name, before)
    settings.metrics_token = SecretStr("hemmelig")
    told = {
        given: town.browser().get("/metrics", headers={"Authorization": given}) for given in ("Bearer hemmelig", "Bearer x", "")
    }
    assert [one.status_code for one in told.values()] == [200, 401, 401]
    assert "dagbok_head_position" not in told["Bearer x"].text
    assert town.browser().get("/healthz").status_code == 200


def test_the_token_is_made_on_the_command_line(ledger_tenant: LedgerTenant) -> None:
    settings = ledger_tenant.settings()
    place = ["--data", str(settings.data), "--database", str(settings.database), "--tenant", ledger_tenant.tenant]
    said = CliRunner().invoke(application(), ["service", "token", "fiks", *place])
    assert said.exit_code == 0, said.output
    assert "nobody is service:fiks yet" in said.stderr
    token = said.stdout.strip()
    assert tokens.holder(settings.secrets, ledger_tenant.tenant, f"Bearer {token}") == "fiks"
    (kept,) = settings.secrets.glob("*_fiks_token*")
    assert token not in kept.read_text()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    said = CliRunner().invoke(application(), ["service", "token", "../fiks", *place])
    assert said.exit_code != 0
    said = CliRunner().invoke(application(), ["service", "token", "fiks", "--withdraw", *place])
    assert said.stdout.strip() == "the token is withdrawn"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", f"{API}/cases", {"GET", "POST"}),
        ("PUT", f"{API}/cases/00000000-0000-4000-8000-000000000000", {"GET", "PATCH"}),
        ("DELETE", "/rights/stop", {"GET", "POST"}),
    ],
)
def test_a_wrong_method_is_told_every_right_one(town: Town, method: str, path: str, allowed: set[str]) -> None:
    answer = town.browser().client.request(method, path)
    assert answer.status_code == 405
    assert set(answer.headers["allow"].split(", ")) == allowed
