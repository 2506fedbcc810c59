"""A fault proxy before PostgreSQL: it knows where one call of the wire protocol ends, and decides what becomes of each.

A call is what a client sends before it waits: the start of a session, a password message, a query, or a group up to Sync.
Clients come over TCP, so that a reset is a reset; the server is reached over its socket.
"""

from __future__ import annotations

import enum
import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from psycopg import conninfo

LATE_S = 3.0
LOOK = b"frontier, recorded_at_us from"


class Fate(enum.Enum):
    """What becomes of a call. Of DEAF, UNHEARD and RESET the server does it, and the client never learns."""

    PASS = "pass"
    LOST = "cut before the server has it"
    UNHEARD = "cut after the server has answered"
    RESET = "reset by the peer after the server has answered"
    DEAF = "cut at once, while the server has it"
    LATE = "cut at once, and the server has it just before the client's next session looks at the head"
    SILENT = "nothing is passed on any more, and nothing is closed"
    MUTE = "the server does it, nothing comes back, and nothing is closed"


EFFECTLESS = frozenset({Fate.LOST, Fate.SILENT})


@dataclass(frozen=True)
class Call:
    """One call. connection: which, from 1; status: of the server's transaction before it (`I`, `T`, `E`; empty at the start)."""

    connection: int
    data: bytes
    status: str


Judge = Callable[[Call], Fate]


def passes(call: Call) -> Fate:
    """Everything goes through."""
    del call
    return Fate.PASS


@dataclass
class _Session:
    number: int
    client: socket.socket
    server: socket.socket
    status: str = ""
    fate: Fate = Fate.PASS
    waiting: bytes = b""
    started: bool = False
    done: threading.Event = field(default_factory=threading.Event)


class Proxy:
    """Listens on a free port of this machine. judge: asked for every call; delay_s: before each call and answer;
    chunk: how many bytes are passed on at once, 0 for all."""

    def __init__(self, server_socket: Path, judge: Judge = passes) -> None:
        self.judge = judge
        self.delay_s = 0.0
        self.chunk = 0
        self.calls = 0
        self.connections = 0
        self.faults: list[Fate] = []
        self.answered = threading.Event()  # of a MUTE call
        self._late: _Session | None = None
        self._looked = threading.Event()
        self._server = server_socket
        self._ended = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        threading.Thread(target=self._accept, daemon=True).start()

    def dsn(self, dsn: str) -> str:
        """The same connection string, through here."""
        port = self._listener.getsockname()[1]
        return conninfo.make_conninfo(dsn, host="127.0.0.1", port=port, sslmode="disable", gssencmode="disable")

    def close(self) -> None:
        """Take no more connections."""
        self._ended.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            server = socket.socket(socket.AF_UNIX)
            try:
                server.connect(str(self._server))
            except OSError:
                shut(client, server)
                continue
            self.connections += 1
            session = _Session(self.connections, client, server)
            for work in (self._upward, self._downward):
                threading.Thread(target=work, args=(session,), daemon=True).start()

    def _upward(self, one: _Session) -> None:
        with suppress(OSError):
            while data := one.client.recv(1 << 20):
                one.waiting += data
                for group in _groups(one):
                    self.calls += 1
                    self._let_the_late_one_in(one, group)
                    fate = Fate.PASS if one.fate is Fate.SILENT else self.judge(Call(one.number, group, one.status))
                    if fate is not Fate.PASS:
                        self.faults.append(fate)
                        one.fate = fate
                    if not self._deliver(one, group):
                        return
        if one.fate in (Fate.PASS, Fate.LOST, Fate.SILENT, Fate.MUTE):
            shut(one.client, one.server)

    def _deliver(self, one: _Session, group: bytes) -> bool:
        """Pass a call on as its session's fate has it; False where nothing more is read from the client."""
        if one.fate is Fate.LOST:
            shut(one.client, one.server)
            return False
        if one.fate is Fate.SILENT:
            return True
        if one.fate in (Fate.DEAF, Fate.LATE):
            with suppress(OSError):
                one.client.shutdown(socket.SHUT_RDWR)
        if one.fate is Fate.LATE:
            self._looked.clear()
            self._late = one
            self._looked.wait(LATE_S)
        self._ended.wait(self.delay_s)
        self._send(one.server, group)
        return one.fate not in (Fate.DEAF, Fate.LATE)

    def _downward(self, one: _Session) -> None:
        frames = _Frames()
        with suppress(OSError):
            while data := one.server.recv(1 << 20):
                self._ended.wait(self.delay_s)
                for kind, frame in frames.split(data):
                    if kind == b"Z":
                        one.status = frame[5:6].decode()
                    if one.fate in (Fate.PASS, Fate.LOST):
                        self._send(one.client, frame)
                    elif one.fate is Fate.MUTE:
                        if kind == b"Z" or not one.status:  # a step of the login is answered without one
                            self.answered.set()
                    elif kind == b"Z" and one.fate is Fate.LATE:
                        break
                    elif kind == b"Z" and one.fate in (Fate.UNHEARD, Fate.RESET):
                        if one.fate is Fate.RESET:
                            one.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                            one.client.close()
                        shut(one.client, one.server)
                        return
        one.done.set()
        if one.fate not in (Fate.SILENT, Fate.MUTE):
            shut(one.client, one.server)

    def _let_the_late_one_in(self, one: _Session, group: bytes) -> None:
        late = self._late
        if late is not None and late is not one and LOOK in group:
            self._late = None
            self._looked.set()
            late.done.wait(LATE_S)

    def _send(self, to: socket.socket, data: bytes) -> None:
        size = self.chunk or len(data)
        for start in range(0, len(data), size):
            to.sendall(data[start : start + size])


class _Frames:
    """The server's messages, whole, as their pieces come."""

    def __init__(self) -> None:
        self._left = b""

    def split(self, data: bytes) -> list[tuple[bytes, bytes]]:
        self._left += data
        found = []
        while len(self._left) >= 5 and len(self._left) > (size := int.from_bytes(self._left[1:5], "big")):
            found.append((self._left[:1], self._left[: size + 1]))
            self._left = self._left[size + 1 :]
        return found


def _groups(one: _Session) -> list[bytes]:
    """The calls that are whole now; what is not stays waiting."""
    found, start, at = [], 0, 0
    data = one.waiting
    while True:
        head = 0 if not one.started else 1  # the first message has no type
        if len(data) < at + head + 4:
            break
        end = at + head + int.from_bytes(data[at + head : at + head + 4], "big")
        if len(data) < end:
            break
        kind = data[at : at + 1] if one.started else b"S"
        one.started, at = True, end
        if kind in b"QSpXFH":
            found.append(data[start:end])
            start = end
    one.waiting = data[start:]
    return found


def shut(*ends: socket.socket) -> None:
    """Close both ends, whatever state they are in."""
    for end in ends:
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()


def at_commit(marker: bytes, plan: list[Fate]) -> Judge:
    """A judge that deals out `plan`, one fate for each commit of a batch that holds `marker`, whichever way it is written."""
    open_sessions: set[int] = set()

    def judge(call: Call) -> Fate:
        commits = call.status == "I" if marker in call.data else call.connection in open_sessions and b"commit" in call.data
        if marker in call.data and call.status == "T":
            open_sessions.add(call.connection)
        if not commits or not plan:
            return Fate.PASS
        open_sessions.discard(call.connection)
        return plan.pop(0)

    return judge
