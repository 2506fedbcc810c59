"""A process that adds one document with its file, and dies where it is told: `python -m tests.attack.killing JSON`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from domain.handlers import documents
from domain.handlers.documents import AddDocument, GivenObject
from domain.handlers.metadata import Metadata
from domain.handlers.work import Context, Outcome, run
from domain.ledger.blobs import Folder
from domain.ledger.clock import SystemClock
from domain.ledger.keys import Keys
from domain.ledger.ledger import Ledger
from domain.ledger.reader import Reader
from domain.ledger.writer import Writer
from tests.attack.filelayer import Judged, allows, killing_at
from tests.fixtures_ledger import ARCHIVIST

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Errand:
    """What the process is to do. at: the file call at which it dies, 0 for none; after: after that call, not before it."""

    tenant: str
    writer: str
    reader: str
    data: str
    entry: str
    title: str
    at: int = 0
    after: bool = False

    @property
    def said(self) -> Path:
        """Where the process writes what it did: the last line is the acknowledgement."""
        return Path(self.data) / f"{self.title}.said"

    def start(self) -> subprocess.Popen[bytes]:
        """Begin it in a process of its own."""
        command = [sys.executable, "-m", "tests.attack.killing", json.dumps(asdict(self))]
        with self.said.with_suffix(".errors").open("wb") as errors:  # kept: what it says where it is not the kill that ends it
            return subprocess.Popen(command, cwd=ROOT, stderr=errors)

    def acknowledged(self) -> int | None:
        """The position that the caller was told; None where he was told nothing."""
        lines = self.said.read_text().split("\n") if self.said.exists() else []
        return int(lines[0]) if len(lines) > 1 else None

    def calls(self) -> list[str]:
        """The file calls of a process that came to its end."""
        return self.said.read_text().split("\n")[1].split(",")

    def again(self) -> Errand:
        """The same errand, to be done to its end."""
        return replace(self, at=0)


def add(ledger: Ledger, entry: uuid.UUID, title: str) -> Outcome[uuid.UUID]:
    """Store a file, then add the document that names it: the title is the idempotency key."""
    content = f"{title}, in full.".encode()
    stored = ledger.blobs.put(uuid.uuid4(), [content[:5], content[5:]])
    command = AddDocument(uuid.uuid4(), entry, Metadata(title=title), objects=(GivenObject(stored, f"{title}.txt"),))
    return run(ledger, Context(ARCHIVIST, idempotency_key=title), (entry,), lambda work: documents.add(work, command))


def main(errand: Errand) -> None:
    """Open, add, say so."""
    disk = Judged(killing_at(errand.at, errand.after) if errand.at else allows)
    clock, data = SystemClock(), Path(errand.data)
    writer, reader = Writer(errand.writer, errand.tenant, clock), Reader(errand.reader, errand.tenant, size=1)
    blobs = Folder(data / "blobs" / errand.tenant, disk)
    ledger = Ledger(errand.tenant, writer, reader, clock, Keys(data / "secrets", disk), blobs)
    appended = add(ledger, uuid.UUID(errand.entry), errand.title).appended
    assert appended is not None
    with errand.said.open("w") as file:
        file.write(f"{appended.receipt.position}\n")
        file.flush()
        os.fsync(file.fileno())
        file.write(",".join(disk.calls))
    ledger.close()


if __name__ == "__main__":
    main(Errand(**json.loads(sys.argv[1])))
