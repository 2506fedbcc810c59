"""What RFC 7644 asks of a server beyond what the conformance suite looks at: errors, versions, filters, pages, tokens."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from api import tokens
from api.installation import Installation, Tenant
from domain.handlers import case_files, gate, rights
from domain.handlers.gate import Actor
from domain.handlers.metadata import Metadata
from domain.ledger.identity import new_id
from domain.model.case_file import CreateCaseFile
from domain.model.errors import Refused
from domain.model.ordering import OrderRights
from domain.model.rights_change import STOP
from tests.fixtures_web import opened
from tests.scim.speaking import PATCH_SCHEMA, RECORDS_SCHEMA, Idm, order, said

NOTHING = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff"
RENAME = {"schemas": [PATCH_SCHEMA], "Operations": [{"op": "replace", "path": "displayName", "value": "Ny"}]}


def problem(answer: Any, status: int) -> Any:
    """The SCIM error that an answer is."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/scim+json"
    body = answer.json()
    assert body["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
    assert body["status"] == str(status)
    assert body["detail"]
    return body


def requests(one: str) -> list[tuple[str, str, Any]]:
    """A request of every kind that reads or writes people."""
    return [
        ("GET", "/Users", None),
        ("GET", f"/Users/{one}", None),
        ("GET", '/Users?filter=userName eq "x"', None),
        ("POST", "/Users", said("kai.by")),
        ("POST", "/Users/.search", {"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"]}),
        ("POST", "/.search", {"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"]}),
        ("PUT", f"/Users/{one}", said("ola.by")),
        ("PATCH", f"/Users/{one}", RENAME),
        ("DELETE", f"/Users/{one}", None),
    ]


@pytest.mark.parametrize("shown", [None, "", "Bearer", "Bearer x", "Basic {token}", "{token}", "Bearer {token}x"])
def test_without_the_token_nobody_is_answered(idm: Idm, shown: str | None) -> None:
    one = idm.create("ola.by")["id"]
    before = idm.web.position()
    headers = {} if shown is None else {"Authorization": shown.format(token=idm.token)}
    for method, path, body in [*requests(one), ("GET", "/Schemas", None), ("GET", "/ServiceProviderConfig", None)]:
        answer = idm.web.client.request(method, f"/scim/v2{path}", json=body, headers=headers)
        problem(answer, 401)
        assert answer.headers["www-authenticate"].startswith("Bearer ")
    assert idm.web.position() == before


def test_a_new_token_ends_the_old_one(idm: Idm) -> None:
    secrets, tenant = idm.secrets, idm.web.tenant
    assert idm.ask("GET", "/Users").status_code == 200
    fresh = tokens.issue(secrets, tenant.name, tokens.IDM)
    problem(idm.ask("GET", "/Users"), 401)
    idm.token = fresh
    assert idm.ask("GET", "/Users").status_code == 200
    kept = [path for path in secrets.iterdir() if fresh in path.read_text(encoding="utf-8", errors="replace")]
    assert kept == [], "only its digest is kept"
    assert tokens.withdraw(secrets, tenant.name, tokens.IDM)
    problem(idm.ask("GET", "/Users"), 401)
    assert not tokens.withdraw(secrets, tenant.name, tokens.IDM)


def test_every_request_passes_the_gate(idm: Idm, monkeypatch: pytest.MonkeyPatch) -> None:
    one = idm.create("ola.by")["id"]
    asked: list[str] = []

    def refuse(actor: Actor, action: str, record: object = None) -> gate.Permit:
        asked.append(action)
        raise Refused("access.no_right", "4.5.1", {"action": action})

    before = idm.web.position()
    monkeypatch.setattr(gate, "permit", refuse)
    for method, path, body in requests(one):
        asked.clear()
        problem(idm.ask(method, path, body), 403)
        assert asked, f"{method} {path}"
    assert idm.web.position() == before


