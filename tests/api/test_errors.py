"""Every refusal that the program can give has words, a way out and the right status, in every language."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from string import Formatter
from uuid import UUID

import psycopg
import pytest
from fastapi.exceptions import RequestValidationError
from psycopg_pool import PoolTimeout
from starlette.exceptions import HTTPException

from api import errors
from api.web.texts import Catalogues, MissingText
from domain.ledger.faults import Busy, ClockFault, LedgerError, StaleSubmission, VersionConflict
from domain.model.errors import NotFound, Refused
from domain.model.ids import case_number
from tests import tidy

CATALOGUES = Catalogues(strict=True)
SOURCES = tidy.sources("domain", "projections", "api")


@cache
def nodes(text: str) -> list[ast.Call | ast.ClassDef]:
    return [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call | ast.ClassDef)]


def calls(text: str, name: str) -> Iterator[ast.Call]:
    if f"{name}(" in text:
        for node in nodes(text):
            if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == name:
                yield node


def constant(node: ast.expr | None) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def refusals(text: str) -> Iterator[tuple[str, set[str] | None]]:
    """(code, names of its values where they are written out) of every Refused(...) with a literal code."""
    for call in calls(text, "Refused"):
        code = constant(call.args[0]) if call.args else None
        given = call.args[2] if len(call.args) > 2 else next((one.value for one in call.keywords if one.arg == "params"), None)
        if code is not None:
            written = isinstance(given, ast.Dict) and all(constant(key) for key in given.keys)
            yield (
                code,
                {str(constant(key)) for key in given.keys}
                if written and isinstance(given, ast.Dict)
                else (set() if given is None else None),
            )


def class_codes(text: str) -> Iterator[str]:
    """The `code = "…"` of every class: faults that are no refusals."""
    for node in nodes(text):
        if isinstance(node, ast.ClassDef):
            for line in node.body:
                if isinstance(line, ast.Assign) and ast.unparse(line.targets[0]) == "code" and constant(line.value):
                    yield str(constant(line.value))


def kinds(text: str) -> Iterator[str]:
    """What NotFound and `exists` speak of."""
    for call in calls(text, "NotFound"):
        if constant(call.args[0]):
            yield str(constant(call.args[0]))
    for call in calls(text, "require"):
        if len(call.args) > 2 and constant(call.args[2]) and ast.unparse(call.func).startswith("work."):
            yield str(constant(call.args[2]))
    for call in calls(text, "Refused"):
        for node in ast.walk(call):
            if isinstance(node, ast.Dict):
                yield from (
                    str(constant(v)) for k, v in zip(node.keys, node.values, strict=True) if constant(k) == "what" and constant(v)
                )


REFUSALS = [found for text in SOURCES.values() for found in refusals(text)]
CODES = sorted({code for code, _ in REFUSALS} | {code for text in SOURCES.values() for code in class_codes(text)} - {"error"})


def test_codes_and_kinds_are_found_in_source() -> None:
    sample = (
        'class A(E):\n    code = "a.b"\nraise Refused("c.d", "1", {"x": y})\nraise Refused(code)\nraise NotFound("thing", z)\n'
    )
    assert list(refusals(sample)) == [("c.d", {"x"})]
    assert list(class_codes(sample)) == ["a.b"]
    assert list(kinds(sample + 'raise Refused("exists", params={"what": "box"})')) == ["thing", "box"]
    assert {"case.finalised", "file.name", "ledger.busy", "conflict.contended", "precondition.failed"} <= set(CODES)


@pytest.mark.parametrize("language", CATALOGUES.offered)
@pytest.mark.parametrize("code", CODES)
def test_every_code_has_words_and_a_way_out(code: str, language: str) -> None:
    texts = CATALOGUES.texts(language)
    for key in (f"error.{code}", f"error.{code}.way_out"):
        raw = texts._translations.gettext(key)
        named = {name for _, name, _, _ in Formatter().parse(raw) if name}
        for given, values in REFUSALS:
            if given == code and values is not None:
                assert named <= values, f"{key} wants {named - values}, which one place does not give"


def test_a_code_without_words_would_be_seen() -> None:
    with pytest.raises(MissingText):
        errors.explain(Refused("nothing.known"), CATALOGUES.texts("nb"))


@pytest.mark.parametrize("what", sorted({kind for text in SOURCES.values() for kind in kinds(text)}))
def test_every_kind_of_thing_has_a_name(what: str) -> None:
    for language in CATALOGUES.offered:
        told = errors.explain(NotFound(what, case_number(2026, 1)), CATALOGUES.texts(language))
        assert told.status == 404
        assert "2026/1" in told.detail


@pytest.mark.parametrize(
    ("problem", "status", "retry_after_s"),
    [
        (Refused("actor.missing", "4.1.1", {"action": "x"}), 403, None),
        (NotFound("case file", "x"), 404, None),
        (Refused("case.finalised", "2.5.5", {"case": "2026/1", "status": "A"}), 409, None),
        (Refused("entry.archived", "2.6.7", {"status": "A"}), 409, None),
        (Refused("external_key.taken", "", {"system": "x"}), 409, None),
        (Refused("exists", params={"what": "case file"}), 409, None),
        (VersionConflict(UUID(int=0), 1, 2), 409, None),
        (Refused("precondition.failed", "", {"version": "3"}), 412, None),
        (Refused("file.too_large", "", {"limit": "5"}), 413, None),
        (Refused("code.unknown", "M052", {"element": "x", "code": "y", "allowed": "z"}), 422, None),
        (Refused("file.checksum", "M705", {"file": "x", "found": "y"}), 422, None),
        (Refused("precondition.required"), 428, None),
        (Busy(), 503, 2),
        (StaleSubmission(), 503, 2),
        (ClockFault(), 503, 30),
        (psycopg.OperationalError("host=secret"), 503, 5),
        (PoolTimeout("secret"), 503, 5),
        (psycopg.errors.UndefinedTable("secret"), 503, 1),
        (psycopg.DataError("secret"), 400, None),
        (LedgerError("secret"), 500, None),
        (ValueError("secret"), 500, None),
        (HTTPException(404), 404, None),
        (HTTPException(405), 405, None),
        (HTTPException(418), 400, None),
        (HTTPException(502), 500, None),
    ],
)
def test_each_problem_has_its_status_and_no_inner_detail(problem: Exception, status: int, retry_after_s: int | None) -> None:
    told = errors.explain(problem, CATALOGUES.texts("en"))
    assert (told.status, told.retry_after_s) == (status, retry_after_s)
    closes = {"Connection": "close"} if status == 413 else {}
    assert told.headers == ({"Retry-After": str(retry_after_s)} if retry_after_s else closes)
    said = str(errors.problem_json(told))
    assert "secret" not in said
    assert all((told.title, told.detail, told.way_out, told.code))


def test_a_problem_names_the_rule_and_speaks_the_readers_language() -> None:
    problem = Refused("case.finalised", "2.5.5", {"case": "2026/412", "status": "A"})
    nb = errors.problem_json(errors.explain(problem, CATALOGUES.texts("nb")), "urn:uuid:1")
    assert nb["detail"] == "Sak 2026/412 har status «Avsluttet» og tar ikke imot noe nytt."
    assert (nb["code"], nb["requirement"], nb["status"], nb["instance"]) == ("case.finalised", "2.5.5", 409, "urn:uuid:1")
    en = errors.explain(problem, CATALOGUES.texts("en"))
    assert "Closed" in en.detail


def test_input_of_another_shape_is_told_by_its_first_fault() -> None:
    faults = [
        {"type": "string_too_long", "loc": ("body", "title"), "msg": "m", "input": "x" * 5, "ctx": {"max_length": 4}},
        {"type": "extra_forbidden", "loc": ("body", "b"), "msg": "m", "input": 1},
    ]
    told = errors.explain(RequestValidationError(faults), CATALOGUES.texts("en"))
    assert (told.status, told.code, told.requirement) == (422, "text.too_long", "M020")
    assert [name for name, _ in told.fields] == ["title", "b"]
    assert [one["field"] for one in errors.problem_json(told)["errors"]] == ["title", "b"]
    for kind, code in (
        ("extra_forbidden", "request.unknown_field"),
        ("missing", "text.missing"),
        ("uuid_parsing", "request.field"),
        ("date_from_datetime_parsing", "date.malformed"),
    ):
        fault = {"type": kind, "loc": ("body", "b"), "msg": "m", "input": 1}
        assert errors.explain(RequestValidationError([fault]), CATALOGUES.texts("en")).code == code
    lost = {"type": "uuid_parsing", "loc": ("path", "case"), "msg": "m", "input": "x"}
    assert errors.explain(RequestValidationError([lost]), CATALOGUES.texts("en")).status == 404
