"""Tenants: a municipality is a schema, its roles, and its chains."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import psycopg
from psycopg import sql

from domain import catalogue, chain
from domain.catalogue import Envelope
from domain.ledger import migrate
from domain.ledger.clock import SystemClock
from domain.ledger.faults import LedgerError, Stopped
from domain.ledger.identity import new_id
from domain.ledger.submission import Row, encode_row
from domain.model.chain_log import ChainClosed, ChainOpened, FactTypeIntroduced, TailDecided

ROLE_KINDS = ("owner", "writer", "reader", "disposer", "rekey", "auditor", "signer", "web", "public", "work", "login", "gate")
# the names of a tenant's further schemas begin with its own: no other tenant may be called so
_TENANT = re.compile(r"(?!pg_)(?!.*_(p|record|access|rebuild)_)(?!.*_(login|wall)$)[a-z][a-z0-9_]{0,30}")
_DOMAIN = re.compile(r"[a-z0-9]([a-z0-9.-]{0,100}[a-z0-9])?")
_CHAIN_LOCK_KEY = 0x64616763  # "dagc"


@dataclass(frozen=True, slots=True)
class Chain:
    """One chain of a tenant. number: n of record/<n>, the year of access/<year>."""

    number: int
    chain_id: str
    schema: str


def tenant_of(schema: str) -> str:
    """The tenant that a chain's schema belongs to: its name holds none of these words."""
    return schema.partition("_record_")[0].partition("_access_")[0]


def create_roles(connection: psycopg.Connection, tenant: str, passwords: Mapping[str, str]) -> None:
    """One login role per process kind, made or given its password anew."""
    for kind in ROLE_KINDS:
        role = f"{tenant}_{kind}"
        exists = connection.execute("select 1 from pg_roles where rolname = %s", (role,)).fetchone()
        verb = sql.SQL("alter role" if exists else "create role")
        connection.execute(
            sql.SQL("{} {} with login nosuperuser nocreatedb nocreaterole nobypassrls password {}").format(
                verb, sql.Identifier(role), sql.Literal(passwords[kind])
            )
        )


def ensure_role(connection: psycopg.Connection, tenant: str, kind: str, password: str) -> None:
    """Make the login role of a process kind that came after the tenant; nothing where it is there."""
    role = f"{tenant}_{kind}"
    if connection.execute("select 1 from pg_roles where rolname = %s", (role,)).fetchone() is None:
        made = sql.SQL("create role {} with login nosuperuser nocreatedb nocreaterole nobypassrls password {}")
        connection.execute(made.format(sql.Identifier(role), sql.Literal(password)))


def create(
    connection: psycopg.Connection,
    tenant: str,
    domain: str,
    passwords: Mapping[str, str],
    vkey_for: Mapping[str, str] | None = None,
    *,
    now: datetime | None = None,
) -> Chain:
    """Make a tenant with its first record chain. The connection is the owner's (a superuser or a role that may create roles).

    vkey_for: chain_id -> note verifier key of the signer; now: the first fact's time, default the machine's. Raises LedgerError
    where the name is bad or taken.
    """
    prepare(connection, tenant, domain, passwords)
    with connection.transaction():
        make_schema(connection, tenant)
        return open_chain(connection, tenant, domain, 1, (), (vkey_for or {}).get(f"{domain}/record/1", ""), now=now)


def prepare(connection: psycopg.Connection, tenant: str, domain: str, passwords: Mapping[str, str]) -> None:
    """Check the names of a tenant to be, and make its roles. Raises LedgerError where the name is bad or taken."""
    if not _TENANT.fullmatch(tenant) or not _DOMAIN.fullmatch(domain):
        raise LedgerError(
            f"not a tenant name or domain: {tenant!r}, {domain!r}", hint="Use a-z, 0-9 and _; a domain such as aure.kommune.no."
        )
    if connection.execute("select 1 from pg_namespace where nspname = %s", (tenant,)).fetchone():
        raise LedgerError(f"tenant {tenant} exists")
    create_roles(connection, tenant, passwords)


def make_schema(connection: psycopg.Connection, tenant: str) -> None:
    """What spans a tenant's chains; its first chain is made next, in the same transaction."""
    migrate.apply(connection, tenant, tenant, "tenant")
    row = connection.execute("select current_database()").fetchone()
    assert row is not None
    connection.execute(
        sql.SQL("grant create on database {} to {}").format(sql.Identifier(row[0]), sql.Identifier(f"{tenant}_work"))
    )


