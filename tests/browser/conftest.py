"""One demo municipality and one Chromium for all tests of pages in a browser."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.browser import serving


@pytest.fixture(scope="session")
def demo_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of the run's demo municipality: to be copied, never to be served."""
    of_worker = tmp_path_factory.getbasetemp()
    return serving.made(of_worker.parent if "PYTEST_XDIST_WORKER" in os.environ else of_worker)


@pytest.fixture(scope="session")
def site(demo_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where this worker's copy of the demo municipality is served. Its clock stays on the morning of 23 November 2026."""
    with serving.served(serving.copied(demo_data, tmp_path_factory.mktemp("site"))) as address:
        yield address


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A Chromium; every test opens a context of its own in it."""
    with sync_playwright() as play:
        opened = play.chromium.launch(executable_path=serving.CHROMIUM, args=serving.QUIET)
        yield opened
        opened.close()
