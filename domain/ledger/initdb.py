"""The data folder of an embedded server made by PostgreSQL's initdb, and the superuser's password."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from domain.ledger.cluster import Cluster, fsync_folder, make_folder, replace_file, work_in
from domain.ledger.flock import Flock
from domain.ledger.pgbin import ENVIRONMENT, Account, EmbeddedError

SUPERUSER = "dagbok_root"

Wait = Callable[[str], Iterator[None]]


def password(cluster: Cluster) -> str:
    """The superuser's password. It is on disk before initdb runs: a data folder without its password would be lost."""
    with contextlib.suppress(FileNotFoundError):
        return cluster.secret.read_text(encoding="ascii").strip()
    if cluster.made():
        raise EmbeddedError(
            f"the password file {cluster.secret} is missing",
            hint="bring it back from the backup of the data folder",
        )
    chosen = secrets.token_urlsafe(32)
    make_folder(cluster.secret.parent)
    replace_file(cluster.secret, f"{chosen}\n")
    return chosen


def make(cluster: Cluster, account: Account, chosen: str, programs: Path, server: Flock, wait: Wait) -> None:
    """Make the data folder, whole or not at all: initdb writes and fsyncs it under another name, then it is renamed.

    A crash leaves `pg.init-*` behind, for `sweep`. initdb inherits the server's lock: if this process is killed, the next
    start waits for the orphan instead of working beside it.
    """
    staging = Path(tempfile.mkdtemp(prefix=f"{cluster.data.name}.init-", dir=cluster.data.parent))
    inside = os.open(staging, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        _prepare(inside, account, chosen)
        command = [str(programs / "initdb"), "-D", work_in(staging / "data", account), "--pwfile=../password"]
        command += [f"--username={SUPERUSER}", "--auth-local=scram-sha-256", "--auth-host=scram-sha-256", "--encoding=UTF8"]
        command += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--data-checksums"]
        command += ["--no-instructions", "--set", "password_encryption=scram-sha-256", "--set", "listen_addresses="]
        _run(command, staging / "data", account, server, wait)
        os.fsync(inside)
        os.rename("data", cluster.data, src_dir_fd=inside)
    finally:
        os.close(inside)
    fsync_folder(cluster.data.parent)
    shutil.rmtree(staging)


def sweep(cluster: Cluster) -> None:
    """Remove what a killed `make` left, also one killed after the rename. Call only while no process of the cluster lives."""
    for leftover in cluster.data.parent.glob(f"{cluster.data.name}.init-*"):
        shutil.rmtree(leftover, ignore_errors=True)  # what resists is tried again at the next start


def _prepare(inside: int, account: Account, chosen: str) -> None:
    # through the descriptor: where root works in a weaker account's folder, that account could exchange the names
    os.mkdir("data", mode=0o700, dir_fd=inside)
    fresh = os.open("data", os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=inside)
    word = os.open("password", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=inside)
    try:
        os.write(word, f"{chosen}\n".encode("ascii"))
        for descriptor in (word, fresh, inside) if account.drop else ():
            os.fchown(descriptor, account.uid, account.gid)
    finally:
        os.close(word)
        os.close(fresh)


def _run(command: list[str], fresh: Path, account: Account, server: Flock, wait: Wait) -> None:
    with tempfile.TemporaryFile() as said:
        child = subprocess.Popen(  # noqa: S603
            command, cwd=fresh, env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=said, stderr=said,
            pass_fds=[server.fd], start_new_session=True, umask=0o077,
            user=account.uid if account.drop else None, group=account.gid if account.drop else None,
            extra_groups=[] if account.drop else None,
        )  # fmt: skip
        try:
            for _ in wait("making the database folder"):
                if child.poll() is not None:
                    break
        except BaseException:
            child.terminate()  # initdb removes what it wrote
            child.wait()
            raise
        if child.returncode != 0:
            said.seek(0)
            tail = said.read().decode(errors="replace").strip()[-2000:]
            raise EmbeddedError(
                f"the database folder could not be made:\n{tail}", hint=f"see to the room and rights of {fresh.parent.parent}"
            )
