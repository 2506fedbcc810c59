"""The files around an embedded server: its data folder made by initdb, its password, its private socket folder, its log.

    DATA/pg              the data folder, owned by the server's account, 0700
    DATA/pg.run/         gate, users, server: lock files; postmaster: who was started; start.log
    DATA/pg.init-*       a data folder being made; left only by a crash, removed by the next start
    DATA/secrets/postgres   the superuser's password, 0600
    TMP/dagbok-<hash>/   the socket, 0700; elsewhere because a socket's path holds about a hundred bytes

New folders are 0700 and get their parent's owner; the rights of what is there already are never touched.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from domain.ledger.flock import Flock
from domain.ledger.pgbin import MAJOR, Account, EmbeddedError, blocked_at, mend
from domain.ledger.postmaster import LINUX

PORT = 5432  # no TCP port is opened: PostgreSQL only names its socket so
SOCKET_PATH_LIMIT = 103  # bytes; sun_path on macOS, Linux has four more
LOGS_KEPT = 8


@dataclass(frozen=True, slots=True)
class Cluster:
    """The paths of one embedded server. The locks hang on the real folder, so that two names of it share them."""

    data: Path
    run: Path
    secret: Path

    @classmethod
    def at(cls, data_dir: Path) -> Cluster:
        """The paths that belong to a data folder, which need not exist."""
        named, real = data_dir.absolute(), data_dir.resolve()
        return cls(real, real.with_name(f"{real.name}.run"), named.parent / "secrets" / "postgres")

    @property
    def record(self) -> Path:
        """Where the process that was started is noted."""
        return self.run / "postmaster"

    def lock(self, name: str) -> Flock:
        """One of the lock files `gate`, `users`, `server`; those made new get the folder's owner."""
        path = self.run / name
        if not path.exists():
            with contextlib.suppress(FileExistsError):  # another process was quicker
                os.close(make_file(path))
        return Flock(path)

    def idle(self) -> bool:
        """True if no process that was started on this folder lives any more: neither postmaster, nor backend, nor initdb."""
        lock = self.lock("server")
        try:
            return lock.try_exclusive()
        finally:
            lock.release()

    def made(self) -> bool:
        """True if the data folder is there; EmbeddedError if something else stands in its place."""
        try:
            major = (self.data / "PG_VERSION").read_text(encoding="ascii").strip()
        except NotADirectoryError:
            raise EmbeddedError(f"{self.data} is not a folder", hint="choose another --data DIR") from None
        except FileNotFoundError:
            if self.data.exists() and any(self.data.iterdir()):
                raise EmbeddedError(
                    f"{self.data} is not a PostgreSQL folder, and not empty", hint="move it away, or choose another --data DIR"
                ) from None
            return False
        if major != str(MAJOR):
            raise EmbeddedError(
                f"{self.data} is of PostgreSQL {major}, this program brings {MAJOR}",
                hint="write it out with the program that made it (pg_dumpall) and load it into a new folder",
            )
        return True


def make_folder(path: Path) -> None:
    """Make a folder and its missing parents, each 0700 and of its parent's owner. One that is there is left as it is."""
    if path.is_dir():
        return
    make_folder(path.parent)
    with contextlib.suppress(FileExistsError):  # another process was quicker
        path.mkdir(mode=0o700)
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            _give_to_parents_owner(descriptor, path.parent)
        finally:
            os.close(descriptor)


