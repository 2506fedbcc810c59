"""Why a case is closed, and asking for it: the request reaches the case owner, else the archive, and gives nothing by itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from domain.handlers import organisation
from domain.handlers.organisation import Confirm
from domain.ledger.identity import new_id
from domain.model.organisation import CellText
from tests.fixtures_staff import Staffed
from tests.rights.town import Town, refused, town_of


@pytest.fixture
def town(staffed: Staffed) -> Iterator[Town]:
    with town_of(staffed) as made:
        listed(made)
        yield made


def listed(town: Town) -> None:
    """Two people let caseworkers see every case in lists, so that one may be closed and yet be known to be there."""
    cell = CellText("case:case-file.list:*:B:-:caseworker", "*")
    proposed = organisation.ProposeCells(new_id(), (cell,), town.today, "Åpnere lister")
    town.house.act("anne.berg", lambda work: organisation.propose_cells(work, proposed))
    town.house.act("tor.lie", lambda work: organisation.confirm(work, Confirm(proposed.change)))


def case(town: Town, owner: str | None = "lars.dahl", unit: str = "Kommunedirektøren", code: str = "13") -> str:
    """A screened case of the chief executive's, which Ida is cleared for but has no part in."""
    body: dict[str, object] = {"title": "Naust i strandsonen", "status": "B", "administrative_unit": {"name": unit}}
    if owner is not None:
        body["responsible"] = {"name": owner, "identifier": str(town.person(owner))}
    body["screening"] = {"access_restriction": code, "authority": "Offl. § 13"}
    town.play("siv.moe")
    made = town.web.created(town.web.post("/cases", body))
    town.web.caught_up()
    return made


def ask(town: Town, who: str, record: str) -> None:
    sent = town.send(who, f"/access/{record}", f"/access/{record}", reason="Trenger bakgrunnen")
    assert sent.status_code == 303, refused(sent)


def request(town: Town, who: str) -> str:
    """The form by which somebody answers the one request that waits."""
    (form,) = town.page(who, "/rights/me").xpath("//form[contains(@action, '/answers/')]/@action")
    return str(form)


def test_a_closed_case_says_why_and_whom_to_ask(town: Town) -> None:
    made = case(town)
    closed = town.get("ida.vik", f"/cases/{made}")
    assert closed.status_code == 403
    assert f'href="/access/{made}"' in closed.text
    said = town.text("ida.vik", f"/access/{made}")
    assert "Forespørselen går til saksansvarlig Lars Dahl" in said
    assert "4.5.1" in said
    assert "Naust" not in said
    assert "Saken er åpen for deg" in town.text("lars.dahl", f"/access/{made}")


def test_the_owner_gives_access_for_some_days(town: Town) -> None:
    made = case(town)
    ask(town, "ida.vik", made)
    assert town.get("ida.vik", f"/cases/{made}").status_code == 403
    assert "venter på svar" in town.text("ida.vik", "/rights/me")
    assert "Din forespørsel venter" in town.text("ida.vik", f"/access/{made}")
    shown = town.text("lars.dahl", "/rights/me")
    assert "Ida Vik ba" in shown
    assert "Trenger bakgrunnen" in shown
    sent = town.send("lars.dahl", "/rights/me", request(town, "lars.dahl"), days="2", answer="give")
    assert sent.status_code == 303, refused(sent)
    assert town.get("ida.vik", f"/cases/{made}").status_code == 200
    town.later(days=2)
    assert town.get("ida.vik", f"/cases/{made}").status_code == 403


@pytest.mark.parametrize("days", ["0", "91", "x", "-1", ""])
def test_access_is_given_for_one_to_ninety_days(town: Town, days: str) -> None:
    made = case(town)
    ask(town, "ida.vik", made)
    sent = town.send("lars.dahl", "/rights/me", request(town, "lars.dahl"), days=days, answer="give")
    assert sent.status_code == 422
    assert "90" in refused(sent)
    assert town.get("ida.vik", f"/cases/{made}").status_code == 403


def test_no_takes_a_reason_and_is_told(town: Town) -> None:
    made = case(town)
    ask(town, "ida.vik", made)
    form = request(town, "lars.dahl")
    assert town.send("lars.dahl", "/rights/me", form, answer="decline").status_code == 422
    assert town.send("lars.dahl", "/rights/me", form, answer="decline", reason="Ikke din sak").status_code == 303
    assert "avslått" in town.text("ida.vik", "/rights/me")
    assert "Ikke din sak" in town.text("ida.vik", "/rights/me")
    assert "Andre ber om tilgang" not in town.text("lars.dahl", "/rights/me")


def test_without_an_owner_the_archive_is_asked(town: Town) -> None:
    made = case(town, owner=None)
    assert "går til arkivet" in town.text("ida.vik", f"/access/{made}")
    ask(town, "ida.vik", made)
    assert "Ida Vik ba" in town.text("siv.moe", "/rights/me")
    assert "Andre ber om tilgang" not in town.text("lars.dahl", "/rights/me")


def test_where_the_owner_has_left_the_archive_is_asked(town: Town) -> None:
    made = case(town)
    lars = town.person("lars.dahl")
    yesterday = (town.today - timedelta(days=1)).isoformat()
    town.send("anne.berg", f"/rights/stop?person={lars}", "/rights/stop", step="stop", last_day=yesterday)
    assert "går til arkivet" in town.text("ida.vik", f"/access/{made}")


def test_a_code_that_one_is_not_cleared_for_is_the_manager_s_to_order(town: Town) -> None:
    made = case(town, owner="kari.aas", unit="Teknisk")
    said = town.text("per.nes", f"/access/{made}")
    assert "bestilles av din leder, Kari Ås" in said
    assert "bestilles av din leder" not in town.text("ida.vik", f"/access/{case(town)}")


def test_nobody_answers_for_himself_or_without_the_right(town: Town) -> None:
    made = case(town)
    ask(town, "ida.vik", made)
    form = request(town, "lars.dahl")
    assert town.forged("ida.vik", form, days="5", answer="give").status_code == 403
    assert town.forged("mona.hus", form, days="5", answer="give").status_code in (403, 404)
    assert town.get("ida.vik", f"/cases/{made}").status_code == 403


def test_a_second_request_is_the_first_one(town: Town) -> None:
    made = case(town)
    ask(town, "ida.vik", made)
    before = town.web.position()
    assert town.forged("ida.vik", f"/access/{made}", reason="En gang til").status_code == 303
    assert town.web.position() == before


def test_what_is_not_in_one_s_lists_is_not_there(town: Town) -> None:
    unknown = town.get("ida.vik", "/access/00000000-0000-4000-8000-000000000000")
    assert unknown.status_code == 404
    made = case(town)
    assert town.get("nina.sol", f"/access/{made}").status_code == 403
    assert town.get("mona.hus", f"/access/{made}").status_code == 404
    assert town.get("ida.vik", f"/access/{made}").status_code == 200
