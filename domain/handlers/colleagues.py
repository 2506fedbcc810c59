"""Handing over what is one's own: to a colleague of the own unit, or back to the manager, and to nobody else.

The tables say so by a condition of the cell (4.5.17); whoever reaches the record by unit or archive is not bound by it.
"""

from __future__ import annotations

from uuid import UUID

from domain.handlers import standing
from domain.handlers.gate import Permit
from domain.handlers.work import Work
from domain.model.access import Moment
from domain.model.errors import Refused
from domain.model.record import Named

CONDITIONS = frozenset({"colleague", "hand-back-or-colleague"})
_OWN = frozenset("oh")  # letters by which the record is reached as one's own


def require(work: Work, permit: Permit, to: Named | None) -> None:
    """Refused `access.not_colleague` where the one that gets it is neither in a unit of the actor's nor the manager there."""
    if permit.condition not in CONDITIONS or permit.reason.rpartition(":")[2] not in _OWN:
        return
    known = standing.of(work.ledger)
    actor, receiver = work.context.actor.acting_for or work.context.actor.id, known.who(to)
    organised = known.organisation(work.fresh)
    units = _units(work, known, actor)
    managers = {organised.state.manager_of(actor, unit, work.today) for unit in units}
    if receiver is None or (receiver not in managers and not units & _units(work, known, receiver)):
        raise Refused("access.not_colleague", "4.5.17")


def _units(work: Work, known: standing.Standing, person: str) -> set[UUID]:
    """Where the person has rights in force."""
    at = Moment(work.at, work.today)
    return {one.unit for one in known.person(person, work.fresh).person.rights if one.unit is not None and one.in_force(at)}
