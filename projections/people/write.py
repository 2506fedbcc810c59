"""How the people projection follows the log: whoever a batch touches is folded anew from the own stream, which is short."""

from __future__ import annotations

import typing
from collections.abc import Iterable, Sequence
from importlib import resources
from typing import Any
from uuid import UUID

from psycopg import sql

from domain.ledger.projection import Transaction
from domain.ledger.reader import Recorded
from domain.model import idm, person, rights_change, urgent
from domain.model.chain_log import BodiesDisposed
from domain.model.named_access import AccessAsked, AccessDeclined, AccessGranted
from domain.model.person import PersonFile
from domain.model.rights_change import Order, Orders, RightsObjected, RightsReturned
from domain.model.urgent import UrgentAccess, UrgentOrdered
from domain.model.user import UserNamed, UserRegistered

NAME = "people"
VERSION = 2
DDL = resources.files("projections").joinpath("sql", "0002_people.sql").read_text(encoding="utf-8")
FAIL_CLOSED = False
TABLES = (
    ("person", "id"),
    ("rights_order", "id"),
    ("idm_request", "id"),
    ("access_request", "id"),
    ("urgent_access", "id"),
    ("erased", "chain_id, first"),
)
OF_PERSON: tuple[type, ...] = (UserRegistered, UserNamed, *typing.get_args(rights_change.Fact), *idm.FACTS, *urgent.FACTS)
OF_ACCESS = (AccessAsked, AccessDeclined, AccessGranted)

Row = dict[str, Any]


def apply(batch: Sequence[Recorded], tx: Transaction) -> None:
    """Write anew the rows of everybody whom a batch touches."""
    touched: dict[UUID, None] = {}
    for recorded in batch:
        if isinstance(recorded.fact, BodiesDisposed):
            touched.update(dict.fromkeys(_erase(tx, recorded)))
        elif isinstance(recorded.fact, (*OF_PERSON, *OF_ACCESS)):
            touched[recorded.stream] = None
    if not touched:
        return
    gone = _erased(tx)

    def erased(chain_id: str, position: int) -> bool:
        return any(position in part for part in gone.get(chain_id, ()))

    for stream in touched:
        records = tx.stream(stream, erased, batch[-1].position)
        _person(tx, stream, [one for one in records if isinstance(one.fact, OF_PERSON)])
        _requests(tx, stream, [one for one in records if isinstance(one.fact, OF_ACCESS)])


def _erase(tx: Transaction, recorded: Recorded) -> list[UUID]:
    """Remember what is destroyed; the streams that had a word in it."""
    fact: BodiesDisposed = recorded.fact
    if "body" not in fact.parts:
        return []
    insert = sql.SQL("insert into {} values (%s, %s, %s) on conflict do nothing").format(tx.table("erased"))
    for first, last in fact.positions:
        tx.connection.execute(insert, (recorded.chain_id, first, last))
    return tx.streams_at([range(first, last + 1) for first, last in fact.positions])


def _erased(tx: Transaction) -> dict[str, list[range]]:
    gone: dict[str, list[range]] = {}
    for chain_id, first, last in tx.connection.execute(sql.SQL("select * from {}").format(tx.table("erased"))):
        gone.setdefault(str(chain_id), []).append(range(int(first), int(last) + 1))
    return gone


def _person(tx: Transaction, stream: UUID, records: Sequence[Recorded]) -> None:
    if not records:
        return
    state = PersonFile(Orders(str(stream)))
    first: dict[UUID, int] = {}
    answers: dict[UUID, str | None] = {}
    for recorded in records:
        fact = recorded.fact
        state = person.evolve(state, stream, fact)
        if isinstance(fact, rights_change.RightsOpened | rights_change.RightsOrdered):
            first[fact.order] = recorded.position
        if isinstance(fact, UrgentOrdered):
            first[fact.urgent] = recorded.position
        if isinstance(fact, RightsReturned | RightsObjected):
            answers[fact.order] = fact.body.reason if fact.body is not None else None
    _replace(tx, "person", "id", stream, [_person_row(stream, state)])
    orders = [_order_row(stream, state, one, answers, first) for one in state.orders.orders.values()]
    _replace(tx, "rights_order", "person", stream, orders)
    _replace(tx, "idm_request", "person", stream, _idm_rows(stream, state, records))
    urgencies = [_urgent_row(stream, one, first) for one in state.urgent.accesses.values()]
    _replace(tx, "urgent_access", "person", stream, urgencies)


