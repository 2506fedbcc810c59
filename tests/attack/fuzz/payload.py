"""What an export says of a fact: its payload line, its meta and body, a disposal's list: right, ChainError or UnknownFact."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

from domain import catalogue, chain
from tools.export_facts import check_line

MAX_LENGTH = 4_096
TOPICS = sorted(catalogue.TOPICS.values())
GOLDEN = Path(__file__).parents[2] / "events"
META, BODY = b'{"e":{},"f":{}}', b'{"title":"Naust"}'
COMMITTED = (7, b"record.titled.v1", chain.meta_commit(bytes(32), META), chain.body_commit(bytes(32), BODY))
LINE = chain.payload_line(*COMMITTED[:2], bytes(32), META, bytes(32), BODY, *COMMITTED[2:])
DISPOSED = chain.payload_line(*COMMITTED[:2], bytes(32), META, None, None, *COMMITTED[2:])


def seeds(reference: Path | None) -> list[bytes]:
    """The line, the golden bytes of every fact behind the number of its topic, and a disposal."""
    del reference
    made = [b"\0" + LINE, b"\1" + b'{"e":{},"f":{"decision":"7","positions":[[1,2],[5,5]],"parts":["body","blob"]}}']
    for path in sorted(GOLDEN.glob("*.json")):
        for known in json.loads(path.read_text(encoding="utf-8")).values():
            meta, body = str(known["meta"]).encode(), str(known["body"] or "").encode()
            made.append(bytes((2, TOPICS.index(path.stem))) + len(meta).to_bytes(2, "big") + meta + body)
    return made


def one(data: bytes) -> None:
    """The first byte says as what the rest is read."""
    kind, rest = data[:1], data[1:]
    if kind == b"\0":
        try:
            check_line(rest, COMMITTED)
            assert rest in (LINE, DISPOSED)
        except chain.ChainError:
            pass
    elif kind == b"\1":
        try:
            runs = list(chain.disposed_positions(rest))
            assert all(0 < run.start < run.stop for run in runs)
        except chain.ChainError:
            pass
    elif len(rest) > 2:
        end = 3 + int.from_bytes(rest[1:3], "big")
        topic = TOPICS[rest[0] % len(TOPICS)]
        with suppress(catalogue.UnknownFact):
            catalogue.check(topic, rest[3:end], rest[end:] or None)
