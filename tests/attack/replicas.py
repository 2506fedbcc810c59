"""Two embedded servers, one the streaming standby of the other, and an application that writes to whichever takes writes:
`python -m tests.attack.replicas DATA DSN ACKS WRITERS`."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg import conninfo

from api.installation import Installation
from api.settings import Settings
from domain.handlers import case_files
from domain.handlers.metadata import Metadata
from domain.handlers.work import Context, run
from domain.ledger import embedded, pgbin
from domain.ledger.cluster import Cluster, work_in
from domain.ledger.faults import LedgerError
from domain.ledger.ledger import Ledger
from domain.ledger.submission import Appended
from domain.model.case_file import CreateCaseFile
from domain.model.errors import Refused
from tests.fixtures_ledger import ARCHIVIST, DOMAIN
from tests.ledger.appending import DAY, wait_until
from tests.ledger.server_user import ROOT, postmaster_pid

TENANT = "replicated"
CHAIN = f"{DOMAIN}/record/1"
STANDBY = "dagbok_standby"  # by name: `*` would count whoever streams the log, pg_basebackup too
SETTINGS = {"max_connections": "60", "wal_keep_size": "64MB", "hot_standby_feedback": "on", "cluster_name": STANDBY}
BUFFERS = "32MB"


@dataclass
class Node:
    """One server in a folder of its own."""

    folder: Path
    running: embedded.Running | None = None

    @property
    def data(self) -> Path:
        """The data folder."""
        return self.folder / "pg"

    @property
    def server(self) -> embedded.Server:
        """The server, which must be up."""
        assert self.running is not None
        return self.running.server

    def start(self) -> None:
        """Start it as whatever its data folder makes it: primary or standby."""
        self.running = embedded.start(self.data, shared_buffers=BUFFERS, extra_settings=SETTINGS)

    def stop(self) -> None:
        """Stop it in good order."""
        if self.running is not None:
            self.running.stop()
            self.running = None

    def kill(self) -> None:
        """End its postmaster as `kill -9` does, and wait until its other processes have noticed."""
        os.kill(postmaster_pid(self.data), signal.SIGKILL)
        wait_until(Cluster.at(self.data).idle, timeout_s=60)
        self.stop()

    def copy_of(self, primary: Node) -> None:
        """Make it anew as a standby of a running server, with the wheel's own pg_basebackup; what was there is gone."""
        shutil.rmtree(self.data, ignore_errors=True)
        self.folder.mkdir(exist_ok=True)
        account = pgbin.account_for(self.data)
        self.data.mkdir(mode=0o700)
        os.chown(self.data, account.uid, account.gid)
        (self.folder / "secrets").mkdir(mode=0o700, exist_ok=True)
        shutil.copy2(primary.folder / "secrets" / "postgres", self.folder / "secrets" / "postgres")
        source = conninfo.make_conninfo(primary.server.dsn(), dbname="replication")
        command = [pgbin.binaries() / "pg_basebackup", "-d", source, "-D", work_in(self.data, account), "-R"]
        subprocess.run(
            [*command, "--checkpoint=fast", "--wal-method=stream"], cwd=self.data, env=pgbin.ENVIRONMENT, check=True,
            user=account.uid if account.drop else None, group=account.gid if account.drop else None,
            extra_groups=[] if account.drop else None,
        )  # fmt: skip

    def ask(self, query: str, database: str = "postgres") -> Any:
        """The first value of a query's answer, as the superuser."""
        with psycopg.connect(self.server.dsn(dbname=database), autocommit=True) as connection:
            row = connection.execute(query.encode()).fetchone()
        return row[0] if row else None

    def do(self, *statements: str) -> None:
        """Statements of the superuser."""
        with psycopg.connect(self.server.dsn(), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def dsn(self, kind: str, data: Path) -> str:
        """Connection string of one of the tenant's roles, for this server alone."""
        password = (data / "secrets" / f"{TENANT}_{kind}").read_text()
        return conninfo.make_conninfo(self.server.dsn(dbname="dagbok"), user=f"{TENANT}_{kind}", password=password)


@dataclass
class Pair:
    """A primary, its standby, and the installation over both."""

    root: Path
    synchronous: bool
    primary: Node = field(init=False)
    standby: Node = field(init=False)

    def __post_init__(self) -> None:
        self.primary, self.standby = Node(self.root / "a"), Node(self.root / "b")

    @property
    def data(self) -> Path:
        """The installation's folder: secrets and documents, no database."""
        return self.root / "data"

    @property
    def acks(self) -> Path:
        """Where the application writes down what was acknowledged."""
        return self.root / "acks"

    def settings(self) -> Settings:
        """An installation that goes to whichever of the two takes writes."""
        return Settings(data=self.data, database=self.both, signer_dir=self.root / "signer", tenant=TENANT)

    def begin(self) -> None:
        """Both servers up, the standby streaming, and a tenant on them."""
        for node in (self.primary, self.standby):
            node.folder.mkdir()
        self.primary.start()
        self.primary.do("create database dagbok encoding 'UTF8' template template0")
        if self.synchronous:
            # from here on a commit is answered when it is on the standby's disk too; the standby inherits the setting
            self.primary.do(f"alter system set synchronous_standby_names = '{STANDBY}'")
        self.standby.copy_of(self.primary)
        self.standby.start()
        folders = [node.server.socket_dir for node in (self.primary, self.standby)]
        self.both = conninfo.make_conninfo(
            self.primary.server.dsn(dbname="dagbok"), host=",".join(map(str, folders)), target_session_attrs="read-write"
        )
        self.primary.do("select pg_reload_conf()")
        self.wait_for_stream()
        with Installation(self.settings()) as opened:
            opened.create_tenant(TENANT, DOMAIN)

    def wait_for_stream(self) -> None:
        """Until the standby streams, and counts for commits where that is asked for."""
        state = "sync" if self.synchronous else "async"
        query = f"select count(*) from pg_stat_replication where state = 'streaming' and sync_state = '{state}'"
        wait_until(lambda: self.primary.ask(query) == 1, timeout_s=60)

    def wait_for_replay(self) -> None:
        """Until the standby shows all that the primary has."""
        wait_until(lambda: self.standby.ask(_head(), "dagbok") == self.primary.ask(_head(), "dagbok"), timeout_s=60)

    def promote(self) -> None:
        """The standby takes writes, and is the primary from now on; the other one is what was."""
        assert self.standby.ask("select pg_promote(true, 60)")
        self.primary, self.standby = self.standby, self.primary

    def join_again(self) -> None:
        """What was the primary becomes the standby; until it streams nothing is acknowledged where replication is synchronous."""
        told = len(self.acknowledged())
        self.standby.copy_of(self.primary)
        assert not self.synchronous or len(self.acknowledged()) == told, "acknowledged without a standby"
        self.standby.start()
        self.wait_for_stream()

    @contextmanager
    def receiver_held(self) -> Iterator[None]:
        """The standby's receiver of the log stands still: nothing new reaches it."""
        pid = int(self.standby.ask("select pid from pg_stat_activity where backend_type = 'walreceiver'"))
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def cut_off(self) -> None:
        """The standby follows no more, until it is made anew."""
        self.standby.do("alter system set primary_conninfo = ''", "select pg_reload_conf()")
        wait_until(lambda: self.standby.ask("select count(*) from pg_stat_wal_receiver") == 0, timeout_s=60)

    @contextmanager
    def application(self, writers: int = 8) -> Iterator[subprocess.Popen[bytes]]:
        """The application under load, killed at the end."""
        command = [sys.executable, "-m", "tests.attack.replicas", str(self.data), self.both, str(self.acks), str(writers)]
        with subprocess.Popen(command, cwd=ROOT) as process:
            try:
                yield process
            finally:
                process.kill()

    def acknowledged(self) -> list[tuple[int, str]]:
        """(position, chain hash) of what the application was told is kept."""
        lines = self.acks.read_text(encoding="ascii").split("\n")[:-1] if self.acks.exists() else []
        return [(int(position), chain_hash) for position, chain_hash in map(str.split, lines)]

    def wait_for_more(self, process: subprocess.Popen[bytes], more: int) -> None:
        """Until so many further commands were acknowledged."""
        wanted = len(self.acknowledged()) + more

        def enough() -> bool:
            assert process.poll() is None, "the application ended by itself"
            return len(self.acknowledged()) >= wanted

        wait_until(enough, timeout_s=120)

    def lost(self) -> list[int]:
        """Acknowledged positions that the primary's chain does not hold as they were acknowledged."""
        acknowledged = self.acknowledged()  # first: the application goes on meanwhile
        with psycopg.connect(self.primary.server.dsn(dbname="dagbok")) as connection:
            rows = connection.execute(f"select position, chain_hash from {TENANT}.event").fetchall()
        held = {int(row[0]): row[1].hex() for row in rows}
        return [position for position, chain_hash in acknowledged if held.get(position) != chain_hash]

    def close(self) -> None:
        """Both servers stop."""
        for node in (self.standby, self.primary):
            node.stop()


def _head() -> str:
    return f"select max(position) from {TENANT}.event"


def new_case(ledger: Ledger, n: int) -> Appended:
    """One command through its handler; what it appended."""
    create = case_files.CreateCase(uuid.uuid4(), Metadata(title=f"Sak {n}"), CreateCaseFile(DAY))
    context = Context(ARCHIVIST, idempotency_key=str(uuid.uuid4()))
    appended = run(ledger, context, (), lambda work: case_files.create(work, create)).appended
    assert appended is not None
    return appended


def work(ledger: Ledger, acks: Path, writer: int) -> None:
    """Write for ever; each acknowledgement is on the disk before the next command."""
    with acks.open("ab", buffering=0) as file:
        for n in itertools.count(writer):
            try:
                receipt = new_case(ledger, n).receipt
            except (LedgerError, Refused, psycopg.OperationalError):
                threading.Event().wait(0.05)  # the database is away: go on when it is back
                continue
            file.write(f"{receipt.position} {receipt.chain_hash.hex()}\n".encode())
            os.fsync(file.fileno())


def main(data: str, dsn: str, acks: str, writers: str) -> None:
    """Open, load, follow, never stop."""
    opened = Installation(Settings(data=Path(data), database=dsn, signer_dir=Path(data).with_name("signer"), tenant=TENANT))
    ledger = opened.open().ledger
    threads = [threading.Thread(target=work, args=(ledger, Path(acks), writer)) for writer in range(int(writers))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main(*sys.argv[1:])
