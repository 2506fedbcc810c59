"""Which act a fact tells of: the action that the gate is asked for, and the status aimed at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from domain.model import calendar, classification, document, fonds, idm, named_access, organisation, record, series, urgent
from domain.model import case_file as c
from domain.model import registry_entry as e
from domain.model import rights_change as r
from domain.model.assignment import AuditAssigned, AuditReported
from domain.model.user import UserNamed


class Act(NamedTuple):
    """What was done. action: one of several that would do, in the order in which the gate is asked."""

    actions: tuple[str, ...]
    to_status: str = "-"


def _to(action: str) -> Callable[[Any], Act]:
    return lambda fact: Act((action,), fact.status)


def _act(*actions: str) -> Callable[[Any], Act]:
    return lambda _: Act(actions)


LOWERING = Act(("record.lower-screening",))
"""Something becomes visible: no screening any more, or one that covers less or ends sooner."""

ACTS: Mapping[type, Callable[[Any], Act]] = {
    c.CaseFileCreated: _to("case-file.create"),
    c.CaseStatusChanged: _to("case-file.change-status"),
    c.CaseAssigned: lambda fact: Act(("case-file.assign" if fact.case_responsible is not None else "case-file.assign-unit",)),
    c.CaseDated: _act("case-file.set-date"),
    c.CaseMoved: _act("case-file.move"),
    c.CaseDiscarded: _act("case-file.discard"),
    e.EntryRegistered: _to("registry-entry.register"),
    e.EntryStatusChanged: _to("registry-entry.change-status"),
    e.EntryJournalled: lambda _: Act(("registry-entry.change-status",), "J"),
    e.EntryArchived: lambda _: Act(("registry-entry.change-status",), "A"),
    e.EntryDated: _act("registry-entry.set-dates"),
    e.EntryTypeChanged: _act("record.describe"),
    e.PartyRecorded: _act("record.change-parties"),
    e.PartyRemoved: _act("record.change-parties"),
    e.EntryAssigned: _act("registry-entry.assign"),
    e.SignedOff: _act("registry-entry.sign-off"),
    e.SignOffRemoved: _act("registry-entry.undo-sign-off", "registry-entry.sign-off", "record.change-parties"),
    e.EntryDiscarded: _act("registry-entry.discard"),
    e.DocumentLinked: _act("document.add"),
    document.DocumentStatusChanged: _act("document.change-status"),
    document.DocumentTypeChanged: _act("document.change-type"),
    document.ObjectAdded: _act("document.add-object"),
    record.Titled: _act("record.retitle", "record.describe"),
    record.KeywordsSet: _act("record.describe"),
    record.AuthorsSet: _act("record.describe"),
    record.ExternalKeySet: _act("record.describe"),
    record.Commented: _act("record.comment"),
    record.CommentRemoved: _act("record.comment"),
    record.PartRecorded: _act("record.change-parties"),
    record.PartRemoved: _act("record.change-parties"),
    record.CrossReferenced: _act("record.cross-refer"),
    record.CrossReferenceRemoved: _act("record.cross-refer"),
    record.Screened: _act("record.screen"),
    record.Unscreened: lambda _: LOWERING,
    record.Graded: _act("record.screen"),
    record.Classified: _act("record.classify"),
    record.Declassified: _act("record.classify"),
    record.Extended: _act("record.extend"),
    named_access.AccessGranted: _act("case-file.grant-access"),
    named_access.AccessWithdrawn: _act("case-file.grant-access"),
    fonds.FondsCreated: _act("fonds.create"),
    series.SeriesCreated: _act("series.create"),
    series.SeriesFinalised: _act("series.finalise"),
    classification.SystemCreated: _act("classification-system.create"),
    classification.ClassCreated: _act("class.create"),
    organisation.UnitCreated: _act("unit.change"),
    organisation.UnitRenamed: _act("unit.change"),
    organisation.UnitMoved: _act("unit.change"),
    organisation.UnitClosed: _act("unit.change"),
    organisation.ManagerProposed: _act("manager.propose"),
    organisation.ManagerConfirmed: _act("manager.confirm"),
    organisation.CellsProposed: _act("matrix.propose"),
    organisation.CellsConfirmed: _act("matrix.confirm"),
    organisation.AccessGroupSet: _act("code.change"),
    organisation.AccessCodeSet: _act("code.change"),
    UserNamed: _act("position.change", "idm.send"),
    idm.RightsRequested: _act("idm.send"),
    idm.IdmDescribed: _act("idm.send"),
    idm.IdmRemoved: _act("idm.send"),
    r.RightsReviewed: _act("rights.review"),
    named_access.AccessAsked: _act("record.ask-access"),
    named_access.AccessDeclined: _act("case-file.grant-access"),
    r.RightsOrdered: lambda fact: Act(("rights.stop" if fact.change == r.STOP else "rights.order",)),
    r.RightsControlled: _act("rights.control"),
    r.RightsReturned: _act("rights.return"),
    r.RightsObjected: _act("rights.object"),
    r.RightsSettled: _act("rights.settle"),
    r.RightsExecuted: _act("rights.execute"),
    r.RightsTakenOver: _act("rights.take-over"),
    AuditReported: _act("rights.report-audit"),
    urgent.UrgentOrdered: _act("rights.order-urgent"),
    urgent.UrgentConfirmed: _act("rights.confirm-urgent"),
    urgent.UrgentEnded: _act("rights.stop"),
    urgent.UrgentReviewed: _act("rights.review-urgent"),
    calendar.WorkingHoursSet: _act("calendar.change"),
    calendar.ClosedDaySet: _act("calendar.change"),
}

# What makes somebody known without an order: a message of the IDM system that waits for the manager.
REQUESTS: tuple[type, ...] = (idm.RightsRequested,)

# What follows from another fact of the same command, in which stream: it never stands alone.
CONSEQUENCES: Mapping[type, tuple[type, ...]] = {
    c.EntryAdded: (e.EntryRegistered,),
    c.EntryStatusNoted: (
        e.EntryRegistered,
        e.EntryStatusChanged,
        e.EntryJournalled,
        e.EntryArchived,
        e.EntryDiscarded,
    ),
    e.EntryNumbered: (e.EntryRegistered, e.EntryStatusChanged, e.EntryJournalled, e.EntryArchived),
    document.DocumentCreated: (e.DocumentLinked,),
    r.RightsOpened: (organisation.InstallationOpened,),
    r.RightsHandedOver: (r.RightsOrdered,),
    AuditAssigned: (r.RightsOrdered,),
    r.RightsOrderedByHand: (r.RightsOrdered,),
}
