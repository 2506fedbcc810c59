"""The detectors of test_tidy.py: each takes what it judges as values and gives back its findings as lines, so that each can be
fed a bad sample as well as the project."""

from __future__ import annotations

import ast
import re
import statistics
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("domain", "projections", "signing", "api", "tools")
TEXTS = {".py", ".sql", ".html", ".css", ".md", ".toml", ".json", ".lock", ".po", ".go", ".mod", ".tsv", ""}
MADE = {".venv", ".git", "build", "dist", "data", "data.signer", "node_modules", "vendor", "__pycache__", ".hypothesis"}

MAX_FILE_LINES, MAX_MEDIAN_LINES, MAX_FUNCTION_LINES = 400, 150, 50
MEANINGLESS = {"util", "utils", "helper", "helpers", "base", "common", "manager", "managers", "misc"}

# Written in pieces, so that this file does not find itself.
UNFINISHED = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X|HA" + r"CK)\b|NotImplemented" + r"Error")
FOREIGN = re.compile(
    r"(?<![\w.$}/])/(?:home|Users|ro"
    + r"ot|wo"
    + r"rk|opt)/\w|--(?:extra-)?index-"
    + r"url\b|\"res"
    + r"olved\":|//[^/\s]+/simple\b"
)

# Clock and chance come in with the command (docs/adr/0002). These few files are where they come from, each for its reason.
CLOCK = {"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time", "time.time_ns"}
CHANCE = {"uuid4", "uuid.uuid4", "uuid1", "uuid.uuid1", "os.urandom", "os.getrandom", "urandom"}
MAY_CLOCK: Mapping[str, str] = {"domain/ledger/clock.py": "the clock itself"}
MAY_CHANCE: Mapping[str, str] = {
    "domain/ledger/identity.py": "new ids",
    "domain/ledger/initdb.py": "the password of the embedded server's owner",
    "domain/ledger/keys.py": "the passwords and secrets of a tenant's roles",
    "domain/ledger/submission.py": "the salts of a fact's two parts",
    "tools/demo/plan.py": "the demo's year, drawn from a seed",
}


def sources(*folders: str) -> dict[str, str]:
    """Path -> text of every Python file under the named folders of the project."""
    found = (path for folder in folders for path in sorted((ROOT / folder).rglob("*.py")))
    return {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in found if not MADE & set(path.parts)}


def texts() -> dict[str, str]:
    """Path -> text of every text file that a person wrote or a lock tool made."""
    found = {}
    for path in sorted(ROOT.rglob("*")):
        inside = path.relative_to(ROOT)
        if path.is_file() and path.suffix in TEXTS and not MADE & set(inside.parts) and not inside.parts[0].endswith("_cache"):
            found[inside.as_posix()] = path.read_text(encoding="utf-8", errors="replace")
    return found


def long_files(files: Mapping[str, str]) -> list[str]:
    counted = {path: text.count("\n") for path, text in files.items()}
    return [f"{path}: {lines} lines" for path, lines in counted.items() if lines > MAX_FILE_LINES]


def median_lines(files: Mapping[str, str]) -> float:
    return statistics.median(text.count("\n") for text in files.values())


def long_functions(path: str, text: str) -> list[str]:
    return [
        f"{path}:{node.lineno} {node.name}: {lines} lines"
        for node in ast.walk(ast.parse(text))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        and (lines := (node.end_lineno or node.lineno) - node.lineno + 1) > MAX_FUNCTION_LINES
    ]


def meaningless_names(paths: Iterable[str]) -> list[str]:
    return [path for path in paths if MEANINGLESS & {part.removesuffix(".py") for part in path.split("/")}]


def matches(pattern: re.Pattern[str], path: str, text: str) -> list[str]:
    return [f"{path}:{n} {line.strip()[:100]}" for n, line in enumerate(text.splitlines(), 1) if pattern.search(line)]


def banned_calls(path: str, text: str) -> list[str]:
    """Calls of the clock and of chance outside the files that MAY, and of print outside tools."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            last_two = ".".join(name.split(".")[-2:])
            chance = last_two in CHANCE or name.split(".")[0] in ("secrets", "random")
            if (last_two in CLOCK and path not in MAY_CLOCK) or (chance and path not in MAY_CHANCE):
                found.append(f"{path}:{node.lineno} {name}()")
            if name == "print" and not path.startswith("tools/"):
                found.append(f"{path}:{node.lineno} print()")
        # `from time import time` would hide a call's name from the test above.
        if isinstance(node, ast.ImportFrom) and node.module in ("time", "secrets", "random"):
            names = [alias.name for alias in node.names if alias.name not in ("sleep", "monotonic", "perf_counter")]
            found += [f"{path}:{node.lineno} from {node.module} import {name}" for name in names]
    return found


def undocumented(path: str, text: str) -> list[str]:
    """Public modules, classes, functions and methods without a docstring."""
    tree = ast.parse(text)
    found = [] if ast.get_docstring(tree) else [f"{path}: the module"]
    return found + [f"{path}:{node.lineno} {node.name}" for node in _public(tree) if not ast.get_docstring(node)]


def _public(parent: ast.Module | ast.ClassDef) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    for node in parent.body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
            if any("overload" in ast.unparse(mark) or ".setter" in ast.unparse(mark) for mark in node.decorator_list):
                continue
            yield node
            if isinstance(node, ast.ClassDef):
                yield from _public(node)


def module_name(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def imports(path: str, text: str) -> set[str]:
    """Every module that a file imports, a `from a import b` counted as both `a` and `a.b`."""
    package = path.split("/")[:-1]
    found: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            origin = ".".join(filter(None, (above, node.module)))
            found.update({origin} | {f"{origin}.{alias.name}" for alias in node.names})
    return found


def dead_modules(files: Mapping[str, str], started: str) -> list[str]:
    """Modules that no other module imports and that `started` (what names the programs' entries) does not mention."""
    used = {name for path, text in files.items() for name in imports(path, text) if name != module_name(path)}
    return [
        path
        for path in files
        if not path.endswith(("__init__.py", "__main__.py"))  # `python -m` enters by the second
        and module_name(path) not in used
        and not re.search(rf"\b{re.escape(module_name(path))}\b", started)
    ]
