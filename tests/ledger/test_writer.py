"""The writer survives what happens to it, answers every caller, and never says that written is not or not written is."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest

from domain.ledger import embedded, tenants, writer, writing
from domain.ledger.clock import SystemClock
from domain.ledger.faults import Busy, LedgerError, Unsafe, Unsettled, VersionConflict
from domain.ledger.ledger import Ledger
from domain.ledger.submission import Appended
from domain.ledger.writer import Writer
from domain.model import record
from domain.model.ids import Number, NumberedKey
from domain.model.registry_entry import EntryNumbered
from tests.fixtures_ledger import DOMAIN, LedgerTenant, password
from tests.ledger.appending import (
    DAY,
    check_chain,
    claiming,
    events,
    head_held,
    numbered,
    titled,
    together,
    wait_until,
    waiting_backends,
    write,
)
from tests.ledger.cutting import Door, end_sessions

MARKER = b"cut the line here"


def whole(tenant: LedgerTenant) -> int:
    with tenant.owner() as connection:
        return check_chain(connection, tenant.tenant, f"{DOMAIN}/record/1")


def titles(tenant: LedgerTenant, text: str) -> int:
    return sum(text.encode() in (body or b"") for *_, body in events(tenant))


@pytest.fixture
def door(ledger_tenant: LedgerTenant, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    server = ledger_tenant.server
    one = Door(tmp_path_factory.mktemp("d"), server.socket_dir / f".s.PGSQL.{server.port}", MARKER)
    yield one
    one.close()


@pytest.fixture
def behind_door(ledger_tenant: LedgerTenant, door: Door) -> Iterator[Ledger]:
    """A ledger whose writer goes through the door."""
    ledger = ledger_tenant.ledger
    ledger.writer.close()
    ledger.writer = Writer(door.dsn(ledger_tenant.dsn("writer")), ledger_tenant.tenant, SystemClock())
    yield ledger
    ledger.writer.close()


def test_a_full_queue_turns_callers_away(ledger_tenant: LedgerTenant, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = ledger_tenant.ledger
    monkeypatch.setattr(writer, "QUEUE_LIMIT", 3)
    with ThreadPoolExecutor(4) as pool:
        with head_held(ledger_tenant):
            answers = [pool.submit(write, ledger, titled(uuid.uuid4()))]
            wait_until(lambda: ledger.writer.queued == 0 and waiting_backends(ledger_tenant) > 0)
            answers += [pool.submit(write, ledger, titled(uuid.uuid4())) for _ in range(3)]
            wait_until(lambda: ledger.writer.queued == 3)
            with pytest.raises(Busy) as busy:
                write(ledger, titled(uuid.uuid4()))
            assert busy.value.retry_after_s > 0
        assert all(isinstance(answer.result(20), Appended) for answer in answers)
    write(ledger, titled(uuid.uuid4()))


BAD = {
    "a NUL in a key": lambda stream: claiming(stream, "a\x00b"),
    "a key too long for an index": lambda stream: claiming(stream, "".join(chr(0x100 + n % 500) for n in range(9_000))),
}


@pytest.mark.parametrize("bad", BAD)
def test_bad_data_fails_its_own_command_only(ledger_tenant: LedgerTenant, bad: str) -> None:
    ledger = ledger_tenant.ledger
    results = together(
        ledger_tenant,
        ledger,
        [
            lambda: write(ledger, titled(uuid.uuid4())),
            lambda: write(ledger, BAD[bad](uuid.uuid4())),
            lambda: write(ledger, titled(uuid.uuid4())),
        ],
    )
    assert isinstance(results[1], LedgerError)
    assert not isinstance(results[1], Busy)
    assert isinstance(results[0], Appended)
    assert isinstance(results[2], Appended)
    assert isinstance(write(ledger, claiming(uuid.uuid4(), "good")), Appended)
    whole(ledger_tenant)


def test_a_key_that_cannot_be_encoded_fails_its_own_command_only(ledger_tenant: LedgerTenant) -> None:
    ledger = ledger_tenant.ledger

    def half_a_character() -> Appended:
        number = Number("journal/2026")  # what waits for a number is encoded in the writer's thread
        claims = (("journal-number", NumberedKey("\ud800", number)),)
        return write(ledger, (uuid.uuid4(), EntryNumbered(2026, number, DAY, claims)))

    results = together(
        ledger_tenant,
        ledger,
        [lambda: write(ledger, numbered(uuid.uuid4())), half_a_character, lambda: write(ledger, numbered(uuid.uuid4()))],
    )
    assert [type(result) for result in results] == [Appended, LedgerError, Appended]
    assert [result.facts[0][1].journal_sequence for result in (results[0], results[2])] == [1, 2]
    write(ledger, titled(uuid.uuid4()))
    whole(ledger_tenant)


def test_a_fact_type_is_introduced_before_its_first_use_also_where_that_failed(ledger_tenant: LedgerTenant) -> None:
    ledger = ledger_tenant.ledger
    write(ledger, titled(uuid.uuid4()))
    with pytest.raises(LedgerError):
        write(ledger, claiming(uuid.uuid4(), "a\x00b"))
    with pytest.raises(VersionConflict):
        write(ledger, (uuid.uuid4(), record.Unscreened()), expect={uuid.uuid4(): 9})
    write(ledger, claiming(uuid.uuid4(), "good"), (uuid.uuid4(), record.Unscreened()))
    whole(ledger_tenant)


def test_nor_is_it_taken_for_introduced_because_another_writer_introduced_something(ledger_tenant: LedgerTenant) -> None:
    one, two = ledger_tenant.ledger, ledger_tenant.open_ledger()
    write(one, titled(uuid.uuid4()))
    with pytest.raises(LedgerError):
        write(one, claiming(uuid.uuid4(), "a\x00b"))
    write(two, (uuid.uuid4(), record.Unscreened()))  # as many introductions as the first writer had on paper
    write(one, claiming(uuid.uuid4(), "good"))
    whole(ledger_tenant)


def test_two_writers_introduce_a_fact_type_once(ledger_tenant: LedgerTenant) -> None:
    one, two = ledger_tenant.ledger, ledger_tenant.open_ledger()
    write(one, titled(uuid.uuid4()))
    write(two, titled(uuid.uuid4()))
    write(two, (uuid.uuid4(), record.Unscreened()), titled(uuid.uuid4()))
    write(one, (uuid.uuid4(), record.Unscreened()), claiming(uuid.uuid4(), "a"))
    write(two, claiming(uuid.uuid4(), "b"))
    whole(ledger_tenant)
    introduced = [meta for *_, topic, _, meta, _ in events(ledger_tenant) if topic == "ledger.fact-type-introduced.v1"]
    assert len(introduced) == 3


def test_a_session_that_is_ended_while_idle_costs_nothing(ledger_tenant: LedgerTenant) -> None:
    ledger, stream = ledger_tenant.ledger, uuid.uuid4()
    write(ledger, titled(stream))
    with ledger_tenant.owner() as connection:
        assert end_sessions(connection, f"{ledger_tenant.tenant}_writer") == 1
    write(ledger, titled(stream, "Annet"), expect={stream: 1})
    assert [recorded.version for recorded in ledger.reader.stream(stream)] == [1, 2]
    whole(ledger_tenant)


@pytest.mark.parametrize("first", [True, False], ids=["long way", "short way"])
def test_a_session_that_is_ended_before_commit_has_one_effect(ledger_tenant: LedgerTenant, first: bool) -> None:
    ledger, stream = ledger_tenant.ledger, uuid.uuid4()
    if not first:
        write(ledger, titled(uuid.uuid4()))
    with ThreadPoolExecutor(1) as pool:
        with head_held(ledger_tenant):
            answer = pool.submit(write, ledger, titled(stream, "one effect"))
            wait_until(lambda: waiting_backends(ledger_tenant) > 0)
            with ledger_tenant.owner() as connection:
                assert end_sessions(connection, f"{ledger_tenant.tenant}_writer") == 1
        assert isinstance(answer.result(20), Appended)
    assert titles(ledger_tenant, "one effect") == 1
    whole(ledger_tenant)


@pytest.mark.parametrize("first", [True, False], ids=["long way", "short way"])
@pytest.mark.parametrize("plan", [["lost"], ["unheard"], ["lost", "lost"], ["lost", "unheard"]], ids="-".join)
def test_a_line_cut_at_commit_has_one_effect(
    ledger_tenant: LedgerTenant, behind_door: Ledger, door: Door, first: bool, plan: list[str]
) -> None:
    stream = uuid.uuid4()
    if not first:
        write(behind_door, titled(stream))
    door.plan = list(plan)
    appended = write(behind_door, titled(stream, MARKER.decode()), expect={stream: 0 if first else 1})
    assert door.cuts == len(plan)
    assert titles(ledger_tenant, MARKER.decode()) == 1
    rows = {row[0]: row for row in events(ledger_tenant)}
    assert rows[appended.receipt.position][1] == stream
    assert appended.receipt.position == whole(ledger_tenant)
    write(behind_door, titled(stream, "Videre"), expect={stream: 1 if first else 2})


def test_a_line_cut_while_the_server_still_waits_has_one_effect(
    ledger_tenant: LedgerTenant, behind_door: Ledger, door: Door
) -> None:
    stream = uuid.uuid4()
    write(behind_door, titled(stream))
    door.plan = ["deaf"]
    with ThreadPoolExecutor(1) as pool:
        with head_held(ledger_tenant):
            answer = pool.submit(write, behind_door, titled(stream, MARKER.decode()), expect={stream: 1})
            wait_until(lambda: door.cuts == 1 and door.connections == 2 and waiting_backends(ledger_tenant) == 1)
        assert isinstance(answer.result(20), Appended)
    assert titles(ledger_tenant, MARKER.decode()) == 1
    whole(ledger_tenant)


def test_a_whole_batch_cut_at_commit_is_answered_one_by_one(ledger_tenant: LedgerTenant, behind_door: Ledger, door: Door) -> None:
    stream = uuid.uuid4()
    write(behind_door, titled(stream))
    door.plan = ["unheard"]
    results = together(
        ledger_tenant,
        behind_door,
        [
            lambda: write(behind_door, titled(stream, MARKER.decode()), expect={stream: 1}),
            lambda: write(behind_door, titled(stream, "too late"), expect={stream: 1}),
            lambda: write(behind_door, titled(stream, "in time"), expect={stream: 2}),
        ],
    )
    assert [type(result) for result in results] == [Appended, VersionConflict, Appended]
    assert door.cuts == 1
    assert [titles(ledger_tenant, text) for text in (MARKER.decode(), "too late", "in time")] == [1, 0, 1]


def test_every_caller_is_answered_while_the_writer_closes(ledger_tenant: LedgerTenant) -> None:
    for _ in range(5):
        ledger = ledger_tenant.open_ledger()
        begun = threading.Barrier(9)

        def many(ledger: Ledger = ledger, begun: threading.Barrier = begun) -> int:
            begun.wait()
            for written in range(1_000):
                try:
                    write(ledger, titled(uuid.uuid4()))
                except Busy:
                    return written
            return 1_000

        with ThreadPoolExecutor(8) as pool:
            callers = [pool.submit(many) for _ in range(8)]
            begun.wait()
            ledger.writer.close()
            assert sum(caller.result(20) for caller in callers) < 8_000
    whole(ledger_tenant)


def test_a_database_out_of_reach_is_come_back_to(ledger_tenant: LedgerTenant, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = ledger_tenant.ledger
    write(ledger, titled(uuid.uuid4()))
    monkeypatch.setattr(writer, "RECONNECT_FOR_S", 0.2)
    monkeypatch.setattr(writer, "SETTLE_FOR_S", 0.4)
    role = f"{ledger_tenant.tenant}_writer"
    with ledger_tenant.owner() as connection:
        connection.execute(f"alter role {role} nologin")
        try:
            end_sessions(connection, role)
            for _ in range(2):
                with pytest.raises(Busy) as busy:  # it was not sent, and the caller may know that
                    write(ledger, titled(uuid.uuid4()))
                assert not isinstance(busy.value, Unsettled)
            assert isinstance(ledger.writer.fault, Busy)
        finally:
            connection.execute(f"alter role {role} login")
    write(ledger, titled(uuid.uuid4()))
    assert ledger.writer.fault is None
    whole(ledger_tenant)


def test_a_closed_chain_is_left_for_the_next(ledger_tenant: LedgerTenant, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger, stream = ledger_tenant.ledger, uuid.uuid4()
    write(ledger, titled(stream))
    monkeypatch.setattr(writer, "RECONNECT_FOR_S", 0.2)
    name = ledger_tenant.tenant
    with ledger_tenant.owner() as connection:
        first = tenants.chains(connection, name)[0]
        tenants.close_chain(connection, name, first, "year's end")
        with pytest.raises(Busy):
            write(ledger, titled(stream, "after the end"), expect={stream: 1})
        with pytest.raises(Busy):
            write(ledger_tenant.open_ledger(), titled(stream, "after the end"), expect={stream: 1})
        closed_at = check_chain(connection, name, first.chain_id)
        second = tenants.open_chain(connection, name, DOMAIN, 2, [(first.chain_id, "")], "")
    appended = write(ledger, titled(stream, "in the new one"), expect={stream: 1})
    assert appended.receipt.chain_id == second.chain_id == ledger.writer.chain_id
    ledger.reader.refresh()
    assert [(one.chain_id, one.version) for one in ledger.reader.stream(stream)] == [(first.chain_id, 1), (second.chain_id, 2)]
    with ledger_tenant.owner() as connection:
        assert check_chain(connection, name, first.chain_id) == closed_at
        with pytest.raises(LedgerError):
            tenants.close_chain(connection, name, tenants.Chain(3, f"{DOMAIN}/record/3", f"{name}_record_3"), "no such")


def test_a_chain_opened_while_we_write_takes_the_command_over(
    ledger_tenant: LedgerTenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger, stream, name = ledger_tenant.ledger, uuid.uuid4(), ledger_tenant.tenant
    real = writing.Desk._look

    def overtaken(desk: writing.Desk, batch: Any) -> Any:
        looked = real(desk, batch)
        monkeypatch.undo()
        with ledger_tenant.owner() as connection:  # between the look and the append
            tenants.open_chain(connection, name, DOMAIN, 2, [(f"{DOMAIN}/record/1", "")], "")
        return looked

    monkeypatch.setattr(writing.Desk, "_look", overtaken)
    receipt = write(ledger, titled(stream)).receipt
    assert receipt.chain_id == f"{DOMAIN}/record/2"
    with ledger_tenant.owner() as connection:
        row = connection.execute(f"select chain_hash from {name}_record_2.event where originator_id = %s", (stream,)).fetchone()
        assert row == (receipt.chain_hash,)
        check_chain(connection, f"{name}_record_2", receipt.chain_id)


def test_a_server_that_could_lose_an_acknowledged_event_is_refused(tmp_path: Path) -> None:
    passwords = {kind: password(kind) for kind in tenants.ROLE_KINDS}
    for setting in ("", "fsync", "full_page_writes"):
        settings = {setting: "off"} if setting else {}
        with embedded.start(tmp_path / "pg", shared_buffers="16MB", extra_settings=settings) as running:
            dsn = running.server.dsn(user="unsafe_writer", password=passwords["writer"])
            if not setting:
                with psycopg.connect(running.server.dsn(), autocommit=True) as connection:
                    tenants.create(connection, "unsafe", DOMAIN, passwords)
                Writer(dsn, "unsafe", SystemClock()).close()
                continue
            with pytest.raises(Unsafe) as unsafe:
                Writer(dsn, "unsafe", SystemClock())
            assert setting in unsafe.value.hint


def test_the_writer_asks_for_a_synchronous_commit_whatever_the_role_has(ledger_tenant: LedgerTenant) -> None:
    role = f"{ledger_tenant.tenant}_writer"
    with ledger_tenant.owner() as connection:
        connection.execute(f"alter role {role} in database {ledger_tenant.database} set synchronous_commit = off")
    with psycopg.connect(ledger_tenant.dsn("writer")) as plain:
        assert plain.execute("show synchronous_commit").fetchone() == ("off",)
    desk = writing.Desk(ledger_tenant.dsn("writer"), ledger_tenant.tenant)
    assert desk._connection.execute("show synchronous_commit").fetchone() == ("on",)
    desk.close()


def test_reads_come_back_with_the_database(ledger_tenant: LedgerTenant) -> None:
    ledger, stream, role = ledger_tenant.ledger, uuid.uuid4(), f"{ledger_tenant.tenant}_reader"
    write(ledger, titled(stream))
    with ledger_tenant.owner() as connection:
        for _ in range(3):  # as a restart of the server leaves the pool
            assert end_sessions(connection, role) > 0
            assert [recorded.version for recorded in ledger.reader.stream(stream)] == [1]
