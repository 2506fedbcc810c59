"""`dagbok backup`: the database by PostgreSQL's own pg_basebackup, the documents' files, the secrets, and a list of all bytes.

    pg/               the base backup, with the WAL that makes it whole
    blobs/<tenant>/   the documents' files, copied after the database: no event without its file
    secrets/          role passwords and keys of claims: without them the database cannot be opened
    files             one line a file: SHA-256, size, path
    manifest.json     when, of what, where each chain stood, and the SHA-256 of `files`

Never the signer's folder: its memory of what was signed is what tells how much a restored backup has lost (CONTRACT §3). The
folder appears whole or not at all.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from datetime import datetime
from hashlib import file_digest, sha256
from pathlib import Path

import msgspec
import psycopg
from psycopg import conninfo, sql

from domain import catalogue
from domain.ledger import durable, tenants
from domain.ledger.faults import LedgerError
from domain.ledger.pgbin import ENVIRONMENT, binaries

FORMAT = "dagbok/backup/v1"
SAID_LIMIT = 2_000


class ChainHead(msgspec.Struct, forbid_unknown_fields=True):
    """Where a chain stood when the backup began; it may reach further. checkpoint: the latest kept, or empty."""

    chain_id: str
    position: int
    chain_hash: str
    checkpoint: str


class Manifest(msgspec.Struct, forbid_unknown_fields=True):
    """What a backup holds. made: instant; postgresql: server version number; size: bytes; list_sha256: of the file `files`;
    sha256: of this manifest with that field empty: a bit that fell over is seen; against a forger stands the chain."""

    format: str
    made: str
    postgresql: int
    tenants: dict[str, list[ChainHead]]
    files: int
    size: int
    list_sha256: str
    sha256: str = ""

    def digest(self) -> str:
        """What `sha256` must be."""
        return sha256(msgspec.json.encode(msgspec.structs.replace(self, sha256=""))).hexdigest()


def backup(folder: Path, dsn: str, data: Path, moment: datetime) -> Manifest:
    """Write a backup into a new folder while the ledger is at work. dsn: of a user who may replicate (the owner's).

    Raises LedgerError where the folder exists or pg_basebackup cannot do it, with its own words.
    """
    if folder.exists():
        raise LedgerError(f"{folder} exists already", hint="Name a folder that is not there yet.")
    draft = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700, parents=True)
    try:
        version, heads = _heads(dsn)
        _copy_database(draft / "pg", dsn)
        for name in ("blobs", "secrets"):
            if (data / name).is_dir():
                shutil.copytree(data / name, draft / name, ignore=shutil.ignore_patterns("*.part", ".*"), symlinks=True)
        manifest = _list(draft, catalogue.instant(moment), version, heads)
        for root, _, names in os.walk(draft, topdown=False):
            for name in names:
                _flush(Path(root) / name)
            _flush(Path(root))
        draft.rename(folder)
        durable.sync_folder(folder.parent)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    return manifest


def _heads(dsn: str) -> tuple[int, dict[str, list[ChainHead]]]:
    found: dict[str, list[ChainHead]] = {}
    with psycopg.connect(dsn, autocommit=True) as connection:
        names = connection.execute(
            "select n.nspname from pg_namespace n join pg_class c on c.relnamespace = n.oid where c.relname = 'ledger_chain'"
        ).fetchall()
        for (name,) in names:
            found[str(name)] = [_head(connection, one) for one in tenants.chains(connection, str(name))]
        return connection.info.server_version, found


def _head(connection: psycopg.Connection, one: tenants.Chain) -> ChainHead:
    query = sql.SQL("select position, chain_hash, (select note from {} order by size desc limit 1) from {}").format(
        sql.Identifier(one.schema, "ledger_checkpoint"), sql.Identifier(one.schema, "ledger_head")
    )
    row = connection.execute(query).fetchone()
    assert row is not None
    return ChainHead(one.chain_id, int(row[0]), bytes(row[1]).hex(), str(row[2] or ""))


def _copy_database(place: Path, dsn: str) -> None:
    """The password goes by the environment: a command line can be read by everybody on the machine."""
    known = conninfo.conninfo_to_dict(dsn)
    password = str(known.pop("password", "") or "")
    known.pop("dbname", None)
    command = [str(binaries() / "pg_basebackup"), "--dbname", conninfo.make_conninfo("", **known), "--pgdata", str(place)]
    command += ["--wal-method=stream", "--checkpoint=fast", "--manifest-checksums=SHA256", "--no-password"]
    environment: Mapping[str, str] = {**ENVIRONMENT, **({"PGPASSWORD": password} if password else {})}
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    if ran.returncode != 0:
        raise LedgerError(
            f"the database could not be copied: {ran.stderr.strip()[-SAID_LIMIT:]}",
            hint="The user must be allowed to replicate: a superuser, or `alter role NAME replication` and a line in pg_hba.",
        )


def _list(draft: Path, made: str, version: int, heads: dict[str, list[ChainHead]]) -> Manifest:
    count, size, digest = 0, 0, sha256()
    with (draft / "files").open("wb") as listed:
        for path in files_of(draft):
            line = f"{digest_of(draft / path)} {(draft / path).stat().st_size} {path}\n".encode()
            listed.write(line)
            digest.update(line)
            count, size = count + 1, size + (draft / path).stat().st_size
    manifest = Manifest(FORMAT, made, version, heads, count, size, digest.hexdigest())
    manifest.sha256 = manifest.digest()
    (draft / "manifest.json").write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n")
    return manifest


def files_of(folder: Path) -> Iterator[str]:
    """Paths of the files of a backup that its list names, in the order of their parts. Memory: one folder's names a level."""
    yield from (name for name in _walk(folder, "") if name not in ("files", "manifest.json"))


def _walk(folder: Path, prefix: str) -> Iterator[str]:
    for entry in sorted(os.scandir(folder), key=lambda one: one.name):
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(Path(entry.path), f"{prefix}{entry.name}/")
        else:
            yield f"{prefix}{entry.name}"


def digest_of(path: Path) -> str:
    """SHA-256 (hex) of a file."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
