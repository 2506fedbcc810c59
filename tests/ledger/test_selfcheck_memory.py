"""How much memory verification takes: no more for five times as many events, each in a stream of its own with a key of its own.

Measured in processes of their own, as the largest resident size that the kernel saw; a list of all streams is the control.
"""

from __future__ import annotations

import subprocess
import sys
import uuid
from pathlib import Path

import psycopg
import pytest

from domain.ledger.export import export
from tests import tidy
from tests.fixtures_ledger import LedgerTenant
from tests.ledger.appending import claiming, titled, write
from tests.ledger.test_export import sign

SMALL, LARGE = 12_000, 60_000
MARGIN_MB = 12  # what an allocator keeps; a dictionary of the streams and keys of 48 000 events more has some 30
MEASURE = """
import resource, sys
import psycopg
from pathlib import Path
from domain.ledger import selfcheck
from domain.ledger.streams import Streams
from domain.ledger.spill import Spill
Streams.__init__.__defaults__ = (1_000, False, 0)
Spill.__init__.__defaults__ = (100_000,)
from tools import export_parts
from tools.verify import verify_export
export_parts.Parts.__init__.__defaults__ = (100_000,)
export_parts.Versions.__init__.__defaults__ = (False, 0, False, 1_000)
what, where, tenant = sys.argv[1:]
if what == "export":
    assert verify_export(Path(where)).ok
else:
    with psycopg.connect(where, autocommit=True) as connection:
        kept = [row for row in connection.execute(f"select originator_id, meta from {tenant}.event")] if what == "control" else []
        assert all(report.ok for report in selfcheck.check(connection, tenant))
status = Path("/proc/self/status")  # what getrusage says begins with the size of the process that started this one
if status.exists():
    print(next(line for line in status.read_text().splitlines() if line.startswith("VmHWM")).split()[1])
else:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def peak_mb(what: str, where: str, tenant: str) -> int:
    command = [sys.executable, "-c", MEASURE, what, where, tenant]
    done = subprocess.run(command, cwd=tidy.ROOT, capture_output=True, text=True, check=True)
    return int(done.stdout) // 1024


def grown(one: LedgerTenant, events: int) -> None:
    while one.ledger.reader.head().position < events:
        streams = [uuid.uuid4() for _ in range(250)]
        write(one.ledger, *(fact for stream in streams for fact in (claiming(stream, stream.hex), titled(stream))))
    sign(one)


@pytest.mark.deep
def test_memory_does_not_grow_with_the_ledger(ledger_tenant: LedgerTenant, tmp_path: Path) -> None:
    found: dict[str, list[int]] = {"database": [], "export": [], "control": []}
    for number, events in enumerate((SMALL, LARGE)):
        grown(ledger_tenant, events)
        folder = tmp_path / str(number)
        with psycopg.connect(ledger_tenant.dsn("auditor"), autocommit=True) as connection:
            export(connection, ledger_tenant.tenant, folder, ledger_tenant.ledger.blobs)
        for what in found:
            where = str(folder) if what == "export" else ledger_tenant.dsn("auditor")
            found[what].append(peak_mb(what, where, ledger_tenant.tenant))
    print(found)
    growth = {what: large - small for what, (small, large) in found.items()}
    assert growth["database"] < MARGIN_MB, found
    assert growth["export"] < MARGIN_MB, found
    assert growth["control"] > 2 * MARGIN_MB, found
