"""The rules of the records themselves, asked once more: would the state before a fact have allowed it?"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from domain.model import assignment, case_file, document, ordering, record, registering, user
from domain.model import case_file as c
from domain.model import registry_entry as e
from domain.model.assignment import AuditAssigned, AuditReported
from domain.model.errors import Refused
from domain.model.ordering import Standing
from domain.model.person import PersonFile
from domain.model.rights_change import (
    STOP,
    RightsControlled,
    RightsExecuted,
    RightsObjected,
    RightsOrdered,
    RightsOrderedByHand,
    RightsReturned,
    RightsSettled,
)


def broken(state: Any, fact: Any, at: datetime, today: date) -> str | None:
    """The rule that the fact breaks in that state, as `code (requirement)`; None where it breaks none."""
    try:
        return _ask(state, fact, at, today)
    except Refused as refused:
        return f"{refused.code}" + (f" ({refused.requirement})" if refused.requirement else "")


def _ask(state: Any, fact: Any, at: datetime, today: date) -> str | None:
    if isinstance(state, c.CaseFile):
        return _case(state, fact)
    if isinstance(state, e.RegistryEntry):
        return _entry(state, fact, at, today)
    if isinstance(fact, document.ObjectAdded) and isinstance(state, document.Document):
        taken = {(version, variant) for _, version, variant, _ in state.objects}
        return "document.object_exists (2.8.1)" if (fact.version, fact.variant) in taken else None
    if isinstance(fact, record.Screened):
        record.screened(fact)
    return None


def _case(state: c.CaseFile, fact: Any) -> str | None:
    match fact:
        case c.CaseStatusChanged():
            return _one_of(fact, case_file.change_status(state, fact.status))
        case c.CaseAssigned():
            case_file.assign(state, fact.case_responsible, fact.administrative_unit)
        case c.EntryAdded():
            return _one_of(fact, case_file.add_entry(state, fact.entry, "R")[:1])
        case c.EntryStatusNoted():
            return _one_of(fact, (case_file.note_status(state, fact.entry, fact.status),))
        case c.CaseDiscarded():
            return _one_of(fact, case_file.discard(state))
        case record.Screened():
            record.screened(fact)
        case record.Titled() if fact.body is not None:
            record.titled(fact.body.title, fact.body.public_title, fact.body.description)
        case _:
            pass
    return None


def _entry(state: e.RegistryEntry, fact: Any, at: datetime, today: date) -> str | None:
    match fact:
        case e.EntryStatusChanged():
            return _one_of(fact, registering.change_status(state, fact.status, today, at))
        case e.EntryJournalled() | e.EntryArchived():
            status = "J" if isinstance(fact, e.EntryJournalled) else "A"
            return _one_of(fact, registering.change_status(state, status, today, at))
        case e.EntryNumbered():
            return "entry.numbered (2.6.2)" if state.numbered else None
        case e.EntryDated():
            registering.set_dates(state, fact)
        case e.EntryTypeChanged():
            registering.change_type(state, fact.entry_type)
        case e.PartyRecorded() if fact.body is not None:
            registering.record_party(state, fact)
        case e.PartyRemoved():
            registering.remove_party(state, fact.party)
        case e.EntryAssigned():
            registering.assign(state, fact.case_handler, fact.parties)
        case e.SignedOff():
            registering.sign_off(state, fact)
        case e.DocumentLinked():
            registering.link_document(state, fact)
        case e.EntryDiscarded():
            return _one_of(fact, registering.discard(state))
        case record.Screened():
            record.screened(fact)
        case _:
            pass
    return None


def rights(about: PersonFile, fact: Any, standing: Standing) -> str | None:
    """The rule of ordering that a fact about a person's rights breaks."""
    try:
        return _rights(about, fact, standing)
    except Refused as refused:
        return f"{refused.code}" + (f" ({refused.requirement})" if refused.requirement else "")


def _rights(about: PersonFile, fact: Any, standing: Standing) -> str | None:
    orders = about.orders
    match fact:
        case user.UserRegistered():
            return "exists (4.4.9)" if about.user is not None else None
        case RightsOrdered(change=change) if change == STOP:
            return _same(fact, ordering.stop(orders, _command(fact), standing))
        case RightsOrdered():
            command = _command(fact, orders.handover.get(fact.order), orders.assignments.get(fact.order))
            ordering.around(command, fact, standing)
            return _same(fact, ordering.order(orders, command, standing))
        case RightsOrderedByHand():
            given = orders.orders[fact.order].fact.orderer
            by_hand = fact.substitute == standing.actor and standing.acting_for == given
            return None if by_hand else "another gave the order"
        case RightsControlled():
            return _same(fact, ordering.control(orders, fact.order, standing))
        case RightsReturned():
            ordering.send_back(orders, fact.order, "audited", standing)
        case RightsObjected():
            ordering.oppose(orders, fact.order, "audited", standing)
        case RightsSettled():
            return _same(fact, ordering.settle(orders, fact.order, fact.stands, standing))
        case RightsExecuted():
            ordering.execute(orders, fact.order, standing)
        case AuditReported():
            return _one_of(fact, ordering.report_audit(orders, fact.order, standing))
        case _:
            pass
    return None


def _command(fact: RightsOrdered, handover: date | None = None, assigned: AuditAssigned | None = None) -> ordering.OrderRights:
    assert isinstance(fact.unit, UUID)
    body = fact.body
    return ordering.OrderRights(
        fact.order,
        fact.change,
        fact.unit,
        fact.asked_first_day or fact.first_day,
        fact.last_day,
        body.reason if body is not None else "erased",
        body.title if body is not None else None,
        fact.roles,
        fact.codes,
        fact.groups,
        fact.organs,
        fact.replaces,
        fact.acting_for,
        fact.source,
        fact.number,
        handover,
        assignment.again(assigned) if assigned is not None else None,
    )


def _same(fact: Any, decided: Any) -> str | None:
    """A decision anew gives the fact as it stands, but for texts that were erased."""
    fields = (name for name in fact.__slots__ if name != "body")
    other = next((name for name in fields if getattr(fact, name) != getattr(decided, name)), None)
    return f"the rules give another {other}" if other is not None else None


def _one_of(fact: Any, decided: tuple[Any, ...]) -> str | None:
    return None if fact in decided else "the rules give another fact"
