"""Our refusals as SCIM errors (RFC 7644 section 3.12): status, scimType and words that an operator of the IDM can act on."""

from __future__ import annotations

from typing import Any

from scim2_models import Error
from starlette.responses import JSONResponse

from api.errors import Explanation

MEDIA_TYPE = "application/scim+json"
_UNIQUE = frozenset({"user.name_taken", "idm.key_taken", "idm.number_taken", "conflict.claim", "exists"})


def answer(told: Explanation) -> JSONResponse:
    """The answer to a request that was refused or failed."""
    status, content = problem(told)
    challenge = {"WWW-Authenticate": 'Bearer realm="SCIM"'} if status == 401 else {}
    return JSONResponse(content, status, {**told.headers, **challenge}, MEDIA_TYPE)


def problem(told: Explanation) -> tuple[int, dict[str, Any]]:
    """(status, body). A broken rule is 400 `invalidValue`: SCIM has no 422."""
    unique = told.code in _UNIQUE
    status = 409 if unique else 400 if told.status == 422 else told.status
    kind = "uniqueness" if unique else "invalidValue" if status == 400 else None
    detail = " ".join(part for part in (told.detail, told.way_out) if part)
    return status, Error(status=status, scim_type=kind, detail=f"{detail} [{told.code}]").model_dump()
