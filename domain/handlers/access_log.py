"""Writing to the access log: what is noted before somebody is shown coded material, or let in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from domain import catalogue
from domain.catalogue import Envelope
from domain.handlers import gate, standing
from domain.handlers.gate import Actor, Asked, Permit
from domain.handlers.work import PROGRAM
from domain.ledger.access_chain import AccessChain, AccessLogAway
from domain.ledger.clock import local_date
from domain.ledger.identity import new_id
from domain.ledger.ledger import Ledger
from domain.ledger.submission import FACTS_LIMIT, Appended
from domain.model.access import CODED
from domain.model.access_log import AccessRead, of_one_reading

AUDITOR = "auditor"


def note(ledger: Ledger, fact: Any, *, actor: str, at: datetime | None = None) -> str:
    """Append one fact to the access log of its year: `<chain_id>#<position>`, durable when this returns.

    fact: a registered fact, begun in a stream of its own; actor: who did it; at: when, default now. Raises AccessLogAway (503).
    """
    written = append(ledger, [fact], Actor(actor), at=at)
    return f"{written.receipt.chain_id}#{written.receipt.position}"


def append(
    ledger: Ledger, facts: Sequence[Any], actor: Actor, rests_on: Sequence[str] = (), at: datetime | None = None
) -> Appended:
    """Append the facts of one act, at most 1 000. rests_on: positions in the record chain, or with their chain. AccessLogAway."""
    chain = chain_of(ledger)
    command = str(new_id())
    rests = [named(ledger, one) for one in dict.fromkeys(rests_on)] or None

    def envelope(moment: datetime) -> Envelope:
        return Envelope(
            cmd=command,
            n=1,
            m=len(facts),
            actor=actor.id,
            for_=actor.acting_for,
            login=actor.login,
            at=catalogue.instant(moment),
            date=local_date(moment),
            rests_on=rests,
            program=PROGRAM,
        )

    return chain.append(facts, envelope, at)


def chain_of(ledger: Ledger) -> AccessChain:
    """The ledger's access-log chain. Raises AccessLogAway where it was opened without one."""
    if ledger.access is None:
        raise AccessLogAway(hint="this program was started without an access log")
    return ledger.access


def reading(ledger: Ledger, permit: Permit, record: UUID, what: str) -> AccessRead | None:
    """The fact of a read that the gate has let pass; None where the record has no access code, no urgent access opened it and no
    auditor reads it (practice R13: all that an auditor reads is noted), or rights do not rule yet."""
    subject, urgent = permit.subject, permit.reason.endswith(":u")
    by_audit = permit.reason.partition(":")[0] == AUDITOR
    if subject is None or not (urgent or by_audit or (subject.assessment == CODED and subject.code is not None)):
        return None
    known = standing.of(ledger)
    own = known.judged(record, fresh=False)
    assert own.facets is not None  # the gate answered for it
    entry = known.judged(own.entry, fresh=False).facets if own.entry is not None else None
    within = (own.entry, (entry or own.facets).case)
    return AccessRead(
        record,
        own.facets.kind,
        subject.code or "",
        what,
        tuple(one for one in within if one is not None),
        by_audit or None,
    )


def read(ledger: Ledger, actor: Actor, permit: Permit, record: UUID, what: str) -> str | None:
    """Write down, before anything of it leaves, that somebody is shown a record: `<chain_id>#<position>`, None where it has no
    access code. what: one of `access_log.WAYS`. Raises AccessLogAway: then nothing of it may be shown."""
    return read_together(ledger, actor, [(permit, record)], what)


def read_together(ledger: Ledger, actor: Actor, shown: Sequence[tuple[Permit, UUID]], what: str) -> str | None:
    """The same for the records of one answer, the one that holds the others first: one fact for those that are one reading."""
    facts: list[AccessRead] = []
    rests_on: list[str] = []
    for permit, record in shown:
        fact = reading(ledger, permit, record, what)
        if fact is not None and not any(of_one_reading(fact, other) for other in facts):
            facts.append(fact)
            rests_on.extend(permit.rests_on)
    if not facts:
        return None
    written = append(ledger, facts, actor, rests_on)
    return f"{written.receipt.chain_id}#{written.receipt.position}"


def rows(ledger: Ledger, actor: Actor, shown: Sequence[AccessRead]) -> None:
    """The same for the rows of a list or search whose words are shown: one act, and one commit for up to 1 000 of them.

    They rest on the rights in force that are cleared for their codes: the rows were chosen by class, not asked for one by one.
    `audit` is set here. Nothing is written where rights do not rule yet. Raises AccessLogAway.
    """
    known = standing.of(ledger)
    if not shown or known.organisation(fresh=False).state.opened is None:
        return
    now = ledger.clock.now()
    moment = Asked("", now).moment
    codes = {one.code for one in shown}
    person = gate.profile(known.person(actor.id, fresh=False).person, actor, moment)
    cleared = [right for right in person.rights if right.in_force(moment) and codes & right.codes]
    by_audit = {right.role for right in cleared} == {AUDITOR}
    facts = [replace(one, audit=by_audit or None) for one in shown]
    rests_on = [place for right in cleared for place in right.rests_on]
    cases = {unit for one in shown for unit in (one.record, *one.within)}
    opened = [one for one in person.urgent if one.in_force(moment) and one.file in cases]
    rests_on += [place for one in opened for place in one.rests_on]
    for at in range(0, len(facts), FACTS_LIMIT):
        append(ledger, facts[at : at + FACTS_LIMIT], actor, rests_on)


def named(ledger: Ledger, place: str) -> str:
    """A position of the record chain as another chain names it."""
    return place if "#" in place else f"{ledger.reader.record_chains[-1][0]}#{place}"
