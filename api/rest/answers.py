"""What every REST answer has: the acknowledgement of a write, the tag of a version, the cursor of a list."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Header, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from api.errors import PROBLEM_JSON
from api.requests import POSITION_COOKIE, POSITION_HEADER, Caller, secure_cookie
from api.writes import Done
from domain.model.case_file import CaseFileCreated
from domain.model.errors import Refused
from domain.model.registry_entry import EntryRegistered
from projections.view import View

INTERNAL = frozenset({"command", "by_command"})

IdempotencyKey = Annotated[str | None, Header(alias="Idempotency-Key", description="Repeats are answered as the first was.")]
IfMatch = Annotated[str | None, Header(alias="If-Match", description="The ETag of the version that the change is about.")]


class Problem(BaseModel):
    """RFC 9457 problem details, with the rule and a way out."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    requirement: str
    way_out: str


class Acknowledgement(BaseModel):
    """Where the command's last event stands; hashes in hex."""

    chain_id: str
    position: int
    leaf_hash: str
    chain_hash: str


class Written(BaseModel):
    """The answer to a write. number: mappeID (M003) or registreringsID (M004) where the unit has one."""

    id: str
    number: str | None = None
    acknowledgement: Acknowledgement


_SHOWN: dict[str, Any] = {"content": {PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
PROBLEMS: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": Problem, "description": "Refused; `requirement` names the rule.", **_SHOWN},
    "5XX": {"model": Problem, "description": "Not possible now; see Retry-After.", **_SHOWN},
    422: {"model": Problem, "description": "Against a rule, or not of the asked shape.", **_SHOWN},
}
_TEXT = {"required": True, "schema": {"type": "string"}}
_POSITION = {POSITION_HEADER: {**_TEXT, "description": "How far a reader must see to see this write."}}
VERSIONED: dict[int | str, dict[str, Any]] = {200: {"headers": {"ETag": {**_TEXT, "description": "The version, for If-Match."}}}}
MADE: dict[int | str, dict[str, Any]] = {201: {"headers": {"Location": _TEXT, **_POSITION}}}


def written(request: Request, me: Caller, done: Done, unit: object, status: int = 200, location: str = "") -> JSONResponse:
    """The answer to a write: body, Location, X-Position and the reader's mark."""
    headers = {POSITION_HEADER: done.position}
    if location:
        headers["Location"] = me.prefix + location
    content: dict[str, Any] = {"id": str(unit), "acknowledgement": done.acknowledgement()}
    number = _number(done)
    if number:
        content["number"] = number
    response = JSONResponse(content, status, headers)
    response.set_cookie(POSITION_COOKIE, me.site.seal("position", done.position), **secure_cookie(request))
    return response


def _number(done: Done) -> str | None:
    for _, fact in done.facts:
        if isinstance(fact, CaseFileCreated):
            return f"{fact.year}/{fact.sequence}"
        if isinstance(fact, EntryRegistered):
            return next((str(key) for kind, key in fact.claims if kind == "entry-number"), None)
    return None


def shown(one: View) -> JSONResponse:
    """A unit with its version as strong ETag."""
    return JSONResponse(outer(one), headers={"ETag": f'"{one["version"]}"'})


def outer(value: Any) -> Any:
    """A view without what only the program needs."""
    if isinstance(value, Mapping):
        return {name: outer(one) for name, one in value.items() if name not in INTERNAL}
    if isinstance(value, list):
        return [outer(one) for one in value]
    return value


def page_number(me: Caller, query: str, cursor: str | None) -> int:
    """The page that a cursor points at, for the same query. Refused `cursor.invalid`."""
    if cursor is None:
        return 0
    return page_in(me.site.unseal("cursor", cursor[:500]), query)


def page_in(opened: str | None, query: str) -> int:
    """The page that an unsealed cursor names, for the same query. Refused `cursor.invalid`."""
    of_query, _, page = (opened or "").rpartition(":")
    if opened is None or of_query != query:
        raise Refused("cursor.invalid")
    return int(page)


def listed(name: str, rows: list[dict[str, Any]], total: int, following: str | None, up_to_date: bool) -> JSONResponse:
    """A page of a list. `next` is the cursor of the page after it; up_to_date: whether the reader's own last write is in it."""
    content = {name: rows, "total": total, "next": following, "up_to_date": up_to_date}
    return JSONResponse(json.loads(json.dumps(content, default=str)))


def inlined(model: type[BaseModel]) -> dict[str, Any]:
    """A body's JSON Schema with no references: for a part of a multipart form, which the framework does not describe."""
    schema = model.model_json_schema()
    known = schema.pop("$defs", {})

    def whole(part: Any) -> Any:
        if isinstance(part, dict):
            name = str(part.get("$ref", "")).rpartition("/")[2]
            return whole(known[name]) if name else {key: whole(one) for key, one in part.items()}
        return [whole(one) for one in part] if isinstance(part, list) else part

    return dict(whole(schema))
