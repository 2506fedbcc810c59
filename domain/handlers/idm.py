"""Messages of an identity system (practice R11): what it says of people is taken as said, and changes rights by orders alone.

A message that names the ordering manager and the IDM's order number, that manager ordering for that person in that unit that day
and holding the right to, is the order. Any other that asks for rights waits for the manager. A stop needs nobody.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import ClassVar
from uuid import UUID

from domain.handlers import gate, organisation, people, rights, standing
from domain.handlers.gate import Actor, Asked
from domain.handlers.people import Newcomer
from domain.handlers.work import Work
from domain.ledger.clock import LOCAL
from domain.ledger.identity import new_id
from domain.model import idm, ordering, user
from domain.model.access import Subject
from domain.model.codes import ACCESS_RESTRICTION, require
from domain.model.errors import NotFound, Refused
from domain.model.idm import (
    ORDER_NUMBER,
    PERSON_KEY,
    SOURCE,
    IdmDescribed,
    IdmDescribedBody,
    IdmRemoved,
    RightsRequestAnswered,
    RightsRequestAnsweredBody,
    RightsRequested,
    RightsRequestedBody,
    Wanted,
)
from domain.model.ids import Claim
from domain.model.matrix import ROLES
from domain.model.ordering import OrderRights, Standing
from domain.model.organisation import Organisation
from domain.model.person import PersonFile
from domain.model.rights_change import CHANGE, START, STOP, RightsOrdered
from domain.model.user import SERVICE, USER_NAME, NamesBody

SERVICE_NAME = "service:idm"
# what an order lacks, told to one who did not order: the code of the rule -> of the words
_WHY = {"rights.days_reversed": "idm.days_reversed", "rights.end_date_missing": "idm.end_date_missing"}


@dataclass(frozen=True, slots=True)
class Take:
    """All that the IDM says of a person, after its message. newcomer: not known yet; version: of the person's stream that the
    IDM speaks of, None where it does not say; orderer, number: None where this message carries none."""

    ACTION: ClassVar[str] = "idm.send"
    person: UUID
    names: NamesBody
    described: IdmDescribedBody
    active: bool | None
    wanted: Wanted
    orderer: str | None = None
    number: str | None = None
    newcomer: str | None = None
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Remove:
    """The IDM deletes a person: all rights end now, nothing else goes."""

    person: UUID
    version: int | None = None


@dataclass(frozen=True, slots=True)
class TakeUp:
    """A manager makes a waiting request the order that `wanted` says."""

    person: UUID
    request: UUID
    wanted: OrderRights


@dataclass(frozen=True, slots=True)
class TurnDown:
    """A manager says no to a waiting request."""

    person: UUID
    request: UUID
    reason: str


def take(work: Work, command: Take) -> UUID:
    """Take a message. Refused `idm.number_taken`, `idm.key_taken`, `user.name_taken`, `precondition.failed`, NotFound."""
    work.permit(command.ACTION, subject=Subject(gate.ADMINISTRATION))
    state = organisation.load(work)
    idm.bounded(command.wanted, command.orderer, command.number)
    for role in sorted(set(command.wanted.roles) - set(ROLES)):
        raise Refused("rights.role_unknown", "4.5.1", {"role": role[:80]})
    for code in command.wanted.codes:
        require(ACCESS_RESTRICTION, code, "tilgangsrestriksjon", "M500")
    if command.newcomer is not None:
        people.register(work, command.person, Newcomer(command.newcomer, *_names(command.names)))
    about = _named(work, command) if command.newcomer is None else work.state(command.person)
    _describe(work, about, command)
    if command.active is False:
        _stop(work, work.state(command.person))
    _ask(work, state, work.state(command.person), command)
    return command.person


def remove(work: Work, command: Remove) -> None:
    """Delete a person as far as the IDM is concerned. NotFound where that is done."""
    work.permit(Take.ACTION, subject=Subject(gate.ADMINISTRATION))
    organisation.load(work)
    about = _known(work, command.person, command.version)
    _stop(work, about)
    work.record(command.person, IdmRemoved(work.today))


def take_up(work: Work, command: TakeUp) -> UUID:
    """The manager orders what an IDM asked for, as it was asked or otherwise. Returns the order's id."""
    request = _waiting(work, command.person, command.request)
    wanted = replace(command.wanted, source=SOURCE, number=request.number)
    order = rights.order(work, rights.Order(command.person, wanted))
    work.record(command.person, RightsRequestAnswered(command.request, RightsRequestAnsweredBody(), order))
    return order


