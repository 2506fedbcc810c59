"""Followers: rows and position in one transaction, one runner each, and where the log cannot be followed they say so."""

from __future__ import annotations

import uuid

import pytest

from domain.ledger import follow, tenants
from domain.ledger.faults import Broken
from domain.ledger.follow import Follower, Runner
from domain.ledger.reader import Recorded
from tests.events import golden
from tests.fixtures_ledger import DOMAIN, LedgerTenant, new_case, new_entry
from tests.ledger.appending import check_chain, titled, wait_until, write
from tests.ledger.cutting import end_sessions
from tests.ledger.following import (
    CHAIN,
    catch_up,
    digests,
    followed,
    following,
    insert_raw,
    poisoned,
    titles,
    unguarded,
)

META = golden.golden("record.titled.v1")["minimal"][0]
UNREADABLE = {
    "an unknown name": ("record.titled.v9", META, b'{"title":"x"}'),
    "meta that is no JSON": ("record.titled.v1", b"\xff", b'{"title":"x"}'),
    "an unknown field in meta": ("record.titled.v1", META[:-1] + b',"g":1}', b'{"title":"x"}'),
    "an unknown field in the body": ("record.titled.v1", META, b'{"title":"x","y":1}'),
    "an empty body": ("record.titled.v1", META, b""),
}


@pytest.mark.parametrize("batch", [1, 2, 7, 2_000])
@pytest.mark.parametrize("kind", UNREADABLE)
def test_an_unreadable_fact_stops_its_own_stream_only(
    ledger_tenant: LedgerTenant, monkeypatch: pytest.MonkeyPatch, kind: str, batch: int
) -> None:
    ledger, good, bad = ledger_tenant.ledger, uuid.uuid4(), uuid.uuid4()
    write(ledger, titled(good, "1"), titled(bad, "before"))
    position = insert_raw(ledger_tenant, bad, 2, *UNREADABLE[kind])
    write(ledger, titled(bad, "after"), titled(good, "2"), expect={good: 1, bad: 2})
    monkeypatch.setattr(follow, "BATCH", batch)
    with following(ledger_tenant, titles()) as follower:
        catch_up(follower)
        assert (followed(follower, good), followed(follower, bad)) == ("2", "before")
        assert poisoned(follower) == {bad: position}
        monkeypatch.setattr(follow, "BATCH", 2_000)
        live, rebuilt = digests(ledger_tenant, follower)
        assert live == rebuilt
    with following(ledger_tenant, titles()) as again:  # a new process knows it too
        write(ledger, titled(bad, "much later"), titled(good, "3"), expect={good: 2, bad: 3})
        catch_up(again)
        assert (followed(again, good), followed(again, bad)) == ("3", "before")


def test_the_chain_with_an_unreadable_fact_is_whole_all_the_same(ledger_tenant: LedgerTenant) -> None:
    ledger = ledger_tenant.ledger
    stream = uuid.uuid4()
    write(ledger, titled(stream))
    insert_raw(ledger_tenant, stream, 2, "record.titled.v1", b"{}")
    write(ledger, titled(uuid.uuid4()))
    with ledger_tenant.owner() as connection:
        check_chain(connection, ledger_tenant.tenant, CHAIN)


def test_a_projection_that_fails_closed_stops_altogether(ledger_tenant: LedgerTenant) -> None:
    ledger, good, bad = ledger_tenant.ledger, uuid.uuid4(), uuid.uuid4()
    write(ledger, titled(good, "1"))
    with following(ledger_tenant, titles(fail_closed=True)) as follower:
        before = catch_up(follower)
        insert_raw(ledger_tenant, bad, 1, "record.titled.v9", META)
        write(ledger, titled(good, "2"), expect={good: 1})
        for _ in range(2):
            with pytest.raises(follow.UnknownFact):
                follower.step()
        assert followed(follower, good) == "1"
        assert follower.positions() == {CHAIN: before}
        assert poisoned(follower) == {}


def test_a_runner_says_why_it_stopped(ledger_tenant: LedgerTenant) -> None:
    insert_raw(ledger_tenant, uuid.uuid4(), 1, "record.titled.v9", META)
    runner = Runner(Follower(ledger_tenant.dsn("work"), ledger_tenant.tenant, titles(fail_closed=True)))
    runner.start()
    wait_until(lambda: runner.follower.broken is not None)
    assert "record.titled.v9" in str(runner.follower.broken)
    runner.stop()


