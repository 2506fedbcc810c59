"""From a person's file to a SCIM User and back. What is shown is what holds: rights in force, what waits, and for what."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from scim2_models import Meta

from api.scim.resources import MODEL, SEPARATOR, Email, EnterpriseUser, HeldRole, Manager, Name, RecordsAccess
from domain.handlers.idm import Take
from domain.ledger.clock import LOCAL
from domain.model import idm
from domain.model.access import Moment, Right
from domain.model.idm import IdmDescribedBody, Mail, RightsRequestedBody, Wanted
from domain.model.organisation import Organisation
from domain.model.person import PersonFile
from domain.model.rights_change import STOP, Order, rights
from domain.model.user import ELECTED, EMPLOYEE, EXTERNAL, TEMPORARY, NamesBody

KINDS = {
    "temporary": TEMPORARY, "temp": TEMPORARY, "intern": TEMPORARY,
    "external": EXTERNAL, "contractor": EXTERNAL, "vendor": EXTERNAL,
    "elected": ELECTED,
}  # fmt: skip
WAITS = "waits-for-manager"
_STAGES = {"ordered": "waits-for-control", "objected": "waits-for-superior", "returned": "returned", "fallen": "turned-down"}


@dataclass(frozen=True, slots=True)
class Shown:
    """A person at one version of the stream. created, modified: when the first and the last fact were recorded."""

    file: PersonFile
    version: int
    created: datetime
    modified: datetime


def user(one: Shown, organisation: Organisation, now: datetime, words: Callable[[str], str]) -> Any:
    """The User resource. words: the text of a reason code.

    Its version is that of the person's stream and of what holds now: a right that began at midnight changes it too.
    """
    file = one.file
    assert file.user is not None
    described = _described(file)
    made = MODEL(
        id=file.id,
        external_id=described.external_id,
        user_name=file.user.user_name or file.id,
        display_name=described.display_name,
        title=described.title,
        user_type=described.user_type,
        active=_active(file, now),
        emails=[Email(value=mail.value, type=mail.type, primary=mail.primary) for mail in described.emails] or None,
    )
    names = (described.formatted, described.family_name, described.given_name)
    if any(names):
        made.name = Name(formatted=names[0], family_name=names[1], given_name=names[2])
    if described.department or described.manager:
        manager = Manager(value=described.manager) if described.manager else None
        made[EnterpriseUser] = EnterpriseUser(department=described.department, manager=manager)
    at = Moment(now, now.astimezone(LOCAL).date())
    made[RecordsAccess] = access = _access(file, at)
    made.roles = _roles(file, organisation, at, str)
    told = hashlib.sha256(made.model_dump_json().encode()).hexdigest()[:12]
    # words are in the reader's language, and so no part of the version
    access.reason = words(access.reason) if access.reason else None
    made.roles = _roles(file, organisation, at, words)
    made.meta = Meta(resource_type="User", created=one.created, last_modified=one.modified, version=f'W/"{one.version}-{told}"')
    return made


def version_of(etag: str | None) -> int | None:
    """The version of the person's stream that a resource version speaks of."""
    number = (etag or "").removeprefix("W/").strip('"').partition("-")[0]
    return int(number) if number.isdigit() else None


def take(person: UUID, resource: Any, newcomer: bool, version: int | None) -> Take:
    """The command that a resource, as its client wants it, stands for. newcomer: whether it is to be created."""
    records = resource[RecordsAccess] or RecordsAccess()
    described = _description(resource)
    kind = KINDS.get((resource.user_type or "").strip().casefold(), EMPLOYEE)
    active = True if newcomer and resource.active is None else resource.active
    user_name = resource.user_name or ""
    return Take(
        person,
        NamesBody(_full_name(described) or user_name, user_name, _address(described)),
        described,
        active,
        Wanted(
            records.unit,
            _split(records.roles),
            _split(records.clearances),
            _split(records.access_groups),
            records.valid_from,
            records.valid_to,
        ),
        records.ordered_by,
        records.order_number,
        kind if newcomer else None,
        version,
    )


def _split(text: str | None) -> tuple[str, ...]:
    parts = (part.strip() for part in (text or "").split(SEPARATOR.strip()))
    return tuple(dict.fromkeys(part for part in parts if part))


def _description(resource: Any) -> IdmDescribedBody:
    name, enterprise = resource.name or Name(), resource[EnterpriseUser] or EnterpriseUser()
    return IdmDescribedBody(
        resource.external_id,
        name.formatted,
        name.family_name,
        name.given_name,
        resource.display_name,
        resource.title,
        resource.user_type,
        enterprise.department,
        enterprise.manager.value if enterprise.manager is not None else None,
        tuple(Mail(mail.value, mail.type, mail.primary) for mail in resource.emails or () if mail.value),
    )


