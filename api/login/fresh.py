"""Acts that want more than a session: who it is must have been shown a short while ago (ASVS 5.0, 7.5.3)."""

from __future__ import annotations

from datetime import timedelta

from api.requests import Caller
from domain.model.errors import Refused

FRESH_FOR = timedelta(minutes=10)


def require_fresh_login(me: Caller) -> None:
    """Refused `login.stale` where the person has not shown who it is within 10 minutes; pages then ask for it and come back.

    For deciding rights, release and signing. Nothing is asked before rights are in use, and in a demonstration.
    """
    if me.machine:  # a token shows no person, and so nobody twice
        raise Refused("login.stale", "4.5.29")
    if me.session is not None and me.tenant.ledger.clock.now() - me.session.fresh_at >= FRESH_FOR:
        raise Refused("login.stale", "4.5.29")
