"""Who may give somebody a local account, or end all logins of somebody."""

from __future__ import annotations

from uuid import UUID

from api.login.logins import Logins
from domain.handlers import access_log, gate, standing
from domain.handlers.gate import Actor, Asked
from domain.ledger.ledger import Ledger
from domain.model.access import Subject
from domain.model.errors import Refused
from domain.model.login import RESET, AccountInvited

INVITE, END_SESSIONS = "account.invite", "account.end-sessions"


def invite(ledger: Ledger, logins: Logins, actor: Actor, person: UUID) -> str:
    """The token of a one-time link for somebody who has a right in force. Refused `access.<reason>`, `login.known_rights`,
    `login.not_for_oneself`.

    Whoever makes a link could use it: that it was made stands in the access log first, and setting the account up ends every
    session and the old password, so that its owner notices.
    """
    at = logins.now()
    if not logins.rights(person, at):
        raise Refused("login.known_rights")
    first = not actor.id and _first(ledger, logins, person)
    if actor.id == str(person):
        raise Refused("login.not_for_oneself")
    if not first:
        gate.permit(ledger, actor, Asked(INVITE, at, subject=Subject("administration")))
    by = None if first else UUID(actor.id)
    access_log.note(ledger, AccountInvited(person, by), actor=actor.id or "dagbok")
    return logins.accounts.invite(person, at)


def end_sessions(ledger: Ledger, logins: Logins, actor: Actor, person: UUID) -> int:
    """End every session of somebody; returns how many there were. Refused `access.<reason>`."""
    gate.permit(ledger, actor, Asked(END_SESSIONS, logins.now(), subject=Subject("administration")))
    return logins.end_all(person, RESET)


def _first(ledger: Ledger, logins: Logins, person: UUID) -> bool:
    """Whether it is one of the two named at the opening, before any account was set up: their right rests on no order either."""
    opened = standing.of(ledger).organisation().state.opened
    named = opened is not None and person in (opened.leader, opened.deputy)
    return named and not logins.accounts.has(person)