def turn_down(work: Work, command: TurnDown) -> None:
    """The manager of the unit asked for, or whoever orders at all where the unit is not known, says no."""
    request = _waiting(work, command.person, command.request)
    organisation.load(work)
    actor = work.context.actor.id
    known, unit = standing.of(work.ledger), request.unit
    manager = known.manager(known.organisation(), str(command.person), unit, work.at) if unit is not None else actor
    work.permit(rights.Order.ACTION, subject=_about(str(command.person), manager))
    if not command.reason.strip():
        raise Refused("rights.reason_missing", "4.5.29")
    work.record(command.person, RightsRequestAnswered(command.request, RightsRequestAnsweredBody(command.reason)))


def _known(work: Work, person: UUID, version: int | None) -> PersonFile:
    """Somebody whom the IDM may speak of. Services are none of its people."""
    about = people.require(work, str(person))
    if about.idm.removed or about.user is None or about.user.kind == SERVICE:
        raise NotFound("person", str(person))
    if version is not None and version != work.expect[person]:
        raise Refused("precondition.failed", params={"version": str(version)})
    return about


def _named(work: Work, command: Take) -> PersonFile:
    """The person under the names that the IDM says."""
    about = _known(work, command.person, command.version)
    assert about.user is not None
    digest = standing.user_name_digest(work.ledger, command.names.user_name)
    if work.ledger.reader.claim(USER_NAME, digest) not in (None, command.person):
        raise Refused("user.name_taken", "4.4.11", {"user_name": command.names.user_name})
    work.record(command.person, *user.rename(about.user, command.names, digest))
    return about


def _describe(work: Work, about: PersonFile, command: Take) -> None:
    before = about.idm.described
    body = idm.described(command.described)
    if before is not None and (before.body, before.active) == (body, command.active):
        return
    claims: tuple[Claim, ...] = ()
    if body.external_id is not None:
        digest = person_digest(work, body.external_id)
        holder = work.ledger.reader.claim(PERSON_KEY, digest)
        if holder not in (None, command.person):
            raise Refused("idm.key_taken", params={"key": body.external_id})
        claims = () if holder else ((PERSON_KEY, digest),)
    work.record(command.person, IdmDescribed(body, command.active, claims))


def _stop(work: Work, about: PersonFile) -> None:
    """End all that runs or may yet, in every unit, now (R1). Nothing where nothing runs."""
    running = tuple(one for one, was in about.orders.orders.items() if was.runs(work.today))
    if not running:
        return
    work.permit(rights.Stop.ACTION, subject=_about(about.id, None))
    actor, yesterday = work.context.actor.id, work.today - timedelta(days=1)  # a last day that is past ends them at this instant
    unit = about.orders.orders[running[0]].fact.unit
    wanted = OrderRights(new_id(), STOP, UUID(about.id), work.today, yesterday, SOURCE, replaces=running, source=SOURCE)
    told = ordering.stop(about.orders, wanted, Standing(work.at, work.today, actor, controllers=frozenset({actor})))
    work.record(UUID(about.id), replace(told, unit=unit))


def _ask(work: Work, state: Organisation, about: PersonFile, command: Take) -> None:
    """Record what rights the IDM wants, and make it an order where it is one. The same as before is said once."""
    before, asked = about.idm.requested, command.wanted
    body = RightsRequestedBody(asked.unit, asked.first_day, asked.last_day, command.orderer)
    nothing = not (asked.roles or asked.codes or asked.groups or command.number)
    if before is None and nothing and body == RightsRequestedBody():
        return
    said = (before.body or RightsRequestedBody()).orderer if before is not None else None
    if before is not None and (said, before.number) == (command.orderer, command.number) and idm.wanted(before).same(asked):
        return
    if _repeated(work, about, command):
        return
    unit = _unit(state, command)
    try:
        order, why = _order(work, state, about, command, unit), None
    except Refused as refused:
        order, why = None, _why(refused.code)
    claims: tuple[Claim, ...] = ((ORDER_NUMBER, command.number),) if order is not None and command.number else ()
    made = order.order if order is not None else None
    work.record(
        command.person,
        RightsRequested(new_id(), body, asked.roles, asked.codes, asked.groups, unit, command.number, why, made, claims),
    )
    if order is not None:
        work.record(command.person, order)


