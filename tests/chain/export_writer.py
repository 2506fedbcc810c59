"""Writes export folders from events in memory, so that the checker is tested against bytes made without the ledger."""

import json
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from domain import chain

CHAIN_ID = "aure.kommune.no/record/1"
CREATED, OBJECT = "case-file.created.v1", "document.object-added.v1"
DISCLOSED = (chain.OPENED_TOPIC, chain.INTRODUCED_TOPIC, chain.DISPOSAL_TOPIC)
START_US = 1_767_225_600_000_000


def key_of(seed: str) -> Ed25519PrivateKey:
    """A key that is the same in every run."""
    return Ed25519PrivateKey.from_private_bytes(sha256(seed.encode()).digest())


KEY = key_of("the chain's key")


@dataclass(frozen=True)
class Event:
    """A fact as it goes into an entry; ``erased``: its body is no longer there."""

    stream: bytes
    version: int
    topic: str
    meta: bytes
    body: bytes = b""
    recorded_at_us: int = START_US
    erased: bool = False


def meta_of(**fact: Any) -> bytes:
    """Meta bytes with an empty envelope."""
    return json.dumps({"e": {}, "f": fact}, separators=(",", ":"), ensure_ascii=False).encode()


def stream_of(name: str) -> bytes:
    """An originator id by name."""
    return uuid.uuid5(uuid.NAMESPACE_URL, name).bytes