def test_a_token_alone_gives_no_right(idm: Idm) -> None:
    """The service user holds a role that a manager ordered; without it nothing passes."""
    one = idm.create("ola.by")["id"]
    service = idm.house.people["service:idm"]
    unit, today = idm.house.units["Kommunedirektøren"], idm.house.today
    wanted = OrderRights(new_id(), STOP, unit, today, today - timedelta(days=1), "Avtalen er sagt opp")
    idm.house.act("lars.dahl", lambda work: rights.stop(work, rights.Stop(service, wanted)))
    for method, path, body in requests(one):
        problem(idm.ask(method, path, body), 403)


def test_a_municipality_without_rights_says_so(installation: Installation, tenant: Tenant) -> None:
    given = tokens.issue(installation.settings.data / "secrets", tenant.name, tokens.IDM)
    with opened(installation, tenant) as web:
        for method, path, body in requests(NOTHING):
            answer = web.client.request(method, f"/scim/v2{path}", json=body, headers={"Authorization": f"Bearer {given}"})
            assert "[installation.not_opened]" in problem(answer, 503)["detail"]
            assert int(answer.headers["retry-after"]) > 0


def test_who_is_not_there_is_404_and_so_are_services_and_cases(idm: Idm) -> None:
    command = case_files.CreateCase(new_id(), Metadata(title="Sak"), CreateCaseFile(date.min))
    case = str(idm.house.act("siv.moe", lambda work: case_files.create(work, command)))
    for one in (NOTHING, "x", str(idm.house.people["service:idm"]), str(idm.house.people["service:import"]), case):
        problem(idm.ask("GET", f"/Users/{one}"), 404)
        problem(idm.ask("PATCH", f"/Users/{one}", RENAME), 404)
        problem(idm.ask("DELETE", f"/Users/{one}"), 404)
    problem(idm.ask("GET", "/Groups"), 404)


def test_keys_are_given_once(idm: Idm) -> None:
    one = idm.create("ola.by", externalId="hr-1")["id"]
    for body in (said("OLA.by"), said("tor.lie"), said("service:import"), said("kai.by", externalId="hr-1")):
        assert problem(idm.ask("POST", "/Users", body), 409)["scimType"] == "uniqueness"
    two = idm.create("kai.by", externalId="hr-2")["id"]
    for name, value in (("userName", "ola.by"), ("externalId", "hr-1")):
        taken = idm.patch(two, {"op": "replace", "path": name, "value": value}, expected=409)
        assert taken["scimType"] == "uniqueness"
    assert (idm.read(one)["userName"], idm.read(two)["externalId"]) == ("ola.by", "hr-2")


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        (b"{", 400, "invalidSyntax"),
        (b"[]", 400, "invalidSyntax"),
        ({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"]}, 400, "invalidValue"),
        (said(" "), 400, "invalidValue"),
        (said("x" * 201), 400, "invalidValue"),
        (said("a\u0000b"), 400, "invalidValue"),
        (said("ola.by", roles="emperor"), 400, "invalidValue"),
        (said("ola.by", clearances="99"), 400, "invalidValue"),
        (said("ola.by", unit="x" * 201), 400, "invalidValue"),
        (said("ola.by", emails=[{"value": f"a{n}@by.no"} for n in range(51)]), 400, "invalidValue"),
        (said("ola.by", active="perhaps"), 400, "invalidValue"),
    ],
)
def test_what_cannot_be_read_is_refused_and_nothing_is_written(idm: Idm, body: Any, status: int, kind: str) -> None:
    before = idm.web.position()
    headers = {"Authorization": f"Bearer {idm.token}", "Content-Type": "application/scim+json"}
    how = {"content": body} if isinstance(body, bytes) else {"json": body}
    found = problem(idm.web.client.post("/scim/v2/Users", headers=headers, **how), status)
    assert found.get("scimType") in (kind, "invalidValue" if kind == "invalidSyntax" else kind)
    assert idm.web.position() == before
    assert idm.create("ola.by", roles="caseworker", clearances="13", unit="Teknisk", active="False")["active"] is False


