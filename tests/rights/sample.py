"""What the operations are tried on: records and people of Teknisk, others that are none of its business, and ids of nothing.

The rights of the people who try, and what rights ask of what is tried, are written here anew, so that what is expected follows
from the tables and this page alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID, uuid4

from domain.catalogue import Envelope
from domain.handlers import amendments, case_files, organisation, rights
from domain.handlers.organisation import ProposeManager
from domain.model.access import CODED, NOT_ASSESSED, PUBLIC, Moment, Person, Right, Subject
from domain.model.idm import RightsRequested, RightsRequestedBody
from domain.model.record import Screened
from tests.fixtures_web import API, PDF
from tests.login.town import Browser, Town
from tests.rights.operations import Ask
from tools.demo.staff import STAFF, TOP, Hired

RECORDS = {"case": "case-file.list", "entry": "registry-entry.list", "document": "registry-entry.list"}
OF_PEOPLE = frozenset({"person", "order"})
NAMES = (
    *("case", "entry", "document", "object_id", "sign_off_id", "asked"),
    *("person", "order", "idm", "place", "change", "spare", "nothing"),
)


@dataclass(frozen=True)
class Sample:
    """Objects that belong together. ids: by name, as text; there: whether they are; unit, owner, manager: the names of those of
    its records and of its person; code: the case's access code."""

    town: Town
    ids: Mapping[str, str]
    there: bool
    unit: str = ""
    owner: str = ""
    manager: str = ""
    code: str | None = None
    versions: Mapping[str, str] = field(default_factory=dict)

    def subject(self, ask: Ask, who: Person) -> Subject | None:
        """What the right is asked of; None where that is not there."""
        house, kind = self.town.house, ask.kind
        path = (house.units[self.unit], house.units[TOP]) if self.there else ()
        mine = tuple(right.unit for right in who.rights if right.unit is not None)
        owner, manager = (str(house.people[one]) if one else "" for one in (self.owner, self.manager))
        everybody = {str(house.people[one]) for one in ("lars.dahl", "kari.aas", "anne.berg")}
        match kind:
            case "" | "rows":
                return Subject("administration")
            case "spare":
                return Subject("administration") if self.there else None
            case "self":
                return Subject("administration", authors=frozenset({who.id}))
            case "form":
                return Subject("administration", put_to=frozenset(everybody))
            case "own-units":
                return Subject("administration", units=mine)
            case "new-case":
                return Subject("case", assessment=PUBLIC, authors=frozenset({who.id}))
            case "own-case":
                return Subject("case", units=mine[:1], owner=who.id, assessment=PUBLIC, authors=frozenset({who.id}))
            case "place":
                return Subject("administration", units=path) if self.there else None
            case "change":
                return Subject("administration", ordered_by=str(house.people["lars.dahl"])) if self.there else None
            case "person" | "order":
                about = self.ids["person"]
                return Subject("administration", put_to=frozenset({manager} - {""}), authors=frozenset({about}), concerns=about)
        if not self.there:
            return Subject("document") if kind == "new-entry" else None
        assessment = CODED if self.code else PUBLIC if kind == "case" else NOT_ASSESSED
        by = frozenset({who.id if kind == "new-entry" else owner})
        return Subject(
            "case" if kind == "case" else "document",
            "*" if kind == "case" else "I",
            {"case": "B", "new-entry": "-"}.get(kind, "S"),
            path,
            owner,
            handlers=frozenset() if kind == "case" else by,
            authors=by,
            assessment=assessment,
            code=self.code,
        )


def person(town: Town, user_name: str) -> Person:
    """Somebody with the rights that the house was staffed with."""
    (hired,) = (one for one in STAFF if one.user_name == user_name)
    today, at = town.house.today, town.clock.now()
    unit = town.house.units[hired.unit]
    last_day = today + timedelta(days=hired.days) if hired.days else None
    ordered = tuple(Right(role, today, last_day, at, unit, frozenset(hired.codes)) for role in hired.roles)
    opened = {"anne.berg": ("head-of-records", "archivist"), "tor.lie": ("head-of-records", "archivist")}.get(user_name, ())
    return Person(str(town.house.people[user_name]), (*ordered, *(Right(role, today, None, at) for role in opened)))


def moment(town: Town) -> Moment:
    """Now."""
    return Moment(town.clock.now() + timedelta(seconds=1), town.house.today)


def absent(town: Town) -> Sample:
    """Ids of nothing, but for a unit to order in, which everybody knows of."""
    ids = {name: str(uuid4()) for name in NAMES} | {"team": str(town.house.units["Oppvekst"])}
    return Sample(town, ids | _constant("2036/99999", "1"), there=False)