def sample(cases: int, disposed: Sequence[tuple[int, int]] = (), chain_id: str = CHAIN_ID) -> list[Event]:
    """A chain of 5 facts, ``cases`` case facts in streams of three, and a disposal fact where there is something disposed."""
    log = stream_of("the chain")
    events = [Event(log, 1, chain.OPENED_TOPIC, meta_of(chain_id=chain_id, kind="record", number=1, vkey="", predecessors=[]))]
    for topic in (CREATED, OBJECT, chain.DISPOSAL_TOPIC):
        body_schema = {"body_schema": '{"title": "body"}'} if topic == CREATED else {}
        meta = meta_of(topic=topic, schema=f'{{"title": "{topic}"}}', **body_schema)
        events.append(Event(log, len(events) + 1, chain.INTRODUCED_TOPIC, meta))
    data = blob_of(0)
    meta = meta_of(object_id=str(uuid.UUID(int=7)), size=len(data), checksum=sha256(data).hexdigest(), algorithm="SHA-256")
    events.append(Event(stream_of("a document"), 1, OBJECT, meta, b'{"file_name":"brev.pdf"}'))
    for number in range(cases):
        body = f'{{"title":"Sak {number} – søknad"}}'.encode()
        at = START_US + 1000 * (number // 2)
        events.append(
            Event(stream_of(f"case {number // 3}"), number % 3 + 1, CREATED, meta_of(year=2026, number=number), body, at)
        )
    if disposed:
        gone = {position for first, last in disposed for position in range(first, last + 1)}
        events = [replace(event, erased=position in gone) for position, event in enumerate(events, 1)]
        meta = meta_of(decision="2026/1", positions=[list(run) for run in disposed], parts=["body"])
        events.append(Event(log, 5, chain.DISPOSAL_TOPIC, meta, recorded_at_us=events[-1].recorded_at_us))
    return events


def blob_of(number: int) -> bytes:
    """A document's file."""
    return b"%PDF-1.7 " + str(number).encode() * 40


def salts(position: int) -> tuple[bytes, bytes]:
    """Salts of the two parts; random in life, fixed here."""
    return sha256(b"meta%d" % position).digest(), sha256(b"body%d" % position).digest()


def entries_of(events: Sequence[Event], chain_id: str = CHAIN_ID) -> list[bytes]:
    """Entries with the commitments of the events' parts."""
    entries = []
    for position, event in enumerate(events, 1):
        meta_salt, body_salt = salts(position)
        commits = chain.meta_commit(meta_salt, event.meta), chain.body_commit(body_salt, event.body)
        entry = chain.Entry(chain_id, position, event.recorded_at_us, event.stream, event.version, event.topic, *commits)
        entries.append(chain.encode_entry(entry))
    return entries


def sign(text: str, name: str = CHAIN_ID, key: Ed25519PrivateKey = KEY) -> str:
    """A signed note of ``text``."""
    key_id = chain.key_id(name, chain.ED25519, key.public_key().public_bytes_raw())
    return chain.format_note(chain.Note(text, (chain.Signature(name, key_id, key.sign(text.encode())),)))


def checkpoint_of(entries: Sequence[bytes], chain_id: str = CHAIN_ID, key: Ed25519PrivateKey = KEY) -> str:
    """The signed checkpoint over these entries."""
    tree = chain.Frontier.empty().extend(map(chain.leaf_hash, entries))
    return sign(chain.Checkpoint(chain_id, tree.size, tree.root()).text(), chain_id, key)


def vkey_of(key: Ed25519PrivateKey = KEY, name: str = CHAIN_ID) -> str:
    """The key's one line."""
    return chain.vkey(name, chain.ED25519, key.public_key().public_bytes_raw())


def payload_lines(events: Sequence[Event], entries: Sequence[bytes]) -> list[bytes]:
    """The JSON line of each event."""
    lines = []
    for position, (event, data) in enumerate(zip(events, entries, strict=True), 1):
        entry, (meta_salt, body_salt) = chain.decode_entry(data), salts(position)
        body = (None, None) if event.erased else (body_salt, event.body)
        commits = entry.meta_commit, entry.body_commit
        lines.append(chain.payload_line(position, event.topic.encode(), meta_salt, event.meta, *body, *commits))
    return lines


def export_files(
    events: Sequence[Event], *, payloads: bool = True, chain_id: str = CHAIN_ID, key: Ed25519PrivateKey = KEY
) -> dict[str, bytes]:
    """Every file of the export by its path."""
    entries = entries_of(events, chain_id)
    lines = payload_lines(events, entries)
    files = {"checkpoint": checkpoint_of(entries, chain_id, key).encode(), "vkey": (vkey_of(key, chain_id) + "\n").encode()}
    files["disclosed.jsonl"] = b"".join(line for line, event in zip(lines, events, strict=True) if event.topic in DISCLOSED)
    files |= dict(_tiles(entries)) | dict(_schemas(events))
    if payloads:
        for index in range((len(events) + 255) // 256):
            files[chain.payload_path(index)] = b"".join(lines[256 * index : 256 * index + 256])
        objects = [json.loads(event.meta)["f"]["object_id"] for event in events if event.topic == OBJECT]
        files |= {f"blob/{name}": blob_of(number) for number, name in enumerate(objects)}
    return files


def _tiles(entries: Sequence[bytes]) -> Iterator[tuple[str, bytes]]:
    node = chain.memory_nodes([chain.leaf_hash(entry) for entry in entries])
    for level, index, width in chain.tile_widths(len(entries)):
        first = 256 * index
        yield chain.tile_path(level, index, width), b"".join(node(8 * level, first + at) for at in range(width))
        if level == 0:
            bundle = entries[first : first + width]
            yield chain.entries_path(index, width), b"".join(len(one).to_bytes(2, "big") + one for one in bundle)


def _schemas(events: Sequence[Event]) -> Iterator[tuple[str, bytes]]:
    for event in events:
        if event.topic == chain.INTRODUCED_TOPIC:
            fact = json.loads(event.meta)["f"]
            yield f"schema/{fact['topic']}.json", fact["schema"].encode()
            if "body_schema" in fact:
                yield f"schema/{fact['topic']}.body.json", fact["body_schema"].encode()


def write(folder: Path, files: dict[str, bytes]) -> Path:
    """Put the files into a new folder."""
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return folder