def test_other_refusals_of_the_protocol(idm: Idm) -> None:
    one = idm.create("ola.by")["id"]
    headers = {"Authorization": f"Bearer {idm.token}"}
    problem(idm.web.client.post("/scim/v2/Users", content=b"<user/>", headers={**headers, "Content-Type": "text/xml"}), 415)
    for method, path in (("DELETE", "/Users"), ("POST", "/Schemas"), ("PUT", "/ServiceProviderConfig")):
        assert "GET" in idm.ask(method, path, None).headers["allow"]
        problem(idm.ask(method, path, None), 405)
    problem(idm.ask("GET", "/Users?sortBy=userName"), 501)
    problem(idm.ask("POST", "/Bulk", {}), 501)
    problem(idm.ask("GET", "/Me"), 501)
    read_only = {"schemas": [PATCH_SCHEMA], "Operations": [{"op": "replace", "path": "roles", "value": [{"value": "auditor"}]}]}
    assert problem(idm.ask("PATCH", f"/Users/{one}", read_only), 400)["scimType"] == "mutability"
    problem(idm.ask("POST", "/Users", said("kai.by"), Origin="https://evil.example"), 403)
    too_large = {"Content-Length": str(10**12), **headers}
    problem(idm.web.client.post("/scim/v2/Users", content=b"x", headers=too_large), 413)


def test_an_old_version_is_not_overwritten(idm: Idm) -> None:
    made = idm.create("ola.by")
    one, old = made["id"], made["meta"]["version"]
    read = idm.ask("GET", f"/Users/{one}")
    assert (read.headers["etag"], read.json()["meta"]["version"]) == (old, old)
    assert idm.ask("GET", f"/Users/{one}", None, If_None_Match=old).status_code == 304
    changed = idm.patch(one, RENAME["Operations"][0], If_Match=old)
    assert changed["meta"]["version"] != old
    assert idm.ask("GET", f"/Users/{one}", None, If_None_Match=old).status_code == 200
    before = idm.facts(one)
    problem(idm.ask("PATCH", f"/Users/{one}", RENAME, If_Match=old), 412)
    problem(idm.ask("PUT", f"/Users/{one}", said("ola.by"), If_Match=old), 412)
    problem(idm.ask("DELETE", f"/Users/{one}", None, If_Match=old), 412)
    assert idm.facts(one) == before
    assert idm.ask("DELETE", f"/Users/{one}", None, If_Match=changed["meta"]["version"]).status_code == 204


def test_the_version_is_of_what_holds_and_not_of_the_readers_language(idm: Idm) -> None:
    made = idm.create("ola.by", **order(idm.house, orderedBy=None))
    one = made["id"]
    told = {language: idm.ask("GET", f"/Users/{one}", None, Accept_Language=language).json() for language in ("nb", "en")}
    assert told["nb"]["roles"] != told["en"]["roles"]
    assert told["nb"]["meta"]["version"] == told["en"]["meta"]["version"]


def test_what_changes_nothing_writes_nothing(idm: Idm) -> None:
    made = idm.create("ola.by", displayName="Ola", **order(idm.house))
    before = idm.facts(made["id"])
    assert idm.ask("PUT", f"/Users/{made['id']}", made).json()["meta"]["version"] == made["meta"]["version"]
    idm.patch(made["id"], {"op": "replace", "path": "displayName", "value": "Ola"})
    idm.patch(made["id"], {"op": "replace", "path": "active", "value": True})
    assert idm.facts(made["id"]) == before


def total(idm: Idm, condition: str) -> int:
    answer = idm.web.client.get("/scim/v2/Users", params={"filter": condition}, headers={"Authorization": f"Bearer {idm.token}"})
    assert answer.status_code == 200, answer.text
    return int(answer.json()["totalResults"])


