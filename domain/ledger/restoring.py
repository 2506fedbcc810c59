"""`dagbok restore`, the files: a backup is checked to the last byte, then put into a data folder that is empty.

The folder `pg` is put there last and by one rename, so that a restore which was cut off leaves no database that would start.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import msgspec

from domain.ledger import backup as made
from domain.ledger import durable
from domain.ledger.backup import FORMAT, Manifest, digest_of, files_of
from domain.ledger.cluster import make_folder
from domain.ledger.faults import LedgerError
from domain.ledger.pgbin import MAJOR, account_for

SHOWN = 20
LINE_LIMIT = 1 << 16


class BadBackup(LedgerError):
    """The backup is not what its manifest says. Nothing was restored."""

    code = "restore.backup"


def read_manifest(folder: Path) -> Manifest:
    """A backup's manifest. Raises BadBackup."""
    try:
        manifest = msgspec.json.decode((folder / "manifest.json").read_bytes(), type=Manifest)
    except FileNotFoundError:
        raise BadBackup(f"{folder} is no backup: it has no manifest.json") from None
    except msgspec.MsgspecError as problem:
        raise BadBackup(f"the manifest of {folder} cannot be read: {problem}") from problem
    if manifest.sha256 != manifest.digest():
        raise BadBackup(f"the manifest of {folder} has changed")
    if manifest.format != FORMAT:
        raise BadBackup(f"the backup is of the form {manifest.format}, and this program reads {FORMAT}")
    return manifest


def check(folder: Path) -> Manifest:
    """Hold every file against the list: absent, changed and further ones are named. Raises BadBackup."""
    manifest = read_manifest(folder)
    listing = folder / "files"
    if not listing.is_file() or made.digest_of(listing) != manifest.list_sha256:
        raise BadBackup("the list of files is not the one that the manifest was made with")
    there = iter(files_of(folder))
    at = next(there, None)
    wrong: list[str] = []
    with listing.open("rb") as lines:
        while line := lines.readline(LINE_LIMIT):
            checksum, size, name = line.decode().rstrip("\n").split(" ", 2)
            while at is not None and _before(at, name):
                wrong.append(f"{at} is not in the list")
                at = next(there, None)
            if at != name:
                wrong.append(f"{name} is absent")
                continue
            at = next(there, None)
            path = folder / name
            if path.stat().st_size != int(size) or digest_of(path) != checksum:
                wrong.append(f"{name} has changed")
    wrong += [f"{name} is not in the list" for name in ([at] if at is not None else []) + list(there)]
    if wrong:
        more = f", and {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else ""
        raise BadBackup("; ".join(wrong[:SHOWN]) + more)
    return manifest


def _before(one: str, other: str) -> bool:
    return Path(one) < Path(other)


def unpack(folder: Path, data: Path, with_database: bool = True) -> Manifest:
    """Put a backup into `data`, which must not be there or be empty. with_database: False where a server of one's own has it.

    Raises BadBackup, LedgerError where the folder is in use or the database is of another version than the embedded server.
    """
    if data.exists() and any(data.iterdir()):
        raise LedgerError(f"{data} is not empty", hint="Move it away, or name another folder: nothing is restored over anything.")
    manifest = check(folder)
    if with_database and manifest.postgresql // 10_000 != MAJOR:
        raise LedgerError(
            f"the backup is of PostgreSQL {manifest.postgresql // 10_000}, this program brings {MAJOR}",
            hint="Start the folder `pg` of the backup with a server of that version, and give --database.",
        )
    make_folder(data)
    for name in ("blobs", "secrets"):
        if (folder / name).is_dir():
            shutil.copytree(folder / name, data / name)
    if with_database:
        account = account_for(data / "pg")
        draft = data / "pg.restored"
        shutil.copytree(folder / "pg", draft)
        if account.drop:
            for path in [draft, *draft.rglob("*")]:
                os.chown(path, account.uid, account.gid, follow_symlinks=False)
        os.sync()  # a restore is rare, and the base backup has thousands of files
        draft.rename(data / "pg")
    durable.sync_folder(data)
    return manifest
