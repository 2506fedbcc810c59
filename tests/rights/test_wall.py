"""The second wall: SQL of the pages' own role gets no coded row without a token, and none but its token's with one."""

from __future__ import annotations

import uuid

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege

import projections.journal
from api.installation import Installation, Tenant
from domain.ledger import follow
from domain.ledger.faults import LedgerError
from domain.model.record import Screened
from projections import wall
from projections.journal.read import Search
from projections.journal.seen import EVERYTHING
from projections.wall import Wall
from tests.fixtures_ledger import ARCHIVIST, LedgerTenant, new_case
from tests.ledger.appending import write
from tests.rights.population import Population, populated
from tests.rights.test_lists import CODED, behind_the_wall, coded_units, differences
from tools.doctor import examine

WEB_TRIES = (
    "select * from {0}_wall.pass",
    "insert into {0}_wall.pass values (sha256('x'), now() + interval '1 day', true, '{{}}', '{{}}')",
    "update {0}_wall.pass set everything = true",
    "delete from {0}_wall.pass",
    "select * from {0}_wall.mine()",
    "alter table {0}_p_journal.entry_coded disable row level security",
    "alter table {0}_p_journal.entry_coded no force row level security",
    "drop policy shown on {0}_p_journal.entry_coded",
    "create policy mine on {0}_p_journal.entry_coded using (true)",
    "set role {0}_gate",
    "set role {0}_work",
    "create or replace function {0}_wall.everything() returns boolean language sql as 'select true'",
    "update {0}_p_journal.entry set class = gen_random_uuid()",
    "insert into {0}_p_journal.class values (gen_random_uuid(), default, '')",
)


@pytest.fixture
def town(tenant: Tenant) -> Population:
    made = populated(tenant.ledger, 24)
    assert tenant.wait(tenant.ledger.reader.head().position, 60)
    return made


def seen_with(tenant: Tenant, token: str | None, query: str) -> int:
    with tenant.read() as connection, connection.transaction():
        if token is not None:
            connection.execute("select set_config('dagbok.token', %s, true)", (token,))
        row = connection.execute(query).fetchone()
    assert row is not None
    return int(row[0])


def test_without_a_token_and_with_one_made_up_there_is_no_coded_row(tenant: Tenant, town: Population) -> None:
    schema = tenant.journal.schema
    word = next(words[0] for unit, words in town.canaries.items() if unit in coded_units(tenant, "entry"))
    for kind, table in CODED.items():
        query = f"select count(*) from {schema}.{table}"
        everything = tenant.wall.issue(True, "{}", "{}")
        assert seen_with(tenant, everything, query) == len(coded_units(tenant, kind)) > 0
        tenant.wall.take_back(everything)
        some = next(iter(coded_units(tenant, kind)))
        named = tenant.wall.issue(False, "{}", f"{{{some}}}")
        assert seen_with(tenant, named, query) == 1
        for token in (None, "", "x", everything, named[:-1], uuid.uuid4().hex, "' or true --"):
            assert seen_with(tenant, token, query) == 0
        tenant.wall.take_back(named)
    found = f"select count(*) from {schema}.coded_entries('{word}')"
    whole = tenant.wall.issue(True, "{}", "{}")
    assert (seen_with(tenant, whole, found), seen_with(tenant, None, found), seen_with(tenant, "x", found)) == (1, 0, 0)


def test_a_token_ends_with_its_transaction_and_its_time(
    tenant: Tenant, town: Population, monkeypatch: pytest.MonkeyPatch
) -> None:
    del town
    query = f"select count(*) from {tenant.journal.schema}.entry_coded"
    with tenant.read() as connection:
        with tenant.wall.passing(connection, True, "{}", "{}"):
            assert connection.execute(query).fetchone() > (0,)  # type: ignore[operator]
        assert connection.execute(query).fetchone() == (0,)
        monkeypatch.setattr(wall, "LIFE_S", 0)
        with tenant.wall.passing(connection, True, "{}", "{}"):
            assert connection.execute(query).fetchone() == (0,)


@pytest.mark.parametrize("attempt", WEB_TRIES)
def test_the_role_of_the_pages_cannot_move_the_wall(tenant: Tenant, attempt: str) -> None:
    assert tenant.wait(tenant.ledger.reader.head().position, 60)
    with tenant.read() as connection, pytest.raises(InsufficientPrivilege):
        connection.execute(attempt.format(tenant.name))


DAMAGE: list[tuple[str, str]] = [
    ("alter table {0}_p_journal.entry_coded disable row level security", "entry_coded"),
    ("alter table {0}_p_journal.entry_coded no force row level security", "entry_coded"),
    ("drop policy shown on {0}_p_journal.document_coded", "document_coded"),
    ("create policy more on {0}_p_journal.case_file_coded for select using (true)", "case_file_coded"),
    ("alter role {0}_web bypassrls", "_web"),
    ("grant select on {0}_wall.pass to {0}_web", "tokens"),
    ("alter table {0}_p_journal.case_file_coded rename to case_file_open", "coded tables"),
]


