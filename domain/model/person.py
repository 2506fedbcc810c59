"""All that one person's stream says: who it is, and every order of rights for that person."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from uuid import UUID

from domain.model import idm, rights_change, urgent, user
from domain.model.idm import IdmFile
from domain.model.rights_change import Orders
from domain.model.urgent import UrgentFile
from domain.model.user import User, UserNamed, UserRegistered

Fact = user.Fact | rights_change.Fact | idm.Fact | urgent.Fact


@dataclass(frozen=True, slots=True)
class PersonFile:
    """user None: nobody was registered under this id; orders: for that person; idm: what an identity system says;
    urgent: urgent access ordered for that person."""

    orders: Orders
    user: User | None = None
    idm: IdmFile = field(default_factory=IdmFile)
    urgent: UrgentFile = field(default_factory=UrgentFile)

    @property
    def id(self) -> str:
        """As the actor of a fact."""
        return self.orders.person


def evolve(state: PersonFile | None, stream: UUID, fact: Fact) -> PersonFile:
    """The state after one more fact."""
    state = state or PersonFile(Orders(str(stream)))
    if isinstance(fact, UserRegistered | UserNamed):
        return replace(state, user=user.evolve(state.user, fact))
    if isinstance(fact, idm.FACTS):
        return replace(state, idm=idm.evolve(state.idm, fact))
    if isinstance(fact, urgent.FACTS):
        return replace(state, urgent=urgent.evolve(state.urgent, fact))
    return replace(state, orders=rights_change.evolve(state.orders, fact))