def _repeated(work: Work, about: PersonFile, command: Take) -> bool:
    """Whether the message repeats an order that was given under its number. Refused `idm.number_taken` where it says another."""
    if command.number is None or command.orderer is None:
        return False
    was = about.idm.numbers.get(command.number)
    if was is None and work.ledger.reader.claim(ORDER_NUMBER, command.number) in (None, command.person):
        return False
    if was is None or not idm.wanted(was).same(command.wanted):
        raise Refused("idm.number_taken", "4.5.29", {"number": command.number})
    return True


def _unit(state: Organisation, command: Take) -> UUID | None:
    """The unit that rights are wanted in, else the person's department."""
    named = command.wanted.unit or command.described.department
    if not named:
        return None
    found = next((one for one in state.units if str(one) == named), None)
    return found or state.called(named)


def _order(work: Work, state: Organisation, about: PersonFile, command: Take, unit: UUID | None) -> RightsOrdered:
    """The manager's order that the message is. Refused with what it lacks."""
    if command.active is False:
        raise Refused("idm.stopped", "4.5.30")
    if not command.orderer or not command.number:
        raise Refused("idm.orderer_missing", "4.5.10")
    orderer = _person(work, command.orderer)
    if orderer is None:
        raise Refused("idm.orderer_unknown", "4.5.10")
    if unit is None:
        raise Refused("idm.unit_unknown", "4.2.1")
    if not organisation.unit(state, unit).open_on(work.today):
        raise Refused("idm.unit_closed", "4.2.4")
    if set(command.wanted.groups) - state.groups.keys():
        raise Refused("idm.group_unknown", "4.5.22")
    if state.manager_of(about.id, unit, work.today) != orderer:
        raise Refused("idm.not_manager", "4.5.10")
    # looked up anew: what is remembered of the manager must not make an order wait that is one
    asked = Asked(rights.Order.ACTION, work.at, subject=_about(about.id, orderer))
    given = gate.permit(work.ledger, Actor(orderer), asked)
    work.rests_on.extend(given.rests_on)
    work.expect.update(given.expect)
    return _ordered(work, about, command, orderer, unit)


def _why(code: str) -> str:
    if code.startswith("access."):
        return "idm.orderer_no_right"
    return code if code.startswith("idm.") else _WHY.get(code, "idm.not_orderable")


def _ordered(work: Work, about: PersonFile, command: Take, orderer: str, unit: UUID) -> RightsOrdered:
    """What the IDM wants stands for all that was ordered through it before; orders given elsewhere are left alone."""
    running = tuple(
        one for one, was in about.orders.orders.items() if was.fact.source == SOURCE and was.runs(work.today) and was.fact.roles
    )
    asked = command.wanted
    first_day = idm.day(asked.first_day, LOCAL) or work.today
    wanted = OrderRights(
        new_id(),
        CHANGE if running else START,
        unit,
        first_day,
        idm.day(asked.last_day, LOCAL),
        f"{SOURCE} {command.number}",
        command.described.title,
        tuple(sorted(asked.roles)),
        tuple(sorted(asked.codes)),
        tuple(sorted(asked.groups)),
        replaces=running,
        source=SOURCE,
        number=command.number,
    )
    dated = about.user is not None and about.user.dated
    by = Standing(work.at, work.today, orderer, frozenset({orderer}), dated=dated)
    if asked.roles:
        return ordering.order(about.orders, wanted, by)
    if not running:
        raise Refused("idm.nothing_to_end", "4.5.30")
    return ordering.stop(about.orders, wanted, by)


def _waiting(work: Work, person: UUID, request: UUID) -> RightsRequested:
    found = people.require(work, str(person)).idm.waiting
    if found is None or found.request != request:
        raise Refused("idm.request_not_waiting", "4.5.29", {"request": str(request)})
    return found


def _person(work: Work, said: str) -> str | None:
    """A person by id, else by user name."""
    known = standing.of(work.ledger)
    try:
        by_id = str(UUID(said)) if len(said) == 36 else None
    except ValueError:
        by_id = None
    if by_id is not None:
        return by_id if known.person(by_id).file.user is not None else None
    return known.called(said)


def _about(person: str, manager: str | None) -> Subject:
    put_to = frozenset({manager}) if manager is not None else frozenset()
    return Subject(gate.ADMINISTRATION, put_to=put_to, authors=frozenset({person}), concerns=person)


def _names(names: NamesBody) -> tuple[str, str, str | None]:
    return names.name, names.user_name, names.email


def person_digest(work: Work, external_id: str) -> str:
    """What the claim of an IDM's own key for a person holds: its HMAC."""
    return work.ledger.claim_digest(PERSON_KEY, external_id)
