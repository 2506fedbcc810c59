"""The SCIM endpoints, mounted at /scim/v2 as one ASGI application: token, then protocol, then the ledger, then the answer."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import psycopg
from scim2_models import PreconditionFailedException, SCIMException
from scim2_server.handler import ScimHandler
from scim2_server.requests import ScimRequest
from scim2_server.responses import ScimResponse
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from api import errors, tokens
from api.installation import Tenant
from api.requests import site_of
from api.scim.directory import Directory
from api.scim.problems import MEDIA_TYPE, answer
from api.scim.service import Service
from domain.handlers import standing
from domain.handlers.gate import Actor
from domain.handlers.idm import SERVICE_NAME
from domain.handlers.work import Context
from domain.model.errors import DagbokError, Refused

PREFIX = "/scim/v2"
TRIES = 20
Message = MutableMapping[str, Any]
_log = logging.getLogger(__name__)


class Scim:
    """The application. Its calls run in the worker threads, as every route's do."""

    def __init__(self) -> None:
        self._service = Service()

    async def __call__(
        self, scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
    ) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        whole = await self._whole(request)
        await whole(scope, receive, send)

    async def _whole(self, request: Request) -> Response:
        try:
            body = await request.body()
            return await run_in_threadpool(self._answer, request, body)
        except Exception as fault:  # whatever it is, the client of a SCIM server reads SCIM errors
            told = errors.explain(fault, site_of(request).texts(request))
            if told.status >= 500:
                known = isinstance(fault, DagbokError | psycopg.Error)
                _log.error("request-failed", exc_info=None if known else fault, extra={"problem": str(fault)})
            return answer(told)

    def _answer(self, request: Request, body: bytes) -> Response:
        site = site_of(request)
        texts, tenant = site.texts(request), site.tenant(request)
        if tokens.holder(site.settings.secrets, tenant.name, request.headers.get("authorization")) != tokens.IDM:
            raise Refused("idm.token")
        try:
            return self._served(request, body, tenant, lambda code: texts(f"error.{code}"))
        except SCIMException as refused:
            return _plain(self._service.error_response(refused))

    def _served(self, request: Request, body: bytes, tenant: Tenant, words: Callable[[str], str]) -> Response:
        ledger = tenant.ledger
        known = standing.of(ledger).called(SERVICE_NAME)
        context = Context(Actor(known or SERVICE_NAME, SERVICE_NAME), source=f"scim:{request.method}")
        handler = ScimHandler(self._service, Directory(ledger, context, words))
        asked = _request(request, body)
        for tries in range(TRIES):
            try:
                return _plain(handler.handle(asked))
            except Refused as refused:
                # somebody else changed the person between our read and our write; only a client that said If-Match is told
                if refused.code != "precondition.failed" or asked.header("If-Match") or tries == TRIES - 1:
                    if refused.code == "precondition.failed":
                        raise PreconditionFailedException from refused
                    raise
        raise AssertionError("unreachable: the last try returns or raises")


def _request(request: Request, body: bytes) -> ScimRequest:
    return ScimRequest(
        method=request.method,
        base_url=str(request.base_url).rstrip("/") + PREFIX,
        path=request.scope["path"].partition(PREFIX)[2].removesuffix(".scim"),
        query=dict(request.query_params),
        headers=list(request.headers.items()),
        body=body,
    )


def _plain(response: ScimResponse) -> Response:
    content = b"" if response.body is None else json.dumps(response.body).encode()
    return Response(content, response.status.value, response.headers, MEDIA_TYPE)