def _person_row(stream: UUID, state: PersonFile) -> Row:
    user = state.user
    titles = [one.fact.body.title for one in state.orders.orders.values() if one.fact.body is not None and one.fact.body.title]
    name, user_name = (user.name, user.user_name) if user is not None else ("", "")
    return {
        "id": stream,
        "kind": user.kind if user is not None else None,
        "name": name,
        "user_name": user_name,
        "title": titles[-1] if titles else None,
        "words": f"{name} {user_name}".casefold(),
    }


def _order_row(stream: UUID, state: PersonFile, one: Order, answers: dict[UUID, str | None], first: dict[UUID, int]) -> Row:
    fact = one.fact
    return {
        "id": fact.order,
        "person": stream,
        "change": fact.change,
        "stage": one.stage,
        "orderer": fact.orderer,
        "unit": fact.unit,
        "ordered_on": fact.ordered_on,
        "first_day": fact.first_day,
        "last_day": one.last_day,
        "asked_first_day": fact.asked_first_day,
        "decided_at": one.decided_at.isoformat() if one.decided_at is not None else None,
        "stopped_at": one.stopped_at.isoformat() if one.stopped_at is not None else None,
        "executed": one.executed,
        "widens": fact.widens,
        "source": fact.source,
        "number": fact.number,
        "roles": list(fact.roles),
        "codes": list(fact.codes),
        "groups": list(fact.groups),
        "replaces": list(fact.replaces),
        "title": fact.body.title if fact.body is not None else None,
        "reason": fact.body.reason if fact.body is not None else None,
        "answer": answers.get(fact.order),
        "reviewed_on": state.orders.reviewed.get(fact.order),
        "position": first[fact.order],
    }


def _urgent_row(stream: UUID, one: UrgentAccess, first: dict[UUID, int]) -> Row:
    fact, end, review = one.fact, one.end, one.review
    return {
        "id": fact.urgent,
        "person": stream,
        "case_id": fact.case,
        "orderer": fact.orderer,
        "hand": fact.hand,
        "confirm_by": fact.confirm_by.isoformat(),
        "confirmed_at": one.confirmed_at.isoformat() if one.confirmed_at is not None else None,
        "second_manager": one.second_manager,
        "ends_at": end.isoformat() if end is not None else None,
        "ended": one.ended_at is not None,
        "reviewed_on": review.reviewed_on if review is not None else None,
        "justified": review.justified if review is not None else None,
        "reason": fact.body.reason if fact.body is not None else None,
        "finding": review.body.finding if review is not None and review.body is not None else None,
        "position": first[fact.urgent],
    }


def _idm_rows(stream: UUID, state: PersonFile, records: Sequence[Recorded]) -> list[Row]:
    """What an identity system asked for that waits for a manager: one at most."""
    waits = state.idm.waiting
    if waits is None:
        return []
    row = {
        "id": waits.request,
        "person": stream,
        "unit": waits.unit,
        "roles": list(waits.roles),
        "codes": list(waits.codes),
        "groups": list(waits.groups),
        "first_day": waits.body.first_day if waits.body is not None else None,
        "last_day": waits.body.last_day if waits.body is not None else None,
        "number": waits.number,
        "why": waits.why,
        "position": next(one.position for one in records if one.fact is waits),
    }
    return [row]


def _requests(tx: Transaction, record: UUID, records: Iterable[Recorded]) -> None:
    rows: dict[UUID, Row] = {}
    for recorded in records:
        fact = recorded.fact
        if isinstance(fact, AccessAsked):
            rows[fact.request] = {
                "id": fact.request,
                "record": record,
                "person": fact.person,
                "asked_on": fact.asked_on,
                "reason": fact.body.reason if fact.body is not None else None,
                "state": "waiting",
                "answer": None,
                "answered_by": None,
                "last_day": None,
            }
        elif isinstance(fact, AccessDeclined) and fact.request in rows:
            said = fact.body.reason if fact.body is not None else None
            rows[fact.request] |= {"state": "declined", "answer": said, "answered_by": recorded.envelope.actor}
        elif isinstance(fact, AccessGranted) and fact.grant in rows:
            rows[fact.grant] |= {"state": "granted", "answered_by": recorded.envelope.actor, "last_day": fact.last_day}
    if rows:
        _replace(tx, "access_request", "record", record, list(rows.values()))


def _replace(tx: Transaction, table: str, key: str, value: UUID, rows: Sequence[Row]) -> None:
    tx.connection.execute(sql.SQL("delete from {} where {} = %s").format(tx.table(table), sql.Identifier(key)), (value,))
    for row in rows:
        query = sql.SQL("insert into {} ({}) values ({})").format(
            tx.table(table), sql.SQL(", ").join(map(sql.Identifier, row)), sql.SQL(", ").join(sql.Placeholder() * len(row))
        )
        tx.connection.execute(query, list(row.values()))
