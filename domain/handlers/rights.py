"""Commands on rights: a manager orders, the archive leader controls, whoever may stops. No right comes about in another way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import ClassVar
from uuid import UUID

from domain.handlers import organisation, people
from domain.handlers.people import Newcomer
from domain.handlers.standing import of as known_of
from domain.handlers.work import Context, Work
from domain.ledger.ledger import Ledger
from domain.model import named_access, order_difference, ordering, responsibility, rights_change
from domain.model.access import Moment, Subject
from domain.model.assignment import AuditAssigned
from domain.model.errors import Refused
from domain.model.order_difference import Difference
from domain.model.ordering import OrderRights, Standing
from domain.model.organisation import Organisation
from domain.model.person import PersonFile
from domain.model.rights_change import Orders, RightsHandedOver, RightsOrdered


@dataclass(frozen=True, slots=True)
class Order:
    """A manager orders rights for one of the staff. newcomer: who is not known yet is made known by the order."""

    ACTION: ClassVar[str] = "rights.order"
    person: UUID
    wanted: OrderRights
    newcomer: Newcomer | None = None


@dataclass(frozen=True, slots=True)
class Stop:
    """End rights after a day, or now where it is past."""

    ACTION: ClassVar[str] = "rights.stop"
    person: UUID
    wanted: OrderRights


@dataclass(frozen=True, slots=True)
class Answer:
    """What the archive leader, a superior or the user administrator says to an order. action: one of the constants."""

    CONTROL: ClassVar[str] = "rights.control"
    RETURN: ClassVar[str] = "rights.return"
    OBJECT: ClassVar[str] = "rights.object"
    SETTLE: ClassVar[str] = "rights.settle"
    EXECUTE: ClassVar[str] = "rights.execute"
    action: str
    person: UUID
    order: UUID
    reason: str = ""
    stands: bool = True


@dataclass(frozen=True, slots=True)
class ReportAudit:
    """The auditor, or the manager who ordered the audit, says that it has been reported."""

    ACTION: ClassVar[str] = "rights.report-audit"
    person: UUID
    order: UUID


@dataclass(frozen=True, slots=True)
class GrantAccess:
    """Let one person read one record for some days (4.5.23)."""

    ACTION: ClassVar[str] = "case-file.grant-access"
    record: UUID
    grant: named_access.AccessGranted = field(repr=False)


@dataclass(frozen=True, slots=True)
class Review:
    """A manager has looked at somebody's rights in a unit and found them still right."""

    ACTION: ClassVar[str] = "rights.review"
    person: UUID
    unit: UUID | None


def order(work: Work, command: Order) -> UUID:
    """Order rights; whoever is not known yet becomes so, without any right until the order is in force."""
    state = organisation.load(work)
    unit = organisation.unit(state, command.wanted.unit)
    if not unit.open_on(work.today):
        raise Refused("unit.closed", "4.2.4", {"name": unit.name})
    for group in command.wanted.groups:
        if group not in state.groups:
            raise Refused("rights.group_unknown", "4.5.22", {"group": group[:80]})
    for audited in command.wanted.assignment.units if command.wanted.assignment is not None else ():
        organisation.unit(state, audited)
    command = _returned(work, command)
    # the gate first: nobody learns by an order whether a user name is taken
    known = command.newcomer is None
    about = people.require(work, str(command.person)) if known else PersonFile(Orders(str(command.person)))
    standing = _standing(work, state, about, command.wanted.unit)
    _permit(work, command.ACTION, standing, about)
    if command.newcomer is not None:
        people.register(work, command.person, command.newcomer)
        about = work.state(command.person)
    if about.user is not None and about.user.dated:
        standing = _dated(standing)
    if command.wanted.acting_for is not None:
        standing = replace(standing, represented=people.require(work, command.wanted.acting_for).orders)
    made = ordering.order(about.orders, command.wanted, standing)
    before, after = ordering.around(command.wanted, made, standing)
    work.record(command.person, *before, made, *after)
    return command.wanted.order


def _returned(work: Work, command: Order) -> Order:
    """Whoever comes back is the person of before: the same user name and the same name are the same id (practice R13, 4.4.11)."""
    new = command.newcomer
    held = people.holder(work, new.user_name) if new is not None else None
    if new is None or held is None:
        return command
    found = people.require(work, str(held))
    same = found.user is not None and found.user.name.strip().casefold() == new.name.strip().casefold()
    return replace(command, person=held, newcomer=None) if same else command


def stop(work: Work, command: Stop) -> UUID:
    """Stop rights; nobody is asked, and it cannot be refused to who may order it."""
    about = people.require(work, str(command.person))
    state = organisation.load(work)
    standing = _standing(work, state, about, command.wanted.unit)
    if not _permit(work, command.ACTION, standing, about).endswith(":p"):
        standing = _controlling(standing)
    work.record(command.person, ordering.stop(about.orders, command.wanted, standing))
    return command.wanted.order


