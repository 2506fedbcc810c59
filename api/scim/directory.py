"""Where the SCIM protocol reads and writes: people in the ledger, through the gate and the handlers alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from scim2_models import Resource, ResourceType, ResponseParameters, ScimFilter, SearchRequest
from scim2_models.path import CompareOperator, Comparison
from scim2_server.storage import ScimStorage, SearchPage

from api.scim import rendering
from api.scim.rendering import Shown
from api.scim.resources import PAGE_LIMIT
from domain.handlers import idm, standing
from domain.handlers.work import Context, permitted, run
from domain.ledger.identity import new_id
from domain.ledger.ledger import Ledger
from domain.model import person
from domain.model.errors import NotFound, Refused
from domain.model.idm import PERSON_KEY
from domain.model.organisation import Organisation
from domain.model.person import PersonFile
from domain.model.rights_change import Orders
from domain.model.user import SERVICE

READ = "idm.read"
Words = Callable[[str], str]


class Remembered:
    """The people of a ledger as far as they have been read; each read looks for what has come since."""

    def __init__(self) -> None:
        self.people: dict[UUID, Shown] = {}

    def read(self, ledger: Ledger, one: UUID) -> Shown | None:
        """A person; None where nobody has that id, or a service, or somebody whom the IDM deleted."""
        kept = self.people.get(one)
        file, version = (kept.file, kept.version) if kept is not None else (PersonFile(Orders(str(one))), 0)
        created, modified = (kept.created, kept.modified) if kept is not None else (None, None)
        for recorded in ledger.reader.stream(one, version):
            if recorded.version == 1 and not recorded.topic.startswith("user."):
                return None
            file = person.evolve(file, one, recorded.fact)
            version, modified = recorded.version, datetime.fromtimestamp(recorded.recorded_at_us / 1_000_000, UTC)
            created = created or modified
        if file.user is None or created is None or modified is None:
            return None
        self.people[one] = Shown(file, version, created, modified)
        return None if file.idm.removed or file.user.kind == SERVICE else self.people[one]


class Directory(ScimStorage):
    """One request's view of a municipality. Raises the ledger's own refusals, which the routes answer as SCIM errors."""

    def __init__(self, ledger: Ledger, context: Context, words: Words) -> None:
        self._ledger = ledger
        self._context = context
        self._words = words

    def get(
        self,
        resource_type: ResourceType,
        resource_id: str,
        *,
        response_parameters: ResponseParameters[Any] | None = None,
    ) -> Resource[Any]:
        """A person as it is now. Raises NotFound."""
        del resource_type, response_parameters
        organisation = self._opened()
        return self._shown(_id(resource_id), organisation)

    def search(
        self, resource_types: list[ResourceType], search_request: SearchRequest[Any], *, position: Any = None
    ) -> SearchPage:
        """People in order of registration. A filter on userName or externalId is looked up, any other reads everybody."""
        del resource_types, position
        organisation = self._opened()
        found = list(self._matching(search_request, organisation))
        start = search_request.start_index_0 or 0
        count = PAGE_LIMIT if search_request.count is None else search_request.count
        return SearchPage(len(found), found[start : start + count])

    def create(self, resource_type: ResourceType, resource: Resource[Any]) -> Resource[Any]:
        """Make somebody known; rights as the message is an order, or a request."""
        unit = new_id()
        return self._taken(resource_type, unit, resource, True, None)

    def update(
        self, resource_type: ResourceType, resource: Resource[Any], *, expected_version: str | None = None
    ) -> Resource[Any]:
        """Take what the IDM says of a person now. Refused `precondition.failed` where it has changed meanwhile."""
        return self._taken(resource_type, _id(resource.id or ""), resource, False, rendering.version_of(expected_version))

    def delete(self, resource_type: ResourceType, resource_id: str, *, expected_version: str | None = None) -> None:
        """All rights end now; the person is shown no more."""
        del resource_type
        command = idm.Remove(_id(resource_id), rendering.version_of(expected_version))
        run(self._ledger, self._context, (command.person,), lambda work: idm.remove(work, command))

    def _taken(
        self, resource_type: ResourceType, unit: UUID, resource: Resource[Any], newcomer: bool, version: int | None
    ) -> Resource[Any]:
        command = rendering.take(unit, resource, newcomer, version)
        run(self._ledger, self._context, (unit,), lambda work: idm.take(work, command))
        return self.get(resource_type, str(unit))

    def _opened(self) -> Organisation:
        permitted(self._ledger, self._context, READ)
        organisation = standing.of(self._ledger).organisation().state
        if organisation.opened is None:
            raise Refused("installation.not_opened", "4.5.29")
        return organisation

    def _shown(self, one: UUID, organisation: Organisation) -> Resource[Any]:
        found = self._people().read(self._ledger, one)
        if found is None:
            raise NotFound("person", str(one))
        return self._rendered(found, organisation)

    def _rendered(self, found: Shown, organisation: Organisation) -> Resource[Any]:
        made: Resource[Any] = rendering.user(found, organisation, self._ledger.clock.now(), self._words)
        return made

    def _people(self) -> Remembered:
        found = self._ledger.remembered.setdefault(Remembered, Remembered())
        assert isinstance(found, Remembered)
        return found

    def _matching(self, search: SearchRequest[Any], organisation: Organisation) -> Iterator[Resource[Any]]:
        condition = search.filter
        for one in self._candidates(condition):
            found = self._people().read(self._ledger, one)
            if found is not None:
                shown = self._rendered(found, organisation)
                if condition is None or condition.match(shown):
                    yield shown

    def _candidates(self, condition: ScimFilter[Any] | None) -> list[UUID]:
        """Whom a filter can mean: one where it names a key, else everybody, oldest first."""
        keyed = _key(condition)
        if keyed is None:
            return [one.stream for one in self._ledger.reader.of_topics(("user.registered.v1",))]
        attribute, value = keyed
        if attribute == "username":
            called = standing.of(self._ledger).called(value)
            return [UUID(called)] if called is not None else []
        holder = self._ledger.reader.claim(PERSON_KEY, self._ledger.claim_digest(PERSON_KEY, value))
        return [holder] if holder is not None else []


def _key(condition: ScimFilter[Any] | None) -> tuple[str, str] | None:
    """(attribute, value) of a filter that is one comparison of a unique key."""
    if condition is None:
        return None
    found = condition.ast
    if not isinstance(found, Comparison) or found.op is not CompareOperator.eq or not isinstance(found.value, str):
        return None
    attribute = str(found.attr_path).rpartition(":")[2].casefold()
    return (attribute, found.value) if attribute in ("username", "externalid") else None


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFound("person", text[:80]) from None
