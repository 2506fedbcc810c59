"""A door before PostgreSQL's socket that can break a connection at the worst moment: around the statement that commits."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from pathlib import Path

import psycopg
from psycopg import conninfo

STILL_OPEN = b"Z\x00\x00\x00\x05T"  # ReadyForQuery, in a transaction
READY = b"Z\x00\x00\x00\x05I"  # ReadyForQuery, idle: the server has committed and said so


class Door:
    """Passes bytes between a client and the server. Each plan cuts one connection, when the client sends a marker:

    `lost`: the statement never reaches the server; `unheard`: the server commits, and its answer never reaches the client;
    `deaf`: the client is cut off at once, while the server may still wait for a lock.
    """

    def __init__(self, folder: Path, server_socket: Path, marker: bytes) -> None:
        self.plan: list[str] = []
        self.cuts = 0
        self.connections = 0
        self.marker = marker
        self._server = server_socket
        self._listener = socket.socket(socket.AF_UNIX)
        self._path = folder / server_socket.name
        self._listener.bind(str(self._path))
        self._listener.listen(32)
        threading.Thread(target=self._accept, daemon=True).start()

    def dsn(self, dsn: str) -> str:
        """The same connection string, through this door."""
        return conninfo.make_conninfo(dsn, host=str(self._path.parent))

    def close(self) -> None:
        """Take no more connections."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits there
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            server = socket.socket(socket.AF_UNIX)
            server.connect(str(self._server))
            cut = threading.Event()
            threading.Thread(target=self._upward, args=(client, server, cut), daemon=True).start()
            threading.Thread(target=self._downward, args=(server, client, cut), daemon=True).start()

    def _upward(self, client: socket.socket, server: socket.socket, cut: threading.Event) -> None:
        with suppress(OSError):
            while data := client.recv(1 << 20):
                plan = self.plan.pop(0) if self.plan and self.marker in data else ""
                if plan:
                    self.cuts += 1
                if plan == "lost":
                    break
                if plan:
                    cut.set()  # nothing of the answer is passed on any more
                server.sendall(data)
                if plan == "deaf":
                    client.shutdown(socket.SHUT_RDWR)
                    return  # the other thread ends with the server
        if not cut.is_set():
            _shut(client, server)

    def _downward(self, server: socket.socket, client: socket.socket, cut: threading.Event) -> None:
        heard = b""
        with suppress(OSError):
            while data := server.recv(1 << 20):
                if cut.is_set():
                    heard += data
                    if READY in heard:
                        break
                    if heard.endswith(STILL_OPEN):  # the transaction waits for its COMMIT: that answer is the one to keep back
                        client.sendall(heard)
                        heard = b""
                else:
                    client.sendall(data)
        _shut(client, server)


def _shut(*ends: socket.socket) -> None:
    for end in ends:
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()


def end_sessions(connection: psycopg.Connection, role: str) -> int:
    """End every session of a role in this database, as an administrator would; how many there were. All are gone then."""
    return connection.execute(
        "select pg_terminate_backend(pid, 10000) from pg_stat_activity where usename = %s and datname = current_database()",
        (role,),
    ).rowcount