@pytest.mark.parametrize(("damage", "named"), DAMAGE)
def test_a_wall_with_a_gap_is_named(tenant: Tenant, ledger_tenant: LedgerTenant, damage: str, named: str) -> None:
    assert tenant.wait(tenant.ledger.reader.head().position, 60)
    with ledger_tenant.owner() as connection:
        assert wall.gaps(connection, tenant.name) == []
        try:
            connection.execute(damage.format(tenant.name))
            found = wall.gaps(connection, tenant.name)
            assert len(found) == 1
            assert named in found[0]
        finally:
            connection.execute(f"alter role {tenant.name}_web nobypassrls")  # a role is shared by the run's databases


@pytest.mark.parametrize(
    "damage",
    [
        "alter table {0}_p_journal.entry_coded disable row level security",
        "drop policy shown on {0}_p_journal.entry_coded",
        "create policy more on {0}_p_journal.entry_coded for select using (code = '13')",
    ],
)
def test_a_policy_that_differs_from_the_gate_is_found_by_comparing(
    tenant: Tenant, town: Population, ledger_tenant: LedgerTenant, damage: str
) -> None:
    assert differences(tenant, town, ["siv.moe", "ida.vik"])[2] == []
    with ledger_tenant.owner() as connection:
        connection.execute(damage.format(tenant.name))
    assert differences(tenant, town, ["siv.moe", "ida.vik"])[2] != []


def test_the_wall_stands_while_and_after_the_journal_is_rebuilt(
    tenant: Tenant, town: Population, installation: Installation
) -> None:
    before = {kind: behind_the_wall(tenant, town, "ida.vik", kind) for kind in CODED}
    assert any(before.values())
    for runner in tenant.runners:
        runner.stop()
    tenant.runners.clear()
    live = installation.follower(tenant.name, projections.journal)
    digests = follow.rebuild(installation.role_dsn(tenant.name, "work"), tenant.name, projections.journal, live, swap=True)
    live.close()
    assert len(set(digests)) == 1
    with psycopg.connect(installation.owner_dsn()) as connection:
        assert wall.gaps(connection, tenant.name) == []
    assert {kind: behind_the_wall(tenant, town, "ida.vik", kind) for kind in CODED} == before
    assert seen_with(tenant, None, f"select count(*) from {tenant.journal.schema}.entry_coded") == 0
    assert differences(tenant, town, ["ida.vik"])[2] == []


def test_a_class_that_was_written_over_shows_nobody_anything(
    tenant: Tenant, town: Population, installation: Installation, ledger_tenant: LedgerTenant
) -> None:
    table = f"{tenant.journal.schema}.class"
    with ledger_tenant.owner() as connection:
        open_ = connection.execute(f"select facets from {table} where facets like '%\"code\":null%' limit 1").fetchone()
        assert open_ is not None
        connection.execute(f'update {table} set facets = %s where facets like \'%%"code":"13"%%\'', open_)
        forged = {row[0] for row in connection.execute(f"select id from {table} where facets = %s", open_).fetchall()}
    assert len(forged) > 3
    installation.release(tenant.name)
    again = installation.open()
    with again.read() as connection:
        seen = again.sight.of(connection, town.house.actor("siv.moe"))
    assert seen.coded.read
    assert len(forged & seen.classes["entry"].listed) <= 1  # the one that it was copied from


def test_a_municipality_of_an_older_program_gets_its_wall_by_migrate_and_is_not_opened_before(
    ledger_tenant: LedgerTenant,
) -> None:
    name = ledger_tenant.tenant
    with ledger_tenant.owner() as connection:
        connection.execute(f"drop schema {name}_wall cascade")
        connection.execute("delete from public.dagbok_migration where name like '%wall%'")
    with Installation(ledger_tenant.settings()) as installation:
        with pytest.raises(LedgerError, match="older program"):
            installation.open()
        assert installation.migrate(name) == ["0004_tenant_wall.sql"]
        tenant = installation.open()
        case = new_case(tenant.ledger, "Hemmelig")
        write(tenant.ledger, (case, Screened("13")), expect={case: len(tenant.ledger.reader.stream(case))})
        assert tenant.wait(tenant.ledger.reader.head().position, 60)
        with tenant.read() as connection:
            seen = tenant.sight.of(connection, ARCHIVIST)
            assert [row["title"] for row in tenant.journal.cases(connection, Search("hemmelig"), seen).rows] == ["Hemmelig"]
            assert tenant.journal.cases(connection, Search("hemmelig"), EVERYTHING).rows == []


def test_what_a_process_left_behind_is_swept(
    tenant: Tenant, ledger_tenant: LedgerTenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Wall(ledger_tenant.dsn("gate"), tenant.name)
    monkeypatch.setattr(wall, "LIFE_S", 0)
    for _ in range(5):
        other.issue(True, "{}", "{}")
    other.close()
    with ledger_tenant.owner() as connection:
        row = connection.execute(f"select count(*) from {tenant.name}_wall.pass").fetchone()
    assert row == (1,)


def test_doctor_says_which_walls_stand(
    tenant: Tenant, town: Population, installation: Installation, ledger_tenant: LedgerTenant
) -> None:
    del town
    found = examine(installation)
    assert found[tenant.name]["walls"] == ["gate", "row-level security"]
    with ledger_tenant.owner() as connection:
        connection.execute(f"alter table {tenant.journal.schema}.entry_coded no force row level security")
    found = examine(installation)
    assert found[tenant.name]["walls"] == ["gate"]
    assert any("second wall has a gap" in one for one in found["unsafe"])