def test_a_fact_that_cannot_be_applied_stops_its_own_stream_only(ledger_tenant: LedgerTenant) -> None:
    ledger, good, bad = ledger_tenant.ledger, uuid.uuid4(), uuid.uuid4()

    def choke(recorded: Recorded) -> None:
        if getattr(getattr(recorded.fact, "body", None), "title", None) == "choke":
            raise ZeroDivisionError

    appended = write(ledger, titled(bad, "before"), titled(bad, "choke"), titled(bad, "after"), titled(good, "1"))
    with following(ledger_tenant, titles(broken=choke)) as follower:
        catch_up(follower)
        assert (followed(follower, good), followed(follower, bad)) == ("1", "before")
        assert poisoned(follower) == {bad: appended.first_position + 1}
        live, rebuilt = digests(ledger_tenant, follower)
        assert live == rebuilt


def test_a_row_that_postgresql_cannot_take_is_the_facts_own_fault(ledger_tenant: LedgerTenant) -> None:
    ledger, good, bad = ledger_tenant.ledger, uuid.uuid4(), uuid.uuid4()
    projection = titles()
    projection.DDL += "; create index on {schema}.title(title)"
    text = "".join(chr(0x4E00 + n * 7 % 20_000) for n in range(1_000))  # 3 000 bytes: more than an index entry holds
    write(ledger, titled(bad, text), titled(good, "1"))
    with following(ledger_tenant, projection) as follower:
        catch_up(follower)
        assert followed(follower, good) == "1"
        assert set(poisoned(follower)) == {bad}


@pytest.mark.parametrize("tamper", ["chain_hash", "cut"])
def test_a_follower_stops_where_the_ledger_disagrees(ledger_tenant: LedgerTenant, tamper: str) -> None:
    ledger, stream = ledger_tenant.ledger, uuid.uuid4()
    name = ledger_tenant.tenant
    write(ledger, titled(stream, "1"))
    with following(ledger_tenant, titles()) as follower:
        end = catch_up(follower)
        with unguarded(ledger_tenant) as connection:
            if tamper == "chain_hash":
                connection.execute(f"update {name}.event set chain_hash = sha256(chain_hash) where position = %s", (end,))
            if tamper == "cut":
                connection.execute(f"delete from {name}.event where position = %s", (end,))
        with pytest.raises(Broken):
            follower.step()
        assert follower.positions() == {CHAIN: end}


def test_a_broken_runner_goes_no_further(ledger_tenant: LedgerTenant) -> None:
    ledger = ledger_tenant.ledger
    write(ledger, titled(uuid.uuid4()))
    runner = Runner(Follower(ledger_tenant.dsn("work"), ledger_tenant.tenant, titles()))
    runner.start()
    end = ledger.reader.head().position
    with ledger_tenant.owner() as connection:
        where = f"select position from {ledger_tenant.tenant}_p_titles.follower"
        wait_until(lambda: connection.execute(where).fetchone() == (end,))
    with unguarded(ledger_tenant) as connection:
        connection.execute(f"update {ledger_tenant.tenant}.event set chain_hash = sha256(chain_hash) where position = %s", (end,))
    wait_until(lambda: isinstance(runner.follower.broken, Broken))
    wait_until(lambda: not runner._thread.is_alive())
    runner.stop()


def test_a_second_runner_waits_for_the_lease(ledger_tenant: LedgerTenant) -> None:
    ledger, stream = ledger_tenant.ledger, uuid.uuid4()
    with following(ledger_tenant, titles()) as first:
        second = Follower(ledger_tenant.dsn("work"), ledger_tenant.tenant, titles())
        assert not second.lease()
        runner = Runner(second)
        runner.start()
        write(ledger, titled(stream, "1"))
        runner.wait_for(0.3)
        assert first.positions() == {}, "the second runner applied without the lease"
        catch_up(first)
        write(ledger, titled(stream, "2"), expect={stream: 1})
    with ledger_tenant.owner() as connection:
        there = f"select title from {ledger_tenant.tenant}_p_titles.title where id = %s"
        wait_until(lambda: connection.execute(there, (stream,)).fetchone() == ("2",))
    runner.stop()


