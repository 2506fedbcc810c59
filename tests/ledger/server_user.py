"""Another process that uses an embedded server, and what a test needs to see of the processes behind it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from domain.ledger import postmaster

ROOT = Path(__file__).resolve().parent.parent.parent
PATIENCE_S = 60  # no measure: only so that a fault fails the test instead of hanging it

SCRIPT = """
import sys
from pathlib import Path
from domain.ledger import embedded

with embedded.start(Path(sys.argv[1])):
    print("up", flush=True)
    sys.stdin.readline()
"""


def until(true: Callable[[], bool]) -> None:
    """Wait for something that must come."""
    for _ in range(PATIENCE_S * 100):
        if true():
            return
        time.sleep(0.01)
    raise AssertionError("it did not come about")


def lives(pid: int) -> bool:
    """True while the process runs; one that only waits to be reaped does not."""
    return postmaster.process(pid) is not None


def gone(pid: int) -> None:
    """Wait until a process has ended: its files are closed, and so its locks free, a moment before it is no more."""
    until(lambda: not lives(pid))


def postmaster_pid(data_dir: Path) -> int:
    """The process id in the folder's postmaster.pid."""
    return int((data_dir / "postmaster.pid").read_text(encoding="utf-8").split("\n")[0])


class ServerUser:
    """A process that starts or joins the server, says so, and leaves when it is told to."""

    def __init__(self, data_dir: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", SCRIPT, str(data_dir)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def up(self) -> ServerUser:
        """Wait until it has the server."""
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"up\n"
        return self

    def leave(self) -> None:
        """Let it stop in good order."""
        assert self.process.stdin is not None
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()
        assert self.process.wait() == 0

    def kill(self) -> None:
        """End it at once, as `kill -9` does."""
        self.process.kill()
        self.process.wait()

    def __enter__(self) -> ServerUser:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        with self.process:
            if self.process.poll() is None:
                self.process.kill()


def copied(template: Path, data: Path) -> Path:
    """A copy of DATA with a data folder that no server uses; the path of its data folder. Cheaper than a new one each time."""
    subprocess.run(["cp", "-a", template, data], check=True)
    return data / "pg"


@contextmanager
def quick_folder() -> Iterator[Path]:
    """A folder that every account can pass through, in memory where there is room: what is killed here is processes, never the
    machine, so that nothing is learnt from waiting for a disk."""
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and shutil.disk_usage(memory).free > 1 << 30
    folder = Path(tempfile.mkdtemp(prefix="dagbok-test-", dir=memory if roomy else None))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def modes(*folders: Path) -> dict[Path, tuple[int, int, int]]:
    """Rights and owner of each path."""
    found = ((path, os.stat(path)) for path in folders)
    return {path: (state.st_mode, state.st_uid, state.st_gid) for path, state in found}
