"""The demo municipality that the browsers visit: made once a run, by whichever worker comes first, and served from copies."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
needs_chromium = pytest.mark.program("chromium|chromium-browser|google-chrome")
QUIET = ["--no-sandbox", "--disable-quic", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
DESK, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
NOW = "2026-11-23"
PORT = 8900


def made(shared: Path) -> Path:
    """The data folder of a small demo municipality that nobody serves. shared: a folder that all workers of the run see."""
    folder = shared / "demo" / "data"
    shared.mkdir(parents=True, exist_ok=True)
    with (shared / "demo.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "demo-is-made").exists():
            size = os.environ.get("DAGBOK_PICTURES_SIZE", "0.03")
            subprocess.run([*demo(folder), "--no-serve", "--size", size], check=True, stderr=subprocess.DEVNULL)
    return folder


def copied(folder: Path, to: Path) -> Path:
    """A municipality of one's own: the data folder, and the signer's memory beside it."""
    for name in (folder.name, f"{folder.name}.signer"):
        subprocess.run(["cp", "-a", str(folder.with_name(name)), str(to)], check=True)  # owners too: the server is not root
    return to / folder.name


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address at which the program itself serves the demo in this data folder."""
    with subprocess.Popen([*demo(folder), "--port", str(PORT)], stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        try:
            yield program.stdout.readline().strip().rstrip("/")
        finally:
            program.terminate()
            program.wait(30)


def demo(folder: Path) -> list[str]:
    """The command line of a demo whose present is a Monday in November."""
    return [sys.executable, "-m", "tools.cli", "demo", "--data", str(folder), "--now", NOW]
