"""The web application: REST, pages and health over one opened installation.

OpenAPI 3.1 stands at `/api/v1/openapi.json`. Routes are plain functions in at most 128 worker threads (CONTRACT §5).
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus

import anyio.to_thread
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import Match
from starlette.staticfiles import StaticFiles

from api import health
from api.fence import Fence, answer
from api.installation import Installation
from api.requests import Demo, Site, actor_for, tenant_for
from api.rest import cases, documents, entries, handover, journal, log, organisation, preview, reviews, rights, urgent
from api.rest.answers import PROBLEMS
from api.rest.fiks_arkiv import create_router
from api.scim.routes import Scim
from api.web import (
    pages,
    pages_access,
    pages_acting,
    pages_cases,
    pages_demo,
    pages_entries,
    pages_files,
    pages_handover,
    pages_history,
    pages_inbox,
    pages_journal,
    pages_log,
    pages_login,
    pages_orders,
    pages_organisation,
    pages_people,
    pages_preview,
    pages_readings,
    pages_review,
    pages_roles,
    pages_session,
    pages_urgent,
)
from api.web.shell import STATIC

THREADS = 128
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
API = "/api/v1"
REST = (
    cases.router,
    entries.router,
    documents.router,
    journal.router,
    log.router,
    rights.router,
    preview.router,
    handover.router,
    reviews.router,
    organisation.router,
    urgent.router,
)
PAGES = (
    pages.router,
    pages_cases.router,
    pages_entries.router,
    pages_files.router,
    pages_journal.router,
    pages_history.router,
    pages_log.router,
    pages_login.router,
    pages_session.router,
    pages_acting.router,
    pages_people.router,
    pages_orders.router,
    pages_handover.router,
    pages_preview.router,
    pages_inbox.router,
    pages_organisation.router,
    pages_roles.router,
    pages_access.router,
    pages_readings.router,
    pages_review.router,
    pages_urgent.router,
)


def create_app(installation: Installation, *, demo: Demo | None = None) -> FastAPI:
    """The application over an installation that is open and stays open as long as the application runs.

    demo: makes it a demonstration, whose visitors choose who they are and move the clock.
    """
    app = FastAPI(
        title="Dagbok",
        version="1",
        description="The records ledger of a municipality.",
        openapi_url=f"{API}/openapi.json",
        docs_url=None,  # their pages load scripts from other sites
        redoc_url=None,
        lifespan=_threads,
    )
    app.state.site = site = Site(installation, demo)
    for router in REST:
        app.include_router(router, prefix=API, responses=PROBLEMS)
    app.include_router(create_router(tenant_for, actor_for), prefix=API, responses=PROBLEMS)
    app.include_router(health.router)
    for router in PAGES:
        app.include_router(router)
    if demo is not None:
        app.include_router(pages_demo.router)
    app.mount("/scim/v2", Scim(), name="scim")
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    app.add_exception_handler(HTTPException, _answered)
    app.add_exception_handler(RequestValidationError, _answered)
    app.add_middleware(Fence, site=site)
    return app


def _answered(request: Request, problem: Exception) -> Response:
    response = answer(request, problem)
    if response.status_code == HTTPStatus.METHOD_NOT_ALLOWED:  # RFC 9110 section 15.5.6
        response.headers["Allow"] = ", ".join(_allowed(request))
    return response


def _allowed(request: Request) -> list[str]:
    """Every method that some route takes at this address; the framework names those of the first route alone."""
    routes = request.app.router.routes
    asked = {method: {**request.scope, "method": method} for method in METHODS}
    return [one for one, scope in asked.items() if any(route.matches(scope)[0] == Match.FULL for route in routes)]


@asynccontextmanager
async def _threads(app: FastAPI) -> AsyncIterator[None]:
    """Every worker thread may wait for the writer's next commit, so there are more of them than the usual 40."""
    anyio.to_thread.current_default_thread_limiter().total_tokens = THREADS
    yield
    app.state.site.close()
