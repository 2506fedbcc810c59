"""The set-up of the front-end packages: pinned, without addresses, and repeatable."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from api.web import assets
from tests import tidy


def test_every_package_is_pinned_and_none_by_an_address() -> None:
    wanted = json.loads((tidy.ROOT / "package.json").read_text(encoding="utf-8"))
    lock = json.loads((tidy.ROOT / "package-lock.json").read_text(encoding="utf-8"))
    installed = {name.removeprefix("node_modules/"): package for name, package in lock["packages"].items() if name}
    assert lock["packages"][""]["dependencies"] == wanted["dependencies"]
    for name, version in wanted["dependencies"].items():
        assert installed[name]["version"] == version
    for package in installed.values():
        assert package["integrity"].startswith("sha512-")
        assert "resolved" not in package


def test_every_served_file_is_there_with_its_licence() -> None:
    for name in assets.SERVED:
        assert (assets.VENDOR / name).stat().st_size > 500
    assert len([name for name in assets.SERVED if name.startswith("licences/")]) == 3


def test_files_that_come_from_this_lock_are_not_fetched_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vendor = tmp_path / "vendor"
    shutil.copytree(assets.VENDOR, vendor)
    # With no program on the path and no wheel's npm either, only the short way can succeed.
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(assets.sys, "executable", str(tmp_path / "absent"))
    assets.install_packages(vendor)
    (vendor / "htmx.min.js").unlink()
    with pytest.raises(FileNotFoundError):
        assets.install_packages(vendor)


def test_a_failing_npm_is_told_in_its_own_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    npm = tmp_path / "npm"
    npm.write_text("#!/bin/sh\necho 'npm error code EINTEGRITY' >&2\nexit 1\n")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    monkeypatch.setattr(assets, "ROOT", tmp_path)
    for name in ("package.json", "package-lock.json"):
        shutil.copyfile(tidy.ROOT / name, tmp_path / name)
    with pytest.raises(assets.SetUpFailed, match="EINTEGRITY"):
        assets.install_packages(tmp_path / "vendor")
    assert not (tmp_path / "vendor").exists()
