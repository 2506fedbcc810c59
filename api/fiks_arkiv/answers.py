"""Answers as they leave: their type and document, and the three fault messages."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from api.errors import explain
from api.fiks_arkiv.encode import encode
from api.fiks_arkiv.message_types import ERROR_INVALID, ERROR_NOT_FOUND, ERROR_SERVER, REQUESTS
from api.fiks_arkiv.xml import parse
from api.web.texts import Catalogues, Texts
from domain.ledger.identity import new_id
from domain.model.errors import DagbokError, Refused

FAULTS = frozenset({ERROR_INVALID, ERROR_NOT_FOUND, ERROR_SERVER})
"""The types that say no."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: full message type id, and its document or the bytes of a file; None where the type has neither."""

    type: str
    payload: bytes | None


def empty(request: str) -> list[Answer]:
    """Received and done, both without content."""
    return [Answer(answer, None) for answer in REQUESTS[request].answers]


def document(type_id: str, tree: Mapping[str, Any]) -> Answer:
    """An answer with a document."""
    return Answer(type_id, encode(type_id, _filled(tree)))


def _filled(tree: Any) -> Any:
    """The tree without empty texts, which the schemas refuse where they let the element be absent. A code may be empty."""
    if isinstance(tree, Mapping):
        return {name: _filled(value) for name, value in tree.items() if value != "" or name == "kode"}
    return [_filled(one) for one in tree] if isinstance(tree, list) else tree


def invalid(reason: str) -> Answer:
    """The request is faulty. reason: one sentence that names element and rule."""
    return _fault(ERROR_INVALID, reason)


def not_found(reason: str) -> Answer:
    """What the request refers to does not exist."""
    return _fault(ERROR_NOT_FOUND, reason)


def server(reason: str) -> Answer:
    """The archive could not do it now, or failed. reason: without inner details."""
    return _fault(ERROR_SERVER, reason)


def failed(problem: Exception) -> Answer:
    """An unexpected error: its details stand in the operator's log under the `feilId` of the answer."""
    answer = server(told(problem))
    _log.error("fiks-arkiv-failed", exc_info=problem, extra={"fault": answer.payload})
    return answer


def reason(fault: Answer) -> str:
    """What a fault message says."""
    assert fault.payload is not None
    return next((child.text or "" for child in parse(fault.payload) if str(child.tag).endswith("feilmelding")), "")


def told(problem: Exception) -> str:
    """A refusal or fault in one sentence, with the requirement that it rests on and what can be done instead."""
    explained = explain(problem, _texts())
    requirement = problem.requirement if isinstance(problem, Refused) else ""
    words = explained.detail.strip()
    named = f" ({requirement})" if requirement and requirement not in words else ""
    wait = f" Prøv igjen om {explained.retry_after_s} s." if explained.retry_after_s and isinstance(problem, DagbokError) else ""
    return f"{words}{named}{wait}"


def _fault(type_id: str, reason: str) -> Answer:
    return document(type_id, {"feilId": str(new_id()), "feilmelding": reason or "Ukjent feil."})


@cache
def _texts() -> Texts:
    """The words of the answers: integrators of municipalities read bokmål."""
    return Catalogues().texts("nb")
