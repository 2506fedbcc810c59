"""A log server that lies: it serves exports and receipts over HTTP, and about one file of them says what is not so.

    python -m tests.attack.lying FOLDER      prints its port; FOLDER/honest, FOLDER/older, FOLDER/forked, FOLDER/other are exports

A path is /<lie>/<the file that it is about, %-encoded>/<file>; every other file is honest.
"""

from __future__ import annotations

import http.server
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import unquote

Lie = Callable[[Path, str], bytes | None]


def _from(name: str) -> Lie:
    def lie(folder: Path, path: str) -> bytes | None:
        file = folder / name / path
        return file.read_bytes() if file.is_file() else None

    return lie


def _changed(change: Callable[[bytes], bytes]) -> Lie:
    return lambda folder, path: change((folder / "honest" / path).read_bytes())


def _flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :] if data else b"x"


LIES: Mapping[str, Lie] = {
    "gone": lambda _, __: None,
    "empty": _changed(lambda _: b""),
    "cut": _changed(lambda data: data[:-1]),
    "grown": _changed(lambda data: data + data[-1:]),
    "first": _changed(lambda data: _flipped(data, 0)),
    "middle": _changed(lambda data: _flipped(data, len(data) // 2)),
    "last": _changed(lambda data: _flipped(data, len(data) - 2)),
    "doubled": _changed(lambda data: data * 2),
    "turned": _changed(lambda data: data[::-1]),
    "error": _changed(lambda _: b"<html><body>502 Bad Gateway</body></html>\n"),
    "older": _from("older"),
    "forked": _from("forked"),
    "other": _from("other"),
}


class Handler(http.server.BaseHTTPRequestHandler):
    """One request."""

    folder: Path

    def do_GET(self) -> None:
        """Answer, truly or not."""
        lie, about, path = self.path.lstrip("/").split("/", 2)
        data = _from("honest")(self.folder, path)
        if unquote(about) in (path, "*"):
            data = LIES[lie](self.folder, path) if lie != "honest" else data
        self.send_response(404 if data is None else 200)
        self.send_header("Content-Length", str(len(data or b"")))
        self.end_headers()
        self.wfile.write(data or b"")

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def main() -> None:
    """Serve until the process is ended."""
    Handler.folder = Path(sys.argv[1])
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        print(server.server_address[1], flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
