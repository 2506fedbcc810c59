"""People and services that act (Noark 5: 4.3.1 to 4.3.4, 4.4.9 to 4.4.12). An id is never used for anybody else; old names stay.

Facts stand in the person's own stream, beside the orders of rights for that person (`rights_change`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from domain.model.errors import Refused
from domain.model.ids import Claim
from domain.model.record import limited

USER_NAME = "user-name"
EMPLOYEE, TEMPORARY, EXTERNAL, AUDITOR, ELECTED, SERVICE = "employee", "temporary", "external", "auditor", "elected", "service"
KINDS = (EMPLOYEE, TEMPORARY, EXTERNAL, AUDITOR, ELECTED, SERVICE)
DATED = frozenset({TEMPORARY, EXTERNAL, AUDITOR, ELECTED})
NAME_LIMIT = 200


@dataclass(frozen=True, slots=True)
class NamesBody:
    """name: full name; user_name: as the person logs in; email."""

    name: str
    user_name: str
    email: str | None = None


@dataclass(frozen=True, slots=True)
class UserRegistered:
    """Somebody was made known, without any right. kind: one of KINDS; the claim holds the HMAC of the user name."""

    kind: str
    body: NamesBody | None
    claims: tuple[Claim, ...] = ()


@dataclass(frozen=True, slots=True)
class UserNamed:
    """Another name, user name or e-mail; the old user name is never given to anybody else (4.4.11)."""

    body: NamesBody | None
    claims: tuple[Claim, ...] = ()


Fact = UserRegistered | UserNamed


@dataclass(frozen=True, slots=True)
class User:
    """Who somebody is. names: all that were, the present last; None in place of erased ones; claims: the user names held."""

    kind: str
    names: tuple[NamesBody | None, ...]
    claims: tuple[Claim, ...] = ()

    @property
    def name(self) -> str:
        """The present full name; empty where it was erased."""
        return self.names[-1].name if self.names[-1] is not None else ""

    @property
    def user_name(self) -> str:
        """The present user name; empty where it was erased."""
        return self.names[-1].user_name if self.names[-1] is not None else ""

    @property
    def dated(self) -> bool:
        """Whether every right of theirs must have an end: they have no manager of their own."""
        return self.kind in DATED


def register(state: User | None, kind: str, names: NamesBody, digest: str) -> UserRegistered:
    """Make somebody known under a user name whose HMAC is `digest`. Refused `exists`, `user.kind`, `text.missing`."""
    if state is not None:
        raise Refused("exists", params={"what": "user"})
    if kind not in KINDS:
        raise Refused("user.kind", "4.3.1", {"kind": kind[:80], "known": ", ".join(KINDS)})
    return UserRegistered(kind, checked(names), ((USER_NAME, digest),))


def rename(state: User, names: NamesBody, digest: str) -> tuple[UserNamed, ...]:
    """Another name; nothing where it is so already."""
    if checked(names) == state.names[-1]:
        return ()
    claim = (USER_NAME, digest)
    return (UserNamed(names, () if claim in state.claims else (claim,)),)


def checked(names: NamesBody) -> NamesBody:
    """Names within their limits, none of them empty."""
    for element, value in (("name", names.name), ("user_name", names.user_name)):
        if not value.strip():
            raise Refused("text.missing", "4.4.9", {"element": element})
        limited(value, NAME_LIMIT, element)
    limited(names.email, NAME_LIMIT, "email")
    return names


def evolve(state: User | None, fact: Fact) -> User:
    """The state after one more fact."""
    if isinstance(fact, UserRegistered):
        return User(fact.kind, (fact.body,), fact.claims)
    assert state is not None
    return replace(state, names=(*state.names, fact.body), claims=(*state.claims, *fact.claims))
