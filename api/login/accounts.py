"""Local accounts: a password and a generator of one-time codes, set up by a one-time link (ASVS 5.0, 6.2 to 6.6)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from api.login import codes, passwords
from api.login.sessions import Factors, new_token
from api.login.store import LoginStore, token_digest
from domain.ledger.identity import new_secret
from domain.model.errors import Refused
from domain.model.login import LOCAL

LINK_HOURS = 24
DEVICE_DAYS = 180
_BY_CODE, _BY_RECOVERY = ("pwd", "otp", "mfa"), ("pwd", "mfa", "recovery")


@dataclass(frozen=True, slots=True)
class Invitation:
    """A one-time link that has been opened. secret: of the generator that is to be set up."""

    token: str
    person: UUID
    secret: bytes


class Accounts:
    """The local accounts of one tenant."""

    def __init__(self, store: LoginStore) -> None:
        self._store = store

    def invite(self, person: UUID, at: datetime) -> str:
        """The token of a new one-time link, good for 24 hours; an older link of the same person is void."""
        token, secret = new_token(), new_secret(codes.SECRET_BYTES)
        with self._store.rows() as rows, rows.transaction():
            rows.execute("delete from invitation where person = %s or ends_at <= %s", (person, at))
            rows.execute(
                "insert into invitation values (%s, %s, %s, %s)",
                (token_digest(token), person, self._store.sealed(secret, str(person)), at + timedelta(hours=LINK_HOURS)),
            )
        return token

    def invitation(self, token: str, at: datetime) -> Invitation:
        """What a link opens. Refused `login.link` where it is unknown, used or too old."""
        with self._store.rows() as rows:
            row = rows.execute(
                "select person, secret from invitation where token = %s and ends_at > %s", (token_digest(token), at)
            ).fetchone()
        secret = self._store.unsealed(bytes(row[1]), str(row[0])) if row else None
        if row is None or secret is None:
            raise Refused("login.link")
        return Invitation(token, row[0], secret)

    def set_up(self, invited: Invitation, password: str, code: str, at: datetime) -> list[str]:
        """Make the account, or its credentials anew, and use the link up; returns the recovery codes, which are kept nowhere.

        The password has been checked. Refused `login.code` where the code is not the generator's, `login.link` where the link
        was used meanwhile.
        """
        step = codes.step_matched(invited.secret, code, at)
        if not step:
            raise Refused("login.code")
        stored, sealed = passwords.hashed(password), self._store.sealed(invited.secret, str(invited.person))
        with self._store.rows() as rows, rows.transaction():
            used = rows.execute("delete from invitation where token = %s", (token_digest(invited.token),))
            if not used.rowcount:
                raise Refused("login.link")
            rows.execute("delete from device where person = %s", (invited.person,))
            rows.execute(
                "insert into account values (%s, %s, %s, %s, %s) on conflict (person) do update set password = excluded.password,"
                " secret = excluded.secret, last_step = excluded.last_step, since = excluded.since",
                (invited.person, stored, sealed, step, at),
            )
            rows.execute("delete from recovery_code where person = %s", (invited.person,))
            made = codes.recovery_codes()
            rows.cursor().executemany(
                "insert into recovery_code values (%s, %s)", [(invited.person, codes.recovery_digest(one)) for one in made]
            )
        return made

    def has(self, person: UUID) -> bool:
        """Whether somebody has a local account."""
        with self._store.rows() as rows:
            return rows.execute("select 1 from account where person = %s", (person,)).fetchone() is not None

    def shown(self, person: UUID | None, password: str, code: str, at: datetime) -> Factors | None:
        """The factors of somebody who knows the password and has the generator or a recovery code; None otherwise, after as much
        work. A code is used up only where the password was right. Raises Crowded."""
        with self._store.rows() as rows:
            row = rows.execute("select password, secret from account where person = %s", (person,)).fetchone()
        known = passwords.matches(password, row[0] if row else None)
        secret = self._store.unsealed(bytes(row[1]), str(person)) if row else None
        step = codes.step_matched(secret or bytes(codes.SECRET_BYTES), code, at)
        if not known or secret is None:
            return None
        with self._store.rows() as rows:
            if step:
                fresh = rows.execute(
                    "update account set last_step = %s where person = %s and last_step < %s", (step, person, step)
                )
                return Factors(LOCAL, None, _BY_CODE) if fresh.rowcount else None
            used = rows.execute(
                "delete from recovery_code where person = %s and digest = %s", (person, codes.recovery_digest(code))
            )
            return Factors(LOCAL, None, _BY_RECOVERY) if used.rowcount else None

    def change_password(self, person: UUID, password: str) -> None:
        """Another password, which has been checked; its owner has just shown the old one. Raises Crowded."""
        stored = passwords.hashed(password)
        with self._store.rows() as rows:
            rows.execute("update account set password = %s where person = %s", (stored, person))

    def recovery_left(self, person: UUID) -> int:
        """How many recovery codes are left."""
        with self._store.rows() as rows:
            row = rows.execute("select count(*) from recovery_code where person = %s", (person,)).fetchone()
        return int(row[0]) if row else 0

    def remember_device(self, person: UUID, at: datetime) -> str:
        """A token for the browser that this person has just logged in from."""
        token = new_token()
        with self._store.rows() as rows:
            rows.execute("insert into device values (%s, %s, %s)", (token_digest(token), person, at))
        return token

    def forget_devices(self, at: datetime) -> None:
        """Remove the tokens of browsers that have been known for half a year: their cookies have ended, too."""
        with self._store.rows() as rows:
            rows.execute("delete from device where since < %s", (at - timedelta(days=DEVICE_DAYS),))

    def knows_device(self, token: str, person: UUID | None) -> bool:
        """Whether this person has logged in from a browser with that token."""
        with self._store.rows() as rows:
            found = rows.execute(
                "select 1 from device where token = %s and person = %s", (token_digest(token), person)
            ).fetchone()
        return found is not None