def test_filters(idm: Idm) -> None:
    one = idm.create("ola.by", displayName="Ola By", externalId="HR-1", emails=[{"value": "ola@by.no", "type": "work"}])["id"]
    idm.create("kai.by", displayName="Kai By", active=False)
    found = {
        'userName eq "OLA.BY"': 1,
        'userName eq "per.nes"': 1,
        'urn:ietf:params:scim:schemas:core:2.0:User:userName eq "ola.by"': 1,
        'externalId eq "HR-1"': 1,
        'externalId eq "hr-1"': 0,
        'userName eq "service:idm"': 0,
        'userName eq "nobody"': 0,
        'userName sw "o"': 1,
        'displayName co "by"': 2,
        'userName eq "ola.by" and externalId eq "x"': 0,
        'emails[type eq "work" and value eq "ola@by.no"]': 1,
        "active eq false": 1,
        "not (externalId pr) and active eq false": 1,
        f'{RECORDS_SCHEMA}:unit eq "Teknisk"': 0,
    }
    assert {condition: total(idm, condition) for condition in found} == found
    idm.patch(one, {"op": "replace", "path": "userName", "value": "ola.nord"})
    assert (total(idm, 'userName eq "ola.by"'), total(idm, 'userName eq "ola.nord"')) == (0, 1)
    bad = idm.ask("GET", '/Users?filter=userName is "x"')
    assert problem(bad, 400)["scimType"] == "invalidFilter"


def test_pages(idm: Idm) -> None:
    for n in range(5):
        idm.create(f"new.{n}")
    everybody = idm.ask("GET", "/Users").json()
    assert everybody["totalResults"] == len(everybody["Resources"]) == 11 + 5
    names = [one["userName"] for one in everybody["Resources"]]
    assert names[-5:] == [f"new.{n}" for n in range(5)]
    paged: list[str] = []
    for start in range(1, 17, 3):
        page = idm.ask("GET", f"/Users?startIndex={start}&count=3").json()
        assert (page["totalResults"], page["startIndex"], page["itemsPerPage"]) == (16, start, len(page["Resources"]))
        paged += [one["userName"] for one in page["Resources"]]
    assert paged == names
    for query, expected in (("count=0", 0), ("startIndex=17", 0), ("startIndex=0&count=2", 2), ("count=-1", 0)):
        page = idm.ask("GET", f"/Users?{query}").json()
        assert (len(page.get("Resources", [])), page["totalResults"]) == (expected, 16), query


def test_the_description_of_the_service(idm: Idm) -> None:
    config = idm.ask("GET", "/ServiceProviderConfig").json()
    offered = {name: config[name]["supported"] for name in ("patch", "bulk", "filter", "sort", "etag", "changePassword")}
    assert offered == {"patch": True, "bulk": False, "filter": True, "sort": False, "etag": True, "changePassword": False}
    types = idm.ask("GET", "/ResourceTypes").json()["Resources"]
    assert [(one["name"], one["endpoint"]) for one in types] == [("User", "/Users")]
    schema = idm.ask("GET", f"/Schemas/{RECORDS_SCHEMA}").json()
    named = {one["name"]: one["mutability"] for one in schema["attributes"]}
    assert named.pop("state") == named.pop("reason") == "readOnly"
    writable = {"validFrom", "validTo", "unit", "roles", "clearances", "accessGroups", "orderedBy", "orderNumber"}
    assert named == dict.fromkeys(writable, "readWrite")


def test_another_municipality_is_not_reached_by_the_token_of_this_one(idm: Idm) -> None:
    assert not tokens.holder(idm.secrets, "elsewhere", f"Bearer {idm.token}")
    assert tokens.holder(idm.secrets, idm.web.tenant.name, f"Bearer {idm.token}") == tokens.IDM
    assert UUID(idm.create("ola.by")["id"]).version == 4