def _full_name(described: IdmDescribedBody) -> str:
    parts = " ".join(part for part in (described.given_name, described.family_name) if part)
    return (described.formatted or described.display_name or parts or "").strip()


def _address(described: IdmDescribedBody) -> str | None:
    first = sorted(described.emails, key=lambda mail: not mail.primary)
    return first[0].value if first else None


def _described(file: PersonFile) -> IdmDescribedBody:
    """As the IDM described the person; where another name was given here since, or the IDM knows none, that one."""
    body = file.idm.described.body if file.idm.described is not None else None
    names = file.user.names[-1] if file.user is not None else None
    if names is None:
        return body or IdmDescribedBody()
    if body is not None and (_full_name(body) or names.user_name) == names.name:
        return body
    emails = (Mail(names.email, "work", True),) if names.email else ()
    known = body or IdmDescribedBody()
    return IdmDescribedBody(
        known.external_id,
        names.name,
        display_name=names.name,
        title=known.title,
        user_type=known.user_type,
        department=known.department,
        manager=known.manager,
        emails=emails or known.emails,
    )


def _active(file: PersonFile, now: datetime) -> bool | None:
    """False where the IDM has stopped the person and no manager has ordered anything since."""
    if file.idm.described is None:
        return True
    today = now.astimezone(LOCAL).date()
    if file.idm.described.active is False and any(one.runs(today) for one in file.orders.orders.values()):
        return True
    return file.idm.described.active


def _access(file: PersonFile, at: Moment) -> RecordsAccess:
    asked, said = idm.wanted(file.idm.requested), file.idm.requested
    body = (said.body if said is not None else None) or RightsRequestedBody()
    state, why = _state(file, at)
    return RecordsAccess(
        valid_from=asked.first_day,
        valid_to=asked.last_day,
        unit=asked.unit,
        roles=SEPARATOR.join(asked.roles) or None,
        clearances=SEPARATOR.join(asked.codes) or None,
        access_groups=SEPARATOR.join(asked.groups) or None,
        ordered_by=body.orderer,
        order_number=said.number if said is not None else None,
        state=state,
        reason=why,
    )


def _state(file: PersonFile, at: Moment) -> tuple[str, str | None]:
    """How far the last request has come, and the code of what it lacks."""
    told, said = file.idm, file.idm.requested
    if _active(file, at.instant) is False:
        return "stopped", None
    if told.order is not None:
        return _stage(file.orders.orders[told.order], at), None
    if said is not None and said.request in told.answers:
        return "turned-down", None
    if told.waiting is not None:
        return WAITS, told.waiting.why
    return ("in-force" if any(one.in_force(at) for one in _held(file)) else "none"), None


def _stage(order: Order, at: Moment) -> str:
    over = order.last_day is not None and order.last_day < at.day
    if order.fact.change == STOP or order.stopped_at is not None or over:
        return "ended"
    if order.stage != "decided":
        return _STAGES[order.stage]
    return "in-force" if order.fact.first_day <= at.day else "decided"


def _held(file: PersonFile) -> tuple[Right, ...]:
    return rights(file.orders, {order: (str(order),) for order in file.orders.orders})


def _roles(file: PersonFile, organisation: Organisation, at: Moment, words: Callable[[str], str]) -> list[HeldRole] | None:
    """The roles in force, then those of orders that may yet be, then what the manager is asked for."""
    shown = []
    for one in _held(file):
        order = file.orders.orders[UUID(one.rests_on[0])]
        if one.in_force(at) or order.runs(at.day):
            shown.append(HeldRole(value=one.role, display=_told(one, order, organisation), type=_stage(order, at)))
    request = file.idm.waiting
    if request is not None:
        why = words(request.why) if request.why else None
        shown += [HeldRole(value=role, display=why, type=WAITS) for role in request.roles]
    return sorted(shown, key=lambda one: one.type != "in-force") or None


def _told(one: Right, order: Order, organisation: Organisation) -> str:
    unit = organisation.units.get(one.unit) if one.unit is not None else None
    days = f"{one.first_day.isoformat()}/{one.last_day.isoformat() if one.last_day is not None else '..'}"
    parts = [unit.name if unit is not None else "", days, *sorted(one.codes), *sorted(one.groups), order.fact.number or ""]
    return SEPARATOR.join(part for part in parts if part)