def test_a_runner_goes_on_after_its_session_was_ended(ledger_tenant: LedgerTenant) -> None:
    ledger, stream, role = ledger_tenant.ledger, uuid.uuid4(), f"{ledger_tenant.tenant}_work"
    runner = Runner(Follower(ledger_tenant.dsn("work"), ledger_tenant.tenant, titles()))
    runner.start()
    with ledger_tenant.owner() as connection:
        connection.execute(f"alter role {role} nologin")  # longer away than one attempt to come back
        end_sessions(connection, role)
        wait_until(lambda: runner.follower.connection.closed)
        runner.wait_for(0.3)
        connection.execute(f"alter role {role} login")
        write(ledger, titled(stream, "1"))
        there = f"select title from {ledger_tenant.tenant}_p_titles.title where id = %s"
        wait_until(lambda: connection.execute(there, (stream,)).fetchone() == ("1",))
    runner.stop()


def test_another_version_is_made_anew(ledger_tenant: LedgerTenant) -> None:
    ledger, stream = ledger_tenant.ledger, uuid.uuid4()
    write(ledger, titled(stream, "1"))
    with following(ledger_tenant, titles()) as follower:
        catch_up(follower)
    projection = titles()
    projection.VERSION = 2
    with following(ledger_tenant, projection) as follower:
        assert follower.positions() == {}
        catch_up(follower)
        assert followed(follower, stream) == "1"


def test_a_poisoned_mark_that_was_rolled_back_is_forgotten(ledger_tenant: LedgerTenant, monkeypatch: pytest.MonkeyPatch) -> None:
    bad = uuid.uuid4()
    position = insert_raw(ledger_tenant, bad, 1, "record.titled.v9", META)
    with following(ledger_tenant, titles()) as follower:
        real = follower._apply

        def interrupted(chain_id: str, rows: object) -> None:
            real(chain_id, rows)  # type: ignore[arg-type]
            raise KeyboardInterrupt

        monkeypatch.setattr(follower, "_apply", interrupted)
        with pytest.raises(KeyboardInterrupt):
            follower.step()
        monkeypatch.undo()
        catch_up(follower)
        assert poisoned(follower) == {bad: position}


def test_followers_go_over_to_the_next_chain(ledger_tenant: LedgerTenant) -> None:
    ledger, stream, name = ledger_tenant.ledger, uuid.uuid4(), ledger_tenant.tenant
    case = new_case(ledger)
    write(ledger, titled(stream, "1"))
    with ledger_tenant.owner() as connection, connection.transaction():
        first = tenants.chains(connection, name)[0]
        tenants.close_chain(connection, name, first, "merger")
        second = tenants.open_chain(connection, name, DOMAIN, 2, [(first.chain_id, "")], "")
    write(ledger, titled(stream, "2"), expect={stream: 1})
    new_entry(ledger, case)  # its case began in the chain before
    with following(ledger_tenant, titles()) as follower:
        catch_up(follower)
        assert followed(follower, stream) == "2"
        assert set(follower.positions()) == {first.chain_id, second.chain_id}
        assert len(set(digests(ledger_tenant, follower))) == 1


def test_what_is_destroyed_goes_out_though_the_deciding_stream_cannot_be_read(ledger_tenant: LedgerTenant) -> None:
    ledger = ledger_tenant.ledger
    case = new_case(ledger, "Person A")
    secret = next(one.position for one in ledger.reader.stream(case) if one.topic == "record.titled.v1")
    decisions = uuid.uuid4()
    insert_raw(ledger_tenant, decisions, 1, "record.titled.v9", META)
    meta = golden.golden("ledger.bodies-disposed.v1")["full"][0]
    positions = meta[: meta.index(b'"positions":')] + f'"positions":[[{secret},{secret}]],"parts":["body"]}}}}'.encode()
    insert_raw(ledger_tenant, decisions, 2, "ledger.bodies-disposed.v1", positions)
    with following(ledger_tenant) as follower:
        catch_up(follower)
        row = follower.connection.execute(f"select view::text from {follower.schema}.case_file").fetchone()
        assert row is not None
        assert "Person A" not in row[0]
