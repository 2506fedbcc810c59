"""The direction of imports: what is pure stays pure, layers look one way, and no installed package takes a name of ours."""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys
import sysconfig
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests import tidy

# What arithmetic on values needs. Nothing here opens, waits, or knows the hour; `datetime` and `uuid` are types, and test_tidy.py
# refuses the calls in them that ask clock or chance.
PURE_LIBRARY = {
    *(
        "__future__",
        "abc",
        "collections",
        "contextlib",
        "dataclasses",
        "enum",
        "functools",
        "itertools",
        "operator",
        "types",
        "typing",
    ),
    *("base64", "binascii", "csv", "hashlib", "hmac", "json", "re", "string", "struct", "textwrap", "unicodedata"),
    *("bisect", "calendar", "datetime", "decimal", "fractions", "heapq", "math", "uuid", "zoneinfo"),
}
PURE = ("domain/model/", "domain/chain.py", "domain/note.py", "domain/disposal.py")
LINT_IMPORTS = Path(sysconfig.get_path("scripts")) / "lint-imports"


def impure(path: str, text: str) -> list[str]:
    """Imports of a pure module that are neither in the short list nor pure modules of ours."""
    ours = ("domain.model", "domain.chain", "domain.note", "domain.disposal")
    return [
        f"{path}: {name}"
        for name in sorted(tidy.imports(path, text))
        if name.split(".")[0] not in PURE_LIBRARY
        and name != "domain"
        and not any(name == own or name.startswith(own + ".") for own in ours)
    ]


def shadowed(names: Sequence[str], installed: Mapping[str, Sequence[str]]) -> list[str]:
    """Top-level names of ours that another installed distribution also brings."""
    return [f"{name}: {other}" for name in names for other in installed.get(name, ()) if other != "dagbok"]


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    """import-linter on the contracts of the pyproject.toml in `folder`."""
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    return subprocess.run([LINT_IMPORTS, "--no-cache"], cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_an_impure_import_is_seen() -> None:
    for line in (
        "import os",
        "import sqlite3",
        "from domain.ledger import clock",
        "from domain import ledger",
        "import msgspec",
        "from random import x",
    ):
        assert impure("domain/model/a.py", line)
    assert (
        impure("domain/model/a.py", "import hashlib\nfrom collections.abc import Mapping\nfrom domain.model import codes\n") == []
    )


def test_model_and_chain_import_the_pure_standard_library_only() -> None:
    assert set(sys.stdlib_module_names) >= PURE_LIBRARY
    pure = {path: text for path, text in tidy.sources("domain").items() if path.startswith(PURE)}
    assert len(pure) > 5
    assert [found for path, text in pure.items() for found in impure(path, text)] == []


def test_import_linter_sees_a_layer_that_looks_up(tmp_path: Path) -> None:
    for package, text in (("upper", ""), ("lower", "import upper\n")):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text(text)
    contract = """
        [tool.importlinter]
        root_packages = ["upper", "lower"]
        [[tool.importlinter.contracts]]
        name = "two"
        type = "layers"
        layers = ["upper", "lower"]
    """
    (tmp_path / "pyproject.toml").write_text(textwrap.dedent(contract))
    result = lint_imports(tmp_path)
    assert result.returncode == 1
    assert "lower is not allowed to import upper" in result.stdout


def test_the_layers_look_one_way() -> None:
    result = lint_imports(tidy.ROOT)
    assert result.returncode == 0, result.stdout
    assert "2 kept, 0 broken" in result.stdout


def test_no_installed_package_takes_a_name_of_ours() -> None:
    assert shadowed(["api"], {"api": ["dagbok", "other"]}) == ["api: other"]
    assert shadowed([*tidy.PACKAGES, "tests"], importlib.metadata.packages_distributions()) == []


def test_no_product_module_stands_before_the_standard_library() -> None:
    assert not set(sys.stdlib_module_names) & {*tidy.PACKAGES, "tests"}


def test_nothing_imports_the_tests() -> None:
    def of_tests(path: str, text: str) -> list[str]:
        return [f"{path}: {name}" for name in tidy.imports(path, text) if name.split(".")[0] == "tests"]

    assert of_tests("a.py", "from tests import tidy")
    assert [found for path, text in tidy.sources(*tidy.PACKAGES).items() for found in of_tests(path, text)] == []