def answer(work: Work, command: Answer) -> None:
    """Control, return, oppose, settle or carry out an order."""
    about = people.require(work, str(command.person))
    found = about.orders.orders.get(command.order)
    if found is None:
        raise Refused("rights.order_not_waiting", "4.5.29", {"order": str(command.order)})
    state = organisation.load(work)
    standing = _standing(work, state, about, found.fact.unit, found.fact.orderer)
    _permit(work, command.action, standing, about, found.fact.orderer)
    if command.action in (Answer.CONTROL, Answer.RETURN, Answer.OBJECT):
        standing = _controlling(standing)
    orders, wanted = about.orders, command.order
    match command.action:
        case Answer.CONTROL:
            work.record(command.person, ordering.control(orders, wanted, standing))
        case Answer.RETURN:
            work.record(command.person, ordering.send_back(orders, wanted, command.reason, standing))
        case Answer.OBJECT:
            work.record(command.person, ordering.oppose(orders, wanted, command.reason, standing))
        case Answer.SETTLE:
            work.record(command.person, ordering.settle(orders, wanted, command.stands, standing))
        case _:
            work.record(command.person, *ordering.execute(orders, wanted, standing))


def review(work: Work, command: Review) -> UUID:
    """Say that somebody's rights in a unit are still right; it changes none of them."""
    about = people.require(work, str(command.person))
    standing = _standing(work, organisation.load(work), about, command.unit)
    _permit(work, command.ACTION, standing, about)
    work.record(command.person, ordering.review(about.orders, command.unit, standing))
    return command.person


def report_audit(work: Work, command: ReportAudit) -> UUID:
    """From now on everybody's access report shows what was read for the audit."""
    about = people.require(work, str(command.person))
    found = about.orders.orders.get(command.order)
    standing = _standing(work, organisation.load(work), about, found.fact.unit if found is not None else None)
    _permit(work, command.ACTION, standing, about)
    work.record(command.person, *ordering.report_audit(about.orders, command.order, standing))
    return command.order


def grant(work: Work, command: GrantAccess) -> UUID:
    """Named access to a record, within what its owner may give."""
    work.permit(command.ACTION, command.record)
    people.require(work, command.grant.person)
    if command.grant.person == work.context.actor.id:
        raise Refused("rights.oneself", "4.5.10")
    work.load(command.record, named_access.evolve)
    work.record(command.record, command.grant)
    return command.grant.grant


def preview(ledger: Ledger, context: Context, handle: Callable[[Work], UUID], person: UUID) -> Difference:
    """What an order or stop would change, decided as the command itself would be and recorded nowhere. Raises what it would."""
    before = known_of(ledger).person(str(person)).file.orders
    work = Work(ledger, context, ledger.clock.now(), fresh=True)
    made = decided(work, handle)
    return order_difference.of_order(handed_over(before, work), made, work.at, work.today)


def handed_over(before: Orders, work: Work) -> Orders:
    """The person's orders, with the handover and the assignment that the order of this command says."""
    for _, fact in work.facts:
        before = rights_change.evolve(before, fact) if isinstance(fact, RightsHandedOver | AuditAssigned) else before
    return before


def decided(work: Work, handle: Callable[[Work], UUID]) -> RightsOrdered:
    """The order that a handler decides; it is recorded nowhere. Raises what the handler would."""
    handle(work)
    (made,) = (fact for _, fact in work.facts if isinstance(fact, RightsOrdered))
    return made


def _standing(work: Work, state: Organisation, about: PersonFile, unit: UUID | None, orderer: str | None = None) -> Standing:
    """Who the managers and superiors are that day; a substitute counts as the one acted for."""
    actor = work.context.actor
    known = known_of(work.ledger)
    moment = Moment(work.at, work.today)
    manager = responsibility.manager(state, about.id, unit, moment, known.orders_of) if unit is not None else None
    superior = state.superior_of(orderer, unit, work.today) if unit is not None and orderer is not None else None
    managers, superiors = (_with_substitute(one, actor.id, actor.acting_for) for one in (manager, superior))
    dated = about.user is not None and about.user.dated
    return Standing(work.at, work.today, actor.id, managers, superiors, frozenset(), dated, actor.acting_for)


def _with_substitute(named: str | None, actor: str, acting_for: str | None) -> frozenset[str]:
    if named is None:
        return frozenset()
    return frozenset({named, actor}) if acting_for == named else frozenset({named})


def _permit(work: Work, action: str, standing: Standing, about: PersonFile, orderer: str | None = None) -> str:
    subject = Subject(
        "administration",
        put_to=standing.superiors if action == Answer.SETTLE else standing.managers,
        authors=frozenset({about.id}),
        concerns=about.id,
        ordered_by=orderer,
    )
    return work.permit(action, subject=subject).reason


def _controlling(standing: Standing) -> Standing:
    """The gate has said that the actor may control, or stop for others."""
    return replace(standing, controllers=standing.controllers | {standing.actor})


def _dated(standing: Standing) -> Standing:
    return replace(standing, dated=True)
