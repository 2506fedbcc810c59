"""Two tenants in one database: no byte of one in the other. And within one: who may do what to which table."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
from psycopg import conninfo
from psycopg.errors import InsufficientPrivilege

import projections.journal
from domain.ledger import migrate, tenants
from domain.ledger.blobs import Folder
from domain.ledger.clock import SystemClock
from domain.ledger.faults import LedgerError
from domain.ledger.follow import Follower
from domain.ledger.keys import Keys
from domain.ledger.ledger import Ledger
from domain.ledger.reader import Reader
from domain.ledger.writer import Writer
from tests.fixtures_ledger import DOMAIN, LedgerTenant, new_case, new_entry, password
from tests.ledger.appending import check_chain, claiming, titled, write
from tests.ledger.following import catch_up

KINDS = [kind for kind in tenants.ROLE_KINDS if kind != "owner"]
PASSWORDS = {kind: password(kind) for kind in tenants.ROLE_KINDS}


class Pair:
    """Two tenants of one database, each with a life of its own, and its canary in every text."""

    def __init__(self, tenant: LedgerTenant, open_: ExitStack, folder: Path) -> None:
        self.tenant = tenant
        self.names = (tenant.tenant, f"{tenant.tenant}b")
        self.canaries = ("kanarifugl", "papegøye")
        with tenant.owner() as connection:
            tenants.create(connection, self.names[1], "nabo.kommune.no", PASSWORDS)
            connection.execute(f"grant create on database {tenant.database} to {self.names[1]}_work")
        self.ledgers = [self._open(name, open_, folder) for name in self.names]
        for name, ledger, canary in zip(self.names, self.ledgers, self.canaries, strict=True):
            case = new_case(ledger, f"Sak om {canary}")
            new_entry(ledger, case, f"Brev om {canary}")
            write(ledger, claiming(uuid.uuid4(), canary), src=f"fiks:{canary}", idem=canary)
            ledger.blobs.put(uuid.uuid4(), [canary.encode()])
            follower = open_.enter_context(_closing(Follower(self.dsn(name, "work"), name, projections.journal)))
            follower.prepare()
            catch_up(follower)

    def dsn(self, name: str, kind: str) -> str:
        return conninfo.make_conninfo(self.tenant.owner_dsn(), user=f"{name}_{kind}", password=password(kind))

    def _open(self, name: str, open_: ExitStack, folder: Path) -> Ledger:
        clock = SystemClock()
        writer, reader = Writer(self.dsn(name, "writer"), name, clock), Reader(self.dsn(name, "reader"), name, size=2)
        ledger = Ledger(name, writer, reader, clock, Keys(folder / "secrets"), Folder(folder / "blobs" / name))
        open_.callback(ledger.close)
        return ledger

    def tables(self, name: str) -> list[str]:
        with self.tenant.owner() as connection:
            rows = connection.execute(
                "select format('%%I.%%I', n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace"
                " where c.relkind in ('r', 'v') and (n.nspname = %s or n.nspname like %s)",
                (name, f"{name}\\_%"),
            ).fetchall()
        return sorted(row[0] for row in rows)

    def dump(self, name: str) -> bytes:
        found = b""
        with self.tenant.owner() as connection:
            for table in self.tables(name):
                with connection.cursor().copy(f"copy (select * from {table}) to stdout (format binary)") as copy:
                    found += b"".join(bytes(part) for part in copy)
        return found


class _closing:
    def __init__(self, follower: Follower) -> None:
        self.follower = follower

    def __enter__(self) -> Follower:
        return self.follower

    def __exit__(self, *_: object) -> None:
        self.follower.close()


@pytest.fixture
def pair(ledger_tenant: LedgerTenant, tmp_path: Path) -> Iterator[Pair]:
    with ExitStack() as open_:
        yield Pair(ledger_tenant, open_, tmp_path / "pair")


def test_no_word_of_one_tenant_stands_in_the_other(pair: Pair) -> None:
    dumps = [pair.dump(name) for name in pair.names]
    for at, canary in enumerate(pair.canaries):
        assert dumps[at].count(canary.encode()) > 10
        assert dumps[1 - at].count(canary.encode()) == 0
        assert list(pair.ledgers[at].blobs.folder.glob("??/*")) != []  # type: ignore[attr-defined]
    assert pair.ledgers[0].reader.claim("message", "fiks:papegøye") is None
    assert pair.ledgers[0].claim_digest("external", "x") != pair.ledgers[1].claim_digest("external", "x")
    with pair.tenant.owner() as connection:
        for name, domain in zip(pair.names, (DOMAIN, "nabo.kommune.no"), strict=True):
            check_chain(connection, name, f"{domain}/record/1")


@pytest.mark.parametrize("kind", KINDS)
def test_no_role_of_one_tenant_reaches_into_the_other(pair: Pair, kind: str) -> None:
    mine, other = pair.names
    theirs = pair.tables(other)
    assert len(theirs) > 20
    with psycopg.connect(pair.dsn(mine, kind), autocommit=True) as connection:
        for table in theirs:
            for attempt in ("select 1 from {}", "insert into {} default values", "delete from {}", "truncate {}"):
                with pytest.raises(InsufficientPrivilege):
                    connection.execute(attempt.format(table))
        for attempt in (
            f"select {other}.ledger_now()",
            f"create table {other}.x(y int)",
            f"set role {other}_{kind}",
            f"drop schema {other} cascade",
            f"alter role {other}_{kind} password 'x'",
            "select 1 from public.dagbok_migration",
        ):
            with pytest.raises(InsufficientPrivilege):
                connection.execute(attempt)


ALL_READERS = {"writer", "reader", "auditor", "signer", "work"}
# table -> privilege -> role kinds; a privilege on columns is written with them
WANTED: dict[str, dict[str, set[str]]] = {
    "event": {
        "SELECT": ALL_READERS,
        "INSERT": {"writer"},
        "SELECT(body,body_key,body_salt,position)": {"disposer", "rekey"},
        "UPDATE(body,body_key,body_salt)": {"disposer"},
        "UPDATE(body,body_key)": {"rekey"},
    },
    "ledger_head": {"SELECT": ALL_READERS, "UPDATE": {"writer"}},
    "ledger_checkpoint": {"SELECT": ALL_READERS, "INSERT": {"signer"}, "DELETE": {"signer"}},
    "ledger_cosignature": {"SELECT": ALL_READERS, "INSERT": {"signer"}, "DELETE": {"signer"}},
    "ledger_tile": {"SELECT": ALL_READERS, "INSERT": {"signer"}},
    "ledger_receipt": {
        "SELECT": ALL_READERS | {"web"},
        "INSERT(position)": {"web"},
        "UPDATE(size)": {"signer"},
    },
    "ledger_stop": {"SELECT": ALL_READERS, "INSERT": {"signer"}},
    "ledger_chain": {"SELECT": ALL_READERS | {"disposer", "rekey", "web"}},
    "ledger_chain_predecessor": {"SELECT": ALL_READERS},
    "ledger_claim": {"SELECT": ALL_READERS, "INSERT": {"writer"}, "UPDATE": {"writer"}, "DELETE": {"writer"}},
    "ledger_counter": {"SELECT": ALL_READERS, "INSERT": {"writer"}, "UPDATE": {"writer"}},
}
GRANTED = """
select c.relname, a.privilege_type, r.rolname, null from pg_class c, aclexplode(c.relacl) a join pg_roles r on r.oid = a.grantee
where c.relnamespace = %(schema)s::regnamespace and c.relkind = 'r' and a.grantee <> c.relowner
union all
select c.relname, a.privilege_type, coalesce(r.rolname, 'public'), string_agg(t.attname, ',' order by t.attname)
from pg_class c join pg_attribute t on t.attrelid = c.oid, aclexplode(t.attacl) a left join pg_roles r on r.oid = a.grantee
where c.relnamespace = %(schema)s::regnamespace group by 1, 2, 3
"""


def granted(connection: psycopg.Connection, schema: str) -> dict[str, dict[str, set[str]]]:
    """What roles may do to the tables of a schema, as the server has it."""
    found: dict[str, dict[str, set[str]]] = {}
    for table, privilege, role, columns in connection.execute(GRANTED, {"schema": schema}):
        key = privilege if columns is None else f"{privilege}({columns})"
        found.setdefault(table, {}).setdefault(key, set()).add(role.removeprefix(f"{schema}_"))
    return found


def test_each_role_may_do_to_each_table_what_is_written_here(ledger_tenant: LedgerTenant) -> None:
    name = ledger_tenant.tenant
    with ledger_tenant.owner() as connection:
        assert granted(connection, name) == WANTED
        connection.execute(f"grant delete on {name}.event to {name}_web")
        assert granted(connection, name) != WANTED


@pytest.mark.parametrize("kind", KINDS)
def test_nobody_changes_or_deletes_facts(ledger_tenant: LedgerTenant, kind: str) -> None:
    event = f"{ledger_tenant.tenant}.event"
    with psycopg.connect(ledger_tenant.dsn(kind), autocommit=True) as connection:
        for attempt in (f"update {event} set meta = ''", f"delete from {event}", f"truncate {event}", f"drop table {event}"):
            with pytest.raises(InsufficientPrivilege):
                connection.execute(attempt)


def test_not_even_the_owner_while_the_triggers_stand(ledger_tenant: LedgerTenant) -> None:
    name = ledger_tenant.tenant
    columns = ["position", "originator_id", "originator_version", "topic", "recorded_at_us", "meta_salt", "meta"]
    columns += ["meta_commit", "body_commit", "leaf_hash", "chain_hash"]
    with ledger_tenant.owner() as connection:
        for column in columns:
            kind = connection.execute(
                "select data_type from information_schema.columns where column_name = %s", (column,)
            ).fetchone()
            assert kind is not None
            value = {"bytea": "'\\x00'", "bigint": "99", "text": "'x'", "uuid": "gen_random_uuid()"}[kind[0]]
            with pytest.raises(InsufficientPrivilege):
                connection.execute(f"update {name}.event set {column} = {value}")
        for attempt in (
            f"delete from {name}.event",
            f"truncate {name}.event",
            f"update {name}.event set body_salt = '\\x00'",
            f"update {name}.event set body = null",
        ):
            with pytest.raises(InsufficientPrivilege):
                connection.execute(attempt)


def test_the_disposer_destroys_whole_bodies_and_replaces_none(ledger_tenant: LedgerTenant) -> None:
    ledger, event = ledger_tenant.ledger, f"{ledger_tenant.tenant}.event"
    position = write(ledger, titled(stream := uuid.uuid4())).receipt.position
    where = f"where position = {position}"
    refused = ["body = null", "body_salt = null", "body = 'x'", "body_key = 'k'", "body = 'x', body_salt = 'y'", "body = body"]
    with psycopg.connect(ledger_tenant.dsn("disposer"), autocommit=True) as connection:
        for change in refused:
            with pytest.raises(InsufficientPrivilege):
                connection.execute(f"update {event} set {change} {where}")
        with pytest.raises(InsufficientPrivilege):
            connection.execute(f"select meta from {event}")
        assert connection.execute(f"update {event} set body = null, body_salt = null, body_key = null {where}").rowcount == 1
        with pytest.raises(InsufficientPrivilege):
            connection.execute(f"update {event} set body = 'back', body_salt = 'again' {where}")
    assert ledger.reader.stream(stream)[0].fact.body is None


def test_a_body_is_put_under_another_key_with_its_salt_unchanged(ledger_tenant: LedgerTenant) -> None:
    event = f"{ledger_tenant.tenant}.event"
    where = f"where position = {write(ledger_tenant.ledger, titled(uuid.uuid4())).receipt.position}"
    with psycopg.connect(ledger_tenant.dsn("rekey"), autocommit=True) as connection:
        connection.execute(f"update {event} set body = 'wrapped', body_key = 'k1' {where}")
        for change in ("body_salt = 'x'", "body = null", "meta = ''"):
            with pytest.raises(InsufficientPrivilege):
                connection.execute(f"update {event} set {change} {where}")


def test_the_web_role_sees_projections_only(pair: Pair) -> None:
    name = pair.names[0]
    with psycopg.connect(pair.dsn(name, "web"), autocommit=True) as connection:
        assert connection.execute(f"select count(*) from {name}_p_journal.entries").fetchone() == (1,)
        for attempt in (
            f"select 1 from {name}.event",
            f"select 1 from {name}.ledger_claim",
            f"delete from {name}_p_journal.entry",
            f"update {name}_p_journal.case_file set title = 'x'",
            f"select {name}.ledger_append()",
        ):
            with pytest.raises((InsufficientPrivilege, psycopg.errors.UndefinedFunction)):
                connection.execute(attempt)


@pytest.mark.parametrize("name", ["", "Aure", "aure-x", "1aure", "a" * 32, "pg_aure", "aure_p_journal", "aure_record_2", "å"])
def test_a_tenant_has_a_plain_name(ledger_tenant: LedgerTenant, name: str) -> None:
    with ledger_tenant.owner() as connection, pytest.raises(LedgerError):
        tenants.create(connection, name, DOMAIN, PASSWORDS)


def test_a_tenant_is_made_once_and_a_second_try_changes_no_password(ledger_tenant: LedgerTenant) -> None:
    with ledger_tenant.owner() as connection:
        for domain in (DOMAIN, "", "AURE.NO", "-x", "x y"):
            with pytest.raises(LedgerError):
                tenants.create(connection, ledger_tenant.tenant, domain, dict.fromkeys(PASSWORDS, "other"))
    psycopg.connect(ledger_tenant.dsn("reader")).close()


def test_a_merged_tenants_chain_names_its_predecessors(ledger_tenant: LedgerTenant) -> None:
    name = ledger_tenant.tenant
    before = [(f"{DOMAIN}/record/1", "note one"), ("nabo.kommune.no/record/4", "note two")]
    with ledger_tenant.owner() as connection:
        with connection.transaction():
            tenants.close_chain(connection, name, tenants.chains(connection, name)[0], "merger")
            opened = tenants.open_chain(connection, name, "storfjord.kommune.no", 2, before, "vkey")
        kept = connection.execute(f"select predecessor, checkpoint from {name}.ledger_chain_predecessor order by 1").fetchall()
    assert sorted(kept) == sorted(before)
    ledger = ledger_tenant.ledger
    first = next(iter(ledger.reader.log())).fact
    assert (first.chain_id, first.number, list(first.predecessors)) == ("storfjord.kommune.no/record/2", 2, before)
    appended = write(ledger, titled(uuid.uuid4()))
    assert appended.receipt.chain_id == opened.chain_id
    with ledger_tenant.owner() as connection:
        check_chain(connection, name, before[0][0])
        check_chain(connection, opened.schema, opened.chain_id)


def test_migrations_go_forward_only(ledger_tenant: LedgerTenant) -> None:
    name = ledger_tenant.tenant
    with ledger_tenant.owner() as connection:
        assert migrate.apply(connection, name, name, "tenant") == []
        connection.execute("update public.dagbok_migration set digest = 'other' where name = '0001_tenant.sql'")
        with pytest.raises(LedgerError):
            migrate.apply(connection, name, name, "tenant")
        connection.execute(
            "update public.dagbok_migration set digest = %s, name = '0009_tenant.sql' where name = '0001_tenant.sql'", ("x",)
        )
        with pytest.raises(LedgerError):
            migrate.apply(connection, name, name, "tenant")
