"""docs/actions.md lists what is asked of the gate, and nothing else is asked."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping

from tests import tidy

PAGE = (tidy.ROOT / "docs" / "actions.md").read_text(encoding="utf-8")
NAME = re.compile(r"[a-z]+(-[a-z]+)*\.(?!xml$)[a-z]+(-[a-z]+)*")  # but no file's name
NOT_ACTIONS = {"dagbok.tenant", "login.over"}
ERRORS = "api/errors.py"  # its constants are codes of refusals


def listed(page: str) -> list[str]:
    return re.findall(r"^\| `([^`]+)` \|", page, re.MULTILINE)


def asked(text: str) -> Iterator[str]:
    """Names given to the gate: constants (a class's ACTION, a module's own, a table of them) and literal arguments."""
    for node in ast.walk(ast.parse(text)):
        values: list[ast.AST] = []
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = [name for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)]
            values = [node.value] if names and all(name.id.isupper() for name in names) else []
        if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in ("permit", "permitted"):
            values = [*node.args, *(keyword.value for keyword in node.keywords)]
        for value in values:
            parts = value.values if isinstance(value, ast.Dict) else value.elts if isinstance(value, ast.Tuple) else [value]
            yield from (str(one.value) for one in parts if isinstance(one, ast.Constant) and NAME.fullmatch(str(one.value)))


def asked_in(files: Mapping[str, str]) -> set[str]:
    asking = {path: text for path, text in files.items() if path.startswith(("domain/handlers/", "api/")) and path != ERRORS}
    return {name for text in asking.values() for name in asked(text)} - NOT_ACTIONS


def test_each_way_of_asking_is_seen() -> None:
    sample = """
class Command:
    ACTION: ClassVar[str] = "case.make"
A, B = "case.a", "case.b"
_READ = {KIND: "case.read"}
work.permit("case.see", unit)
permitted(context, action="case.list")
gate.permit(actor, ACTION)
code = "case.code"
TITLE, FILE = "Not an action. Really", "answer.xml"
"""
    assert sorted(asked(sample)) == ["case.a", "case.b", "case.list", "case.make", "case.read", "case.see"]


def test_the_page_lists_what_is_asked() -> None:
    assert len(listed(PAGE)) == len(set(listed(PAGE)))
    assert set(listed(PAGE)) == asked_in(tidy.sources("domain", "api"))
