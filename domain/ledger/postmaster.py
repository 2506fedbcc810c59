"""Which process is the postmaster of a data folder, told so surely that it may be signalled.

A process id proves nothing: it is re-used, and `postmaster.pid` outlives a crash. A process is believed to be the
postmaster of a folder only if it is alive, works in exactly that folder (device and inode of its working directory;
on systems without /proc its command line), and started when the one we know of started. Our own starts are noted in a
record (process id and start, by the kernel's own count, which setting the clock does not change) before the program
begins; of a server that other hands started the start is compared with the one in `postmaster.pid`, and the program's name.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

START_TOLERANCE_S = 2.0
LINUX = sys.platform.startswith("linux")


@dataclass(frozen=True, slots=True)
class PidFile:
    """What `postmaster.pid` says. started: seconds since 1970; status: starting, stopping, ready or standby."""

    pid: int
    started: float
    port: int
    socket_dir: Path
    status: str


@dataclass(frozen=True, slots=True)
class Process:
    """A live process. token: its start, equal for the same process only; started: the same in seconds since 1970."""

    token: str
    started: float
    command: str


def read_pid_file(data_dir: Path) -> PidFile | None:
    """The folder's `postmaster.pid`, or None while it is missing or not written to its end."""
    try:
        lines = (data_dir / "postmaster.pid").read_text(encoding="utf-8", errors="replace").split("\n")
        return PidFile(int(lines[0]), float(lines[2]), int(lines[3]), Path(lines[4]), lines[7].strip())
    except (OSError, ValueError, IndexError):
        return None


def process(pid: int) -> Process | None:
    """The live process of that id; None if there is none or it has ended and only waits to be reaped."""
    if pid <= 1:
        return None
    return _from_proc(pid) if LINUX else _from_ps(pid)


def _from_proc(pid: int) -> Process | None:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        boot_id = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        booted = next(line for line in Path("/proc/stat").read_text(encoding="ascii").splitlines() if line.startswith("btime"))
        command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return None
    if fields[0] in "ZX":
        return None
    started = float(booted.split()[1]) + int(fields[19]) / os.sysconf("SC_CLK_TCK")
    return Process(f"{boot_id} {fields[19]}", started, command)


def _from_ps(pid: int) -> Process | None:
    environment = {"PATH": "/bin:/usr/bin", "LC_ALL": "C", "TZ": "UTC"}
    asked = ["ps", "-o", "stat=,lstart=,command=", "-p", str(pid)]
    shown = subprocess.run(asked, env=environment, capture_output=True, text=True, check=False).stdout.strip()  # noqa: S603
    state, _, rest = shown.partition(" ")
    if not rest or state.startswith("Z"):
        return None
    rest = rest.strip()
    lstart, command = rest[:24], rest[24:].strip()  # "Sat Nov 22 14:51:07 2025"
    started = datetime.strptime(lstart, "%a %b %d %H:%M:%S %Y").replace(tzinfo=UTC)
    return Process(lstart, started.timestamp(), command)


def note(pid: int) -> str:
    """The text of the record that says that `pid` is being made the postmaster."""
    found = process(pid)
    return f"{pid}\n{found.token if found else ''}\n"


def find(data_dir: Path, record: Path) -> int | None:
    """The process id of this folder's postmaster, also of one still beginning to run; None if none is sure to be it."""
    pid_file = read_pid_file(data_dir)
    noted_pid, noted_token = _read_note(record)
    for pid in (pid_file.pid if pid_file else 0, noted_pid):
        found = process(pid)
        if found is None or not _works_in(pid, found, data_dir):
            continue
        if pid == noted_pid and found.token == noted_token:
            return pid
        # started by other hands, for example with pg_ctl
        if (
            pid_file
            and pid == pid_file.pid
            and abs(found.started - pid_file.started) <= START_TOLERANCE_S
            and _is_postgres(found)
        ):
            return pid
    return None


def _read_note(record: Path) -> tuple[int, str]:
    try:
        pid, token = record.read_text(encoding="ascii").splitlines()
        return int(pid), token
    except (OSError, ValueError):
        return 0, ""


def _works_in(pid: int, found: Process, data_dir: Path) -> bool:
    if not LINUX:
        return f" -D {data_dir} " in f"{found.command} "
    try:
        here, there = os.stat(f"/proc/{pid}/cwd"), os.stat(data_dir)
    except OSError:
        return False
    return (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino)


def _is_postgres(found: Process) -> bool:
    # the postmaster keeps its command line; its children write "postgres: <role>" over theirs
    return os.path.basename(found.command.split(" ")[0]) == "postgres"


def signal_it(data_dir: Path, record: Path, number: signal.Signals) -> bool:
    """Send a signal to the folder's postmaster; False if no process is sure to be it.

    Where the kernel has process descriptors the check and the signal concern the same process, whatever ends between them.
    """
    pid = find(data_dir, record)
    if pid is None:
        return False
    try:
        with _pinned(pid) as descriptor:
            if find(data_dir, record) != pid:
                return False
            if descriptor is None:
                os.kill(pid, number)
            else:
                signal.pidfd_send_signal(descriptor, number)
    except ProcessLookupError:
        return False
    return True


@contextmanager
def _pinned(pid: int) -> Iterator[int | None]:
    if not hasattr(os, "pidfd_open"):
        yield None
        return
    try:
        descriptor = os.pidfd_open(pid)
    except PermissionError:  # a container that forbids the call
        yield None
        return
    try:
        yield descriptor
    finally:
        os.close(descriptor)
