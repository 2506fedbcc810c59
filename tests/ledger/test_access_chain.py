"""The access-log chains of a tenant: opened and closed by the year, written beside the record chain, verified as it is."""

from __future__ import annotations

import json
import threading
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from domain.handlers import access_log
from domain.ledger import selfcheck, signer, tenants
from domain.ledger.access_chain import AccessLogAway
from domain.ledger.chainreport import ChainReport
from domain.ledger.clock import SetClock
from domain.ledger.export import export
from domain.ledger.faults import Stopped
from domain.ledger.ledger import Ledger
from domain.ledger.signer import Signer, State
from domain.ledger.submission import Appended
from domain.model.access_log import PAGE, AccessRead
from tests.fixtures_ledger import DOMAIN, LedgerTenant, new_case
from tests.ledger.appending import wait_until
from tests.ledger.test_signer import tamper
from tools.verify import verify_export

SUMMER = datetime(2026, 6, 1, 10, tzinfo=UTC)
LAST_SECOND = datetime(2026, 12, 31, 22, 59, 59, tzinfo=UTC)  # in Oslo a second before the new year
NEW_YEAR = datetime(2026, 12, 31, 23, 0, 0, tzinfo=UTC)


def shown() -> AccessRead:
    return AccessRead(uuid.uuid4(), "entry", "13", PAGE, ())


def chains(one: LedgerTenant) -> list[tenants.Chain]:
    with one.owner() as connection:
        return tenants.chains(connection, one.tenant)


def topics(one: LedgerTenant, year: int) -> list[str]:
    with one.owner() as connection:
        found = connection.execute(f"select topic from {one.tenant}_access_{year}.event order by position").fetchall()
    return [str(row[0]) for row in found]


def verified(one: LedgerTenant) -> dict[str, ChainReport]:
    with psycopg.connect(one.dsn("auditor"), autocommit=True) as connection:
        return {report.chain_id: report for report in selfcheck.check(connection, one.tenant)}


def sign(one: LedgerTenant, year: int) -> str:
    """The chain's verifier key, and a checkpoint of what is there."""
    signing = Signer(one.dsn("signer"), one.signer_dir, f"{DOMAIN}/access/{year}", f"{one.tenant}_access_{year}")
    signing.tick()
    signing.close()
    return signing.vkey


def test_a_tenant_gets_its_chain_with_the_first_fact(ledger_tenant: LedgerTenant) -> None:
    ledger = ledger_tenant.open_ledger(SetClock(SUMMER))
    assert [one.chain_id for one in chains(ledger_tenant)] == [f"{DOMAIN}/record/1"]
    assert access_log.note(ledger, shown(), actor="tor.lie") == f"{DOMAIN}/access/2026#3"
    assert access_log.note(ledger, shown(), actor="tor.lie") == f"{DOMAIN}/access/2026#4"
    assert chains(ledger_tenant)[-1] == tenants.Chain(2026, f"{DOMAIN}/access/2026", f"{ledger_tenant.tenant}_access_2026")
    assert topics(ledger_tenant, 2026) == ["ledger.chain-opened.v1", "ledger.fact-type-introduced.v1", *["access.read.v1"] * 2]
    with ledger_tenant.owner() as connection:
        row = connection.execute(f"select meta from {ledger_tenant.tenant}_access_2026.event where position = 4").fetchone()
    assert row is not None
    envelope = json.loads(bytes(row[0]))["e"]
    assert (envelope["actor"], envelope["date"], envelope["n"], envelope["m"]) == ("tor.lie", "2026-06-01", 1, 1)
    assert ledger.reader.head().position == 1, "the record chain is not written"


def test_the_year_that_begins_closes_the_one_before(ledger_tenant: LedgerTenant) -> None:
    clock = SetClock(LAST_SECOND, running=False)
    ledger = ledger_tenant.open_ledger(clock)
    assert access_log.note(ledger, shown(), actor="tor.lie") == f"{DOMAIN}/access/2026#3"
    clock.move_to(NEW_YEAR)
    assert access_log.note(ledger, shown(), actor="tor.lie") == f"{DOMAIN}/access/2027#3"
    assert access_log.note(ledger, shown(), actor="tor.lie") == f"{DOMAIN}/access/2027#4"
    assert topics(ledger_tenant, 2026)[-1] == "ledger.chain-closed.v1"
    assert topics(ledger_tenant, 2027)[0] == "ledger.chain-opened.v1"
    reports = verified(ledger_tenant)
    assert [(name, one.ok, one.events) for name, one in reports.items()] == [
        (f"{DOMAIN}/record/1", True, 1),
        (f"{DOMAIN}/access/2026", True, 5),
        (f"{DOMAIN}/access/2027", True, 4),
    ]


