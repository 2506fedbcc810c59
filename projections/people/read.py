"""What the people projection answers. Every function runs on one connection; the caller has passed the gate."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

Row = dict[str, Any]
Connection = psycopg.Connection[Any]
LIMIT = 500


class People:
    """Reads one tenant's people. Rows of orders carry `name` (of the person) and `title_now` beside the order's own columns."""

    def __init__(self, tenant: str) -> None:
        self.schema = f"{tenant}_p_people"

    def _rows(self, connection: Connection, text: str, values: dict[str, Any]) -> list[Row]:
        names = ("person", "rights_order", "idm_request", "access_request", "urgent_access", "follower")
        query = sql.SQL(text).format(**{name: sql.Identifier(self.schema, name) for name in names})  # pyright: ignore[reportArgumentType]
        with connection.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(query, values).fetchall()

    def _orders(self, connection: Connection, where: str, order: str, **values: Any) -> list[Row]:
        text = (
            "select o.*, p.name, p.user_name, p.kind, p.title as title_now from {rights_order} o"  # noqa: S608
            f" join {{person}} p on p.id = o.person where {where} order by {order} limit {LIMIT}"
        )
        return self._rows(connection, text, values)

    def found(self, connection: Connection, words: str, limit: int = LIMIT) -> list[Row]:
        """People whose name or user name holds every word, by name: id, kind, name, user_name, title."""
        patterns = [f"%{_literal(word)}%" for word in words.casefold().split()[:10]]
        text = (
            "select id, kind, name, user_name, title from {person} where words like all(%(patterns)s)"  # noqa: S608
            f" order by name, user_name, id limit {min(limit, LIMIT)}"
        )
        return self._rows(connection, text, {"patterns": patterns})

    def running(self, connection: Connection, day: date, now: datetime, people: Sequence[UUID] | None = None) -> list[Row]:
        """Decided orders that give rights that day or may yet, by name."""
        where = (
            "o.stage = 'decided' and o.change <> 'stop' and (o.last_day is null or o.last_day >= %(day)s)"
            " and (o.stopped_at is null or o.stopped_at::timestamptz > %(now)s)"
            " and (%(people)s::uuid[] is null or o.person = any(%(people)s))"
        )
        wanted = list(people) if people is not None else None
        return self._orders(connection, where, "p.name, o.first_day, o.position", day=day, now=now, people=wanted)

    def with_roles(self, connection: Connection, roles: Sequence[str]) -> list[UUID]:
        """Everybody for whom one of these roles was ever decided, whether or not in force."""
        text = "select distinct person from {rights_order} where stage = 'decided' and roles && %(roles)s::text[] order by person"
        return [row["person"] for row in self._rows(connection, text, {"roles": list(roles)})]

    def of_person(self, connection: Connection, person: UUID) -> list[Row]:
        """Every order for a person, oldest first."""
        return self._orders(connection, "o.person = %(person)s", "o.position", person=person)

    def in_stage(self, connection: Connection, stage: str) -> list[Row]:
        """Orders that wait: `ordered` for control, `objected` for the superior. Oldest first."""
        return self._orders(connection, "o.stage = %(stage)s", "o.position", stage=stage)

    def ordered_by(self, connection: Connection, orderers: Sequence[str]) -> list[Row]:
        """A manager's latest orders, newest first, but for the first people's own."""
        where = "o.orderer = any(%(orderers)s) and o.source <> 'opening'"
        return self._orders(connection, where, "o.position desc", orderers=list(orderers))[:20]

    def to_execute(self, connection: Connection) -> list[Row]:
        """Decided orders that nobody has carried out yet, oldest first."""
        where = "o.stage = 'decided' and not o.executed and o.source <> 'opening'"
        return self._orders(connection, where, "o.first_day, o.position")

    def asked_by_idm(self, connection: Connection, person: UUID | None = None) -> list[Row]:
        """What an identity system asked for and no manager has ordered yet, oldest first: for one person, or for all."""
        text = (
            "select r.*, p.name, p.user_name, p.kind from {idm_request} r join {person} p on p.id = r.person"  # noqa: S608
            f" where %(person)s::uuid is null or r.person = %(person)s order by r.position limit {LIMIT}"
        )
        return self._rows(connection, text, {"person": person})

    def urgent(self, connection: Connection, now: datetime) -> list[Row]:
        """Urgent accesses that wait for confirmation, are in force, or wait for their review; oldest first."""
        text = (
            "select u.*, p.name, p.user_name from {urgent_access} u join {person} p on p.id = u.person"  # noqa: S608
            " where u.reviewed_on is null and (u.confirmed_at is not null or"
            f" (not u.ended and u.confirm_by::timestamptz > %(now)s)) order by u.position limit {LIMIT}"
        )
        return self._rows(connection, text, {"now": now})

    def urgent_reviewed(self, connection: Connection) -> list[Row]:
        """The last urgent accesses that were reviewed, newest first."""
        text = (
            "select u.*, p.name, p.user_name from {urgent_access} u join {person} p on p.id = u.person"
            " where u.reviewed_on is not null order by u.position desc limit 20"
        )
        return self._rows(connection, text, {})

    def waiting_requests(self, connection: Connection, record: UUID | None = None) -> list[Row]:
        """Requests to read a record that have no answer, oldest first: of one record, or of all."""
        text = (
            "select r.*, p.name from {access_request} r left join {person} p on p.id::text = r.person"  # noqa: S608
            " where r.state = 'waiting' and (%(record)s::uuid is null or r.record = %(record)s)"
            f" order by r.asked_on, r.id limit {LIMIT}"
        )
        return self._rows(connection, text, {"record": record})

    def requests_by(self, connection: Connection, person: str) -> list[Row]:
        """What somebody asked for, newest first."""
        text = "select * from {access_request} where person = %(person)s order by asked_on desc, id limit 20"
        return self._rows(connection, text, {"person": person})

    def position(self, connection: Connection, chain_id: str) -> int:
        """How far the projection has come in a chain."""
        rows = self._rows(connection, "select position from {follower} where chain_id = %(chain)s", {"chain": chain_id})
        return int(rows[0]["position"]) if rows else 0


def _literal(word: str) -> str:
    """A word as LIKE reads it, its own signs included."""
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
