"""How cost and memory grow: a ledger of `events` facts against one of a tenth, and the peak memory of what reads all of it."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import psycopg
from eventsourcing.persistence import StoredEvent

from api.installation import Tenant
from domain.ledger import selfcheck
from domain.ledger.export import export
from domain.ledger.identity import new_id
from domain.ledger.signer import Signer
from domain.model.errors import DagbokError
from tools.bench.append import state
from tools.bench.filling import fill_journal, fill_titles, recorder_of
from tools.bench.fullpath import register
from tools.bench.measure import Result, compare, rate
from tools.bench.place import Place
from tools.bench.projections import COUNTS, catch_up
from tools.verify import verify_export

GROWTH = 1 / 1.3  # least share of the speed of a tenth that is left at the full size
LIMIT_MB = 300
APPENDS, COMMANDS, WRITERS = 10_000, 3_000, 64
JOURNAL_SHARE = 4  # a journal is built by commands, not by rows: a quarter of the events shows how it grows


def measure(place: Place, events: int) -> Sequence[Result]:
    """Speeds at `events` against those at a tenth, and 300 MB against the peak of verify, export and rebuild."""
    small, large = _titles(place, max(events // 10, 1_000)), _titles(place, events)
    lived = place.tenant()
    fill_journal(lived.ledger, events // JOURNAL_SHARE)
    results = _reading(place, small, large)
    results += _memory(place, large, lived)
    return results + _writing(small, large)


def _titles(place: Place, events: int) -> Tenant:
    tenant = place.tenant()
    fill_titles(recorder_of(tenant.ledger), state(), events)
    chain_id, schema = tenant.ledger.reader.record_chains[-1]
    signer = Signer(place.dsn(tenant, "signer"), place.installation.settings.signer_folder, chain_id, schema)
    with contextlib.closing(signer):
        signer.tick()
    return tenant


def _reading(place: Place, small: Tenant, large: Tenant) -> list[Result]:
    with tempfile.TemporaryDirectory(prefix="dagbok-bench-growth-") as folder:
        out = {tenant.name: Path(folder, tenant.name) for tenant in (small, large)}
        exporting = partial(_exported, place)
        rows = [
            _grown("log export", lambda one: exporting(one, out[one.name]), small, large, times=1),
            _grown("verify from the database", partial(_verified, place), small, large),
            _grown("verify from exported segments", lambda one: _segments(out[one.name]), small, large),
        ]
    follow = place.installation.follower
    return [*rows, _grown("projection, one table", lambda one: catch_up(follow(one.name, COUNTS)), small, large)]


def _writing(small: Tenant, large: Tenant) -> list[Result]:
    return [
        _grown("append, 64 writers", _appended, small, large),
        _grown("full path, 64 writers", lambda one: register(one.ledger, COMMANDS, "J"), small, large),
    ]


def _grown(what: str, speed: Callable[[Tenant], float], small: Tenant, large: Tenant, times: int = 3) -> Result:
    name = f"{what}, at the full size against a tenth of it"
    return compare(name, lambda: speed(large), lambda: speed(small), "a second", GROWTH, times)


def _appended(tenant: Tenant) -> float:
    recorder, payload = recorder_of(tenant.ledger), state()
    events = [StoredEvent(new_id(), 1, "record.titled.v1", payload) for _ in range(APPENDS)]
    return rate(lambda number: _discard(recorder.insert_events([events[number]])), APPENDS, WRITERS)


def _discard(value: object) -> None:
    del value


def _verified(place: Place, tenant: Tenant) -> float:
    with psycopg.connect(place.dsn(tenant, "auditor"), autocommit=True) as connection:
        started = time.perf_counter()
        reports = selfcheck.check(connection, tenant.name)
        if not all(one.ok for one in reports):
            raise DagbokError("the ledger that was measured does not verify")
        return sum(one.events for one in reports) / (time.perf_counter() - started)


def _exported(place: Place, tenant: Tenant, folder: Path) -> float:
    with psycopg.connect(place.dsn(tenant, "auditor")) as connection:
        started = time.perf_counter()
        export(connection, tenant.name, folder)
    return verify_export(folder).events / (time.perf_counter() - started)


def _segments(folder: Path) -> float:
    started = time.perf_counter()
    report = verify_export(folder)
    if not report.ok:
        raise DagbokError("the export that was measured does not verify")
    return report.events / (time.perf_counter() - started)


def _memory(place: Place, large: Tenant, lived: Tenant) -> list[Result]:
    """Each command in processes of its own, as an operator runs it."""
    if not Path("/proc/self/status").exists():
        return []
    data = str(place.installation.settings.data)
    with tempfile.TemporaryDirectory(prefix="dagbok-bench-memory-") as folder:
        out = str(Path(folder, "log"))
        commands = [
            ("verify", large, ["verify"]),
            ("log export with payloads", large, ["log", "export", out, "--payloads"]),
            ("rebuild of the journal", lived, ["rebuild"]),
        ]
        return [
            compare(
                f"{LIMIT_MB} MB against the peak memory of {what}",
                lambda: float(LIMIT_MB),
                partial(_peak_mb, [*command, "--data", data, "--tenant", tenant.name]),
                "MB",
                1.0,
                times=1,
            )
            for what, tenant, command in commands
        ]


def _peak_mb(command: Sequence[str]) -> float:
    """The most that the program and its children held together, looked at each 20 ms."""
    peak = 0
    with subprocess.Popen([sys.executable, "-m", "tools.cli", *command], stdout=subprocess.DEVNULL) as process:  # noqa: S603
        while process.poll() is None:
            peak = max(peak, sum(_resident_kb(pid) for pid in _family(process.pid)))
            time.sleep(0.02)
    if process.returncode != 0:
        raise DagbokError(f"dagbok {' '.join(command[:2])} ended with {process.returncode}")
    return peak / 1024


def _family(root: int) -> Iterator[int]:
    """The process and its descendants, but for the database server's."""
    yield root
    with contextlib.suppress(OSError, ValueError):
        for task in os.listdir(f"/proc/{root}/task"):
            for child in Path(f"/proc/{root}/task/{task}/children").read_text().split():
                if not Path(f"/proc/{child}/comm").read_text().startswith("postgres"):
                    yield from _family(int(child))


def _resident_kb(pid: int) -> int:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
    return 0
