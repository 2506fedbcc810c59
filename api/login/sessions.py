"""Sessions on the server. The browser holds 256 random bits, the database their SHA-256: who reads the one has not the other.

A session ends at logout, after a time without use, after a time in all, and where its person has no right in force any more. Its
token is another one after each login, step-up and choice of profile (ASVS 5.0, 7.2.4).
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, LiteralString
from uuid import UUID

from api.login.store import LoginStore, token_digest
from domain.ledger.identity import new_secret
from domain.model.login import ABSOLUTE, IDLE

TOUCH_EVERY = timedelta(seconds=60)  # a write for every request would cost more than it tells
_COLUMNS = "token, person, method, acr, amr, administers, acting_for, began_at, seen_at, fresh_at, login"


@dataclass(frozen=True, slots=True)
class Factors:
    """How somebody showed who it is. method: `local` or `oidc`; acr, amr: as in the login fact."""

    method: str
    acr: str | None = None
    amr: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who is logged in. token: digest of the cookie; fresh_at: when who it is was last shown; login: where the login
    stands in the access log; administers, acting_for: the chosen profile, as in the gate's Actor."""

    token: bytes
    person: UUID
    factors: Factors
    began_at: datetime
    seen_at: datetime
    fresh_at: datetime
    login: str
    administers: bool = False
    acting_for: UUID | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a session lasts: unused, and in all."""

    idle: timedelta
    absolute: timedelta


class Sessions:
    """The sessions of one tenant."""

    def __init__(self, store: LoginStore, limits: Limits) -> None:
        self._store = store
        self._limits = limits

    def begin(self, person: UUID, factors: Factors, login: str, at: datetime) -> str:
        """A new session; returns what the browser gets."""
        token = new_token()
        with self._store.rows() as rows:
            rows.execute(
                f"insert into session({_COLUMNS}) values (%s, %s, %s, %s, %s, false, null, %s, %s, %s, %s)",  # noqa: S608
                (token_digest(token), person, factors.method, factors.acr, list(factors.amr), at, at, at, login),
            )
        return token

    def find(self, token: str, at: datetime) -> tuple[Session | None, str]:
        """The session of a cookie, and why it ended where it just has: `idle` or `absolute`; neither where there is none."""
        with self._store.rows() as rows:
            row = rows.execute(f"select {_COLUMNS} from session where token = %s", (token_digest(token),)).fetchone()  # noqa: S608
            if row is None:
                return None, ""
            found = _session(row)
            over = ABSOLUTE if at >= found.began_at + self._limits.absolute else ""
            over = over or (IDLE if at >= found.seen_at + self._limits.idle else "")
            if not over and at - found.seen_at >= TOUCH_EVERY:
                rows.execute("update session set seen_at = %s where token = %s and seen_at < %s", (at, found.token, at))
        return found, over

    def renew(self, session: Session, *, fresh_at: datetime | None = None, factors: Factors | None = None) -> str:
        """The session under another token, and the old one known no more; returns what the browser gets. Empty where the session
        has ended meanwhile."""
        shown = factors or session.factors
        return self._moved(
            session,
            "fresh_at = %s, acr = %s, amr = %s",
            (fresh_at or session.fresh_at, shown.acr, list(shown.amr)),
        )

    def choose(self, session: Session, administers: bool, acting_for: UUID | None) -> str:
        """The session in another profile, under another token. Empty where it has ended meanwhile."""
        return self._moved(session, "administers = %s, acting_for = %s", (administers, acting_for))

    def _moved(self, session: Session, changes: LiteralString, values: tuple[Any, ...]) -> str:
        token = new_token()
        with self._store.rows() as rows:
            done = rows.execute(
                f"update session set token = %s, {changes} where token = %s",  # noqa: S608 our own words
                (token_digest(token), *values, session.token),
            )
            return token if done.rowcount else ""

    def end(self, token: bytes) -> bool:
        """End one session, by the digest of its token; whether it was there."""
        with self._store.rows() as rows:
            return bool(rows.execute("delete from session where token = %s", (token,)).rowcount)

    def end_all(self, person: UUID, but: bytes = b"") -> list[Session]:
        """End every session of a person, but for one; returns those ended."""
        with self._store.rows() as rows:
            ended = rows.execute(
                f"delete from session where person = %s and token <> %s returning {_COLUMNS}",  # noqa: S608
                (person, but),
            ).fetchall()
        return [_session(row) for row in ended]

    def of(self, person: UUID, at: datetime) -> list[Session]:
        """The sessions of a person that are not over, the newest first."""
        with self._store.rows() as rows:
            found = rows.execute(
                f"select {_COLUMNS} from session where person = %s and began_at > %s and seen_at > %s order by began_at desc",  # noqa: S608
                (person, at - self._limits.absolute, at - self._limits.idle),
            ).fetchall()
        return [_session(row) for row in found]

    def sweep(self, at: datetime) -> int:
        """Remove the sessions that are over and whose browser never came back; returns how many."""
        with self._store.rows() as rows:
            return rows.execute(
                "delete from session where began_at <= %s or seen_at <= %s",
                (at - self._limits.absolute - self._limits.absolute, at - self._limits.idle - self._limits.absolute),
            ).rowcount


def new_token() -> str:
    """256 random bits as a cookie or a link can carry them."""
    return base64.urlsafe_b64encode(new_secret()).rstrip(b"=").decode()


def _session(row: Sequence[Any]) -> Session:
    token, person, method, acr, amr, administers, acting_for, began_at, seen_at, fresh_at, login = row
    factors = Factors(method, acr, tuple(amr))
    return Session(bytes(token), person, factors, began_at, seen_at, fresh_at, login, administers, acting_for)
