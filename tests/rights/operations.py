"""Every operation of the program, the right that it asks for, and a call that is good: the table beside this file, read.

Columns: method, path, asks, good, rules, sent. A right is written `action[>status][@kind]`, several with ` + ` between them:
all are asked for, and the first that is missing is the answer. kind: of what it is asked (`sample.Sample.subject`). Beside
rights stand `login` (whoever is logged in) and `open` (everybody). good: the status of a yes; rules: what the
record's own rules may answer besides. sent: what goes along, as JSON. `{name}` is one of the sample's ids; in a path
`{name=id}` where the route calls it otherwise.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tests.api.fiks import written
from tests.fixtures_web import PDF

OPEN, LOGIN = "open", "login"
HEADER = "method\tpath\tasks\tgood\trules\tsent"
_NAME = re.compile(r"\{(\w+)(?:=(\w+))?(:\w+)?\}")
_FILES: dict[str, tuple[str, tuple[str, bytes, str]]] = {
    "file": ("file", ("a.pdf", PDF, "application/pdf")),
    "payload": ("payload", ("m.xml", written.case_message("Sak"), "application/xml")),
}


class Ask(NamedTuple):
    """One right that an operation asks for. to_status: aimed at; kind: of what; empty: of nothing."""

    action: str
    to_status: str
    kind: str


class Row(NamedTuple):
    """One operation, as the table has it."""

    method: str
    path: str
    asks: tuple[Ask, ...]
    open_to: str
    good: frozenset[int]
    sent: str

    @property
    def route(self) -> tuple[str, str]:
        """(method, path) as the program's routes have it."""
        return self.method, _NAME.sub(lambda name: f"{{{name[1]}{name[3] or ''}}}", self.path.partition("?")[0])

    @property
    def names(self) -> frozenset[str]:
        """The ids that a call needs."""
        return frozenset(name[2] or name[1] for name in _NAME.finditer(self.path + self.sent))

    def address(self, ids: Mapping[str, str]) -> str:
        """The path with these ids."""
        return _NAME.sub(lambda name: ids[name[2] or name[1]], self.path)

    def call(self, ids: Mapping[str, str], token: str) -> dict[str, Any]:
        """What the client is told to send. token: of a form."""
        said: dict[str, Any] = json.loads(_filled(self.sent, ids)) if self.sent else {}
        if "file" in said:
            name, file = _FILES[said.pop("file")]
            said["files"] = {name: file}
        if "data" in said:
            said["data"] = {"token": token, **said["data"]}
        return said


def _filled(text: str, ids: Mapping[str, str]) -> str:
    return re.sub(r"\{(\w+)\}", lambda name: ids[name[1]], text)


def read(lines: list[str]) -> list[Row]:
    """The rows of a table."""
    assert lines[0] == HEADER
    return [_row(*line.split("\t")) for line in lines[1:]]


def _row(method: str, path: str, asks: str, good: str, rules: str, sent: str) -> Row:
    open_to = asks if asks in (OPEN, LOGIN) else ""
    rights = () if open_to else tuple(_ask(one) for one in asks.split(" + "))
    return Row(method, path, rights, open_to, frozenset(map(int, (good, *rules.split()))), sent)


def _ask(text: str) -> Ask:
    action, _, kind = text.partition("@")
    action, _, to_status = action.partition(">")
    return Ask(action, to_status or "-", kind)


TABLE = read((Path(__file__).parent / "operations.tsv").read_text("utf-8").splitlines())
