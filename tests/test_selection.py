"""The rules of conftest.py, run on small suites of their own: a check that skips in silence is worthless."""

from __future__ import annotations

from pathlib import Path

import pytest

SUITE = """
import pytest

def test_plain(): pass

@pytest.mark.deep
def test_deep(): pass

@pytest.mark.reference
def test_reference(reference): assert reference.is_dir()
"""
SKIPS = {
    "in a test": "import pytest\ndef test_x(): pytest.skip('no')",
    "by a mark": "import pytest\n@pytest.mark.skipif(True, reason='no')\ndef test_x(): pass",
    "of a module": "import pytest\npytest.skip('no', allow_module_level=True)",
    "an expected failure": "import pytest\n@pytest.mark.xfail\ndef test_x(): assert False",
}


@pytest.fixture
def suite(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makeconftest((Path(__file__).parent / "conftest.py").read_text(encoding="utf-8"))
    pytester.makeini("[pytest]\nmarkers =\n    deep\n    reference\n    program\n")
    return pytester


def test_an_ordinary_run_leaves_the_deep_tests_out(suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGBOK_REFERENCE", str(suite.path))
    suite.makepyfile(SUITE)
    suite.runpytest().assert_outcomes(passed=2, deselected=1)
    suite.runpytest("-m", "deep").assert_outcomes(passed=1, deselected=2)


def test_without_the_reference_folder_only_that_mark_is_left_out_and_the_run_says_so(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGBOK_REFERENCE", str(suite.path / "absent"))
    suite.makepyfile(SUITE)
    result = suite.runpytest()
    result.assert_outcomes(passed=1, deselected=2)
    result.stdout.fnmatch_lines(["*`reference` were left out*"])


def test_without_a_program_its_tests_are_left_out_and_fail_the_run_that_allows_none(suite: pytest.Pytester) -> None:
    suite.makepyfile(
        "import pytest\n@pytest.mark.program('no-such|nor-this')\ndef test_x(): pass\n"
        "@pytest.mark.program('no-such|sh')\ndef test_y(): pass\n"
    )
    for workers in ((), ("-n", "1")):
        result = suite.runpytest(*workers)
        assert result.parseoutcomes()["passed"] == 1
        result.stdout.fnmatch_lines(["*left out that want programs: no-such|nor-this*"])
    result = suite.runpytest("--fail-on-skip")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*not on this machine: no-such|nor-this*"])


def fails_for_its_skip(suite: pytest.Pytester, *arguments: str) -> None:
    result = suite.runpytest("--fail-on-skip", *arguments)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*skipped, and nothing may be: *"])


@pytest.mark.parametrize("way", SKIPS)
def test_a_skip_fails_the_run_that_allows_none(suite: pytest.Pytester, way: str) -> None:
    suite.makepyfile(test_other="def test_y(): pass", test_skipping=SKIPS[way])
    fails_for_its_skip(suite)


@pytest.mark.parametrize("way", ["in a test", "of a module"])
def test_a_skip_in_a_worker_fails_the_run_too(suite: pytest.Pytester, way: str) -> None:
    suite.makepyfile(test_other="def test_y(): pass", test_skipping=SKIPS[way])
    fails_for_its_skip(suite, "-n", "1")


def test_an_ordinary_run_may_skip(suite: pytest.Pytester) -> None:
    suite.makepyfile(SKIPS["in a test"])
    assert suite.runpytest().ret == pytest.ExitCode.OK


def test_a_run_without_skips_passes(suite: pytest.Pytester) -> None:
    suite.makepyfile("def test_y(): pass")
    assert suite.runpytest("--fail-on-skip").ret == pytest.ExitCode.OK
