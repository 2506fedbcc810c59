"""Schemathesis over every operation of REST: no fault of the server, and no answer but as the interface is described.

Each detector is first shown an application that does what it must find.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from pydantic import BaseModel

from api.app import create_app
from api.installation import Installation
from tests.attack import fuzzing

ORDINARY, DEEP = 8, 200
SEED = int(os.environ.get("DAGBOK_SEED", fuzzing.SEED))
WITHOUT_INPUT = {
    *("GET /api/v1/log/head", "GET /api/v1/log/checkpoint"),
    *(
        "GET /api/v1/organisation",
        "GET /api/v1/urgent-access",
        "GET /api/v1/rights/without-manager",
        "GET /api/v1/rights/reviews",
    ),
}
# Where rights are not in use yet, as here, nothing of them succeeds: tests/rights does what they do.
OF_RIGHTS = ("/organisation", "/people", "/rights", "/records", "/access-requests", "/urgent-access")


class Kept(BaseModel):
    """What the faulty applications promise."""

    count: int


def _sum(body: Kept) -> Response:
    return JSONResponse({"count": body.count})


FAULTS: dict[str, tuple[Callable[..., Response], str]] = {
    "server error": (lambda: PlainTextResponse("oh", 500), "500"),
    "no Retry-After": (lambda: PlainTextResponse("later", 503), "503"),
    "unknown status": (lambda: JSONResponse({"count": 1}, 418), "status code"),
    "other body": (lambda: JSONResponse({"count": "one"}), "schema"),
    "other kind": (lambda: PlainTextResponse("one"), "Content-Type"),
}


def faulty(route: Callable[..., Response]) -> FastAPI:
    """An application with one operation."""
    app = FastAPI(openapi_url="/api/v1/openapi.json")
    app.get("/api/v1/kept", response_model=Kept)(route)
    return app


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_seen(fault: str) -> None:
    route, word = FAULTS[fault]
    with fuzzing.served(faulty(route)) as url:
        told = fuzzing.attack(url, fuzzing.Known(), 1, SEED)
    assert len(told.failures) == 1, told.failures
    assert word in told.failures[0]


def test_what_takes_anything_is_seen_and_what_is_right_is_not() -> None:
    loose = FastAPI(openapi_url="/api/v1/openapi.json")
    model = {"requestBody": {"content": {"application/json": {"schema": Kept.model_json_schema()}}, "required": True}}
    loose.post("/api/v1/kept", response_model=Kept, openapi_extra=model)(lambda: JSONResponse({"count": 1}))
    strict = FastAPI(openapi_url="/api/v1/openapi.json")
    strict.post("/api/v1/kept", response_model=Kept)(_sum)
    with fuzzing.served(loose) as url:
        assert "Invalid data" in fuzzing.attack(url, fuzzing.Known(), 20, SEED).failures[0]
    away = FastAPI(openapi_url="/api/v1/openapi.json")
    away.get("/api/v1/kept", responses={503: {}})(lambda: JSONResponse({}, 503, {"Retry-After": "2"}))
    for app in (strict, away):
        with fuzzing.served(app) as url:
            told = fuzzing.attack(url, fuzzing.Known(), 1, SEED)
        assert told.failures == []
        assert sum(told.cases.values()) >= 1


def fuzz(installation: Installation, sign: Callable[[], Any], examples: int, record: Callable[[str, Any], None]) -> None:
    """Every operation, and what came of it."""
    began = time.monotonic()
    with fuzzing.served(create_app(installation)) as url:
        known = fuzzing.plant(url)
        assert sign().receipts == len(known.of("position"))
        told = fuzzing.attack(url, known, examples, SEED)
    said = f"seed {SEED}, {sum(told.cases.values())} requests in {time.monotonic() - began:.0f} s\n{told}"
    record("fuzz", said)
    print(said)
    assert told.failures == []
    assert len(told.cases) >= 19
    for operation, count in told.cases.items():
        assert count >= (1 if operation in WITHOUT_INPUT else examples), operation
        succeeded = any(one == operation and 200 <= status < 300 for one, status in told.statuses)
        of_rights = any(part in operation for part in OF_RIGHTS)
        assert succeeded or of_rights or examples < DEEP, f"{operation} never succeeded"


def test_every_operation_answers_as_described(
    installation: Installation, sign: Callable[[], Any], record_property: Callable[[str, Any], None]
) -> None:
    fuzz(installation, sign, ORDINARY, record_property)


@pytest.mark.deep
def test_every_operation_answers_as_described_at_length(
    installation: Installation, sign: Callable[[], Any], record_property: Callable[[str, Any], None]
) -> None:
    fuzz(installation, sign, DEEP, record_property)