def make_file(path: Path) -> int:
    """Make an empty file, 0600 and of its folder's owner, and open it for writing; FileExistsError if the name is taken.

    The owner is set through the descriptor: root works here in folders of weaker accounts, which could exchange the name.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    _give_to_parents_owner(descriptor, path.parent)
    return descriptor


def replace_file(path: Path, text: str) -> None:
    """Write a file whole or not at all: a reader, or a crash, meets the old one or the new one."""
    part = path.with_name(f"{path.name}.part")
    part.unlink(missing_ok=True)
    with os.fdopen(make_file(part), "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    part.rename(path)
    fsync_folder(path.parent)


def _give_to_parents_owner(descriptor: int, parent: Path) -> None:
    owner = parent.stat()
    sticky = owner.st_mode & stat.S_ISVTX  # a folder for all, such as /tmp: what is made there is the maker's
    if os.geteuid() == 0 and owner.st_uid != 0 and not sticky:
        os.fchown(descriptor, owner.st_uid, owner.st_gid)


def fsync_folder(path: Path) -> None:
    """Make the names in a folder last through a power cut."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def work_in(data_dir: Path, account: Account) -> str:
    """The value of `-D` for a process whose working folder is `data_dir`.

    A process that drops to another account is placed in the folder first and finds it through /proc, so that the folders
    above may stay closed to that account: DATA holds keys and documents that the server's account need not see.
    """
    return "/proc/self/cwd" if LINUX and account.drop else str(data_dir)


def check_reach(cluster: Cluster, account: Account) -> None:
    """EmbeddedError, with the command that mends it, where the account cannot reach the folder and `work_in` does not help."""
    if account.drop and not LINUX and blocked_at(cluster.data, account):
        raise EmbeddedError(f"the account {account.name} cannot reach {cluster.data}", hint=mend(cluster.data, account))


def socket_places(cluster: Cluster, chosen: str) -> list[Path]:
    """Where the socket's folder may be, best first.

    Its name hashes the password in: nobody can guess it and take the place, and a data folder that was deleted and made
    anew does not meet the socket of its forerunner.
    """
    digest = hashlib.sha256(f"{cluster.data}\0{chosen}".encode()).hexdigest()[:16]
    bases = dict.fromkeys((tempfile.gettempdir(), "/tmp"))  # noqa: S108  (the name is not guessable, the folder 0700)
    return [Path(base) / f"dagbok-{digest}" for base in bases]


def socket_folder(cluster: Cluster, chosen: str, account: Account) -> Path:
    """A private folder for the socket under the temporary directory, made if missing, without an earlier server's socket.

    Call only while no server of this cluster lives.
    """
    for folder in socket_places(cluster, chosen):
        if len(os.fsencode(folder / f".s.PGSQL.{PORT}")) > SOCKET_PATH_LIMIT or blocked_at(folder, account):
            continue
        with contextlib.suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        is_now = folder.lstat()
        if not stat.S_ISDIR(is_now.st_mode) or is_now.st_uid not in (account.uid, os.geteuid()):
            continue
        if account.drop:
            os.chown(folder, account.uid, account.gid, follow_symlinks=False)
        for name in (f".s.PGSQL.{PORT}", f".s.PGSQL.{PORT}.lock"):
            (folder / name).unlink(missing_ok=True)
        return folder
    raise EmbeddedError("no place for the server's socket", hint=f"set TMPDIR to a short path that {account.name} can reach")


def drop_socket_folder(*folders: Path) -> None:
    """Remove the folders that hold nothing, which a server that ended in good order leaves."""
    for folder in folders:
        with contextlib.suppress(OSError):
            folder.rmdir()


def log_tail(cluster: Cluster, limit: int = 3000) -> str:
    """The last of what the server wrote, at most `limit` characters."""
    texts = []
    for path in [cluster.run / "start.log", *_logs(cluster)[-1:]]:
        with contextlib.suppress(OSError), os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - limit))
            texts.append(file.read().decode(errors="replace"))
    return "".join(texts)[-limit:].strip()


def prune_logs(cluster: Cluster) -> None:
    """Keep the newest log files only; with their rotation at 10 MB this bounds the log. Called at each start and stop."""
    for path in _logs(cluster)[:-LOGS_KEPT]:
        path.unlink(missing_ok=True)


def _logs(cluster: Cluster) -> list[Path]:
    folder = cluster.data / "log"
    return [] if folder.is_symlink() else sorted(folder.glob("postgresql-*.log"))