def open_chain(
    connection: psycopg.Connection,
    tenant: str,
    domain: str,
    number: int,
    predecessors: Sequence[tuple[str, str]],
    vkey: str,
    *,
    now: datetime | None = None,
) -> Chain:
    """Open record chain `number`; predecessors: (chain_id, last checkpoint note). Its first facts stand when this returns."""
    chain_id = f"{domain}/record/{number}"
    schema = tenant if number == 1 else f"{tenant}_record_{number}"
    with connection.transaction():
        connection.execute("select pg_advisory_xact_lock(%s)", (_CHAIN_LOCK_KEY,))
        migrate_chain(connection, tenant, schema)
        connection.execute(
            sql.SQL("insert into {} values (%s, %s, %s)").format(sql.Identifier(tenant, "ledger_chain")),
            (number, chain_id, schema),
        )
        for predecessor, checkpoint in predecessors:
            connection.execute(
                sql.SQL("insert into {} values (%s, %s, %s)").format(sql.Identifier(tenant, "ledger_chain_predecessor")),
                (chain_id, predecessor, checkpoint),
            )
        opened = ChainOpened(chain_id, "record", number, vkey, tuple(predecessors))
        _first_facts(connection, schema, chain_id, opened, now or SystemClock().now())
    return Chain(number, chain_id, schema)


def migrate_chain(connection: psycopg.Connection, tenant: str, schema: str) -> list[str]:
    """Apply what is missing of a chain's tables; its append function spans the record chains up to it."""
    # an access log may be dropped whole, and holds no unit of the record
    schemas = [one.schema for one in chains(connection, tenant) if "/record/" in one.chain_id]
    known = schemas[: schemas.index(schema) + 1] if schema in schemas else [*schemas, schema]
    if schema.startswith(f"{tenant}_access_"):
        known = [schema]
    events = " union all ".join(f"select originator_id, originator_version from {name}.event" for name in known)  # noqa: S608
    return migrate.apply(connection, tenant, schema, "chain", events=f"({events})")


def open_access_log(
    connection: psycopg.Connection, tenant: str, domain: str, year: int, vkey: str, *, now: datetime | None = None
) -> Chain:
    """Open the access-log chain of a local year and close the one before; where that year's or a later one is open, do nothing.

    Returns the chain that is open then. It names no predecessor, so that each year may be destroyed whole. Raises Stopped where
    the one before is stopped: two people decide first how it goes on (CONTRACT §3). connection: the owner's.
    """
    chain_id, schema = f"{domain}/access/{year}", f"{tenant}_access_{year}"
    moment = now or SystemClock().now()
    with connection.transaction():
        connection.execute("select pg_advisory_xact_lock(%s)", (_CHAIN_LOCK_KEY,))
        before = [one for one in chains(connection, tenant) if "/access/" in one.chain_id][-1:]
        if before and before[0].number >= year:
            return before[0]
        for one in before:
            stop = connection.execute(
                sql.SQL("select min(reason) from {}").format(sql.Identifier(one.schema, "ledger_stop"))
            ).fetchone()
            if stop is not None and stop[0] is not None:
                raise Stopped(f"{one.chain_id} is read-only: {stop[0]}")
            _append(connection, one.schema, one.chain_id, [ChainClosed(f"{chain_id} is open")], moment)
        migrate_chain(connection, tenant, schema)
        connection.execute(
            sql.SQL("insert into {} values (%s, %s, %s)").format(sql.Identifier(tenant, "ledger_chain")), (year, chain_id, schema)
        )
        _first_facts(connection, schema, chain_id, ChainOpened(chain_id, "access", year, vkey), moment)
    return Chain(year, chain_id, schema)


def close_chain(connection: psycopg.Connection, tenant: str, chain: Chain, reason: str, *, now: datetime | None = None) -> None:
    """Write `chain-closed` as the chain's last fact; a writer that finds it moves over to the next chain, once that is opened.

    Raises LedgerError where the tenant has no such chain.
    """
    if chain not in chains(connection, tenant):
        raise LedgerError(f"tenant {tenant} has no chain {chain.chain_id}")
    with connection.transaction():
        _append(connection, chain.schema, chain.chain_id, [ChainClosed(reason)], now or SystemClock().now())


def note_decision(connection: psycopg.Connection, chain: Chain, decision: TailDecided, *, now: datetime | None = None) -> None:
    """Write what two people decided as the next fact of an open chain, in the caller's transaction; the first of them acts."""
    _append(connection, chain.schema, chain.chain_id, [decision], now or SystemClock().now(), decision.people[0])


