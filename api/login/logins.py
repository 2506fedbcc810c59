"""Logging in and out of one municipality: who is let in, what is noted of it, and what a session still allows."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from api.installation import Installation, Tenant
from api.login import passwords
from api.login.accounts import Accounts
from api.login.flow import Flow, Returned, Sent
from api.login.id_token import TokenRefused
from api.login.limits import Counters
from api.login.provider import Provider
from api.login.sessions import Factors, Limits, Session, Sessions
from api.login.store import LoginStore
from domain.handlers import access_log, standing
from domain.handlers.gate import ADMINISTRATORS, Actor
from domain.handlers.people import name_of
from domain.ledger.access_chain import AccessLogAway
from domain.ledger.clock import LOCAL as LOCAL_ZONE
from domain.model.access import Moment, Right
from domain.model.errors import Refused
from domain.model.login import (
    ELSEWHERE,
    LOCAL,
    NO_RIGHT,
    OIDC,
    RESET,
    AccountSet,
    LoggedIn,
    LoggedOut,
    LoginRefused,
    ProfileChosen,
    SteppedUp,
)

NOBODY = "dagbok"  # who notes what was done by nobody known
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Tried:
    """What somebody gave to log in to a local account. address: where from; device: the token of a browser that is known."""

    user_name: str
    password: str
    code: str
    address: str
    device: str = ""


@dataclass(frozen=True, slots=True)
class Entered:
    """Somebody is in. token: of the session, for the cookie; person; onward: the page wanted; device: a token for the browser."""

    token: str
    person: UUID
    onward: str = "/"
    device: str = ""


class Logins:
    """The logins of one tenant. Thread-safe."""

    def __init__(self, installation: Installation, tenant: Tenant, provider: Provider | None) -> None:
        settings = installation.settings
        self._ledger = tenant.ledger
        self._domain = tenant.domain
        self.store = LoginStore(installation, tenant.name)
        limits = Limits(timedelta(minutes=settings.session_idle_minutes), timedelta(hours=settings.session_hours))
        self.sessions = Sessions(self.store, limits)
        self.accounts = Accounts(self.store)
        self.counters = Counters(self.store)
        self._flow = Flow(self.store, provider, settings) if provider is not None else None
        self._claim = settings.oidc_claim

    def close(self) -> None:
        """Close the connections."""
        self.store.close()

    @property
    def has_provider(self) -> bool:
        """Whether people log in at a provider too."""
        return self._flow is not None

    def now(self) -> datetime:
        """The instant, by the ledger's clock."""
        return self._ledger.clock.now()

    def find(self, token: str) -> Session | None:
        """The session of a cookie, ended where it is over or its person has no right in force any more."""
        return self.look(token)[0]

    def look(self, token: str) -> tuple[Session | None, str]:
        """The same, and why it ended where it just has: `idle`, `absolute` or `no-right`; empty where there was none."""
        at = self.now()
        found, over = self.sessions.find(token, at) if token else (None, "")
        if found is None:
            return None, ""
        if not over and not self.rights(found.person, at):
            over = NO_RIGHT
        if over:
            self.end(found, over)
            return None, over
        return found, ""

    def rights(self, person: UUID, at: datetime) -> list[Right]:
        """The rights of a person that are in force."""
        moment = Moment(at, at.astimezone(LOCAL_ZONE).date())
        return [one for one in standing.of(self._ledger).person(str(person)).person.rights if one.in_force(moment)]

    def actor(self, session: Session) -> Actor:
        """The session's person as the gate knows one; for another only as long as that right is in force."""
        acting_for = str(session.acting_for) if session.acting_for is not None else None
        if acting_for is not None and acting_for not in {one.acting_for for one in self.rights(session.person, self.now())}:
            acting_for = None
        name = name_of(self._ledger, str(session.person))
        return Actor(str(session.person), name, acting_for, session.login, session.administers)

    def enter(self, tried: Tried) -> Entered:
        """Log in to a local account. Refused `login.refused`, `login.no_right`, `login.throttled`; Crowded, AccessLogAway."""
        at = self.now()
        known = standing.of(self._ledger).called(tried.user_name.strip()) if tried.user_name.strip() else None
        person = UUID(known) if known is not None else None
        device = tried.device if tried.device and self.accounts.knows_device(tried.device, person) else ""
        counted = self.store.digest("account", tried.user_name.strip().casefold(), device), self._from(tried.address)
        self.counters.begin(*counted, at)
        factors = self.accounts.shown(person, tried.password, tried.code.replace(" ", ""), at)
        if factors is None or person is None:
            self._refuse(LOCAL, "credentials", tried.address, person)
            raise Refused("login.refused")
        self.counters.succeeded(*counted)
        token = self._begin(person, factors, tried.address)
        return Entered(token, person, device=device or self.accounts.remember_device(person, at))

    def send(self, prefix: str, onward: str, again: Session | None = None) -> Sent:
        """Send somebody to the provider. Refused `login.no_provider`; ProviderAway."""
        return self._out().send(prefix, onward, self.now(), again.token if again is not None else None)

    def come_back(self, prefix: str, sent: str, answer: Mapping[str, str], address: str, current: Session | None) -> Entered:
        """Log in, or make the current session fresh, by what the provider answered.

        Refused `login.one_factor`, `login.not_vouched`, `login.unknown_person`, `login.no_right`, `login.other_person`.
        """
        try:
            back = self._out().receive(prefix, sent, answer, self.now())
        except TokenRefused as problem:
            self._refuse(OIDC, problem.reason, address, None, Factors(OIDC, problem.acr, problem.amr))
            code = "login.one_factor" if problem.reason == "token.one-factor" else "login.not_vouched"
            raise Refused(code, params={"reason": problem.reason}) from None
        factors = Factors(OIDC, back.identity.acr, back.identity.amr)
        person = self._person(back, factors, address)
        if back.again is None:
            return Entered(self._begin(person, factors, address), person, back.onward)
        if current is None or current.token != back.again or current.person != person:
            self._refuse(OIDC, "other-person", address, person, factors)
            raise Refused("login.other_person")
        return Entered(self._fresh(current, factors, address), person, back.onward)

    def step_up(self, session: Session, tried: Tried) -> str:
        """Make a session fresh by the local account of its person; returns its new token. Refused as `enter` does."""
        at = self.now()
        counted = self.store.digest("again", str(session.person)), self._from(tried.address)
        self.counters.begin(*counted, at)
        factors = self.accounts.shown(session.person, tried.password, tried.code.replace(" ", ""), at)
        if factors is None:
            self._refuse(LOCAL, "credentials", tried.address, session.person)
            raise Refused("login.refused")
        self.counters.succeeded(*counted)
        return self._fresh(session, factors, tried.address)

    def change_password(self, session: Session, tried: Tried, wanted: str, names: tuple[str, ...]) -> str:
        """Another password for the session's person, who shows the old one; every other session of theirs ends."""
        passwords.check(wanted, names)
        token = self.step_up(session, tried)
        self.accounts.change_password(session.person, wanted)
        self._note(AccountSet(session.person, "password"), str(session.person))
        found, _ = self.sessions.find(token, self.now())
        self.end_all(session.person, ELSEWHERE, but=found)
        return token

    def set_up(self, token: str, password: str, code: str, names: tuple[str, ...]) -> list[str]:
        """Set up a local account by its link, and end every session of its person; returns the recovery codes. Refused
        `login.link`, `login.code`, `password.short`, `password.common`."""
        at = self.now()
        invited = self.accounts.invitation(token, at)
        passwords.check(password, names)
        counted = self.store.digest("link", token), self.store.digest("link", str(invited.person))
        self.counters.begin(*counted, at)
        made = self.accounts.set_up(invited, password, code.replace(" ", ""), at)
        self.counters.succeeded(*counted)
        self._note(AccountSet(invited.person, "set-up"), str(invited.person))
        self.end_all(invited.person, RESET)
        return made

    def profiles(self, session: Session) -> tuple[bool, tuple[UUID, ...]]:
        """Whether there is a choice between administration and content (4.5.25), and for whom the person may act."""
        found = self.rights(session.person, self.now())
        both = {one.role in ADMINISTRATORS for one in found} == {True, False}
        return both, tuple(sorted({UUID(one.acting_for) for one in found if one.acting_for is not None}))

    def choose(self, session: Session, administers: bool, acting_for: UUID | None) -> str:
        """Go on in another profile; returns the session's new token. Refused `login.profile`."""
        both, others = self.profiles(session)
        if (administers and not both) or (acting_for is not None and acting_for not in others):
            raise Refused("login.profile")
        self._note(ProfileChosen(session.person, session.login, administers, acting_for), str(session.person))
        return self._living(self.sessions.choose(session, administers, acting_for))

    def end(self, session: Session, reason: str) -> None:
        """End a session; that it ended counts even where it cannot be noted."""
        if self.sessions.end(session.token):
            self._note_end(session, reason)

    def end_all(self, person: UUID, reason: str, but: Session | None = None) -> int:
        """End every session of a person, but for one; returns how many."""
        ended = self.sessions.end_all(person, but.token if but is not None else b"")
        for one in ended:
            self._note_end(one, reason)
        return len(ended)

    def sweep(self) -> None:
        """Remove what says nothing any more: sessions that are over, counters, browsers that nobody came back with."""
        at = self.now()
        self.accounts.forget_devices(at)
        self.sessions.sweep(at)
        self.counters.sweep(at)

    def _begin(self, person: UUID, factors: Factors, address: str) -> str:
        at = self.now()
        if not self.rights(person, at):
            self._refuse(factors.method, NO_RIGHT, address, person, factors)
            raise Refused("login.no_right")
        fact = LoggedIn(person, factors.method, self._from(address).hex(), factors.acr, factors.amr)
        login = self._note(fact, str(person))
        self.sweep()
        return self.sessions.begin(person, factors, login, at)

    def _fresh(self, session: Session, factors: Factors, address: str) -> str:
        where = self._from(address).hex()
        fact = SteppedUp(session.person, session.login, factors.method, where, factors.acr, factors.amr)
        self._note(fact, str(session.person))
        return self._living(self.sessions.renew(session, fresh_at=self.now(), factors=factors))

    def _person(self, back: Returned, factors: Factors, address: str) -> UUID:
        """The person whom the configured claim names as user name. Refused `login.unknown_person`."""
        named: Any = back.identity.claims.get(self._claim)
        known = standing.of(self._ledger).called(named) if isinstance(named, str) and named else None
        if known is None:
            self._refuse(OIDC, "unknown-person", address, None, factors)
            raise Refused("login.unknown_person")
        return UUID(known)

    def _refuse(self, method: str, reason: str, address: str, person: UUID | None, factors: Factors | None = None) -> None:
        acr, amr = (factors.acr, factors.amr) if factors is not None else (None, ())
        short = acr[:200] if acr is not None else None
        fact = LoginRefused(method, reason, self._from(address).hex(), person, short, tuple(one[:40] for one in amr[:10]))
        self._note(fact, NOBODY)  # who tried has not shown to be that person

    def _note(self, fact: Any, actor: str) -> str:
        return access_log.note(self._ledger, fact, actor=actor)

    def _note_end(self, session: Session, reason: str) -> None:
        try:
            self._note(LoggedOut(session.person, session.login, reason), str(session.person))
        except AccessLogAway:
            _log.warning("logout-not-noted", extra={"login": session.login, "reason": reason})

    def _from(self, address: str) -> bytes:
        """An address as it is counted and noted; of IPv6 the network, which one house has to itself."""
        shown = ":".join(address.split(":")[:4]) if address.count(":") > 1 else address
        return self.store.digest("address", shown)

    def _out(self) -> Flow:
        if self._flow is None:
            raise Refused("login.no_provider")
        return self._flow

    @staticmethod
    def _living(token: str) -> str:
        if not token:
            raise Refused("login.required")
        return token
