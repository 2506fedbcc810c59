"""How the embedded server is started: its settings and the one process that becomes the postmaster.

Settings go on the command line, where neither postgresql.conf nor ALTER SYSTEM overrides them.
"""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Mapping
from pathlib import Path

from domain.ledger import postmaster
from domain.ledger.cluster import PORT, Cluster, make_file, replace_file, work_in
from domain.ledger.flock import Flock
from domain.ledger.pgbin import ENVIRONMENT, Account

SETTINGS: Mapping[str, str] = {
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "wal_level": "replica",
    "max_connections": "200",
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    "logging_collector": "on",
    "log_destination": "stderr",
    "log_directory": "log",
    "log_filename": "postgresql-%Y%m%d-%H%M%S.log",
    "log_rotation_size": "10MB",
    "log_rotation_age": "1d",
    "log_file_mode": "0600",
    "log_checkpoints": "off",
    # a statement or the detail of an error can quote a record: the log is not a second archive
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
}
# where the server is found and who gets in: these are not the caller's
FIXED = frozenset(
    ("listen_addresses", "port", "unix_socket_directories", "unix_socket_permissions", "data_directory", "hba_file")
)


def listening(socket_dir: Path) -> dict[str, str]:
    """The settings that let the server listen on a socket in this folder and nowhere else."""
    return {
        "listen_addresses": "",
        "port": str(PORT),
        "unix_socket_directories": f'"{socket_dir}"',
        "unix_socket_permissions": "0700",
    }


def launch(
    cluster: Cluster, account: Account, programs: Path, settings: Mapping[str, str], lock: Flock
) -> subprocess.Popen[bytes]:
    """Start a postmaster that inherits the lock `server`, noted on record before it runs. The caller has seen that none lives.

    It has a session of its own, so that an interrupt typed at a terminal does not reach it, and writes to no terminal.
    """
    # the lock says that no process of ours lives, `find` that no other postmaster works here: a crash left the file
    (cluster.data / "postmaster.pid").unlink(missing_ok=True)
    command = [str(programs / "postgres"), "-D", work_in(cluster.data, account)]
    for name, value in settings.items():
        command += ["-c", f"{name}={value}"]
    # The shell waits until its process id is on record and becomes the server then: no server ever runs that the
    # next user could not identify. If this process dies first, the shell reads the end of its input and goes away.
    script = 'read -r go && exec "$@" </dev/null'
    (cluster.run / "start.log").unlink(missing_ok=True)
    with open(make_file(cluster.run / "start.log"), "wb") as log:
        child = subprocess.Popen(  # noqa: S603
            ["/bin/sh", "-c", script, "sh", *command], cwd=cluster.data, env=ENVIRONMENT,
            stdin=subprocess.PIPE, stdout=log, stderr=log, pass_fds=[lock.fd], start_new_session=True, umask=0o077,
            user=account.uid if account.drop else None, group=account.gid if account.drop else None,
            extra_groups=[] if account.drop else None,
        )  # fmt: skip
    assert child.stdin is not None
    with child.stdin as go, contextlib.suppress(BrokenPipeError):
        replace_file(cluster.record, postmaster.note(child.pid))
        go.write(b"go\n")
        go.flush()
    return child
