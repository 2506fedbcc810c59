"""The embedded PostgreSQL server: started by the first command that uses a data folder, stopped by the last.

Three lock files beside the folder carry the whole protocol; the kernel frees them when a process dies, however it dies.

    gate     held alone while somebody starts, joins, leaves or stops
    users    held together by all who use the server; who can take it alone on leaving was the last, and stops the server
    server   inherited by initdb, the postmaster and all its backends; free = none of them lives

So a server whose user was killed is joined by the next one and stopped by the last; a folder whose server was killed is
free as soon as the last backend has gone, whatever `postmaster.pid` says. No wait for a start has a limit: crash recovery
takes the time it takes. Only a process known to be the postmaster of exactly this folder is signalled (see `postmaster`),
with SIGINT (fast shutdown), or with SIGQUIT (immediate shutdown) where that has not ended after a minute.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

import psycopg
from psycopg import pq
from psycopg.conninfo import make_conninfo

from domain.ledger import cluster as files
from domain.ledger import initdb, postmaster
from domain.ledger.cluster import Cluster
from domain.ledger.flock import Flock
from domain.ledger.initdb import SUPERUSER, Wait
from domain.ledger.launch import FIXED, SETTINGS, launch, listening
from domain.ledger.pgbin import Account, EmbeddedError, account_for, binaries, check_program

__all__ = ["EmbeddedError", "Running", "Server", "binaries", "start"]

POLL_S = 0.02
REPORT_S = 1.0
PATIENCE_S = 60.0
LOGIN_TRIES = 100
LAUNCHES = 5

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Server:
    """A server that is up. It listens on a socket in a private folder only; logins are SCRAM with a password."""

    data_dir: Path
    socket_dir: Path
    port: int
    user: str
    password: str = field(repr=False)

    def dsn(self, dbname: str = "postgres", user: str | None = None, password: str | None = None) -> str:
        """A libpq connection string; without `user` the superuser's, with its password.

        It asks for SCRAM by name, so that a server which would let anybody in is not talked to.
        """
        return make_conninfo(
            "",
            host=str(self.socket_dir),
            port=self.port,
            dbname=dbname,
            user=user or self.user,
            password=self.password if password is None and user in (None, self.user) else password,
            require_auth="scram-sha-256",
        )


class Running:
    """One user's hold on the server, a context manager. The server stays until the last hold of all processes is gone."""

    def __init__(self, server: Server, cluster: Cluster, users: Flock, progress: Progress | None) -> None:
        self.server = server
        self._cluster = cluster
        self._users = users
        self._progress = progress
        self._pid = os.getpid()
        self._once = threading.Lock()
        self._stopped = False
        _running.add(self)

    def stop(self) -> None:
        """Let go; if nobody else holds on, shut the server down and wait for its end. May be called twice, and by any thread.

        In a forked child it does nothing: the hold is the parent's.
        """
        if os.getpid() != self._pid:
            return
        with self._once:
            if self._stopped:
                return
            self._stopped = True
            _running.discard(self)
            wait = _waiter(self._progress)
            try:
                with _gate(self._cluster, wait):
                    _leave(self._cluster, self._users, wait)
            finally:
                self._users.release()  # also where waiting was interrupted: the next user must be able to be the last

    def __enter__(self) -> Running:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()


_running: set[Running] = set()
# kept until they have ended, so that each is reaped; a server outlives the process that started it
_children: list[subprocess.Popen[bytes]] = []


@atexit.register
def _stop_all() -> None:
    for running in list(_running):
        running.stop()


