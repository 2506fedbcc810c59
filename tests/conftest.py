"""Which tests run, and the rule that a check run skips nothing. Fixtures stand in `fixtures_*.py` beside this file.

Left out of an ordinary run: tests marked `deep` (asked for with `-m deep`), tests marked `reference` where the folder of public
schemas and samples is not there, and tests marked `program` where the machine has not got it; the end of the run says so. A check
run (`--fail-on-skip`) leaves none out for want of a program: they fail.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent
FIXTURES = [f"tests.{path.stem}" for path in sorted(HERE.glob("fixtures_*.py"))]
pytest.register_assert_rewrite(*FIXTURES)  # before one of them imports another
pytest_plugins = ["pytester", *FIXTURES]


ABSENT = pytest.StashKey[set[str]]()
PATH = os.environ.get("PATH", os.defpath) + os.pathsep + "/usr/local/go/bin"


def absent(item: pytest.Item) -> set[str]:
    """The programs that a test wants and the machine has not got; `one|other`: either will do."""
    wanted = {name for mark in item.iter_markers("program") for name in mark.args}
    return {name for name in wanted if not any(shutil.which(one, path=PATH) for one in name.split("|"))}


def reference_folder() -> Path:
    """The folder of public schemas and samples, whether or not it is there."""
    return Path(os.environ.get("DAGBOK_REFERENCE") or HERE.parent.parent / "shared" / "reference")


@pytest.fixture(scope="session")
def reference() -> Path:
    """The folder of public schemas and samples; tests that use it carry the mark `reference`."""
    return reference_folder()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fail-on-skip", action="store_true", help="a skipped or expected failure fails the whole run")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--fail-on-skip", default=False) and not hasattr(config, "workerinput"):
        config.pluginmanager.register(NothingSkipped(), "nothing-skipped")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    left_out = set()
    if not reference_folder().is_dir():
        left_out.add("reference")
    if "deep" not in (config.option.markexpr or ""):
        left_out.add("deep")
    dropped = [item for item in items if left_out & {mark.name for mark in item.iter_markers()}]
    if not config.getoption("--fail-on-skip", default=False):
        without = [item for item in items if item not in set(dropped) and absent(item)]
        config.stash[ABSENT] = set[str]().union(*(absent(item) for item in without))
        dropped += without
    if dropped:
        items[:] = [item for item in items if item not in set(dropped)]
        config.hook.pytest_deselected(items=dropped)


def pytest_runtest_setup(item: pytest.Item) -> None:
    if missing := absent(item):
        pytest.fail(f"not on this machine: {', '.join(sorted(missing))}", pytrace=False)


def pytest_sessionfinish(session: pytest.Session) -> None:
    told: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
    if told is not None:  # only a worker has looked at the tests
        told["absent"] = sorted(session.config.stash.get(ABSENT, set()))


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    node.config.stash.setdefault(ABSENT, set()).update(getattr(node, "workeroutput", {}).get("absent", ()))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if missing := terminalreporter.config.stash.get(ABSENT, set()):
        terminalreporter.write_line(f"tests were left out that want programs: {', '.join(sorted(missing))}")
    if not reference_folder().is_dir():
        terminalreporter.write_line("tests marked `reference` were left out: DAGBOK_REFERENCE names no folder")


class NothingSkipped:
    """Turns a run in which anything was skipped into a failed one: a check that could not run has not passed."""

    def __init__(self) -> None:
        self.skipped: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.skipped:
            self.skipped.append(report.nodeid)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.skipped:
            self.skipped.append(report.nodeid)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.skipped and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        for nodeid in self.skipped:
            terminalreporter.write_line(f"skipped, and nothing may be: {nodeid}", red=True)