def _first_facts(connection: psycopg.Connection, schema: str, chain_id: str, opened: ChainOpened, now: datetime) -> None:
    connection.execute(
        sql.SQL("insert into {} values (1, 0, %s, %s, 0)").format(sql.Identifier(schema, "ledger_head")),
        (chain.genesis(chain_id), chain.Frontier.empty().encode()),
    )
    _append(connection, schema, chain_id, [opened], now)


def _append(
    connection: psycopg.Connection, schema: str, chain_id: str, facts: Sequence[object], now: datetime, actor: str = "dagbok"
) -> None:
    """Append facts of the chain about itself, under the head lock."""
    head = connection.execute(
        sql.SQL("select position, chain_hash, frontier, recorded_at_us from {} for update").format(
            sql.Identifier(schema, "ledger_head")
        )
    ).fetchone()
    assert head is not None
    position = int(head[0])
    first = connection.execute(
        sql.SQL(
            "select f.originator_id, max(e.originator_version) from {0} f join {0} e on e.originator_id = f.originator_id"
            " where f.position = 1 group by 1"
        ).format(sql.Identifier(schema, "event"))
    ).fetchone()
    stream, version = (first[0], int(first[1])) if first else (new_id(), 0)
    recorded_at_us = max(int(now.timestamp() * 1_000_000), int(head[3])) if position else int(now.timestamp() * 1_000_000)
    rows: list[Row] = []
    for fact in _introduced(connection, schema, facts):
        version += 1
        envelope = Envelope(cmd=str(new_id()), n=1, m=1, actor=actor, at=catalogue.instant(now))
        rows.append(encode_row(stream, version, fact, envelope))
    at = _Place(position, bytes(head[1]), chain.Frontier.decode(bytes(head[2])), recorded_at_us)
    for row in rows:
        at = _insert(connection, schema, chain_id, row, at)
    connection.execute(
        sql.SQL("update {} set position = %s, chain_hash = %s, frontier = %s, recorded_at_us = %s").format(
            sql.Identifier(schema, "ledger_head")
        ),
        (at.position, at.chain_hash, at.frontier.encode(), recorded_at_us),
    )


class _Place(NamedTuple):
    """Where a chain ends."""

    position: int
    chain_hash: bytes
    frontier: chain.Frontier
    recorded_at_us: int


def _insert(connection: psycopg.Connection, schema: str, chain_id: str, row: Row, at: _Place) -> _Place:
    """Insert one fact after `at`."""
    fixed = (at.position + 1, at.recorded_at_us, row.originator_id.bytes, row.version, row.topic)
    leaf = chain.leaf_hash(chain.encode_entry(chain.Entry(chain_id, *fixed, row.meta_commit, row.body_commit)))
    after = _Place(at.position + 1, chain.chain_hash(at.chain_hash, leaf), at.frontier.append(leaf), at.recorded_at_us)
    columns = (row.meta_salt, row.meta, row.meta_commit, row.body_salt, row.body, row.body_commit, leaf, after.chain_hash)
    connection.execute(
        sql.SQL("insert into {} values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, null, %s, %s, %s)").format(
            sql.Identifier(schema, "event")
        ),
        (after.position, row.originator_id, row.version, row.topic, at.recorded_at_us, *columns),
    )
    return after


def _introduced(connection: psycopg.Connection, schema: str, facts: Sequence[object]) -> list[object]:
    """The facts, each topic of them introduced first where the format does not define it."""
    written: list[object] = []
    for fact in facts:
        topic = catalogue.TOPICS[type(fact)]
        if topic not in catalogue.FORMAT_TOPICS:
            known = connection.execute(
                sql.SQL(
                    "select 1 from {} where topic = 'ledger.fact-type-introduced.v1' and convert_from(meta, 'UTF8') like %s"
                ).format(sql.Identifier(schema, "event")),
                (f'%"topic":"{topic}"%',),
            ).fetchone()
            if known is None:
                written.append(FactTypeIntroduced(topic, *catalogue.schema(topic)))
        written.append(fact)
    return written


def chains(connection: psycopg.Connection, tenant: str) -> list[Chain]:
    """The tenant's chains, oldest first."""
    rows = connection.execute(
        sql.SQL("select chain_no, chain_id, schema from {} order by chain_no").format(sql.Identifier(tenant, "ledger_chain"))
    ).fetchall()
    return [Chain(int(row[0]), str(row[1]), str(row[2])) for row in rows]
