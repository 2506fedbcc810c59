"""Auditors have an assignment: mandate, scope, end; they read and do nothing else; and people without a manager come back as who
they were (practice R13)."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from api.access_log import Sought, report
from domain.catalogue import Envelope, instant
from domain.handlers import gate, rights, standing
from domain.handlers.gate import Asked
from domain.ledger.identity import new_id
from domain.model.access import Allowed
from domain.model.assignment import AuditAssigned, AuditAssignedBody, AuditReported
from domain.model.errors import Refused
from projections.audit import judge
from tests.fixtures_web import API
from tests.rights.town import Town, refused

MANDATE = "Kontrollutvalgets vedtak i sak 7/36"


def ordered(town: Town, units: tuple[str, ...] = ("Teknisk",), **changes: Any) -> Any:
    """Lars orders an auditor for some units, over REST."""
    town.play("lars.dahl")
    body: dict[str, Any] = {
        "newcomer": {"name": "Ola Rev", "user_name": "ola.rev", "kind": "auditor"},
        "unit": str(town.house.units["Kommunedirektøren"]),
        "first_day": town.today.isoformat(),
        "last_day": (town.today + timedelta(days=60)).isoformat(),
        "roles": ["auditor"],
        "codes": ["13"],
        "reason": "Revisjon",
        "assignment": {"mandate": MANDATE, "units": [str(town.house.units[one]) for one in units]},
    }
    return town.web.post("/rights/orders", {name: value for name, value in {**body, **changes}.items() if value is not None})


def assigned(town: Town, units: tuple[str, ...] = ("Teknisk",)) -> tuple[UUID, UUID]:
    """(person, order) of an auditor whose order was controlled."""
    answer = ordered(town, units)
    assert answer.status_code == 201, answer.text
    order = UUID(answer.json()["id"])
    person = UUID(answer.headers["location"].split("/")[-2])
    town.house.people["ola.rev"] = person
    town.house.act("anne.berg", lambda work: rights.answer(work, rights.Answer(rights.Answer.CONTROL, person, order)))
    return person, order


def case(town: Town, unit: str) -> str:
    town.play("siv.moe")
    body = {"title": f"Sak i {unit}", "administrative_unit": {"name": unit}, "screening": {"access_restriction": "13"}}
    return str(town.web.created(town.web.post("/cases", body)))


def reads(town: Town, unit: str) -> bool:
    ledger = town.web.tenant.ledger
    asked = Asked("case-file.read", ledger.clock.now(), UUID(unit))
    return isinstance(gate.decide(ledger, town.house.actor("ola.rev"), asked), Allowed)


WRONG = [
    ({"assignment": None}, "assignment.mandate_missing"),
    ({"assignment": {"mandate": "  "}}, "assignment.mandate_missing"),
    ({"roles": ["auditor", "archivist"]}, "assignment.read_only"),
    ({"last_day": None}, "rights.end_date_missing"),
    ({"assignment": {"mandate": MANDATE, "since": "2035-12-31", "until": "2035-01-01"}}, "rights.days_reversed"),
    ({"roles": ["caseworker"]}, "assignment.not_auditor"),
    ({"assignment": {"mandate": MANDATE, "units": ["00000000-0000-4000-8000-000000000000"]}}, "not_found"),
]


@pytest.mark.parametrize(("changes", "code"), WRONG, ids=lambda one: one if isinstance(one, str) else "")
def test_an_order_without_what_an_assignment_needs_is_refused(town: Town, changes: dict[str, Any], code: str) -> None:
    position = town.web.position()
    answer = ordered(town, **changes)
    assert answer.json()["code"] == code, answer.text
    assert town.web.position() == position
    assert ordered(town).status_code == 201


def test_an_auditor_reads_the_audited_units_alone_and_does_nothing(town: Town) -> None:
    own, other = case(town, "Teknisk"), case(town, "Oppvekst")
    assigned(town)
    assert (reads(town, own), reads(town, other)) == (True, False)
    town.play("ola.rev")
    town.web.client.cookies.set("dagbok_person", str(town.house.people["ola.rev"]))
    answers = {one: town.web.client.get(f"{API}/cases/{one}").status_code for one in (own, other)}
    assert answers == {own: 200, other: 404}
    town.web.caught_up()
    listed = {row["id"] for row in town.web.get("/cases").json()["cases"]}
    assert own in listed
    assert other not in listed
    position = town.web.position()
    for path, body in (("/cases", {"title": "x"}), (f"/cases/{own}/entries", {"title": "x", "entry_type": "I", "status": "S"})):
        assert town.web.post(path, body).status_code == 403
    assert town.web.patch(f"/cases/{own}", {"title": "Ny"}, "*").status_code == 403
    assert town.web.position() == position
    town.later(days=61)
    assert not reads(town, own), "an assignment ends"


def test_an_assignment_of_no_named_unit_is_of_the_whole_municipality(town: Town) -> None:
    own, other = case(town, "Teknisk"), case(town, "Oppvekst")
    assigned(town, ())
    assert (reads(town, own), reads(town, other)) == (True, True)


def test_who_controls_may_return_an_audit_and_not_object_to_it(town: Town) -> None:
    answer = ordered(town)
    order, person = UUID(answer.json()["id"]), answer.headers["location"].split("/")[-2]
    town.play("anne.berg")
    path = f"/people/{person}/orders/{order}/answers"
    objected = town.web.post(path, {"answer": "object", "reason": "Vi vil ikke"})
    assert (objected.status_code, objected.json()["code"]) == (422, "assignment.no_objection")
    assert town.web.post(path, {"answer": "return", "reason": "Perioden mangler"}).status_code == 201


def shown(town: Town, who: str) -> set[tuple[str, str]]:
    found = report(town.web.tenant.ledger, town.house.actor(who), Sought())
    return {(str(line.person), str(line.record)) for line in found.lines}


def test_what_is_read_shows_once_the_audit_has_been_reported(town: Town) -> None:
    own = case(town, "Teknisk")
    person, order = assigned(town)
    town.web.client.cookies.set("dagbok_person", str(person))
    assert town.web.client.get(f"{API}/cases/{own}").status_code == 200
    line = (str(person), own)
    assert line in shown(town, "eli.rev")
    for unit_leader in ("anne.berg", "kari.aas"):
        assert line not in shown(town, unit_leader)
    for who in ("kari.aas", "anne.berg", "siv.moe"):
        town.play(who)
        assert town.web.post(f"/people/{person}/orders/{order}/report", {}).status_code == 403, "not the audited to say"
    town.later(days=70)
    assert line not in shown(town, "anne.berg"), "an end is no report"
    town.play("lars.dahl")
    assert town.web.post(f"/people/{person}/orders/{order}/report", {}).status_code == 201
    for unit_leader in ("anne.berg", "kari.aas"):
        assert line in shown(town, unit_leader)
    position = town.web.position()
    assert town.web.post(f"/people/{person}/orders/{order}/report", {}).status_code == 201
    assert town.web.position() == position, "it is said once"


def test_all_that_an_auditor_reads_is_noted(town: Town) -> None:
    town.play("siv.moe")
    plain = town.web.created(town.web.post("/cases", {"title": "Veg", "administrative_unit": {"name": "Teknisk"}}))
    person, _ = assigned(town)
    town.web.client.cookies.set("dagbok_person", str(person))
    assert town.web.client.get(f"{API}/cases/{plain}").status_code == 200
    assert (str(person), plain) in shown(town, "eli.rev"), "though it has no code"


def test_the_pages_show_the_assignment_and_take_the_report(town: Town) -> None:
    fields = {
        "person": "", "name": "Ola Rev", "user_name": "ola.rev", "kind": "auditor", "first_day": town.today.isoformat(),
        "last_day": (town.today + timedelta(days=60)).isoformat(), "unit": str(town.house.units["Kommunedirektøren"]),
        "reason": "Revisjon", "step": "order", "role-auditor": "on",
    }  # fmt: skip
    missing = town.forged("lars.dahl", "/rights/order", **fields)
    assert missing.status_code == 422
    assert "ikke hvem som har bestemt hva som skal revideres" in refused(missing)
    teknisk = str(town.house.units["Teknisk"])
    made = town.forged(
        "lars.dahl", "/rights/order", **fields, mandate=MANDATE, **{f"audited-{teknisk}": "on"}, audit_since="2035-01-01"
    )
    assert made.status_code == 303, refused(made)
    person = made.headers["location"].rpartition("/")[2]
    (order,) = standing.of(town.web.tenant.ledger).person(person).file.orders.orders
    town.house.act("anne.berg", lambda work: rights.answer(work, rights.Answer(rights.Answer.CONTROL, UUID(person), order)))
    town.web.caught_up()
    text = town.text("lars.dahl", f"/people/{person}")
    assert f"Oppdrag: {MANDATE}. Omfatter Teknisk." in text
    assert "Ikke rapportert" in text
    assert "Rapporten er levert" not in town.text("anne.berg", f"/people/{person}")
    assert town.send("lars.dahl", f"/people/{person}", f"/rights/audits/{person}/{order}").status_code == 303
    assert "Rapportert 03.03.2036" in town.text("lars.dahl", f"/people/{person}")


def test_who_comes_back_is_who_it_was(town: Town) -> None:
    person, _ = assigned(town)
    town.later(days=90)
    again = ordered(town, assignment={"mandate": "Ny revisjon"})
    assert again.status_code == 201, again.text
    assert again.headers["location"].split("/")[-2] == str(person)
    other = ordered(town, newcomer={"name": "En annen", "user_name": "ola.rev", "kind": "auditor"})
    assert other.json()["code"] == "user.name_taken", "an id is nobody else's (4.4.11)"
    for kind in ("temporary", "external", "elected"):
        dated = ordered(
            town,
            newcomer={"name": "X", "user_name": f"x.{kind}", "kind": kind},
            roles=["caseworker"],
            assignment=None,
            last_day=None,
        )
        assert dated.json()["code"] == "rights.end_date_missing"


def findings(town: Town) -> list[tuple[str, str]]:
    """What the audit of the log names: (fact, why)."""
    ledger = town.web.tenant.ledger
    known = standing.of(ledger)
    found = judge(ledger.reader.whole_log(), known.place, partial(standing.user_name_digest, ledger))
    return [(one.fact, one.what) for one in found]


def test_the_audit_of_the_log_names_reports_and_assignments_that_nobody_could_give(town: Town) -> None:
    person, order = assigned(town)
    with pytest.raises(Refused, match="access"):
        town.house.act("kari.aas", lambda work: rights.report_audit(work, rights.ReportAudit(person, order)))
    assert findings(town) == []
    ledger, kari = town.web.tenant.ledger, str(town.house.people["kari.aas"])
    for fact in (AuditReported(order, town.today), AuditAssigned(order, (), AuditAssignedBody("Videre"))):
        expect = {person: len(ledger.reader.stream(person))}
        now = ledger.clock.now()
        envelope = Envelope(cmd=str(new_id()), n=1, m=1, actor=kari, at=instant(now), date=town.today.isoformat())
        ledger.append([(person, fact)], envelope, expect, now)
    named = findings(town)
    assert {fact for fact, _ in named} == {"rights.audit-reported.v1", "rights.audit-assigned.v1"}, named
