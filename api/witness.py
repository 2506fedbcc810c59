"""The HTTP face of a witness: `POST /add-checkpoint`, and nothing else. It needs no database."""

from __future__ import annotations

from pathlib import Path

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from domain.ledger.clock import Clock, SystemClock
from domain.ledger.witness import REQUEST_LIMIT, Witness


def create_witness_app(folder: Path, clock: Clock | None = None) -> Starlette:
    """The application of the witness in `folder`. Raises LedgerError where the folder is not a witness's."""
    witness = Witness(folder, clock or SystemClock())

    async def add_checkpoint(request: Request) -> Response:
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > REQUEST_LIMIT:
                return PlainTextResponse("the request is too long\n", 413)
        answer = await run_in_threadpool(witness.add_checkpoint, body)
        # the type as it stands: a charset after it would hide the size from a client that compares exactly
        return Response(answer.text.encode(), answer.status, {"content-type": answer.content_type})

    return Starlette(routes=[Route("/add-checkpoint", add_checkpoint, methods=["POST"])])
