"""What went wrong, in the reader's words: the one place where a refusal or a fault becomes a status, a text and a way out.

Pages and REST show the same explanation; REST wraps it as RFC 9457 `application/problem+json`. Inner details of a fault never
leave the house: they stand in the operator's log under the reference that the answer carries.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import psycopg
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.exceptions import HTTPException

from api.web import shell
from api.web.texts import Texts
from domain.ledger.durable import storage_fault
from domain.ledger.faults import StaleSubmission
from domain.model import codes
from domain.model.errors import DagbokError, Refused

PROBLEM_JSON = "application/problem+json"

# CONTRACT §2. What is not listed goes by the first word of its code, and a refusal without either is a broken rule: 422.
_BY_CODE: Mapping[str, int] = {
    "access_log.away": 503,
    "actor.missing": 403,
    "blob.fault": 500,
    "database.away": 503,
    "document.object_exists": 409,
    "exists": 409,
    "fact.unknown": 500,
    "file.too_large": 413,
    "form.expired": 403,
    "handover.not_theirs": 409,
    "idempotency.other": 422,
    "idm.key_taken": 409,
    "idm.number_taken": 409,
    "idm.request_not_waiting": 409,
    "idm.token": 401,
    "installation.not_opened": 503,
    "ledger.busy": 503,
    "ledger.broken": 503,
    "ledger.chain_closed": 503,
    "ledger.clock": 503,
    "ledger.stale": 503,
    "ledger.stopped": 503,
    "ledger.too_large": 422,
    "ledger.unsafe": 503,
    "ledger.unsettled": 503,
    "not_found": 404,
    "precondition.failed": 412,
    "precondition.required": 428,
    "login.crowded": 503,
    "login.provider_away": 503,
    "login.over": 401,
    "login.required": 401,
    "login.right_ended": 401,
    "login.stale": 401,
    "login.throttled": 429,
    "projection.away": 503,
    "receipt.not_yet": 425,
    "metrics.token": 401,
    "request.foreign": 403,
    "review.changed": 409,
    "request.host": 421,
    "request.malformed": 400,
    "request.method": 405,
    "request.page": 404,
    "request.too_large": 413,
    "service.token": 401,
    "sign_off.unknown": 404,
    "storage.away": 503,
    "storage.full": 503,
    "tenant.unknown": 404,
    "unexpected": 500,
}
_BY_FIRST_WORD: Mapping[str, int] = {
    "access": 403,
    "case": 409,
    "conflict": 409,
    "entry": 409,
    "external_key": 409,
    "login": 403,
    "series": 409,
}
_BY_STATUS: Mapping[int, str] = {404: "request.page", 405: "request.method", 413: "request.too_large"}
_RETRY_AFTER_S: Mapping[str, int] = {
    "database.away": 5,
    "installation.not_opened": 600,
    "ledger.broken": 600,
    "ledger.chain_closed": 5,
    "ledger.unsafe": 60,
    "projection.away": 1,
    "receipt.not_yet": 2,
}
_REQUIREMENT_OF_FIELD: Mapping[str, str] = {"title": "M020", "public_title": "M025", "description": "M021"}

# The names of codes in a refusal's values, by the first word of its code.
_NAMED: Mapping[str, tuple[codes.CodeList, tuple[str, ...]]] = {
    "case": (codes.CASE_STATUS, ("status",)),
    "entry": (codes.ENTRY_STATUS, ("status", "from", "to")),
    "party": (codes.PARTY_TYPE, ("party",)),
    "document": (codes.VARIANT, ("variant",)),
}


@dataclass(frozen=True, slots=True)
class Explanation:
    """A refusal or fault as a person or a client reads it.

    code: stable, dotted; requirement: Noark number or paragraph, may be empty; retry_after_s: seconds, None where waiting does
    not help; fields: (name, what is wrong) for input that does not have the asked shape.
    """

    status: int
    code: str
    title: str
    detail: str
    way_out: str
    requirement: str = ""
    retry_after_s: int | None = None
    fields: tuple[tuple[str, str], ...] = ()

    @property
    def headers(self) -> dict[str, str]:
        """The answer's headers that belong to it."""
        wait = {"Retry-After": str(self.retry_after_s)} if self.retry_after_s is not None else {}
        if self.status == 401:  # a session is a cookie; what is asked for besides it is as RFC 9470 names it
            stale = ', error="insufficient_user_authentication", max_age=600' if self.code == "login.stale" else ""
            scheme = "Bearer" if self.code.endswith(".token") else "Session"
            wait["WWW-Authenticate"] = f'{scheme} realm="dagbok"{stale}'
        # What is too large, or finds no room, is not read to its end: the connection cannot carry another request.
        unread = self.status == 413 or self.code.startswith("storage.")
        return {**wait, "Connection": "close"} if unread else wait


def explain(problem: Exception, texts: Texts) -> Explanation:
    """The explanation of any exception in a language; what is not ours becomes `unexpected` without details. Never raises
    but MissingText for a fault of the program in a strict catalogue."""
    match problem:
        case Refused():
            return _refused(problem, texts)
        case RequestValidationError():
            return _shape(problem, texts)
        case HTTPException():
            code = _BY_STATUS.get(problem.status_code, "request.malformed")
            return _told(code, texts) if problem.status_code < 500 else _told("unexpected", texts)
        case psycopg.DataError():  # a value that PostgreSQL cannot hold came through: bad input, never a fault of ours
            return _told("request.malformed", texts)
        case psycopg.errors.UndefinedTable() | psycopg.errors.InvalidSchemaName():  # a projection is made, or swapped for another
            return _told("projection.away", texts)
        case psycopg.OperationalError() | psycopg.InterfaceError() | psycopg.errors.ReadOnlySqlTransaction():
            return _told("database.away", texts)
        case OSError() if (fault := storage_fault(problem)) is not None:
            return explain(fault, texts)
        case StaleSubmission():
            return _told(problem.code, texts, retry_after_s=2)
        case DagbokError():
            return _told(problem.code, texts, retry_after_s=getattr(problem, "retry_after_s", None))
        case _:
            return _told("unexpected", texts)