def test_another_process_writes_on_where_the_year_has_ended(ledger_tenant: LedgerTenant) -> None:
    early, late = SetClock(LAST_SECOND, running=False), SetClock(NEW_YEAR, running=False)
    slow, quick = ledger_tenant.open_ledger(early), ledger_tenant.open_ledger(late)
    access_log.note(slow, shown(), actor="tor.lie")
    access_log.note(quick, shown(), actor="tor.lie")
    early.move_to(datetime(2026, 12, 31, 22, 59, 59, 900_000, tzinfo=UTC))
    assert access_log.note(slow, shown(), actor="tor.lie") == f"{DOMAIN}/access/2027#4"
    assert all(report.ok for report in verified(ledger_tenant).values())


def test_a_stopped_year_is_not_left_behind_by_the_next(ledger_tenant: LedgerTenant) -> None:
    clock = SetClock(LAST_SECOND, running=False)
    ledger = ledger_tenant.open_ledger(clock)
    access_log.note(ledger, shown(), actor="tor.lie")
    with ledger_tenant.owner() as connection:
        connection.execute(f"insert into {ledger_tenant.tenant}_access_2026.ledger_stop values ('restored')")
    clock.move_to(NEW_YEAR)
    with pytest.raises(AccessLogAway) as refused:
        access_log.note(ledger, shown(), actor="tor.lie")
    assert isinstance(refused.value.__cause__, Stopped)
    assert len(chains(ledger_tenant)) == 2
    with ledger_tenant.owner() as connection:
        connection.execute(f"delete from {ledger_tenant.tenant}_access_2026.ledger_stop")
    assert access_log.note(ledger, shown(), actor="tor.lie") == f"{DOMAIN}/access/2027#3"


