"""The stand-alone checker as one file: the modules that it is made of, one after the other, in one namespace.

Nothing is rewritten but names that two modules use for different things, which get the module's name in front; the imports
between the modules go, and ``chain`` becomes the file's own namespace.  What cannot be joined so is refused, never guessed.
"""

import ast
import io
import sys
import tokenize
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MODULES = (
    "domain.note", "domain.disposal", "domain.chain", "tools.export_parts", "tools.export_files", "tools.export_facts",
    "tools.export_walk", "tools.export_ranges", "tools.export_report",
)  # fmt: skip
_NAMESPACES = ("chain", "export_ranges")  # modules that others use by their name
_HEAD = '''#!/usr/bin/env python3
"""Checks an export of a Dagbok chain: no database, no account, no network.  Needs Python >= 3.11 and the package cryptography.

    python verify.py DIR [--checkpoint FILE]... [--vkey FILE]... [--payloads] [--json]

Exit 0: verified; 1: faults, the first of them first; 2: could not run.  Made from these modules, each with its own words first:
{modules}.
"""
'''


class CannotJoin(ValueError):
    """Two modules cannot stand in one file."""


def build(root: Path = ROOT) -> str:
    """The file's text.  Raises CannotJoin, OSError."""
    sources = {name: (root / (name.replace(".", "/") + ".py")).read_text("utf-8") for name in MODULES}
    imports, bodies = {"import sys"}, list[str]()
    for name, text in _renamed(sources).items():
        found, body = _split(name, text)
        imports |= found
        bodies.append(f"\n# {'-' * 20} {name}\n\n{body.strip()}\n")
    namespaces = "".join(f"{name} = " for name in _NAMESPACES) + "sys.modules[__name__]\n"
    head = _HEAD.format(modules=", ".join(MODULES))
    end = '\n\nif __name__ == "__main__":\n    sys.exit(main())\n'
    return head + "\n" + "\n".join(sorted(imports)) + "\n\n" + namespaces + "\n".join(bodies) + end


def main(arguments: Sequence[str]) -> int:
    """Write the file that is named: 0 done, 2 could not."""
    if len(arguments) != 1:
        print("usage: python -m tools.verify --build FILE", file=sys.stderr)
        return 2
    try:
        Path(arguments[0]).write_text(build(), "utf-8")
    except (OSError, CannotJoin) as problem:
        print(f"cannot build: {problem}", file=sys.stderr)
        return 2
    return 0


def _renamed(sources: Mapping[str, str]) -> dict[str, str]:
    """The sources, a private name that two of them define told apart by the module's name."""
    defined = {name: set(_defined(ast.parse(text))) for name, text in sources.items()}
    count = Counter(one for names in defined.values() for one in names)
    twice = {one for one, times in count.items() if times > 1 and one != "__all__"}
    public = sorted(one for one in twice if not one.startswith("_"))
    if public:
        raise CannotJoin(f"two modules define {', '.join(public)}")
    renamed = {}
    for name, text in sources.items():
        short = name.rpartition(".")[2]
        renamed[name] = _with_names(text, {one: f"_{short}{one}" for one in twice & defined[name]})
    return renamed


def _defined(tree: ast.Module) -> Iterator[str]:
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (one.id for target in targets for one in ast.walk(target) if isinstance(one, ast.Name))


def _with_names(text: str, names: Mapping[str, str]) -> str:
    """The text with these names exchanged wherever they stand as names.  Raises CannotJoin where one is an attribute's too."""
    lines, before = text.splitlines(keepends=True), ""
    found = []
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.NAME and token.string in names:
            if before == ".":
                raise CannotJoin(f"{token.string} is also the name of an attribute")
            found.append(token)
        before = token.string
    for token in reversed(found):
        row, start = token.start
        line = lines[row - 1]
        lines[row - 1] = line[:start] + names[token.string] + line[token.end[1] :]
    return "".join(lines)


def _split(name: str, text: str) -> tuple[set[str], str]:
    """The import lines of a module, and the rest without those that name another of the modules."""
    lines, imports = text.splitlines(keepends=True), set[str]()
    for node in ast.parse(text).body:
        if not isinstance(node, (ast.Import, ast.ImportFrom)):
            continue
        source = node.module or "" if isinstance(node, ast.ImportFrom) else ""
        if source.split(".")[0] not in ("domain", "tools"):
            imports.add(ast.unparse(node))
        elif any(one.asname for one in node.names):
            raise CannotJoin(f"{name} imports something of {source} under another name")
        for row in range(node.lineno - 1, node.end_lineno or node.lineno):
            lines[row] = ""
    return imports, "".join(lines)
