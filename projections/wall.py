"""Tokens of the second wall: for one read at a time, what the policies of the coded tables let through (docs/adr/0009).

The role of the pages shows a token; another role, `gate`, has issued it and said what it is for. SQL that the role of the pages
was brought to run by mistake or malice sees no more than the read it happened in, and without a token nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from psycopg import sql
from psycopg_pool import ConnectionPool, PoolTimeout

from domain.ledger.identity import new_secret
from domain.ledger.patience import patient

CODED_TABLES = 3
NOBODY = "{}"
LIFE_S = 120
"""Longer than any read; what a process that died leaves behind opens nothing after it."""


class Wall:
    """Issues and takes back the tokens of one tenant. dsn: of the role `gate`; no connection before the first token."""

    def __init__(self, dsn: str, tenant: str) -> None:
        self._table = sql.Identifier(f"{tenant}_wall", "pass")
        self._pool: ConnectionPool[Any] = ConnectionPool(
            patient(dsn), min_size=0, max_size=16, kwargs={"autocommit": True}, open=True, timeout=5, reconnect_timeout=5
        )

    def issue(self, everything: bool, classes: str, named: str) -> str:
        """A token that lets through every coded row, or those of these classes and these single units (arrays of SQL). Raises
        psycopg.OperationalError."""
        token = new_secret().hex()
        query = sql.SQL(
            "with old as (delete from {0} where until < clock_timestamp())"
            " insert into {0} values (sha256(convert_to(%s, 'UTF8')), clock_timestamp() + make_interval(secs => %s), %s,"
            " %s::uuid[], %s::uuid[])"
        ).format(self._table)
        with self._pool.connection() as connection:
            connection.execute(query, (token, LIFE_S, everything, classes, named))
        return token

    def take_back(self, token: str) -> None:
        """The token opens nothing any more; one that cannot be reached just now ends by itself."""
        query = sql.SQL("delete from {} where token = sha256(convert_to(%s, 'UTF8'))").format(self._table)
        with suppress(psycopg.Error, PoolTimeout), self._pool.connection() as connection:
            connection.execute(query, (token,))

    @contextmanager
    def passing(self, connection: psycopg.Connection[Any], everything: bool, classes: str, named: str) -> Iterator[None]:
        """A transaction of the pages' connection that shows a token for this; nothing is issued where nothing is let through."""
        token = self.issue(everything, classes, named) if everything or classes != NOBODY or named != NOBODY else None
        try:
            with connection.transaction():
                if token is not None:
                    connection.execute("select set_config('dagbok.token', %s, true)", (token,))
                yield
        finally:
            if token is not None:
                self.take_back(token)

    def close(self) -> None:
        """Give the connections back."""
        self._pool.close()


def gaps(connection: psycopg.Connection[Any], tenant: str) -> list[str]:
    """What is missing of the second wall; empty where it stands whole. connection: any role's that may read the catalogue."""
    found: list[str] = []
    web, schema = f"{tenant}_web", f"{tenant}_p_journal"
    role = connection.execute(
        "select rolsuper or rolbypassrls, exists (select 1 from pg_auth_members m where m.member = r.oid) from pg_roles r"
        " where rolname = %s",
        (web,),
    ).fetchone()
    if role is None or role[0] or role[1]:
        found.append(f"the role {web} may pass by policies, or is a member of another role")
    tables = connection.execute(
        "select c.relname, c.relrowsecurity and c.relforcerowsecurity, pg_get_userbyid(c.relowner) = %s,"
        " (select count(*) from pg_policy p where p.polrelid = c.oid and (p.polroles && array[0::oid, to_regrole(%s)::oid]))"
        " from pg_class c join pg_namespace n on n.oid = c.relnamespace"
        " where n.nspname = %s and c.relname like %s and c.relkind = 'r' order by 1",
        (web, web, schema, "%\\_coded"),
    ).fetchall()
    if len(tables) != CODED_TABLES:
        found.append(f"{schema} has {len(tables)} coded tables; there are {CODED_TABLES}")
    for name, forced, owned, policies in tables:
        if not forced or owned or policies != 1:
            found.append(f"{schema}.{name}: row-level security is not forced, or is not the one policy that was made for {web}")
    reached = connection.execute(
        "select has_table_privilege(%s, c.oid, 'select, insert, update, delete, truncate') from pg_class c join pg_namespace n"
        " on n.oid = c.relnamespace where n.nspname = %s and c.relname = 'pass'",
        (web, f"{tenant}_wall"),
    ).fetchone()
    if reached is None or reached[0]:
        found.append(f"the tokens of {tenant} are within reach of {web}, or there are none")
    return found
