"""Messages from files: each a message by itself, or a folder with a message and the files that it names."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from api.fiks_arkiv import answers, service
from api.fiks_arkiv.answers import Answer
from api.fiks_arkiv.message_types import REQUESTS
from api.fiks_arkiv.xml import MAX_BYTES
from api.installation import Tenant
from domain.handlers.gate import Actor
from domain.ledger.blobs import CHUNK, Stored, discard
from domain.ledger.identity import new_id
from domain.model.errors import DagbokError, Refused

PAYLOADS = frozenset(request.payload for request in REQUESTS.values())
"""What a payload may be called."""
DESCRIPTION = "testInformation.json"
"""The publisher's own description of a case: no part of the message."""


@dataclass(frozen=True, slots=True)
class Case:
    """One message on disk. payload: None where a folder holds no message, or more than one file that could be it."""

    name: str
    payload: Path | None
    files: tuple[Path, ...] = ()


def import_paths(
    tenant: Tenant,
    actor: Actor,
    paths: Sequence[Path],
    answers_dir: Path | None = None,
    report: Callable[[str], None] | None = None,
) -> int:
    """Carry out the messages in order. Returns how many were refused.

    paths: messages, folders of a message, or folders of such folders. answers_dir: gets `<case>/<n>-<message type>.xml`, an empty
    file for an empty answer and `.bin` for a file. report: takes one line a message, by default to standard output.
    Raises DagbokError for a path that is not there, OSError.
    """
    say = report or _say
    refused = 0
    taken: set[str] = set()
    for case in (one for path in paths for one in cases(path)):
        given = _send(tenant, actor, case)
        name = _free(case.name, taken)
        if answers_dir is not None:
            _write(answers_dir / name, given)
        fault = next((one for one in given if one.type in answers.FAULTS), None)
        refused += fault is not None
        say(f"{name}: {_said(given, fault)}")
    return refused


def cases(path: Path) -> Iterator[Case]:
    """The messages under a path, by name. DagbokError where there is nothing."""
    if not path.exists():
        raise DagbokError(
            f"{path} is not there", hint="Give a message file, a folder with a message, or a folder of such folders."
        )
    if path.is_file():
        yield Case(path.stem, path)
        return
    inside = sorted(path.iterdir())
    files = [one for one in inside if one.is_file() and one.name != DESCRIPTION and not one.name.startswith(".")]
    folders = [one for one in inside if one.is_dir()]
    if not files and folders:
        for folder in folders:
            yield from cases(folder)
        return
    candidates = [one for one in files if one.name in PAYLOADS] or [one for one in files if one.suffix.lower() == ".xml"]
    payload = candidates[0] if len(candidates) == 1 else None
    yield Case(path.name or path.resolve().name, payload, tuple(one for one in files if one != payload))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def _send(tenant: Tenant, actor: Actor, case: Case) -> list[Answer]:
    if case.payload is None:
        return [answers.invalid("The folder must hold exactly one message (XML) beside the files that it names.")]
    with case.payload.open("rb") as file:
        payload = file.read(MAX_BYTES + 1)
    stored: dict[str, Stored] = {}
    try:
        for path in case.files:
            stored[path.name] = tenant.ledger.blobs.put(new_id(), _chunks(path))
    except BaseException as problem:
        for one in stored.values():
            discard(tenant.ledger.blobs, one.object_id)
        if isinstance(problem, Refused):
            return [answers.invalid(answers.told(problem))]
        raise
    return service.handle(tenant, payload, stored, actor=actor)


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk


def _free(name: str, taken: set[str]) -> str:
    """The case's name, or with a number behind it where another case of the run has it."""
    number, free = 2, name
    while free in taken:
        number, free = number + 1, f"{name}-{number}"
    taken.add(free)
    return free


def _write(folder: Path, given: Sequence[Answer]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number, one in enumerate(given, 1):
        suffix = "bin" if one.type.endswith("dokumentfil.hent.resultat") else "xml"
        (folder / f"{number}-{one.type}.{suffix}").write_bytes(one.payload or b"")


def _said(given: Sequence[Answer], fault: Answer | None) -> str:
    words = ", ".join(one.type.rpartition("v1.")[2] for one in given)
    return f"{words}: {answers.reason(fault)}" if fault is not None else words
