"""The house rules that a program can check. Each detector is first shown a sample that it must find."""

from __future__ import annotations

import pytest

from tests import tidy

PRODUCT = tidy.sources(*tidy.PACKAGES)
ALL = PRODUCT | tidy.sources("tests")
TEXTS = tidy.texts()


def test_the_project_was_found() -> None:
    assert "domain/chain.py" in PRODUCT
    assert "tests/test_tidy.py" in ALL
    assert {"README.md", "Makefile", "pyproject.toml", ".ci/run", "requirements.lock"} <= TEXTS.keys()


def test_no_file_is_long() -> None:
    assert tidy.long_files({"a.py": "\n" * 401, "b.py": "\n" * 400}) == ["a.py: 401 lines"]
    code = {path: text for path, text in TEXTS.items() if path.endswith((".py", ".sql", ".html", ".css", ".go"))}
    assert tidy.long_files(code) == []


def test_the_median_file_is_short() -> None:
    assert tidy.median_lines({"a": "\n" * 151, "b": "\n", "c": "\n" * 300}) == 151
    assert tidy.median_lines(PRODUCT) < tidy.MAX_MEDIAN_LINES


def test_no_function_is_long() -> None:
    long = "class A:\n    def b(self):\n" + "        x = 1\n" * 50
    assert tidy.long_functions("a.py", long) == ["a.py:2 b: 51 lines"]
    assert tidy.long_functions("a.py", long.replace("        x = 1\n", "", 1)) == []
    assert [found for path, text in ALL.items() for found in tidy.long_functions(path, text)] == []


def test_every_module_is_named_by_a_noun() -> None:
    assert tidy.meaningless_names(["a/utils.py", "a/common/b.py", "a/case_file.py"]) == ["a/utils.py", "a/common/b.py"]
    assert tidy.meaningless_names(ALL) == []


@pytest.mark.parametrize("line", ["# TO" + "DO later", "raise NotImplemented" + "Error", "x = 1  # FIX" + "ME"])
def test_an_unfinished_mark_is_seen(line: str) -> None:
    assert tidy.matches(tidy.UNFINISHED, "a.py", line)


def test_nothing_is_left_unfinished() -> None:
    assert [found for path, text in TEXTS.items() for found in tidy.matches(tidy.UNFINISHED, path, text)] == []


@pytest.mark.parametrize(
    "line",
    [
        "see /ro" + "ot/notes",
        "--index-" + "url=x",
        '"res' + 'olved": "x"',
        "cd /wo" + "rk/main",
        "https://a.example/simp" + "le/",
    ],
)
def test_the_name_of_one_machine_or_index_is_seen(line: str) -> None:
    assert tidy.matches(tidy.FOREIGN, "a", line)


def test_nothing_names_one_machine_or_one_package_index() -> None:
    assert [found for path, text in TEXTS.items() for found in tidy.matches(tidy.FOREIGN, path, text)] == []


@pytest.mark.parametrize(
    "line",
    [
        "datetime.now(UTC)",
        "datetime.datetime.now()",
        "date.today()",
        "time.time()",
        "from time import time",
        "uuid.uuid4()",
        "uuid4()",
        "os.urandom(8)",
        "secrets.token_hex()",
        "random.choice(x)",
        "from secrets import token_hex",
        "print(1)",
    ],
)
def test_a_banned_call_is_seen(line: str) -> None:
    assert tidy.banned_calls("domain/a.py", line)


def test_clock_chance_and_print_are_called_only_where_they_may_be() -> None:
    assert tidy.banned_calls("tools/a.py", "print(1)") == []
    assert tidy.banned_calls("domain/ledger/clock.py", "time.time()") == []
    assert [found for path, text in PRODUCT.items() for found in tidy.banned_calls(path, text)] == []


def test_each_file_that_may_call_clock_or_chance_is_there_and_does() -> None:
    for path in {*tidy.MAY_CLOCK, *tidy.MAY_CHANCE}:
        assert tidy.banned_calls("elsewhere.py", PRODUCT[path]), f"{path} no longer needs its place in the list"


def test_every_public_name_has_a_docstring() -> None:
    sample = '"""M."""\nclass A:\n    """A."""\n    def b(self): ...\n    def _c(self): ...\ndef d(): ...\n'
    assert tidy.undocumented("a.py", sample) == ["a.py:4 b", "a.py:6 d"]
    assert tidy.undocumented("a.py", "x = 1") == ["a.py: the module"]
    assert [found for path, text in PRODUCT.items() for found in tidy.undocumented(path, text)] == []


def test_no_module_is_dead() -> None:
    files = {
        "a/one.py": "from a import two",
        "a/two.py": "",
        "a/three.py": "import a.three",
        "a/four.py": "",
        "a/five.py": "from . import four",
    }
    assert tidy.dead_modules(files, "run a.one") == ["a/three.py", "a/five.py"]
    started = TEXTS["pyproject.toml"] + TEXTS["Makefile"] + PRODUCT["tools/cli/__init__.py"]  # whose table names modules
    assert tidy.dead_modules(PRODUCT, started) == []
