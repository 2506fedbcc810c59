"""The time source outside: a program that starts more than two minutes from it does not start, and doctor tells of less."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from api.installation import Installation
from domain.ledger import timesource
from domain.ledger.clock import SetClock, SystemClock
from domain.ledger.faults import ClockFault
from tests.fixtures_ledger import LedgerTenant
from tools import doctor


class Source:
    """A web server whose clock stands apart by `by`; None: it names no time."""

    def __init__(self) -> None:
        self.by: timedelta | None = timedelta()
        source = self

        class Handler(BaseHTTPRequestHandler):
            def do_HEAD(self) -> None:
                self.send_response_only(404)
                if source.by is not None:
                    self.send_header("Date", format_datetime(datetime.now(UTC) + source.by, usegmt=True))
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Tests are quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()


@pytest.fixture
def source() -> Iterator[Source]:
    one = Source()
    yield one
    one.server.shutdown()
    one.server.server_close()


@pytest.mark.parametrize("seconds", [-3.2e8, -86_400, -125, 125, 86_400, 3.2e8])
def test_a_clock_far_from_the_source_does_not_start(ledger_tenant: LedgerTenant, source: Source, seconds: float) -> None:
    wanted = ledger_tenant.settings().model_copy(update={"time_source": source.url})
    source.by = timedelta(seconds=seconds)
    with pytest.raises(ClockFault) as refused:
        Installation(wanted)
    assert "time_source" in refused.value.hint
    source.by = timedelta()
    with Installation(wanted) as opened:
        assert opened.open().ledger.reader.head().position > 0


def test_a_clock_near_the_source_starts_and_doctor_says_how_near(ledger_tenant: LedgerTenant, source: Source) -> None:
    wanted = ledger_tenant.settings().model_copy(update={"time_source": source.url})
    source.by = timedelta(seconds=60)
    with Installation(wanted) as opened:
        found = doctor.examine(opened)
        assert 55 < found["time_source_apart_s"] < 61
        assert any("apart" in one for one in found["warnings"])
        source.by = timedelta(seconds=600)
        assert any("apart" in one for one in doctor.examine(opened)["unsafe"])
        source.by = timedelta()
        found = doctor.examine(opened)
        assert found["time_source_apart_s"] == 0
        assert not any("apart" in one or "time source" in one for one in (*found["warnings"], *found["unsafe"]))


def test_a_source_that_tells_no_time_stops_nothing(ledger_tenant: LedgerTenant, source: Source) -> None:
    wanted = ledger_tenant.settings().model_copy(update={"time_source": source.url})
    source.by = None
    with Installation(wanted) as opened:
        assert any("names no time" in one for one in doctor.examine(opened)["warnings"])
        source.server.shutdown()
        source.server.server_close()
        assert any("cannot be asked" in one for one in doctor.examine(opened)["warnings"])
    with Installation(ledger_tenant.settings()) as opened:
        assert any("no time source" in one for one in doctor.examine(opened)["warnings"])


def test_a_clock_set_by_hand_is_not_held_against_anything(source: Source) -> None:
    source.by = timedelta(days=1)
    assert timesource.check(source.url, SetClock(datetime.now(UTC))) is None
    assert timesource.check(None, SystemClock()) is None
    with pytest.raises(ClockFault):
        timesource.check(source.url, SystemClock())
    source.by = timedelta()
    began = time.time()
    assert timesource.check(source.url, SystemClock()) == timedelta()
    assert time.time() >= began