@pytest.mark.parametrize("many", [60, pytest.param(1_500, marks=pytest.mark.deep)])
def test_two_processes_at_once_lose_nothing(ledger_tenant: LedgerTenant, many: int) -> None:
    ledgers = [ledger_tenant.open_ledger() for _ in range(2)]
    given: list[tuple[uuid.UUID, str]] = []
    start = threading.Barrier(8)

    def write(ledger: Ledger) -> None:
        start.wait()
        for _ in range(many // 8 + 1):
            fact = shown()
            given.append((fact.record, access_log.note(ledger, fact, actor="tor.lie")))

    threads = [threading.Thread(target=write, args=(ledgers[n % 2],)) for n in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    (chain,) = chains(ledger_tenant)[1:]
    with ledger_tenant.owner() as connection:
        query = f"select convert_from(meta, 'UTF8')::jsonb->'f'->>'record', position from {chain.schema}.event where topic = %s"
        stored = connection.execute(query, ("access.read.v1",)).fetchall()
    assert {(uuid.UUID(record), f"{chain.chain_id}#{position}") for record, position in stored} == set(given)
    assert len(given) == len(set(given)) == 8 * (many // 8 + 1)
    assert verified(ledger_tenant)[chain.chain_id].ok


def waiting(one: LedgerTenant) -> bool:
    """Whether a writer stands before a lock."""
    with one.owner() as connection:
        row = connection.execute(
            "select count(*) from pg_stat_activity where usename = %s and datname = current_database()"
            " and wait_event_type = 'Lock'",
            (f"{one.tenant}_writer",),
        ).fetchone()
    return row == (1,)


def test_readings_at_the_same_time_share_a_commit(ledger_tenant: LedgerTenant) -> None:
    ledger = ledger_tenant.open_ledger()
    access_log.note(ledger, shown(), actor="tor.lie")
    access, schema = access_log.chain_of(ledger), chains(ledger_tenant)[-1].schema
    given: list[str] = []
    threads = [
        threading.Thread(target=lambda: given.append(access_log.note(ledger, shown(), actor="tor.lie"))) for _ in range(20)
    ]
    with ledger_tenant.owner() as connection, connection.transaction():
        connection.execute(f"select 1 from {schema}.ledger_head for update")  # the commit before takes its time
        threads[0].start()
        wait_until(lambda: waiting(ledger_tenant))
        for one in threads[1:]:
            one.start()
        wait_until(lambda: access.queued == 19)
    for one in threads:
        one.join()
    with ledger_tenant.owner() as connection:
        row = connection.execute(f"select count(*), count(distinct xmin::text) from {schema}.event where position > 3").fetchone()
    assert row == (20, 2)
    assert len(set(given)) == 20


def test_verify_finds_a_changed_byte(ledger_tenant: LedgerTenant) -> None:
    ledger = ledger_tenant.open_ledger(SetClock(SUMMER))
    for _ in range(3):
        access_log.note(ledger, shown(), actor="tor.lie")
    sign(ledger_tenant, 2026)
    report = verified(ledger_tenant)[f"{DOMAIN}/access/2026"]
    assert (report.ok, report.events, report.checkpoint and report.checkpoint["size"]) == (True, 5, 5)
    tamper(
        ledger_tenant,
        f"update {ledger_tenant.tenant}_access_2026.event set meta = convert_to(replace(convert_from(meta, 'UTF8'),"
        " '\"tor.lie\"', '\"nobody!\"'), 'UTF8') where position = 4",
    )
    reports = verified(ledger_tenant)
    report = reports[f"{DOMAIN}/access/2026"]
    assert not report.ok
    assert report.faults[0].position == 4
    assert reports[f"{DOMAIN}/record/1"].ok


def test_the_signer_finds_a_chain_that_was_opened_while_it_runs(ledger_tenant: LedgerTenant) -> None:
    stop, signers = threading.Event(), dict[str, Signer]()
    arguments = (ledger_tenant.dsn("signer"), ledger_tenant.tenant, ledger_tenant.signer_dir, stop, signers)
    thread = threading.Thread(target=signer.run, args=arguments)
    thread.start()
    try:
        ledger = ledger_tenant.open_ledger(SetClock(SUMMER))
        access_log.note(ledger, shown(), actor="tor.lie")
        chain_id = f"{DOMAIN}/access/2026"
        wait_until(lambda: chain_id in signers and signers[chain_id].state is State.SIGNING)
        wait_until(lambda: (verified(ledger_tenant)[chain_id].checkpoint or {}).get("size") == 3)
    finally:
        stop.set()
        thread.join()


def test_its_export_stands_alone(ledger_tenant: LedgerTenant, tmp_path: Path) -> None:
    ledger = ledger_tenant.open_ledger(SetClock(SUMMER))
    new_case(ledger_tenant.open_ledger())
    access_log.note(ledger, shown(), actor="tor.lie")
    vkey = sign(ledger_tenant, 2026)
    with psycopg.connect(ledger_tenant.dsn("auditor"), autocommit=True) as connection:
        made = export(connection, ledger_tenant.tenant, tmp_path / "log", ledger.blobs, f"{DOMAIN}/access/2026")
    assert (made.chain_id, made.size) == (f"{DOMAIN}/access/2026", 3)
    report = verify_export(tmp_path / "log", vkeys=[vkey])
    assert report.ok, report
    entries = tmp_path / "log" / "tile" / "entries" / "000.p" / "3"
    data = bytearray(entries.read_bytes())
    data[-1] ^= 1
    entries.write_bytes(data)
    assert not verify_export(tmp_path / "log", vkeys=[vkey]).ok


def test_the_record_chain_goes_on_without_it_and_it_without_the_record_chain(ledger_tenant: LedgerTenant) -> None:
    ledger = ledger_tenant.open_ledger()
    access_log.note(ledger, shown(), actor="tor.lie")
    year = f"{ledger_tenant.tenant}_access_{ledger.clock.now().year}"
    with ledger_tenant.owner() as connection:
        connection.execute(f"insert into {year}.ledger_stop values ('looked at')")
    with pytest.raises(AccessLogAway):
        access_log.note(ledger, shown(), actor="tor.lie")
    new_case(ledger)
    with ledger_tenant.owner() as connection:
        connection.execute(f"delete from {year}.ledger_stop")
        connection.execute(f"insert into {ledger_tenant.tenant}.ledger_stop values ('looked at')")
    with pytest.raises(Stopped):
        new_case(ledger)
    other = ledger_tenant.open_ledger()
    assert access_log.note(other, shown(), actor="tor.lie").endswith("#4")


def test_facts_of_one_act_stand_side_by_side(ledger_tenant: LedgerTenant) -> None:
    ledger = ledger_tenant.open_ledger(SetClock(SUMMER))
    done: Appended = access_log.append(ledger, [shown() for _ in range(5)], access_log.Actor("tor.lie"), ["7", "x/record/1#9"])
    assert (done.first_position, done.receipt.position) == (3, 7)
    with ledger_tenant.owner() as connection:
        rows: list[Any] = connection.execute(
            f"select convert_from(meta, 'UTF8')::jsonb->'e' from {ledger_tenant.tenant}_access_2026.event where position > 2"
        ).fetchall()
    assert {(row[0]["m"], tuple(row[0]["rests_on"])) for row in rows} == {(5, (f"{DOMAIN}/record/1#7", "x/record/1#9"))}


def test_a_year_can_be_dropped_whole_and_the_rest_verifies(ledger_tenant: LedgerTenant) -> None:
    clock = SetClock(LAST_SECOND, running=False)
    ledger = ledger_tenant.open_ledger(clock)
    access_log.note(ledger, shown(), actor="tor.lie")
    clock.move_to(NEW_YEAR)
    access_log.note(ledger, shown(), actor="tor.lie")
    with ledger_tenant.owner() as connection, connection.transaction():
        connection.execute(f"drop schema {ledger_tenant.tenant}_access_2026 cascade")
        connection.execute(f"delete from {ledger_tenant.tenant}.ledger_chain where chain_no = 2026")
    assert [(name, report.ok) for name, report in verified(ledger_tenant).items()] == [
        (f"{DOMAIN}/record/1", True),
        (f"{DOMAIN}/access/2027", True),
    ]
    assert access_log.note(ledger, shown(), actor="tor.lie") == f"{DOMAIN}/access/2027#4"
