"""A streaming standby: read from, promoted when it lags, and failed over to under load. What was acknowledged is never lost where
replication is synchronous, and where it is not the loss is seen and nothing forks."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import psycopg
import pytest

import projections.journal
from api.installation import Installation
from domain.ledger import selfcheck
from domain.ledger.faults import Broken, LedgerError
from domain.ledger.follow import Follower, rebuild
from domain.ledger.ledger import Ledger
from domain.ledger.signer import Signed, Signer, State
from tests.attack.replicas import CHAIN, TENANT, Pair, new_case
from tests.ledger.appending import check_chain, wait_until
from tests.ledger.following import catch_up
from tests.ledger.server_user import ROOT

DEEP_FAILOVERS, FAILOVERS = 20, 2
SYNC_WAIT = "select count(*) from pg_stat_activity where wait_event = 'SyncRep'"
Record = Callable[[str, Any], None]


@contextmanager
def paired(root: Path, *, synchronous: bool) -> Iterator[Pair]:
    pair = Pair(root, synchronous)
    try:
        pair.begin()
        yield pair
    finally:
        pair.close()


@contextmanager
def signing(pair: Pair) -> Iterator[Signer]:
    """The signer, its store outside, at whichever server takes writes."""
    with Installation(pair.settings()) as opened:
        signer = Signer(opened.role_dsn(TENANT, "signer"), pair.root / "signer", CHAIN, TENANT)
        try:
            yield signer
        finally:
            signer.close()


def tick(signer: Signer) -> Signed | None:
    """One tick, again over a new connection where the server of the last one has gone."""
    try:
        return signer.tick()
    except psycopg.OperationalError:
        return signer.tick()


@contextmanager
def following(pair: Pair, *, log: bool) -> Iterator[Follower]:
    """A follower of the journal that writes to the primary and reads the log there, or from the standby."""
    dsn = pair.primary.dsn("work", pair.data)
    follower = Follower(dsn, TENANT, projections.journal, log_dsn=pair.standby.dsn("work", pair.data) if log else None)
    try:
        wait_until(follower.lease)
        follower.prepare()
        yield follower
    finally:
        follower.close()


def verified(pair: Pair, place: str, *more: str) -> tuple[int, dict[str, Any]]:
    """`dagbok verify` at one server, as an operator runs it: exit code and report."""
    command = [sys.executable, "-m", "tools.cli", "verify", "--json", "--data", str(pair.data), "--database", place, *more]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.stdout, ran.stderr
    return ran.returncode, json.loads(ran.stdout)


def test_projections_and_verification_run_from_a_standby(tmp_path: Path) -> None:
    with paired(tmp_path, synchronous=False) as pair, Installation(pair.settings()) as opened:
        ledger = opened.open(follow=False).ledger
        for n in range(20):
            new_case(ledger, n)
        pair.wait_for_replay()
        standby = pair.standby.server.dsn(dbname="dagbok")
        for more in ((), ("--tenant", TENANT)):
            code, told = verified(pair, standby, *more)
            assert (code, told["ok"], told["events"]) == (0, True, ledger.reader.head().position)
            assert told["head"] == ledger.reader.head().chain_hash.hex()
        with following(pair, log=True) as follower:
            assert catch_up(follower) == ledger.reader.head().position
            from_standby, from_there_again = rebuild(
                pair.primary.dsn("work", pair.data), TENANT, projections.journal, follower, False
            )
            assert from_standby == from_there_again
        with following(pair, log=False) as follower:
            live, from_primary = rebuild(pair.primary.dsn("work", pair.data), TENANT, projections.journal, follower, False)
            assert live == from_primary == from_standby
        pair.primary.do("alter database dagbok set session_replication_role = replica")
        with psycopg.connect(pair.primary.server.dsn(dbname="dagbok"), autocommit=True) as connection:
            connection.execute(f"update {TENANT}.event set meta = overlay(meta placing '\\x5b' from 1) where position = 9")
        wait_until(lambda: pair.standby.ask(f"select get_byte(meta, 0) from {TENANT}.event where position = 9", "dagbok") == 0x5B)
        code, told = verified(pair, standby)
        assert (code, told["ok"], told["faults"][0]["position"]) == (1, False, 9)


def test_a_follower_waits_for_a_standby_that_lags_and_stops_at_one_that_lost(tmp_path: Path) -> None:
    with paired(tmp_path, synchronous=False) as pair, Installation(pair.settings()) as opened:
        ledger = opened.open(follow=False).ledger
        new_case(ledger, 1)
        pair.wait_for_replay()
        with following(pair, log=False) as follower, pair.receiver_held():
            new_case(ledger, 2)
            ahead = catch_up(follower)
        with pair.receiver_held(), following(pair, log=True) as follower:
            assert follower.step() == 0, "the standby has not got so far: that is no disagreement"
            assert follower.positions() == {CHAIN: ahead}
        pair.wait_for_replay()
        new_case(ledger, 3)
        pair.wait_for_replay()
        with following(pair, log=True) as follower:
            assert catch_up(follower) == ledger.reader.head().position
            pair.cut_off()
            new_case(ledger, 4)
        with following(pair, log=False) as follower:
            catch_up(follower)
        with following(pair, log=True) as follower:
            assert follower.step() == 0
            assert pair.standby.ask("select pg_promote(true, 60)")
            with pytest.raises(Broken, match="no longer holds"):
                follower.step()


def test_a_lagging_standby_that_is_promoted_is_refused_and_nothing_forks(tmp_path: Path) -> None:
    with paired(tmp_path, synchronous=False) as pair, signing(pair) as signer:
        with Installation(pair.settings()) as opened:
            ledger = opened.open(follow=False).ledger
            new_case(ledger, 1)
            pair.wait_for_replay()
            kept = ledger.reader.head()
            pair.cut_off()
            new_case(ledger, 2)
            signed = tick(signer)
            assert signed is not None
            assert signed.size > kept.position
            pair.primary.kill()
            pair.promote()
            refused_for_good(ledger)  # before the signer has looked: the writer knows what it acknowledged
            for _ in range(2):
                with pytest.raises(Broken, match=f"ends at {kept.position}, and {signed.size} events were signed|was stopped"):
                    tick(signer)
            assert signer.state is State.REFUSED
            refused_for_good(ledger)
        with Installation(pair.settings()) as opened:  # a program that starts anew knows nothing of what there was
            refused_for_good(opened.open(follow=False).ledger)
            head = opened.open().ledger.reader.head()
            assert (head.position, head.chain_hash) == (kept.position, kept.chain_hash)
        assert pair.primary.ask(f"select count(*) from {TENANT}.ledger_checkpoint where size > {kept.position}", "dagbok") == 0
        held = tmp_path / "checkpoint"
        held.write_text(signed.note)
        code, told = verified(pair, pair.both, "--checkpoint", str(held))
        assert (code, told["checkpoint"]["size"], told["checkpoint"]["ok"]) == (1, signed.size, False)


def refused_for_good(ledger: Ledger) -> None:
    """Nothing is written, and reading goes on."""
    wait_until(lambda: ledger.reader.head().position > 0)
    for n in range(3):
        with pytest.raises(LedgerError) as refused:
            new_case(ledger, n)
        assert isinstance(refused.value, Broken) or n == 0, refused.value  # the first may still meet the server that has gone


def fail_over(pair: Pair, *, behind: bool) -> None:
    """The primary is killed under load and the standby takes its place. behind: its receiver stood still for a while before,
    in which nothing may be acknowledged."""
    with pair.receiver_held() if behind else nullcontext():
        if behind:
            time.sleep(0.2)  # what was under way when the receiver stopped has been answered
            told = len(pair.acknowledged())
            time.sleep(0.5)
            assert len(pair.acknowledged()) == told, "acknowledged without the standby"
        pair.primary.kill()
    pair.promote()


def whole(pair: Pair) -> int:
    """The chain holds and the journal of the live application equals a rebuild; the head."""
    with Installation(pair.settings()) as opened:
        with psycopg.connect(opened.owner_dsn()) as connection:
            end = check_chain(connection, TENANT, CHAIN)
        with psycopg.connect(opened.role_dsn(TENANT, "auditor"), autocommit=True) as connection:
            assert all(report.ok for report in selfcheck.check(connection, TENANT, [], []))
        live = opened.follower(TENANT, projections.journal)
        try:
            wait_until(live.lease)
            live.prepare()
            assert catch_up(live) == end
            before, after = rebuild(opened.role_dsn(TENANT, "work"), TENANT, projections.journal, live, swap=False)
            assert before == after
        finally:
            live.close()
    return end


def failovers(root: Path, rounds: int, record: Record) -> None:
    began = time.monotonic()
    with paired(root, synchronous=True) as pair, signing(pair) as signer:
        with pair.application() as process:
            for n in range(rounds):
                pair.wait_for_more(process, 100)
                tick(signer)
                fail_over(pair, behind=n % 2 == 1)
                pair.join_again()
                pair.wait_for_more(process, 100)
                assert pair.lost() == []
                tick(signer)
        acknowledged = len(pair.acknowledged())
        assert acknowledged >= 200 * rounds
        assert pair.lost() == []
        end = whole(pair)
    told = f"{rounds} failovers, {acknowledged} commands acknowledged, head {end}, 0 lost, {time.monotonic() - began:.0f} s"
    record("failovers", told)
    print(told)


def test_synchronous_failovers_under_load_lose_nothing(tmp_path: Path, record_property: Record) -> None:
    failovers(tmp_path, FAILOVERS, record_property)


@pytest.mark.deep
def test_many_synchronous_failovers_under_load_lose_nothing(tmp_path: Path, record_property: Record) -> None:
    failovers(tmp_path, DEEP_FAILOVERS, record_property)


def test_an_asynchronous_failover_loses_and_is_found_out(tmp_path: Path) -> None:
    with paired(tmp_path, synchronous=False) as pair, signing(pair) as signer:
        with pair.application() as process:
            pair.wait_for_more(process, 50)
            assert tick(signer) is not None
            pair.cut_off()
            pair.wait_for_more(process, 50)
            assert tick(signer) is not None
            pair.primary.kill()
        pair.promote()
        assert pair.lost() != []
        with pytest.raises(Broken):
            tick(signer)


def test_a_commit_whose_wait_for_the_standby_was_called_off_is_not_acknowledged(tmp_path: Path) -> None:
    with paired(tmp_path, synchronous=True) as pair, Installation(pair.settings()) as opened:
        ledger = opened.open(follow=False).ledger
        new_case(ledger, 1)
        with ThreadPoolExecutor(1) as pool:
            with pair.receiver_held():
                writing = pool.submit(new_case, ledger, 2)
                wait_until(lambda: pair.primary.ask(SYNC_WAIT) == 1)
                first = pair.primary.ask(SYNC_WAIT.replace("count(*)", "pid"))
                assert pair.primary.ask(f"select pg_cancel_backend({first})")
                # whether it stands is asked over another connection, which waits for the standby too
                wait_until(
                    lambda: writing.done() or pair.primary.ask(SYNC_WAIT.replace("count(*)", "max(pid)")) not in (None, first)
                )
                assert not writing.done(), "acknowledged without the standby"
            assert writing.result(60).receipt.position > 0
        pair.wait_for_replay()


def test_what_a_restarted_primary_holds_alone_is_not_acknowledged(tmp_path: Path) -> None:
    """The commit reached the disk here and nobody else's; asked whether it stands, the server must not say yes too early."""
    with paired(tmp_path, synchronous=True) as pair, Installation(pair.settings()) as opened:
        ledger = opened.open(follow=False).ledger
        new_case(ledger, 1)
        before = ledger.reader.head().position
        answered: list[Any] = []

        def write() -> None:
            try:
                answered.append(new_case(ledger, 2))
            except LedgerError as problem:
                answered.append(problem)

        with pair.receiver_held():
            thread = threading.Thread(target=write)
            thread.start()
            wait_until(lambda: pair.primary.ask(SYNC_WAIT) == 1)
            pair.primary.kill()
        pair.standby.stop()
        pair.primary.start()
        assert pair.primary.ask(f"select max(position) from {TENANT}.event", "dagbok") > before, "it is on this disk"
        wait_until(lambda: bool(answered) or pair.primary.ask(SYNC_WAIT) == 1)
        assert all(isinstance(one, LedgerError) for one in answered), "acknowledged while it stood on one disk alone"
        pair.standby.start()
        thread.join(60)
        assert not thread.is_alive()
        pair.wait_for_replay()
        assert new_case(ledger, 3).receipt.position > before
