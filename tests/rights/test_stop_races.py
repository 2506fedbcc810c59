"""A right is stopped while another process is using it: nothing is done after the stop, and nothing before it is refused."""

from __future__ import annotations

import multiprocessing
import os
import random
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

import pytest

from domain.handlers import case_files, rights
from domain.handlers.gate import Actor
from domain.handlers.metadata import Metadata
from domain.handlers.work import Context, run
from domain.ledger.identity import new_id
from domain.ledger.ledger import Ledger
from domain.model.case_file import CaseFileCreated, CreateCaseFile
from domain.model.errors import Refused
from domain.model.record import Named
from domain.model.rights_change import STOP, RightsOrdered
from tests.fixtures_ledger import LedgerTenant
from tests.ledger import racing
from tests.ledger.racing import Place
from tools.demo.staff import STAFF, House

SEED = int(os.environ.get("DAGBOK_SEED", "20261122"))
ORDINARY, DEEP = 20, 500


class Used(NamedTuple):
    """What the other process saw: positions of what it did, and when (seconds, one clock for the machine) it was refused."""

    positions: list[int]
    refused_at: float
    code: str


def use(ledger: Ledger, person: str) -> Used:
    """Act until refused."""
    positions: list[int] = []
    while True:
        details = CreateCaseFile(date.min, "R", administrative_unit=Named("Teknisk"), case_responsible=Named("Per Nes", person))
        command = case_files.CreateCase(new_id(), Metadata(title="Sak"), details)
        try:
            done = run(ledger, Context(Actor(person)), (), lambda work, command=command: case_files.create(work, command))  # type: ignore[misc]
        except Refused as refused:
            return Used(positions, time.monotonic(), refused.code)
        assert done.appended is not None
        positions.append(done.appended.receipt.position)


def worker(place: Place, line: Connection) -> None:
    """A process of its own: acts as whoever it is told to, each time until refused."""
    ledger = place.open()
    try:
        while (person := line.recv()) is not None:
            line.send(use(ledger, person))
    finally:
        ledger.close()


def race(tenant: LedgerTenant, rounds: int, record: Callable[[str, Any], None]) -> None:
    house = House(tenant.open_ledger())
    house.open()
    house.staff()
    draw, (ours, theirs) = random.Random(SEED), multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=worker, args=(racing.place(tenant), theirs))
    process.start()
    per, hired = house.people["per.nes"], next(one for one in STAFF if one.user_name == "per.nes")
    began, acts, last = time.monotonic(), 0, 0
    for _ in range(rounds):
        ours.send(str(per))
        time.sleep(draw.random() * 0.02)
        order = replace(house.order(hired), order=new_id(), change=STOP, last_day=date(2026, 1, 1))
        stopping = time.monotonic()
        house.act("kari.aas", lambda work, order=order: rights.stop(work, rights.Stop(per, order)))
        used: Used = ours.recv()
        assert used.code in ("access.not_in_force", "access.no_right")
        assert used.refused_at > stopping, "refused before anybody had stopped it"
        stopped = max(one.position for one in house.ledger.reader.stream(per) if isinstance(one.fact, RightsOrdered))
        assert all(last < position < stopped for position in used.positions), (last, used, stopped)
        acts, last = acts + len(used.positions), stopped
        house.hire(hired)
    ours.send(None)
    process.join(30)
    assert process.exitcode == 0
    by_per = [one for one in house.ledger.reader.whole_log() if isinstance(one.fact, CaseFileCreated)]
    assert len(by_per) == acts > 0
    said = {"seed": SEED, "races": rounds, "acts": acts, "seconds": round(time.monotonic() - began, 1)}
    record("races", said)
    print(said)


def test_stopping_against_using(ledger_tenant: LedgerTenant, record_property: Callable[[str, Any], None]) -> None:
    race(ledger_tenant, ORDINARY, record_property)


@pytest.mark.deep
def test_stopping_against_using_at_length(ledger_tenant: LedgerTenant, record_property: Callable[[str, Any], None]) -> None:
    race(ledger_tenant, DEEP, record_property)


def test_an_act_on_rights_that_nobody_expects_unchanged_is_seen(
    ledger_tenant: LedgerTenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    from domain.handlers import gate

    true = gate.permit

    def forgetful(*given: Any) -> gate.Permit:
        return replace(true(*given), expect={})

    house = House(ledger_tenant.open_ledger())
    house.open()
    house.staff()
    per = house.people["per.nes"]
    other = ledger_tenant.open_ledger()
    details = CreateCaseFile(date.min, "R", administrative_unit=Named("Teknisk"), case_responsible=Named("Per", str(per)))

    def act(work: Any) -> Any:
        made = case_files.create(work, case_files.CreateCase(new_id(), Metadata(title="Sak"), details))
        stop(house)
        return made

    def stop(of: House) -> None:
        order = replace(of.order(STAFF[5]), order=new_id(), change=STOP, last_day=date(2026, 1, 1))
        if not stopped:
            stopped.append(of.act("kari.aas", lambda work: rights.stop(work, rights.Stop(per, order))))

    stopped: list[Any] = []
    with pytest.raises(Refused):
        run(other, Context(Actor(str(per))), (), act)
    house.hire(next(one for one in STAFF if one.user_name == "per.nes"))
    stopped.clear()
    monkeypatch.setattr(gate, "permit", forgetful)
    run(other, Context(Actor(str(per))), (), act)  # done after the stop: what the test above must never see
