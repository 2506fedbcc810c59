"""No room, no right to write, no connection left, at each of many writes: refused in words, read on, and on by itself after."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from api.installation import Installation
from api.settings import Settings
from domain.ledger import embedded, keeper, writer
from domain.ledger.faults import Unsettled
from domain.ledger.submission import Appended, Submission
from tests.attack.errands import http
from tests.attack.filelayer import Judged, allows
from tests.attack.troubles import Desk, rounds_of, tell
from tests.fixtures_ledger import ARCHIVIST, DOMAIN, LedgerTenant
from tests.fixtures_web import opened
from tests.ledger.cutting import end_sessions

ROUNDS = [5, pytest.param(50, marks=pytest.mark.deep)]
Property = Callable[[str, object], None]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "RECONNECT_FOR_S", 0.2)
    monkeypatch.setattr(writer, "TRY_EVERY_S", 0.05)


@pytest.fixture
def desk(ledger_tenant: LedgerTenant) -> Iterator[Desk]:
    with Installation(ledger_tenant.settings()) as installation, opened(installation, installation.open()) as web:
        yield Desk(web)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EIO], ids=lambda number: errno.errorcode[number])
@pytest.mark.parametrize("rounds", ROUNDS)
def test_a_blob_store_that_takes_nothing(
    ledger_tenant: LedgerTenant, desk: Desk, rounds: int, number: int, record_property: Property
) -> None:
    disk, writes = Judged(), ("create", "write", "sync", "rename")
    desk.web.tenant.ledger.blobs._disk = disk  # type: ignore[attr-defined]
    turn = iter(range(1_000_000))

    def trouble() -> None:
        refusing = writes[next(turn) % len(writes) :]

        def judge(at: int, name: str, after: bool) -> None:
            if name in refusing and not after:
                raise OSError(number, os.strerror(number))

        disk.judge = judge

    def relief() -> None:
        disk.judge = allows

    code = "storage.full" if number == errno.ENOSPC else "storage.away"
    tell(rounds_of(desk, rounds, trouble, relief, ("document",), code), record_property)
    with ledger_tenant.owner() as owner:
        desk.check(owner, ledger_tenant.tenant)


@pytest.mark.parametrize("rounds", ROUNDS)
def test_a_database_that_may_only_be_read(
    ledger_tenant: LedgerTenant, desk: Desk, rounds: int, record_property: Property
) -> None:
    role = f"{ledger_tenant.tenant}_writer in database {ledger_tenant.database}"
    name = f"{ledger_tenant.tenant}_writer"
    with ledger_tenant.owner() as owner:

        def trouble() -> None:
            owner.execute(f"alter role {role} set default_transaction_read_only = on")
            end_sessions(owner, name)

        def relief() -> None:
            owner.execute(f"alter role {role} reset default_transaction_read_only")
            end_sessions(owner, name)

        tell(rounds_of(desk, rounds, trouble, relief, ("case", "document"), "ledger.busy"), record_property)
        desk.check(owner, ledger_tenant.tenant)


@pytest.mark.parametrize("rounds", ROUNDS)
def test_no_connection_left_for_the_writer(
    ledger_tenant: LedgerTenant, desk: Desk, rounds: int, record_property: Property
) -> None:
    name = f"{ledger_tenant.tenant}_writer"
    with ledger_tenant.owner() as owner:

        def trouble() -> None:
            owner.execute(f"alter role {name} connection limit 0")
            end_sessions(owner, name)

        def relief() -> None:
            owner.execute(f"alter role {name} connection limit -1")

        tell(rounds_of(desk, rounds, trouble, relief, ("case", "document"), "ledger.busy"), record_property)
        desk.check(owner, ledger_tenant.tenant)


def test_a_form_whose_answer_was_lost_is_sent_again_without_a_second_effect(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    real = desk.web.tenant.ledger.writer.append

    def unheard(submission: Submission) -> Appended:
        real(submission)
        raise Unsettled

    monkeypatch.setattr(desk.web.tenant.ledger.writer, "append", unheard)
    shown = desk.page("nb")
    monkeypatch.undo()
    position = desk.web.position()
    assert desk.send_again(shown).status_code == 303
    assert desk.web.position() == position, "the case was made twice"
    first, second = (desk.send_again(shown).headers["location"] for _ in range(2))
    assert first == second


def test_no_connection_left_for_reading_is_told_and_passes(ledger_tenant: LedgerTenant, desk: Desk) -> None:
    with ledger_tenant.owner() as owner:
        for kind, path in (("reader", f"/entries/{desk.entry}"), ("web", "/cases")):
            role = f"{ledger_tenant.tenant}_{kind}"
            owner.execute(f"alter role {role} connection limit 0")
            try:
                end_sessions(owner, role)
                told = http(desk.web.get(path))
                assert told.status == 503, told
                assert told.readable, told
            finally:
                owner.execute(f"alter role {role} connection limit -1")
            desk.read()
            assert desk.web.get("/cases").status_code == 200


@pytest.mark.parametrize("rounds", ROUNDS)
def test_every_connection_of_the_server_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rounds: int, record_property: Property
) -> None:
    def start(data_dir: Path) -> embedded.Running:
        return embedded.start(data_dir, shared_buffers="16MB", extra_settings={"max_connections": "40"})

    monkeypatch.setattr(keeper.Keeper.__init__, "__defaults__", (start,))
    wanted = Settings(data=tmp_path / "data", tenant="trang", actor=ARCHIVIST.id)
    with Installation(wanted) as installation:
        installation.create_tenant("trang", DOMAIN)
        with (
            opened(installation, installation.open()) as web,
            psycopg.connect(installation.owner_dsn(), autocommit=True) as owner,
        ):
            desk, taken = Desk(web), list[psycopg.Connection]()

            auditor = installation.role_dsn("trang", "auditor")

            def trouble() -> None:
                end_sessions(owner, "trang_writer")
                refused = 0
                while refused < 5:  # also the places of those who are on their way out
                    try:
                        taken.append(psycopg.connect(auditor))
                        refused = 0
                    except psycopg.OperationalError:
                        refused += 1
                        time.sleep(0.02)

            def relief() -> None:
                while taken:
                    taken.pop().close()

            tell(rounds_of(desk, rounds, trouble, relief, ("case", "document"), "ledger.busy"), record_property)
            desk.check(owner, "trang")
