"""What an identity system (IDM, SCIM 2.0: RFC 7643) says of people and of their rights. None of it gives anybody a right.

A message that a manager stands behind becomes that manager's order (`rights_change`); any other waits for the manager. The facts
stand in the person's own stream, beside the orders.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, tzinfo
from uuid import UUID

from domain.model.errors import Refused
from domain.model.ids import Claim
from domain.model.record import limited

ORDER_NUMBER = "idm-order"
PERSON_KEY = "idm-person"
SOURCE = "idm"
TEXT_LIMIT, VALUES_LIMIT = 200, 50


@dataclass(frozen=True, slots=True)
class Mail:
    """An e-mail address as the IDM has it. type: `work`, `home` and so on."""

    value: str
    type: str | None = None
    primary: bool | None = None


@dataclass(frozen=True, slots=True)
class IdmDescribedBody:
    """What is kept of RFC 7643 sections 4.1 and 4.3. manager: as the IDM names that person."""

    external_id: str | None = None
    formatted: str | None = None
    family_name: str | None = None
    given_name: str | None = None
    display_name: str | None = None
    title: str | None = None
    user_type: str | None = None
    department: str | None = None
    manager: str | None = None
    emails: tuple[Mail, ...] = ()


@dataclass(frozen=True, slots=True)
class IdmDescribed:
    """The IDM described the person. active: as it says, None where it says nothing; the claim holds the HMAC of its own key."""

    body: IdmDescribedBody | None
    active: bool | None = None
    claims: tuple[Claim, ...] = ()


@dataclass(frozen=True, slots=True)
class IdmRemoved:
    """The IDM deleted the person: it is shown no more there. Id, user name and all that was done stay (4.4.11). day: local."""

    day: date


@dataclass(frozen=True, slots=True)
class RightsRequestedBody:
    """As the IDM wrote it. orderer: a person's id or user name; first_day, last_day: of the rights, whatever their form."""

    unit: str | None = None
    first_day: str | None = None
    last_day: str | None = None
    orderer: str | None = None


@dataclass(frozen=True, slots=True)
class RightsRequested:
    """The IDM said which rights the person should have. Gives nothing by itself.

    number: the IDM's order number; why: the code of why this is no order and so waits for the manager; order: else the order that
    it is, in the same command; unit: where known. The claim keeps an order's number from being used for anything else.
    """

    request: UUID
    body: RightsRequestedBody | None
    roles: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    unit: UUID | None = None
    number: str | None = None
    why: str | None = None
    order: UUID | None = None
    claims: tuple[Claim, ...] = ()


@dataclass(frozen=True, slots=True)
class RightsRequestAnsweredBody:
    """reason: of the one who said no."""

    reason: str | None = None


@dataclass(frozen=True, slots=True)
class RightsRequestAnswered:
    """What waited was answered: it became the order that the manager gave, or nothing."""

    request: UUID
    body: RightsRequestAnsweredBody | None
    order: UUID | None = None


Fact = IdmDescribed | IdmRemoved | RightsRequested | RightsRequestAnswered
FACTS = (IdmDescribed, IdmRemoved, RightsRequested, RightsRequestAnswered)


@dataclass(frozen=True, slots=True)
class Wanted:
    """The rights that an IDM wants for somebody, as it says them."""

    unit: str | None = None
    roles: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    first_day: str | None = None
    last_day: str | None = None

    def same(self, other: Wanted) -> bool:
        """Whether both ask for the same; the order of values means nothing."""
        return self._compared() == other._compared()

    def _compared(self) -> tuple[object, ...]:
        sets = (frozenset(self.roles), frozenset(self.codes), frozenset(self.groups))
        return (self.unit, self.first_day, self.last_day, *sets)


@dataclass(frozen=True, slots=True)
class IdmFile:
    """All that the IDM has said of one person. requested: the last; orders: those that its numbers stand for."""

    described: IdmDescribed | None = None
    removed: bool = False
    requested: RightsRequested | None = None
    answers: Mapping[UUID, RightsRequestAnswered] = field(default_factory=dict)
    numbers: Mapping[str, RightsRequested] = field(default_factory=dict)

    @property
    def waiting(self) -> RightsRequested | None:
        """What waits for a manager; nothing of somebody who was stopped or deleted."""
        found = self.requested
        stopped = self.removed or (self.described is not None and self.described.active is False)
        return None if found is None or stopped or found.order is not None or found.request in self.answers else found

    @property
    def order(self) -> UUID | None:
        """The order that the last request is, or became."""
        if self.requested is None:
            return None
        answered = self.answers.get(self.requested.request)
        return self.requested.order or (answered.order if answered is not None else None)


def evolve(state: IdmFile, fact: Fact) -> IdmFile:
    """The state after one more fact."""
    match fact:
        case IdmDescribed():
            return replace(state, described=fact)
        case IdmRemoved():
            return replace(state, removed=True)
        case RightsRequested():
            numbers = {**state.numbers, fact.number: fact} if fact.order and fact.number else state.numbers
            return replace(state, requested=fact, numbers=numbers)
        case RightsRequestAnswered():
            found, numbers = state.requested, state.numbers
            if fact.order and found is not None and found.request == fact.request and found.number:
                numbers = {**numbers, found.number: found}
            return replace(state, answers={**state.answers, fact.request: fact}, numbers=numbers)


def wanted(requested: RightsRequested | None) -> Wanted:
    """What a request asks for, as it was said; nothing where there is none."""
    if requested is None:
        return Wanted()
    body = requested.body or RightsRequestedBody()
    return Wanted(body.unit, requested.roles, requested.codes, requested.groups, body.first_day, body.last_day)


def day(text: str | None, zone: tzinfo) -> date | None:
    """The local day of a date or an instant (RFC 3339). Refused `idm.day_unreadable`.

    A day of the year 9999 is none: that is how personnel systems write that there is no end.
    """
    if text is None:
        return None
    try:
        found = date.fromisoformat(text) if len(text) == 10 else _local_day(datetime.fromisoformat(text), zone)
    except (ValueError, OverflowError) as problem:
        raise Refused("idm.day_unreadable", "4.5.30", {"given": text[:80]}) from problem
    return None if found.year == date.max.year else found


def _local_day(instant: datetime, zone: tzinfo) -> date:
    return (instant if instant.tzinfo is None else instant.astimezone(zone)).date()


def described(body: IdmDescribedBody) -> IdmDescribedBody:
    """The description within its limits. Refused `text.too_long`, `idm.too_many`."""
    for name in IdmDescribedBody.__dataclass_fields__:
        value = getattr(body, name)
        for text in [mail.value for mail in value] + [mail.type for mail in value] if isinstance(value, tuple) else [value]:
            limited(text, TEXT_LIMIT, name)
    _few("emails", body.emails)
    return body


def bounded(asked: Wanted, orderer: str | None, number: str | None) -> None:
    """Refuse what no fact should hold. Refused `text.too_long`, `idm.too_many`."""
    for name, text in (("unit", asked.unit), ("orderedBy", orderer), ("orderNumber", number)):
        limited(text, TEXT_LIMIT, name)
    for name, text in (("validFrom", asked.first_day), ("validTo", asked.last_day)):
        limited(text, TEXT_LIMIT, name)
    for name, values in (("roles", asked.roles), ("clearances", asked.codes), ("accessGroups", asked.groups)):
        _few(name, values)
        for value in values:
            limited(value, TEXT_LIMIT, name)


def _few(name: str, values: tuple[object, ...]) -> None:
    if len(values) > VALUES_LIMIT:
        raise Refused("idm.too_many", params={"element": name, "limit": str(VALUES_LIMIT)})