def status_of(code: str, otherwise: int = 422) -> int:
    """The HTTP status of a code."""
    return _BY_CODE.get(code) or _BY_FIRST_WORD.get(code.partition(".")[0], otherwise)


def problem_json(explanation: Explanation, instance: str = "") -> dict[str, Any]:
    """RFC 9457 members, with `code`, `requirement`, `way_out` and, where fields are named, `errors` beside them."""
    told = explanation
    members: dict[str, Any] = {
        "type": f"urn:dagbok:error:{told.code}",
        "title": told.title,
        "status": told.status,
        "detail": told.detail,
        "code": told.code,
        "requirement": told.requirement,
        "way_out": told.way_out,
    }
    if instance:
        members["instance"] = instance
    if told.fields:
        members["errors"] = [{"field": name, "problem": what} for name, what in told.fields]
    return members


def _told(code: str, texts: Texts, *, retry_after_s: int | None = None) -> Explanation:
    status = status_of(code, 500)
    wait = _RETRY_AFTER_S.get(code) if retry_after_s is None else retry_after_s
    title = shell.fault(texts, status).what
    return Explanation(status, code, title, texts(f"error.{code}"), texts(f"error.{code}.way_out"), retry_after_s=wait)


def _refused(problem: Refused, texts: Texts) -> Explanation:
    status = status_of(problem.code)
    values = _values(problem, texts)
    return Explanation(
        status,
        problem.code,
        shell.fault(texts, status).what,
        texts(f"error.{problem.code}", **values),
        texts(f"error.{problem.way_out}", **values),
        problem.requirement,
        getattr(problem, "retry_after_s", _RETRY_AFTER_S.get(problem.code)),
    )


def _values(problem: Refused, texts: Texts) -> dict[str, str]:
    """The refusal's values with codes and kinds by their names in the language."""
    values = dict(problem.params)
    names, which = _NAMED.get(problem.code.partition(".")[0], ({}, ()))
    for name in which:
        if name in values:
            values[name] = codes.name(names, values[name], texts.language)
    if "what" in values:
        values["what"] = texts(f"error.what.{values['what'].replace(' ', '-')}")
    for name in ("limit", "length"):
        if values.get(name, "").isdigit():
            values[name] = texts.number(int(values[name]))
    return values


_Fault = Mapping[str, Any]


def _shape(problem: RequestValidationError, texts: Texts) -> Explanation:
    """Input without the asked shape: the first fault decides the words, all of them are listed."""
    faults: list[_Fault] = list(problem.errors())
    first = faults[0] if faults else {}
    fields = tuple((_field(one), str(one.get("msg", ""))[:200]) for one in faults[:50])
    if first.get("loc", ("",))[0] == "path":  # an id that is none names nothing
        return _refused(Refused("not_found", "", {"what": "unit", "reference": str(first.get("input", ""))[:80]}), texts)
    if first.get("type") == "json_invalid":
        return _told("request.malformed", texts)
    known = _KNOWN.get(str(first.get("type", "")))
    refused = known(first) if known else _other(first)
    told = _refused(refused, texts)
    return Explanation(told.status, told.code, told.title, told.detail, told.way_out, told.requirement, None, fields)


def _field(fault: _Fault) -> str:
    return ".".join(str(part) for part in fault.get("loc", ())[1:])[:200]


def _too_long(fault: _Fault) -> Refused:
    field, given = _field(fault), fault.get("input")
    limit = fault.get("ctx", {}).get("max_length", "")
    length = str(len(given)) if isinstance(given, str) else "?"
    return Refused(
        "text.too_long", _REQUIREMENT_OF_FIELD.get(field, ""), {"element": field, "limit": str(limit), "length": length}
    )


def _other(fault: _Fault) -> Refused:
    if str(fault.get("type", "")).startswith(("date", "timezone")):
        return Refused("date.malformed", "", {"field": _field(fault), "given": str(fault.get("input", ""))[:80]})
    return Refused("request.field", "", {"field": _field(fault), "why": str(fault.get("msg", ""))[:200]})


def _absent(fault: _Fault) -> Refused:
    return Refused("text.missing", _REQUIREMENT_OF_FIELD.get(_field(fault), ""), {"element": _field(fault)})


_KNOWN: Mapping[str, Callable[[_Fault], Refused]] = {
    "string_too_long": _too_long,
    "string_too_short": _absent,
    "missing": _absent,
    "control_characters": lambda fault: Refused("text.control", "", {"element": _field(fault)}),
    "extra_forbidden": lambda fault: Refused("request.unknown_field", "", {"field": _field(fault)}),
}


def body_fault(problem: ValidationError) -> RequestValidationError:
    """A body that a route read by itself, as the framework would have refused it."""
    return RequestValidationError([{**fault, "loc": ("body", *fault["loc"])} for fault in problem.errors()])
