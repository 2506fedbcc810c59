"""Who logged in, and who was refused: what the access log keeps of it (Noark 5: 4.1.1; ASVS 5.0, 16.3).

No name and no address stands here in clear: a person is an id, and an address is a keyed hash, under a key of the installation.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

LOCAL, OIDC = "local", "oidc"
METHODS = (LOCAL, OIDC)
# why a session ended
SELF, IDLE, ABSOLUTE, NO_RIGHT, ELSEWHERE, RESET = "self", "idle", "absolute", "no-right", "elsewhere", "reset"


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """A session began. method: one of METHODS; address: keyed hash of where from; acr, amr: what the provider said of the factors
    (OpenID Connect Core section 2), for a local account the factors used (RFC 8176)."""

    person: UUID
    method: str
    address: str
    acr: str | None = None
    amr: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LoginRefused:
    """Somebody was not let in. reason: code; person None: whom it was about is not known."""

    method: str
    reason: str
    address: str
    person: UUID | None = None
    acr: str | None = None
    amr: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SteppedUp:
    """Somebody showed again, inside the session that `login` began, who it is."""

    person: UUID
    login: str
    method: str
    address: str
    acr: str | None = None
    amr: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ProfileChosen:
    """For whom and as what the session goes on (4.5.25). administers: with the administration roles alone; acting_for: the one
    whose substitute acts."""

    person: UUID
    login: str
    administers: bool
    acting_for: UUID | None = None


@dataclass(frozen=True, slots=True)
class LoggedOut:
    """A session ended. reason: `self`, `idle`, `absolute`, `no-right`, `elsewhere`, `reset`."""

    person: UUID
    login: str
    reason: str


@dataclass(frozen=True, slots=True)
class AccountInvited:
    """A one-time link to set up a local account was made; by: who made it, None where the operator did at the very start."""

    person: UUID
    by: UUID | None = None


@dataclass(frozen=True, slots=True)
class AccountSet:
    """A local account got other credentials. what: `set-up` by a one-time link, or `password` changed by its owner."""

    person: UUID
    what: str
