"""How often somebody may fail. Nobody can close another's account for long, and not at all for the browsers it knows.

Two counters a try: of the address, and of the user name together with the device (OWASP's device cookie): a browser that this
person has logged in from counts by itself, so strangers who fail do not close the account for it. A closed counter opens by
itself, within a quarter of an hour, and tries against a closed one are neither looked at nor counted.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from api.login.store import LoginStore
from domain.model.errors import Refused

FORGOTTEN_AFTER = timedelta(hours=1)
FREE_TRIES, ADDRESS_TRIES = 5, 30
FIRST, LONGEST = timedelta(seconds=30), timedelta(minutes=15)


class Throttled(Refused):
    """Too many tries have failed."""

    def __init__(self, wait: timedelta) -> None:
        self.retry_after_s = max(1, int(wait.total_seconds()) + 1)
        minutes = str(-(-self.retry_after_s // 60))
        super().__init__("login.throttled", params={"minutes": minutes})


class Counters:
    """Counters of failed tries of one tenant."""

    def __init__(self, store: LoginStore) -> None:
        self._store = store

    def begin(self, account: bytes, address: bytes, at: datetime) -> None:
        """Count a try before it is looked at, so that a hundred at once are a hundred. Raises Throttled, and counts nothing,
        where a counter is closed. An account's closes from the fifth try on, for twice as long each time, an address's from the
        thirtieth on."""
        tries = sorted(((account, FREE_TRIES), (address, ADDRESS_TRIES)))  # one order: two tries never wait for each other
        with self._store.rows() as rows, rows.transaction():
            for bucket, free in tries:
                rows.execute("insert into failure values (%s, 0, %s, %s) on conflict do nothing", (bucket, at, at))
                found = rows.execute(
                    "select failures, last_at, closed_until from failure where bucket = %s for update", (bucket,)
                ).fetchone()
                assert found is not None
                count, last_at, closed_until = found
                if closed_until > at:
                    raise Throttled(closed_until - at)
                count = 1 if last_at < at - FORGOTTEN_AFTER else count + 1
                until = at + min(LONGEST, FIRST * 2 ** min(count - free, 10)) if count >= free else at
                rows.execute(
                    "update failure set failures = %s, last_at = %s, closed_until = %s where bucket = %s",
                    (count, at, until, bucket),
                )

    def succeeded(self, account: bytes, address: bytes) -> None:
        """The try was none that failed. Of the address only this one is forgotten: a right guess must not pay for thirty."""
        with self._store.rows() as rows, rows.transaction():
            rows.execute("delete from failure where bucket = %s", (account,))
            rows.execute(
                "update failure set failures = greatest(failures - 1, 0), closed_until = last_at where bucket = %s", (address,)
            )

    def sweep(self, at: datetime) -> None:
        """Remove counters that say nothing any more."""
        with self._store.rows() as rows:
            rows.execute("delete from failure where last_at < %s and closed_until < %s", (at - FORGOTTEN_AFTER, at))