def start(
    data_dir: Path,
    *,
    shared_buffers: str = "256MB",
    extra_settings: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> Running:
    """Start the server of `data_dir` (made on first use, DATA/pg by custom), or join the one that runs.

    Settings apply to a start, not to a join. `progress` gets a line about once a second while something is waited for.
    Raises EmbeddedError with a hint, and with the end of the server's log where there is one.
    """
    settings = {"shared_buffers": shared_buffers, **(extra_settings or {})}
    if taken := FIXED & settings.keys():
        raise EmbeddedError(f"the setting {min(taken)} belongs to the embedded server", hint="leave it out")
    cluster, wait = Cluster.at(data_dir), _waiter(progress)
    try:
        files.make_folder(cluster.data.parent)
        account = account_for(cluster.data)
        programs = check_program(account)
        files.check_reach(cluster, account)
        files.make_folder(cluster.run)
        with _gate(cluster, wait):
            users = cluster.lock("users")
            for _ in wait("waiting for the server's other users"):
                if users.try_shared():
                    break
            try:
                server = _up(cluster, account, programs, settings, wait)
            except BaseException:
                _leave(cluster, users, wait)
                raise
    except OSError as error:
        raise EmbeddedError(f"cannot use {cluster.data}: {error}", hint="see to the folder's room and rights") from error
    return Running(server, cluster, users, progress)


def _waiter(progress: Progress | None) -> Wait:
    def wait(what: str) -> Iterator[None]:
        began = said = time.monotonic()
        while True:
            yield
            time.sleep(POLL_S)
            now = time.monotonic()
            if progress is not None and now - said >= REPORT_S:
                said = now
                progress(f"{what} ({now - began:.0f} s)")

    return wait


@contextlib.contextmanager
def _gate(cluster: Cluster, wait: Wait) -> Iterator[None]:
    gate = cluster.lock("gate")
    try:
        for _ in wait("waiting for another command that starts or stops the server"):
            if gate.try_exclusive():
                break
        yield
    finally:
        gate.release()


def _up(cluster: Cluster, account: Account, programs: Path, settings: Mapping[str, str], wait: Wait) -> Server:
    _reap()
    chosen = initdb.password(cluster)
    launches = 0
    for _ in wait("waiting for processes of an earlier server to end"):
        lock = cluster.lock("server")
        try:
            child = None
            if lock.try_exclusive() and postmaster.find(cluster.data, cluster.record) is None:
                initdb.sweep(cluster)
                if not cluster.made():
                    initdb.make(cluster, account, chosen, programs, lock, wait)
                place = files.socket_folder(cluster, chosen, account)
                child = launch(cluster, account, programs, {**SETTINGS, **settings, **listening(place)}, lock)
                _children.append(child)
                launches += 1
        finally:
            lock.hand_over()
        server = _ready(cluster, chosen, child, wait, again=launches < LAUNCHES)
        if server is not None:
            files.prune_logs(cluster)
            return server
    raise AssertionError("unreachable: waiting has no limit")


def _ready(cluster: Cluster, chosen: str, child: subprocess.Popen[bytes] | None, wait: Wait, *, again: bool) -> Server | None:
    """The server once it answers; None if there is none (any more) to wait for and one must be started.

    `again`: a server that was killed while it started (by a hand, or for want of memory) is no error yet.
    """
    tries = 0
    for _ in wait("the server is starting or recovering"):
        if child is not None and child.poll() is not None:
            if child.returncode == -signal.SIGKILL and again:
                return None
            files.drop_socket_folder(*files.socket_places(cluster, chosen))
            raise EmbeddedError(
                f"PostgreSQL did not start (exit {child.returncode}):\n{files.log_tail(cluster)}",
                hint=f"the log is in {cluster.data / 'log'}",
            )
        pid = postmaster.find(cluster.data, cluster.record)
        said = postmaster.read_pid_file(cluster.data)
        if pid is None and child is None:
            return None
        if said is not None and said.status == "stopping" and not cluster.idle():
            _see_it_end(cluster, wait)  # whoever was stopping it holds the gate no more
            return None
        if pid is None or said is None or said.pid != pid or said.status not in ("ready", "standby"):
            continue
        server = Server(cluster.data, said.socket_dir, said.port, SUPERUSER, chosen)
        if not _socket(said).exists():
            if cluster.idle():
                raise EmbeddedError(
                    f"process {pid}, started by another program, serves {cluster.data} without a known socket", hint="stop it"
                )
            # a cleaner of temporary files took the socket: nobody can come in until a new start makes a new one
            postmaster.signal_it(cluster.data, cluster.record, signal.SIGINT)
            child = None
            continue
        tries += 1
        if not _refusal(server, last=tries > LOGIN_TRIES):
            return server
    raise AssertionError("unreachable: waiting has no limit")


def _socket(said: postmaster.PidFile) -> Path:
    return said.socket_dir / f".s.PGSQL.{said.port}"


def _refusal(server: Server, *, last: bool) -> bool:
    """True while a login fails that may succeed later, False once it succeeds; EmbeddedError, in the server's words, if it
    never will, or if this was the `last` time to be put off by words that are not known to pass."""
    try:
        psycopg.connect(server.dsn(), connect_timeout=10).close()
    except psycopg.OperationalError as error:
        text = str(error).strip()
        if any(full in text for full in ("too many clients", "remaining connection slots")):
            return False
        never = any(fault in text for fault in ("authentication failed", "authentication method", "pg_hba.conf"))
        passes = any(state in text for state in ("starting up", "shutting down", "recovery", "accepting"))
        if never or (last and not passes):
            hint = "bring the file secrets/postgres back that belongs to this data folder" if never else "see its log"
            raise EmbeddedError(f"the server of {server.data_dir} refuses its owner: {text}", hint=hint) from None
        return True
    return False


def _leave(cluster: Cluster, users: Flock, wait: Wait) -> None:
    """Give up a share; as the last user stop the server. Called under the gate, so that nobody joins in between."""
    users.release()
    alone = cluster.lock("users")
    try:
        said = postmaster.read_pid_file(cluster.data)  # gone soon after the signal
        if alone.try_exclusive() and not cluster.idle():
            _settle(cluster, wait)
            if postmaster.signal_it(cluster.data, cluster.record, signal.SIGINT):
                _see_it_end(cluster, wait)
            files.prune_logs(cluster)
            if said is not None:
                files.drop_socket_folder(said.socket_dir)
    finally:
        alone.release()
        _reap()


def _settle(cluster: Cluster, wait: Wait) -> None:
    """Wait until the server is not restarting its processes after the crash of one.

    A fast shutdown asked for in that moment is begun and never ended (seen with PostgreSQL 18.4: the recovery stops, but
    nobody tells the new checkpointer to go). A first recovery does not know the fault and is not waited for.
    """
    for _ in wait("the server is recovering"):
        said = postmaster.read_pid_file(cluster.data)
        if said is None or said.status != "ready" or postmaster.find(cluster.data, cluster.record) is None:
            return
        asked = make_conninfo("", host=str(said.socket_dir), port=said.port, connect_timeout=10)
        # no answer is no sign of health: a connection that waits while the processes end is cut
        if pq.PGconn.ping(asked.encode()) == pq.Ping.OK or not _socket(said).exists():
            return


def _see_it_end(cluster: Cluster, wait: Wait) -> None:
    """Wait for the end of a server that is shutting down, and make an end where it does not come.

    An immediate shutdown costs the next start a recovery and no committed transaction.
    """
    began, forced = time.monotonic(), False
    for _ in wait("the server is shutting down"):
        if cluster.idle():
            return
        if not forced and time.monotonic() - began > PATIENCE_S:
            forced = postmaster.signal_it(cluster.data, cluster.record, signal.SIGQUIT)


def _reap() -> None:
    _children[:] = [child for child in _children if child.poll() is None]
