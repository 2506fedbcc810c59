"""The embedded server while a program uses it: where it goes down under us it is started again, without a hand.

A server goes down when it is killed, or when its disk is full to the last byte (seen with PostgreSQL 18.4: its recovery fails
until there is room, and nobody else would start it then).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from psycopg import conninfo, pq

from domain.ledger import embedded
from domain.ledger.pgbin import EmbeddedError

LOOK_EVERY_S = 1.0
AGAIN_AFTER_S = 5.0
STOP_WITHIN_S = 10.0


class Keeper:
    """Holds an embedded server as `embedded.Running` does, and holds it up until `stop`. Raises EmbeddedError."""

    def __init__(self, data_dir: Path, start: Callable[[Path], embedded.Running] = embedded.start) -> None:
        self._data_dir = data_dir
        self._start = start
        self._running = start(data_dir)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="keeper", daemon=True)
        self._thread.start()

    @property
    def server(self) -> embedded.Server:
        """Where the server is."""
        return self._running.server

    def stop(self) -> None:
        """Let go; the last to do so stops the server."""
        self._ended.set()
        self._thread.join(STOP_WITHIN_S)  # a start under way has no limit, and is let go of when the program ends
        self._running.stop()

    def _run(self) -> None:
        pause = LOOK_EVERY_S
        while not self._ended.wait(pause):
            pause = LOOK_EVERY_S
            if self._answers():
                continue
            try:
                again = self._start(self._data_dir)
            except EmbeddedError:  # the next look finds it down still, and tries once more
                pause = AGAIN_AFTER_S
                continue
            before, self._running = self._running, again
            before.stop()  # not the last any more, so that nothing is stopped

    def _answers(self) -> bool:
        """Whether somebody is there, ready or not: a server that recovers by itself is left alone."""
        server = self.server
        asked = conninfo.make_conninfo("", host=str(server.socket_dir), port=server.port, connect_timeout=10)
        return pq.PGconn.ping(asked.encode()) != pq.Ping.NO_RESPONSE