def made(town: Town, browsers: Mapping[str, Browser], number: int, *, own: bool) -> Sample:
    """A case with an entry, its document, a sign-off and a request to read it; and somebody for whom an order waits."""
    unit, owner, manager, code = ("Teknisk", "per.nes", "kari.aas", None) if own else ("Oppvekst", "ida.vik", "lars.dahl", "6")
    ids = _records(town, browsers, unit, owner)
    if code is not None:
        _screen(town, UUID(ids["case"]), code)
    ids |= _people(town, unit, manager, f"{number}{'o' if own else 'f'}")
    versions = {name: str(len(town.tenant.ledger.reader.stream(UUID(ids[name])))) for name in ("case", "entry")}
    ids |= {f"{name}_version": version for name, version in versions.items()}
    return Sample(town, ids, True, unit, owner, manager, code)


def _records(town: Town, browsers: Mapping[str, Browser], unit: str, owner: str) -> dict[str, str]:
    archivist, handler = browsers["siv.moe"].client, browsers[owner].client
    responsible = {"name": owner, "identifier": str(town.house.people[owner])}
    body = {"title": "Sak", "administrative_unit": {"name": unit}, "responsible": responsible}
    case = _created(archivist.post(f"{API}/cases", json=body))
    number = archivist.get(f"{API}/cases/{case}").json()["number"]
    party = {"party_type": "EA", "name": "Ola Nordmann"}
    said = {"title": "Brev", "entry_type": "I", "status": "S", "parties": [party]}
    entry = _created(handler.post(f"{API}/cases/{case}/entries", json=said))
    document = _created(handler.post(f"{API}/entries/{entry}/documents", files={"file": ("a.pdf", PDF, "application/pdf")}))
    sign_off = _created(handler.post(f"{API}/entries/{entry}/sign-offs", json={"method": "TE"}))
    asked = browsers["tor.lie"].client.post(f"{API}/records/{case}/access-requests", json={"reason": "Trenger den"})
    object_id = handler.get(f"{API}/documents/{document}").json()["objects"][0]["id"]
    ids = {"case": case, "entry": entry, "document": document, "object_id": object_id, "sign_off_id": sign_off}
    return ids | {"asked": _created(asked)} | _constant(number, "1")


def _constant(number: str, position: str) -> dict[str, str]:
    return {"number": number.replace("/", "-"), "position": position, "case_version": "1", "entry_version": "1"}


def _screen(town: Town, case: UUID, code: str) -> None:
    def screen(work: case_files.Work) -> None:
        case_files.load(work, case)
        amendments.screen(work, case, None, Screened(code))

    town.house.act("siv.moe", screen)


def _people(town: Town, unit: str, manager: str, suffix: str) -> dict[str, str]:
    """Somebody with a right, for whom another order and a wish of the identity system wait; and a change of manager."""
    house = town.house
    name = f"person{suffix}"
    house.hire(Hired(name, f"Person {suffix}", "saksbehandler", unit, ("caseworker",), manager))
    one, team = house.people[name], house.units[unit]
    another = house.order(Hired(name, name, "saksbehandler", unit, ("caseworker",), manager), codes=("13",))
    house.act(manager, lambda work: rights.order(work, rights.Order(one, another)))
    asked = RightsRequested(uuid4(), RightsRequestedBody(), ("caseworker",), unit=team, why="idm.orderer_missing")
    _append(town, one, asked)
    change = ProposeManager(
        uuid4(), house.units["Teknisk"], str(house.people["kari.aas"]), house.today + timedelta(days=9), str(one)
    )
    house.act("lars.dahl", lambda work: organisation.propose_manager(work, change))
    spare = next((str(unit) for name, unit in house.units.items() if name == "Reserve"), "")
    ids = {"person": str(one), "order": str(another.order), "idm": str(asked.request), "team": str(team), "spare": spare}
    return ids | {"nothing": str(uuid4()), "place": str(team), "change": str(change.change)}


def _append(town: Town, stream: UUID, fact: object) -> None:
    """A fact as the identity system's service would have it recorded."""
    ledger = town.tenant.ledger
    expect = {stream: len(ledger.reader.stream(stream))}
    ledger.append([(stream, fact)], Envelope(cmd=str(uuid4()), n=1, m=1, actor="service:idm"), expect, ledger.clock.now())


def _created(answer: object) -> str:
    assert answer.status_code == 201, answer.text  # type: ignore[attr-defined]
    return str(json.loads(answer.text)["id"])  # type: ignore[attr-defined]
