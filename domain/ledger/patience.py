"""An end to waiting for a database that has fallen silent.

A line can be open at one end only: the machine at the other end, or a firewall between, has forgotten it, and nothing ever comes.
No time-out of the server ends that. Whoever waits past its time has its line cut under it, and finds a broken connection.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from psycopg import conninfo
from psycopg.pq.abc import PGconn

CHECK_EVERY_S = 0.25
ANSWER_WITHIN_S = 30.0
# An idle line that has died is found before somebody needs it. libpq leaves these out where the line is a local socket.
KEEPALIVE = {
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
    "connect_timeout": "5",
}


def patient(dsn: str) -> str:
    """The connection string with an end to every wait for the network; what it says itself stays."""
    return conninfo.make_conninfo("", **{**KEEPALIVE, **conninfo.conninfo_to_dict(dsn)})


class Line:
    """A connection's socket, held a second time, so that another thread may cut it whatever libpq does with its own."""

    def __init__(self, connection: PGconn) -> None:
        self._socket = socket.socket(fileno=os.dup(connection.socket))

    @contextmanager
    def within(self, limit_s: float) -> Iterator[None]:
        """Cut the line where this is not left within `limit_s` seconds."""
        key = object()
        _watch.begin(key, time.monotonic() + limit_s, self._socket)
        try:
            yield
        finally:
            _watch.end(key)

    def close(self) -> None:
        """Let go of the socket; the connection keeps its own."""
        self._socket.close()


@contextmanager
def ended_within(connection: psycopg.Connection[Any], limit_s: float | None = None) -> Iterator[None]:
    """Around the use of a pool's connection: its line is cut after `limit_s` seconds, default 30."""
    line = Line(connection.pgconn)
    try:
        with line.within(ANSWER_WITHIN_S if limit_s is None else limit_s):
            yield
    finally:
        line.close()


class _Watch:
    """One thread for all lines; it sleeps while nobody waits."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._waiting: dict[object, tuple[float, socket.socket]] = {}
        self._some = threading.Event()
        self._pid = 0

    def begin(self, key: object, deadline: float, line: socket.socket) -> None:
        """Somebody waits."""
        with self._guard:
            self._waiting[key] = deadline, line
            if self._pid != os.getpid():  # a fork leaves the thread behind
                self._pid = os.getpid()
                threading.Thread(target=self._run, name="patience", daemon=True).start()
        if not self._some.is_set():
            self._some.set()

    def end(self, key: object) -> None:
        """Somebody has been answered, or has given up."""
        with self._guard:
            self._waiting.pop(key, None)

    def _run(self) -> None:
        while True:
            self._some.wait()
            time.sleep(CHECK_EVERY_S)
            now = time.monotonic()
            with self._guard:
                for key, (deadline, line) in list(self._waiting.items()):
                    if now >= deadline:
                        del self._waiting[key]
                        with suppress(OSError):  # the other end was quicker
                            line.shutdown(socket.SHUT_RDWR)
                if not self._waiting:
                    self._some.clear()


_watch = _Watch()
